//! Quality control: a reading becomes an observation, or a reason why not. One gate for shards and series writers; what
//! it knows of a point is in [`point`], what it looks for is one file per check.

use std::sync::Arc;

use watchfire_model::finding::FaultCause;
use watchfire_model::id::PointIx;
use watchfire_model::incident::Sensor;
use watchfire_model::quality::{Checks, Flag};
use watchfire_model::quantity::{Bad, Finite};
use watchfire_model::reading::{Observation, PointState, Reading};
use watchfire_model::row::LinkChange;
use watchfire_model::site::{Point, Site};
use watchfire_model::time::{Now, Span, Steady, Timestamp};
use watchfire_model::upkeep::{Upkeep, Work};

use crate::series::{Keep, Placed, Sample};

mod clock;
mod closer;
mod gap;
mod plausible;
mod point;
mod range;
mod rate;
mod saturation;
mod sensor;
mod sentinel;
mod window;

pub use closer::{CLOSER, Closer, MOST_NEIGHBOURS};
pub(crate) use gap::max_gap;
pub use point::{Health, PointGate};

/// Readings needed in a row before a point is trusted: after a start, and after a fault.
pub const N_GOOD: u8 = 3;
/// Bad values in a row that make a fault.
pub const N_FAIL: u8 = 3;
/// Readings kept of a point that no window looks at.
const KEEP_SAMPLES: usize = 64;

/// Every check of a value, in order. A tidy test compares this list with the folder.
pub const CHECKS: &[Check] =
    &[sentinel::CHECK, range::CHECK, saturation::CHECK, plausible::CHECK, rate::CHECK, gap::CHECK];

/// One check.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// Its bit.
    pub bit: Checks,
    /// The flag it gives; none where it has nothing to say.
    pub judge: fn(&Sight<'_>) -> Option<Flag>,
}

/// What a check sees.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// Whose value it is.
    pub point: &'a Point,
    /// The value.
    pub value: f64,
    /// Event time.
    pub at: Timestamp,
    /// The device's own word.
    pub state: PointState,
    /// The accepted sample before it in event time.
    pub before: Option<Sample>,
    /// The last good one: time and value.
    pub good: Option<(Timestamp, f64)>,
}

/// What the gate says of a reading.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// How far it may be trusted.
    pub flag: Flag,
    /// Which checks spoke.
    pub checks: Checks,
    /// What it is.
    pub outcome: Outcome,
    /// Whether the point's [`Health`] may have changed.
    pub health_changed: bool,
    /// Whether samples from what is now the future were dropped for it, or all were moved in time.
    pub rewound: bool,
    /// Whether it tells what has long been so: one of many that were kept back, not the word of a sensor whose clock lags.
    pub backlog: bool,
    /// The sample before it, which it showed to be a spike.
    pub convicted: Option<Conviction>,
}

/// A sample that the one after it showed to be a spike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conviction {
    /// As it was taken.
    pub sample: Sample,
    /// What it is now; one that failed is no sample any more.
    pub flag: Flag,
    /// Which checks spoke, this one too.
    pub checks: Checks,
}

/// What a reading is, after the gate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// The newest of its point.
    Fresh(Observation),
    /// Its clock is ahead of ours; it stands at our receipt, and in no window.
    Ahead(Observation),
    /// Older than the newest, young enough to raise; with the sample it corrects, if there was one at its time.
    Late(Observation, Option<Sample>),
    /// Too old to act on.
    Backfill(Observation),
    /// Heard before.
    Repeat,
    /// A retained message: heard, but not fresh.
    Retained,
    /// No usable number.
    Refused,
}

/// Quality control of every point of a site.
#[derive(Clone, Debug)]
pub struct Gate {
    site: Arc<Site>,
    points: Vec<PointGate>,
    keep: Vec<Keep>,
    /// Points that tell a time of their own, and those whose last reading was ahead of our clock.
    clocks: usize,
    ahead: usize,
    /// How far the wall stood from the steady clock when last looked at.
    offset: Option<Span>,
}

