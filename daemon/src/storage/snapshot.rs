//! Snapshots of the Evaluators' state: each shard alone, at its own place in the journal. Written whole under another
//! name and renamed, so that there is always a whole one; the newest that proves sound is the one that counts.
//!
//! What the bytes mean is the shard's business.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use watchfire_model::id::Seq;

const MAGIC: [u8; 8] = *b"WFSNAP\r\n";
const FORMAT: u32 = 1;
/// Magic, format, checksum, seq, length.
const HEAD: usize = 32;
/// Of each name.
const KEPT: usize = 2;
/// Older ones that the journal still reaches lie at least this part of its rows apart.
const SPREAD: u64 = 8;
/// Larger is no snapshot of ours: 10,000 points take a few megabytes.
const MAX_BYTES: u64 = 1 << 30;
const SUFFIX: &str = "snap";

/// A shard's state as of one row of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The last row that is in it.
    pub seq: Seq,
    /// The state, as the shard wrote it.
    pub bytes: Vec<u8>,
}

/// What was found under a name.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The newest sound one.
    pub snapshot: Option<Snapshot>,
    /// Newer ones that are damaged, and how.
    pub damaged: Vec<(PathBuf, &'static str)>,
}

/// Why a snapshot can't be written or read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The disk refuses; the older ones are untouched.
    #[error("cannot {doing} the snapshot {}", .path.display())]
    Unusable {
        /// What was attempted.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A newer program wrote it; nothing has been touched.
    #[error(
        "{} is in snapshot format {found}, this program knows formats up to {FORMAT}; run the newer program again",
        .path.display()
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
}

/// Writes a snapshot and drops all of its name but the newest two, and some of those from which the journal, which has the
/// rows from `journal_from` on, can still be judged again without a hole: the oldest, and a few spread over its rows, so that
/// one is there when the oldest rows are dropped.
pub fn save(dir: &Path, name: &str, seq: Seq, bytes: &[u8], journal_from: Seq) -> Result<(), SnapshotError> {
    let path = dir.join(format!("{name}-{:020}.{SUFFIX}", seq.0));
    let being_written = dir.join(format!("{name}.writing"));
    let unusable = |source| SnapshotError::Unusable { doing: "write", path: path.clone(), source };
    let write = || -> io::Result<()> {
        let mut file = File::create(&being_written)?;
        file.write_all(&head(seq, bytes))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&being_written, &path)?;
        File::open(dir)?.sync_all()
    };
    write().map_err(unusable)?;
    let mut all = of_name(dir, name).map_err(unusable)?;
    let older = all.split_off(KEPT.min(all.len()));
    let apart = seq.0.saturating_sub(journal_from.0) / SPREAD;
    let mut last: Option<u64> = None;
    for (of, old) in older.into_iter().rev() {
        if of.next() >= journal_from && last.is_none_or(|last| of.0 - last >= apart) {
            last = Some(of.0);
        } else {
            // Left behind, it is tried again at the next snapshot.
            let _ = fs::remove_file(old);
        }
    }
    Ok(())
}

/// Reads the newest sound snapshot of a name.
pub fn load(dir: &Path, name: &str) -> Result<Loaded, SnapshotError> {
    let mut loaded = Loaded::default();
    for (seq, path) in of_name(dir, name).map_err(unreadable(dir))? {
        match read(&path).map_err(unreadable(&path))? {
            Content::Sound(snapshot) if snapshot.seq == seq => {
                loaded.snapshot = Some(snapshot);
                break;
            }
            Content::Sound(_) => loaded.damaged.push((path, "it is not the one its name says")),
            Content::Newer(found) => return Err(SnapshotError::Newer { path, found }),
            Content::Damaged(how) => loaded.damaged.push((path, how)),
        }
    }
    Ok(loaded)
}

/// The newest sound snapshot of a name at a place that will do.
pub fn newest(dir: &Path, name: &str, will_do: impl Fn(Seq) -> bool) -> Result<Option<Snapshot>, SnapshotError> {
    first_sound(of_name(dir, name).map_err(unreadable(dir))?, will_do)
}

/// The oldest sound snapshot of a name at a place that will do.
pub fn oldest(dir: &Path, name: &str, will_do: impl Fn(Seq) -> bool) -> Result<Option<Snapshot>, SnapshotError> {
    let newest_first = of_name(dir, name).map_err(unreadable(dir))?;
    first_sound(newest_first.into_iter().rev().collect(), will_do)
}

