//! What the gate remembers of one point: its recent samples, how many good and bad readings came in a row, whether it
//! is at fault or silent. Changes of health are reported; whom they concern is the Evaluator's business.

use serde::{Deserialize, Serialize};
use watchfire_model::finding::FaultCause;
use watchfire_model::quality::{Checks, Flag};
use watchfire_model::quantity::Finite;
use watchfire_model::reading::Reading;
use watchfire_model::time::{Now, Span, Steady, Timestamp};

use super::closer::{Course, Spike};
use super::window::Windows;
use super::{Cause, Conviction, Judged, N_FAIL, N_GOOD, Refusal};
use crate::series::{Keep, Placed, Sample, Series};

mod stamps;
mod tending;

/// Whether a point can be relied on now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Not heard since the start.
    Starting,
    /// Heard, and good.
    Good,
    /// Being calibrated.
    Calibrating,
    /// Silent for too long; last heard then.
    NoData(Timestamp),
    /// Heard and not usable, or out of reach.
    Fault(FaultCause),
}

/// What is remembered of one point.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PointGate {
    series: Series,
    heard: Option<Steady>,
    /// When the newest sample was heard; what came since was late, or corrected something.
    #[serde(default)]
    newest_heard: Option<Steady>,
    heard_at: Timestamp,
    /// The last good sample; its value as bits.
    good: Option<(Timestamp, u64)>,
    /// The last reading whose clock was ahead, while it is the last one heard: its own time and its sample.
    ahead: Option<Box<Ahead>>,
    /// Whether the last reading's clock was ahead of ours, whoever was found to be wrong.
    leads: bool,
    /// Whether the last accepted reading bore our own stamp, as those of sensors without a clock do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    stamped: bool,
    /// Whether the last reading told what had long been so and was kept back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    kept_back: bool,
    /// How far our wall fell back while the sensor's clock went on: it may be ahead by so much more.
    #[serde(default)]
    allowance: Span,
    /// How far our wall was set since the last reading; with the next it is seen whether the point's times went with it.
    #[serde(default)]
    stepped: Span,
    ahead_in_a_row: u8,
    /// Good readings since the start or the last fault, as far as they matter.
    good_since: u8,
    bad_in_a_row: u8,
    /// The last few readings that have no sample of their own in the series.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    strays: Vec<Stray>,
    fault: Option<FaultCause>,
    calibrating: bool,
    /// What people do to it; none of most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    windows: Option<Box<Windows>>,
    /// The last value of the device before this one and the first of this one, as bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    swapped: Option<Box<(u64, u64)>>,
    link_down: bool,
    silent: Option<Timestamp>,
    /// The first value of its device, as bits; none once it has said another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first: Option<u64>,
    /// Whether it has ever said another.
    #[serde(default)]
    moved: bool,
    /// How it has moved, where a check wants to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    course: Option<Box<Course>>,
}

/// A sample that stands at our receipt because its own time can't be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Ahead {
    observed_at: Timestamp,
    at: Timestamp,
    bits: u64,
    flag: Flag,
    checks: Checks,
}

/// Strays remembered of one point; a broker that delivers again goes back no further.
const STRAYS: usize = 16;

/// A reading without a sample in the series: it had no usable number, its clock was ahead, it was corrected, or it was
/// older than anything kept. By it a repeat is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stray {
    observed_at: Timestamp,
    bits: u64,
    /// What was wrong with a reading that had no usable number: the device's state, and why its value was none.
    refused: Option<(u8, u8)>,
}

impl Stray {
    fn of_value(observed_at: Timestamp, value: f64) -> Self {
        Self { observed_at, bits: value.to_bits(), refused: None }
    }

    fn of_refused(reading: &Reading) -> Self {
        let (bits, bad) = reading.value.map_or_else(|bad| (0, bad.code()), |value| (value.get().to_bits(), 0));
        Self { observed_at: reading.observed_at, bits, refused: Some((reading.state.code(), bad)) }
    }
}

impl PointGate {
    /// The recent samples.
    pub fn series(&self) -> &Series {
        &self.series
    }

    /// Whether it can be relied on.
    pub fn health(&self) -> Health {
        match (self.link_down, self.silent, self.calibrating, self.fault) {
            (true, ..) => Health::Fault(FaultCause::Link),
            // It is in people's hands: that it is silent, or says odd things, is no news.
            (false, ..) if self.windows.as_ref().is_some_and(|it| it.is_open()) => Health::Calibrating,
            (false, None, true, _) if self.windows.as_ref().is_some_and(|it| it.is_unattended()) => {
                Health::Fault(FaultCause::Unattended)
            }
            (false, Some(since), ..) => Health::NoData(since),
            (false, None, true, _) => Health::Calibrating,
            (false, None, false, Some(cause)) => Health::Fault(cause),
            (false, None, false, None) if self.heard.is_none() => Health::Starting,
            (false, None, false, None) => Health::Good,
        }
    }

