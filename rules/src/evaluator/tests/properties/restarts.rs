//! Stopping and going on: a restart is not noticed, and what is judged again says the very same again (SEMANTICS §8,
//! invariants 6, 7 and 15). The daemon leans on this: it drops a finding whose number the ledger holds already.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::{any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::Index;
use watchfire_model::finding::Finding;
use watchfire_model::id::Seq;
use watchfire_model::row::Row;

use super::life::{Life, compiled, deeds, difference, judge, restarted, tended_deeds};
use crate::cases::cases;
use crate::evaluator::Evaluator;

/// Judges the rows of a life from `from` on.
fn again(evaluator: &mut Evaluator, life: &Life, from: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    for ((now, row), seq) in life.rows.iter().zip(1_u64..).skip(from) {
        judge(evaluator, *now, Seq(seq), row, &mut findings);
    }
    findings
}

proptest! {
    #![proptest_config(cases())]

    /// From a snapshot at any row, under rules compiled anew, the rest of the journal says the very same.
    #[test]
    fn a_restart_anywhere_is_not_noticed(deeds in prop_oneof![deeds(120), tended_deeds(120)], at in any::<Index>()) {
        let mut life = Life::new();
        life.live(&deeds);
        let mut evaluator = Evaluator::new(Arc::clone(life.evaluator.rules()));
        let stop = at.index(life.rows.len() + 1);
        let mut before = Vec::new();
        for ((now, row), seq) in life.rows.iter().zip(1_u64..).take(stop) {
            judge(&mut evaluator, *now, Seq(seq), row, &mut before);
        }
        let mut after = restarted(&evaluator, &compiled());
        before.extend(again(&mut after, &life, stop));
        prop_assert_eq!(difference(&life.findings, &before), "");
        prop_assert_eq!(difference(&[life.evaluator.snapshot()], &[after.snapshot()]), "");
    }

    /// The same with a restart after every single row.
    #[test]
    fn restarts_all_the_time_are_not_noticed(deeds in prop_oneof![deeds(60), tended_deeds(60)]) {
        let mut life = Life::new();
        life.live(&deeds);
        let rules = life.evaluator.rules();
        let mut evaluator = Evaluator::new(Arc::clone(rules));
        let (mut findings, mut outages) = (Vec::new(), Vec::new());
        for ((now, row), seq) in life.rows.iter().zip(1_u64..) {
            evaluator = restarted(&evaluator, rules);
            judge(&mut evaluator, *now, Seq(seq), row, &mut findings);
            if !matches!(row, Row::Revision(_)) {
                outages.extend_from_slice(evaluator.outages());
            }
        }
        prop_assert_eq!(difference(&life.findings, &findings), "");
        prop_assert_eq!(difference(&life.outages, &outages), "");
    }

    /// Findings of a subject are counted from one without a hole, by rows that rise; each begins where the last ended.
    #[test]
    fn findings_are_counted_without_a_hole(deeds in prop_oneof![deeds(200), tended_deeds(200)]) {
        let mut life = Life::new();
        life.live(&deeds);
        let mut last: BTreeMap<_, &Finding> = BTreeMap::new();
        for finding in &life.findings {
            let before = last.insert((&finding.rule, &finding.subject), finding);
            prop_assert_eq!(finding.n, before.map_or(1, |before| before.n + 1));
            prop_assert_eq!(finding.from, before.and_then(|before| before.judged));
            prop_assert!(before.is_none_or(|before| before.seq <= finding.seq));
        }
        for view in life.evaluator.subjects() {
            let last = last.get(&(view.rule, view.subject));
            prop_assert_eq!(view.n, last.map_or(0, |finding| finding.n));
            // What was not kept back was said.
            prop_assert!(view.catching_up || view.judged == last.and_then(|finding| finding.judged), "{:?}", view);
        }
    }
}
