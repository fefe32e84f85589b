//! F57 to F60: the configuration is written anew while readings come in and warnings live. A broken one changes nothing;
//! what it says otherwise holds from one row of the journal on; a kill in the middle leaves the old or the new.

use std::time::Duration;

use serde_json::{Value, json};
use watchfire_tests::harness::http::{self, Answer};
use watchfire_tests::harness::publisher::Qos;
use watchfire_tests::harness::wait;

use super::course::{Dice, quiet, seed};
use super::load::Load;
use super::site::{self, Station};
use super::stage::{SOON, Sensor, Stage, now, payload, stored, topic};

/// Long enough for a machine that is busy with something else.
const QUIET: Duration = Duration::from_secs(2);
/// The ladder of the tests' rule, as it is written.
const LADDER: &str = "ladder = { blue = 10, yellow = 20, orange = 30, red = 40 }";

/// A stage with a river and a station that is quiet to the end.
struct Scene {
    stage: Stage,
    sensor: Sensor,
    text: String,
    /// The token of a program that reloads for people.
    engineer: String,
}

impl Scene {
    fn begin() -> Self {
        let stations = [Station::alone("river"), Station::alone("fresh"), Station::among("load", "quiet")];
        let stage = Stage::start(&stations);
        let text = site::site(&stage.broker.url(), &stage.platform.url(), &stations);
        assert!(text.contains(LADDER), "{text}");
        let sensor = stage.calm(&["river", "fresh"]);
        let engineer = stage.daemon.desk("engineer");
        Self { stage, sensor, text, engineer }
    }

    /// Writes a configuration and asks for it.
    fn reload(&self, text: &str, more: &Value) -> Answer {
        self.stage.daemon.configure(text);
        let mut body = json!({"who": "wang", "why": "the thresholds of this year"});
        for (key, value) in more.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        let url = self.stage.daemon.url("/-/reload");
        http::post_as(&self.engineer, &url, &body).expect("the daemon answers")
    }

    fn reloaded(&self, text: &str, more: &Value) -> Value {
        let answer = self.reload(text, more);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    fn in_force(&self) -> String {
        let health = self.stage.daemon.json("/api/v1/health");
        health["configuration"]["revision"].as_str().expect("a revision").to_owned()
    }

    fn raises(&mut self, grade: &str, value: f64) {
        self.sensor.says("river", value);
        self.stage.hears(SOON, "duty", "river", "warning.raised", grade);
    }

    fn said(&self, channel: &str) -> Vec<String> {
        let said = self.stage.bulletins(channel, "river");
        said.into_iter().map(|bulletin| format!("{} {}", bulletin.class, bulletin.grade)).collect()
    }

    fn alarm(&self) -> Value {
        self.stage.daemon.json("/api/v1/alarms/stage/river")
    }

    fn ends_well(mut self) {
        self.stage.fresh_crossing_passes(&mut self.sensor, "fresh");
    }
}

/// Readings of one station, each in a millisecond of its own; when each was observed.
fn load(stage: &Stage, seed: u64) -> Load<Vec<i64>> {
    Load::begin(stage, move |link, goes_on| {
        let (mut times, mut last) = (Vec::new(), 0);
        while goes_on() {
            let at = wait::until("the next millisecond", || Some(now()).filter(|now| *now > last));
            let text = payload("load", at, quiet(seed, 7, times.len()));
            let id = u64::try_from(times.len()).expect("a test is short");
            link.publish(id, &topic("load"), text.as_bytes(), Qos::AtLeastOnce).expect("the broker is there");
            if times.len() % 50 == 0 {
                link.settle().expect("the broker is there");
            }
            last = at;
            times.push(at);
        }
        times
    })
}

/// Ends it; every reading must be in the store, once. Says how many there were.
fn ends_whole(load: Load<Vec<i64>>, stage: &Stage) -> usize {
    let sent = load.ends();
    let of_load = || -> Vec<i64> { stored(&stage.daemon, "load").into_iter().map(|(at, _)| at).collect() };
    wait::within(Duration::from_secs(20), "every reading to be stored", || {
        (of_load().len() >= sent.len()).then_some(())
    });
    assert_eq!(of_load(), sent, "each once, in order");
    sent.len()
}

/// Changes one character of a text, or drops or doubles it.
fn mutated(text: &str, dice: &mut Dice) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let most = u64::try_from(chars.len()).expect("texts are short") - 1;
    let at = usize::try_from(dice.between(0, most)).expect("texts are short");
    match dice.between(0, 3) {
        0 => drop(chars.remove(at)),
        1 => chars.insert(at, chars[at]),
        2 => chars[at] = ['"', '[', '=', 'x', '\n', '0', '-', '}'][usize::try_from(dice.between(0, 7)).expect("few")],
        _ => {
            let from = text.lines().nth(usize::try_from(dice.between(0, 40)).expect("few")).unwrap_or_default();
            return text.replacen(from, "", 1);
        }
    }
    chars.into_iter().collect()
}

