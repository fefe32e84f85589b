//! The ground under a grade: the worst of the points that a measure reads, unless enough of them are good.

use serde::{Deserialize, Serialize};
use watchfire_model::finding::{Evidence, FaultCause};
use watchfire_model::time::Timestamp;

use crate::quality::Health;
use crate::ruleset::{Witness, Witnesses};
use crate::window::Blank;

/// [`Evidence`] in one word, cheap to compare. Worse ones sort higher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ground {
    Good,
    Degraded {
        left: u32,
        of: u32,
    },
    #[default]
    Starting,
    Calibrating,
    NoData(Timestamp),
    Fault(FaultCause),
    RuleError,
}

impl Ground {
    /// What the points and the measure make of it. `enough` counts independent points.
    pub(crate) fn of(
        health: impl Iterator<Item = (Health, Witness)>,
        enough: Option<u32>,
        blank: Option<&Blank>,
    ) -> Self {
        let (mut good, mut all, mut worst) = (0_u32, 0_u32, Self::Good);
        let mut witnesses = Witnesses::default();
        for (health, witness) in health {
            all += 1;
            let this = match health {
                Health::Good => {
                    good += 1;
                    witnesses.add(witness);
                    Self::Good
                }
                Health::Starting => Self::Starting,
                Health::Calibrating => Self::Calibrating,
                Health::NoData(since) => Self::NoData(since),
                Health::Fault(cause) => Self::Fault(cause),
            };
            if this.weight() > worst.weight() {
                worst = this;
            }
        }
        if good < all && enough.is_some_and(|enough| witnesses.count() >= enough) {
            worst = Self::Degraded { left: good, of: all };
        }
        match blank {
            Some(Blank::Broken(_)) => Self::RuleError,
            Some(Blank::Thin | Blank::Unknown) if !worst.is_lost() => Self::Fault(FaultCause::Unknown),
            Some(Blank::Warming) if !worst.is_lost() => Self::Starting,
            Some(_) | None => worst,
        }
    }

    fn weight(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Degraded { .. } => 1,
            Self::Starting => 2,
            Self::Calibrating => 3,
            Self::NoData(_) => 4,
            Self::Fault(_) => 5,
            Self::RuleError => 6,
        }
    }

    /// Whether a grade on it is held without fresh ground.
    pub(crate) fn is_lost(self) -> bool {
        match self {
            Self::Good | Self::Degraded { .. } | Self::Starting => false,
            Self::Calibrating | Self::NoData(_) | Self::Fault(_) | Self::RuleError => true,
        }
    }

    /// In the model's words.
    pub(crate) fn evidence(self, error: Option<&str>) -> Evidence {
        match self {
            Self::Good => Evidence::Good,
            Self::Degraded { left, of } => Evidence::Degraded { left, of },
            Self::Starting => Evidence::Starting,
            Self::Calibrating => Evidence::Calibrating,
            Self::NoData(since) => Evidence::NoData { since },
            Self::Fault(cause) => Evidence::Fault { cause },
            Self::RuleError => Evidence::RuleError { message: error.unwrap_or("the rule failed").to_owned() },
        }
    }
}
