//! Quality control for those who follow the journal by a cursor of their own. It goes on from what the shard knew at its
//! snapshot, so that a restart makes no difference to a flag: rows the shard has taken are recalled, rows between the two
//! are judged unseen.

use std::path::Path;
use std::sync::Arc;

use watchfire_model::id::Seq;
use watchfire_model::reading::Reading;
use watchfire_model::row::Row;
use watchfire_model::site::Site;
use watchfire_model::time::Now;
use watchfire_rules::quality::Gate;

use super::journal::{Commit, JournalReader, Step};
use super::names::PointNames;
use super::series::{Verdict, filed_at};

/// A gate that goes on.
pub struct Judge {
    site: Arc<Site>,
    gate: Gate,
    /// The gate has seen rows up to here.
    seen: Seq,
    /// Reads what lies between the shard's snapshot and the store's cursor, until that is done.
    between: Option<JournalReader>,
}

impl Judge {
    /// Goes on with a gate that has seen the rows up to `seen` of the journal in `journal`, in the numbers of `names`.
    pub fn going_on(gate: Gate, seen: Seq, journal: &Path, names: Arc<PointNames>) -> Self {
        Self { site: Arc::clone(gate.site()), gate, seen, between: Some(JournalReader::after(journal, seen, names)) }
    }

    /// The word on a row's reading; none of one heard before. A row may be asked about again: a store that failed reads
    /// on from its cursor.
    pub fn word(&mut self, seq: Seq, row: &Row, now: Now) -> Option<Verdict> {
        match row {
            Row::Reading(reading) => self.word_on(seq, reading, now),
            Row::Upkeep(upkeep) => {
                if seq > self.seen {
                    self.reach(seq);
                    self.gate.upkeep(now, upkeep);
                }
                None
            }
            Row::Link(_) | Row::Tick | Row::Revision(_) => None,
        }
    }

    /// Has seen all before a row, which is seen now.
    fn reach(&mut self, seq: Seq) {
        if let Some(reader) = self.between.take() {
            self.catch_up(reader, Seq(seq.0 - 1));
        }
        self.seen = seq;
    }

    fn word_on(&mut self, seq: Seq, reading: &Reading, now: Now) -> Option<Verdict> {
        if seq <= self.seen {
            return Some(Verdict::of(self.gate.recall(reading), &self.site.corrected(reading)));
        }
        self.reach(seq);
        let judged = self.gate.judge(now, reading);
        let before = judged.convicted.map(|convicted| (convicted.sample.at, convicted.sample.value, convicted.flag));
        let meant = self.site.corrected(reading);
        if !judged.is_repeat() {
            return Some(Verdict { before, ..Verdict::of(judged.flag, &meant) });
        }
        // A clock that is ahead and stands still says the same time of everything: its readings are told apart by our
        // receipt alone, under which they are filed.
        let by_receipt = filed_at(reading) != reading.observed_at;
        by_receipt.then(|| Verdict::of(self.gate.recall(reading), &meant))
    }

