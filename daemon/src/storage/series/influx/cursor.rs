//! How far a remote store has the journal: one number in a file, kept in two places of which one is always whole.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use watchfire_model::id::Seq;

const MAGIC: [u8; 8] = *b"WFCURSR1";
/// Magic, seq, count of writes, checksum.
const SLOT: usize = 28;
/// Apart by so much, no torn write reaches both.
const APART: u64 = 4_096;

/// The file.
#[derive(Debug)]
pub(super) struct CursorFile {
    file: File,
    at: Seq,
    writes: u64,
}

impl CursorFile {
    /// Opens the file; one that is new, or in which nothing can be believed, says 0: the beginning of the journal.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let (at, writes) =
            [0, 1].into_iter().filter_map(|slot| read(&file, slot)).max_by_key(|(_, n)| *n).unwrap_or_default();
        Ok(Self { file, at, writes })
    }

    pub(super) const fn at(&self) -> Seq {
        self.at
    }

    /// Durable when it returns.
    pub(super) fn save(&mut self, at: Seq) -> io::Result<()> {
        let writes = self.writes + 1;
        let mut slot = [0; SLOT];
        slot[..8].copy_from_slice(&MAGIC);
        slot[8..16].copy_from_slice(&at.0.to_le_bytes());
        slot[16..24].copy_from_slice(&writes.to_le_bytes());
        let crc = crc32fast::hash(&slot[..24]);
        slot[24..].copy_from_slice(&crc.to_le_bytes());
        self.file.write_all_at(&slot, writes % 2 * APART)?;
        self.file.sync_data()?;
        (self.at, self.writes) = (at, writes);
        Ok(())
    }
}

fn read(file: &File, slot: u64) -> Option<(Seq, u64)> {
    let mut bytes = [0; SLOT];
    file.read_exact_at(&mut bytes, slot * APART).ok()?;
    let word = |at: usize| bytes[at..].first_chunk().copied().map(u64::from_le_bytes);
    let crc = bytes[24..].first_chunk().copied().map(u32::from_le_bytes)?;
    (bytes[..8] == MAGIC && crc == crc32fast::hash(&bytes[..24])).then_some((Seq(word(8)?), word(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_number_is_there_again_and_a_torn_write_falls_back_by_one() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let path = home.path().join("a.cursor");
        assert_eq!(CursorFile::open(&path).expect("opens").at(), Seq(0));
        for n in 1..=9_u64 {
            CursorFile::open(&path).expect("opens").save(Seq(n * 10)).expect("saved");
            assert_eq!(CursorFile::open(&path).expect("opens").at(), Seq(n * 10));
        }
        let whole = std::fs::read(&path).expect("readable");
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            std::fs::write(&path, &bytes).expect("written");
            let found = CursorFile::open(&path).expect("opens").at();
            assert!(found == Seq(90) || found == Seq(80), "byte {at}: {found:?}");
        }
    }
}
