//! Where everything is kept: the journal (what was heard), the ledger (what was decided), snapshots of the Evaluators,
//! and the time series. One process owns a data directory at a time.
//!
//! Nothing here starts a thread or makes a channel: the topology does, and drives these with plain calls.

pub mod accounts;
pub mod database;
pub mod disk;
pub mod journal;
pub mod judge;
pub mod ledger;
pub mod names;
pub mod revisions;
pub mod series;
pub mod snapshot;
pub mod stops;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A data directory, locked: a second process is refused while this one lives.
#[derive(Debug)]
pub struct DataDir {
    root: PathBuf,
    // Held open for the lock on it; the kernel releases the lock with the process, however that ends.
    _lock: File,
}

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process has it.
    #[error("data directory {} is in use by {holder}; stop it, or choose another directory", .path.display())]
    Held {
        /// Which directory.
        path: PathBuf,
        /// Who has it, as far as is known.
        holder: String,
    },
    /// It cannot be made, read or written.
    #[error("cannot {doing} {}", .path.display())]
    Unusable {
        /// What was attempted.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl DataDir {
    /// Makes the directory if it is not there, and locks it.
    pub fn open(root: &Path) -> Result<Self, DataDirError> {
        let unusable = |doing, path: &Path| {
            let path = path.to_owned();
            move |source| DataDirError::Unusable { doing, path, source }
        };
        fs::create_dir_all(root).map_err(unusable("make the data directory", root))?;
        let path = root.join("lock");
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(unusable("open the lock file", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let holder = match lock.read_to_string(&mut pid) {
                    Ok(_) if !pid.trim().is_empty() => format!("process {}", pid.trim()),
                    Ok(_) | Err(_) => "another process".to_owned(),
                };
                return Err(DataDirError::Held { path: root.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(unusable("lock", &path)(source)),
        }
        let note = format!("{}\n", std::process::id());
        lock.set_len(0)
            .and_then(|()| lock.seek(SeekFrom::Start(0)))
            .and_then(|_| lock.write_all(note.as_bytes()))
            .map_err(unusable("write the lock file", &path))?;
        for folder in ["journal", "snapshots", "revisions", "dead-letters"] {
            let path = root.join(folder);
            fs::create_dir_all(&path).map_err(unusable("make the folder", &path))?;
        }
        Ok(Self { root: root.to_owned(), _lock: lock })
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }
    /// Where the journal's segments are.
    pub fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }
    /// The ledger's database.
    pub fn ledger(&self) -> PathBuf {
        ledger_of(&self.root)
    }
    /// Who is known here.
    pub fn accounts(&self) -> PathBuf {
        self.root.join("accounts.db")
    }
    /// Where the one-time code is until the first account is made by it.
    pub fn first_code(&self) -> PathBuf {
        self.root.join("first-code")
    }
    /// Where the shards' snapshots are.
    pub fn snapshots(&self) -> PathBuf {
        snapshots_of(&self.root)
    }
    /// Which rules were stopped, and from which row on.
    pub fn stops(&self) -> PathBuf {
        stops_of(&self.root)
    }
    /// Where the sites of all revisions are that were in force.
    pub fn revisions(&self) -> PathBuf {
        self.root.join("revisions")
    }
    /// The embedded time-series store.
    pub fn series(&self) -> PathBuf {
        self.root.join("series.db")
    }
    /// Where the evidence is kept of what the public was told.
    pub fn evidence(&self) -> PathBuf {
        evidence_of(&self.root)
    }
    /// Where a store's refused lines go, by the store's name.
    pub fn dead_letters(&self, store: &str) -> PathBuf {
        self.root.join("dead-letters").join(format!("{}.lp", file_word(store)))
    }
    /// Where a store's place in the journal is kept, by the store's name.
    pub fn cursor(&self, store: &str) -> PathBuf {
        self.root.join(format!("{}.cursor", file_word(store)))
    }
}

/// The ledger, in the data directory `root`.
pub(crate) fn ledger_of(root: &Path) -> PathBuf {
    root.join("ledger.db")
}

/// The shards' snapshots, in the data directory `root`.
pub(crate) fn snapshots_of(root: &Path) -> PathBuf {
    root.join("snapshots")
}

/// The evidence kept, in the data directory `root`.
pub(crate) fn evidence_of(root: &Path) -> PathBuf {
    root.join("evidence")
}

/// Which rules were stopped, in the data directory `root`.
pub(crate) fn stops_of(root: &Path) -> PathBuf {
    root.join("stopped-rules.json")
}

/// A name from the configuration, as part of a file's name: whatever could leave the folder becomes `_`.
pub(crate) fn file_word(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).collect()
}

/// Makes a file that its owner alone may read, before anything is in it. One that is there already is refused.
pub(crate) fn create_for_owner(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_owner_is_refused_and_told_who_has_it() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let first = DataDir::open(home.path()).expect("free");
        let told = DataDir::open(home.path()).expect_err("held").to_string();
        assert!(told.contains(&format!("process {}", std::process::id())), "{told}");
        drop(first);
        DataDir::open(home.path()).expect("free again");
    }

    #[test]
    fn a_store_s_name_stays_in_its_folder() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let data = DataDir::open(home.path()).expect("free");
        assert_eq!(data.cursor("../../etc").parent(), Some(home.path()));
        assert!(data.dead_letters("a/b").ends_with("dead-letters/a_b.lp"));
    }
}