    /// Sees the rows up to `until`, which were stored before this process began. What can't be read is not missed: the
    /// first values after it are only unproven.
    fn catch_up(&mut self, mut reader: JournalReader, until: Seq) {
        let mut commit = Commit::default();
        while reader.position() < until {
            match reader.read(until, &mut commit) {
                Ok(Step::Commit) => {}
                Ok(Step::Gap(_)) => continue,
                Ok(Step::Idle) | Err(_) => return,
            }
            for (seq, row) in commit.numbered() {
                if seq <= self.seen || seq > until {
                    continue;
                }
                match row {
                    Row::Reading(reading) if reading.point.index() < reader.configured() => {
                        self.gate.judge(commit.now, reading);
                    }
                    Row::Upkeep(upkeep) => self.gate.upkeep(commit.now, upkeep),
                    Row::Reading(_) | Row::Link(_) | Row::Tick | Row::Revision(_) => {}
                }
                self.seen = seq;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use watchfire_model::id::PointIx;
    use watchfire_model::quality::Flag;
    use watchfire_model::quantity::Finite;
    use watchfire_model::reading::PointState;
    use watchfire_model::time::Timestamp;

    use super::*;
    use crate::config;
    use crate::config::settings::Limits;
    use crate::storage::journal::Journal;

    const SITE: &str = r#"
        [site]
        name = "Test"
        issuer = "Test"
        sender = "test.example"
        zone = "UTC"
        [[area]]
        id = "a"
        name = "A"
        [[station]]
        id = "s"
        [[station.point]]
        id = "stage"
        quantity = "stage"
        unit = "m"
        interval = "1m"
        range = ["0 m", "9 m"]
        spike = { suspect = "1 m" }
    "#;

    fn reading(minute: i64, value: f64) -> Reading {
        let at = Timestamp(minute * 60_000);
        let value = Finite::new(value);
        let (point, state) = (PointIx(0), PointState::Normal);
        Reading { point, observed_at: at, received_at: at, value, state, retained: false }
    }

    /// A journal of one reading a minute, each in a commit of its own.
    struct Kept {
        home: tempfile::TempDir,
        gate: Gate,
        names: Arc<PointNames>,
        readings: Vec<Reading>,
    }

    impl Kept {
        fn new(values: &[f64]) -> Self {
            let settings = config::examine_str("site.toml", SITE, Path::new(".")).settings.expect("a sound site");
            let names = Arc::new(PointNames::of(settings.site()));
            let home = tempfile::tempdir().expect("a temporary directory");
            let limits = Limits { segment_bytes: 4_096, ..settings.limits };
            let (mut journal, _) = Journal::open(home.path(), &limits).expect("opens");
            journal.name_points(Arc::clone(&names));
            let readings: Vec<Reading> = (0..).zip(values).map(|(minute, value)| reading(minute, *value)).collect();
            for reading in &readings {
                journal.append(Now::at(reading.received_at.0), &[Row::Reading(*reading)]).expect("taken in");
            }
            journal.sync().expect("synced");
            Self { home, gate: Gate::new(Arc::clone(settings.site())), names, readings }
        }

        /// A judge of a process whose shard had taken so many rows.
        fn judge(&self, taken: usize) -> Judge {
            let mut gate = self.gate.clone();
            for reading in &self.readings[..taken] {
                gate.judge(Now::at(reading.received_at.0), reading);
            }
            let seen = Seq(u64::try_from(taken).expect("few"));
            Judge::going_on(gate.for_flags(), seen, self.home.path(), Arc::clone(&self.names))
        }

        fn words(&self, judge: &mut Judge, from: usize) -> Vec<Option<Verdict>> {
            let rows = (1_u64..).zip(&self.readings).skip(from);
            rows.map(|(seq, reading)| judge.word(Seq(seq), &Row::Reading(*reading), Now::at(reading.received_at.0)))
                .collect()
        }
    }

    const VALUES: [f64; 9] = [1.0, 1.1, 1.2, 1.1, 10.0, 1.2, 3.5, 1.3, 1.2];

    #[test]
    fn a_restart_makes_no_difference_to_a_flag() {
        let kept = Kept::new(&VALUES);
        let whole = kept.words(&mut kept.judge(0), 0);
        let flags: Vec<u8> = whole.iter().flatten().map(|verdict| verdict.flag.code()).collect();
        assert_eq!(flags, [2, 2, 2, 1, 4, 1, 1, 1, 1]);
        for snapshot in 0..=VALUES.len() {
            for cursor in snapshot..=VALUES.len() {
                assert_eq!(kept.words(&mut kept.judge(snapshot), cursor), whole[cursor..], "{snapshot} {cursor}");
            }
        }
    }

    #[test]
    fn a_store_behind_the_snapshot_is_told_what_the_shard_said() {
        let kept = Kept::new(&VALUES);
        let told = kept.words(&mut kept.judge(VALUES.len()), 0);
        let flags: Vec<u8> = told.iter().flatten().map(|verdict| verdict.flag.code()).collect();
        // The spike is known as one already.
        assert_eq!(flags, [2, 2, 2, 1, 4, 1, 3, 1, 1]);
    }

    #[test]
    fn a_spike_is_told_with_the_reading_after_it() {
        let kept = Kept::new(&VALUES);
        let told = kept.words(&mut kept.judge(0), 0);
        assert_eq!(told[7].and_then(|verdict| verdict.before), Some((Timestamp(360_000), 3.5, Flag::Suspect)));
        assert_eq!(told.iter().flatten().filter(|verdict| verdict.before.is_some()).count(), 1);
    }

    #[test]
    fn what_is_heard_again_is_not_stored_again() {
        let kept = Kept::new(&[1.0, 1.1, 99.0, 1.2]);
        let mut judge = kept.judge(0);
        kept.words(&mut judge, 0);
        for reading in &kept.readings {
            assert_eq!(judge.word(Seq(10), &Row::Reading(*reading), Now::at(300_000)), None, "{reading:?}");
            judge.seen = Seq(9);
        }
    }

    #[test]
    fn what_is_filed_by_our_receipt_is_stored_each_time() {
        let kept = Kept::new(&[1.0, 1.1]);
        let mut judge = kept.judge(0);
        let ahead = |minute: i64| Reading { observed_at: Timestamp(i64::MAX / 2), ..reading(minute, 1.4) };
        for (seq, minute) in [(3, 3), (4, 4)] {
            let word = judge.word(Seq(seq), &Row::Reading(ahead(minute)), Now::at(minute * 60_000));
            assert_eq!(word.map(|word| word.flag), Some(Flag::Suspect), "{minute}");
        }
    }

    #[test]
    fn a_store_that_failed_may_ask_again() {
        let kept = Kept::new(&[1.0, 1.1, 1.2, 1.1, 1.3]);
        let mut judge = kept.judge(0);
        let first = kept.words(&mut judge, 0);
        assert_eq!(kept.words(&mut judge, 0), first);
    }
}
