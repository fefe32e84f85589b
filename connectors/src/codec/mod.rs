//! How payloads are read: pure `topic + bytes → readings + complaints`. No codec asks for the time, opens anything or
//! panics on any bytes. Which point a reading belongs to is decided here and nowhere else.
//!
//! A new codec is a file, its line in [`CODECS`], and its variant of [`Codec`].

mod json;
mod named;
mod scalar;

use watchfire_model::time::Zone;

use crate::config::{Codec, MqttConfig};
use crate::payload::topic::Filter;
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
