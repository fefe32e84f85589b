//! Stories of values in doubt: what they raise alone, what speaks for them, what is taken back, and what stands still.

use watchfire_model::finding::{Change, Evidence, FaultCause};
use watchfire_model::grade::{Grade, PerGrade, word};
use watchfire_model::id::PointIx;
use watchfire_model::quality::{Checks, Flag};
use watchfire_model::reading::{PointState, Reading};
use watchfire_model::rule::{Corroborate, Rule, Thresholds, Witness};
use watchfire_model::scrutiny::{Beside, Flat, Scrutiny, Spike, SpikeBy};
use watchfire_model::site::{Kind, Point, Reports};
use watchfire_model::time::{Span, Timestamp};
use watchfire_model::unit::Unit;

use super::ordinary;
use super::world::{MINUTE, World, point, rule, said, site};
use crate::ruleset::RuleSet;

/// Tells the values, one a minute.
fn tell(world: &mut World, from: i64, values: &[f64]) {
    for (minute, value) in (from..).zip(values) {
        world.hear(minute, *value);
    }
}

/// All that was said of grades, with what is to be looked at and what was taken back.
fn told(world: &World) -> String {
    let told = world.findings.iter().filter_map(|finding| {
        let minute = finding.at.0 / MINUTE;
        let (from, to) = (word(finding.from), word(finding.judged));
        match finding.change {
            Change::Raised | Change::Lifted => Some(format!("{minute}:{from}>{to}")),
            Change::Verify => Some(format!("{minute}:verify {}", word(finding.pending))),
            Change::Retracted => Some(format!("{minute}:{from} back to {to}")),
            Change::Pending | Change::Evidence | Change::LostWhileRising | Change::MissedCrossing => None,
            Change::OverInCalibration => Some(format!("{minute}:over {}", word(finding.pending))),
            Change::Rewritten | Change::Proven => None,
        }
    });
    told.collect::<Vec<_>>().join(" ")
}

/// A gauge of which nothing below 0.5 and above 3.5 m is plausible.
fn plausible() -> Point {
    Point { plausible: Some((0.5, 3.5)), ..point(0, "stage") }
}

#[test]
fn what_a_suspect_value_may_not_raise_a_person_is_asked_to_look_at_once_an_hour() {
    let mut world = World::of_stage(plausible(), ordinary());
    tell(&mut world, 0, &[1.0, 1.0, 1.0, 1.0, 4.2, 4.3, 4.2, 4.4]);
    assert_eq!(told(&world), "0:clear>blue 4:blue>yellow 4:verify red");
    let verify = world.findings.last().expect("it was asked");
    assert_eq!((verify.judged, verify.pending, verify.threshold), (Some(Grade::Yellow), Some(Grade::Red), Some(4.0)));
    assert!(verify.causes[0].checks.has(Checks::RANGE));
    tell(&mut world, 8, &[4.2; 60]);
    assert_eq!(told(&world), "0:clear>blue 4:blue>yellow 4:verify red 64:verify red");
}

#[test]
fn so_many_in_a_row_speak_for_themselves_where_the_rule_says_so() {
    let samples = |samples| Rule { corroborate: Corroborate { samples: Some(samples), witness: None }, ..ordinary() };
    let mut world = World::of_stage(plausible(), samples(3));
    tell(&mut world, 0, &[1.0, 1.0, 1.0, 1.0, 4.2, 3.6, 4.2, 4.2, 4.2]);
    // Three that met orange at minute 6, three that met red at minute 8.
    assert_eq!(told(&world), "0:clear>blue 4:blue>yellow 4:verify red 6:yellow>orange 8:orange>red");
    let mut broken = World::of_stage(plausible(), samples(3));
    tell(&mut broken, 0, &[1.0, 1.0, 1.0, 1.0, 4.2, 4.2, 2.0, 4.2, 4.2]);
    assert_eq!(broken.judged(), Some(Grade::Yellow));
}

