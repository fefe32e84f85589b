//! `watchfire warnings` as a person on a terminal meets it: the real binary, speaking to the interface.

use std::process::Output;

use serde_json::Value;

use crate::api::serve;

async fn watchfire(url: &str, arguments: &[&str]) -> Output {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_watchfire"));
    command.arg("warnings").args(arguments).env("WATCHFIRE_URL", url).env("TZ", "Asia/Shanghai").env("LC_ALL", "C");
    command.env_remove("WATCHFIRE_LANG").env_remove("WATCHFIRE_WHO");
    command.env("XDG_CONFIG_HOME", "/nonexistent").env_remove("WATCHFIRE_TOKEN_FILE");
    tokio::task::spawn_blocking(move || command.output().expect("the binary runs")).await.expect("it ends")
}

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("text")
}

fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("text")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn warnings_are_listed_worst_first_in_the_language_asked_for() {
    let served = serve().await;
    let listed = watchfire(&served.url, &["list"]).await;
    assert_eq!(listed.status.code(), Some(0), "{}", err(&listed));
    let lines: Vec<&str> = out(&listed).lines().collect();
    assert_eq!(lines.len(), 5, "{}", out(&listed));
    assert!(lines[1].starts_with("■ Ⅰ Red") && lines[1].contains("青石站 54.47 / 54.2 m"), "{}", lines[1]);
    assert!(lines[1].contains("awaits release: issue") && lines[1].contains("1/2 ✓ 1 ↻"), "{}", lines[1]);
    // From when the reading was heard, an hour before, to the only confirmation there is.
    assert!(lines[1].ends_with("duty 1h59s840ms"), "{}", lines[1]);
    assert!(lines[2].starts_with("◆ Ⅱ Orange") && lines[2].contains("held, evidence lost"), "{}", lines[2]);
    let chinese = watchfire(&served.url, &["list", "--all", "--lang", "zh"]).await;
    assert_eq!(out(&chinese).lines().count(), 6);
    assert!(
        out(&chinese).contains("■ Ⅰ 红")
            && out(&chinese).contains("证据中断,等级保持")
            && out(&chinese).contains("已解除")
    );
    let json = watchfire(&served.url, &["list", "-o", "json"]).await;
    let ids: Vec<Value> =
        out(&json).lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["id"].clone()).collect();
    assert_eq!(ids[0], "W-20260801-0003");
    let csv = watchfire(&served.url, &["list", "-o", "csv"]).await;
    let columns = out(&csv).lines().map(|line| line.split(',').count()).collect::<Vec<_>>();
    assert_eq!(columns, [18; 5], "{}", out(&csv));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_warning_is_shown_whole() {
    let served = serve().await;
    let shown = watchfire(&served.url, &["show", "W-20260801-0003"]).await;
    for words in [
        "qingshi/stage",
        "54.41 m",
        "✓ delivered",
        "R-88120",
        "↻ failing",
        "张三",
        "2026-08-01T03:09:07+08:00",
        "duty: first +1h59s840ms",
    ] {
        assert!(out(&shown).contains(words), "{words} is not in\n{}", out(&shown));
    }
    let missing = watchfire(&served.url, &["show", "W/../x"]).await;
    assert_eq!((missing.status.code(), err(&missing)), (Some(1), "error: refused: there is no warning \"W/../x\"\n"));
    assert_eq!(out(&missing), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_act_is_done_once_by_somebody_for_a_reason() {
    let served = serve().await;
    let red = "W-20260801-0003";
    let nameless = watchfire(&served.url, &["release", red, "--why", "x"]).await;
    let told = "error: refused: who is missing: every act has a named person and a reason\n";
    assert_eq!((nameless.status.code(), err(&nameless)), (Some(1), told), "the demo's officer acts for a named person");
    let stale = watchfire(&served.url, &["release", red, "--who", "张三", "--why", "水情属实", "--seen", "3"]).await;
    assert_eq!(stale.status.code(), Some(1));
    assert_eq!(err(&stale), "error: refused: it changed since version 3: it is now version 4; look again\n");
    let released = watchfire(&served.url, &["release", red, "--who", "张三", "--why", "水情属实"]).await;
    assert_eq!(released.status.code(), Some(0), "{}", err(&released));
    assert!(out(&released).contains("released"), "{}", out(&released));
    let again = watchfire(&served.url, &["release", red, "--who", "李四", "--why", "水情属实"]).await;
    assert_eq!((again.status.code(), err(&again)), (Some(1), "error: refused: nothing waits for a signature\n"));
    let acked = watchfire(&served.url, &["ack", red, "--who", "李四", "--why", "已看", "-o", "json"]).await;
    assert_eq!(serde_json::from_str::<Value>(out(&acked)).expect("JSON")["acked_by"], "李四");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_is_not_there_is_69() {
    for url in ["http://127.0.0.1:1", "not an address", "ftp://127.0.0.1"] {
        let none = watchfire(url, &["list"]).await;
        assert_eq!(none.status.code(), Some(69), "{url}: {}", err(&none));
        assert!(err(&none).starts_with("error: no answer from ") && out(&none).is_empty(), "{}", err(&none));
    }
}
