//! Stories: readings in, what was said out.

use watchfire_model::finding::{Change, Evidence, FaultCause};
use watchfire_model::grade::{Grade, PerGrade};
use watchfire_model::quality::{Checks, Flag};
use watchfire_model::quantity::Bad;
use watchfire_model::reading::{PointState, Reading};
use watchfire_model::rule::{Class, Rule};
use watchfire_model::site::Point;
use watchfire_model::time::{Span, Steady, Timestamp};

use super::{Evaluator, Standing};
use crate::quality::Outcome;

mod backlog;
mod corroboration;
mod doubts;
mod outages;
mod outlook;
mod oversight;
mod proof;
mod properties;
mod reload;
mod sensors;
mod upkeep;
pub(crate) mod world;

use world::{MINUTE, World, delay, point, rule, said};

/// Tells the values, one a minute, to a rule; what it says must be `expected`.
fn check(rule: Rule, values: &str, expected: &str) {
    let mut world = World::of_stage(point(0, "stage"), rule);
    for (minute, value) in (0..).zip(values.split_whitespace()) {
        if let Ok(value) = value.parse() {
            world.hear(minute, value);
        }
    }
    assert_eq!(world.story(), expected, "{values}");
}

fn stage() -> Rule {
    rule("stage", "stage")
}

/// An ordinary rule; the first three readings of a story are the point's proof.
fn ordinary() -> Rule {
    Rule { class: Class::Ordinary, ..stage() }
}

#[test]
fn the_reduced_machine_raises_at_once_and_steps_down() {
    check(stage(), "0 1 2 3 4", "1:clear>blue 2:blue>yellow 3:yellow>orange 4:orange>red");
    check(stage(), "0 4.5 2.95 1.85 0.8", "1:clear>red 2:red>orange 3:orange>blue 4:blue>clear");
    check(stage(), "0.99 1.0 0.9 0.95 0.89", "1:clear>blue 4:blue>clear");
    check(stage(), "0 4 0", "1:clear>red 2:red>clear");
}

#[test]
fn a_falling_ladder_is_the_same_upside_down() {
    let mut beach = point(0, "stage");
    beach.direction = watchfire_model::ladder::Direction::Falling;
    beach.thresholds = PerGrade { blue: Some(70.0), yellow: None, orange: Some(50.0), red: Some(40.0) };
    let mut world = World::of_stage(beach, Rule { lift_margin: PerGrade::all(Some(2.0)), ..stage() });
    for (minute, value) in (0..).zip([80.0, 70.0, 45.0, 51.9, 52.1, 72.0, 72.5]) {
        world.hear(minute, value);
    }
    assert_eq!(world.story(), "1:clear>blue 2:blue>orange 4:orange>blue 6:blue>clear");
}

#[test]
fn a_delay_is_over_at_the_samples_or_the_time_whichever_is_first() {
    let after = |d| Rule { raise_after: PerGrade { red: d, ..PerGrade::default() }, ..stage() };
    check(after(delay(Some(2), None)), "0 4 4", "1:clear>orange 2:orange>red");
    check(after(delay(Some(2), None)), "0 4 3 4 4", "1:clear>orange 4:orange>red");
    check(after(delay(Some(9), Some(3))), "0 4 4 4 4", "1:clear>orange 4:orange>red");
    check(after(delay(None, Some(3))), "4 - - 4 4", "0:clear>orange");
    check(after(delay(None, Some(3))), "4 4 - - 4 4 4", "0:clear>orange 6:orange>red");
    check(after(delay(None, Some(3))), "4 4 4 - - - - - - - - - 4 4 4 4", "0:clear>orange 15:orange>red");
}

