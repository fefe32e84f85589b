//! An alarm (告警): the standing state of one rule on one subject. Grade, evidence, attention and suppression are
//! separate dimensions; no one of them ever stands in for another.

use serde::{Deserialize, Serialize};

use crate::finding::{Cause, Evidence};
use crate::grade::Grade;
use crate::id::{AreaId, HazardId, PersonId, Revision, RuleId, SubjectId};
use crate::time::{Steady, Timestamp};

/// Which alarm.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AlarmKey {
    /// The rule.
    pub rule: RuleId,
    /// The thing warned about.
    pub subject: SubjectId,
}

/// The standing state of one rule on one subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// Which.
    pub key: AlarmKey,
    /// Its hazard.
    pub hazard: HazardId,
    /// Where a warning from it goes.
    pub area: AreaId,
    /// The subject's name for people, such as 青石站.
    pub name: String,
    /// The Evaluator's grade: quality, margins, delays and holds are in it.
    pub judged: Option<Grade>,
    /// A higher grade whose delay runs.
    pub pending: Option<Grade>,
    /// A person's word against the judged grade, while it is in force.
    pub override_by: Option<Override>,
    /// The ground under the grade.
    pub evidence: Evidence,
    /// When the evidence last changed.
    pub evidence_since: Timestamp,
    /// Whether a person has taken note of the hazard.
    pub attention: Attention,
    /// Whether a person has taken note of the fault. Acknowledging one never touches the other.
    pub fault_attention: Attention,
    /// The highest grade since it last ended or was reset.
    pub latch: Option<Grade>,
    /// Event time at which the present condition began.
    pub onset: Timestamp,
    /// When the judged grade last changed: event time.
    pub at: Timestamp,
    /// When we last changed it: wall time.
    pub changed_at: Timestamp,
    /// The measure's last value.
    pub value: Option<f64>,
    /// The threshold of the grade.
    pub threshold: Option<f64>,
    /// The measure's unit.
    pub unit: String,
    /// What the measure read.
    pub causes: Vec<Cause>,
    /// Counts changes of grade, area and lost evidence; values alone change nothing.
    pub version: u64,
    /// The last finding's n; one not above it is a repeat.
    pub last_n: u64,
    /// By which rules.
    pub revision: Revision,
}

impl Alarm {
    /// The grade that stands: a person's word while it is in force, else the judged one.
    pub fn standing(&self) -> Option<Grade> {
        self.override_by.as_ref().map_or(self.judged, |word| word.grade)
    }
}

/// A person's word against the judged grade. It ends at the next higher judged grade, at judged clear, or at its expiry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// The grade set.
    pub grade: Option<Grade>,
    /// The judged grade it was set against.
    pub against: Option<Grade>,
    /// Who.
    pub by: PersonId,
    /// Why.
    pub why: String,
    /// Until when; mandatory.
    pub until: Steady,
}

/// Whether a person has taken note.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Attention {
    /// Nothing to take note of.
    #[default]
    Quiet,
    /// Nobody has.
    Unacked {
        /// Since when.
        since: Timestamp,
    },
    /// Somebody has.
    Acked {
        /// Who.
        by: PersonId,
        /// When.
        at: Timestamp,
        /// The grade acknowledged.
        grade: Option<Grade>,
        /// The version seen.
        version: u64,
    },
}
