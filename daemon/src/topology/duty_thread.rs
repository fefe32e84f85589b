//! The duty loop's thread: waits for what is asked, said, synced or due, in this order, and turns.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use watchfire_model::id::Seq;

use crate::clock::Clock;
use crate::duty::Said;
use crate::turns::Progress;
use crate::turns::duty::{DutyTurns, LEDGER_PAUSE, PER_ROUND};
use crate::views::Asked;

/// What the thread owns.
pub(crate) struct DutyThread {
    pub(crate) turns: DutyTurns,
    pub(crate) said: mpsc::Receiver<Said>,
    pub(crate) asked: mpsc::Receiver<Asked>,
    pub(crate) durable: watch::Receiver<Seq>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) clock: Clock,
    pub(crate) handle: Handle,
}

/// What woke the loop.
enum Woken {
    Asked(Option<Asked>),
    Said(usize),
    Durable,
    Due,
}

impl DutyThread {
    /// Until the shard and the couriers have ended.
    pub(crate) fn run(mut self) {
        let mut asking = true;
        // What was on its way when the last run ended goes out first.
        self.round();
        loop {
            self.progress.turns.fetch_add(1, Ordering::AcqRel);
            match self.wait(asking) {
                Woken::Asked(Some(asked)) => self.turns.ask(asked),
                Woken::Asked(None) => asking = false,
                Woken::Said(0) => break,
                Woken::Said(_) | Woken::Durable | Woken::Due => {}
            }
            self.round();
        }
        self.round();
        while self.turns.has_more() {
            self.round();
        }
    }

    fn wait(&mut self, asking: bool) -> Woken {
        let (due, waits_for_journal) = (self.turns.patience(self.clock.now()), self.turns.waits_for_journal());
        let has_room = self.turns.has_room();
        self.handle.block_on(async {
            tokio::select! {
                biased;
                asked = self.asked.recv(), if asking => Woken::Asked(asked),
                count = self.said.recv_many(self.turns.said(), PER_ROUND), if has_room => Woken::Said(count),
                Ok(()) = self.durable.changed(), if waits_for_journal => Woken::Durable,
                () = tokio::time::sleep(due) => Woken::Due,
            }
        })
    }

    fn round(&mut self) {
        // A sync from here on wakes us again.
        self.durable.mark_unchanged();
        while !self.turns.turn(self.clock.now()) {
            self.handle.block_on(async { tokio::time::sleep(LEDGER_PAUSE).await });
        }
    }
}
