//! What is not in a chunk yet: a head per point, and which part of the tail still speaks for it.

use std::collections::{HashMap, VecDeque};

use rusqlite::{Connection, OptionalExtension};

use super::samples::{Sample, Samples, Taken, columns};
use super::{Pace, Tail};
use crate::storage::names::PointName;

/// A point's place among the heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(usize);

/// One point's samples that are in no chunk yet.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) series: i64,
    pub(super) samples: Samples,
    /// The row of the tail with the first of them.
    tail_from: Option<i64>,
    pub(super) newest: Newest,
}

/// What is known of a point's newest chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Newest {
    /// Not looked up yet.
    #[default]
    Unknown,
    None,
    Chunk {
        t0: i64,
        t1: i64,
        samples: usize,
    },
}

/// All heads.
#[derive(Debug, Default)]
pub(super) struct Heads {
    all: Vec<Head>,
    by_series: HashMap<i64, usize>,
    next_series: i64,
    samples: usize,
    chunk_samples: usize,
    /// Heads in the order of their first row in the tail; an entry whose head has been sealed since is stale.
    begun: VecDeque<(Place, i64)>,
    /// Heads that have reached a chunk's size.
    full: VecDeque<Place>,
    /// The rows of the tail: id and how many samples.
    tail: VecDeque<(i64, u64)>,
    tail_samples: u64,
    next_tail: i64,
    /// Rows of the tail that could not be read whole at the start.
    torn_tails: usize,
}

