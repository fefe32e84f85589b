//! Which words may stand in which files: one vendor behind one file, time and chance asked for in one place each,
//! tasks and channels made in one place, and the words that may stand nowhere.

use crate::source::{Source, rust};

/// A word and where it may stand.
struct Fence {
    /// As a whole word, in code.
    word: &'static str,
    /// Files, or folders with their slash at the end.
    only: &'static [&'static str],
    /// What the fence looks at.
    over: Over,
    /// Why it is there.
    why: &'static str,
}

/// Which text a fence looks at.
#[derive(Clone, Copy, PartialEq)]
enum Over {
    /// Everything, tests too.
    All,
    /// All but test files and what is under `#[cfg(test)]`.
    Product,
}

const fn fence(word: &'static str, only: &'static [&'static str], over: Over, why: &'static str) -> Fence {
    Fence { word, only, over, why }
}

const VENDOR: &str = "one vendor, one file: so that it can be replaced, and its traps are closed in one place";
const INFLUX: &[&str] = &["daemon/src/storage/series/influx.rs", "daemon/src/storage/series/influx/"];
/// `tap` and `backtest` are commands of their own beside the daemon; each bounds what it holds.
const TASKS: &[&str] = &[
    "daemon/src/topology.rs",
    "daemon/src/topology/",
    "daemon/src/demo/",
    "daemon/src/demo.rs",
    "daemon/src/cli/tap.rs",
    "daemon/src/cli/backtest/",
];
const TASKS_WHY: &str =
    "every task and channel is made in daemon/src/topology.rs, with a bound and what happens when it is full";
const NOWHERE: &[&str] = &[];

/// Every fence. `spawn_blocking`, awaited where it stands, is a call and no task; a `oneshot` is a reply and no queue.
const FENCES: &[Fence] = &[
    fence("rumqttc", &["connectors/src/link/mqtt.rs", "connectors/src/link/mqtt/", "tests/"], Over::Product, VENDOR),
    fence(
        "tokio_modbus",
        &["connectors/src/link/modbus.rs", "connectors/src/link/modbus/", "daemon/src/demo/", "tests/"],
        Over::Product,
        VENDOR,
    ),
    fence(
        "rumqttd",
        &["daemon/src/demo/", "tests/"],
        Over::All,
        "a broker for the demo and for tests, never for service",
    ),
    fence("influxdb2", INFLUX, Over::All, VENDOR),
    fence("reqwest011", INFLUX, Over::All, "it is influxdb2's own client and nothing else's"),
    fence("prometheus", &["daemon/src/metrics.rs", "daemon/src/metrics/"], Over::All, "metrics are declared once"),
    fence("rhai", &["rules/src/engine/", "rules/examples/rhai_speed.rs"], Over::All, VENDOR),
    fence("argon2", &["daemon/src/access/password.rs"], Over::All, VENDOR),
    fence("rpassword", &["daemon/src/cli/password.rs"], Over::All, VENDOR),
    fence(
        "Router::new",
        &["daemon/src/api/routes.rs", "daemon/src/demo/", "tests/"],
        Over::Product,
        "a path of the interface can't be told without who may ask it",
    ),
    fence("rusqlite", &["daemon/src/storage/", "tests/"], Over::All, VENDOR),
    fence(
        "by_this_log",
        &[
            "rules/model/src/durable.rs",
            "daemon/src/storage/journal.rs",
            "daemon/src/storage/journal/",
            "daemon/src/storage/ledger.rs",
            "daemon/src/storage/ledger/",
        ],
        Over::Product,
        "only the journal and the ledger can say that something is on disk",
    ),
    fence("unbounded_channel", NOWHERE, Over::All, "nothing is unbounded"),
    fence("UnboundedSender", NOWHERE, Over::All, "nothing is unbounded"),
    fence("spawn(", TASKS, Over::Product, TASKS_WHY),
    fence("spawn_local(", TASKS, Over::Product, TASKS_WHY),
    fence("thread::Builder", TASKS, Over::Product, TASKS_WHY),
    fence("JoinSet::new", TASKS, Over::Product, TASKS_WHY),
    fence("mpsc::channel(", TASKS, Over::Product, TASKS_WHY),
    fence("sync_channel(", TASKS, Over::Product, TASKS_WHY),
    fence("broadcast::channel(", TASKS, Over::Product, TASKS_WHY),
    fence("watch::channel(", TASKS, Over::Product, TASKS_WHY),
    fence("getrandom", &["daemon/src/entropy.rs"], Over::Product, "chance is asked for in one place and handed down"),
    fence("RandomState", &["daemon/src/entropy.rs"], Over::Product, "chance is asked for in one place and handed down"),
    fence(
        "SystemRandom",
        &["daemon/src/entropy.rs"],
        Over::Product,
        "chance is asked for in one place and handed down",
    ),
    fence(
        "rand",
        &["daemon/src/entropy.rs", "tests/"],
        Over::Product,
        "chance is asked for in one place and handed down",
    ),
    fence("fastrand", NOWHERE, Over::Product, "chance is asked for in one place and handed down"),
    fence("Zoned::now", &["daemon/src/clock.rs"], Over::Product, "time is asked for in one place and handed down"),
    fence(
        "jiff::Timestamp::now",
        &["daemon/src/clock.rs"],
        Over::Product,
        "time is asked for in one place and handed down",
    ),
    fence("Utc::now", NOWHERE, Over::All, "time is asked for in one place and handed down"),
    fence(
        "thread::sleep",
        // A benchmark paces its load; the sources' thread lets a flood gather before it waits, where no task runs.
        &["tests/src/harness/wait.rs", "tests/src/bin/bench/", "daemon/src/topology/source_thread.rs"],
        Over::All,
        "a test waits for a condition, a task for a timer of tokio's",
    ),
    fence(
        "anyhow",
        &["daemon/src/main.rs", "daemon/src/cli/", "daemon/src/demo/", "daemon/src/demo.rs", "tests/"],
        Over::Product,
        "an error enum per boundary; anyhow only where a person reads it next",
    ),
    fence("unsafe", NOWHERE, Over::All, "forbidden"),
    fence("todo!", NOWHERE, Over::All, "nothing half done is landed"),
    fence("unimplemented!", NOWHERE, Over::All, "nothing half done is landed"),
    fence("dbg!", NOWHERE, Over::All, "nothing half done is landed"),
    fence("#[ignore", NOWHERE, Over::All, "a test that does not run proves nothing"),
    fence("#[should_panic", NOWHERE, Over::All, "a test says which refusal it expects"),
    fence("actix", NOWHERE, Over::All, "one HTTP server"),
    fence("chrono", INFLUX, Over::All, "jiff at the edge, the model's own times within"),
];

/// What a fence finds in one file: `path:line: word …`.
fn trespasses(fence: &Fence, source: &Source) -> Vec<String> {
    let inside = |place: &str| source.path == place || (place.ends_with('/') && source.path.starts_with(place));
    if fence.only.iter().any(|place| inside(place)) || (fence.over == Over::Product && source.is_test()) {
        return Vec::new();
    }
    let code = if fence.over == Over::All { &source.code } else { &source.product };
    Source::lines_with_word(code, fence.word)
        .map(|line| format!("{}:{line}: `{}` may not stand here: {}", source.path, fence.word, fence.why))
        .collect()
}

/// Where `std`'s clocks are named: as a path, in a braced `use`, or by way of the whole module.
fn std_clocks(source: &Source) -> Vec<String> {
    if source.is_test() || source.path == "daemon/src/clock.rs" {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (at, line) in source.product.lines().enumerate() {
        let named = line.match_indices("std::time::").any(|(from, path)| {
            let rest = &line[from + path.len()..];
            let names = rest.strip_prefix('{').map_or_else(
                || rest.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '*').next().unwrap_or(""),
                |group| group.split('}').next().unwrap_or(group),
            );
            names.split(',').any(|name| matches!(name.trim(), "Instant" | "SystemTime" | "*"))
        });
        let nested = line.contains("std::{") && line.contains("time::") && line.contains("Instant");
        if named || nested || line.contains("use std::time;") {
            found.push(format!("{}:{}: std's clocks are asked in daemon/src/clock.rs alone", source.path, at + 1));
        }
    }
    found
}

/// Notes of unfinished work, in comments as in code.
fn notes(source: &Source) -> Vec<String> {
    // Put together here so that this file does not find itself.
    let marks = [["FIX", "ME"], ["TO", "DO"], ["XX", "X"]].map(|halves| halves.concat());
    let mut found = Vec::new();
    for (at, line) in source.text.lines().enumerate() {
        if let Some(mark) = marks.iter().find(|mark| crate::source::has_word(line, mark)) {
            found.push(format!(
                "{}:{}: `{mark}`: finish it, or write the test that shows the lack",
                source.path,
                at + 1
            ));
        }
    }
    found
}

#[test]
fn every_word_stays_behind_its_fence() {
    let sources = rust();
    let found: Vec<String> = sources
        .iter()
        .flat_map(|source| {
            let fenced = FENCES.iter().flat_map(|fence| trespasses(fence, source));
            fenced.chain(std_clocks(source)).chain(notes(source)).collect::<Vec<_>>()
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(sources.len() > 50, "the walk over the repository found next to nothing");
}

#[test]
fn each_fence_finds_its_word_outside_and_lets_it_be_inside() {
    for fence in FENCES {
        let line = format!("fn f() {{ {} }}\n", fence.word);
        for outside in ["daemon/src/duty.rs", "connectors/src/intake.rs", "rules/src/evaluator.rs"] {
            assert_eq!(trespasses(fence, &Source::new(outside, &line)).len(), 1, "`{}` in {outside}", fence.word);
        }
        for place in fence.only {
            let inside = if place.ends_with('/') { format!("{place}a.rs") } else { (*place).to_owned() };
            assert_eq!(trespasses(fence, &Source::new(&inside, &line)).len(), 0, "`{}` in {inside}", fence.word);
        }
        let comment = format!("// {}\n", fence.word);
        assert_eq!(trespasses(fence, &Source::new("daemon/src/duty.rs", &comment)).len(), 0, "in a comment");
        let tests = format!("#[cfg(test)]\nmod tests {{\n{line}}}\n");
        let expected = usize::from(fence.over == Over::All);
        assert_eq!(trespasses(fence, &Source::new("daemon/src/duty.rs", &tests)).len(), expected, "`{}`", fence.word);
    }
}

#[test]
fn std_clocks_are_found_however_they_are_named() {
    for bad in [
        "let t = std::time::Instant::now();",
        "use std::time::{Duration, Instant};",
        "use std::time::SystemTime;",
        "use std::time;",
        "use std::{fs, time::Instant};",
        "use std::time::*;",
    ] {
        assert_eq!(std_clocks(&Source::new("daemon/src/duty.rs", bad)).len(), 1, "{bad}");
        assert_eq!(std_clocks(&Source::new("daemon/src/clock.rs", bad)).len(), 0, "{bad}");
    }
    for good in [
        "use std::time::Duration;",
        "use tokio::time::Instant;",
        "// std::time::Instant",
        "let d: std::time::Duration;",
    ] {
        assert_eq!(std_clocks(&Source::new("daemon/src/duty.rs", good)).len(), 0, "{good}");
    }
}

#[test]
fn notes_of_unfinished_work_are_found_in_comments_too() {
    let mark = ["FIX", "ME"].concat();
    assert_eq!(notes(&Source::new("daemon/src/duty.rs", &format!("// {mark}: later\nlet a = 1;\n"))).len(), 1);
    assert_eq!(notes(&Source::new("daemon/src/duty.rs", "// prefix method\n")).len(), 0);
}