impl Gate {
    /// A gate that has heard nothing, for those who only want flags.
    pub fn new(site: Arc<Site>) -> Self {
        let keep = site.points.iter().zip(reaches(&site)).map(|(point, reach)| keep_for(point, reach)).collect();
        Self::keeping(site, keep)
    }

    /// A gate that keeps so much of each point.
    pub(crate) fn keeping(site: Arc<Site>, keep: Vec<Keep>) -> Self {
        Self { points: vec![PointGate::default(); site.points.len()], keep, clocks: 0, ahead: 0, offset: None, site }
    }

    /// A gate with the points as they were.
    pub(crate) fn restored(site: Arc<Site>, keep: Vec<Keep>, points: Vec<PointGate>, offset: Option<Span>) -> Self {
        let clocks = points.iter().filter(|point| point.tells_time()).count();
        let ahead = points.iter().filter(|point| point.leads()).count();
        Self { site, points, keep, clocks, ahead, offset }
    }

    /// The site whose points they are.
    pub fn site(&self) -> &Arc<Site> {
        &self.site
    }

    /// The same gate for those who only want flags: no more of the past is kept than the checks need.
    pub fn for_flags(&self) -> Self {
        let mut gate = Self::new(Arc::clone(&self.site));
        for ((mine, theirs), keep) in gate.points.iter_mut().zip(&self.points).zip(&gate.keep) {
            *mine = theirs.keeping(*keep);
        }
        Self { clocks: self.clocks, ahead: self.ahead, offset: self.offset, ..gate }
    }

    /// What was said of a reading that was heard before, as far as that is still known.
    pub fn recall(&self, reading: &Reading) -> Flag {
        let (Some(point), Some(gate)) = (self.site.point(reading.point), self.point(reading.point)) else {
            return Flag::Missing;
        };
        let reading = &self.site.corrected(reading);
        match usable(point, reading) {
            Err(refusal) => refusal.flag,
            Ok(_) if reading.retained => Flag::NotEvaluated,
            Ok(value) => gate.recall_flag(reading, value),
        }
    }

    /// What is known of a point.
    pub fn point(&self, point: PointIx) -> Option<&PointGate> {
        self.points.get(point.index())
    }

    /// All points, in the site's order.
    pub fn points(&self) -> &[PointGate] {
        &self.points
    }

    pub(crate) fn point_mut(&mut self, point: PointIx) -> Option<&mut PointGate> {
        self.points.get_mut(point.index())
    }

    /// How far the wall stood from the steady clock.
    pub(crate) fn offset(&self) -> Option<Span> {
        self.offset
    }

    /// Looks at both clocks. Where the wall was stepped, every point whose readings bear our stamp goes with it, so that
    /// what it is about to say is neither old nor in the future; says by how much, where that was so.
    pub(crate) fn keep_time(&mut self, now: Now) -> Option<Span> {
        let stepped = clock::stepped(self.offset, now);
        self.offset = Some(clock::offset(now));
        if let Some(by) = stepped {
            for point in &mut self.points {
                point.wall_stepped(by);
            }
        }
        stepped
    }

    /// Whether most sensors that tell a time, and more than two, are ahead of our clock: then it is ours that lags.
    pub(crate) fn lags(&self) -> bool {
        lags(self.ahead, self.clocks)
    }

    /// How many sensors are ahead of our clock, of those that tell a time.
    pub(crate) fn leading(&self) -> (usize, usize) {
        (self.ahead, self.clocks)
    }

