//! Which stretch of time a report is of: a shift, a day from duty change to duty change, or a month, in the site's zone.

use anyhow::{Context as _, bail};
use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use watchfire_model::time::{Span, Timestamp};

/// What kind of stretch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// One watch.
    Shift,
    /// From one morning's change of duty to the next.
    #[default]
    Day,
    /// A month of such days.
    Month,
}

/// Which stretch.
#[derive(Clone, Debug, clap::Args)]
pub struct PeriodArgs {
    /// Of what: the last one that is over.
    #[arg(value_enum, default_value_t)]
    pub kind: Kind,
    /// The one that is running instead.
    #[arg(long, conflicts_with = "of")]
    pub running: bool,
    /// The one that begins on this date, such as 2026-08-01; of a month any of its days.
    #[arg(long, value_name = "DATE")]
    pub of: Option<Date>,
    /// When duty changes in the morning.
    #[arg(long, value_name = "TIME", default_value = "08:00")]
    pub starts: Time,
    /// How long a shift lasts; a day is a whole number of them.
    #[arg(long, value_name = "SPAN", default_value = "12h")]
    pub shift: Span,
    /// From an instant of your own, such as 2026-08-01T00:00:00Z …
    #[arg(long, value_name = "INSTANT", requires = "to", conflicts_with_all = ["of", "running"])]
    pub from: Option<jiff::Timestamp>,
    /// … to another.
    #[arg(long, value_name = "INSTANT", requires = "from")]
    pub to: Option<jiff::Timestamp>,
}

/// A stretch of time: `from` is in it, `to` is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// It is not over.
    pub running: bool,
}

impl PeriodArgs {
    /// The stretch meant, seen at `now` in the zone of that name.
    pub fn resolve(&self, now: Timestamp, zone: &str) -> anyhow::Result<Period> {
        if let (Some(from), Some(to)) = (self.from, self.to) {
            if to <= from {
                bail!("--to {to} is not after --from {from}");
            }
            return Ok(Period { from: stamp(from), to: stamp(to), running: stamp(to) > now });
        }
        let hours = self.shift.0 / 3_600_000;
        if self.shift.0 % 3_600_000 != 0 || hours < 1 || 24 % hours != 0 {
            bail!("--shift {} does not divide a day; allowed: 1h, 2h, 3h, 4h, 6h, 8h, 12h, 24h", self.shift);
        }
        let zone = TimeZone::get(zone).with_context(|| format!("no time zone {zone:?}"))?;
        let at = jiff::Timestamp::from_millisecond(now.0).context("our clock stands outside of time")?;
        let local = zone.to_datetime(at);
        let begins = |date: Date| zoned(date.to_datetime(self.starts), &zone);
        let (from, to) = match (self.kind, self.of) {
            (Kind::Month, of) => {
                let first = of.unwrap_or_else(|| duty_day(local, self.starts)).first_of_month();
                let first = if of.is_none() && !self.running { first.checked_sub(1.month())? } else { first };
                (begins(first)?, begins(first.checked_add(1.month())?)?)
            }
            (Kind::Day, of) => {
                let day = of.unwrap_or_else(|| duty_day(local, self.starts));
                let day = if of.is_none() && !self.running { day.checked_sub(1.day())? } else { day };
                (begins(day)?, begins(day.checked_add(1.day())?)?)
            }
            (Kind::Shift, Some(day)) => {
                let from = day.to_datetime(self.starts);
                (zoned(from, &zone)?, zoned(from.checked_add(hours.hours())?, &zone)?)
            }
            (Kind::Shift, None) => {
                // By the clock on the wall, so that a shift begins at its hour on the day the clocks are changed as well.
                let mut from = duty_day(local, self.starts).to_datetime(self.starts);
                while from.checked_add(hours.hours())? <= local {
                    from = from.checked_add(hours.hours())?;
                }
                let from = if self.running { from } else { from.checked_sub(hours.hours())? };
                (zoned(from, &zone)?, zoned(from.checked_add(hours.hours())?, &zone)?)
            }
        };
        Ok(Period { from, to, running: to > now })
    }
}

