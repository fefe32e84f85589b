//! Whose clock a point's readings bear: ours that is set, a sensor's that is set with it or not, and what of it can be
//! told from the readings alone.

use watchfire_model::reading::Reading;
use watchfire_model::time::{Now, Span, Timestamp};

use super::{PointGate, Stray};
use crate::quality::clock;

/// A reading further than this from where it is expected tells nothing of whose clock was set.
const WITHIN: Span = Span::minutes(10);

impl PointGate {
    /// Whether its readings bear a time that is not ours.
    pub(crate) fn tells_time(&self) -> bool {
        self.heard.is_some() && !self.stamped
    }

    pub(crate) fn leads(&self) -> bool {
        self.leads
    }

    pub(in crate::quality) fn set_leads(&mut self, reading: &Reading) {
        self.leads = clock::is_ahead(reading, self.allowance);
    }

    /// Our wall was set: stamps of ours go with it, and clocks of the sensors' own do not.
    pub(in crate::quality) fn wall_stepped(&mut self, by: Span) {
        self.heard_at = self.heard_at + by;
        if let Some(ahead) = &mut self.ahead {
            ahead.at = ahead.at + by;
        }
        self.stepped = self.stepped + by;
        if let Some(windows) = &mut self.windows {
            windows.shift(by);
        }
        if self.stamped {
            self.shift(by);
        } else if self.heard.is_some() {
            self.allowance = (self.allowance - by).max(Span::ZERO);
        }
    }

    fn shift(&mut self, by: Span) {
        self.series.shift(by);
        if let Some(course) = &mut self.course {
            course.shift(by);
        }
        self.good = self.good.map(|(at, bits)| (at + by, bits));
    }

    /// Whether our wall was set and no reading has shown yet whose clock went with it.
    pub(in crate::quality) fn is_unsettled(&self) -> bool {
        self.stepped != Span::ZERO
    }

    /// The first reading after our wall was set shows whether the sensor's clock was set with it, as one is that asks us
    /// for the time: by what lies nearer to the last sample and the time passed since. Says whether that was not as
    /// [`wall_stepped`](Self::wall_stepped) took it to be.
    pub(in crate::quality) fn settle(&mut self, now: Now, reading: &Reading) -> bool {
        let by = self.stepped;
        let heard = self.newest_heard.or(self.heard);
        let (Some(newest), Some(heard), false) = (self.series.newest(), heard, by == Span::ZERO) else {
            return false;
        };
        // What corrects an earlier word is as old as that was, and tells nothing either.
        let word = |stray: &Stray| stray.observed_at == reading.observed_at;
        if self.strays.iter().any(word) || self.series.iter().any(|sample| sample.at == reading.observed_at) {
            return false;
        }
        let expected = newest.at + (now.steady - heard);
        let (otherwise, allowance) =
            if self.stamped { (Span::ZERO - by, self.allowance - by) } else { (by, self.allowance + by) };
        let amiss = |expected: Timestamp| (reading.observed_at - expected).0.abs();
        let (as_taken, as_not) = (amiss(expected), amiss(expected + otherwise));
        if as_taken.min(as_not) > WITHIN.0 {
            return false;
        }
        self.stepped = Span::ZERO;
        if as_taken <= as_not {
            return false;
        }
        self.shift(otherwise);
        self.allowance = allowance.max(Span::ZERO);
        true
    }

    /// Whether a reading tells what has long been so and was kept back: it is older than what is `live`, and came with more
    /// delay than the one before it, or faster than it was measured. A sensor whose clock lags is as far behind each time,
    /// give or take what a network needs; once one was kept back, what comes any faster than it was measured is too.
    pub(in crate::quality) fn hears_kept_back(
        &mut self,
        now: Now,
        reading: &Reading,
        live: Span,
        interval: Span,
    ) -> bool {
        let before = std::mem::take(&mut self.kept_back);
        if reading.received_at - reading.observed_at <= live {
            return false;
        }
        self.kept_back = match (self.series.newest(), self.newest_heard.or(self.heard)) {
            (Some(newest), Some(heard)) => {
                let (measured_in, came_in) = ((reading.observed_at - newest.at).0, (now.steady - heard).0);
                let sooner = measured_in.saturating_sub(came_in);
                let out_of_turn = if before {
                    measured_in <= 0 || sooner > came_in
                } else {
                    measured_in < 0 || sooner > interval.0 / 2
                };
                out_of_turn || sooner < -interval.0
            }
            _ => true,
        };
        self.kept_back
    }

    /// Drops samples that lie in the future of a reading whose own time is not: a clock, ours or the sensor's, was wrong
    /// when they were taken, and until that time came all that is heard would be old. Says whether there were any.
    pub(in crate::quality) fn rewind(&mut self, reading: &Reading) -> bool {
        let latest = clock::latest(reading, self.allowance);
        if self.series.newest().is_none_or(|newest| newest.at <= latest) {
            return false;
        }
        self.good = self.good.filter(|(at, _)| *at <= reading.received_at);
        let dropped = self.series.drop_after(reading.received_at);
        self.course = None;
        for sample in &dropped {
            self.stray(Stray::of_value(sample.at, sample.value));
        }
        !dropped.is_empty()
    }
}
