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
    let any_hazard = occurrences.is_empty() || occurrences.iter().any(|it| it.hazard.is_none());
    let is_of =
        |course: &&Course| any_hazard || occurrences.iter().any(|it| it.hazard.as_ref() == Some(&course.hazard));
    let (told, others): (Vec<&Course>, Vec<&Course>) = courses.iter().partition(is_of);
    let scores = grades.iter().map(|grade| score(&told, &judged, matching, to, *grade)).collect();
    let lowest = grades.iter().copied().min().unwrap_or(Grade::Blue);
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    Verification {
        matching,
        scores,
        occurrences: judged.iter().map(|it| answered(&told, it, matching, lowest)).collect(),
        unverified: told.iter().flat_map(|course| unverified(course, &judged, matching, to, lowest)).collect(),
        outside: count(occurrences.len() - judged.len()),
        other_hazards: count(others.len()),
    }
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

/// The stretch from which an occurrence's lead time counts: the one in force when it began, else the last rise before,
/// else the first after. An earlier one that was over by then warned of something else.
fn leading<'a>(
    told: &[&'a Course],
    occurrence: &Occurrence,
    matching: Matching,
    grade: Grade,
) -> Option<(&'a Course, Stretch)> {
    let fit = told.iter().filter(|course| is_for(course, occurrence));
    let stretches = fit.flat_map(|course| course.stretches(grade).into_iter().map(move |stretch| (*course, stretch)));
    let mut best: Option<(&Course, Stretch)> = None;
    for (course, stretch) in stretches.filter(|(_, stretch)| answers(stretch, occurrence, matching)) {
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

/// From the rise to the beginning, where the rise lies within the longest lead.
fn lead(stretch: &Stretch, occurrence: &Occurrence, matching: Matching) -> Option<Span> {
    let lead = occurrence.from - stretch.from;
    (lead <= matching.lead).then_some(lead)
}

fn score(told: &[&Course], judged: &[&Occurrence], matching: Matching, end: Timestamp, grade: Grade) -> Score {
    let (mut hits, mut standing, mut leads) = (0, 0, Vec::new());
    for occurrence in judged {
        let Some((_, stretch)) = leading(told, occurrence, matching, grade) else { continue };
        hits += 1;
        match lead(&stretch, occurrence, matching) {
            Some(lead) => leads.push(lead),
            None => standing += 1,
        }
    }
    let (mut verified, mut false_alarms, mut undecided) = (0, 0, 0);
    for course in told {
        for stretch in course.stretches(grade) {
            if verifies(course, &stretch, judged, matching) {
                verified += 1;
            } else if stretch.from + matching.lead > end {
                undecided += 1;
            } else {
                false_alarms += 1;
            }
        }
    }
    let happened = u64::try_from(judged.len()).unwrap_or(u64::MAX);
    let pod = (happened > 0).then(|| ratio(hits, happened));
    let warned = verified + false_alarms;
    let far = (warned > 0).then(|| ratio(false_alarms, warned));
    let lead = Leads::of(leads);
    Score {
        grade,
        hits,
        misses: happened - hits,
        standing,
        verified,
        false_alarms,
        undecided,
        pod,
        far,
        csi: csi(pod, far),
        lead,
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

fn verifies(course: &Course, stretch: &Stretch, judged: &[&Occurrence], matching: Matching) -> bool {
    judged.iter().any(|it| is_for(course, it) && answers(stretch, it, matching))
}

fn answered(told: &[&Course], occurrence: &Occurrence, matching: Matching, lowest: Grade) -> Answered {
    let reached = |grade: &Grade| leading(told, occurrence, matching, *grade).is_some();
    let leader = leading(told, occurrence, matching, lowest);
    Answered {
        occurrence: occurrence.clone(),
        grade: Grade::ALL.into_iter().rev().find(reached),
        warning: leader.as_ref().map(|(course, _)| course.warning.clone()),
        rise: leader.as_ref().map(|(_, stretch)| stretch.from),
        lead: leader.and_then(|(_, stretch)| lead(&stretch, occurrence, matching)),
    }
}

fn unverified(
    course: &Course,
    judged: &[&Occurrence],
    matching: Matching,
    end: Timestamp,
    lowest: Grade,
) -> Vec<Unverified> {
    let in_vain = course.stretches(lowest).into_iter().filter(|it| !verifies(course, it, judged, matching));
    let told = |stretch: Stretch| Unverified {
        warning: course.warning.clone(),
        hazard: course.hazard.clone(),
        area: course.area.clone(),
        peak: course.peak(),
        undecided: stretch.from + matching.lead > end,
        stretch,
    };
    in_vain.map(told).collect()
}
