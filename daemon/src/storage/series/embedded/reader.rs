//! Reading `series.db` beside its writer: a range of one point, sample by sample, or in buckets in which the peaks stay.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension};
use watchfire_model::quality::Flag;
use watchfire_model::time::Timestamp;

use super::samples::{Sample, Samples};
use super::{DATABASE, Tail, chunk};
use crate::storage::database::{self, DatabaseError};

/// Looks into the embedded store. Opens nothing for writing, delays nobody.
#[derive(Debug)]
pub struct SeriesReader {
    db: Connection,
    path: PathBuf,
}

/// A point that the store knows: it is configured, or was once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filed {
    /// The station's id.
    pub station: String,
    /// The point's id.
    pub point: String,
    /// What it measures.
    pub quantity: String,
}

/// Some samples of a point, as one column of a chart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// When it begins.
    pub from: Timestamp,
    /// Samples with a value.
    pub count: u64,
    /// Samples without one.
    pub missing: u64,
    /// The first of its lowest values, with its own time.
    pub min: Option<(Timestamp, f64)>,
    /// The first of its highest values, with its own time.
    pub max: Option<(Timestamp, f64)>,
    /// The mean of its values.
    pub mean: Option<f64>,
    /// The first value.
    pub first: Option<(Timestamp, f64)>,
    /// The last value.
    pub last: Option<(Timestamp, f64)>,
    /// The worst flag in it.
    pub worst: Flag,
}

