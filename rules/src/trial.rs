//! A case: what sensors say, told to an Evaluator in virtual time, and whether its grades and its evidence are then what
//! was expected. Where cases are written, and how a failure is shown, is not here.

use std::sync::Arc;

use watchfire_model::finding::{Evidence, FaultCause, Finding};
use watchfire_model::grade::Grade;
use watchfire_model::id::{PointIx, RuleId, SubjectId};
use watchfire_model::quantity::{Bad, Finite};
use watchfire_model::time::{Span, Timestamp};

use crate::engine::Overseer;
use crate::evaluator::Evaluator;
use crate::replay::Replay;
use crate::ruleset::RuleSet;

pub mod mutant;
pub mod notation;

use notation::Slot;

/// What is told, and what is expected of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// When it begins; silence is counted from here.
    pub start: Timestamp,
    /// What each point says.
    pub series: Vec<Series>,
    /// What is expected.
    pub expected: Vec<Expectation>,
}

/// What one point says, slot by slot from the start of the case.
#[derive(Clone, Debug)]
pub struct Series {
    /// Which point.
    pub point: PointIx,
    /// Time between two slots.
    pub interval: Span,
    /// One a slot.
    pub slots: Vec<Slot>,
}

/// Something expected of one subject of one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// Which rule.
    pub rule: RuleId,
    /// On what.
    pub subject: SubjectId,
    /// What.
    pub due: Due,
}

/// What is expected.
#[derive(Clone, Debug, PartialEq)]
pub enum Due {
    /// Where it stands at a time, after all that was said until then. What is not written may be anything.
    Stands {
        /// The time; none = the end of the case.
        at: Option<Timestamp>,
        /// The judged grade, or none.
        grade: Option<Option<Grade>>,
        /// A higher grade whose delay runs, or none.
        pending: Option<Option<Grade>>,
        /// The ground under it.
        evidence: Option<Ground>,
    },
    /// Every change of its judged grade: these, in this order, and no others.
    Moves(Vec<(Timestamp, Option<Grade>)>),
}

/// The ground under a grade, as an expectation words it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// All inputs good.
    Good,
    /// Fewer inputs than there should be, still enough.
    Degraded,
    /// An input is there and not usable, for this cause or for any.
    Fault(Option<FaultCause>),
    /// Nothing heard.
    NoData,
    /// The rule itself failed.
    RuleError,
    /// Not heard since the start.
    Starting,
    /// Taken out of service.
    OutOfService,
    /// Being calibrated.
    Calibrating,
}

impl Ground {
    /// Whether `evidence` is this.
    pub fn is(self, evidence: &Evidence) -> bool {
        match (self, evidence) {
            (Self::Fault(wanted), Evidence::Fault { cause }) => wanted.is_none_or(|wanted| wanted == *cause),
            (Self::Good, Evidence::Good)
            | (Self::Degraded, Evidence::Degraded { .. })
            | (Self::NoData, Evidence::NoData { .. })
            | (Self::RuleError, Evidence::RuleError { .. })
            | (Self::Starting, Evidence::Starting)
            | (Self::OutOfService, Evidence::OutOfService)
            | (Self::Calibrating, Evidence::Calibrating) => true,
            (
                Self::Fault(_)
                | Self::Good
                | Self::Degraded
                | Self::NoData
                | Self::RuleError
                | Self::Starting
                | Self::OutOfService
                | Self::Calibrating,
                _,
            ) => false,
        }
    }
}

/// What came of an expectation.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// It is as expected.
    pub met: bool,
    /// What there was.
    pub got: Got,
}

/// What there was in place of what was expected, or as expected.
#[derive(Clone, Debug, PartialEq)]
pub enum Got {
    /// Where the subject stood.
    Stood(Standing),
    /// Every change of its judged grade.
    Moved(Vec<Move>),
    /// The rule judges no such subject.
    Nobody,
}

/// Where a subject stood at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// When that was.
    pub at: Timestamp,
    /// The judged grade.
    pub grade: Option<Grade>,
    /// A higher grade whose delay ran.
    pub pending: Option<Grade>,
    /// The ground under it.
    pub evidence: Evidence,
    /// The measure's last value, in the rule's unit.
    pub value: Option<f64>,
}

/// One change of a judged grade.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// Event time of the change.
    pub at: Timestamp,
    /// The grade after it.
    pub grade: Option<Grade>,
    /// The measure's value, in the rule's unit.
    pub value: Option<f64>,
    /// The threshold that was crossed.
    pub threshold: Option<f64>,
}

impl Case {
    /// When it is over: the last slot, the last time asked for, and, where a series ends with `stale`, when that sensor
    /// has been found silent.
    pub fn end(&self, rules: &RuleSet) -> Timestamp {
        let said = self.series.iter().map(|series| {
            let last = series.at(self.start, series.slots.len().saturating_sub(1));
            let silent = series.slots.last() == Some(&Slot::Stale);
            let point = rules.site().point(series.point).filter(|_| silent);
            last + point.map_or(Span::ZERO, |point| point.stale_after())
        });
        let asked = self.expected.iter().flat_map(|expected| match &expected.due {
            Due::Stands { at, .. } => at.iter().copied().collect::<Vec<_>>(),
            Due::Moves(moves) => moves.iter().map(|(at, _)| *at).collect(),
        });
        said.chain(asked).max().unwrap_or(self.start)
    }

    /// Tells the case to an Evaluator that has heard nothing; one verdict for each expectation, in order.
    pub fn tell(&self, rules: &Arc<RuleSet>) -> Vec<Verdict> {
        self.tell_overseen(rules, None)
    }

