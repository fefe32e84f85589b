//! The duty loop's turns: what was said goes through the Desk into the ledger, and only then to the couriers and to those
//! who asked. Nothing here can be held up by a screen, a store or a channel.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tracing::{error, info, warn};
use watchfire_connectors::intake::Offer;
use watchfire_model::bulletin::{MessageClass, Notice};
use watchfire_model::command::Refusal;
use watchfire_model::durable::Durable;
use watchfire_model::id::{ChannelName, CommandId, WarningId};
use watchfire_model::mode::Live;
use watchfire_model::row::Row;
use watchfire_model::site::Audience;
use watchfire_model::time::{Now, Span, Steady};
use watchfire_model::upkeep::Upkeep;
use watchfire_model::warning::Publication;
use watchfire_rules::figures::{Fact, Load};

use super::Progress;
use crate::clock::Stopwatch;
use crate::duty::{Duty, Round, Said};
use crate::evidence::keeper::Lost;
use crate::metrics::Metrics;
use crate::views::{Asked, DeskView, Wish};

/// Longest sleep when nothing is due.
const IDLE: Span = Span::seconds(1);
/// Things that are taken together.
pub const PER_ROUND: usize = 32_768;
/// After an act the view is published at once, else the more seldom the more stands: at once with a few hundred alarms,
/// fifty times a second with ten thousand, five times with a hundred thousand. It is shown to people.
const VIEW_ITEMS_A_MS: usize = 500;
/// Pause before a ledger that refused is asked again.
pub const LEDGER_PAUSE: Duration = Duration::from_millis(200);

/// The way to each courier, by its channel's name.
pub type Couriers = BTreeMap<ChannelName, mpsc::Sender<Durable<Notice<Live>>>>;

/// The Desk with those it speaks to.
pub struct DutyTurns {
    duty: Duty<Live>,
    couriers: Couriers,
    /// The way into the journal, which it does not keep open.
    journal: Option<mpsc::WeakSender<Offer>>,
    /// The way to who keeps evidence, and the last word to the public that was told there.
    evidence: Option<mpsc::Sender<WarningId>>,
    told: Option<(WarningId, u64)>,
    /// Works on sensors that were offered to it in this run.
    offered: BTreeSet<CommandId>,
    view: watch::Sender<Arc<DeskView>>,
    /// When the view may be published again.
    publish_at: Steady,
    /// Whether the Desk has changed since it was.
    unseen: bool,
    /// When it is to be published anyhow.
    look_at: Option<Steady>,
    progress: Arc<Progress>,
    metrics: Arc<Metrics>,
    /// How often those on duty are called.
    load: Load,
    said: Vec<Said>,
    /// Those who asked, in the order of their commands.
    asked: Vec<oneshot::Sender<Result<(), Refusal>>>,
}

impl DutyTurns {
    /// Goes on with the Desk as the ledger had it, and publishes it.
    pub fn new(
        duty: Duty<Live>,
        couriers: Couriers,
        view: watch::Sender<Arc<DeskView>>,
        progress: Arc<Progress>,
        metrics: Arc<Metrics>,
        now: Now,
    ) -> Self {
        let (said, asked) = (Vec::new(), Vec::new());
        let publish_at = now.steady;
        let mut turns = Self {
            duty,
            couriers,
            journal: None,
            evidence: None,
            told: None,
            offered: BTreeSet::new(),
            view,
            publish_at,
            unseen: true,
            look_at: None,
            progress,
            metrics,
            load: Load::default(),
            said,
            asked,
        };
        turns.publish(now);
        turns
    }

    /// The same with a way into the journal, for what people do to sensors.
    #[must_use]
    pub fn writing_to(self, journal: mpsc::WeakSender<Offer>) -> Self {
        Self { journal: Some(journal), ..self }
    }

    /// The same with who keeps the evidence of what the public is told, beginning with what it is told now.
    #[must_use]
    pub fn keeping(mut self, evidence: mpsc::Sender<WarningId>) -> Self {
        self.evidence = Some(evidence);
        let view = Arc::clone(&self.view.borrow());
        let is_public = |publication: &Publication| matches!(publication, Publication::Released { .. });
        let public = view.warnings.iter().filter(|warning| is_public(&warning.publication));
        let mut left = public.map(|warning| warning.id.clone());
        // Of most it is kept already. As many as there is room for are looked at.
        let _ = left.try_for_each(|warning| self.evidence.as_ref().map_or(Ok(()), |it| it.try_send(warning)));
        self
    }

    /// Has the evidence of a warning kept. Full: it is not, which is counted; nothing waits for it.
    fn keep_evidence(&self, warning: &WarningId) {
        let Some(evidence) = &self.evidence else { return };
        if evidence.try_send(warning.clone()).is_err() {
            self.metrics.evidence_lost_of(Lost::Busy, 1);
            warn!(%warning, "too much evidence to be kept at once; `watchfire why {warning} --keep` keeps this one");
        }
    }

    /// How long nothing need be done although nobody says anything.
    pub fn patience(&self, now: Now) -> Duration {
        let due = self.next_deadline().map_or(IDLE, |due| (due - now.steady).min(IDLE));
        due.to_std().max(Duration::from_millis(1))
    }

    /// When a turn is next due although nobody says anything.
    pub fn next_deadline(&self) -> Option<Steady> {
        let view = self.unseen.then_some(self.publish_at);
        let again = self.look_at.map(|at| at.max(self.publish_at));
        [self.duty.next_deadline(), view, again].into_iter().flatten().min()
    }

