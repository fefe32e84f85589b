//! Curves: intensity and duration of rain that starts landslides, and discharge from stage by a rating.

use super::written::{Argument, Form, number, word};
use super::{Example, Function, Gives, Made, Of, Outcome, Seen, Trouble, Word, Work};
use crate::engine::frame::Want;

const RAIN: &[(&str, &str, &str)] = &[("rain", "1h", "2 5 10 20")];
const HOURS: &[Argument] = &[number("hours", "h")];
/// Millimetres in an inch.
const INCH: f64 = 25.4;

const fn duration(
    name: &'static str,
    does: &'static str,
    source: &'static str,
    measure: &'static str,
    gives: f64,
    total: fn(f64) -> Outcome,
) -> Function {
    Function {
        name,
        of: Of::Nothing,
        arguments: HOURS,
        gives: "mm",
        does,
        source,
        example: Example { hears: RAIN, measure, gives: Gives::Number(gives) },
        work: Work::One(total),
    }
}

pub(super) const FUNCTIONS: &[Function] = &[
    duration(
        "caine",
        "the rain in so many hours from which slopes fail: 14.82·D^−0.39 mm/h",
        "Caine 1980 (DOMAIN §6.4 ○)",
        "rain.sum(\"3h\") / caine(3)",
        1.208,
        caine,
    ),
    duration(
        "guzzetti",
        "the least rain in so many hours with which slopes have failed: 2.20·D^−0.44 mm/h",
        "Guzzetti et al. 2008 (DOMAIN §6.4 ○)",
        "rain.sum(\"3h\") / guzzetti(3)",
        8.599,
        guzzetti,
    ),
    duration(
        "seattle",
        "the rain in so many hours from which slopes fail around Seattle: 3.257·D^−1.13 in/h",
        "USGS landslides-thresholds, data/RALHS/thresh_in.txt (DOMAIN §6.4 ✔)",
        "rain.sum(\"3h\") / seattle(3)",
        0.488,
        seattle,
    ),
    Function {
        name: "seattle_3_day",
        of: Of::Nothing,
        arguments: &[number("before", "mm in the 15 days before")],
        gives: "mm",
        does: "the rain in 3 days from which slopes fail after so much in the 15 days before: P3 = 3.5 − 0.67·P15 inches; \
               never below 0",
        source: "USGS landslides-thresholds, data/RALHS/thresh_in.txt (DOMAIN §6.4 ✔)",
        example: Example {
            hears: &[("rain", "1d", "0 25.4 0 25.4 0 0 0 0 0 0 0 0 0 0 0 0 20 30 10")],
            measure: "rain.sum(\"3d\") - seattle_3_day(rain.sum(\"15d\", \"3d\"))",
            gives: Gives::Number(5.136),
        },
        work: Work::One(seattle_3_day),
    },
    Function {
        name: "intensity_duration",
        of: Of::Nothing,
        arguments: &[number("alpha", "mm/h"), number("beta", "below 0"), number("hours", "h")],
        gives: "mm",
        does: "the rain in so many hours on a curve of your own: alpha·D^beta mm/h",
        source: "I = α·D^β (DOMAIN §6.4)",
        example: Example {
            hears: RAIN,
            measure: "rain.sum(\"3h\") - intensity_duration(14.82, -0.39, 3)",
            gives: Gives::Number(6.034),
        },
        work: Work::Three(intensity_duration),
    },
    Function {
        name: "discharge",
        of: Of::Point,
        arguments: &[word("table", Form::Table)],
        gives: "the unit of the table's second numbers",
        does: "the discharge of the newest stage by a rating table, straight between its pairs where both axes are \
               logarithmic; a first pair with 0 is the zero of flow. Above the table it goes on as its last two pairs do, \
               and then may raise a grade but end none; below it it is that of the lowest pair",
        source: "ST_ZQRL_B of SL 323; interpolation in log–log, marked where extrapolated (DOMAIN §4.1)",
        example: Example {
            hears: &[("stage", "5m", "53.102")],
            measure: "stage.discharge(\"50.2: 0, 51.2: 12.5, 54.2: 126.576\")",
            gives: Gives::Number(74.065),
        },
        work: Work::Together {
            wants: |_| Ok(vec![Want::Last]),
            make: |seen| match seen.words {
                [Word::Table(pairs)] => rated(pairs, seen.value(0)?),
                _ => Err(Trouble::Wrong("a rating table is missing")),
            },
        },
    },
    Function {
        name: "discharge_power",
        of: Of::Point,
        arguments: &[
            number("a", "of Q = a·(Z − zero)^b"),
            number("zero", "the point's unit"),
            number("b", "exponent"),
            number("low", "lowest stage that was gauged"),
            number("high", "highest stage that was gauged"),
        ],
        gives: "m³/s",
        does: "the discharge of the newest stage by a power law. Above what was gauged it may raise a grade but end none; \
               below it it is that of the lowest stage gauged",
        source: "Q = a·(Z − Z0)^b per segment, marked where extrapolated (DOMAIN §4.1)",
        example: Example {
            hears: &[("stage", "5m", "53.102")],
            measure: "stage.discharge_power(12.5, 50.2, 1.67, 50.5, 54.0)",
            gives: Gives::Number(74.065),
        },
        work: Work::Together { wants: |_| Ok(vec![Want::Last]), make: power_law },
    },
];

