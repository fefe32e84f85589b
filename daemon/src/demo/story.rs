//! The demo's story: when it begins, how fast it goes, and the landslides that really happened.
//!
//! The hero is true: hourly rain at two airports south of Mukilteo, Washington, 2010 to 2011, under the official USGS
//! threshold. The other recordings are of other years; they are moved by whole days so that their floods fall into the
//! first storm, and the console says so.

use watchfire_model::time::{Span, Timestamp};

use super::recordings::{OFFSET, local};

/// A stretch of the story and how many milliseconds of it pass in one of ours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stretch {
    /// Ends here.
    pub(crate) until: Timestamp,
    /// Story time per real time.
    pub(crate) pace: f64,
}

/// A landslide that happened near Mukilteo; its day is known, its hour is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Landslide {
    /// Its day, from midnight.
    pub(crate) day: Timestamp,
}

/// The story's clock begins here: the fifteen and three days before the first storm pass first.
pub(crate) fn beginning() -> Timestamp {
    at("2010-11-23T00:00")
}

/// Quiet weeks pass quickly, storms slowly.
pub(crate) fn stretches(speed: f64) -> Vec<Stretch> {
    const DAY: f64 = 86_400.0;
    [
        ("2010-12-11T12:00", 9.0),
        ("2010-12-12T12:00", 0.5),
        // The red that is held although its gauge has fallen silent: long enough to look at.
        ("2010-12-16T12:00", 0.35),
        ("2010-12-30T00:00", 1.5),
        ("2011-03-10T06:00", 15.0),
        ("2011-03-20T00:00", 1.0),
        ("2011-11-22T06:00", 25.0),
        ("2011-12-05T00:00", 1.0),
        ("2011-12-31T23:00", 10.0),
    ]
    .into_iter()
    .map(|(until, days_a_second)| Stretch { until: at(until), pace: days_a_second * DAY * speed })
    .collect()
}

/// The published dates of landslides near Mukilteo that come with the rain series. Source: U.S. Geological Survey,
/// landslides-thresholds data/test/dates2011Muk.txt; public domain.
pub(crate) fn landslides() -> Vec<Landslide> {
    [
        "2010-12-09",
        "2010-12-12",
        "2011-01-13",
        "2011-01-19",
        "2011-01-29",
        "2011-03-10",
        "2011-03-13",
        "2011-03-14",
        "2011-03-15",
        "2011-03-18",
        "2011-11-23",
    ]
    .into_iter()
    .map(|day| Landslide { day: at(&format!("{day}T00:00")) })
    .collect()
}

/// By how much each recording of another year is moved, in whole days.
pub(crate) mod shifts {
    use super::{Span, at};

    fn between(theirs: &str, ours: &str) -> Span {
        at(ours) - at(theirs)
    }
    /// South Chickamauga Creek, June 2017: its flood crest falls on 13 December 2010.
    pub(crate) fn discharge() -> Span {
        between("2017-06-05T00:00", "2010-12-12T00:00")
    }
    /// River Calder, September 2025.
    pub(crate) fn stage() -> Span {
        between("2025-09-12T00:00", "2010-12-13T00:00")
    }
    /// Roadside carbon monoxide, March 2004.
    pub(crate) fn carbon_monoxide() -> Span {
        between("2004-03-11T00:00", "2010-12-11T00:00")
    }
    /// Pore pressure at Mukilteo, December 2015.
    pub(crate) fn pore_pressure() -> Span {
        between("2015-12-18T00:00", "2010-12-11T00:00")
    }
}

/// A local time of the story.
pub(crate) fn at(text: &str) -> Timestamp {
    local(text).unwrap_or_default() - OFFSET
}

/// How far the two rain gauges are from the landslides, in km (great circle to 47.945 N, 122.305 W).
pub(crate) const KM_TACOMA_TO_MUKILTEO: u32 = 78;
/// See [`KM_TACOMA_TO_MUKILTEO`].
pub(crate) const KM_SEATAC_TO_MUKILTEO: u32 = 55;

/// Walks the story: each call gives the next moment to play, at most `step` of real time later.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    stretches: Vec<Stretch>,
    now: Timestamp,
}

impl Pace {
    /// From a moment of the story on.
    pub(crate) fn new(speed: f64, from: Timestamp) -> Self {
        Self { stretches: stretches(speed), now: from }
    }

    /// The story's time after `step` milliseconds of ours, but never more than twelve hours on, so that no reading is
    /// heard long after its time; none once the story is over.
    #[expect(clippy::cast_possible_truncation, reason = "a step of the story is under a day")]
    pub(crate) fn next(&mut self, step_ms: f64) -> Option<Timestamp> {
        const LONGEST_MS: f64 = 12.0 * 3_600_000.0;
        let stretch = self.stretches.iter().find(|stretch| stretch.until > self.now)?;
        let ahead = Span((step_ms * stretch.pace).clamp(1.0, LONGEST_MS) as i64);
        self.now = (self.now + ahead).min(stretch.until);
        Some(self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_story_moves_on_and_ends() {
        let mut pace = Pace::new(1.0, beginning());
        let mut last = beginning();
        let mut steps = 0;
        while let Some(now) = pace.next(20.0) {
            assert!(now > last && now - last <= Span::hours(12));
            last = now;
            steps += 1;
        }
        assert_eq!(last, at("2011-12-31T23:00"));
        assert!(steps < 10_000, "{steps}");
        assert_eq!(landslides().len(), 11);
    }
}
