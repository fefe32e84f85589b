//! The season and the time of day of the moment that is judged, where the site is.

use watchfire_model::time::{Civil, Span};

use super::written::{Form, word};
use super::{Example, Function, Gives, Of, Word, Work};

const STAGE: &[(&str, &str, &str)] = &[("stage", "1h", "1 1 1")];

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "hour",
        of: Of::Now,
        arguments: &[],
        gives: "hour, 0 to 23",
        does: "the hour of the day",
        source: "local time of the site (DOMAIN §4.4)",
        example: Example {
            hears: STAGE,
            measure: "if now.hour < 6 { stage + 0.5 } else { stage }",
            gives: Gives::Number(1.0),
        },
        work: Work::Field(|civil| small(civil.hour)),
    },
    Function {
        name: "month",
        of: Of::Now,
        arguments: &[],
        gives: "month, 1 to 12",
        does: "the month",
        source: "local time of the site (DOMAIN §4.4)",
        example: Example {
            hears: STAGE,
            measure: "if now.month == 7 { stage + 0.5 } else { stage }",
            gives: Gives::Number(1.5),
        },
        work: Work::Field(|civil| small(civil.month)),
    },
    Function {
        name: "season",
        of: Of::Now,
        arguments: &[word("from", Form::Date), word("to", Form::Date)],
        gives: "true or false",
        does: "whether it is in a part of the year, both days included; it may go over the new year",
        source: "limits by season, such as the flood season 汛期 and 汛前控制水位 (DOMAIN §7)",
        example: Example {
            hears: STAGE,
            measure: "stage - if now.season(\"05-01\", \"09-30\") { 0.25 } else { 0.5 }",
            gives: Gives::Number(0.75),
        },
        work: Work::When(season),
    },
    Function {
        name: "between",
        of: Of::Now,
        arguments: &[word("from", Form::TimeOfDay), word("to", Form::TimeOfDay)],
        gives: "true or false",
        does: "whether it is in a part of the day, from one time up to and without the other; it may go over midnight",
        source: "limits by time of day (FEATURES A10)",
        example: Example {
            hears: STAGE,
            measure: "stage + if now.between(\"22:00\", \"06:00\") { 0.0 } else { 0.5 }",
            gives: Gives::Number(1.5),
        },
        work: Work::When(between),
    },
];

/// A part of the calendar as a number.
fn small(part: i64) -> f64 {
    f64::from(i32::try_from(part).unwrap_or(0))
}

fn season(civil: &Civil, words: &[Word]) -> bool {
    let today = (civil.month, civil.day);
    match words {
        [Word::Date(month, day), Word::Date(last_month, last_day)] => {
            let (from, to) = ((*month, *day), (*last_month, *last_day));
            if from <= to { (from..=to).contains(&today) } else { today >= from || today <= to }
        }
        _ => false,
    }
}

fn between(civil: &Civil, words: &[Word]) -> bool {
    let time = Span::minutes(civil.hour * 60 + civil.minute) + Span::seconds(civil.second);
    match words {
        [Word::TimeOfDay(from), Word::TimeOfDay(to)] if from <= to => *from <= time && time < *to,
        [Word::TimeOfDay(from), Word::TimeOfDay(to)] => *from <= time || time < *to,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seasons_and_nights_go_over_their_turn() {
        let at = |month, day, hour, minute| Civil { year: 2026, month, day, hour, minute, second: 0, millisecond: 0 };
        let words = |form: Form, texts: [&str; 2]| texts.map(|text| form.read(text).expect("well written"));
        let flood = words(Form::Date, ["05-01", "09-30"]);
        let ice = words(Form::Date, ["11-15", "03-15"]);
        for (month, day, is_flood, is_ice) in [
            (4, 30, false, false),
            (5, 1, true, false),
            (9, 30, true, false),
            (11, 15, false, true),
            (3, 15, false, true),
        ] {
            let civil = at(month, day, 0, 0);
            assert_eq!((season(&civil, &flood), season(&civil, &ice)), (is_flood, is_ice), "{month}-{day}");
        }
        let night = words(Form::TimeOfDay, ["22:00", "06:00"]);
        for (hour, minute, is_night) in [(21, 59, false), (22, 0, true), (0, 0, true), (5, 59, true), (6, 0, false)] {
            assert_eq!(between(&at(1, 1, hour, minute), &night), is_night, "{hour}:{minute}");
        }
    }
}
