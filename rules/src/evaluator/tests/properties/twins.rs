//! Two ways to the same number: a native measure and the same in Rhai, a window that moves and one built anew, and both
//! and the list of all that was accepted.

use std::collections::BTreeMap;

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use watchfire_model::finding::Finding;
use watchfire_model::id::RuleId;
use watchfire_model::time::Timestamp;

use super::country::RAIN;
use super::life::{Life, deeds, steady_deeds};
use crate::cases::cases;
use crate::evaluator::measuring::{Look, measure};
use crate::evaluator::{Evaluator, windows};
use crate::quality::Outcome;
use crate::window::Take;

/// Compares what each subject's windows hold with windows built anew.
fn moved_and_anew(evaluator: &mut Evaluator) {
    let Evaluator { rules, gate, subjects, benches, .. } = evaluator;
    for (plan, subject) in rules.subjects.iter().zip(subjects) {
        let Some(clock) = subject.clock else { continue };
        let compiled = &rules.rules[plan.rule];
        let mut look = |windows: &mut [crate::window::Window]| {
            let bench = benches[plan.rule].as_mut();
            measure(&rules.sandbox, compiled, plan, gate, windows, bench, clock, Look::Now(None))
        };
        let (moved, anew) = (look(&mut subject.windows.clone()), look(&mut windows(rules, plan)));
        assert_eq!(moved, anew, "{:?} of {:?}", compiled.measure, plan.id);
    }
}

/// What was accepted of a point, however long ago, each time once.
type Accepted = BTreeMap<Timestamp, f64>;

/// What a window of twenty minutes that ended three minutes ago holds, by looking at everything.
fn model(accepted: &Accepted, take: Take, clock: Timestamp) -> Option<f64> {
    let minutes = |n: i64| watchfire_model::time::Span::minutes(n);
    let (start, end) = (clock - minutes(23), clock - minutes(3));
    let inside: Vec<f64> = accepted.iter().filter(|(at, _)| **at > start && **at <= end).map(|(_, v)| *v).collect();
    let sum = inside.iter().sum::<f64>();
    match take {
        Take::Sum => Some(sum),
        Take::Mean => (!inside.is_empty()).then(|| sum / inside.len() as f64),
        Take::Min => inside.iter().copied().reduce(f64::min),
        Take::Max => inside.iter().copied().reduce(f64::max),
        Take::Count => Some(inside.len() as f64),
        Take::Diff => {
            let before = accepted.range(..=start).next_back().map(|(_, v)| *v);
            Some(inside.last()? - before.unwrap_or(*inside.first()?))
        }
        Take::SpanHours | Take::Rise => None,
    }
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()))
}

proptest! {
    #![proptest_config(cases())]

    /// Findings of a native rule and of its twin in Rhai differ in nothing but the rule's name.
    #[test]
    fn the_native_way_and_rhai_agree(deeds in deeds(150)) {
        let mut life = Life::new();
        life.live(&deeds);
        life.minutes(30, |point| f64::from(point) * 0.3);
        let of = |way: &str| -> Vec<Finding> {
            let of_way = life.findings.iter().filter_map(|finding| {
                let twin = finding.rule.as_str().strip_prefix(way)?;
                Some(Finding { rule: RuleId::from(twin), ..finding.clone() })
            });
            of_way.collect()
        };
        let (native, script) = (of("native"), of("script"));
        prop_assert!(!native.is_empty());
        let key = |finding: &Finding| (finding.rule.clone(), finding.subject.clone(), finding.n);
        let sorted = |mut findings: Vec<Finding>| { findings.sort_by_key(key); findings };
        for (native, script) in sorted(native.clone()).into_iter().zip(sorted(script.clone())) {
            prop_assert_eq!(native, script);
        }
        prop_assert_eq!(native.len(), script.len());
    }

    /// A window that moved from reading to reading holds what one built anew holds, to the last bit and flag, and what a
    /// look at everything ever accepted gives.
    #[test]
    fn a_window_holds_what_was_accepted(deeds in steady_deeds(120)) {
        let mut life = Life::new();
        let mut accepted = Accepted::new();
        for deed in &deeds {
            life.observed = None;
            life.do_one(deed);
            moved_and_anew(&mut life.evaluator);
            match life.observed.map(|observed| observed.outcome) {
                Some(Outcome::Fresh(seen)) if seen.point.0 == RAIN => {
                    accepted.insert(seen.at, seen.value.get());
                }
                Some(Outcome::Late(seen, _) | Outcome::Backfill(seen)) if seen.point.0 == RAIN => {
                    let gate = life.evaluator.gate().point(seen.point).expect("it is there");
                    if gate.series().iter().any(|sample| sample.at == seen.at) {
                        accepted.insert(seen.at, seen.value.get());
                    }
                    continue;
                }
                _ => continue,
            }
            for take in Take::ALL {
                let mut views = life.evaluator.subjects();
                let view = views.find(|view| view.rule.as_str() == take.word() && view.subject.as_str() == "s0");
                let view = view.expect("each take has its rule");
                if let (false, Some(value), Some(model)) =
                    (view.evidence.is_lost(), view.value, view.at.and_then(|at| model(&accepted, take, at)))
                {
                    prop_assert!(close(value, model), "{} is {} and not {}", take.word(), value, model);
                }
            }
        }
    }
}
