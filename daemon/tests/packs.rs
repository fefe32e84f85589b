//! The packs that are part of the program: all they offer can be taken, is sound, and judges as its standard says.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use watchfire::config;
use watchfire_model::grade::word;
use watchfire_model::id::Seq;
use watchfire_model::quantity::Finite;
use watchfire_model::reading::{PointState, Reading};
use watchfire_model::time::{Now, Timestamp};
use watchfire_rules::evaluator::Evaluator;
use watchfire_rules::ruleset::RuleSet;

/// A point: its name, quantity, unit and interval.
type Written = (&'static str, &'static str, &'static str, &'static str);

/// One of each point that an offer may watch, named after its place, station by station.
const FIELD: &[(&str, &[Written])] = &[
    ("river", &[("stage", "stage", "m", "5m"), ("flow", "discharge", "m3/s", "5m"), ("rain", "rain", "mm", "10m")]),
    (
        "slope",
        &[
            ("crack", "crack", "mm", "8h"),
            ("gnss", "surface_displacement", "mm", "8h"),
            ("v_eq", "uniform_rate", "mm/d", "8h"),
            ("rain", "rain", "mm", "1h"),
        ],
    ),
    (
        "mine",
        &[
            ("t0", "methane", "%CH4", "5m"),
            ("t1", "methane", "%CH4", "5m"),
            ("t2", "methane", "%CH4", "5m"),
            ("t3", "methane", "%CH4", "5m"),
            ("t4", "methane", "%CH4", "5m"),
            ("machine", "methane", "%CH4", "5m"),
            ("long_return", "methane", "%CH4", "5m"),
            ("district_return", "methane", "%CH4", "5m"),
            ("wing_return", "methane", "%CH4", "5m"),
            ("chamber", "methane", "%CH4", "5m"),
            ("bunker", "methane", "%CH4", "5m"),
            ("belt_gallery", "methane", "%CH4", "5m"),
            ("drainage", "methane", "%CH4", "5m"),
            ("feed", "feed", "1", "30s"),
            ("feed_command", "feed_command", "1", "30s"),
            ("co", "co", "ppm", "5m"),
            ("h2s", "h2s", "ppm", "5m"),
            ("no2", "no2", "ppm", "5m"),
            ("so2", "so2", "ppm", "5m"),
            ("nh3", "nh3", "ppm", "5m"),
            ("state", "device_state", "1", "30s"),
        ],
    ),
    (
        "air",
        &[
            ("coal_face", "air_speed", "m/s", "5m"),
            ("rock_heading", "air_speed", "m/s", "5m"),
            ("district_airway", "air_speed", "m/s", "5m"),
            ("belt_road", "air_speed", "m/s", "5m"),
            ("main_airway", "air_speed", "m/s", "5m"),
            ("wind_bridge", "air_speed", "m/s", "5m"),
            ("shaft_men", "air_speed", "m/s", "5m"),
            ("shaft_materials", "air_speed", "m/s", "5m"),
            ("o2", "oxygen", "%", "5m"),
            ("intake", "co2", "%", "5m"),
            ("face_return", "co2", "%", "5m"),
            ("fan", "fan", "1", "30s"),
            ("damper_a", "damper", "1", "30s"),
            ("damper_b", "damper", "1", "30s"),
        ],
    ),
    ("heat", &[("face", "temperature", "°C", "5m")]),
    ("plant", &[("chamber", "temperature", "°C", "5m")]),
    ("dam-1", DAM),
    ("dam-2", DAM),
    ("dam-3", DAM),
    ("dam-4", DAM),
];

const DAM: &[Written] = &[
    ("displacement", "displacement", "mm", "1h"),
    ("phreatic_depth", "phreatic_depth", "m", "1h"),
    ("dry_beach", "dry_beach", "m", "1h"),
    ("freeboard", "freeboard", "m", "1h"),
    ("pond_level", "pond_level", "m", "1h"),
    ("bank", "bank_displacement", "mm", "1h"),
];

