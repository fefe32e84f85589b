//! What the gate remembers of one point: its recent samples, how many good and bad readings came in a row, whether it
//! is at fault or silent. Changes of health are reported; whom they concern is the Evaluator's business.

use serde::{Deserialize, Serialize};
use watchfire_model::finding::FaultCause;
use watchfire_model::quality::{Checks, Flag};
use watchfire_model::quantity::Finite;
use watchfire_model::reading::Reading;
use watchfire_model::time::{Now, Span, Steady, Timestamp};

use super::{Cause, Judged, N_FAIL, N_GOOD, Outcome, Refusal};
use crate::series::{Keep, Placed, Sample, Series};

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
    heard_at: Timestamp,
    /// The last good sample; its value as bits.
    good: Option<(Timestamp, u64)>,
    /// The last reading whose clock was ahead, while it is the last one heard: its own time and its sample.
    ahead: Option<Ahead>,
    /// Whether the last reading's clock was ahead of ours, whoever was found to be wrong.
    leads: bool,
    ahead_in_a_row: u8,
    /// Good readings since the start or the last fault, as far as they matter.
    good_since: u8,
    bad_in_a_row: u8,
    last_bad: Option<Timestamp>,
    fault: Option<FaultCause>,
    calibrating: bool,
    link_down: bool,
    silent: Option<Timestamp>,
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

impl PointGate {
    /// The recent samples.
    pub fn series(&self) -> &Series {
        &self.series
    }

    /// Whether it can be relied on.
    pub fn health(&self) -> Health {
        match (self.link_down, self.silent, self.calibrating, self.fault) {
            (true, ..) => Health::Fault(FaultCause::Link),
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
                | FaultCause::Unknown,
            )
            | None => false,
        }
    }

    /// The newest sample, the one at our receipt if its clock is ahead.
    pub(crate) fn newest(&self) -> Option<Sample> {
        match self.ahead {
            Some(ahead) if self.series.newest().is_none_or(|newest| newest.at <= ahead.at) => {
                Some(Sample { at: ahead.at, value: f64::from_bits(ahead.bits), flag: ahead.flag, checks: ahead.checks })
            }
            Some(_) | None => self.series.newest().copied(),
        }
    }

    /// When something was last accepted.
    pub(crate) fn heard(&self) -> Option<Steady> {
        self.heard
    }

    pub(crate) fn leads(&self) -> bool {
        self.leads
    }

    pub(super) fn set_leads(&mut self, leads: bool) {
        self.leads = leads;
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
    pub(super) fn heard_already(&self, reading: &Reading, at: Timestamp, value: Finite, ahead: bool) -> bool {
        let bits = value.get().to_bits();
        if ahead {
            return self.ahead.is_some_and(|last| last.observed_at == reading.observed_at && last.bits == bits);
        }
        match self.series.newest() {
            Some(newest) if at < newest.at => {
                self.series.last(at).is_some_and(|same| same.at == at && same.value.to_bits() == bits)
            }
            Some(newest) => newest.at == at && newest.value.to_bits() == bits,
            None => false,
        }
    }

    /// Counts a reading without a usable number.
    pub(super) fn refuse(&mut self, reading: &Reading, refusal: Refusal) -> Judged {
        if self.last_bad == Some(reading.observed_at) {
            return Judged {
                flag: refusal.flag,
                checks: refusal.checks,
                outcome: Outcome::Repeat,
                health_changed: false,
            };
        }
        let before = self.health();
        self.last_bad = Some(reading.observed_at);
        self.bad_in_a_row = self.bad_in_a_row.saturating_add(1);
        match refusal.cause {
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

    /// Counts a reading with a number; says whether the point's health changed.
    pub(super) fn accept(&mut self, now: Now, flag: Flag, checks: Checks, ahead: Option<(Timestamp, Finite)>) -> bool {
        let before = self.health();
        self.heard = Some(now.steady);
        self.heard_at = now.wall;
        self.bad_in_a_row = 0;
        self.last_bad = None;
        self.calibrating = false;
        self.link_down = false;
        self.silent = None;
        if let Some((observed_at, value)) = ahead {
            self.ahead_in_a_row = self.ahead_in_a_row.saturating_add(1);
            let bits = value.get().to_bits();
            self.ahead = Some(Ahead { observed_at, at: now.wall, bits, flag, checks });
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

    pub(super) fn push(&mut self, sample: Sample, keep: Keep) {
        if sample.flag <= Flag::NotEvaluated {
            self.good = Some((sample.at, sample.value.to_bits()));
        }
        self.series.push(sample, keep);
    }

    pub(super) fn place(&mut self, sample: Sample) -> Placed {
        self.series.place(sample)
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
