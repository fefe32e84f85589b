//! A journal as a crash, a bad disk or a careless hand leaves it: cut, flipped, zeroed, doubled, swapped, missing.

use std::fs;

use super::tests::{ONE_SEGMENT, SMALL, SickDisk, expected, filled, read_all, rows};
use super::*;

/// The only segment of a journal with this many commits, as bytes.
fn specimen(commits: i64) -> Vec<u8> {
    let home = tempfile::tempdir().expect("a temporary directory");
    let journal = filled(home.path(), &ONE_SEGMENT, commits);
    fs::read(&journal.segments[0].path).expect("readable")
}

/// Opens a journal of this one segment; checks that what is read is some of the true commits, in order and unaltered,
/// that nothing was lost without a word, and that the journal goes on. Returns how many commits were lost.
fn survivors(bytes: &[u8], commits: i64, what: &str) -> usize {
    let home = tempfile::tempdir().expect("a temporary directory");
    fs::write(segment::path_of(home.path(), 1), bytes).expect("written");
    let (mut journal, recovery) =
        Journal::open_on(SickDisk::well(), home.path(), &ONE_SEGMENT).unwrap_or_else(|e| panic!("{what}: {e}"));
    let (read, gaps) = read_all(&mut journal, Seq(0));
    let truth = expected(commits);
    assert!(read.iter().all(|commit| truth.contains(commit)), "{what}: a commit that was never written");
    assert!(read.windows(2).all(|pair| pair[0].last() < pair[1].first), "{what}: order");
    let lost = truth.len() - read.len();
    if lost > 0 {
        let told = recovery.torn_bytes + recovery.damaged_bytes > 0 || bytes.len() < 64;
        assert!(told || !gaps.is_empty() || is_prefix_cut(bytes, &truth, &read), "{what}: lost without a word");
    }
    let next = journal.next();
    journal.append(Now::at(99_000), &rows(2)).unwrap_or_else(|e| panic!("{what}: {e}"));
    let (again, _) = read_all(&mut journal, Seq(0));
    assert_eq!(again.len(), read.len() + 1, "{what}: does not go on");
    assert_eq!(again.last().map(|commit| commit.first), Some(next), "{what}");
    lost
}

/// A file cut exactly between two commits looks whole; only later commits can tell.
fn is_prefix_cut(bytes: &[u8], truth: &[Commit], read: &[Commit]) -> bool {
    truth.starts_with(read) && specimen(i64::try_from(truth.len()).expect("small")).starts_with(bytes)
}

#[test]
fn a_torn_end_is_cut_off_at_every_length() {
    let whole = specimen(9);
    let mut worst = Vec::new();
    for len in 0..=whole.len() {
        worst.push(survivors(&whole[..len], 9, &format!("cut at {len}")));
    }
    assert_eq!(worst.last(), Some(&0));
    // Never more is lost than what the cut has reached.
    assert!(worst.windows(2).all(|pair| pair[0] >= pair[1] && pair[0] - pair[1] <= 1));
}

#[test]
fn a_flipped_bit_costs_one_commit_at_most() {
    let whole = specimen(9);
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        let lost = survivors(&bytes, 9, &format!("bit {} of byte {at}", at % 8));
        assert!(lost <= 1, "byte {at}: {lost} commits lost");
    }
}

#[test]
fn zeroes_and_repeated_blocks_are_found_out() {
    let whole = specimen(12);
    for at in (0..whole.len()).step_by(40) {
        let mut zeroed = whole.clone();
        let end = (at + 60).min(whole.len());
        zeroed[at..end].fill(0);
        assert!(survivors(&zeroed, 12, &format!("zeroes at {at}")) <= 3);
        let mut repeated = whole[..end].to_vec();
        repeated.extend_from_slice(&whole[at..]);
        assert!(survivors(&repeated, 12, &format!("a block twice at {at}")) <= 1);
    }
}

#[test]
fn a_damaged_segment_is_kept_whole() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = filled(home.path(), &ONE_SEGMENT, 9).segments[0].path.clone();
    let mut bytes = fs::read(&path).expect("readable");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    fs::write(&path, &bytes).expect("written");
    let (_, recovery) = Journal::open(home.path(), &ONE_SEGMENT).expect("opens");
    assert!(recovery.damaged_bytes > 0);
    let [kept] = recovery.quarantined.as_slice() else { panic!("one file: {:?}", recovery.quarantined) };
    assert_eq!(fs::read(kept).expect("readable"), bytes);
    let (_, recovery) = Journal::open(home.path(), &ONE_SEGMENT).expect("opens");
    assert_eq!((recovery.damaged_bytes, recovery.torn_bytes), (0, 0), "mended for good");
}

#[test]
fn damage_further_back_is_gone_round_and_named() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let mut journal = filled(home.path(), &SMALL, 60);
    let hurt = journal.segments[2].path.clone();
    let mut bytes = fs::read(&hurt).expect("readable");
    let end = bytes.len();
    bytes[end - 5] ^= 1;
    fs::write(&hurt, &bytes).expect("written");
    let (commits, gaps) = read_all(&mut journal, Seq(0));
    assert_eq!(commits.len(), 59);
    let [gap] = gaps.as_slice() else { panic!("{gaps:?}") };
    assert!(gap.seqs.end.0 - gap.seqs.start.0 <= 3);
}

#[test]
fn missing_swapped_and_foreign_files_stop_nothing() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let journal = filled(home.path(), &SMALL, 60);
    let paths: Vec<PathBuf> = journal.segments.iter().map(|segment| segment.path.clone()).collect();
    drop(journal);
    let swap = home.path().join("aside");
    fs::rename(&paths[1], &swap).expect("moved");
    fs::rename(&paths[2], &paths[1]).expect("moved");
    fs::rename(&swap, &paths[2]).expect("moved");
    fs::write(home.path().join("notes.txt"), "somebody's").expect("written");
    let (mut journal, recovery) = Journal::open(home.path(), &SMALL).expect("opens");
    assert_eq!(recovery.foreign, [home.path().join("notes.txt")]);
    assert_eq!(read_all(&mut journal, Seq(0)).0, expected(60), "the header says which segment it is");
    drop(journal);
    fs::remove_file(&paths[3]).expect("removed");
    let (mut journal, _) = Journal::open(home.path(), &SMALL).expect("opens");
    let (commits, gaps) = read_all(&mut journal, Seq(0));
    assert_eq!(gaps.len(), 1);
    assert_eq!(gaps[0].why, GapWhy::Dropped);
    let missing: u64 = gaps[0].seqs.end.0 - gaps[0].seqs.start.0;
    let rows = |commits: &[Commit]| commits.iter().map(|commit| count(commit.rows.len())).sum::<u64>();
    assert_eq!(rows(&commits) + missing, rows(&expected(60)));
    assert!(home.path().join("notes.txt").exists());
}

#[test]
fn a_newer_format_is_refused_and_not_touched() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = filled(home.path(), &ONE_SEGMENT, 3).segments[0].path.clone();
    let mut bytes = fs::read(&path).expect("readable");
    bytes[8..12].copy_from_slice(&7_u32.to_le_bytes());
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&bytes[8..12]);
    hasher.update(&bytes[16..64]);
    bytes[12..16].copy_from_slice(&hasher.finalize().to_le_bytes());
    bytes.extend_from_slice(b"what we know nothing of");
    fs::write(&path, &bytes).expect("written");
    let told = Journal::open(home.path(), &ONE_SEGMENT).expect_err("refused").to_string();
    assert!(told.contains("format 7") && told.contains("up to 1"), "{told}");
    assert_eq!(fs::read(&path).expect("readable"), bytes);
}
