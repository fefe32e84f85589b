//! Quality control: a reading becomes an observation, or a reason why not. One gate for shards and series writers; what
//! it knows of a point is in [`point`], what it looks for is one file per check, and how a reading goes through is [`gate`].

use watchfire_model::quality::{Checks, Flag};
use watchfire_model::reading::PointState;
use watchfire_model::site::Point;
use watchfire_model::time::Timestamp;

use crate::series::Sample;

mod admission;
mod clock;
mod closer;
mod gap;
mod gate;
mod judged;
mod memory;
mod plausible;
mod point;
mod range;
mod rate;
mod refusal;
mod saturation;
mod sensor;
mod sentinel;
mod window;

pub use closer::{CLOSER, Closer, MOST_NEIGHBOURS};
pub(crate) use gap::max_gap;
pub use gate::Gate;
pub use judged::{Conviction, Judged, Outcome};
pub use memory::late_window;
pub(crate) use memory::{keep_for, reaches};
pub use point::{Health, PointGate};
pub(crate) use refusal::{Cause, Refusal};

/// Readings needed in a row before a point is trusted: after a start, and after a fault.
pub const N_GOOD: u8 = 3;
/// Bad values in a row that make a fault.
pub const N_FAIL: u8 = 3;

/// Every check of a value, in order. A tidy test compares this list with the folder.
pub const CHECKS: &[Check] =
    &[sentinel::CHECK, range::CHECK, saturation::CHECK, plausible::CHECK, rate::CHECK, gap::CHECK];

/// One check.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// Its bit.
    pub bit: Checks,
    /// The flag it gives; none where it has nothing to say.
    pub judge: fn(&Sight<'_>) -> Option<Flag>,
}

/// What a check sees.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// Whose value it is.
    pub point: &'a Point,
    /// The value.
    pub value: f64,
    /// Event time.
    pub at: Timestamp,
    /// The device's own word.
    pub state: PointState,
    /// The accepted sample before it in event time.
    pub before: Option<Sample>,
    /// The last good one: time and value.
    pub good: Option<(Timestamp, f64)>,
}

/// Whether a difference is larger than what is written; that of two decimals is seldom exactly what it is on paper.
fn exceeds(difference: f64, limit: f64) -> bool {
    difference > limit + limit.abs() * 1e-9
}

#[cfg(test)]
mod tests;
