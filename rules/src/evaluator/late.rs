//! Readings that come after younger ones. One that is young enough is put in its place and the ladder is climbed once
//! more from there, with it and without it: what it brings to light may raise, back-dated, and never ends anything. One
//! that is too old to act on is only said to have been missed.

use watchfire_model::finding::{Change, Finding};
use watchfire_model::grade::Grade;
use watchfire_model::id::PointIx;
use watchfire_model::reading::Observation;
use watchfire_model::time::{Span, Timestamp};

use super::ground::Ground;
use super::measuring::{Look, Moment, corroborated, measure};
use super::proof::Sampled;
use super::subject::{Cause, Subject};
use super::{Evaluator, windows};
use crate::ladder::{Climb, Seen};
use crate::quality::{Gate, PointGate, late_window};
use crate::ruleset::SubjectPlan;
use crate::series::Sample;
use crate::window::exact::twelve_digits;

/// Most moments that one late reading makes us look at again.
const MOMENTS: usize = 256;
/// A crossing missed is said again only after this long.
const SAID_AGAIN: Span = Span::hours(1);
/// Later than any sample.
const LATEST: Timestamp = Timestamp(i64::MAX);

/// A second climb over a part of the past.
#[derive(Clone, Debug, Default)]
pub(super) struct Rerun {
    pub(super) climb: Climb,
    /// The highest level entered from the late reading's time on …
    peak: u8,
    /// … when, since when its condition held, and with which value.
    at: Timestamp,
    onset: Timestamp,
    value: f64,
}

impl Evaluator {
    /// Looks again at what a late reading, already in its place, may have changed.
    pub(super) fn reconsider(
        &mut self,
        moment: Moment,
        seen: &Observation,
        replaced: Option<Sample>,
        out: &mut Vec<Finding>,
    ) {
        let readers = self.rules.readers(seen.point).iter().map(|ix| *ix as usize).collect();
        self.relearn(readers, moment, seen, replaced, out);
    }

    /// The newest of its point may still be older than what another point of the same measure has said: then the moment
    /// between was judged without it.
    pub(super) fn look_back(&mut self, moment: Moment, seen: &Observation, out: &mut Vec<Finding>) {
        let readers = self.rules.readers(seen.point).iter().map(|ix| *ix as usize);
        let behind =
            |ix: &usize| self.subjects.get(*ix).and_then(|subject| subject.clock).is_some_and(|clock| clock > seen.at);
        let behind: Vec<usize> = readers.filter(behind).collect();
        if behind.is_empty() {
            return;
        }
        let lasting = self.rules.site().point(seen.point).map_or(Span::ZERO, late_window);
        // What comes so long after the others is no ground to act on for those who read them as well.
        let too_old = |ix: &usize| {
            let clock = self.subjects.get(*ix).and_then(|subject| subject.clock);
            moment.backlog && clock.is_some_and(|clock| clock - seen.at >= lasting)
        };
        let (old, behind): (Vec<usize>, Vec<usize>) = behind.into_iter().partition(too_old);
        for ix in old {
            self.miss_by(ix, moment, seen, out);
        }
        let matters: Vec<usize> = behind.into_iter().filter(|ix| self.is_of_note(*ix, seen.at)).collect();
        if !matters.is_empty() {
            self.relearn(matters, moment, seen, None, out);
        }
    }

    /// Whether any moment from `from` on is not short of the lowest grade's reset value; cheap where all is calm.
    fn is_of_note(&mut self, ix: usize, from: Timestamp) -> bool {
        let Self { rules, gate, subjects, benches, .. } = self;
        let (Some(plan), Some(subject)) = (rules.subjects.get(ix), subjects.get(ix)) else { return false };
        let Some(compiled) = rules.rules.get(plan.rule) else { return false };
        let mut looking = windows(rules, plan);
        moments(plan, gate, from).into_iter().any(|at| {
            let bench = benches.get_mut(plan.rule).and_then(Option::as_mut);
            let measured = measure(&rules.sandbox, compiled, plan, gate, &mut looking, bench, at, Look::Then(None));
            subject.climb.level() > 0 || measured.is_ok_and(|known| !plan.rungs.is_calm(known.value))
        })
    }

