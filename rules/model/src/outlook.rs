//! Where an alarm is on its way between two findings: the delays that run towards a higher grade and towards a lower one,
//! how far they have come, and when they are over if nothing changes. Asked for, never recorded: it decides nothing.

use serde::{Deserialize, Serialize};

use crate::grade::Grade;
use crate::id::{RuleId, SubjectId};
use crate::time::{Span, Timestamp};

/// What is under way on one alarm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outlook {
    /// Which rule.
    pub rule: RuleId,
    /// On what.
    pub subject: SubjectId,
    /// A higher condition has begun and its delay runs.
    pub rising: Option<Rising>,
    /// The measure is short of what holds the grade.
    pub recovering: Option<Recovering>,
}

/// On the way to a higher grade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rising {
    /// To which.
    pub grade: Grade,
    /// Event time of the first sample that met it.
    pub since: Timestamp,
    /// Samples that meet it: in a row, or among the last few where the delay says so.
    pub samples: u32,
    /// So many of them are enough, where the delay counts samples.
    pub of_samples: Option<u32>,
    /// Event time covered by them.
    #[serde(rename = "covered_ms")]
    pub covered: Span,
    /// So much of it is enough, where the delay is a time.
    #[serde(rename = "of_covered_ms")]
    pub of_covered: Option<Span>,
    /// The sample with which the grade is entered, if the measure stays as high, is to be believed, and its points report
    /// as often as they should; none where the newest sample does not count, and once that time has passed.
    pub over_at: Option<Timestamp>,
    /// When that sample was due, where it has not come.
    #[serde(default)]
    pub overdue_since: Option<Timestamp>,
}

/// On the way to a lower grade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovering {
    /// To which, if the measure stays where it is; none = clear.
    pub towards: Option<Grade>,
    /// Event time of the first sample short of the grade, counted back over covered time: where readings were missing
    /// meanwhile it was earlier.
    pub since: Timestamp,
    /// Covered event time short of the grade …
    #[serde(rename = "covered_ms")]
    pub covered: Span,
    /// … and how much of it ends the grade.
    #[serde(rename = "of_covered_ms")]
    pub of_covered: Span,
    /// What is left of the least time in the grade.
    #[serde(rename = "hold_left_ms")]
    pub hold_left: Span,
    /// The sample with which the grade is left, if the measure stays as low, is good, and its points report as often as
    /// they should; none where the newest sample may not end a grade, and once that time has passed.
    pub lower_at: Option<Timestamp>,
    /// When that sample was due, where it has not come.
    #[serde(default)]
    pub overdue_since: Option<Timestamp>,
}

impl Outlook {
    /// Whether anything is under way.
    pub const fn is_at_rest(&self) -> bool {
        self.rising.is_none() && self.recovering.is_none()
    }
}
