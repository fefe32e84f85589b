//! One field of a recording: a time or a number, straight from bytes. Written for speed: a recording of a province's year
//! is a thousand million of each.

use watchfire_model::quantity::{Bad, Finite};
use watchfire_model::time::{Civil, Timestamp};

/// 10ⁿ for n to 15: both these and integers below 10¹⁵ are exact in a double, so one division rounds correctly.
const TENS: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// A number, or why there is none: an empty field, `NA` and `null` are absent, other text is of the wrong type.
pub(super) fn number(field: &[u8]) -> Result<Finite, Bad> {
    let field = field.trim_ascii();
    match plain_decimal(field) {
        Some(value) => Finite::new(value),
        None => any_number(field),
    }
}

/// `-12.75`: a sign, at most 15 digits, at most one point. Everything else is left to [`any_number`].
fn plain_decimal(field: &[u8]) -> Option<f64> {
    let (negative, digits) = match field {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let (mut mantissa, mut after_point, mut count) = (0_u64, None, 0_usize);
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                mantissa = mantissa.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
                count += 1;
            }
            b'.' if after_point.is_none() => after_point = Some(count),
            _ => return None,
        }
    }
    if count == 0 || count > 15 {
        return None;
    }
    let fraction = after_point.map_or(0, |whole| count - whole);
    #[expect(clippy::cast_precision_loss, reason = "at most 15 digits")]
    let magnitude = mantissa as f64 / TENS[fraction];
    Some(if negative { -magnitude } else { magnitude })
}

fn any_number(field: &[u8]) -> Result<Finite, Bad> {
    let absent = [&b""[..], b"NA", b"N/A", b"null", b"NULL"];
    if absent.contains(&field) {
        return Err(Bad::Absent);
    }
    let text = std::str::from_utf8(field).map_err(|_| Bad::WrongType)?;
    text.parse::<f64>().map_err(|_| Bad::WrongType).and_then(Finite::new)
}

/// Reads RFC 3339 times. Readings come by the hundred on one day, so the last day's calendar is kept.
#[derive(Debug, Default)]
pub(super) struct Times {
    date: [u8; 10],
    midnight: i64,
}

impl Times {
    /// The instant, or nothing if this is no RFC 3339 time with a zone. Beyond milliseconds it is cut off.
    pub(super) fn read(&mut self, field: &[u8]) -> Option<Timestamp> {
        let field = field.trim_ascii();
        let (date, rest) = field.split_first_chunk::<10>()?;
        if *date != self.date || self.midnight == 0 {
            self.midnight = midnight(date)?;
            self.date = *date;
        }
        let ([t, h1, h0, b':', m1, m0, b':', s1, s0], rest) = rest.split_first_chunk::<9>()? else { return None };
        if !matches!(t, b'T' | b't' | b' ') {
            return None;
        }
        let (hour, minute, second) = (two(*h1, *h0)?, two(*m1, *m0)?, two(*s1, *s0)?);
        // A leap second is written as 60 (RFC 3339, 5.7) and read as the next second.
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let (millisecond, zone) = fraction(rest)?;
        let of_day = hour * 3_600_000 + minute * 60_000 + second * 1_000 + millisecond;
        Some(Timestamp(self.midnight + of_day - offset(zone)?))
    }
}

/// Milliseconds from 1970 to the beginning of `YYYY-MM-DD`, if there is such a day.
fn midnight(date: &[u8; 10]) -> Option<i64> {
    let [y3, y2, y1, y0, b'-', m1, m0, b'-', d1, d0] = *date else { return None };
    let (year, month, day) = (two(y3, y2)? * 100 + two(y1, y0)?, two(m1, m0)?, two(d1, d0)?);
    let at = Timestamp::from_civil(Civil { year, month, day, hour: 0, minute: 0, second: 0, millisecond: 0 });
    let back = at.civil(0);
    (back.year == year && back.month == month && back.day == day).then_some(at.0)
}