    fn relearn(
        &mut self,
        readers: Vec<usize>,
        moment: Moment,
        seen: &Observation,
        replaced: Option<Sample>,
        out: &mut Vec<Finding>,
    ) {
        let sample = Sample { at: seen.at, value: seen.value.get(), flag: seen.flag, checks: seen.checks };
        let with: Vec<Rerun> = readers.iter().map(|ix| self.rerun(*ix, seen.at, LATEST)).collect();
        if let Some(point) = self.gate.point_mut(seen.point) {
            point.series_mut().take_back(seen.at, replaced);
        }
        let without: Vec<Rerun> = readers.iter().map(|ix| self.rerun(*ix, seen.at, LATEST)).collect();
        if let Some(point) = self.gate.point_mut(seen.point) {
            point.series_mut().place(sample);
        }
        for ((ix, with), without) in readers.into_iter().zip(with).zip(without) {
            self.learn(ix, moment, Some((seen.point, seen.at)), &with, &without, out);
        }
    }

    /// Climbs again, over the samples from some time before `from` to the last before `until`.
    pub(super) fn rerun(&mut self, ix: usize, from: Timestamp, until: Timestamp) -> Rerun {
        let Self { rules, gate, subjects, benches, timing, .. } = self;
        let (Some(plan), Some(subject)) = (rules.subjects.get(ix), subjects.get(ix)) else { return Rerun::default() };
        let Some(compiled) = rules.rules.get(plan.rule) else { return Rerun::default() };
        let is_timed = timing.begins(plan.rule);
        let interval = plan.reads.iter().map(|look| look.lens.interval).max().unwrap_or(Span::ZERO);
        let begin = from - compiled.pace.reach(interval) - interval;
        let mut times = moments(plan, gate, begin);
        times.retain(|at| *at < until);
        // What is not kept any more stands as it was judged, as far as the time that is in question.
        let first = times.first().map_or(from, |first| from.min(*first));
        let mut rerun = Rerun { climb: subject.climb_before(first), ..Rerun::default() };
        let mut looking = windows(rules, plan);
        let cause = Cause {
            rules,
            plan,
            compiled,
            gate,
            moment: Moment::again(Default::default(), from),
            lifts: true,
            cap: Grade::Red,
            by: None,
            agreed: None,
        };
        for at in times {
            let mut bench = benches.get_mut(plan.rule).and_then(Option::as_mut);
            let (sandbox, look) = (&rules.sandbox, Look::Then(None));
            let measured = measure(sandbox, compiled, plan, gate, &mut looking, bench.as_deref_mut(), at, look);
            let Ok(known) = measured else { continue };
            let judged = (known.value, rerun.climb.level());
            let cap = corroborated(sandbox, compiled, plan, gate, &mut looking, bench, at, look, judged);
            let cause = Cause { cap, ..cause };
            let seen = Seen { at, value: known.value, trust: cause.trust(&known, Ground::Good) };
            let moved = rerun.climb.step(&plan.rungs, &compiled.pace, plan.max_gap, seen);
            if at >= from && rerun.climb.level() > moved.from.max(rerun.peak) {
                rerun.peak = rerun.climb.level();
                (rerun.at, rerun.value) = (at, known.value);
                rerun.onset = rerun.climb.onset().unwrap_or(at);
            }
        }
        if is_timed {
            timing.ends(plan.rule);
        }
        rerun
    }

