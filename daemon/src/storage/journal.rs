//! The journal: every accepted reading, in order, with its number. Our own segment files, append only, a checksum per
//! commit; group commit, whole segments dropped.
//!
//! A segment whose write or sync failed is never trusted again: what it had not synced goes, from memory, into a new one.
//! Opening and mending are in `recovery.rs`, reading in `reader.rs`, the bytes in `commit.rs` and `segment.rs`.

mod commit;
#[cfg(test)]
mod damage_tests;
mod reader;
mod recovery;
mod segment;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use watchfire_model::durable::{Durable, Synced};
use watchfire_model::id::{PointIx, Seq};
use watchfire_model::row::Row;
use watchfire_model::time::{Now, Timestamp};

use self::commit::{Body, Kind, count};
use self::segment::Head;
use super::disk::{Disk, RealDisk, Sink};
use super::names::{PointName, PointNames};
use crate::config::settings::Limits;

pub use self::commit::Commit;
pub use self::reader::{Gap, GapWhy, JournalReader, Step};
pub use self::recovery::Recovery;

/// Most bytes appended and not yet durable. Beyond it nothing is taken in: the disk is sick or far too slow.
pub const MAX_PENDING: usize = 64 << 20;
/// Room for a busy moment's readings, kept for the next; what a larger one took is given back.
const ROOM_KEPT: usize = 256 << 10;

/// Why the journal cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A newer program wrote it; nothing has been touched.
    #[error(
        "{} is in journal format {found}, this program knows formats up to {known}; run the newer program again, or start with another data directory",
        .path.display()
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest known here.
        known: u32,
    },
    /// The folder or a file cannot be read or mended.
    #[error("cannot {doing} {}", .path.display())]
    Unusable {
        /// What was attempted.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The disk refuses. Everything appended is still in memory and the next sync tries again; acknowledge nothing.
    #[error("cannot make {pending_bytes} bytes of the journal durable")]
    Sick {
        /// How much waits.
        pending_bytes: usize,
        /// Why.
        source: io::Error,
    },
    /// More rows than one commit may carry; nothing of them was taken in.
    #[error("{rows} rows are more than one commit may carry")]
    TooLarge {
        /// How many there were.
        rows: usize,
    },
    /// Too much waits for the disk; nothing of this offer was taken in.
    #[error("the journal has {pending_bytes} bytes waiting for the disk and takes in nothing more")]
    Full {
        /// How much waits.
        pending_bytes: usize,
    },
}

/// The journal, for its one writer.
#[derive(Debug)]
pub struct Journal {
    dir: PathBuf,
    disk: Box<dyn Disk>,
    limits: Limits,
    /// In order; the last is the one being written while `sink` is there.
    segments: VecDeque<Segment>,
    sink: Option<Box<dyn Sink>>,
    next_ordinal: u64,
    /// Commits not yet durable, as bytes; kept until a sync has held.
    pending: Vec<u8>,
    /// Where in `pending` the last commit begins, if it is of skipped numbers: the next ones join it.
    pending_skip: Option<(usize, Seq)>,
    /// From where on the pending commits speak.
    pending_from: Seq,
    next: Seq,
    durable: Seq,
    now: Now,
    names: Arc<PointNames>,
    sickness: Option<String>,
}

#[derive(Debug)]
struct Segment {
    ordinal: u64,
    path: PathBuf,
    first: Seq,
    bytes: u64,
}

/// What fell off the journal's end before every store had it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// The rows' numbers.
    pub seqs: Range<u64>,
    /// Readings, by point.
    pub points: BTreeMap<String, LostReadings>,
    /// Rows that were not readings.
    pub others: u64,
}

/// Readings of one point that fell off the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostReadings {
    /// How many.
    pub readings: u64,
    /// The oldest, by the sensor's time.
    pub from: Timestamp,
    /// The newest.
    pub to: Timestamp,
}

impl Journal {
    /// Opens the journal in a folder, mends what a crash or the disk has done to it, and says what that was.
    pub fn open(dir: &Path, limits: &Limits) -> Result<(Self, Recovery), JournalError> {
        Self::open_on(Box::new(RealDisk), dir, limits)
    }

    /// As [`open`](Self::open), writing through `disk`.
    pub fn open_on(disk: Box<dyn Disk>, dir: &Path, limits: &Limits) -> Result<(Self, Recovery), JournalError> {
        let (recovery, found) = recovery::recover(disk.as_ref(), dir)?;
        let mut journal = Self {
            dir: dir.to_owned(),
            disk,
            limits: *limits,
            next_ordinal: found.next_ordinal,
            segments: found.segments.into(),
            sink: found.sink,
            pending: Vec::new(),
            pending_skip: None,
            pending_from: recovery.next,
            next: recovery.next,
            durable: Seq(recovery.next.0 - 1),
            now: recovery.last.unwrap_or_default(),
            names: Arc::default(),
            sickness: None,
        };
        journal.names = recovery.names.clone().unwrap_or_default();
        Ok((journal, recovery))
    }

