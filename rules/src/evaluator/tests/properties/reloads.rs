//! A reload of the same rules is no event (SEMANTICS §10.15), wherever it comes; one of others lowers nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::Index;
use watchfire_model::grade::Grade;
use watchfire_model::id::{RuleId, Seq, SubjectId};
use watchfire_model::reload::Orphans;
use watchfire_model::rule::Thresholds;

use super::country::site;
use super::life::{Life, compiled, deeds, difference, judge};
use crate::cases::cases;
use crate::evaluator::Evaluator;
use crate::ruleset::RuleSet;

fn standing(evaluator: &Evaluator) -> BTreeMap<(RuleId, SubjectId), Option<Grade>> {
    evaluator.subjects().map(|view| ((view.rule.clone(), view.subject.clone()), view.judged)).collect()
}

proptest! {
    #![proptest_config(cases())]

    /// Rules compiled anew from the same text, put in force at any row: no finding more, none less, the same state.
    #[test]
    fn a_reload_of_the_same_rules_changes_nothing(deeds in deeds(120), at in any::<Index>()) {
        let mut life = Life::new();
        life.live(&deeds);
        let mut evaluator = Evaluator::new(Arc::clone(life.evaluator.rules()));
        let stop = at.index(life.rows.len() + 1);
        let mut findings = Vec::new();
        for (place, ((now, row), seq)) in life.rows.iter().zip(1_u64..).enumerate() {
            if place == stop {
                evaluator.reload(compiled(), Seq(seq), Orphans::Hold, &mut findings);
            }
            judge(&mut evaluator, *now, Seq(seq), row, &mut findings);
        }
        prop_assert_eq!(difference(&life.findings, &findings), "");
        prop_assert_eq!(difference(&[life.evaluator.snapshot()], &[evaluator.snapshot()]), "");
    }

    /// Other thresholds lower nothing by being put in force; what rises was said, and counted without a hole.
    #[test]
    fn other_thresholds_lower_nothing_at_once(deeds in deeds(80), by in -2.0..2.0_f64) {
        let mut life = Life::new();
        life.live(&deeds);
        let mut other = (*site()).clone();
        for rule in &mut other.rules {
            if let Thresholds::Inline(values) = &mut rule.thresholds {
                values.blue = values.blue.map(|value| value + by);
                values.yellow = values.yellow.map(|value| value + by);
                values.orange = values.orange.map(|value| value + by);
                values.red = values.red.map(|value| value + by);
            }
        }
        let before = standing(&life.evaluator);
        let said = life.findings.len();
        let rules = Arc::new(RuleSet::compile(Arc::new(other)).expect("a sound site"));
        let seq = Seq(life.rows.len() as u64 + 1);
        life.evaluator.reload(rules, seq, Orphans::Hold, &mut life.findings);
        let after = standing(&life.evaluator);
        for (key, before) in &before {
            prop_assert!(after[key] >= *before, "{key:?} fell from {before:?} to {:?}", after[key]);
            let mut said = life.findings[said..].iter().filter(|f| (&f.rule, &f.subject) == (&key.0, &key.1));
            prop_assert_eq!(said.next_back().map_or(*before, |finding| finding.judged), after[key]);
        }
    }
}
