//! One subject of one rule: where it stands, and the finding it makes when that changes. Evidence never changes a grade;
//! it decides only whether a grade may end.

use serde::{Deserialize, Serialize};
use watchfire_model::doubt::Doubt;
use watchfire_model::finding::{Cause as Read, Change, Evidence, Finding};
use watchfire_model::grade::Grade;
use watchfire_model::id::PointIx;
use watchfire_model::quality::Flag;
use watchfire_model::rule::Class;
use watchfire_model::time::{Now, Timestamp};

use super::backlog::Held;
use super::corroboration::Consistency;
use super::ground::Ground;
use super::measuring::Moment;
use super::proof::{Proof, Sampled};
use crate::ladder::{Climb, Moved, Seen, Trust};
use crate::quality::{Gate, Health};
use crate::ruleset::{Compiled, RuleSet, SubjectPlan};
use crate::window::exact::twelve_digits;
use crate::window::{Blank, Known, Window};

/// Changes of grade that are remembered for readings that come late.
const PAST: usize = 8;

/// What a subject is judged by, and why now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cause<'a> {
    pub(super) rules: &'a RuleSet,
    pub(super) plan: &'a SubjectPlan,
    pub(super) compiled: &'a Compiled,
    pub(super) gate: &'a Gate,
    pub(super) moment: Moment,
    /// Whether it may end a grade.
    pub(super) lifts: bool,
    /// The highest grade that enough witnesses stand for.
    pub(super) cap: Grade,
    /// Which of what the measure reads has spoken.
    pub(super) by: Option<PointIx>,
    /// The highest grade that two independent witnesses meet, each by itself.
    pub(super) agreed: Option<Grade>,
}

/// Where one subject stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Subject {
    pub(super) climb: Climb,
    /// The newest event time of anything its measure reads.
    pub(super) clock: Option<Timestamp>,
    pub(super) ground: Ground,
    /// Why its last measure gave no number: as said to people, and whether it was only warming up.
    pub(super) lack: Option<Lack>,
    /// Findings so far.
    pub(super) n: u64,
    /// The last value, as bits.
    value: Option<u64>,
    /// Changes of the judged level, in event time: when, and the level before.
    pub(super) past: Vec<(Timestamp, u8)>,
    /// The highest level missed by old readings, and the clock at which that was said.
    pub(super) missed: Option<(u8, Timestamp)>,
    /// Nothing is said of it for a moment: where it stood when something was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) held: Option<Box<Held>>,
    /// Suspect values in a row, for what they say together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) consistency: Option<Box<Consistency>>,
    /// The highest level over which a value said in a calibration was, and that was told.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) over: u8,
    /// What speaks for telling the public of the judged grade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) proof: Option<Box<Proof>>,
    /// Built again from the series after a restart.
    #[serde(skip)]
    pub(super) windows: Box<[Window]>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(level: &u8) -> bool {
    *level == 0
}

/// [`Blank`] as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Lack {
    Warming,
    Thin,
    Unknown,
    Broken(String),
}

impl Lack {
    fn of(blank: &Blank) -> Self {
        match blank {
            Blank::Warming => Self::Warming,
            Blank::Thin => Self::Thin,
            Blank::Unknown => Self::Unknown,
            Blank::Broken(message) => Self::Broken(message.to_string()),
        }
    }

    fn is(&self, blank: &Blank) -> bool {
        match (self, blank) {
            (Self::Warming, Blank::Warming) | (Self::Thin, Blank::Thin) | (Self::Unknown, Blank::Unknown) => true,
            (Self::Broken(message), Blank::Broken(other)) => **message == **other,
            (Self::Warming | Self::Thin | Self::Unknown | Self::Broken(_), _) => false,
        }
    }

    fn blank(&self) -> Blank {
        match self {
            Self::Warming => Blank::Warming,
            Self::Thin => Blank::Thin,
            Self::Unknown => Blank::Unknown,
            Self::Broken(message) => Blank::Broken(message.as_str().into()),
        }
    }
}

impl Subject {
    pub(super) fn new(windows: Box<[Window]>) -> Self {
        Self { windows, ..Self::default() }
    }

