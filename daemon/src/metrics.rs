//! What is counted? Each metric is declared once, in `declared.rs`; here is what the rest of the daemon tells them. Labels
//! come from closed sets: what the configuration names (source, channel, store), the grades, and our own words for
//! outcomes and reasons. Never a topic, a station or a text from outside.

mod declared;
pub mod door;
mod operators;
mod process;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::{
    Encoder as _, Gauge, GaugeVec, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry,
    TextEncoder,
};
use tokio::time::Instant;
use watchfire_connectors::health::SourceHealth;
use watchfire_model::grade::Grade;
use watchfire_model::id::{AreaId, ChannelName, NoticeId, Seq};
use watchfire_model::incident::About;
use watchfire_model::quantity::Bad;
use watchfire_model::receipt::{Outcome, Receipt};
use watchfire_model::row::Row;
use watchfire_model::suppression::Kind;
use watchfire_model::time::{Span, Timestamp};
use watchfire_model::warning::Publication;
use watchfire_model::watch::Watching;
use watchfire_rules::figures::{Fact, Load};

use crate::evidence::keeper::Lost;
use crate::storage::series::{Progress, SeriesStore, Trouble};
use crate::views::{DeskView, Views};
use crate::vigil::costs::Costs;
use door::{Shut, SignIn};

/// The content type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// Most notices under way whose time of leaving is remembered; beyond it a delivery is counted and not timed.
const TIMED_NOTICES: usize = 4_096;

/// What went through since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Readings taken by the journal.
    pub heard: u64,
    /// Readings taken by the store that has taken most of them …
    pub stored: u64,
    /// … and journal rows that this store has not taken, or can't take any more.
    pub unstored: u64,
    /// Readings judged.
    pub judged: u64,
}

/// What a store last said of itself.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct StoreState {
    /// Its name.
    pub name: String,
    /// Whether the last attempt to write went well.
    pub up: bool,
    /// Journal rows it has not taken yet.
    pub lag_rows: i64,
    /// Readings it has taken since the start.
    pub stored: u64,
    /// Rows the journal had to drop before the store could take them.
    pub lost_rows: u64,
}

