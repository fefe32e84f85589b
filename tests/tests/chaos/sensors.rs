//! The life of a sensor, on the real daemon: calibrated by command with its readings coming in, killed in the middle,
//! given back; and who hears what it says meanwhile.

use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Value, json};
use watchfire_tests::harness::daemon::binary;
use watchfire_tests::harness::http::{self, Answer};
use watchfire_tests::harness::wait;

use super::site::{self, Station};
use super::stage::{self, SOON, Sensor, Stage};

/// Long enough for a machine that is busy with something else.
const QUIET: Duration = Duration::from_secs(2);

struct Scene {
    stage: Stage,
    sensor: Sensor,
    officer: String,
}

impl Scene {
    fn begin(stage: Stage) -> Self {
        let sensor = stage.calm(&["river", "fresh"]);
        let officer = stage.daemon.desk("officer");
        Self { stage, sensor, officer }
    }

    fn start() -> Self {
        Self::begin(Stage::start(&[Station::alone("river"), Station::alone("fresh")]))
    }

    fn asks(&self, who: &str, act: &str, more: &Value) -> Answer {
        let mut body = json!({"who": who, "why": "the yearly check"});
        for (key, value) in more.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        let url = self.stage.daemon.url(&format!("/api/v1/sensors/river/stage/{act}"));
        http::post_as(&self.officer, &url, &body).expect("the daemon answers")
    }

    fn calibrates(&self, who: &str) -> Value {
        let answer = self.asks(who, "calibrate", &json!({"lasting": "30m"}));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// The command line, as a program that acts for people.
    fn command(&self, arguments: &[&str]) -> Output {
        let token = self.stage.daemon.folder().join("token");
        std::fs::write(&token, &self.officer).expect("the folder is ours");
        let mut command = Command::new(binary());
        command.args(arguments).env("WATCHFIRE_URL", self.stage.daemon.url("")).env("LC_ALL", "C");
        command.env("WATCHFIRE_TOKEN_FILE", token).output().expect("the binary can be started")
    }

    fn evidence(&self) -> Option<String> {
        let answer = self.stage.daemon.get("/api/v1/alarms/stage/river").filter(|answer| answer.status == 200)?;
        answer.json()["evidence"]["is"].as_str().map(str::to_owned)
    }

    fn said(&self, channel: &str) -> Vec<String> {
        let said = self.stage.bulletins(channel, "river");
        said.into_iter().map(|bulletin| format!("{} {}", bulletin.class, bulletin.grade)).collect()
    }
}

#[test]
fn a_calibration_is_kept_through_a_kill_and_over_the_limit_in_it_is_for_those_on_duty_alone() {
    let mut scene = Scene::start();
    let shown = scene.calibrates("wang");
    assert_eq!(shown["calibration"]["by"], "wang", "{shown}");
    scene.stage.daemon.kill();
    scene.stage.daemon.run();
    scene.stage.connected();
    assert_eq!(scene.stage.daemon.json("/api/v1/sensors")["items"][0]["calibration"]["by"], "wang");
    scene.sensor.says("river", 45.0);
    scene.stage.hears(SOON, "duty", "river", "warning.raised", "red");
    wait::never(QUIET, "the public has heard of a calibration", || scene.said("public").pop());
    let point = scene.stage.point("river")["latest"].clone();
    assert_eq!((point["flag"].as_str(), point["value"].as_f64()), (Some("not_evaluated"), Some(45.0)), "{point}");
    let listed = scene.command(&["sensors", "list"]);
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains("river/stage") && listed.contains("calibrating") && listed.contains("wang"), "{listed}");

    let back = scene.command(&["sensors", "return", "river/stage", "--who", "wang", "--why", "done"]);
    assert!(back.status.success(), "{}", String::from_utf8_lossy(&back.stderr));
    scene.stage.hears(SOON, "duty", "river", "warning.cleared", "red");
    scene.sensor.says("river", 1.0);
    scene.stage.fresh_crossing_passes(&mut scene.sensor, "river");
    let (config, data) = (scene.stage.daemon.config(), scene.stage.daemon.data_dir());
    let report = Command::new(binary())
        .args(["report", "--running", "--data-dir"])
        .arg(data)
        .arg("--config")
        .arg(config)
        .output();
    let report = report.expect("the binary can be started");
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(report.contains("river/stage") && report.contains("wang"), "{report}");
    scene.stage.fresh_crossing_passes(&mut scene.sensor, "fresh");
}

