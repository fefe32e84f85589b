//! From what was written to a number, or to the reason why there is none.

use watchfire_model::quantity::{Bad, Finite};
use watchfire_model::reading::PointState;

use super::scan::Token;

/// How a point's raw numbers become its values.
#[derive(Clone, Debug)]
pub(crate) struct Scaling {
    scale: f64,
    offset: f64,
    sentinels: Box<[f64]>,
}

impl Scaling {
    pub(crate) fn new(scale: f64, offset: f64, sentinels: &[f64]) -> Self {
        Self { scale, offset, sentinels: sentinels.into() }
    }

    /// value = raw × scale + offset, unless raw is one of the marks for "no value".
    pub(crate) fn apply(&self, raw: f64) -> Result<Finite, Bad> {
        // A sentinel is one exact number on the wire.
        if self.sentinels.contains(&raw) {
            return Err(Bad::Sentinel);
        }
        let raw = Finite::new(raw)?;
        Finite::new(raw.get() * self.scale + self.offset).map_err(|_| Bad::Overflow)
    }
}

/// A number written as text: `12.34`, ` 12.34 `, `NaN`, `1e999`.
pub(crate) fn from_text(text: &str) -> Result<f64, Bad> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Bad::Absent);
    }
    let number: f64 = text.parse().map_err(|_| Bad::WrongType)?;
    if number.is_nan() {
        Err(Bad::NotANumber)
    } else if number.is_finite() {
        Ok(number)
    } else if text.bytes().any(|byte| byte.is_ascii_digit()) {
        Err(Bad::Overflow)
    } else {
        Err(Bad::Infinite)
    }
}

/// The number in a JSON value; numbers in quotes are numbers.
pub(crate) fn from_token(token: &Token<'_>) -> Result<f64, Bad> {
    match token {
        Token::Number(text) => from_text(text),
        Token::Text(text) => from_text(text),
        Token::Null | Token::Absent => Err(Bad::Absent),
        Token::Bool | Token::Object | Token::Array => Err(Bad::WrongType),
    }
}

/// The state of a status word, if it is one of the known codes (DOMAIN §5.4).
pub(crate) fn state_of(code: f64) -> Option<PointState> {
    PointState::ALL.into_iter().find(|state| f64::from(state.code()).to_bits() == (code + 0.0).to_bits())
}

/// Where the device says that it is not measuring and gives no number, its word is the better reason.
pub(crate) fn beside_state(value: Result<Finite, Bad>, state: PointState) -> Result<Finite, Bad> {
    match value {
        Err(Bad::Absent) if state != PointState::Normal => Err(Bad::DeviceFault),
        Ok(_) | Err(_) => value,
    }
}
