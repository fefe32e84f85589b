//! What the county's sensors measured in the hours before.

use std::sync::{Arc, Mutex};

use watchfire::api::{History, HistoryError, Sample};
use watchfire_model::id::PointIx;
use watchfire_model::quality::Flag;
use watchfire_model::time::{Span, Timestamp};

use super::NOW;
use super::site::STATIONS;

/// A night of readings: each point climbs to its present value over twelve hours, with a ripple.
pub(crate) struct Night(pub(crate) Arc<Mutex<Vec<(PointIx, Sample)>>>);

impl History for Night {
    fn readings(
        &self,
        station: &str,
        _: &str,
        from: Timestamp,
        to: Timestamp,
        buckets: usize,
    ) -> Result<Vec<Sample>, HistoryError> {
        let at = STATIONS
            .iter()
            .position(|line| line.0 == station)
            .ok_or_else(|| HistoryError("no such point".to_owned()))?;
        let line = &STATIONS[at];
        let step = ((to - from).0 / i64::try_from(buckets.max(1)).unwrap_or(1)).max(60_000);
        let last = if station == "mine-7" { NOW - Span::minutes(47) } else { NOW };
        let mut samples: Vec<Sample> = (0..)
            .map(|n| Timestamp(from.0 / step * step + n * step))
            .take_while(|at| *at < to)
            .filter(|at| *at >= from && *at <= last)
            .map(|at| {
                let age = (last - at).as_hours();
                let rise = 1.0 / (1.0 + (age * 0.8 - 2.0).exp());
                let ripple = (age * 9.0).sin() * 0.004;
                let value = line.8 * (0.94 + 0.06 * rise / 0.88 + ripple);
                Sample { at, value: Some((value * 100.0).round() / 100.0), flag: Flag::Good }
            })
            .collect();
        let more = self.0.lock().expect("nobody panics while holding it");
        let this = more.iter().filter(|(ix, sample)| ix.index() == at && sample.at >= from && sample.at < to);
        samples.extend(this.map(|(_, sample)| *sample));
        Ok(samples)
    }
}
