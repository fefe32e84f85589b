//! What came back for a notice (回执).

use serde::{Deserialize, Serialize};

use crate::id::{ChannelName, NoticeId};
use crate::time::Timestamp;

/// The end of one or more attempts to deliver a notice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// For which notice.
    pub notice: NoticeId,
    /// From which channel.
    pub channel: ChannelName,
    /// When the answer was heard: wall time.
    pub at: Timestamp,
    /// Attempts so far, this one counted.
    pub attempts: u32,
    /// The answer.
    pub outcome: Outcome,
    /// Attempts before this one that no receipt has told of, oldest first; at most [`Attempt::TOLD_MOST`], the others are
    /// only counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<Attempt>,
}

/// One attempt to deliver a notice, and how it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it ended: wall time.
    pub at: Timestamp,
    /// How.
    pub outcome: Outcome,
}

impl Attempt {
    /// As many are told in one receipt.
    pub const TOLD_MOST: usize = 32;
    /// As many are kept of one notice in its warning: the first ones and the last ones. All are in the ledger.
    pub const KEPT: usize = 16;
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Outcome {
    /// Taken over by the channel.
    Delivered {
        /// The receiver's own reference, such as a receipt number; cut at 256 bytes.
        reference: Option<String>,
        /// Share of the people reached, 0 to 1, where the receiver confirms one.
        coverage: Option<f64>,
    },
    /// Not yet: it is tried again.
    Failing {
        /// Why, in words; cut at 256 bytes.
        reason: String,
    },
    /// Will never be taken as it stands; a person must know now.
    Refused {
        /// Why, in words; cut at 256 bytes.
        reason: String,
    },
}

impl Outcome {
    /// Whether nothing more is tried.
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Delivered { .. } | Self::Refused { .. } => true,
            Self::Failing { .. } => false,
        }
    }
}
