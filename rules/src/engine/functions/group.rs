//! Several points: the largest, how many, k of n that are independent of each other, and grades over grades.

use super::written::{Argument, number};
use super::{Example, Function, Gives, Of, Outcome, Trouble, Work};
use crate::ruleset::{Witness, Witnesses};

type Values<'a> = &'a [(f64, Witness)];

const FOUR: &[(&str, &str, &str)] =
    &[("stage", "5m", "1.5"), ("stage", "5m", "1.2"), ("stage", "5m", "3.1"), ("stage", "5m", "1.0")];
const NONE: &[Argument] = &[];
const SAME: &str = "the unit of the values";
const OURS: &str = "counts over a group of points (DOMAIN §7)";

const fn of_values(
    name: &'static str,
    does: &'static str,
    gives: &'static str,
    measure: &'static str,
    value: f64,
    f: fn(Values<'_>) -> Outcome,
) -> Function {
    let example = Example { hears: FOUR, measure, gives: Gives::Number(value) };
    Function { name, of: Of::Values, arguments: NONE, gives, does, source: OURS, example, work: Work::Values(f) }
}

const fn of_values_with(
    name: &'static str,
    does: &'static str,
    argument: &'static [Argument],
    (gives, source): (&'static str, &'static str),
    measure: &'static str,
    value: f64,
    f: fn(Values<'_>, f64) -> Outcome,
) -> Function {
    let example = Example { hears: FOUR, measure, gives: Gives::Number(value) };
    Function { name, of: Of::Values, arguments: argument, gives, does, source, example, work: Work::ValuesWith(f) }
}

const VOTE: &str = "k of n over failure domains: gateway, logger, power, device (RELIABILITY P20)";
const GB_39496: &str = "GB 39496-2020 5.5.4: within an item 4 blue make yellow ✔, 3 yellow orange, 2 orange red";

pub(super) const FUNCTIONS: &[Function] = &[
    of_values("max", "the largest of those that are known", SAME, "stage.last.max()", 3.1, |values| {
        fold(values, f64::max)
    }),
    of_values("min", "the smallest", SAME, "stage.last.min()", 1.0, |values| fold(values, f64::min)),
    of_values("mean", "their mean", SAME, "stage.last.mean()", 1.7, |values| {
        Ok(fold(values, |a, b| a + b)? / how_many(values))
    }),
    of_values("sum", "their sum", SAME, "stage.last.sum()", 6.8, |values| fold(values, |a, b| a + b)),
    of_values("count", "how many are known", "count", "stage.last.count()", 4.0, |values| Ok(how_many(values))),
    of_values_with(
        "at_least",
        "how many independent ones are at or above x",
        &[number("x", SAME)],
        ("count", VOTE),
        "stage.last.at_least(1.2)",
        3.0,
        |values, x| Ok(independent(values.iter().filter(|(value, _)| *value >= x))),
    ),
    of_values_with(
        "at_most",
        "how many independent ones are at or below x",
        &[number("x", SAME)],
        ("count", VOTE),
        "stage.last.at_most(1.2)",
        2.0,
        |values, x| Ok(independent(values.iter().filter(|(value, _)| *value <= x))),
    ),
    of_values_with(
        "kth_highest",
        "the highest value that k independent ones reach; unknown with fewer",
        &[number("k", "count")],
        (SAME, VOTE),
        "stage.last.kth_highest(2)",
        1.5,
        |values, k| kth(values, k, |a, b| b.total_cmp(a)),
    ),
    of_values_with(
        "kth_lowest",
        "the lowest value that k independent ones have come down to; unknown with fewer",
        &[number("k", "count")],
        (SAME, VOTE),
        "stage.last.kth_lowest(2)",
        1.2,
        |values, k| kth(values, k, f64::total_cmp),
    ),
    Function {
        name: "grade",
        of: Of::Point,
        arguments: NONE,
        gives: "grade: 0 none, 1 blue, 2 yellow, 3 orange, 4 red; `clear`, `blue` … `red` are these numbers",
        does: "the grade that the newest value has by the point's own thresholds, lower being worse where it says so",
        source: "each point has its own thresholds for each grade (GB 39496-2020 5.5.4)",
        example: Example { hears: &[("stage", "5m", "3.1")], measure: "stage.grade", gives: Gives::Number(3.0) },
        work: Work::Grade,
    },
    Function {
        name: "item_grade",
        of: Of::Values,
        arguments: NONE,
        gives: "grade",
        does: "the grade of an item of several points, from their grades: the highest of them, or what many of a lower one \
               make; smaller or larger values are worse as each point says",
        source: GB_39496,
        example: Example {
            hears: &[("stage", "5m", "1.5"), ("stage", "5m", "1.2"), ("stage", "5m", "1.1"), ("stage", "5m", "1.0")],
            measure: "stage.grade.item_grade()",
            gives: Gives::Number(2.0),
        },
        work: Work::Values(|values| item_grade(values.iter().map(|(grade, _)| *grade))),
    },
    Function {
        name: "dam_grade",
        of: Of::Nothing,
        arguments: &[number("item", "grade"), number("item", "grade")],
        gives: "grade",
        does: "the grade over several items: 4 blue ones count as a yellow one, 3 yellow as an orange, 2 orange as a red",
        source: "GB 39496-2020 5.5.4: 4 items blue count as one yellow ✔, and onward ○; the highest holds ○",
        example: Example {
            hears: &[("stage", "5m", "3.1")],
            measure: "dam_grade(stage.grade, yellow, yellow, blue, blue, blue, blue)",
            gives: Gives::Number(4.0),
        },
        work: Work::Numbers(dam_grade),
    },
    Function {
        name: "worst",
        of: Of::Nothing,
        arguments: &[number("a", "grade or number"), number("b", "as a")],
        gives: "as a",
        does: "the largest of several numbers or grades",
        source: "any one met (江华县's four-grade table, DOMAIN §4.3)",
        example: Example {
            hears: &[("stage", "5m", "3.1")],
            measure: "worst(clear, yellow, stage.grade)",
            gives: Gives::Number(3.0),
        },
        work: Work::Numbers(|numbers| numbers.iter().copied().reduce(f64::max).ok_or(Trouble::Unknown)),
    },
];

fn fold(values: Values<'_>, f: fn(f64, f64) -> f64) -> Outcome {
    values.iter().map(|(value, _)| *value).reduce(f).ok_or(Trouble::Unknown)
}

#[expect(clippy::cast_precision_loss, reason = "a site has far fewer than 2^53 points")]
fn how_many(values: Values<'_>) -> f64 {
    values.len() as f64
}

/// How many there are, of which those that share what may be wrong with them are one.
fn independent<'a>(values: impl Iterator<Item = &'a (f64, Witness)>) -> f64 {
    let mut witnesses = Witnesses::default();
    values.for_each(|(_, witness)| witnesses.add(*witness));
    f64::from(witnesses.count())
}

/// The value at which, taken in order, k independent ones have been met.
fn kth(values: Values<'_>, k: f64, order: fn(&f64, &f64) -> std::cmp::Ordering) -> Outcome {
    if k < 1.0 || k.fract() != 0.0 {
        return Err(Trouble::Wrong("k is a whole number from 1 on"));
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(|(a, _), (b, _)| order(a, b));
    let mut met = Witnesses::default();
    let kth = sorted.iter().find(|(_, witness)| {
        met.add(*witness);
        f64::from(met.count()) >= k
    });
    kth.map(|(value, _)| *value).ok_or(Trouble::Unknown)
}

/// How many of each grade make one of the next: 4 blue, 3 yellow, 2 orange (GB 39496-2020 5.5.4).
const PROMOTES: [(f64, usize); 3] = [(1.0, 4), (2.0, 3), (3.0, 2)];

/// The grade of an item from the grades of its points.
fn item_grade(points: impl Iterator<Item = f64> + Clone) -> Outcome {
    let highest = points.clone().reduce(f64::max).ok_or(Trouble::Unknown)?;
    let many = |(grade, needed): (f64, usize)| {
        let there = points.clone().filter(|point| *point >= grade).count();
        if there >= needed { grade + 1.0 } else { 0.0 }
    };
    Ok(PROMOTES.into_iter().map(many).fold(highest, f64::max))
}

/// The grade over several items, where what many make counts in its turn.
fn dam_grade(items: &[f64]) -> Outcome {
    let highest = items.iter().copied().reduce(f64::max).ok_or(Trouble::Unknown)?;
    let (mut made, mut worst) = (0, highest);
    for (grade, needed) in PROMOTES {
        made = (items.iter().filter(|item| **item == grade).count() + made) / needed;
        if made > 0 {
            worst = worst.max(grade + 1.0);
        }
    }
    Ok(worst)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_of_one_grade_make_one_of_the_next() {
        for (points, grade) in [
            (&[0.0, 0.0][..], 0.0),
            (&[1.0, 1.0, 1.0], 1.0),
            (&[1.0, 1.0, 1.0, 1.0], 2.0),
            (&[2.0, 2.0, 1.0, 1.0], 2.0),
            (&[2.0, 2.0, 2.0], 3.0),
            (&[3.0, 0.0], 3.0),
            (&[3.0, 3.0], 4.0),
            (&[4.0, 0.0], 4.0),
        ] {
            assert_eq!(item_grade(points.iter().copied()), Ok(grade), "{points:?}");
        }
        assert_eq!(item_grade(std::iter::empty()), Err(Trouble::Unknown));
    }

    #[test]
    fn items_count_onward() {
        for (items, grade) in [
            (&[1.0, 1.0, 1.0, 0.0][..], 1.0),
            (&[1.0, 1.0, 1.0, 1.0], 2.0),
            (&[2.0, 2.0, 1.0, 1.0, 1.0, 1.0], 3.0),
            (&[3.0, 2.0, 2.0, 2.0], 4.0),
            (&[3.0, 2.0, 2.0, 1.0], 3.0),
        ] {
            assert_eq!(dam_grade(items), Ok(grade), "{items:?}");
        }
    }

    #[test]
    fn one_gateway_is_one_witness() {
        let values = [(5.0, Witness::at(0)), (4.0, Witness::at(0)), (3.0, Witness::at(1)), (1.0, Witness::at(2))];
        let highest = |k| kth(&values, k, |a, b| b.total_cmp(a));
        assert_eq!((highest(1.0), highest(2.0), highest(3.0)), (Ok(5.0), Ok(3.0), Ok(1.0)));
        assert_eq!(highest(4.0), Err(Trouble::Unknown));
        assert_eq!(kth(&values, 2.0, f64::total_cmp), Ok(3.0));
        assert!(highest(0.0).is_err());
    }
}
