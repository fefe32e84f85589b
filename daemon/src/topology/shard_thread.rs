//! The shard's thread: waits for commits, and turns.

use tokio::sync::mpsc;
use tracing::warn;
use watchfire_model::id::Seq;
use watchfire_rules::evaluator::Standing;

use crate::duty::Said;
use crate::storage::journal::{Commit, JournalReader};
use crate::turns::shard::ShardTurns;

/// What the thread owns.
pub(crate) struct ShardThread {
    pub(crate) turns: ShardTurns,
    pub(crate) commits: mpsc::Receiver<Commit>,
    pub(crate) said: mpsc::Sender<Said>,
}

impl ShardThread {
    /// Catches up with what the journal holds up to `durable` and the ledger has `recorded`; then until the journal's
    /// thread has ended.
    pub(crate) fn run(mut self, behind: JournalReader, durable: Seq, recorded: Vec<Standing>) {
        let Self { turns, commits, said } = &mut self;
        turns.catch_up(behind, durable, &recorded, |word| say(said, word));
        drop(recorded);
        while let Some(commit) = commits.blocking_recv() {
            turns.take(&commit, |word| say(said, word));
            turns.keep(commit.now);
        }
        turns.close();
    }
}

fn say(said: &mpsc::Sender<Said>, word: Said) {
    if said.blocking_send(word).is_err() {
        warn!("the duty loop has ended before the shard");
    }
}