/// Four thresholds, falling where lower is worse.
fn ladder(quantity: &str) -> &'static str {
    match quantity {
        "phreatic_depth" | "dry_beach" | "freeboard" => "ladder = { blue = 40, yellow = 30, orange = 20, red = 10 }\n",
        "stage" | "discharge" | "displacement" | "surface_displacement" | "pond_level" | "bank_displacement" => {
            "ladder = { blue = 10, yellow = 20, orange = 30, red = 40 }\n"
        }
        _ => "",
    }
}

/// A site that names every pack and takes `take`.
fn text(take: &str) -> String {
    let mut text = format!(
        "packs = [\"river\", \"rain\", \"flash_flood\", \"mine_gas\", \"slope\", \"tailings\"]\ntake = [{take}]\n\
         [site]\nname = \"p\"\nissuer = \"p\"\nsender = \"p\"\nzone = \"Asia/Shanghai\"\nlanguages = [\"zh-CN\", \"en\"]\n\
         [[area]]\nid = \"a\"\nname = \"a\"\n\
         [[group]]\nname = \"dam\"\nstations = [\"dam-*\"]\n"
    );
    for (station, points) in FIELD {
        text += &format!("[[station]]\nid = \"{station}\"\narea = \"a\"\n");
        for (id, quantity, unit, interval) in *points {
            text += &format!(
                "[[station.point]]\nid = \"{id}\"\nquantity = \"{quantity}\"\nunit = \"{unit}\"\n\
                 interval = \"{interval}\"\n{}",
                ladder(quantity)
            );
        }
    }
    text
}

fn rules(take: &str) -> Arc<RuleSet> {
    match config::load_str(&text(take), Path::new(".")) {
        Ok(settings) => settings.rules,
        Err(problems) => panic!("{problems}"),
    }
}

#[test]
fn everything_on_offer_can_be_taken() {
    let examined = config::examine_str("all.toml", &text("\"*\""), Path::new("."));
    assert_eq!(examined.problems.to_string(), "");
    let rules = examined.settings.expect("nothing is wrong").rules;
    let site = rules.site();
    for rule in &site.rules {
        assert!(!rule.response.is_empty() && !rule.consequence.is_empty() && rule.time_to_respond.is_some());
    }
    let idle: Vec<&str> = site
        .rules
        .iter()
        .filter(|rule| rules.explain(&rule.id).is_none_or(|told| told.subjects.is_empty()))
        .map(|rule| rule.id.as_str())
        .collect();
    assert_eq!(idle, Vec::<&str>::new(), "rules that judge nothing here");
    assert!(site.rules.len() > 40, "only {} rules", site.rules.len());
}

/// Nothing of a pack judges that nobody asked for.
#[test]
fn an_offer_that_is_not_taken_is_no_rule() {
    assert_eq!(rules("\"river-stage\"").site().rules.len(), 1);
    let said = config::load_str(&text("\"river-stag\", \"methan-*\""), Path::new(".")).expect_err("neither is there");
    let said = said.to_string();
    assert!(
        said.contains("no pack offers a rule \"river-stag\"") && said.contains("did you mean `river-stage`?"),
        "{said}"
    );
    assert!(said.contains("no pack offers a rule \"methan-*\""), "{said}");
}

/// Tells values to points of a site, each so many minutes after the one before; the grade of a subject of a rule after
/// each round of them.
fn story(rule: &str, subject: &str, minutes: i64, rounds: &[(&str, &str)]) -> String {
    let rules = rules(&format!("\"{rule}\""));
    let site = Arc::clone(rules.site());
    let mut evaluator = Evaluator::new(rules);
    let told: BTreeMap<&str, Vec<&str>> =
        rounds.iter().map(|(point, values)| (*point, values.split(' ').collect())).collect();
    let length = told.values().map(Vec::len).max().unwrap_or(0);
    let (mut seq, mut story) = (Seq(0), Vec::new());
    for (round, minute) in (0..length).zip((0_i64..).map(|n| n * minutes)) {
        for (point, values) in &told {
            let (station, id) = point.split_once('/').expect("station/point");
            let Some(value) = values.get(round).filter(|value| **value != "_") else { continue };
            let at = Timestamp(1_782_864_000_000 + minute * 60_000);
            seq = seq.next();
            let reading = Reading {
                point: site.find_point(station, id).expect("it is there"),
                observed_at: at,
                received_at: at,
                value: Finite::new(value.parse().expect("a number")),
                state: PointState::Normal,
                retained: false,
            };
            evaluator.observe(Now::at(at.0), seq, &reading, &mut Vec::new());
        }
        let mut subjects = evaluator.subjects();
        let view = subjects.find(|view| view.rule.as_str() == rule && view.subject.as_str() == subject);
        story.push(word(view.expect("it is judged").judged).replace("clear", "-"));
    }
    story.join(" ")
}