    /// One of which nothing is known, and whose first finding is the one after `n`.
    pub(super) fn counting_from(n: u64) -> Self {
        Self { n, ..Self::default() }
    }

    /// As it is compared with thresholds: to twelve digits.
    pub(super) fn value(&self) -> Option<f64> {
        self.value.map(|bits| twelve_digits(f64::from_bits(bits)))
    }

    pub(super) fn value_bits(&self) -> Option<u64> {
        self.value
    }

    pub(super) fn set_value(&mut self, value: f64) {
        self.value = Some(value.to_bits());
    }

    /// Itself, as it is kept on disk.
    pub(super) fn without_windows(&self) -> Self {
        Self {
            windows: Box::default(),
            past: self.past.clone(),
            lack: self.lack.clone(),
            climb: self.climb.clone(),
            held: self.held.clone(),
            consistency: self.consistency.clone(),
            proof: self.proof.clone(),
            ..*self
        }
    }

    pub(super) fn evidence(&self) -> Evidence {
        let error = match &self.lack {
            Some(Lack::Broken(message)) => Some(message.as_str()),
            Some(Lack::Warming | Lack::Thin | Lack::Unknown) | None => None,
        };
        self.ground.evidence(error)
    }

    /// Takes a measure, or the lack of one, at event time `at`.
    pub(super) fn judge(
        &mut self,
        cause: &Cause<'_>,
        at: Timestamp,
        measured: Result<Known, Blank>,
        out: &mut Vec<Finding>,
    ) {
        let blank = measured.as_ref().err();
        match (blank, &self.lack) {
            (None, None) => {}
            (None, Some(_)) => self.lack = None,
            (Some(blank), Some(lack)) if lack.is(blank) => {}
            (Some(blank), _) => self.lack = Some(Lack::of(blank)),
        }
        let stood_on = self.stand(cause.ground(blank));
        let doubted = self.doubt();
        let mut to_verify = None;
        let moved = match measured {
            Ok(known) => {
                self.value = Some(known.value.to_bits());
                let trust = cause.trust(&known, self.ground);
                let (trust, doubted) = self.corroborate(cause, at, &known, trust);
                to_verify = doubted;
                // Its own clock is wrong, and ours may be: as little time passes by it as is certain.
                let at = if cause.lifts { at } else { self.climb.within_reach(at, cause.plan.max_gap) };
                let seen = Seen { at, value: known.value, trust };
                let moved = self.climb.step(&cause.plan.rungs, &cause.compiled.pace, cause.plan.max_gap, seen);
                let met = cause.plan.rungs.grade_of(known.value, trust.cap);
                self.prove(cause, Some(Sampled::Fresh(at, met)));
                moved
            }
            Err(_) => self.unmoved(),
        };
        self.conclude(cause, stood_on, moved, doubted, out);
        if let Some(grade) = to_verify.filter(|_| !cause.moment.backlog) {
            self.ask_to_verify(cause, grade, out);
        }
    }

    /// The health of a point changed; the measure did not.
    pub(super) fn reground(&mut self, cause: &Cause<'_>, out: &mut Vec<Finding>) {
        if !cause.moment.backlog {
            self.release(cause, out);
        }
        let blank = self.lack.as_ref().map(Lack::blank);
        let stood_on = self.stand(cause.ground(blank.as_ref()));
        let moved = self.unmoved();
        self.conclude(cause, stood_on, moved, self.doubt(), out);
    }

    /// Takes what its changed rule measures now, without moving on its ladder; says what it stood on before.
    pub(super) fn stand_anew(&mut self, cause: &Cause<'_>, measured: &Result<Known, Blank>) -> Ground {
        let blank = measured.as_ref().err();
        self.lack = blank.map(Lack::of);
        self.value = measured.as_ref().ok().map(|known| known.value.to_bits()).or(self.value);
        self.stand(cause.ground(blank))
    }

    fn stand(&mut self, ground: Ground) -> Ground {
        let stood_on = std::mem::replace(&mut self.ground, ground);
        if ground.is_lost() && !stood_on.is_lost() {
            self.climb.lose_ground();
        }
        stood_on
    }