/// Rain in mm over `hours` on the curve I = α·D^β.
fn intensity_duration(alpha: f64, beta: f64, hours: f64) -> Outcome {
    if hours > 0.0 { Ok(alpha * hours.powf(beta) * hours) } else { Err(Trouble::Wrong("a duration is above 0 h")) }
}

fn caine(hours: f64) -> Outcome {
    intensity_duration(14.82, -0.39, hours)
}

fn guzzetti(hours: f64) -> Outcome {
    intensity_duration(2.20, -0.44, hours)
}

fn seattle(hours: f64) -> Outcome {
    intensity_duration(3.257 * INCH, -1.13, hours)
}

/// P3 = 3.5 − 0.67·P15, in inches there and in mm here.
fn seattle_3_day(before: f64) -> Outcome {
    Ok(((3.5 - 0.67 * before / INCH) * INCH).max(0.0))
}

fn power_law(seen: &Seen<'_>) -> Result<Made, Trouble> {
    let (stage, a, zero, b) = (seen.value(0)?, seen.number(0)?, seen.number(1)?, seen.number(2)?);
    let (low, high) = (seen.number(3)?, seen.number(4)?);
    if !(zero <= low && low < high) {
        return Err(Trouble::Wrong("a rating holds from a stage at or above its zero up to a higher one"));
    }
    let value = a * (stage.max(low) - zero).powf(b);
    Ok(Made { value, beyond: stage > high })
}

/// The discharge at `stage` by pairs of stage and discharge.
fn rated(pairs: &[(f64, f64)], stage: f64) -> Result<Made, Trouble> {
    let (Some(lowest), Some(highest)) = (pairs.first(), pairs.last()) else {
        return Err(Trouble::Wrong("a rating table has pairs"));
    };
    if stage <= lowest.0 {
        return Ok(Made::from(lowest.1));
    }
    let after = pairs.partition_point(|(at, _)| *at < stage).clamp(1, pairs.len() - 1);
    let (Some(from), Some(to)) = (pairs.get(after - 1), pairs.get(after)) else {
        return Err(Trouble::Wrong("a rating table has two pairs at least"));
    };
    let zero = if lowest.1 == 0.0 { lowest.0 } else { 0.0 };
    Ok(Made { value: between(*from, *to, zero, stage), beyond: stage > highest.0 })
}

/// On the line through two pairs; where all four numbers have a logarithm, on a line of logarithms.
fn between(from: (f64, f64), to: (f64, f64), zero: f64, stage: f64) -> f64 {
    let (z0, z1, z) = (from.0 - zero, to.0 - zero, stage - zero);
    if z0 > 0.0 && from.1 > 0.0 {
        let share = (z.ln() - z0.ln()) / (z1.ln() - z0.ln());
        (from.1.ln() + share * (to.1.ln() - from.1.ln())).exp()
    } else {
        from.1 + (stage - from.0) / (to.0 - from.0) * (to.1 - from.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Within a thousandth of a unit, or of the whole where that is more.
    fn close(value: f64, expected: f64) -> bool {
        (value - expected).abs() <= 1e-3 * expected.abs().max(1.0)
    }

    #[test]
    fn rain_curves_give_the_vectors() {
        for (hours, total) in [(1.0, 14.82), (3.0, 28.966), (6.0, 44.209), (12.0, 67.475), (24.0, 102.984)] {
            let caine = caine(hours).expect("a duration");
            assert!(close(caine, total), "{hours} h: {caine}");
        }
        assert!(caine(0.0).is_err());
        assert!(close(guzzetti(1.0).expect("a duration"), 2.2));
        assert!(close(seattle(1.0).expect("a duration"), 3.257 * 25.4));
        assert!(close(seattle_3_day(50.8).expect("a sum"), 54.864));
        assert_eq!(seattle_3_day(500.0), Ok(0.0));
    }

    #[test]
    fn a_power_law_gives_the_vector_and_marks_what_was_never_gauged() {
        let rating = |stage: f64| {
            let numbers = [12.5, 50.2, 1.67, 50.5, 53.5];
            power_law(&Seen { values: &[stage], numbers: &numbers, words: &[] }).expect("a sound rating")
        };
        let inside = rating(53.102);
        assert!(close(inside.value, 74.065) && !inside.beyond, "{inside:?}");
        assert!(rating(53.6).beyond && rating(53.6).value > inside.value);
        assert_eq!(rating(49.0), rating(50.5));
    }

    #[test]
    fn a_table_is_straight_in_logarithms() {
        // Three pairs of the power law: between them the table gives the law itself.
        let law = |stage: f64| 12.5 * (stage - 50.2_f64).powf(1.67);
        let table = [50.2, 50.7, 52.0, 54.0].map(|stage| (stage, law(stage)));
        for (stage, beyond) in [(51.0, false), (53.102, false), (54.0, false), (55.0, true)] {
            let made = rated(&table, stage).expect("a table");
            assert!(close(made.value, law(stage)), "{stage}: {made:?}");
            assert_eq!(made.beyond, beyond, "{stage}");
        }
        assert_eq!(rated(&table, 50.0), Ok(Made::from(0.0)));
        assert!(rated(&table, 50.45).is_ok_and(|made| close(made.value, law(50.7) / 2.0)));
        assert_eq!(rated(&[(1.0, 2.0), (2.0, 4.0)], 1.5).map(|made| made.beyond), Ok(false));
    }
}
