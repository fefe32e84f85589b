//! Scripts that fail inside or do not come back. A panic of a function ends its evaluation alone. What does not return
//! cannot be ended from here: an [`Overseer`] sees it stand, and whoever starts the Evaluator again stops the rule first.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use watchfire_model::finding::Finding;
use watchfire_model::grade::Grade;
use watchfire_model::id::{RuleId, Seq};
use watchfire_model::rule::Measure as Text;
use watchfire_model::time::Now;

use super::Evaluator;
use super::measuring::Moment;
use super::subject::Cause;
use super::timing::Timing;
use crate::engine::{Bench, Overseer};
use crate::ruleset::RuleSet;
use crate::window::Blank;

/// Rules that are kept stopped at most: the newest.
const STOPPED_MOST: usize = 1_000;

/// A rule that is not evaluated any more, as long as it measures what it measured when it was stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stopped {
    /// Which rule.
    pub rule: RuleId,
    /// What it measured.
    pub measure: Text,
    /// Said to people as the rule's error.
    pub why: String,
}

impl Stopped {
    /// The place of the rule among `rules`; none where it is gone or measures something else.
    fn place(&self, rules: &RuleSet) -> Option<usize> {
        let is = |rule: &watchfire_model::rule::Rule| rule.id == self.rule || rule.aliases.contains(&self.rule);
        rules.site().rules.iter().position(|rule| is(rule) && rule.measure == self.measure)
    }
}

impl Evaluator {
    /// Has every script told to `overseer` from now on, under whatever rules, and asks it for the time that they take.
    pub fn oversee(&mut self, overseer: Arc<dyn Overseer>) {
        overseer.judges_by(self.rules.site());
        for (place, bench) in self.benches.iter_mut().enumerate() {
            if let Some(bench) = bench {
                bench.oversee(place, Arc::clone(&overseer));
            }
        }
        self.timing = Timing::by(overseer, self.rules.rules.len());
    }

    /// Evaluates a rule no more, before the row `seq`. Its grades are held, and its error is said of each of its subjects.
    /// A rule that is not in force yet is stopped from the reload on that brings it.
    pub fn stop(&mut self, now: Now, seq: Seq, stopped: Stopped, out: &mut Vec<Finding>) {
        let place = stopped.place(&self.rules);
        let blank = Blank::Broken(stopped.why.as_str().into());
        self.stopped.retain(|other| other.rule != stopped.rule);
        if self.stopped.len() >= STOPPED_MOST {
            self.stopped.remove(0);
        }
        self.stopped.push(stopped);
        let Some(place) = place else { return };
        let Self { rules, gate, subjects, benches, backlog, stopped, .. } = self;
        heed(rules, stopped, benches);
        let of_it = rules.subjects.iter().zip(subjects).enumerate().filter(|(_, (plan, _))| plan.rule == place);
        for (ix, (plan, subject)) in of_it {
            let Some(compiled) = rules.rules.get(place) else { return };
            let (moment, held_before) = (Moment::present(seq, now), subject.held_until());
            let cause =
                Cause { rules, plan, compiled, gate, moment, lifts: false, cap: Grade::Red, by: None, agreed: None };
            subject.judge(&cause, subject.clock.unwrap_or(moment.at), Err(blank.clone()), out);
            backlog.follow(ix, held_before, subject.held_until());
        }
    }

    /// Rules that are not evaluated.
    pub fn stopped(&self) -> &[Stopped] {
        &self.stopped
    }
}

/// Those of `stopped` that are among `rules` as they were.
pub(super) fn still_stopped(rules: &RuleSet, mut stopped: Vec<Stopped>) -> Vec<Stopped> {
    stopped.retain(|one| one.place(rules).is_some());
    stopped
}

/// Lets no bench of a stopped rule run.
pub(super) fn heed(rules: &RuleSet, stopped: &[Stopped], benches: &mut [Option<Bench>]) {
    for one in stopped {
        if let Some(bench) = one.place(rules).and_then(|place| benches.get_mut(place)).and_then(Option::as_mut) {
            bench.stop(&one.why);
        }
    }
}

/// Runs a script, overseen. One that panics is over: what it had under way may be half done.
pub(super) fn overseen<T>(
    bench: &mut Bench,
    run: impl FnOnce(&mut Bench) -> Result<T, Blank>,
) -> Result<Result<T, Blank>, Panicked> {
    if let Some(why) = bench.stopped() {
        return Ok(Err(Blank::Broken(why.into())));
    }
    let oversight = bench.take_oversight();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        if let Some((rule, overseer)) = &oversight {
            overseer.begins(*rule);
        }
        run(bench)
    }));
    if let Some((rule, overseer)) = oversight {
        overseer.ends();
        bench.oversee(rule, overseer);
    }
    outcome.map_err(|cause| {
        bench.clean();
        Panicked(format!("a function of the program failed: {}", said(&*cause)).into())
    })
}

/// What a rule says whose script panicked.
pub(super) struct Panicked(pub(super) Box<str>);

fn said(cause: &(dyn Any + Send)) -> &str {
    let text = cause.downcast_ref::<&str>().copied();
    text.or_else(|| cause.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}
