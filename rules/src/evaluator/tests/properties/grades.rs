//! What may change a grade, and what may not (SEMANTICS §1, §5, invariants 1, 2, 3, 8, 9, 17, 18, 19).

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use watchfire_model::finding::Change;
use watchfire_model::grade::Grade;
use watchfire_model::id::PointIx;
use watchfire_model::quality::Flag;
use watchfire_model::reading::{PointState, Reading};
use watchfire_model::row::Row;
use watchfire_model::rule::{Per, Rule, Thresholds};

use super::country::{BEACH, LIFT_AFTER, ORDINARY, RAIN, REDUCED, STAGE, TURNS, UPPER_RAIN};
use super::life::{Deed, Life, Saying, deeds, steady_deeds};
use crate::cases::cases;
use crate::evaluator::tests::world::{MINUTE, World, one_to_four, point, rule, said, site};
use crate::quality::Outcome;

/// The judged level of every subject.
fn levels(life: &Life) -> Vec<u8> {
    life.evaluator.subjects().map(|view| view.judged.map_or(0, Grade::level)).collect()
}

/// The judged level of a rule at a station.
fn level(life: &Life, rule: &str, station: &str) -> u8 {
    let mut views = life.evaluator.subjects();
    let view = views.find(|view| view.rule.as_str() == rule && view.subject.as_str() == station);
    view.and_then(|view| view.judged).map_or(0, Grade::level)
}

/// The reduced machine in the words of SEMANTICS §1.
fn reduced(level: u8, value: f64, may_lift: bool) -> u8 {
    let steps = [(1_u8, 1.0, 0.9), (2, 2.0, 1.9), (3, 3.0, 2.9), (4, 4.0, 3.9)];
    let mut level = steps.iter().filter(|(_, raise, _)| value >= *raise).map(|(grade, ..)| *grade).fold(level, u8::max);
    while let Some((grade, _, lift)) = steps.iter().find(|(grade, ..)| *grade == level)
        && may_lift
        && value < *lift
    {
        level = grade - 1;
    }
    level
}

