//! What goes in comes out: in order, once, whatever the disk does meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use watchfire_model::id::Revision;
use watchfire_model::quantity::{Bad, Finite};
use watchfire_model::reading::{PointState, Reading};
use watchfire_model::reload::Reload;
use watchfire_model::row::LinkChange;

use super::*;
use crate::storage::names::tests::names;

pub(super) const SMALL: Limits = Limits {
    journal_bytes: 4_096,
    journal_keep_bytes: 0,
    segment_bytes: 600,
    intake: 16,
    retention: std::time::Duration::from_secs(60),
};
pub(super) const ONE_SEGMENT: Limits = Limits { journal_bytes: 1 << 30, segment_bytes: 1 << 30, ..SMALL };

fn reading(point: u32, at: i64, value: f64) -> Row {
    Row::Reading(Reading {
        point: PointIx(point),
        observed_at: Timestamp(at),
        received_at: Timestamp(at + 7),
        value: Finite::new(value),
        state: PointState::Normal,
        retained: false,
    })
}

/// Commit number `n` of the tests: as many readings as make one, two or three, each recognisable.
pub(super) fn rows(n: i64) -> Vec<Row> {
    (0..=n % 3)
        .map(|k| {
            reading(
                u32::try_from(k).expect("small"),
                n * 1_000 + k,
                f64::from(i32::try_from(n * 10 + k).expect("small")) * 0.25,
            )
        })
        .collect()
}

pub(super) fn filled(dir: &Path, limits: &Limits, commits: i64) -> Journal {
    let (mut journal, _) = Journal::open_on(SickDisk::well(), dir, limits).expect("opens");
    journal.name_points(names("a/stage a/rain b/stage"));
    for n in 0..commits {
        journal.append(Now::at(n * 1_000), &rows(n)).expect("taken in");
        journal.sync().expect("synced");
    }
    journal
}

/// Everything there is after `after`: commits as (first number, rows), and gaps.
pub(super) fn read_all(journal: &mut Journal, after: Seq) -> (Vec<Commit>, Vec<Gap>) {
    let durable = *journal.sync().expect("synced").get();
    let mut reader = JournalReader::after(journal.dir(), after, names("a/stage a/rain b/stage"));
    let (mut commits, mut gaps, mut commit) = (Vec::new(), Vec::new(), Commit::default());
    loop {
        match reader.read(durable, &mut commit).expect("readable") {
            Step::Commit => commits.push(commit.clone()),
            Step::Gap(gap) => gaps.push(gap),
            Step::Idle => return (commits, gaps),
        }
    }
}

pub(super) fn expected(commits: i64) -> Vec<Commit> {
    let mut first = Seq(1);
    (0..commits)
        .map(|n| {
            let commit = Commit { now: Now::at(n * 1_000), first, rows: rows(n) };
            first = commit.last().next();
            commit
        })
        .collect()
}