#[test]
fn a_signal_that_stands_still_does_not_speak_for_itself() {
    let flat = Flat { tolerance: 0.0, suspect_after: Some(Span::minutes(2)), stuck_after: None, beside: None };
    let still = Scrutiny { flat: Some(flat), ..Scrutiny::default() };
    let rule = Rule { corroborate: Corroborate { samples: Some(2), witness: None }, ..ordinary() };
    let mut world = World::of_stage(Point { scrutiny: Some(Box::new(still)), ..point(0, "stage") }, rule);
    tell(&mut world, 0, &[4.2; 30]);
    assert_eq!(world.judged(), Some(Grade::Orange), "the first three are only unproven");
}

/// A suspect stage, with rain at the same station.
fn with_rain(unit: Option<&str>) -> World {
    let rain = Point {
        kind: Kind::Increment,
        unit: Unit::parse("mm").expect("a unit"),
        thresholds: PerGrade::default(),
        ..point(0, "rain")
    };
    let unit = unit.and_then(Unit::parse);
    let witness = Witness { point: "rain".to_owned(), at_least: 40.0, unit, within: Span::hours(3) };
    let rule = Rule { corroborate: Corroborate { samples: None, witness: Some(witness) }, ..ordinary() };
    World::new(site(vec![vec![plausible(), rain]], vec![rule]))
}

#[test]
fn rain_speaks_for_a_stage() {
    for (each, unit, grade) in [
        (9.0, None, Grade::Yellow),
        (10.0, None, Grade::Red),
        (10.0, Some("mm"), Grade::Red),
        (10.0, Some("cm"), Grade::Yellow),
    ] {
        let mut world = with_rain(unit);
        // Three readings are the gauge's proof; four more make 36 or 40 mm, and those before fell too long ago.
        for (minute, value) in [(0, 99.0), (1, 0.0), (2, 0.0), (200, each), (201, each), (202, each), (203, each)] {
            world.reading(minute * MINUTE, &Reading { point: PointIx(1), ..said(minute, value) });
        }
        tell(&mut world, 200, &[1.0, 1.0, 1.0, 1.0, 4.2]);
        assert_eq!(world.judged(), Some(grade), "{each} {unit:?}");
    }
}

#[test]
fn a_witness_measured_in_something_else_is_refused() {
    let witness = Witness { point: "stage".to_owned(), at_least: 4.0, unit: Unit::parse("%"), within: Span::hours(1) };
    let rule = Rule { corroborate: Corroborate { samples: None, witness: Some(witness) }, ..ordinary() };
    let problems = RuleSet::compile(site(vec![vec![plausible()]], vec![rule])).expect_err("per cent are no metres");
    assert_eq!(problems[0].message, "what corroborates rule \"r\" is measured in m");
}

fn quick() -> Point {
    Point { max_rate: Some((10.0, 10.0)), ..point(0, "stage") }
}

#[test]
fn where_a_fast_rise_is_the_hazard_it_raises_and_a_person_is_asked_to_look() {
    let mut slow = World::of_stage(quick(), ordinary());
    tell(&mut slow, 0, &[0.0, 0.0, 0.0, 0.0, 4.5]);
    assert_eq!(told(&slow), "4:clear>yellow 4:verify red");
    for rule in [Rule { fast_rise: true, ..ordinary() }, rule("stage", "stage")] {
        let mut world = World::of_stage(quick(), rule);
        tell(&mut world, 0, &[0.0, 0.0, 0.0, 0.0, 4.5]);
        assert_eq!(told(&world), "4:clear>red 4:verify red");
        assert!(world.findings.last().expect("it was asked").causes[0].checks.has(Checks::RATE));
    }
}

#[test]
fn where_a_fast_rise_is_the_hazard_other_doubts_still_hold_back() {
    let odd = Point { plausible: Some((-1.0, 3.5)), ..quick() };
    let mut world = World::of_stage(odd, Rule { fast_rise: true, ..ordinary() });
    tell(&mut world, 0, &[0.0, 0.0, 0.0, 0.0, 4.5]);
    assert_eq!(told(&world), "4:clear>yellow 4:verify red");
}

