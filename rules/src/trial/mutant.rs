//! One rule with one of its numbers moved, and whether any case notices. A number that may be moved unnoticed is a number
//! that no case has proved.
//!
//! How far a threshold is moved: one step of the coarsest sensor that is read, where the rule is in that sensor's unit;
//! else a hundredth of the threshold (of one, where it is 0). A ladder of grades, blue at 1 to red at 4, is moved to the
//! neighbouring rung. A delay is moved by one sample, or by the longest interval that is read.
//!
//! What nobody could tell apart is not tried: `5 min` in "2 samples or 5 min", which is never met before the second sample;
//! and `>` in the place of `≥` where the measure is in no unit that a sensor has, so that no value lies on the threshold.

use std::collections::BTreeSet;
use std::sync::Arc;

use watchfire_model::grade::Grade;
use watchfire_model::id::{RuleId, SubjectId};
use watchfire_model::ladder::{Delay, Ladder, Step};
use watchfire_model::rule::Thresholds;
use watchfire_model::site::{Point, Site};
use watchfire_model::time::Span;

use super::Case;
use crate::ladder::{Pace, Rungs};
use crate::ruleset::{Problem, RuleSet, SubjectPlan};

/// One number of a rule, moved.
#[derive(Clone, Debug, PartialEq)]
pub struct Mutant {
    /// Whose threshold it is, where each point has its own; none = all subjects of the rule.
    pub subject: Option<SubjectId>,
    /// Of which grades.
    pub grades: Vec<Grade>,
    /// What was done to it.
    pub moved: Moved,
}

/// What was done to a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Moved {
    /// The grade is entered elsewhere.
    RaiseAt {
        /// The rule's own threshold.
        from: f64,
        /// Where it is entered now.
        to: f64,
    },
    /// The grade is entered only beyond its threshold: `>` in the place of `≥`.
    RaiseBeyond {
        /// The rule's own threshold.
        at: f64,
    },
    /// The grade is left elsewhere.
    LiftBelow {
        /// The rule's own reset value.
        from: f64,
        /// Where it is left now.
        to: f64,
    },
    /// The grade is left at its reset value already: `≤` in the place of `<`.
    LiftOn {
        /// The rule's own reset value.
        at: f64,
    },
    /// Another delay before the raise.
    RaiseAfter {
        /// The rule's own.
        from: Delay,
        /// Now.
        to: Delay,
    },
    /// Another delay before the lift.
    LiftAfter {
        /// The rule's own.
        from: Span,
        /// Now.
        to: Span,
    },
    /// Another least time in the grade.
    Hold {
        /// The rule's own.
        from: Span,
        /// Now.
        to: Span,
    },
}

/// One rule of a site, compiled alone, to be moved and told its cases again and again.
#[derive(Debug)]
pub struct Sample {
    rules: Arc<RuleSet>,
}

impl Sample {
    /// The rule `id` of a site; nothing where there is none.
    pub fn of(site: &Site, id: &RuleId) -> Result<Option<Self>, Vec<Problem>> {
        let Some(rule) = site.rules.iter().find(|rule| rule.id == *id) else { return Ok(None) };
        let alone = Site { rules: vec![rule.clone()], ..site.clone() };
        RuleSet::compile(Arc::new(alone)).map(|rules| Some(Self { rules: Arc::new(rules) }))
    }

    /// Every number that can be moved, as far as `subjects` stand on it.
    pub fn mutants(&self, subjects: &BTreeSet<SubjectId>) -> Vec<Mutant> {
        let Some(rule) = self.rules.site().rules.first() else { return Vec::new() };
        let own = rule.thresholds == Thresholds::Station;
        let plans = || self.rules.subjects.iter().filter(|plan| subjects.contains(&plan.id));
        let mut mutants = Vec::new();
        // Thresholds that stand in the rule are everybody's: one subject tells them all.
        for plan in plans().take(if own { usize::MAX } else { 1 }) {
            let subject = own.then(|| plan.id.clone());
            let Some(pace) = self.pace() else { continue };
            let ladder = plan.rungs.ladder(pace);
            for (place, step) in ladder.steps.iter().enumerate() {
                let grain = self.grain(plan, &ladder, place);
                mutants.extend(thresholds(&plan.rungs, step, grain).into_iter().map(|moved| Mutant {
                    subject: subject.clone(),
                    grades: vec![step.grade],
                    moved,
                }));
            }
        }
        if let Some(plan) = plans().next() {
            mutants.extend(self.delays(plan));
        }
        mutants
    }

