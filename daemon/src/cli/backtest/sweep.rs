//! A threshold to try over a range: `river-stage.orange=52.5..54/0.25`, or by factors of what is written,
//! `river-stage.orange=x0.8..x1.2/0.05`.

use std::str::FromStr;
use std::sync::Arc;

use watchfire_model::grade::Grade;
use watchfire_model::rule::Thresholds;
use watchfire_model::site::Site;
use watchfire_rules::ruleset::RuleSet;

/// Each value is a pass through the whole recording.
const VALUES_MOST: usize = 201;

/// What to try.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    rule: String,
    grade: Grade,
    by_factor: bool,
    from: f64,
    step: f64,
    count: usize,
}

impl FromStr for Sweep {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = || {
            format!(
                "\"{text}\" is not RULE.GRADE=FROM..TO/STEP, such as stage.orange=52.5..54/0.25 or stage.red=x0.8..x1.2/0.1"
            )
        };
        let (of, range) = text.split_once('=').ok_or_else(shape)?;
        let (rule, grade) = of.rsplit_once('.').ok_or_else(shape)?;
        let grade: Grade =
            grade.trim().parse().map_err(|error: watchfire_model::grade::GradeError| error.to_string())?;
        let (from, rest) = range.split_once("..").ok_or_else(shape)?;
        let (to, step) = rest.split_once('/').ok_or_else(shape)?;
        let end = |text: &str| {
            let text = text.trim();
            let (factor, number) = text.strip_prefix('x').map_or((false, text), |number| (true, number));
            number.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| (factor, number))
        };
        let ((by_factor, from), (also, to)) = end(from).zip(end(to)).ok_or_else(shape)?;
        let step = step.trim().parse::<f64>().ok().filter(|step| step.is_finite()).ok_or_else(shape)?;
        if by_factor != also {
            return Err(format!("{range}: both ends are factors (x0.8..x1.2) or none is"));
        }
        if step <= 0.0 || to < from {
            return Err(format!("{range}: it goes upwards, by a step above 0"));
        }
        // A step that divides the range up to rounding reaches its end.
        let steps = ((to - from) / step + 1e-9).floor() + 1.0;
        let count =
            (1..=VALUES_MOST).rev().find(|count| u32::try_from(*count).is_ok_and(|count| f64::from(count) <= steps));
        let count = count.filter(|_| u32::try_from(VALUES_MOST).is_ok_and(|most| steps <= f64::from(most)));
        let count = count.ok_or_else(|| format!("{range} has {steps:.0} values; at most {VALUES_MOST} are tried"))?;
        Ok(Self { rule: rule.trim().to_owned(), grade, by_factor, from, step, count })
    }
}

impl Sweep {
    /// `RULE.GRADE`.
    pub(super) fn of(&self) -> String {
        format!("{}.{}", self.rule, self.grade)
    }

    /// The grade whose threshold is moved.
    pub(super) const fn grade(&self) -> Grade {
        self.grade
    }

    /// Whether the values are factors.
    pub(super) const fn by_factor(&self) -> bool {
        self.by_factor
    }

    /// The values, rising.
    pub(super) fn values(&self) -> impl Iterator<Item = f64> {
        (0_u32..).take(self.count).map(|place| rounded(self.from + f64::from(place) * self.step))
    }
}

/// To twelve digits, so that 0.1 + 0.2 is 0.3.
fn rounded(value: f64) -> f64 {
    format!("{value:.12}").parse().unwrap_or(value)
}

/// The rules with each of the values in turn; why not, for a value that no ladder can have. An error where there is nothing
/// to move.
pub(super) fn swept(site: &Arc<Site>, sweep: &Sweep) -> Result<Vec<Result<Arc<RuleSet>, String>>, String> {
    let Some(place) = site.rules.iter().position(|rule| rule.id.as_str() == sweep.rule) else {
        let rules: Vec<&str> = site.rules.iter().map(|rule| rule.id.as_str()).collect();
        return Err(format!("there is no rule \"{}\"; there are {}", sweep.rule, rules.join(", ")));
    };
    moved(site, place, sweep, sweep.from)?;
    Ok(sweep.values().map(|value| moved(site, place, sweep, value).and_then(compiled)).collect())
}

