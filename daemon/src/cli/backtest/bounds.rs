//! What scores must come to, such as `--min-pod orange=0.6`, and what is said of those that do not.

use std::str::FromStr;

use watchfire_model::grade::Grade;
use watchfire_rules::scores::Score;

/// A ratio that must be kept, of one grade.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// Of which; none = the lowest that any rule has.
    grade: Option<Grade>,
    ratio: f64,
}

/// Which ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ratio {
    /// At least so many detected.
    Pod,
    /// At most so many false.
    Far,
}

impl FromStr for Bound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (grade, ratio) = match text.split_once('=') {
            Some((grade, ratio)) => (Some(grade.trim().parse::<Grade>().map_err(|error| error.to_string())?), ratio),
            None => (None, text),
        };
        let number = ratio.trim().parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
        let ratio = number.ok_or_else(|| format!("\"{ratio}\" is not a number from 0 to 1"))?;
        Ok(Self { grade, ratio })
    }
}

impl Bound {
    /// What is said if the scores do not keep it.
    pub(super) fn unmet(&self, what: Ratio, scores: &[Score]) -> Option<String> {
        let score = match self.grade {
            Some(grade) => scores.iter().find(|score| score.grade == grade),
            None => scores.first(),
        };
        let (word, asked) = match what {
            Ratio::Pod => ("POD", format!("at least {} was asked for", self.ratio)),
            Ratio::Far => ("FAR", format!("at most {} was asked for", self.ratio)),
        };
        let Some(score) = score else {
            let grade = self.grade.map_or("any grade", Grade::word);
            return Some(format!("{word}: {asked}, and no rule has {grade}"));
        };
        let (found, kept) = match what {
            Ratio::Pod => (score.pod, score.pod.is_some_and(|pod| pod >= self.ratio)),
            // Who never warns is never wrong.
            Ratio::Far => (score.far, score.far.is_none_or(|far| far <= self.ratio)),
        };
        let grade = score.grade;
        match found {
            _ if kept => None,
            Some(found) => Some(format!("{word} of {grade} is {found:.3}; {asked}")),
            None => Some(format!("{word} of {grade}: there is nothing to tell it by; {asked}")),
        }
    }
}