    /// Whether only values that were no values made it a fault, and the last one was good again.
    pub(crate) fn is_returning(&self) -> bool {
        match self.fault {
            Some(FaultCause::Range | FaultCause::BadValue) => {
                self.bad_in_a_row == 0
                    && matches!(self.health(), Health::Fault(FaultCause::Range | FaultCause::BadValue))
            }
            Some(
                FaultCause::Clock
                | FaultCause::Stuck
                | FaultCause::Saturated
                | FaultCause::Device
                | FaultCause::Link
                | FaultCause::Unattended
                | FaultCause::Unknown,
            )
            | None => false,
        }
    }

    /// The last that was heard, at our receipt, if its clock was ahead.
    pub(crate) fn ahead(&self) -> Option<Sample> {
        let Ahead { at, bits, flag, checks, .. } = **self.ahead.as_ref()?;
        Some(Sample { at, value: f64::from_bits(bits), flag, checks })
    }

    /// The newest sample, the one at our receipt if its clock is ahead.
    pub(crate) fn newest(&self) -> Option<Sample> {
        self.ahead().or_else(|| self.series.newest())
    }

    /// Whether nothing reaches us from it: its link is down, or it is silent.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.link_down || self.silent.is_some()
    }

    /// When something was last accepted, by our wall clock.
    pub(crate) fn heard_at(&self) -> Option<Timestamp> {
        self.heard.map(|_| self.heard_at)
    }

    /// When something was last accepted.
    pub(crate) fn heard(&self) -> Option<Steady> {
        self.heard
    }

    /// When the newest sample was heard.
    pub(crate) fn newest_heard(&self) -> Option<Steady> {
        self.newest_heard
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.silent.is_some()
    }

    pub(super) fn last_good(&self) -> Option<(Timestamp, f64)> {
        self.good.map(|(at, bits)| (at, f64::from_bits(bits)))
    }

    pub(crate) fn series_mut(&mut self) -> &mut Series {
        &mut self.series
    }

    /// Whether this very reading came before.
    pub(super) fn heard_already(&self, reading: &Reading, value: Finite) -> bool {
        let (at, bits) = (reading.observed_at, value.get().to_bits());
        if let Some(last) = self.ahead.as_ref().filter(|last| last.observed_at == at) {
            // A clock that is ahead and stands still makes no repeats of values that come and go.
            return last.bits == bits;
        }
        if self.strays.contains(&Stray::of_value(at, value.get())) {
            return true;
        }
        match self.series.newest() {
            Some(newest) if at < newest.at => {
                self.series.last(at).is_some_and(|same| same.at == at && same.value.to_bits() == bits)
            }
            Some(newest) => newest.at == at && newest.value.to_bits() == bits,
            None => false,
        }
    }

    /// Itself, with no more samples than `keep` allows.
    pub(super) fn keeping(&self, keep: Keep) -> Self {
        let mut kept = self.clone();
        kept.series.trim(keep);
        kept
    }

    /// What was said of a reading with a number, as far as that is still known.
    pub(super) fn recall_flag(&self, reading: &Reading, value: Finite) -> Flag {
        let (at, bits) = (reading.observed_at, value.get().to_bits());
        let sample = self.series.last(at).filter(|sample| sample.at == at && sample.value.to_bits() == bits);
        match sample {
            Some(sample) => sample.flag,
            None if self.refused_already(reading) => Flag::Fail,
            None if self.strays.contains(&Stray::of_value(at, value.get())) => Flag::Suspect,
            None => Flag::NotEvaluated,
        }
    }

    /// Remembers a reading that leaves no sample.
    fn stray(&mut self, stray: Stray) {
        if self.strays.len() >= STRAYS {
            self.strays.remove(0);
        }
        self.strays.push(stray);
    }

    /// Whether this very reading came before and had no usable number.
    pub(super) fn refused_already(&self, reading: &Reading) -> bool {
        !self.strays.is_empty() && self.strays.contains(&Stray::of_refused(reading))
    }

    /// Counts a reading without a usable number, heard for the first time.
    pub(super) fn refuse(&mut self, reading: &Reading, refusal: Refusal) -> Judged {
        let before = self.health();
        self.stray(Stray::of_refused(reading));
        if refusal.cause != Cause::Held {
            self.bad_in_a_row = self.bad_in_a_row.saturating_add(1);
        }
        match refusal.cause {
            Cause::Held => {}
            Cause::Calibrating => {
                self.calibrating = true;
                self.good_since = 0;
            }
            Cause::Now(cause) => {
                self.calibrating = false;
                self.fail(cause);
            }
            Cause::Counted(cause) if self.bad_in_a_row >= N_FAIL => self.fail(cause),
            Cause::Counted(_) if self.fault.is_some() => self.good_since = 0,
            Cause::Counted(_) => {}
        }
        Judged::refused(refusal.flag, refusal.checks, self.health() != before)
    }

    /// At fault; only good readings in a row end it.
    fn fail(&mut self, cause: FaultCause) {
        self.fault = Some(cause);
        self.good_since = 0;
    }

    /// Takes out what is known of how it moved, to be put back with one value more.
    pub(super) fn take_course(&mut self) -> Box<Course> {
        self.course.take().unwrap_or_default()
    }

    pub(super) fn set_course(&mut self, course: Box<Course>) {
        self.course = Some(course);
    }

    /// A sample comes late: what was thought to be still may have moved.
    pub(super) fn recall(&mut self, sample: Sample, tolerance: f64) {
        if let Some(course) = &mut self.course {
            course.recall(sample.at, sample.value, tolerance);
        }
    }

    /// The newest sample was shown to be a spike, unless it was corrected meanwhile.
    pub(super) fn convict(&mut self, spike: Spike) -> Option<Conviction> {
        let it_is = |sample: &Sample| sample.at == spike.at && sample.value.to_bits() == spike.value.to_bits();
        let sample = self.series.newest().filter(it_is)?;
        let flag = spike.flag.max(sample.flag);
        let checks = sample.checks.with(Checks::SPIKE);
        if flag >= Flag::Fail {
            self.series.take_back(sample.at, None);
            self.stray(Stray::of_value(sample.at, sample.value));
        } else {
            self.series.take_back(sample.at, Some(Sample { flag, checks, ..sample }));
        }
        if self.good.is_some_and(|(at, _)| at == sample.at) {
            let good = self.series.iter().rev().find(|sample| sample.flag <= Flag::NotEvaluated);
            self.good = good.map(|sample| (sample.at, sample.value.to_bits()));
        }
        Some(Conviction { sample, flag, checks })
    }

    /// It is heard, though what it says is of no use.
    pub(super) fn hear(&mut self, now: Now) {
        self.heard = Some(now.steady);
        self.heard_at = now.wall;
        self.link_down = false;
        self.silent = None;
    }

    /// Counts a reading with a number; says whether the point's health changed.
    pub(super) fn accept(&mut self, now: Now, flag: Flag, checks: Checks, ahead: Option<(Timestamp, Finite)>) -> bool {
        let before = self.health();
        self.hear(now);
        self.bad_in_a_row = 0;
        self.calibrating = false;
        if let Some((observed_at, value)) = ahead {
            self.ahead_in_a_row = self.ahead_in_a_row.saturating_add(1);
            let bits = value.get().to_bits();
            self.ahead = Some(Box::new(Ahead { observed_at, at: now.wall, bits, flag, checks }));
            self.stray(Stray::of_value(observed_at, value.get()));
            if self.ahead_in_a_row >= N_FAIL {
                self.fail(FaultCause::Clock);
            }
        } else {
            self.ahead_in_a_row = 0;
            self.ahead = None;
        }
        if checks.has(Checks::SATURATED) {
            self.fail(FaultCause::Saturated);
        } else if flag == Flag::Good {
            self.good_since = self.good_since.saturating_add(1);
            if self.good_since >= N_GOOD {
                self.fault = None;
            }
        }
        self.health() != before
    }

    /// The flag of an accepted value, given how many good ones came before it.
    pub(super) fn unproven(&self, flag: Flag) -> Flag {
        if self.good_since <= N_GOOD { flag.max(Flag::NotEvaluated) } else { flag }
    }

    pub(super) fn set_ahead(&mut self, sample: Sample) {
        if let Some(ahead) = &mut self.ahead {
            (ahead.at, ahead.flag, ahead.checks) = (sample.at, sample.flag, sample.checks);
        }
    }

    pub(super) fn push(&mut self, sample: Sample, stamped: bool, step: f64, keep: Keep) {
        self.follow(sample.value, step);
        self.stamped = stamped;
        self.newest_heard = self.heard;
        if sample.flag <= Flag::NotEvaluated {
            self.good = Some((sample.at, sample.value.to_bits()));
        }
        self.series.push(sample, keep);
    }

    pub(super) fn place(&mut self, sample: Sample, keep: Keep) -> Placed {
        let placed = self.series.place(sample);
        self.series.trim(keep);
        match placed {
            Placed::Replaced(old) => self.stray(Stray::of_value(old.at, old.value)),
            Placed::Forgotten => self.stray(Stray::of_value(sample.at, sample.value)),
            Placed::Inserted | Placed::Repeat => {}
        }
        placed
    }

    /// The point's link went down or came up. Up alone proves nothing: the next good reading does.
    pub(super) fn link(&mut self, up: bool) -> bool {
        if up || self.link_down {
            return false;
        }
        self.link_down = true;
        true
    }

    /// Becomes silent if nothing was accepted for `stale_after`; says whether it did now.
    pub(super) fn silence(&mut self, now: Now, started: Now, stale_after: Span) -> bool {
        if self.silent.is_some() || now.steady < self.heard.unwrap_or(started.steady) + stale_after {
            return false;
        }
        let before = self.health();
        self.silent = Some(if self.heard.is_some() { self.heard_at } else { started.wall });
        self.health() != before
    }
}
