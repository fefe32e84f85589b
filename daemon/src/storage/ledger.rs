//! The ledger (台账): every input that was decided on, with the events decided from it, in order, for ever. Each record's
//! hash covers the one before it, so that a record changed, dropped or moved is found out.
//!
//! One writer; readers have connections of their own. Reading and proving are in `chain.rs`, the ledger as a file for
//! others in `export.rs`, the space kept for a full disk in `reserve.rs`. What the texts mean is the duty loop's business.

mod chain;
pub mod export;
mod reserve;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OptionalExtension};
use serde::{Deserialize, Serialize};
use watchfire_model::durable::{Durable, Synced};
use watchfire_model::id::Revision;
use watchfire_model::time::Now;

use self::chain::Link;
use self::reserve::Reserve;
use super::database::{self, DatabaseError, Kind};

pub use self::chain::{Broken, Hash, Head, Records};

const KIND: Kind = Kind {
    what: "ledger",
    application_id: 0x5746_4c44, // "WFLD"
    format: 1,
    schema: "
        CREATE TABLE record(id INTEGER PRIMARY KEY, wall INTEGER NOT NULL, steady INTEGER NOT NULL,
            input TEXT NOT NULL, events TEXT NOT NULL, prev_hash BLOB NOT NULL, hash BLOB NOT NULL) STRICT;
        CREATE TABLE head(one INTEGER PRIMARY KEY CHECK(one = 1), id INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;
        CREATE TABLE revision(name TEXT PRIMARY KEY, text TEXT NOT NULL, hash BLOB NOT NULL) STRICT;
        CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;",
};

/// A record's place in the ledger, from 1, without holes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LedgerId(pub u64);

/// What is to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it was decided.
    pub now: Now,
    /// What was decided on, as JSON.
    pub input: String,
    /// What was decided, as JSON.
    pub events: String,
}

/// What was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place.
    pub id: LedgerId,
    /// What it says.
    pub entry: Entry,
    /// Covers this record and, through the one before, all before it.
    pub hash: Hash,
}

