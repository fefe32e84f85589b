//! Slopes: displacement, its rate and acceleration, the improved tangent angle, and the day of failure by inverse velocity.

use watchfire_model::time::Span;

use super::level::{NEVER_HOURS, WINDOW, spans};
use super::written::{Argument, Form, number, word};
use super::{Example, Function, Gives, Made, Of, Outcome, Seen, Trouble, Word, Work};
use crate::engine::frame::Want;
use crate::window::{Take, WindowSpec};

const CRACK: &[(&str, &str, &str)] = &[("crack", "8h", "10 11 12 13 14 16 18")];
/// A crack that opens by 20/(10 − t) mm a day, over six days.
const FAILING: &[(&str, &str, &str)] = &[(
    "crack",
    "8h",
    "0 0.68 1.38 2.11 2.86 3.65 4.46 5.31 6.2 7.13 8.11 9.14 10.22 11.36 12.57 13.86 15.24 16.72 18.33",
)];
const RATES: &[Argument] =
    &[word("span", Form::Span), word("rates", Form::Count), number("noise", "the point's unit per day")];

const fn failure(
    name: &'static str,
    does: &'static str,
    measure: &'static str,
    gives: f64,
    make: fn(&Seen<'_>) -> Result<Made, Trouble>,
) -> Function {
    Function {
        name,
        of: Of::Point,
        arguments: RATES,
        gives: "d from now",
        does,
        source: "inverse velocity, Fukuzono 1985 with A = 2: n ≥ 5 rates, b < 0, R² ≥ 0.8 (DOMAIN §6.3)",
        example: Example { hears: FAILING, measure, gives: Gives::Number(gives) },
        work: Work::Together { wants: rates, make },
    }
}

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "displacement",
        of: Of::Point,
        arguments: &[number("first", "the point's unit")],
        gives: "the point's unit",
        does: "how far it has moved since its first epoch, whose value you give",
        source: "GNSS X, Y, Z from the first epoch (DOMAIN §6.1)",
        example: Example { hears: CRACK, measure: "crack.displacement(10)", gives: Gives::Number(8.0) },
        work: Work::Together {
            wants: |_| Ok(vec![Want::Last]),
            make: |seen| Ok(Made::from(seen.value(0)? - seen.number(0)?)),
        },
    },
    Function {
        name: "rate",
        of: Of::Point,
        arguments: WINDOW,
        gives: "the point's unit per day",
        does: "how fast it moves: the least-squares slope over three samples or more",
        source: "displacement rate over 24 h or more, as GNSS noise is 2 to 5 mm (DOMAIN §6.1)",
        example: Example { hears: CRACK, measure: "crack.rate(\"1d\")", gives: Gives::Number(6.0) },
        work: Work::Together {
            wants: |words| {
                let (span, age) = spans(words);
                Ok(vec![rise(span, age)])
            },
            make: |seen| Ok(Made::from(seen.value(0)? * 24.0)),
        },
    },
    Function {
        name: "acceleration",
        of: Of::Point,
        arguments: &[word("span", Form::Span)],
        gives: "the point's unit per day, per day",
        does: "by how much it moves faster: the rate of the newer half of the span less that of the older, by half its days",
        source: "acceleration above 0 tells failure from a step of creep (DOMAIN §6.2)",
        example: Example { hears: CRACK, measure: "crack.acceleration(\"2d\")", gives: Gives::Number(3.0) },
        work: Work::Together {
            wants: |words| {
                let half = Span(spans(words).0.0 / 2);
                Ok(vec![rise(half, Span::ZERO), rise(half, half)])
            },
            make: |seen| {
                let days = spans(seen.words).0.as_hours() / 48.0;
                Ok(Made::from((seen.value(0)? - seen.value(1)?) * 24.0 / days))
            },
        },
    },
    Function {
        name: "tangent_angle",
        of: Of::Nothing,
        arguments: &[number("v", "rate"), number("v_eq", "rate of the uniform stage, as v")],
        gives: "°",
        does: "the improved tangent angle arctan(v / v_eq), 0 for what does not move; unknown while v_eq is not set, \
               that is not above 0",
        source: "doi 10.1186/s13638-021-02033-y, table 1: 45° yellow, 80° orange, 85° red (DOMAIN §6.2 ✔)",
        example: Example {
            hears: CRACK,
            measure: "tangent_angle(crack.rate(\"1d\"), 2)",
            gives: Gives::Number(71.565),
        },
        work: Work::Two(tangent_angle),
    },
    failure(
        "days_to_failure",
        "days until failure by a line through the inverse of the last rates, each over the span; 3650 if it does not speed \
         up or moves no faster than the noise, unknown where the line does not fit",
        "crack.days_to_failure(\"1d\", 6, 0.5)",
        3.815,
        |seen| foretell(seen, |failure| failure.at),
    ),
    failure(
        "failure_from",
        "as days_to_failure, less two standard errors: not before",
        "crack.failure_from(\"1d\", 6, 0.5)",
        3.789,
        |seen| foretell(seen, |failure| failure.from),
    ),
    failure(
        "failure_by",
        "as days_to_failure, and two standard errors more: not after",
        "crack.failure_by(\"1d\", 6, 0.5)",
        3.841,
        |seen| foretell(seen, |failure| failure.by),
    ),
];

fn rise(span: Span, age: Span) -> Want {
    Want::Window(WindowSpec::rolling(Take::Rise, span, age))
}