#[test]
fn a_grade_ends_only_after_its_time_below() {
    let slow = Rule { lift_after: PerGrade::all(Span::minutes(2)), ..stage() };
    check(slow.clone(), "1 0 0 0", "0:clear>blue 3:blue>clear");
    check(slow.clone(), "1 0 0 0.95 0 0 0", "0:clear>blue 6:blue>clear");
    check(slow.clone(), "1 0 - - - 0 0 0", "0:clear>blue 7:blue>clear");
    check(slow, "4 0 0 0", "0:clear>red 3:red>clear");
    let held = Rule { hold: PerGrade::all(Span::minutes(3)), ..stage() };
    check(held, "4 0 0 0 0", "0:clear>red 3:red>clear");
}

#[test]
fn a_trembling_level_says_one_thing() {
    check(stage(), "0.9 1.0 0.95 1.01 0.93 1.0 0.91", "1:clear>blue");
}

#[test]
fn the_first_samples_raise_no_red_and_end_nothing() {
    check(ordinary(), "5 5 5 5", "0:clear>orange 3:orange>red");
    check(ordinary(), "1 0 0 0", "0:clear>blue 3:blue>clear");
    check(stage(), "5", "0:clear>red");
}

#[test]
fn a_suspect_value_raises_to_yellow_and_ends_nothing() {
    let mut doubtful = point(0, "stage");
    doubtful.plausible = Some((0.5, 10.0));
    let mut world = World::of_stage(doubtful.clone(), ordinary());
    for (minute, value) in (0..).zip([0.6, 0.6, 0.6, 20.0, 0.1, 0.6]) {
        world.hear(minute, value);
    }
    assert_eq!(world.story(), "3:clear>yellow 5:yellow>clear");
    let mut world = World::of_stage(doubtful, stage());
    world.hear(0, 20.0);
    world.hear(1, 0.1);
    assert_eq!(world.story(), "0:clear>red");
}

#[test]
fn what_is_impossible_has_no_effect_and_is_a_fault_at_the_third() {
    let mut gauge = point(0, "stage");
    gauge.range = Some((-2.0, 5.0));
    let tell = |rule: Rule| {
        let mut world = World::of_stage(gauge.clone(), rule);
        world.hear(0, 1.0);
        for minute in 1..=2 {
            assert_eq!(world.hear(minute, 1_000.0).flag, Flag::Fail);
        }
        assert_eq!(world.changes(1), Vec::<String>::new());
        world.hear(3, 1_000.0);
        assert_eq!(world.changes(1), ["Evidence Fault { cause: Range }"]);
        for minute in 4..8 {
            world.hear(minute, 0.0);
        }
        world
    };
    let world = tell(ordinary());
    assert_eq!(world.changes(2), ["Evidence Good", "Lifted clear"]);
    assert_eq!(world.story(), "0:clear>blue 7:blue>clear", "three good ones are the proof");
    assert_eq!(tell(stage()).story(), "0:clear>blue 4:blue>clear", "an instant rule asks for none");
}

#[test]
fn what_is_no_number_is_counted_and_seen_by_no_rule() {
    let mut world = World::of_stage(point(0, "stage"), stage());
    world.hear(0, 4.0);
    for (minute, bad) in (1..).zip([Bad::NotANumber, Bad::Absent, Bad::Sentinel]) {
        assert_eq!(world.hear_bad(minute, bad).flag, Flag::Missing);
    }
    assert_eq!(world.changes(1), ["Evidence Fault { cause: BadValue }"]);
    assert_eq!(world.judged(), Some(Grade::Red));
    let mut sentinel = point(0, "stage");
    sentinel.sentinels = vec![-9_999.0];
    let mut world = World::of_stage(sentinel, stage());
    assert_eq!(world.hear(0, -9_999.0).checks, Checks::SENTINEL);
}

#[test]
fn a_device_that_says_it_is_broken_is_believed_at_once() {
    let mut world = World::of_stage(point(0, "stage"), stage());
    world.hear(0, 4.0);
    world.hear_state(1, 0.0, PointState::SensorFault);
    assert_eq!(world.changes(1), ["Evidence Fault { cause: Device }"]);
    world.hear_state(2, 0.0, PointState::Calibrating);
    assert_eq!(world.changes(2), ["Evidence Calibrating"]);
    assert_eq!(world.judged(), Some(Grade::Red));
}

