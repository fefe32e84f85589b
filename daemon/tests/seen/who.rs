//! Who gets in, and what they may: accounts, roles, scopes, sessions and tokens over a real socket, on a clock that moves
//! when told.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use watchfire::access::Access;
use watchfire::api::{self, Api};
use watchfire::config::settings::{AccessConfig, Anonymous};
use watchfire::metrics::Metrics;
use watchfire::storage::accounts::Accounts;
use watchfire::views::Wish;
use watchfire_model::access::{Denied, Right, Role};
use watchfire_model::deed::{Deed, Done};
use watchfire_model::time::{Now, Span, Steady};

use crate::county::{County, NOW, Night, obey};

pub(crate) const PASSWORD: &str = "lantern-over-the-weir-7";
const RED: &str = "/api/v1/warnings/W-20260801-0003";

/// A county with a door.
pub(crate) struct House {
    pub(crate) url: String,
    client: reqwest::Client,
    /// Milliseconds since the start, on both clocks.
    at: Arc<AtomicI64>,
    deeds: Arc<Mutex<Vec<Deed>>>,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
    home: TempDir,
    config: AccessConfig,
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl House {
    /// With one admin, named `admin`.
    pub(crate) async fn open(config: AccessConfig) -> Self {
        let house = Self::empty(config).await;
        let code = std::fs::read_to_string(house.home.path().join("first-code")).expect("a first start writes a code");
        let first = json!({"code": code, "name": "admin", "password": PASSWORD});
        assert_eq!(house.post("/api/v1/people/first", None, &first).await.0, 204);
        house
    }

    async fn empty(config: AccessConfig) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        Self::on(home, config, 0).await
    }

    /// The same accounts, by another process.
    async fn again(self) -> Self {
        self.stop.cancel();
        let (at, config) = (self.at.load(Ordering::SeqCst), self.config.clone());
        let mut old = self;
        let home = std::mem::replace(&mut old.home, tempfile::tempdir().expect("a temporary directory"));
        Self::on(home, config, at).await
    }