fn two(tens: u8, ones: u8) -> Option<i64> {
    (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}

/// Milliseconds of `.123456`, and what follows it.
fn fraction(rest: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.', digits)) = rest.split_first() else { return Some((0, rest)) };
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let digit = |at: usize| digits.get(at).filter(|_| at < length).map_or(0, |byte| i64::from(byte - b'0'));
    (length > 0).then(|| (digit(0) * 100 + digit(1) * 10 + digit(2), &digits[length..]))
}

/// Milliseconds east of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    match *zone {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h0, b':', m1, m0] => {
            let (hours, minutes) = (two(h1, h0)?, two(m1, m0)?);
            let ms = (hours * 60 + minutes) * 60_000;
            (hours <= 23 && minutes <= 59).then_some(if sign == b'-' { -ms } else { ms })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read_or_refused_with_a_reason() {
        let cases = [
            ("12", Ok(12.0)),
            ("-0.062", Ok(-0.062)),
            (" 3.5 ", Ok(3.5)),
            (".5", Ok(0.5)),
            ("5.", Ok(5.0)),
            ("1e3", Ok(1_000.0)),
            ("+2", Ok(2.0)),
            ("123456789012345678", Ok(123_456_789_012_345_680.0)),
            ("", Err(Bad::Absent)),
            ("NA", Err(Bad::Absent)),
            ("null", Err(Bad::Absent)),
            ("NaN", Err(Bad::NotANumber)),
            ("-inf", Err(Bad::Infinite)),
            ("1e999", Err(Bad::Infinite)),
            ("high", Err(Bad::WrongType)),
            ("1.2.3", Err(Bad::WrongType)),
            ("-", Err(Bad::WrongType)),
            (".", Err(Bad::WrongType)),
        ];
        for (text, expected) in cases {
            assert_eq!(number(text.as_bytes()).map(Finite::get), expected, "\"{text}\"");
        }
    }

    #[test]
    fn times_are_rfc_3339_and_nothing_looser() {
        let cases = [
            ("2010-07-24T00:00:00Z", Some("2010-07-24T00:00:00Z")),
            ("2010-07-24 08:30:00+08:00", Some("2010-07-24T00:30:00Z")),
            ("2010-07-23T20:30:00.1239-03:30", Some("2010-07-24T00:00:00.123Z")),
            ("2012-02-29T23:59:60Z", Some("2012-03-01T00:00:00Z")),
            ("1970-01-01T00:00:00Z", Some("1970-01-01T00:00:00Z")),
            ("1969-12-31T23:59:59.5Z", Some("1969-12-31T23:59:59.500Z")),
            ("2011-02-29T00:00:00Z", None),
            ("2010-07-24T24:00:00Z", None),
            ("2010-07-24T00:00:00", None),
            ("2010-07-24T00:00Z", None),
            ("2010-13-01T00:00:00Z", None),
            ("2010-07-24T00:00:00.Z", None),
            ("2010-07-24T00:00:00+0800", None),
            ("24/07/2010", None),
            ("", None),
        ];
        let mut times = Times::default();
        for (text, expected) in cases {
            let shown = times.read(text.as_bytes()).map(|at| at.to_string());
            assert_eq!(shown.as_deref(), expected, "\"{text}\"");
        }
    }

    #[test]
    fn a_day_that_is_none_does_not_stay_behind_as_the_last_one() {
        let mut times = Times::default();
        assert_eq!(times.read(b"2011-02-30T00:00:00Z"), None);
        assert_eq!(times.read(b"2011-02-30T00:00:00Z"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn a_number_is_what_the_standard_library_reads(value in any::<f64>(), digits in 0_usize..12) {
            for text in [format!("{value}"), format!("{value:.digits$}"), format!("{value:e}"), format!("{:.digits$}", value % 1e9)] {
                let expected = Finite::new(text.parse::<f64>().expect("printed by the same library"));
                prop_assert_eq!(number(text.as_bytes()), expected, "{}", text);
            }
        }

        #[test]
        fn a_time_is_read_back_as_it_was_written(ms in -62_000_000_000_000_i64..250_000_000_000_000) {
            let mut times = Times::default();
            let at = Timestamp(ms);
            prop_assert_eq!(times.read(at.to_string().as_bytes()), Some(at));
        }
    }
}
