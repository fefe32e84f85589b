//! The journal's turns: takes what has queued up, writes it as one commit, gives it to the shard, syncs, and then — and
//! only then — lets the sources acknowledge.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::oneshot;
use tracing::error;
use watchfire_connectors::intake::Offer;
use watchfire_model::durable::Durable;
use watchfire_model::id::{Revision, Seq};
use watchfire_model::reload::Reload;
use watchfire_model::row::Row;
use watchfire_model::time::{Now, Span, Steady};

use super::Progress;
use crate::clock::Stopwatch;
use crate::metrics::Metrics;
use crate::storage::journal::{Commit, Journal};
use crate::storage::names::PointNames;
use crate::storage::revisions::Revisions;

/// Offers taken together into one commit.
pub const OFFERS_PER_COMMIT: usize = 1_024;
/// How often the journal looks after itself although nothing comes.
const HOUSEKEEPING: Span = Span::seconds(1);
/// A turn that takes longer was no turn: the process was stopped, or the machine slept.
const STOOD_STILL: Span = Span::seconds(3);
/// After that, sources need so long to hear what was sent meanwhile.
const STRAGGLERS: Span = Span::seconds(5);

fn reload_of(offer: &Offer) -> Option<&Reload> {
    if let [Row::Revision(reload)] = offer.rows.as_slice() { Some(reload) } else { None }
}

/// The journal with those who wait for it.
pub struct JournalTurns {
    journal: Journal,
    revisions: Arc<Revisions>,
    progress: Arc<Progress>,
    metrics: Arc<Metrics>,
    /// Told once what was written last is durable.
    waiting: Vec<oneshot::Sender<Durable<Seq>>>,
    cleaned: Steady,
    /// No silence is looked for before then, since all stood still.
    stragglers_until: Option<Steady>,
}

impl JournalTurns {
    /// Goes on with an open journal.
    pub fn new(
        journal: Journal,
        revisions: Arc<Revisions>,
        progress: Arc<Progress>,
        metrics: Arc<Metrics>,
        now: Now,
    ) -> Self {
        Self { journal, revisions, progress, metrics, waiting: Vec::new(), cleaned: now.steady, stragglers_until: None }
    }

    /// The first commit of a run: what judges from here on is what was started with.
    pub fn begin(&mut self, now: Now, revision: &Revision) -> Option<Commit> {
        let (why, from) = ("started with it".to_owned(), "start".to_owned());
        let reload = Reload::plain(revision.clone(), "watchfire".into(), why, from);
        let commit = self.turn_over(now, Offer { rows: vec![Row::Revision(Box::new(reload))], done: None });
        self.sync();
        commit
    }

    /// How long offers may be waited for: until a tick falls due, or until housekeeping.
    pub fn patience(&self, now: Now) -> Duration {
        (self.tick_due() - now.steady).min(HOUSEKEEPING).to_std().max(Duration::from_millis(1))
    }

    /// A turn has begun at `before`. Where it took so long that all stood still, silence is looked for a little later:
    /// what was sent meanwhile is still on its way in. One that stands still again and again is waited for once a tick.
    pub fn began(&mut self, before: Now, now: Now) {
        if now.steady - before.steady > STOOD_STILL && self.stragglers_until.is_none() {
            self.stragglers_until = Some(now.steady + STRAGGLERS);
        }
    }

    fn tick_due(&self) -> Steady {
        let due = self.progress.tick_due();
        self.stragglers_until.map_or(due, |until| due.max(until))
    }

