//! The first machine: readings in, findings out. It owns quality control, windows, measures, ladders and silence, and says
//! something only when a subject's judged grade, its pending grade or its evidence changes. Pure: `now` is an argument.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use watchfire_model::finding::{Evidence, Finding};
use watchfire_model::grade::Grade;
use watchfire_model::id::{PointIx, RuleId, Seq, SubjectId};
use watchfire_model::incident::Outage;
use watchfire_model::quality::{Checks, Flag};
use watchfire_model::quantity::Finite;
use watchfire_model::reading::{Observation, PointState, Reading};
use watchfire_model::row::LinkChange;
use watchfire_model::site::Kind;
use watchfire_model::time::{Now, Steady, Timestamp};
use watchfire_model::upkeep::Tended;

use crate::engine::Bench;
use crate::quality::{Gate, Outcome, PointGate};
use crate::ruleset::{Measure, RuleSet};
use crate::window::Window;

mod backlog;
pub mod bundle;
mod calibration;
mod corroboration;
mod ground;
mod invalidation;
mod late;
mod measuring;
mod outages;
mod outlook;
mod oversight;
mod proof;
mod reload;
mod retraction;
mod silence;
mod standing;
mod state;
mod subject;
mod timing;
mod upkeep;

pub use oversight::Stopped;
pub use standing::Standing;
pub use state::EvaluatorState;

use backlog::Backlog;
use measuring::{Look, Moment, alone, corroborated, measure};
use outages::Outages;
use proof::wants_a_second;
use silence::Silence;
use subject::{Cause, Subject};
use timing::Timing;

/// Judges the readings of a set of points. One per shard.
#[derive(Debug)]
pub struct Evaluator {
    rules: Arc<RuleSet>,
    gate: Gate,
    /// In the order of the rule set's subjects.
    subjects: Vec<Subject>,
    /// In the order of the rule set's rules; none for native ones.
    benches: Vec<Option<Bench>>,
    timing: Timing,
    /// Rules that are not evaluated.
    stopped: Vec<Stopped>,
    silence: Silence,
    outages: Outages,
    backlog: Backlog,
    /// Points that people are at, by when they must be looked at.
    cares: BTreeSet<(Steady, PointIx)>,
    /// What became of sensors by the last row.
    tended: Vec<Tended>,
    /// When it first ran.
    started: Option<Now>,
    /// What stood at a grade and is judged no more.
    retired: Retired,
    /// Counts of what is forgotten: nobody counts below them again.
    floor: u64,
}

/// Subjects that are judged no more, by what they were called.
type Retired = BTreeMap<(RuleId, SubjectId), Subject>;

/// What became of one reading, for the store and the screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observed {
    /// How far it may be trusted.
    pub flag: Flag,
    /// Which checks spoke.
    pub checks: Checks,
    /// What it was taken for.
    pub outcome: Outcome,
}

/// Where one subject of one rule stands.
#[derive(Clone, Debug, PartialEq)]
pub struct SubjectView<'a> {
    /// Which rule.
    pub rule: &'a RuleId,
    /// On what.
    pub subject: &'a SubjectId,
    /// The judged grade.
    pub judged: Option<Grade>,
    /// A higher grade whose delay runs.
    pub pending: Option<Grade>,
    /// The ground under it.
    pub evidence: Evidence,
    /// The measure's last value, in the rule's unit.
    pub value: Option<f64>,
    /// Event time of that value.
    pub at: Option<Timestamp>,
    /// Findings so far.
    pub n: u64,
    /// What had been kept back is coming in: where it stands is said in a moment.
    pub catching_up: bool,
}

impl Evaluator {
    /// An Evaluator that has heard nothing. It wants a tick at once, from which silence is counted.
    pub fn new(rules: Arc<RuleSet>) -> Self {
        let gate = Gate::keeping(Arc::clone(rules.site()), rules.keep());
        let subjects = rules.subjects.iter().map(|plan| Subject::new(windows(&rules, plan))).collect();
        let benches = benches(&rules);
        let silence = Silence::new(rules.site().points.len());
        let outages = Outages::new(rules.site(), rules.read_points());
        let (backlog, retired, floor) = (Backlog::default(), Retired::new(), 0);
        let (cares, tended, started) = (BTreeSet::new(), Vec::new(), None);
        let (timing, stopped) = (Timing::default(), Vec::new());
        Self {
            rules,
            gate,
            subjects,
            benches,
            timing,
            stopped,
            silence,
            outages,
            backlog,
            cares,
            tended,
            started,
            retired,
            floor,
        }
    }