    /// Whether every expectation of `cases` is met with the rule as it is.
    pub fn passes(&self, cases: &[Case]) -> bool {
        cases.iter().all(|case| case.tell(&self.rules).iter().all(|verdict| verdict.met))
    }

    /// Whether every expectation of `cases` is still met with a number moved. The rule is as it was afterwards.
    pub fn survives(&mut self, mutant: &Mutant, cases: &[Case]) -> bool {
        let Some(rules) = Arc::get_mut(&mut self.rules) else { return false };
        let Some(pace) = rules.rules.first().map(|compiled| compiled.pace) else { return false };
        let rungs: Vec<Rungs> = rules.subjects.iter().map(|plan| plan.rungs).collect();
        if let Some(compiled) = rules.rules.first_mut() {
            compiled.pace = mutant.paced(pace);
        }
        for plan in &mut rules.subjects {
            if mutant.subject.as_ref().is_none_or(|subject| *subject == plan.id) {
                plan.rungs = mutant.runged(plan.rungs);
            }
        }
        let survives = self.passes(cases);
        if let Some(rules) = Arc::get_mut(&mut self.rules) {
            rules.rules.iter_mut().for_each(|compiled| compiled.pace = pace);
            rules.subjects.iter_mut().zip(rungs).for_each(|(plan, rungs)| plan.rungs = rungs);
        }
        survives
    }

    fn pace(&self) -> Option<&Pace> {
        self.rules.rules.first().map(|compiled| &compiled.pace)
    }

    /// How far down and up the thresholds of a rung are moved.
    fn grain(&self, plan: &SubjectPlan, ladder: &Ladder, place: usize) -> Grain {
        let site = self.rules.site();
        let unit = site.rules.first().and_then(|rule| rule.unit);
        let raise_at = |step: &Step| step.raise_at.get();
        let here = ladder.steps.get(place).map_or(0.0, raise_at);
        let level = |step: &Step| raise_at(step).to_bits() == f64::from(step.grade.level()).to_bits();
        let plain = unit.is_some_and(|unit| matches!(unit.symbol, "" | "1"));
        if plain && ladder.steps.iter().all(level) {
            let below = place.checked_sub(1).and_then(|below| ladder.steps.get(below)).map_or(0.0, raise_at);
            let above = ladder.steps.get(place + 1).map_or(here + 1.0, raise_at);
            return Grain { down: here - below, up: above - here, whole: true, met: true };
        }
        let points = plan.reads.iter().filter_map(|look| site.point(look.point));
        let same: Vec<&Point> = points.filter(|point| unit.is_none_or(|unit| unit == point.unit)).collect();
        let resolution = same.iter().filter_map(|point| point.resolution).reduce(f64::max);
        let step = resolution.unwrap_or(if here == 0.0 { 0.01 } else { here.abs() / 100.0 });
        Grain { down: step, up: step, whole: false, met: !same.is_empty() }
    }

    /// Every delay, moved; grades that wait alike are moved together.
    fn delays(&self, plan: &SubjectPlan) -> Vec<Mutant> {
        let Some(pace) = self.pace() else { return Vec::new() };
        let steps = plan.rungs.ladder(pace).steps;
        let interval = plan.reads.iter().map(|look| look.lens.interval).max().unwrap_or(Span::seconds(1));
        let mut mutants = Vec::new();
        for (from, grades) in alike(&steps, |step| step.raise_after) {
            let tos = other_delays(from, interval).into_iter();
            mutants.extend(tos.map(|to| (grades.clone(), Moved::RaiseAfter { from, to })));
        }
        for (from, grades) in alike(&steps, |step| step.lift_after) {
            let tos = other_spans(from, interval).into_iter();
            mutants.extend(tos.map(|to| (grades.clone(), Moved::LiftAfter { from, to })));
        }
        for (from, grades) in alike(&steps, |step| step.hold) {
            let tos = other_spans(from, interval).into_iter();
            mutants.extend(tos.map(|to| (grades.clone(), Moved::Hold { from, to })));
        }
        mutants.into_iter().map(|(grades, moved)| Mutant { subject: None, grades, moved }).collect()
    }
}

