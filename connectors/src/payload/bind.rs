//! From the tokens of one object to a reading of one point: value, status word, time.

use watchfire_model::id::PointIx;
use watchfire_model::reading::{PointState, Reading};
use watchfire_model::time::{Timestamp, Zone};

use super::number::{Scaling, beside_state, from_token, state_of};
use super::scan::Token;
use super::{Decoded, Message, Refusal, time};
use crate::config::MqttBinding;

/// A point and how its raw numbers become values.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) point: PointIx,
    scaling: Scaling,
}

impl Bound {
    pub(crate) fn new(binding: &MqttBinding) -> Self {
        Self { point: binding.point, scaling: Scaling::new(binding.scale, binding.offset, &binding.sentinels) }
    }

    /// The reading of a raw number, or of the reason why there is none.
    pub(crate) fn reading(
        &self,
        message: &Message<'_>,
        raw: Result<f64, watchfire_model::quantity::Bad>,
        observed_at: Timestamp,
        state: PointState,
    ) -> Reading {
        Reading {
            point: self.point,
            observed_at,
            received_at: message.received_at,
            value: beside_state(raw.and_then(|raw| self.scaling.apply(raw)), state),
            state,
            retained: message.retained,
        }
    }
}

/// The time in `token`; where it cannot be read, the time of receipt and a complaint.
pub(crate) fn observed_at(
    token: &Token<'_>,
    message: &Message<'_>,
    zone: &Zone,
    at: usize,
    out: &mut Decoded,
) -> Timestamp {
    let read = match token {
        Token::Number(text) => time::from_number(text),
        Token::Text(text) => time::from_text(text, zone),
        Token::Absent | Token::Null | Token::Bool | Token::Object | Token::Array => None,
    };
    read.unwrap_or_else(|| {
        out.complain(Refusal::Time, at);
        message.received_at
    })
}

/// The state in `token`. A word that is there and is none of the known codes is not "normal".
pub(crate) fn state(token: &Token<'_>, at: usize, out: &mut Decoded) -> PointState {
    if *token == Token::Absent {
        return PointState::Normal;
    }
    from_token(token).ok().and_then(state_of).unwrap_or_else(|| {
        out.complain(Refusal::State, at);
        PointState::SensorFault
    })
}
