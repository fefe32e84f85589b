//! Units of measure, as text in configuration: `"0.05 m"`. A threshold in another unit is converted; in another
//! dimension it is refused.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A unit that is known: its symbol, what it measures, and how it becomes the base unit of that dimension.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit {
    /// As written, such as `mm/h`.
    pub symbol: &'static str,
    /// What it measures.
    pub dimension: Dimension,
    /// Times this is the base unit.
    pub factor: f64,
    /// Added after the factor (temperatures).
    pub offset: f64,
}

/// What a unit measures. Units of one dimension convert into each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Dimension {
    None,
    Length,
    Speed,
    Discharge,
    Concentration,
    MassConcentration,
    Pressure,
    Temperature,
    Angle,
    AngularRate,
    Acceleration,
    Voltage,
    Frequency,
    Power,
    Force,
    Time,
}

const fn unit(symbol: &'static str, dimension: Dimension, factor: f64) -> Unit {
    Unit { symbol, dimension, factor, offset: 0.0 }
}

/// Every unit that may be written. Base units: m, m/s, m³/s, fraction by volume, kg/m³, Pa, °C, °, °/d, m/s², V, Hz, W, N, s.
pub const UNITS: &[Unit] = &[
    unit("", Dimension::None, 1.0),
    unit("1", Dimension::None, 1.0),
    unit("count", Dimension::None, 1.0),
    unit("m", Dimension::Length, 1.0),
    unit("cm", Dimension::Length, 0.01),
    unit("mm", Dimension::Length, 0.001),
    unit("km", Dimension::Length, 1_000.0),
    unit("in", Dimension::Length, 0.0254),
    unit("ft", Dimension::Length, 0.3048),
    unit("m/s", Dimension::Speed, 1.0),
    unit("m/h", Dimension::Speed, 1.0 / 3_600.0),
    unit("mm/h", Dimension::Speed, 0.001 / 3_600.0),
    unit("mm/d", Dimension::Speed, 0.001 / 86_400.0),
    unit("mm/day", Dimension::Speed, 0.001 / 86_400.0),
    unit("cm/h", Dimension::Speed, 0.01 / 3_600.0),
    unit("m/d", Dimension::Speed, 1.0 / 86_400.0),
    unit("in/h", Dimension::Speed, 0.0254 / 3_600.0),
    unit("m3/s", Dimension::Discharge, 1.0),
    unit("m³/s", Dimension::Discharge, 1.0),
    unit("L/s", Dimension::Discharge, 0.001),
    unit("ft3/s", Dimension::Discharge, 0.028_316_846_592),
    unit("ft³/s", Dimension::Discharge, 0.028_316_846_592),
    unit("%", Dimension::Concentration, 0.01),
    unit("%CH4", Dimension::Concentration, 0.01),
    unit("ppm", Dimension::Concentration, 1e-6),
    unit("mg/m3", Dimension::MassConcentration, 1e-6),
    unit("mg/m³", Dimension::MassConcentration, 1e-6),
    unit("ug/m3", Dimension::MassConcentration, 1e-9),
    unit("Pa", Dimension::Pressure, 1.0),
    unit("hPa", Dimension::Pressure, 100.0),
    unit("kPa", Dimension::Pressure, 1_000.0),
    unit("MPa", Dimension::Pressure, 1_000_000.0),
    unit("°C", Dimension::Temperature, 1.0),
    unit("degC", Dimension::Temperature, 1.0),
    Unit { symbol: "°F", dimension: Dimension::Temperature, factor: 5.0 / 9.0, offset: -160.0 / 9.0 },
    unit("°", Dimension::Angle, 1.0),
    unit("deg", Dimension::Angle, 1.0),
    unit("°/d", Dimension::AngularRate, 1.0),
    unit("m/s2", Dimension::Acceleration, 1.0),
    unit("mg", Dimension::Acceleration, 0.009_806_65),
    unit("V", Dimension::Voltage, 1.0),
    unit("Hz", Dimension::Frequency, 1.0),
    unit("kW", Dimension::Power, 1_000.0),
    unit("kN", Dimension::Force, 1_000.0),
    unit("s", Dimension::Time, 1.0),
    unit("min", Dimension::Time, 60.0),
    unit("h", Dimension::Time, 3_600.0),
    unit("d", Dimension::Time, 86_400.0),
];

impl Unit {
    /// The unit of a symbol.
    pub fn parse(symbol: &str) -> Option<Self> {
        UNITS.iter().find(|unit| unit.symbol == symbol.trim()).copied()
    }
    /// `value` in this unit, as `other`; nothing if they measure different things.
    pub fn convert(self, value: f64, other: Self) -> Option<f64> {
        if self.dimension != other.dimension {
            return None;
        }
        if self.factor.to_bits() == other.factor.to_bits() && self.offset.to_bits() == other.offset.to_bits() {
            return Some(value);
        }
        let converted = (value * self.factor + self.offset - other.offset) / other.factor;
        // Twelve significant digits: 5 cm is 0.05 m and not 0.05000000000000001.
        format!("{converted:.11e}").parse().ok()
    }
    /// A difference (a margin, a resolution) in this unit, as `other`.
    pub fn convert_difference(self, value: f64, other: Self) -> Option<f64> {
        let plain = |unit: Self| Self { offset: 0.0, ..unit };
        plain(self).convert(value, plain(other))
    }
}

impl Serialize for Unit {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.symbol)
    }
}

impl<'de> Deserialize<'de> for Unit {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let symbol = String::deserialize(from)?;
        Self::parse(&symbol).ok_or_else(|| serde::de::Error::custom(format!("unknown unit \"{symbol}\"")))
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol)
    }
}

/// Splits `"0.05 m"` into its number and its unit's symbol (empty where none is written).
pub fn split(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text
        .char_indices()
        .find(|(at, c)| {
            !(c.is_ascii_digit()
                || matches!(c, '.' | '-' | '+')
                || (matches!(c, 'e' | 'E') && text[at + 1..].starts_with(|n: char| n.is_ascii_digit() || n == '-')))
        })
        .map_or(text.len(), |(at, _)| at);
    let number: f64 = text[..end].parse().ok()?;
    number.is_finite().then_some((number, text[end..].trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_carry_their_units() {
        let [cm, m, mm] = ["cm", "m", "mm"].map(|s| Unit::parse(s).expect("listed above"));
        assert_eq!(cm.convert(5.0, m), Some(0.05));
        assert_eq!(m.convert(0.25, mm), Some(250.0));
        assert_eq!(m.convert(1.0, Unit::parse("kPa").expect("listed above")), None);
        assert_eq!(split("0.05 m"), Some((0.05, "m")));
        assert_eq!(split("1e-3m"), Some((0.001, "m")));
        assert_eq!(split("-12.5"), Some((-12.5, "")));
        assert_eq!(split("m"), None);
    }
}
