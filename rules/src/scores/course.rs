//! The course of one warning as its audience heard it: which grade from when on.

use std::collections::BTreeSet;

use serde::Serialize;
use watchfire_model::grade::Grade;
use watchfire_model::id::{AreaId, HazardId, RuleId, WarningId};
use watchfire_model::time::Timestamp;

/// A warning from its first word to its last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Course {
    /// Which.
    pub warning: WarningId,
    /// Its hazard.
    pub hazard: HazardId,
    /// Where.
    pub area: AreaId,
    /// Whose alarms it stood on when it began.
    pub rules: BTreeSet<RuleId>,
    /// Each change of the grade that was told: when, and to what; none = it is over.
    pub steps: Vec<(Timestamp, Option<Grade>)>,
}

/// A time in which a warning stood at a grade or above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Stretch {
    /// The rise.
    pub from: Timestamp,
    /// The fall; none = it still stands.
    pub until: Option<Timestamp>,
}

impl Stretch {
    /// Whether it was in force at some moment of `from` to `until`, both included.
    pub fn meets(&self, from: Timestamp, until: Timestamp) -> bool {
        self.from <= until && self.until.is_none_or(|over| over > from)
    }
}

impl Course {
    /// Notes what was told; false if that is what was told last.
    pub(super) fn tell(&mut self, at: Timestamp, grade: Option<Grade>) -> bool {
        let news = self.steps.last().map_or(grade.is_some(), |(_, last)| *last != grade);
        if news {
            self.steps.push((at, grade));
        }
        news
    }

    /// The highest grade it ever told.
    pub fn peak(&self) -> Option<Grade> {
        self.steps.iter().filter_map(|(_, grade)| *grade).max()
    }

    /// Its first word.
    pub fn begin(&self) -> Option<Timestamp> {
        self.steps.first().map(|(at, _)| *at)
    }

    /// The times in which it stood at `grade` or above, in order.
    pub fn stretches(&self, grade: Grade) -> Vec<Stretch> {
        let mut found: Vec<Stretch> = Vec::new();
        let mut stands = false;
        for (at, told) in &self.steps {
            let now = *told >= Some(grade);
            match (stands, now) {
                (false, true) => found.push(Stretch { from: *at, until: None }),
                (true, false) => {
                    if let Some(last) = found.last_mut() {
                        last.until = Some(*at);
                    }
                }
                (false, false) | (true, true) => {}
            }
            stands = now;
        }
        found
    }
}
