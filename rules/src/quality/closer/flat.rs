//! A signal that stands still (Hebei 2016: a gauge said 0.00 while the river rose). Still for long it is suspect; for too
//! long, or while its neighbours moved, it is stuck: a fault, whose grade is held and from which nothing is raised.
//! Unlike ioos_qc, whose default tolerance of 0 flags no series at all, a stretch that never moves is always flat; and
//! windows are time that readings covered, not samples.

use watchfire_model::id::PointIx;
use watchfire_model::quality::{Checks, Flag};
use watchfire_model::scrutiny::Beside;
use watchfire_model::site::Kind;
use watchfire_model::time::{Span, Timestamp};

use super::{Closer, Look, MOST_SAMPLES, exceeds};

pub(super) const CHECK: Closer = Closer { name: "flat", bit: Checks::FLAT, judge };

fn judge(look: &Look<'_>) -> Option<Flag> {
    let flat = look.scrutiny.flat.as_ref()?;
    let still = look.course.still_for();
    let for_too_long = |limit: Option<Span>| limit.is_some_and(|limit| still >= limit);
    let alone =
        |beside: &Beside| still >= beside.after && beside.points.iter().any(|point| moved(look, *point, beside));
    if for_too_long(flat.stuck_after) || flat.beside.as_ref().is_some_and(alone) {
        return Some(Flag::Fail);
    }
    for_too_long(flat.suspect_after).then_some(Flag::Suspect)
}

/// Whether another point moved in the first half of the time: what it did in the second may still be on its way.
fn moved(look: &Look<'_>, point: PointIx, beside: &Beside) -> bool {
    let (Some(other), Some(gate)) = (look.site.point(point), look.points.get(point.index())) else { return false };
    let (begin, end) = (look.at - beside.after, look.at - Span(beside.after.0 / 2));
    let within = |at: Timestamp| begin < at && at <= end;
    let samples = gate.series().iter().rev().skip_while(|sample| sample.at > end).take(MOST_SAMPLES);
    let samples = samples.filter(|sample| sample.flag <= Flag::Suspect);
    let by = match other.kind {
        Kind::Increment => samples.take_while(|sample| within(sample.at)).map(|sample| sample.value).sum(),
        Kind::Gauge | Kind::Counter => {
            // From where it stood when the time began.
            let mut more = true;
            let samples = samples.take_while(|sample| std::mem::replace(&mut more, within(sample.at)));
            let (low, high) = samples.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), sample| {
                (low.min(sample.value), high.max(sample.value))
            });
            high - low
        }
    };
    // What is written is what counts: a movement of just so much is one.
    by.is_finite() && !exceeds(beside.moved, by)
}
