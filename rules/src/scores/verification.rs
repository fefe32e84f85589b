//! Brings warnings and occurrences together, and counts.

use serde::Serialize;
use watchfire_model::grade::Grade;
use watchfire_model::id::{AreaId, HazardId, WarningId};
use watchfire_model::time::{Span, Timestamp};

use super::course::{Course, Stretch};
use super::{Leads, Matching, Occurrence, Score};
use crate::figures::ratio;

/// What warnings came to against what happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verification {
    /// How they were brought together.
    pub matching: Matching,
    /// Each grade with all above it, lowest first.
    pub scores: Vec<Score>,
    /// What became of each occurrence, in the order given.
    pub occurrences: Vec<Answered>,
    /// Warnings of the lowest grade and above that answered nothing.
    pub unverified: Vec<Unverified>,
    /// Occurrences before or after the recording: nothing can be said of them.
    pub outside: u64,
    /// Warnings of hazards that no occurrence is of: nobody wrote down what happened.
    pub other_hazards: u64,
}

/// What became of one occurrence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answered {
    /// Which.
    #[serde(flatten)]
    pub occurrence: Occurrence,
    /// The highest grade that stood or rose in time; none = it was missed.
    pub grade: Option<Grade>,
    /// The warning that answered it first.
    pub warning: Option<WarningId>,
    /// Its rise to the lowest grade.
    pub rise: Option<Timestamp>,
    /// From there to the beginning; none where it had stood for longer than the longest lead.
    pub lead: Option<Span>,
}

/// A warning that answered nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unverified {
    /// Which.
    pub warning: WarningId,
    /// Its hazard.
    pub hazard: HazardId,
    /// Where.
    pub area: AreaId,
    /// The highest grade it reached.
    pub peak: Option<Grade>,
    /// When it stood.
    #[serde(flatten)]
    pub stretch: Stretch,
    /// Something may still come of it: the recording ends too early.
    pub undecided: bool,
}

/// Verifies the `courses` of a recording that lasted from `from` to `to` against `occurrences`, for each of `grades`.
///
/// Where every occurrence names its hazard, warnings of other hazards are left out: nobody wrote down what happened.
pub fn verify(
    courses: &[Course],
    occurrences: &[Occurrence],
    matching: Matching,
    (from, to): (Timestamp, Timestamp),
    grades: &[Grade],
) -> Verification {
    let judged: Vec<&Occurrence> = occurrences.iter().filter(|it| it.until >= from && it.from <= to).collect();
    let (told, others) = by_hazards(courses, occurrences);
    let lowest = lowest(grades);
    let ground = Ground {
        known: judged.clone(),
        told,
        judged,
        matching,
        risen: (Timestamp(i64::MIN), Timestamp(i64::MAX)),
        end: to,
    };
    Verification {
        matching,
        scores: grades.iter().map(|grade| ground.score(*grade)).collect(),
        occurrences: ground.answered(lowest),
        unverified: ground.unverified(lowest),
        outside: count(occurrences.len() - ground.judged.len()),
        other_hazards: count(others.len()),
    }
}

/// The courses that can be judged, and those that can't: where every occurrence names its hazard, nobody wrote down what
/// happened of the others.
pub(super) fn by_hazards<'a>(courses: &'a [Course], occurrences: &[Occurrence]) -> (Vec<&'a Course>, Vec<&'a Course>) {
    let any_hazard = occurrences.is_empty() || occurrences.iter().any(|it| it.hazard.is_none());
    let is_of =
        |course: &&Course| any_hazard || occurrences.iter().any(|it| it.hazard.as_ref() == Some(&course.hazard));
    courses.iter().partition(is_of)
}

pub(super) fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

pub(super) fn lowest(grades: &[Grade]) -> Grade {
    grades.iter().copied().min().unwrap_or(Grade::Blue)
}

/// What is held against what.
#[derive(Clone, Debug)]
pub(super) struct Ground<'a> {
    /// The warnings.
    pub(super) told: Vec<&'a Course>,
    /// What had to be warned of.
    pub(super) judged: Vec<&'a Occurrence>,
    /// What a warning may have answered; more than `judged` where a stretch of time is cut out of a longer record.
    pub(super) known: Vec<&'a Occurrence>,
    /// How they are brought together.
    pub(super) matching: Matching,
    /// Warnings count as verified or false if they rose from then on, and before then.
    pub(super) risen: (Timestamp, Timestamp),
    /// So far it is known what happened.
    pub(super) end: Timestamp,
}

/// Whether a stretch answers an occurrence.
fn answers(stretch: &Stretch, occurrence: &Occurrence, matching: Matching) -> bool {
    let (first, last) = (occurrence.from - matching.lead, occurrence.until + matching.tolerance);
    (stretch.from >= first && stretch.from <= last) || stretch.meets(occurrence.from, last)
}

fn is_for(course: &Course, occurrence: &Occurrence) -> bool {
    occurrence.area.as_ref().is_none_or(|area| *area == course.area)
        && occurrence.hazard.as_ref().is_none_or(|hazard| *hazard == course.hazard)
}

/// From the rise to the beginning, where the rise lies within the longest lead.
fn lead(stretch: &Stretch, occurrence: &Occurrence, matching: Matching) -> Option<Span> {
    let lead = occurrence.from - stretch.from;
    (lead <= matching.lead).then_some(lead)
}

