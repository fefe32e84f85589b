//! How payloads are read: pure `topic + bytes → readings + complaints`. No codec asks for the time, opens anything or
//! panics on any bytes. Which point a reading belongs to is decided here and nowhere else.
//!
//! A new codec is a file, its line in [`CODECS`], and its variant of [`Codec`].

mod json;
mod named;
mod scalar;

use watchfire_model::time::Zone;

use crate::config::{Codec, MqttBinding, MqttConfig};
use crate::payload::topic::Topics;
use crate::payload::{Decoded, Message, Refusal};

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

/// Reads the messages of one connection: each by the first subscription whose filter its topic matches.
#[derive(Debug)]
pub struct Decoder {
    /// From a topic to the subscriptions on it, by their place in the configuration, and the codec each is read by.
    routes: Topics<Option<Route>>,
    /// One for each way of reading that is configured, however many subscriptions share it.
    codecs: Vec<Reads>,
    zone: Zone,
}

/// Ordered by the place of the subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Route {
    subscription: usize,
    codec: usize,
}

#[derive(Debug)]
enum Reads {
    Scalar(scalar::Scalar),
    Json(json::Json),
    Named(named::Named),
}

impl Reads {
    fn new(codec: &Codec, bindings: &[MqttBinding]) -> Self {
        match codec {
            Codec::Scalar => Self::Scalar(scalar::Scalar::new(bindings)),
            Codec::Json { time } => Self::Json(json::Json::new(bindings, time.as_deref())),
            Codec::Named { id, value, time, state } => {
                let fields = named::Fields { id, value, time: time.as_deref(), state: state.as_deref() };
                Self::Named(named::Named::new(bindings, &fields))
            }
        }
    }
}

impl Decoder {
    /// Binds the subscriptions of a connection to its points. `zone` reads times that name none.
    pub fn new(config: &MqttConfig, zone: Zone) -> Self {
        let mut routes: Topics<Option<Route>> = Topics::new();
        let mut ways: Vec<&Codec> = Vec::new();
        for (subscription, read) in config.subscriptions.iter().enumerate() {
            let codec = ways.iter().position(|way| **way == read.codec).unwrap_or_else(|| {
                ways.push(&read.codec);
                ways.len() - 1
            });
            routes.entry(&read.filter).get_or_insert(Route { subscription, codec });
        }
        let codecs = ways.into_iter().map(|codec| Reads::new(codec, &config.bindings)).collect();
        Self { routes, codecs, zone }
    }

    /// Adds what is in `message` to `out`. A message that breaks off in the middle adds no readings at all.
    pub fn decode(&self, message: &Message<'_>, out: &mut Decoded) {
        let route = self.routes.on(message.topic).flatten().min();
        let Some(codec) = route.and_then(|route| self.codecs.get(route.codec)) else {
            return out.complain(Refusal::UnknownTopic, 0);
        };
        let Ok(text) = std::str::from_utf8(message.payload) else {
            return out.complain(Refusal::NotUtf8, 0);
        };
        let before = out.readings.len();
        let whole = match codec {
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