/// The date on which the duty day of `local` began.
fn duty_day(local: DateTime, starts: Time) -> Date {
    let today = local.date();
    if local.time() < starts { today.yesterday().unwrap_or(today) } else { today }
}

fn zoned(at: DateTime, zone: &TimeZone) -> anyhow::Result<Timestamp> {
    Ok(stamp(zone.to_timestamp(at)?))
}

fn stamp(at: jiff::Timestamp) -> Timestamp {
    Timestamp(at.as_millisecond())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        period: PeriodArgs,
    }

    /// `from` and `to` in the zone's own time, seen at `now`.
    fn period(line: &str, now: &str, zone: &str) -> (String, String, bool) {
        let line = std::iter::once("report").chain(line.split_whitespace());
        let args = Line::try_parse_from(line).expect("a line").period;
        let now: jiff::Timestamp = now.parse().expect("an instant");
        let period = args.resolve(stamp(now), zone).expect("a period");
        let local = |at: Timestamp| {
            let at = jiff::Timestamp::from_millisecond(at.0).expect("in time");
            TimeZone::get(zone).expect("a zone").to_datetime(at).strftime("%m-%d %H:%M").to_string()
        };
        (local(period.from), local(period.to), period.running)
    }

    #[test]
    fn without_a_word_it_is_the_duty_day_that_ended_last() {
        let told = |line, now| period(line, now, "Asia/Shanghai");
        let pair = |from: &str, to: &str, running| (from.to_owned(), to.to_owned(), running);
        // 07:30 and 08:30 in Shanghai.
        assert_eq!(told("", "2026-08-02T23:30:00Z"), pair("08-01 08:00", "08-02 08:00", false));
        assert_eq!(told("", "2026-08-03T00:30:00Z"), pair("08-02 08:00", "08-03 08:00", false));
        assert_eq!(told("--running", "2026-08-03T00:30:00Z"), pair("08-03 08:00", "08-04 08:00", true));
        assert_eq!(told("shift", "2026-08-03T00:30:00Z"), pair("08-02 20:00", "08-03 08:00", false));
        assert_eq!(told("shift --running", "2026-08-03T00:30:00Z"), pair("08-03 08:00", "08-03 20:00", true));
        assert_eq!(told("shift --shift 8h", "2026-08-03T10:30:00Z"), pair("08-03 08:00", "08-03 16:00", false));
        assert_eq!(told("month", "2026-08-03T00:30:00Z"), pair("07-01 08:00", "08-01 08:00", false));
        assert_eq!(told("month --of 2026-02-14", "2026-08-03T00:30:00Z"), pair("02-01 08:00", "03-01 08:00", false));
        assert_eq!(
            told("day --of 2026-05-01 --starts 00:00", "2026-08-03T00:30:00Z"),
            pair("05-01 00:00", "05-02 00:00", false)
        );
    }

    #[test]
    fn a_day_on_which_the_clocks_change_begins_and_ends_at_its_hour() {
        let told = period("day --of 2026-03-28", "2026-08-03T00:30:00Z", "Europe/Berlin");
        assert_eq!((told.0.as_str(), told.1.as_str()), ("03-28 08:00", "03-29 08:00"));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_does() {
        let refuse = |line: &str| {
            let args = Line::try_parse_from(std::iter::once("report").chain(line.split_whitespace()))
                .map_err(|e| e.to_string());
            args.and_then(|args| args.period.resolve(Timestamp(0), "UTC").map_err(|e| e.to_string()))
                .expect_err("refused")
        };
        assert!(refuse("shift --shift 7h").contains("allowed: 1h, 2h"));
        assert!(refuse("--from 2026-08-02T00:00:00Z --to 2026-08-01T00:00:00Z").contains("not after"));
        assert!(refuse("--from 2026-08-02T00:00:00Z").contains("--to"));
        assert!(refuse("week").contains("[possible values: shift, day, month]"));
    }
}
