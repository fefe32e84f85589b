//! Lines that a store will never take: kept in a file, with the reason, so that a person can mend and import them.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Beyond this size lines are counted only.
const MAX_BYTES: u64 = 16 << 20;

/// The file, and how many there were since the start.
#[derive(Debug)]
pub(super) struct DeadLetters {
    path: PathBuf,
    pub(super) lines: u64,
}

impl DeadLetters {
    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), lines: 0 }
    }

    /// Keeps a line; counted even where it can't be written.
    pub(super) fn keep(&mut self, line: &[u8], why: &str) -> io::Result<()> {
        self.lines += 1;
        let mut file = OpenOptions::new().append(true).create(true).open(&self.path)?;
        if file.metadata()?.len() > MAX_BYTES {
            return Ok(());
        }
        let mut text = format!("# {}\n", why.replace(char::is_control, " ")).into_bytes();
        text.extend_from_slice(line);
        file.write_all(&text)
    }
}