fn compiled(site: Site) -> Result<Arc<RuleSet>, String> {
    let told = |problems: Vec<watchfire_rules::ruleset::Problem>| {
        problems.first().map_or_else(String::new, |problem| problem.message.clone())
    };
    RuleSet::compile(Arc::new(site)).map(Arc::new).map_err(told)
}

/// The site with one threshold at `value`. A reset value that is written keeps its distance.
fn moved(site: &Site, place: usize, sweep: &Sweep, value: f64) -> Result<Site, String> {
    let mut site = site.clone();
    let grade = sweep.grade;
    let Site { rules, points, .. } = &mut site;
    let Some(rule) = rules.get_mut(place) else { return Err("there is no such rule".to_owned()) };
    match &mut rule.thresholds {
        Thresholds::Inline(values) => {
            let Some(before) = *values.get(grade) else {
                return Err(format!("rule \"{}\" has no {grade}", sweep.rule));
            };
            let after = if sweep.by_factor { rounded(before * value) } else { value };
            *values.get_mut(grade) = Some(after);
            if let Some(lift) = rule.lift_below.get_mut(grade) {
                *lift = rounded(*lift + after - before);
            }
        }
        Thresholds::Station => {
            if !sweep.by_factor {
                return Err(format!(
                    "rule \"{}\" takes each station's own thresholds; they are moved by a factor, such as {}=x0.8..x1.2/0.1",
                    sweep.rule,
                    sweep.of()
                ));
            }
            if rule.lift_below.get(grade).is_some() {
                return Err(format!(
                    "rule \"{}\" has one lift_below for all stations; write a lift_margin",
                    sweep.rule
                ));
            }
            let mut any = false;
            for point in points.iter_mut().filter(|point| rule.watch.names(point)) {
                if let Some(threshold) = point.thresholds.get_mut(grade) {
                    *threshold = rounded(*threshold * value);
                    any = true;
                }
            }
            if !any {
                return Err(format!("no point of rule \"{}\" has {grade}", sweep.rule));
            }
        }
    }
    Ok(site)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_with_both_its_ends() {
        let values = |text: &str| text.parse::<Sweep>().map(|sweep| (sweep.of(), sweep.values().collect::<Vec<_>>()));
        let sound = |of: &str, values: &[f64]| Ok((of.to_owned(), values.to_vec()));
        assert_eq!(values("a.red=1..2/0.5"), sound("a.red", &[1.0, 1.5, 2.0]));
        assert_eq!(values("a.b.red=-0.1..0.2/0.1"), sound("a.b.red", &[-0.1, 0.0, 0.1, 0.2]));
        assert_eq!(values("a.blue=x0.9..x1.1/0.1"), sound("a.blue", &[0.9, 1.0, 1.1]));
        assert_eq!(values("a.blue=3..3/1"), sound("a.blue", &[3.0]));
        for (text, part) in [
            ("a.red", "RULE.GRADE"),
            ("red=1..2/1", "RULE.GRADE"),
            ("a.pink=1..2/1", "not a grade"),
            ("a.red=1..2", "RULE.GRADE"),
            ("a.red=2..1/1", "upwards"),
            ("a.red=1..2/0", "above 0"),
            ("a.red=1..2/-1", "above 0"),
            ("a.red=x1..2/1", "both ends"),
            ("a.red=0..1/0.0001", "at most 201"),
            ("a.red=0..1e300/1e-300", "at most 201"),
            ("a.red=0..nan/1", "RULE.GRADE"),
        ] {
            let why = values(text).expect_err("refused");
            assert!(why.contains(part), "{text}: {why}");
        }
    }
}
