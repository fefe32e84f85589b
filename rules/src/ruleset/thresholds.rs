//! The thresholds of one subject, from the rule or from the watched point, with their reset values.

use watchfire_model::grade::{Grade, PerGrade};
use watchfire_model::id::PointIx;
use watchfire_model::ladder::Direction;
use watchfire_model::quantity::Finite;
use watchfire_model::rule::{Class, Rule, Thresholds};
use watchfire_model::site::{Point, Site};

use super::measure::natural_unit;
use super::subjects::grades;
use super::{Compiled, Problem};
use crate::ladder::Rungs;
use crate::window::exact::twelve_digits;

/// The rungs of a rule for the subject that watches `point`; none if no grade has a threshold.
pub(super) fn rungs(
    site: &Site,
    rule: &Rule,
    compiled: &Compiled,
    point: Option<PointIx>,
) -> Result<Option<Rungs>, Problem> {
    let point = point.and_then(|ix| site.point(ix));
    let values = match (&rule.thresholds, point) {
        (Thresholds::Inline(values), _) => *values,
        (Thresholds::Station, Some(point)) => own(rule, compiled, point)?,
        (Thresholds::Station, None) => PerGrade::default(),
    };
    let direction = match (&rule.thresholds, point) {
        (Thresholds::Station, Some(point)) => point.direction,
        (Thresholds::Station | Thresholds::Inline(_), _) => rule.direction,
    };
    let present = grades(|grade| values.get(grade).is_some());
    if present.is_empty() {
        return Ok(None);
    }
    let mut steps = Vec::with_capacity(present.len());
    for (place, grade) in present.iter().copied().enumerate() {
        let raise_at = values.get(grade).unwrap_or_default();
        let neighbour = present.get(place + 1).or_else(|| place.checked_sub(1).and_then(|below| present.get(below)));
        let step = neighbour.and_then(|other| *values.get(*other)).map(|other| (other - raise_at).abs());
        let lift_below = lift_below(rule, point, direction, grade, raise_at, step);
        steps.push(checked(rule, point, direction, grade, raise_at, lift_below)?);
    }
    for pair in steps.windows(2) {
        let [(lower, low, _), (upper, high, _)] = pair else { continue };
        let rises = match direction {
            Direction::Rising => high > low,
            Direction::Falling => high < low,
        };
        if !rises {
            let message = format!("threshold `{upper}` ({}) is no worse than `{lower}` ({})", high.get(), low.get());
            let hint = match direction {
                Direction::Rising => "a ladder rises with the grade; were the two values exchanged?",
                Direction::Falling => "this ladder falls with the grade (direction = \"falling\")",
            };
            return Err(Problem::with(rule, about(point, message)).hint(hint));
        }
    }
    Ok(Some(Rungs::new(direction, &steps)))
}

/// The point's own thresholds, in the rule's unit.
fn own(rule: &Rule, compiled: &Compiled, point: &Point) -> Result<PerGrade<Option<f64>>, Problem> {
    let Some(unit) = rule.unit.filter(|unit| *unit != point.unit) else { return Ok(point.thresholds) };
    if natural_unit(&compiled.measure, point) != Some(point.unit) {
        return Ok(point.thresholds);
    }
    let mut converted = PerGrade::default();
    for grade in Grade::ALL {
        if let Some(value) = point.thresholds.get(grade) {
            let here = point.unit.convert(*value, unit).ok_or_else(|| {
                Problem::with(rule, format!("rule \"{}\" is in {unit} and its point in {}", rule.id, point.unit))
            })?;
            *converted.get_mut(grade) = Some(here);
        }
    }
    Ok(converted)
}

/// What is written, or the default of SEMANTICS §5: a twentieth of the step to the next grade, at least three times the
/// resolution. An instant rule needs no margin.
fn lift_below(
    rule: &Rule,
    point: Option<&Point>,
    direction: Direction,
    grade: Grade,
    raise_at: f64,
    step: Option<f64>,
) -> f64 {
    if let Some(value) = rule.lift_below.get(grade) {
        return *value;
    }
    let margin = rule.lift_margin.get(grade).unwrap_or_else(|| match rule.class {
        Class::Instant => 0.0,
        Class::Ordinary => {
            // A step in millimetres says nothing to a rule that judges millimetres an hour, or grades.
            let here = |point: &Point| match rule.unit {
                None => point.resolution,
                Some(unit) => point.resolution.and_then(|step| point.unit.convert_difference(step, unit)),
            };
            let resolution = point.and_then(here).unwrap_or(0.0);
            (step.unwrap_or(0.0) * 0.05).max(3.0 * resolution)
        }
    });
    twelve_digits(match direction {
        Direction::Rising => raise_at - margin,
        Direction::Falling => raise_at + margin,
    })
}

fn checked(
    rule: &Rule,
    point: Option<&Point>,
    direction: Direction,
    grade: Grade,
    raise_at: f64,
    lift_below: f64,
) -> Result<(Grade, Finite, Finite), Problem> {
    let (Ok(raise), Ok(lift)) = (Finite::new(raise_at), Finite::new(lift_below)) else {
        return Err(Problem::with(rule, about(point, format!("threshold `{grade}` is not a finite number"))));
    };
    let wrong_side = match direction {
        Direction::Rising => lift > raise,
        Direction::Falling => lift < raise,
    };
    if wrong_side {
        let message = format!("`{grade}` is raised at {raise_at} and lifted already at {lift_below}");
        return Err(Problem::with(rule, about(point, message))
            .hint("a grade ends on the safe side of the value that raises it"));
    }
    Ok((grade, raise, lift))
}

fn about(point: Option<&Point>, message: String) -> String {
    match point {
        Some(point) => format!("{message}, at point \"{}\"", point.id),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use watchfire_model::rule::{Measure, Per};
    use watchfire_model::unit::Unit;

    use super::*;
    use crate::evaluator::tests::world::{one_to_four, point, rule, site};
    use crate::ruleset::RuleSet;

    /// Where blue is left by default, for a gauge in metres with steps of half a metre.
    fn left_at(unit: &str, per: Per, subject: &str) -> f64 {
        let coarse = Point { resolution: Some(0.5), ..point(0, "stage") };
        let measured = Rule {
            per,
            unit: Unit::parse(unit),
            class: Class::Ordinary,
            thresholds: Thresholds::Inline(one_to_four()),
            lift_margin: PerGrade::default(),
            ..rule("stage", "stage.last + 0.0")
        };
        let measured = match per {
            Per::Group => Rule { measure: Measure::Expression("stage.grade.item_grade()".to_owned()), ..measured },
            Per::Station | Per::Point | Per::Area => measured,
        };
        let rules = RuleSet::compile(site(vec![vec![coarse]], vec![measured])).expect("a sound rule");
        let ladder = rules.ladder(&"r".into(), &subject.into()).expect("it is judged");
        ladder.steps.first().map(|step| step.lift_below.get()).expect("blue is there")
    }

    /// Three steps of a sensor are no margin of a rule that judges something else: grades over it would never end.
    #[test]
    fn the_steps_of_a_sensor_are_a_margin_in_its_own_unit_alone() {
        assert!((left_at("m", Per::Station, "s0") - -0.5).abs() < 1e-9, "three steps of half a metre");
        assert!((left_at("cm", Per::Station, "s0") - -149.0).abs() < 1e-9, "in the rule's unit");
        assert!((left_at("1", Per::Group, "group:g") - 0.95).abs() < 1e-9, "a twentieth of the step to yellow");
    }
}
