//! What a rule must say of a series, and whether it said it.

use serde::Deserialize;

use super::Sample;
use super::cases::index;

/// Values were rounded to six digits when they were written down.
const TOLERANCE: f64 = 1e-6;

/// A grade transition as `watchfire backtest -o json` prints it.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Transition {
    /// The sample's own time.
    pub time: String,
    /// The grade before.
    pub from: String,
    /// The grade after.
    pub to: String,
    /// The measure's value.
    pub value: Option<f64>,
}

/// A line of the backtest.
#[derive(Clone, Debug, Deserialize)]
pub struct Line {
    /// Which rule.
    pub rule: String,
    /// On what.
    pub subject: String,
    /// The transition.
    #[serde(flatten)]
    pub transition: Transition,
}

/// What one rule must have said.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The rule.
    pub rule: String,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// These transitions and no others.
    Exactly(Vec<Transition>),
    /// These first; whether others follow is not stated where there are 60.
    Begins(Vec<Transition>),
    /// Yellow first at this time, and never orange: see `cases::bracket`.
    Largest(String),
    /// The first raise, and on how many samples the grade stood.
    Stood { first: Option<String>, samples: usize },
}

impl Claim {
    /// These transitions and no others.
    pub fn exactly(rule: &str, transitions: Vec<Transition>) -> Self {
        Self { rule: rule.to_owned(), kind: Kind::Exactly(transitions) }
    }

    /// These transitions first. The expectation lists no more than 60: fewer are all there are.
    pub fn begins(rule: &str, transitions: Vec<Transition>) -> Self {
        let kind = if transitions.len() < 60 { Kind::Exactly(transitions) } else { Kind::Begins(transitions) };
        Self { rule: rule.to_owned(), kind }
    }

    /// A bracketed largest value, first reached at `at`.
    pub fn largest(rule: &str, at: String) -> Self {
        Self { rule: rule.to_owned(), kind: Kind::Largest(zoned(&at)) }
    }

    /// A grade that first stood at `first`, on so many samples in all.
    pub fn stood(rule: &str, first: Option<String>, samples: usize) -> Self {
        Self { rule: rule.to_owned(), kind: Kind::Stood { first, samples } }
    }

    /// Periods `[start, end, R, A]`: yellow from the start with the index of R and A, clear at the end.
    pub fn periods(rule: &str, periods: &[(String, String, f64, f64)]) -> Self {
        let edge = |at: &str, from: &str, to: &str, value| Transition {
            time: zoned(at),
            from: from.to_owned(),
            to: to.to_owned(),
            value,
        };
        let transitions = periods.iter().flat_map(|(start, end, r, a)| {
            [edge(start, "clear", "yellow", Some(index(*r, *a))), edge(end, "yellow", "clear", None)]
        });
        Self { rule: rule.to_owned(), kind: Kind::Exactly(transitions.collect()) }
    }

    /// What is wrong with what was said; nothing if it is right.
    pub fn refute(&self, lines: &[Line], samples: &[Sample]) -> Option<String> {
        let said: Vec<&Transition> =
            lines.iter().filter(|line| line.rule == self.rule).map(|line| &line.transition).collect();
        match &self.kind {
            Kind::Exactly(expected) => first_difference(expected, &said, false),
            Kind::Begins(expected) => first_difference(expected, &said, true),
            Kind::Largest(at) => {
                let first = said.first().map_or("never", |transition| transition.time.as_str());
                let beyond = said.iter().find(|transition| transition.to == "orange");
                match beyond {
                    Some(beyond) => Some(format!("{}: beyond the largest value at {}", self.rule, beyond.time)),
                    None => (first != at).then(|| format!("{}: the largest value at {first}, not at {at}", self.rule)),
                }
            }
            Kind::Stood { first, samples: count } => {
                let raised = said.first().map(|transition| &transition.time);
                if raised != first.as_ref() {
                    return Some(format!("{}: first raised at {raised:?}, not at {first:?}", self.rule));
                }
                let stood = stood_on(&said, samples);
                (stood != *count).then(|| format!("{}: stood on {stood} samples, not on {count}", self.rule))
            }
        }
    }
}

fn zoned(at: &str) -> String {
    if at.ends_with('Z') { at.to_owned() } else { format!("{at}Z") }
}