    /// The rules it judges by.
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// What it knows of the points.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Judges one reading; what changed is added to `out`.
    pub fn observe(&mut self, now: Now, seq: Seq, reading: &Reading, out: &mut Vec<Finding>) -> Observed {
        self.begin(now, seq);
        self.attend(now, seq, out);
        let observed = self.take(now, seq, reading, out);
        if let Outcome::Fresh(seen) = observed.outcome {
            self.beat(now, seq, &seen, reading.received_at, out);
        }
        observed
    }

    /// What is alive by the word of another and says nothing of its own has measured what it last said, or no more rain
    /// (SEMANTICS §3).
    fn beat(&mut self, now: Now, seq: Seq, seen: &Observation, received_at: Timestamp, out: &mut Vec<Finding>) {
        if self.rules.carried_by(seen.point).is_empty() {
            return;
        }
        let rules = Arc::clone(&self.rules);
        for point in rules.carried_by(seen.point) {
            let kind = rules.site().point(*point).map(|point| point.kind);
            let last = self.gate.point(*point).and_then(|gate| gate.series().newest()).filter(|last| last.at < seen.at);
            let value = match (kind, last) {
                (Some(Kind::Increment), Some(_)) => Finite::new(0.0),
                (Some(Kind::Gauge | Kind::Counter), Some(last)) => Finite::new(last.value),
                (_, None) | (None, _) => continue,
            };
            let (point, observed_at) = (*point, seen.at);
            let said = Reading { point, observed_at, received_at, value, state: PointState::Normal, retained: false };
            self.take(now, seq, &said, out);
        }
    }

    fn take(&mut self, now: Now, seq: Seq, reading: &Reading, out: &mut Vec<Finding>) -> Observed {
        let point = reading.point;
        let calibrated = self.gate.point(point).is_some_and(PointGate::is_calibrating_itself);
        let judged = self.gate.judge(now, reading);
        self.follow_device(now, seq, point, calibrated);
        if judged.health_changed && self.outages.is_any_out() {
            self.back(point, seq, reading.received_at);
        }
        self.outages.clock_lags(now, seq, self.gate.lags(), self.gate.leading());
        if judged.rewound {
            self.reset_clocks(Some(point));
        }
        let moment = |at| Moment { seq, at, now, backlog: judged.backlog };
        if let Some(conviction) = &judged.convicted {
            self.take_back(moment(reading.observed_at.min(reading.received_at)), point, conviction, out);
        }
        match judged.outcome {
            Outcome::Repeat | Outcome::Retained => {}
            Outcome::Refused => {
                // What is stuck, or being calibrated, is heard.
                self.expect_again(point);
                if judged.health_changed {
                    self.reground(point, moment(reading.observed_at.min(reading.received_at)), out);
                }
                if judged.flag == Flag::NotEvaluated {
                    self.watch_calibration(moment(reading.observed_at.min(reading.received_at)), reading, out);
                }
            }
            Outcome::Fresh(seen) => {
                self.expect_again(point);
                self.look_back(moment(seen.at), &seen, out);
                self.weigh(point, moment(seen.at), true, out);
            }
            Outcome::Ahead(seen) => {
                self.expect_again(point);
                self.weigh(point, moment(seen.at), false, out);
            }
            Outcome::Late(seen, replaced) => {
                self.expect_again(point);
                self.reconsider(moment(seen.at), &seen, replaced, out);
                if judged.health_changed {
                    self.reground(point, moment(seen.at), out);
                }
            }
            Outcome::Backfill(seen) => self.miss(moment(seen.at), &seen, out),
        }
        Observed { flag: judged.flag, checks: judged.checks, outcome: judged.outcome }
    }

    /// A link went down or came up. Down is a fault of its points at once; up proves nothing until something is heard.
    pub fn link(&mut self, now: Now, seq: Seq, change: &LinkChange, out: &mut Vec<Finding>) {
        self.begin(now, seq);
        self.attend(now, seq, out);
        self.outages.link(self.rules.site(), now, seq, change);
        for point in &change.points {
            if self.gate.link(change, *point) {
                self.reground(*point, Moment::present(seq, now), out);
            }
        }
    }