    /// Judges a reading, and remembers it.
    pub fn judge(&mut self, now: Now, reading: &Reading) -> Judged {
        self.keep_time(now);
        let site = &self.site;
        let ix = reading.point.index();
        let (Some(point), Some(keep)) = (site.points.get(ix), self.keep.get(ix).copied()) else {
            return Judged::refused(Flag::Missing, Checks::NONE, false);
        };
        let Some(gate) = self.points.get_mut(ix) else {
            return Judged::refused(Flag::Missing, Checks::NONE, false);
        };
        let corrected = point.scrutiny.as_ref().map(|_| site.corrected(reading));
        let reading = corrected.as_ref().unwrap_or(reading);
        if gate.care_due().is_some_and(|due| due <= now.steady) {
            gate.give_back(now);
        }
        let held = gate.is_tended().then(|| gate.held(now, reading, usable(point, reading).ok())).flatten();
        let reading = held.as_ref().unwrap_or(reading);
        if reading.retained {
            return Judged {
                flag: Flag::NotEvaluated,
                checks: Checks::RETAINED,
                outcome: Outcome::Retained,
                health_changed: false,
                rewound: false,
                backlog: false,
                convicted: None,
            };
        }
        let usable = match (usable(point, reading), held) {
            (Err(refusal), Some(_)) => Err(Refusal { cause: Cause::Held, ..refusal }),
            (usable, _) => usable,
        };
        // What comes again is as old as it is, and tells nothing of whose clock was set.
        let settled = gate.is_unsettled()
            && usable.is_ok_and(|value| !gate.heard_already(reading, value))
            && gate.settle(now, reading);
        // A repeat says nothing of any clock: what it was is known from the first time.
        let repeat = match (&usable, gate.refused_already(reading)) {
            (Err(refusal), true) => Some((refusal.flag, refusal.checks)),
            (Ok(_), true) => Some((Flag::Fail, Checks::NONE)),
            (Ok(value), false) if gate.heard_already(reading, *value) => Some((Flag::Good, Checks::NONE)),
            (Ok(_) | Err(_), false) => None,
        };
        if let Some((flag, checks)) = repeat {
            return Judged {
                flag,
                checks,
                outcome: Outcome::Repeat,
                health_changed: false,
                rewound: settled,
                backlog: false,
                convicted: None,
            };
        }
        let (told_time, led) = (gate.tells_time(), gate.leads());
        gate.set_leads(reading);
        match (led, gate.leads()) {
            (false, true) => self.ahead += 1,
            (true, false) => self.ahead -= 1,
            (true, true) | (false, false) => {}
        }
        let clock_is_ours = lags(self.ahead, self.clocks);
        let backlog = gate.hears_kept_back(now, reading, late_window(point), point.interval);
        let mut judged = match usable {
            Err(refusal) => {
                let health = gate.health();
                if matches!(refusal.cause, Cause::Calibrating | Cause::Held) {
                    // What it says is of no use, but it is heard.
                    gate.hear(now);
                }
                let refused = gate.refuse(reading, refusal);
                gate.follow_device(now);
                Judged { health_changed: gate.health() != health, ..refused }
            }
            Ok(value) => {
                let changed = point
                    .scrutiny
                    .as_ref()
                    .and_then(|scrutiny| sensor::change(gate, point, scrutiny, reading, value.get()));
                let mut first = look(gate, point, reading, value, clock_is_ours);
                if let Some(last) = changed
                    && sensor::jumped(point, last, value.get())
                {
                    (first.flag, first.checks) = (first.flag.max(Flag::Suspect), first.checks.with(Checks::RATE));
                }
                if point.scrutiny.is_some() && first.is_newest() {
                    first.found(closer::look(site, &mut self.points, ix, first.at, value.get()));
                }
                let Some(gate) = self.points.get_mut(ix) else {
                    return Judged::refused(Flag::Missing, Checks::NONE, false);
                };
                let taken = take(gate, point, keep, now, reading, value, first);
                gate.follow_device(now);
                taken
            }
        };
        let Some(gate) = self.points.get(ix) else { return judged };
        judged.rewound |= settled;
        judged.backlog = backlog;
        match (told_time, gate.tells_time()) {
            (false, true) => self.clocks += 1,
            (true, false) => self.clocks -= 1,
            (true, true) | (false, false) => {}
        }
        judged
    }

