//! One file of the journal: its header, its place among the others, and the scanner that finds the sound commits in it,
//! whatever else is in it.
//!
//! A segment's header says which it is; the file's name is for people. Where a segment begins, the word of all earlier
//! ones ends: after a failed write the same numbers may stand in two files, and only the later file counts.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use watchfire_model::id::Seq;
use watchfire_model::time::{Now, Steady, Timestamp};

use super::JournalError;
use super::commit::{self, HEADER, Header, count};

/// Bytes of a segment's header.
pub(super) const HEAD: usize = 64;
/// What this program writes, and the newest it can read.
pub(super) const FORMAT: u32 = 1;
/// The first 16 bytes (magic, format, checksum of the other 48 and the format) stay so in every later format.
const MAGIC: [u8; 8] = *b"WFJRNL\r\n";
pub(super) const SUFFIX: &str = "wfj";

/// A segment's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Its place among the segments.
    pub(super) ordinal: u64,
    /// From this number on it counts, and no earlier segment does.
    pub(super) first: Seq,
    /// When it was begun.
    pub(super) now: Now,
}

/// What the start of a file is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Start {
    Sound(Head),
    /// Written by a newer program.
    Newer(u32),
    /// Shorter than a header: nothing was ever written into it.
    Short,
    Damaged,
}

impl Head {
    pub(super) fn to_bytes(self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.ordinal.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.first.0.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.now.wall.0.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.now.steady.0.to_le_bytes());
        let crc = Self::checksum(&bytes);
        bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    fn checksum(bytes: &[u8; HEAD]) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&bytes[8..12]);
        hasher.update(&bytes[16..]);
        hasher.finalize()
    }

    pub(super) fn read(file: &mut File) -> io::Result<Start> {
        let mut bytes = [0; HEAD];
        if let Err(error) = file.read_exact(&mut bytes) {
            return if error.kind() == io::ErrorKind::UnexpectedEof { Ok(Start::Short) } else { Err(error) };
        }
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(word)
        };
        let half = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        let (format, crc) = (u32::from_le_bytes(half(8)), u32::from_le_bytes(half(12)));
        if bytes[..8] != MAGIC || crc != Self::checksum(&bytes) {
            return Ok(Start::Damaged);
        }
        if format > FORMAT {
            return Ok(Start::Newer(format));
        }
        let [wall, steady] = [32, 40].map(|at| i64::from_le_bytes(word(at).to_le_bytes()));
        let now = Now { wall: Timestamp(wall), steady: Steady(steady) };
        Ok(Start::Sound(Head { ordinal: word(16), first: Seq(word(24)), now }))
    }
}

/// A file of the journal's folder that is a segment by its name.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) path: PathBuf,
    /// As the name has it.
    pub(super) ordinal: u64,
    pub(super) bytes: u64,
    pub(super) start: Start,
}

pub(super) fn path_of(dir: &Path, ordinal: u64) -> PathBuf {
    dir.join(format!("{ordinal:012}.{SUFFIX}"))
}

/// All segments of a folder in their order, read as far as their headers, and the names of all other files.
pub(super) fn list(dir: &Path) -> Result<(Vec<Listed>, Vec<PathBuf>), JournalError> {
    let cannot = |doing, path: &Path| {
        let path = path.to_owned();
        move |source| JournalError::Unusable { doing, path, source }
    };
    let (mut segments, mut others) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(dir).map_err(cannot("list", dir))? {
        let path = entry.map_err(cannot("list", dir))?.path();
        let ordinal = path
            .extension()
            .is_some_and(|suffix| suffix == SUFFIX)
            .then(|| path.file_stem()?.to_str()?.parse::<u64>().ok())
            .flatten();
        let Some(ordinal) = ordinal else {
            others.push(path);
            continue;
        };
        let opened = File::open(&path).and_then(|mut file| {
            let bytes = file.metadata()?.len();
            Ok((bytes, Head::read(&mut file)?))
        });
        match opened {
            Ok((bytes, start)) => segments.push(Listed { path, ordinal, bytes, start }),
            // Dropped by the journal between the listing and the opening.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(cannot("read", &path)(error)),
        }
    }
    segments.sort_by_key(|segment| match &segment.start {
        Start::Sound(head) => head.ordinal,
        Start::Newer(_) | Start::Short | Start::Damaged => segment.ordinal,
    });
    Ok((segments, others))
}