#[test]
fn five_hundred_mutations_under_load_are_taken_whole_or_not_at_all() {
    let seed = seed();
    let mut dice = Dice::new(seed);
    let mut scene = Scene::begin();
    scene.raises("yellow", 25.0);
    let load = load(&scene.stage, seed);
    let (mut refused, mut taken) = (0, 0);
    let mut in_force = scene.in_force();
    for _ in 0..500 {
        let text = mutated(&scene.text, &mut dice);
        let answer = scene.reload(&text, &json!({"orphans": "hold"}));
        match answer.status {
            200 => {
                taken += 1;
                answer.json()["revision"].as_str().expect("a revision").clone_into(&mut in_force);
            }
            422 => {
                refused += 1;
                let told = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
                // In the file, or in a pack that it asks too much of.
                assert!(told.contains("watchfire.toml:") || told.contains("--> pack river:"), "where? {told}");
            }
            409 => refused += 1,
            other => panic!("{other}: {}\n{text}", answer.text()),
        }
        assert_eq!(scene.in_force(), in_force, "it was {}:\n{text}", answer.status);
    }
    println!("{refused} refused, {taken} taken");
    assert!(refused >= 200, "hardly anything was broken: {refused}");
    scene.reloaded(&scene.text, &json!({"orphans": "hold"}));
    let readings = ends_whole(load, &scene.stage);
    assert!(readings > 1_000, "hardly any load: {readings}");
    scene.ends_well();
}

#[test]
fn a_hundred_reloads_of_what_judges_alike_are_no_event_and_leave_nothing_behind() {
    let seed = seed();
    let mut scene = Scene::begin();
    scene.raises("orange", 35.0);
    let before = scene.alarm();
    let load = load(&scene.stage, seed);
    let reload = |n: usize| scene.reloaded(&format!("# {}\n{}", n % 2, scene.text), &json!({}));
    (0..20).for_each(|n| drop(reload(n)));
    let memory = || scene.stage.daemon.metric("process_resident_memory_bytes").expect("it is measured");
    let settled = memory();
    (20..120).for_each(|n| drop(reload(n)));
    let grown = memory() - settled;
    assert!(grown <= 5.0 * 1_048_576.0, "a hundred reloads have kept {grown} bytes");
    let after = scene.alarm();
    for key in ["judged", "standing", "version", "attention", "evidence", "onset"] {
        assert_eq!(before[key], after[key], "{key}");
    }
    assert_eq!(scene.said("duty"), ["warning.raised orange"]);
    assert_eq!(scene.said("public"), ["warning.raised orange"]);
    ends_whole(load, &scene.stage);
    scene.ends_well();
}

#[test]
fn a_lower_threshold_warns_at_once_and_a_higher_one_waits_for_a_person() {
    let mut scene = Scene::begin();
    scene.raises("yellow", 25.0);
    let lower = scene.text.replace("yellow = 20, orange = 30", "yellow = 15, orange = 24");
    let preview = scene.reloaded(&lower, &json!({"preview": true}));
    let turned = json!([{"rule": "stage", "subject": "river", "from": "yellow", "to": "orange"}]);
    assert_eq!((&preview["in_force"], &preview["grades"]), (&json!(false), &turned), "{preview}");
    assert_eq!(preview["changes"], json!([{"what": "rule", "name": "stage", "how": "changed"}]));
    assert_eq!(scene.said("duty"), ["warning.raised yellow"], "a preview is only looked at");

    scene.reloaded(&lower, &json!({}));
    scene.stage.hears(SOON, "duty", "river", "warning.upgraded", "orange");

    scene.reloaded(&scene.text, &json!({}));
    scene.sensor.says("river", 25.0);
    let lowered = wait::until("the fall to wait for a person", || {
        Some(scene.alarm()).filter(|alarm| alarm["held_over"]["judged"] == "yellow")
    });
    assert_eq!(lowered["standing"], "orange");
    let body = json!({"who": "li", "why": "seen", "version": lowered["version"]});
    let url = scene.stage.daemon.url("/api/v1/alarms/stage/river/accept");
    let officer = scene.stage.daemon.desk("officer");
    let answer = http::post_as(&officer, &url, &body).expect("the daemon answers");
    assert_eq!(answer.status, 200, "{}", answer.text());
    scene.stage.hears(SOON, "duty", "river", "warning.downgraded", "yellow");
    scene.ends_well();
}