/// Every metric of the daemon. Recording is a few atomic additions; nothing here waits.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    // The field.
    messages: IntCounterVec,
    readings: IntCounterVec,
    complaints: IntCounterVec,
    refused: IntCounterVec,
    oversize: IntCounterVec,
    shed: IntCounterVec,
    duplicates: IntCounterVec,
    disconnects: IntCounterVec,
    connected: IntGaugeVec,
    last_heard: GaugeVec,
    bad_values: IntCounterVec,
    // The logs.
    journaled: IntCounter,
    journal_sync: Histogram,
    journal_durable: IntGauge,
    journal_dropped: IntCounter,
    journal_failures: IntCounter,
    ledger_commit: Histogram,
    ledger_refusals: IntCounter,
    // The machines.
    judged: IntCounter,
    judging: Histogram,
    judging_lag: IntGauge,
    judged_after: Gauge,
    rule_slowest: Gauge,
    rules_over_budget: IntCounter,
    findings: IntCounter,
    missed: IntCounter,
    unjournaled: IntCounter,
    // The Desk.
    warnings_live: IntGaugeVec,
    clock_unset: IntGauge,
    warnings_waiting: IntGauge,
    warnings_unpublished: IntGauge,
    alarms: IntGaugeVec,
    evidence_lost: IntGauge,
    suppressed: IntGaugeVec,
    operators: operators::Operators,
    incidents: IntGaugeVec,
    unwatched: IntGauge,
    // The stores.
    stored: IntCounterVec,
    store_lag: IntGaugeVec,
    store_up: IntGaugeVec,
    store_troubles: IntCounterVec,
    store_lost: IntCounterVec,
    // What is kept of why.
    evidence: IntCounter,
    evidence_lost_of: IntCounterVec,
    // The ways out.
    notices: IntCounterVec,
    delivery: HistogramVec,
    leaving: Mutex<HashMap<NoticeId, Instant>>,
    // HTTP.
    requests: IntCounterVec,
    answer: Histogram,
    streams: IntGauge,
    shut: IntCounterVec,
    sign_ins: IntCounterVec,
    // The daemon.
    reloaded: IntGauge,
    reloaded_at: Gauge,
    process: process::Process,
    /// Rows appended and not judged yet; rows judged again after a restart never make it negative.
    behind: AtomicI64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Makes every series of what the configuration names, so that each is there at zero before anything happens.
    pub fn declare(&self, views: &Views) {
        for channel in &views.site.channels {
            for outcome in ["delivered", "failing", "refused"] {
                self.notices.with_label_values(&[channel.name.as_str(), outcome]);
            }
            self.delivery.with_label_values(&[channel.name.as_str()]);
        }
        for bad in Bad::ALL {
            self.bad_values.with_label_values(&[bad.word()]);
        }
        for class in ["2xx", "3xx", "4xx", "5xx"] {
            self.requests.with_label_values(&[class]);
        }
        Lost::ALL.iter().for_each(|lost| drop(self.evidence_lost_of.with_label_values(&[lost.word()])));
        Shut::ALL.iter().for_each(|why| drop(self.shut.with_label_values(&[why.word()])));
        SignIn::ALL.iter().for_each(|outcome| drop(self.sign_ins.with_label_values(&[outcome.word()])));
        self.desk(&views.desk.borrow());
        self.sources(&views.sources);
    }

    /// Rows were appended to the journal.
    pub fn journal_rows(&self, rows: &[Row]) {
        self.journaled.inc_by(wide(rows.iter().filter(|row| matches!(row, Row::Reading(_))).count()));
        let more = signed(wide(rows.len()));
        self.judging_lag.set(self.behind.fetch_add(more, Ordering::Relaxed).saturating_add(more));
    }

    /// The journal synced, in so many seconds, up to `durable`.
    pub fn journal_synced(&self, seconds: f64, durable: u64) {
        self.journal_sync.observe(seconds);
        self.journal_durable.set(signed(durable));
    }

    /// The journal's disk refused an append or a sync.
    pub fn journal_failed(&self) {
        self.journal_failures.inc();
    }

    /// Readings fell off a full journal before every store had them.
    pub fn journal_dropped(&self, readings: u64) {
        self.journal_dropped.inc_by(readings);
    }

    /// A reading too old to act on would have crossed a threshold that nobody knew to be crossed.
    pub fn crossing_missed(&self) {
        self.missed.inc();
    }

    /// A commit was judged, in so many seconds, and brought so many findings.
    pub fn judged(&self, rows: &[Row], findings: usize, seconds: f64) {
        let mut readings = 0_u64;
        for row in rows {
            if let Row::Reading(reading) = row {
                readings += 1;
                if let Err(bad) = reading.value {
                    self.bad_values.with_label_values(&[bad.word()]).inc();
                }
            }
        }
        self.judged.inc_by(readings);
        self.findings.inc_by(wide(findings));
        self.judging.observe(seconds);
        let judged = signed(wide(rows.len()));
        let left = self
            .behind
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |behind| Some((behind - judged).max(0)))
            .map_or(0, |behind| (behind - judged).max(0));
        self.judging_lag.set(left);
    }

    /// The oldest reading of a commit was judged so long after it had come in.
    pub fn judged_after(&self, lag: Span) {
        self.judged_after.set(seconds(lag.0));
    }

    /// What the rules cost, for the next [`render`](Self::render).
    pub fn costs(&self, costs: &Costs) {
        let slowest = costs.all().1.iter().map(|cost| cost.worst).max().unwrap_or_default();
        self.rule_slowest.set(slowest.as_secs_f64());
        self.rules_over_budget.inc_by(costs.over_budget().saturating_sub(self.rules_over_budget.get()));
    }

    /// The ledger took a round, so many seconds after it began.
    pub fn ledger_committed(&self, seconds: f64) {
        self.ledger_commit.observe(seconds);
    }

    /// What the ledger has just recorded, as far as it counts for those on duty.
    pub fn facts(&self, facts: &[Fact]) {
        facts.iter().for_each(|fact| self.operators.count(fact));
    }

    /// How often those on duty are called.
    pub fn load(&self, load: &Load) {
        self.operators.load(load);
    }

    /// Findings were recorded before their readings were on disk.
    pub fn unjournaled(&self, findings: u64) {
        self.unjournaled.inc_by(findings);
    }

    /// The evidence of a warning was kept.
    pub fn evidence_kept(&self) {
        self.evidence.inc();
    }

    /// That of so many was not.
    pub fn evidence_lost_of(&self, lost: Lost, warnings: usize) {
        self.evidence_lost_of.with_label_values(&[lost.word()]).inc_by(wide(warnings));
    }

    /// The ledger's disk refused.
    pub fn ledger_refused(&self) {
        self.ledger_refusals.inc();
    }

    /// The Desk as it was last published, for the next [`render`](Self::render).
    pub fn desk(&self, view: &DeskView) {
        let live = || view.warnings.iter().filter(|warning| !matches!(warning.publication, Publication::Ended { .. }));
        let count = |n: usize| signed(wide(n));
        for grade in std::iter::once(None).chain(Grade::ALL.map(Some)) {
            let word = watchfire_model::grade::word(grade);
            let warnings = live().filter(|warning| warning.grade == grade).count();
            self.warnings_live.with_label_values(&[word]).set(count(warnings));
            if grade.is_some() {
                let alarms = view.alarms.iter().filter(|alarm| alarm.standing() == grade).count();
                self.alarms.with_label_values(&[word]).set(count(alarms));
            }
        }
        self.clock_unset.set(i64::from(!crate::clock::is_set(view.now.wall)));
        self.warnings_waiting.set(count(live().filter(|warning| warning.waiting.is_some()).count()));
        let unpublished = live().filter(|warning| warning.publication == Publication::None).count();
        self.warnings_unpublished.set(count(unpublished));
        for kind in Kind::ALL {
            let alarms = view.alarms.iter().filter(|alarm| alarm.suppression(kind).is_some()).count();
            self.suppressed.with_label_values(&[kind.word()]).set(count(alarms));
        }
        self.operators.alarms(view.now.wall, view.alarms.iter().map(|alarm| &**alarm));
        self.evidence_lost.set(count(view.alarms.iter().filter(|alarm| alarm.evidence.is_lost()).count()));
        for kind in About::KINDS {
            let open = view.incidents.iter().filter(|it| it.is_open() && it.about.kind() == kind);
            self.incidents.with_label_values(&[kind]).set(count(open.count()));
        }
        let unwatched = view.watches.iter().filter(|watch| watch.stands == Watching::Unwatched);
        let areas: BTreeSet<&AreaId> = unwatched.map(|watch| &watch.area).collect();
        self.unwatched.set(count(areas.len()));
    }

    /// A store took a step, with the journal on disk up to `durable`.
    pub fn series(&self, store: &dyn SeriesStore, durable: Seq, progress: &Progress) {
        let name = store.name();
        self.store_lag(name, durable.0.saturating_sub(store.cursor().0));
        match progress {
            Progress::Idle => self.stored(name, 0),
            Progress::Wrote { readings, .. } => self.stored(name, *readings),
            Progress::Lost(gap) => self.store_lost(name, gap.seqs.end.0.saturating_sub(gap.seqs.start.0)),
            Progress::Trouble { trouble: Trouble::Outage, .. } => self.store_trouble(name, "outage"),
            Progress::Trouble { trouble: Trouble::Refused, .. } => self.store_trouble(name, "refused"),
        }
    }

    /// A store took readings.
    pub fn stored(&self, store: &str, readings: u64) {
        self.stored.with_label_values(&[store]).inc_by(readings);
        self.store_up.with_label_values(&[store]).set(1);
    }

    /// How many journal rows a store has not taken yet.
    pub fn store_lag(&self, store: &str, rows: u64) {
        self.store_lag.with_label_values(&[store]).set(signed(rows));
    }

    /// A store did not take a write; `reason` is one of our own words.
    pub fn store_trouble(&self, store: &str, reason: &'static str) {
        self.store_troubles.with_label_values(&[store, reason]).inc();
        self.store_up.with_label_values(&[store]).set(0);
    }

    /// Rows were gone from the journal before a store had them.
    pub fn store_lost(&self, store: &str, rows: u64) {
        self.store_lost.with_label_values(&[store]).inc_by(rows);
    }

    /// A notice was handed to its courier.
    pub fn notice_left(&self, notice: &NoticeId) {
        let mut leaving = self.leaving.lock().unwrap_or_else(PoisonError::into_inner);
        if leaving.len() < TIMED_NOTICES {
            leaving.entry(notice.clone()).or_insert_with(Instant::now);
        }
    }

    /// A courier told what came of a notice.
    pub fn receipt(&self, channel: &ChannelName, receipt: &Receipt) {
        let outcome = match receipt.outcome {
            Outcome::Delivered { .. } => "delivered",
            Outcome::Failing { .. } => "failing",
            Outcome::Refused { .. } => "refused",
        };
        self.notices.with_label_values(&[channel.as_str(), outcome]).inc();
        if receipt.outcome.is_final() {
            let left = self.leaving.lock().unwrap_or_else(PoisonError::into_inner).remove(&receipt.notice);
            if let Some(left) = left {
                self.delivery.with_label_values(&[channel.as_str()]).observe(left.elapsed().as_secs_f64());
            }
        }
    }

    /// A configuration was loaded, or refused.
    pub fn reloaded(&self, well: bool, at: Timestamp) {
        self.reloaded.set(i64::from(well));
        if well {
            self.reloaded_at.set(seconds(at.0));
        }
    }

    /// An HTTP request was answered.
    pub fn answered(&self, status: u16, seconds: f64) {
        let class = match status {
            100..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        };
        self.requests.with_label_values(&[class]).inc();
        self.answer.observe(seconds);
    }

    /// Somebody was not let through.
    pub fn shut(&self, why: Shut) {
        self.shut.with_label_values(&[why.word()]).inc();
    }

    /// Somebody tried to sign in.
    pub fn sign_in(&self, outcome: SignIn) {
        self.sign_ins.with_label_values(&[outcome.word()]).inc();
    }

    /// An event stream was opened; it counts as open until the guard is dropped.
    pub fn stream_opened(self: &Arc<Self>) -> OpenStream {
        self.streams.inc();
        OpenStream(Arc::clone(self))
    }

    /// What went through since the start.
    pub fn counts(&self) -> Counts {
        let most = self.stores().into_iter().max_by_key(|store| store.stored);
        Counts {
            heard: self.journaled.get(),
            stored: most.as_ref().map_or(0, |store| store.stored),
            unstored: most.map_or(0, |store| u64::try_from(store.lag_rows).unwrap_or(0) + store.lost_rows),
            judged: self.judged.get(),
        }
    }

    /// What each store last said of itself, by name.
    pub fn stores(&self) -> Vec<StoreState> {
        use prometheus::core::Collector as _;
        let mut names: Vec<String> = self
            .store_up
            .collect()
            .iter()
            .flat_map(|family| family.get_metric())
            .flat_map(|metric| metric.get_label().iter().map(|label| label.value().to_owned()))
            .collect();
        names.sort();
        names
            .into_iter()
            .map(|name| StoreState {
                up: self.store_up.with_label_values(&[&name]).get() == 1,
                lag_rows: self.store_lag.with_label_values(&[&name]).get(),
                stored: self.stored.with_label_values(&[&name]).get(),
                lost_rows: self.store_lost.with_label_values(&[&name]).get(),
                name,
            })
            .collect()
    }

    /// Everything in Prometheus' text format. Reads the sources' own counters and /proc first.
    pub fn render(&self, sources: &[Arc<SourceHealth>]) -> String {
        self.sources(sources);
        self.process.look();
        let mut text = Vec::with_capacity(16 * 1_024);
        match TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            Ok(()) => String::from_utf8(text).unwrap_or_default(),
            Err(error) => {
                tracing::error!(%error, "the metrics cannot be written as text");
                String::new()
            }
        }
    }

    fn sources(&self, sources: &[Arc<SourceHealth>]) {
        for source in sources {
            let name = [source.name.as_str()];
            for (counter, count) in [
                (&self.messages, &source.messages),
                (&self.readings, &source.readings),
                (&self.complaints, &source.complaints),
                (&self.refused, &source.refused),
                (&self.oversize, &source.oversize),
                (&self.shed, &source.shed),
                (&self.duplicates, &source.duplicates),
                (&self.disconnects, &source.disconnects),
            ] {
                let counter = counter.with_label_values(&name);
                counter.inc_by(count.load(Ordering::Relaxed).saturating_sub(counter.get()));
            }
            self.connected.with_label_values(&name).set(i64::from(source.connected.load(Ordering::Relaxed)));
            self.last_heard.with_label_values(&name).set(seconds(source.last_heard.load(Ordering::Relaxed)));
        }
    }
}

/// An event stream that is open.
#[derive(Debug)]
pub struct OpenStream(Arc<Metrics>);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.streams.dec();
    }
}

fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a millennium fit a double exactly")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1_000.0
}

#[cfg(test)]
mod tests;
