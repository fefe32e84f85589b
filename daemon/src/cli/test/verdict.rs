//! An expectation that was not met, as the rule's writer reads it: where it stands, what was expected, and what there was,
//! with times, values and thresholds.

use watchfire_model::finding::Evidence;
use watchfire_model::grade::Grade;
use watchfire_model::ladder::{Direction, Ladder};
use watchfire_model::time::{Span, Timestamp};
use watchfire_rules::desk::text::number;
use watchfire_rules::trial::{Due, Expectation, Got, Ground, Move, Standing, Verdict};

use crate::config::problem::{Place, Problem};
use crate::lang::Lang;

use super::case::Written;
use super::expect::{GROUNDS, Marks};
use super::file::Site;

/// Tells what is wrong; nothing where all is as expected.
pub(super) fn problem(case: &Written, place: usize, verdict: &Verdict, site: &Site, lang: Lang) -> Option<Problem> {
    let (expected, marks) = (case.case.expected.get(place)?, case.marks.get(place)?);
    if verdict.met {
        return None;
    }
    let teller = Teller { case, expected, site, lang };
    Some(match (&expected.due, &verdict.got) {
        (Due::Stands { grade, pending, evidence, .. }, Got::Stood(stood)) => {
            teller.stood(marks, (*grade, *pending, *evidence), stood)
        }
        (Due::Moves(due), Got::Moved(moved)) => teller.moved(marks, due, moved),
        (Due::Stands { .. } | Due::Moves(_), Got::Nobody | Got::Stood(_) | Got::Moved(_)) => {
            Problem::error(marks.at, teller.head(lang.pick("is not judged", "未被判断")))
        }
    })
}

struct Teller<'a> {
    case: &'a Written,
    expected: &'a Expectation,
    site: &'a Site,
    lang: Lang,
}

/// What was expected of a subject at one time.
type Wanted = (Option<Option<Grade>>, Option<Option<Grade>>, Option<Ground>);