#[test]
fn while_yellow_stands_it_takes_two_people_and_holds_the_grade() {
    let mut scene = Scene::start();
    scene.sensor.says("river", 22.0);
    scene.stage.hears(SOON, "public", "river", "warning.raised", "yellow");
    let first = scene.calibrates("wang");
    assert_eq!((first["asked"]["by"].as_str(), first["calibration"].is_null()), (Some("wang"), true), "{first}");
    let same = scene.asks("wang", "calibrate", &json!({"lasting": "30m", "why": "asked again"}));
    assert_eq!(same.status, 409, "{}", same.text());
    assert!(same.text().contains("a second person must sign"), "{}", same.text());
    let second = scene.calibrates("li");
    assert_eq!(second["calibration"]["by"], "li", "{second}");
    wait::until("the alarm to say so", || scene.evidence().filter(|evidence| evidence == "calibrating"));
    scene.sensor.says("river", 1.0);
    wait::never(QUIET, "a calibration has ended a grade", || {
        scene.said("public").into_iter().find(|said| said.starts_with("warning.cleared") || said.contains("downgraded"))
    });
    scene.stage.fresh_crossing_passes(&mut scene.sensor, "fresh");
}

#[test]
fn nobody_without_the_right_calibrates_and_nobody_calibrates_what_is_not_there() {
    let scene = Scene::start();
    let viewer = scene.stage.daemon.desk("viewer");
    let body = json!({"who": "wang", "why": "no", "lasting": "30m"});
    let url = scene.stage.daemon.url("/api/v1/sensors/river/stage/calibrate");
    let answer = http::post_as(&viewer, &url, &body).expect("the daemon answers");
    assert_eq!(answer.status, 403, "{}", answer.text());
    let url = scene.stage.daemon.url("/api/v1/sensors/river/nothing/calibrate");
    let answer = http::post_as(&scene.officer, &url, &body).expect("the daemon answers");
    assert_eq!(answer.status, 404, "{}", answer.text());
}

/// A red of an ordinary rule: those on duty hear at once, the public with the second sample.
#[test]
fn the_public_hears_of_red_with_the_second_sample() {
    let stations = [Station::alone("river"), Station::alone("fresh")];
    let mut stage = Stage::prepare(&stations);
    let text = site::site(&stage.broker.url(), &stage.platform.url(), &stations);
    assert!(text.contains("class = \"instant\""), "{text}");
    stage.daemon.configure(&text.replace("class = \"instant\"", "class = \"ordinary\""));
    stage.daemon.run();
    stage.connected();
    let mut scene = Scene::begin(stage);
    scene.sensor.says("river", 1.2);
    scene.sensor.says("river", 45.0);
    scene.stage.hears(SOON, "duty", "river", "warning.raised", "red");
    scene.stage.hears(SOON, "public", "river", "warning.raised", "orange");
    wait::never(QUIET, "one sample was enough", || {
        scene.said("public").into_iter().find(|said| said.ends_with(" red"))
    });
    scene.sensor.says("river", 45.1);
    scene.stage.hears(SOON, "public", "river", "warning.upgraded", "red");
}

/// For a while the river spoke in another scale: what rests on that is proposed to people, flagged in the store through a
/// kill, and stands until good readings end it.
#[test]
fn a_poisoned_past_is_flagged_and_what_rests_on_it_is_proposed() {
    let mut scene = Scene::start();
    let from = stage::now();
    scene.sensor.says("river", 45.0);
    scene.stage.hears(SOON, "public", "river", "warning.raised", "red");
    let (since, to) = (instant(from), instant(stage::now()));
    let words = ["--who", "wang", "--why", "scale", "--from", &since, "--to", &to];
    let told = scene.command(&[&["sensors", "invalidate", "river/stage"], &words[..]].concat());
    let told = format!("{}{}", String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
    assert!(told.contains("stage river: red → clear   watchfire alarms set-grade stage/river"), "{told}");
    wait::never(QUIET, "it was taken back from the public", || {
        scene.said("public").into_iter().find(|said| !said.starts_with("warning.raised"))
    });
    scene.stage.daemon.kill();
    scene.stage.daemon.run();
    scene.stage.connected();
    let history = format!("/api/v1/points/river/stage/readings?from={from}&to={}", from + 600_000);
    wait::until("the store to flag it", || {
        let stored = scene.stage.daemon.json(&history);
        let bad = |sample: &Value| sample[1] == json!(45.0) && sample[2] == json!(4);
        stored["samples"].as_array().into_iter().flatten().any(bad).then_some(())
    });
    let kept = scene.stage.daemon.json("/api/v1/sensors")["items"][0]["invalidated"].clone();
    assert_eq!((kept["by"].as_str(), kept["corrections"][0]["stands"].as_str()), (Some("wang"), Some("red")), "{kept}");
    // As after a fault it is believed once it has been good for a while.
    for _ in 0..6 {
        scene.sensor.says("river", 1.0);
    }
    wait::until("good readings to end the grade", || {
        let alarm = scene.stage.daemon.get("/api/v1/alarms/stage/river").filter(|answer| answer.status == 200)?.json();
        alarm["judged"].is_null().then_some(())
    });
    // What the public was told of red ends by a signature, as ever.
    assert_eq!(scene.said("public"), ["warning.raised red"]);
    let wrong = [
        &["sensors", "invalidate", "river/stage"],
        &["--who", "wang", "--why", "x", "--from", &to, "--to", &since][..],
    ];
    let refused = scene.command(&wrong.concat());
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && why.contains("7d at most"), "{why}");
    scene.stage.fresh_crossing_passes(&mut scene.sensor, "fresh");
}