/// A gauge on which a value more than half a metre from both its neighbours is suspect, and more than two metres none.
fn spiky() -> Point {
    let spike = Spike { by: SpikeBy::Differential, suspect: 0.5, fail: Some(2.0) };
    Point { scrutiny: Some(Box::new(Scrutiny { spike: Some(spike), ..Scrutiny::default() })), ..point(0, "stage") }
}

fn slow_to_lift() -> Rule {
    Rule { lift_after: PerGrade::all(Span::minutes(30)), ..ordinary() }
}

#[test]
fn a_raise_that_rested_on_a_spike_is_taken_back_one_sample_later() {
    let mut world = World::of_stage(spiky(), slow_to_lift());
    tell(&mut world, 0, &[0.5, 0.5, 0.5, 0.5, 4.5, 0.5, 0.5]);
    assert_eq!(told(&world), "4:clear>red 5:red back to clear");
    // What is true afterwards raises again.
    tell(&mut world, 7, &[1.0, 2.0, 2.4, 2.7, 3.1]);
    assert_eq!(told(&world), "4:clear>red 5:red back to clear 7:clear>blue 8:blue>yellow 11:yellow>orange");
}

#[test]
fn what_stood_before_a_spike_stands_after_it() {
    let mut world = World::of_stage(spiky(), slow_to_lift());
    tell(&mut world, 0, &[0.5, 0.5, 0.5, 1.2, 1.2, 4.5, 1.3, 1.3]);
    assert_eq!(told(&world), "3:clear>blue 5:blue>red 6:red back to blue");
    assert_eq!(world.judged(), Some(Grade::Blue));
}

#[test]
fn a_spike_that_is_only_suspect_leaves_what_a_suspect_value_may_raise() {
    let mut world = World::of_stage(spiky(), slow_to_lift());
    tell(&mut world, 0, &[2.6, 2.6, 2.6, 2.6, 3.4, 2.6, 2.6]);
    assert_eq!(told(&world), "0:clear>yellow 4:yellow>orange 5:orange back to yellow");
}

#[test]
fn a_step_that_stays_is_not_taken_back() {
    let mut world = World::of_stage(spiky(), slow_to_lift());
    tell(&mut world, 0, &[0.5, 0.5, 0.5, 0.5, 4.5, 4.4, 4.5]);
    assert_eq!(told(&world), "4:clear>red");
}

#[test]
fn a_grade_that_was_there_anyway_is_not_taken_back() {
    let mut world = World::of_stage(spiky(), slow_to_lift());
    tell(&mut world, 0, &[4.1, 4.1, 4.1, 4.1, 6.9, 4.1, 4.1]);
    assert_eq!(told(&world), "0:clear>orange 3:orange>red");
}

#[test]
fn where_a_fast_rise_is_the_hazard_a_spike_is_looked_at_and_nothing_taken_back() {
    let mut world = World::of_stage(spiky(), Rule { fast_rise: true, ..slow_to_lift() });
    tell(&mut world, 0, &[0.5, 0.5, 0.5, 0.5, 4.5, 0.5, 0.5]);
    assert_eq!(told(&world), "4:clear>red 5:verify red");
}

#[test]
fn a_spike_is_no_part_of_a_sum_any_more() {
    let rain = Point { kind: Kind::Increment, ..spiky() };
    let sum =
        Rule { thresholds: Thresholds::Inline(PerGrade { blue: Some(3.0), ..PerGrade::default() }), ..slow_to_lift() };
    let sum = Rule { measure: watchfire_model::rule::Measure::Expression("stage.sum(\"1h\")".to_owned()), ..sum };
    let mut world = World::of_stage(rain, Rule { coverage: 0.0, ..sum });
    tell(&mut world, 0, &[0.0, 0.0, 0.0, 0.0, 9.0, 0.0, 0.2]);
    assert_eq!(told(&world), "4:clear>blue 5:blue back to clear");
    assert_eq!(world.evaluator.subjects().next().and_then(|subject| subject.value), Some(0.2));
}

