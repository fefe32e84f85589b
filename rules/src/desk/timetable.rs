//! When the Desk next wants to be called, and for what. One time for each deadline; the earliest first.

use std::collections::{BTreeMap, BTreeSet};

use watchfire_model::time::Steady;

use super::event::Deadline;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Timetable {
    at: BTreeMap<Deadline, Steady>,
    queue: BTreeSet<(Steady, Deadline)>,
}

impl Timetable {
    /// Sets, moves or (with none) drops a deadline.
    pub(super) fn set(&mut self, deadline: &Deadline, at: Option<Steady>) {
        if let Some(old) = self.at.remove(deadline) {
            self.queue.remove(&(old, deadline.clone()));
        }
        if let Some(at) = at {
            self.at.insert(deadline.clone(), at);
            self.queue.insert((at, deadline.clone()));
        }
    }

    pub(super) fn get(&self, deadline: &Deadline) -> Option<Steady> {
        self.at.get(deadline).copied()
    }

    pub(super) fn first(&self) -> Option<Steady> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// The first deadline that is due at `now`.
    pub(super) fn due(&self, now: Steady) -> Option<&Deadline> {
        self.queue.first().filter(|(at, _)| *at <= now).map(|(_, deadline)| deadline)
    }
}