    /// What its neighbours lead to expect of a point.
    pub(crate) fn expected(&self, point: PointIx, at: Timestamp) -> Option<f64> {
        let scrutiny = self.site.point(point)?.scrutiny.as_ref()?;
        closer::expected(&self.site, &self.points, scrutiny, at)
    }

    /// Takes a person's word about a sensor, for those who only want flags.
    pub fn upkeep(&mut self, now: Now, upkeep: &Upkeep) {
        let Sensor { station, point } = &upkeep.sensor;
        let found = self.site.find_point(station.as_str(), point.as_str());
        let Some(gate) = found.and_then(|point| self.points.get_mut(point.index())) else { return };
        match upkeep.work {
            Work::Calibrate { until, .. } if until <= now.steady => {}
            Work::Calibrate { until, .. } => gate.calibrate(now, until),
            Work::Return => _ = gate.give_back(now),
            Work::Accept => _ = gate.accept_calibration(),
            Work::Commission => gate.commission(),
            Work::Invalidate { from, to } => _ = gate.invalidate(from, to),
        }
    }

    /// A link of a point went down, or came up; says whether its health changed.
    pub fn link(&mut self, change: &LinkChange, point: PointIx) -> bool {
        self.points.get_mut(point.index()).is_some_and(|gate| gate.link(change.up))
    }

    /// Marks a point as silent if it has been for too long; says whether it became so now.
    pub(crate) fn silence(&mut self, now: Now, started: Now, point: PointIx) -> bool {
        let Some(stale_after) = self.site.point(point).map(Point::stale_after) else { return false };
        self.points.get_mut(point.index()).is_some_and(|gate| gate.silence(now, started, stale_after))
    }

    /// When a point becomes silent; none if it is already.
    pub(crate) fn silent_at(&self, started: Steady, point: PointIx) -> Option<Steady> {
        let stale_after = self.site.point(point)?.stale_after();
        let gate = self.points.get(point.index())?;
        (!gate.is_silent()).then(|| gate.heard().unwrap_or(started) + stale_after)
    }
}

impl Judged {
    pub(crate) fn refused(flag: Flag, checks: Checks, health_changed: bool) -> Self {
        Self {
            flag,
            checks,
            outcome: Outcome::Refused,
            health_changed,
            rewound: false,
            backlog: false,
            convicted: None,
        }
    }

    /// The observation, where the reading became one.
    pub fn observation(&self) -> Option<&Observation> {
        match &self.outcome {
            Outcome::Fresh(seen) | Outcome::Ahead(seen) | Outcome::Late(seen, _) | Outcome::Backfill(seen) => {
                Some(seen)
            }
            Outcome::Repeat | Outcome::Retained | Outcome::Refused => None,
        }
    }

    /// Whether the same reading was heard before.
    pub fn is_repeat(&self) -> bool {
        self.outcome == Outcome::Repeat
    }
}

/// How long after its time a reading of `point` may still raise (SEMANTICS §3).
pub fn late_window(point: &Point) -> Span {
    Span((2 * point.interval.0).max(600_000))
}

/// How far back the checks look in the samples of each point.
pub(crate) fn reaches(site: &Site) -> Vec<Span> {
    let mut reaches = vec![Span::ZERO; site.points.len()];
    let mut reach = |ix: usize, span: Span| {
        if let Some(reach) = reaches.get_mut(ix) {
            *reach = (*reach).max(span);
        }
    };
    for (ix, point) in site.points.iter().enumerate() {
        let Some(scrutiny) = &point.scrutiny else { continue };
        reach(ix, scrutiny.reach());
        scrutiny.reaches().for_each(|(other, span)| reach(other.index(), span));
    }
    reaches
}

/// How much of `point` must be kept when rules look back `reach`.
pub(crate) fn keep_for(point: &Point, reach: Span) -> Keep {
    let span = Span(reach.0 + late_window(point).0 + point.interval.0);
    let expected = usize::try_from(span.0 / point.interval.0.max(1)).unwrap_or(usize::MAX);
    // A sensor that reports four times as often as it says is still remembered in full.
    let samples = expected.saturating_mul(4).saturating_add(16);
    let most = if reach == Span::ZERO { KEEP_SAMPLES } else { samples.max(KEEP_SAMPLES) };
    Keep { span, samples: samples.clamp(16, most) }
}

