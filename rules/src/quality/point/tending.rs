//! What people do to the device of a point: they calibrate it, give it back, put another in its place and take that over.

use watchfire_model::quality::Flag;
use watchfire_model::quantity::Finite;
use watchfire_model::reading::{PointState, Reading};
use watchfire_model::site::Kind;
use watchfire_model::time::{Now, Steady, Timestamp};

use super::PointGate;
use crate::quality::{N_GOOD, exceeds};

impl PointGate {
    /// From here on it is being calibrated, until then.
    pub(crate) fn calibrate(&mut self, now: Now, until: Steady) {
        self.windows.get_or_insert_default().open(now, until);
        self.calibrating = false;
        self.good_since = 0;
    }

    /// Its calibration by command is over; says whether there was one.
    pub(crate) fn give_back(&mut self, now: Now) -> bool {
        let was_open = self.windows.as_mut().is_some_and(|windows| windows.close(now));
        if was_open {
            self.good_since = 0;
        }
        was_open
    }

    /// A person answers for the calibration that the device began; says whether there was one to answer for.
    pub(crate) fn accept_calibration(&mut self) -> bool {
        self.windows.as_mut().is_some_and(|windows| windows.accept())
    }

    /// Nobody has answered in time; says whether that is so, and news.
    pub(crate) fn give_up(&mut self, now: Now) -> bool {
        self.windows.as_mut().is_some_and(|windows| windows.give_up(now))
    }

    /// Its first values are believed from here on, by a person's word.
    pub(crate) fn commission(&mut self) {
        self.good_since = self.good_since.max(N_GOOD);
        (self.moved, self.first) = (true, None);
    }

    /// What it said from then to then, the ends included, is no measurement; how many samples that takes out. What is
    /// heard of that time later is none either.
    pub(crate) fn invalidate(&mut self, from: Timestamp, to: Timestamp) -> usize {
        self.windows.get_or_insert_default().cover(from, to);
        let taken = self.series.take_out(from, to);
        let within = |at: Timestamp| from <= at && at <= to;
        if self.good.is_some_and(|(at, _)| within(at)) {
            let good = self.series.iter().rev().find(|sample| sample.flag <= Flag::NotEvaluated);
            self.good = good.map(|sample| (sample.at, sample.value.to_bits()));
        }
        self.ahead = self.ahead.take().filter(|ahead| !within(ahead.at));
        if taken > 0 {
            // How it moved is learnt anew, and so is whether it can be trusted.
            (self.course, self.good_since) = (None, 0);
        }
        taken
    }

    /// Whether people are at it, or were.
    pub(in crate::quality) const fn is_tended(&self) -> bool {
        self.windows.is_some()
    }

    /// A reading of this `value` that was said while people were at it, as such. What was heard before is a repeat of what
    /// it was then.
    pub(in crate::quality) fn held(&self, now: Now, reading: &Reading, value: Option<Finite>) -> Option<Reading> {
        let windows = self.windows.as_ref()?;
        let held = Reading { state: PointState::Calibrating, ..*reading };
        let heard = value.is_some_and(|value| self.heard_already(reading, value)) || self.refused_already(reading);
        let said_in_one = windows.hold(now, reading) && !heard;
        (said_in_one || self.refused_already(&held)).then_some(held)
    }

    /// Takes note of whether the device says that it is being calibrated.
    pub(in crate::quality) fn follow_device(&mut self, now: Now) {
        if self.calibrating || self.windows.is_some() {
            self.windows.get_or_insert_default().device_says(now, self.calibrating);
        }
    }

    /// Whether its device says that it is being calibrated, and no command does.
    pub(crate) fn is_calibrating_itself(&self) -> bool {
        self.windows.as_ref().is_some_and(|windows| windows.is_by_device())
    }

    /// Whether it is being calibrated, by whosever word.
    pub(crate) fn is_being_calibrated(&self) -> bool {
        self.windows.as_ref().is_some_and(|windows| windows.is_open() || windows.is_by_device())
    }

    /// When it must be looked at although nothing is said.
    pub(crate) fn care_due(&self) -> Option<Steady> {
        self.windows.as_ref().and_then(|windows| windows.due())
    }

    /// The last value of the device before this one, and the first of this one.
    pub(crate) fn swapped(&self) -> Option<(f64, f64)> {
        self.swapped.as_ref().map(|values| (f64::from_bits(values.0), f64::from_bits(values.1)))
    }

    /// Another device measures from here on. What fell before is still rain; of all else nothing is carried over.
    pub(in crate::quality) fn change_sensor(&mut self, kind: Kind, (last, first): (f64, f64)) {
        self.swapped = Some(Box::new((last.to_bits(), first.to_bits())));
        match kind {
            Kind::Increment => {}
            Kind::Gauge | Kind::Counter => self.series.cut(),
        }
        self.good = None;
        self.good_since = 0;
        self.course = None;
        (self.first, self.moved) = (None, false);
    }

    /// Whether its device has ever said anything but its first value.
    pub(crate) fn has_moved(&self) -> bool {
        self.moved
    }

    /// Takes note of whether it says something else than at first, by more than a `step`.
    pub(super) fn follow(&mut self, value: f64, step: f64) {
        if self.moved {
            return;
        }
        let first = f64::from_bits(*self.first.get_or_insert(value.to_bits()));
        if exceeds((value - first).abs(), step) {
            (self.moved, self.first) = (true, None);
        }
    }
}
