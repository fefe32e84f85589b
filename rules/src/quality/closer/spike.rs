//! One value far from both its neighbours in time. It is told one sample later: of the newest nothing is known, and what
//! it may have raised meanwhile is the Evaluator's to take back.

use watchfire_model::quality::{Checks, Flag};
use watchfire_model::scrutiny::{Spike, SpikeBy};

use super::{Closer, Look, exceeds};

pub(super) const CHECK: Closer = Closer { name: "spike", bit: Checks::SPIKE, judge };

/// Judges the value before the newest.
fn judge(look: &Look<'_>) -> Option<Flag> {
    let spike = look.scrutiny.spike?;
    let [(first, before), (middle, value)] = look.course.recent()?;
    // Across a gap nobody knows what was between.
    if middle - first > look.max_gap || look.at - middle > look.max_gap {
        return None;
    }
    let off = distance(spike, before, value, look.value);
    match spike.fail {
        Some(fail) if exceeds(off, fail) => Some(Flag::Fail),
        Some(_) | None => exceeds(off, spike.suspect).then_some(Flag::Suspect),
    }
}

/// How far `value` stands from its neighbours.
fn distance(spike: Spike, before: f64, value: f64, after: f64) -> f64 {
    match spike.by {
        SpikeBy::Average => (value - f64::midpoint(before, after)).abs(),
        SpikeBy::Differential => {
            let (there, back) = (value - before, value - after);
            if there * back > 0.0 { there.abs().min(back.abs()) } else { 0.0 }
        }
    }
}
