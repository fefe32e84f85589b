//! `watchfire alarms` as a person on a terminal meets it: the real binary, the real interface, and a real Desk behind it.

use std::process::Output;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use watchfire::access::Access;
use watchfire::api::{self, Api};
use watchfire::metrics::Metrics;
use watchfire::outlooks::Outlooks;
use watchfire::views::{Asked, DeskView, Views, Wish};
use watchfire_model::doubt::{Because, Doubt};
use watchfire_model::finding::{Change, Evidence, Finding};
use watchfire_model::grade::Grade;
use watchfire_model::id::Seq;
use watchfire_model::incident::{About, Outage, Sensor};
use watchfire_model::mode::Live;
use watchfire_model::outlook::{Outlook, Recovering, Rising};
use watchfire_model::time::{Now, Span, Steady};
use watchfire_rules::desk::{Desk, Event, Input};

use crate::county::{County, NOW, Night};

const AT: Now = Now { wall: NOW, steady: Steady(86_400_000) };

fn finding(station: &str, judged: Option<Grade>) -> Finding {
    found("river-stage", station, judged)
}

/// What a rule finds on a station: a grade, or that nothing is heard.
pub(crate) fn found(rule: &str, station: &str, judged: Option<Grade>) -> Finding {
    Finding {
        rule: rule.into(),
        subject: station.into(),
        n: 1,
        seq: Seq(1),
        revision: watchfire_model::id::Revision::default(),
        change: if judged.is_some() { Change::Raised } else { Change::Evidence },
        from: None,
        judged,
        pending: None,
        evidence: if judged.is_some() { Evidence::Good } else { Evidence::NoData { since: NOW } },
        at: NOW,
        onset: NOW,
        value: Some(54.47),
        threshold: Some(54.2),
        causes: Vec::new(),
        heard_at: None,
        doubt: None,
    }
}

fn view(desk: &Desk<Live>) -> DeskView {
    DeskView { version: 2, ..DeskView::of(desk, AT) }
}