/// Whether a difference is larger than what is written; that of two decimals is seldom exactly what it is on paper.
fn exceeds(difference: f64, limit: f64) -> bool {
    difference > limit + limit.abs() * 1e-9
}

/// When most sensors lead at once, it is our own clock that is behind.
const fn lags(ahead: usize, clocks: usize) -> bool {
    ahead * 2 > clocks && ahead > 2
}

/// Why a reading carries no usable number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) flag: Flag,
    pub(crate) checks: Checks,
    pub(crate) cause: Cause,
}

/// What a refused reading says of its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The device says so: a fault at once.
    Now(FaultCause),
    /// A fault once it has happened [`N_FAIL`] times in a row.
    Counted(FaultCause),
    /// The device says that it is being calibrated.
    Calibrating,
    /// A person is at it, or was.
    Held,
}

/// The number of a reading, if it has one that says anything about the world.
fn usable(point: &Point, reading: &Reading) -> Result<Finite, Refusal> {
    let refuse = |flag, checks, cause| Err(Refusal { flag, checks, cause });
    match (reading.state, reading.value) {
        (PointState::Calibrating, Ok(_)) => refuse(Flag::NotEvaluated, Checks::DEVICE_STATE, Cause::Calibrating),
        (PointState::Calibrating, Err(_)) => refuse(Flag::Missing, Checks::DEVICE_STATE, Cause::Calibrating),
        (state, value) if !state.measures() => {
            let flag = if value.is_ok() { Flag::Fail } else { Flag::Missing };
            refuse(flag, Checks::DEVICE_STATE, Cause::Now(FaultCause::Device))
        }
        (PointState::OverRange, value) => {
            let full = point.range.and_then(|(_, high)| Finite::new(high).ok());
            match (value.ok(), full) {
                (Some(value), Some(full)) => Ok(if value.get() >= full.get() { value } else { full }),
                (Some(only), None) | (None, Some(only)) => Ok(only),
                (None, None) => refuse(
                    Flag::Missing,
                    Checks::SATURATED.with(Checks::DEVICE_STATE),
                    Cause::Now(FaultCause::Saturated),
                ),
            }
        }
        (_, Ok(value)) => Ok(value),
        (_, Err(Bad::DeviceFault)) => refuse(Flag::Missing, Checks::DEVICE_STATE, Cause::Now(FaultCause::Device)),
        (_, Err(Bad::Sentinel)) => refuse(Flag::Missing, Checks::SENTINEL, Cause::Counted(FaultCause::BadValue)),
        (_, Err(Bad::Refused)) => refuse(Flag::Missing, Checks::DEVICE_STATE, Cause::Counted(FaultCause::Device)),
        (_, Err(Bad::NotANumber | Bad::Infinite | Bad::Absent | Bad::WrongType | Bad::Overflow)) => {
            refuse(Flag::Missing, Checks::NON_FINITE, Cause::Counted(FaultCause::BadValue))
        }
    }
}

/// What was found of a reading with a number, before it is taken in.
#[derive(Clone, Copy, Debug)]
struct First {
    /// Event time.
    at: Timestamp,
    flag: Flag,
    checks: Checks,
    ahead: bool,
    fresh: bool,
    rewound: bool,
    /// What the value before it was shown to be.
    before: Option<closer::Spike>,
}

impl First {
    fn is_newest(&self) -> bool {
        self.fresh && !self.ahead && self.flag < Flag::Fail
    }

    fn found(&mut self, found: closer::Found) {
        self.flag = self.flag.max(found.flag);
        self.checks = self.checks.with(found.checks);
        self.before = found.before;
    }
}

