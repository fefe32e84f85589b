//! A daemon's own journal through its own shard again: from the first row that is still there, or from a snapshot, each row
//! by the revision that was in force. Beside a running daemon or without one; nothing is written.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use watchfire_model::id::{Revision, Seq};
use watchfire_model::row::Row;
use watchfire_rules::evaluator::EvaluatorState;
use watchfire_rules::ruleset::RuleSet;

use crate::duty::Said;
use crate::shards::Shard;
use crate::storage::journal::{Commit, JournalReader, Step};
use crate::storage::names::PointNames;
use crate::storage::revisions::Revisions;
use crate::storage::{snapshot, stops, stops_of};
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
    pub(crate) fn begin(dir: &Path, wanted: Option<Seq>) -> anyhow::Result<Self> {
        let (folder, revisions) = (dir.join("journal"), Revisions::of(dir.join("revisions")));
        let stops = stops::read(&stops_of(dir)).context("the list of stopped rules cannot be read")?;
        let mut reader = JournalReader::after(&folder, Seq(0), Arc::default());
        let mut commit = Commit::default();
        let step = reader.read(REST, &mut commit).context("the journal cannot be read")?;
        let first = match step {
            Step::Commit => commit.first,
            Step::Gap(ref gap) => gap.seqs.end,
            Step::Idle => bail!("there is no journal in {}", folder.display()),
        };
        let snapshots = snapshot::all(&dir.join("snapshots"), SHARD).context("the snapshots cannot be read")?;
        let mut usable = snapshots.into_iter().filter(|kept| kept.seq.next() >= first);
        let kept = match (wanted, &step, commit.rows.as_slice()) {
            (None, Step::Commit, [Row::Revision(_)]) => None,
            (None, ..) => usable.next(),
            (Some(wanted), ..) => usable.rfind(|kept| kept.seq < wanted),
        };
        if let (None, Step::Commit, [Row::Revision(reload)]) = (&kept, &step, commit.rows.as_slice()) {
            let rules = of_revision(&revisions, &reload.revision)?;
            let shard = Shard::new(Arc::clone(&rules), Arc::new(LatestTable::new(0))).stopping(stops);
            let reader = JournalReader::after(&folder, Seq(0), names(&rules));
            return Ok(Self { folder, revisions, shard, reader, before: Seq(0) });
        }
        let Some(kept) = kept else {
            bail!("the journal begins at row {}, and no snapshot is kept from which it could be judged again", first.0);
        };
        let state: EvaluatorState = serde_json::from_slice(&kept.bytes).context("a snapshot cannot be understood")?;
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
    pub(crate) fn rules(&self, revision: &Revision) -> anyhow::Result<Arc<RuleSet>> {
        of_revision(&self.revisions, revision)
    }

    /// The next commit.
    pub(crate) fn read(&mut self, commit: &mut Commit) -> anyhow::Result<Step> {
        self.reader.read(REST, commit).context("the journal cannot be read")
    }

    /// Judges a commit, and says what it found.
    pub(crate) fn judge(&mut self, commit: &Commit, said: &mut Vec<Said>) -> anyhow::Result<()> {
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

fn of_revision(revisions: &Revisions, revision: &Revision) -> anyhow::Result<Arc<RuleSet>> {
    revisions
        .rules(revision)
        .with_context(|| format!("revision {revision} is not kept, and the journal was judged by it"))
}

fn names(rules: &RuleSet) -> Arc<PointNames> {
    Arc::new(PointNames::of(rules.site()))
}
