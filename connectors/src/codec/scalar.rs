//! The whole payload is one number, bare or in quotes; its time is that of its receipt.

use watchfire_model::reading::PointState;

use super::bind::Bound;
use super::number::from_text;
use super::scan::Broken;
use super::topic::Topics;
use super::{CodecKind, Decoded, Message, Refusal};
use crate::config::MqttBinding;

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