    /// The same, where `overseer` hears of each script.
    pub fn tell_overseen(&self, rules: &Arc<RuleSet>, overseer: Option<&Arc<dyn Overseer>>) -> Vec<Verdict> {
        let end = self.end(rules);
        let mut evaluator = Evaluator::new(Arc::clone(rules));
        if let Some(overseer) = overseer {
            evaluator.oversee(Arc::clone(overseer));
        }
        let mut telling = Telling {
            case: self,
            replay: Replay::new(evaluator),
            stood: vec![None; self.expected.len()],
            moved: vec![Vec::new(); self.expected.len()],
        };
        let mut asked: Vec<(Timestamp, usize)> = self
            .expected
            .iter()
            .enumerate()
            .filter_map(|(place, expected)| match expected.due {
                Due::Stands { at, .. } => Some((at.unwrap_or(end), place)),
                Due::Moves(_) => None,
            })
            .collect();
        asked.sort_unstable();
        let mut asked = asked.into_iter().peekable();
        telling.advance(self.start);
        for (at, point, value) in self.readings() {
            while let Some((_, place)) = asked.next_if(|(when, _)| *when < at) {
                telling.look(place, end);
            }
            telling.observe(point, at, value);
        }
        asked.for_each(|(_, place)| telling.look(place, end));
        telling.advance(end);
        telling.verdicts(rules)
    }

    /// The same as far as it is about one rule, over at the same time; nothing where it expects nothing of that rule.
    pub fn about(&self, rule: &RuleId, rules: &RuleSet) -> Option<Self> {
        let end = self.end(rules);
        let mut expected: Vec<Expectation> =
            self.expected.iter().filter(|expected| expected.rule == *rule).cloned().collect();
        for expected in &mut expected {
            if let Due::Stands { at, .. } = &mut expected.due {
                *at = at.or(Some(end));
            }
        }
        (!expected.is_empty()).then(|| Self { expected, ..self.clone() })
    }

    /// All that is said, in order of time; at the same time in the order of the series.
    fn readings(&self) -> Vec<(Timestamp, PointIx, Result<Finite, Bad>)> {
        let mut all = Vec::new();
        for series in &self.series {
            for (place, slot) in series.slots.iter().enumerate() {
                match slot {
                    Slot::Said(value) => all.push((series.at(self.start, place), series.point, *value)),
                    Slot::Missing | Slot::Stale => {}
                }
            }
        }
        all.sort_by_key(|(at, _, _)| *at);
        all
    }
}

impl Series {
    /// The time of a slot.
    fn at(&self, start: Timestamp, slot: usize) -> Timestamp {
        start + Span(self.interval.0.saturating_mul(i64::try_from(slot).unwrap_or(i64::MAX)))
    }
}

/// A case on its way.
struct Telling<'a> {
    case: &'a Case,
    replay: Replay,
    stood: Vec<Option<Standing>>,
    moved: Vec<Vec<Move>>,
}

impl Telling<'_> {
    fn advance(&mut self, at: Timestamp) {
        let (expected, moved) = (&self.case.expected, &mut self.moved);
        self.replay.advance(at, |finding| note(expected, moved, finding));
    }

    fn observe(&mut self, point: PointIx, at: Timestamp, value: Result<Finite, Bad>) {
        let (expected, moved) = (&self.case.expected, &mut self.moved);
        self.replay.observe(point, at, value, |finding| note(expected, moved, finding));
    }

    /// Notes where a subject stands that is asked for now.
    fn look(&mut self, place: usize, end: Timestamp) {
        let Some(expected) = self.case.expected.get(place) else { return };
        let Due::Stands { at, .. } = expected.due else { return };
        let at = at.unwrap_or(end);
        self.advance(at);
        let mut subjects = self.replay.evaluator().subjects();
        let found = subjects.find(|view| *view.rule == expected.rule && *view.subject == expected.subject);
        let standing = found.map(|view| Standing {
            at,
            grade: view.judged,
            pending: view.pending,
            evidence: view.evidence,
            value: view.value,
        });
        if let Some(stood) = self.stood.get_mut(place) {
            *stood = standing;
        }
    }

    fn verdicts(self, rules: &RuleSet) -> Vec<Verdict> {
        let each = self.case.expected.iter().zip(self.stood).zip(self.moved);
        each.map(|((expected, stood), moved)| match (&expected.due, stood) {
            (Due::Moves(due), _) if rules.ladder(&expected.rule, &expected.subject).is_some() => {
                let same = moved.iter().map(|it| (it.at, it.grade)).eq(due.iter().copied());
                Verdict { met: same, got: Got::Moved(moved) }
            }
            (Due::Stands { grade, pending, evidence, .. }, Some(stood)) => {
                let met = grade.is_none_or(|grade| grade == stood.grade)
                    && pending.is_none_or(|pending| pending == stood.pending)
                    && evidence.is_none_or(|ground| ground.is(&stood.evidence));
                Verdict { met, got: Got::Stood(stood) }
            }
            (Due::Moves(_) | Due::Stands { .. }, _) => Verdict { met: false, got: Got::Nobody },
        })
        .collect()
    }
}

/// Notes a change of grade for every expectation that wants to know.
fn note(expected: &[Expectation], moved: &mut [Vec<Move>], finding: &Finding) {
    if finding.from == finding.judged {
        return;
    }
    for (expected, moved) in expected.iter().zip(moved) {
        if expected.rule == finding.rule && expected.subject == finding.subject {
            let Finding { at, judged, value, threshold, .. } = finding;
            moved.push(Move { at: *at, grade: *judged, value: *value, threshold: *threshold });
        }
    }
}

#[cfg(test)]
mod tests;