    /// Writes the offers, and a tick if one is due, as one commit for the shard; [`sync`](Self::sync) makes it durable.
    /// What cannot be written is judged all the same, under numbers that are given up, and nobody acknowledges it.
    ///
    /// A reload stands alone in its commit, since points may have other numbers after it: what is offered behind it stays
    /// in `offers` for the next call.
    pub fn write(&mut self, now: Now, offers: &mut Vec<Offer>) -> Option<Commit> {
        match offers.iter().position(|offer| reload_of(offer).is_some()) {
            Some(0) => return self.turn_over(now, offers.remove(0)),
            Some(at) => {
                let behind = offers.split_off(at);
                let commit = self.write(now, offers);
                *offers = behind;
                return commit;
            }
            None => {}
        }
        let mut rows = Vec::with_capacity(offers.iter().map(|offer| offer.rows.len()).sum::<usize>() + 1);
        for offer in offers.drain(..) {
            rows.extend(offer.rows);
            self.waiting.extend(offer.done);
        }
        if now.steady >= self.tick_due() {
            self.progress.tick_due.store(i64::MAX, Ordering::Release);
            self.stragglers_until = None;
            rows.push(Row::Tick);
        }
        if rows.is_empty() {
            return None;
        }
        Some(self.append(now, rows))
    }

    /// Writes down that another revision judges from here on. Refused, with nothing done, where somebody waits to hear of
    /// it and the disk is sick.
    fn turn_over(&mut self, now: Now, offer: Offer) -> Option<Commit> {
        let Offer { rows, done } = offer;
        if done.is_some() && (self.journal.failing().is_some() || self.journal.pending_bytes() > 0) {
            return None;
        }
        self.waiting.extend(done);
        let revision = rows.iter().find_map(|row| if let Row::Revision(it) = row { Some(&it.revision) } else { None });
        if let Some(rules) = revision.and_then(|revision| self.revisions.rules(revision)) {
            self.journal.name_points(Arc::new(PointNames::of(rules.site())));
        }
        Some(self.append(now, rows))
    }

    fn append(&mut self, now: Now, rows: Vec<Row>) -> Commit {
        let count = rows.len();
        let first = match self.journal.append(now, &rows) {
            Ok(seqs) => seqs.start,
            Err(error) => {
                error!(%error, rows = count, "the journal refuses to write; readings are judged and not acknowledged");
                self.waiting.clear();
                self.journal.give_up(count)
            }
        };
        self.metrics.journal_rows(&rows);
        Commit { now, first, rows }
    }

    /// Makes everything written durable and tells those who wait. They hear nothing where the disk refuses.
    pub fn sync(&mut self) {
        if self.journal.pending_bytes() == 0 {
            return;
        }
        let took = Stopwatch::start();
        match self.journal.sync() {
            Ok(durable) => {
                self.metrics.journal_synced(took.seconds(), durable.get().0);
                self.progress.durable.send_replace(*durable.get());
                for done in self.waiting.drain(..) {
                    // A source that has ended hears nothing; its broker will send again.
                    let _ = done.send(durable.clone());
                }
            }
            Err(error) => {
                self.waiting.clear();
                self.metrics.journal_failed();
                error!(%error, "the journal cannot sync; nothing is acknowledged until it can");
            }
        }
    }

    /// Looks after the journal if that is due.
    pub fn clean_if_due(&mut self, now: Now) {
        if now.steady - self.cleaned >= HOUSEKEEPING {
            self.cleaned = now.steady;
            self.clean();
        }
    }

    /// Drops what nobody needs any more, and what the configured bound does not let us keep.
    pub fn clean(&mut self) {
        let cursors = self.progress.cursors.iter().map(|cursor| cursor.load(Ordering::Acquire));
        let kept = cursors.chain([self.progress.snapshot.load(Ordering::Acquire)]).min().unwrap_or(0);
        let needed = Seq(kept).next();
        let trimmed = self.journal.retain(needed).and_then(|_| self.journal.enforce(needed));
        self.progress.journal_from.store(self.journal.oldest().0, Ordering::Release);
        match trimmed {
            Ok(None) => {}
            Ok(Some(lost)) => {
                error!(seqs = ?lost.seqs, points = ?lost.points, "the journal is full: readings that a store has not taken are dropped");
                self.metrics.journal_dropped(lost.points.values().map(|point| point.readings).sum());
            }
            Err(error) => error!(%error, "the journal cannot be trimmed"),
        }
    }

    /// The journal, to look at.
    pub const fn journal(&self) -> &Journal {
        &self.journal
    }
}