#[test]
fn a_restart_changes_nothing_of_it() {
    for point in [spiky(), plausible(), quick()] {
        let rule = Rule { corroborate: Corroborate { samples: Some(3), witness: None }, ..slow_to_lift() };
        let mut one = World::of_stage(point.clone(), rule.clone());
        let mut other = World::of_stage(point, rule);
        other.restarts = true;
        for world in [&mut one, &mut other] {
            tell(world, 0, &[0.5, 0.5, 0.5, 0.5, 4.5, 0.5, 0.5, 4.5, 4.4, 4.6, 4.2, 0.5, 0.4, 0.5]);
        }
        assert_eq!(one.findings, other.findings);
        assert_eq!(one.evaluator.snapshot(), other.evaluator.snapshot());
    }
}

/// F16, the shape of Hebei: a gauge that stands still while the next one upstream rises.
#[test]
fn what_is_stuck_holds_its_grade_raises_nothing_and_is_a_fault() {
    let beside = Beside { points: vec![PointIx(1)], after: Span::minutes(10), moved: 0.3 };
    let flat = Flat { tolerance: 0.0, suspect_after: None, stuck_after: None, beside: Some(beside) };
    let scrutiny = Scrutiny { flat: Some(flat), ..Scrutiny::default() };
    let gauge = Point { scrutiny: Some(Box::new(scrutiny)), ..point(0, "stage") };
    // Whatever stands for half an hour is red: only a gauge that stands still could raise it.
    let waits = PerGrade { red: super::world::delay(None, Some(30)), ..PerGrade::default() };
    let rule = Rule { raise_after: waits, watch: at("s0"), ..ordinary() };
    let mut world = World::new(site(vec![vec![gauge], vec![point(0, "upper")]], vec![rule]));
    let mut lost_at = None;
    for minute in 0..90 {
        let upper = if minute < 20 { 5.0 } else { 5.0 + 0.1 * f64::from(i32::try_from(minute - 19).expect("small")) };
        world.reading(minute * MINUTE, &Reading { point: PointIx(1), ..said(minute, upper) });
        world.hear(minute, 4.0);
        world.tick(minute);
        if matches!(world.findings.last(), Some(f) if f.evidence == Evidence::Fault { cause: FaultCause::Stuck }) {
            lost_at.get_or_insert(minute);
        }
    }
    assert_eq!(lost_at, Some(27), "within the configured ten minutes after the neighbour's 0.30 m of minute 22");
    let view = world.evaluator.subjects().next().expect("one subject");
    assert_eq!(view.judged, Some(Grade::Orange), "held, and not raised");
    assert_eq!(view.evidence, Evidence::Fault { cause: FaultCause::Stuck }, "it is heard: stuck, not silent");
    // It moves, and is believed after three values.
    tell(&mut world, 90, &[0.2, 0.3, 0.2, 0.3]);
    let view = world.evaluator.subjects().next().expect("one subject");
    assert_eq!((view.judged, view.evidence), (None, Evidence::Good));
}

fn at(station: &str) -> watchfire_model::rule::Watch {
    watchfire_model::rule::Watch {
        quantity: Some("stage".to_owned()),
        stations: vec![station.to_owned()],
        ..Default::default()
    }
}

#[test]
fn what_is_stuck_after_a_silence_falls_silent_again() {
    let flat = Flat { tolerance: 0.0, suspect_after: None, stuck_after: Some(Span::minutes(3)), beside: None };
    let scrutiny = Scrutiny { flat: Some(flat), ..Scrutiny::default() };
    let mut world = World::of_stage(Point { scrutiny: Some(Box::new(scrutiny)), ..point(0, "stage") }, ordinary());
    tell(&mut world, 0, &[0.5; 6]);
    world.tick(20);
    world.hear(21, 0.5);
    assert_eq!(world.evaluator.subjects().next().expect("one").evidence, Evidence::Fault { cause: FaultCause::Stuck });
    world.tick(40);
    assert!(matches!(
        world.evaluator.subjects().next().expect("one").evidence,
        Evidence::NoData { since } if since.0 == 21 * MINUTE
    ));
}

