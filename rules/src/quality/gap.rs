//! Something was not heard before this reading. The reading itself is none the worse.

use watchfire_model::quality::{Checks, Flag};
use watchfire_model::site::Point;
use watchfire_model::time::Span;

use super::{Check, Sight};

pub(super) const CHECK: Check = Check { name: "gap", bit: Checks::GAP, judge };

/// Longest gap that counts as covered: two and a half intervals (SEMANTICS §2).
pub(crate) fn max_gap(point: &Point) -> Span {
    Span(point.interval.0.saturating_mul(5) / 2)
}

fn judge(sight: &Sight<'_>) -> Option<Flag> {
    let before = sight.before?;
    (sight.at - before.at > max_gap(sight.point)).then_some(Flag::Good)
}
