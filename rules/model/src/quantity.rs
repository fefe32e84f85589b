//! A number that is a number, and the reasons why something is not one.

use serde::{Deserialize, Serialize};

/// A finite `f64`. Rules, windows and ladders take nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Finite(f64);

impl Finite {
    /// Zero.
    pub const ZERO: Self = Self(0.0);

    /// The number, if it is finite; `-0.0` becomes `0.0`.
    pub fn new(value: f64) -> Result<Self, Bad> {
        if value.is_nan() {
            Err(Bad::NotANumber)
        } else if value.is_infinite() {
            Err(Bad::Infinite)
        } else {
            Ok(Self(value + 0.0))
        }
    }
    /// The plain number.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Finite {
    type Error = Bad;
    fn try_from(value: f64) -> Result<Self, Bad> {
        Self::new(value)
    }
}

impl From<Finite> for f64 {
    fn from(value: Finite) -> Self {
        value.0
    }
}

/// Why a known point's report carries no usable number. Such a reading is journaled and counted; no rule sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Bad {
    /// NaN.
    #[error("not a number")]
    NotANumber = 1,
    /// An infinity.
    #[error("infinite")]
    Infinite = 2,
    /// `null`, or the field is absent.
    #[error("absent")]
    Absent = 3,
    /// Text or a structure where a number was due.
    #[error("not of a numeric type")]
    WrongType = 4,
    /// The device's own mark for "no value", such as -9999 or 0x7FFF.
    #[error("the sentinel for missing")]
    Sentinel = 5,
    /// The device answered with an exception, such as a Modbus exception code.
    #[error("refused by the device")]
    Refused = 6,
    /// The device said of itself that it is broken, unplugged or not polled.
    #[error("declared faulty by the device")]
    DeviceFault = 7,
    /// A number too large for the wire format's own bounds.
    #[error("out of the format's range")]
    Overflow = 8,
}

impl Bad {
    /// All of them, for codecs and counters.
    pub const ALL: [Self; 8] = [
        Self::NotANumber,
        Self::Infinite,
        Self::Absent,
        Self::WrongType,
        Self::Sentinel,
        Self::Refused,
        Self::DeviceFault,
        Self::Overflow,
    ];
    /// The word for counters and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotANumber => "not_a_number",
            Self::Infinite => "infinite",
            Self::Absent => "absent",
            Self::WrongType => "wrong_type",
            Self::Sentinel => "sentinel",
            Self::Refused => "refused",
            Self::DeviceFault => "device_fault",
            Self::Overflow => "overflow",
        }
    }
    /// The code used on disk; see [`Bad::from_code`].
    pub const fn code(self) -> u8 {
        self as u8
    }
    /// The reason with that code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|bad| bad.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finite_numbers_enter() {
        assert_eq!(Finite::new(f64::NAN), Err(Bad::NotANumber));
        assert_eq!(Finite::new(f64::NEG_INFINITY), Err(Bad::Infinite));
        assert!(Finite::new(-0.0).is_ok_and(|z| z.get().is_sign_positive()));
        for bad in Bad::ALL {
            assert_eq!(Bad::from_code(bad.code()), Some(bad));
        }
    }
}
