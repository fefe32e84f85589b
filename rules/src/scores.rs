//! How well warnings did against what really happened: detected, missed and false, and how long before.
//!
//! Told by the usual measures of forecast verification (NWS Directive 10-1601; Wilks, *Statistical Methods in the
//! Atmospheric Sciences*): of what happened, POD = hits / (hits + misses); of the warnings, FAR = false / (false +
//! verified); and CSI = 1 / (1/POD + 1/(1 − FAR) − 1), which is hits / (hits + misses + false) where one warning answers
//! one event. Lead time counts from a rise only.

use serde::Serialize;
use watchfire_model::grade::Grade;
use watchfire_model::id::{AreaId, HazardId};
use watchfire_model::time::{Span, Timestamp};

mod calls;
mod course;
mod courses;
mod difference;
mod docket;
mod rehearsal;
mod released;
#[cfg(test)]
mod tests;
mod verification;

pub use calls::{Calls, CallsTold};
pub use course::{Course, Stretch};
pub use courses::Courses;
pub use difference::{Difference, Kind, Pair, Side, compare};
pub use docket::{Docket, OutOfTurn};
pub use rehearsal::{Rehearsal, Told};
pub use released::{Graded, Outcome, Released, Window};
pub use verification::{Answered, Unverified, Verification, verify};

/// Something that really happened (a flood, a landslide), as people wrote it down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Occurrence {
    /// When it began; of one whose hour nobody knows the beginning of its day.
    pub from: Timestamp,
    /// When it was over, or the latest that it may have begun; not before `from`.
    pub until: Timestamp,
    /// Where; none = anywhere.
    pub area: Option<AreaId>,
    /// Of which hazard; none = any.
    pub hazard: Option<HazardId>,
    /// What people call it.
    pub name: String,
}

/// How a warning and an occurrence are brought together: a warning answers an occurrence of its hazard and area if it rose
/// to the grade no earlier than `lead` before it began and no later than `tolerance` after it was over, or was in force
/// meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Matching {
    /// The longest lead that counts.
    pub lead: Span,
    /// How late a warning may come.
    pub tolerance: Span,
}

impl Default for Matching {
    /// Three days before, and not a minute late.
    fn default() -> Self {
        Self { lead: Span::hours(72), tolerance: Span::ZERO }
    }
}

/// What one grade, and all above it, came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Score {
    /// The grade.
    pub grade: Grade,
    /// Occurrences that were warned of.
    pub hits: u64,
    /// Occurrences that were not.
    pub misses: u64,
    /// Hits under a warning that had stood for longer than the longest lead: they have no lead time.
    pub standing: u64,
    /// Warnings that answered an occurrence.
    pub verified: u64,
    /// Warnings that answered none.
    pub false_alarms: u64,
    /// Warnings that answered none, and the recording ends before the longest lead is over: they count as neither.
    pub undecided: u64,
    /// Probability of detection, 0 to 1; none where nothing happened.
    pub pod: Option<f64>,
    /// False-alarm ratio, 0 to 1; none where nothing was warned of.
    pub far: Option<f64>,
    /// Critical success index, 0 to 1; none where there was neither.
    pub csi: Option<f64>,
    /// From the rise to the beginning of what happened.
    pub lead: Leads,
}

/// Lead times. Exact: there are no more than occurrences. A warning that came after the beginning has a negative one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Leads {
    /// How many.
    pub count: u64,
    /// Half of them were no shorter.
    pub median: Option<Span>,
    /// The shortest.
    pub least: Option<Span>,
    /// The longest.
    pub most: Option<Span>,
}

impl Leads {
    /// Of these.
    pub(crate) fn of(mut leads: Vec<Span>) -> Self {
        leads.sort_unstable();
        let (low, high) = (leads.get(leads.len().saturating_sub(1) / 2), leads.get(leads.len() / 2));
        let median = low.zip(high).map(|(low, high)| Span(low.0 + (high.0 - low.0) / 2));
        let count = u64::try_from(leads.len()).unwrap_or(u64::MAX);
        Self { count, median, least: leads.first().copied(), most: leads.last().copied() }
    }
}
