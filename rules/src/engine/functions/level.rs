//! Levels: the newest value, windows over it, how fast it rises and falls, and when it will be somewhere.

use super::written::{Argument, Form, number, perhaps, word};
use super::{Example, Function, Gives, Made, Of, Outcome, Seen, Trouble, Word, Work};
use crate::engine::frame::Want;
use crate::window::{Take, WindowSpec};

/// The farthest that anything is foretold, in hours: ten years. What will never be is this far away.
pub(super) const NEVER_HOURS: f64 = 87_600.0;

pub(super) const WINDOW: &[Argument] = &[word("span", Form::Span), perhaps("age", Form::Span)];
const STAGE: &[(&str, &str, &str)] = &[("stage", "10m", "3.0 3.1 3.2 3.3")];

const fn window(
    take: Take,
    does: &'static str,
    gives: &'static str,
    source: &'static str,
    measure: &'static str,
    value: f64,
) -> Function {
    Function {
        name: take.word(),
        of: Of::Point,
        arguments: WINDOW,
        gives,
        does,
        source,
        example: Example { hears: STAGE, measure, gives: Gives::Number(value) },
        work: Work::Window(take),
    }
}

const OURS: &str = "windows by time: after t − age − span, up to t − age";

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "last",
        of: Of::Point,
        arguments: &[],
        gives: "the point's unit",
        does: "the newest value, unless it is too old; the bare name means the same",
        source: "SEMANTICS §2 staleness",
        example: Example { hears: STAGE, measure: "stage.last", gives: Gives::Number(3.3) },
        work: Work::Last,
    },
    window(Take::Mean, "the mean of the samples", "the point's unit", OURS, "stage.mean(\"20m\")", 3.25),
    window(Take::Min, "the smallest", "the point's unit", OURS, "stage.min(\"20m\")", 3.2),
    window(Take::Max, "the largest", "the point's unit", OURS, "stage.max(\"20m\", \"10m\")", 3.2),
    window(
        Take::Diff,
        "newest less the last before the window; of a counter, what it counted",
        "the point's unit",
        OURS,
        "stage.diff(\"20m\")",
        0.2,
    ),
    window(Take::Count, "how many samples", "count", OURS, "stage.count(\"20m\") + 0", 2.0),
    window(
        Take::SpanHours,
        "hours from the first to the last sample",
        "h",
        OURS,
        "stage.span_hours(\"30m\") * 60",
        20.0,
    ),
    window(
        Take::Rise,
        "the least-squares slope over three samples or more that are not suspect",
        "the point's unit per hour",
        "rate of rise over 30 and 60 min, at least 3 samples (DOMAIN §4.1)",
        "stage.rise(\"30m\")",
        0.6,
    ),
    Function {
        name: "fall",
        of: Of::Point,
        arguments: WINDOW,
        gives: "the point's unit per hour",
        does: "how fast it falls: the slope with its sign turned",
        source: "rapid drawdown of reservoirs and banks; as rise (DOMAIN §4.1)",
        example: Example {
            hears: &[("stage", "10m", "3.3 3.2 3.1 3.0")],
            measure: "stage.fall(\"30m\")",
            gives: Gives::Number(0.6),
        },
        work: Work::Together { wants: slope, make: |seen| Ok(Made::from(-seen.value(0)?)) },
    },
    Function {
        name: "hours_to",
        of: Of::Point,
        arguments: &[number("threshold", "the point's unit"), word("span", Form::Span)],
        gives: "h",
        does: "hours until it is as high as the threshold, if it goes on as over the span; 0 if it is, 87600 if it does not rise",
        source: "extrapolated crossing (FEATURES A8)",
        example: Example { hears: STAGE, measure: "stage.hours_to(3.9, \"30m\")", gives: Gives::Number(1.0) },
        work: Work::Together { wants: last_and_slope, make: |seen| hours(seen, 1.0) },
    },
    Function {
        name: "hours_down_to",
        of: Of::Point,
        arguments: &[number("threshold", "the point's unit"), word("span", Form::Span)],
        gives: "h",
        does: "hours until it is as low as the threshold, if it goes on as over the span; 0 if it is, 87600 if it does not fall",
        source: "extrapolated crossing (FEATURES A8); dry beach and freeboard shrink (DOMAIN §7)",
        example: Example {
            hears: &[("beach", "10m", "80 79 78 77")],
            measure: "beach.hours_down_to(70, \"30m\")",
            gives: Gives::Number(7.0 / 6.0),
        },
        work: Work::Together { wants: last_and_slope, make: |seen| hours(seen, -1.0) },
    },
    Function {
        name: "datum",
        of: Of::Nothing,
        arguments: &[number("stage", "m"), number("offset", "m")],
        gives: "m above the other datum",
        does: "a stage on another datum: `offset` is added",
        source: "every stage carries its datum and an offset to the one that is compared with (DOMAIN §4.1)",
        example: Example {
            hears: &[("stage", "10m", "50.000")],
            measure: "datum(stage, -1.864)",
            gives: Gives::Number(48.136),
        },
        work: Work::Two(|stage, offset| Ok(stage + offset)),
    },
];

/// A span and an age as they were written.
pub(super) fn spans(words: &[Word]) -> (watchfire_model::time::Span, watchfire_model::time::Span) {
    let mut spans = words.iter().filter_map(|word| if let Word::Span(span) = word { Some(*span) } else { None });
    (spans.next().unwrap_or_default(), spans.next().unwrap_or_default())
}

fn slope(words: &[Word]) -> Result<Vec<Want>, String> {
    let (span, age) = spans(words);
    Ok(vec![Want::Window(WindowSpec::rolling(Take::Rise, span, age))])
}

fn last_and_slope(words: &[Word]) -> Result<Vec<Want>, String> {
    let mut wants = slope(words)?;
    wants.insert(0, Want::Last);
    Ok(wants)
}

fn hours(seen: &Seen<'_>, way: f64) -> Result<Made, Trouble> {
    hours_until(seen.value(0)? * way, seen.value(1)? * way, seen.number(0)? * way).map(Made::from)
}

/// Hours until `level` is at `threshold`, rising by so much an hour.
fn hours_until(level: f64, rise: f64, threshold: f64) -> Outcome {
    if level >= threshold {
        return Ok(0.0);
    }
    let hours = (threshold - level) / rise;
    Ok(if rise > 0.0 && hours < NEVER_HOURS { hours } else { NEVER_HOURS })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_rise_is_far_away_and_what_is_there_is_there() {
        for (level, rise, threshold, hours) in [
            (50.0, 0.5, 52.0, 4.0),
            (52.0, -1.0, 52.0, 0.0),
            (53.0, 0.0, 52.0, 0.0),
            (50.0, 0.0, 52.0, NEVER_HOURS),
            (50.0, -0.5, 52.0, NEVER_HOURS),
            (50.0, 1e-12, 52.0, NEVER_HOURS),
        ] {
            assert_eq!(hours_until(level, rise, threshold), Ok(hours), "{level} {rise} {threshold}");
        }
    }
}
