//! F54: many rules over many points, two of them slow. What the rules cost names these two, readings are judged in time all
//! the while, and where they are not, those on duty are told.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use watchfire_tests::harness::publisher::Qos;
use watchfire_tests::harness::wait;

use super::load::Load;
use super::site::{self, Station};
use super::stage::{SOON, Stage, now, payload, topic};

/// A tenth of the matrix's 5,000 rules over 100,000 points; or as many tenths as `WATCHFIRE_TENTHS` says.
fn tenths() -> usize {
    std::env::var("WATCHFIRE_TENTHS").ok().and_then(|tenths| tenths.parse().ok()).unwrap_or(1)
}

/// Of one tenth.
const RULES: usize = 500;
/// Points that each rule judges, one by one.
const POINTS: usize = 20;
/// Readings a second: what a hundred thousand points say that report once a minute, and a fifth more.
const RATE: u32 = 2_000;
/// The two that are slow.
const SLOW: [usize; 2] = [7, 311];

/// Eight thousand steps and more, of the twenty thousand that a script may take.
const LOOP: &str = "let x = 0.0; let n = 0; while n < 800 { x += 1.0; n += 1; } level + x * 0.0";

fn point(rule: usize, at: usize) -> String {
    format!("r{rule:04}p{at:02}")
}

/// A station with twenty points for each rule; the configuration's own station and rule stand before them.
fn write(stage: &Stage, rules: usize) {
    let own = [Station::alone("fresh")];
    let own = site::site(&stage.broker.url(), &stage.platform.url(), &own);
    let own = own.replacen("watch = {", "watch = { stations = [\"fresh\"],", 1);
    let mut text = format!("stations_csv = \"stations.csv\"\npoints_csv = \"points.csv\"\n{own}");
    let (mut stations, mut points) =
        ("id,name,area\n".to_owned(), "station,id,quantity,unit,interval,resolution,source\n".to_owned());
    for rule in 0..rules {
        let measure = match rule {
            _ if SLOW.contains(&rule) => LOOP,
            _ if rule % 2 == 0 => "level",
            _ => "if level > 20.0 { level.last } else { level + 0.0 }",
        };
        let _ = write!(
            text,
            "\n[[rule]]\nid = \"rule-{rule:04}\"\nhazard = \"river_flood\"\nper = \"point\"\n\
             watch = {{ stations = [\"s{rule:04}\"], quantity = \"level\" }}\nmeasure = '{measure}'\nunit = \"m\"\n\
             ladder = {{ blue = 10, yellow = 20, orange = 30, red = 40 }}\nlift_margin = \"1 m\"\nresponse = \"look\"\n\
             consequence = \"water\"\ntime_to_respond = \"1h\"\n"
        );
        let _ = writeln!(stations, "s{rule:04},s{rule:04},fresh");
        for at in 0..POINTS {
            let _ = writeln!(points, "s{rule:04},p{at:02},level,m,1m,0.01 m,key:{}", point(rule, at));
        }
    }
    std::fs::write(stage.daemon.folder().join("stations.csv"), stations).expect("the folder can be written");
    std::fs::write(stage.daemon.folder().join("points.csv"), points).expect("the folder can be written");
    stage.daemon.configure(&text);
}

/// One reading of each point after the other at a steady rate; how many.
fn load(stage: &Stage, rules: usize) -> Load<usize> {
    Load::begin(stage, move |link, goes_on| {
        let begin = Instant::now();
        let mut sent = 0;
        for n in (0_u32..).take_while(|_| goes_on()) {
            let due = begin + Duration::from_secs(1) * n / RATE;
            wait::until("its turn", || (Instant::now() >= due).then_some(()));
            let place = usize::try_from(n).expect("small") % (rules * POINTS);
            let id = point(place / POINTS, place % POINTS);
            let text = payload(&id, now(), f64::from(n % 7));
            link.publish(n.into(), &topic(&id), text.as_bytes(), Qos::AtLeastOnce).expect("the broker is there");
            sent += 1;
        }
        sent
    })
}

