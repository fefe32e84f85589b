//! Whether a reading carries a number that says anything about the world, and why not.

use watchfire_model::finding::FaultCause;
use watchfire_model::quality::{Checks, Flag};
use watchfire_model::quantity::{Bad, Finite};
use watchfire_model::reading::{PointState, Reading};
use watchfire_model::site::Point;

/// Why a reading carries no usable number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) flag: Flag,
    pub(crate) checks: Checks,
    pub(crate) cause: Cause,
}

/// What a refused reading says of its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The device says so: a fault at once.
    Now(FaultCause),
    /// A fault once it has happened [`N_FAIL`](super::N_FAIL) times in a row.
    Counted(FaultCause),
    /// The device says that it is being calibrated.
    Calibrating,
    /// A person is at it, or was.
    Held,
}

/// The number of a reading, if it has one that says anything about the world.
pub(super) fn usable(point: &Point, reading: &Reading) -> Result<Finite, Refusal> {
    let refuse = |flag, checks, cause| Err(Refusal { flag, checks, cause });
    match (reading.state, reading.value) {
        (PointState::Calibrating, Ok(_)) => refuse(Flag::NotEvaluated, Checks::DEVICE_STATE, Cause::Calibrating),
        (PointState::Calibrating, Err(_)) => refuse(Flag::Missing, Checks::DEVICE_STATE, Cause::Calibrating),
        (state, value) if !state.measures() => {
            let flag = if value.is_ok() { Flag::Fail } else { Flag::Missing };
            refuse(flag, Checks::DEVICE_STATE, Cause::Now(FaultCause::Device))
        }
        (PointState::OverRange, value) => {
            let full = point.range.and_then(|(_, high)| Finite::new(high).ok());
            match (value.ok(), full) {
                (Some(value), Some(full)) => Ok(if value.get() >= full.get() { value } else { full }),
                (Some(only), None) | (None, Some(only)) => Ok(only),
                (None, None) => refuse(
                    Flag::Missing,
                    Checks::SATURATED.with(Checks::DEVICE_STATE),
                    Cause::Now(FaultCause::Saturated),
                ),
            }
        }
        (_, Ok(value)) => Ok(value),
        (_, Err(Bad::DeviceFault)) => refuse(Flag::Missing, Checks::DEVICE_STATE, Cause::Now(FaultCause::Device)),
        (_, Err(Bad::Sentinel)) => refuse(Flag::Missing, Checks::SENTINEL, Cause::Counted(FaultCause::BadValue)),
        (_, Err(Bad::Refused)) => refuse(Flag::Missing, Checks::DEVICE_STATE, Cause::Counted(FaultCause::Device)),
        (_, Err(Bad::NotANumber | Bad::Infinite | Bad::Absent | Bad::WrongType | Bad::Overflow)) => {
            refuse(Flag::Missing, Checks::NON_FINITE, Cause::Counted(FaultCause::BadValue))
        }
    }
}
