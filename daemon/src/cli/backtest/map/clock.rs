//! Times in the ways that people write them.

use serde::Deserialize;
use watchfire_model::time::{Civil, Span, Timestamp, Zone};

use super::declared::TimeColumns;
use crate::cli::backtest::local::{at_wall, written};

/// Where the time of a line comes from.
#[derive(Debug)]
pub(super) enum Clock {
    /// It is written.
    Written(Format, Scale),
    /// From the number of the row.
    Rows {
        /// The first row's.
        from: Timestamp,
        /// From one to the next.
        every: Span,
    },
}

impl Clock {
    /// As declared.
    pub(super) fn of(time: &TimeColumns) -> Result<Self, String> {
        if let (Some(every), Some(from)) = (time.every, &time.from) {
            let from = written(from, &Zone::default())
                .ok_or_else(|| format!("time.from: \"{from}\" is not a time; 2026-08-01T00:00:00Z is"))?;
            return Ok(Self::Rows { from: from.from, every: every.0 });
        }
        if time.format.as_deref() == Some("gps_week") && time.columns().len() != 2 {
            return Err("time.format: \"gps_week\" needs two columns: the week, and the seconds of it".to_owned());
        }
        let scale = time.scale.unwrap_or_default();
        let format = Format::of(time.format.as_deref(), time.weeks_more)?;
        match (&format.way, scale) {
            (Way::Unix(_), Scale::Gps) => Err("time.scale: what counts since 1970 is UTC".to_owned()),
            (Way::GpsWeek { .. }, _) => Ok(Self::Written(format, Scale::Gps)),
            (Way::Standard | Way::Unix(_) | Way::Julian | Way::Parts(_), scale) => Ok(Self::Written(format, scale)),
        }
    }
}

