//! How often people were called in ten minutes (EEMUA 191, ISA-18.2), with the median over those ten minutes in which
//! anybody was: of a quiet year the median over all of them is nought.

use std::collections::BTreeMap;

use serde::Serialize;
use watchfire_model::time::{Span, Timestamp};

use crate::figures::{BUCKET, Load, LoadTold};

/// Counts calls as they come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calls {
    load: Load,
    /// The ten minutes that are being filled, and the calls in them.
    open: Option<(i64, u64)>,
    /// How many ten minutes had so many calls.
    buckets: BTreeMap<u64, u64>,
}

/// What calls came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CallsTold {
    /// Calls, their mean and most in ten minutes, and floods.
    #[serde(flatten)]
    pub load: LoadTold,
    /// Ten minutes in which anybody was called.
    pub busy: u64,
    /// The median number of calls in these.
    pub median_when_busy: Option<u64>,
}

impl Calls {
    /// One call.
    pub fn call(&mut self, at: Timestamp) {
        self.load.call(at);
        let bucket = at.0.div_euclid(BUCKET.0);
        match &mut self.open {
            // A clock that was set back counts into the present bucket.
            Some((open, count)) if bucket <= *open => *count += 1,
            Some(_) | None => {
                self.close();
                self.open = Some((bucket, 1));
            }
        }
    }

    fn close(&mut self) {
        if let Some((_, count)) = self.open.take() {
            *self.buckets.entry(count).or_default() += 1;
        }
    }

    /// What they came to between `from` and `to`.
    pub fn told(mut self, from: Timestamp, to: Timestamp) -> CallsTold {
        self.close();
        let to = to.max(from + Span(1));
        let busy: u64 = self.buckets.values().sum();
        let mut passed = 0;
        let median = self.buckets.iter().find(|(_, buckets)| {
            passed += **buckets;
            passed * 2 >= busy
        });
        CallsTold { load: self.load.told(from, to), busy, median_when_busy: median.map(|(calls, _)| *calls) }
    }
}
