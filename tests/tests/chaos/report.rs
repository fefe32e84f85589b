//! `watchfire report` on what the real daemon has in its ledger: what the public was told, when, and by whose hand.

use std::process::Command;

use serde_json::{Value, json};
use watchfire_model::time::Timestamp;
use watchfire_tests::harness::daemon::binary;
use watchfire_tests::harness::http;
use watchfire_tests::harness::wait;

use super::site::Station;
use super::stage::{SOON, Sensor, Stage, now};

struct Scene {
    stage: Stage,
    sensor: Sensor,
    /// A program that acts for people.
    officer: String,
}

impl Scene {
    /// A site where every warning to the public waits for one signature.
    fn start() -> Self {
        let mut stage = Stage::prepare(&[Station::alone("river"), Station::alone("fresh")]);
        let config = std::fs::read_to_string(stage.daemon.config()).expect("it was just written");
        let config = config.replace("raise = \"auto\"", "raise = \"one\"");
        std::fs::write(stage.daemon.config(), config).expect("the folder is ours");
        stage.daemon.run();
        stage.connected();
        let sensor = stage.calm(&["river", "fresh"]);
        let officer = stage.daemon.desk("officer");
        Self { stage, sensor, officer }
    }

    /// The live warning of an area, as soon as it has what waits for a signature.
    fn waiting(&self, area: &str) -> Value {
        wait::within(SOON, "something to sign", || {
            let all = self.stage.daemon.json("/api/v1/warnings");
            let items = all["items"].as_array()?.iter();
            items.clone().find(|warning| warning["area"] == area && !warning["waiting"].is_null()).cloned()
        })
    }

    fn signs(&self, who: &str, area: &str) -> u16 {
        let warning = self.waiting(area);
        let id = warning["id"].as_str().expect("a warning has an id");
        let url = self.stage.daemon.url(&format!("/api/v1/warnings/{id}/release"));
        let body = json!({"who": who, "why": "seen", "version": warning["waiting"]["version"]});
        http::post_as(&self.officer, &url, &body).expect("the daemon answers").status
    }

    /// A time of its own: nothing that the ledger holds before or after it bears the same millisecond.
    fn a_moment_apart() -> String {
        let after = |at: i64| wait::until("the next millisecond", || Some(now()).filter(|now| *now > at));
        let at = after(now());
        after(at);
        Timestamp(at).to_string()
    }

    fn report(&self, more: &[&str]) -> String {
        let around = |minutes: i64| Timestamp(now() + minutes * 60_000).to_string();
        let (from, to) = (around(-60), around(60));
        let mut command = Command::new(binary());
        command.args(["report", "--from", &from, "--to", &to]).args(more);
        command.arg("--data-dir").arg(self.stage.daemon.data_dir()).arg("--config").arg(self.stage.daemon.config());
        let output = command.output().expect("the binary can be started");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    fn told(&self, more: &[&str]) -> Value {
        serde_json::from_str(&self.report(&[more, &["-o", "json"]].concat())).expect("JSON")
    }
}

#[test]
fn lead_counts_from_the_release_to_the_public_and_not_from_when_it_was_judged() {
    let mut scene = Scene::start();
    scene.sensor.says("river", 45.0);
    scene.stage.hears(SOON, "duty", "river", "warning.raised", "red");
    let unsigned = Scene::a_moment_apart();
    assert_eq!(scene.signs("wang", "river"), 200);
    scene.stage.hears(SOON, "public", "river", "warning.raised", "red");
    let signed = Scene::a_moment_apart();
    scene.sensor.says("fresh", 45.0);
    assert_eq!(scene.signs("wang", "fresh"), 200);
    scene.stage.hears(SOON, "public", "fresh", "warning.raised", "red");

    let events = scene.stage.daemon.folder().join("events.csv");
    let text = format!(
        "time,area,hazard,name\n{unsigned},river,river_flood,before it was signed\n{signed},river,river_flood,dike\n"
    );
    std::fs::write(&events, text).expect("the folder is ours");
    let events = events.display().to_string();
    let told = scene.told(&["--events", &events]);
    let outcomes = told["released"]["outcomes"].as_array().expect("outcomes").clone();
    assert_eq!((outcomes.len(), &outcomes[0]["hazard"]), (2, &json!("river_flood")), "{told}");
    let figure = |told: &Value, figure: &str| told["released"]["outcomes"][0]["scores"][3][figure].clone();
    for (name, due) in [("hits", 1), ("misses", 1), ("verified", 1), ("undecided", 1), ("in_time", 0)] {
        assert_eq!(figure(&told, name), due, "{name}: {told}");
    }
    let lead = figure(&told, "lead");
    assert!(lead["count"] == 1 && lead["least"].as_i64().is_some_and(|ms| (0..60_000).contains(&ms)), "{lead}");
    let soon = scene.told(&["--events", &events, "--lead-goal", "0s"]);
    assert_eq!((figure(&soon, "in_time"), figure(&soon, "in_time_percent")), (json!(1), json!(50.0)), "{soon}");
    // With so short a longest lead it is known by now that nothing came of the other warning.
    let short = scene.told(&["--events", &events, "--lead", "1ms"]);
    assert_eq!((figure(&short, "false_alarms"), figure(&short, "undecided")), (json!(1), json!(0)), "{short}");

    let people = told["people"].as_array().expect("people").clone();
    assert_eq!(people.len(), 1, "{people:?}");
    let wang = &people[0];
    assert_eq!((&wang["who"], &wang["through"]), (&json!("wang"), &json!("desk-officer")), "{wang}");
    assert_eq!((&wang["role"], &wang["signed"]["count"]), (&json!("officer"), &json!(2)), "{wang}");

    let rows = scene.report(&["--events", &events, "-o", "csv"]);
    assert!(rows.contains("person_signed,wang@desk-officer,2,\n"), "{rows}");
    for row in
        ["hits,river_flood/red,1,\n", "misses,all/red,1,\n", "in_time,all/red,0.00,%\n", "lead_goal,,1800.000,s\n"]
    {
        assert!(rows.contains(row), "{row}{rows}");
    }
    let page = scene.report(&["--events", &events, "--lang", "en"]);
    assert!(
        page.contains("Of 2 events the public was warned of 1, 0 of them at least 30m before (0 % of all)."),
        "{page}"
    );
    assert!(page.contains("| before it was signed | missed |"), "{page}");
    assert!(page.contains("| desk-officer | wang | officer | 0 | – | – | 2 |"), "{page}");
    let page = scene.report(&["--events", &events, "--lang", "zh"]);
    assert!(page.contains("2 个事件中,对公众预警 1 个,其中提前 30m 以上 0 个(占全部 0 %)"), "{page}");
}