    /// Time has passed: points that have been silent for too long lose their evidence.
    pub fn tick(&mut self, now: Now, seq: Seq, out: &mut Vec<Finding>) {
        let started = self.begin(now, seq);
        // As with every row: what people are at first.
        self.attend(now, seq, out);
        self.say_net(now, seq, out);
        let mut lost = Vec::new();
        for point in self.silence.due(now.steady) {
            match self.gate.silent_at(started.steady, point) {
                Some(later) if !Silence::has_come(now.steady, later) => self.silence.expect(point, later),
                Some(_) if self.gate.silence(now, started, point) => {
                    lost.push(point);
                    self.reground(point, Moment::present(seq, now), out);
                }
                Some(_) | None => {}
            }
        }
        if !lost.is_empty() {
            self.outages.lost(self.rules.site(), &self.gate, (now, started), seq, &lost);
        }
    }

    /// What the last row showed of things that many sensors share, and of our own clock. Findings tell the same of each
    /// subject by itself.
    pub fn outages(&self) -> &[Outage] {
        self.outages.said()
    }

    /// When [`tick`](Self::tick) is next wanted; steady zero, which is at once, before the first call of any kind.
    pub fn next_deadline(&self) -> Option<Steady> {
        if self.started.is_none() {
            return Some(Steady(0));
        }
        let cares = self.cares.first().map(|(due, _)| *due);
        // Without a list of the three: each reading asks.
        earlier(earlier(self.silence.next(), self.backlog.next()), cares)
    }

