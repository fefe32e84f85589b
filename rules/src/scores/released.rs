//! How well what was really released did against what really happened, hazard by hazard and for all of them together, in
//! a stretch of time cut out of a longer record; and what share of it was warned of long enough before.

use std::collections::BTreeSet;

use serde::Serialize;
use watchfire_model::grade::Grade;
use watchfire_model::id::HazardId;
use watchfire_model::time::{Span, Timestamp};

use super::course::Course;
use super::verification::{Answered, Ground, Unverified, by_hazards, count, lowest};
use super::{Matching, Occurrence, Score};
use crate::figures::ratio;

/// The stretch of time that is scored.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// What happened, and warnings that rose, from then on …
    pub from: Timestamp,
    /// … and before then.
    pub to: Timestamp,
    /// So far it is known what happened: a warning that rose less than the longest lead before it may still be verified.
    pub known_until: Timestamp,
}

/// What the released warnings came to. Spans are in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Released {
    /// How warnings and occurrences were brought together.
    pub matching: Matching,
    /// The lead time that is asked for.
    pub goal: Span,
    /// Each hazard by itself, and last, without a name, all of them.
    pub outcomes: Vec<Outcome>,
    /// What became of each occurrence, in the order given.
    pub occurrences: Vec<Answered>,
    /// Warnings of the lowest grade and above that answered nothing.
    pub unverified: Vec<Unverified>,
    /// Occurrences before or after the stretch of time.
    pub outside: u64,
    /// Warnings of hazards that no occurrence is of: nobody wrote down what happened.
    pub other_hazards: u64,
}

/// What one hazard's warnings came to, or those of all.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// Which hazard; none = all.
    pub hazard: Option<HazardId>,
    /// Each grade with all above it, lowest first.
    pub scores: Vec<Graded>,
}

/// A score, and how often the warning came long enough before.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Graded {
    /// The score.
    #[serde(flatten)]
    pub score: Score,
    /// Occurrences that were warned of at least the lead asked for before they began.
    pub in_time: u64,
    /// Their share of all that happened, percent; none where nothing happened.
    pub in_time_percent: Option<f64>,
}

impl Released {
    /// Scores `courses`, each from its beginning, for each of `grades`. What lies before the window and after it is known
    /// too: a warning that rose in the window may answer what came after it, and what happened in the window may have been
    /// warned of before it.
    ///
    /// An occurrence that names no hazard counts for each hazard that warned of it, and for all together.
    pub fn score(
        courses: &[Course],
        occurrences: &[Occurrence],
        matching: Matching,
        goal: Span,
        window: Window,
        grades: &[Grade],
    ) -> Self {
        let (told, others) = by_hazards(courses, occurrences);
        let judged = |it: &&Occurrence| it.until >= window.from && it.from < window.to;
        let all = Ground {
            told,
            judged: occurrences.iter().filter(judged).collect(),
            known: occurrences.iter().collect(),
            matching,
            risen: (window.from, window.to),
            end: window.known_until,
        };
        let lowest = lowest(grades);
        let rose = |course: &&Course| course.steps.iter().any(|(at, _)| *at >= window.from && *at < window.to);
        let told = all.told.iter().copied().filter(rose).map(|course| &course.hazard);
        let named = all.judged.iter().filter_map(|it| it.hazard.as_ref());
        let hazards: BTreeSet<&HazardId> = told.chain(named).collect();
        let by_hazard = hazards.into_iter().map(|hazard| {
            let ground = of(&all, hazard, lowest);
            outcome(Some(hazard.clone()), &ground, goal, grades)
        });
        Self {
            matching,
            goal,
            outcomes: by_hazard.chain([outcome(None, &all, goal, grades)]).collect(),
            occurrences: all.answered(lowest),
            unverified: all.unverified(lowest),
            outside: count(occurrences.len() - all.judged.len()),
            other_hazards: count(others.into_iter().filter(|course| rose(course)).count()),
        }
    }
}

/// What concerns one hazard.
fn of<'a>(all: &Ground<'a>, hazard: &HazardId, lowest: Grade) -> Ground<'a> {
    let mut ground = all.clone();
    ground.told.retain(|course| course.hazard == *hazard);
    let warned = |it: &Occurrence| ground.leading(it, lowest).is_some();
    let judged = all.judged.iter().copied().filter(|it| match &it.hazard {
        Some(of) => of == hazard,
        None => warned(it),
    });
    let judged = judged.collect();
    Ground { judged, ..ground }
}

fn outcome(hazard: Option<HazardId>, ground: &Ground<'_>, goal: Span, grades: &[Grade]) -> Outcome {
    let graded = |grade: &Grade| {
        let hits = ground.hits(*grade);
        let in_time = count(hits.iter().filter(|lead| lead.is_none_or(|lead| lead >= goal)).count());
        let happened = count(ground.judged.len());
        Graded {
            score: ground.score(*grade),
            in_time,
            in_time_percent: (happened > 0).then(|| 100.0 * ratio(in_time, happened)),
        }
    };
    Outcome { hazard, scores: grades.iter().map(graded).collect() }
}
