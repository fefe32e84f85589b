//! The shard's thread: judges commits in order, says findings, keeps snapshots once both logs have caught up with them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc;
use tracing::{error, warn};
use watchfire_model::finding::Finding;
use watchfire_model::id::Seq;

use super::{Progress, SHARD};
use crate::clock::Stopwatch;
use crate::duty::Said;
use crate::metrics::Metrics;
use crate::shards::{Shard, Snapshot};
use crate::storage::journal::{Commit, JournalReader, Step};
use crate::storage::snapshot;

/// What the thread owns.
pub(crate) struct ShardThread {
    pub(crate) shard: Shard,
    pub(crate) commits: mpsc::Receiver<Commit>,
    pub(crate) said: mpsc::Sender<Said>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) folder: PathBuf,
}

impl ShardThread {
    /// Judges what the journal holds beyond the snapshot, up to `durable`: what the last run may not have said.
    pub(crate) fn catch_up(mut self, mut journal: JournalReader, durable: Seq) -> Self {
        let mut findings = Vec::new();
        let mut commit = Commit::default();
        loop {
            match journal.read(durable, &mut commit) {
                Ok(Step::Commit) => self.judge(&commit, &mut findings),
                Ok(Step::Gap(gap)) => error!(?gap, "a part of the journal cannot be read back"),
                Ok(Step::Idle) => return self,
                Err(error) => {
                    error!(%error, "the journal cannot be read back; the machines go on from their snapshot");
                    return self;
                }
            }
        }
    }

    fn judge(&mut self, commit: &Commit, findings: &mut Vec<Finding>) {
        let took = Stopwatch::start();
        self.shard.judge(commit, findings);
        self.metrics.judged(&commit.rows, findings.len(), took.seconds());
        for finding in findings.drain(..) {
            if self.said.blocking_send(Said::Finding(finding)).is_err() {
                warn!("the duty loop has ended before the shard");
                return;
            }
        }
    }

    /// Until the journal's thread has ended.
    pub(crate) fn run(mut self) {
        let mut findings = Vec::new();
        let mut ready: Option<Snapshot> = None;
        self.announce();
        while let Some(commit) = self.commits.blocking_recv() {
            self.judge(&commit, &mut findings);
            self.announce();
            if ready.is_none() {
                ready = self.shard.snapshot_if_due(commit.now);
            }
            self.keep_if_covered(&mut ready);
        }
        ready = Some(self.shard.snapshot());
        self.keep_if_covered(&mut ready);
    }

    fn announce(&self) {
        let due = self.shard.next_deadline().map_or(i64::MAX, |due| due.0);
        self.progress.tick_due.store(due, Ordering::Release);
    }

    /// A snapshot is worth keeping only when the journal holds its rows and the ledger its findings; else a crash could
    /// leave a state that has seen what the logs have not.
    fn keep_if_covered(&self, ready: &mut Option<Snapshot>) {
        let covered = ready.as_ref().is_some_and(|snapshot| {
            *self.progress.durable.borrow() >= snapshot.seq
                && self.progress.recorded.load(Ordering::Acquire) >= snapshot.said
        });
        if !covered {
            return;
        }
        let Some(Snapshot { seq, state, .. }) = ready.take() else { return };
        let bytes = match serde_json::to_vec(&state) {
            Ok(bytes) => bytes,
            Err(error) => return warn!(%error, "the shard's state cannot be written down"),
        };
        match snapshot::save(&self.folder, SHARD, seq, &bytes) {
            Ok(()) => self.progress.snapshot.store(seq.0, Ordering::Release),
            Err(error) => warn!(%error, "cannot keep a snapshot; the journal is kept longer instead"),
        }
    }
}