    /// Whether a finding waits for the journal.
    pub fn waits_for_journal(&self) -> bool {
        self.duty.waits_for_journal()
    }

    /// Whether more could be heard at once.
    pub const fn has_more(&self) -> bool {
        self.duty.has_more()
    }

    /// Whether more may be said.
    pub fn has_room(&self) -> bool {
        self.duty.has_room()
    }

    /// What is said until the next turn.
    pub const fn said(&mut self) -> &mut Vec<Said> {
        &mut self.said
    }

    /// Somebody asks for an act; answered after the next turn.
    pub fn ask(&mut self, asked: Asked) {
        self.said.push(match asked.wish {
            Wish::Command(command) => Said::Command(command),
            Wish::Deed(deed) => Said::Deed(deed),
        });
        self.asked.push(asked.answer);
    }

    /// Takes what was said and what is due. False while the ledger refuses: nothing has left, and the turn is to be tried
    /// again after [`LEDGER_PAUSE`], with nothing new said until it succeeds.
    pub fn turn(&mut self, now: Now) -> bool {
        let took = Stopwatch::start();
        let durable = *self.progress.durable.borrow();
        match self.duty.round(now, durable, std::mem::take(&mut self.said)) {
            Ok(round) => {
                self.settle(now, round, took);
                true
            }
            Err(error) => {
                error!(%error, "the ledger refuses to write; no notice leaves until it holds what was decided");
                self.metrics.ledger_refused();
                false
            }
        }
    }

    fn settle(&mut self, now: Now, round: Round<Live>, took: Stopwatch) {
        if round.unjournaled > 0 {
            self.metrics.unjournaled(round.unjournaled);
            warn!(findings = round.unjournaled, "findings recorded before their readings were on disk");
        }
        for fact in &round.facts {
            if matches!(fact, Fact::Annunciated { .. } | Fact::Troubled { .. }) {
                self.load.call(now.wall);
            }
        }
        self.load.advance(now.wall);
        self.metrics.facts(&round.facts);
        self.metrics.load(&self.load);
        self.progress.recorded.fetch_add(round.findings, Ordering::AcqRel);
        for notice in round.send {
            let (channel, id) = (notice.get().channel.clone(), notice.get().id.clone());
            self.metrics.notice_left(&id);
            info!(notice = %id, warning = %notice.get().bulletin.warning, grade = %notice.get().bulletin.grade, class = ?notice.get().bulletin.class, "notice handed to its courier");
            let bulletin = &notice.get().bulletin;
            let rises = matches!(bulletin.class, MessageClass::Issue | MessageClass::Upgrade);
            let spoken = (bulletin.warning.clone(), bulletin.version);
            let is_news = rises && bulletin.audience == Audience::Public && self.told.as_ref() != Some(&spoken);
            // There is room: the duty loop keeps at most `IN_FLIGHT` with each courier, and the channel holds as many.
            if self.couriers.get(&channel).is_none_or(|courier| courier.try_send(notice).is_err()) {
                error!(%channel, notice = %id, "no courier takes this notice");
            }
            if is_news {
                self.keep_evidence(&spoken.0);
                self.told = Some(spoken);
            }
        }
        self.offer(&round.upkeeps);
        if round.changed {
            self.metrics.ledger_committed(took.seconds());
            self.unseen = true;
        }
        self.unseen |= self.look_at.is_some_and(|at| at <= now.steady);
        // Whoever asked finds what they did when they look.
        if self.unseen && (!round.answers.is_empty() || self.publish_at <= now.steady) {
            self.publish(now);
        }
        for (answer, way_back) in round.answers.into_iter().zip(self.asked.drain(..)) {
            // The asker may have hung up; the ledger has the act all the same.
            let _ = way_back.send(answer);
        }
    }

    /// Offers the journal what was granted, each once in a run and in order. Full: it is offered with the next turn. An
    /// offer that is lost with a crash is made again by the next run, since nobody has said that it is done.
    fn offer(&mut self, upkeeps: &[Upkeep]) {
        if upkeeps.is_empty() {
            return self.offered.clear();
        }
        let Some(journal) = self.journal.as_ref().and_then(mpsc::WeakSender::upgrade) else { return };
        for upkeep in upkeeps {
            if self.offered.contains(&upkeep.command) {
                continue;
            }
            let rows = vec![Row::Upkeep(Box::new(upkeep.clone()))];
            if journal.try_send(Offer { rows, done: None }).is_err() {
                warn!(sensor = %upkeep.sensor, "the journal has no room for a work on a sensor; it is offered again");
                return;
            }
            self.offered.insert(upkeep.command.clone());
        }
    }

    fn publish(&mut self, now: Now) {
        let view = self.duty.view(now);
        let pause = (view.alarms.len() + view.warnings.len() + view.watches.len()) / VIEW_ITEMS_A_MS;
        let may = now.steady + Span(i64::try_from(pause).unwrap_or(i64::MAX));
        let again = self.duty.look_again_at(now);
        (self.unseen, self.publish_at, self.look_at) = (false, may, again);
        self.view.send_replace(Arc::new(view));
    }

    /// The Desk and its ledger, to look at.
    pub const fn duty(&self) -> &Duty<Live> {
        &self.duty
    }
}
