//! Clocks that are wrong: ours, which steps, and those of sensors (SEMANTICS §8, invariants 14 and 16).

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use proptest::sample::select;
use watchfire_model::finding::{Change, Evidence, Finding};
use watchfire_model::incident::About;

use super::country::{BEACH, POINTS, STAGE, UPPER_STAGE};
use super::life::{AGES, Deed, Life, Saying, difference, steady_deeds};
use crate::cases::cases;

/// Deeds in which no sensor's clock is ahead, and none that depends on what else was said.
fn honest(deeds: &[Deed]) -> Vec<Deed> {
    let honest = |deed: &Deed| match deed {
        Deed::Says { point, lag, what } => Some(Deed::Says { point: *point, lag: (*lag).max(0), what: *what }),
        Deed::Again(_) | Deed::Corrects { .. } | Deed::Deadline => None,
        other => Some(other.clone()),
    };
    deeds.iter().filter_map(honest).collect()
}

proptest! {
    #![proptest_config(cases())]

    /// Our clock steps, and nobody is warned or cleared for it, nor any sensor called broken.
    #[test]
    fn a_step_of_our_clock_is_no_event(
        values in proptest::collection::vec(0.0_f64..6.0, POINTS as usize),
        steps in proptest::collection::vec(
            select(vec![-3_600_000_i64, 3_600_000, -600_000, 86_400_000, -86_400_000, -2_100]), 1..4),
        apart in 1_usize..80,
    ) {
        let mut life = Life::new();
        let value = |point: u32| values[point as usize];
        life.minutes(45, value);
        let (before, stepped) = (life.findings.len(), steps.len());
        for step in steps {
            life.do_one(&Deed::Steps(step));
            life.minutes(apart, value);
        }
        // A rule over one sensor with a clock of its own and one without cannot know which of them to follow.
        for finding in life.findings.iter().skip(before).filter(|finding| finding.rule.as_str() != "wet") {
            prop_assert!(!matches!(finding.change, Change::Raised | Change::Lifted), "{:?}", finding);
            prop_assert!(!matches!(finding.evidence, Evidence::Fault { .. }), "{:?}", finding);
        }
        let host = life.outages.iter().filter(|it| it.about == About::HostClock).count();
        prop_assert!(host <= stepped, "{} faults of our clock for {} steps", host, stepped);
    }

    /// A sensor ten years ahead changes nothing for what does not read it.
    #[test]
    fn one_sensor_ten_years_ahead_is_alone(
        deeds in steady_deeds(100), lies in proptest::collection::vec(0_usize..100, 1..10),
    ) {
        let deeds = honest(&deeds);
        let (mut alone, mut among) = (Life::new(), Life::new());
        alone.minutes(3, |_| 0.5);
        among.minutes(3, |_| 0.5);
        for (place, deed) in deeds.iter().enumerate() {
            if lies.contains(&place) {
                let lie = Deed::Says { point: UPPER_STAGE, lag: -AGES, what: Saying::Value(5.0) };
                among.do_one(&lie);
                // What falls due is done with the first row after it, and a lie is a row: both get one.
                alone.do_one(&Deed::Tick);
                among.do_one(&Deed::Tick);
            }
            alone.do_one(deed);
            among.do_one(deed);
        }
        let others = |life: &Life| -> Vec<Finding> {
            let apart = |finding: &&Finding| {
                finding.subject.as_str() == "s0" && !["worst", "step"].contains(&finding.rule.as_str())
            };
            life.findings.iter().filter(apart).map(|f| Finding { seq: Default::default(), ..f.clone() }).collect()
        };
        prop_assert_eq!(difference(&others(&alone), &others(&among)), "");
        alone.minutes(60, |_| 0.0);
        among.minutes(60, |_| 0.0);
        let judged = |life: &Life| life.evaluator.subjects().map(|view| (view.judged, view.evidence)).collect::<Vec<_>>();
        prop_assert_eq!(judged(&alone), judged(&among));
    }
}

/// Found by `after_any_life_danger_is_seen_and_ends`: of two clocks ninety minutes apart, a correction of what was said
/// eighty minutes ago fits the wrong one.
#[test]
fn a_correction_tells_nothing_of_whose_clock_was_set() {
    let zero = |point| Deed::Says { point, lag: 0, what: Saying::Value(0.0) };
    let nan = Saying::Bad(watchfire_model::quantity::Bad::NotANumber);
    let mut life = Life::new();
    life.minutes(2, |_| 0.0);
    life.live(&[Deed::Steps(-5_400_000), Deed::Says { point: BEACH, lag: 540_000, what: nan }]);
    life.live(&[zero(STAGE), zero(STAGE), Deed::Passes(60_000), zero(STAGE), Deed::Passes(4_200_000)]);
    let said =
        |back: &usize| life.said(*back).is_some_and(|reading| reading.point.0 == BEACH && reading.value.is_err());
    let back = (0..40).find(said).expect("it was said");
    life.do_one(&Deed::Corrects { back, value: 0.0 });
    life.minutes(6, |_| 0.0);
    let gate = life.evaluator.gate().point(watchfire_model::id::PointIx(BEACH)).expect("it is there");
    assert_eq!(gate.health(), crate::quality::Health::Good);
}
