//! The hash chain: what a record's hash covers, and how a ledger is proven.

use std::collections::VecDeque;
use std::fmt;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};
use watchfire_model::id::Revision;
use watchfire_model::time::{Now, Steady, Timestamp};

use super::{DatabaseError, Entry, KIND, LedgerError, LedgerId, Record};

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash(pub(super) [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The last record's place and hash: who has noted these can prove later that nothing up to here was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its place; 0 where nothing is recorded yet.
    pub id: LedgerId,
    /// Its hash.
    pub hash: Hash,
}

impl Head {
    /// Of a ledger in which nothing is recorded yet.
    pub const EMPTY: Self = Self { id: LedgerId(0), hash: Hash([0; 32]) };
}

/// The ledger is not what was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ledger record {first_bad}: {why}", first_bad = .first_bad.0)]
pub struct Broken {
    /// The first record that cannot be proven.
    pub first_bad: LedgerId,
    /// How it shows.
    pub why: String,
}

/// A record's place and hash, from the one before it.
pub(super) struct Link {
    pub(super) id: LedgerId,
    pub(super) hash: Hash,
}

impl Link {
    pub(super) fn after(head: &Head, entry: &Entry) -> Self {
        let id = LedgerId(head.id.0 + 1);
        let mut hasher = Sha256::new();
        hasher.update(b"watchfire ledger 1\n");
        hasher.update(head.hash.0);
        hasher.update(id.0.to_le_bytes());
        hasher.update(entry.now.wall.0.to_le_bytes());
        hasher.update(entry.now.steady.0.to_le_bytes());
        // The length first: no letter can move from one text into the other unnoticed.
        for text in [&entry.input, &entry.events] {
            hasher.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        Self { id, hash: Hash(hasher.finalize().into()) }
    }
}

pub(super) fn text_hash(text: &str) -> Hash {
    Hash(Sha256::digest(text.as_bytes()).into())
}

/// As SQLite counts rows; a ledger of 2⁶³ records is out of reach.
pub(super) fn row(id: LedgerId) -> i64 {
    i64::try_from(id.0).unwrap_or(i64::MAX)
}

fn id_of(row: i64) -> LedgerId {
    LedgerId(u64::try_from(row).unwrap_or(0))
}

/// What stands in one row of the table.
struct Stored {
    record: Record,
    prev: Hash,
}

fn stored(row: &rusqlite::Row<'_>) -> rusqlite::Result<Stored> {
    let now = Now { wall: Timestamp(row.get(1)?), steady: Steady(row.get(2)?) };
    let entry = Entry { now, input: row.get(3)?, events: row.get(4)? };
    Ok(Stored { record: Record { id: id_of(row.get(0)?), entry, hash: Hash(row.get(6)?) }, prev: Hash(row.get(5)?) })
}

const COLUMNS: &str = "SELECT id, wall, steady, input, events, prev_hash, hash FROM record";

/// The head, checked against the last record.
pub(super) fn head(db: &Connection) -> rusqlite::Result<Result<Head, Broken>> {
    let noted = noted_head(db)?;
    let last = db.query_row(&format!("{COLUMNS} ORDER BY id DESC LIMIT 1"), [], stored).optional()?;
    let stands = last.map_or(Head::EMPTY, |last| Head { id: last.record.id, hash: last.record.hash });
    if noted == stands {
        return Ok(Ok(stands));
    }
    let why = format!("the head names record {} as the last, the last there is is {}", noted.id.0, stands.id.0);
    Ok(Err(Broken { first_bad: noted.id.min(stands.id), why }))
}

fn noted_head(db: &Connection) -> rusqlite::Result<Head> {
    let noted = |row: &rusqlite::Row<'_>| Ok(Head { id: id_of(row.get(0)?), hash: Hash(row.get(1)?) });
    Ok(db.query_row("SELECT id, hash FROM head", [], noted).optional()?.unwrap_or(Head::EMPTY))
}

/// The last record there is; zero where there is none.
pub(super) fn last(db: &Connection) -> rusqlite::Result<LedgerId> {
    db.query_row("SELECT coalesce(max(id), 0) FROM record", [], |row| Ok(id_of(row.get(0)?)))
}

pub(super) fn revision(db: &Connection, revision: &Revision) -> rusqlite::Result<Option<String>> {
    db.query_row("SELECT text FROM revision WHERE name = ?", [&revision.0], |row| row.get(0)).optional()
}

pub(super) fn prove(db: &Connection, path: &Path, mut seen: impl FnMut(&Record)) -> Result<Head, LedgerError> {
    let failed = |source| LedgerError::from(DatabaseError::of(&KIND, path, source));
    // One moment for records, head and texts: a writer beside us may add to all of them.
    let _moment = db.unchecked_transaction().map_err(failed)?;
    let mut records = Records::new(db, path, LedgerId(1));
    for record in records.by_ref() {
        seen(&record?);
    }
    let (stands, noted) = (records.proven, noted_head(db).map_err(failed)?);
    if stands != noted {
        let why = format!("the head names record {} as the last, and that is not there as it was", noted.id.0);
        return Err(Broken { first_bad: LedgerId(stands.id.0 + 1), why }.into());
    }
    let mut texts = db.prepare("SELECT name, text, hash FROM revision").map_err(failed)?;
    let mut rows = texts.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let (name, text, hash): (String, String, [u8; 32]) =
            (row.get(0).map_err(failed)?, row.get(1).map_err(failed)?, row.get(2).map_err(failed)?);
        if text_hash(&text) != Hash(hash) {
            let why = format!("the text of revision {name} is not the one that was kept");
            return Err(Broken { first_bad: stands.id, why }.into());
        }
    }
    Ok(stands)
}

/// Reads records in order, proving each against the one before. Ends after the first error.
#[derive(Debug)]
pub struct Records<'a> {
    db: &'a Connection,
    path: &'a Path,
    page: VecDeque<Record>,
    /// The last record read from the file, proven; none until the one before the first has been looked up.
    proven: Head,
    begun: bool,
    ended: bool,
    /// Met behind proven records that have to go out first.
    held_back: Option<LedgerError>,
    from: LedgerId,
}

