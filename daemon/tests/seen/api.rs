//! The interface as its clients see it: over a real socket.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use watchfire::access::Access;
use watchfire::api::{self, Api};
use watchfire::metrics::Metrics;
use watchfire::views::{DeskView, Views};
use watchfire_model::id::PointIx;
use watchfire_model::time::{Now, Span, Steady};

use crate::county::{County, NOW, Night, heard, obey};

pub(crate) struct Served {
    pub(crate) url: String,
    views: Views,
    desk: tokio::sync::watch::Sender<Arc<DeskView>>,
    stop: CancellationToken,
    client: reqwest::Client,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(crate) async fn serve() -> Served {
    // A client of reqwest's is made with a provider of TLS, even where none is used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let County { views, desk, mut asked } = County::new(true);
    let stop = CancellationToken::new();
    let served = Api {
        views: views.clone(),
        metrics: Arc::new(Metrics::new()),
        history: Arc::new(Night(Arc::new(Mutex::new(Vec::new())))),
        clock: Arc::new(|| NOW),
        access: Arc::new(Access::demo(Arc::new(|| Now { wall: NOW, steady: Steady(0) }))),
        first_code: None,
        stop: stop.clone(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move { api::serve(listener, served).await.expect("it serves") });
    let publish = desk.clone();
    tokio::spawn(async move {
        let mut done = BTreeMap::new();
        while let Some(command) = asked.recv().await {
            obey(&mut done, &publish, command);
        }
    });
    let client = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().expect("a client");
    Served { url, views, desk, stop, client }
}

impl Served {
    async fn get(&self, path: &str) -> (u16, Value) {
        let response = self.client.get(format!("{}{path}", self.url)).send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.expect("a body")).expect("JSON"))
    }
    async fn ok(&self, path: &str) -> Value {
        let (status, value) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {value}");
        value
    }
    async fn act(&self, path: &str, key: Option<&str>, body: &Value) -> (u16, Value) {
        let mut request = self.client.post(format!("{}/api/v1/warnings/{path}", self.url)).json(body);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.expect("a body")).expect("JSON"))
    }
    /// A stream, read as text.
    async fn stream(&self, query: &str, last: Option<&str>) -> Events {
        let mut request = self.client.get(format!("{}/api/v1/stream{query}", self.url));
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), 200);
        Events { response, text: String::new() }
    }
}

struct Events {
    response: reqwest::Response,
    text: String,
}

#[derive(Debug)]
struct Heard {
    id: String,
    kind: String,
    data: Value,
}

