//! Stories of what the public is not told yet: one sample, a sensor that has said nothing else, and what speaks for them.

use proptest::prelude::{Just, Strategy, prop_assert, prop_oneof, proptest};
use watchfire_model::doubt::{Because, Doubt, usual};
use watchfire_model::finding::{Change, Finding};
use watchfire_model::grade::{Grade, PerGrade, word};
use watchfire_model::id::PointIx;
use watchfire_model::quantity::Bad;
use watchfire_model::reading::Reading;
use watchfire_model::rule::{Per, Rule, Thresholds};
use watchfire_model::site::Point;
use watchfire_model::time::Span;

use super::world::{MINUTE, World, delay, one_to_four, point, rule, said, site};
use super::{ordinary, stage};

/// What was said of grades, and of what the public may be told: `minute:grade` with what is sure of it in brackets.
fn told(findings: &[Finding]) -> String {
    let speaks = |finding: &&Finding| matches!(finding.change, Change::Raised | Change::Lifted | Change::Proven);
    let one = |finding: &Finding| {
        let sure =
            finding.doubt.map_or_else(String::new, |doubt| format!(" ({:?} {})", doubt.because, word(doubt.sure)));
        format!("{}:{}{sure}", finding.at.0 / MINUTE, word(finding.judged))
    };
    findings.iter().filter(speaks).map(one).collect::<Vec<_>>().join(" ")
}

fn check(rule: Rule, values: &[f64], expected: &str) {
    let mut world = World::of_stage(point(0, "stage"), rule);
    (0..).zip(values).for_each(|(minute, value)| _ = world.hear(minute, *value));
    assert_eq!(told(&world.findings), expected, "{values:?}");
}

#[test]
fn one_sample_raises_red_and_a_second_proves_it() {
    let calm = [0.0, 0.1, 0.0, 0.1];
    let after = |values: &[f64]| [&calm, values].concat();
    check(ordinary(), &after(&[4.2, 4.3]), "4:red (Few orange) 5:red");
    check(ordinary(), &after(&[4.2, 3.95, 4.2]), "4:red (Few orange) 6:red");
    check(ordinary(), &after(&[4.2, 0.0]), "4:red (Few orange) 5:clear");
    check(ordinary(), &after(&[3.2, 4.2, 4.2]), "4:orange 5:red (Few orange) 6:red");
    // What begins anew is proven anew.
    check(ordinary(), &after(&[4.2, 4.2, 0.0, 4.2]), "4:red (Few orange) 5:red 6:clear 7:red (Few orange)");
}

/// A reading that is corrected, or told twice within the same millisecond, is a sample of its time like any other.
#[test]
fn a_correction_that_raises_red_is_the_first_of_two() {
    let mut world = World::of_stage(point(0, "stage"), ordinary());
    (0..).zip([0.0, 0.1, 0.0, 0.1, 1.2, 4.2]).for_each(|(at, value)| _ = world.hear(at.min(4), value));
    world.hear(5, 4.3);
    assert_eq!(told(&world.findings), "4:blue 4:red (Few orange) 5:red");
}

#[test]
fn a_delay_that_has_run_is_proof_and_an_instant_rule_asks_for_none() {
    let patient = Rule { raise_after: PerGrade { red: delay(Some(2), None), ..PerGrade::default() }, ..ordinary() };
    check(patient, &[0.0, 0.1, 0.0, 0.1, 4.2, 4.2], "4:orange 5:red");
    check(stage(), &[4.2], "0:red");
    let written = Rule { public_after: PerGrade { orange: delay(Some(3), None), ..PerGrade::default() }, ..ordinary() };
    let values = [0.0, 0.1, 0.0, 0.1, 3.2, 4.2, 3.2];
    // Red itself waits for nothing here, and stands for orange too.
    check(written, &values, "4:orange (Few yellow) 5:red 6:orange");
}

