//! What a site writes about keeping alarms quiet: which alarms make others superfluous, and at which hours, seasons and
//! holidays low grades wake nobody (SEMANTICS §7). Pure: the time is an argument.

use serde::{Deserialize, Serialize};

use crate::alarm::Alarm;
use crate::grade::Grade;
use crate::id::{HazardId, RuleId};
use crate::time::{Civil, Span, Timestamp, Zone};

/// All that a site writes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    /// Which alarms make others superfluous; never in a circle.
    pub inhibitions: Vec<Inhibition>,
    /// How long the first word of blue or yellow waits to see whether an inhibitor speaks.
    pub inhibit_wait: Span,
    /// When low grades wake nobody.
    pub windows: Vec<Window>,
    /// Holidays, as (year, month, day).
    pub holidays: Vec<(i64, i64, i64)>,
}

impl Default for Quiet {
    fn default() -> Self {
        Self { inhibitions: Vec::new(), inhibit_wait: Span::seconds(5), windows: Vec::new(), holidays: Vec::new() }
    }
}

/// Alarms of one rule, or of every rule of one hazard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// Of one rule.
    Rule(RuleId),
    /// Of one hazard.
    Hazard(HazardId),
}

impl Whose {
    /// Whether an alarm is one of them.
    pub fn is_of(&self, alarm: &Alarm) -> bool {
        match self {
            Self::Rule(rule) => alarm.key.rule == *rule,
            Self::Hazard(hazard) => alarm.hazard == *hazard,
        }
    }
}

/// What an inhibitor and its target have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Same {
    /// The station, or the subject itself where it is a group or an area.
    Station,
    /// The area.
    Area,
}

/// While an alarm stands, others are superfluous.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inhibition {
    /// Which alarms inhibit.
    pub by: Whose,
    /// From which grade on.
    pub from: Grade,
    /// Which are inhibited, up to the inhibitor's own grade.
    pub target: Whose,
    /// Where.
    pub same: Same,
}

/// What a window says about holidays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holidays {
    /// They are days as others.
    #[default]
    Alike,
    /// It holds on them whatever day of the week they are.
    Too,
    /// It does not hold on them.
    Not,
}

/// Hours that come again and in which alarms are kept quiet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Its name.
    pub name: String,
    /// Whose alarms; of all, where none is written.
    pub target: Option<Whose>,
    /// The highest grade that is kept quiet.
    pub upto: Grade,
    /// What is kept quiet is so by design, and not laid before those who release either.
    pub by_design: bool,
    /// Days of the week on which it begins, Monday first.
    pub days: [bool; 7],
    /// Months in which it holds, January first.
    pub months: [bool; 12],
    /// Minute of the day at which it begins, at the site.
    pub from: u16,
    /// Minute of the day at which it ends; not after `from` means on the next day, and the same means all day.
    pub to: u16,
    /// What it says about holidays.
    pub holidays: Holidays,
}

const DAY: u16 = 24 * 60;

impl Window {
    /// Whether it holds at a moment.
    pub fn holds(&self, at: Timestamp, zone: &Zone, holidays: &[(i64, i64, i64)]) -> bool {
        let minute = minute_of(civil(at, zone));
        let begins_on = |at: Timestamp| self.begins_on(civil(at, zone), holidays);
        if self.from < self.to {
            return (self.from..self.to).contains(&minute) && begins_on(at);
        }
        (minute >= self.from && begins_on(at)) || (minute < self.to && begins_on(at - Span::days(1)))
    }

    /// How long until its hours may next begin or end, counted in hours of the site's clock.
    pub fn turns_in(&self, at: Timestamp, zone: &Zone) -> Span {
        let minute = minute_of(civil(at, zone));
        let until = |edge: u16| match (edge + DAY - minute) % DAY {
            0 => DAY,
            minutes => minutes,
        };
        // Midnight may change the day.
        let minutes = until(self.from).min(until(self.to)).min(until(0));
        let into = at.0.rem_euclid(60_000);
        Span(Span::minutes(i64::from(minutes)).0 - into)
    }

    fn begins_on(&self, day: Civil, holidays: &[(i64, i64, i64)]) -> bool {
        let is_holiday = holidays.contains(&(day.year, day.month, day.day));
        let in_season = self.months.get(usize::try_from(day.month - 1).unwrap_or(12)).is_some_and(|on| *on);
        let in_week = self.days.get(weekday(day)).is_some_and(|on| *on);
        let on_this_day = match self.holidays {
            Holidays::Alike => in_week,
            Holidays::Too => in_week || is_holiday,
            Holidays::Not => in_week && !is_holiday,
        };
        in_season && on_this_day
    }
}

fn civil(at: Timestamp, zone: &Zone) -> Civil {
    at.civil(zone.offset_at(at))
}

fn minute_of(at: Civil) -> u16 {
    u16::try_from(at.hour * 60 + at.minute).unwrap_or(0)
}

/// 0 for Monday to 6 for Sunday. 1970-01-01 was a Thursday.
fn weekday(day: Civil) -> usize {
    let midnight = Timestamp::from_civil(Civil { hour: 0, minute: 0, second: 0, millisecond: 0, ..day });
    usize::try_from((midnight.0.div_euclid(86_400_000) + 3).rem_euclid(7)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: (i64, i64, i64, i64, i64)) -> Timestamp {
        let (year, month, day, hour, minute) = text;
        Timestamp::from_civil(Civil { year, month, day, hour, minute, second: 0, millisecond: 0 })
    }

    fn nights() -> Window {
        Window {
            name: "nights".to_owned(),
            target: None,
            upto: Grade::Yellow,
            by_design: false,
            days: [false, false, false, false, true, true, false],
            months: [true; 12],
            from: 22 * 60,
            to: 6 * 60,
            holidays: Holidays::Not,
        }
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_on_which_it_begins() {
        let holds = |when| nights().holds(at(when), &Zone::default(), &[(2026, 8, 8)]);
        // 2026-07-31 is a Friday.
        assert!(!holds((2026, 7, 31, 21, 59)) && holds((2026, 7, 31, 22, 0)) && holds((2026, 8, 1, 5, 59)));
        assert!(!holds((2026, 8, 1, 6, 0)) && holds((2026, 8, 2, 3, 0)) && !holds((2026, 8, 2, 23, 0)));
        assert!(holds((2026, 8, 8, 3, 0)) && !holds((2026, 8, 8, 23, 0)) && !holds((2026, 8, 9, 3, 0)), "a holiday");
    }

    #[test]
    fn a_window_is_told_in_the_sites_own_hours() {
        let zone = Zone { name: "Asia/Shanghai".to_owned(), offsets: vec![(Timestamp(0), 28_800)] };
        assert!(nights().holds(at((2026, 7, 31, 14, 0)), &zone, &[]));
        assert_eq!(nights().turns_in(at((2026, 7, 31, 13, 58)), &zone), Span::minutes(2));
        assert_eq!(nights().turns_in(at((2026, 7, 31, 14, 0)), &zone), Span::hours(2), "midnight is looked at too");
    }
}
