//! What comes twice counts once (SEMANTICS §3, invariant 5), at once or after other things were heard.

use proptest::prelude::{prop_assert_eq, prop_oneof, proptest};
use proptest::sample::Index;
use watchfire_model::id::Seq;
use watchfire_model::reading::Reading;
use watchfire_model::row::Row;

use super::life::{Life, difference, judge, steady_deeds, tended_deeds};
use crate::cases::cases;
use crate::evaluator::Evaluator;

/// A broker delivers again at most so many readings back.
const BACK: usize = 12;

proptest! {
    #![proptest_config(cases())]

    /// Lived again with some of the last readings delivered once more after each row.
    #[test]
    fn what_comes_twice_counts_once(
        deeds in prop_oneof![steady_deeds(80), tended_deeds(80)],
        twice in proptest::collection::vec(proptest::option::of(proptest::arbitrary::any::<Index>()), 80),
    ) {
        let mut life = Life::new();
        life.live(&deeds);
        let mut evaluator = Evaluator::new(std::sync::Arc::clone(life.evaluator.rules()));
        let mut findings = Vec::new();
        let mut heard: Vec<Reading> = Vec::new();
        for (((now, row), seq), twice) in life.rows.iter().zip(1_u64..).zip(twice.iter().cycle()) {
            judge(&mut evaluator, *now, Seq(seq), row, &mut findings);
            if let Row::Reading(reading) = row {
                heard.push(*reading);
            }
            let recent = &heard[heard.len().saturating_sub(BACK)..];
            // What is older than anything kept is known no more; it is too old to act on in any case.
            let forgotten = |reading: &Reading| {
                let point = evaluator.gate().point(reading.point);
                point.is_some_and(|point| point.series().has_forgotten(reading.observed_at))
            };
            if let (Some(index), false) = (twice, recent.is_empty()) {
                let reading = *index.get(recent);
                // A clock that is ahead and stands still says different things at one time, and none is a repeat.
                let stands_still = |other: &Reading| {
                    (other.point, other.observed_at) == (reading.point, reading.observed_at)
                        && other.value != reading.value
                        && other.observed_at > other.received_at
                };
                if forgotten(&reading) || heard.iter().any(stands_still) {
                    continue;
                }
                let again = Reading { received_at: now.wall, ..reading };
                judge(&mut evaluator, *now, Seq(seq), &Row::Reading(again), &mut findings);
            }
        }
        prop_assert_eq!(difference(&findings, &life.findings), "");
    }
}
