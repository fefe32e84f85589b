//! A sensor's clock may lag (a late reading) but not lead: what was observed after it was received was not. Our own may
//! step, which the steady clock shows.
//! Not in the list of checks: it decides the event time that all of them see.

use watchfire_model::reading::Reading;
use watchfire_model::time::{Now, Span, Timestamp};

use super::PointGate;

/// How far a sensor's clock may be ahead of ours (SEMANTICS §3).
const MAX_AHEAD: Span = Span::minutes(2);

/// A disagreement of the wall and the steady clock that counts as a step of the wall (SEMANTICS §8).
const STEP: Span = Span::seconds(2);

/// Whether the sensor's word for when lies in our future, after `allowance`.
pub(super) fn is_ahead(reading: &Reading, allowance: Span) -> bool {
    reading.observed_at > latest(reading, allowance)
}

/// The latest time that a reading may bear.
pub(super) fn latest(reading: &Reading, allowance: Span) -> Timestamp {
    reading.received_at + MAX_AHEAD + allowance
}

/// How far the wall has been stepped since it stood so far from the steady clock; none if it was not.
pub(super) fn stepped(offset: Option<Span>, now: Now) -> Option<Span> {
    let by = self::offset(now) - offset?;
    (by.0.abs() > STEP.0).then_some(by)
}

/// How far the wall stands from the steady clock.
pub(super) fn offset(now: Now) -> Span {
    Span(now.wall.0.saturating_sub(now.steady.0))
}

/// How many sensors tell a time of their own, and of how many the last reading was ahead of our clock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clocks {
    pub(super) telling: usize,
    pub(super) ahead: usize,
}

impl Clocks {
    pub(super) fn of(points: &[PointGate]) -> Self {
        let telling = points.iter().filter(|point| point.tells_time()).count();
        Self { telling, ahead: points.iter().filter(|point| point.leads()).count() }
    }

    /// One that told a time, or did not, now does or does not.
    pub(super) fn tell(&mut self, told: bool, tells: bool) {
        recount(&mut self.telling, told, tells);
    }

    /// One that was ahead, or was not, now is or is not.
    pub(super) fn lead(&mut self, led: bool, leads: bool) {
        recount(&mut self.ahead, led, leads);
    }

    /// Whether it is our own clock that is behind: most sensors lead at once, and more than two.
    pub(super) const fn ours_lags(self) -> bool {
        self.ahead * 2 > self.telling && self.ahead > 2
    }
}

const fn recount(count: &mut usize, was: bool, is: bool) {
    match (was, is) {
        (false, true) => *count += 1,
        (true, false) => *count -= 1,
        (true, true) | (false, false) => {}
    }
}
