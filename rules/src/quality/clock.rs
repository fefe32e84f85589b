//! A sensor's clock may lag (a late reading) but not lead: what was observed after it was received was not. Our own may
//! step, which the steady clock shows.
//! Not in the list of checks: it decides the event time that all of them see.

use watchfire_model::reading::Reading;
use watchfire_model::time::{Now, Span, Timestamp};

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
