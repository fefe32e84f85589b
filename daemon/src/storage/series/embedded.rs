//! The embedded store, `series.db`: compressed chunks per point, and a tail that makes each step durable before its
//! samples are packed.
//!
//! A step is one transaction: the new samples as one row of the tail, the cursor, and some heads sealed into chunks. In
//! memory a head per point holds what is not in a chunk yet; at a start the heads are rebuilt from the tail. Points are
//! filed by their names. Chunks of a point never overlap; a late sample is merged into the chunk of its time.

mod chunk;
mod heads;
mod invalid;
mod reader;
mod samples;
mod seal;
#[cfg(test)]
mod tests;
mod together;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction};
use watchfire_model::id::{PointIx, Seq};
use watchfire_model::quality::Flag;
use watchfire_model::row::Row;
use watchfire_model::time::{Now, Span, Timestamp};

use self::heads::{Heads, Place};
use self::samples::columns;
use super::{Judge, Progress, SeriesStore, StoreKind, Trouble, Verdict, filed_at};
use crate::config::settings::Limits;
use crate::storage::database::{self, DatabaseError, Kind};
use crate::storage::journal::{Commit, JournalError, JournalReader, Step};
use crate::storage::names::PointNames;

pub use self::reader::{Bucket, Filed, SeriesReader};
pub use self::samples::Sample;
pub use self::together::{Stored, Together};

/// In the list of stores.
pub const KIND: StoreKind =
    StoreKind { name: "embedded", what: "series.db in the data directory; always there, needs no server" };

const DATABASE: Kind = Kind {
    what: "series store",
    application_id: 0x5746_5453, // "WFTS"
    format: 1,
    schema: "
        CREATE TABLE series(id INTEGER PRIMARY KEY, station TEXT NOT NULL, point TEXT NOT NULL, quantity TEXT NOT NULL,
            sealed_through INTEGER NOT NULL DEFAULT 0, UNIQUE(station, point)) STRICT;
        CREATE TABLE chunk(series INTEGER NOT NULL, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, n INTEGER NOT NULL,
            samples BLOB NOT NULL, PRIMARY KEY(series, t0)) STRICT, WITHOUT ROWID;
        CREATE TABLE tail(id INTEGER PRIMARY KEY, n INTEGER NOT NULL, samples BLOB NOT NULL) STRICT;
        CREATE TABLE place(one INTEGER PRIMARY KEY CHECK(one = 1), seq INTEGER NOT NULL, aged_to INTEGER NOT NULL) STRICT;",
};

/// Bounds of memory and of work; the defaults keep the heads of any number of points within some ten megabytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Samples taken from the journal in one step, at least one commit.
    pub step_rows: usize,
    /// A head with so many samples is sealed.
    pub chunk_samples: usize,
    /// With more samples than this in all heads together, the oldest heads are sealed as they are.
    pub head_samples: usize,
    /// Likewise with more samples in the tail, sealed ones among them.
    pub tail_samples: u64,
    /// Likewise with more rows in the tail.
    pub tail_rows: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            step_rows: 20_000,
            chunk_samples: 720,
            head_samples: 200_000,
            tail_samples: 1_000_000,
            tail_rows: 10_000,
        }
    }
}

/// The store's one writer.
pub struct Writer {
    path: PathBuf,
    pace: Pace,
    retention: Span,
    judge: Judge,
    reader: JournalReader,
    open: Option<Open>,
    cursor: Seq,
    commit: Commit,
    journal: PathBuf,
    today: Arc<PointNames>,
    set_aside: Option<PathBuf>,
}

/// What goes with the open database; thrown away and read again after any failure.
struct Open {
    db: Connection,
    heads: Heads,
    /// A point's place among the heads, by its number; filled as they are met.
    places: Vec<Option<Place>>,
    /// The names that `places` was made with.
    names: Arc<PointNames>,
    aged: Aged,
}

