//! A daemon's own journal through its own shard again: from the first row that is still there, or from a snapshot, each row
//! by the revision that was in force. Beside a running daemon or without one; nothing is written.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use watchfire_model::id::{Revision, Seq};
use watchfire_model::row::Row;
use watchfire_rules::evaluator::EvaluatorState;
use watchfire_rules::ruleset::RuleSet;

use super::EvidenceError;
use crate::duty::Said;
use crate::shards::Shard;
use crate::storage::journal::{Commit, JournalReader, Step};
use crate::storage::names::PointNames;
use crate::storage::revisions::Revisions;
use crate::storage::{snapshot, snapshots_of, stops, stops_of};
use crate::turns::SHARD;
use crate::views::LatestTable;

/// Beyond every row: a gap that ends here is the journal's end.
pub(crate) const REST: Seq = Seq(u64::MAX - 1);

/// The journal under way.
pub(crate) struct Replayed {
    folder: PathBuf,
    revisions: Revisions,
    shard: Shard,
    reader: JournalReader,
    /// The row before the first that is judged.
    before: Seq,
}

impl Replayed {
    /// From the first row, where the journal still has it; else from the oldest snapshot that it goes on from. Where only
    /// the row `wanted` matters, from the newest snapshot before it.
    pub(crate) fn begin(dir: &Path, wanted: Option<Seq>) -> Result<Self, EvidenceError> {
        let (folder, revisions) = (dir.join("journal"), Revisions::of(dir.join("revisions")));
        let stops = stops::read(&stops_of(dir));
        let stops = stops.map_err(|error| EvidenceError::unreadable("the list of stopped rules", error))?;
        let mut reader = JournalReader::after(&folder, Seq(0), Arc::default());
        let mut commit = Commit::default();
        let step = reader.read(REST, &mut commit).map_err(unread)?;
        let first = match step {
            Step::Commit => commit.first,
            Step::Gap(ref gap) => gap.seqs.end,
            Step::Idle => return Err(EvidenceError::NoJournal(folder)),
        };
        let goes_on = |seq: Seq| seq.next() >= first;
        let snapshots = snapshots_of(dir);
        let kept = match (wanted, &step, commit.rows.as_slice()) {
            (None, Step::Commit, [Row::Revision(_)]) => Ok(None),
            (None, ..) => snapshot::oldest(&snapshots, SHARD, goes_on),
            (Some(wanted), ..) => snapshot::newest(&snapshots, SHARD, |seq| goes_on(seq) && seq < wanted),
        };
        let kept = kept.map_err(|error| EvidenceError::unreadable("the snapshots", error))?;
        if let (None, Step::Commit, [Row::Revision(reload)]) = (&kept, &step, commit.rows.as_slice()) {
            let rules = of_revision(&revisions, &reload.revision)?;
            let shard = Shard::new(Arc::clone(&rules), Arc::new(LatestTable::new(0))).stopping(stops);
            let reader = JournalReader::after(&folder, Seq(0), names(&rules));
            return Ok(Self { folder, revisions, shard, reader, before: Seq(0) });
        }
        let Some(kept) = kept else {
            return Err(EvidenceError::NoSnapshot { from: first });
        };
        let state: EvaluatorState = serde_json::from_slice(&kept.bytes)
            .map_err(|error| EvidenceError::unreadable("what a snapshot says", error))?;
        let rules = of_revision(&revisions, state.revision())?;
        let shard = Shard::restore(Arc::clone(&rules), state, kept.seq, Arc::new(LatestTable::new(0))).stopping(stops);
        let reader = JournalReader::after(&folder, kept.seq, names(&rules));
        Ok(Self { folder, revisions, shard, reader, before: kept.seq })
    }

    /// The row before the first that is judged.
    pub(crate) const fn before(&self) -> Seq {
        self.before
    }

    /// The shard as far as it has judged.
    pub(crate) const fn shard(&self) -> &Shard {
        &self.shard
    }

    /// The rules of a revision that was in force.
    pub(crate) fn rules(&self, revision: &Revision) -> Result<Arc<RuleSet>, EvidenceError> {
        of_revision(&self.revisions, revision)
    }

    /// The next commit.
    pub(crate) fn read(&mut self, commit: &mut Commit) -> Result<Step, EvidenceError> {
        self.reader.read(REST, commit).map_err(unread)
    }

    /// Judges a commit, and says what it found.
    pub(crate) fn judge(&mut self, commit: &Commit, said: &mut Vec<Said>) -> Result<(), EvidenceError> {
        let [Row::Revision(reload)] = commit.rows.as_slice() else {
            self.shard.judge(commit, said);
            return Ok(());
        };
        let before = Arc::clone(self.shard.rules());
        let rules = of_revision(&self.revisions, &reload.revision)?;
        self.shard.reload(Arc::clone(&rules), (commit.now, commit.first), reload.orphans, said);
        if !Arc::ptr_eq(&before, self.shard.rules()) {
            // Points may have other numbers from here on.
            self.reader = JournalReader::after(&self.folder, self.shard.seq(), names(self.shard.rules()));
        }
        Ok(())
    }
}

fn of_revision(revisions: &Revisions, revision: &Revision) -> Result<Arc<RuleSet>, EvidenceError> {
    revisions.rules(revision).ok_or_else(|| EvidenceError::NoRevision(revision.clone()))
}

fn unread(error: impl std::error::Error + Send + Sync + 'static) -> EvidenceError {
    EvidenceError::unreadable("the journal", error)
}

fn names(rules: &RuleSet) -> Arc<PointNames> {
    Arc::new(PointNames::of(rules.site()))
}
