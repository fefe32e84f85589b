//! What is under way: asked by whoever looks, of the state as it is. No row asks, and nothing is kept for it.

use watchfire_model::grade::Grade;
use watchfire_model::outlook::Outlook;
use watchfire_model::quality::Flag;
use watchfire_model::rule::Class;
use watchfire_model::time::{Now, Span};

use super::Evaluator;
use super::subject::Subject;
use crate::ladder::outlook::Rhythm;
use crate::ruleset::{Compiled, SubjectPlan};

impl Evaluator {
    /// Those subjects of which something is under way, in the rules' order. What an outage kept back and is coming in is
    /// passed over until it has been said where that leads. What is foretold lies after `now`; what was due and has not
    /// come is said to be overdue.
    pub fn outlooks(&self, now: Now) -> impl Iterator<Item = Outlook> + '_ {
        let all = self.rules.subjects.iter().zip(&self.subjects);
        all.filter(|(_, subject)| subject.climb.is_under_way() && subject.held_until().is_none())
            .filter_map(move |(plan, subject)| self.outlook(now, plan, subject))
            .filter(|outlook| !outlook.is_at_rest())
    }

    fn outlook(&self, now: Now, plan: &SubjectPlan, subject: &Subject) -> Option<Outlook> {
        let compiled = self.rules.rules.get(plan.rule)?;
        // Any reading of any point that the measure reads makes a sample of it.
        let interval = plan.reads.iter().map(|look| look.lens.interval).filter(|span| span.0 > 0).min();
        let heard = plan.reads.iter().filter_map(|look| self.gate.point(look.point)?.newest_heard()).max();
        let rhythm = Rhythm {
            interval: interval.unwrap_or(Span::seconds(1)),
            since_newest: heard.map_or(Span::ZERO, |heard| now.steady - heard),
        };
        let flag = if subject.ground.is_lost() { Flag::Missing } else { self.newest_flag(plan) };
        let counts = |grade: Grade| Some(grade) <= cap(compiled, flag);
        Some(Outlook {
            rule: self.rules.rule_id(plan)?.clone(),
            subject: plan.id.clone(),
            rising: subject.climb.rising(&compiled.pace, rhythm, counts),
            recovering: subject.climb.recovering(&plan.rungs, &compiled.pace, rhythm, flag == Flag::Good),
        })
    }

    /// The worst flag among the newest samples of what the measure reads.
    fn newest_flag(&self, plan: &SubjectPlan) -> Flag {
        let flags = plan.reads.iter().filter_map(|look| Some(self.gate.point(look.point)?.newest()?.flag));
        flags.max().unwrap_or(Flag::Missing)
    }
}

/// The highest grade that a value counts towards by its flag alone (SEMANTICS §4). What speaks for a value in doubt may
/// let it count for more.
fn cap(compiled: &Compiled, flag: Flag) -> Option<Grade> {
    match (flag, compiled.class) {
        (Flag::Good | Flag::NotEvaluated, Class::Instant) | (Flag::Good, Class::Ordinary) => Some(Grade::Red),
        (Flag::NotEvaluated, Class::Ordinary) => Some(Grade::Orange),
        (Flag::Suspect, _) => Some(compiled.suspect_cap),
        (Flag::Fail | Flag::Missing, _) => None,
    }
}
