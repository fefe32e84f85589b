//! Reading the journal from a number on: by the stores, by a restart, while the writer goes on writing. Follows the live
//! tail only as far as the caller says is durable; goes round damage and round segments that are gone, and says so.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use watchfire_model::id::Seq;

use super::JournalError;
use super::commit::{Commit, Header, Kind, read_rows};
use super::segment::{self, Found, Listed, Scanner, Start};
use crate::storage::names::{PointNames, Translation};

/// What a read brought.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// A commit, in the caller's [`Commit`].
    Commit,
    /// Rows that were there once and cannot be had.
    Gap(Gap),
    /// Nothing more that is durable.
    Idle,
}

/// Rows that cannot be had. Reading goes on after them.
#[derive(Debug, PartialEq, Eq)]
pub struct Gap {
    /// Their numbers.
    pub seqs: Range<Seq>,
    /// Where they went.
    pub why: GapWhy,
}

/// Where rows went.
#[derive(Debug, PartialEq, Eq)]
pub enum GapWhy {
    /// Dropped, because the journal had reached its largest size or nobody had said that they were needed.
    Dropped,
    /// Damaged on disk, in this segment.
    Damaged(PathBuf),
}

/// Walks through the journal.
#[derive(Debug)]
pub struct JournalReader {
    dir: PathBuf,
    /// The last number delivered or given up.
    after: Seq,
    names: Translation,
    open: Option<Open>,
    /// The segment in which damage was met since the last delivery.
    damaged: Option<PathBuf>,
}

#[derive(Debug)]
struct Open {
    scanner: Scanner,
    ordinal: u64,
    path: PathBuf,
    /// Where the next segment begins, if there was one when this was opened: what stands here from there on is void.
    until: Option<Seq>,
}

impl JournalReader {
    /// Reads what comes after `after`, with points in the numbers of `names`. Opens nothing yet.
    pub fn after(dir: &Path, after: Seq, names: Arc<PointNames>) -> Self {
        Self { dir: dir.to_owned(), after, names: Translation::into(names), open: None, damaged: None }
    }

    /// All names that rows speak of: the caller's, then those met that are configured no more.
    pub fn names(&self) -> &Arc<PointNames> {
        self.names.names()
    }

    /// How many points are configured; rows speak of others by numbers from there on.
    pub const fn configured(&self) -> usize {
        self.names.configured()
    }

    /// The last number delivered or given up.
    pub const fn position(&self) -> Seq {
        self.after
    }

    /// Reads the next commit into `into`, not going beyond `durable`, which the journal has said is on disk.
    pub fn read(&mut self, durable: Seq, into: &mut Commit) -> Result<Step, JournalError> {
        while self.after < durable {
            let Some(open) = &mut self.open else {
                if !self.enter(0)? {
                    return Ok(Step::Idle);
                }
                continue;
            };
            let unreadable = |source| JournalError::Unusable { doing: "read", path: open.path.clone(), source };
            match open.scanner.next().map_err(unreadable)? {
                Found::Damage(_) => self.damaged = Some(open.path.clone()),
                Found::Commit(header) if open.until.is_some_and(|until| header.first >= until) => {
                    let ordinal = open.ordinal;
                    if !self.enter(ordinal + 1)? {
                        return Ok(self.gap(durable.next(), None));
                    }
                }
                Found::Commit(header) => {
                    if let Some(step) = self.look_at(header, into) {
                        return Ok(step);
                    }
                }
                Found::End => {
                    let (ordinal, path) = (open.ordinal, open.path.clone());
                    if !self.enter(ordinal + 1)? {
                        // Durable, so it was here; nothing sound is here, so it is damaged.
                        return Ok(self.gap(durable.next(), Some(path)));
                    }
                }
            }
        }
        Ok(Step::Idle)
    }

    /// Takes in the commit before which the scanner stands.
    fn look_at(&mut self, header: Header, into: &mut Commit) -> Option<Step> {
        let expected = self.after.next();
        let open = self.open.as_mut()?;
        match header.kind {
            Kind::Names => self.names.rows_are_as_written(open.scanner.payload()),
            Kind::Skip => {
                let from = open.scanner.payload().try_into().map(u64::from_le_bytes).map_or(header.first, Seq);
                if from <= expected && header.first > expected {
                    self.after = Seq(header.first.0 - 1);
                }
            }
            Kind::Rows if header.first > expected => {
                let damaged = self.damaged.take();
                return Some(self.gap(header.first, damaged));
            }
            Kind::Rows if header.end() > expected => {
                into.now = header.now;
                into.first = header.first;
                into.rows.clear();
                let whole = read_rows(&header, open.scanner.payload(), &mut into.rows).is_some();
                open.scanner.pass();
                if !whole {
                    let path = open.path.clone();
                    return Some(self.gap(header.end(), Some(path)));
                }
                if header.first < expected {
                    let known = usize::try_from(expected.0 - header.first.0).unwrap_or(usize::MAX);
                    into.rows.drain(..known.min(into.rows.len()));
                    into.first = expected;
                }
                for row in &mut into.rows {
                    self.names.apply(row);
                }
                self.after = into.last();
                self.damaged = None;
                return Some(Step::Commit);
            }
            // Known already: the end of a segment that was given up, begun again in the next.
            Kind::Rows => {}
        }
        open.scanner.pass();
        None
    }

    fn gap(&mut self, end: Seq, damaged: Option<PathBuf>) -> Step {
        let seqs = self.after.next()..end;
        self.after = Seq(end.0 - 1);
        Step::Gap(Gap { seqs, why: damaged.map_or(GapWhy::Dropped, GapWhy::Damaged) })
    }

    /// Opens the segment that holds the next row, among those from `least` on. False if there is none.
    fn enter(&mut self, least: u64) -> Result<bool, JournalError> {
        let expected = self.after.next();
        let (listed, _) = segment::list(&self.dir)?;
        let sound = |listed: &Listed| match &listed.start {
            Start::Sound(head) => Some(*head),
            Start::Newer(_) | Start::Short | Start::Damaged => None,
        };
        let heads: Vec<_> = listed
            .iter()
            .filter_map(|listed| Some((sound(listed)?, &listed.path)))
            .filter(|(head, _)| head.ordinal >= least)
            .collect();
        let place = heads.partition_point(|(head, _)| head.first <= expected).saturating_sub(1);
        let Some((head, path)) = heads.get(place) else { return Ok(false) };
        let scanner = match Scanner::open(path, head.ordinal) {
            Ok(scanner) => scanner,
            // Dropped since the listing: look again.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.open = None;
                return Ok(true);
            }
            Err(source) => {
                return Err(JournalError::Unusable { doing: "read", path: (*path).clone(), source });
            }
        };
        let until = heads.get(place + 1).map(|(next, _)| next.first);
        self.open = Some(Open { scanner, ordinal: head.ordinal, path: (*path).clone(), until });
        Ok(true)
    }
}
