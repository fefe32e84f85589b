//! What is counted? Every metric is declared here, once; labels come from closed sets: what the configuration names
//! (source, channel, store), the grades, and our own words for outcomes and reasons. Never a topic, a station or a text
//! from outside.

mod process;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::{
    Counter, Encoder as _, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec,
    IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};
use tokio::time::Instant;
use watchfire_connectors::health::SourceHealth;
use watchfire_model::grade::Grade;
use watchfire_model::id::{ChannelName, NoticeId};
use watchfire_model::quantity::Bad;
use watchfire_model::receipt::{Outcome, Receipt};
use watchfire_model::row::Row;
use watchfire_model::time::Timestamp;
use watchfire_model::warning::Publication;

use crate::views::{DeskView, Views};

/// The content type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// Most notices under way whose time of leaving is remembered; beyond it a delivery is counted and not timed.
const TIMED_NOTICES: usize = 4_096;

/// A disk's time for one sync: 100 µs to 3 s.
const DISK: &[f64] = &[0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0];
/// From handing a notice to its courier to the receiver's last word: 1 ms to an hour.
const DELIVERY: &[f64] = &[0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 60.0, 600.0, 3_600.0];
/// One HTTP answer: 100 µs to 10 s.
const ANSWER: &[f64] = &[0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0];

