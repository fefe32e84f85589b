//! History as the embedded store keeps it.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use watchfire_model::time::Timestamp;

use super::READERS;
use super::history::{History, HistoryError, Sample};
use crate::storage::series::embedded::{Bucket, SeriesReader};

/// Reads `series.db` beside its writer. Connections are kept, one for each reader at a time.
#[derive(Debug)]
pub struct StoredHistory {
    path: PathBuf,
    idle: Mutex<Vec<SeriesReader>>,
}

impl StoredHistory {
    /// Over the store at `path`; opened when first asked.
    pub const fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::new(Vec::new()) }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<SeriesReader>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl History for StoredHistory {
    fn readings(
        &self,
        station: &str,
        point: &str,
        from: Timestamp,
        to: Timestamp,
        buckets: usize,
    ) -> Result<Vec<Sample>, HistoryError> {
        let words = |error: &dyn std::error::Error| HistoryError(error.to_string());
        let idle = self.idle().pop();
        let reader = idle.map_or_else(|| SeriesReader::open(&self.path), Ok).map_err(|error| words(&error))?;
        // Two samples a bucket are all of them: nothing is thinned that need not be.
        let most = buckets.saturating_mul(2);
        let all = reader.range(station, point, from, to, most + 1).map_err(|error| words(&error))?;
        let samples = if all.len() <= most {
            all.iter().map(|sample| Sample { at: sample.at, value: sample.value, flag: sample.flag }).collect()
        } else {
            let count = u32::try_from(buckets).unwrap_or(u32::MAX);
            let thinned = reader.downsample(station, point, from, to, count).map_err(|error| words(&error))?;
            thinned.iter().flat_map(extremes).collect()
        };
        // One that failed is not kept: the next reader opens afresh.
        let mut idle = self.idle();
        if idle.len() < READERS {
            idle.push(reader);
        }
        Ok(samples)
    }
}

/// The lowest and the highest of a bucket in the order of their times; where it has no value, that.
fn extremes(bucket: &Bucket) -> impl Iterator<Item = Sample> + use<> {
    let sample = |(at, value)| Sample { at, value: Some(value), flag: bucket.worst };
    let (low, high) = (bucket.min.map(sample), bucket.max.map(sample));
    let hole = low.is_none().then_some(Sample { at: bucket.from, value: None, flag: bucket.worst });
    let (first, second) = if low.map(|s| s.at) <= high.map(|s| s.at) { (low, high) } else { (high, low) };
    let second = second.filter(|second| first.map(|s| s.at) != Some(second.at));
    first.into_iter().chain(second).chain(hole)
}

#[cfg(test)]
mod tests {
    use watchfire_model::quality::Flag;

    use super::*;

    fn bucket(min: Option<(i64, f64)>, max: Option<(i64, f64)>) -> Bucket {
        let stamped = |pair: Option<(i64, f64)>| pair.map(|(at, value)| (Timestamp(at), value));
        Bucket {
            from: Timestamp(1),
            count: 9,
            missing: 1,
            min: stamped(min),
            max: stamped(max),
            mean: None,
            first: None,
            last: None,
            worst: Flag::Suspect,
        }
    }

    #[test]
    fn a_bucket_keeps_both_its_ends_in_order() {
        let shown = |bucket: &Bucket| extremes(bucket).map(|s| (s.at.0, s.value)).collect::<Vec<_>>();
        assert_eq!(shown(&bucket(Some((5, 1.0)), Some((3, 9.0)))), [(3, Some(9.0)), (5, Some(1.0))]);
        assert_eq!(shown(&bucket(Some((4, 2.0)), Some((4, 2.0)))), [(4, Some(2.0))]);
        assert_eq!(shown(&bucket(None, None)), [(1, None)]);
    }
}
