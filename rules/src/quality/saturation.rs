//! At the end of its span a sensor can only say "at least": it may raise anything and can clear nothing.

use watchfire_model::ladder::Direction;
use watchfire_model::quality::{Checks, Flag};
use watchfire_model::reading::PointState;

use super::{Check, Sight};

pub(super) const CHECK: Check = Check { name: "saturation", bit: Checks::SATURATED, judge };

fn judge(sight: &Sight<'_>) -> Option<Flag> {
    let at_the_end = match sight.point.direction {
        Direction::Rising => sight.point.range.is_some_and(|(_, high)| sight.value >= high),
        Direction::Falling => false,
    };
    (at_the_end || sight.state == PointState::OverRange).then_some(Flag::Suspect)
}