/// Invariant 18.
#[test]
fn a_saturated_sensor_raises_the_grade_of_its_span_is_a_fault_beside_and_never_clears() {
    let span = Point { range: Some((0.0, 3.5)), ..spiky() };
    let mut world = World::of_stage(span, ordinary());
    tell(&mut world, 0, &[0.5, 0.5, 0.5, 0.5]);
    world.hear_state(4, 0.0, PointState::OverRange);
    let view = world.evaluator.subjects().next().expect("one subject");
    assert_eq!(view.judged, Some(Grade::Orange), "the end of its span is 3.5 m");
    assert_eq!(view.evidence, Evidence::Fault { cause: FaultCause::Saturated });
    for minute in 5..200 {
        assert_eq!(world.hear(minute, 3.5).flag, Flag::Suspect);
    }
    assert_eq!(told(&world), "4:clear>orange");
    // Nor while it comes back, until it is proven.
    tell(&mut world, 200, &[0.5, 0.5]);
    assert_eq!(world.judged(), Some(Grade::Orange));
    tell(&mut world, 202, &[0.5, 0.5]);
    assert_eq!(world.judged(), None);
}

/// Invariant 17: a series constant from its first reading.
#[test]
fn a_series_constant_from_its_first_reading_is_stuck_before_it_is_believed() {
    let flat =
        Flat { tolerance: 0.0, suspect_after: Some(Span::minutes(2)), stuck_after: Some(Span::hours(1)), beside: None };
    let scrutiny = Scrutiny { flat: Some(flat), ..Scrutiny::default() };
    let gauge = Point { resolution: Some(0.01), scrutiny: Some(Box::new(scrutiny)), ..point(0, "stage") };
    for level in [4.0, 5.5, 99.0] {
        let mut world = World::of_stage(gauge.clone(), ordinary());
        tell(&mut world, 0, &[level; 500]);
        assert_eq!(world.judged(), Some(Grade::Orange), "{level}: no red");
        let view = world.evaluator.subjects().next().expect("one subject");
        assert_eq!(view.evidence, Evidence::Fault { cause: FaultCause::Stuck });
    }
}

/// A rain gauge that sends a tip when one comes, and else says once an hour that it is alive.
#[test]
fn a_gauge_that_reports_on_change_and_sends_nothing_has_measured_zero() {
    for (reports, value) in [(Reports::OnChange, Some(6.0)), (Reports::Interval, None)] {
        let interval = Span::minutes(10);
        let rain =
            Point { kind: Kind::Increment, reports, interval, stale_after: Some(Span::hours(2)), ..point(0, "rain") };
        let sum = Rule {
            thresholds: Thresholds::Inline(PerGrade { blue: Some(9.0), ..PerGrade::default() }),
            ..rule("rain", "rain.sum(\"6h\")")
        };
        let mut world = World::new(site(vec![vec![rain]], vec![Rule { coverage: 0.85, ..sum }]));
        for (minute, tip) in
            [(0, 0.0), (60, 0.0), (120, 0.0), (180, 0.0), (200, 4.0), (205, 2.0), (260, 0.0), (320, 0.0), (380, 0.0)]
        {
            world.hear(minute, tip);
        }
        let view = world.evaluator.subjects().next().expect("one subject");
        assert_eq!(view.value, value, "{reports:?}");
        assert_eq!(view.evidence == Evidence::Good, value.is_some(), "{reports:?}");
    }
}