#[test]
fn over_range_is_at_least_full_scale_and_clears_nothing() {
    let mut methane = point(0, "stage");
    methane.range = Some((0.0, 4.0));
    let mut world = World::of_stage(methane, stage());
    world.hear(0, 0.5);
    let seen = world.hear_state(1, 0.3, PointState::OverRange);
    assert!(seen.checks.has(Checks::SATURATED));
    assert_eq!(world.story(), "1:clear>red");
    assert_eq!(
        world.findings.last().map(|f| f.evidence.clone()),
        Some(Evidence::Fault { cause: FaultCause::Saturated })
    );
    world.hear(2, 0.3);
    world.hear(3, 0.3);
    assert_eq!(world.judged(), Some(Grade::Red));
    world.hear(4, 0.3);
    assert_eq!(world.story(), "1:clear>red 4:red>clear");
}

#[test]
fn silence_holds_the_grade_and_says_so() {
    let mut world = World::of_stage(point(0, "stage"), stage());
    assert_eq!(world.evaluator.next_deadline(), Some(Steady(0)));
    world.hear(0, 4.0);
    assert_eq!(world.evaluator.next_deadline(), Some(Steady(3 * MINUTE)));
    world.tick(2);
    world.tick(3);
    assert_eq!(world.changes(1), [format!("Evidence {:?}", Evidence::NoData { since: Timestamp(0) })]);
    assert_eq!((world.judged(), world.evaluator.next_deadline()), (Some(Grade::Red), None));
    world.hear(10, 4.0);
    assert_eq!(world.changes(2), ["Evidence Good"]);
    assert_eq!(world.evaluator.next_deadline(), Some(Steady(13 * MINUTE)));
}

#[test]
fn a_site_that_is_never_heard_says_so() {
    let mut world = World::of_stage(point(0, "stage"), stage());
    world.tick(5);
    assert_eq!(world.evaluator.subjects().next().expect("one").evidence, Evidence::Starting);
    world.tick(8);
    assert_eq!(world.changes(0), [format!("Evidence {:?}", Evidence::NoData { since: Timestamp(5 * MINUTE) })]);
}

#[test]
fn losing_evidence_while_rising_is_said_at_once() {
    let patient = Rule { raise_after: PerGrade::all(delay(None, Some(10))), ..stage() };
    let mut world = World::of_stage(point(0, "stage"), patient);
    world.hear(0, 0.0);
    world.hear(1, 4.0);
    world.tick(4);
    assert_eq!(
        world.changes(1),
        ["Pending clear".to_owned(), format!("LostWhileRising {:?}", Evidence::NoData { since: Timestamp(MINUTE) })]
    );
    assert_eq!(world.findings.last().map(|f| (f.pending, f.threshold)), Some((Some(Grade::Red), Some(4.0))));
}

#[test]
fn a_link_that_goes_down_is_a_fault_until_something_good_is_heard() {
    let mut world = World::of_stage(point(0, "stage"), stage());
    world.hear(0, 1.0);
    world.link(1, false);
    world.link(2, true);
    assert_eq!(world.changes(1), ["Evidence Fault { cause: Link }"]);
    world.hear(3, 1.0);
    assert_eq!(world.changes(2), ["Evidence Good"]);
}