#[test]
fn a_rule_with_a_live_warning_is_not_taken_away_unasked() {
    let mut scene = Scene::begin();
    scene.raises("yellow", 25.0);
    let renamed = scene.text.replace("id = \"stage\"\nhazard", "id = \"level\"\nhazard");
    let refused = scene.reload(&renamed, &json!({}));
    assert_eq!(refused.status, 409, "{}", refused.text());
    assert!(refused.text().contains("stage/river"), "{}", refused.text());
    // Under its old name as an alias, it is the same warning.
    let aliased = renamed.replace("id = \"level\"\nhazard", "id = \"level\"\naliases = [\"stage\"]\nhazard");
    scene.reloaded(&aliased, &json!({}));
    assert_eq!(scene.stage.daemon.json("/api/v1/alarms/level/river")["standing"], "yellow");
    // Without it, it is held and shown, until a person ends it.
    let other = scene
        .text
        .replace("id = \"stage\"\nhazard", "id = \"other\"\nhazard")
        .replace("blue = 10, yellow = 20, orange = 30, red = 40", "red = 90");
    scene.reloaded(&other, &json!({"orphans": "hold"}));
    let orphan = scene.stage.daemon.json("/api/v1/alarms/level/river");
    assert!(!orphan["orphaned"].is_null(), "{orphan}");
    assert_eq!(orphan["standing"], "yellow");
    scene.stage.hears(SOON, "public", "river", "warning.continued", "yellow");
    scene.reloaded(&other, &json!({"orphans": "cancel"}));
    scene.stage.hears(SOON, "public", "river", "warning.cancelled", "yellow");
    assert_eq!(scene.stage.platform.counts().dangling, 0);
    scene.reloaded(&scene.text, &json!({}));
    scene.ends_well();
}

#[test]
fn a_hangup_reads_again_and_a_broken_text_is_seen_in_the_metrics() {
    let mut scene = Scene::begin();
    scene.raises("yellow", 25.0);
    let (before, well) = (scene.in_force(), "watchfire_config_last_reload_successful");
    assert_eq!(scene.stage.daemon.metric(well), Some(1.0));
    scene.stage.daemon.configure(&scene.text.replace("red = 40", "red = 4"));
    scene.stage.daemon.process().signal("HUP");
    wait::until("the refusal to be counted", || scene.stage.daemon.metric(well).filter(|well| *well < 0.5));
    let health = scene.stage.daemon.json("/api/v1/health");
    assert_eq!(health["configuration"]["revision"].as_str(), Some(before.as_str()));
    assert!(health["configuration"]["refused"].as_str().is_some_and(|why| why.contains("watchfire.toml:")), "{health}");
    scene.stage.daemon.configure(&format!("# mended\n{}", scene.text));
    scene.stage.daemon.process().signal("HUP");
    wait::until("it to be in force", || scene.stage.daemon.metric(well).filter(|well| *well > 0.5));
    assert_ne!(scene.in_force(), before);
    let listen = scene.reload(&scene.text.replace("watchfire-chaos", "watchfire-other"), &json!({}));
    assert!(listen.status == 409 && listen.text().contains("`connectors` needs a restart"), "{}", listen.text());
    scene.stage.daemon.configure(&scene.text);
    scene.ends_well();
}

#[test]
fn a_kill_in_the_middle_of_a_reload_leaves_the_old_or_the_new() {
    let mut dice = Dice::new(seed());
    let mut scene = Scene::begin();
    scene.raises("orange", 35.0);
    for round in 0..12 {
        let text = format!("# {round}\n{}", scene.text.replace("yellow = 20", &format!("yellow = {}", 15 + round)));
        scene.stage.daemon.configure(&text);
        scene.stage.daemon.process().signal("HUP");
        let life = Duration::from_millis(dice.between(0, 60));
        wait::attempt(life, || None::<()>);
        scene.stage.daemon.kill();
        scene.stage.daemon.run();
        let alarm = scene.alarm();
        assert_eq!(alarm["standing"], "orange", "after kill {round}: {alarm}");
        assert!(alarm["orphaned"].is_null(), "after kill {round}: {alarm}");
    }
    for channel in ["duty", "public"] {
        assert_eq!(scene.said(channel), ["warning.raised orange"], "through {channel}");
    }
    scene.stage.connected();
    scene.ends_well();
}