fn any_row() -> impl Strategy<Value = Row> {
    let value = prop_oneof![
        any::<f64>().prop_filter_map("finite", |v| Finite::new(v).ok()).prop_map(Ok),
        prop::sample::select(Bad::ALL.to_vec()).prop_map(Err)
    ];
    let reading = (
        any::<u32>(),
        any::<i64>(),
        any::<i64>(),
        value,
        prop::sample::select(PointState::ALL.to_vec()),
        any::<bool>(),
    );
    prop_oneof![
        8 => reading.prop_map(|(point, observed, received, value, state, retained)| Row::Reading(Reading {
            point: PointIx(point), observed_at: Timestamp(observed), received_at: Timestamp(received), value, state, retained,
        })),
        1 => (".*", any::<bool>(), any::<i64>(), prop::collection::vec(any::<u32>(), 0..5), ".*", any::<bool>()).prop_map(
            |(source, up, since, points, reason, gap)| Row::Link(LinkChange {
                source: source.into(), up, since: Timestamp(since), points: points.into_iter().map(PointIx).collect(), reason, gap,
            })),
        1 => Just(Row::Tick),
        1 => ".*".prop_map(|text| {
            let (revision, who) = (Revision(text.clone()), text.as_str().into());
            Row::Revision(Box::new(Reload::plain(revision, who, text.clone(), text)))
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_goes_in_comes_out(batches in prop::collection::vec((any::<i64>(), prop::collection::vec(any_row(), 1..20)), 1..12)) {
        let home = tempfile::tempdir().expect("a temporary directory");
        let (mut journal, _) = Journal::open_on(SickDisk::well(), home.path(), &SMALL).expect("opens");
        for (wall, rows) in &batches {
            journal.append(Now::at(*wall), rows).expect("taken in");
            journal.sync().expect("synced");
        }
        let (mut journal, recovery) = if batches.len() % 2 == 0 {
            drop(journal);
            Journal::open_on(SickDisk::well(), home.path(), &SMALL).expect("opens again")
        } else {
            (journal, Recovery::default())
        };
        prop_assert_eq!(recovery.torn_bytes + recovery.damaged_bytes, 0);
        let durable = *journal.sync().expect("synced").get();
        let mut reader = JournalReader::after(home.path(), Seq(0), Arc::default());
        let mut commit = Commit::default();
        for (wall, rows) in &batches {
            prop_assert_eq!(reader.read(durable, &mut commit).expect("readable"), Step::Commit);
            prop_assert_eq!(commit.now, Now::at(*wall));
            prop_assert_eq!(&commit.rows, rows);
        }
        prop_assert_eq!(reader.read(durable, &mut commit).expect("readable"), Step::Idle);
    }
}

#[test]
fn a_reader_follows_the_live_tail_over_segments_and_never_beyond_the_durable() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let (mut journal, _) = Journal::open_on(SickDisk::well(), home.path(), &SMALL).expect("opens");
    let mut reader = JournalReader::after(home.path(), Seq(0), names("a/stage a/rain b/stage"));
    let (mut commit, mut seen) = (Commit::default(), Vec::new());
    for n in 0..200 {
        journal.append(Now::at(n * 1_000), &rows(n)).expect("taken in");
        let before = reader.position();
        assert_eq!(reader.read(before, &mut commit).expect("readable"), Step::Idle);
        let durable = *journal.sync().expect("synced").get();
        while reader.read(durable, &mut commit).expect("readable") == Step::Commit {
            seen.push(commit.clone());
        }
    }
    assert_eq!(seen, expected(200));
    assert!(journal.segments.len() > 10);
}

#[test]
fn a_reader_may_begin_anywhere() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let mut journal = filled(home.path(), &SMALL, 60);
    let all: Vec<(Seq, Row)> = expected(60)
        .iter()
        .flat_map(|commit| commit.numbered().map(|(seq, row)| (seq, row.clone())).collect::<Vec<_>>())
        .collect();
    for after in 0..all.len() {
        let (commits, gaps) = read_all(&mut journal, Seq(count(after)));
        let got: Vec<(Seq, Row)> = commits
            .iter()
            .flat_map(|commit| commit.numbered().map(|(seq, row)| (seq, row.clone())).collect::<Vec<_>>())
            .collect();
        assert_eq!(got, all[after..], "after {after}");
        assert!(gaps.is_empty());
    }
}

/// A disk on which some operations fail: the `n`-th to the `n + times`-th. It syncs nothing in truth, which a test that
/// pulls no plug can't tell and which takes a thousandth of the time.
#[derive(Debug, Clone)]
pub(super) struct SickDisk {
    done: Arc<AtomicUsize>,
    from: usize,
    times: usize,
}

impl SickDisk {
    pub(super) fn well() -> Box<Self> {
        Box::new(Self { done: Arc::default(), from: 0, times: 0 })
    }
    fn ask(&self) -> io::Result<()> {
        let at = self.done.fetch_add(1, Ordering::Relaxed);
        if (self.from..self.from + self.times).contains(&at) { Err(io::Error::other("EIO")) } else { Ok(()) }
    }
}

#[derive(Debug)]
struct SickSink {
    disk: SickDisk,
    file: Box<dyn Sink>,
    written: u64,
    synced: u64,
}

impl Disk for SickDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Sink>> {
        self.ask()?;
        Ok(Box::new(SickSink { disk: self.clone(), file: RealDisk.create(path)?, written: 0, synced: 0 }))
    }
    fn resume(&self, path: &Path, at: u64) -> io::Result<Box<dyn Sink>> {
        Ok(Box::new(SickSink { disk: self.clone(), file: RealDisk.resume(path, at)?, written: at, synced: at }))
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.ask()?;
        RealDisk.remove(path)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.ask()?;
        assert!(dir.is_dir());
        Ok(())
    }
}