/// What went through since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Readings taken by the journal.
    pub heard: u64,
    /// Readings taken by the store that was given most of them.
    pub stored: u64,
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
    findings: IntCounter,
    unjournaled: IntCounter,
    // The Desk.
    warnings_live: IntGaugeVec,
    warnings_waiting: IntGauge,
    warnings_unpublished: IntGauge,
    alarms: IntGaugeVec,
    evidence_lost: IntGauge,
    // The stores.
    stored: IntCounterVec,
    store_lag: IntGaugeVec,
    store_up: IntGaugeVec,
    store_troubles: IntCounterVec,
    store_lost: IntCounterVec,
    // The ways out.
    notices: IntCounterVec,
    delivery: HistogramVec,
    leaving: Mutex<HashMap<NoticeId, Instant>>,
    // HTTP.
    requests: IntCounterVec,
    answer: Histogram,
    streams: IntGauge,
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
    /// All at zero.
    pub fn new() -> Self {
        let registry = Registry::new();
        let at = Declare(&registry);
        let build = at.gauge_vec("watchfire_build_info", "Always 1; the labels say which build this is.", &["version"]);
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Self {
            messages: at.counter_vec(
                "watchfire_messages_heard_total",
                "Messages or answers heard from a source.",
                &["source"],
            ),
            readings: at.counter_vec(
                "watchfire_readings_heard_total",
                "Readings that a source offered, bad values included.",
                &["source"],
            ),
            complaints: at.counter_vec(
                "watchfire_complaints_total",
                "Things heard that could not be read or named no known point.",
                &["source"],
            ),
            refused: at.counter_vec(
                "watchfire_messages_refused_total",
                "Messages with nothing acceptable in them.",
                &["source"],
            ),
            oversize: at.counter_vec(
                "watchfire_messages_oversize_total",
                "Messages over the packet limit.",
                &["source"],
            ),
            shed: at.counter_vec(
                "watchfire_readings_shed_total",
                "QoS 0 readings shed because intake was full.",
                &["source"],
            ),
            duplicates: at.counter_vec(
                "watchfire_messages_duplicate_total",
                "Redelivered messages dropped as already journaled.",
                &["source"],
            ),
            disconnects: at.counter_vec(
                "watchfire_source_disconnects_total",
                "Times a source lost its connection.",
                &["source"],
            ),
            connected: at.gauge_vec("watchfire_source_connected", "Whether a source is connected.", &["source"]),
            last_heard: at.float_gauge_vec(
                "watchfire_source_last_heard_timestamp_seconds",
                "When a source was last heard, 0 if never.",
                &["source"],
            ),
            bad_values: at.counter_vec(
                "watchfire_bad_values_total",
                "Readings of known points that carried no usable number.",
                &["reason"],
            ),
            journaled: at.counter("watchfire_readings_journaled_total", "Readings appended to the journal."),
            journal_sync: at.histogram(
                "watchfire_journal_sync_seconds",
                "Time of one journal sync; its count is the number of commits.",
                DISK,
            ),
            journal_durable: at
                .gauge("watchfire_journal_durable_seq", "Sequence number of the last row known to be on disk."),
            journal_dropped: at.counter(
                "watchfire_journal_readings_dropped_total",
                "Readings dropped from a full journal before every store had them.",
            ),
            journal_failures: at
                .counter("watchfire_journal_failures_total", "Appends or syncs that the journal's disk refused."),
            ledger_commit: at.histogram(
                "watchfire_ledger_commit_seconds",
                "Time from an input to its durable ledger record; its count is the number of commits.",
                DISK,
            ),
            ledger_refusals: at
                .counter("watchfire_ledger_refusals_total", "Attempts to write that the ledger's disk refused."),
            judged: at.counter("watchfire_readings_judged_total", "Readings judged by the rules."),
            judging: at.histogram("watchfire_judging_seconds", "Time to judge one commit.", DISK),
            judging_lag: at.gauge("watchfire_judging_lag_rows", "Rows appended to the journal and not judged yet."),
            findings: at.counter("watchfire_findings_total", "Changes of a judged grade or of evidence."),
            unjournaled: at.counter(
                "watchfire_findings_unjournaled_total",
                "Findings recorded before their reading was on disk, because the journal failed or lagged.",
            ),
            warnings_live: at.gauge_vec(
                "watchfire_warnings_live",
                "Warnings not ended, by the grade they stand at.",
                &["grade"],
            ),
            warnings_waiting: at
                .gauge("watchfire_warnings_waiting", "Live warnings with an act that waits for a signature."),
            warnings_unpublished: at
                .gauge("watchfire_warnings_unpublished", "Live warnings of which the public knows nothing."),
            alarms: at.gauge_vec("watchfire_alarms_standing", "Alarms by standing grade.", &["grade"]),
            evidence_lost: at.gauge(
                "watchfire_alarms_evidence_lost",
                "Alarms whose grade is held or unwatched because evidence is lost.",
            ),
            stored: at.counter_vec("watchfire_readings_stored_total", "Readings taken by a store.", &["store"]),
            store_lag: at.gauge_vec(
                "watchfire_store_lag_rows",
                "Journal rows that a store has not taken yet.",
                &["store"],
            ),
            store_up: at.gauge_vec("watchfire_store_up", "Whether a store took the last write.", &["store"]),
            store_troubles: at.counter_vec(
                "watchfire_store_troubles_total",
                "Attempts to write that a store did not take.",
                &["store", "reason"],
            ),
            store_lost: at.counter_vec(
                "watchfire_store_rows_lost_total",
                "Rows gone from the journal before a store had them.",
                &["store"],
            ),
            notices: at.counter_vec(
                "watchfire_notices_total",
                "Receipts for notices by channel and outcome.",
                &["channel", "outcome"],
            ),
            delivery: at.histogram_vec(
                "watchfire_delivery_seconds",
                "From handing a notice to its courier to the receiver's last word.",
                &["channel"],
                DELIVERY,
            ),
            leaving: Mutex::new(HashMap::new()),
            requests: at.counter_vec(
                "watchfire_http_requests_total",
                "HTTP requests answered, by class of status.",
                &["class"],
            ),
            answer: at.histogram(
                "watchfire_http_answer_seconds",
                "Time to answer one HTTP request, streams excepted.",
                ANSWER,
            ),
            streams: at.gauge("watchfire_http_streams_open", "Event streams open now."),
            reloaded: at.gauge(
                "watchfire_config_last_reload_successful",
                "Whether the last attempt to load the configuration went well.",
            ),
            reloaded_at: at.float_gauge(
                "watchfire_config_last_reload_success_timestamp_seconds",
                "When a configuration was last taken into use.",
            ),
            process: process::Process::declare(&at),
            behind: AtomicI64::new(0),
            registry,
        }
    }

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

    /// The ledger took a round, so many seconds after it began.
    pub fn ledger_committed(&self, seconds: f64) {
        self.ledger_commit.observe(seconds);
    }

    /// The ledger's disk refused.
    pub fn ledger_refused(&self) {
        self.ledger_refusals.inc();
    }

    /// The Desk published a view.
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
        self.warnings_waiting.set(count(live().filter(|warning| warning.waiting.is_some()).count()));
        let unpublished = live().filter(|warning| warning.publication == Publication::None).count();
        self.warnings_unpublished.set(count(unpublished));
        self.evidence_lost.set(count(view.alarms.iter().filter(|alarm| alarm.evidence.is_lost()).count()));
        self.unjournaled.inc_by(view.unjournaled.saturating_sub(self.unjournaled.get()));
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

    /// An event stream was opened; it counts as open until the guard is dropped.
    pub fn stream_opened(self: &Arc<Self>) -> OpenStream {
        self.streams.inc();
        OpenStream(Arc::clone(self))
    }

    /// What went through since the start.
    pub fn counts(&self) -> Counts {
        Counts {
            heard: self.journaled.get(),
            stored: self.stores().iter().map(|store| store.stored).max().unwrap_or(0),
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

/// Makes metrics and registers them. Names, helps and buckets are literals of this module, so that a mistake in one
/// shows at the first start of any test.
pub(crate) struct Declare<'a>(&'a Registry);

const LITERAL: &str = "the name is a literal, valid and declared once";

macro_rules! declare {
    ($($method:ident => $kind:ty;)*) => {$(
        pub(crate) fn $method(&self, name: &str, help: &str) -> $kind {
            self.keep(<$kind>::with_opts(Opts::new(name, help)).expect(LITERAL))
        }
    )*};
}
macro_rules! declare_vec {
    ($($method:ident => $kind:ty;)*) => {$(
        fn $method(&self, name: &str, help: &str, labels: &[&str]) -> $kind {
            self.keep(<$kind>::new(Opts::new(name, help), labels).expect(LITERAL))
        }
    )*};
}

impl Declare<'_> {
    declare! { counter => IntCounter; float_counter => Counter; gauge => IntGauge; float_gauge => Gauge; }
    declare_vec! { counter_vec => IntCounterVec; gauge_vec => IntGaugeVec; float_gauge_vec => GaugeVec; }

    fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Histogram {
        self.keep(Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())).expect(LITERAL))
    }
    fn histogram_vec(&self, name: &str, help: &str, labels: &[&str], buckets: &[f64]) -> HistogramVec {
        self.keep(HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), labels).expect(LITERAL))
    }
    fn keep<C: prometheus::core::Collector + Clone + 'static>(&self, metric: C) -> C {
        self.0.register(Box::new(metric.clone())).expect(LITERAL);
        metric
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
