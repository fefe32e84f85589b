//! Times as people write them: with a zone, or by the clock on the wall of one.

use watchfire_model::time::{Civil, Span, Timestamp, Zone};

use super::field::Times;

/// A time from a file, and the last moment that it may mean: a date without an hour means all of its day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// The first moment.
    pub(super) from: Timestamp,
    /// The last.
    pub(super) until: Timestamp,
}

/// Reads `2026-08-01T14:32:07+08:00`, or in `zone` `2026-08-01 14:32[:07]` and `2026-08-01`.
pub(super) fn written(text: &str, zone: &Zone) -> Option<Written> {
    let text = text.trim();
    if let Some(at) = Times::default().read(text.as_bytes()) {
        return Some(Written { from: at, until: at });
    }
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let [year, month, day] = numbers(date, '-')?;
    let Some(time) = time else {
        let civil = |day| Civil { year, month, day, hour: 0, minute: 0, second: 0, millisecond: 0 };
        let (from, next) = (at_wall(civil(day), zone)?, in_zone(civil(day + 1), zone));
        return Some(Written { from, until: next - Span(1) });
    };
    let [hour, minute, second] = if time.matches(':').count() == 1 {
        let [hour, minute] = numbers(time, ':')?;
        [hour, minute, 0]
    } else {
        numbers(time, ':')?
    };
    let at = at_wall(Civil { year, month, day, hour, minute, second, millisecond: 0 }, zone)?;
    Some(Written { from: at, until: at })
}

fn numbers<const N: usize>(text: &str, separator: char) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut found = [0; N];
    for number in &mut found {
        let part = parts.next()?;
        *number = part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten()?;
    }
    parts.next().is_none().then_some(found)
}

/// The moment at which the clock on the wall of `zone` shows `civil`; none if no calendar has that day or hour. Hour 24 is
/// the next day's 0.
pub(super) fn at_wall(civil: Civil, zone: &Zone) -> Option<Timestamp> {
    let midnight = Civil { hour: 0, minute: 0, second: 0, millisecond: 0, ..civil };
    let back = Timestamp::from_civil(midnight).civil(0);
    let is_day = (back.year, back.month, back.day) == (civil.year, civil.month, civil.day);
    let is_time = civil.hour <= 24
        && (0..60).contains(&civil.minute)
        && (0..=60).contains(&civil.second)
        && (civil.hour < 24 || (civil.minute, civil.second) == (0, 0));
    (is_day && is_time).then(|| in_zone(civil, zone))
}

/// The same without asking whether there is such a time. Of an hour that the clock shows twice it is the first; one that
/// it leaves out is counted on from before.
fn in_zone(civil: Civil, zone: &Zone) -> Timestamp {
    let wall = Timestamp::from_civil(civil);
    let offset = |at: Timestamp| Span::seconds(i64::from(zone.offset_at(at)));
    // No zone is further than a day from UTC: the offsets before and after are all there can be.
    let (before, after) = (offset(wall - Span::days(1)), offset(wall + Span::days(1)));
    let (early, late) = (wall - before, wall - after);
    if offset(early) == before || offset(late) != after { early } else { late }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::zone;

    #[test]
    fn times_are_read_with_a_zone_or_by_the_clock_on_the_wall() {
        let seattle = zone::zone("America/Los_Angeles").expect("the system's zone database has it");
        let shown = |text: &str| {
            written(text, &seattle).map(|written| {
                let Written { from, until } = written;
                if from == until { from.to_string() } else { format!("{from} – {until}") }
            })
        };
        for (text, expected) in [
            ("2026-08-01T14:32:07+08:00", "2026-08-01T06:32:07Z"),
            ("2010-12-09 08:00", "2010-12-09T16:00:00Z"),
            ("2010-12-09T08:00:30", "2010-12-09T16:00:30Z"),
            ("2010-07-09 08:00", "2010-07-09T15:00:00Z"),
            ("2010-12-09", "2010-12-09T08:00:00Z – 2010-12-10T07:59:59.999Z"),
            // The day on which the clocks go on has 23 hours, the one on which they go back 25.
            ("2011-03-13", "2011-03-13T08:00:00Z – 2011-03-14T06:59:59.999Z"),
            ("2010-11-07", "2010-11-07T07:00:00Z – 2010-11-08T07:59:59.999Z"),
            ("2010-11-07 01:30", "2010-11-07T08:30:00Z"),
            ("2011-03-13 02:30", "2011-03-13T10:30:00Z"),
            ("2010-12-31 24:00", "2011-01-01T08:00:00Z"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "12/09/2010", "2010-13-01", "2011-02-29", "2010-12-09 25:00", "2010-12-09 24:01", "-1-1-1"] {
            assert_eq!(shown(text), None, "{text}");
        }
    }
}