#[test]
fn what_the_sites_own_cases_refuse_is_not_put_in_force_unless_somebody_says_so() {
    let scene = Scene::begin();
    let folder = scene.stage.daemon.folder().join("cases");
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    let case = "[[case]]\nname = \"yellow at 25\"\nseries = { \"river/stage\" = \"1 1 1 25\" }\ninterval = \"1s\"\n\n\
                [[case.expect]]\nrule = \"stage\"\nsubject = \"river\"\nat = \"3s\"\ngrade = \"yellow\"\n";
    std::fs::write(folder.join("river.test.toml"), case).expect("a file can be written");
    let before = scene.in_force();
    let kept = scene.text.replace(LADDER, "ladder = { blue = 10, yellow = 21, orange = 30, red = 40 }");
    let moved = scene.text.replace(LADDER, "ladder = { blue = 10, yellow = 26, orange = 30, red = 40 }");

    let preview = scene.reloaded(&moved, &json!({"preview": true}));
    assert_eq!(preview["cases"]["told"], 1, "{preview}");
    let failed = &preview["cases"]["failed"][0];
    assert_eq!(failed["case"], "yellow at 25", "{preview}");
    assert!(failed["why"].as_str().is_some_and(|why| why.contains("yellow")), "{preview}");
    let refused = scene.reload(&moved, &json!({}));
    assert_eq!((refused.status, scene.in_force()), (422, before.clone()), "{}", refused.text());
    assert!(refused.text().contains("yellow at 25") && refused.text().contains("--in-spite"), "{}", refused.text());
    let proposed = scene.reload(&moved, &json!({"propose": true}));
    assert_eq!(proposed.status, 422, "{}", proposed.text());

    let good = scene.reloaded(&kept, &json!({}));
    assert_eq!((&good["cases"]["told"], &good["cases"]["failed"]), (&json!(1), &json!([])), "{good}");
    assert_ne!(scene.in_force(), before);
    let all_the_same = scene.reloaded(&moved, &json!({"in_spite": true}));
    assert_eq!(json!(scene.in_force()), all_the_same["revision"]);
    scene.ends_well();
}

#[test]
fn where_it_takes_two_people_one_proposes_and_another_publishes() {
    let mut scene = Scene::begin();
    let text = format!("{}\n[reload]\ntwo_people = true\n", scene.text);
    let before = scene.in_force();
    let alone = scene.reload(&text, &json!({}));
    assert_eq!((alone.status, scene.in_force()), (403, before.clone()), "{}", alone.text());
    let proposed = scene.reloaded(&text, &json!({"propose": true}));
    assert_eq!((&proposed["in_force"], scene.in_force()), (&json!(false), before.clone()));
    let revision = proposed["revision"].as_str().expect("a revision").to_owned();
    let again = scene.reload(&text, &json!({"publish": revision, "who": " Wang "}));
    assert_eq!((again.status, scene.in_force()), (403, before.clone()), "{}", again.text());
    let other = scene.reload(&text, &json!({"publish": "nobody's", "who": "li"}));
    assert_eq!((other.status, scene.in_force()), (409, before), "{}", other.text());
    // What was proposed is what is published, whatever the file says by then, and over a restart.
    scene.stage.daemon.configure(&scene.text);
    scene.stage.daemon.kill();
    scene.stage.daemon.run();
    scene.stage.connected();
    let same = scene.reload(&text, &json!({"publish": revision, "who": "wang"}));
    assert_eq!(same.status, 403, "who proposed it is not forgotten: {}", same.text());
    scene.reloaded("this is no configuration", &json!({"publish": revision, "who": "li"}));
    assert_eq!(scene.in_force(), revision);
    scene.stage.daemon.configure(&text);
    scene.ends_well();
}

#[test]
fn a_rule_in_the_shadow_speaks_once_two_people_let_it_with_a_backtest_before_them() {
    let mut scene = Scene::begin();
    let live = scene.text.clone();
    let shadow = live.replace("class = \"instant\"", "class = \"instant\"\nshadow = true");
    scene.reloaded(&shadow, &json!({}));
    scene.sensor.says("river", 45.0);
    wait::never(QUIET, "a rule in the shadow has spoken", || scene.said("duty").pop());
    let before = scene.in_force();
    let looked = scene.reloaded(&live, &json!({"preview": true}));
    assert_eq!(looked["promoted"], json!(["stage"]), "{looked}");
    for (step, status, why) in [
        (json!({}), 403, "stage would speak"),
        (json!({"propose": true}), 403, "stage would speak"),
        (json!({"propose": true, "backtest": "{\"revision\":\"another\"}"}), 422, "it is of revision another"),
    ] {
        let refused = scene.reload(&live, &step);
        assert_eq!(refused.status, status, "{}", refused.text());
        assert!(refused.text().contains(why), "{}", refused.text());
    }
    let revision = looked["revision"].as_str().expect("a revision");
    let report = json!({"revision": revision, "grades": {}}).to_string();
    scene.reloaded(&live, &json!({"propose": true, "backtest": report}));
    assert_eq!(scene.in_force(), before, "one person is not enough");
    scene.reloaded(&live, &json!({"publish": revision, "who": "li"}));
    assert_eq!(scene.in_force(), revision);
    let kept = scene.stage.daemon.data_dir().join(format!("revisions/{revision}.backtest"));
    assert_eq!(std::fs::read_to_string(&kept).expect("it is kept beside the revision"), report);
    // What it has judged is said from here on, and what stood already is said at once.
    scene.stage.hears(SOON, "duty", "river", "warning.raised", "red");
    scene.ends_well();
}
