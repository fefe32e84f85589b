//! Goes on under other rules (SEMANTICS §8). What is judged as before stands as it stood, to the last detail. What is judged
//! otherwise is looked at again over the readings that are kept: it rises at once where they say so under the new text,
//! and falls only as any grade falls. What is judged no more is kept aside, in case it comes back.

use std::collections::BTreeMap;
use std::sync::Arc;

use watchfire_model::finding::{Change, Finding};
use watchfire_model::grade::Grade;
use watchfire_model::id::{PointId, RuleId, Seq, StationId, SubjectId};
use watchfire_model::reload::Orphans;
use watchfire_model::rule::{Corroborate, Measure, Rule};
use watchfire_model::site::Site;
use watchfire_model::time::Span;
use watchfire_model::unit::Unit;

use super::ground::Ground;
use super::late::moments;
use super::measuring::{Look, Moment, corroborated, measure};
use super::subject::Cause;
use super::{Evaluator, windows};
use crate::ladder::{Climb, Pace, Rungs, Seen};
use crate::ruleset::{Convert, RuleSet, SubjectPlan};
use crate::window::Lens;

/// By what a subject is judged, with nothing in it that depends on places in lists.
#[derive(PartialEq)]
struct Terms<'a> {
    measure: &'a Measure,
    unit: Option<Unit>,
    rungs: &'a Rungs,
    pace: &'a Pace,
    rule: (watchfire_model::rule::Class, Grade, Option<u32>),
    doubts: (bool, Option<[u32; 4]>, &'a Corroborate),
    max_gap: Span,
    widths: &'a [usize],
    reads: Vec<(&'a StationId, &'a PointId, Lens, Span, Option<Convert>)>,
}

impl Evaluator {
    /// Judges by other rules from the row `seq` on; what changed by that is added to `out`. `orphans` says what becomes of
    /// subjects that stand at a grade and are judged no more: held, they come back as they were if their rule does.
    pub fn reload(&mut self, rules: Arc<RuleSet>, seq: Seq, orphans: Orphans, out: &mut Vec<Finding>) {
        let former = Arc::clone(&self.rules);
        let before: BTreeMap<_, _> = former.subjects.iter().filter_map(|plan| keyed(&former, plan)).collect();
        let stations = &rules.site().stations;
        let renamed = stations.iter().flat_map(|now| now.aliases.iter().map(|alias| (alias, &now.id))).collect();
        let mut state = self.snapshot();
        if orphans != Orphans::Hold {
            state.close(&rules);
        }
        let overseer = self.timing.overseer();
        *self = Self::restore(Arc::clone(&rules), state);
        if let Some(overseer) = overseer {
            self.oversee(overseer);
        }
        for (ix, plan) in rules.subjects.iter().enumerate() {
            let was = former_keys(&rules, plan).into_iter().find_map(|key| before.get(&key));
            let alike = was.is_some_and(|was| terms(&former, was, &renamed) == terms(&rules, plan, &BTreeMap::new()));
            if !alike {
                self.judge_anew(ix, seq, out);
            }
        }
    }

    /// Where a subject's grade settles if its last value stays as it is.
    pub fn heads_for(&self, rule: &RuleId, subject: &SubjectId) -> Option<Grade> {
        let is = |plan: &SubjectPlan| plan.id == *subject && self.rules.rule_id(plan) == Some(rule);
        let (plan, stands) = self.rules.subjects.iter().zip(&self.subjects).find(|(plan, _)| is(plan))?;
        let judged = stands.climb.judged();
        stands.value().map_or(judged, |value| plan.rungs.settles_at(value, judged))
    }

