//! All points of `series.db` together, in the order of time, beside its writer: for whoever judges what was stored again.
//! In memory there is one chunk of each point, and the tail.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Statement};
use watchfire_model::id::PointIx;
use watchfire_model::time::Timestamp;

use super::reader::Filed;
use super::samples::Samples;
use super::{DATABASE, Tail, chunk};
use crate::storage::database::{self, DatabaseError};

/// So many samples are handed out together, or a few more.
const BATCH: usize = 1 << 15;

/// One sample of one point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stored {
    /// When.
    pub at: Timestamp,
    /// Of which point, in the numbers of whoever asked.
    pub point: PointIx,
    /// In the point's unit; none where the device sent something that is no number.
    pub value: Option<f64>,
}

/// Goes through the store.
#[derive(Debug)]
pub struct Together {
    db: Connection,
    path: PathBuf,
    points: Vec<Course>,
    from: Timestamp,
    to: Timestamp,
}

/// One point under way.
#[derive(Debug)]
struct Course {
    series: i64,
    point: PointIx,
    /// Chunks from here on are still to be read; none once there are no more.
    next: Option<i64>,
    /// Samples that are in no chunk yet.
    tail: Samples,
    samples: Samples,
    /// Those of `samples` that were handed out.
    taken: usize,
}

impl Together {
    /// Opens the store for the samples with `from <= at < to` of the points that `wanted` gives a number. All is read as it
    /// stands now, whatever the writer adds meanwhile.
    pub fn open(
        path: &Path,
        from: Timestamp,
        to: Timestamp,
        mut wanted: impl FnMut(&Filed) -> Option<PointIx>,
    ) -> Result<Self, DatabaseError> {
        let db = database::open_to_read(path, &DATABASE)?;
        let mut load = || -> rusqlite::Result<Vec<Course>> {
            // Lasts as long as the connection: a head may be sealed while we look.
            db.execute_batch("BEGIN")?;
            let mut points = Vec::new();
            let mut sealed = HashMap::new();
            let mut select = db.prepare("SELECT id, sealed_through, station, point, quantity FROM series")?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                let filed = Filed { station: row.get(2)?, point: row.get(3)?, quantity: row.get(4)? };
                let Some(point) = wanted(&filed) else { continue };
                let series: i64 = row.get(0)?;
                sealed.insert(series, (row.get::<_, i64>(1)?, points.len()));
                let before = "SELECT max(t0) FROM chunk WHERE series = ? AND t0 <= ?";
                let begin: Option<i64> = db.query_row(before, (series, from.0), |row| row.get(0))?;
                let next = Some(begin.unwrap_or(from.0));
                let (tail, samples) = (Samples::default(), Samples::default());
                points.push(Course { series, point, next, tail, samples, taken: 0 });
            }
            let mut select = db.prepare("SELECT id, samples FROM tail ORDER BY id")?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                let id: i64 = row.get(0)?;
                Tail::read(row.get_ref(1)?.as_blob()?, |series, time, value, mark| {
                    if let Some((through, place)) = sealed.get(&series)
                        && *through < id
                        && let Some(course) = points.get_mut(*place)
                    {
                        course.tail.insert_columns(time, value, mark);
                    }
                });
            }
            // In the caller's order, so that what bears one time comes out alike each time.
            points.sort_by_key(|course| course.point);
            Ok(points)
        };
        let points = load().map_err(|source| DatabaseError::of(&DATABASE, path, source))?;
        Ok(Self { db, path: path.to_owned(), points, from, to })
    }

    /// Adds the next samples to `into`, in the order of their times; false if there are none left.
    pub fn next(&mut self, into: &mut Vec<Stored>) -> Result<bool, DatabaseError> {
        let failed = |source| DatabaseError::of(&DATABASE, &self.path, source);
        let begin = into.len();
        let sql = "SELECT t0, t1, samples FROM chunk WHERE series = ? AND t0 >= ? ORDER BY t0 LIMIT 1";
        let mut chunk_from = self.db.prepare(sql).map_err(failed)?;
        while into.len() - begin < BATCH {
            let mut end: Option<i64> = None;
            for course in &mut self.points {
                course.refill(&mut chunk_from).map_err(failed)?;
                // Of each point all up to its last one in memory is known.
                if let Some(last) = course.samples.times.last() {
                    end = Some(end.map_or(*last, |end| end.min(*last)));
                }
            }
            let Some(end) = end else { break };
            let slab = into.len();
            for course in &mut self.points {
                course.hand_out(end, self.from, self.to, into);
            }
            into[slab..].sort_by_key(|stored| stored.at);
            if Timestamp(end) >= self.to {
                self.points.clear();
            }
        }
        Ok(into.len() > begin)
    }
}

impl Course {
    /// Reads the next chunk once the last is handed out; what is in no chunk comes last.
    fn refill(&mut self, chunk_from: &mut Statement<'_>) -> rusqlite::Result<()> {
        while self.taken == self.samples.len() {
            self.samples.clear();
            self.taken = 0;
            let Some(from) = self.next else {
                self.samples = std::mem::take(&mut self.tail);
                return Ok(());
            };
            let found = chunk_from
                .query_row((self.series, from), |row| {
                    // A chunk that can't be read is a hole, not the end.
                    let samples = chunk::decode(row.get_ref(2)?.as_blob()?).unwrap_or_default();
                    Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, samples))
                })
                .optional()?;
            self.next = None;
            if let Some((t0, t1, samples)) = found {
                self.next = t0.checked_add(1);
                self.samples = samples;
                let late = self.tail.times.partition_point(|time| *time <= t1);
                if late > 0 {
                    self.samples.merge(&self.tail.part(0..late));
                    self.tail = self.tail.part(late..self.tail.len());
                }
            }
        }
        Ok(())
    }

    fn hand_out(&mut self, end: i64, from: Timestamp, to: Timestamp, into: &mut Vec<Stored>) {
        while let Some(sample) = self.samples.get(self.taken).filter(|sample| sample.at.0 <= end) {
            self.taken += 1;
            if sample.at >= from && sample.at < to {
                into.push(Stored { at: sample.at, point: self.point, value: sample.value });
            }
        }
    }
}
