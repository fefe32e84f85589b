//! Rain: sums over any window, the hydrological day, the event, and how wet the ground is before it.

use watchfire_model::time::Span;

use super::level::WINDOW;
use super::written::{Form, number, perhaps, word};
use super::{Example, Function, Gives, Made, Of, Outcome, Seen, Trouble, Word, Work};
use crate::engine::frame::Want;
use crate::window::{Take, WindowSpec};

const TIPS: &[(&str, &str, &str)] = &[("rain", "10m", "0.2 0.4 0 1.0 0.4 0.2 2.0")];

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "sum",
        of: Of::Point,
        arguments: WINDOW,
        gives: "the point's unit",
        does: "the sum over a window that ended `age` ago, from increments or from a counter that wraps or is reset",
        source: "rolling windows from 5 min to 72 h (DOMAIN §4.2); 15 days for slopes (USGS landslides-thresholds)",
        example: Example { hears: TIPS, measure: "rain.sum(\"1h\")", gives: Gives::Number(4.0) },
        work: Work::Window(Take::Sum),
    },
    Function {
        name: "intensity",
        of: Of::Point,
        arguments: WINDOW,
        gives: "the point's unit per hour",
        does: "the sum over a window, divided by its hours",
        source: "intensity–duration curves are in mm/h over D hours (DOMAIN §6.4)",
        example: Example { hears: TIPS, measure: "rain.intensity(\"30m\")", gives: Gives::Number(5.2) },
        work: Work::Together {
            wants: |words| {
                let (span, age) = super::level::spans(words);
                Ok(vec![Want::Window(WindowSpec::rolling(Take::Sum, span, age))])
            },
            make: |seen| Ok(Made::from(seen.value(0)? / super::level::spans(seen.words).0.as_hours())),
        },
    },
    Function {
        name: "day",
        of: Of::Point,
        arguments: &[word("begins", Form::TimeOfDay), perhaps("days_ago", Form::Count)],
        gives: "the point's unit",
        does: "the sum of the day that runs, from the time of day at which it begins, or of a whole day before it; \
               what is read off at the turn belongs to the day that ends",
        source: "hydrological day 08:00–08:00 (DOMAIN §4.2)",
        example: Example {
            hears: &[("rain", "1h", "5 1 0 2 0.5")],
            measure: "rain.day(\"08:00\")",
            gives: Gives::Number(3.5),
        },
        work: Work::Together {
            wants: |words| {
                let (begins, ago) = day(words);
                Ok(vec![Want::Window(WindowSpec::day(begins, ago))])
            },
            make: only,
        },
    },
    Function {
        name: "event",
        of: Of::Point,
        arguments: &[word("dry", Form::Span), word("span", Form::Span)],
        gives: "the point's unit",
        does: "what has fallen since it was last dry for so long, looked for in the span; 0 once it is dry for so long",
        source: "event total, ended by 6 h without rain (DOMAIN §4.2)",
        example: Example {
            hears: &[("rain", "1h", "9 0 0 0 3 1 0 2")],
            measure: "rain.event(\"3h\", \"8h\")",
            gives: Gives::Number(6.0),
        },
        work: Work::Together {
            wants: |words| {
                let (dry, span) = super::level::spans(words);
                if dry >= span {
                    return Err(format!("a dry spell of {dry} cannot be seen in {span}"));
                }
                Ok(vec![Want::Window(WindowSpec::event(dry, span))])
            },
            make: only,
        },
    },
    Function {
        name: "antecedent",
        of: Of::Point,
        arguments: &[number("k", "0 to 1"), word("begins", Form::TimeOfDay), word("days", Form::Count)],
        gives: "the point's unit",
        does: "the antecedent index: the sum over the whole days before the one that runs, each less by k than the next",
        source: "Pa = Σ Kⁱ·R₋ᵢ with K 0.84, site 0.7 to 0.9 (DOMAIN §6.4)",
        example: Example {
            hears: &[("rain", "12h", "0 5 0 30 0 15 0 0 0 20 0 1")],
            measure: "rain.antecedent(0.84, \"08:00\", 5)",
            gives: Gives::Number(42.718),
        },
        work: Work::Together {
            wants: |words| {
                let (begins, days) = day(words);
                Ok((1..=days).map(|ago| Want::Window(WindowSpec::day(begins, ago))).collect())
            },
            make: |seen| antecedent(seen.values, seen.number(0)?).map(Made::from),
        },
    },
];

fn day(words: &[Word]) -> (Span, i64) {
    let begins = words.iter().find_map(|word| if let Word::TimeOfDay(begins) = word { Some(*begins) } else { None });
    let ago = words.iter().find_map(|word| if let Word::Count(count) = word { Some(i64::from(*count)) } else { None });
    (begins.unwrap_or_default(), ago.unwrap_or(0))
}

/// What is wanted is what is given.
fn only(seen: &Seen<'_>) -> Result<Made, Trouble> {
    seen.value(0).map(Made::from)
}

/// Pa = Σ Kⁱ·R₋ᵢ, of the days before today, yesterday first.
fn antecedent(days: &[f64], k: f64) -> Outcome {
    if !(0.0..=1.0).contains(&k) {
        return Err(Trouble::Wrong("k of an antecedent index is from 0 to 1"));
    }
    Ok(days.iter().rev().fold(0.0, |older, day| k * (day + older)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_of_the_vector() {
        let index = antecedent(&[20.0, 0.0, 15.0, 30.0, 5.0], 0.84).expect("a sound k");
        assert!((index - 42.718).abs() < 1e-3, "{index}");
        assert_eq!(antecedent(&[20.0], 1.2), Err(Trouble::Wrong("k of an antecedent index is from 0 to 1")));
    }
}
