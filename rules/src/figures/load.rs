//! How many calls came in which ten minutes, and where they were a flood.

use serde::Serialize;
use watchfire_model::time::{Span, Timestamp};

/// Calls are counted in buckets of this length (EEMUA 191).
pub const BUCKET: Span = Span::minutes(10);
/// A bucket with more begins a flood …
const FLOOD_ABOVE: u64 = 10;
/// … and one with fewer ends it.
const FLOOD_BELOW: u64 = 5;
/// Floods that are listed; beyond it they are counted.
const FLOODS_LISTED: usize = 100;

/// A flood of calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flood {
    /// Its first bucket's beginning.
    pub from: Timestamp,
    /// Its last bucket's end.
    pub to: Timestamp,
    /// Calls in it.
    pub calls: u64,
    /// The most in one bucket.
    pub peak: u64,
}

/// Calls over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// The bucket that is being filled, by its number since the epoch, and what is in it.
    open: Option<(i64, u64)>,
    calls: u64,
    most: u64,
    flood: Option<Flood>,
    floods: Vec<Flood>,
    flooded: Span,
    floods_in_all: u64,
}

/// What is said of the calls in a stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LoadTold {
    /// All of them.
    pub calls: u64,
    /// Mean in ten minutes; for one person at most 1 is good, 2 can be borne.
    pub mean_per_10_min: f64,
    /// The most in ten minutes.
    pub most_per_10_min: u64,
    /// How many floods.
    pub floods: u64,
    /// The first hundred of them.
    pub listed: Vec<Flood>,
    /// Share of the time in a flood, percent; under 1 is good.
    pub flooded_percent: f64,
}

impl Load {
    /// One call. A clock that was set back counts into the present bucket.
    pub fn call(&mut self, at: Timestamp) {
        self.advance(at);
        if let Some((_, count)) = &mut self.open {
            *count += 1;
        }
        self.calls += 1;
    }

    /// Lets time pass.
    pub fn advance(&mut self, at: Timestamp) {
        let bucket = at.0.div_euclid(BUCKET.0);
        match self.open {
            None => self.open = Some((bucket, 0)),
            Some((open, count)) if bucket > open => {
                self.close(open, count);
                // What lay between was silent: it ends a flood and is nothing else.
                if bucket > open + 1 {
                    self.close(open + 1, 0);
                }
                self.open = Some((bucket, 0));
            }
            Some(_) => {}
        }
    }

    /// Calls in the bucket that is being filled.
    pub const fn now(&self) -> u64 {
        match self.open {
            Some((_, count)) => count,
            None => 0,
        }
    }

    /// Whether there is a flood now.
    pub const fn is_flood(&self) -> bool {
        self.flood.is_some() || self.now() > FLOOD_ABOVE
    }

    fn close(&mut self, bucket: i64, count: u64) {
        self.most = self.most.max(count);
        let (from, to) = (Timestamp(bucket * BUCKET.0), Timestamp((bucket + 1) * BUCKET.0));
        match &mut self.flood {
            None if count > FLOOD_ABOVE => self.flood = Some(Flood { from, to, calls: count, peak: count }),
            Some(flood) if count >= FLOOD_BELOW => {
                flood.to = to;
                flood.calls += count;
                flood.peak = flood.peak.max(count);
            }
            _ => self.end_flood(),
        }
    }

    fn end_flood(&mut self) {
        if let Some(flood) = self.flood.take() {
            self.floods_in_all += 1;
            self.flooded = self.flooded + (flood.to - flood.from);
            if self.floods.len() < FLOODS_LISTED {
                self.floods.push(flood);
            }
        }
    }

    /// What it came to between `from` and `to`.
    pub fn told(mut self, from: Timestamp, to: Timestamp) -> LoadTold {
        if let Some((bucket, count)) = self.open.take() {
            self.close(bucket, count);
        }
        self.end_flood();
        let length = (to - from).0.max(1);
        LoadTold {
            calls: self.calls,
            mean_per_10_min: ratio(self.calls.saturating_mul(BUCKET.0.unsigned_abs()), length.unsigned_abs()),
            most_per_10_min: self.most,
            floods: self.floods_in_all,
            listed: self.floods,
            flooded_percent: 100.0 * ratio(self.flooded.0.min(length).unsigned_abs(), length.unsigned_abs()),
        }
    }
}

/// A share; of nothing it is zero.
#[expect(clippy::cast_precision_loss, reason = "counts and milliseconds of a millennium fit a double exactly")]
pub(crate) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
