//! Recorded sensor series, and what the reduced machine (SEMANTICS §1) must say of each.
//!
//! Sixteen series ship in `tests/recordings`, compact; all twenty-nine are read from the files as published where
//! `WATCHFIRE_RECORDINGS` names their folder.

pub mod cases;
pub mod compact;
pub mod expected;
mod formats;
pub mod published;
pub mod verdict;

use std::path::{Path, PathBuf};

use watchfire_model::time::Timestamp;

/// One value at one time, as recorded: sentinels and impossible values are still in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The sensor's own time. Where a recording names no zone it is read as UTC, which moves all of it alike.
    pub at: Timestamp,
    /// In the recording's unit; NaN where the recording has the time and no value.
    pub value: f64,
}

/// Why a recording could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file is not there, or not readable.
    #[error("cannot read {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line is not what the format says.
    #[error("{}:{line}: {what}", path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
}

/// Where the shipped recordings are.
pub fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings")
}

/// The folder of all recordings as published, where one is named.
pub fn all() -> Option<PathBuf> {
    std::env::var_os("WATCHFIRE_RECORDINGS").map(PathBuf::from)
}

/// The whole of a text file.
pub(crate) fn text(path: &Path) -> Result<String, ReadError> {
    std::fs::read_to_string(path).map_err(|source| ReadError::File { path: path.to_owned(), source })
}