/// Why the ledger cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A record is not what was written.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// A damaged ledger could not be put aside.
    #[error("cannot put the damaged ledger {} aside", .path.display())]
    Stuck {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// The ledger, for its one writer.
#[derive(Debug)]
pub struct Ledger {
    db: Connection,
    path: PathBuf,
    head: Head,
    reserve: Reserve,
}

/// What came out of a damaged ledger.
#[derive(Debug)]
pub struct Salvage {
    /// Where the damaged file is kept.
    pub kept: PathBuf,
    /// Records carried over: all up to the first that could not be proven.
    pub records: u64,
    /// What stopped it.
    pub stopped_by: Option<String>,
}

impl Ledger {
    /// Opens the ledger, or begins one. The last record is checked against the head; the rest as it is read.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let db = database::open(path, &KIND)?;
        let head = chain::head(&db).map_err(|source| DatabaseError::of(&KIND, path, source))??;
        let reserve = Reserve::beside(path);
        reserve.fill();
        Ok(Self { db, path: path.to_owned(), head, reserve })
    }

    /// Puts a damaged ledger aside, kept whole, and begins a new one with every record that can still be proven. For
    /// when [`open`](Self::open) or [`read`](Self::read) says `Damaged` or `Broken`: a warning matters more than a file.
    pub fn salvage(path: &Path) -> Result<(Self, Salvage), LedgerError> {
        let stuck = |source| LedgerError::Stuck { path: path.to_owned(), source };
        let kept = database::set_aside(path).map_err(stuck)?;
        let mut ledger = Self::open(path)?;
        let mut salvage = Salvage { kept: kept.clone(), records: 0, stopped_by: None };
        match LedgerReader::open(&kept) {
            Err(error) => salvage.stopped_by = Some(error.to_string()),
            Ok(old) => {
                let mut batch = Vec::new();
                for record in old.read(LedgerId(1)) {
                    match record {
                        Ok(record) => batch.push(record.entry),
                        Err(error) => {
                            salvage.stopped_by = Some(error.to_string());
                            break;
                        }
                    }
                    if batch.len() == 1_000 {
                        salvage.records += ledger.carry_over(&mut batch)?;
                    }
                }
                salvage.records += ledger.carry_over(&mut batch)?;
            }
        }
        Ok((ledger, salvage))
    }

    /// The same entries in the same order have the same hashes again.
    fn carry_over(&mut self, batch: &mut Vec<Entry>) -> Result<u64, LedgerError> {
        let before = self.head.id.0;
        self.append(batch)?;
        batch.clear();
        Ok(self.head.id.0 - before)
    }

    /// Records entries, all or none, and returns the last one's place once all are on disk. On an error nothing of them
    /// is recorded and the same call may be tried again. A full disk gets the reserved space first.
    pub fn append(&mut self, entries: &[Entry]) -> Result<Durable<LedgerId>, LedgerError> {
        let proof = Synced::by_this_log();
        let head = loop {
            match self.write(entries) {
                Ok(head) => break head,
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) && self.reserve.spend() => {}
                Err(source) => return Err(DatabaseError::of(&KIND, &self.path, source).into()),
            }
        };
        self.head = head;
        Ok(Durable::new(head.id, &proof))
    }

    fn write(&mut self, entries: &[Entry]) -> rusqlite::Result<Head> {
        let mut head = self.head;
        if entries.is_empty() {
            return Ok(head);
        }
        let making = self.db.transaction()?;
        {
            let sql = "INSERT INTO record(id, wall, steady, input, events, prev_hash, hash) VALUES(?,?,?,?,?,?,?)";
            let mut insert = making.prepare(sql)?;
            for entry in entries {
                let link = Link::after(&head, entry);
                let (wall, steady) = (entry.now.wall.0, entry.now.steady.0);
                let Entry { input, events, .. } = entry;
                insert.execute((chain::row(link.id), wall, steady, input, events, &head.hash.0, &link.hash.0))?;
                head = Head { id: link.id, hash: link.hash };
            }
        }
        let sql = "INSERT INTO head(one, id, hash) VALUES(1, ?, ?)
                   ON CONFLICT(one) DO UPDATE SET id = excluded.id, hash = excluded.hash";
        making.execute(sql, (chain::row(head.id), &head.hash.0))?;
        making.commit()?;
        Ok(head)
    }

    /// The last record's place and hash.
    pub const fn head(&self) -> Head {
        self.head
    }

    /// Reads from a record on; each one is proven as it is read.
    pub fn read(&self, from: LedgerId) -> Records<'_> {
        Records::new(&self.db, &self.path, from)
    }

    /// Proves the whole ledger: every record, every rule text, the head.
    pub fn verify(&self) -> Result<Head, LedgerError> {
        chain::prove(&self.db, &self.path, |_| {})
    }

    /// Keeps the text of a revision, so that a warning can be explained by the rules it was judged by.
    pub fn keep_revision(&mut self, revision: &Revision, text: &str) -> Result<(), LedgerError> {
        let sql = "INSERT INTO revision(name, text, hash) VALUES(?, ?, ?) ON CONFLICT(name) DO NOTHING";
        let hash = chain::text_hash(text);
        self.db.execute(sql, (&revision.0, text, &hash.0)).map(drop).map_err(|source| self.failed(source))
    }

    /// The text of a revision.
    pub fn revision(&self, revision: &Revision) -> Result<Option<String>, LedgerError> {
        chain::revision(&self.db, revision).map_err(|source| self.failed(source))
    }

    /// Keeps a small fact, such as where the steady clock stood; it is overwritten by the next of the same key.
    pub fn set_meta(&mut self, key: &str, value: &str) -> Result<(), LedgerError> {
        let sql = "INSERT INTO meta(key, value) VALUES(?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value";
        self.db.execute(sql, (key, value)).map(drop).map_err(|source| self.failed(source))
    }

    /// A small fact.
    pub fn meta(&self, key: &str) -> Result<Option<String>, LedgerError> {
        let sql = "SELECT value FROM meta WHERE key = ?";
        self.db.query_row(sql, [key], |row| row.get(0)).optional().map_err(|source| self.failed(source))
    }

    /// Bytes of the reserve already spent: above 0 the disk has been full, and the officer must know.
    pub fn reserve_spent_bytes(&self) -> u64 {
        self.reserve.missing_bytes()
    }

    /// Sets the spent reserve aside again, as far as the disk has room.
    pub fn refill_reserve(&self) {
        self.reserve.fill();
    }

    fn failed(&self, source: rusqlite::Error) -> LedgerError {
        DatabaseError::of(&KIND, &self.path, source).into()
    }
}

/// The ledger, for whoever looks: `why`, `verify`, the console.
#[derive(Debug)]
pub struct LedgerReader {
    db: Connection,
    path: PathBuf,
}

impl LedgerReader {
    /// Opens the ledger beside its writer, or without one.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        Ok(Self { db: database::open_to_read(path, &KIND)?, path: path.to_owned() })
    }
    /// Reads from a record on; each one is proven as it is read.
    pub fn read(&self, from: LedgerId) -> Records<'_> {
        Records::new(&self.db, &self.path, from)
    }
    /// The last record that is there.
    pub fn last(&self) -> Result<LedgerId, LedgerError> {
        chain::last(&self.db).map_err(|source| DatabaseError::of(&KIND, &self.path, source).into())
    }
    /// Proves the whole ledger as of one moment, whatever its writer adds meanwhile.
    pub fn verify(&self) -> Result<Head, LedgerError> {
        self.prove(|_| {})
    }
    /// The same; each record is shown to `seen` once it is proven against the one before it.
    pub fn prove(&self, seen: impl FnMut(&Record)) -> Result<Head, LedgerError> {
        chain::prove(&self.db, &self.path, seen)
    }
    /// The text of a revision.
    pub fn revision(&self, revision: &Revision) -> Result<Option<String>, LedgerError> {
        chain::revision(&self.db, revision).map_err(|source| DatabaseError::of(&KIND, &self.path, source).into())
    }
}