impl Teller<'_> {
    fn head(&self, what: &str) -> String {
        let Expectation { rule, subject, .. } = self.expected;
        match self.lang {
            Lang::En => format!("\"{}\": {rule} of {subject} {what}", self.case.name),
            Lang::Zh => format!("“{}”:规则 {rule} 对 {subject} {what}", self.case.name),
        }
    }

    fn offset(&self, at: Timestamp) -> Span {
        at - self.case.case.start
    }

    fn stood(&self, marks: &Marks, wanted: Wanted, stood: &Standing) -> Problem {
        let lang = self.lang;
        let (grade, pending, evidence) = wanted;
        let at = self.offset(stood.at);
        let unit = self.unit();
        let mut due = Vec::new();
        let mut place = None;
        if let Some(grade) = grade {
            due.push(word(grade, lang).to_owned());
            place = place.or(marks.grade.filter(|_| grade != stood.grade));
        }
        if let Some(pending) = pending {
            due.push(format!("{} {}", lang.pick("pending", "待定"), word(pending, lang)));
            place = place.or(marks.pending.filter(|_| pending != stood.pending));
        }
        if let Some(ground) = evidence {
            due.push(format!("{} {}", lang.pick("evidence", "依据"), ground_word(ground)));
            place = place.or(marks.evidence.filter(|_| !ground.is(&stood.evidence)));
        }
        let value = stood.value.map(|value| format!("{}{unit}", number(value)));
        let mut got = vec![word(stood.grade, lang).to_owned()];
        got.extend(stood.pending.map(|it| format!("{} {}", lang.pick("pending", "待定"), word(Some(it), lang))));
        got.push(format!("{} {}", lang.pick("evidence", "依据"), self.evidence(&stood.evidence)));
        got.push(value.unwrap_or_else(|| lang.pick("no value", "无值").to_owned()));
        let head = match lang {
            Lang::En => format!("is not as expected at {at}"),
            Lang::Zh => format!("在 {at} 与预期不符"),
        };
        let label = if place == marks.grade { word(stood.grade, lang).to_owned() } else { String::new() };
        let label = if label.is_empty() { label } else { format!("{} {label}", lang.pick("it is", "实为")) };
        let mut lines = vec![
            format!("   {}  {}", lang.pick("expected", "预期"), due.join(", ")),
            format!("   {}  {}", lang.pick("got     ", "实际"), got.join(", ")),
        ];
        lines.extend(self.ladder());
        Problem::error(place.unwrap_or(marks.at), self.head(&head)).label(label).detail(lines)
    }

    fn moved(&self, marks: &Marks, due: &[(Timestamp, Option<Grade>)], moved: &[Move]) -> Problem {
        let lang = self.lang;
        let place: Place = marks.transitions.unwrap_or(marks.at);
        let mut lines = Vec::new();
        let (mut due, mut moved) = (due.iter().peekable(), moved.iter().peekable());
        // Both are in the order of their times: what is in one alone is marked.
        loop {
            match (due.peek(), moved.peek()) {
                (None, None) => break,
                (Some((at, grade)), Some(got)) if *at == got.at && *grade == got.grade => {
                    lines.push(self.line(' ', got.at, got.grade, &self.cause(got)));
                    due.next();
                    moved.next();
                }
                (Some((at, grade)), got) if got.is_none_or(|got| *at <= got.at) => {
                    lines.push(self.line('-', *at, *grade, lang.pick("expected", "预期")));
                    due.next();
                }
                (_, Some(got)) => {
                    let cause = self.cause(got);
                    lines.push(self.line(
                        '+',
                        got.at,
                        got.grade,
                        format!("{}  {cause}", lang.pick("got", "实际")).trim_end(),
                    ));
                    moved.next();
                }
                (Some(_), None) => break,
            }
        }
        lines.extend(self.ladder());
        Problem::error(place, self.head(lang.pick("did not change as expected", "的等级变化与预期不符"))).detail(lines)
    }

    fn line(&self, sign: char, at: Timestamp, grade: Option<Grade>, rest: &str) -> String {
        let time = self.offset(at).to_string();
        format!(" {sign} {time:<9} {:<6}  {rest}", word(grade, self.lang))
    }

    /// The value of a change beside the threshold that it crossed.
    fn cause(&self, got: &Move) -> String {
        let unit = self.unit();
        let falling = self.found().is_some_and(|ladder| ladder.direction == Direction::Falling);
        match (got.value, got.threshold) {
            (Some(value), Some(threshold)) => {
                let beyond = if falling { value <= threshold } else { value >= threshold };
                let sign = match (beyond, falling) {
                    (true, false) => "≥",
                    (true, true) => "≤",
                    (false, false) => "<",
                    (false, true) => ">",
                };
                format!("{} {sign} {}{unit}", number(value), number(threshold))
            }
            (Some(value), None) => format!("{}{unit}", number(value)),
            (None, _) => String::new(),
        }
    }

    fn found(&self) -> Option<Ladder> {
        self.site.settings.rules.ladder(&self.expected.rule, &self.expected.subject)
    }

    /// Where each grade is entered and left.
    fn ladder(&self) -> Option<String> {
        let ladder = self.found()?;
        let (lang, unit) = (self.lang, self.unit());
        let (enter, leave) = match ladder.direction {
            Direction::Rising => ("≥", "<"),
            Direction::Falling => ("≤", ">"),
        };
        let steps = ladder.steps.iter().map(|step| {
            let (raise, lift) = (number(step.raise_at.get()), number(step.lift_below.get()));
            format!(
                "{} {enter} {raise}, {} {leave} {lift}{unit}",
                word(Some(step.grade), lang),
                lang.pick("left", "退出")
            )
        });
        Some(format!("   {}  {}", lang.pick("ladder  ", "阈值"), steps.collect::<Vec<_>>().join("; ")))
    }

    fn unit(&self) -> String {
        let subject = self.site.settings.rules.explain(&self.expected.rule).and_then(|explained| {
            explained.subjects.into_iter().find(|subject| subject.subject == self.expected.subject)
        });
        let symbol = subject.and_then(|subject| subject.unit).map_or("", |unit| unit.symbol);
        if matches!(symbol, "" | "1") { String::new() } else { format!(" {symbol}") }
    }

    fn evidence(&self, evidence: &Evidence) -> String {
        let lang = self.lang;
        match evidence {
            Evidence::Degraded { left, of } => format!("degraded ({left}/{of})"),
            Evidence::NoData { since } => {
                let last = self.offset(*since);
                format!("no data ({} {last})", lang.pick("last heard at", "最后收到于"))
            }
            Evidence::RuleError { message } => format!("rule error ({message})"),
            Evidence::Fault { cause } => ground_word(Ground::Fault(Some(*cause))).to_owned(),
            Evidence::Good => "good".to_owned(),
            Evidence::Starting => "starting".to_owned(),
            Evidence::OutOfService => "out of service".to_owned(),
            Evidence::Calibrating => "calibrating".to_owned(),
        }
    }
}

/// The word of a ground, as a case would say it.
fn ground_word(ground: Ground) -> &'static str {
    GROUNDS.iter().find(|(_, known)| *known == ground).map_or("fault", |(word, _)| word)
}

/// A grade as a case words it.
pub(super) const fn word(grade: Option<Grade>, lang: Lang) -> &'static str {
    match (grade, lang) {
        (None, Lang::En) => "none",
        (None, Lang::Zh) => "无",
        (Some(grade), Lang::En) => grade.word(),
        (Some(grade), Lang::Zh) => grade.han(),
    }
}

#[cfg(test)]
mod tests {
    use watchfire_model::finding::FaultCause;

    use super::*;

    /// Whatever an Evaluator can say of a fault has a word in a case.
    #[test]
    fn every_fault_can_be_expected() {
        for cause in [
            FaultCause::Range,
            FaultCause::BadValue,
            FaultCause::Clock,
            FaultCause::Stuck,
            FaultCause::Saturated,
            FaultCause::Device,
            FaultCause::Link,
            FaultCause::Unknown,
            FaultCause::Unattended,
        ] {
            let word = ground_word(Ground::Fault(Some(cause)));
            assert!(word.starts_with("fault: "), "{cause:?} is \"{word}\"");
        }
    }
}