impl SeriesReader {
    /// Opens the store.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        Ok(Self { db: database::open_to_read(path, &DATABASE)?, path: path.to_owned() })
    }

    /// Every point that is or was configured, by station and point.
    pub fn points(&self) -> Result<Vec<Filed>, DatabaseError> {
        let points = || -> rusqlite::Result<_> {
            let mut select = self.db.prepare("SELECT station, point, quantity FROM series ORDER BY station, point")?;
            select
                .query_map([], |row| Ok(Filed { station: row.get(0)?, point: row.get(1)?, quantity: row.get(2)? }))?
                .collect()
        };
        points().map_err(|source| self.failed(source))
    }

    /// The samples of a point with `from <= at < to`, the first `limit` of them, in the order of their times.
    pub fn range(
        &self,
        station: &str,
        point: &str,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Result<Vec<Sample>, DatabaseError> {
        let mut found = Vec::new();
        self.visit(station, point, from, to, |sample| {
            if found.len() < limit {
                found.push(sample);
            }
            found.len() < limit
        })?;
        Ok(found)
    }

    /// The samples of a point with `from <= at < to`, in `buckets` of equal length; empty buckets are left out.
    pub fn downsample(
        &self,
        station: &str,
        point: &str,
        from: Timestamp,
        to: Timestamp,
        buckets: u32,
    ) -> Result<Vec<Bucket>, DatabaseError> {
        let span = i128::from(to.0) - i128::from(from.0);
        let buckets = i128::from(buckets.max(1));
        let mut found: Vec<(i128, Bucket, f64)> = Vec::new();
        if span <= 0 {
            return Ok(Vec::new());
        }
        self.visit(station, point, from, to, |sample| {
            let place = (i128::from(sample.at.0) - i128::from(from.0)) * buckets / span;
            if found.last().is_none_or(|(last, ..)| *last != place) {
                // The first millisecond that falls into it.
                let begin = i128::from(from.0) + (place * span + buckets - 1) / buckets;
                let begin = Timestamp(i64::try_from(begin).unwrap_or(from.0));
                found.push((place, Bucket::new(begin, sample.flag), 0.0));
            }
            if let Some((_, bucket, sum)) = found.last_mut() {
                bucket.take_in(sample, sum);
            }
            true
        })?;
        Ok(found.into_iter().map(|(_, bucket, _)| bucket).collect())
    }

    /// Shows each sample with `from <= at < to` in order, as long as `each` says true.
    fn visit(
        &self,
        station: &str,
        point: &str,
        from: Timestamp,
        to: Timestamp,
        mut each: impl FnMut(Sample) -> bool,
    ) -> Result<(), DatabaseError> {
        // One moment for chunks and tail: a head may be sealed while we look.
        let mut look = || -> rusqlite::Result<()> {
            let moment = self.db.unchecked_transaction()?;
            let sql = "SELECT id, sealed_through FROM series WHERE station = ? AND point = ?";
            let found = moment.query_row(sql, (station, point), |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            let Some((series, sealed)) = found else { return Ok(()) };
            let mut tail = tail_of(&moment, series, sealed)?;
            let before = "SELECT max(t0) FROM chunk WHERE series = ? AND t0 <= ?";
            let begin: Option<i64> = moment.query_row(before, (series, from.0), |row| row.get(0))?;
            let sql = "SELECT t0, t1, samples FROM chunk WHERE series = ? AND t0 >= ? AND t0 < ? ORDER BY t0";
            let mut select = moment.prepare(sql)?;
            let mut rows = select.query((series, begin.unwrap_or(from.0), to.0))?;
            let within = |sample: &Sample| sample.at >= from && sample.at < to;
            while let Some(row) = rows.next()? {
                let t1: i64 = row.get(1)?;
                if t1 < from.0 {
                    continue;
                }
                // A chunk that can't be read is a hole in the chart, not the end of it.
                let mut samples = chunk::decode(row.get_ref(2)?.as_blob()?).unwrap_or_default();
                let late = tail.times.partition_point(|time| *time <= t1);
                samples.merge(&tail.part(0..late));
                tail = tail.part(late..tail.len());
                for sample in samples.iter().filter(within) {
                    if !each(sample) {
                        return Ok(());
                    }
                }
            }
            for sample in tail.iter().filter(within) {
                if !each(sample) {
                    break;
                }
            }
            Ok(())
        };
        look().map_err(|source| self.failed(source))
    }

    fn failed(&self, source: rusqlite::Error) -> DatabaseError {
        DatabaseError::of(&DATABASE, &self.path, source)
    }
}

fn tail_of(moment: &Connection, wanted: i64, sealed: i64) -> rusqlite::Result<Samples> {
    let mut samples = Samples::default();
    let mut select = moment.prepare("SELECT samples FROM tail WHERE id > ? ORDER BY id")?;
    let mut rows = select.query([sealed])?;
    while let Some(row) = rows.next()? {
        Tail::read(row.get_ref(0)?.as_blob()?, |series, time, value, mark| {
            if series == wanted {
                samples.insert_columns(time, value, mark);
            }
        });
    }
    Ok(samples)
}

impl Bucket {
    /// An empty one.
    pub(crate) fn new(from: Timestamp, flag: Flag) -> Self {
        Self { from, count: 0, missing: 0, min: None, max: None, mean: None, first: None, last: None, worst: flag }
    }

    /// Takes the next sample in. `sum` is of the values so far, and the caller's to keep.
    #[expect(clippy::cast_precision_loss, reason = "a bucket has fewer than 2^53 samples")]
    pub(crate) fn take_in(&mut self, sample: Sample, sum: &mut f64) {
        self.worst = worse(self.worst, sample.flag);
        let Some(value) = sample.value else {
            self.missing += 1;
            return;
        };
        self.count += 1;
        *sum += value;
        let here = (sample.at, value);
        if self.min.is_none_or(|(_, least)| value < least) {
            self.min = Some(here);
        }
        if self.max.is_none_or(|(_, most)| value > most) {
            self.max = Some(here);
        }
        self.first = self.first.or(Some(here));
        self.last = Some(here);
        self.mean = Some(*sum / self.count as f64);
    }

    /// Takes the bucket behind it in: every peak stays.
    pub(crate) fn join(&mut self, next: &Self) {
        let sum = |bucket: &Self| bucket.mean.map(|mean| (mean, bucket.count));
        self.mean = match (sum(self), sum(next)) {
            (Some((a, m)), Some((b, n))) => Some(weighted(a, m, b, n)),
            (one, other) => one.or(other).map(|(mean, _)| mean),
        };
        self.count += next.count;
        self.missing += next.missing;
        self.min = [self.min, next.min].into_iter().flatten().reduce(|a, b| if b.1 < a.1 { b } else { a });
        self.max = [self.max, next.max].into_iter().flatten().reduce(|a, b| if b.1 > a.1 { b } else { a });
        self.first = self.first.or(next.first);
        self.last = next.last.or(self.last);
        self.worst = worse(self.worst, next.worst);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a bucket has fewer than 2^53 samples")]
fn weighted(a: f64, m: u64, b: f64, n: u64) -> f64 {
    (a * m as f64 + b * n as f64) / (m + n) as f64
}

/// The worse of two flags; one that nobody evaluated is worse than a good one and better than a suspect one.
fn worse(a: Flag, b: Flag) -> Flag {
    a.max(b)
}