impl<'a> Ground<'a> {
    /// The stretch from which an occurrence's lead time counts: the one in force when it began, else the last rise before,
    /// else the first after. An earlier one that was over by then warned of something else.
    pub(super) fn leading(&self, occurrence: &Occurrence, grade: Grade) -> Option<(&'a Course, Stretch)> {
        let fit = self.told.iter().filter(|course| is_for(course, occurrence));
        let stretches =
            fit.flat_map(|course| course.stretches(grade).into_iter().map(move |stretch| (*course, stretch)));
        let mut best: Option<(&Course, Stretch)> = None;
        for (course, stretch) in stretches.filter(|(_, stretch)| answers(stretch, occurrence, self.matching)) {
            // In force at the beginning comes first, then the latest before it, then the earliest after it.
            let rank = |stretch: &Stretch| {
                if stretch.meets(occurrence.from, occurrence.from) {
                    (2, -stretch.from.0)
                } else if stretch.from <= occurrence.from {
                    (1, stretch.from.0)
                } else {
                    (0, -stretch.from.0)
                }
            };
            if best.as_ref().is_none_or(|(_, known)| rank(&stretch) > rank(known)) {
                best = Some((course, stretch));
            }
        }
        best
    }

    /// The lead of each occurrence that was warned of; none where the warning had stood for longer than the longest.
    pub(super) fn hits(&self, grade: Grade) -> Vec<Option<Span>> {
        let leaders = self.judged.iter().filter_map(|it| Some((it, self.leading(it, grade)?.1)));
        leaders.map(|(it, stretch)| lead(&stretch, it, self.matching)).collect()
    }

    fn verifies(&self, course: &Course, stretch: &Stretch) -> bool {
        self.known.iter().any(|it| is_for(course, it) && answers(stretch, it, self.matching))
    }

    /// Whether something may still come of a warning that answers nothing.
    fn is_open(&self, stretch: &Stretch) -> bool {
        stretch.from + self.matching.lead > self.end
    }

    /// The stretches that count as verified or false.
    fn risen(&self, course: &Course, grade: Grade) -> impl Iterator<Item = Stretch> {
        let (from, to) = self.risen;
        course.stretches(grade).into_iter().filter(move |stretch| stretch.from >= from && stretch.from < to)
    }

    pub(super) fn score(&self, grade: Grade) -> Score {
        let hits = self.hits(grade);
        let leads: Vec<Span> = hits.iter().copied().flatten().collect();
        let (mut verified, mut false_alarms, mut undecided) = (0, 0, 0);
        for course in &self.told {
            for stretch in self.risen(course, grade) {
                if self.verifies(course, &stretch) {
                    verified += 1;
                } else if self.is_open(&stretch) {
                    undecided += 1;
                } else {
                    false_alarms += 1;
                }
            }
        }
        let happened = count(self.judged.len());
        let standing = count(hits.len() - leads.len());
        let hits = count(hits.len());
        let pod = (happened > 0).then(|| ratio(hits, happened));
        let warned = verified + false_alarms;
        let far = (warned > 0).then(|| ratio(false_alarms, warned));
        let (misses, csi, lead) = (happened - hits, csi(pod, far), Leads::of(leads));
        Score { grade, hits, misses, standing, verified, false_alarms, undecided, pod, far, csi, lead }
    }

    pub(super) fn answered(&self, lowest: Grade) -> Vec<Answered> {
        let one = |occurrence: &&Occurrence| {
            let reached = |grade: &Grade| self.leading(occurrence, *grade).is_some();
            let leader = self.leading(occurrence, lowest);
            Answered {
                occurrence: (*occurrence).clone(),
                grade: Grade::ALL.into_iter().rev().find(reached),
                warning: leader.as_ref().map(|(course, _)| course.warning.clone()),
                rise: leader.as_ref().map(|(_, stretch)| stretch.from),
                lead: leader.and_then(|(_, stretch)| lead(&stretch, occurrence, self.matching)),
            }
        };
        self.judged.iter().map(one).collect()
    }

    pub(super) fn unverified(&self, lowest: Grade) -> Vec<Unverified> {
        let of = |course: &&Course| -> Vec<Unverified> {
            let in_vain = self.risen(course, lowest).filter(|it| !self.verifies(course, it));
            let told = |stretch: Stretch| Unverified {
                warning: course.warning.clone(),
                hazard: course.hazard.clone(),
                area: course.area.clone(),
                peak: course.peak(),
                undecided: self.is_open(&stretch),
                stretch,
            };
            in_vain.map(told).collect()
        };
        self.told.iter().flat_map(of).collect()
    }
}

/// From the other two. Nothing detected, or nothing but false alarms, is no success at all.
fn csi(pod: Option<f64>, far: Option<f64>) -> Option<f64> {
    match (pod, far) {
        (None, None) => None,
        (Some(pod), Some(far)) if pod > 0.0 && far < 1.0 => Some(1.0 / (1.0 / pod + 1.0 / (1.0 - far) - 1.0)),
        (Some(_), Some(_) | None) | (None, Some(_)) => Some(0.0),
    }
}
