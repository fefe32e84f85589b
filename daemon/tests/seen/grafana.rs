//! Does every query of every dashboard return rows? Against a real VictoriaMetrics (Debian's package
//! `victoria-metrics`), with readings and grades written by the daemon's own writer and metrics as they are scraped.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use watchfire::config::settings::{InfluxConfig, Limits};
use watchfire::metrics::Metrics;
use watchfire::storage::DataDir;
use watchfire::storage::journal::Journal;
use watchfire::storage::names::{PointName, PointNames};
use watchfire::storage::series::influx::{InfluxFiles, Writer};
use watchfire::storage::series::{GradeMark, Progress, SeriesStore, Verdict};
use watchfire_dashboards::GRAFANA;
use watchfire_model::grade::Grade;
use watchfire_model::id::{NoticeId, PointIx, Seq};
use watchfire_model::quality::Flag;
use watchfire_model::quantity::{Bad, Finite};
use watchfire_model::reading::{PointState, Reading};
use watchfire_model::receipt::{Outcome, Receipt};
use watchfire_model::row::Row;
use watchfire_model::time::{Now, Span, Timestamp};

use crate::county::County;

/// How the variables are filled in.
const VARIABLES: [(&str, &str); 7] = [
    ("$__rate_interval", "5m"),
    ("$__interval", "5m"),
    ("$__range", "6h"),
    ("$quantity", "stage_value"),
    ("$station", ".*"),
    ("$job", ".*"),
    ("$instance", ".*"),
];
/// How long a store may take to show what it has taken.
const SHOWN_WITHIN: u32 = 100;

struct Victoria {
    server: Child,
    url: String,
    client: reqwest::Client,
    // Removed when dropped.
    _folder: tempfile::TempDir,
}

impl Drop for Victoria {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Victoria {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound").port();
        let folder = tempfile::tempdir().expect("a temporary directory");
        let server = Command::new("victoria-metrics")
            .arg(format!("-storageDataPath={}", folder.path().join("vm").display()))
            .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
            .args(["-retentionPeriod=10y", "-search.latencyOffset=0s"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("victoria-metrics is installed: apt-get install victoria-metrics");
        let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).build().expect("a client");
        let here = Self { server, url: format!("http://127.0.0.1:{port}"), client, _folder: folder };
        let mut wait = tokio::time::interval(Duration::from_millis(100));
        for _ in 0..SHOWN_WITHIN {
            wait.tick().await;
            if here
                .client
                .get(format!("{}/health", here.url))
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
            {
                return here;
            }
        }
        panic!("victoria-metrics does not answer");
    }

