//! What was kept back comes all at once (SEMANTICS §3, RELIABILITY F19): nothing that is over is raised as new.

use watchfire_model::finding::{Change, Finding};
use watchfire_model::grade::{Grade, word};
use watchfire_model::reading::Reading;
use watchfire_model::time::{Steady, Timestamp};

use super::world::{MINUTE, World, point, rule, said};

/// A minute at which the link comes back: six hours after the last word.
const BACK: i64 = 365;

fn world() -> World {
    let mut world = World::of_stage(point(0, "stage"), rule("stage", "stage"));
    for minute in 0..=5 {
        world.hear(minute, 0.5);
    }
    // Silence is noticed.
    world.tick(30);
    world
}

/// What was measured from minute 6 on, heard within a second from [`BACK`] on.
fn burst(world: &mut World, values: impl IntoIterator<Item = f64>) {
    for (minute, value) in (6..).zip(values) {
        let now = BACK * MINUTE + minute;
        world.reading(now, &Reading { received_at: Timestamp(now), ..said(minute, value) });
    }
}

fn told(world: &World, from: usize) -> String {
    let tell = |f: &Finding| match f.change {
        Change::Raised | Change::Lifted => format!("{:?} {} since {}", f.change, word(f.judged), f.onset.0 / MINUTE),
        Change::MissedCrossing => format!("Missed {:?} at {}", f.threshold, f.onset.0 / MINUTE),
        Change::Evidence
        | Change::Pending
        | Change::LostWhileRising
        | Change::Verify
        | Change::Retracted
        | Change::Rewritten
        | Change::Proven
        | Change::OverInCalibration => format!("{:?}", f.change),
    };
    world.findings.iter().skip(from).map(tell).collect::<Vec<_>>().join("; ")
}

/// Calm until `from`, then `high` until `to`, then calm again until minute `end`.
fn flood(from: i64, to: i64, end: i64, high: f64) -> impl Iterator<Item = f64> {
    (6..=end).map(move |minute| if (from..to).contains(&minute) { high } else { 0.5 })
}

#[test]
fn a_danger_that_is_over_is_said_to_have_been_missed_and_raised_as_nothing() {
    for restarts in [false, true] {
        let mut world = World { restarts, ..world() };
        let from = world.findings.len();
        burst(&mut world, flood(60, 120, 354, 4.5));
        assert_eq!(told(&world, from), "", "nothing is said of what has long been so");
        world.hear(366, 0.5);
        assert_eq!(told(&world, from), "Missed Some(4.0) at 60; Evidence");
        assert_eq!(world.judged(), None);
    }
}

#[test]
fn a_danger_that_still_stands_is_raised_once_with_its_true_beginning() {
    let mut world = world();
    let from = world.findings.len();
    burst(&mut world, flood(60, 900, 354, 3.5));
    world.hear(366, 3.5);
    assert_eq!(told(&world, from), "Raised orange since 60");
}

#[test]
fn the_net_is_said_within_half_a_minute_although_nothing_more_is_heard() {
    let mut world = world();
    let from = world.findings.len();
    burst(&mut world, flood(60, 900, 300, 3.5));
    let deadline = world.evaluator.next_deadline().expect("it wants to be called");
    assert!(deadline <= Steady(BACK * MINUTE + 31_000), "{deadline:?}");
    world.tick(BACK + 1);
    assert_eq!(told(&world, from), "Raised orange since 60");
}

#[test]
fn a_red_that_is_young_enough_to_act_on_goes_out_at_once() {
    let mut world = world();
    let from = world.findings.len();
    burst(&mut world, flood(330, 900, 340, 4.5));
    assert_eq!(told(&world, from), "Raised red since 330");
}

/// A hundred thousand readings of six hours, several a second, heard ten a millisecond; then one in its time.
fn hundred_thousand(world: &mut World, value: impl Fn(i64) -> f64) {
    for n in 0_i64..=100_000 {
        let (last, now) = (n == 100_000, Timestamp(BACK * MINUTE + n / 10));
        let observed_at = if last { now } else { Timestamp(6 * MINUTE + n * 209) };
        world.reading(now.0, &Reading { observed_at, received_at: now, ..said(0, value(n)) });
    }
}

