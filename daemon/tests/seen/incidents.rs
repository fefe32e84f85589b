//! `watchfire incidents` as a person on a terminal meets it, and the same over HTTP: what many sensors share and is in
//! trouble, and which places nobody watches.

use std::process::Output;

use serde_json::Value;

use crate::alarms::{Served, found, serve_with};

/// Code, standard output and standard error of `watchfire incidents …`, by `zhang`.
async fn watchfire(url: &str, line: &str) -> (Option<i32>, String, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_watchfire"));
    command.arg("incidents").args(line.split(' ')).env("WATCHFIRE_URL", url).env("WATCHFIRE_WHO", "zhang");
    command.env("TZ", "Asia/Shanghai").env("LC_ALL", "C").env_remove("WATCHFIRE_LANG");
    let run = move || -> Output { command.output().expect("the binary runs") };
    let output = tokio::task::spawn_blocking(run).await.expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The county, where nothing is heard of the only gas head.
async fn serve() -> Served {
    serve_with(&[found("mine-gas", "mine-7", None)]).await
}

async fn json(url: &str, path: &str) -> Value {
    let answer = reqwest::get(format!("{url}/api/v1/{path}")).await.expect("an answer");
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    answer.json().await.expect("JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_gateway_is_one_line_in_both_languages_and_is_taken_note_of() {
    let served = serve().await;
    let (code, listed, err) = watchfire(&served.url, "list").await;
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let line = listed.lines().find(|line| line.contains("gateway gw-rain")).expect("the gateway");
    assert!(line.contains("still") && line.contains("not acknowledged"), "{listed}");
    let (_, chinese, _) = watchfire(&served.url, "list --lang zh").await;
    assert!(chinese.contains("网关 gw-rain") && chinese.contains("至今") && chinese.contains("未确认"), "{chinese}");
    let (_, csv, _) = watchfire(&served.url, "list -o csv").await;
    assert!(csv.contains("longtan/rain yunling/rain"), "the sensors are named: {csv}");
    let id = line.split_whitespace().next().expect("its id");
    let (code, acked, err) = watchfire(&served.url, &format!("ack {id} --why on-the-way")).await;
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(acked.contains("acknowledged by zhang"), "{acked}");
    let (code, _, err) = watchfire(&served.url, "ack I-1 --why x").await;
    assert_eq!((code, err.as_str()), (Some(1), "error: refused: there is no incident \"I-1\"\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_nobody_watches_is_said_to_be_so_and_never_safe() {
    let served = serve().await;
    let (code, listed, err) = watchfire(&served.url, "watches --unwatched").await;
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(listed.contains("UNWATCHED") && listed.contains("0/"), "{listed}");
    assert!(!listed.contains(" watched "), "{listed}");
    let (_, chinese, _) = watchfire(&served.url, "watches --lang zh").await;
    assert!(chinese.contains("监测盲区") && chinese.contains("有监测"), "{chinese}");
    let watches = json(&served.url, "watches?stands=unwatched").await;
    let unwatched = watches["items"].as_array().expect("a list");
    assert!(!unwatched.is_empty() && unwatched.iter().all(|it| it["stands"] == "unwatched"), "{watches}");
    let metrics = reqwest::get(format!("{}/metrics", served.url)).await.expect("an answer");
    let metrics = metrics.text().await.expect("text");
    for name in ["watchfire_areas_unwatched ", "watchfire_incidents_open{about=\"gateway\"}"] {
        assert!(metrics.contains(name), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stream_says_both_with_every_beat() {
    let served = serve().await;
    let mut stream = reqwest::get(format!("{}/api/v1/stream", served.url)).await.expect("an answer");
    let mut text = String::new();
    while !text.contains("event: beat") || !text.ends_with("\n\n") {
        let chunk = stream.chunk().await.expect("it goes on").expect("it does not end");
        text.push_str(std::str::from_utf8(&chunk).expect("text"));
    }
    let beat = text.split("event: beat\ndata: ").nth(1).and_then(|rest| rest.lines().next()).expect("a beat");
    let beat: Value = serde_json::from_str(beat).expect("JSON");
    assert_eq!((beat["incidents"][0]["kind"].as_str(), beat["incidents_open"].as_u64()), (Some("gateway"), Some(1)));
    let unwatched = beat["unwatched"].as_array().map(Vec::len).and_then(|many| u64::try_from(many).ok());
    assert!(unwatched > Some(0) && beat["places_unwatched"].as_u64() == unwatched, "{beat}");
}