/// §8: what was taken back is laid before people, outlives a kill, and reaches the public by one command of a named person.
#[test]
fn what_was_told_of_a_poisoned_past_is_withdrawn_by_one_command_and_never_by_itself() {
    let mut scene = Scene::start();
    let from = stage::now();
    scene.sensor.says("river", 45.0);
    scene.stage.hears(SOON, "public", "river", "warning.raised", "red");
    let (since, to) = (instant(from), instant(stage::now()));
    let words = ["--who", "wang", "--why", "feet for metres", "--from", &since, "--to", &to];
    let told = scene.command(&[&["sensors", "invalidate", "river/stage"], &words[..]].concat());
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.contains("watchfire warnings correct"), "{told}");
    let prepared = |scene: &Scene| {
        let warnings = scene.stage.daemon.json("/api/v1/warnings?state=live");
        let warning = warnings["items"].as_array()?.iter().find(|it| it["correction"].is_object())?;
        Some((warning["id"].as_str()?.to_owned(), warning["correction"].clone()))
    };
    let (id, correction) = wait::within(SOON, "the correction to be prepared", || prepared(&scene));
    assert_eq!((&correction["class"], &correction["grade"]), (&json!("cancel"), &Value::Null), "{correction}");
    assert!(correction["because"].as_str().is_some_and(|it| it.contains("feet for metres (wang)")), "{correction}");
    scene.stage.daemon.kill();
    scene.stage.daemon.run();
    scene.stage.connected();
    assert_eq!(prepared(&scene), Some((id.clone(), correction)), "it outlives a kill");
    wait::never(QUIET, "it was taken back from the public", || {
        scene.said("public").into_iter().find(|said| !said.starts_with("warning.raised"))
    });
    let listed = scene.command(&["warnings", "list"]);
    assert!(String::from_utf8_lossy(&listed.stdout).contains("a correction to"), "{listed:?}");
    let signed = scene.command(&["warnings", "correct", &id, "--who", "li", "--why", "the gauge was read in feet"]);
    assert!(signed.status.success(), "{}", String::from_utf8_lossy(&signed.stderr));
    for channel in ["duty", "public"] {
        scene.stage.hears(SOON, channel, "river", "warning.cancelled", "red");
    }
    let again = scene.command(&["warnings", "correct", &id, "--who", "li", "--why", "again"]);
    assert!(!again.status.success(), "{}", String::from_utf8_lossy(&again.stdout));
    scene.stage.fresh_crossing_passes(&mut scene.sensor, "fresh");
}

/// A new device is taken over by command; it says so, and the river goes on being watched.
#[test]
fn a_device_is_taken_over_by_command() {
    let mut scene = Scene::start();
    let taken = scene.command(&["sensors", "commission", "river/stage", "--who", "wang", "--why", "a new float"]);
    let told = String::from_utf8_lossy(&taken.stdout).into_owned();
    assert!(taken.status.success() && told.contains("taken over"), "{told}{}", String::from_utf8_lossy(&taken.stderr));
    let listed = scene.stage.daemon.json("/api/v1/sensors")["items"][0].clone();
    assert!(listed["commissioned"]["at"].is_i64(), "{listed}");
    scene.stage.fresh_crossing_passes(&mut scene.sensor, "river");
}

fn instant(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).expect("it is now").to_string()
}
