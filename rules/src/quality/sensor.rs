//! One device gives place to another. Nothing of a window, a rate, a counter or a stillness goes over from the one to the
//! other; a zero that was set wrongly shows in the first value.
//! Not in the list of checks: it decides what they may look back at.

use watchfire_model::reading::Reading;
use watchfire_model::scrutiny::Scrutiny;
use watchfire_model::site::Point;

use super::{PointGate, exceeds};

/// Begins anew if a reading is the first of another device; gives the last value of the one before.
pub(super) fn change(
    gate: &mut PointGate,
    point: &Point,
    scrutiny: &Scrutiny,
    reading: &Reading,
    first: f64,
) -> Option<f64> {
    if scrutiny.sensors.is_empty() || gate.leads() {
        return None;
    }
    let newest = gate.series().newest()?;
    let is_new =
        reading.observed_at > newest.at && scrutiny.sensor_at(newest.at) != scrutiny.sensor_at(reading.observed_at);
    is_new.then(|| {
        gate.change_sensor(point.kind, (newest.value, first));
        newest.value
    })
}

/// Whether the first value of a device is further from the last of the one before than it may be.
pub(super) fn jumped(point: &Point, last: f64, first: f64) -> bool {
    let limit = point.scrutiny.as_ref().and_then(|scrutiny| scrutiny.datum_jump);
    limit.is_some_and(|limit| exceeds((first - last).abs(), limit))
}