    async fn post(&self, path: &str, body: String) {
        let answer = self.client.post(format!("{}{path}", self.url)).body(body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }

    async fn get(&self, path: &str) -> Value {
        let text = self.client.get(format!("{}{path}", self.url)).send().await.expect("an answer").text().await;
        serde_json::from_str(&text.expect("a body")).expect("JSON")
    }

    /// The rows of a query over the last six hours.
    async fn rows(&self, expr: &str, now: Timestamp) -> usize {
        let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let (from, to) = ((now - Span::hours(6)).0 / 1_000, now.0 / 1_000);
        let answer =
            self.get(&format!("/api/v1/query_range?query={}&start={from}&end={to}&step=60", encode(expr))).await;
        assert_eq!(answer["status"], "success", "{expr}: {answer}");
        answer["data"]["result"].as_array().expect("rows").len()
    }
}

/// Writes readings and grades as the daemon does.
fn write_readings(url: &str, now: Timestamp) {
    let home = tempfile::tempdir().expect("a temporary directory");
    let data = DataDir::open(home.path()).expect("free");
    let site = County::new(true).views.site;
    let names: Arc<PointNames> = Arc::new(
        site.points
            .iter()
            .map(|point| PointName {
                station: site.stations[point.station.index()].id.as_str().into(),
                point: point.id.as_str().into(),
                quantity: point.quantity.clone(),
            })
            .collect(),
    );
    let (mut journal, _) = Journal::open(&data.journal(), &Limits::default()).expect("opens");
    journal.name_points(Arc::clone(&names));
    let points = || (0_u32..).take(site.points.len());
    let rows: Vec<Row> = (0_i32..72)
        .flat_map(|n| points().map(move |point| (now - Span::minutes(5 * (71 - i64::from(n))), point, n)))
        .map(|(at, point, n)| {
            let value = Finite::new(50.0 + f64::from(n) * 0.05 + f64::from(point));
            Row::Reading(Reading {
                point: PointIx(point),
                observed_at: at,
                received_at: at,
                value,
                state: PointState::Normal,
                retained: false,
            })
        })
        .collect();
    journal.append(Now { wall: now, steady: watchfire_model::time::Steady(0) }, &rows).expect("taken in");
    let durable: Seq = *journal.sync().expect("synced").get();
    let config = InfluxConfig {
        name: "victoria".into(),
        url: url.to_owned(),
        org: "county".into(),
        bucket: "water".into(),
        token: None,
        timeout: Duration::from_secs(5),
        batch: 1_024,
    };
    let good = Box::new(|_, row: &Row, _| {
        let Row::Reading(reading) = row else { return None };
        Some(Verdict::of(Flag::Good, reading))
    });
    let files = InfluxFiles::of(&data, "victoria");
    let mut store = Writer::open(&config, &files, names, good, Box::new(|| 0.5)).expect("set up");
    for (grade, minutes) in [(Some(Grade::Yellow), 40), (Some(Grade::Red), 5), (None, 1)] {
        let at = now - Span::minutes(minutes);
        store.mark(GradeMark { rule: "river-stage".into(), subject: "qingshi".into(), grade, at });
    }
    loop {
        match store.step(durable) {
            Progress::Idle => break,
            Progress::Wrote { .. } => {}
            Progress::Lost(gap) => panic!("{gap:?}"),
            Progress::Trouble { why, .. } => panic!("{why}"),
        }
    }
}

/// Scrapes a daemon that is busy, once a minute for an hour.
async fn scrape(victoria: &Victoria, now: Timestamp) {
    let County { views, .. } = County::new(true);
    let metrics = Metrics::new();
    metrics.declare(&views);
    metrics.reloaded(true, now);
    let reading = |value| {
        Row::Reading(Reading {
            point: PointIx(0),
            observed_at: now,
            received_at: now,
            value,
            state: PointState::Normal,
            retained: false,
        })
    };
    for minute in (0..60).rev() {
        let rows = [reading(Finite::new(1.0)), reading(Err(Bad::Absent))];
        metrics.journal_rows(&rows);
        metrics.journal_synced(0.002, 7);
        metrics.judged(&rows, 1, 0.000_2);
        metrics.ledger_committed(0.004);
        metrics.stored("embedded", 2);
        metrics.store_lag("embedded", 3);
        metrics.store_lag("victoria", 0);
        let channel = &views.site.channels[0].name;
        let notice = NoticeId::from(format!("n-{minute}"));
        metrics.notice_left(&notice);
        let outcome = Outcome::Delivered { reference: None, coverage: None };
        let (from, tried) = (channel.clone(), Vec::new());
        metrics.receipt(channel, &Receipt { notice, channel: from, at: now, attempts: 1, outcome, tried });
        let at = (now - Span::minutes(minute)).0;
        let labels = "extra_label=job=watchfire&extra_label=instance=127.0.0.1:8420";
        victoria
            .post(&format!("/api/v1/import/prometheus?timestamp={at}&{labels}"), metrics.render(&views.sources))
            .await;
    }
}

fn filled_in(expr: &str) -> String {
    let filled = VARIABLES.iter().fold(expr.to_owned(), |expr, (name, value)| expr.replace(name, value));
    assert!(!filled.contains('$'), "a variable is left over: {filled}");
    filled
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_of_every_dashboard_returns_rows() {
    let victoria = Victoria::start().await;
    let now = Timestamp(jiff::Timestamp::now().as_millisecond());
    let url = victoria.url.clone();
    // Blocks on its own runtime, as it does on its own thread in the daemon.
    std::thread::spawn(move || write_readings(&url, now)).join().expect("written");
    scrape(&victoria, now).await;
    victoria.client.get(format!("{}/internal/force_flush", victoria.url)).send().await.expect("flushed");

    let mut empty = Vec::new();
    let mut asked = 0;
    for file in GRAFANA.iter().filter(|file| file.path.starts_with("promql/")) {
        let dashboard: Value = serde_json::from_str(file.text).expect("JSON");
        for panel in dashboard["panels"].as_array().expect("panels") {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let expr = filled_in(target["expr"].as_str().expect("an expression"));
                asked += 1;
                if victoria.rows(&expr, now).await == 0 {
                    empty.push(format!("{} \"{}\": {expr}", file.path, panel["title"].as_str().unwrap_or_default()));
                }
            }
        }
        for variable in dashboard["templating"]["list"].as_array().expect("variables") {
            let Some(query) = variable["query"]["query"].as_str() else { continue };
            let inside =
                query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')')).expect("label_values");
            let (selector, label) = inside.rsplit_once(", ").expect("a selector and a label");
            let selector: String = filled_in(selector).bytes().map(|byte| format!("%{byte:02X}")).collect();
            let values = victoria.get(&format!("/api/v1/label/{label}/values?match[]={selector}")).await;
            asked += 1;
            if values["data"].as_array().is_none_or(Vec::is_empty) {
                empty.push(format!("{} variable {}: {query}", file.path, variable["name"]));
            }
        }
    }
    assert!(asked > 30, "only {asked} queries were found");
    assert!(empty.is_empty(), "no rows:\n{}", empty.join("\n"));
    assert_eq!(victoria.rows("no_such_metric", now).await, 0, "a query for nothing finds nothing");
}