impl Events {
    /// The next event of a kind; others are passed over.
    async fn next(&mut self, kind: &str) -> Heard {
        tokio::time::timeout(Duration::from_secs(10), async {
            loop {
                while let Some(end) = self.text.find("\n\n") {
                    let block: String = self.text.drain(..end + 2).collect();
                    let field = |name: &str| {
                        let found = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                        found.unwrap_or_default().to_owned()
                    };
                    if field("event") == kind {
                        let data = serde_json::from_str(&field("data")).expect("JSON");
                        return Heard { id: field("id"), kind: field("event"), data };
                    }
                }
                let chunk = self.response.chunk().await.expect("the stream goes on").expect("the stream has not ended");
                self.text.push_str(std::str::from_utf8(&chunk).expect("whole characters"));
            }
        })
        .await
        .expect("an event in time")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_warning_is_shown_with_its_evidence_its_bulletins_and_its_receipts() {
    let served = serve().await;
    let list = served.ok("/api/v1/warnings").await;
    let ids: Vec<&str> =
        list["items"].as_array().expect("a list").iter().map(|w| w["id"].as_str().expect("an id")).collect();
    assert_eq!(
        ids,
        ["W-20260801-0003", "W-20260801-0002", "W-20260801-0001", "W-20260731-0009"],
        "red first, ended ones not"
    );
    let red = &list["items"][0];
    assert_eq!(red["lead"]["name"], "青石站");
    assert_eq!(
        (&red["lead"]["value"], &red["lead"]["threshold"], &red["lead"]["unit"]),
        (&json!(54.47), &json!(54.2), &json!("m"))
    );
    assert_eq!((&red["lead"]["plain"], &red["unacked"]), (&json!(true), &json!(true)));
    assert_eq!(red["receipts"], json!({"total": 2, "delivered": 1, "refused": 0, "failing": 1}));
    assert_eq!(red["waiting"]["needs"], "one");
    assert_eq!(red["hazard_names"], json!({"zh-CN": "洪水", "en-US": "river flood"}));

    let shown = served.ok("/api/v1/warnings/W-20260801-0003").await;
    assert_eq!(shown["alarms"][0]["causes"][0]["station_name"], "青石站");
    assert_eq!(shown["alarms"][0]["bands"]["red"], 54.2);
    assert_eq!(shown["bulletins"][0]["class"], "upgrade");
    assert_eq!(shown["notices"][0]["receipt"]["outcome"]["reference"], "R-88120");
    assert_eq!(shown["timeline"].as_array().expect("a story").len(), 6);
    assert_eq!(shown["grade"], "red");

    let orange = served.ok("/api/v1/warnings/W-20260801-0002").await;
    assert!(orange["evidence_lost"].is_i64());
    assert_eq!(orange["alarms"][0]["evidence"]["is"], "no_data");
    assert_eq!(orange["alarms"][0]["standing"], "orange", "lost evidence holds the grade");

    let (status, problem) = served.get("/api/v1/warnings/W-0").await;
    assert_eq!(
        (status, &problem["status"], &problem["detail"]),
        (404, &json!(404), &json!("there is no warning \"W-0\""))
    );
    let ended = served.ok("/api/v1/warnings?state=ended").await;
    assert_eq!(ended["items"][0]["publication"]["how"], "all_clear");
    let high = served.ok("/api/v1/alarms?grade=orange").await;
    assert_eq!(high["items"].as_array().expect("a list").len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stations_and_points_come_by_the_page() {
    let served = serve().await;
    let mut after = String::new();
    let mut seen = Vec::new();
    loop {
        let page = served.ok(&format!("/api/v1/points?limit=3{after}")).await;
        let items = page["items"].as_array().expect("a list");
        assert!(items.len() <= 3);
        seen.extend(items.iter().map(|point| point["station"].as_str().expect("an id").to_owned()));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["qingshi", "xiaba", "liuxi", "longtan", "yunling", "mine-7", "hejia"]);
    let mine = served.ok("/api/v1/points/mine-7/methane").await;
    assert_eq!((&mine["silent"], &mine["latest"]["flag"]), (&json!(true), &json!("good")));
    let stations = served.ok("/api/v1/stations?area=431124000000&limit=1").await;
    assert_eq!((&stations["items"][0]["grade"], &stations["next"]), (&json!("red"), &json!("0")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_is_asked_by_any_usual_time() {
    let served = serve().await;
    let day = served.ok("/api/v1/points/qingshi/stage/readings?buckets=100").await;
    let samples = day["samples"].as_array().expect("a list");
    assert!(samples.len() > 90, "{}", samples.len());
    assert_eq!((&day["unit"], &day["thresholds"]["orange"]), (&json!("m"), &json!(53.5)));
    let from = (NOW - Span::hours(1)).to_string();
    let hour = served.ok(&format!("/api/v1/points/qingshi/stage/readings?from={from}&to={}", NOW.0)).await;
    assert_eq!(hour["from"], json!(NOW.0 - 3_600_000));
    let flag = |answer: &Value| answer["samples"][0][2].clone();
    let asked = |flags: &str| format!("/api/v1/points/qingshi/stage/readings?flags={flags}");
    assert_eq!((flag(&day), flag(&served.ok(&asked("qartod")).await)), (json!(1), json!(1)));
    assert_eq!(flag(&served.ok(&asked("fews")).await), json!(0));
    let good = json!("http://www.opengis.net/def/waterml/2.0/quality/good");
    assert_eq!(flag(&served.ok(&asked("waterml")).await), good);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_act_has_a_person_a_reason_and_the_version_seen() {
    let served = serve().await;
    let red = "W-20260801-0003";
    let wish = json!({"who": "张三", "why": "水情属实", "version": 4});
    let refused = |version: u64, who: &str| json!({"who": who, "why": "x", "version": version});
    let (status, problem) = served.act(&format!("{red}/release"), None, &refused(3, "张三")).await;
    assert_eq!((status, &problem["refusal"]["refused"], &problem["refusal"]["now"]), (409, &json!("stale"), &json!(4)));
    let (status, problem) = served.act(&format!("{red}/release"), None, &refused(4, "  ")).await;
    assert_eq!((status, &problem["refusal"]["refused"]), (400, &json!("anonymous")));
    let (status, _) = served.act("W-0/ack", None, &wish).await;
    assert_eq!(status, 404);
    let (status, _) = served.act(&format!("{red}/explode"), None, &wish).await;
    assert_eq!(status, 404);
    let (status, _) =
        served.act(&format!("{red}/ack"), None, &json!({"who": "a", "why": "b", "version": 4, "force": true})).await;
    assert_eq!(status, 400, "what is not known is refused, not ignored");

    let (status, shown) = served.act(&format!("{red}/release"), Some("key-1"), &wish).await;
    assert_eq!((status, &shown["publication"]["is"], &shown["waiting"]), (200, &json!("released"), &Value::Null));
    let (status, _) = served.act(&format!("{red}/release"), Some("key-1"), &wish).await;
    assert_eq!(status, 200, "the same key is the same act, although nothing waits any more");
    let (status, problem) = served.act(&format!("{red}/release"), Some("key-2"), &wish).await;
    assert_eq!((status, &problem["refusal"]["refused"]), (409, &json!("not_now")));
    let story = served.ok(&format!("/api/v1/warnings/{red}")).await;
    let last = story["timeline"].as_array().and_then(|all| all.last()).cloned().expect("a story");
    assert_eq!((&last["what"], &last["who"], &last["note"]), (&json!("released"), &json!("张三"), &json!("水情属实")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_is_refused_in_words_and_never_our_fault() {
    let served = serve().await;
    let long = "x".repeat(3_000);
    for path in [
        "/api/v1/nothing",
        "/api/v1/warnings?limit=1e9",
        "/api/v1/warnings?limit=-1",
        "/api/v1/warnings?state=burning",
        "/api/v1/warnings?nonsense=1",
        "/api/v1/points?after=%F0%9F%94%A5",
        "/api/v1/points/qingshi/..%2f..%2fetc",
        "/api/v1/points/qingshi/stage/readings?from=yesterday",
        "/api/v1/points/qingshi/stage/readings?from=9&to=8",
        "/api/v1/points/qingshi/stage/readings?flags=usgs",
        "/api/v1/points/qingshi/stage/readings?from=-99999999999999999",
        "/api/v1/points/qingshi/stage/readings?from=0&to=253402300799000",
        "/api/v1/stream?points=no/such",
        "/api/v1/warnings/%00%ff",
        "/..%2f..%2fetc/passwd",
        &format!("/api/v1/warnings/{long}"),
        &format!("/api/v1/stream?points={}", "qingshi/stage,".repeat(65)),
    ] {
        let response = served.client.get(format!("{}{path}", served.url)).send().await.expect("an answer");
        let status = response.status().as_u16();
        let kind = response.headers()["content-type"].to_str().expect("text").to_owned();
        let text = response.text().await.expect("a body");
        assert!((400..500).contains(&status), "{path}: {status} {text}");
        assert_eq!(kind, "application/problem+json", "{path}: {text}");
        assert!(serde_json::from_str::<Value>(&text).expect("JSON")["detail"].is_string(), "{path}: {text}");
    }
    let post = |path: &'static str| {
        served.client.post(format!("{}{path}", served.url)).header("Content-Type", "application/json")
    };
    let act = "/api/v1/warnings/W-20260801-0003/ack";
    for (request, expected) in [
        (post(act).body("{"), 400),
        (post(act).body("[1]"), 400),
        (post(act).body("{\"who\":\"a\",\"why\":\"b\",\"version\":1e400}"), 400),
        (post(act).body(vec![b' '; api::BODY_MAX + 1]), 413),
        (post(act).header("Idempotency-Key", "x".repeat(500)).body("{\"who\":\"a\",\"why\":\"b\",\"version\":4}"), 400),
        (post(act).header("Origin", "http://evil.example").body("{}"), 403),
        (served.client.post(format!("{}{act}", served.url)).body("{}"), 415),
        (
            served.client.delete(format!("{}/api/v1/warnings", served.url)).header("Content-Type", "application/json"),
            405,
        ),
    ] {
        let response = request.send().await.expect("an answer");
        let (status, text) = (response.status().as_u16(), response.text().await.expect("a body"));
        assert_eq!(status, expected, "{text}");
    }
    let alarms_before = served.views.desk.borrow().version;
    assert_eq!(alarms_before, 1, "nothing was done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_screen_gets_a_snapshot_then_changes_and_misses_nothing_while_away() {
    let served = serve().await;
    let mut events = served.stream("", None).await;
    let snapshot = events.next("snapshot").await;
    assert_eq!(snapshot.data["warnings"].as_array().expect("a list").len(), 5);
    assert_eq!(snapshot.data["site"]["test"]["mark"], "【演示】");
    let points = snapshot.data["points"].as_array().expect("a list");
    assert_eq!(points.len(), 4, "only the points behind warnings: {points:?}");
    let beat = events.next("beat").await;
    assert_eq!((&beat.data["desk_alive"], &beat.data["field"]["silent"]), (&json!(true), &json!(1)));
    assert_eq!(beat.data["sources"][1]["connected"], false);

    served.views.latest.write([(PointIx(0), heard(NOW, 54.61)), (PointIx(2), heard(NOW, 68.5))]);
    let heard_now = events.next("points").await;
    assert_eq!(heard_now.data, json!([["qingshi", "stage", NOW.0, 54.61, 1]]));

    let (status, _) =
        served.act("W-20260801-0003/ack", None, &json!({"who": "张三", "why": "看到了", "version": 4})).await;
    assert_eq!(status, 200);
    let desk = events.next("desk").await;
    assert_eq!(desk.data["changed"].as_array().expect("a list").len(), 1, "only what changed: {}", desk.data);
    assert_eq!(desk.data["changed"][0]["acked_by"], "张三");
    drop(events);

    served.desk.send_modify(|view| {
        let mut next = DeskView::clone(view);
        next.version += 1;
        next.warnings.remove(3);
        *view = Arc::new(next);
    });
    let mut again = served.stream("", Some(&desk.id)).await;
    let missed = again.next("desk").await;
    assert_eq!((missed.kind.as_str(), &missed.data["gone"]), ("desk", &json!(["W-20260731-0009"])));
    let mut stranger = served.stream("?points=all", Some("17-4")).await;
    let snapshot = stranger.next("snapshot").await;
    assert_eq!(snapshot.data["points"].as_array().expect("a list").len(), 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_are_bounded_and_end_with_the_daemon() {
    let served = serve().await;
    let mut open = Vec::new();
    loop {
        let response = served.client.get(format!("{}/api/v1/stream", served.url)).send().await.expect("an answer");
        if response.status().as_u16() != 200 {
            assert_eq!(response.status().as_u16(), 503);
            break;
        }
        open.push(response);
        assert!(open.len() <= 64, "no bound");
    }
    assert_eq!(open.len(), 64);
    let metrics = served
        .client
        .get(format!("{}/metrics", served.url))
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("text");
    assert!(metrics.contains("\nwatchfire_http_streams_open 64\n"), "{metrics}");
    served.stop.cancel();
    for mut stream in open {
        let end = async { while let Ok(Some(_)) = stream.chunk().await {} };
        tokio::time::timeout(Duration::from_secs(5), end).await.expect("the stream ends");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_tells_a_dead_desk_from_a_quiet_one() {
    let County { views, desk, asked } = County::new(false);
    let api = |views: Views| Api {
        views,
        metrics: Arc::new(Metrics::new()),
        history: Arc::new(api::NoHistory),
        clock: Arc::new(|| NOW),
        access: Arc::new(Access::demo(Arc::new(|| Now { wall: NOW, steady: Steady(0) }))),
        first_code: None,
        stop: CancellationToken::new(),
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let served = api(views);
    tokio::spawn(async move { api::serve(listener, served).await.expect("it serves") });
    let status = |path: &'static str| {
        let url = format!("{url}{path}");
        async move { reqwest::get(url).await.expect("an answer").status().as_u16() }
    };
    assert_eq!((status("/-/healthy").await, status("/-/ready").await), (200, 200));
    let health: Value = reqwest::get(format!("{url}/health")).await.expect("an answer").json().await.expect("JSON");
    assert_eq!(
        (&health["status"], &health["sources"][1]["recent"][0]["reason"]),
        (&json!("degraded"), &json!("the connection was refused"))
    );
    drop((desk, asked));
    assert_eq!((status("/-/healthy").await, status("/-/ready").await), (503, 503));
    let health: Value = reqwest::get(format!("{url}/health")).await.expect("an answer").json().await.expect("JSON");
    assert_eq!(health["status"], "down");
    let wish = json!({"who": "a", "why": "b", "version": 4});
    let act = reqwest::Client::new().post(format!("{url}/api/v1/warnings/W-20260801-0003/ack")).json(&wish);
    assert_eq!(act.send().await.expect("an answer").status().as_u16(), 503);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_forbids_what_a_page_must_not_do() {
    let served = serve().await;
    for path in ["/", "/api/v1/site", "/api/v1/nothing", "/metrics"] {
        let response = served.client.get(format!("{}{path}", served.url)).send().await.expect("an answer");
        let headers = response.headers();
        let policy = headers["content-security-policy"].to_str().expect("text");
        assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{path}: {policy}");
        for (name, value) in [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY")] {
            assert_eq!(headers[name], value, "{path}");
        }
    }
    let page = served.client.get(format!("{}/", served.url)).send().await.expect("an answer");
    let tag = page.headers()["etag"].clone();
    let again =
        served.client.get(format!("{}/", served.url)).header("If-None-Match", tag).send().await.expect("an answer");
    assert_eq!(again.status().as_u16(), 304);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_drips_its_request_is_let_go() {
    let served = serve().await;
    let address = served.url.strip_prefix("http://").expect("ours").to_owned();
    let mut slow = TcpStream::connect(address).await.expect("connected");
    let mut byte = [0; 1];
    let drip = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nX-Slow: ".iter().chain(std::iter::repeat_n(&b'x', 200));
    for (second, sent) in drip.enumerate() {
        tokio::select! {
            end = slow.read(&mut byte) => {
                assert!(matches!(end, Ok(0) | Err(_)), "an answer to half a request");
                assert!((10..30).contains(&second), "let go after {second} s");
                return;
            }
            () = tokio::time::sleep(Duration::from_secs(1)) => {
                if slow.write_all(&[*sent]).await.is_err() {
                    return;
                }
            }
        }
    }
    panic!("a client may drip for ever");
}