#[test]
fn a_ladder_without_orange_is_sure_of_what_it_has() {
    let mut gauge = point(0, "stage");
    gauge.thresholds = PerGrade { orange: None, ..one_to_four() };
    let mut world = World::of_stage(gauge, ordinary());
    (0..).zip([0.0, 0.1, 0.0, 0.1, 4.2]).for_each(|(minute, value)| _ = world.hear(minute, value));
    assert_eq!(told(&world.findings), "4:red (Few yellow)");
    let doubt = world.findings.last().and_then(|finding| finding.doubt);
    let lasting = Some(Span::minutes(5));
    assert_eq!(doubt, Some(Doubt { because: Because::Few, sure: Some(Grade::Yellow), lasting }));
}

#[test]
fn the_clearest_of_two_gauges_is_proven_by_the_other() {
    let measure = rule("stage", "stage.last.max()").measure;
    let thresholds = Thresholds::Inline(one_to_four());
    let rule = Rule { measure, thresholds, per: Per::Group, ..ordinary() };
    let mut world = World::new(site(vec![vec![point(0, "stage")], vec![point(0, "stage")]], vec![rule]));
    let hear = |world: &mut World, minute, point, value| {
        world.reading(minute * MINUTE, &Reading { point: PointIx(point), ..said(minute, value) });
    };
    for (minute, value) in (0..).zip([0.0, 0.1, 0.0, 0.1]) {
        hear(&mut world, minute, 0, value);
        hear(&mut world, minute, 1, value);
    }
    hear(&mut world, 4, 0, 4.2);
    // The other is heard, and says nothing of the kind: its reading is no second sample.
    hear(&mut world, 5, 1, 0.1);
    assert_eq!(told(&world.findings), "4:red (Few orange)");
    hear(&mut world, 6, 1, 4.1);
    assert_eq!(told(&world.findings), "4:red (Few orange) 6:red");
}

/// What may happen to a sensor that says the same thing for ever.
#[derive(Clone, Debug)]
enum Deed {
    Says,
    SaysTwice,
    SaysLate(i64),
    SaysNothing(i64),
    IsBad,
    Restarts,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        8 => Just(Deed::Says),
        1 => Just(Deed::SaysTwice),
        1 => (1_i64..9).prop_map(Deed::SaysLate),
        1 => (1_i64..30).prop_map(Deed::SaysNothing),
        1 => Just(Deed::IsBad),
        1 => Just(Deed::Restarts),
    ];
    proptest::collection::vec(deed, 1..80)
}

proptest! {
    /// Invariant 17: a series constant from its first reading never comes to be told to the public as red, whatever else
    /// happens to it and however long it lasts; and the same series does, once it has moved.
    #[test]
    fn what_never_moved_is_no_public_red(deeds in deeds(), value in 4.0_f64..9.0, delayed in proptest::bool::ANY) {
        let raise_after = if delayed { PerGrade::all(delay(Some(2), Some(5))) } else { PerGrade::default() };
        let gauge = Point { resolution: Some(0.01), ..point(0, "stage") };
        let mut world = World::of_stage(gauge, Rule { raise_after, public_after: usual(), ..ordinary() });
        let mut minute = 0;
        for deed in &deeds {
            minute += 1;
            match deed {
                Deed::Says => _ = world.hear(minute, value),
                Deed::SaysTwice => (0..2).for_each(|_| _ = world.hear(minute, value)),
                Deed::SaysLate(by) => _ = world.hear_late(minute - by, minute, value),
                Deed::SaysNothing(minutes) => minute += minutes,
                Deed::IsBad => _ = world.hear_bad(minute, Bad::Sentinel),
                Deed::Restarts => world.restarts = !world.restarts,
            }
            world.tick(minute);
        }
        for finding in world.findings.iter().filter(|finding| finding.judged == Some(Grade::Red)) {
            let doubt = finding.doubt;
            prop_assert!(doubt.is_some_and(|doubt| doubt.sure < Some(Grade::Red) && doubt.lasting.is_none()), "{:?}", finding);
        }
        let raised = world.judged() == Some(Grade::Red);
        world.hear(minute + 1, value + 0.5);
        world.hear(minute + 2, value + 0.5);
        let last = world.findings.last().expect("it was heard");
        prop_assert!(!raised || last.doubt.is_none(), "once it moves it proves itself: {:?}", last);
    }
}
