//! Quality flags in QARTOD's numbers, and which test set them.

use serde::{Deserialize, Serialize};

/// QARTOD flag values: 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Flag {
    /// May raise any grade and may clear.
    Good = 1,
    /// First samples after a start or a swap: may raise up to orange, may not clear.
    #[default]
    NotEvaluated = 2,
    /// May raise up to the suspect cap, may not clear.
    Suspect = 3,
    /// Physically impossible: no effect, counts to a fault.
    Fail = 4,
    /// No value at all.
    Missing = 9,
}

impl Flag {
    /// The QARTOD number.
    pub const fn code(self) -> u8 {
        self as u8
    }
    /// The flag of a QARTOD number.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Good),
            2 => Some(Self::NotEvaluated),
            3 => Some(Self::Suspect),
            4 => Some(Self::Fail),
            9 => Some(Self::Missing),
            _ => None,
        }
    }
}

/// Which checks spoke, as a set of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Checks(pub u16);

impl Checks {
    /// None.
    pub const NONE: Self = Self(0);
    /// Outside the sensor's span, or what is plausible at the site or usual in the season.
    pub const RANGE: Self = Self(1);
    /// Changed faster than is possible.
    pub const RATE: Self = Self(1 << 1);
    /// A spike against its neighbours in time.
    pub const SPIKE: Self = Self(1 << 2);
    /// Did not move although it should.
    pub const FLAT: Self = Self(1 << 3);
    /// A gap before this reading.
    pub const GAP: Self = Self(1 << 4);
    /// The sensor's clock is wrong (ahead of ours).
    pub const CLOCK: Self = Self(1 << 5);
    /// The device's mark for "no value".
    pub const SENTINEL: Self = Self(1 << 6);
    /// Not a finite number.
    pub const NON_FINITE: Self = Self(1 << 7);
    /// Came later than the late window.
    pub const BACKFILL: Self = Self(1 << 8);
    /// Replaces a value already heard for the same time.
    pub const CORRECTION: Self = Self(1 << 9);
    /// The device's status word says it is not measuring normally, or a person is calibrating it.
    pub const DEVICE_STATE: Self = Self(1 << 10);
    /// At the end of the sensor's span: the true value may be beyond.
    pub const SATURATED: Self = Self(1 << 11);
    /// A retained message: heard, but not fresh.
    pub const RETAINED: Self = Self(1 << 12);
    /// Moved less than the world does.
    pub const ATTENUATED: Self = Self(1 << 13);
    /// Turned to and fro more often than the world does.
    pub const OSCILLATION: Self = Self(1 << 14);
    /// Far from what its neighbours lead us to expect.
    pub const NEIGHBOUR: Self = Self(1 << 15);

    /// What casts doubt on a value, of all that a check may say.
    pub const DOUBTS: Self = Self(
        Self::RANGE.0
            | Self::RATE.0
            | Self::SPIKE.0
            | Self::FLAT.0
            | Self::CLOCK.0
            | Self::SATURATED.0
            | Self::ATTENUATED.0
            | Self::OSCILLATION.0
            | Self::NEIGHBOUR.0,
    );

    /// Those of them that cast doubt on a value.
    #[must_use]
    pub const fn doubts(self) -> Self {
        Self(self.0 & Self::DOUBTS.0)
    }
    /// Whether all of them are in `other`.
    pub const fn are_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Both sets.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
    /// Whether any of `other` is in.
    pub const fn has_any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
    /// Whether all of `other` are in.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
    /// Names of the checks in the set, in order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        const NAMES: [&str; 16] = [
            "range",
            "rate",
            "spike",
            "flat",
            "gap",
            "clock",
            "sentinel",
            "non_finite",
            "backfill",
            "correction",
            "device_state",
            "saturated",
            "retained",
            "attenuated",
            "oscillation",
            "neighbour",
        ];
        NAMES.into_iter().enumerate().filter(move |(bit, _)| self.0 & (1 << bit) != 0).map(|(_, name)| name)
    }
}
