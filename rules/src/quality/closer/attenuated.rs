//! A signal that lives, but less than the world does: a silted stilling well, a fouled probe. Judged once the span is
//! covered by the point's own samples.

use watchfire_model::quality::{Checks, Flag};
use watchfire_model::scrutiny::Liveliness;

use super::{Closer, Look, MOST_SAMPLES};
use crate::series::Sample;

pub(super) const CHECK: Closer = Closer { name: "attenuated", bit: Checks::ATTENUATED, judge };

/// Fewer samples than this say nothing about a spread.
const FEWEST: u32 = 4;

fn judge(look: &Look<'_>) -> Option<Flag> {
    let attenuated = look.scrutiny.attenuated?;
    let series = look.points.get(look.ix)?.series();
    let start = look.at - attenuated.over;
    let inside = series.iter().rev().take(MOST_SAMPLES).take_while(|sample| sample.at > start);
    let mut spread = Spread::default();
    spread.add(look.value);
    let mut oldest = look.at;
    for Sample { at, value, .. } in inside {
        spread.add(value);
        if oldest - at > look.max_gap {
            return None;
        }
        oldest = at;
    }
    // The oldest sample within stands at most an interval, and a little, after the beginning.
    let interval = look.site.points.get(look.ix)?.interval;
    if spread.count < FEWEST || (oldest - start).0 > interval.0.saturating_mul(3) / 2 {
        return None;
    }
    let lively = match attenuated.by {
        Liveliness::Range => spread.high - spread.low,
        Liveliness::Deviation => spread.deviation(),
    };
    (lively < attenuated.below).then_some(Flag::Suspect)
}

/// Welford's running mean and squares: no catastrophe where a level of 1800 m trembles by millimetres.
struct Spread {
    count: u32,
    low: f64,
    high: f64,
    mean: f64,
    squares: f64,
}

impl Default for Spread {
    fn default() -> Self {
        Self { count: 0, low: f64::INFINITY, high: f64::NEG_INFINITY, mean: 0.0, squares: 0.0 }
    }
}

impl Spread {
    fn add(&mut self, value: f64) {
        self.count += 1;
        (self.low, self.high) = (self.low.min(value), self.high.max(value));
        let off = value - self.mean;
        self.mean += off / f64::from(self.count);
        self.squares += off * (value - self.mean);
    }

    fn deviation(&self) -> f64 {
        (self.squares / f64::from(self.count)).sqrt()
    }
}