fn first_sound(all: Vec<(Seq, PathBuf)>, will_do: impl Fn(Seq) -> bool) -> Result<Option<Snapshot>, SnapshotError> {
    for (seq, path) in all.into_iter().filter(|(seq, _)| will_do(*seq)) {
        match read(&path).map_err(unreadable(&path)) {
            Ok(Content::Sound(snapshot)) if snapshot.seq == seq => return Ok(Some(snapshot)),
            Ok(Content::Sound(_) | Content::Damaged(_) | Content::Newer(_)) => {}
            // The daemon drops old ones while we look.
            Err(SnapshotError::Unusable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> SnapshotError {
    let path = path.to_owned();
    move |source| SnapshotError::Unusable { doing: "read", path, source }
}

/// The snapshots of a name, newest first.
fn of_name(dir: &Path, name: &str) -> io::Result<Vec<(Seq, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let seq = path
            .file_name()
            .and_then(|file| file.to_str())
            .and_then(|file| file.strip_prefix(name)?.strip_prefix('-')?.strip_suffix(SUFFIX)?.strip_suffix('.'))
            .and_then(|seq| seq.parse().ok());
        if let Some(seq) = seq {
            found.push((Seq(seq), path));
        }
    }
    found.sort_by_key(|(seq, _)| std::cmp::Reverse(*seq));
    Ok(found)
}

fn head(seq: Seq, bytes: &[u8]) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[..8].copy_from_slice(&MAGIC);
    head[8..12].copy_from_slice(&FORMAT.to_le_bytes());
    head[16..24].copy_from_slice(&seq.0.to_le_bytes());
    head[24..32].copy_from_slice(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
    let crc = checksum(&head, bytes);
    head[12..16].copy_from_slice(&crc.to_le_bytes());
    head
}

fn checksum(head: &[u8; HEAD], bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&head[8..12]);
    hasher.update(&head[16..]);
    hasher.update(bytes);
    hasher.finalize()
}

enum Content {
    Sound(Snapshot),
    Newer(u32),
    Damaged(&'static str),
}

fn read(path: &Path) -> io::Result<Content> {
    let mut whole = Vec::new();
    File::open(path)?.take(MAX_BYTES).read_to_end(&mut whole)?;
    let Some((head, bytes)) = whole.split_first_chunk::<HEAD>() else { return Ok(Content::Damaged("it is cut short")) };
    let half = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    if head[..8] != MAGIC || half(12) != checksum(head, bytes) {
        return Ok(Content::Damaged("its checksum is wrong"));
    }
    if half(8) > FORMAT {
        return Ok(Content::Newer(half(8)));
    }
    let mut seq = [0; 8];
    seq.copy_from_slice(&head[16..24]);
    whole.drain(..HEAD);
    Ok(Content::Sound(Snapshot { seq: Seq(u64::from_le_bytes(seq)), bytes: whole }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing of the journal is left.
    const ALL_GONE: Seq = Seq(u64::MAX);

    #[test]
    fn the_oldest_from_which_the_journal_can_be_judged_again_is_kept_too() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let kept = |seq: u64, journal_from: u64| {
            save(home.path(), "s", Seq(seq), b"state", Seq(journal_from)).expect("saved");
            let newest_first = of_name(home.path(), "s").expect("readable");
            newest_first.iter().rev().map(|(seq, _)| seq.0).collect::<Vec<_>>()
        };
        for seq in (10..=400).step_by(10) {
            let all = kept(seq, 1);
            assert!(all.first() == Some(&10) && all.last() == Some(&seq) && all.len() <= 11, "{all:?}");
        }
        // Rows are dropped: the oldest that is left still reaches over most of what is there.
        let all = kept(410, 150);
        assert!(all.first().is_some_and(|first| (149..=200).contains(first)), "{all:?}");
        assert_eq!(kept(420, 500), [410, 420], "none reaches back");
    }

    #[test]
    fn the_newest_two_are_kept_and_the_newest_counts() {
        let home = tempfile::tempdir().expect("a temporary directory");
        assert!(load(home.path(), "shard-0").expect("readable").snapshot.is_none());
        for seq in [5, 70, 600] {
            save(home.path(), "shard-0", Seq(seq), &seq.to_le_bytes(), ALL_GONE).expect("saved");
            save(home.path(), "shard-01", Seq(seq + 1), b"another's", ALL_GONE).expect("saved");
        }
        let loaded = load(home.path(), "shard-0").expect("readable");
        assert_eq!(loaded.snapshot, Some(Snapshot { seq: Seq(600), bytes: 600_u64.to_le_bytes().to_vec() }));
        assert_eq!(fs::read_dir(home.path()).expect("listed").count(), 4);
    }

    #[test]
    fn any_damage_falls_back_to_the_one_before() {
        let home = tempfile::tempdir().expect("a temporary directory");
        save(home.path(), "s", Seq(1), b"the older state", ALL_GONE).expect("saved");
        save(home.path(), "s", Seq(2), b"the newer state", ALL_GONE).expect("saved");
        let damaged = of_name(home.path(), "s").expect("listed")[0].1.clone();
        let whole = fs::read(&damaged).expect("readable");
        let check = |bytes: &[u8], what: &str| {
            fs::write(&damaged, bytes).expect("written");
            let loaded = load(home.path(), "s").unwrap_or_else(|e| panic!("{what}: {e}"));
            assert_eq!(loaded.snapshot.map(|snapshot| snapshot.seq), Some(Seq(1)), "{what}");
            assert_eq!(loaded.damaged.len(), 1, "{what}");
            let sound = newest(home.path(), "s", |_| true).expect("readable");
            assert_eq!(sound.map(|snapshot| snapshot.seq), Some(Seq(1)), "{what}");
        };
        let at = |found: Option<Snapshot>| found.map(|snapshot| snapshot.seq.0);
        let newest_before = |before: u64| at(newest(home.path(), "s", |seq| seq.0 < before).expect("readable"));
        assert_eq!((newest_before(3), newest_before(2), newest_before(1)), (Some(2), Some(1), None));
        assert_eq!(at(oldest(home.path(), "s", |seq| seq.0 > 1).expect("readable")), Some(2));
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            check(&bytes, &format!("byte {at}"));
            check(&whole[..at], &format!("cut at {at}"));
        }
    }

    #[test]
    fn a_newer_format_is_refused() {
        let home = tempfile::tempdir().expect("a temporary directory");
        save(home.path(), "s", Seq(1), b"state", ALL_GONE).expect("saved");
        let path = of_name(home.path(), "s").expect("listed")[0].1.clone();
        let mut bytes = fs::read(&path).expect("readable");
        bytes[8] = 2;
        let mut head = [0; HEAD];
        head.copy_from_slice(&bytes[..HEAD]);
        let crc = checksum(&head, &bytes[HEAD..]);
        bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        fs::write(&path, &bytes).expect("written");
        assert!(matches!(load(home.path(), "s"), Err(SnapshotError::Newer { found: 2, .. })));
    }
}