    /// From here on rows speak of points by the numbers of `names`.
    pub fn name_points(&mut self, names: Arc<PointNames>) {
        if self.names != names {
            self.names = names;
            self.pending_skip = None;
            self.note(Kind::Names, &names_json(&self.names));
        }
    }

    /// Takes rows in, as one commit. They are durable once a later [`sync`](Self::sync) says so.
    pub fn append(&mut self, now: Now, rows: &[Row]) -> Result<Range<Seq>, JournalError> {
        if self.pending.len() > MAX_PENDING {
            return Err(JournalError::Full { pending_bytes: self.pending.len() });
        }
        let first = self.next;
        commit::write(&mut self.pending, Kind::Rows, first, now, Body::Rows(rows))
            .ok_or(JournalError::TooLarge { rows: rows.len() })?;
        self.pending_skip = None;
        self.now = now;
        self.next = Seq(first.0 + count(rows.len()));
        Ok(first..self.next)
    }

    /// Makes everything appended durable and returns the highest number that is. On an error all of it is still in
    /// memory, and the next call tries again with a new segment.
    pub fn sync(&mut self) -> Result<Durable<Seq>, JournalError> {
        let proof = Synced::by_this_log();
        if self.pending.is_empty() {
            return Ok(Durable::new(self.durable, &proof));
        }
        if self.segments.back().is_some_and(|last| last.bytes >= self.limits.segment_bytes) {
            self.sink = None;
        }
        let written = match self.write_pending() {
            Ok(()) => Ok(()),
            Err(_) => {
                self.give_up_segment();
                self.write_pending()
            }
        };
        if let Err(source) = written {
            self.give_up_segment();
            self.sickness = Some(source.to_string());
            return Err(JournalError::Sick { pending_bytes: self.pending.len(), source });
        }
        self.sickness = None;
        self.pending_skip = None;
        self.pending.clear();
        self.pending.shrink_to(ROOM_KEPT);
        self.durable = Seq(self.next.0 - 1);
        self.pending_from = self.next;
        Ok(Durable::new(self.durable, &proof))
    }

    fn write_pending(&mut self) -> io::Result<()> {
        if self.sink.is_none() {
            self.begin_segment()?;
        }
        let (Some(sink), Some(segment)) = (self.sink.as_mut(), self.segments.back_mut()) else {
            return Err(io::Error::other("no segment is open"));
        };
        commit::seal(&mut self.pending, segment.ordinal);
        sink.append(&self.pending)?;
        sink.sync()?;
        segment.bytes += count(self.pending.len());
        Ok(())
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        let ordinal = self.next_ordinal;
        // Counted up even if what follows fails: a name that may have been left behind is not tried again.
        self.next_ordinal += 1;
        let path = segment::path_of(&self.dir, ordinal);
        let mut sink = self.disk.create(&path)?;
        let names = names_json(&self.names);
        let mut start = Vec::with_capacity(2 * commit::HEADER + names.len());
        start.extend_from_slice(&Head { ordinal, first: self.pending_from, now: self.now }.to_bytes());
        let head = start.len();
        // Names that fill more than a commit are left out: the numbers are then read as today's.
        let _ = commit::write(&mut start, Kind::Names, self.pending_from, self.now, Body::Bytes(&names));
        commit::seal(&mut start[head..], ordinal);
        let written = sink.append(&start).and_then(|()| self.disk.sync_dir(&self.dir));
        self.segments.push_back(Segment { ordinal, path, first: self.pending_from, bytes: count(start.len()) });
        self.sink = Some(sink);
        written
    }

    /// Leaves the segment being written for ever: its unsynced end is cut off if the disk still lets us, and the whole
    /// file removed if nothing in it was ever durable.
    fn give_up_segment(&mut self) {
        let Some(mut sink) = self.sink.take() else { return };
        let nothing_durable = self.segments.back().is_some_and(|last| last.first > self.durable);
        if nothing_durable && let Some(empty) = self.segments.pop_back() {
            // Left behind, it is still harmless: its header claims only what the next segment claims again.
            let _ = self.disk.remove(&empty.path);
        } else if let Some(last) = self.segments.back() {
            let _ = sink.truncate(last.bytes);
        }
    }

    /// Whether the last sync failed, and why.
    pub fn failing(&self) -> Option<&str> {
        self.sickness.as_deref()
    }

    /// Goes on above a number that a ledger, a snapshot or a store's cursor knows. For a start after which the journal
    /// ends below it, because files are gone: no number is given twice, and readers are told of the gap.
    pub fn continue_above(&mut self, known: Seq) {
        if known >= self.next {
            self.next = known.next();
            if self.pending.is_empty() {
                self.pending_from = self.next;
            }
        }
    }