/// AQ 1029-2019: alarm and power-off include equality, restoring is strictly below, and between them it stays off.
#[test]
fn methane_is_left_only_below_the_restore_value() {
    let t1 = |values| story("methane-t1", "mine/t1", 5, &[("mine/t1", values)]);
    assert_eq!(t1("0.5 0.99 1.0 1.49 1.5"), "- - yellow yellow red");
    assert_eq!(t1("1.5 1.2 1.0 0.99 0.99 0.99"), "red red red red red -");
    assert_eq!(story("methane-t3", "mine/t3", 5, &[("mine/t3", "0.49 0.5 0.49 0.49 0.49")]), "- red red red -");
    assert_eq!(story("methane-wing-return", "mine/wing_return", 5, &[("mine/wing_return", "0.74 0.75")]), "- yellow");
}

#[test]
fn a_feed_that_is_not_as_commanded_is_an_anomaly_at_its_second_sample() {
    let told = [("mine/feed", "1 1 1 1 0"), ("mine/feed_command", "1 1 0 0 0")];
    assert_eq!(story("feed-anomaly", "mine", 1, &told), "- - - orange orange");
}

/// 江华县: 35, 45, 60 and 80 mm in an hour.
#[test]
fn a_short_window_waits_for_no_long_one() {
    let rain = "0 0 0 0 0 0 0 20 15 10 15 20";
    let told = [("river/rain", rain)];
    assert_eq!(story("jianghua-1h", "river/rain", 10, &told), "- - - - - - - - blue yellow orange red");
    assert_eq!(story("jianghua-24h", "river/rain", 10, &told), "- - - - - - - - - - - -");
}

#[test]
fn a_rapid_rise_is_seen_in_half_an_hour() {
    let told = [("river/stage", "5 5 5 5 5 5 5 5.1 5.2 5.3 5.4 5.5")];
    let story = story("river-rapid-rise-30m", "river/stage", 5, &told);
    assert_eq!(story, "- - - - - - - - - yellow orange red");
}

/// GB 39496-2020 5.5.4: four blue points make their item yellow, and four blue items count as a yellow one.
#[test]
fn a_dam_is_judged_over_its_points_and_items() {
    let blue = |point: &'static str, value: &'static str| {
        [("dam-1", value), ("dam-2", value), ("dam-3", value), ("dam-4", value)]
            .map(|(dam, value)| (format!("{dam}/{point}"), value))
    };
    let four: Vec<(String, &str)> = blue("dry_beach", "35 35 35 35").into();
    let four: Vec<(&str, &str)> = four.iter().map(|(point, values)| (point.as_str(), *values)).collect();
    assert!(story("tailings-item-beach", "group:dam", 60, &four).ends_with("yellow yellow"), "four blue points");
    let one_each = [
        ("dam-1/displacement", "12 12 12 12"),
        ("dam-1/phreatic_depth", "35 35 35 35"),
        ("dam-1/dry_beach", "35 35 35 35"),
        ("dam-1/pond_level", "12 12 12 12"),
    ];
    assert!(story("tailings-dam", "group:dam", 60, &one_each).ends_with("yellow yellow"), "four blue items");
    assert!(
        story("tailings-dam", "group:dam", 60, &one_each[..3]).ends_with("- -"),
        "an item that says nothing is not good"
    );
}