impl Sink for SickSink {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let asked = self.disk.ask();
        // As a full disk does: where it fails, a part of it gets there.
        let part = if asked.is_ok() { bytes } else { &bytes[..bytes.len() / 2] };
        self.file.append(part)?;
        self.written += count(part.len());
        asked
    }
    fn sync(&mut self) -> io::Result<()> {
        if let Err(error) = self.disk.ask() {
            // As Linux may do: the pages count as clean afterwards, and their content is gone.
            self.file.truncate(self.synced)?;
            self.written = self.synced;
            return Err(error);
        }
        self.synced = self.written;
        Ok(())
    }
    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.disk.ask()?;
        self.written = len;
        self.file.truncate(len)
    }
}

#[test]
fn a_disk_that_fails_anywhere_loses_nothing_once_it_is_well() {
    for times in [1, 2, 3, 7] {
        for from in 0..60 {
            let what = format!("{times} failures from operation {from}");
            let home = tempfile::tempdir().expect("a temporary directory");
            let disk = SickDisk { done: Arc::default(), from: from + 2, times };
            let (mut journal, _) = Journal::open_on(Box::new(disk), home.path(), &SMALL).expect("opens");
            journal.name_points(names("a/stage a/rain b/stage"));
            let mut reader = JournalReader::after(home.path(), Seq(0), names("a/stage a/rain b/stage"));
            let (mut commit, mut seen, mut durable) = (Commit::default(), Vec::new(), Seq(0));
            for n in 0..20 {
                journal.append(Now::at(n * 1_000), &rows(n)).expect("taken in");
                match journal.sync() {
                    Ok(now_durable) => {
                        assert!(journal.failing().is_none());
                        assert!(*now_durable.get() >= durable, "{what}");
                        durable = *now_durable.get();
                    }
                    Err(JournalError::Sick { .. }) => assert!(journal.failing().is_some()),
                    Err(other) => panic!("{what}: {other}"),
                }
                while reader.read(durable, &mut commit).unwrap_or_else(|e| panic!("{what}: {e}")) == Step::Commit {
                    seen.push(commit.clone());
                }
            }
            while journal.sync().is_err() {}
            assert_eq!(read_all(&mut journal, Seq(0)), (expected(20), vec![]), "{what}: read live");
            assert!(expected(20).starts_with(&seen), "{what}: followed");
            drop(journal);
            let (mut journal, _) = Journal::open_on(SickDisk::well(), home.path(), &SMALL).expect("opens again");
            assert_eq!(read_all(&mut journal, Seq(0)), (expected(20), vec![]), "{what}: read again");
        }
    }
}

#[test]
fn whole_segments_go_when_nobody_needs_them() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let mut journal = filled(home.path(), &SMALL, 60);
    let all = journal.next().0 - 1;
    let middle = Seq(all / 2);
    assert!(journal.retain(middle).expect("dropped") > 2);
    assert!(journal.oldest() <= middle);
    let (commits, gaps) = read_all(&mut journal, Seq(middle.0 - 1));
    assert!(gaps.is_empty());
    assert_eq!(commits.last(), expected(60).last());
}

