//! An alarm (告警): the standing state of one rule on one subject. Grade, evidence, attention and suppression are
//! separate dimensions; no one of them ever stands in for another.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::attention::{Attention, Concern, Latching};
use crate::doubt::Doubt;
use crate::finding::{Cause, Evidence};
use crate::grade::Grade;
use crate::id::{AreaId, HazardId, IncidentId, PersonId, Revision, RuleId, SubjectId};
use crate::suppression::{AskedOut, Suppression};
use crate::time::{Steady, Timestamp};

/// Which alarm.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AlarmKey {
    /// The rule.
    pub rule: RuleId,
    /// The thing warned about.
    pub subject: SubjectId,
}

impl std::fmt::Display for AlarmKey {
    /// `rule/subject`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.rule, self.subject)
    }
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
    /// The grade towards which it was rising when its evidence was lost: a fault of its own kind, until the evidence is back
    /// and it rises no more, or has risen.
    #[serde(default)]
    pub lost_rising: Option<Grade>,
    /// The incident that explains why its evidence is lost; people take note of that, and not of each alarm.
    #[serde(default)]
    pub incident: Option<IncidentId>,
    /// Whether a person has taken note of the hazard.
    pub attention: Attention,
    /// Whether a person has taken note of the fault. Acknowledging one never touches the other.
    pub fault_attention: Attention,
    /// The highest grade since it last ended or was reset.
    pub latch: Option<Grade>,
    /// How the hazard latches, as its profile said when it was last heard of.
    #[serde(default)]
    pub latching: Latching,
    /// Since when a fault is latched.
    #[serde(default)]
    pub fault_latch: Option<Timestamp>,
    /// How its faults latch. An alarm of before there was a choice latched none.
    #[serde(default = "no_latch")]
    pub fault_latching: Latching,
    /// When the acknowledgement of the hazard runs out.
    #[serde(default)]
    pub realarm_at: Option<Steady>,
    /// How often it has run out in this grade.
    #[serde(default)]
    pub realarms: u32,
    /// Who has it in hand.
    #[serde(default)]
    pub assigned: Option<Assigned>,
    /// The last turns of its grade, up or down.
    #[serde(default)]
    pub swings: Vec<Swing>,
    /// It chatters, until then if it turns no more.
    #[serde(default)]
    pub chatters_until: Option<Steady>,
    /// What keeps it from being announced.
    #[serde(default)]
    pub suppressed: Vec<Suppression>,
    /// Somebody asked for it to be taken out of service, and a second person must agree.
    #[serde(default)]
    pub asked_out: Option<AskedOut>,
    /// Since when it has had no rule or no subject: a reload has taken it away, and what stood is held.
    #[serde(default)]
    pub orphaned: Option<Timestamp>,
    /// Its rule was changed while a grade from orange on stood: only a person lets that fall.
    #[serde(default)]
    pub held_over: Option<HeldOver>,
    /// Why the public is not told of the judged grade yet.
    #[serde(default)]
    pub doubt: Option<Doubt>,
    /// When it has stood for long enough to be told.
    #[serde(default)]
    pub doubted_until: Option<Steady>,
    /// Event time at which the present condition began.
    pub onset: Timestamp,
    /// When the judged grade last changed: event time.
    pub at: Timestamp,
    /// When we last changed it: wall time.
    pub changed_at: Timestamp,
    /// When we heard what raised it; none where it was not raised by what was heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_at: Option<Timestamp>,
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
    /// The version at which it last got worse: whoever has not seen this one must look again.
    #[serde(default)]
    pub worse_at: u64,
    /// The last finding's n; one not above it is a repeat.
    pub last_n: u64,
    /// By which rules.
    pub revision: Revision,
}

impl Alarm {
    /// The grade that stands: a person's word while it is in force, else the judged one.
    pub const fn standing(&self) -> Option<Grade> {
        match &self.override_by {
            Some(word) => word.grade,
            None => self.judged,
        }
    }

    /// The highest grade that enough speaks for to tell the public: a person's word does.
    pub fn sure(&self) -> Option<Grade> {
        match (&self.override_by, &self.doubt) {
            (None, Some(doubt)) => self.judged.min(doubt.sure),
            (Some(_), _) | (None, None) => self.standing(),
        }
    }

    /// The ground under it as people see it: of an alarm that a person has taken out of service, that, whatever is heard.
    pub fn ground(&self) -> Cow<'_, Evidence> {
        if self.is_out_of_service() { Cow::Owned(Evidence::OutOfService) } else { Cow::Borrowed(&self.evidence) }
    }

    /// Whether a person has taken note of one of its sides.
    pub const fn attention_to(&self, concern: Concern) -> &Attention {
        match concern {
            Concern::Hazard => &self.attention,
            Concern::Fault => &self.fault_attention,
        }
    }

    /// Whether there is anything for an officer to see: a grade or one that is on its way, lost evidence, or something that
    /// a person set or has still to see to.
    pub const fn is_noteworthy(&self) -> bool {
        self.standing().is_some()
            || self.pending.is_some()
            || self.evidence.is_lost()
            || self.latch.is_some()
            || self.fault_latch.is_some()
            || self.fault_attention.is_unacked()
            || self.assigned.is_some()
            || !self.suppressed.is_empty()
            || self.asked_out.is_some()
            || self.orphaned.is_some()
    }
}

const fn no_latch() -> Latching {
    Latching::None
}

/// A turn of a grade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swing {
    /// When.
    pub at: Steady,
    /// Up, not down.
    pub rose: bool,
}

/// A grade from orange on that stood when its rule was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldOver {
    /// The revision that changed the rule.
    pub revision: Revision,
    /// Since when.
    pub since: Timestamp,
    /// What the changed rule judges: where that is lower, the fall waits for a person.
    pub judged: Option<Grade>,
}

/// Who has an alarm in hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assigned {
    /// Who.
    pub to: PersonId,
    /// By whom: by themselves, where they took it over.
    pub by: PersonId,
    /// When.
    pub at: Timestamp,
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
