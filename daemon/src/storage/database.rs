//! Opening one of our SQLite files: the right library, the right file, the right format, the settings that keep what a
//! commit has promised. Whose tables they are is their owner's business.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

/// Older ones may corrupt a WAL database that two connections checkpoint at once.
const OLDEST_SQLITE: i32 = 3_051_003;

/// What a file of ours is.
#[derive(Debug)]
pub(super) struct Kind {
    /// For people, such as `ledger`.
    pub(super) what: &'static str,
    /// SQLite's `application_id`.
    pub(super) application_id: i32,
    /// SQLite's `user_version`; the newest format known here.
    pub(super) format: i32,
    /// Makes an empty file into one of ours.
    pub(super) schema: &'static str,
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The SQLite library is too old to be trusted.
    #[error("this program was built with SQLite {found}; 3.51.3 or newer is needed")]
    TooOld {
        /// Its version.
        found: &'static str,
    },
    /// A newer program wrote it; nothing has been touched.
    #[error(
        "{} is in {what} format {found}, this program knows formats up to {known}; run the newer program again",
        .path.display()
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
        /// Its format.
        found: i32,
        /// The newest known here.
        known: i32,
    },
    /// It is somebody else's; nothing has been touched.
    #[error("{} is a database, but not a {what} of this program", .path.display())]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// What it should be.
        what: &'static str,
    },
    /// What is in it cannot be read as SQLite.
    #[error("the {what} {} is damaged", .path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
        /// How it shows.
        source: rusqlite::Error,
    },
    /// It cannot be opened, read or written now; trying again may help.
    #[error("cannot use the {what} {}", .path.display())]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
        /// Why not.
        source: rusqlite::Error,
    },
}

impl DatabaseError {
    pub(super) fn of(kind: &Kind, path: &Path, source: rusqlite::Error) -> Self {
        let (path, what) = (path.to_owned(), kind.what);
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { path, what, source },
            Some(_) | None => Self::Unusable { path, what, source },
        }
    }
}

/// Opens a file of ours for its one writer; makes it if there is none.
pub(super) fn open(path: &Path, kind: &Kind) -> Result<Connection, DatabaseError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = connect(path, kind, flags)?;
    let failed = |source| DatabaseError::of(kind, path, source);
    let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
                    PRAGMA journal_size_limit = 67108864; PRAGMA trusted_schema = OFF;";
    db.execute_batch(settings).map_err(failed)?;
    if user_version(&db).map_err(failed)? == 0 {
        let making = db.transaction().map_err(failed)?;
        making.execute_batch(kind.schema).map_err(failed)?;
        making.pragma_update(None, "application_id", kind.application_id).map_err(failed)?;
        making.pragma_update(None, "user_version", kind.format).map_err(failed)?;
        making.commit().map_err(failed)?;
    }
    Ok(db)
}

/// Puts a damaged file aside, with all that belongs to it, and says where it is kept.
pub(super) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let kept = (0..1_000)
        .map(|n| path.with_extension(format!("{n}.quarantine")))
        .find(|kept| !kept.exists())
        .ok_or_else(|| io::Error::other("a thousand are kept already"))?;
    let with = |path: &Path, tail: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(tail);
        PathBuf::from(name)
    };
    for tail in ["-wal", "-shm", ""] {
        let from = with(path, tail);
        if from.exists() {
            fs::rename(&from, with(&kept, tail))?;
        }
    }
    Ok(kept)
}

/// Opens a file of ours for reading beside its writer.
pub(super) fn open_to_read(path: &Path, kind: &Kind) -> Result<Connection, DatabaseError> {
    connect(path, kind, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

fn connect(path: &Path, kind: &Kind, flags: OpenFlags) -> Result<Connection, DatabaseError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(DatabaseError::TooOld { found: rusqlite::version() });
    }
    let failed = |source| DatabaseError::of(kind, path, source);
    let db = Connection::open_with_flags(path, flags).map_err(failed)?;
    db.busy_timeout(Duration::from_secs(5)).map_err(failed)?;
    let found = user_version(&db).map_err(failed)?;
    let whose: i32 = db.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(failed)?;
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    if tables > 0 && whose != kind.application_id {
        return Err(DatabaseError::Foreign { path: path.to_owned(), what: kind.what });
    }
    if found > kind.format {
        return Err(DatabaseError::Newer { path: path.to_owned(), what: kind.what, found, known: kind.format });
    }
    Ok(db)
}

fn user_version(db: &Connection) -> rusqlite::Result<i32> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}
