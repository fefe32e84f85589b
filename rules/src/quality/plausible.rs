//! Beyond what the site has ever seen or can imagine: not impossible, but not to be believed alone.

use watchfire_model::quality::{Checks, Flag};

use super::{Check, Sight};

pub(super) const CHECK: Check = Check { name: "plausible", bit: Checks::RANGE, judge };

fn judge(sight: &Sight<'_>) -> Option<Flag> {
    let (low, high) = sight.point.plausible?;
    (sight.value < low || sight.value > high).then_some(Flag::Suspect)
}
