//! A JSON object that names its own point, or an array of such objects. This is the way of most volume: one look-up by
//! name for each reading, no allocation.

use watchfire_model::time::Zone;

use super::CodecKind;
use crate::config::MqttBinding;
use crate::payload::bind::{Bound, observed_at, state};
use crate::payload::number::from_token;
use crate::payload::scan::{Broken, Token};
use crate::payload::shape::{Shape, Slot, objects};
use crate::payload::topic::{FastMap, Filter};
use crate::payload::{Decoded, MAX_READINGS, Message, Refusal};

/// See the module.
pub(super) const KIND: CodecKind = CodecKind {
    name: "named",
    reads: "an object that names its own point, or an array of such objects",
    example: r#"[{"id":"s000042","v":23.4,"ts":1732400000123}]"#,
};

/// Pointers to what an object says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    pub(super) id: &'a str,
    pub(super) value: &'a str,
    pub(super) time: Option<&'a str>,
    pub(super) state: Option<&'a str>,
}

/// Bound points by name.
#[derive(Debug)]
pub(super) struct Named {
    shape: Shape,
    id: Slot,
    value: Slot,
    time: Option<Slot>,
    state: Option<Slot>,
    names: Names,
    bound: Vec<(Bound, Option<Filter>)>,
}

impl Named {
    pub(super) fn new(bindings: &[MqttBinding], fields: &Fields<'_>) -> Self {
        let mut shape = Shape::new();
        let (id, value) = (shape.slot(fields.id), shape.slot(fields.value));
        let time = fields.time.map(|pointer| shape.slot(pointer));
        let state = fields.state.map(|pointer| shape.slot(pointer));
        let mut by_name: Vec<(&str, &MqttBinding)> =
            bindings.iter().filter_map(|binding| Some((binding.key.as_deref()?, binding))).collect();
        by_name.sort_by_key(|(name, _)| *name);
        let mut names = Names::default();
        let mut bound = Vec::with_capacity(by_name.len());
        for (name, binding) in by_name {
            let first = bound.len();
            names.entry(name, first).1 += 1;
            bound.push((Bound::new(binding), binding.topic.as_deref().map(Filter::new)));
        }
        Self { shape, id, value, time, state, names, bound }
    }

    pub(super) fn read(&self, message: &Message<'_>, text: &str, zone: &Zone, out: &mut Decoded) -> Result<(), Broken> {
        let begin = out.readings.len();
        objects(&self.shape, text, |found, at| {
            self.take(message, zone, found, at, out);
            if out.readings.len() - begin > MAX_READINGS {
                return Err(Broken { why: Refusal::TooMany, at });
            }
            Ok(())
        })
    }

    fn take(&self, message: &Message<'_>, zone: &Zone, found: &[Token<'_>], at: usize, out: &mut Decoded) {
        let name: &str = match &found[self.id] {
            Token::Text(text) => text,
            Token::Number(text) => text,
            Token::Absent | Token::Null | Token::Bool | Token::Object | Token::Array => {
                return out.complain(Refusal::NoKey, at);
            }
        };
        let Some((first, count)) = self.names.get(name) else {
            return out.complain(Refusal::UnknownKey, at);
        };
        let when = match self.time {
            Some(slot) => observed_at(&found[slot], message, zone, at, out),
            None => message.received_at,
        };
        let state = self.state.map_or(Default::default(), |slot| state(&found[slot], at, out));
        let raw = from_token(&found[self.value]);
        let before = out.readings.len();
        for (bound, topic) in &self.bound[first..first + count] {
            if topic.as_ref().is_none_or(|filter| filter.matches(message.topic)) {
                out.readings.push(bound.reading(message, raw, when, state));
            }
        }
        if out.readings.len() == before {
            out.complain(Refusal::ForeignTopic, at);
        }
    }
}

/// Name → the first of its points and how many there are; one as a rule.
#[derive(Debug, Default)]
struct Names {
    /// Names of up to fifteen bytes, each as one number: a look-up follows no pointer to the name.
    short: FastMap<u128, (usize, usize)>,
    long: FastMap<Box<str>, (usize, usize)>,
}

impl Names {
    fn entry(&mut self, name: &str, first: usize) -> &mut (usize, usize) {
        match short(name) {
            Some(number) => self.short.entry(number).or_insert((first, 0)),
            None => self.long.entry(name.into()).or_insert((first, 0)),
        }
    }

    fn get(&self, name: &str) -> Option<(usize, usize)> {
        match short(name) {
            Some(number) => self.short.get(&number).copied(),
            None => self.long.get(name).copied(),
        }
    }
}

/// The bytes of a name and their number, as one number.
fn short(name: &str) -> Option<u128> {
    let mut bytes = [0; 16];
    bytes.get_mut(..name.len()).filter(|part| part.len() < 16)?.copy_from_slice(name.as_bytes());
    bytes[15] = u8::try_from(name.len()).ok()?;
    Some(u128::from_le_bytes(bytes))
}
