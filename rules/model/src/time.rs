//! Three times, never confused: the sensor's word, our receipt, and the steady clock of this data directory.
//! Nothing here asks what time it is; `Now` is always an argument.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A wall-clock instant: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// Milliseconds this data directory has been alive. Deadlines live here, so that a step of the wall clock touches none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Steady(pub i64);

/// A length of time in milliseconds; may be negative as a difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(pub i64);

/// The two clocks, read once and handed down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    /// For stamps.
    pub wall: Timestamp,
    /// For deadlines.
    pub steady: Steady,
}

impl Now {
    /// Both clocks at the same number of milliseconds; for tests and virtual time.
    pub const fn at(ms: i64) -> Self {
        Self { wall: Timestamp(ms), steady: Steady(ms) }
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// `n` seconds.
    pub const fn seconds(n: i64) -> Self {
        Self(n * 1_000)
    }
    /// `n` minutes.
    pub const fn minutes(n: i64) -> Self {
        Self(n * 60_000)
    }
    /// `n` hours.
    pub const fn hours(n: i64) -> Self {
        Self(n * 3_600_000)
    }
    /// `n` days of 24 hours.
    pub const fn days(n: i64) -> Self {
        Self(n * 86_400_000)
    }
    /// As a `std` duration; a negative span is zero.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(u64::try_from(self.0).unwrap_or(0))
    }
    /// Hours with their fraction.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a millennium fit a double exactly")]
    pub fn as_hours(self) -> f64 {
        self.0 as f64 / 3_600_000.0
    }
}

macro_rules! arithmetic {
    ($($t:ty),*) => {$(
        impl Add<Span> for $t {
            type Output = Self;
            fn add(self, span: Span) -> Self { Self(self.0.saturating_add(span.0)) }
        }
        impl Sub<Span> for $t {
            type Output = Self;
            fn sub(self, span: Span) -> Self { Self(self.0.saturating_sub(span.0)) }
        }
    )*};
}
arithmetic!(Timestamp, Steady, Span);

impl Sub for Timestamp {
    type Output = Span;
    fn sub(self, other: Self) -> Span {
        Span(self.0.saturating_sub(other.0))
    }
}

impl Sub for Steady {
    type Output = Span;
    fn sub(self, other: Self) -> Span {
        Span(self.0.saturating_sub(other.0))
    }
}

/// Why a span could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a length of time; write a number and ms, s, m, min, h, d or w, such as \"5m\" or \"1h30m\"")]
pub struct SpanError(String);

impl FromStr for Span {
    type Err = SpanError;

    /// Reads `"5m"`, `"1h30m"`, `"90 s"`, `"2 min"`, `"0"`. Fractions are allowed (`"1.5h"`).
    fn from_str(text: &str) -> Result<Self, SpanError> {
        let refuse = || SpanError(text.to_owned());
        let mut rest = text.trim();
        if rest == "0" {
            return Ok(Self::ZERO);
        }
        if rest.is_empty() {
            return Err(refuse());
        }
        let mut total = 0.0_f64;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).ok_or_else(refuse)?;
            let number: f64 = rest[..digits].parse().map_err(|_| refuse())?;
            rest = rest[digits..].trim_start();
            let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
            let unit = match &rest[..letters] {
                "ms" => 1.0,
                "s" | "sec" => 1_000.0,
                "m" | "min" => 60_000.0,
                "h" | "hr" => 3_600_000.0,
                "d" => 86_400_000.0,
                "w" => 604_800_000.0,
                _ => return Err(refuse()),
            };
            total += number * unit;
            rest = rest[letters..].trim_start();
        }
        if !total.is_finite() || total > 1e15 {
            return Err(refuse());
        }
        #[expect(clippy::cast_possible_truncation, reason = "bounded by the line above")]
        let ms = total.round() as i64;
        Ok(Self(ms))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ms = self.0;
        if ms == 0 {
            return f.write_str("0s");
        }
        if ms < 0 {
            f.write_str("-")?;
            ms = ms.saturating_neg();
        }
        for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
            if ms >= size {
                write!(f, "{}{unit}", ms / size)?;
                ms %= size;
            }
        }
        Ok(())
    }
}

