//! Two rule sets over the same recording, warning by warning: what is the same, what comes earlier or later, what is only
//! here or only there.

use serde::Serialize;
use watchfire_model::grade::Grade;
use watchfire_model::id::{AreaId, HazardId, WarningId};
use watchfire_model::time::{Span, Timestamp};

use super::course::Course;

/// What two rule sets made of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// The hazard.
    pub hazard: HazardId,
    /// Where.
    pub area: AreaId,
    /// How they differ.
    #[serde(flatten)]
    pub kind: Kind,
    /// By the first.
    pub here: Option<Side>,
    /// By the other.
    pub there: Option<Side>,
}

/// One side of a pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Side {
    /// Its warning.
    pub warning: WarningId,
    /// When it began.
    pub from: Timestamp,
    /// When it ended; none = it still stands.
    pub until: Option<Timestamp>,
    /// The highest grade it told.
    pub peak: Option<Grade>,
}

/// How two warnings differ. Spans say by how much the other comes later; earlier is negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Kind {
    /// In nothing.
    Same,
    /// In their times.
    Moved {
        /// The first word.
        begin: Span,
        /// The ending, where both ended.
        end: Option<Span>,
    },
    /// In a grade, whatever else.
    Graded {
        /// The first word.
        begin: Span,
    },
    /// Only the first warns.
    OnlyHere,
    /// Only the other warns.
    OnlyThere,
}

/// All pairs, in the order of their beginnings, and how many there are of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The pairs.
    pub pairs: Vec<Pair>,
    /// Alike in everything.
    pub same: u64,
    /// Moved in time.
    pub moved: u64,
    /// With another grade on the way or at the top.
    pub graded: u64,
    /// Only by the first.
    pub only_here: u64,
    /// Only by the other.
    pub only_there: u64,
}

impl Difference {
    /// Whether the two say the same of everything.
    pub const fn is_none(&self) -> bool {
        self.moved == 0 && self.graded == 0 && self.only_here == 0 && self.only_there == 0
    }
}

/// Compares what two rule sets told. Warnings of one hazard and area that overlap, or begin within `near` of each other,
/// are taken for the same thing, each for one at most.
pub fn compare(here: &[Course], there: &[Course], near: Span) -> Difference {
    let mut left: Vec<&Course> = there.iter().filter(|course| course.begin().is_some()).collect();
    let mut difference = Difference::default();
    for course in here.iter().filter(|course| course.begin().is_some()) {
        let other = left.iter().enumerate().filter(|(_, other)| is_same_thing(course, other, near));
        let nearest = other.min_by_key(|(_, other)| distance(course, other).0.abs()).map(|(place, _)| place);
        let other = nearest.map(|place| left.remove(place));
        difference.add(Some(course), other);
    }
    left.into_iter().for_each(|other| difference.add(None, Some(other)));
    difference.pairs.sort_by_key(|pair| pair.here.iter().chain(&pair.there).map(|side| side.from).min());
    difference
}

fn is_same_thing(here: &Course, there: &Course, near: Span) -> bool {
    let (a, b) = (side(here), side(there));
    let overlap = a.until.is_none_or(|over| over > b.from) && b.until.is_none_or(|over| over > a.from);
    here.hazard == there.hazard && here.area == there.area && (overlap || distance(here, there).0.abs() <= near.0)
}

fn distance(here: &Course, there: &Course) -> Span {
    side(there).from - side(here).from
}

fn side(course: &Course) -> Side {
    let last = course.steps.last();
    Side {
        warning: course.warning.clone(),
        from: course.begin().unwrap_or_default(),
        until: last.filter(|(_, grade)| grade.is_none()).map(|(at, _)| *at),
        peak: course.peak(),
    }
}

fn kind(here: &Course, there: &Course) -> Kind {
    if here.steps == there.steps {
        return Kind::Same;
    }
    let (a, b) = (side(here), side(there));
    let begin = b.from - a.from;
    let grades = |course: &Course| course.steps.iter().map(|(_, grade)| *grade).collect::<Vec<_>>();
    if grades(here) == grades(there) {
        Kind::Moved { begin, end: a.until.zip(b.until).map(|(a, b)| b - a) }
    } else {
        Kind::Graded { begin }
    }
}

impl Difference {
    fn add(&mut self, here: Option<&Course>, there: Option<&Course>) {
        let Some(one) = here.or(there) else { return };
        let kind = match (here, there) {
            (Some(here), Some(there)) => kind(here, there),
            (Some(_), None) => Kind::OnlyHere,
            (None, _) => Kind::OnlyThere,
        };
        let count = match kind {
            Kind::Same => &mut self.same,
            Kind::Moved { .. } => &mut self.moved,
            Kind::Graded { .. } => &mut self.graded,
            Kind::OnlyHere => &mut self.only_here,
            Kind::OnlyThere => &mut self.only_there,
        };
        *count += 1;
        let (hazard, area) = (one.hazard.clone(), one.area.clone());
        self.pairs.push(Pair { hazard, area, kind, here: here.map(side), there: there.map(side) });
    }
}
