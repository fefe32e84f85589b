//! The times in which a sensor is out of people's trust because people are at it: calibrations by command, and those that
//! its own status word opens. What it says in them is heard and kept, and is no measurement.
//! Not in the list of checks: it decides whether there is anything to check.

use serde::{Deserialize, Serialize};
use watchfire_model::reading::Reading;
use watchfire_model::time::{Now, Span, Steady, Timestamp};

/// How long a calibration that the device itself opens may wait for a person who answers for it (SEMANTICS §4).
const ANSWERED_WITHIN: Span = Span::minutes(10);
/// Calibrations that are over and still remembered: what was said in them may come late, or again.
const REMEMBERED: usize = 8;

/// What people do to one sensor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Windows {
    open: Option<Open>,
    /// Begin and end of those that are over, by our wall clock.
    over: Vec<(Timestamp, Timestamp)>,
    /// Since when the device says that it is being calibrated.
    by_device: Option<Steady>,
    /// A person answers for that.
    accepted: bool,
    /// Nobody did in time.
    unattended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Open {
    since: Timestamp,
    until: Steady,
}

impl Windows {
    /// Opens one, or lets the open one last until another time.
    pub(super) fn open(&mut self, now: Now, until: Steady) {
        let since = self.open.map_or(now.wall, |open| open.since);
        self.open = Some(Open { since, until });
        self.forget_device();
    }

    /// Closes the open one; says whether there was one.
    pub(super) fn close(&mut self, now: Now) -> bool {
        let Some(open) = self.open.take() else { return false };
        // It may have run out before the row that tells.
        let late = (now.steady - open.until).max(Span::ZERO);
        self.cover(open.since, now.wall - late);
        true
    }

    /// What was said from then to then is no measurement either.
    pub(super) fn cover(&mut self, from: Timestamp, to: Timestamp) {
        if self.over.len() >= REMEMBERED {
            self.over.remove(0);
        }
        self.over.push((from, to));
    }

    pub(super) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Whether a reading was said in one: received while it is open, or of a time at which one was.
    pub(super) fn hold(&self, now: Now, reading: &Reading) -> bool {
        let at = reading.observed_at.min(reading.received_at);
        self.open.is_some_and(|open| now.steady < open.until)
            || self.over.iter().any(|(from, to)| *from <= at && at < *to)
    }

    /// The device says that it is being calibrated, or no longer.
    pub(super) fn device_says(&mut self, now: Now, calibrating: bool) {
        if !calibrating {
            self.forget_device();
        } else if self.by_device.is_none() && self.open.is_none() {
            self.by_device = Some(now.steady);
        }
    }

    fn forget_device(&mut self) {
        (self.by_device, self.accepted, self.unattended) = (None, false, false);
    }

    /// Whether the device opened one that lasts.
    pub(super) const fn is_by_device(&self) -> bool {
        self.by_device.is_some()
    }

    /// A person answers for what the device opened; says whether there was anything to answer for.
    pub(super) fn accept(&mut self) -> bool {
        let is_news = self.by_device.is_some() && !self.accepted;
        (self.accepted, self.unattended) = (self.by_device.is_some(), false);
        is_news
    }

    /// Nobody has answered in time; says whether that is so, and news.
    pub(super) fn give_up(&mut self, now: Now) -> bool {
        let is_late = self.open.is_none() && self.due().is_some_and(|due| due <= now.steady);
        self.unattended |= is_late;
        is_late
    }

    pub(super) const fn is_unattended(&self) -> bool {
        self.unattended
    }

    /// When it must be looked at although nothing is said.
    pub(super) fn due(&self) -> Option<Steady> {
        match (self.open, self.by_device) {
            (Some(open), _) => Some(open.until),
            (None, Some(since)) if !self.accepted && !self.unattended => Some(since + ANSWERED_WITHIN),
            (None, Some(_) | None) => None,
        }
    }

    /// Our wall was set: the stamps go with it.
    pub(super) fn shift(&mut self, by: Span) {
        if let Some(open) = &mut self.open {
            open.since = open.since + by;
        }
        for (from, to) in &mut self.over {
            (*from, *to) = (*from + by, *to + by);
        }
    }
}
