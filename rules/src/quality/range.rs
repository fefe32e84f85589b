//! Gross range (QARTOD): beyond the sensor's span a number is no measurement, unless the device itself says that the
//! span was exceeded.

use watchfire_model::quality::{Checks, Flag};
use watchfire_model::reading::PointState;

use super::{Check, Sight};

pub(super) const CHECK: Check = Check { name: "range", bit: Checks::RANGE, judge };

fn judge(sight: &Sight<'_>) -> Option<Flag> {
    let (low, high) = sight.point.range?;
    let outside = sight.value < low || sight.value > high;
    (outside && sight.state != PointState::OverRange).then_some(Flag::Fail)
}
