//! Values of a few decimal places as integers of 16 or 32 bits, those of single precision as such, others as they are.

use std::collections::VecDeque;

use super::insert;

/// Most decimal places that are looked for.
const PLACES: u8 = 6;

/// Finite values.
#[derive(Clone, Debug)]
pub(super) enum Values {
    /// In units of 10^-places.
    Narrow {
        places: u8,
        units: VecDeque<i16>,
    },
    Wide {
        places: u8,
        units: VecDeque<i32>,
    },
    Single(VecDeque<f32>),
    Double(VecDeque<f64>),
}

impl Default for Values {
    fn default() -> Self {
        Self::Narrow { places: 0, units: VecDeque::new() }
    }
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Narrow { units, .. } => units.len(),
            Self::Wide { units, .. } => units.len(),
            Self::Single(values) => values.len(),
            Self::Double(values) => values.len(),
        }
    }

    pub(super) fn get(&self, place: usize) -> Option<f64> {
        match self {
            Self::Narrow { places, units } => units.get(place).map(|units| value(i32::from(*units), *places)),
            Self::Wide { places, units } => units.get(place).map(|units| value(*units, *places)),
            Self::Single(values) => values.get(place).map(|value| f64::from(*value)),
            Self::Double(values) => values.get(place).copied(),
        }
    }

    pub(super) fn insert(&mut self, place: usize, value: f64) {
        let fits = match self {
            Self::Narrow { places, units } => units_of(value, *places)
                .and_then(|value| i16::try_from(value).ok())
                .map(|value| insert(units, place, value)),
            Self::Wide { places, units } => units_of(value, *places).map(|value| insert(units, place, value)),
            Self::Single(values) => single(value).map(|value| insert(values, place, value)),
            Self::Double(values) => {
                insert(values, place, value);
                Some(())
            }
        };
        if fits.is_none() {
            self.widen(value);
            self.insert(place, value);
        }
    }

    /// Makes itself fit for `value` too.
    fn widen(&mut self, value: f64) {
        let all: Vec<f64> = (0..self.len()).filter_map(|place| self.get(place)).chain([value]).collect();
        let mut widened = Self::of(&all);
        widened.truncate(all.len() - 1);
        *self = widened;
    }

    /// As narrow as all of `values` allow.
    fn of(values: &[f64]) -> Self {
        let in_units =
            |places: u8| -> Option<VecDeque<i32>> { values.iter().map(|value| units_of(*value, places)).collect() };
        if let Some((places, units)) = (0..=PLACES).find_map(|places| Some((places, in_units(places)?))) {
            let narrow: Result<VecDeque<i16>, _> = units.iter().map(|units| i16::try_from(*units)).collect();
            return match narrow {
                Ok(units) => Self::Narrow { places, units },
                Err(_) => Self::Wide { places, units },
            };
        }
        match values.iter().map(|value| single(*value)).collect() {
            Some(values) => Self::Single(values),
            None => Self::Double(values.iter().copied().collect()),
        }
    }

    pub(super) fn remove(&mut self, place: usize) {
        match self {
            Self::Narrow { units, .. } => drop(units.remove(place)),
            Self::Wide { units, .. } => drop(units.remove(place)),
            Self::Single(values) => drop(values.remove(place)),
            Self::Double(values) => drop(values.remove(place)),
        }
    }

    pub(super) fn forget_first(&mut self) {
        match self {
            Self::Narrow { units, .. } => drop(units.pop_front()),
            Self::Wide { units, .. } => drop(units.pop_front()),
            Self::Single(values) => drop(values.pop_front()),
            Self::Double(values) => drop(values.pop_front()),
        }
    }

    pub(super) fn truncate(&mut self, len: usize) {
        match self {
            Self::Narrow { units, .. } => units.truncate(len),
            Self::Wide { units, .. } => units.truncate(len),
            Self::Single(values) => values.truncate(len),
            Self::Double(values) => values.truncate(len),
        }
    }

    /// Bytes a value.
    #[cfg(test)]
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Narrow { .. } => 2,
            Self::Wide { .. } | Self::Single(_) => 4,
            Self::Double(_) => 8,
        }
    }
}

/// Powers of ten; exact.
const TENS: [f64; PLACES as usize + 1] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6];

/// The double nearest to a decimal number, which is what reading that number from text gives.
fn value(units: i32, places: u8) -> f64 {
    f64::from(units) / TENS.get(usize::from(places)).copied().unwrap_or(1.0)
}

/// One and a half times 2^52: what is small and added to it has no room for a fraction.
const WHOLE: f64 = 6_755_399_441_055_744.0;

/// `value` in units of 10^-places, if it is the double nearest to such a number.
fn units_of(number: f64, places: u8) -> Option<i32> {
    let scaled = number * TENS.get(usize::from(places))?;
    if scaled.abs() > f64::from(i32::MAX) {
        return None;
    }
    let scaled = (scaled + WHOLE) - WHOLE;
    #[expect(clippy::cast_possible_truncation, reason = "a whole number within bounds")]
    let units = scaled as i32;
    (value(units, places).to_bits() == number.to_bits()).then_some(units)
}

/// `value` in single precision, if nothing is lost.
fn single(value: f64) -> Option<f32> {
    #[expect(clippy::cast_possible_truncation, reason = "compared with what it was")]
    let single = value as f32;
    (f64::from(single).to_bits() == value.to_bits()).then_some(single)
}