/// Values that no twelfth digit decides.
fn plain(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

proptest! {
    #![proptest_config(cases())]

    /// A rule without delays follows the reduced machine, reading by reading; late ones only raise.
    #[test]
    fn without_delays_it_is_the_reduced_machine(deeds in steady_deeds(150)) {
        let mut life = Life::new();
        let mut model = 0;
        for deed in &deeds {
            life.do_one(deed);
            let view = life.evaluator.subjects().next().expect("the reduced rule is the first");
            let (evidence, judged) = (view.evidence.clone(), view.judged.map_or(0, Grade::level));
            let saturated = |checks: watchfire_model::quality::Checks| {
                checks.has(watchfire_model::quality::Checks::SATURATED)
            };
            match life.observed.take().map(|observed| observed.outcome) {
                Some(Outcome::Fresh(seen)) if seen.point.0 == STAGE => {
                    let lifts = seen.flag <= Flag::NotEvaluated && !evidence.is_lost() && !saturated(seen.checks);
                    model = reduced(model, plain(seen.value.get()), lifts);
                }
                Some(Outcome::Ahead(seen)) if seen.point.0 == STAGE => {
                    model = reduced(model, plain(seen.value.get()), false);
                }
                Some(Outcome::Late(seen, _)) if seen.point.0 == STAGE => {
                    prop_assert!(judged >= model);
                    model = judged;
                }
                _ => {}
            }
            prop_assert_eq!(judged, model);
        }
    }

    /// Only a good reading ends anything, on ground that is not lost, and after its time below.
    #[test]
    fn nothing_ends_without_good_evidence(deeds in deeds(150)) {
        let mut life = Life::new();
        for deed in &deeds {
            let said = life.findings.len();
            let held = life.evaluator.subjects().filter(|view| view.catching_up);
            let held: Vec<_> = held.map(|view| (view.rule.clone(), view.subject.clone())).collect();
            life.do_one(deed);
            for finding in life.findings.iter().skip(said).filter(|finding| finding.change == Change::Lifted) {
                prop_assert!(!finding.evidence.is_lost());
                if held.contains(&(finding.rule.clone(), finding.subject.clone())) {
                    // The net of what was kept back: it was judged when it came.
                    continue;
                }
                prop_assert!(matches!(life.rows.last(), Some((_, Row::Reading(reading))) if reading.value.is_ok()));
                let observed = life.observed.expect("a reading");
                prop_assert!(matches!(observed.outcome, Outcome::Fresh(_)), "{:?} by {:?}", finding, observed);
                if finding.rule.as_str() != ORDINARY {
                    continue;
                }
                prop_assert_eq!(observed.flag, Flag::Good);
                let point = if finding.subject.as_str() == "s0" { STAGE } else { 4 };
                let gate = life.evaluator.gate().point(PointIx(point)).expect("it is there");
                let (begin, bar) = (finding.at - LIFT_AFTER, finding.threshold.expect("it left a grade"));
                let within: Vec<_> = gate.series().iter().rev().take_while(|sample| sample.at > begin).collect();
                prop_assert!(within.iter().all(|sample| plain(sample.value) < bar), "{:?} {:?}", finding, within);
                let before = gate.series().iter().rev().find(|sample| sample.at <= begin);
                prop_assert!(before.is_some_and(|sample| plain(sample.value) < bar), "{:?}", finding);
            }
        }
    }

    /// What carries no value, was heard before, or is a link or a tick, changes no grade.
    #[test]
    fn what_says_nothing_changes_no_grade(deeds in deeds(200)) {
        let mut life = Life::new();
        for deed in &deeds {
            let before = levels(&life);
            life.observed = None;
            life.do_one(deed);
            if matches!(deed, Deed::Says { what: Saying::Bad(_) | Saying::Retained(_), .. }) {
                prop_assert_eq!(&before, &levels(&life), "{:?}", deed);
            }
            let spoke = match life.observed.map(|observed| observed.outcome) {
                Some(Outcome::Fresh(_) | Outcome::Ahead(_)) => continue,
                Some(Outcome::Late(..)) => true,
                Some(Outcome::Backfill(_) | Outcome::Repeat | Outcome::Retained | Outcome::Refused) | None => false,
            };
            let after = levels(&life);
            prop_assert!(spoke || before == after, "{:?}", deed);
            prop_assert!(before.iter().zip(&after).all(|(before, after)| before <= after), "{:?} lowered", deed);
        }
    }

    /// Whatever happened before, a danger that is measured is judged so within its delay, and one that is over ends.
    #[test]
    fn after_any_life_danger_is_seen_and_ends(deeds in deeds(60)) {
        let mut life = Life::new();
        life.minutes(2, |_| 0.0);
        life.live(&deeds);
        // A clock may have been five minutes ahead without our knowing.
        life.minutes(6, |_| 0.0);
        let danger = |point| match point { BEACH => 0.5, RAIN | UPPER_RAIN => 1.0, _ => 5.0 };
        let minute = life.now;
        life.minutes(3, danger);
        prop_assert_eq!((level(&life, REDUCED, "s0"), level(&life, REDUCED, "s1")), (4, 4));
        life.minutes(6, danger);
        prop_assert_eq!((level(&life, ORDINARY, "s0"), level(&life, ORDINARY, "s1")), (4, 4));
        life.minutes(16, danger);
        for rule in ["beach", "worst", "covered", "sum", "native 0", "script 0", "native 1", "script 1", "native 2"] {
            prop_assert_eq!(level(&life, rule, "s0"), 4, "{} since {:?}", rule, minute);
        }
        life.minutes(45, |point| if point == BEACH { 9.0 } else { 0.0 });
        for view in life.evaluator.subjects().filter(|view| !["count", "wet"].contains(&view.rule.as_str())) {
            prop_assert_eq!(view.judged, None, "{} {}", view.rule, view.subject);
        }
    }

    /// A value that trembles within the margin raises once and ends nothing.
    #[test]
    fn a_trembling_value_raises_once(
        values in proptest::collection::vec(proptest::sample::select(vec![0.9, 0.92, 0.95, 0.99, 1.0, 1.05]), 1..80),
    ) {
        let mut life = Life::new();
        life.minutes(5, |_| 0.0);
        for value in &values {
            life.pass(60_000);
            life.hears(STAGE, *value);
        }
        for rule in [REDUCED, "native 0", "script 0", "native 1"] {
            let of_rule = life.findings.iter().filter(|finding| finding.rule.as_str() == rule);
            let changes: Vec<Change> = of_rule.map(|finding| finding.change).collect();
            prop_assert!(changes.iter().filter(|change| **change == Change::Raised).count() <= 1);
            prop_assert!(!changes.contains(&Change::Lifted));
        }
    }

    /// What an ordinary rule has not seen moving raises no red: nobody has proved the sensor yet.
    #[test]
    fn first_samples_raise_no_red(value in 4.0_f64..7.0, minutes in 1_usize..4) {
        let mut life = Life::new();
        life.minutes(minutes, |point| if point == TURNS { 0.0 } else { value });
        prop_assert_eq!((level(&life, ORDINARY, "s0"), level(&life, REDUCED, "s0")), (2, 4));
        life.minutes(1, |_| value);
        prop_assert!(level(&life, ORDINARY, "s0") < 4);
    }

    /// A sensor at the end of its span ends nothing, whatever number it gives, until it has measured again for a while.
    #[test]
    fn a_saturated_sensor_ends_nothing(deeds in deeds(40), values in proptest::collection::vec(0.0_f64..9.0, 1..20)) {
        let mut life = Life::new();
        life.minutes(2, |_| 0.0);
        life.live(&deeds);
        life.minutes(6, |_| 5.0);
        for value in values {
            life.pass(60_000);
            life.do_one(&Deed::Says { point: STAGE, lag: 0, what: Saying::State(value, PointState::OverRange) });
            prop_assert_eq!((level(&life, REDUCED, "s0"), level(&life, "native 0", "s0")), (4, 4));
        }
        for _ in 0..2 {
            life.pass(60_000);
            life.hears(STAGE, 0.0);
            prop_assert_eq!(level(&life, REDUCED, "s0"), 4);
        }
    }

    /// Nor does it where the other of two gauges is ground enough to stand on.
    #[test]
    fn a_saturated_sensor_among_good_ones_ends_nothing(values in proptest::collection::vec(0.0_f64..9.0, 1..12)) {
        let clearest = Rule { per: Per::Group, enough: Some(1), ..rule("stage", "stage.last.max()") };
        let inline = Rule { thresholds: Thresholds::Inline(one_to_four()), ..clearest };
        let mut world = World::new(site(vec![vec![point(0, "stage")], vec![point(0, "stage")]], vec![inline]));
        let mut hear = |minute: i64, point, value, state| {
            let reading = Reading { point: PointIx(point), state, ..said(minute, value) };
            world.reading(minute * MINUTE, &reading);
            world.judged()
        };
        for minute in 0..6 {
            hear(minute, 1, 0.0, PointState::Normal);
            hear(minute, 0, 5.0, PointState::Normal);
        }
        for (minute, value) in (6..).zip(values) {
            hear(minute, 0, value, PointState::OverRange);
            prop_assert_eq!(hear(minute, 1, 0.0, PointState::Normal), Some(Grade::Red), "{}", minute);
        }
    }

    /// When all falls silent every subject says so within the bound, and nothing else.
    #[test]
    fn silence_is_said_in_time_and_ends_nothing(deeds in deeds(100), at_deadlines in any::<bool>()) {
        let mut life = Life::new();
        life.live(&deeds);
        // The net of what was kept back is said first.
        life.pass(30_000);
        life.do_one(&Deed::Tick);
        let (before, said, since) = (levels(&life), life.findings.len(), life.now.steady);
        if at_deadlines {
            // What comes later waits for a person who answers for a calibration that a device began.
            while life.evaluator.next_deadline().is_some_and(|due| (due - since).0 <= 181_000) {
                life.do_one(&Deed::Deadline);
            }
        } else {
            life.pass(181_000);
            life.do_one(&Deed::Tick);
        }
        prop_assert!(life.evaluator.subjects().all(|view| view.evidence.is_lost()));
        prop_assert_eq!(before, levels(&life));
        let changes = life.findings.iter().skip(said).map(|finding| finding.change);
        for change in changes {
            prop_assert!(matches!(change, Change::Evidence | Change::LostWhileRising), "{:?}", change);
        }
        let calibrated = life.evaluator.gate().points().iter().any(crate::quality::PointGate::is_being_calibrated);
        prop_assert!(calibrated || life.evaluator.next_deadline().is_none());
    }
}
