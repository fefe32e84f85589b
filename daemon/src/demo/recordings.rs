//! The recordings that the demo plays, as they stand in `daemon/recordings/`: where they come from, and their samples.

use watchfire_model::time::{Civil, Span, Timestamp};

/// All recordings are written in local time without a zone; the demo shows them at UTC-8, the rain gauges' standard time.
pub(crate) const OFFSET: Span = Span::hours(-8);

/// One sample, its number as text: what goes over the wire is what was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// When, on the demo's clock.
    pub(crate) at: Timestamp,
    /// The number as recorded.
    pub(crate) value: String,
}

/// One recorded series.
#[derive(Clone, Debug)]
pub(crate) struct Recording {
    /// Station in the demo's site.
    pub(crate) station: &'static str,
    /// Samples in order of time.
    pub(crate) samples: Vec<Sample>,
}

/// What cannot be read of a recording; the files are in the binary, so this is a fault of the build.
#[derive(Debug, thiserror::Error)]
#[error("recording {name}, line {line}: {reason}")]
pub(crate) struct RecordingError {
    name: &'static str,
    line: usize,
    reason: &'static str,
}

/// Reads a recording and moves it by whole hours: `from` (a time in the file) becomes `to` (on the demo's clock).
pub(crate) fn read(
    name: &'static str,
    text: &str,
    station: &'static str,
    shift: Span,
) -> Result<Recording, RecordingError> {
    let refuse = |line: usize, reason| RecordingError { name, line: line + 1, reason };
    let mut step = Span::ZERO;
    let mut samples = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if let Some(comment) = line.strip_prefix('#') {
            if let Some(minutes) = comment.trim().strip_prefix("step ").and_then(|rest| rest.split(' ').next()) {
                step = Span::minutes(minutes.parse().map_err(|_| refuse(number, "the step is no number"))?);
            }
            continue;
        }
        let mut words = line.split(' ');
        let first = words.next().and_then(local).ok_or_else(|| refuse(number, "the line begins with no time"))?;
        if step == Span::ZERO {
            return Err(refuse(number, "no step was given"));
        }
        let mut at = first - OFFSET + shift;
        for value in words {
            samples.push(Sample { at, value: value.to_owned() });
            at = at + step;
        }
    }
    Ok(Recording { station, samples })
}

/// `YYYY-MM-DDThh:mm` as if it were UTC.
pub(crate) fn local(text: &str) -> Option<Timestamp> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    Some(Timestamp::from_civil(Civil {
        year: number(0, 4)?,
        month: number(5, 7)?,
        day: number(8, 10)?,
        hour: number(11, 13)?,
        minute: number(14, 16)?,
        second: 0,
        millisecond: 0,
    }))
}

/// Hourly rain, USGS, public domain.
pub(crate) const RAIN_TACOMA: &str = include_str!("../../recordings/rain-tacoma-narrows.txt");
/// Hourly rain, USGS, public domain.
pub(crate) const RAIN_SEATAC: &str = include_str!("../../recordings/rain-seattle-tacoma.txt");
/// Hourly discharge, USGS, public domain.
pub(crate) const DISCHARGE: &str = include_str!("../../recordings/discharge-south-chickamauga.txt");
/// Stage every 15 minutes, Environment Agency, OGL v3.0.
pub(crate) const STAGE: &str = include_str!("../../recordings/stage-hebden-bridge.txt");
/// Hourly carbon monoxide, UCI, CC BY 4.0.
pub(crate) const CARBON_MONOXIDE: &str = include_str!("../../recordings/carbon-monoxide-roadside.txt");
/// Pore pressure every 15 minutes, USGS, public domain.
pub(crate) const PORE_PRESSURE: &str = include_str!("../../recordings/pore-pressure-mukilteo.txt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recording_reads_in_order() {
        for (name, text) in [
            ("tacoma", RAIN_TACOMA),
            ("seatac", RAIN_SEATAC),
            ("discharge", DISCHARGE),
            ("stage", STAGE),
            ("co", CARBON_MONOXIDE),
            ("pore", PORE_PRESSURE),
        ] {
            let recording = read(name, text, "s", Span::ZERO).expect("it is in the binary");
            assert!(recording.samples.len() > 500, "{name}");
            assert!(recording.samples.windows(2).all(|pair| pair[0].at < pair[1].at), "{name}");
            assert!(recording.samples.iter().all(|sample| sample.value.parse::<f64>().is_ok()), "{name}");
        }
    }
}