/// What the scanner stands before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A sound commit, to be looked at by [`Scanner::payload`] and left by [`Scanner::pass`].
    Commit(Header),
    /// So many bytes that are no commit, with a sound commit after them; the scanner stands on that one now.
    Damage(u64),
    /// No sound commit follows.
    End,
}

/// Walks over the commits of one segment.
#[derive(Debug)]
pub(super) struct Scanner {
    file: File,
    ordinal: u64,
    window: Vec<u8>,
    /// The window's part not yet passed begins here.
    at: usize,
    /// Where the window begins in the file.
    base: u64,
    verified: Option<Header>,
}

/// Read at once; also the least kept free.
const CHUNK: usize = 256 << 10;

impl Scanner {
    /// Over the commits of a segment, from just after its header.
    pub(super) fn open(path: &Path, ordinal: u64) -> io::Result<Self> {
        let mut scanner = Self { file: File::open(path)?, ordinal, window: Vec::new(), at: 0, base: 0, verified: None };
        scanner.seek(count(HEAD))?;
        Ok(scanner)
    }

    /// Where in the file the scanner stands.
    pub(super) fn offset(&self) -> u64 {
        self.base + count(self.at)
    }

    pub(super) fn seek(&mut self, offset: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        self.window.clear();
        (self.at, self.base, self.verified) = (0, offset, None);
        Ok(())
    }

    /// Finds what comes next, without passing it. At the end it may be asked again: the file may have grown.
    pub(super) fn next(&mut self) -> io::Result<Found> {
        if let Some(header) = self.verified {
            return Ok(Found::Commit(header));
        }
        if let Some(header) = self.commit_here()? {
            self.verified = Some(header);
            return Ok(Found::Commit(header));
        }
        let from = self.offset();
        while self.fill(HEADER)? {
            // The next place where a commit could begin.
            let step = self.window[self.at + 1..].windows(4).position(|four| four == commit::MAGIC);
            self.at = step.map_or(self.window.len() - 3, |step| self.at + 1 + step);
            if step.is_some()
                && let Some(header) = self.commit_here()?
            {
                self.verified = Some(header);
                return Ok(Found::Damage(self.offset() - from));
            }
        }
        self.seek(from)?;
        Ok(Found::End)
    }

    fn commit_here(&mut self) -> io::Result<Option<Header>> {
        if !self.fill(HEADER)? {
            return Ok(None);
        }
        let Some(header) = Header::parse(&self.window[self.at..]) else { return Ok(None) };
        let whole = self.fill(HEADER + header.payload)?;
        Ok((whole && header.verifies(self.ordinal, &self.window[self.at..])).then_some(header))
    }

    /// The whole commit that was found last, header and all.
    pub(super) fn commit(&self) -> &[u8] {
        self.verified.map_or(&[], |header| &self.window[self.at..self.at + HEADER + header.payload])
    }

    /// The payload of the commit that was found last.
    pub(super) fn payload(&self) -> &[u8] {
        self.commit().get(HEADER..).unwrap_or(&[])
    }

    /// Leaves the commit that was found last behind.
    pub(super) fn pass(&mut self) {
        if let Some(header) = self.verified.take() {
            self.at += HEADER + header.payload;
        }
    }

    /// Makes `len` bytes available from where the scanner stands; false if the file has not so many.
    fn fill(&mut self, len: usize) -> io::Result<bool> {
        while self.window.len() - self.at < len {
            if self.at > 0 {
                self.window.drain(..self.at);
                self.base += count(self.at);
                self.at = 0;
                if self.window.capacity() > 2 * CHUNK {
                    // A long commit came by, such as the names of all points.
                    self.window.shrink_to(CHUNK);
                }
            }
            let have = self.window.len();
            let want = CHUNK.max(len - have);
            self.window.reserve_exact(want);
            let read = self.file.by_ref().take(count(want)).read_to_end(&mut self.window)?;
            if read == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
