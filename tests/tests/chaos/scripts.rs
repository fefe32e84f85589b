//! F51, F52: a function that a script calls fails inside, or does not come back. The one is its rule's error and nobody
//! else's; the other costs a restart, after which that rule is stopped and everybody else goes on, or the preview in which
//! it happens.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use watchfire_tests::harness::http::{self, Answer};
use watchfire_tests::harness::{daemon, wait};

use super::site::{self, Station};
use super::stage::{SOON, Sensor, Stage};

/// Within this the warnings of others are back (F51).
const BACK: Duration = Duration::from_secs(5);

/// A second rule, which is a script, over the weir alone; the tests' own rule is over the others.
const SCRIPT: &str = r#"
[[rule]]
id = "weir"
hazard = "river_flood"
watch = { stations = ["weir"], quantity = "stage" }
measure = "stage + 0.0"
unit = "m"
ladder = { blue = 10, yellow = 20, orange = 30, red = 40 }
class = "instant"
lift_margin = "1 m"
raise_after = "0s"
lift_after = "0s"
response = "look"
consequence = "water"
time_to_respond = "1h"
"#;

struct Scene {
    stage: Stage,
    sensor: Sensor,
    text: String,
    file: PathBuf,
}

impl Scene {
    /// The weir stands at orange by its script.
    fn begin() -> Self {
        let stations = [Station::alone("weir"), Station::alone("river"), Station::alone("fresh")];
        let mut stage = Stage::prepare(&stations);
        let text = site::site(&stage.broker.url(), &stage.platform.url(), &stations);
        let text = text.replacen("watch = {", "watch = { stations = [\"river\", \"fresh\"],", 1) + SCRIPT;
        let file = stage.daemon.folder().join("what-scripts-do");
        stage.daemon.by(Some(Path::new(env!("CARGO_BIN_EXE_wayward"))));
        stage.daemon.set("WAYWARD_RULE", "weir");
        stage.daemon.set("WAYWARD_WHILE", &file.display().to_string());
        stage.daemon.configure(&text);
        stage.daemon.run();
        stage.connected();
        let mut sensor = stage.sensor();
        for station in ["weir", "river", "fresh"] {
            sensor.says(station, 1.0);
        }
        sensor.says("weir", 32.0);
        stage.hears(SOON, "duty", "weir", "warning.raised", "orange");
        stage.hears(SOON, "public", "weir", "warning.raised", "orange");
        Self { stage, sensor, text, file }
    }

    fn scripts(&self, what: &str) {
        std::fs::write(&self.file, what).expect("the file can be written");
    }

    fn alarm(&self) -> Value {
        self.stage.daemon.json("/api/v1/alarms/weir/weir")
    }

    /// Waits until the alarm says this of its script.
    fn says(&self, words: &str) -> Value {
        wait::within(SOON, words, || Some(self.alarm()).filter(|alarm| alarm["evidence"].to_string().contains(words)))
    }

    /// Both audiences hear that the weir's grade stands without evidence.
    fn is_told(&self) {
        for channel in ["duty", "public"] {
            wait::within(SOON, &format!("the lost evidence to be told through {channel}"), || {
                let said = self.stage.bulletins(channel, "weir");
                said.into_iter().find(|said| said.evidence_lost && said.grade == "orange")
            });
        }
    }

    /// Asks for a configuration with another measure of the weir.
    fn reload(&self, engineer: &str, measure: &str, preview: bool) -> Answer {
        self.stage.daemon.configure(&self.text.replace("stage + 0.0", measure));
        let body = json!({"who": "wang", "why": "another datum", "preview": preview});
        http::post_as(engineer, &self.stage.daemon.url("/-/reload"), &body).expect("the daemon answers")
    }

    /// Nothing about the weir has ended or fallen.
    fn holds(&self) {
        assert_eq!(self.alarm()["judged"], "orange");
        let ends = |class: &str| class == "warning.cleared" || class == "warning.downgraded";
        let said = self.stage.platform.heard();
        assert!(!said.iter().any(|said| ends(&said.class)), "{said:?}");
    }
}

#[test]
fn a_script_that_panics_is_its_own_rule_s_error() {
    let mut scene = Scene::begin();
    scene.scripts("panic");
    scene.sensor.says("weir", 5.0);
    scene.says("the index is 7");
    scene.is_told();
    let before = Instant::now();
    scene.stage.fresh_crossing_passes(&mut scene.sensor, "fresh");
    assert!(before.elapsed() < Duration::from_secs(2), "others wait: {:?}", before.elapsed());
    assert!(scene.stage.daemon.process().ended().is_none(), "one script has ended everything");
    scene.holds();
    scene.scripts("");
    scene.sensor.says("weir", 45.0);
    scene.stage.hears(SOON, "duty", "weir", "warning.upgraded", "red");
}