    /// The points it reads were moved in time: `newest` is their newest sample now. What it remembers moves with them.
    pub(super) fn reset_clock(&mut self, newest: Option<Timestamp>) {
        for window in &mut self.windows {
            window.distrust();
        }
        let (Some(clock), Some(newest)) = (self.clock, newest) else { return };
        let by = newest - clock;
        self.clock = Some(newest);
        self.climb.shift(by);
        for (at, _) in &mut self.past {
            *at = *at + by;
        }
        self.consistency.iter_mut().for_each(|it| it.shift(by));
        self.proof.iter_mut().for_each(|it| it.shift(by));
        if let Some(held) = &mut self.held {
            held.shift(by);
        }
        if let Some((_, at)) = &mut self.missed {
            *at = *at + by;
        }
    }

    pub(super) fn unmoved(&self) -> Moved {
        Moved { from: self.climb.level(), pending_from: self.climb.pending().map_or(0, Grade::level), torn: false }
    }

    /// Says what changed, if anything did; of a backlog, only the net of it.
    pub(super) fn conclude(
        &mut self,
        cause: &Cause<'_>,
        stood_on: Ground,
        moved: Moved,
        doubted: Option<Doubt>,
        out: &mut Vec<Finding>,
    ) {
        if self.climb.level() != moved.from {
            self.remember(cause.moment.at, moved.from);
        }
        if cause.moment.backlog {
            self.keep_back(cause, stood_on, moved, doubted, out);
        } else if self.held.is_some() {
            self.follow_ground(stood_on);
            self.say_kept_back(cause, moved.torn, out);
        } else {
            self.say(cause, stood_on, moved, doubted, out);
        }
    }

    /// Says what changed since it was last spoken of, if anything did.
    pub(super) fn say(
        &mut self,
        cause: &Cause<'_>,
        stood_on: Ground,
        moved: Moved,
        doubted: Option<Doubt>,
        out: &mut Vec<Finding>,
    ) {
        let level = self.climb.level();
        let pending = self.climb.pending().map_or(0, Grade::level);
        let as_before = level == moved.from && pending == moved.pending_from && !moved.torn;
        if as_before && stood_on == self.ground && doubted == self.doubt() {
            return;
        }
        let lost_now = self.ground.is_lost() && !stood_on.is_lost();
        let change = if level > moved.from {
            Change::Raised
        } else if level < moved.from {
            Change::Lifted
        } else if moved.torn || (lost_now && moved.pending_from > 0) {
            Change::LostWhileRising
        } else if stood_on != self.ground {
            Change::Evidence
        } else if pending == moved.pending_from {
            Change::Proven
        } else {
            Change::Pending
        };
        let finding = self.finding(cause, change, moved.from);
        out.push(finding);
    }

    /// Remembers a change of grade, for readings that come late.
    pub(super) fn remember(&mut self, at: Timestamp, before: u8) {
        if self.past.len() >= PAST {
            self.past.remove(0);
        }
        let place = self.past.partition_point(|(when, _)| *when <= at);
        self.past.insert(place, (at, before));
    }

    /// The judged level just before `at`.
    pub(super) fn level_before(&self, at: Timestamp) -> u8 {
        let next = self.past.iter().find(|(when, _)| *when >= at);
        next.map_or_else(|| self.climb.level(), |(_, before)| *before)
    }

    /// The climb just before `at`, as far as the changes remembered tell: where it stood and since when, with no delay
    /// running.
    pub(super) fn climb_before(&self, at: Timestamp) -> Climb {
        let mut since = [None; 4];
        let after = self.past.iter().skip(1).map(|(_, before)| *before).chain([self.climb.level()]);
        for ((when, before), after) in self.past.iter().zip(after).take_while(|((when, _), _)| *when < at) {
            for level in *before..after {
                since[usize::from(level)] = Some(*when);
            }
        }
        Climb::standing(self.level_before(at), at, since)
    }