    /// Where every subject stands, in the rules' order.
    pub fn subjects(&self) -> impl Iterator<Item = SubjectView<'_>> {
        (0..self.subjects.len()).filter_map(|place| self.view(place))
    }

    /// Where those subjects stand that read a point, each with its place in the rules' order.
    pub fn readers(&self, point: PointIx) -> impl Iterator<Item = (usize, SubjectView<'_>)> {
        let places = self.rules.readers(point).iter().map(|place| *place as usize);
        places.filter_map(|place| Some((place, self.view(place)?)))
    }

    fn view(&self, place: usize) -> Option<SubjectView<'_>> {
        let (plan, subject) = (self.rules.subjects.get(place)?, self.subjects.get(place)?);
        Some(SubjectView {
            rule: self.rules.rule_id(plan)?,
            subject: &plan.id,
            judged: subject.climb.judged(),
            pending: subject.climb.pending(),
            evidence: subject.evidence(),
            value: subject.value(),
            at: subject.clock,
            n: subject.n,
            catching_up: subject.held_until().is_some(),
        })
    }

    /// A point that had been cut off is heard again.
    fn back(&mut self, point: PointIx, seq: Seq, at: Timestamp) {
        if self.gate.point(point).is_some_and(|point| !point.is_cut_off()) {
            self.outages.heard(self.rules.site(), seq, point, at);
        }
    }

    /// A row begins. With the first of any kind silence counts from here on.
    fn begin(&mut self, now: Now, seq: Seq) -> Now {
        self.outages.clear();
        self.tended.clear();
        if let Some(by) = self.gate.keep_time(now) {
            self.reset_clocks(None);
            self.outages.clock_was_set(now, seq, by);
        }
        if let Some(started) = self.started {
            return started;
        }
        self.started = Some(now);
        self.expect_all(now);
        now
    }

    /// What the readers of a point, or of all points, know was moved in time: their clocks go with it.
    fn reset_clocks(&mut self, point: Option<PointIx>) {
        let Self { rules, gate, subjects, .. } = self;
        for (plan, subject) in rules.subjects.iter().zip(subjects) {
            if point.is_none_or(|point| plan.reads.iter().any(|look| look.point == point)) {
                let newest = plan.reads.iter().filter_map(|look| Some(gate.point(look.point)?.series().newest()?.at));
                subject.reset_clock(newest.max());
            }
        }
    }

    fn expect_all(&mut self, started: Now) {
        for point in self.rules.read_points() {
            if let Some(at) = self.gate.silent_at(started.steady, point) {
                self.silence.expect(point, at);
            }
        }
    }

    /// A point that had fallen silent is waited for again.
    fn expect_again(&mut self, point: PointIx) {
        if !self.silence.expects(point)
            && !self.rules.readers(point).is_empty()
            && let Some(started) = self.started
            && let Some(at) = self.gate.silent_at(started.steady, point)
        {
            self.silence.expect(point, at);
        }
    }

    /// A point has a new value: every subject that reads it is measured and judged. A value whose clock is ahead of ours
    /// counts now, moves no clock and ends nothing.
    fn weigh(&mut self, point: PointIx, moment: Moment, moves_clock: bool, out: &mut Vec<Finding>) {
        let Self { rules, gate, subjects, benches, timing, backlog, .. } = self;
        for ix in rules.readers(point) {
            let ix = *ix as usize;
            let (Some(plan), Some(subject)) = (rules.subjects.get(ix), subjects.get_mut(ix)) else { continue };
            let Some(compiled) = rules.rules.get(plan.rule) else { continue };
            let is_timed = timing.begins(plan.rule);
            let held_before = subject.held_until();
            let clock = subject.clock.map_or(moment.at, |clock| clock.max(moment.at));
            if moves_clock {
                subject.clock = Some(clock);
            }
            let mut bench = benches.get_mut(plan.rule).and_then(Option::as_mut);
            let (windows, look) = (&mut subject.windows, Look::Now(None));
            let measured = measure(&rules.sandbox, compiled, plan, gate, windows, bench.as_deref_mut(), clock, look);
            let cap = measured.as_ref().map_or(Grade::Red, |known| {
                let judged = (known.value, subject.climb.level());
                let bench = bench.as_deref_mut();
                corroborated(&rules.sandbox, compiled, plan, gate, windows, bench, clock, look, judged)
            });
            let agreed = measured.as_ref().ok().and_then(|known| {
                let met = wants_a_second(subject.proof.as_deref(), plan, compiled, known.value)?;
                let alone = alone(&rules.sandbox, compiled, plan, gate, windows, bench, clock, look, met);
                alone.iter().copied().filter(|own| alone.iter().filter(|other| *other >= own).count() >= 2).max()
            });
            let by = Some(point);
            let cause = Cause { rules, plan, compiled, gate, moment, lifts: moves_clock, cap, by, agreed };
            subject.judge(&cause, clock, measured, out);
            backlog.follow(ix, held_before, subject.held_until());
            if is_timed {
                timing.ends(plan.rule);
            }
        }
    }

    /// A point's health changed: whoever reads it may stand on other ground.
    fn reground(&mut self, point: PointIx, moment: Moment, out: &mut Vec<Finding>) {
        let Self { rules, gate, subjects, backlog, .. } = self;
        for ix in rules.readers(point) {
            let ix = *ix as usize;
            let (Some(plan), Some(subject)) = (rules.subjects.get(ix), subjects.get_mut(ix)) else { continue };
            let Some(compiled) = rules.rules.get(plan.rule) else { continue };
            let held_before = subject.held_until();
            subject.reground(
                &Cause { rules, plan, compiled, gate, moment, lifts: false, cap: Grade::Red, by: None, agreed: None },
                out,
            );
            backlog.follow(ix, held_before, subject.held_until());
        }
    }
}

/// The earlier of two deadlines, each of which there may not be.
fn earlier(one: Option<Steady>, other: Option<Steady>) -> Option<Steady> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// The windows of one subject, in the order in which its measure asks for them.
fn windows(rules: &RuleSet, plan: &crate::ruleset::SubjectPlan) -> Box<[Window]> {
    match rules.rules.get(plan.rule).map(|compiled| &compiled.measure) {
        None | Some(Measure::Last) => Box::default(),
        Some(Measure::Window(spec)) => Box::new([Window::new(*spec)]),
        Some(Measure::Program(program)) => measuring::program_windows(program, plan),
    }
}

/// One bench for each rule that runs in Rhai, wide enough for its widest subject.
fn benches(rules: &RuleSet) -> Vec<Option<Bench>> {
    let bench = |(place, compiled): (usize, &crate::ruleset::Compiled)| match &compiled.measure {
        Measure::Last | Measure::Window(_) => None,
        Measure::Program(program) => {
            let plans = rules.subjects_of(place);
            Some(program.bench(&rules.site().zone, |name| {
                plans.iter().filter_map(|plan| plan.widths.get(name).copied()).max().unwrap_or(1)
            }))
        }
    };
    rules.rules.iter().enumerate().map(bench).collect()
}

#[cfg(test)]
pub(crate) mod tests;
