//! What an Evaluator says when a subject's judged grade or evidence changes, with what caused it.

use serde::{Deserialize, Serialize};

use crate::doubt::Doubt;
use crate::grade::Grade;
use crate::id::{PointId, Revision, RuleId, Seq, StationId, SubjectId};
use crate::quality::{Checks, Flag};
use crate::time::Timestamp;

/// How good the ground under a grade is; never a grade itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Evidence {
    /// All inputs good.
    Good,
    /// Fewer inputs than there should be, still enough.
    Degraded {
        /// Still good.
        left: u32,
        /// Should be.
        of: u32,
    },
    /// An input is there and not usable.
    Fault {
        /// What is wrong with it.
        cause: FaultCause,
    },
    /// Nothing heard.
    NoData {
        /// The last moment anything good was heard.
        since: Timestamp,
    },
    /// The rule itself failed.
    RuleError {
        /// The first line of the error, with line and column.
        message: String,
    },
    /// Not heard since the start.
    #[default]
    Starting,
    /// Taken out of service by a person.
    OutOfService,
    /// Being calibrated.
    Calibrating,
}

impl Evidence {
    /// Whether a grade standing on this is held without fresh ground.
    pub const fn is_lost(&self) -> bool {
        match self {
            Self::Good | Self::Degraded { .. } | Self::Starting => false,
            Self::Fault { .. }
            | Self::NoData { .. }
            | Self::RuleError { .. }
            | Self::OutOfService
            | Self::Calibrating => true,
        }
    }
}

/// Why an input is not usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultCause {
    /// Values that no sensor of this kind can have.
    Range,
    /// NaN, infinities, text, sentinels.
    BadValue,
    /// The sensor's clock is wrong.
    Clock,
    /// It does not move although it should.
    Stuck,
    /// At the end of its span.
    Saturated,
    /// The device says so.
    Device,
    /// Its link is down.
    Link,
    /// A window with too little in it.
    Unknown,
    /// It says that it is being calibrated, and nobody answers for that.
    Unattended,
}

/// A reading that caused a finding, or was read by the measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    /// Station.
    pub station: StationId,
    /// Point on it.
    pub point: PointId,
    /// When it was observed.
    pub at: Timestamp,
    /// In the point's unit.
    pub value: f64,
    /// How far it could be trusted.
    pub flag: Flag,
    /// Which checks spoke.
    pub checks: Checks,
}

/// What kind of change this is. One change, one finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The judged grade rose.
    Raised,
    /// The judged grade fell, or ended.
    Lifted,
    /// A higher condition has begun and its delay runs, or it ended before it was met.
    Pending,
    /// Only the evidence changed.
    Evidence,
    /// Evidence was lost while a higher condition's delay ran: a fault of its own, at once.
    LostWhileRising,
    /// A late value would have crossed, too old to act on.
    MissedCrossing,
    /// A value in doubt would raise more than it may, or raised what a doubt does not hold back: a person should look.
    /// The grade it points to is the pending one.
    Verify,
    /// A raise rested on a value that the next one showed to be a spike: the judged grade is what it would be without.
    Retracted,
    /// The rule was changed: this is what stands by its new text.
    Rewritten,
    /// A value said in a calibration is over a threshold; the grade it would raise is the pending one. Nothing is judged by
    /// it, and those on duty must hear: gas may come while the head is being looked after.
    OverInCalibration,
    /// The judged grade is as before, and more or less speaks for telling the public of it.
    Proven,
}

/// A subject's judged grade or evidence changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Which rule.
    pub rule: RuleId,
    /// On what.
    pub subject: SubjectId,
    /// Counted from 1 for each (rule, subject) in snapshotted state; with them the finding's identity.
    pub n: u64,
    /// The journal row that caused it.
    pub seq: Seq,
    /// The rules it was judged by.
    pub revision: Revision,
    /// What changed.
    pub change: Change,
    /// The grade before.
    pub from: Option<Grade>,
    /// The judged grade now.
    pub judged: Option<Grade>,
    /// A higher grade whose delay is running.
    pub pending: Option<Grade>,
    /// The ground under it.
    pub evidence: Evidence,
    /// Event time of the change: the sample's own.
    pub at: Timestamp,
    /// Event time at which the present condition began.
    pub onset: Timestamp,
    /// The measure's value, in the rule's unit; none where no measure could be taken.
    pub value: Option<f64>,
    /// The threshold that was crossed.
    pub threshold: Option<f64>,
    /// What the measure read, newest of each point.
    pub causes: Vec<Cause>,
    /// When we heard what raised the grade: wall time of its row. Of a raise alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_at: Option<Timestamp>,
    /// Why the public is not told of the judged grade yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Doubt>,
}