#[test]
fn what_rules_cost_names_the_slow_ones_among_thousands_and_readings_are_judged_in_time() {
    let rules = RULES * tenths();
    let mut stage = Stage::prepare(&[Station::alone("fresh")]);
    write(&stage, rules);
    let started = Instant::now();
    stage.daemon.run();
    let started = started.elapsed();
    stage.connected();
    let mut sensor = stage.sensor();
    sensor.says("fresh", 1.0);
    let load = load(&stage, rules);
    // Every point has spoken, and most of them again.
    let (all, mut lag) = (f64::from(u32::try_from(rules * POINTS * 3 / 2).expect("small")), 0.0_f64);
    let patience = Duration::from_secs_f64(all / f64::from(RATE) * 2.0) + SOON;
    wait::within(patience, "every point to be judged", || {
        lag = lag.max(stage.daemon.metric("watchfire_judging_lag_seconds")?);
        stage.daemon.metric("watchfire_readings_judged_total").filter(|judged| *judged >= all)
    });
    stage.fresh_crossing_passes(&mut sensor, "fresh");
    let sent = load.ends();
    let report = stage.daemon.json("/api/v1/rules?order=cost&limit=3");
    let named: Vec<&str> =
        report["items"].as_array().expect("a list").iter().filter_map(|it| it["id"].as_str()).collect();
    let slow = &report["items"][1]["cost"];
    println!(
        "{rules} rules over {} points, ready after {started:?}; {sent} readings, judged {lag} s late at most; named {named:?}: {}",
        rules * POINTS,
        report["items"][0]["cost"]
    );
    assert!(SLOW.iter().all(|rule| named[..2].contains(&format!("rule-{rule:04}").as_str())), "{report}");
    let next = &report["items"][2]["cost"];
    let times = |of: &Value| of["mean_us"].as_f64().expect("a number");
    assert!(times(slow) > 2.0 * times(next), "{report}");
    assert_eq!(slow["timed"], slow["evaluations"], "each of what is slow is timed: {report}");
    assert!(lag <= 1.0, "readings were judged {lag} s late");
}

#[test]
fn judging_that_falls_behind_is_a_fault_of_ours_until_it_has_caught_up() {
    let mut stage = Stage::prepare(&[Station::alone("river")]);
    let text = site::site(&stage.broker.url(), &stage.platform.url(), &[Station::alone("river")]);
    stage.daemon.configure(&text.replace("measure = \"stage\"", "measure = \"stage + 0.0\"\nunit = \"m\""));
    let file = stage.daemon.folder().join("what-scripts-do");
    stage.daemon.by(Some(Path::new(env!("CARGO_BIN_EXE_wayward"))));
    stage.daemon.set("WAYWARD_RULE", "stage");
    stage.daemon.set("WAYWARD_WHILE", &file.display().to_string());
    stage.daemon.run();
    stage.connected();
    let mut sensor = stage.sensor();
    sensor.says("river", 1.0);
    // Each evaluation takes a fifth of a second, and there are ten a second.
    std::fs::write(&file, "drag").expect("the file can be written");
    let load = Load::begin(&stage, |link, goes_on| {
        let begin = Instant::now();
        for n in (0_u32..).take_while(|_| goes_on()) {
            let due = begin + Duration::from_millis(100) * n;
            wait::until("its turn", || (Instant::now() >= due).then_some(()));
            let text = payload("river", now(), f64::from(n % 5));
            link.publish(n.into(), &topic("river"), text.as_bytes(), Qos::AtLeastOnce).expect("the broker is there");
        }
    });
    let incident = |state: &str| {
        let found = stage.daemon.json(&format!("/api/v1/incidents?state={state}"));
        found["items"].as_array()?.iter().find(|it| it["kind"] == "judging").cloned()
    };
    let told = wait::within(Duration::from_secs(20), "judging to be told as late", || incident("open"));
    assert_eq!(told["attention"]["is"], "unacked", "{told}");
    assert!(told["reason"].as_str().is_some_and(|why| why.contains("rules list --slow")), "{told}");
    assert!(stage.daemon.metric("watchfire_judging_lag_seconds") > Some(1.0));
    assert!(stage.daemon.metric("watchfire_rules_over_budget_total") > Some(10.0));
    let slow = stage.daemon.json("/api/v1/rules?order=cost");
    assert!(slow["items"][0]["cost"]["of_budget"].as_f64().is_some_and(|part| part >= 4.0), "{slow}");
    std::fs::write(&file, "").expect("the file can be written");
    let over = wait::within(Duration::from_secs(25), "judging to keep up", || incident("closed"));
    assert!(over["until"].as_i64() > over["since"].as_i64(), "{over}");
    load.ends();
    stage.fresh_crossing_passes(&mut sensor, "river");
}