/// A rain gauge that says nothing unless it rains, on a station whose battery is told every hour.
#[test]
fn a_gauge_is_covered_by_the_word_of_another_point_of_its_station() {
    let every = |reports, point| Point { reports, stale_after: Some(Span::hours(2)), ..point };
    for (heartbeat, value) in [(Some(PointIx(1)), Some(6.0)), (None, None)] {
        let rain = Point { kind: Kind::Increment, heartbeat, ..every(Reports::OnChange, point(0, "rain")) };
        let battery = every(Reports::Interval, point(0, "battery"));
        let sum = Rule {
            thresholds: Thresholds::Inline(PerGrade { blue: Some(9.0), ..PerGrade::default() }),
            ..rule("rain", "rain.sum(\"6h\")")
        };
        let mut world = World::new(site(vec![vec![rain, battery]], vec![Rule { coverage: 0.85, ..sum }]));
        let mut hear = |minute, point, value| {
            world.reading(minute * MINUTE, &Reading { point: PointIx(point), ..said(minute, value) });
        };
        hear(0, 0, 0.0);
        for minute in (60..=420).step_by(60) {
            if minute == 240 {
                hear(200, 0, 4.0);
                hear(205, 0, 2.0);
            }
            hear(minute, 1, 12.6);
        }
        let view = world.evaluator.subjects().next().expect("one subject");
        assert_eq!(view.value.filter(|_| view.evidence == Evidence::Good), value, "{heartbeat:?}");
    }
}

/// 标校中超限.
#[test]
fn a_value_over_the_limit_in_a_calibration_raises_nothing_and_is_said() {
    for rule in [ordinary(), rule("stage", "stage")] {
        let mut world = World::of_stage(point(0, "stage"), rule);
        tell(&mut world, 0, &[0.5, 0.5, 0.5, 0.5]);
        world.hear_state(4, 0.9, PointState::Calibrating);
        assert_eq!(told(&world), "");
        world.hear_state(5, 3.2, PointState::Calibrating);
        world.hear_state(6, 3.3, PointState::Calibrating);
        assert_eq!(told(&world), "5:over orange", "said once");
        let verify = world.findings.last().expect("it was asked");
        assert_eq!((verify.value, verify.judged, &verify.evidence), (Some(3.2), None, &Evidence::Calibrating));
        world.hear_state(7, 4.0, PointState::Calibrating);
        assert_eq!(told(&world), "5:over orange 7:over red", "worse is said");
    }
}

/// F11: marks for "none", and a logger that goes over to millimetres.
#[test]
fn marks_and_a_change_of_unit_are_flagged_every_time() {
    let marks = vec![-9_999.0, 65_535.0, 32_767.0, 99.99];
    let gauge =
        Point { range: Some((-1.0, 12.0)), max_rate: Some((6.0, 6.0)), sentinels: marks.clone(), ..point(0, "stage") };
    for odd in marks.into_iter().chain([1_234.0, 1_500.0, 0.001_5, 11.9]) {
        let mut world = World::of_stage(gauge.clone(), ordinary());
        tell(&mut world, 0, &[1.5, 1.5, 1.5, 1.5]);
        let seen = world.hear(4, odd);
        assert!(seen.flag >= Flag::Suspect, "{odd}: {seen:?}");
        assert!(world.judged() <= Some(Grade::Yellow), "{odd}");
        tell(&mut world, 5, &[1.5, 1.5, 1.5, 1.5]);
        assert_eq!(world.judged(), Some(Grade::Blue), "{odd}");
    }
}

/// F18: ten values a second that tremble about a threshold, and one rise among them.
#[test]
fn ten_trembling_values_a_second_say_one_thing_and_a_rise_another() {
    let fast = Point { interval: Span(100), ..spiky() };
    let mut world = World::of_stage(fast, ordinary());
    for tick in 0..3_000_i64 {
        let trembling = [0.0, 0.04, -0.04, 0.08, -0.08, 0.02][usize::try_from(tick % 6).expect("small")];
        let level = if tick < 2_000 { 1.0 } else { 3.0 };
        let at = Timestamp(tick * 100);
        world.reading(at.0, &Reading { observed_at: at, received_at: at, ..said(0, level + trembling) });
    }
    let raised: Vec<_> = world.findings.iter().filter(|finding| finding.change == Change::Raised).collect();
    let grades: Vec<_> = raised.iter().map(|finding| (finding.judged, finding.at.0)).collect();
    // At once, without waiting for a second.
    let expected = [(Some(Grade::Blue), 0), (Some(Grade::Yellow), 200_000), (Some(Grade::Orange), 200_100)];
    assert_eq!(grades, expected);
    assert!(world.findings.iter().all(|finding| finding.change != Change::Lifted));
}