    /// A finding of what stands now; where that is kept back for a moment, of what stood when it was last spoken of.
    pub(super) fn finding(&mut self, cause: &Cause<'_>, change: Change, from: u8) -> Finding {
        self.n += 1;
        let (from, judged, pending, evidence, doubt) = match &self.held {
            None => (from, self.climb.judged(), self.climb.pending(), self.evidence(), self.doubt()),
            Some(held) => {
                let (judged, pending) = (Grade::from_level(held.level), Grade::from_level(held.pending));
                (held.level, judged, pending, held.ground.evidence(None), held.doubt)
            }
        };
        let rungs = &cause.plan.rungs;
        let from = Grade::from_level(from);
        let threshold = match change {
            Change::Lifted => from.and_then(|grade| rungs.lift_below(grade)),
            Change::Pending | Change::LostWhileRising | Change::Verify | Change::OverInCalibration => {
                pending.or(judged).and_then(|grade| rungs.raise_at(grade))
            }
            Change::Raised
            | Change::Evidence
            | Change::MissedCrossing
            | Change::Retracted
            | Change::Rewritten
            | Change::Proven => judged.and_then(|grade| rungs.raise_at(grade)),
        };
        let at = cause.moment.at;
        Finding {
            rule: cause.rules.rule_id(cause.plan).cloned().unwrap_or_else(|| "".into()),
            subject: cause.plan.id.clone(),
            n: self.n,
            seq: cause.moment.seq,
            revision: cause.rules.site().revision.clone(),
            change,
            from,
            judged,
            pending,
            evidence,
            at,
            onset: self.climb.onset().unwrap_or(at),
            value: self.value(),
            threshold,
            causes: cause.reads(),
            heard_at: cause.heard_at().filter(|_| change == Change::Raised),
            doubt: doubt.filter(|doubt| doubt.sure < judged),
        }
    }
}

impl Cause<'_> {
    /// None where it no longer matters when we knew.
    fn heard_at(&self) -> Option<Timestamp> {
        Some(self.moment.now.wall).filter(|_| self.moment.now != Now::default())
    }

    fn ground(&self, blank: Option<&Blank>) -> Ground {
        // An instant rule has no first-sample rule: after values that were none, the first good one counts.
        let instant = self.compiled.class == Class::Instant;
        let health = |point: PointIx| match self.gate.point(point) {
            None => Health::Starting,
            Some(point) if instant && point.is_returning() => Health::Good,
            Some(point) => point.health(),
        };
        let reads = self.plan.reads.iter().map(|look| (health(look.point), look.witness));
        Ground::of(reads, self.compiled.enough, blank)
    }

    /// How far a measure may be trusted (SEMANTICS §4).
    pub(super) fn trust(&self, known: &Known, ground: Ground) -> Trust {
        let mut trust = match (known.flag, self.compiled.class) {
            _ if known.saturated => Trust { cap: Grade::Red, lifts: false },
            (Flag::Good, _) | (Flag::NotEvaluated, Class::Instant) => Trust::FULL,
            (Flag::NotEvaluated, Class::Ordinary) => Trust { cap: Grade::Orange, lifts: false },
            (Flag::Suspect, Class::Ordinary) if self.is_only_fast(known) => Trust { cap: Grade::Red, lifts: false },
            (Flag::Suspect, Class::Ordinary) => Trust { cap: self.compiled.suspect_cap, lifts: false },
            (Flag::Suspect | Flag::Fail | Flag::Missing, _) => Trust { cap: Grade::Red, lifts: false },
        };
        trust.cap = trust.cap.min(self.cap);
        trust.lifts &= self.lifts && !ground.is_lost();
        trust
    }

    /// The newest of each point that the measure read.
    fn reads(&self) -> Vec<Read> {
        let site = self.rules.site();
        let read = |point: PointIx| {
            let sample = self.gate.point(point)?.newest()?;
            Some(Read {
                station: site.station_of(point)?.id.clone(),
                point: site.point(point)?.id.clone(),
                at: sample.at,
                value: sample.value,
                flag: sample.flag,
                checks: sample.checks,
            })
        };
        self.plan.reads.iter().filter_map(|look| read(look.point)).take(64).collect()
    }
}
