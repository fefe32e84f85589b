//! Many durations in little room.

use std::collections::BTreeMap;

use serde::Serialize;
use watchfire_model::time::Span;

/// Buckets per doubling: a quantile is at most 1/16 above the true one.
const PER_DOUBLING: i64 = 16;

/// Durations by size: their count, mean and greatest exactly, their quantiles to one part in sixteen. Never more than some
/// thousand buckets, however many are counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Durations {
    count: u64,
    sum: i128,
    most: Span,
    buckets: BTreeMap<i64, u64>,
}

/// What is said of durations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// How many.
    pub count: u64,
    /// Their mean, milliseconds.
    pub mean: Span,
    /// Half of them were no longer.
    pub p50: Span,
    /// Nineteen in twenty were no longer.
    pub p95: Span,
    /// The longest.
    pub most: Span,
}

impl Durations {
    /// Counts one; a negative one is none at all.
    pub fn add(&mut self, span: Span) {
        let ms = span.0.max(0);
        self.count += 1;
        self.sum += i128::from(ms);
        self.most = self.most.max(Span(ms));
        *self.buckets.entry(upper(ms)).or_default() += 1;
    }

    /// How many there are.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The least duration that a share of them, in percent, did not exceed; zero where there are none.
    pub fn percentile(&self, percent: u64) -> Span {
        let rank = (self.count * percent).div_ceil(100).max(1);
        let mut passed = 0;
        for (upper, count) in &self.buckets {
            passed += count;
            if passed >= rank {
                return Span(*upper).min(self.most);
            }
        }
        self.most
    }

    /// What is to be said of them.
    pub fn spread(&self) -> Spread {
        let mean = self.sum.checked_div(i128::from(self.count)).unwrap_or(0);
        Spread {
            count: self.count,
            mean: Span(i64::try_from(mean).unwrap_or(i64::MAX)),
            p50: self.percentile(50),
            p95: self.percentile(95),
            most: self.most,
        }
    }
}

/// The upper end of the bucket of `ms`.
fn upper(ms: i64) -> i64 {
    let doubling = 63 - (ms | 1).leading_zeros();
    let step = ((1_i64 << doubling) / PER_DOUBLING).max(1);
    ms.div_euclid(step).saturating_mul(step).saturating_add(step - 1)
}
