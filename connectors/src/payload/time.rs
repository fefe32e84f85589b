//! The times that instruments write: epoch numbers of four sizes, RFC 3339, and local date and time as Chinese loggers
//! send it. Total: any text gives a time or nothing.

use watchfire_model::time::{Civil, Timestamp, Zone};

/// From a number: seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by size. Below 10¹¹ it is
/// seconds (until the year 5138), below 10¹⁴ milliseconds, below 10¹⁷ microseconds, else nanoseconds.
pub fn from_number(text: &str) -> Option<Timestamp> {
    if let Ok(whole) = text.parse::<i64>() {
        let ms = match whole.unsigned_abs() {
            0..100_000_000_000 => whole * 1_000,
            100_000_000_000..100_000_000_000_000 => whole,
            100_000_000_000_000..100_000_000_000_000_000 => whole.div_euclid(1_000),
            _ => whole.div_euclid(1_000_000),
        };
        return Some(Timestamp(ms));
    }
    let number: f64 = text.parse().ok()?;
    let ms = match number.abs() {
        size if size < 1e11 => number * 1e3,
        size if size < 1e14 => number,
        size if size < 1e17 => number / 1e3,
        size if size < 1e20 => number / 1e6,
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation, reason = "below 1e14 by the lines above")]
    let ms = ms.round() as i64;
    Some(Timestamp(ms))
}

/// From text: a number in quotes, RFC 3339 (`2026-08-01T14:32:07.5+08:00`, `…Z`), or local date and time in `zone`
/// (`2026-08-01 14:32:07`, `2026/08/01 14:32`, `20260801143207`). The leap second 60 is the next minute's first.
pub fn from_text(text: &str, zone: &Zone) -> Option<Timestamp> {
    let text = text.trim();
    let bytes = text.as_bytes();
    if bytes.len() == 14 && bytes.iter().all(u8::is_ascii_digit) && (b"19"[..] == bytes[..2] || b"20"[..] == bytes[..2])
    {
        let [year, month, day, hour, minute, second] =
            [0..4, 4..6, 6..8, 8..10, 10..12, 12..14].map(|part| digits(&bytes[part]));
        let civil = Civil {
            year: year?,
            month: month?,
            day: day?,
            hour: hour?,
            minute: minute?,
            second: second?,
            millisecond: 0,
        };
        return local(civil, zone);
    }
    if bytes.len() < 10 || !matches!(bytes[4], b'-' | b'/') {
        return from_number(text);
    }
    let (civil, rest) = civil(bytes)?;
    match rest {
        [] => local(civil, zone),
        [b'Z' | b'z'] => sound(civil).map(Timestamp::from_civil),
        [sign @ (b'+' | b'-'), offset @ ..] => {
            let (hours, minutes) = match offset {
                [h1, h2, b':', m1, m2] => (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?),
                [h1, h2, m1, m2] => (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?),
                [h1, h2] => (digits(&[*h1, *h2])?, 0),
                _ => return None,
            };
            if hours > 23 || minutes > 59 {
                return None;
            }
            let east = (hours * 60 + minutes) * 60_000 * if *sign == b'+' { 1 } else { -1 };
            Some(Timestamp(Timestamp::from_civil(sound(civil)?).0 - east))
        }
        _ => None,
    }
}

