//! Whether enough speaks for the judged grade for the public to be told (SEMANTICS §4): so many valid samples of the sensor
//! that raised it, or so long, or two independent sensors. A sensor that has said nothing else since it was first heard
//! proves nothing by saying it again (invariant 17). Nothing here changes a grade, and those on duty hear at once.

use serde::{Deserialize, Serialize};
use watchfire_model::doubt::{Because, Doubt};
use watchfire_model::grade::Grade;
use watchfire_model::time::{Span, Timestamp};

use super::subject::{Cause, Subject};
use crate::ruleset::{Compiled, SubjectPlan};

/// What speaks for the judged grade.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Proof {
    /// Whose reading raised it: its place among what the measure reads.
    by: Option<usize>,
    /// When a sample was last counted.
    at: Option<Timestamp>,
    /// Valid samples of that sensor that met each grade.
    met: [u32; 4],
    /// Two independent sensors met it.
    agreed: Option<Grade>,
    /// What is still in doubt.
    pub(super) doubt: Option<Doubt>,
}

/// A valid sample, as proof of a grade.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sampled {
    /// In its turn, with the grade that it met.
    Fresh(Timestamp, Option<Grade>),
    /// Late, or in the place of another, with the grade that it raised.
    Late(Timestamp, Grade),
}

/// The grade that a value meets, where a second sensor could speak for it and it takes that.
pub(super) fn wants_a_second(
    proof: Option<&Proof>,
    plan: &SubjectPlan,
    compiled: &Compiled,
    value: f64,
) -> Option<Grade> {
    let needs = compiled.public_after.as_ref()?;
    let agreed = proof.and_then(|proof| proof.agreed);
    let met = plan.rungs.grade_of(value, Grade::Red).filter(|met| agreed < Some(*met))?;
    let takes = needs.iter().zip(Grade::ALL).any(|(delay, grade)| grade <= met && !delay.is_none());
    (takes && plan.witnesses.count() > 1).then_some(met)
}

impl Proof {
    pub(super) fn shift(&mut self, by: Span) {
        self.at = self.at.map(|at| at + by);
    }

    /// Counts a sample, once for each time, if it is of the sensor that raised the grade. One that is late is the first to
    /// have met what it raised.
    fn count(&mut self, by: Option<usize>, sampled: Sampled) {
        let raised_by = *self.by.get_or_insert(by.unwrap_or_default());
        if by.is_some_and(|by| by != raised_by) {
            return;
        }
        match sampled {
            Sampled::Fresh(at, _) if self.at.is_some_and(|last| at <= last) => {}
            Sampled::Fresh(at, met) => {
                self.at = Some(at);
                for (count, grade) in self.met.iter_mut().zip(Grade::ALL) {
                    *count = count.saturating_add(u32::from(met >= Some(grade)));
                }
            }
            Sampled::Late(at, raised) => {
                self.at = self.at.max(Some(at));
                for (count, grade) in self.met.iter_mut().zip(Grade::ALL) {
                    *count = (*count).max(u32::from(raised >= grade));
                }
            }
        }
    }

    /// Whether the sensor that raised it has ever said anything else.
    fn rests_on_what_moves(&self, cause: &Cause<'_>) -> bool {
        let moves = |place: usize| {
            let look = cause.plan.reads.get(place);
            look.and_then(|look| cause.gate.point(look.point)).is_some_and(crate::quality::PointGate::has_moved)
        };
        match self.by {
            Some(place) => moves(place),
            None => (0..cause.plan.reads.len()).any(moves),
        }
    }
}

impl Subject {
    /// What is still in doubt.
    pub(super) fn doubt(&self) -> Option<Doubt> {
        self.proof.as_ref()?.doubt
    }

    /// Weighs what speaks for the grade that is judged now, with a sample that was `seen`.
    pub(super) fn prove(&mut self, cause: &Cause<'_>, seen: Option<Sampled>) {
        let Some(needs) = &cause.compiled.public_after else { return };
        let level = self.climb.level();
        let takes = |grade: Grade| !needs[usize::from(grade.level()) - 1].is_none();
        if cause.plan.rungs.highest(level, takes).is_none() {
            self.proof = None;
            return;
        }
        let proof = self.proof.get_or_insert_default();
        for (count, grade) in proof.met.iter_mut().zip(Grade::ALL) {
            if grade.level() > level {
                *count = 0;
            }
        }
        let place = cause.by.and_then(|by| cause.plan.reads.iter().position(|look| look.point == by));
        if let Some(sampled) = seen {
            proof.count(place, sampled);
        }
        proof.agreed = proof.agreed.max(cause.agreed).min(Grade::from_level(level));
        let moves = proof.rests_on_what_moves(cause);
        let proven = |grade: Grade| {
            let needed = needs[usize::from(grade.level()) - 1];
            let (in_a_row, covered) = self.climb.met(grade);
            let samples = in_a_row.max(proof.met[usize::from(grade.level()) - 1]);
            needed.is_none()
                || proof.agreed >= Some(grade)
                || (moves
                    && (needed.samples.is_some_and(|enough| samples >= enough)
                        || needed.span.is_some_and(|enough| samples > 0 && covered >= enough)))
        };
        let sure = cause.plan.rungs.highest(level, proven);
        proof.doubt = Grade::from_level(level).filter(|judged| sure < Some(*judged)).map(|judged| {
            let because = if moves { Because::Few } else { Because::Still };
            let lasting = needs[usize::from(judged.level()) - 1].span.filter(|_| moves);
            Doubt { because, sure, lasting }
        });
    }
}
