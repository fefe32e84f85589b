//! The shard's thread: waits for commits, and turns.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;
use tracing::warn;
use watchfire_model::id::Seq;
use watchfire_rules::evaluator::Standing;

use super::ForShard;
use crate::clock::Clock;
use crate::duty::Said;
use crate::turns::shard::ShardTurns;
use crate::vigil::Vigil;

/// What the thread owns.
pub(crate) struct ShardThread {
    pub(crate) turns: ShardTurns,
    pub(crate) commits: mpsc::Receiver<ForShard>,
    pub(crate) said: mpsc::Sender<Said>,
    pub(crate) vigil: Arc<Vigil>,
    pub(crate) clock: Clock,
}

/// What the last run may not have judged or said.
pub(crate) struct Behind {
    pub(crate) journal: PathBuf,
    pub(crate) durable: Seq,
    pub(crate) recorded: Vec<Standing>,
}

impl ShardThread {
    /// Catches up with what the journal holds and the ledger has recorded; then until the journal's thread has ended.
    pub(crate) fn run(mut self, behind: Behind) {
        let Self { turns, commits, said, vigil, clock } = &mut self;
        vigil.here();
        turns.catch_up(&behind.journal, behind.durable, &behind.recorded, |word| say(said, word));
        drop(behind);
        while let Some(wanted) = commits.blocking_recv() {
            match wanted {
                ForShard::Commit(commit) => {
                    turns.take(&commit, |word| say(said, word));
                    if clock.is_the_machines() {
                        turns.keeps_up(clock.now(), &commit, |word| say(said, word));
                    }
                    turns.keep(commit.now);
                }
                // Whoever asked may have given up waiting.
                ForShard::State(back) => drop(back.send(turns.shard().snapshot().state)),
                ForShard::Outlooks(asked) => asked.answer(turns.shard().outlooks(clock.now())),
            }
        }
        turns.close();
    }
}

fn say(said: &mpsc::Sender<Said>, word: Said) {
    if said.blocking_send(word).is_err() {
        warn!("the duty loop has ended before the shard");
    }
}