pub(crate) struct Served {
    pub(crate) url: String,
    stop: CancellationToken,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What is under way where it is: `liuxi` rises, `xiaba` falls.
fn under_way() -> [Outlook; 2] {
    let outlook = |subject: &str, rising, recovering| Outlook {
        rule: "river-stage".into(),
        subject: subject.into(),
        rising,
        recovering,
    };
    let rising = Rising {
        grade: Grade::Orange,
        since: NOW - Span::minutes(1),
        samples: 2,
        of_samples: Some(3),
        covered: Span::minutes(1),
        of_covered: Some(Span::minutes(5)),
        over_at: Some(NOW + Span::minutes(1)),
        overdue_since: None,
    };
    let recovering = Recovering {
        towards: Some(Grade::Yellow),
        since: NOW - Span::minutes(20),
        covered: Span::minutes(20),
        of_covered: Span::hours(1),
        hold_left: Span::ZERO,
        lower_at: Some(NOW + Span::minutes(40)),
        overdue_since: None,
    };
    [outlook("liuxi", Some(rising), None), outlook("xiaba", None, Some(recovering))]
}

/// A yellow stage at `qingshi`, a red one at `xiaba`, and `liuxi` without data. The gateway of both rain gauges is silent.
async fn serve() -> Served {
    serve_with(&[]).await
}

/// The same, and what else is found.
pub(crate) async fn serve_with(more: &[Finding]) -> Served {
    serve_where(more, |_| ()).await
}

/// The same with other views.
pub(crate) async fn serve_where(more: &[Finding], change: impl FnOnce(&mut Views)) -> Served {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let County { mut views, desk: published, mut asked } = County::new(true);
    change(&mut views);
    views.outlooks = Arc::new(Outlooks::of(under_way().into_iter()));
    let mut desk = Desk::<Live>::new(Arc::clone(&views.site));
    for (station, judged) in [("qingshi", Some(Grade::Yellow)), ("xiaba", Some(Grade::Red)), ("liuxi", None)] {
        let _ = desk.step(AT, &Input::Finding(finding(station, judged)));
    }
    for finding in more {
        let _ = desk.step(AT, &Input::Finding(finding.clone()));
    }
    let sensor = |station: &str| Sensor { station: station.into(), point: "rain".into() };
    let _ = desk.step(
        AT,
        &Input::Outage(Outage {
            about: About::Gateway { gateway: "gw-rain".into() },
            seq: Seq(9),
            since: NOW - Span::minutes(40),
            until: None,
            sensors: vec![sensor("longtan"), sensor("yunling")],
            reason: String::new(),
        }),
    );
    published.send_replace(Arc::new(view(&desk)));
    let stop = CancellationToken::new();
    let served = Api {
        views,
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
    tokio::spawn(async move {
        while let Some(Asked { wish, answer }) = asked.recv().await {
            let input = match wish {
                Wish::Command(command) => Input::Command(command),
                Wish::Deed(deed) => Input::Deed(deed),
            };
            let events = desk.step(AT, &input);
            let refusal = events.iter().find_map(Event::refusal).cloned();
            published.send_replace(Arc::new(view(&desk)));
            let _ = answer.send(refusal.map_or(Ok(()), Err));
        }
    });
    Served { url, stop }
}

impl Served {
    /// Code, standard output and standard error of `watchfire alarms …`, by `zhang` who has seen it.
    async fn alarms(&self, line: &str) -> (Option<i32>, String, String) {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_watchfire"));
        command.arg("alarms").args(line.split(' ')).env("WATCHFIRE_URL", &self.url).env("WATCHFIRE_WHO", "zhang");
        command.env("TZ", "Asia/Shanghai").env("LC_ALL", "C").env_remove("WATCHFIRE_LANG");
        let run = move || -> Output { command.output().expect("the binary runs") };
        let output = tokio::task::spawn_blocking(run).await.expect("it ends");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// The hazard and area of the yellow stage.
    async fn place(&self) -> (String, String) {
        let alarm: Value = serde_json::from_str(&self.done("show river-stage/qingshi -o json").await).expect("JSON");
        let text = |at: &str| alarm.pointer(at).and_then(Value::as_str).expect("a text").to_owned();
        (text("/hazard"), text("/area"))
    }

    async fn done(&self, line: &str) -> String {
        let (code, out, err) = self.alarms(line).await;
        assert_eq!((code, err.as_str()), (Some(0), ""), "{line}");
        out
    }

    async fn refused(&self, line: &str) -> String {
        let (code, _, err) = self.alarms(line).await;
        assert_eq!(code, Some(1), "{line}: {err}");
        err
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alarms_are_listed_worst_first_in_both_languages() {
    let served = serve().await;
    let listed = served.done("list").await;
    let lines: Vec<&str> = listed.lines().collect();
    assert!(lines[1].starts_with("■ Ⅰ Red") && lines[1].contains("river-stage/xiaba"), "{listed}");
    assert!(lines[2].starts_with("▲ Ⅲ Yellow") && lines[2].contains("not acknowledged"), "{listed}");
    assert!(lines[3].contains("no data") && lines[3].contains("fault not acknowledged"), "{listed}");
    let chinese = served.done("list --lang zh").await;
    assert!(chinese.contains("■ Ⅰ 红") && chinese.contains("故障未确认") && chinese.contains("抑制"), "{chinese}");
    assert_eq!(served.done("list --shelved").await, "No such alarms.\n");
    let csv = served.done("list -o csv").await;
    assert_eq!(csv.lines().map(|line| line.split(',').count()).collect::<Vec<_>>(), [22; 4], "{csv}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_coming_what_is_in_doubt_and_what_chatters_is_said() {
    let n = |n, finding: Finding| Finding { n, at: NOW + Span::seconds(i64::try_from(n).unwrap_or(0)), ..finding };
    let few = Doubt { because: Because::Few, sure: Some(Grade::Orange), lasting: Some(Span::minutes(5)) };
    let red = Finding { change: Change::Raised, doubt: Some(few), ..finding("qingshi", Some(Grade::Red)) };
    let mut more = vec![n(2, red)];
    for turn in 2..8_u64 {
        let grade = (turn % 2 == 0).then_some(Grade::Blue);
        let change = if grade.is_some() { Change::Raised } else { Change::Lifted };
        more.push(n(turn, Finding { change, evidence: Evidence::Good, ..finding("liuxi", grade) }));
    }
    let (change, pending, evidence) = (Change::Pending, Some(Grade::Orange), Evidence::Good);
    more.push(n(8, Finding { change, pending, evidence, ..finding("liuxi", None) }));
    let served = serve_with(&more).await;
    let listed = served.done("list").await;
    let line = |alarm: &str| {
        let found = listed.lines().find(|line| line.contains(alarm));
        found.unwrap_or_else(|| panic!("no {alarm} in\n{listed}")).to_owned()
    };
    assert!(line("river-stage/qingshi").contains("not public yet: one sensor, few samples"), "{listed}");
    let still = line("river-stage/liuxi");
    assert!(still.contains("pending ◆ Ⅱ Orange, 2 of 3 samples, 1m/5m, expected "), "{listed}");
    assert!(still.contains("chatters: falls are not said"), "{listed}");
    let falls = line("river-stage/xiaba");
    assert!(
        falls.contains("recovering towards ▲ Ⅲ Yellow since ") && falls.contains(", 20m/1h, expected "),
        "{listed}"
    );
    let csv = served.done("list -o csv").await;
    assert!(csv.contains(",,few,false,,,\n") && csv.contains(",orange,,true,2") && csv.contains(",yellow,2"), "{csv}");
    let chinese = served.done("list --lang zh").await;
    assert!(
        ["待定", "已有 2/3 个样本", "起回落,趋向", "预计", "暂不对外", "抖动"]
            .iter()
            .all(|word| chinese.contains(word)),
        "{chinese}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alarm_is_taken_note_of_done_and_talked_about() {
    let served = serve().await;
    let alarm = "river-stage/xiaba --why seen";
    assert!(served.refused(&format!("confirm {alarm}")).await.contains("is acknowledged before it is confirmed"));
    assert!(served.done(&format!("ack {alarm}")).await.contains("acknowledged by zhang"));
    assert!(served.done(&format!("confirm {alarm}")).await.contains("done, by zhang"));
    assert!(served.done(&format!("assign {alarm} --to li")).await.contains("in the hands of li"));
    served.done("comment river-stage/xiaba --why 已通知村组").await;
    let shown = served.done("show river-stage/xiaba").await;
    for words in ["acknowledged", "confirmed", "handed to li: seen", "已通知村组"] {
        assert!(shown.contains(words), "{words} is not in\n{shown}");
    }
    assert!(served.done(&format!("unack {alarm}")).await.contains("not acknowledged"));
    assert!(served.refused(&format!("ack {alarm} --seen 9")).await.contains("look again"));
    assert!(served.refused(&format!("reset {alarm}")).await.contains("it is reset once it is clear"));
    assert!(served.done("ack river-stage/liuxi --fault --why crew").await.contains("fault acknowledged by zhang"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alarm_is_put_aside_within_its_limits_and_listed_so() {
    let served = serve().await;
    let alarm = "river-stage/qingshi --why works";
    let limit = served.refused(&format!("shelve {alarm} --for 9h")).await;
    assert_eq!(limit, "error: refused: up to yellow an alarm may be shelved for 8h at most\n");
    assert!(served.refused(&format!("shelve {alarm} --for soon")).await.contains("is not a length of time"));
    assert!(served.refused("shelve river-stage/xiaba --why x --for 1h").await.contains("red is never shelved"));
    let shelved = served.done(&format!("shelve {alarm} --for 8h")).await;
    assert!(shelved.contains("shelved ≤ ▲ Ⅲ Yellow → 2026-08-01T11:12:07+08:00 (zhang)"), "{shelved}");
    assert_eq!(served.done("list --shelved").await.lines().count(), 2);
    assert_eq!(served.done("list --suppressed -o json").await.lines().count(), 1);
    served.done(&format!("unshelve {alarm}")).await;
    assert!(served.done(&format!("out-of-service {alarm} --for 2h")).await.contains("out of service asked by zhang"));
    assert!(served.refused(&format!("out-of-service {alarm} --for 2h")).await.contains("a second person"));
    let agreed = served.done(&format!("out-of-service {alarm} --for 2h --who li")).await;
    assert!(agreed.contains("out of service →"), "{agreed}");
    assert!(!served.done(&format!("in-service {alarm}")).await.contains("out of service"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_saw_is_taken_down_and_stands_until_it_is_over() {
    let served = serve().await;
    let (hazard, area) = served.place().await;
    let report = format!("report 上游桥 --hazard {hazard} --area {area} --by 村长老李 --why 水漫桥面");
    let told = served.done(&format!("{report} --grade orange --seen 2026-08-01T03:00:00+08:00")).await;
    let id = format!("reported:{hazard}/上游桥");
    assert!(told.contains(&id) && told.contains("Ⅱ Orange"), "{told}");
    let shown = served.done(&format!("show {id}")).await;
    for words in ["上游桥", "by 村长老李: 水漫桥面", "not acknowledged"] {
        assert!(shown.contains(words), "{words} is not in\n{shown}");
    }
    assert!(served.done(&format!("ack {id} --why heard")).await.contains("acknowledged by zhang"));
    served.done(&format!("{report} --grade clear")).await;
    assert!(!served.done("list").await.contains("Ⅱ Orange"));
    assert!(served.refused(&format!("{report} --grade clear")).await.contains("nothing is reported of"));
    assert!(served.refused(&format!("{report} --grade pink")).await.contains("`grade`: \"pink\" is not a grade"));
    assert!(served.refused(&format!("{report} --grade red --seen noon")).await.contains("`seen_at` is neither"));
    let nowhere = format!("report x --hazard {hazard} --area nowhere --by me --why x --grade red");
    assert!(served.refused(&nowhere).await.contains("no area \"nowhere\""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_sets_a_grade_for_a_time() {
    let served = serve().await;
    let set = "set-grade river-stage/qingshi --why camera";
    assert!(served.done(&format!("{set} --grade orange --for 2h")).await.contains("Ⅱ Orange"));
    assert!(served.refused(&format!("{set} --grade orange --for 0s")).await.contains("must last for some time"));
    assert!(served.refused(&format!("{set} --grade dark --for 1h")).await.contains("is not a grade"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_wrongly_is_refused_in_words() {
    let served = serve().await;
    assert!(served.refused("ack qingshi --why seen").await.contains("names no alarm; write rule/subject"));
    assert!(served.refused("show river-stage/nowhere").await.contains("there is no alarm"));
    assert!(served.refused("comment river-stage/nowhere --why x").await.contains("no alarm \"river-stage/nowhere\""));
    let client = reqwest::Client::new();
    let post = |act: &str, body: Value| {
        client.post(format!("{}/api/v1/alarms/river-stage/qingshi/{act}", served.url)).json(&body).send()
    };
    for (act, body, status, words) in [
        ("ack", json!({"who": "zhang", "why": "seen"}), 400, "`version` is missing"),
        ("shelve", json!({"who": "zhang", "why": "seen"}), 400, "`lasting` is missing"),
        ("shelve", json!({"who": "zhang", "why": "seen", "lasting": "1h", "upto": "pink"}), 400, "pink"),
        ("comment", json!({"who": "", "why": "seen"}), 400, "who is missing"),
        ("dance", json!({"who": "zhang", "why": "seen"}), 404, "there is no path"),
    ] {
        let answer = post(act, body).await.expect("an answer");
        assert_eq!(answer.status().as_u16(), status, "{act}");
        let text = answer.text().await.expect("a body");
        assert!(text.contains(words), "{words} is not in {text}");
    }
}

#[tokio::test]
async fn the_alarm_that_waits_longest_for_a_person_is_measured() {
    let mut desk = Desk::<Live>::new(Arc::clone(&County::new(true).views.site));
    let later = |seconds| Now { wall: NOW + Span::seconds(seconds), steady: Steady(86_400_000 + seconds * 1_000) };
    let _ = desk.step(AT, &Input::Finding(finding("qingshi", Some(Grade::Yellow))));
    let _ = desk.step(later(60), &Input::Finding(finding("xiaba", Some(Grade::Red))));
    let metrics = Metrics::new();
    metrics.desk(&DeskView::of(&desk, later(90)));
    let text = metrics.render(&[]);
    let longest = text.lines().find_map(|line| line.strip_prefix("watchfire_alarms_unacknowledged_longest_seconds "));
    assert_eq!(longest, Some("90"), "{text}");
}