/// How far samples have been given up to age. The wall clock may be years wrong for an hour; so this goes at most a
/// day an hour.
#[derive(Clone, Copy, Debug)]
struct Aged {
    to: Timestamp,
    last: Option<Now>,
    next_series: usize,
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl Writer {
    /// Opens or makes the store. Follows the journal in `journal` with points in the numbers of `names`, which are those
    /// that `judge` knows.
    pub fn open(
        path: &Path,
        journal: &Path,
        names: Arc<PointNames>,
        limits: &Limits,
        judge: Judge,
    ) -> Result<Self, DatabaseError> {
        Self::open_with(path, journal, names, limits, Pace::default(), judge)
    }

    /// As [`open`](Self::open), at another pace.
    pub fn open_with(
        path: &Path,
        journal: &Path,
        names: Arc<PointNames>,
        limits: &Limits,
        pace: Pace,
        judge: Judge,
    ) -> Result<Self, DatabaseError> {
        let (open, cursor, set_aside) = match Open::file(path, pace) {
            Ok((open, cursor)) => (open, cursor, None),
            Err(error) => {
                let kept = begin_anew(path, error)?;
                let (open, cursor) = Open::file(path, pace)?;
                (open, cursor, Some(kept))
            }
        };
        Ok(Self {
            set_aside,
            path: path.to_owned(),
            pace,
            retention: Span(i64::try_from(limits.retention.as_millis()).unwrap_or(i64::MAX)),
            judge,
            reader: JournalReader::after(journal, cursor, Arc::clone(&names)),
            open: Some(open),
            cursor,
            commit: Commit::default(),
            journal: journal.to_owned(),
            today: names,
        })
    }

    fn try_step(&mut self, durable: Seq) -> Result<Progress, StepError> {
        if self.open.is_none() {
            let (open, cursor) = Open::file(&self.path, self.pace)?;
            self.reader = JournalReader::after(&self.journal, cursor, Arc::clone(&self.today));
            (self.open, self.cursor) = (Some(open), cursor);
        }
        let Some(open) = &mut self.open else { return Ok(Progress::Idle) };
        let (mut tail, mut readings, mut now, mut lost) = (Tail::default(), 0, None, None);
        while tail.rows < self.pace.step_rows {
            match self.reader.read(durable, &mut self.commit)? {
                Step::Idle => break,
                // Told once what came before it is stored.
                Step::Gap(gap) => {
                    lost = Some(gap);
                    break;
                }
                Step::Commit => {}
            }
            open.know(self.reader.names(), &self.path)?;
            now = Some(self.commit.now);
            for (seq, row) in self.commit.numbered() {
                let Row::Reading(reading) = row else {
                    (self.judge)(seq, row, self.commit.now);
                    if let Row::Upkeep(upkeep) = row {
                        open.upkeep(upkeep, &mut tail)
                            .map_err(|source| DatabaseError::of(&DATABASE, &self.path, source))?;
                    }
                    continue;
                };
                readings += 1;
                // A number without a name: nowhere to file it under.
                let Some(place) = open.place(reading.point) else { continue };
                let verdict = if reading.point.index() < self.reader.configured() {
                    (self.judge)(seq, row, self.commit.now)
                } else {
                    Some(Verdict::of(Flag::NotEvaluated, reading))
                };
                let Some(verdict) = verdict else { continue };
                let before = verdict.before.map(|(at, value, flag)| Sample { at, value: Some(value), flag });
                let sample = Sample { at: filed_at(reading), value: verdict.value, flag: verdict.flag };
                for sample in before.into_iter().chain([sample]) {
                    if open.heads.take_in(place, sample) {
                        tail.push(open.heads.series(place), sample);
                    }
                }
            }
        }
        let position = self.reader.position();
        if position > self.cursor {
            open.commit(&tail, position, now, self.retention, self.pace)
                .map_err(|source| DatabaseError::of(&DATABASE, &self.path, source))?;
            self.cursor = position;
        }
        Ok(match lost {
            Some(gap) => Progress::Lost(gap),
            None if now.is_none() => Progress::Idle,
            None => Progress::Wrote { readings, more: tail.rows >= self.pace.step_rows },
        })
    }

    /// Where a damaged store was put, if one was: the history in it no longer shows.
    pub fn set_aside(&self) -> Option<&Path> {
        self.set_aside.as_deref()
    }

    /// Rows of the tail that were damaged when the store was opened; what could be read of them is there.
    pub fn torn_tails(&self) -> usize {
        self.open.as_ref().map_or(0, |open| open.heads.torn_tails())
    }

    /// Samples held in memory because they are in no chunk yet.
    pub fn unsealed(&self) -> usize {
        self.open.as_ref().map_or(0, |open| open.heads.samples())
    }
}

/// Puts a damaged store aside; what the journal still has is stored again. Any other error stays one.
fn begin_anew(path: &Path, error: DatabaseError) -> Result<PathBuf, DatabaseError> {
    match error {
        DatabaseError::Damaged { .. } => database::set_aside(path).map_err(|_| error),
        DatabaseError::TooOld { .. }
        | DatabaseError::Newer { .. }
        | DatabaseError::Foreign { .. }
        | DatabaseError::Unusable { .. } => Err(error),
    }
}

impl SeriesStore for Writer {
    fn name(&self) -> &str {
        KIND.name
    }

    fn cursor(&self) -> Seq {
        self.cursor
    }

    fn step(&mut self, durable: Seq) -> Progress {
        match self.try_step(durable) {
            Ok(progress) => progress,
            Err(error) => {
                // The heads may hold what the file does not.
                self.open = None;
                let error = match error {
                    StepError::Database(damaged @ DatabaseError::Damaged { .. }) => {
                        match begin_anew(&self.path, damaged) {
                            Ok(kept) => {
                                let why = format!("the store was damaged; it is kept as {}", kept.display());
                                self.set_aside = Some(kept);
                                return Progress::Trouble { trouble: Trouble::Outage, why, pause: Duration::ZERO };
                            }
                            Err(error) => StepError::Database(error),
                        }
                    }
                    other @ (StepError::Database(_) | StepError::Journal(_)) => other,
                };
                let cause = std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
                let pause = Duration::from_secs(1);
                Progress::Trouble { trouble: Trouble::Outage, why: format!("{error}{cause}"), pause }
            }
        }
    }
}

/// The new samples of a step, as one row of the tail.
#[derive(Default)]
struct Tail {
    bytes: Vec<u8>,
    rows: usize,
    before: i64,
}

impl Tail {
    fn push(&mut self, series: i64, sample: Sample) {
        let (time, value, mark) = columns(sample);
        chunk::put(&mut self.bytes, series.cast_unsigned());
        chunk::put_signed(&mut self.bytes, time.wrapping_sub(self.before));
        self.bytes.push(mark);
        self.bytes.extend_from_slice(&value.to_bits().to_le_bytes());
        self.before = time;
        self.rows += 1;
    }

