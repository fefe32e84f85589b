//! Something was not heard before this reading. The reading itself is none the worse.

use watchfire_model::quality::{Checks, Flag};
use watchfire_model::site::{Point, Reports};
use watchfire_model::time::Span;

use super::{Check, Sight};

pub(super) const CHECK: Check = Check { name: "gap", bit: Checks::GAP, judge };

/// Longest gap that counts as covered: two and a half intervals (SEMANTICS §2). A point that reports on change has said
/// by its heartbeats that nothing did, for as long as it does not count as silent: a rain gauge that is alive and sends no
/// tip has measured zero.
pub(crate) fn max_gap(point: &Point) -> Span {
    match point.reports {
        Reports::Interval => Span(point.interval.0.saturating_mul(5) / 2),
        Reports::OnChange => point.stale_after(),
    }
}

fn judge(sight: &Sight<'_>) -> Option<Flag> {
    let before = sight.before?;
    (sight.at - before.at > max_gap(sight.point)).then_some(Flag::Good)
}