#[test]
fn a_clock_ahead_neither_blinds_nor_poisons() {
    let ahead =
        |minute: i64, value: f64| Reading { observed_at: Timestamp(i64::MAX / 2 + minute), ..said(minute, value) };
    let mut world = World::of_stage(point(0, "stage"), ordinary());
    for minute in 0..4 {
        world.hear(minute, 0.0);
    }
    let seen = world.reading(4 * MINUTE, &ahead(4, 9.0));
    assert_eq!((seen.flag, seen.checks), (Flag::Suspect, Checks::CLOCK));
    assert_eq!(world.story(), "4:clear>yellow");
    world.reading(5 * MINUTE, &ahead(5, 9.0));
    world.reading(6 * MINUTE, &ahead(6, 9.0));
    assert_eq!(world.changes(2), ["Verify yellow", "Evidence Fault { cause: Clock }"]);
    for minute in 7..=9 {
        world.hear(minute, 0.0);
    }
    assert_eq!(world.judged(), Some(Grade::Yellow), "three good ones end the fault; they are not proven themselves");
    world.hear(10, 0.0);
    assert_eq!(world.story(), "4:clear>yellow 10:yellow>clear");
}

#[test]
fn when_most_clocks_are_ahead_it_is_ours_that_is_wrong() {
    let points: Vec<Vec<Point>> = (0..6).map(|station| vec![point(station, "stage")]).collect();
    let mut world = World::new(world::site(points, vec![ordinary()]));
    let hear = |world: &mut World, observed: i64, received: i64, value: f64| {
        for ix in 0..6 {
            let reading = Reading {
                point: watchfire_model::id::PointIx(ix),
                received_at: Timestamp(received * MINUTE),
                ..said(observed, value)
            };
            world.reading(observed * MINUTE, &reading);
        }
    };
    for minute in 0..6 {
        hear(&mut world, minute, minute, 2.5);
    }
    let before = world.findings.len();
    for minute in 6..20 {
        hear(&mut world, minute, minute - 60, 2.5);
    }
    assert_eq!(world.changes(before), Vec::<String>::new());
    hear(&mut world, 20, 20 - 60, 4.0);
    assert_eq!(world.changes(before), vec!["Raised red"; 6]);
}

#[test]
fn the_same_reading_twice_is_one() {
    let two = Rule { raise_after: PerGrade::all(delay(Some(2), None)), ..stage() };
    let mut world = World::of_stage(point(0, "stage"), two);
    world.hear(0, 4.0);
    assert_eq!(world.hear(0, 4.0).outcome, Outcome::Repeat);
    assert_eq!(world.story(), "");
    world.hear(1, 0.0);
    assert_eq!(world.hear_late(0, 1, 4.0).outcome, Outcome::Repeat);
    assert_eq!(world.story(), "");
}

#[test]
fn a_late_reading_may_raise_back_dated_and_never_lowers() {
    let mut world = World::of_stage(point(0, "stage"), stage());
    world.hear(0, 0.0);
    world.hear(5, 1.0);
    world.hear_late(3, 6, 4.2);
    assert_eq!(world.story(), "5:clear>blue 3:blue>red");
    let raised = world.findings.last().expect("a finding");
    assert_eq!((raised.onset, raised.value), (Timestamp(3 * MINUTE), Some(4.2)));
    world.hear_late(4, 6, 0.0);
    assert_eq!(world.judged(), Some(Grade::Red));
    world.hear(7, 1.0);
    assert_eq!(world.story(), "5:clear>blue 3:blue>red 7:red>blue");
}

#[test]
fn a_correction_upwards_raises() {
    let mut world = World::of_stage(point(0, "stage"), stage());
    world.hear(0, 0.0);
    let seen = world.hear_late(0, 1, 3.0);
    assert!(seen.checks.has(Checks::CORRECTION));
    assert_eq!(world.story(), "0:clear>orange");
    world.hear_late(0, 1, 0.0);
    assert_eq!(world.judged(), Some(Grade::Orange));
}

