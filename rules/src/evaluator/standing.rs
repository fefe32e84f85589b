//! Goes on from what was recorded where the rows tell less: a finding may have been recorded before its row was on disk,
//! and the row be gone with a crash; or a snapshot was lost, and the rows before it had been dropped already. Counting
//! anew from less would make repeats of the next findings, and nobody would hear them.

use std::collections::BTreeMap;

use watchfire_model::finding::{Change, Finding};
use watchfire_model::grade::Grade;
use watchfire_model::id::{RuleId, Seq, SubjectId};

use super::Evaluator;
use super::measuring::Moment;
use super::subject::Cause;
use crate::ladder::Climb;

/// Where a subject stood by its last recorded finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which rule.
    pub rule: RuleId,
    /// On what.
    pub subject: SubjectId,
    /// The finding's count.
    pub n: u64,
    /// The grade that was judged.
    pub judged: Option<Grade>,
}

impl Evaluator {
    /// Takes over what was `recorded` of each subject that has counted less itself: the count, and the grade, which the
    /// next values raise or end like any other. What stands then is said at once, so that both know the same; `seq` is the
    /// last row taken.
    pub fn take_over(&mut self, seq: Seq, recorded: &[Standing], out: &mut Vec<Finding>) {
        let known: BTreeMap<(&RuleId, &SubjectId), &Standing> =
            recorded.iter().map(|standing| ((&standing.rule, &standing.subject), standing)).collect();
        let Self { rules, gate, subjects, started, .. } = self;
        for (plan, subject) in rules.subjects.iter().zip(subjects) {
            let standing = rules.rule_id(plan).and_then(|rule| known.get(&(rule, &plan.id)));
            let Some(standing) = standing.filter(|standing| standing.n > subject.n) else { continue };
            let Some(compiled) = rules.rules.get(plan.rule) else { continue };
            let at = subject.clock.or(started.map(|started| started.wall)).unwrap_or_default();
            let from = subject.climb.level();
            if subject.climb.judged() != standing.judged {
                subject.remember(at, from);
                subject.climb = Climb::standing(standing.judged.map_or(0, Grade::level), at, [None; 4]);
            }
            subject.n = standing.n;
            // What was said is more than it knew: nothing is held back against that.
            subject.let_go();
            let moment = Moment::again(seq, at);
            let cause =
                Cause { rules, plan, compiled, gate, moment, lifts: false, cap: Grade::Red, by: None, agreed: None };
            subject.prove(&cause, None);
            out.push(subject.finding(&cause, Change::Evidence, from));
        }
    }
}