fn first_difference(expected: &[Transition], said: &[&Transition], more_may_follow: bool) -> Option<String> {
    let place = expected.iter().zip(said).position(|(expected, said)| !same(expected, said));
    let place = place.or_else(|| {
        let short = said.len() < expected.len();
        let long = said.len() > expected.len() && !more_may_follow;
        (short || long).then_some(expected.len().min(said.len()))
    })?;
    Some(format!("transition {}: expected {:?}, said {:?}", place + 1, expected.get(place), said.get(place)))
}

fn same(expected: &Transition, said: &Transition) -> bool {
    let value = match (expected.value, said.value) {
        (None, _) => true,
        (Some(expected), Some(said)) => (expected - said).abs() <= TOLERANCE,
        (Some(_), None) => false,
    };
    value && expected.time == said.time && expected.from == said.from && expected.to == said.to
}

/// On how many samples a grade stood: from each raise up to the next lift, that one not counted.
fn stood_on(said: &[&Transition], samples: &[Sample]) -> usize {
    let mut changes = said.iter().peekable();
    let mut standing = false;
    samples
        .iter()
        .filter(|sample| {
            let at = sample.at.to_string();
            while let Some(change) = changes.next_if(|change| change.time <= at) {
                standing = change.to != "clear";
            }
            standing
        })
        .count()
}

#[cfg(test)]
mod tests {
    use watchfire_model::time::Timestamp;

    use super::*;

    fn line(minute: u32, from: &str, to: &str, value: f64) -> Line {
        let time = format!("1970-01-01T00:{minute:02}:00Z");
        let transition = Transition { time, from: from.to_owned(), to: to.to_owned(), value: Some(value) };
        Line { rule: "r".to_owned(), subject: "s".to_owned(), transition }
    }

    fn transitions(lines: &[Line]) -> Vec<Transition> {
        lines.iter().map(|line| line.transition.clone()).collect()
    }

    #[test]
    fn a_claim_holds_for_what_it_states_and_for_nothing_else() {
        let said = [line(1, "clear", "blue", 2.0), line(3, "blue", "clear", 1.0)];
        let claim = Claim::exactly("r", transitions(&said));
        assert_eq!(claim.refute(&said, &[]), None);
        let cases = [
            vec![said[0].clone()],
            vec![said[0].clone(), line(3, "blue", "clear", 1.000_01)],
            vec![said[0].clone(), line(4, "blue", "clear", 1.0)],
            vec![line(1, "clear", "red", 2.0), said[1].clone()],
            vec![said[0].clone(), said[1].clone(), line(5, "clear", "blue", 2.0)],
            Vec::new(),
        ];
        for wrong in cases {
            assert!(claim.refute(&wrong, &[]).is_some(), "{wrong:?}");
        }
        let close = [line(1, "clear", "blue", 2.000_000_4), said[1].clone()];
        assert_eq!(claim.refute(&close, &[]), None, "values were rounded when they were written down");
    }

    #[test]
    fn a_largest_value_is_refuted_by_a_later_a_missing_and_a_larger_one() {
        let claim = Claim::largest("r", "1970-01-01T00:01:00".to_owned());
        assert_eq!(claim.refute(&[line(1, "clear", "yellow", 2.0)], &[]), None);
        assert!(claim.refute(&[line(2, "clear", "yellow", 2.0)], &[]).is_some());
        assert!(claim.refute(&[], &[]).is_some());
        assert!(claim.refute(&[line(1, "clear", "yellow", 2.0), line(2, "yellow", "orange", 3.0)], &[]).is_some());
    }

    #[test]
    fn samples_are_counted_from_the_raise_up_to_the_lift() {
        let samples: Vec<Sample> = (0..6).map(|minute| Sample { at: Timestamp(minute * 60_000), value: 0.0 }).collect();
        let said = [line(1, "clear", "blue", 2.0), line(3, "blue", "clear", 1.0)];
        let first = Some("1970-01-01T00:01:00Z".to_owned());
        assert_eq!(Claim::stood("r", first.clone(), 2).refute(&said, &samples), None);
        assert!(Claim::stood("r", first, 3).refute(&said, &samples).is_some());
        assert!(Claim::stood("r", None, 0).refute(&said, &samples).is_some());
        assert_eq!(Claim::stood("r", None, 0).refute(&[], &samples), None);
    }
}