#[test]
fn so_much_is_kept_although_nobody_needs_it() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let mut journal = filled(home.path(), &Limits { journal_keep_bytes: 2_000, ..SMALL }, 60);
    assert!(journal.retain(journal.next()).expect("dropped") > 2);
    let bytes = journal.bytes();
    assert!((2_000..2_000 + 2 * SMALL.segment_bytes).contains(&bytes), "{bytes}");
}

#[test]
fn what_falls_off_the_end_is_counted_to_the_row() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let mut journal = filled(home.path(), &SMALL, 400);
    let stored = Seq(5);
    let lost = journal.enforce(stored.next()).expect("enforced").expect("something was lost");
    assert!(journal.bytes() <= SMALL.journal_bytes);
    let (commits, gaps) = read_all(&mut journal, stored);
    let kept: u64 = commits.iter().map(|commit| count(commit.rows.len())).sum();
    let readings: u64 = lost.points.values().map(|lost| lost.readings).sum();
    assert_eq!(stored.0 + readings + lost.others + kept, journal.next().0 - 1);
    assert_eq!(gaps, [Gap { seqs: stored.next()..Seq(lost.seqs.end), why: GapWhy::Dropped }]);
    let stage = lost.points["a/stage"];
    assert!(stage.readings > 50 && stage.from < stage.to, "{stage:?}");
    assert_eq!(journal.enforce(Seq(1)).expect("enforced"), None, "small enough now");
}

#[test]
fn skipped_numbers_are_never_given_and_no_loss() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let mut journal = filled(home.path(), &SMALL, 2);
    let next = journal.next();
    journal.skip(next..Seq(next.0 + 100));
    let given = journal.append(Now::at(5_000), &rows(0)).expect("taken in");
    assert_eq!(given.start, Seq(next.0 + 100));
    journal.sync().expect("synced");
    journal.skip(Seq(1)..next);
    assert_eq!(journal.next(), given.end, "already passed");
    drop(journal);
    let (mut journal, recovery) = Journal::open(home.path(), &SMALL).expect("opens");
    assert_eq!(recovery.next, given.end);
    assert_eq!(recovery.last, Some(Now::at(5_000)));
    let (commits, gaps) = read_all(&mut journal, Seq(0));
    assert!(gaps.is_empty(), "{gaps:?}");
    assert_eq!(commits.len(), 3);
}

#[test]
fn rows_keep_their_points_when_the_configuration_is_reordered() {
    let home = tempfile::tempdir().expect("a temporary directory");
    drop(filled(home.path(), &SMALL, 1));
    let (mut journal, recovery) = Journal::open(home.path(), &SMALL).expect("opens");
    assert_eq!(recovery.names, Some(names("a/stage a/rain b/stage")));
    let today = names("b/stage a/stage");
    journal.name_points(Arc::clone(&today));
    journal.append(Now::at(9_000), &[reading(1, 9_000, 4.5)]).expect("taken in");
    let durable = *journal.sync().expect("synced").get();
    let mut reader = JournalReader::after(home.path(), Seq(0), today);
    let mut commit = Commit::default();
    for _ in 0..2 {
        assert_eq!(reader.read(durable, &mut commit).expect("readable"), Step::Commit);
        let Row::Reading(reading) = &commit.rows[0] else { panic!("a reading") };
        assert_eq!(name_of(&reader, reading.point), "a/stage");
    }
}

#[test]
fn numbers_given_up_one_by_one_while_the_disk_is_sick_take_no_room() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let mut journal = filled(home.path(), &SMALL, 2);
    for _ in 0..10_000 {
        let next = journal.next();
        journal.skip(next..next.next());
    }
    assert!(journal.pending_bytes() < 100);
    let first = journal.next();
    journal.append(Now::at(5_000), &rows(0)).expect("taken in");
    let (commits, gaps) = read_all(&mut journal, Seq(0));
    assert!(gaps.is_empty(), "{gaps:?}");
    assert_eq!(commits.last().map(|commit| commit.first), Some(first));
}