/// A calendar date and time of day, without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Year, such as 2026.
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
    /// 0 to 23.
    pub hour: i64,
    /// 0 to 59.
    pub minute: i64,
    /// 0 to 59.
    pub second: i64,
    /// 0 to 999.
    pub millisecond: i64,
}

impl Timestamp {
    /// The calendar in UTC shifted by `offset_seconds` east. Source: the days-from-civil arithmetic of the
    /// proleptic Gregorian calendar.
    pub fn civil(self, offset_seconds: i32) -> Civil {
        let ms = self.0.saturating_add(i64::from(offset_seconds) * 1_000);
        let (days, of_day) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        Civil {
            year: yoe + era * 400 + i64::from(month <= 2),
            month,
            day: doy - (153 * mp + 2) / 5 + 1,
            hour: of_day / 3_600_000,
            minute: of_day / 60_000 % 60,
            second: of_day / 1_000 % 60,
            millisecond: of_day % 1_000,
        }
    }

    /// The instant of a calendar date in UTC. Out-of-range fields carry over (hour 24 is the next day's 0).
    pub fn from_civil(c: Civil) -> Self {
        let y = c.year - i64::from(c.month <= 2);
        let era = y.div_euclid(400);
        let yoe = y.rem_euclid(400);
        let doy = (153 * (if c.month > 2 { c.month - 3 } else { c.month + 9 }) + 2) / 5 + c.day - 1;
        let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
        let days = era * 146_097 + doe - 719_468;
        Self(days * 86_400_000 + c.hour * 3_600_000 + c.minute * 60_000 + c.second * 1_000 + c.millisecond)
    }

    /// RFC 3339 at an offset, to the second: `2026-08-01T14:32:07+08:00`; `-00:00` for UTC as CAP 1.2 asks (3.3.2).
    pub fn to_cap(self, offset_seconds: i32) -> String {
        let c = self.civil(offset_seconds);
        let sign = if offset_seconds > 0 { '+' } else { '-' };
        let minutes = offset_seconds.abs() / 60;
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{sign}{:02}:{:02}",
            c.year,
            c.month,
            c.day,
            c.hour,
            c.minute,
            c.second,
            minutes / 60,
            minutes % 60
        )
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, with milliseconds only where there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = self.civil(0);
        write!(f, "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", c.year, c.month, c.day, c.hour, c.minute, c.second)?;
        if c.millisecond != 0 {
            write!(f, ".{:03}", c.millisecond)?;
        }
        f.write_str("Z")
    }
}

/// A time zone as a table, so that pure code needs no zone database: the shell fills it at load.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zone {
    /// IANA name, such as `Asia/Shanghai`.
    pub name: String,
    /// `(from, seconds east of UTC)`, rising; the first entry holds for all time before it too. Empty = UTC.
    pub offsets: Vec<(Timestamp, i32)>,
}

impl Zone {
    /// Seconds east of UTC at `at`.
    pub fn offset_at(&self, at: Timestamp) -> i32 {
        let after = self.offsets.partition_point(|(from, _)| *from <= at);
        self.offsets.get(after.saturating_sub(1)).map_or(0, |(_, offset)| *offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_shown() {
        for (text, ms) in [
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("90 s", 90_000),
            ("2 min", 120_000),
            ("0", 0),
            ("1.5h", 5_400_000),
            ("250ms", 250),
        ] {
            assert_eq!(text.parse::<Span>(), Ok(Span(ms)), "{text}");
        }
        for text in ["", "5", "m", "5 parsecs", "-3m", "1h-"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
        assert_eq!(Span(5_400_000).to_string(), "1h30m");
    }

    #[test]
    fn the_calendar_goes_both_ways() {
        for ms in [0_i64, 951_782_400_000, 1_709_164_799_123, 4_102_444_800_000, -1] {
            assert_eq!(Timestamp::from_civil(Timestamp(ms).civil(0)), Timestamp(ms));
        }
        assert_eq!(Timestamp(1_709_164_799_123).to_string(), "2024-02-28T23:59:59.123Z");
        assert_eq!(Timestamp(0).to_cap(28_800), "1970-01-01T08:00:00+08:00");
        assert_eq!(Timestamp(0).to_cap(0), "1970-01-01T00:00:00-00:00");
    }
}
