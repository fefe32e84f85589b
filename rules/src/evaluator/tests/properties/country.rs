//! The site of all properties: two stations with every kind of point, and rules of every kind over them.

use std::sync::Arc;

use watchfire_model::grade::PerGrade;
use watchfire_model::ladder::Direction;
use watchfire_model::rule::{Class, Rule, Thresholds, Watch};
use watchfire_model::site::{Kind, Point, Site};
use watchfire_model::time::Span;

use super::super::world;
use crate::evaluator::tests::world::{delay, one_to_four, point};

pub(super) const STAGE: u32 = 0;
pub(super) const RAIN: u32 = 1;
pub(super) const TURNS: u32 = 2;
pub(super) const BEACH: u32 = 3;
pub(super) const UPPER_STAGE: u32 = 4;
pub(super) const UPPER_RAIN: u32 = 5;
pub(super) const POINTS: u32 = 6;

/// Whether a point stamps its readings itself; the others have no clock, and bear the time of receipt.
pub(super) const fn has_clock(point: u32) -> bool {
    matches!(point, STAGE | BEACH | UPPER_STAGE)
}

/// Two stations, the second upstream of the first.
pub(super) fn site() -> Arc<Site> {
    let stage = || Point {
        range: Some((-2.0, 60.0)),
        plausible: Some((-1.0, 7.0)),
        sentinels: vec![-9_999.0],
        ..point(0, "stage")
    };
    let rain = || Point { kind: Kind::Increment, range: Some((0.0, 60.0)), ..point(0, "rain") };
    let turns = Point { kind: Kind::Counter, wraps_at: Some(9.9), resolution: Some(0.1), ..point(0, "turns") };
    let beach = Point {
        direction: Direction::Falling,
        thresholds: PerGrade { blue: Some(4.0), yellow: Some(3.0), orange: Some(2.0), red: Some(1.0) },
        ..point(0, "beach")
    };
    world::site(vec![vec![stage(), rain(), turns, beach], vec![stage(), rain()]], rules())
}

/// The rule of the reduced machine, which has neither delay nor hold.
pub(super) const REDUCED: &str = "reduced";
/// An ordinary rule with delays and holds; its `lift_after`.
pub(super) const ORDINARY: &str = "ordinary";
pub(super) const LIFT_AFTER: Span = Span::minutes(5);

/// Each rule twice, the native way and the same in Rhai: their names begin with `native` and `script`.
const TWINS: [(&str, &str, &str); 6] = [
    ("stage", "stage", "(stage)"),
    ("stage", "stage.last", "stage + 0.0"),
    ("rain", "rain.sum(\"20m\")", "rain.sum(\"20m\") + 0.0"),
    ("rain", "rain.max(\"20m\", \"5m\")", "rain.max(\"20m\", \"5m\") * 1.0"),
    ("stage", "stage.rise(\"15m\")", "(stage.rise(\"15m\"))"),
    ("turns", "turns.diff(\"15m\")", "turns.diff(\"15m\") - 0.0"),
];

fn rules() -> Vec<Rule> {
    let patient = |rule: Rule| Rule {
        class: Class::Ordinary,
        raise_after: PerGrade { orange: delay(None, Some(3)), red: delay(Some(3), Some(5)), ..PerGrade::default() },
        lift_after: PerGrade::all(LIFT_AFTER),
        hold: PerGrade { red: Span::minutes(10), ..PerGrade::default() },
        ..rule
    };
    let below = |rule: Rule| {
        let watch = Watch { stations: vec!["s0".to_owned()], ..rule.watch.clone() };
        Rule { watch, ..rule }
    };
    let mut rules = vec![
        named(REDUCED, "stage", "stage"),
        patient(named(ORDINARY, "stage", "stage")),
        patient(named("beach", "beach", "beach")),
        named("turns", "turns", "turns.sum(\"15m\")"),
        Rule { coverage: 0.6, ..named("covered", "rain", "rain.sum(\"20m\")") },
        Rule { enough: Some(1), ..below(named("worst", "stage", "max(stage, upstream.stage)")) },
        patient(below(named("step", "stage", "stage - upstream.stage"))),
        below(named("wet", "stage", "if stage > 1.0 { rain.sum(\"20m\") } else { unknown }")),
    ];
    for take in crate::window::Take::ALL {
        let measure = format!("rain.{}(\"20m\", \"3m\")", take.word());
        rules.push(Rule { class: Class::Ordinary, ..named(take.word(), "rain", &measure) });
    }
    for (place, (quantity, native, script)) in TWINS.into_iter().enumerate() {
        for (way, measure) in [("native", native), ("script", script)] {
            let rule = named(&format!("{way} {place}"), quantity, measure);
            rules.push(if place % 2 == 0 { rule } else { patient(Rule { coverage: 0.3, ..rule }) });
        }
    }
    rules
}

fn named(id: &str, quantity: &str, measure: &str) -> Rule {
    let thresholds = if quantity == "beach" { Thresholds::Station } else { Thresholds::Inline(one_to_four()) };
    Rule { id: id.into(), thresholds, ..world::rule(quantity, measure) }
}