#[test]
fn a_late_reading_can_undo_a_lift_that_should_not_have_been() {
    let slow = Rule { lift_after: PerGrade::all(Span::minutes(4)), max_gap: Some(Span::minutes(5)), ..stage() };
    let mut world = World::of_stage(point(0, "stage"), slow.clone());
    for (minute, value) in [(0, 1.0), (1, 0.0), (2, 0.0), (4, 0.0), (5, 0.0)] {
        world.hear(minute, value);
    }
    assert_eq!(world.story(), "0:clear>blue 5:blue>clear");
    world.hear_late(3, 5, 0.95);
    assert_eq!(world.judged(), Some(Grade::Blue));
    let mut harmless = World::of_stage(point(0, "stage"), slow);
    for (minute, value) in [(0, 1.0), (1, 0.0), (2, 0.0), (4, 0.0), (5, 0.0)] {
        harmless.hear(minute, value);
    }
    harmless.hear_late(3, 5, 0.5);
    assert_eq!(harmless.story(), "0:clear>blue 5:blue>clear");
}

#[test]
fn what_is_too_old_to_act_on_is_only_said_to_have_been_missed() {
    let mut world = World::of_stage(point(0, "stage"), stage());
    world.hear(0, 0.0);
    world.hear(60, 0.0);
    let before = world.findings.len();
    let seen = world.hear_late(30, 61, 4.0);
    assert!(seen.checks.has(Checks::BACKFILL));
    world.hear_late(31, 61, 4.0);
    assert_eq!(world.changes(before), ["MissedCrossing clear"]);
    let missed = world.findings.last().expect("a finding");
    assert_eq!(
        (missed.judged, missed.value, missed.threshold, missed.at),
        (None, Some(4.0), Some(4.0), Timestamp(30 * MINUTE))
    );
}

#[test]
fn a_retained_message_is_not_fresh() {
    let mut world = World::of_stage(point(0, "stage"), stage());
    let seen = world.reading(0, &Reading { retained: true, ..said(0, 4.0) });
    assert_eq!((seen.outcome, world.story().as_str()), (Outcome::Retained, ""));
    world.tick(3);
    assert_eq!(world.changes(0).len(), 1, "it does not stand in for a reading");
}

#[test]
fn a_sudden_step_is_doubted_once_and_a_spike_alone() {
    let mut quick = point(0, "stage");
    quick.max_rate = Some((10.0, 10.0));
    let mut world = World::of_stage(quick.clone(), ordinary());
    for (minute, value) in (0..).zip([0.0, 0.0, 0.0, 0.0, 4.5, 0.0, 0.0]) {
        world.hear(minute, value);
    }
    assert_eq!(world.story(), "4:clear>yellow 5:yellow>clear");
    let mut world = World::of_stage(quick, ordinary());
    for (minute, value) in (0..).zip([0.0, 0.0, 0.0, 0.0, 4.5, 4.5]) {
        world.hear(minute, value);
    }
    assert_eq!(world.story(), "4:clear>yellow 5:yellow>red");
}

#[test]
fn a_window_sums_tips_exactly_and_lifts_as_they_leave() {
    let mut gauge = point(0, "rain");
    gauge.kind = watchfire_model::site::Kind::Increment;
    gauge.thresholds = PerGrade { blue: Some(2.0), ..PerGrade::default() };
    let mut world = World::of_stage(gauge, rule("rain", "rain.sum(\"1h\")"));
    for minute in 0..70 {
        world.hear(minute, if minute < 10 { 0.2 } else { 0.0 });
    }
    assert_eq!(world.story(), "9:clear>blue 60:blue>clear");
}

#[test]
fn units_are_converted_on_the_native_way() {
    let in_mm = Rule { unit: watchfire_model::unit::Unit::parse("mm"), ..stage() };
    let mut world = World::of_stage(point(0, "stage"), in_mm);
    world.hear(0, 1.0);
    let raised = world.findings.first().expect("blue");
    assert_eq!((raised.judged, raised.value, raised.threshold), (Some(Grade::Blue), Some(1_000.0), Some(1_000.0)));
}

