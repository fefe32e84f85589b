//! What the gate says of a reading: how far it may be trusted, and what it is.

use watchfire_model::quality::{Checks, Flag};
use watchfire_model::reading::Observation;

use crate::series::Sample;

/// What the gate says of a reading.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// How far it may be trusted.
    pub flag: Flag,
    /// Which checks spoke.
    pub checks: Checks,
    /// What it is.
    pub outcome: Outcome,
    /// Whether the point's [`Health`] may have changed.
    pub health_changed: bool,
    /// Whether samples from what is now the future were dropped for it, or all were moved in time.
    pub rewound: bool,
    /// Whether it tells what has long been so: one of many that were kept back, not the word of a sensor whose clock lags.
    pub backlog: bool,
    /// The sample before it, which it showed to be a spike.
    pub convicted: Option<Conviction>,
}

/// A sample that the one after it showed to be a spike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conviction {
    /// As it was taken.
    pub sample: Sample,
    /// What it is now; one that failed is no sample any more.
    pub flag: Flag,
    /// Which checks spoke, this one too.
    pub checks: Checks,
}

/// What a reading is, after the gate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// The newest of its point.
    Fresh(Observation),
    /// Its clock is ahead of ours; it stands at our receipt, and in no window.
    Ahead(Observation),
    /// Older than the newest, young enough to raise; with the sample it corrects, if there was one at its time.
    Late(Observation, Option<Sample>),
    /// Too old to act on.
    Backfill(Observation),
    /// Heard before.
    Repeat,
    /// A retained message: heard, but not fresh.
    Retained,
    /// No usable number.
    Refused,
}

impl Judged {
    pub(crate) fn refused(flag: Flag, checks: Checks, health_changed: bool) -> Self {
        Self { health_changed, ..Self::unheard(flag, checks, Outcome::Refused) }
    }

    /// What leaves everything as it was.
    pub(super) fn unheard(flag: Flag, checks: Checks, outcome: Outcome) -> Self {
        Self { flag, checks, outcome, health_changed: false, rewound: false, backlog: false, convicted: None }
    }

    /// The observation, where the reading became one.
    pub fn observation(&self) -> Option<&Observation> {
        match &self.outcome {
            Outcome::Fresh(seen) | Outcome::Ahead(seen) | Outcome::Late(seen, _) | Outcome::Backfill(seen) => {
                Some(seen)
            }
            Outcome::Repeat | Outcome::Retained | Outcome::Refused => None,
        }
    }

    /// Whether the same reading was heard before.
    pub fn is_repeat(&self) -> bool {
        self.outcome == Outcome::Repeat
    }
}
