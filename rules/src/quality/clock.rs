//! A sensor's clock may lag (a late reading) but not lead: what was observed after it was received was not.
//! Not in the list of checks: it decides the event time that all of them see.

use watchfire_model::reading::Reading;
use watchfire_model::time::Span;

/// How far a sensor's clock may be ahead of ours (SEMANTICS §3).
const MAX_AHEAD: Span = Span::minutes(2);

/// Whether the sensor's word for when lies in our future.
pub(super) fn is_ahead(reading: &Reading) -> bool {
    reading.observed_at > reading.received_at + MAX_AHEAD
}