/// How a time is written.
#[derive(Debug)]
pub(super) struct Format {
    text: String,
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// RFC 3339, or a time by the clock on the wall in the same order.
    Standard,
    /// So many of these a second since 1970.
    Unix(f64),
    /// The week since 1980-01-06, and seconds of it from Sunday on; so many weeks more where a receiver counts to 1023.
    GpsWeek { more: i64 },
    /// Modified Julian Date: days since 1858-11-17.
    Julian,
    /// Part by part.
    Parts(Vec<Part>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// A number: which, and of how many digits at most.
    Number(Which, usize),
    /// Any run of blanks.
    Blank,
    /// Itself.
    Letter(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Year,
    ShortYear,
    Month,
    Day,
    DayOfYear,
    Hour,
    Minute,
    Second,
    /// Of a second, by as many digits as there are.
    Fraction,
}

const ALLOWED: &str =
    "allowed are %Y %y %m %d %j %H %M %S %f and %%, or one of unix, unix_ms, gps_week (week and seconds), mjd";

impl Format {
    fn of(text: Option<&str>, weeks_more: Option<i64>) -> Result<Self, String> {
        if weeks_more.is_some() && text != Some("gps_week") {
            return Err("time.weeks_more: it is for format = \"gps_week\"".to_owned());
        }
        let text = match text {
            Some("gps_week") => {
                let way = Way::GpsWeek { more: weeks_more.unwrap_or(0) };
                return Ok(Self { text: "GPS week and seconds of the week".to_owned(), way });
            }
            Some("mjd") => return Ok(Self { text: "Modified Julian Date".to_owned(), way: Way::Julian }),
            None => return Ok(Self { text: "RFC 3339".to_owned(), way: Way::Standard }),
            Some("unix") => return Ok(Self { text: "seconds since 1970".to_owned(), way: Way::Unix(1.0) }),
            Some("unix_ms") => return Ok(Self { text: "milliseconds since 1970".to_owned(), way: Way::Unix(1_000.0) }),
            Some(text) => text,
        };
        let mut parts = Vec::new();
        let mut letters = text.bytes();
        while let Some(letter) = letters.next() {
            parts.push(match letter {
                b'%' => match letters.next() {
                    Some(b'Y') => Part::Number(Which::Year, 4),
                    Some(b'y') => Part::Number(Which::ShortYear, 2),
                    Some(b'm') => Part::Number(Which::Month, 2),
                    Some(b'd') => Part::Number(Which::Day, 2),
                    Some(b'j') => Part::Number(Which::DayOfYear, 3),
                    Some(b'H') => Part::Number(Which::Hour, 2),
                    Some(b'M') => Part::Number(Which::Minute, 2),
                    Some(b'S') => Part::Number(Which::Second, 2),
                    Some(b'f') => Part::Number(Which::Fraction, 9),
                    Some(b'%') => Part::Letter(b'%'),
                    _ => return Err(format!("time.format: \"{text}\": {ALLOWED}")),
                },
                b' ' | b'\t' => Part::Blank,
                letter => Part::Letter(letter),
            });
        }
        let has = |one: Which| parts.iter().any(|part| matches!(part, Part::Number(which, _) if *which == one));
        let has_day = has(Which::DayOfYear) || (has(Which::Month) && has(Which::Day));
        if !has_day || !(has(Which::Year) || has(Which::ShortYear)) {
            return Err(format!(
                "time.format: \"{text}\" names no day: a year, and a month with a day or a day of the year; {ALLOWED}"
            ));
        }
        Ok(Self { text: text.to_owned(), way: Way::Parts(parts) })
    }

    /// As declared.
    pub(super) fn text(&self) -> String {
        self.text.clone()
    }

    /// The moment that `text` means in `zone`. Hour 24 is the next day's 0.
    pub(super) fn read(&self, text: &[u8], zone: &Zone) -> Option<Timestamp> {
        let parts = match &self.way {
            Way::Standard => return written(std::str::from_utf8(text).ok()?, zone).map(|written| written.from),
            Way::Unix(a_second) => return since_1970(text, *a_second),
            Way::GpsWeek { more } => return gps_week(text, *more),
            Way::Julian => return julian(text),
            Way::Parts(parts) => parts,
        };
        let mut rest = text.trim_ascii();
        let mut civil = Civil { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0, millisecond: 0 };
        let mut day_of_year = None;
        for part in parts {
            match part {
                Part::Blank => rest = rest.trim_ascii_start(),
                Part::Letter(letter) => rest = rest.strip_prefix(std::slice::from_ref(letter))?,
                Part::Number(which, digits) => {
                    let length = rest.iter().take(*digits).take_while(|byte| byte.is_ascii_digit()).count();
                    let number: i64 = std::str::from_utf8(&rest[..length]).ok()?.parse().ok()?;
                    rest = &rest[length..];
                    match which {
                        Which::Year => civil.year = number,
                        // POSIX: 69 to 99 are of the last century.
                        Which::ShortYear => civil.year = number + if number < 69 { 2_000 } else { 1_900 },
                        Which::Month => civil.month = number,
                        Which::Day => civil.day = number,
                        Which::DayOfYear => day_of_year = Some(number),
                        Which::Hour => civil.hour = number,
                        Which::Minute => civil.minute = number,
                        Which::Second => civil.second = number,
                        // Nine digits at most, and at least one.
                        Which::Fraction => {
                            let digits = u32::try_from(length).ok()?;
                            civil.millisecond = number * 1_000 / 10_i64.checked_pow(digits)?;
                        }
                    }
                }
            }
        }
        if !rest.is_empty() {
            return None;
        }
        if let Some(day) = day_of_year {
            let midnight = Civil { month: 1, day, hour: 0, minute: 0, second: 0, millisecond: 0, year: civil.year };
            let date = Timestamp::from_civil(midnight).civil(0);
            if date.year != civil.year || day < 1 {
                return None;
            }
            (civil.month, civil.day) = (date.month, date.day);
        }
        at_wall(civil, zone)
    }
}

/// Whole milliseconds of a count, up to the year 9999.
fn since_1970(text: &[u8], a_second: f64) -> Option<Timestamp> {
    let count: f64 = std::str::from_utf8(text.trim_ascii()).ok()?.parse().ok()?;
    let milliseconds = (count / a_second * 1_000.0).round();
    #[expect(clippy::cast_possible_truncation, reason = "whole, and far within 2^53")]
    (0.0..253_402_300_800_000.0).contains(&milliseconds).then_some(Timestamp(milliseconds as i64))
}

/// The first week of GPS.
const GPS_BEGINS: Timestamp = Timestamp(315_964_800_000);
const WEEK: i64 = 7 * 86_400_000;

/// A week and the seconds of it. A receiver that counts to 1023 begins again at 0, and which time it is then cannot be
/// told from the number: weeks of the last century are refused unless `more` says how many are to be added.
fn gps_week(text: &[u8], more: i64) -> Option<Timestamp> {
    let mut words = std::str::from_utf8(text).ok()?.split_ascii_whitespace();
    let (week, seconds): (i64, f64) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let is_all = words.next().is_none();
    let week = week.checked_add(more).filter(|week| (1_024..10_000).contains(week))?;
    let in_week = (0.0..=604_800.0).contains(&seconds);
    #[expect(clippy::cast_possible_truncation, reason = "whole, and of one week")]
    (is_all && in_week).then(|| Timestamp(GPS_BEGINS.0 + week * WEEK + (seconds * 1_000.0).round() as i64))
}

/// Days since 1858-11-17, of this century and the last.
fn julian(text: &[u8]) -> Option<Timestamp> {
    let days: f64 = std::str::from_utf8(text.trim_ascii()).ok()?.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "whole, and far within 2^53")]
    (15_020.0..88_069.0).contains(&days).then(|| Timestamp(((days - 40_587.0) * 86_400_000.0).round() as i64))
}

