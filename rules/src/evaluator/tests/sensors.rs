//! Stories of one device that gives place to another.

use watchfire_model::finding::{Change, Evidence};
use watchfire_model::grade::{Grade, PerGrade};
use watchfire_model::quality::{Checks, Flag};
use watchfire_model::rule::{Rule, Thresholds};
use watchfire_model::scrutiny::{Flat, Scrutiny, Sensor};
use watchfire_model::site::{Kind, Point};
use watchfire_model::time::{Span, Timestamp};

use super::ordinary;
use super::world::{MINUTE, World, point, rule, said};
use crate::quality::Outcome;

/// A device from a minute on, whose zero is `offset` metres off.
fn device(serial: &str, minute: i64, offset: f64) -> Sensor {
    Sensor { serial: serial.to_owned(), from: Timestamp(minute * MINUTE), to: None, offset, scale: 1.0 }
}

/// A gauge whose device is replaced at minute 60.
fn replaced(offset: f64) -> Point {
    let sensors = vec![device("A1", 0, 0.0), device("B7", 60, offset)];
    let scrutiny = Scrutiny { sensors, datum_jump: Some(0.1), ..Scrutiny::default() };
    Point { scrutiny: Some(Box::new(scrutiny)), ..point(0, "stage") }
}

fn inline(measure: &str, yellow: f64) -> Rule {
    let yellow = PerGrade { yellow: Some(yellow), ..PerGrade::default() };
    Rule { thresholds: Thresholds::Inline(yellow), coverage: 0.5, ..rule("stage", measure) }
}

#[test]
fn no_rise_is_made_of_two_zeros() {
    for (minutes, raised) in [(60, false), (600, true)] {
        let mut gauge = replaced(0.0);
        gauge.scrutiny.as_mut().expect("it has one").sensors[1].from = Timestamp(minutes * MINUTE);
        let mut world = World::of_stage(gauge, inline("stage.rise(\"30m\")", 0.5));
        for minute in 0..120 {
            world.hear(minute, if minute < 60 { 1.0 } else { 1.6 });
        }
        assert_eq!(world.findings.iter().any(|finding| finding.change == Change::Raised), raised, "{minutes}");
    }
}

#[test]
fn a_counter_of_another_device_has_counted_nothing_yet() {
    let gauge = Point { kind: Kind::Counter, ..replaced(0.0) };
    let mut world = World::of_stage(gauge, inline("stage.sum(\"30m\")", 50.0));
    for minute in 0..120 {
        world.hear(minute, if minute < 60 { 3.0 } else { 812.0 });
    }
    assert_eq!(world.story(), "");
    assert_eq!(world.evaluator.subjects().next().and_then(|subject| subject.value), Some(0.0));
}

#[test]
fn rain_that_fell_before_is_still_rain() {
    let gauge = Point { kind: Kind::Increment, ..replaced(0.0) };
    let mut world = World::of_stage(gauge, inline("stage.sum(\"30m\")", 50.0));
    for minute in 0..65 {
        world.hear(minute, 1.0);
    }
    assert_eq!(world.evaluator.subjects().next().and_then(|subject| subject.value), Some(30.0));
}

#[test]
fn a_grade_is_held_until_the_new_device_is_proven_and_its_first_values_raise_no_red() {
    let mut world = World::of_stage(replaced(0.0), ordinary());
    for minute in 55..60 {
        world.hear(minute, 2.5);
    }
    let flags: Vec<Flag> =
        (60..65).map(|minute| world.hear(minute, 2.45 - 0.6 * f64::from(u8::from(minute > 60))).flag).collect();
    assert_eq!(flags, [Flag::NotEvaluated, Flag::NotEvaluated, Flag::NotEvaluated, Flag::Good, Flag::Good]);
    assert_eq!(world.story(), "55:clear>yellow 63:yellow>blue");
    let mut quick = World::of_stage(replaced(0.0), ordinary());
    for minute in 55..60 {
        quick.hear(minute, 4.0 - 0.05);
    }
    for minute in 60..64 {
        quick.hear(minute, 4.02);
    }
    assert_eq!(quick.story(), "55:clear>orange 63:orange>red");
}

#[test]
fn a_zero_that_was_set_wrongly_shows_in_the_first_value() {
    let told = |offset: f64| {
        let mut world = World::of_stage(replaced(offset), ordinary());
        for minute in 55..60 {
            world.hear(minute, 1.5);
        }
        let seen = world.hear(60, 1.5);
        (seen.flag, seen.checks.has(Checks::RATE), world.judged())
    };
    assert_eq!(told(0.0), (Flag::NotEvaluated, false, Some(Grade::Blue)));
    assert_eq!(told(3.0), (Flag::Suspect, true, Some(Grade::Yellow)));
}

#[test]
fn what_a_device_says_is_brought_to_the_zero_of_the_point() {
    let mut world = World::of_stage(replaced(-0.5), rule("stage", "stage"));
    for minute in 55..60 {
        world.hear(minute, 1.5);
    }
    world.hear(60, 2.02);
    assert_eq!(world.evaluator.subjects().next().and_then(|subject| subject.value), Some(1.52));
    assert_eq!(world.story(), "55:clear>blue");
    // The same said again is a repeat; what the old device still sends late is its own.
    assert_eq!(world.hear(60, 2.02).outcome, Outcome::Repeat);
    assert!(matches!(world.hear_late(59, 61, 1.7).outcome, Outcome::Backfill(seen) if seen.value.get() == 1.7));
}

#[test]
fn stillness_begins_anew() {
    let mut gauge = replaced(0.0);
    let flat = Flat { tolerance: 0.0, suspect_after: None, stuck_after: Some(Span::minutes(30)), beside: None };
    gauge.scrutiny.as_mut().expect("it has one").flat = Some(flat);
    let mut world = World::of_stage(gauge, ordinary());
    let stuck =
        |world: &World| matches!(world.evaluator.subjects().next().expect("one").evidence, Evidence::Fault { .. });
    let mut at = Vec::new();
    for minute in 0..100 {
        world.hear(minute, 1.5);
        if stuck(&world) {
            at.push(minute);
        }
    }
    let twice: Vec<i64> = (30..62).chain(90..100).collect();
    assert_eq!(at, twice, "half an hour each, and three good values between");
}

#[test]
fn a_restart_changes_nothing_of_it() {
    let mut one = World::of_stage(replaced(0.3), inline("stage.rise(\"30m\")", 0.5));
    let mut other = World::of_stage(replaced(0.3), inline("stage.rise(\"30m\")", 0.5));
    other.restarts = true;
    for world in [&mut one, &mut other] {
        for minute in 0..100 {
            let reading = said(minute, 1.0 + f64::from(u32::try_from(minute % 7).expect("small")) / 10.0);
            world.reading(minute * MINUTE, &reading);
        }
    }
    assert_eq!(one.findings, other.findings);
    // As it is kept: the numbers of samples begin anew.
    let kept = |world: &World| serde_json::to_string(&world.evaluator.snapshot()).expect("plain data");
    assert_eq!(kept(&one), kept(&other));
}
