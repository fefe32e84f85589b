//! The metrics as others read them: by the real `promtool`, and line by line.

use std::io::Write as _;
use std::process::{Command, Stdio};

use watchfire_model::alarm::AlarmKey;
use watchfire_model::id::{PersonId, PointIx, SourceName};
use watchfire_model::quantity::Finite;
use watchfire_model::reading::{PointState, Reading};
use watchfire_model::time::Span;
use watchfire_rules::figures::Aside;

use super::*;

fn row(value: Result<f64, Bad>) -> Row {
    let value = value.map(|value| Finite::new(value).expect("finite"));
    let at = Timestamp(1);
    Row::Reading(Reading {
        point: PointIx(0),
        observed_at: at,
        received_at: at,
        value,
        state: PointState::Normal,
        retained: false,
    })
}

fn busy() -> (Metrics, Vec<Arc<SourceHealth>>) {
    let metrics = Metrics::new();
    let source = Arc::new(SourceHealth::new(SourceName::from("field"), "mqtt"));
    source.readings.store(7, Ordering::Relaxed);
    metrics.journal_rows(&[row(Ok(1.0)), row(Err(Bad::Sentinel)), Row::Tick]);
    metrics.journal_synced(0.0004, 3);
    metrics.judged(&[row(Ok(1.0)), row(Err(Bad::Sentinel)), Row::Tick], 1, 0.0001);
    metrics.desk(&DeskView::default());
    metrics.unjournaled(2);
    metrics.stored("embedded", 2);
    metrics.store_lag("embedded", 1);
    metrics.store_trouble("influx", "outage");
    metrics.notice_left(&NoticeId::from("n1"));
    metrics.receipt(
        &ChannelName::from("platform"),
        &Receipt {
            notice: NoticeId::from("n1"),
            channel: ChannelName::from("platform"),
            at: Timestamp(5),
            attempts: 1,
            outcome: Outcome::Delivered { reference: None, coverage: None },
            tried: Vec::new(),
        },
    );
    metrics.answered(200, 0.001);
    metrics.ledger_committed(0.001);
    metrics.reloaded(true, Timestamp(1_700_000_000_000));
    (metrics, vec![source])
}

#[test]
fn promtool_has_nothing_to_say() {
    let (metrics, sources) = busy();
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is installed (Debian package prometheus)");
    let mut stdin = promtool.stdin.take().expect("piped above");
    stdin.write_all(metrics.render(&sources).as_bytes()).expect("promtool reads");
    drop(stdin);
    let said = promtool.wait_with_output().expect("promtool ends");
    let words = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(said.status.success(), "{words}");
    assert_eq!(words, "");
}

#[test]
fn what_was_told_is_what_is_shown() {
    let (metrics, sources) = busy();
    let text = metrics.render(&sources);
    for line in [
        "watchfire_readings_heard_total{source=\"field\"} 7",
        "watchfire_readings_journaled_total 2",
        "watchfire_journal_durable_seq 3",
        "watchfire_judging_lag_rows 0",
        "watchfire_readings_judged_total 2",
        "watchfire_bad_values_total{reason=\"sentinel\"} 1",
        "watchfire_findings_unjournaled_total 2",
        "watchfire_warnings_live{grade=\"red\"} 0",
        "watchfire_readings_stored_total{store=\"embedded\"} 2",
        "watchfire_store_up{store=\"influx\"} 0",
        "watchfire_notices_total{channel=\"platform\",outcome=\"delivered\"} 1",
        "watchfire_delivery_seconds_count{channel=\"platform\"} 1",
        "watchfire_http_requests_total{class=\"2xx\"} 1",
        "watchfire_config_last_reload_successful 1",
        "watchfire_config_last_reload_success_timestamp_seconds 1700000000",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
    }
    let resident = text.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes ")).expect("declared");
    assert!(resident.parse::<f64>().expect("a number") > 1_000_000.0, "{resident}");
    let again = metrics.render(&sources);
    assert!(again.contains("watchfire_readings_heard_total{source=\"field\"} 7"), "mirrored, not added up");
    assert_eq!(metrics.counts(), Counts { heard: 2, stored: 2, unstored: 1, judged: 2 });
    assert_eq!(
        metrics.stores().iter().map(|store| (store.name.as_str(), store.up)).collect::<Vec<_>>(),
        [("embedded", true), ("influx", false)]
    );
}

#[test]
fn judging_again_after_a_restart_is_no_negative_lag() {
    let metrics = Metrics::new();
    metrics.judged(&[Row::Tick, Row::Tick], 0, 0.0);
    metrics.journal_rows(&[Row::Tick]);
    assert!(metrics.render(&[]).contains("watchfire_judging_lag_rows 1"));
}

#[test]
fn what_those_on_duty_lived_through_is_counted() {
    let metrics = Metrics::new();
    let alarm = AlarmKey { rule: "stage".into(), subject: "river".into() };
    let at = Timestamp(1_785_564_000_000);
    let (until, by, why) = (at + Span::hours(8), PersonId::from("zhang"), "works".to_owned());
    let aside = Aside { alarm: alarm.clone(), kind: Kind::Shelved, since: at, until, ended: None, upto: None, by, why };
    metrics.facts(&[
        Fact::Ended { alarm: alarm.clone(), stood: Span::hours(2) },
        Fact::PutAside(aside),
        Fact::RefusedAside { alarm, who: "li".into() },
    ]);
    let mut load = Load::default();
    (0..11).for_each(|_| load.call(at));
    (0..2).for_each(|_| metrics.load(&load));
    let text = metrics.render(&[]);
    for line in [
        "watchfire_alarm_active_seconds_sum 7200",
        "watchfire_alarm_active_seconds_count 1",
        "watchfire_alarms_put_aside_total{outcome=\"shelved\"} 1",
        "watchfire_alarms_put_aside_total{outcome=\"out_of_service\"} 0",
        "watchfire_alarms_put_aside_total{outcome=\"refused\"} 1",
        "watchfire_alarm_floods_total 1",
        "watchfire_alarm_flood 1",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
    }
}
