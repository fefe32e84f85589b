//! The whole payload is one number, bare or in quotes; its time is that of its receipt.

use watchfire_model::reading::PointState;

use super::CodecKind;
use crate::config::MqttBinding;
use crate::payload::bind::Bound;
use crate::payload::number::from_text;
use crate::payload::scan::Broken;
use crate::payload::topic::Topics;
use crate::payload::{Decoded, Message, Refusal};

/// See the module.
pub(super) const KIND: CodecKind =
    CodecKind { name: "scalar", reads: "one number, bare or in quotes", example: "12.34" };

/// Bound points by topic.
#[derive(Debug)]
pub(super) struct Scalar {
    topics: Topics<Vec<Bound>>,
}

impl Scalar {
    pub(super) fn new(bindings: &[MqttBinding]) -> Self {
        let mut topics: Topics<Vec<Bound>> = Topics::new();
        for binding in bindings.iter().filter(|binding| binding.pointer.is_none() && binding.key.is_none()) {
            if let Some(topic) = &binding.topic {
                topics.entry(topic).push(Bound::new(binding));
            }
        }
        Self { topics }
    }

    #[expect(clippy::unnecessary_wraps, reason = "every codec is asked in the same way; a scalar cannot break off")]
    pub(super) fn read(&self, message: &Message<'_>, text: &str, out: &mut Decoded) -> Result<(), Broken> {
        let text = text.trim();
        let bare = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
        let raw = from_text(bare);
        let before = out.readings.len();
        for bound in self.topics.on(message.topic).flatten() {
            out.readings.push(bound.reading(message, raw, message.received_at, PointState::Normal));
        }
        if out.readings.len() == before {
            out.complain(Refusal::UnknownTopic, 0);
        }
        Ok(())
    }
}