    /// Looks at a subject whose rule is new or another: over what is kept of its points, by what it is judged by now.
    fn judge_anew(&mut self, ix: usize, seq: Seq, out: &mut Vec<Finding>) {
        let Self { rules, gate, subjects, benches, backlog, started, .. } = self;
        let (Some(plan), Some(subject)) = (rules.subjects.get(ix), subjects.get_mut(ix)) else { return };
        let Some(compiled) = rules.rules.get(plan.rule) else { return };
        let newest = plan.reads.iter().filter_map(|look| Some(gate.point(look.point)?.series().newest()?.at)).max();
        let clock = subject.clock.max(newest);
        let Some(at) = clock.or(started.map(|started| started.wall)) else { return };
        let moment = Moment::again(seq, at);
        let cause =
            Cause { rules, plan, compiled, gate, moment, lifts: false, cap: Grade::Red, by: None, agreed: None };
        // What the rule before it found is said before this one is heard.
        let held_before = subject.held_until();
        subject.release(&cause, out);
        backlog.follow(ix, held_before, None);
        let interval = plan.reads.iter().map(|look| look.lens.interval).max().unwrap_or(Span::ZERO);
        let mut climb = Climb::default();
        let mut looking = windows(rules, plan);
        for at in moments(plan, gate, at - compiled.pace.reach(interval) - interval) {
            let mut bench = benches.get_mut(plan.rule).and_then(Option::as_mut);
            let (sandbox, look) = (&rules.sandbox, Look::Then(None));
            let measured = measure(sandbox, compiled, plan, gate, &mut looking, bench.as_deref_mut(), at, look);
            let Ok(known) = measured else { continue };
            let judged = (known.value, climb.level());
            let cap = corroborated(sandbox, compiled, plan, gate, &mut looking, bench, at, look, judged);
            let trust = Cause { lifts: true, cap, ..cause }.trust(&known, Ground::Good);
            climb.step(&plan.rungs, &compiled.pace, plan.max_gap, Seen { at, value: known.value, trust });
        }
        subject.clock = clock;
        subject.climb.begin_anew();
        let bench = benches.get_mut(plan.rule).and_then(Option::as_mut);
        let measured = measure(&rules.sandbox, compiled, plan, gate, &mut subject.windows, bench, at, Look::Now(None));
        let onset = climb.onset().unwrap_or(at);
        let moved = subject.climb.learn(&plan.rungs, &climb, climb.level(), onset);
        let stood_on = subject.stand_anew(&cause, &measured);
        subject.prove(&cause, None);
        let raised = subject.climb.level() > moved.from;
        let pending = subject.climb.pending().map_or(0, Grade::level);
        if raised {
            subject.remember(at, moved.from);
            out.push(subject.finding(&cause, Change::Raised, moved.from));
        } else if subject.n > 0 || stood_on != subject.ground || pending != 0 {
            out.push(subject.finding(&cause, Change::Rewritten, moved.from));
        }
    }
}

impl super::EvaluatorState {
    /// Lets go of what `rules` no longer judge: a person has ended it.
    fn close(&mut self, rules: &RuleSet) {
        let kept: std::collections::BTreeSet<_> =
            rules.subjects.iter().flat_map(|plan| former_keys(rules, plan)).collect();
        for (rule, subject, known) in self.subjects.iter_mut().chain(&mut self.retired) {
            if !kept.contains(&(rule.clone(), subject.clone())) {
                known.climb = Climb::default();
                known.let_go();
            }
        }
    }
}

/// The names under which a subject may have stood before its rule or its station was renamed; its own first.
pub(super) fn former_keys(rules: &RuleSet, plan: &SubjectPlan) -> Vec<(RuleId, SubjectId)> {
    let site = rules.site();
    let Some(rule) = site.rules.get(plan.rule) else { return Vec::new() };
    let stations = plan.reads.iter().filter_map(|look| site.station_of(look.point));
    let mut subjects = vec![plan.id.clone()];
    subjects.extend(
        stations.map(|station| station.former_names(&plan.id)).find(|names| !names.is_empty()).into_iter().flatten(),
    );
    let names = std::iter::once(&rule.id).chain(&rule.aliases);
    names.flat_map(|name| subjects.iter().map(|subject| (name.clone(), subject.clone()))).collect()
}

fn keyed<'a>(rules: &'a RuleSet, plan: &'a SubjectPlan) -> Option<((RuleId, SubjectId), &'a SubjectPlan)> {
    Some(((rules.rule_id(plan)?.clone(), plan.id.clone()), plan))
}

/// By what a plan is judged, its stations by the names they have now.
fn terms<'a>(
    rules: &'a RuleSet,
    plan: &'a SubjectPlan,
    renamed: &BTreeMap<&'a StationId, &'a StationId>,
) -> Option<Terms<'a>> {
    let site: &Site = rules.site();
    let (rule, compiled): (&Rule, _) = (site.rules.get(plan.rule)?, rules.rules.get(plan.rule)?);
    let read = |look: &'a crate::ruleset::Look| {
        let (station, point) = (site.station_of(look.point)?, site.point(look.point)?);
        Some((
            renamed.get(&station.id).copied().unwrap_or(&station.id),
            &point.id,
            look.lens,
            look.stale_after,
            look.unit,
        ))
    };
    Some(Terms {
        measure: &rule.measure,
        unit: rule.unit,
        rungs: &plan.rungs,
        pace: &compiled.pace,
        rule: (compiled.class, compiled.suspect_cap, compiled.enough),
        doubts: (compiled.fast_rise, compiled.witnesses, &rule.corroborate),
        max_gap: plan.max_gap,
        widths: &plan.widths,
        reads: plan.reads.iter().filter_map(read).collect(),
    })
}