    /// Gives up a range of numbers: none of them is given to a row from now on, and no reader misses them. Rows that
    /// wait under such a number keep it.
    pub fn skip(&mut self, range: Range<Seq>) {
        if range.end > self.next {
            let (at, from) = self.pending_skip.unwrap_or((self.pending.len(), self.next));
            self.pending.truncate(at);
            self.next = range.end;
            self.note(Kind::Skip, &from.0.to_le_bytes());
            self.pending_skip = Some((at, from));
        }
    }

    /// Gives up the next `rows` numbers for rows that are judged although they cannot be kept; says the first.
    pub fn give_up(&mut self, rows: usize) -> Seq {
        let first = self.next;
        self.skip(first..Seq(first.0 + count(rows)));
        first
    }

    fn note(&mut self, kind: Kind, body: &[u8]) {
        // Too long is possible only for names, which stand at the head of the next segment or nowhere.
        let _ = commit::write(&mut self.pending, kind, self.next, self.now, Body::Bytes(body));
    }

    /// Drops the segments that hold nothing from `oldest_needed` on; says how many.
    pub fn retain(&mut self, oldest_needed: Seq) -> Result<usize, JournalError> {
        let mut dropped = 0;
        while self.segments.get(1).is_some_and(|second| second.first <= oldest_needed) {
            let front = self.segments.front().map_or(0, |oldest| oldest.bytes);
            if self.bytes() - front < self.limits.journal_keep_bytes {
                break;
            }
            self.drop_oldest()?;
            dropped += 1;
        }
        Ok(dropped)
    }

    /// Keeps the journal within its largest size: drops the oldest segments, and says what of it somebody still needed,
    /// being not below `oldest_needed`.
    pub fn enforce(&mut self, oldest_needed: Seq) -> Result<Option<Lost>, JournalError> {
        let mut lost: Option<Lost> = None;
        while self.bytes() > self.limits.journal_bytes
            && let (Some(oldest), Some(second)) = (self.segments.front(), self.segments.get(1))
        {
            let end = second.first;
            if end > oldest_needed {
                let from = oldest.first.max(oldest_needed);
                let total = lost.get_or_insert_with(|| Lost { seqs: from.0..from.0, ..Lost::default() });
                total.seqs.end = end.0;
                count_lost(&self.dir, &self.names, from, end, total)?;
            }
            self.drop_oldest()?;
        }
        Ok(lost)
    }

    fn drop_oldest(&mut self) -> Result<(), JournalError> {
        if let Some(oldest) = self.segments.front() {
            self.disk.remove(&oldest.path).map_err(|source| JournalError::Unusable {
                doing: "drop the segment",
                path: oldest.path.clone(),
                source,
            })?;
            self.segments.pop_front();
        }
        Ok(())
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }
    /// Bytes that wait for the disk.
    pub fn pending_bytes(&self) -> usize {
        self.pending.len()
    }
    /// The oldest number still there.
    pub fn oldest(&self) -> Seq {
        self.segments.front().map_or(self.next, |segment| segment.first)
    }
    /// The number that the next row gets.
    pub const fn next(&self) -> Seq {
        self.next
    }
    /// The folder; readers open it.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

fn names_json(names: &PointNames) -> Vec<u8> {
    // Three short words and their keys.
    let mut json = Vec::with_capacity(names.len() * 80);
    serde_json::to_writer(&mut json, names).expect("lists of strings become JSON");
    json
}

/// Adds to `total` what the rows `from..end` were.
fn count_lost(dir: &Path, names: &Arc<PointNames>, from: Seq, end: Seq, total: &mut Lost) -> Result<(), JournalError> {
    let mut reader = JournalReader::after(dir, Seq(from.0.saturating_sub(1)), Arc::clone(names));
    let last = Seq(end.0.saturating_sub(1));
    let mut commit = Commit::default();
    loop {
        match reader.read(last, &mut commit)? {
            Step::Commit => {
                for (_, row) in commit.numbered().take_while(|(seq, _)| *seq <= last) {
                    let Row::Reading(reading) = row else {
                        total.others += 1;
                        continue;
                    };
                    let at = reading.observed_at;
                    let name = name_of(&reader, reading.point);
                    let entry = total.points.entry(name).or_insert(LostReadings { readings: 0, from: at, to: at });
                    entry.readings += 1;
                    entry.from = entry.from.min(at);
                    entry.to = entry.to.max(at);
                }
            }
            // Already unreadable before it was dropped; the range names it.
            Step::Gap(_) => {}
            Step::Idle => return Ok(()),
        }
    }
}

fn name_of(reader: &JournalReader, ix: PointIx) -> String {
    let label = |name: &PointName| format!("{}/{}", name.station, name.point);
    reader.names().get(ix).map_or_else(|| format!("point {}", ix.0), label)
}
