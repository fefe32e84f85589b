//! Whether a rule's grades can be reached and left by what its sensors can say, and in time to do anything.

use watchfire_model::grade::Grade;
use watchfire_model::ladder::{Delay, Direction};
use watchfire_model::rule::{Rule, Thresholds};
use watchfire_model::site::Point;
use watchfire_model::time::Span;

use crate::config::problem::Problem;
use crate::config::read::Context;
use crate::config::rule::Numbers;

/// A measure that is plainly a point, or one window of it: their names.
pub(crate) type Plain = (String, Option<String>);

/// Windows whose value lies within the range of what they read.
const WITHIN: &[&str] = &["last", "max", "min", "mean"];

/// Reports thresholds of the rule that no sensor which it watches can meet, and grades that none can end.
pub(crate) fn within(cx: &Context<'_>, rule: &Rule, numbers: &Numbers, points: &[&Point], plain: Option<&Plain>) {
    let bounded = plain.is_some_and(|(_, window)| window.as_deref().is_none_or(|window| WITHIN.contains(&window)));
    let (Thresholds::Inline(raise_at), Some(unit), true) = (&rule.thresholds, rule.unit, bounded) else { return };
    let Some(ranges) =
        points.iter().map(|point| point.range.filter(|_| point.unit == unit)).collect::<Option<Vec<_>>>()
    else {
        return;
    };
    let low = ranges.iter().map(|(low, _)| *low).reduce(f64::min);
    let high = ranges.iter().map(|(_, high)| *high).reduce(f64::max);
    // A range the wrong way round is told where it stands.
    let Some((low, high)) = low.zip(high).filter(|(low, high)| low < high) else { return };
    for grade in Grade::ALL {
        let (Some(raise), Some(at)) = (raise_at.get(grade), numbers.raise_at.get(grade)) else { continue };
        let beyond = match rule.direction {
            Direction::Rising => *raise > high,
            Direction::Falling => *raise < low,
        };
        if beyond {
            let message = format!("threshold `{grade}` ({raise} {unit}) can never be reached");
            let label = format!("what is watched says {low} to {high} {unit}");
            cx.report(Problem::error(*at, message).label(label));
            continue;
        }
        let margin = |margin: f64| match rule.direction {
            Direction::Rising => raise - margin,
            Direction::Falling => raise + margin,
        };
        let lift = rule.lift_below.get(grade).or_else(|| rule.lift_margin.get(grade).map(margin));
        let endless = lift.filter(|lift| match rule.direction {
            Direction::Rising => *lift <= low,
            Direction::Falling => *lift >= high,
        });
        if let Some(lift) = endless {
            let word = match rule.direction {
                Direction::Rising => "below",
                Direction::Falling => "above",
            };
            let problem = Problem::warning(numbers.lift.get(grade).unwrap_or(*at), format!("`{grade}` can never end"));
            let label = format!("it ends {word} {lift} {unit}, and what is watched says {low} to {high} {unit}");
            cx.report(problem.label(label).hint("a grade ends only on a value that is strictly short of this"));
        }
    }
}

/// How late a delay may make a raise, with samples `interval` apart: the first of its two conditions.
pub(crate) fn lateness(delay: Delay, interval: Span) -> Option<Span> {
    let samples = delay.samples.map(|samples| i64::from(samples.saturating_sub(1)).saturating_mul(interval.0));
    [delay.span, samples.map(Span)].into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_as_late_as_the_first_of_its_conditions() {
        let five = Span::minutes(5);
        let delay = |samples, minutes: Option<i64>| Delay { samples, span: minutes.map(Span::minutes), ..Delay::NONE };
        assert_eq!(lateness(delay(Some(2), Some(30)), five), Some(five));
        assert_eq!(lateness(delay(Some(7), Some(20)), five), Some(Span::minutes(20)));
        assert_eq!(lateness(delay(Some(1), None), five), Some(Span::ZERO));
        assert_eq!(lateness(Delay::NONE, five), None);
    }
}