/// How far a threshold is moved.
struct Grain {
    down: f64,
    up: f64,
    /// The measure is a grade: what lies between two of them is never said.
    whole: bool,
    /// A value may lie on the threshold.
    met: bool,
}

fn thresholds(rungs: &Rungs, step: &Step, grain: Grain) -> Vec<Moved> {
    let (raise, lift) = (step.raise_at.get(), step.lift_below.get());
    let moved = |from: f64, by: f64| rungs.towards_danger(from, by);
    let mut all = vec![
        Moved::RaiseAt { from: raise, to: moved(raise, -grain.down) },
        Moved::RaiseAt { from: raise, to: moved(raise, grain.up) },
        Moved::LiftBelow { from: lift, to: moved(lift, -grain.down) },
    ];
    if grain.met {
        all.push(Moved::RaiseBeyond { at: raise });
    }
    let higher = moved(lift, grain.up);
    if !grain.whole && rungs.lifted_at(step.grade, higher).is_some() {
        all.push(Moved::LiftBelow { from: lift, to: higher });
    }
    if !grain.whole && grain.met {
        all.push(Moved::LiftOn { at: lift });
    }
    all
}

/// Steps that have something in common, by what that is.
fn alike<T: PartialEq>(steps: &[Step], of: impl Fn(&Step) -> T) -> Vec<(T, Vec<Grade>)> {
    let mut groups: Vec<(T, Vec<Grade>)> = Vec::new();
    for step in steps {
        let value = of(step);
        match groups.iter_mut().find(|(other, _)| *other == value) {
            Some((_, grades)) => grades.push(step.grade),
            None => groups.push((value, vec![step.grade])),
        }
    }
    groups
}

fn other_delays(from: Delay, interval: Span) -> Vec<Delay> {
    if from.is_none() {
        return vec![Delay { samples: Some(2), ..Delay::NONE }];
    }
    let mut others = Vec::new();
    if let Some(samples) = from.samples {
        let fits = |samples: &u32| *samples >= 1 && from.of.is_none_or(|of| *samples <= of);
        let counts = [samples.saturating_sub(1), samples + 1].into_iter().filter(fits);
        others.extend(counts.map(|samples| Delay { samples: Some(samples), ..from }));
    }
    let told_apart = from.of.is_some() || from.samples.is_none_or(|samples| samples > 2);
    if let Some(span) = from.span.filter(|_| told_apart) {
        others.extend(other_spans(span, interval).into_iter().map(|span| Delay { span: Some(span), ..from }));
    }
    others
}

fn other_spans(from: Span, interval: Span) -> Vec<Span> {
    if from <= Span::ZERO { Vec::new() } else { vec![Span((from.0 - interval.0).max(0)), from + interval] }
}

impl Mutant {
    fn paced(&self, pace: Pace) -> Pace {
        match self.moved {
            Moved::RaiseAfter { to, .. } => pace.raised_after(&self.grades, to),
            Moved::LiftAfter { to, .. } => pace.lifted_after(&self.grades, to),
            Moved::Hold { to, .. } => pace.held_for(&self.grades, to),
            Moved::RaiseAt { .. } | Moved::RaiseBeyond { .. } | Moved::LiftBelow { .. } | Moved::LiftOn { .. } => pace,
        }
    }

    fn runged(&self, rungs: Rungs) -> Rungs {
        let each = self.grades.iter().copied();
        each.fold(rungs, |rungs, grade| match self.moved {
            Moved::RaiseAt { to, .. } => rungs.raised_at(grade, to),
            Moved::RaiseBeyond { .. } => rungs.raised_beyond(grade),
            Moved::LiftBelow { to, .. } => rungs.lifted_at(grade, to).unwrap_or(rungs),
            Moved::LiftOn { .. } => rungs.lifted_on(grade),
            Moved::RaiseAfter { .. } | Moved::LiftAfter { .. } | Moved::Hold { .. } => rungs,
        })
    }
}
