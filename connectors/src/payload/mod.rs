//! What codecs are made of: the walk over JSON text, numbers, times, topics, and what comes out of a payload.

pub(crate) mod bind;
pub(crate) mod number;
pub(crate) mod scan;
pub(crate) mod shape;
pub mod time;
pub mod topic;

use watchfire_model::reading::Reading;
use watchfire_model::time::Timestamp;

/// Most readings taken from one message; a message with more is refused whole.
pub const MAX_READINGS: usize = 65_536;

/// One message, as it came.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Its topic.
    pub topic: &'a str,
    /// Its bytes.
    pub payload: &'a [u8],
    /// When it was received; the readings' time where the payload names none.
    pub received_at: Timestamp,
    /// A retained message: a last value, not a fresh sample.
    pub retained: bool,
}

/// What was in some messages. Bounded by what one message may hold; cleared and used again by the caller.
#[derive(Clone, Debug, Default)]
pub struct Decoded {
    /// Readings of known points, bad values included, in the order of the payload.
    pub readings: Vec<Reading>,
    /// The first few complaints; `complained` counts them all.
    pub complaints: Vec<Doubt>,
    /// How many complaints there were.
    pub complained: u64,
}

/// Something in a payload that could not be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// Why not.
    pub why: Refusal,
    /// Where in the payload, in bytes from its beginning.
    pub at: usize,
}

/// Why something in a payload could not be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// Not UTF-8.
    #[error("the payload is not UTF-8")]
    NotUtf8,
    /// Not JSON, or JSON cut short.
    #[error("the payload is not JSON")]
    NotJson,
    /// JSON nested deeper than any field instrument nests it.
    #[error("the payload is nested deeper than 32 levels")]
    TooDeep,
    /// More readings than one message may hold.
    #[error("the message holds more than 65536 readings")]
    TooMany,
    /// A bound key is there twice: two readers would take two different values.
    #[error("a key is there twice in one object")]
    RepeatedKey,
    /// An object that should name its point does not.
    #[error("the object names no point")]
    NoKey,
    /// No point is bound to the name.
    #[error("no point is bound to this name")]
    UnknownKey,
    /// The name is bound, and not on this topic: one station may not speak for another.
    #[error("this name may not come on this topic")]
    ForeignTopic,
    /// No point is bound to the topic.
    #[error("no point is bound to this topic")]
    UnknownTopic,
    /// None of the fields bound on this topic is in the payload.
    #[error("none of the bound fields is in the payload")]
    NothingBound,
    /// The reading was taken, with the time of its receipt.
    #[error("the time is missing or cannot be read; the time of receipt stands for it")]
    Time,
    /// The reading was taken, as of a faulty sensor.
    #[error("the status word is none of the known codes; the sensor is taken as faulty")]
    State,
}

impl Decoded {
    /// Complaints kept from one message.
    const KEPT: usize = 4;

    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.readings.clear();
        self.complaints.clear();
        self.complained = 0;
    }

    pub(crate) fn complain(&mut self, why: Refusal, at: usize) {
        self.complained += 1;
        if self.complaints.len() < Self::KEPT {
            self.complaints.push(Doubt { why, at });
        }
    }
}
