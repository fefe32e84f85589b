//! Sums without drift. A rolling sum that adds and subtracts floats ends up with rain that never fell; here every value
//! becomes an integer once, integers add and subtract exactly and in any order, and only the result becomes a float.

/// 2^62: values are kept to 2.2e-19 of their unit.
const SCALE: f64 = 4_611_686_018_427_387_904.0;
/// 2^45: a million values of this size still fit.
const LIMIT: f64 = 35_184_372_088_832.0;
/// 2^36: values of a line are kept to 1.5e-11 of their unit, so that their products with times fit.
const LINE_SCALE: f64 = 68_719_476_736.0;
/// 2^28: the largest value of a line.
const LINE_LIMIT: f64 = 268_435_456.0;

/// A value as an integer; nothing if it is too large to be added up exactly.
#[expect(clippy::cast_possible_truncation, reason = "bounded by the line before; what lies below 2.2e-19 is cut off")]
pub(crate) fn fixed(value: f64) -> Option<i128> {
    if value.abs() < LIMIT { Some((value * SCALE) as i128) } else { None }
}

/// The nearest float of a sum of [`fixed`] values.
#[expect(clippy::cast_precision_loss, reason = "to the nearest is what is wanted")]
pub(crate) fn float(sum: i128) -> f64 {
    sum as f64 / SCALE
}

/// `value` to twelve significant digits: ten tips of 0.2 mm are 2 mm, and a threshold of 2 mm is met.
pub(crate) fn twelve_digits(value: f64) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    if let Some(scale) = decimal_exponent(value).and_then(|exponent| power(11 - exponent)) {
        // Powers of ten up to 10^22 are exact, and so the division gives the nearest double of the decimal number.
        return whole(value * scale) / scale;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a double's decimal exponent is within ±330")]
    let places = 11 - value.abs().log10().floor() as i32;
    if !(-280..=280).contains(&places) {
        return value;
    }
    if places >= 0 {
        let scale = 10_f64.powi(places.min(22));
        (value * scale).round() / scale
    } else {
        let scale = 10_f64.powi(-places);
        (value / scale).round() * scale
    }
}

/// Powers of ten from 10^-8 on; from 10^0 on they are exact.
const POWERS: [f64; 31] = [
    1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12,
    1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

fn power(exponent: i32) -> Option<f64> {
    POWERS.get(usize::try_from(exponent + 8).ok()?).copied()
}

/// The exponent of the power of ten at or below the size of a value, for values from 2^-26 to 2^37: what is measured lies
/// between. A logarithm would take longer than all the rest.
fn decimal_exponent(value: f64) -> Option<i32> {
    let binary = i32::try_from(value.to_bits() >> 52 & 0x7ff).ok()? - 1_023;
    if !(-26..=36).contains(&binary) {
        return None;
    }
    // 1,233 of 4,096 is the logarithm of two, near enough to be at most one short.
    let about = (binary * 1_233) >> 12;
    Some(if value.abs() >= power(about + 1)? { about + 1 } else { about })
}

/// To the nearest whole number, halves away from zero; `value` is below 2^52.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a whole number below 2^52")]
fn whole(value: f64) -> f64 {
    (value + 0.5_f64.copysign(value)) as i64 as f64
}

/// The least double that [`twelve_digits`] brings to `value` or above it: comparing with it is comparing to twelve digits.
pub(crate) fn least_of_twelve_digits(value: f64) -> f64 {
    let value = twelve_digits(value);
    let (mut below, mut least) = (value - value.abs() * 1e-11, value);
    loop {
        let middle = below + (least - below) / 2.0;
        if !(below < middle && middle < least) {
            return least;
        }
        if twelve_digits(middle) >= value {
            least = middle;
        } else {
            below = middle;
        }
    }
}

/// A least-squares line through (time, value) pairs that come and go, exact whatever came before.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Line {
    /// Times are counted from here, in milliseconds since 1970.
    origin: i64,
    n: i64,
    t: i128,
    tt: i128,
    v: i128,
    tv: i128,
}

impl Line {
    /// Adds a pair; refused if it is too large to be taken out again exactly.
    pub(crate) fn add(&mut self, at: i64, value: f64) -> bool {
        if self.n == 0 {
            *self = Self { origin: at, ..Self::default() };
        }
        self.weigh(at, value, 1)
    }

    /// Takes out a pair that was added; one that was refused is refused again.
    pub(crate) fn take(&mut self, at: i64, value: f64) -> bool {
        self.weigh(at, value, -1)
    }

    fn weigh(&mut self, at: i64, value: f64, sign: i64) -> bool {
        if value.abs() >= LINE_LIMIT {
            return false;
        }
        #[expect(clippy::cast_possible_truncation, reason = "bounded by the line before")]
        let v = (value * LINE_SCALE) as i128 * i128::from(sign);
        let t = i128::from(at) - i128::from(self.origin);
        self.n += sign;
        self.t += t * i128::from(sign);
        self.tt += t * t * i128::from(sign);
        self.v += v;
        self.tv += t * v;
        true
    }

