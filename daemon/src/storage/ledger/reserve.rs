//! Space kept for the ledger: files of real blocks beside it, given back to the disk one by one when it is full, so that
//! a warning can still be recorded and sent.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// In several pieces, so that whoever else waits for room can't take all of it at once.
const PIECES: u32 = 4;
/// Bytes of one piece: some thousands of records.
const PIECE: usize = 4 << 20;

/// The space kept.
#[derive(Debug)]
pub(super) struct Reserve {
    pieces: Vec<PathBuf>,
}

impl Reserve {
    pub(super) fn beside(ledger: &Path) -> Self {
        Self { pieces: (0..PIECES).map(|n| ledger.with_extension(format!("reserve{n}"))).collect() }
    }

    /// Sets aside what is missing. A disk without room for it is found out by [`missing_bytes`](Self::missing_bytes).
    pub(super) fn fill(&self) {
        for piece in &self.pieces {
            if !is_whole(piece) && make(piece).is_err() {
                let _ = fs::remove_file(piece);
                return;
            }
        }
    }

    /// Gives one piece back to the disk; false if none was left.
    pub(super) fn spend(&self) -> bool {
        self.pieces.iter().any(|piece| fs::remove_file(piece).is_ok())
    }

    pub(super) fn missing_bytes(&self) -> u64 {
        let missing = self.pieces.iter().filter(|piece| !is_whole(piece)).count();
        u64::try_from(missing * PIECE).unwrap_or(u64::MAX)
    }
}

fn is_whole(piece: &Path) -> bool {
    fs::metadata(piece).is_ok_and(|file| usize::try_from(file.len()) == Ok(PIECE))
}

fn make(piece: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(piece)?;
    // Written out, and not of one value: a file of holes or one that compresses to nothing keeps no space.
    let mut state = 0x9e37_79b9_u32;
    let block: Vec<u8> = (0..1 << 16)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()[0]
        })
        .collect();
    for _ in 0..PIECE / block.len() {
        file.write_all(&block)?;
    }
    file.sync_all()
}
