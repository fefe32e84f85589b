//! The journal's thread: waits for offers, and turns.

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tracing::warn;
use watchfire_connectors::intake::Offer;

use super::ForShard;
use crate::clock::Clock;
use crate::turns::journal::{JournalTurns, OFFERS_PER_COMMIT};

/// What the thread owns.
pub(crate) struct JournalThread {
    pub(crate) turns: JournalTurns,
    pub(crate) offers: mpsc::Receiver<Offer>,
    pub(crate) commits: mpsc::Sender<ForShard>,
    pub(crate) clock: Clock,
    pub(crate) handle: Handle,
}

impl JournalThread {
    /// Until the sources have ended and everything they offered is on disk.
    pub(crate) fn run(mut self) {
        let mut offers = Vec::with_capacity(OFFERS_PER_COMMIT);
        let mut before = self.clock.now();
        loop {
            let open = self.receive(&mut offers);
            let now = self.clock.now();
            self.turns.began(before, now);
            before = now;
            loop {
                if let Some(commit) = self.turns.write(now, &mut offers)
                    // The shard works while the disk syncs. A finding waits for the sync in the duty loop.
                    && self.commits.blocking_send(ForShard::Commit(commit)).is_err()
                {
                    warn!("the shard has ended before the journal");
                }
                self.turns.sync();
                if offers.is_empty() {
                    break;
                }
            }
            if !open {
                return self.turns.clean();
            }
            self.turns.clean_if_due(now);
        }
    }

    /// Waits for offers, a tick that falls due, or housekeeping. False once the sources are gone.
    fn receive(&mut self, offers: &mut Vec<Offer>) -> bool {
        let (patience, incoming) = (self.turns.patience(self.clock.now()), &mut self.offers);
        let received = self
            .handle
            .block_on(async { tokio::time::timeout(patience, incoming.recv_many(offers, OFFERS_PER_COMMIT)).await });
        !matches!(received, Ok(0))
    }
}
