//! Are readings judged in time? Judging falls behind where rules take more time than there is, or where whoever hears what
//! they say does. That is a trouble of our own that those on duty must know of: until it is over, warnings come late.

use watchfire_model::id::Seq;
use watchfire_model::incident::{About, Outage};
use watchfire_model::row::Row;
use watchfire_model::time::{Now, Span, Timestamp};

use crate::storage::journal::Commit;

/// From intake to the end of its judgement a reading may take so long …
const MOST: Span = Span::seconds(1);
/// … and is late for so long before it is said: a machine that stood still catches up sooner …
const STANDS: Span = Span::seconds(3);
/// … and in time again for so long before that is.
const SETTLES: Span = Span::seconds(10);

/// Whether judging keeps up.
#[derive(Clone, Copy, Debug, Default)]
pub enum Lag {
    /// What the last run said of it is over with the first commit that is in time.
    #[default]
    Unknown,
    /// Readings are judged in time.
    None,
    /// They are late since then, and it has not been said; whether it is known what the last run said.
    Begins(Now, bool),
    /// It has been said; in time again since then.
    Said(Timestamp, Option<Now>),
}

/// How long the oldest reading of a commit had to wait, intake and journal included, for the end of its judgement `now`.
pub fn of(commit: &Commit, now: Now) -> Span {
    let reading = |row: &Row| match row {
        Row::Reading(reading) => Some(reading.received_at),
        Row::Link(_) | Row::Tick | Row::Upkeep(_) | Row::Revision(_) => None,
    };
    let oldest = commit.rows.iter().find_map(reading);
    let before = oldest.map_or(Span::ZERO, |received| (commit.now.wall - received).max(Span::ZERO));
    (now.steady - commit.now.steady).max(Span::ZERO) + before
}

impl Lag {
    /// A commit up to the row `seq` was judged by `now`, and its oldest reading was late by `lag`. What there is to say of
    /// that, if it has changed.
    pub fn sees(&mut self, now: Now, seq: Seq, lag: Span) -> Option<Outage> {
        let is_late = lag > MOST;
        let (next, said) = match (*self, is_late) {
            (Self::Unknown, true) => (Self::Begins(now, false), None),
            (Self::None, true) => (Self::Begins(now, true), None),
            (Self::Unknown | Self::Begins(_, false), false) => {
                (Self::None, Some((now.wall, Some(now.wall), String::new())))
            }
            (Self::None | Self::Begins(_, true), false) => (Self::None, None),
            (Self::Begins(since, _), true) if now.steady - since.steady < STANDS => (*self, None),
            (Self::Begins(since, _), true) => {
                // When what came first of what is late came in.
                let since = since.wall - lag.min(now.steady - since.steady);
                (Self::Said(since, None), Some((since, None, reason(lag))))
            }
            (Self::Said(since, _), true) => (Self::Said(since, None), None),
            (Self::Said(since, calm), false) => {
                let calm = calm.unwrap_or(now);
                if now.steady - calm.steady < SETTLES {
                    (Self::Said(since, Some(calm)), None)
                } else {
                    (Self::None, Some((since, Some(calm.wall), String::new())))
                }
            }
        };
        *self = next;
        let outage =
            |(since, until, reason)| Outage { about: About::Judging, seq, since, until, sensors: Vec::new(), reason };
        said.map(outage)
    }
}

fn reason(lag: Span) -> String {
    let late = Span(lag.0 / 1_000 * 1_000);
    format!(
        "readings are judged {late} after they come in; `watchfire rules list --slow` says which rules take the time"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of lags in milliseconds, one every half second: at which of them, and whether it lasts.
    fn said(lags: impl IntoIterator<Item = i64>) -> Vec<(usize, bool)> {
        let mut lag = Lag::default();
        let see = |(place, late): (usize, i64)| {
            let now = Now::at(1_000_000 + i64::try_from(place).expect("a few") * 500);
            lag.sees(now, Seq(1), Span(late)).map(|outage| (place, outage.until.is_none()))
        };
        lags.into_iter().enumerate().filter_map(see).collect()
    }

    #[test]
    fn judging_that_keeps_up_says_once_that_whatever_was_before_is_over() {
        assert_eq!(said([3; 100]), [(0, false)]);
        assert_eq!(said([1_000; 100]), [(0, false)], "one second is in time");
    }

    #[test]
    fn what_lasts_is_said_once_and_ends_once_it_has_been_in_time_for_a_while() {
        let story = [[2_000; 20].as_slice(), &[10; 30]].concat();
        assert_eq!(said(story), [(6, true), (40, false)]);
        let trembling = (0..100).map(|place| if place % 10 == 0 { 1_500 } else { 900 });
        assert_eq!(said(trembling), [(1, false)], "late now and then is not late");
        let story = (0..100).map(|place| if place > 20 && place % 10 > 0 { 900 } else { 1_500 });
        assert_eq!(said(story), [(6, true)], "in time now and then is not in time");
    }

    #[test]
    fn a_machine_that_stood_still_is_not_late_once_it_has_caught_up() {
        assert_eq!(said([5, 5, 20_000, 19_000, 10, 10]), [(0, false)]);
    }

    #[test]
    fn it_begins_when_what_was_late_first_came_in() {
        let mut lag = Lag::default();
        assert_eq!(lag.sees(Now::at(100_000), Seq(1), Span(1_500)), None);
        let said = lag.sees(Now::at(104_000), Seq(2), Span(2_500)).expect("it lasts");
        assert_eq!((said.since, said.until), (Timestamp(97_500), None));
        assert!(said.reason.contains("judged 2s after"), "{}", said.reason);
    }
}
