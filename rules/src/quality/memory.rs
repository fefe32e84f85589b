//! How much of the past of a point is kept, and how late a reading of it may still count.

use watchfire_model::site::{Point, Site};
use watchfire_model::time::Span;

use crate::series::Keep;

/// Readings kept of a point that no window looks at.
pub(super) const KEEP_SAMPLES: usize = 64;

/// How long after its time a reading of `point` may still raise (SEMANTICS §3).
pub fn late_window(point: &Point) -> Span {
    Span((2 * point.interval.0).max(600_000))
}

/// How far back the checks look in the samples of each point.
pub(crate) fn reaches(site: &Site) -> Vec<Span> {
    let mut reaches = vec![Span::ZERO; site.points.len()];
    let mut reach = |ix: usize, span: Span| {
        if let Some(reach) = reaches.get_mut(ix) {
            *reach = (*reach).max(span);
        }
    };
    for (ix, point) in site.points.iter().enumerate() {
        let Some(scrutiny) = &point.scrutiny else { continue };
        reach(ix, scrutiny.reach());
        scrutiny.reaches().for_each(|(other, span)| reach(other.index(), span));
    }
    reaches
}

/// How much of `point` must be kept when rules look back `reach`.
pub(crate) fn keep_for(point: &Point, reach: Span) -> Keep {
    let span = Span(reach.0 + late_window(point).0 + point.interval.0);
    let expected = usize::try_from(span.0 / point.interval.0.max(1)).unwrap_or(usize::MAX);
    // A sensor that reports four times as often as it says is still remembered in full.
    let samples = expected.saturating_mul(4).saturating_add(16);
    let most = if reach == Span::ZERO { KEEP_SAMPLES } else { samples.max(KEEP_SAMPLES) };
    Keep { span, samples: samples.clamp(16, most) }
}
