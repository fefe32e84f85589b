//! `watchfire rules` as a person on a terminal meets it, and the same over HTTP: what the rules in force cost.

use std::process::Output;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use watchfire::vigil::Vigil;
use watchfire_rules::engine::Overseer as _;
use watchfire_rules::ruleset::RuleSet;

use crate::alarms::{Served, serve_where};

/// Code, standard output and standard error of `watchfire rules …`.
async fn watchfire(url: &str, line: &str) -> (Option<i32>, String, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_watchfire"));
    command
        .arg("rules")
        .args(line.split(' '))
        .env("WATCHFIRE_URL", url)
        .env("LC_ALL", "C")
        .env_remove("WATCHFIRE_LANG");
    let run = move || -> Output { command.output().expect("the binary runs") };
    let output = tokio::task::spawn_blocking(run).await.expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The county, where one evaluation of `slope-rate` has taken longer than one may, and `mine-gas` was never evaluated.
async fn serve() -> Served {
    serve_where(&[], |views| {
        let rules = RuleSet::compile(Arc::clone(&views.site)).expect("the county's rules are sound");
        let vigil = Vigil::over(Arc::new(rules));
        for (rule, takes) in [(0, Duration::ZERO), (2, Duration::from_millis(51))] {
            vigil.clocks();
            let begun = Instant::now();
            while begun.elapsed() < takes {
                std::hint::spin_loop();
            }
            vigil.clocked(rule, 1);
            vigil.costs().judged(begun.elapsed());
        }
        views.costs = Arc::clone(vigil.costs());
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rule_that_takes_the_time_comes_first_with_how_much_of_the_budget_it_took() {
    let served = serve().await;
    let (code, listed, err) = watchfire(&served.url, "list --slow").await;
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let lines: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    let order: Vec<&str> = lines.iter().map(|line| line[0]).collect();
    assert_eq!(order, ["RULE", "slope-rate", "river-stage", "mine-gas"]);
    assert!(lines[1][1] == "native" && lines[1][5] == "ms" && lines[2][5] == "µs", "{listed}");
    let (_, one, _) = watchfire(&served.url, "list --slow 1 --lang zh").await;
    assert_eq!(one.lines().count(), 2, "{one}");
    assert!(one.starts_with("规则") && one.contains("内置"), "{one}");
    let (_, all, _) = watchfire(&served.url, "list -o csv").await;
    let order: Vec<&str> = all.lines().filter_map(|line| line.split(',').next()).collect();
    assert_eq!(order, ["id", "mine-gas", "river-stage", "slope-rate"]);
    assert!(
        all.lines().nth(1).is_some_and(|line| line.ends_with("native,1,false,0,0,0.0,0.0,50000.0,0.0,0,0.0")),
        "{all}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn costs_are_told_over_http_and_as_metrics_without_a_label_for_each_rule() {
    let served = serve().await;
    let get = async |path: &str| reqwest::get(format!("{}{path}", served.url)).await.expect("an answer");
    let text = get("/api/v1/rules?order=cost&limit=1").await.text().await.expect("text");
    let page: Value = serde_json::from_str(&text).expect("JSON");
    let slow = &page["items"][0];
    assert_eq!((slow["id"].as_str(), slow["cost"]["over_budget"].as_u64()), (Some("slope-rate"), Some(1)));
    assert!(slow["cost"]["of_budget"].as_f64().is_some_and(|part| part > 1.0), "{slow}");
    assert!(slow["cost"]["share"].as_f64().is_some_and(|share| share > 0.9 && share <= 1.0), "{slow}");
    let next = page["next"].as_str().expect("there are more");
    let after = get(&format!("/api/v1/rules?order=cost&after={}", next.replace('|', "%7C"))).await;
    let after: Value = serde_json::from_str(&after.text().await.expect("text")).expect("JSON");
    assert_eq!(after["items"].as_array().map(Vec::len), Some(2), "{after}");
    let metrics = get("/metrics").await.text().await.expect("text");
    assert!(metrics.contains("\nwatchfire_rules_over_budget_total 1\n"), "{metrics}");
    assert!(!metrics.contains("slope-rate"), "rules are no labels");
    let refused = get("/api/v1/rules?order=size").await;
    assert_eq!(refused.status(), 400);
}
