//! Who gets in, on the real daemon: the first start, the command line, the ledger, and ten thousand who try.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use watchfire::storage::ledger::{LedgerId, LedgerReader};
use watchfire_tests::harness::daemon::{Daemon, binary};
use watchfire_tests::harness::{http, wait};

/// A county whose one sensor is silent: nobody needs it to come in.
const SITE: &str = r#"
packs = ["river"]

[site]
name = "who"
issuer = "Who County"
sender = "who.example"
zone = "Asia/Shanghai"

[[area]]
id = "430000000000"
name = "all of it"

[[station]]
id = "a"
name = "A"
area = "430000000000"

[[station.point]]
id = "stage"
quantity = "stage"
unit = "m"
interval = "5m"
resolution = 0.01
source = { key = "a" }

[[connectors.mqtt]]
name = "field"
servers = ["mqtt://127.0.0.1:1"]
client_id = "who"
topics = [{ topic = "a/+", codec = "named", id = "/id", value = "/v", time = "/ts" }]
"#;

/// What may stand in no log, no metric and no answer.
const PASSWORDS: [&str; 2] = ["PLANTED-lantern-over-the-weir", "PLANTED-second-lantern"];

/// The command line, with a home of its own beside the daemon.
fn watchfire(daemon: &Daemon, arguments: &[&str], stdin: &str) -> Output {
    let mut command = Command::new(binary());
    command.args(arguments).env("WATCHFIRE_URL", daemon.url("")).env("LC_ALL", "C");
    command.env("XDG_CONFIG_HOME", daemon.folder().join("home")).env_remove("WATCHFIRE_TOKEN_FILE");
    let typed = daemon.folder().join("typed");
    std::fs::write(&typed, stdin).expect("the folder is ours");
    command.stdin(Stdio::from(std::fs::File::open(&typed).expect("just written")));
    let output = command.output().expect("the binary can be started");
    std::fs::remove_file(typed).expect("just read");
    output
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Every deed in the ledger.
fn deeds(daemon: &Daemon) -> Vec<Value> {
    let ledger = LedgerReader::open(&daemon.data_dir().join("ledger.db")).expect("the ledger can be read");
    let records = ledger.read(LedgerId(1)).map(|record| record.expect("the ledger is whole"));
    records
        .filter_map(|record| {
            let input: Value = serde_json::from_str(&record.entry.input).expect("an input is JSON");
            input.get("deed").cloned()
        })
        .collect()
}

/// A daemon at its first start: nobody has an account.
fn started() -> Daemon {
    let mut daemon = Daemon::with(SITE);
    daemon.launch();
    daemon.ready();
    daemon
}

#[test]
fn from_the_first_code_to_a_token_and_back_out_again() {
    let mut daemon = started();
    let file = daemon.data_dir().join("first-code");
    let code = std::fs::read_to_string(&file).expect("a first start writes a code").trim().to_owned();
    assert_eq!(std::fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o600);
    assert_eq!(daemon.log().lines().filter(|line| line.contains("One-time code") && line.contains(&code)).count(), 1);

    let run = |arguments: &[&str], stdin: &str| watchfire(&daemon, arguments, stdin);
    let nobody = run(&["warnings", "list"], "");
    assert_eq!(nobody.status.code(), Some(1), "{}", said(&nobody));
    assert!(said(&nobody).contains("hint: watchfire login NAME"), "{}", said(&nobody));
    let first = run(&["people", "add", "--first", &code, "admin"], PASSWORDS[0]);
    assert!(first.status.success(), "{}", said(&first));
    assert!(!file.exists(), "it is used");
    let again = run(&["people", "add", "--first", &code, "second"], PASSWORDS[0]);
    assert_eq!(again.status.code(), Some(1), "{}", said(&again));
    assert_eq!(run(&["login", "admin"], "wrong").status.code(), Some(1));
    let login = run(&["login", "admin"], PASSWORDS[0]);
    assert!(login.status.success(), "{}", said(&login));
    let kept = daemon.folder().join("home/watchfire/token");
    assert_eq!(std::fs::metadata(&kept).expect("it is kept").permissions().mode() & 0o777, 0o600);

    for (arguments, stdin) in [
        (
            &["people", "add", "zhang", "--role", "officer", "--areas", "430000000000", "--why", "duty"][..],
            PASSWORDS[1],
        ),
        (&["people", "add", "desk", "--machine", "--acts-for", "--role", "viewer", "--why", "the desk's system"], ""),
        (&["people", "role", "desk", "officer", "--why", "it acknowledges"], ""),
        (&["people", "scope", "zhang", "--hazards", "river_flood", "--why", "water only"], ""),
    ] {
        let done = run(arguments, stdin);
        assert!(done.status.success(), "{arguments:?}: {}", said(&done));
    }
    let made = run(&["people", "token", "desk", "--days", "30", "--why", "its first"], "");
    let token = String::from_utf8_lossy(&made.stdout).trim().to_owned();
    assert!(token.starts_with("wf_"), "{}", said(&made));
    let token_file = daemon.folder().join("desk.token");
    std::fs::write(&token_file, &token).expect("the folder is ours");
    let listed = run(&["warnings", "list", "--token-file", &token_file.display().to_string()], "");
    assert!(listed.status.success(), "{}", said(&listed));
    let people = run(&["people", "list"], "");
    for line in ["admin", "machine, acts for people", "river_flood"] {
        assert!(said(&people).contains(line), "{line}: {}", said(&people));
    }
    let key = std::fs::read_to_string(&kept).expect("it is kept").lines().next().expect("a key").to_owned();

    daemon.stop();
    daemon.launch();
    daemon.ready();
    let run = |arguments: &[&str], stdin: &str| watchfire(&daemon, arguments, stdin);
    assert!(!file.exists(), "there is an account: no code");
    assert!(run(&["people", "list"], "").status.success(), "who was signed in still is");
    assert!(run(&["people", "remove", "zhang", "--why", "left"], "").status.success());
    assert!(run(&["logout"], "").status.success());
    assert!(!kept.exists());
    assert_eq!(http::get_as(&key, &daemon.url("/api/v1/people")).map(|answer| answer.status).ok(), Some(401));

    let told = wait::until("the last deed", || {
        let deeds = deeds(&daemon);
        deeds.iter().any(|deed| deed["what"]["done"] == "signed_out").then_some(deeds)
    });
    let (turned_away, told): (Vec<Value>, Vec<Value>) =
        told.into_iter().partition(|deed| deed["what"]["done"] == "turned_away");
    assert!(!turned_away.is_empty(), "the used code was tried, and a wrong password");
    let done: Vec<&str> = told.iter().filter_map(|deed| deed["what"]["done"].as_str()).collect();
    let due = ["added", "signed_in", "added", "added", "role_set", "scope_set", "token_made", "removed", "signed_out"];
    assert_eq!(done, due, "{told:#?}");
    assert!(
        told.iter().all(|deed| ["who", "why", "from"]
            .iter()
            .all(|key| deed[*key].as_str().is_some_and(|text| !text.is_empty()))),
        "{told:#?}"
    );
    assert_eq!(
        (&told[7]["who"], &told[7]["why"], &told[7]["from"]),
        (&json!("admin"), &json!("left"), &json!("127.0.0.1 cli"))
    );

    let kept_by_us = ["accounts.db", "accounts.db-wal", "ledger.db", "ledger.db-wal"];
    let read = |name: &str| std::fs::read(daemon.data_dir().join(name)).unwrap_or_default();
    let mut places: Vec<(&str, Vec<u8>)> = kept_by_us.iter().map(|name| (*name, read(name))).collect();
    places.push(("the log", daemon.log().into_bytes()));
    places.push(("/metrics", daemon.get("/metrics").expect("an answer").body));
    for (place, bytes) in &places {
        let text = String::from_utf8_lossy(bytes);
        for secret in PASSWORDS.into_iter().chain([token.as_str(), key.as_str()]) {
            assert!(!text.contains(secret), "{secret} is in {place}");
        }
    }
    assert!(places[0].1.len() + places[1].1.len() > 4_096, "the accounts were looked at");
}

#[test]
fn ten_thousand_tries_cost_neither_memory_nor_the_ledger_nor_the_officer() {
    let daemon = Daemon::start(SITE);
    let admin = daemon.admin().expect("the daemon answers").to_owned();
    let resident = || daemon.metric("process_resident_memory_bytes").expect("it is counted");
    let before = resident();
    let begun = Instant::now();
    let mut refused = [0_u32; 2];
    for n in 0..10_000_u32 {
        let name = if n % 2 == 0 { "harness".to_owned() } else { format!("nobody-{n}") };
        let wish = json!({"name": name, "password": format!("guess-{n}"), "bearer": true});
        let answer = http::post_json(&daemon.url("/api/v1/session"), "x", &wish).expect("an answer");
        match answer.status {
            401 => refused[0] += 1,
            429 => refused[1] += 1,
            other => panic!("{other}: {}", answer.text()),
        }
    }
    let took = begun.elapsed();
    assert_eq!(refused[0] + refused[1], 10_000);
    assert!(refused[0] < 30, "{refused:?}: few were even looked at");
    assert!(took < Duration::from_secs(120), "{took:?}");
    let grown = resident() - before;
    assert!(grown < 128.0 * 1_048_576.0, "{grown} bytes more");
    let told = deeds(&daemon).iter().filter(|deed| deed["what"]["done"] == "turned_away").count();
    assert!((1..=4).contains(&told), "{told} records");
    // Whoever is in goes on meanwhile.
    let asked = Instant::now();
    assert_eq!(http::get_as(&admin, &daemon.url("/api/v1/people")).map(|answer| answer.status).ok(), Some(200));
    assert!(asked.elapsed() < Duration::from_secs(1));
}

#[test]
fn accounts_that_cannot_be_read_stop_no_warning() {
    let mut daemon = Daemon::start(SITE);
    daemon.kill();
    for tail in ["", "-wal", "-shm"] {
        let path = daemon.data_dir().join(format!("accounts.db{tail}"));
        std::fs::write(path, vec![0x5a; 16_384]).expect("the folder is ours");
    }
    daemon.launch();
    daemon.ready();
    assert!(daemon.log().contains("the accounts were damaged and put aside"), "{}", daemon.log());
    assert!(daemon.data_dir().join("first-code").exists(), "the first account can be made again");
}
