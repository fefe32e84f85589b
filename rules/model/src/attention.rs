//! Whether people have taken note of an alarm, of its hazard and of its fault apart, and what a hazard's profile says of
//! it: how it latches, how long an acknowledgement holds, and how long an alarm may be put aside.

use serde::{Deserialize, Serialize};

use crate::grade::{Grade, PerGrade};
use crate::id::PersonId;
use crate::time::{Span, Timestamp};

/// Whether a person has taken note.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Attention {
    /// Nothing to take note of.
    #[default]
    Quiet,
    /// Nobody has.
    Unacked {
        /// Since when.
        since: Timestamp,
    },
    /// Somebody has.
    Acked {
        /// Who.
        by: PersonId,
        /// When.
        at: Timestamp,
        /// The grade acknowledged.
        grade: Option<Grade>,
        /// The version seen.
        version: u64,
    },
    /// Somebody has, and what was to be done about it is done.
    Confirmed {
        /// Who said that it is done.
        by: PersonId,
        /// When.
        at: Timestamp,
        /// The grade confirmed.
        grade: Option<Grade>,
        /// The version seen.
        version: u64,
    },
}

impl Attention {
    /// Whether it waits for a person.
    pub const fn is_unacked(&self) -> bool {
        matches!(self, Self::Unacked { .. })
    }
    /// Who took note, and when, where somebody has.
    pub const fn noted(&self) -> Option<(&PersonId, Timestamp)> {
        match self {
            Self::Quiet | Self::Unacked { .. } => None,
            Self::Acked { by, at, .. } | Self::Confirmed { by, at, .. } => Some((by, *at)),
        }
    }
}

/// Which of an alarm's two sides an act is about. Acting on one never touches the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Concern {
    /// The hazard's grade.
    #[default]
    Hazard,
    /// What is wrong with the evidence, or with reaching people.
    Fault,
}

impl Concern {
    /// `hazard` or `fault`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hazard => "hazard",
            Self::Fault => "fault",
        }
    }
}

/// What of an alarm stays when it is over, until when. It keeps it on the officer's list and prolongs nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Latching {
    /// Nothing stays.
    None,
    /// It stays until a person has taken note.
    #[default]
    UntilAck,
    /// It stays until a person has taken note and has reset it.
    UntilReset,
}

/// What a hazard's profile says of the officer's attention (SEMANTICS §6, §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttentionPolicy {
    /// How the hazard latches.
    pub latch: Latching,
    /// How its faults latch.
    pub fault_latch: Latching,
    /// For how long an acknowledgement holds; none = until it gets worse. Each time it runs out in the same grade it is
    /// doubled, to four times.
    pub reack: PerGrade<Option<Span>>,
    /// Whether its alarms may be put aside at all.
    pub shelvable: bool,
    /// For how long an alarm may be put aside up to each grade; none = never.
    pub max_shelve: PerGrade<Option<Span>>,
    /// An alarm that turns up and down four times within this chatters: until it has been still for as long, falls are not
    /// said. None = never.
    pub flapping: Option<Span>,
}

impl Default for AttentionPolicy {
    fn default() -> Self {
        Self {
            latch: Latching::UntilAck,
            fault_latch: Latching::None,
            reack: PerGrade { blue: None, yellow: None, orange: Some(Span::hours(2)), red: Some(Span::minutes(30)) },
            shelvable: true,
            max_shelve: PerGrade {
                blue: Some(Span::hours(24)),
                yellow: Some(Span::hours(8)),
                orange: Some(Span::hours(1)),
                red: None,
            },
            flapping: Some(Span::minutes(10)),
        }
    }
}
