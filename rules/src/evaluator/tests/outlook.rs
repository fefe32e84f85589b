//! What is told of a delay that runs, to whoever asks.

use watchfire_model::grade::{Grade, PerGrade};
use watchfire_model::rule::Rule;
use watchfire_model::time::{Now, Span, Timestamp};

use super::stage;
use super::world::{MINUTE, World, delay, point};

#[test]
fn what_is_under_way_is_told_to_whoever_asks() {
    let rule = Rule {
        raise_after: PerGrade::all(delay(Some(3), None)),
        lift_after: PerGrade::all(Span::minutes(5)),
        ..stage()
    };
    let mut world = World::of_stage(point(0, "stage"), rule);
    let told = |world: &World, minute: i64| world.evaluator.outlooks(Now::at(minute * MINUTE)).next();
    world.hear(0, 0.0);
    assert_eq!(told(&world, 0), None);
    world.hear(1, 3.0);
    let rising = told(&world, 1).and_then(|it| it.rising).expect("a delay runs");
    assert_eq!((rising.grade, rising.samples, rising.of_samples), (Grade::Orange, 1, Some(3)));
    assert_eq!(rising.over_at, Some(Timestamp(3 * MINUTE)));
    world.link(2, false);
    assert_eq!(told(&world, 2).and_then(|it| it.rising?.over_at), None, "nothing is foretold of what is not heard");
    world.hear(2, 3.0);
    world.hear(3, 3.0);
    assert_eq!(world.judged(), Some(Grade::Orange));
    assert_eq!(told(&world, 3), None);
    world.hear(4, 0.0);
    let recovering = told(&world, 4).and_then(|it| it.recovering).expect("it is short of what holds it");
    assert_eq!((recovering.towards, recovering.lower_at), (None, Some(Timestamp(9 * MINUTE))));
    let findings = world.findings.len();
    for minute in 5..10 {
        world.hear(minute, 0.0);
    }
    assert_eq!(world.story(), "3:clear>orange 9:orange>clear");
    assert_eq!(world.findings.len(), findings + 1, "nobody asked, and only the end is a finding");
}

#[test]
fn what_is_foretold_and_has_not_come_is_overdue() {
    let rule = Rule {
        raise_after: PerGrade::all(delay(Some(2), None)),
        lift_after: PerGrade::all(Span::minutes(2)),
        ..stage()
    };
    // The sensor's clock is half an hour late: it is its place's time that passes.
    let lag = 30;
    let mut world = World::of_stage(point(0, "stage"), rule);
    let told = |world: &World, minute: i64| world.evaluator.outlooks(Now::at(minute * MINUTE)).next();
    let rising = |world: &World, minute| told(world, minute).and_then(|it| it.rising).expect("a delay runs");
    world.hear_late(0, lag, 0.0);
    world.hear_late(1, lag + 1, 3.0);
    let (due, early) = (Some(Timestamp(2 * MINUTE)), rising(&world, lag + 1));
    assert_eq!((early.over_at, early.overdue_since), (due, None));
    let late = rising(&world, lag + 2);
    assert_eq!((late.over_at, late.overdue_since), (None, due));
    world.hear_late(3, lag + 3, 3.0);
    world.hear_late(4, lag + 4, 0.0);
    let falls = |world: &World, minute| told(world, minute).and_then(|it| it.recovering).expect("it is short of it");
    let (due, early) = (Some(Timestamp(6 * MINUTE)), falls(&world, lag + 5));
    assert_eq!((early.lower_at, early.overdue_since), (due, None));
    let late = falls(&world, lag + 6);
    assert_eq!((late.lower_at, late.overdue_since), (None, due));
}