#[test]
fn a_script_that_hangs_is_stopped_and_the_others_are_back() {
    let mut scene = Scene::begin();
    scene.scripts("hang");
    let hung = Instant::now();
    scene.sensor.says("weir", 5.0);
    // Heard while the script hangs: judged by whoever comes back.
    scene.sensor.says("river", 1.0);
    scene.sensor.says("river", 45.0);
    let status = wait::within(BACK, "the process to end by itself", || scene.stage.daemon.process().ended());
    let ended = hung.elapsed();
    assert!(!status.success(), "{status}");
    // As the shipped unit does, after one second.
    wait::never(Duration::from_secs(1), "nobody is there to speak", || None::<()>);
    scene.stage.daemon.launch();
    for channel in ["duty", "public"] {
        scene.stage.hears(BACK, channel, "river", "warning.raised", "red");
    }
    let back = hung.elapsed();
    println!("hang to end {ended:?}, hang to the warnings of others {back:?}, of which 1 s is the supervisor's");
    assert!(back <= BACK, "the warnings of others were back only after {back:?}");

    scene.stage.daemon.ready();
    scene.says("did not come back");
    scene.is_told();
    scene.stage.connected();
    scene.sensor.says("weir", 1.0);
    scene.stage.fresh_crossing_passes(&mut scene.sensor, "fresh");
    scene.holds();

    // Neither a kill nor the program under test itself runs it again.
    scene.stage.daemon.kill();
    scene.stage.daemon.by(None);
    scene.stage.daemon.run();
    scene.stage.connected();
    scene.says("did not come back");

    // Another text is tried.
    scene.stage.daemon.configure(&scene.text.replace("stage + 0.0", "stage + 0.5"));
    scene.stage.daemon.process().signal("HUP");
    wait::within(SOON, "the changed rule to be judged", || {
        Some(scene.alarm()).filter(|alarm| !alarm["evidence"].to_string().contains("did not come back"))
    });
    scene.sensor.says("weir", 45.0);
    scene.stage.hears(SOON, "duty", "weir", "warning.upgraded", "red");

    // The journal judged again knows from where on the rule was stopped, and so does the evidence of that finding.
    assert!(scene.stage.daemon.stop().success());
    let data = scene.stage.daemon.data_dir().display().to_string();
    let checked = daemon::command(&["backtest", "--journal", &data, "--check"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    let why = daemon::command(&["why", "weir/weir", "--data-dir", &data]);
    assert!(why.status.success(), "{}", String::from_utf8_lossy(&why.stdout));
}

#[test]
fn a_script_that_hangs_in_a_preview_ends_the_preview_and_nothing_else() {
    let mut scene = Scene::begin();
    let engineer = scene.stage.daemon.desk("engineer");
    let calm = scene.reload(&engineer, "stage + 0.25", true);
    assert_eq!(calm.status, 200, "{}", calm.text());
    scene.scripts("hang on watchfire-preview");
    let hung = Instant::now();
    let refused = scene.reload(&engineer, "stage + 0.5", true);
    let ended = hung.elapsed();
    assert_eq!(refused.status, 422, "{}", refused.text());
    let told = refused.json()["detail"].as_str().unwrap_or_default().to_owned();
    assert!(told.contains("the script of rule \"weir\" did not come back") && told.contains("goes on"), "{told}");
    println!("a preview that hangs is refused after {ended:?}");
    // It can't be ended, so there is no second one beside it.
    let again = scene.reload(&engineer, "stage + 0.25", true);
    assert_eq!(again.status, 409, "{}", again.text());
    assert!(again.text().contains("has not come back since it was tried earlier"), "{}", again.text());

    scene.scripts("");
    scene.holds();
    scene.sensor.says("weir", 45.0);
    scene.stage.hears(SOON, "duty", "weir", "warning.upgraded", "red");
    scene.stage.fresh_crossing_passes(&mut scene.sensor, "fresh");
    assert!(scene.stage.daemon.process().ended().is_none(), "a preview has ended everything");
    let other = scene.reload(&engineer, "stage + 0.0", false);
    assert_eq!(other.status, 200, "{}", other.text());
    // What hangs holds nobody up at the end either.
    assert!(scene.stage.daemon.stop().success());
}

/// One case that the rule meets, whose script is asked.
const CASE: &str = r#"
[[case]]
name = "orange at 32"
series = { "weir/stage" = "1 1 1 32" }
interval = "1s"

[[case.expect]]
rule = "weir"
subject = "weir"
at = "3s"
grade = "orange"
"#;

#[test]
fn a_script_that_hangs_while_it_is_read_or_in_the_sites_own_cases_ends_the_reload_and_nothing_else() {
    let mut scene = Scene::begin();
    let engineer = scene.stage.daemon.desk("engineer");
    let cases = scene.stage.daemon.folder().join("cases");
    std::fs::create_dir_all(&cases).expect("a folder can be made");
    std::fs::write(cases.join("weir.test.toml"), CASE).expect("a file can be written");
    // The station of that name comes before the rule.
    let lines: Vec<&str> = scene.text.lines().collect();
    let line = lines.iter().rposition(|line| *line == "id = \"weir\"").expect("the rule is written") + 1;
    let refused = |thread: &str, measure: &str, words: &str| {
        scene.scripts(&format!("hang on {thread}"));
        let hung = Instant::now();
        let refused = scene.reload(&engineer, measure, false);
        println!("a script that hangs on {thread} is refused after {:?}", hung.elapsed());
        assert_eq!(refused.status, 422, "{}", refused.text());
        let told = refused.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(told.contains("the script of rule \"weir\" did not come back") && told.contains(words), "{told}");
        assert!(told.contains(&format!("watchfire.toml:{line}")), "{told}");
    };
    refused("watchfire-reading", "stage + 0.5", "when the configuration was read");
    scene.scripts("");
    let good = scene.reload(&engineer, "stage + 0.25", false);
    assert_eq!(good.status, 200, "{}", good.text());
    assert_eq!(good.json()["cases"]["told"], 1, "{}", good.text());

    refused("watchfire-cases", "stage + 0.75", "when it judged the site's own cases");
    // Two threads hang, and there is no third one beside them.
    scene.scripts("");
    let more = scene.reload(&engineer, "stage + 0.25", false);
    assert_eq!(more.status, 409, "{}", more.text());

    scene.holds();
    scene.sensor.says("weir", 45.0);
    scene.stage.hears(SOON, "duty", "weir", "warning.upgraded", "red");
    scene.stage.fresh_crossing_passes(&mut scene.sensor, "fresh");
    assert!(scene.stage.daemon.process().ended().is_none(), "a reload has ended everything");
    assert!(scene.stage.daemon.stop().success());
}
