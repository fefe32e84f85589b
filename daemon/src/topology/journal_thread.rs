//! The journal's thread: takes what has queued up, writes it as one commit, hands it to the shard, syncs, and then —
//! and only then — lets the sources acknowledge.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tracing::{error, warn};
use watchfire_connectors::intake::Offer;
use watchfire_model::durable::Durable;
use watchfire_model::id::Seq;
use watchfire_model::row::Row;
use watchfire_model::time::{Now, Span, Steady};

use super::Progress;
use crate::clock::{Clock, Stopwatch};
use crate::metrics::Metrics;
use crate::storage::journal::{Commit, Journal};

/// Offers taken together into one commit.
const OFFERS_PER_COMMIT: usize = 1_024;
/// How often the journal looks after itself although nothing comes.
const HOUSEKEEPING: Span = Span::seconds(1);

/// What the thread owns.
pub(crate) struct JournalThread {
    pub(crate) journal: Journal,
    pub(crate) offers: mpsc::Receiver<Offer>,
    pub(crate) commits: mpsc::Sender<Commit>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) clock: Clock,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) handle: Handle,
}

impl JournalThread {
    /// Until the sources have ended and everything they offered is on disk.
    pub(crate) fn run(mut self) {
        let mut offers = Vec::with_capacity(OFFERS_PER_COMMIT);
        let mut cleaned = self.clock.now().steady;
        loop {
            let open = self.receive(&mut offers);
            let now = self.clock.now();
            self.commit(now, &mut offers);
            if now.steady - cleaned >= HOUSEKEEPING || !open {
                cleaned = now.steady;
                self.clean();
            }
            if !open {
                return;
            }
        }
    }

    /// Waits for offers, a tick that falls due, or housekeeping. False once the sources are gone.
    fn receive(&mut self, offers: &mut Vec<Offer>) -> bool {
        let now = self.clock.now().steady;
        let due = Steady(self.progress.tick_due.load(Ordering::Acquire));
        let patience = (due - now).min(HOUSEKEEPING).to_std().max(Duration::from_millis(1));
        let incoming = &mut self.offers;
        let received = self
            .handle
            .block_on(async { tokio::time::timeout(patience, incoming.recv_many(offers, OFFERS_PER_COMMIT)).await });
        !matches!(received, Ok(0))
    }

    fn commit(&mut self, now: Now, offers: &mut Vec<Offer>) {
        let mut rows = Vec::with_capacity(offers.iter().map(|offer| offer.rows.len()).sum::<usize>() + 1);
        let mut waiting: Vec<oneshot::Sender<Durable<Seq>>> = Vec::new();
        for offer in offers.drain(..) {
            rows.extend(offer.rows);
            waiting.extend(offer.done);
        }
        if now.steady.0 >= self.progress.tick_due.load(Ordering::Acquire) {
            self.progress.tick_due.store(i64::MAX, Ordering::Release);
            rows.push(Row::Tick);
        }
        if rows.is_empty() {
            self.sync(&mut waiting);
            return;
        }
        let count = rows.len();
        let first = match self.journal.append(now, &rows) {
            Ok(seqs) => seqs.start,
            Err(error) => {
                error!(%error, rows = count, "the journal refuses to write; readings are judged and not acknowledged");
                waiting.clear();
                self.journal.give_up(count)
            }
        };
        self.metrics.journal_rows(&rows);
        // The shard works while the disk syncs. A finding waits for the sync in the duty loop.
        if self.commits.blocking_send(Commit { now, first, rows }).is_err() {
            warn!("the shard has ended before the journal");
        }
        self.sync(&mut waiting);
    }

    fn sync(&mut self, waiting: &mut Vec<oneshot::Sender<Durable<Seq>>>) {
        if self.journal.pending_bytes() == 0 {
            return;
        }
        let took = Stopwatch::start();
        match self.journal.sync() {
            Ok(durable) => {
                self.metrics.journal_synced(took.seconds(), durable.get().0);
                self.progress.durable.send_replace(*durable.get());
                for done in waiting.drain(..) {
                    // A source that has ended hears nothing; its broker will send again.
                    let _ = done.send(durable.clone());
                }
            }
            Err(error) => {
                self.metrics.journal_failed();
                error!(%error, "the journal cannot sync; nothing is acknowledged until it can");
            }
        }
    }

    /// Drops what nobody needs any more, and what the configured bound does not let us keep.
    fn clean(&mut self) {
        let cursors = self.progress.cursors.iter().map(|cursor| cursor.load(Ordering::Acquire));
        let kept = cursors.chain([self.progress.snapshot.load(Ordering::Acquire)]).min().unwrap_or(0);
        let needed = Seq(kept).next();
        let trimmed = self.journal.retain(needed).and_then(|_| self.journal.enforce(needed));
        match trimmed {
            Ok(None) => {}
            Ok(Some(lost)) => {
                error!(seqs = ?lost.seqs, points = ?lost.points, "the journal is full: readings that a store has not taken are dropped");
                self.metrics.journal_dropped(lost.points.values().map(|point| point.readings).sum());
            }
            Err(error) => error!(%error, "the journal cannot be trimmed"),
        }
    }
}