    /// Takes over what has come to light of the past: by a reading that was `seen` late, or by one that is taken out.
    pub(super) fn learn(
        &mut self,
        ix: usize,
        moment: Moment,
        seen: Option<(PointIx, Timestamp)>,
        with: &Rerun,
        without: &Rerun,
        out: &mut Vec<Finding>,
    ) {
        let Self { rules, gate, subjects, backlog, .. } = self;
        let (Some(plan), Some(subject)) = (rules.subjects.get(ix), subjects.get_mut(ix)) else { return };
        let Some(compiled) = rules.rules.get(plan.rule) else { return };
        for window in &mut subject.windows {
            window.distrust();
        }
        if with.climb == without.climb && with.peak <= without.peak {
            return;
        }
        let standing = if with.climb.level() > without.climb.level() { with.climb.level() } else { 0 };
        let peak = if with.peak > without.peak { with.peak } else { 0 };
        let level = standing.max(peak);
        let onset = if peak >= standing && peak > 0 { with.onset } else { with.climb.onset().unwrap_or(moment.at) };
        let at = if peak > 0 { with.at } else { moment.at };
        let moved = subject.climb.learn(&plan.rungs, &with.climb, level, onset);
        let cause = Cause {
            rules,
            plan,
            compiled,
            gate,
            moment: Moment { at, ..moment },
            lifts: true,
            cap: Grade::Red,
            by: seen.map(|(point, _)| point),
            agreed: None,
        };
        let doubted = subject.doubt();
        let raised = Grade::from_level(subject.climb.level()).filter(|_| subject.climb.level() > moved.from);
        subject.prove(&cause, raised.zip(seen).map(|(raised, (_, at))| Sampled::Late(at, raised)));
        if subject.climb.level() > moved.from && peak > 0 {
            subject.set_value(with.value);
        }
        let held_before = subject.held_until();
        subject.conclude(&cause, subject.ground, moved, doubted, out);
        backlog.follow(ix, held_before, subject.held_until());
    }

    /// Says that a reading too old to act on would have crossed a threshold nobody knew to be crossed.
    pub(super) fn miss(&mut self, moment: Moment, seen: &Observation, out: &mut Vec<Finding>) {
        let readers: Vec<usize> = self.rules.readers(seen.point).iter().map(|ix| *ix as usize).collect();
        for ix in readers {
            self.miss_by(ix, moment, seen, out);
        }
    }

    fn miss_by(&mut self, ix: usize, moment: Moment, seen: &Observation, out: &mut Vec<Finding>) {
        let Self { rules, gate, subjects, benches, .. } = self;
        let (Some(plan), Some(subject)) = (rules.subjects.get(ix), subjects.get_mut(ix)) else { return };
        let Some(compiled) = rules.rules.get(plan.rule) else { return };
        for window in &mut subject.windows {
            window.distrust();
        }
        let series = gate.point(seen.point).map(PointGate::series);
        let kept = series.and_then(|series| series.last(seen.at)).is_some_and(|sample| sample.at == seen.at);
        let mut looking = windows(rules, plan);
        let bench = benches.get_mut(plan.rule).and_then(Option::as_mut);
        let look = if kept { Look::Then(None) } else { Look::Lone(seen) };
        let measured = measure(&rules.sandbox, compiled, plan, gate, &mut looking, bench, seen.at, look);
        let Ok(known) = measured else { return };
        let cause =
            Cause { rules, plan, compiled, gate, moment, lifts: false, cap: Grade::Red, by: None, agreed: None };
        let cap = cause.trust(&known, Ground::Good).cap;
        let missed = plan.rungs.grade_of(known.value, cap).map_or(0, Grade::level);
        let then = subject.level_before(seen.at).max(subject.level_before(seen.at + Span(1)));
        let knew = subject.climb.level().max(then);
        if missed > knew && !subject.has_said(missed) {
            subject.missed = subject.clock.map(|clock| (missed, clock));
            let mut finding = subject.finding(&cause, Change::MissedCrossing, subject.climb.level());
            finding.value = Some(twelve_digits(known.value));
            finding.threshold = Grade::from_level(missed).and_then(|grade| plan.rungs.raise_at(grade));
            finding.onset = seen.at;
            out.push(finding);
        }
    }
}

/// When a plan's points said something, from `begin` on, in order; the last of them where there are too many.
pub(super) fn moments(plan: &SubjectPlan, gate: &Gate, begin: Timestamp) -> Vec<Timestamp> {
    let points = plan.reads.iter().filter_map(|look| gate.point(look.point));
    let times = |point: &PointGate| -> Vec<Timestamp> {
        point.series().iter().rev().map(|sample| sample.at).take_while(|at| *at >= begin).collect()
    };
    let mut times: Vec<Timestamp> = points.flat_map(times).collect();
    times.sort_unstable();
    times.dedup();
    times.split_off(times.len().saturating_sub(MOMENTS))
}

impl Subject {
    pub(super) fn has_said(&self, missed: u8) -> bool {
        match (self.missed, self.clock) {
            (Some((level, at)), Some(clock)) => missed <= level && clock - at < SAID_AGAIN,
            (Some(_), None) | (None, _) => false,
        }
    }
}