/// Looks at a reading that has a number.
fn look(gate: &mut PointGate, point: &Point, reading: &Reading, value: Finite, clock_is_ours: bool) -> First {
    let ahead = !clock_is_ours && gate.leads();
    let rewound = !clock_is_ours && !ahead && gate.rewind(reading);
    let at = if ahead { reading.received_at } else { reading.observed_at };
    let newest = gate.series().newest();
    let fresh = newest.is_none_or(|newest| at > newest.at);
    let before = if fresh { newest } else { gate.series().last(at - Span(1)) };
    let sight = Sight { point, value: value.get(), at, state: reading.state, before, good: gate.last_good() };
    let (mut flag, mut checks) = if ahead { (Flag::Suspect, Checks::CLOCK) } else { (Flag::Good, Checks::NONE) };
    for check in CHECKS {
        if let Some(said) = (check.judge)(&sight) {
            flag = flag.max(said);
            checks = checks.with(check.bit);
        }
    }
    First { at, flag, checks, ahead, fresh, rewound, before: None }
}

/// Takes a reading that has a number in, or refuses it.
fn take(
    gate: &mut PointGate,
    point: &Point,
    keep: Keep,
    now: Now,
    reading: &Reading,
    value: Finite,
    first: First,
) -> Judged {
    let First { at, flag, checks, ahead, fresh, rewound, before } = first;
    let convicted = before.and_then(|spike| gate.convict(spike));
    if flag >= Flag::Fail {
        let stuck = checks.has(Checks::FLAT);
        let cause = match (stuck, checks.has(Checks::SENTINEL)) {
            (true, _) => Cause::Now(FaultCause::Stuck),
            (false, true) => Cause::Counted(FaultCause::BadValue),
            (false, false) => Cause::Counted(FaultCause::Range),
        };
        let health = gate.health();
        if stuck {
            // What it says is of no use, but it is heard.
            gate.hear(now);
        }
        let refused = gate.refuse(reading, Refusal { flag, checks, cause });
        return Judged { convicted, health_changed: gate.health() != health, ..refused };
    }
    let newest = gate.series().newest();
    let lasting = late_window(point);
    let age = newest.map_or(Span::ZERO, |newest| newest.at - at);
    // What is too old to act on says nothing about how the point is now: a sensor whose clock fell back must not pass
    // for one that is heard.
    let too_old = !ahead && (age >= lasting || gate.series().has_forgotten(at));
    let health_changed = !too_old && gate.accept(now, flag, checks, ahead.then_some((reading.observed_at, value)));
    let flag = gate.unproven(flag);
    let sample = Sample { at, value: value.get(), flag, checks };
    let seen = |checks| Observation { point: reading.point, at, value, flag, checks };
    let outcome = if ahead {
        gate.set_ahead(sample);
        Outcome::Ahead(seen(checks))
    } else if fresh {
        let stamped = reading.observed_at == reading.received_at;
        gate.push(sample, stamped, point.resolution.unwrap_or(0.0), keep);
        Outcome::Fresh(seen(checks))
    } else {
        if let Some(scrutiny) = &point.scrutiny {
            gate.recall(sample, closer::stillness(point, scrutiny));
        }
        match gate.place(sample, keep) {
            Placed::Repeat => Outcome::Repeat,
            Placed::Forgotten => Outcome::Backfill(seen(checks.with(Checks::BACKFILL))),
            Placed::Inserted if age >= lasting => Outcome::Backfill(seen(checks.with(Checks::BACKFILL))),
            Placed::Replaced(_) if age >= lasting => {
                Outcome::Backfill(seen(checks.with(Checks::BACKFILL).with(Checks::CORRECTION)))
            }
            Placed::Inserted => Outcome::Late(seen(checks), None),
            Placed::Replaced(old) => Outcome::Late(seen(checks.with(Checks::CORRECTION)), Some(old)),
        }
    };
    let checks = match &outcome {
        Outcome::Late(seen, _) | Outcome::Backfill(seen) => seen.checks,
        _ => checks,
    };
    Judged { flag, checks, outcome, health_changed, rewound, backlog: false, convicted }
}

#[cfg(test)]
mod tests;
