//! Faster than anything of the kind can change. A value is doubted only if it is too far from the last good one *and*
//! from the last accepted one: the return from a spike is believed, and so is the second sample of a true step.

use watchfire_model::quality::{Checks, Flag};
use watchfire_model::time::Timestamp;

use super::{Check, Sight, exceeds};

pub(super) const CHECK: Check = Check { name: "rate", bit: Checks::RATE, judge };

fn judge(sight: &Sight<'_>) -> Option<Flag> {
    let (fall, rise) = sight.point.max_rate?;
    let too_fast = |(at, value): (Timestamp, f64)| {
        let hours = (sight.at - at).as_hours();
        let change = sight.value - value;
        hours > 0.0 && (exceeds(change, rise * hours) || exceeds(-change, fall * hours))
    };
    let before = sight.before.map(|before| (before.at, before.value))?;
    (too_fast(before) && sight.good.is_none_or(too_fast)).then_some(Flag::Suspect)
}
