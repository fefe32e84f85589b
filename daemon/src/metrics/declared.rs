//! Which metrics are there? Their names, helps, labels and buckets: the whole list, in the order of the data's way.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicI64;

use prometheus::{
    Counter, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry,
};

use super::{Metrics, process};

/// A disk's time for one sync: 100 µs to 3 s.
const DISK: &[f64] = &[0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0];
/// From handing a notice to its courier to the receiver's last word: 1 ms to an hour.
const DELIVERY: &[f64] = &[0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 60.0, 600.0, 3_600.0];
/// One HTTP answer: 100 µs to 10 s.
const ANSWER: &[f64] = &[0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0];

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
            judged_after: at.float_gauge(
                "watchfire_judging_lag_seconds",
                "From the intake of the oldest reading of the last commit to the end of its judgement.",
            ),
            rule_slowest: at.float_gauge(
                "watchfire_rule_slowest_seconds",
                "The longest evaluation whose time was taken, of any rule in force; /api/v1/rules says of which.",
            ),
            rules_over_budget: at.counter(
                "watchfire_rules_over_budget_total",
                "Evaluations of a rule whose time was taken and that took more than 50 ms.",
            ),
            findings: at.counter("watchfire_findings_total", "Changes of a judged grade or of evidence."),
            missed: at.counter(
                "watchfire_crossings_missed_total",
                "Thresholds that a reading too old to act on would have crossed.",
            ),
            unjournaled: at.counter(
                "watchfire_findings_unjournaled_total",
                "Findings recorded before their reading was on disk, because the journal failed or lagged.",
            ),
            warnings_live: at.gauge_vec(
                "watchfire_warnings_live",
                "Warnings not ended, by the grade they stand at.",
                &["grade"],
            ),
            clock_unset: at.gauge(
                "watchfire_clock_unset",
                "1 while our wall clock was never set: stamps are wrong, deadlines are not.",
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
            suppressed: at.gauge_vec(
                "watchfire_alarms_suppressed",
                "Alarms that are not announced, by what keeps them quiet; one may be kept quiet by several.",
                &["by"],
            ),
            operators: super::operators::Operators::declare(&at),
            incidents: at.gauge_vec(
                "watchfire_incidents_open",
                "Troubles that many sensors share, and unwatched places, by what they are about.",
                &["about"],
            ),
            unwatched: at.gauge(
                "watchfire_areas_unwatched",
                "Areas where too few sensors look out for some hazard, or no rule does.",
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
            evidence: at.counter(
                "watchfire_evidence_kept_total",
                "Rises that the public was told of whose evidence was kept beside the ledger.",
            ),
            evidence_lost_of: at.counter_vec(
                "watchfire_evidence_lost_total",
                "Rises that the public was told of whose evidence was not kept, by why.",
                &["reason"],
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
            shut: at.counter_vec(
                "watchfire_http_denied_total",
                "HTTP requests not let through, by why: nobody known, nobody at the console, no page of ours, role, scope.",
                &["why"],
            ),
            sign_ins: at.counter_vec(
                "watchfire_sign_ins_total",
                "Tries to sign in, by how they ended.",
                &["outcome"],
            ),
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
}

/// Makes metrics and registers them. Names, helps and buckets are literals of this module, so that a mistake in one
/// shows at the first start of any test.
pub(super) struct Declare<'a>(&'a Registry);

const LITERAL: &str = "the name is a literal, valid and declared once";

macro_rules! declare {
    ($($method:ident => $kind:ty;)*) => {$(
        pub(super) fn $method(&self, name: &str, help: &str) -> $kind {
            self.keep(<$kind>::with_opts(Opts::new(name, help)).expect(LITERAL))
        }
    )*};
}
macro_rules! declare_vec {
    ($($method:ident => $kind:ty;)*) => {$(
        pub(super) fn $method(&self, name: &str, help: &str, labels: &[&str]) -> $kind {
            self.keep(<$kind>::new(Opts::new(name, help), labels).expect(LITERAL))
        }
    )*};
}

impl Declare<'_> {
    declare! { counter => IntCounter; float_counter => Counter; gauge => IntGauge; float_gauge => Gauge; }
    declare_vec! { counter_vec => IntCounterVec; gauge_vec => IntGaugeVec; float_gauge_vec => GaugeVec; }

    pub(super) fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Histogram {
        self.keep(Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())).expect(LITERAL))
    }
    pub(super) fn histogram_vec(&self, name: &str, help: &str, labels: &[&str], buckets: &[f64]) -> HistogramVec {
        self.keep(HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), labels).expect(LITERAL))
    }
    fn keep<C: prometheus::core::Collector + Clone + 'static>(&self, metric: C) -> C {
        self.0.register(Box::new(metric.clone())).expect(LITERAL);
        metric
    }
}