/// By which clock times are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Scale {
    /// With leap seconds.
    #[default]
    Utc,
    /// GPS time, which knows none and was UTC in 1980.
    Gps,
}

/// Where UTC fell another second behind GPS time: the first moment of it. IERS Bulletin C; the last one, number 18, was at
/// the end of 2016, and none is announced.
const LEAPS: [i64; 18] = [
    362_793_600,
    394_329_600,
    425_865_600,
    489_024_000,
    567_993_600,
    631_152_000,
    662_688_000,
    709_948_800,
    741_484_800,
    773_020_800,
    820_454_400,
    867_715_200,
    915_148_800,
    1_136_073_600,
    1_230_768_000,
    1_341_100_800,
    1_435_708_800,
    1_483_228_800,
];

impl Scale {
    /// UTC of what this clock shows.
    pub(super) fn utc(self, shown: Timestamp) -> Timestamp {
        match self {
            Self::Utc => shown,
            Self::Gps => {
                let behind =
                    LEAPS.iter().zip(0_i64..).take_while(|(leap, so_far)| shown.0 >= (*leap + so_far + 1) * 1_000);
                shown - Span::seconds(i64::try_from(behind.count()).unwrap_or_default())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gps_time_is_ahead_of_utc_by_the_leap_seconds_so_far() {
        let read = |text: &str, more: i64| {
            let format = Format::of(Some("gps_week"), Some(more)).expect("a format");
            let at = format.read(text.as_bytes(), &Zone::default())?;
            Some(Scale::Gps.utc(at).to_string())
        };
        for (text, more, expected) in [
            ("2147 86400.000", 0, Some("2021-02-28T23:59:42Z")),
            ("  99  \t 86400.5", 2_048, Some("2021-02-28T23:59:42.500Z")),
            ("1930 18", 0, Some("2017-01-01T00:00:00Z")),
            ("1930 16.0", 0, Some("2016-12-31T23:59:59Z")),
            ("1024 0", 0, Some("1999-08-21T23:59:47Z")),
            ("2147 604800", 0, Some("2021-03-06T23:59:42Z")),
            ("99 86400", 0, None),
            ("2147 604801", 0, None),
            ("2147 -1", 0, None),
            ("2147", 0, None),
            ("2147 1 2", 0, None),
            ("2147 NaN", 0, None),
            ("9223372036854775807 1", 1, None),
        ] {
            assert_eq!(read(text, more).as_deref(), expected, "{text}");
        }
        assert_eq!(Scale::Utc.utc(Timestamp(7)), Timestamp(7));
    }

    #[test]
    fn times_are_read_as_their_format_says() {
        let read = |format: &str, text: &str| {
            let format = Format::of(Some(format), None).expect("a format");
            format.read(text.as_bytes(), &Zone::default()).map(|at| at.to_string())
        };
        for (format, text, expected) in [
            ("%d/%m/%Y %H:%M:%S", "10/03/2004 18:00:00", Some("2004-03-10T18:00:00Z")),
            ("%m/%d/%Y", "3/9/2011", Some("2011-03-09T00:00:00Z")),
            ("%Y%m%d%H", "2010073124", Some("2010-08-01T00:00:00Z")),
            ("%Y %m %d %H %M", "2015   08 \t 17 18  15", Some("2015-08-17T18:15:00Z")),
            ("%Y-%j", "2012-060", Some("2012-02-29T00:00:00Z")),
            ("%y.%m.%d", "99.12.31", Some("1999-12-31T00:00:00Z")),
            ("%Y/%m/%d %H:%M:%S.%f", "2021/03/01 00:00:30.25", Some("2021-03-01T00:00:30.250Z")),
            ("%Y/%m/%d %H:%M:%S.%f", "2021/03/01 00:00:30.", None),
            ("%Y %j %H", "2016 366 24", Some("2017-01-01T00:00:00Z")),
            ("%Y %j", "2015 366", None),
            ("%Y %j", "2016 367", None),
            ("%Y %j", "2015 000", None),
            ("mjd", "57832.5", Some("2017-03-20T12:00:00Z")),
            ("mjd", "2457832.5", None),
            ("%Y-%m-%d", "2011-02-29", None),
            ("%Y-%m-%d", "2011-02-28 12:00", None),
            ("%Y-%m-%d", "2011/02/28", None),
            ("%Y-%m-%d", "", None),
        ] {
            assert_eq!(read(format, text).as_deref(), expected, "{format} {text}");
        }
        for format in ["%H:%M", "%Y-%m", "%Y-%q-%d", "%"] {
            assert!(Format::of(Some(format), None).is_err(), "{format}");
        }
        assert!(Format::of(Some("mjd"), Some(1)).is_err(), "weeks that are none");
    }
}