#[test]
fn a_hundred_thousand_readings_after_six_hours_say_one_thing() {
    let mut world = world();
    let from = world.findings.len();
    // Every quarter of a minute crossed every grade but red.
    hundred_thousand(&mut world, |n| [0.5, 1.5, 2.5, 3.5][usize::try_from(n / 70 % 4).expect("small")]);
    println!("F19: 100,000 readings, {}", told(&world, from));
    assert_eq!(told(&world, from), "Missed Some(3.0) at 6; Evidence");
    assert_eq!(world.judged(), None);
}

#[test]
fn among_a_hundred_thousand_readings_a_young_red_is_said_with_its_own() {
    let mut world = world();
    let (from, first) = (world.findings.len(), world.seq.0 + 1);
    hundred_thousand(&mut world, |n| if n < 94_000 { [0.5, 3.5][usize::from(n / 70 % 2 == 1)] } else { 4.5 });
    assert_eq!(told(&world, from), "Raised red since 333");
    assert_eq!(world.findings.last().map(|finding| finding.seq.0), Some(first + 94_000), "at once");
    assert_eq!(world.judged(), Some(Grade::Red));
}

#[test]
fn a_sensor_whose_clock_lags_by_an_hour_is_heard_at_once_all_the_same() {
    let mut world = World::of_stage(point(0, "stage"), rule("stage", "stage"));
    for minute in 0..10 {
        world.hear_late(minute, minute + 60, 0.5);
    }
    world.tick(75);
    world.hear_late(10, 70, 4.5);
    world.hear_late(11, 71, 4.5);
    assert_eq!(world.judged(), Some(Grade::Red));
    assert!(world.story().starts_with("10:clear>red"), "{}", world.story());
}

/// What it says after a calm start, each measured and heard so many milliseconds on, an hour late; where it stands then.
fn an_hour_late(said_then: [(i64, i64, f64); 4]) -> Option<Grade> {
    let mut world = World::of_stage(point(0, "stage"), rule("stage", "stage"));
    for minute in 0..10 {
        world.hear_late(minute, minute + 60, 0.5);
    }
    world.tick(75);
    for (measured, heard, value) in said_then {
        let now = 70 * MINUTE + heard;
        let observed_at = Timestamp(10 * MINUTE + measured);
        world.reading(now, &Reading { observed_at, received_at: Timestamp(now), ..said(0, value) });
    }
    world.findings.last().and_then(|finding| finding.judged)
}

/// Their delay differs by what a network needs, never by what a backlog saves.
#[test]
fn readings_close_together_of_a_clock_that_lags_are_no_backlog() {
    let in_a_hurry = [(0, 0, 0.5), (4_000, 4_600, 0.5), (8_000, 8_200, 0.5), (8_009, 8_201, 3.5)];
    assert_eq!(an_hour_late(in_a_hurry), Some(Grade::Orange));
}

#[test]
fn what_corrects_the_newest_word_of_a_clock_that_lags_is_no_backlog() {
    let in_one_millisecond = [(0, 0, 0.5), (4_000, 4_000, 0.5), (8_000, 8_000, 0.5), (8_000, 8_001, 3.5)];
    assert_eq!(an_hour_late(in_one_millisecond), Some(Grade::Orange));
}

#[test]
fn silence_is_said_in_time_while_something_is_held_back() {
    let mut world = world();
    let from = world.findings.len();
    burst(&mut world, flood(60, 900, 200, 3.5));
    world.tick(BACK + 10);
    let told = told(&world, from);
    assert!(told.starts_with("Raised orange since 60") && told.ends_with("Evidence"), "{told}");
    assert!(world.findings.last().is_some_and(|finding| finding.evidence.is_lost()));
}