    async fn on(home: TempDir, config: AccessConfig, at: i64) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let at = Arc::new(AtomicI64::new(at));
        let now = Arc::clone(&at);
        let clock = Arc::new(move || {
            let since = Span(now.load(Ordering::SeqCst));
            Now { wall: NOW + since, steady: Steady(0) + since }
        });
        let (accounts, _) = Accounts::open(&home.path().join("accounts.db")).expect("it opens");
        let (access, code) = Access::open(accounts, config.clone(), clock).expect("it opens");
        let file = home.path().join("first-code");
        if let Some(code) = code {
            std::fs::write(&file, code).expect("written");
        }
        let County { views, desk, mut asked } = County::new(true);
        let (stop, metrics) = (CancellationToken::new(), Arc::new(Metrics::new()));
        let served = Api {
            views,
            metrics: Arc::clone(&metrics),
            history: Arc::new(Night(Arc::new(Mutex::new(Vec::new())))),
            clock: Arc::new(|| NOW),
            access: Arc::new(access),
            first_code: Some(file),
            stop: stop.clone(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(async move { api::serve(listener, served).await.expect("it serves") });
        let deeds: Arc<Mutex<Vec<Deed>>> = Arc::default();
        let seen = Arc::clone(&deeds);
        tokio::spawn(async move {
            let mut done = BTreeMap::new();
            while let Some(asked) = asked.recv().await {
                if let Wish::Deed(deed) = &asked.wish {
                    seen.lock().expect("nobody panics while holding it").push(deed.clone());
                }
                obey(&mut done, &desk, asked);
            }
        });
        let client = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().expect("a client");
        Self { url, client, at, deeds, metrics, stop, home, config }
    }

    fn later(&self, span: Span) {
        self.at.fetch_add(span.0, Ordering::SeqCst);
    }

    async fn send(request: RequestBuilder, key: Option<&str>) -> (u16, Value) {
        let request = match key {
            Some(key) => request.bearer_auth(key),
            None => request,
        };
        read(request.send().await.expect("an answer")).await
    }
    async fn get(&self, path: &str, key: Option<&str>) -> (u16, Value) {
        Self::send(self.client.get(format!("{}{path}", self.url)), key).await
    }
    async fn post(&self, path: &str, key: Option<&str>, body: &Value) -> (u16, Value) {
        Self::send(self.client.post(format!("{}{path}", self.url)).json(body), key).await
    }

    /// Signs in as a program does.
    async fn key(&self, name: &str, password: &str) -> Result<String, u16> {
        let wish = json!({"name": name, "password": password, "bearer": true});
        match self.post("/api/v1/session", None, &wish).await {
            (200, answer) => Ok(answer["key"].as_str().expect("a key").to_owned()),
            (status, _) => Err(status),
        }
    }
    async fn admin(&self) -> String {
        self.key("admin", PASSWORD).await.expect("the admin signs in")
    }

    /// Makes a person and signs them in.
    pub(crate) async fn person(&self, name: &str, role: Role, hazards: &[&str], areas: &[&str]) -> String {
        let wish = json!({"name": name, "password": PASSWORD, "role": role, "why": "a test",
            "scope": {"hazards": hazards, "areas": areas}});
        let (status, answer) = self.post("/api/v1/people", Some(&self.admin().await), &wish).await;
        assert_eq!(status, 204, "{answer}");
        self.key(name, PASSWORD).await.expect("a new person signs in")
    }

    /// Makes a machine and gives it a token.
    async fn machine(&self, name: &str, acts_for: bool, days: Option<u16>) -> String {
        let admin = self.admin().await;
        let wish = json!({"name": name, "machine": true, "acts_for": acts_for, "role": "officer", "why": "a test",
            "scope": {"hazards": ["*"], "areas": ["*"]}});
        assert_eq!(self.post("/api/v1/people", Some(&admin), &wish).await.0, 204);
        let wish = json!({"days": days, "why": "a test"});
        let (status, answer) = self.post(&format!("/api/v1/people/{name}/token"), Some(&admin), &wish).await;
        assert_eq!(status, 200, "{answer}");
        answer["token"].as_str().expect("a token").to_owned()
    }

    /// A page's request: with its Origin and a cookie.
    fn page(&self, path: &str, cookie: &str, origin: Option<&str>) -> RequestBuilder {
        let request = self.client.post(format!("{}{path}", self.url)).header("cookie", cookie);
        match origin {
            Some(origin) => request.header("origin", origin),
            None => request,
        }
    }
    async fn page_signs_in(&self, name: &str, cookie: &str) -> (u16, String) {
        let request = self.page("/api/v1/session", cookie, Some(&self.url));
        let response = request.json(&json!({"name": name, "password": PASSWORD})).send().await.expect("an answer");
        let cookie = response.headers().get("set-cookie").map(|line| line.to_str().expect("text").to_owned());
        (response.status().as_u16(), cookie.unwrap_or_default())
    }

    /// The deeds that fit, once there are so many: the ledger has them a moment after the answer.
    async fn deeds(&self, count: usize, fits: impl Fn(&Done) -> bool) -> Vec<Deed> {
        let enough = async {
            loop {
                let deeds = self.deeds.lock().expect("nobody panics while holding it").clone();
                let found: Vec<Deed> = deeds.into_iter().filter(|deed| fits(&deed.what)).collect();
                if found.len() >= count {
                    return found;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), enough).await.expect("the deeds are recorded")
    }
    fn counted(&self, series: &str) -> f64 {
        let text = self.metrics.render(&[]);
        let line = text.lines().find_map(|line| line.strip_prefix(series)).map(str::trim);
        line.unwrap_or_else(|| panic!("no {series} in {text}")).parse().expect("a number")
    }
}

async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn ack(version: u64) -> Value {
    json!({"why": "seen", "version": version})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_name_nothing_is_told_and_nothing_done() {
    let house = House::open(AccessConfig::default()).await;
    let stale = "wf_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for key in [None, Some(stale), Some("")] {
        let mut told = Vec::new();
        for path in [
            "site",
            "stations",
            "points",
            "points/a/b",
            "alarms",
            "warnings",
            "warnings/W-0",
            "health",
            "stream",
            "people",
        ] {
            told.push(house.get(&format!("/api/v1/{path}"), key).await);
        }
        told.push(house.get(RED, key).await);
        told.push(house.get("/health", key).await);
        for path in [&format!("{RED}/ack"), &format!("{RED}/release"), "/api/v1/people", "/api/v1/people/admin/remove"]
        {
            told.push(house.post(path, key, &ack(4)).await);
        }
        assert!(
            told.iter().all(|answer| *answer == told[0] && answer.0 == 401),
            "uniform, whatever is there: {told:?}"
        );
    }
    for path in ["/", "/console.js", "/api/v1/session", "/-/healthy", "/-/ready", "/metrics"] {
        assert_eq!(house.get(path, None).await.0, 200, "{path}");
    }
    assert_eq!(house.get("/api/v1/session", None).await.1["account"], Value::Null);
    assert!(house.counted("watchfire_http_denied_total{why=\"unknown\"}") >= 48.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_may_what_is_its_own() {
    let house = House::open(AccessConfig::default()).await;
    for role in Role::ALL.iter().copied() {
        let key = house.person(&format!("{role}-1"), role, &["*"], &["*"]).await;
        let key = Some(key.as_str());
        assert_eq!(house.get(RED, key).await.0, 200, "{role}");
        assert_eq!(
            house.get("/api/v1/people", key).await.0,
            if role.has(Right::ListPeople) { 200 } else { 403 },
            "{role}"
        );
        for (act, right) in [("ack", Right::Acknowledge), ("release", Right::Release), ("cancel", Right::Cancel)] {
            // A version that never was: whoever may is told that, and nothing is done.
            let (status, problem) = house.post(&format!("{RED}/{act}"), key, &ack(1)).await;
            assert_eq!(status, if role.has(right) { 409 } else { 403 }, "{role} {act}: {problem}");
        }
        let remove = house.post("/api/v1/people/nobody/remove", key, &json!({"why": "x"})).await.0;
        assert_eq!(remove, if role.has(Right::ManagePeople) { 404 } else { 403 }, "{role}");
    }
    let refused = house.deeds(4 * 3 + 1, |what| matches!(what, Done::Denied { .. })).await;
    assert_eq!(refused.len(), 4 * 3 + 1, "each refused act on a warning is in the ledger: {refused:#?}");
    let first = &refused[0];
    assert_eq!((first.who.as_str(), first.from.as_str()), ("viewer-1", "127.0.0.1 cli"));
    let due = Denied::Role { role: Role::Viewer, right: Right::Acknowledge };
    assert!(
        matches!(&first.what, Done::Denied { right: Right::Acknowledge, warning, denied } if *denied == due && RED.ends_with(warning.as_str()))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_officer_acts_in_their_own_hazards_and_areas_alone() {
    let house = House::open(AccessConfig::default()).await;
    let warning = |n: u32| format!("/api/v1/warnings/W-20260801-000{n}/ack");
    let town = house.person("town", Role::Officer, &["*"], &["431124101000"]).await;
    let county = house.person("county", Role::Officer, &["river_flood"], &["431124"]).await;
    // 3 is river at the county's seat, 2 is gas, 1 is river at the town.
    for (key, n, due) in
        [(&town, 3, 403), (&town, 2, 403), (&town, 1, 200), (&county, 3, 200), (&county, 2, 403), (&county, 1, 200)]
    {
        let (status, problem) = house.post(&warning(n), Some(key), &ack(4)).await;
        assert_eq!(status, due, "{n}: {problem}");
        if due == 403 {
            assert_eq!(problem["detail"], "that hazard or area is outside the scope of this account");
        }
    }
    // A report names its place in its body. The Desk behind this house has no hazards: it says so to whoever may ask.
    let report =
        json!({"why": "x", "hazard": "river_flood", "area": "431124000000", "place": "p", "grade": "red", "by": "li"});
    assert_eq!(house.post("/api/v1/reports", Some(&town), &report).await.0, 403);
    assert_eq!(house.post("/api/v1/reports", Some(&county), &report).await.0, 404);
    let story = house.get(RED, Some(&county)).await.1;
    assert_eq!(story["timeline"].as_array().and_then(|all| all.last()).expect("a story")["who"], "county");
    assert_eq!(house.counted("watchfire_http_denied_total{why=\"scope\"}"), 4.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_acts_as_nobody_else_and_a_machine_only_for_a_person() {
    let house = House::open(AccessConfig::default()).await;
    let path = format!("{RED}/ack");
    let zhang = house.person("张三", Role::Officer, &["*"], &["*"]).await;
    let as_other = json!({"who": "李四", "why": "seen", "version": 4});
    assert_eq!(house.post(&path, Some(&zhang), &as_other).await.0, 403);
    let silent = house.machine("sensor-gateway", false, None).await;
    assert_eq!(house.post(&path, Some(&silent), &as_other).await.0, 403);
    let desk = house.machine("desk-system", true, Some(1)).await;
    assert_eq!(house.post(&path, Some(&desk), &ack(4)).await.0, 400, "for whom?");
    let (status, shown) = house.post(&path, Some(&desk), &as_other).await;
    assert_eq!((status, &shown["acked_by"]), (200, &json!("李四")));
    house.later(Span::hours(25));
    assert_eq!(house.post(&path, Some(&desk), &as_other).await.0, 401, "its token was for a day");
    assert_eq!(house.get(RED, Some(&silent)).await.0, 200, "this one for ever");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_page_acts_in_nobody_s_name() {
    let house = House::open(AccessConfig::default()).await;
    house.person("zhang", Role::Officer, &["*"], &["*"]).await;
    let (status, line) = house.page_signs_in("zhang", "").await;
    assert_eq!(status, 200);
    assert!(line.contains("; HttpOnly; SameSite=Strict") && !line.contains("Secure"), "plain HTTP on loopback: {line}");
    let cookie = line.split(';').next().expect("a pair");
    let act = |origin: Option<&str>| house.page(&format!("{RED}/ack"), cookie, origin).json(&ack(4)).send();
    for (origin, due) in
        [(None, 403), (Some("http://evil.example"), 403), (Some("null"), 403), (Some(house.url.as_str()), 200)]
    {
        assert_eq!(act(origin).await.expect("an answer").status().as_u16(), due, "{origin:?}");
    }
    let looks = house.client.get(format!("{}{RED}", house.url)).header("cookie", cookie);
    assert_eq!(looks.send().await.expect("an answer").status().as_u16(), 200);
    let key = cookie.split_once('=').expect("a pair").1;
    assert_eq!(house.get(RED, Some(key)).await.0, 401, "a cookie's key is no token");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_from_before_the_sign_in_is_void_after_it() {
    let house = House::open(AccessConfig::default()).await;
    let planted = "watchfire-session=wf_planted-by-somebody-else";
    let (status, first) = house.page_signs_in("admin", planted).await;
    assert_eq!(status, 200);
    let first = first.split(';').next().expect("a pair").to_owned();
    assert_ne!(first, planted);
    let looks = async |cookie: &str| {
        let request = house.client.get(format!("{}/api/v1/site", house.url)).header("cookie", cookie);
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!((looks(planted).await, looks(&first).await), (401, 200));
    let (_, second) = house.page_signs_in("admin", &first).await;
    let second = second.split(';').next().expect("a pair");
    assert_eq!((looks(&first).await, looks(second).await), (401, 200), "rotated");
    let left = house.page("/api/v1/session/end", second, Some(&house.url)).json(&json!({})).send().await;
    assert_eq!(left.expect("an answer").status().as_u16(), 204);
    assert_eq!(looks(second).await, 401);
    let what: Vec<Done> = house.deeds(4, |_| true).await.into_iter().map(|deed| deed.what).collect();
    assert!(matches!(what[..], [Done::Added { .. }, Done::SignedIn, Done::SignedIn, Done::SignedOut]), "{what:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_console_still_shows_and_acts_only_after_the_password() {
    let house = House::open(AccessConfig::default()).await;
    house.person("zhang", Role::Officer, &["*"], &["*"]).await;
    let (_, line) = house.page_signs_in("zhang", "").await;
    let cookie = line.split(';').next().expect("a pair").to_owned();
    let act = async |path: &str, body: Value| {
        let request = house.page(path, &cookie, Some(&house.url)).json(&body);
        request.send().await.expect("an answer").status().as_u16()
    };
    let looks = async || {
        let request = house.client.get(format!("{}{RED}", house.url)).header("cookie", &cookie);
        request.send().await.expect("an answer").status().as_u16()
    };
    house.later(Span::minutes(10));
    assert_eq!(act("/api/v1/session/here", json!({})).await, 200);
    house.later(Span::minutes(14));
    assert_eq!(act(&format!("{RED}/ack"), ack(4)).await, 200, "somebody was here 14 minutes ago");
    house.later(Span::minutes(15));
    assert_eq!(act(&format!("{RED}/release"), ack(4)).await, 401);
    assert_eq!(act("/api/v1/session/here", json!({})).await, 401, "nor does it wake by itself");
    assert_eq!(looks().await, 200, "the screen goes on showing warnings");
    house.later(Span::hours(12));
    assert_eq!(looks().await, 401, "no session outlives a shift");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tries_wait_longer_and_longer_and_the_right_password_ends_it() {
    let house = House::open(AccessConfig::default()).await;
    let mut answers = Vec::new();
    for n in 0..8 {
        answers.push(house.key(if n % 2 == 0 { "admin" } else { "nobody" }, "not the password").await);
    }
    assert!(answers.iter().all(|answer| *answer == Err(401)), "who exists is not told: {answers:?}");
    for _ in 0..2 {
        let _ = house.key("admin", "not the password").await;
    }
    assert_eq!(house.key("admin", PASSWORD).await, Err(429), "not even looked at");
    house.later(Span::seconds(2));
    house.admin().await;
    let turned = house.deeds(1, |what| matches!(what, Done::TurnedAway { .. })).await;
    let counted =
        turned.iter().map(|deed| if let Done::TurnedAway { sign_ins, .. } = deed.what { sign_ins } else { 0 });
    assert_eq!(counted.collect::<Vec<_>>(), [1], "the rest is told together, a minute later");
    assert_eq!(house.counted("watchfire_sign_ins_total{outcome=\"let_in\"}"), 1.0);
    assert_eq!(house.counted("watchfire_sign_ins_total{outcome=\"delayed\"}"), 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_change_by_an_admin_with_a_reason_and_end_what_hung_on_them() {
    let house = House::open(AccessConfig::default()).await;
    let (admin, zhang) = (house.admin().await, house.person("zhang", Role::Officer, &["*"], &["*"]).await);
    let post = async |path: &str, body: Value| house.post(&format!("/api/v1/people/{path}"), Some(&admin), &body).await;
    for (path, body, due) in [
        ("zhang/role", json!({"role": "king", "why": "x"}), 400),
        ("zhang/role", json!({"role": "viewer"}), 400),
        ("zhang/role", json!({"role": "viewer", "why": " "}), 400),
        ("zhang/scope", json!({"scope": {"hazards": [], "areas": ["*"]}, "why": "x"}), 400),
        ("zhang/password", json!({"password": "short", "why": "x"}), 400),
        ("zhang/token", json!({"why": "x"}), 409),
        ("nobody/role", json!({"role": "viewer", "why": "x"}), 404),
        ("admin/remove", json!({"why": "x"}), 409),
        ("admin/role", json!({"role": "viewer", "why": "x"}), 409),
        ("admin/scope", json!({"scope": {"hazards": ["a"], "areas": ["*"]}, "why": "x"}), 409),
        ("zhang/role", json!({"role": "viewer", "why": "off duty"}), 204),
    ] {
        let (status, answer) = post(path, body.clone()).await;
        assert_eq!(status, due, "{path} {body}: {answer}");
    }
    assert_eq!(house.post(&format!("{RED}/ack"), Some(&zhang), &ack(4)).await.0, 403, "the role holds at once");
    assert_eq!(post("zhang/password", json!({"password": "another-lantern-8", "why": "forgotten"})).await.0, 204);
    assert_eq!(house.get(RED, Some(&zhang)).await.0, 401, "whoever had the old password is out");
    let zhang = house.key("zhang", "another-lantern-8").await.expect("the new one");
    let own = json!({"current": "another-lantern-8", "password": "a-third-lantern-9", "why": "my own"});
    assert_eq!(house.post("/api/v1/session/password", Some(&zhang), &own).await.0, 204);
    let zhang = house.key("zhang", "a-third-lantern-9").await.expect("their own");
    let mut stream =
        house.client.get(format!("{}/api/v1/stream", house.url)).bearer_auth(&zhang).send().await.expect("an answer");
    assert_eq!(post("zhang/remove", json!({"why": "left"})).await.0, 204);
    let ends = async { while let Ok(Some(_)) = stream.chunk().await {} };
    tokio::time::timeout(Duration::from_secs(15), ends).await.expect("their stream ends");
    assert_eq!(house.key("zhang", "a-third-lantern-9").await, Err(401));
    let told = house.deeds(1, |what| matches!(what, Done::Removed { .. })).await.remove(0);
    assert_eq!((told.who.as_str(), told.why.as_str(), told.from.as_str()), ("admin", "left", "127.0.0.1 cli"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_code_makes_one_admin_and_sessions_outlive_a_restart() {
    let house = House::empty(AccessConfig::default()).await;
    let file = house.home.path().join("first-code");
    let code = std::fs::read_to_string(&file).expect("a first start writes a code");
    assert_eq!(house.get("/api/v1/session", None).await.1["first"], true);
    let first = |code: &str, name: &str| json!({"code": code, "name": name, "password": PASSWORD});
    assert_eq!(house.post("/api/v1/people/first", None, &first("AAAAA-AAAAA-AAAAA-AAAAA", "admin")).await.0, 401);
    let typed = code.trim().to_lowercase().replace('-', " ");
    assert_eq!(house.post("/api/v1/people/first", None, &first(&typed, "admin")).await.0, 204);
    assert!(!file.exists(), "it is gone");
    assert_eq!(house.post("/api/v1/people/first", None, &first(&code, "again")).await.0, 401);
    let admin = house.admin().await;
    let house = house.again().await;
    assert!(!house.home.path().join("first-code").exists());
    assert_eq!(house.get("/api/v1/session", None).await.1["first"], false);
    assert_eq!(house.post("/api/v1/people/first", None, &first(&code, "again")).await.0, 401);
    assert_eq!(house.get("/api/v1/people", Some(&admin)).await.0, 200, "who was signed in still is");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_no_name_may_look_where_it_is_written() {
    let anonymous = Anonymous::Viewer { anywhere: false };
    let house = House::open(AccessConfig { anonymous, ..AccessConfig::default() }).await;
    assert_eq!(house.get(RED, None).await.0, 200);
    assert_eq!(house.post(&format!("{RED}/ack"), None, &ack(4)).await.0, 403);
    assert_eq!(house.get("/api/v1/people", None).await.0, 403);
    assert_eq!(house.get(RED, Some("wf_unknown")).await.0, 401, "who means to be somebody is not taken for nobody");
    let rebound = house.client.get(format!("{}{RED}", house.url)).header("host", "evil.example");
    assert_eq!(rebound.send().await.expect("an answer").status().as_u16(), 401, "nor is a page of another name");
}