/// Records fetched at once.
const PAGE: u32 = 256;

impl<'a> Records<'a> {
    pub(super) fn new(db: &'a Connection, path: &'a Path, from: LedgerId) -> Self {
        let from = from.max(LedgerId(1));
        Self { db, path, page: VecDeque::new(), proven: Head::EMPTY, begun: false, ended: false, held_back: None, from }
    }

    fn fetch(&mut self) -> Result<(), LedgerError> {
        if !self.begun {
            self.begun = true;
            let before = LedgerId(self.from.0 - 1);
            if before.0 > 0 {
                let hash = self.query_hash(before)?;
                let why = || "it is not there".to_owned();
                let hash = hash.ok_or_else(|| Broken { first_bad: before, why: why() })?;
                self.proven = Head { id: before, hash };
            }
        }
        for Stored { record, prev } in self.query_page()? {
            let expected = Link::after(&self.proven, &record.entry);
            let why = if record.id != expected.id {
                Some(format!("it is not there; the next there is is {}", record.id.0))
            } else if prev != self.proven.hash {
                Some("it does not follow the one before it".to_owned())
            } else if record.hash != expected.hash {
                Some("its content is not what was written".to_owned())
            } else {
                None
            };
            if let Some(why) = why {
                return Err(Broken { first_bad: expected.id, why }.into());
            }
            self.proven = Head { id: record.id, hash: record.hash };
            self.page.push_back(record);
        }
        Ok(())
    }

    fn query_hash(&self, id: LedgerId) -> Result<Option<Hash>, LedgerError> {
        let hash = self.db.query_row("SELECT hash FROM record WHERE id = ?", [row(id)], |row| row.get(0).map(Hash));
        hash.optional().map_err(|source| self.failed(source))
    }

    fn query_page(&self) -> Result<Vec<Stored>, LedgerError> {
        let sql = format!("{COLUMNS} WHERE id > ? ORDER BY id LIMIT {PAGE}");
        let page = || -> rusqlite::Result<Vec<Stored>> {
            let mut select = self.db.prepare(&sql)?;
            select.query_map([row(self.proven.id)], stored)?.collect()
        };
        page().map_err(|source| self.failed(source))
    }

    fn failed(&self, source: rusqlite::Error) -> LedgerError {
        // A column of another type or length is tampering, not a disk that fails.
        if source.sqlite_error_code().is_none() {
            let why = format!("a column is not what was written: {source}");
            return Broken { first_bad: LedgerId(self.proven.id.0 + 1), why }.into();
        }
        DatabaseError::of(&KIND, self.path, source).into()
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.is_empty()
            && !self.ended
            && let Err(error) = self.fetch()
        {
            self.ended = true;
            if self.page.is_empty() {
                return Some(Err(error));
            }
            self.held_back = Some(error);
        }
        match self.page.pop_front() {
            Some(record) => Some(Ok(record)),
            None => self.held_back.take().map(Err),
        }
    }
}