#[test]
fn two_good_heads_of_three_are_still_enough() {
    let heads = ["a", "b", "c"].map(|id| Point { quantity: "ch4".into(), ..point(0, id) });
    let watch = watchfire_model::rule::Watch { point: Some("a".to_owned()), ..Default::default() };
    let largest = Rule { watch, enough: Some(2), ..rule("ch4", "max(max(a, b), c)") };
    let mut world = World::new(world::site(vec![heads.to_vec()], vec![largest]));
    let hear = |world: &mut World, ix: u32, minute: i64, state: PointState| {
        let reading = Reading { point: watchfire_model::id::PointIx(ix), state, ..said(minute, 2.0) };
        world.reading(minute * MINUTE, &reading);
    };
    for ix in 0..3 {
        hear(&mut world, ix, 0, PointState::Normal);
    }
    assert_eq!(world.story(), "0:clear>yellow");
    let before = world.findings.len();
    hear(&mut world, 1, 1, PointState::SensorFault);
    assert_eq!(world.changes(before), ["Evidence Degraded { left: 2, of: 3 }"]);
    hear(&mut world, 2, 1, PointState::SensorFault);
    assert_eq!(world.changes(before + 1), ["Evidence Fault { cause: Device }"]);
}

#[test]
fn a_restart_changes_nothing() {
    let mut world =
        World::of_stage(point(0, "stage"), Rule { raise_after: PerGrade::all(delay(Some(3), None)), ..stage() });
    world.hear(0, 4.0);
    world.hear(1, 4.0);
    let text = serde_json::to_string(&world.evaluator.snapshot()).expect("plain data");
    let state = serde_json::from_str(&text).expect("just written");
    world.evaluator = Evaluator::restore(std::sync::Arc::clone(world.evaluator.rules()), state);
    world.hear(1, 4.0);
    assert_eq!(world.story(), "");
    world.hear(2, 4.0);
    assert_eq!(world.story(), "2:clear>red");
    assert_eq!(world.findings.last().map(|f| (f.onset, f.change)), Some((Timestamp(0), Change::Raised)));
}

#[test]
fn what_was_recorded_and_lost_with_its_rows_is_taken_over() {
    let mut world = World::of_stage(point(0, "stage"), stage());
    world.hear(0, 0.0);
    let before = serde_json::to_string(&world.evaluator.snapshot()).expect("plain data");
    for (minute, value) in [(1, 2.0), (2, 0.0), (3, 3.0)] {
        world.hear(minute, value);
    }
    assert_eq!(world.story(), "1:clear>yellow 2:yellow>clear 3:clear>orange");
    let last = world.findings.last().cloned().expect("a finding");
    let recorded = Standing { rule: last.rule, subject: last.subject, n: last.n, judged: last.judged };

    // The disk was sick and the power went: the rows of these three minutes are gone.
    let state = serde_json::from_str(&before).expect("just written");
    world.evaluator = Evaluator::restore(std::sync::Arc::clone(world.evaluator.rules()), state);
    world.findings.clear();
    world.evaluator.take_over(world.seq, std::slice::from_ref(&recorded), &mut world.findings);
    let said: Vec<_> = world.findings.iter().map(|f| (f.n, f.change, f.judged)).collect();
    assert_eq!(said, [(recorded.n + 1, Change::Evidence, Some(Grade::Orange))], "both know the same");
    world.hear(4, 4.0);
    world.hear(5, 0.0);
    let counts: Vec<u64> = world.findings.iter().map(|f| f.n).collect();
    assert_eq!(counts, [recorded.n + 1, recorded.n + 2, recorded.n + 3], "none of them is a repeat");
    assert_eq!(world.story(), "4:orange>red 5:red>clear");
    world.findings.clear();
    world.evaluator.take_over(world.seq, &[recorded], &mut world.findings);
    assert!(world.findings.is_empty(), "who has counted as far takes over nothing");
}