impl Heads {
    /// Rebuilds the heads from the tail.
    pub(super) fn load(db: &Connection, pace: Pace) -> rusqlite::Result<Self> {
        let mut heads = Self { next_series: 1, next_tail: 1, chunk_samples: pace.chunk_samples, ..Self::default() };
        let mut sealed_through = HashMap::new();
        let mut select = db.prepare("SELECT id, sealed_through FROM series")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let (series, sealed): (i64, i64) = (row.get(0)?, row.get(1)?);
            heads.begin(series);
            heads.next_tail = heads.next_tail.max(sealed + 1);
            sealed_through.insert(series, sealed);
        }
        let mut select = db.prepare("SELECT id, n, samples FROM tail ORDER BY id")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let (id, bytes) = (row.get(0)?, row.get_ref(2)?.as_blob()?);
            let mut count = 0;
            let whole = Tail::read(bytes, |series, time, value, mark| {
                count += 1;
                let sealed = sealed_through.get(&series).is_some_and(|sealed| *sealed >= id);
                if !sealed && let Some(place) = heads.by_series.get(&series).copied().map(Place) {
                    heads.take_in_columns(place, id, time, value, mark);
                }
            });
            if !whole {
                // Whatever of the row could be read is kept; the rest was damaged on disk.
                heads.torn_tails += 1;
            }
            heads.tail.push_back((id, count));
            heads.tail_samples += count;
            heads.next_tail = heads.next_tail.max(id + 1);
        }
        Ok(heads)
    }

    fn begin(&mut self, series: i64) -> Place {
        let place = self.all.len();
        if place == self.all.capacity() {
            // By an eighth: a site's series come all at once, and seldom more.
            self.all.reserve_exact((place / 8).max(16));
        }
        self.all.push(Head { series, ..Head::default() });
        self.by_series.insert(series, place);
        self.next_series = self.next_series.max(series + 1);
        Place(place)
    }

    /// The place of a name; a new one is written down at once.
    pub(super) fn place_of(&mut self, db: &Connection, name: &PointName) -> rusqlite::Result<Place> {
        let sql = "SELECT id FROM series WHERE station = ? AND point = ?";
        let known: Option<i64> =
            db.query_row(sql, (name.station.as_str(), name.point.as_str()), |row| row.get(0)).optional()?;
        if let Some(place) = known.and_then(|series| self.by_series.get(&series).copied()) {
            return Ok(Place(place));
        }
        let series = self.next_series;
        let sql = "INSERT INTO series(id, station, point, quantity) VALUES(?, ?, ?, ?)";
        db.execute(sql, (series, name.station.as_str(), name.point.as_str(), &*name.quantity))?;
        Ok(self.begin(series))
    }

    /// Takes a sample of the step in progress; false if it is a repeat.
    pub(super) fn take_in(&mut self, place: Place, sample: Sample) -> bool {
        let (time, value, mark) = columns(sample);
        self.take_in_columns(place, self.next_tail, time, value, mark)
    }

    fn take_in_columns(&mut self, place: Place, tail: i64, time: i64, value: f64, mark: u8) -> bool {
        let Some(head) = self.all.get_mut(place.0) else { return false };
        match head.samples.insert_columns(time, value, mark) {
            Taken::New => {}
            Taken::Doubted => return true,
            Taken::Known => return false,
        }
        self.samples += 1;
        if head.tail_from.is_none() {
            head.tail_from = Some(tail);
            self.begun.push_back((place, tail));
        }
        if head.samples.len() == self.chunk_samples {
            self.full.push_back(place);
        }
        true
    }

    /// Notes the row of the tail with the samples taken in since the last; its id.
    pub(super) fn note_tail(&mut self, rows: usize) -> i64 {
        let id = self.next_tail;
        self.next_tail += 1;
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        self.tail.push_back((id, rows));
        self.tail_samples += rows;
        id
    }

    /// The head to seal next, if one is due: a full one, else, under pressure, the one that has held the tail longest.
    pub(super) fn due(&mut self, pace: Pace) -> Option<Place> {
        while let Some(place) = self.full.pop_front() {
            if self.all.get(place.0).is_some_and(|head| head.samples.len() >= pace.chunk_samples) {
                return Some(place);
            }
        }
        let pressed = self.samples > pace.head_samples
            || self.tail_samples > pace.tail_samples
            || self.tail.len() > pace.tail_rows;
        if pressed { self.oldest().map(|(place, _)| place) } else { None }
    }

    /// The head with the oldest row of the tail.
    fn oldest(&mut self) -> Option<(Place, i64)> {
        while let Some((place, tail)) = self.begun.front().copied() {
            if self.all.get(place.0).is_some_and(|head| head.tail_from == Some(tail)) {
                return Some((place, tail));
            }
            self.begun.pop_front();
        }
        None
    }

    /// The head at a place, for sealing.
    pub(super) fn head(&mut self, place: Place) -> Option<&mut Head> {
        self.all.get_mut(place.0)
    }

    /// The head's samples are in chunks now.
    pub(super) fn sealed(&mut self, place: Place) {
        if let Some(head) = self.all.get_mut(place.0) {
            self.samples -= head.samples.len();
            head.samples.clear();
            head.tail_from = None;
        }
    }

    /// Forgets the rows of the tail that no head needs; the lowest id that is still needed.
    pub(super) fn cut_tail(&mut self) -> i64 {
        let needed = self.oldest().map_or(self.next_tail, |(_, tail)| tail);
        while let Some((id, rows)) = self.tail.front().copied()
            && id < needed
        {
            self.tail.pop_front();
            self.tail_samples -= rows;
        }
        needed
    }

    /// Rows of the tail that were damaged when the heads were rebuilt.
    pub(super) fn torn_tails(&self) -> usize {
        self.torn_tails
    }

    /// The newest row of the tail.
    pub(super) fn last_tail(&self) -> i64 {
        self.next_tail - 1
    }

    /// Samples in all heads.
    pub(super) fn samples(&self) -> usize {
        self.samples
    }

    pub(super) fn series(&self, place: Place) -> i64 {
        self.all.get(place.0).map_or(0, |head| head.series)
    }

    /// The `n`-th place, for going round.
    pub(super) fn nth(&self, n: usize) -> Option<Place> {
        (n < self.all.len()).then_some(Place(n))
    }

    /// A point's chunks have changed behind the head's back.
    pub(super) fn forget_chunks(&mut self, place: Place) {
        if let Some(head) = self.all.get_mut(place.0) {
            head.newest = Newest::Unknown;
        }
    }
}
