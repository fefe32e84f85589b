//! A device's own mark for "no value", such as -9999, which is a number like any other on the wire.

use watchfire_model::quality::{Checks, Flag};

use super::{Check, Sight};

pub(super) const CHECK: Check = Check { name: "sentinel", bit: Checks::SENTINEL, judge };

fn judge(sight: &Sight<'_>) -> Option<Flag> {
    let is_mark = |mark: &f64| (mark - sight.value).abs() <= 1e-9 * mark.abs();
    sight.point.sentinels.iter().any(is_mark).then_some(Flag::Missing)
}
