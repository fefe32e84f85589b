//! The shard's turns: judges commits in order, says findings, keeps snapshots once both logs have caught up with them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tracing::{error, info, warn};
use watchfire_model::finding::Change;
use watchfire_model::id::Seq;
use watchfire_model::reload::Reload;
use watchfire_model::row::Row;
use watchfire_model::time::Now;
use watchfire_rules::engine::Overseer;
use watchfire_rules::evaluator::Standing;

use super::lag::{self, Lag};
use super::{Progress, SHARD};
use crate::clock::Stopwatch;
use crate::duty::{Reloading, Said};
use crate::metrics::Metrics;
use crate::shards::{Shard, Snapshot};
use crate::storage::journal::{Commit, JournalReader, Step};
use crate::storage::names::PointNames;
use crate::storage::revisions::Revisions;
use crate::storage::snapshot;
use crate::vigil::Vigil;
use crate::vigil::costs::Costs;

/// The shard with its snapshots.
pub struct ShardTurns {
    shard: Shard,
    progress: Arc<Progress>,
    metrics: Arc<Metrics>,
    revisions: Arc<Revisions>,
    folder: PathBuf,
    /// Taken, and not yet covered by both logs.
    ready: Option<Snapshot>,
    said: Vec<Said>,
    lag: Lag,
    /// What rules cost, where somebody counts it.
    costs: Option<Arc<Costs>>,
}

impl ShardTurns {
    /// Goes on with a shard as its snapshot had it; snapshots are kept in `folder`.
    pub const fn new(
        shard: Shard,
        revisions: Arc<Revisions>,
        progress: Arc<Progress>,
        metrics: Arc<Metrics>,
        folder: PathBuf,
    ) -> Self {
        Self {
            shard,
            progress,
            metrics,
            revisions,
            folder,
            ready: None,
            said: Vec::new(),
            lag: Lag::Unknown,
            costs: None,
        }
    }

    /// Judges what the journal in `folder` holds beyond the snapshot, up to `durable`: what the last run may not have said,
    /// each row by the revision that was in force. Where the ledger has `recorded` more than that tells, goes on from there.
    /// Then says when the first tick is wanted.
    pub fn catch_up(&mut self, folder: &Path, durable: Seq, recorded: &[Standing], mut say: impl FnMut(Said)) {
        let mut commit = Commit::default();
        let mut journal = self.behind(folder);
        loop {
            match journal.read(durable, &mut commit) {
                Ok(Step::Commit) => {
                    let before = Arc::clone(self.shard.rules());
                    self.judge(&commit, &mut say);
                    if !Arc::ptr_eq(&before, self.shard.rules()) {
                        // Points may have other numbers from here on.
                        journal = self.behind(folder);
                    }
                }
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
        self.said.drain(..).for_each(&mut say);
        self.announce();
    }

    fn behind(&self, folder: &Path) -> JournalReader {
        let names = Arc::new(PointNames::of(self.shard.rules().site()));
        JournalReader::after(folder, self.shard.seq(), names)
    }

    /// Judges one commit and says what it found.
    pub fn take(&mut self, commit: &Commit, say: impl FnMut(Said)) {
        self.judge(commit, say);
        self.announce();
    }

    fn judge(&mut self, commit: &Commit, mut say: impl FnMut(Said)) {
        let took = Stopwatch::start();
        if let [Row::Revision(reload)] = commit.rows.as_slice() {
            self.reload((commit.now, commit.first), reload, &mut say);
        } else {
            self.shard.judge(commit, &mut self.said);
        }
        let took = took.elapsed();
        self.metrics.judged(&commit.rows, self.said.len(), took.as_secs_f64());
        self.costs.iter().for_each(|costs| costs.judged(took));
        let missed = |word: &&Said| matches!(word, Said::Finding(finding) if finding.change == Change::MissedCrossing);
        self.said.iter().filter(missed).for_each(|_| self.metrics.crossing_missed());
        self.said.drain(..).for_each(say);
    }

    /// By `now` the commit taken last has been judged: says where judging begins to fall behind, or no longer does.
    pub fn keeps_up(&mut self, now: Now, commit: &Commit, mut say: impl FnMut(Said)) {
        let lag = lag::of(commit, now);
        self.metrics.judged_after(lag);
        if let Some(outage) = self.lag.sees(now, self.shard.seq(), lag) {
            match outage.until {
                None => error!(lag_ms = lag.0, "judging falls behind: warnings come late"),
                Some(until) if until > outage.since => info!(lag_ms = lag.0, "judging keeps up again"),
                // Said in case the last run ended behind.
                Some(_) => {}
            }
            self.shard.says_one_more();
            say(Said::Outage(outage));
        }
    }

    /// Goes over to another revision, and says so before what changes by it.
    fn reload(&mut self, (now, seq): (Now, Seq), reload: &Reload, say: &mut impl FnMut(Said)) {
        if seq <= self.shard.seq() {
            return;
        }
        let Some(rules) = self.revisions.rules(&reload.revision) else {
            error!(revision = %reload.revision, "this revision is not kept; what it judged is judged by the one before it");
            return;
        };
        self.shard.reload(Arc::clone(&rules), (now, seq), reload.orphans, &mut self.said);
        let (reload, site) = (Box::new(reload.clone()), Arc::clone(rules.site()));
        say(Said::Reload(Reloading { reload, seq, site }));
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
        let journal_from = Seq(self.progress.journal_from.load(Ordering::Acquire));
        match snapshot::save(&self.folder, SHARD, seq, &bytes, journal_from) {
            Ok(()) => self.progress.snapshot.store(seq.0, Ordering::Release),
            Err(error) => warn!(%error, "cannot keep a snapshot; the journal is kept longer instead"),
        }
    }

    /// Has the shard's scripts told to `overseer`, and its rows to `vigil`.
    pub fn oversee(&mut self, vigil: Arc<Vigil>, overseer: Arc<dyn Overseer>) {
        self.costs = Some(Arc::clone(vigil.costs()));
        self.shard.oversee(vigil, overseer);
    }

    /// The shard, to look at.
    pub const fn shard(&self) -> &Shard {
        &self.shard
    }
}