    /// Reads a row of the tail back; false if it is not what was written.
    fn read(bytes: &[u8], mut each: impl FnMut(i64, i64, f64, u8)) -> bool {
        let mut from = chunk::Bytes(bytes);
        let mut time = 0_i64;
        while !from.0.is_empty() {
            let one = (|| {
                let series = from.number()?.cast_signed();
                time = time.wrapping_add(from.signed()?);
                let mark = from.byte()?;
                each(series, time, f64::from_bits(u64::from_le_bytes(from.take()?)), mark);
                Some(())
            })();
            if one.is_none() {
                return false;
            }
        }
        true
    }
}

impl Open {
    fn file(path: &Path, pace: Pace) -> Result<(Self, Seq), DatabaseError> {
        let db = database::open(path, &DATABASE)?;
        let load = || -> rusqlite::Result<_> {
            let place = db
                .query_row("SELECT seq, aged_to FROM place", [], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))
                .optional()?;
            let (seq, aged_to) = place.unwrap_or((0, i64::MIN));
            Ok((Heads::load(&db, pace)?, Seq(u64::try_from(seq).unwrap_or(0)), Timestamp(aged_to)))
        };
        let (heads, cursor, to) = load().map_err(|source| DatabaseError::of(&DATABASE, path, source))?;
        let aged = Aged { to, last: None, next_series: 0 };
        Ok((Self { db, heads, places: Vec::new(), names: Arc::default(), aged }, cursor))
    }

    /// Makes a place for every name.
    fn know(&mut self, names: &Arc<PointNames>, path: &Path) -> Result<(), DatabaseError> {
        if Arc::ptr_eq(&self.names, names) {
            return Ok(());
        }
        let mut learn = || -> rusqlite::Result<()> {
            let all = self.db.unchecked_transaction()?;
            // Numbers only ever come to mean something; those known stay.
            for number in self.places.len()..names.len() {
                let name = u32::try_from(number).ok().and_then(|ix| names.get(PointIx(ix)));
                let place = name.map(|name| self.heads.place_of(&all, name)).transpose()?;
                self.places.push(place);
            }
            all.commit()
        };
        learn().map_err(|source| DatabaseError::of(&DATABASE, path, source))?;
        self.names = Arc::clone(names);
        Ok(())
    }

    fn place(&self, point: PointIx) -> Option<Place> {
        self.places.get(point.index()).copied().flatten()
    }

    fn commit(
        &mut self,
        tail: &Tail,
        cursor: Seq,
        now: Option<Now>,
        retention: Span,
        pace: Pace,
    ) -> rusqlite::Result<()> {
        let step = self.db.transaction()?;
        if tail.rows > 0 {
            let id = self.heads.note_tail(tail.rows);
            let rows = i64::try_from(tail.rows).unwrap_or(i64::MAX);
            step.execute("INSERT INTO tail(id, n, samples) VALUES(?, ?, ?)", (id, rows, &tail.bytes))?;
        }
        seal::seal_some(&step, &mut self.heads, pace, tail.rows)?;
        if let Some(now) = now {
            self.aged.advance(now);
            age(&step, &mut self.aged, &mut self.heads, retention)?;
        }
        let seq = i64::try_from(cursor.0).unwrap_or(i64::MAX);
        let sql = "INSERT INTO place(one, seq, aged_to) VALUES(1, ?, ?)
                   ON CONFLICT(one) DO UPDATE SET seq = excluded.seq, aged_to = excluded.aged_to";
        step.execute(sql, (seq, self.aged.to.0))?;
        step.commit()
    }
}

impl Aged {
    fn advance(&mut self, now: Now) {
        let run = self.last.map_or(Span::ZERO, |last| now.steady - last.steady);
        self.last = Some(now);
        self.to = if self.to.0 == i64::MIN {
            now.wall
        } else {
            now.wall.min(self.to + Span(run.0.max(0).saturating_mul(24)))
        };
    }
}

/// Drops what is too old of one point after another, one a step.
fn age(step: &Transaction<'_>, aged: &mut Aged, heads: &mut Heads, retention: Span) -> rusqlite::Result<()> {
    let before = aged.to - retention;
    if let Some(place) = heads.nth(aged.next_series) {
        let sql = "DELETE FROM chunk WHERE series = ? AND t0 < ? AND t1 < ?";
        if step.execute(sql, (heads.series(place), before.0, before.0))? > 0 {
            heads.forget_chunks(place);
        }
        aged.next_series += 1;
    } else {
        aged.next_series = 0;
    }
    Ok(())
}
