//! The shard's turns: judges commits in order, says findings, keeps snapshots once both logs have caught up with them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tracing::{error, warn};
use watchfire_model::finding::Change;
use watchfire_model::id::Seq;
use watchfire_model::time::Now;
use watchfire_rules::evaluator::Standing;

use super::{Progress, SHARD};
use crate::clock::Stopwatch;
use crate::duty::Said;
use crate::metrics::Metrics;
use crate::shards::{Shard, Snapshot};
use crate::storage::journal::{Commit, JournalReader, Step};
use crate::storage::snapshot;

/// The shard with its snapshots.
pub struct ShardTurns {
    shard: Shard,
    progress: Arc<Progress>,
    metrics: Arc<Metrics>,
    folder: PathBuf,
    /// Taken, and not yet covered by both logs.
    ready: Option<Snapshot>,
    said: Vec<Said>,
}

impl ShardTurns {
    /// Goes on with a shard as its snapshot had it; snapshots are kept in `folder`.
    pub const fn new(shard: Shard, progress: Arc<Progress>, metrics: Arc<Metrics>, folder: PathBuf) -> Self {
        Self { shard, progress, metrics, folder, ready: None, said: Vec::new() }
    }

    /// Judges what the journal holds beyond the snapshot, up to `durable`: what the last run may not have said. Where the
    /// ledger has `recorded` more than that tells, goes on from there. Then says when the first tick is wanted.
    pub fn catch_up(
        &mut self,
        mut journal: JournalReader,
        durable: Seq,
        recorded: &[Standing],
        mut say: impl FnMut(Said),
    ) {
        let mut commit = Commit::default();
        loop {
            match journal.read(durable, &mut commit) {
                Ok(Step::Commit) => self.judge(&commit, &mut say),
                Ok(Step::Gap(gap)) => error!(?gap, "a part of the journal cannot be read back"),
                Ok(Step::Idle) => break,
                Err(error) => {
                    error!(%error, "the journal cannot be read back; the machines go on from their snapshot");
                    break;
                }
            }
        }
        self.shard.take_over(recorded, &mut self.said);
        if !self.said.is_empty() {
            warn!(subjects = self.said.len(), "findings were recorded whose readings are lost; they still stand");
        }
        self.said.drain(..).for_each(say);
        self.announce();
    }

    /// Judges one commit and says what it found.
    pub fn take(&mut self, commit: &Commit, say: impl FnMut(Said)) {
        self.judge(commit, say);
        self.announce();
    }

    fn judge(&mut self, commit: &Commit, say: impl FnMut(Said)) {
        let took = Stopwatch::start();
        self.shard.judge(commit, &mut self.said);
        self.metrics.judged(&commit.rows, self.said.len(), took.seconds());
        let missed = |word: &&Said| matches!(word, Said::Finding(finding) if finding.change == Change::MissedCrossing);
        self.said.iter().filter(missed).for_each(|_| self.metrics.crossing_missed());
        self.said.drain(..).for_each(say);
    }

    fn announce(&self) {
        let due = self.shard.next_deadline().map_or(i64::MAX, |due| due.0);
        self.progress.tick_due.store(due, Ordering::Release);
    }

    /// Takes a snapshot if one is due, and keeps the one taken once it is covered.
    pub fn keep(&mut self, now: Now) {
        if self.ready.is_none() {
            self.ready = self.shard.snapshot_if_due(now);
        }
        self.keep_if_covered();
    }

    /// Keeps the state as it is, if it is covered: the last turn.
    pub fn close(&mut self) {
        self.ready = Some(self.shard.snapshot());
        self.keep_if_covered();
    }

    /// A snapshot is worth keeping only when the journal holds its rows and the ledger its findings; else a crash could
    /// leave a state that has seen what the logs have not.
    fn keep_if_covered(&mut self) {
        let covered = self.ready.as_ref().is_some_and(|snapshot| {
            *self.progress.durable.borrow() >= snapshot.seq
                && self.progress.recorded.load(Ordering::Acquire) >= snapshot.said
        });
        if !covered {
            return;
        }
        let Some(Snapshot { seq, state, .. }) = self.ready.take() else { return };
        let bytes = match serde_json::to_vec(&state) {
            Ok(bytes) => bytes,
            Err(error) => return warn!(%error, "the shard's state cannot be written down"),
        };
        match snapshot::save(&self.folder, SHARD, seq, &bytes) {
            Ok(()) => self.progress.snapshot.store(seq.0, Ordering::Release),
            Err(error) => warn!(%error, "cannot keep a snapshot; the journal is kept longer instead"),
        }
    }

    /// The shard, to look at.
    pub const fn shard(&self) -> &Shard {
        &self.shard
    }
}
