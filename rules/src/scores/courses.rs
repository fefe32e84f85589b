//! Collects the courses of warnings, as an audience hears them, from what the Desk decides: in a rehearsal, or record by
//! record from the ledger.

use std::collections::BTreeMap;

use watchfire_model::bulletin::{Bulletin, Status};
use watchfire_model::id::WarningId;
use watchfire_model::mode::{Mode, ModeTag};
use watchfire_model::site::Audience;
use watchfire_model::time::Timestamp;

use super::course::Course;
use crate::desk::{Desk, Event};

/// Changes of grade that are remembered of all warnings together; whoever has more has no warnings but noise.
const STEPS_MOST: usize = 1_000_000;

/// What one audience has been told so far.
#[derive(Clone, Debug)]
pub struct Courses {
    to: Audience,
    /// Drills and messages that say Test are left out.
    in_earnest: bool,
    courses: BTreeMap<WarningId, Course>,
    steps: usize,
}

impl Courses {
    /// All that is told to `to`, whatever it says of itself.
    pub const fn of(to: Audience) -> Self {
        Self { to, in_earnest: false, courses: BTreeMap::new(), steps: 0 }
    }

    /// What is told to `to` in earnest: by a site in service, and in no drill.
    pub const fn in_earnest(to: Audience) -> Self {
        Self { to, in_earnest: true, courses: BTreeMap::new(), steps: 0 }
    }

    /// Hears `events`, just applied to `desk`.
    pub fn see<M: Mode>(&mut self, desk: &Desk<M>, at: Timestamp, events: &[Event<M>]) {
        for event in events {
            if let Event::Spoken { bulletin, cleared, .. } = event {
                self.hear(desk, at, bulletin, *cleared);
            }
        }
    }

    fn hear<M: Mode>(&mut self, desk: &Desk<M>, at: Timestamp, bulletin: &Bulletin, cleared: bool) {
        let over = bulletin.class.ends() || cleared;
        let earnest = bulletin.status == Status::Actual && bulletin.mode == ModeTag::Live;
        // What began in earnest ends, even if the site says Test by then.
        let counts = earnest || !self.in_earnest || (over && self.courses.contains_key(&bulletin.warning));
        if bulletin.audience != self.to || !counts || self.is_full() {
            return;
        }
        let course = self.courses.entry(bulletin.warning.clone()).or_insert_with(|| Course {
            warning: bulletin.warning.clone(),
            hazard: bulletin.hazard.clone(),
            area: bulletin.area.id.clone(),
            rules: (desk.warning(&bulletin.warning).into_iter())
                .flat_map(|warning| warning.alarms.iter().map(|key| key.rule.clone()))
                .collect(),
            steps: Vec::new(),
        });
        self.steps += usize::from(course.tell(at, (!over).then_some(bulletin.grade)));
    }

    /// Whether there were more changes of grade than are remembered.
    pub const fn is_full(&self) -> bool {
        self.steps >= STEPS_MOST
    }

    /// All of them, in the order in which they began.
    pub fn told(self) -> Vec<Course> {
        let mut courses: Vec<Course> = self.courses.into_values().collect();
        courses.sort_by(|a, b| a.begin().cmp(&b.begin()).then_with(|| a.warning.cmp(&b.warning)));
        courses
    }
}
