//! `[[case.expect]]`: which subject of which rule, when, and what of it.

use watchfire_model::finding::FaultCause;
use watchfire_model::grade::Grade;
use watchfire_model::id::{RuleId, SubjectId};
use watchfire_model::time::{Span, Timestamp};
use watchfire_rules::trial::{Due, Expectation, Ground};

use crate::config::nearest::did_you_mean;
use crate::config::problem::{Place, Problem};
use crate::config::read::{At, Node, Table};

use super::file::Site;

/// Grades as a case words them; `clear` is what transitions print.
const GRADES: &[(&str, Option<Grade>)] = &[
    ("none", None),
    ("blue", Some(Grade::Blue)),
    ("yellow", Some(Grade::Yellow)),
    ("orange", Some(Grade::Orange)),
    ("red", Some(Grade::Red)),
    ("clear", None),
];

/// Evidence as a case words it.
pub(super) const GROUNDS: &[(&str, Ground)] = &[
    ("good", Ground::Good),
    ("degraded", Ground::Degraded),
    ("fault", Ground::Fault(None)),
    ("fault: range", Ground::Fault(Some(FaultCause::Range))),
    ("fault: bad value", Ground::Fault(Some(FaultCause::BadValue))),
    ("fault: clock", Ground::Fault(Some(FaultCause::Clock))),
    ("fault: stuck", Ground::Fault(Some(FaultCause::Stuck))),
    ("fault: saturated", Ground::Fault(Some(FaultCause::Saturated))),
    ("fault: device", Ground::Fault(Some(FaultCause::Device))),
    ("fault: link", Ground::Fault(Some(FaultCause::Link))),
    ("fault: unknown", Ground::Fault(Some(FaultCause::Unknown))),
    ("fault: unattended", Ground::Fault(Some(FaultCause::Unattended))),
    ("no data", Ground::NoData),
    ("rule error", Ground::RuleError),
    ("starting", Ground::Starting),
    ("out of service", Ground::OutOfService),
    ("calibrating", Ground::Calibrating),
];

/// The rule and the subject of a whole case, where its expectations do not name their own.
pub(super) struct Usual {
    pub(super) rule: Option<At<String>>,
    pub(super) subject: Option<At<String>>,
}

/// Where the parts of an expectation stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks {
    /// All of it.
    pub(super) at: Place,
    pub(super) grade: Option<Place>,
    pub(super) pending: Option<Place>,
    pub(super) evidence: Option<Place>,
    pub(super) transitions: Option<Place>,
}

/// Reads one expectation; a time with a grade and a list of transitions may stand in one table, and are two.
pub(super) fn read(table: Table<'_>, site: &Site, usual: &Usual, start: Timestamp) -> Vec<(Expectation, Marks)> {
    let rule = table.text("rule").or_else(|| usual.rule.clone());
    let subject = table.text("subject").or_else(|| usual.subject.clone());
    let at = table.get("at").and_then(|node| offset(&node));
    let grade = table.word("grade", GRADES);
    let pending = table.word("pending", GRADES);
    let evidence = table.word("evidence", GROUNDS);
    let transitions = table.get("transitions").map(|node| (node.at(), moves(&table, start)));
    let marks = Marks {
        at: table.at,
        grade: grade.as_ref().map(|it| it.at),
        pending: pending.as_ref().map(|it| it.at),
        evidence: evidence.as_ref().map(|it| it.at),
        transitions: transitions.as_ref().map(|(at, _)| *at),
    };
    let asked = ["grade", "pending", "evidence"].into_iter().any(|key| table.has(key));
    if !asked && transitions.is_none() {
        table.missing("grade`, `pending`, `evidence` or `transitions", "something must be expected");
    } else if let Some(at) = at.as_ref().filter(|_| !asked) {
        table
            .cx
            .report(Problem::error(at.at, "nothing is expected at this time").hint("transitions bear their own times"));
    }
    let named = named(&table, site, rule, subject);
    table.finish();
    let Some((rule, subject)) = named else { return Vec::new() };
    let expected = |due| Expectation { rule: rule.clone(), subject: subject.clone(), due };
    let mut all = Vec::new();
    if asked {
        all.push(expected(Due::Stands {
            at: at.map(|at| start + at.value),
            grade: grade.map(|it| it.value),
            pending: pending.map(|it| it.value),
            evidence: evidence.map(|it| it.value),
        }));
    }
    all.extend(transitions.map(|(_, moves)| expected(Due::Moves(moves))));
    all.into_iter().map(|expected| (expected, marks)).collect()
}

