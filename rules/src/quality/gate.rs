//! The gate of a whole site: every reading goes through here, and what is remembered of its point is brought up to date.

use std::sync::Arc;

use watchfire_model::id::PointIx;
use watchfire_model::incident::Sensor;
use watchfire_model::quality::{Checks, Flag};
use watchfire_model::quantity::Finite;
use watchfire_model::reading::Reading;
use watchfire_model::row::LinkChange;
use watchfire_model::site::{Point, Site};
use watchfire_model::time::{Now, Span, Steady, Timestamp};
use watchfire_model::upkeep::{Upkeep, Work};

use super::admission::{look, take};
use super::clock::{self, Clocks};
use super::refusal::{Cause, Refusal, usable};
use super::{Judged, Outcome, PointGate, closer, keep_for, late_window, reaches, sensor};
use crate::series::Keep;

/// Quality control of every point of a site.
#[derive(Clone, Debug)]
pub struct Gate {
    site: Arc<Site>,
    points: Vec<PointGate>,
    keep: Vec<Keep>,
    clocks: Clocks,
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
        Self {
            points: vec![PointGate::default(); site.points.len()],
            keep,
            clocks: Clocks::default(),
            offset: None,
            site,
        }
    }

    /// A gate with the points as they were.
    pub(crate) fn restored(site: Arc<Site>, keep: Vec<Keep>, points: Vec<PointGate>, offset: Option<Span>) -> Self {
        let clocks = Clocks::of(&points);
        Self { site, points, keep, clocks, offset }
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
        Self { clocks: self.clocks, offset: self.offset, ..gate }
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
        self.clocks.ours_lags()
    }

    /// How many sensors are ahead of our clock, of those that tell a time.
    pub(crate) fn leading(&self) -> (usize, usize) {
        (self.clocks.ahead, self.clocks.telling)
    }

    /// Judges a reading, and remembers it.
    pub fn judge(&mut self, now: Now, reading: &Reading) -> Judged {
        self.keep_time(now);
        let site = &self.site;
        let ix = reading.point.index();
        let known = (site.points.get(ix), self.keep.get(ix).copied(), self.points.get_mut(ix));
        let (Some(point), Some(keep), Some(gate)) = known else {
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
            return Judged::unheard(Flag::NotEvaluated, Checks::RETAINED, Outcome::Retained);
        }
        let usable = match (usable(point, reading), held) {
            (Err(refusal), Some(_)) => Err(Refusal { cause: Cause::Held, ..refusal }),
            (usable, _) => usable,
        };
        // What comes again is as old as it is, and tells nothing of whose clock was set.
        let settled = gate.is_unsettled()
            && usable.is_ok_and(|value| !gate.heard_already(reading, value))
            && gate.settle(now, reading);
        if let Some((flag, checks)) = repeated(gate, reading, &usable) {
            return Judged { rewound: settled, ..Judged::unheard(flag, checks, Outcome::Repeat) };
        }
        let (told_time, led) = (gate.tells_time(), gate.leads());
        gate.set_leads(reading);
        self.clocks.lead(led, gate.leads());
        let backlog = gate.hears_kept_back(now, reading, late_window(point), point.interval);
        let mut judged = match usable {
            Err(refusal) => refuse(gate, now, reading, refusal),
            Ok(value) => weigh(site, &mut self.points, self.clocks.ours_lags(), (point, keep), now, reading, value),
        };
        let Some(gate) = self.points.get(ix) else { return judged };
        self.clocks.tell(told_time, gate.tells_time());
        // In place, as it is large.
        judged.rewound |= settled;
        judged.backlog = backlog;
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

/// Judges a reading that has a number, and is no repeat.
fn weigh(
    site: &Site,
    points: &mut [PointGate],
    ours_lags: bool,
    it: (&Point, Keep),
    now: Now,
    reading: &Reading,
    value: Finite,
) -> Judged {
    let (point, keep) = it;
    let ix = reading.point.index();
    let unknown = Judged::refused(Flag::Missing, Checks::NONE, false);
    let Some(gate) = points.get_mut(ix) else { return unknown };
    let scrutiny = point.scrutiny.as_ref();
    let changed = scrutiny.and_then(|scrutiny| sensor::change(gate, point, scrutiny, reading, value.get()));
    let mut first = look(gate, point, reading, value, ours_lags);
    if changed.is_some_and(|last| sensor::jumped(point, last, value.get())) {
        (first.flag, first.checks) = (first.flag.max(Flag::Suspect), first.checks.with(Checks::RATE));
    }
    if scrutiny.is_some() && first.is_newest() {
        first.found(closer::look(site, points, ix, first.at, value.get()));
    }
    let Some(gate) = points.get_mut(ix) else { return unknown };
    let taken = take(gate, point, keep, now, reading, value, first);
    gate.follow_device(now);
    taken
}

/// What a repeat is and which checks spoke, where the reading is one. It says nothing of any clock: what it was is known
/// from the first time.
fn repeated(gate: &PointGate, reading: &Reading, usable: &Result<Finite, Refusal>) -> Option<(Flag, Checks)> {
    match (usable, gate.refused_already(reading)) {
        (Err(refusal), true) => Some((refusal.flag, refusal.checks)),
        (Ok(_), true) => Some((Flag::Fail, Checks::NONE)),
        (Ok(value), false) if gate.heard_already(reading, *value) => Some((Flag::Good, Checks::NONE)),
        (Ok(_) | Err(_), false) => None,
    }
}

/// Refuses a reading without a usable number.
fn refuse(gate: &mut PointGate, now: Now, reading: &Reading, refusal: Refusal) -> Judged {
    let health = gate.health();
    if matches!(refusal.cause, Cause::Calibrating | Cause::Held) {
        // What it says is of no use, but it is heard.
        gate.hear(now);
    }
    let refused = gate.refuse(reading, refusal);
    gate.follow_device(now);
    Judged { health_changed: gate.health() != health, ..refused }
}
