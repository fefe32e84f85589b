//! Times in the ways that people write them.

use watchfire_model::time::{Civil, Span, Timestamp, Zone};

use super::declared::TimeColumns;
use crate::cli::backtest::local::{at_wall, written};

/// Where the time of a line comes from.
#[derive(Debug)]
pub(super) enum Clock {
    /// It is written.
    Written(Format),
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
        Ok(Self::Written(Format::of(time.format.as_deref())?))
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
}

impl Format {
    fn of(text: Option<&str>) -> Result<Self, String> {
        let text = match text {
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
                    Some(b'%') => Part::Letter(b'%'),
                    _ => {
                        return Err(format!(
                            "time.format: \"{text}\": allowed are %Y %y %m %d %j %H %M %S and %%, or unix, or unix_ms"
                        ));
                    }
                },
                b' ' | b'\t' => Part::Blank,
                letter => Part::Letter(letter),
            });
        }
        let has = |one: Which| parts.iter().any(|part| matches!(part, Part::Number(which, _) if *which == one));
        let has_day = has(Which::DayOfYear) || (has(Which::Month) && has(Which::Day));
        if !has_day || !(has(Which::Year) || has(Which::ShortYear)) {
            return Err(format!(
                "time.format: \"{text}\" names no day: a year, and a month with a day or a day of the year"
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
                    }
                }
            }
        }
        if !rest.is_empty() {
            return None;
        }
        if let Some(day) = day_of_year.filter(|day| (1..=366).contains(day)) {
            let date = Timestamp::from_civil(Civil { month: 1, day, ..civil }).civil(0);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_their_format_says() {
        let read = |format: &str, text: &str| {
            let format = Format::of(Some(format)).expect("a format");
            format.read(text.as_bytes(), &Zone::default()).map(|at| at.to_string())
        };
        for (format, text, expected) in [
            ("%d/%m/%Y %H:%M:%S", "10/03/2004 18:00:00", Some("2004-03-10T18:00:00Z")),
            ("%m/%d/%Y", "3/9/2011", Some("2011-03-09T00:00:00Z")),
            ("%Y%m%d%H", "2010073124", Some("2010-08-01T00:00:00Z")),
            ("%Y %m %d %H %M", "2015   08 \t 17 18  15", Some("2015-08-17T18:15:00Z")),
            ("%Y-%j", "2012-060", Some("2012-02-29T00:00:00Z")),
            ("%y.%m.%d", "99.12.31", Some("1999-12-31T00:00:00Z")),
            ("%Y-%m-%d", "2011-02-29", None),
            ("%Y-%m-%d", "2011-02-28 12:00", None),
            ("%Y-%m-%d", "2011/02/28", None),
            ("%Y-%m-%d", "", None),
        ] {
            assert_eq!(read(format, text).as_deref(), expected, "{format} {text}");
        }
        for format in ["%H:%M", "%Y-%m", "%Y-%q-%d", "%"] {
            assert!(Format::of(Some(format)).is_err(), "{format}");
        }
    }
}