/// A time since the start of the case.
fn offset(node: &Node<'_>) -> Option<At<Span>> {
    let span = node.span()?;
    if span.value < Span::ZERO {
        node.cx.report(Problem::error(span.at, "a case has nothing before its start"));
        return None;
    }
    Some(span)
}

/// `["10m yellow", "2h30m none"]`.
fn moves(table: &Table<'_>, start: Timestamp) -> Vec<(Timestamp, Option<Grade>)> {
    let mut moves: Vec<(Timestamp, Option<Grade>)> = Vec::new();
    for text in table.texts("transitions") {
        let parts = text.value.trim().rsplit_once(char::is_whitespace);
        let read = parts.and_then(|(time, word)| {
            let (_, grade) = GRADES.iter().find(|(known, _)| *known == word)?;
            Some((time.trim().parse::<Span>().ok()?, *grade))
        });
        match read {
            Some((after, grade)) if moves.last().is_none_or(|(last, _)| *last <= start + after) => {
                moves.push((start + after, grade));
            }
            Some(_) => table.cx.report(Problem::error(text.at, "transitions are written in the order of their times")),
            None => {
                let word = text.value.split_whitespace().next_back().unwrap_or_default();
                let hint = did_you_mean(word, GRADES.iter().map(|(known, _)| *known).filter(|known| *known != word));
                let problem = Problem::error(text.at, format!("\"{}\" is no transition", text.value));
                let how = "write a time since the start and a grade, such as \"2h30m yellow\" or \"3h none\"";
                table.cx.report(problem.label(how).maybe_hint(hint));
            }
        }
    }
    moves
}

/// The rule and its subject, which may be left out where the rule has only one.
fn named(
    table: &Table<'_>,
    site: &Site,
    rule: Option<At<String>>,
    subject: Option<At<String>>,
) -> Option<(RuleId, SubjectId)> {
    let cx = table.cx;
    let Some(rule) = rule else {
        table.missing("rule", "the id of a rule, here or for the whole case");
        return None;
    };
    let known: Vec<&str> = site.settings.site().rules.iter().map(|rule| rule.id.as_str()).collect();
    let id = RuleId::from(rule.value.clone());
    let Some(explained) = site.settings.rules.explain(&id) else {
        let hint = did_you_mean(&rule.value, known.iter().copied()).unwrap_or_else(|| listed(&known));
        cx.report(Problem::error(rule.at, format!("there is no rule \"{}\"", rule.value)).hint(hint));
        return None;
    };
    let judged: Vec<&str> = explained.subjects.iter().map(|subject| subject.subject.as_str()).collect();
    match (subject, judged.as_slice()) {
        (None, [only]) => Some((id, SubjectId::from((*only).to_owned()))),
        (None, _) => {
            table.missing("subject", &format!("rule \"{id}\" judges more than one: {}", listed(&judged)));
            None
        }
        (Some(subject), _) if judged.contains(&subject.value.as_str()) => Some((id, SubjectId::from(subject.value))),
        (Some(subject), _) => {
            let hint = did_you_mean(&subject.value, judged.iter().copied()).unwrap_or_else(|| listed(&judged));
            let message = format!("rule \"{id}\" does not judge \"{}\"", subject.value);
            cx.report(Problem::error(subject.at, message).hint(hint));
            None
        }
    }
}

/// The first few names.
fn listed(names: &[&str]) -> String {
    match names {
        [] => "it judges nothing here".to_owned(),
        [first @ .., _] if names.len() > 8 => format!("known: {} …", first.get(..8).unwrap_or(first).join(", ")),
        all => format!("known: {}", all.join(", ")),
    }
}
