//! The duty loop's thread: warnings before readings, and nothing here can be held up by a screen, a store or a channel.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::{error, info, warn};
use watchfire_model::command::Refusal;
use watchfire_model::id::Seq;
use watchfire_model::mode::Live;
use watchfire_model::time::Span;

use super::{Couriers, Progress};
use crate::clock::{Clock, Stopwatch};
use crate::duty::{Duty, Round, Said};
use crate::metrics::Metrics;
use crate::views::{Asked, DeskView};

/// Longest sleep when nothing is due.
const IDLE: Span = Span::seconds(1);
/// Things taken together into one ledger transaction.
const PER_ROUND: usize = 1_024;
/// Pause before a ledger that refused is asked again.
const LEDGER_PAUSE: Duration = Duration::from_millis(200);

/// What the thread owns.
pub(crate) struct DutyThread {
    pub(crate) duty: Duty<Live>,
    pub(crate) said: mpsc::Receiver<Said>,
    pub(crate) asked: mpsc::Receiver<Asked>,
    pub(crate) durable: watch::Receiver<Seq>,
    pub(crate) couriers: Couriers,
    pub(crate) view: watch::Sender<Arc<DeskView>>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) clock: Clock,
    pub(crate) metrics: Arc<Metrics>,
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
        let mut said = Vec::with_capacity(PER_ROUND);
        let mut answers = Vec::new();
        let mut asking = true;
        self.publish();
        // What was on its way when the last run ended goes out first.
        self.round(&mut said, &mut answers);
        loop {
            self.progress.turns.fetch_add(1, Ordering::AcqRel);
            match self.wait(&mut said, asking) {
                Woken::Asked(Some(asked)) => {
                    said.push(Said::Command(asked.command));
                    answers.push(asked.answer);
                }
                Woken::Asked(None) => asking = false,
                Woken::Said(0) => break,
                Woken::Said(_) | Woken::Durable | Woken::Due => {}
            }
            self.round(&mut said, &mut answers);
        }
        self.round(&mut said, &mut answers);
    }

    fn wait(&mut self, said: &mut Vec<Said>, asking: bool) -> Woken {
        let now = self.clock.now().steady;
        let due = self.duty.next_deadline().map_or(IDLE, |due| (due - now).min(IDLE)).to_std();
        let waits_for_journal = self.duty.waits_for_journal();
        self.handle.block_on(async {
            tokio::select! {
                biased;
                asked = self.asked.recv(), if asking => Woken::Asked(asked),
                count = self.said.recv_many(said, PER_ROUND) => Woken::Said(count),
                Ok(()) = self.durable.changed(), if waits_for_journal => Woken::Durable,
                () = tokio::time::sleep(due.max(Duration::from_millis(1))) => Woken::Due,
            }
        })
    }

    fn round(&mut self, said: &mut Vec<Said>, answers: &mut Vec<oneshot::Sender<Result<(), Refusal>>>) {
        let mut said = std::mem::take(said);
        loop {
            let took = Stopwatch::start();
            let durable = *self.durable.borrow_and_update();
            match self.duty.round(self.clock.now(), durable, std::mem::take(&mut said)) {
                Ok(round) => {
                    self.settle(round, answers, took);
                    return;
                }
                Err(error) => {
                    error!(%error, "the ledger refuses to write; no notice leaves until it holds what was decided");
                    self.metrics.ledger_refused();
                    self.handle.block_on(async { tokio::time::sleep(LEDGER_PAUSE).await });
                }
            }
        }
    }

    fn settle(&mut self, round: Round<Live>, answers: &mut Vec<oneshot::Sender<Result<(), Refusal>>>, took: Stopwatch) {
        if round.unjournaled > 0 {
            warn!(findings = round.unjournaled, "findings recorded before their readings were on disk");
        }
        self.progress.recorded.fetch_add(round.findings, Ordering::AcqRel);
        for (answer, way_back) in round.answers.into_iter().zip(answers.drain(..)) {
            // The asker may have hung up; the ledger has the act all the same.
            let _ = way_back.send(answer);
        }
        for notice in round.send {
            let (channel, id) = (notice.get().channel.clone(), notice.get().id.clone());
            self.metrics.notice_left(&id);
            info!(notice = %id, warning = %notice.get().bulletin.warning, grade = %notice.get().bulletin.grade, class = ?notice.get().bulletin.class, "notice handed to its courier");
            // There is room: the duty loop keeps at most `IN_FLIGHT` with each courier, and the channel holds as many.
            if self.couriers.get(&channel).is_none_or(|courier| courier.try_send(notice).is_err()) {
                error!(%channel, notice = %id, "no courier takes this notice");
            }
        }
        if round.changed {
            self.metrics.ledger_committed(took.seconds());
            self.publish();
        }
    }

    fn publish(&mut self) {
        let view = self.duty.view(self.clock.now());
        self.metrics.desk(&view);
        self.view.send_replace(Arc::new(view));
    }
}
