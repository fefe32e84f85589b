//! A JSON object, flat or nested, or an array of such objects: each bound point has a pointer into it. A field that is
//! not in an object is not reported by it; a `null` is a report without a number.

use watchfire_model::time::Zone;

use super::CodecKind;
use crate::config::MqttBinding;
use crate::payload::bind::{Bound, observed_at, state};
use crate::payload::number::from_token;
use crate::payload::scan::{Broken, Token};
use crate::payload::shape::{Shape, Slot, objects};
use crate::payload::topic::Topics;
use crate::payload::{Decoded, MAX_READINGS, Message, Refusal};

/// See the module.
pub(super) const KIND: CodecKind = CodecKind {
    name: "json",
    reads: "an object with a field for each point, or an array of such objects",
    example: r#"{"ts":1767225600000,"values":{"level":3.21,"rain":0.2}}"#,
};

/// What is bound, by topic.
#[derive(Debug)]
pub(super) struct Json {
    topics: Topics<Fields>,
}

/// What is bound on one topic or filter.
#[derive(Debug)]
struct Fields {
    shape: Shape,
    time: Option<Slot>,
    fields: Vec<Field>,
}

#[derive(Debug)]
struct Field {
    bound: Bound,
    value: Slot,
    state: Option<Slot>,
}

impl Default for Fields {
    fn default() -> Self {
        Self { shape: Shape::new(), time: None, fields: Vec::new() }
    }
}

impl Json {
    pub(super) fn new(bindings: &[MqttBinding], time: Option<&str>) -> Self {
        let mut topics: Topics<Fields> = Topics::new();
        for binding in bindings {
            if let Some(pointer) = &binding.pointer {
                let on = topics.entry(binding.topic.as_deref().unwrap_or("#"));
                let value = on.shape.slot(pointer);
                let state = binding.state_pointer.as_deref().map(|pointer| on.shape.slot(pointer));
                on.fields.push(Field { bound: Bound::new(binding), value, state });
            }
        }
        if let Some(pointer) = time {
            for on in topics.each() {
                on.time = Some(on.shape.slot(pointer));
            }
        }
        Self { topics }
    }

    pub(super) fn read(&self, message: &Message<'_>, text: &str, zone: &Zone, out: &mut Decoded) -> Result<(), Broken> {
        let begin = out.readings.len();
        let mut known = false;
        for on in self.topics.on(message.topic) {
            known = true;
            objects(&on.shape, text, |found, at| {
                on.take(message, zone, found, at, out);
                if out.readings.len() - begin > MAX_READINGS {
                    return Err(Broken { why: Refusal::TooMany, at });
                }
                Ok(())
            })?;
        }
        if !known {
            out.complain(Refusal::UnknownTopic, 0);
        }
        Ok(())
    }
}

impl Fields {
    fn take(&self, message: &Message<'_>, zone: &Zone, found: &[Token<'_>], at: usize, out: &mut Decoded) {
        let reports = |field: &Field| {
            found[field.value] != Token::Absent || field.state.is_some_and(|slot| found[slot] != Token::Absent)
        };
        if !self.fields.iter().any(reports) {
            return out.complain(Refusal::NothingBound, at);
        }
        let when = match self.time {
            Some(slot) => observed_at(&found[slot], message, zone, at, out),
            None => message.received_at,
        };
        for field in self.fields.iter().filter(|field| reports(field)) {
            let said = field.state.map_or(&Token::Absent, |slot| &found[slot]);
            let state = state(said, at, out);
            out.readings.push(field.bound.reading(message, from_token(&found[field.value]), when, state));
        }
    }
}