/// `YYYY-MM-DD[T ]hh:mm[:ss[.fff]]` and what follows it.
fn civil(bytes: &[u8]) -> Option<(Civil, &[u8])> {
    let separator = bytes[4];
    let (date, rest) = bytes.split_at_checked(10)?;
    if date[7] != separator {
        return None;
    }
    let mut civil = Civil {
        year: digits(&date[..4])?,
        month: digits(&date[5..7])?,
        day: digits(&date[8..])?,
        hour: 0,
        minute: 0,
        second: 0,
        millisecond: 0,
    };
    let Some((b'T' | b't' | b' ', rest)) = rest.split_first() else {
        return rest.is_empty().then_some((civil, rest));
    };
    let (time, mut rest) = rest.split_at_checked(5)?;
    if time[2] != b':' {
        return None;
    }
    civil.hour = digits(&time[..2])?;
    civil.minute = digits(&time[3..])?;
    if let Some((b':', after)) = rest.split_first() {
        let (second, after) = after.split_at_checked(2)?;
        civil.second = digits(second)?;
        rest = after;
    }
    if let Some((b'.' | b',', after)) = rest.split_first() {
        let length = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if length == 0 {
            return None;
        }
        let thousandths = [100, 10, 1];
        civil.millisecond =
            after[..length].iter().zip(thousandths).map(|(byte, worth)| i64::from(byte - b'0') * worth).sum();
        rest = &after[length..];
    }
    if let Some((b' ', after)) = rest.split_first() {
        rest = after;
    }
    Some((civil, rest))
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

/// The same, if such a date and time exists.
fn sound(civil: Civil) -> Option<Civil> {
    let leap = civil.year % 4 == 0 && (civil.year % 100 != 0 || civil.year % 400 == 0);
    let days = match civil.month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    let midnight = civil.hour == 24 && civil.minute == 0 && civil.second == 0;
    let exists =
        (1..=days).contains(&civil.day) && (civil.hour <= 23 || midnight) && civil.minute <= 59 && civil.second <= 60;
    exists.then_some(civil)
}

/// Local time to an instant. In the hour that clocks repeat the first is meant; in the hour they skip, the time after.
fn local(civil: Civil, zone: &Zone) -> Option<Timestamp> {
    let as_utc = Timestamp::from_civil(sound(civil)?);
    let by = |offset: i32| Timestamp(as_utc.0 - i64::from(offset) * 1_000);
    let before = zone.offset_at(Timestamp(as_utc.0 - 86_400_000));
    let first = by(before);
    if zone.offset_at(first) == before {
        return Some(first);
    }
    let second = by(zone.offset_at(first));
    Some(if zone.offset_at(second) == zone.offset_at(first) { second } else { first })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shanghai() -> Zone {
        Zone { name: "Asia/Shanghai".to_owned(), offsets: vec![(Timestamp(0), 28_800)] }
    }

    #[test]
    fn every_way_of_writing_one_moment() {
        let moment = Timestamp(1_785_565_927_000); // 2026-08-01T06:32:07Z
        for text in [
            "1785565927",
            "1785565927000",
            "1785565927000000",
            "1785565927000000000",
            "1785565927.0",
            "2026-08-01T06:32:07Z",
            "2026-08-01t06:32:07.000z",
            "2026-08-01T14:32:07+08:00",
            "2026-08-01T14:32:07+0800",
            "2026-08-01T03:02:07-03:30",
            "2026-08-01 14:32:07",
            "2026/08/01 14:32:07",
            "20260801143207",
            " 2026-08-01 14:32:07 +08:00 ",
        ] {
            assert_eq!(from_text(text, &shanghai()), Some(moment), "{text}");
        }
        assert_eq!(from_text("2016-12-31T23:59:60Z", &shanghai()), Some(Timestamp(1_483_228_800_000)));
        assert_eq!(from_text("2026-08-01T14:32:07.123456789+08:00", &shanghai()), Some(Timestamp(1_785_565_927_123)));
        assert_eq!(from_number("1785565927.5"), Some(Timestamp(1_785_565_927_500)));
        assert_eq!(from_number("0"), Some(Timestamp(0)));
        assert_eq!(from_number("-1"), Some(Timestamp(-1_000)));
    }

    /// F43: the ends of smaller counters are moments like any other.
    #[test]
    fn time_goes_on_after_2038_and_2262() {
        for (text, moment) in [
            ("2147483648", "2038-01-19T03:14:08Z"),
            ("2038-01-19 11:14:08", "2038-01-19T03:14:08Z"),
            ("9223372036854775807", "2262-04-11T23:47:16.854Z"),
            ("9223372036854775808", "2262-04-11T23:47:16.855Z"),
            ("2262-04-12T00:00:00+08:00", "2262-04-11T16:00:00Z"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ] {
            let at = from_text(text, &shanghai()).map(|at| at.to_string());
            assert_eq!(at.as_deref(), Some(moment), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "soon",
            "2026-13-01 00:00:00",
            "2026-02-29 00:00:00",
            "2026-08-01T25:00:00Z",
            "2026-08-01T14:32:07 PM",
            "NaN",
            "1e99",
            "2026-08-01T14:32:07+99:00",
        ] {
            assert_eq!(from_text(text, &shanghai()), None, "{text}");
        }
    }

    #[test]
    fn clocks_that_change_lose_no_hour() {
        // Europe/Berlin, 2026: +2 h from 29 March 01:00 UTC, +1 h from 25 October 01:00 UTC.
        let berlin = Zone {
            name: "Europe/Berlin".to_owned(),
            offsets: vec![
                (Timestamp(0), 3_600),
                (Timestamp(1_774_746_000_000), 7_200),
                (Timestamp(1_792_890_000_000), 3_600),
            ],
        };
        let read = |text: &str| from_text(text, &berlin).map(|at| at.to_string());
        assert_eq!(read("2026-03-29 01:59:59"), Some("2026-03-29T00:59:59Z".to_owned()));
        assert_eq!(read("2026-03-29 03:00:00"), Some("2026-03-29T01:00:00Z".to_owned()));
        assert_eq!(read("2026-10-25 01:30:00"), Some("2026-10-24T23:30:00Z".to_owned()));
        assert_eq!(read("2026-10-25 03:30:00"), Some("2026-10-25T02:30:00Z".to_owned()));
    }
}
