//! How payloads are read: pure `topic + bytes → readings + complaints`. No codec asks for the time, opens anything or
//! panics on any bytes. Which point a reading belongs to is decided here and nowhere else.
//!
//! A new codec is a file, its line in [`CODECS`], and its variant of [`Codec`].

mod bind;
mod json;
mod named;
mod number;
mod scalar;
mod scan;
mod shape;
pub mod time;
pub mod topic;

use watchfire_model::reading::Reading;
use watchfire_model::time::{Timestamp, Zone};

use crate::config::{Codec, MqttConfig};
pub(crate) use number::{Scaling, beside_state, state_of};
use topic::Filter;

/// Most readings taken from one message; a message with more is refused whole.
pub const MAX_READINGS: usize = 65_536;

/// Every way of reading a payload. A tidy test compares this list with the folder.
pub const CODECS: &[CodecKind] = &[scalar::KIND, json::KIND, named::KIND];

/// A codec, as the configuration and the manual know it.
#[derive(Clone, Copy, Debug)]
pub struct CodecKind {
    /// The word for it in `codec = { kind = "…" }`.
    pub name: &'static str,
    /// What it reads, in one line.
    pub reads: &'static str,
    /// A payload it reads, as the manual shows it.
    pub example: &'static str,
}

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

    fn complain(&mut self, why: Refusal, at: usize) {
        self.complained += 1;
        if self.complaints.len() < Self::KEPT {
            self.complaints.push(Doubt { why, at });
        }
    }
}

/// Reads the messages of one connection: each by the first subscription whose filter its topic matches.
#[derive(Debug)]
pub struct Decoder {
    routes: Vec<Route>,
    zone: Zone,
}

#[derive(Debug)]
struct Route {
    filter: Filter,
    reads: Reads,
}

#[derive(Debug)]
enum Reads {
    Scalar(scalar::Scalar),
    Json(json::Json),
    Named(named::Named),
}

impl Decoder {
    /// Binds the subscriptions of a connection to its points. `zone` reads times that name none.
    pub fn new(config: &MqttConfig, zone: Zone) -> Self {
        let routes = config
            .subscriptions
            .iter()
            .map(|subscription| Route {
                filter: Filter::new(&subscription.filter),
                reads: match &subscription.codec {
                    Codec::Scalar => Reads::Scalar(scalar::Scalar::new(&config.bindings)),
                    Codec::Json { time } => Reads::Json(json::Json::new(&config.bindings, time.as_deref())),
                    Codec::Named { id, value, time, state } => Reads::Named(named::Named::new(
                        &config.bindings,
                        &named::Fields { id, value, time: time.as_deref(), state: state.as_deref() },
                    )),
                },
            })
            .collect();
        Self { routes, zone }
    }

    /// Adds what is in `message` to `out`. A message that breaks off in the middle adds no readings at all.
    pub fn decode(&self, message: &Message<'_>, out: &mut Decoded) {
        let Some(route) = self.routes.iter().find(|route| route.filter.matches(message.topic)) else {
            return out.complain(Refusal::UnknownTopic, 0);
        };
        let Ok(text) = std::str::from_utf8(message.payload) else {
            return out.complain(Refusal::NotUtf8, 0);
        };
        let before = out.readings.len();
        let whole = match &route.reads {
            Reads::Scalar(codec) => codec.read(message, text, out),
            Reads::Json(codec) => codec.read(message, text, &self.zone, out),
            Reads::Named(codec) => codec.read(message, text, &self.zone, out),
        };
        if let Err(broken) = whole {
            out.readings.truncate(before);
            out.complain(broken.why, broken.at);
        }
    }
}

#[cfg(test)]
mod tests;