/// α = arctan(v / v_eq), in degrees.
fn tangent_angle(v: f64, v_eq: f64) -> Outcome {
    if v_eq > 0.0 { Ok((v.max(0.0) / v_eq).atan().to_degrees()) } else { Err(Trouble::Unknown) }
}

/// The last rates, newest first.
fn rates(words: &[Word]) -> Result<Vec<Want>, String> {
    match words {
        [Word::Span(span), Word::Count(count @ 5..)] => {
            Ok((0..i64::from(*count)).map(|back| rise(*span, Span(span.0 * back))).collect())
        }
        _ => Err("a line through inverse rates takes 5 of them at least".to_owned()),
    }
}

/// Days from now until failure, within two standard errors.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Failure {
    from: f64,
    at: f64,
    by: f64,
}

/// What never comes, in days.
const NEVER_DAYS: f64 = NEVER_HOURS / 24.0;
const NEVER: Failure = Failure { from: NEVER_DAYS, at: NEVER_DAYS, by: NEVER_DAYS };
/// DOMAIN §6.3: a line that explains less is none.
const LEAST_R2: f64 = 0.8;

fn foretell(seen: &Seen<'_>, which: fn(Failure) -> f64) -> Result<Made, Trouble> {
    let noise = seen.number(0)?.max(0.0);
    let days = spans(seen.words).0.as_hours() / 24.0;
    if seen.values.iter().any(|per_hour| per_hour * 24.0 <= noise) {
        return Ok(Made::from(which(NEVER)));
    }
    // A rate speaks for the middle of its window.
    let middle = std::iter::successors(Some(-days / 2.0), |before| Some(before - days));
    let rates: Vec<(f64, f64)> = middle.zip(seen.values.iter().map(|per_hour| per_hour * 24.0)).collect();
    inverse_velocity(&rates).map(|failure| Made::from(which(failure)))
}

/// When 1/v = a + b·t is zero, for rates v above zero at times t in days; from and by are never before now, which is 0.
fn inverse_velocity(rates: &[(f64, f64)]) -> Result<Failure, Trouble> {
    let inverse = || rates.iter().map(|(t, v)| (*t, 1.0 / v));
    let n = rates.iter().fold(0.0, |n, _| n + 1.0);
    if n < 5.0 {
        return Err(Trouble::Unknown);
    }
    let (mean_t, mean_y) = inverse().fold((0.0, 0.0), |(t, y), (at, value)| (t + at / n, y + value / n));
    let (mut tt, mut ty, mut yy) = (0.0, 0.0, 0.0);
    for (t, y) in inverse() {
        tt += (t - mean_t) * (t - mean_t);
        ty += (t - mean_t) * (y - mean_y);
        yy += (y - mean_y) * (y - mean_y);
    }
    let b = ty / tt;
    if tt <= 0.0 || b.is_nan() || b >= 0.0 {
        return Ok(NEVER);
    }
    let unexplained = (yy - b * ty).max(0.0);
    if 1.0 - unexplained / yy < LEAST_R2 {
        return Err(Trouble::Unknown);
    }
    let at = mean_t - mean_y / b;
    let variance = unexplained / (n - 2.0) / (b * b) * (1.0 / n + (at - mean_t) * (at - mean_t) / tt);
    let within = |days: f64| days.clamp(0.0, NEVER_DAYS);
    Ok(Failure { from: within(at - 2.0 * variance.sqrt()), at: within(at), by: within(at + 2.0 * variance.sqrt()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_angle_of_the_vectors() {
        for (v, angle) in [(2.0, 45.0), (2.5, 51.340), (11.3, 79.963), (11.4, 80.049), (22.8, 84.987), (22.9, 85.009)] {
            let alpha = tangent_angle(v, 2.0).expect("v_eq is set");
            assert!((alpha - angle).abs() < 1e-3, "{v}: {alpha}");
        }
        assert_eq!((tangent_angle(5.0, 0.0), tangent_angle(-5.0, 2.0)), (Err(Trouble::Unknown), Ok(0.0)));
    }

    #[test]
    fn inverse_velocity_finds_the_day_of_the_vector() {
        let rates = [(0.0, 2.0), (1.0, 2.2222), (2.0, 2.5), (3.0, 2.8571), (4.0, 3.3333), (5.0, 4.0)];
        let failure = inverse_velocity(&rates).expect("it fits");
        assert!((failure.at - 10.0).abs() < 1e-3, "{failure:?}");
        assert!(failure.from < failure.at && failure.at < failure.by && failure.by - failure.from < 1e-3);
    }

    #[test]
    fn what_slows_down_never_fails_and_what_does_not_fit_is_unknown() {
        let at = |v: [f64; 5]| -> Vec<(f64, f64)> { [0.0, 1.0, 2.0, 3.0, 4.0].into_iter().zip(v).collect() };
        assert_eq!(inverse_velocity(&at([4.0, 3.0, 2.5, 2.0, 1.5])), Ok(NEVER));
        assert_eq!(inverse_velocity(&at([2.0, 2.0, 2.0, 2.0, 2.0])), Ok(NEVER));
        assert_eq!(inverse_velocity(&at([2.0, 6.0, 2.0, 6.0, 2.5])), Err(Trouble::Unknown));
        assert_eq!(inverse_velocity(&at([2.0, 3.0, 4.0, 5.0, 6.0])[..4]), Err(Trouble::Unknown));
        let words = [Word::Span(Span::days(1)), Word::Count(5)];
        let slow = Seen { values: &[0.02; 5], numbers: &[0.5], words: &words };
        assert_eq!(foretell(&slow, |failure| failure.at), Ok(Made::from(NEVER_DAYS)));
    }
}