    /// The slope, per hour; nothing with fewer than three pairs, which no line need fit.
    pub(crate) fn slope_per_hour(&self) -> Option<f64> {
        if self.n < 3 {
            return None;
        }
        // Moved to (nearly) the means in integers, so that nothing cancels in the floats: a rise of a millimetre is as
        // exact at 2,000 m above the sea as at zero, and the origin leaves no trace.
        let n = i128::from(self.n);
        let (a, b) = (self.t.div_euclid(n), self.v.div_euclid(n));
        let (rest_t, rest_v) = (self.t - n * a, self.v - n * b);
        let tv = self.tv - a * self.v - b * rest_t;
        let tt = self.tt - 2 * a * self.t + n * a * a;
        #[expect(clippy::cast_precision_loss, reason = "to the nearest is what is wanted")]
        let (tv, tt, rest_t, rest_v, n) = (tv as f64, tt as f64, rest_t as f64, rest_v as f64, n as f64);
        let spread = tt - rest_t * rest_t / n;
        (spread > 0.0).then(|| (tv - rest_t * rest_v / n) / spread / LINE_SCALE * 3_600_000.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cases::cases;

    /// As it is by a logarithm.
    #[expect(clippy::cast_possible_truncation, reason = "the exponent of a number that is measured")]
    fn twelve_digits_by_a_logarithm(value: f64) -> f64 {
        let scale = 10_f64.powi(11 - value.abs().log10().floor() as i32);
        (value * scale).round() / scale
    }

    proptest! {
        #![proptest_config(cases())]

        #[test]
        fn twelve_digits_are_those_of_a_logarithm(
            digits in prop_oneof![-2_000_000_i64..2_000_000, -90_000_000_000_i64..90_000_000_000, Just(1_000_000)],
            places in 0_i32..9,
            beside in -2_i64..3,
        ) {
            let value = digits as f64 / 10_f64.powi(places);
            let value = f64::from_bits(value.to_bits().wrapping_add_signed(beside));
            prop_assume!(digits != 0);
            prop_assert!(value.abs() < 2e-8 || decimal_exponent(value).is_some(), "{}", value);
            prop_assert_eq!(twelve_digits(value).to_bits(), twelve_digits_by_a_logarithm(value).to_bits(), "{}", value);
        }
    }

    #[test]
    fn tips_add_up() {
        let tips: i128 = (0..10).filter_map(|_| fixed(0.2)).sum();
        assert_eq!(twelve_digits(float(tips)), 2.0);
        for (rough, exact) in
            [(0.1 + 0.2, 0.3), (1e15 / 3.0, 333_333_333_333_000.0), (-0.0, 0.0), (2.0 / 3.0, 0.666_666_666_667)]
        {
            assert_eq!(twelve_digits(rough), exact);
        }
    }

    #[test]
    fn a_small_rise_high_above_the_sea() {
        let mut line = Line::default();
        for minute in 0..60_i64 {
            assert!(line.add(1_700_000_000_000 + minute * 60_000, 2_000.0 + 0.001 * minute as f64 / 60.0));
        }
        let slope = line.slope_per_hour().expect("sixty pairs");
        assert!((slope - 0.001).abs() < 1e-9, "{slope}");
        assert!(!line.add(0, 1e9));
    }

    proptest! {
        #![proptest_config(cases())]

        #[test]
        fn the_least_double_parts_what_rounding_parts(
            units in -1_000_000_000_000_i64..1_000_000_000_000, places in -3_i32..12, off in -60_000_i64..60_000,
        ) {
            let threshold = twelve_digits(units as f64 / 10_f64.powi(places));
            let value = threshold + threshold.abs() * f64::EPSILON * off as f64;
            prop_assert_eq!(value >= least_of_twelve_digits(threshold), twelve_digits(value) >= threshold);
            prop_assert_eq!(twelve_digits(least_of_twelve_digits(threshold)), threshold);
        }

        #[test]
        fn what_came_and_went_leaves_no_trace(
            gone in prop::collection::vec((-1_000_000_i64..1_000_000, -1e6_f64..1e6), 0..50),
            left in prop::collection::vec((-1_000_000_i64..1_000_000, -1e6_f64..1e6), 2..50),
        ) {
            let (mut long, mut short) = (Line::default(), Line::default());
            let (mut sum, mut fresh) = (0_i128, 0_i128);
            for (at, value) in &gone { long.add(*at, *value); sum += fixed(*value).unwrap_or(0); }
            for (at, value) in &left { long.add(*at, *value); sum += fixed(*value).unwrap_or(0); }
            for (at, value) in &gone { long.take(*at, *value); sum -= fixed(*value).unwrap_or(0); }
            for (at, value) in left.iter().rev() { short.add(*at, *value); fresh += fixed(*value).unwrap_or(0); }
            prop_assert_eq!(long.slope_per_hour().map(f64::to_bits), short.slope_per_hour().map(f64::to_bits));
            prop_assert_eq!(sum, fresh);
        }
    }
}
