//! Which notice goes next? One lane per warning, strictly in order; between lanes the highest grade first, then the
//! oldest. Pure but for the instants handed in.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use watchfire_model::bulletin::{MessageClass, Notice};
use watchfire_model::durable::Durable;
use watchfire_model::grade::Grade;
use watchfire_model::id::WarningId;

use super::channel::Carried;
use super::pace::Haste;

/// Attempts under way at once on one channel: receivers that hang for their whole timeout hold up only so many.
const ATTEMPTS: usize = 8;

/// Of these, for notices in no hurry; the rest is kept free for red, orange and withdrawals.
const ORDINARY_ATTEMPTS: usize = 6;

/// A notice that still fails is spoken of no more often than this.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// All that a courier holds.
pub(super) struct Lanes<M: Carried> {
    lanes: BTreeMap<WarningId, Lane<M>>,
    arrivals: u64,
}

/// A notice, on its way as often as it takes.
pub(super) type Carriage<M> = Arc<Durable<Notice<M>>>;

/// The notices of one warning. Never empty.
struct Lane<M: Carried> {
    queue: VecDeque<Carriage<M>>,
    /// When the lane began to wait; the oldest of equals goes first.
    arrival: u64,
    /// Its head may go from here on.
    due: Instant,
    /// Its head is on its way.
    busy: bool,
    /// Attempts for its head, the one under way counted.
    attempts: u32,
    /// When its head's failure was last spoken of.
    said: Option<Instant>,
}

impl<M: Carried> Lane<M> {
    fn grade(&self) -> Option<Grade> {
        self.queue.iter().map(|notice| notice.get().bulletin.grade).max()
    }

    /// What waits behind lends its hurry to what stands before it.
    fn haste(&self) -> Haste {
        let hurries = |notice: &Carriage<M>| {
            let bulletin = &notice.get().bulletin;
            bulletin.grade >= Grade::Orange || bulletin.class == MessageClass::Cancel
        };
        if self.queue.iter().any(hurries) { Haste::Urgent } else { Haste::Ordinary }
    }
}

impl<M: Carried> Lanes<M> {
    /// Nothing held.
    pub(super) const fn new() -> Self {
        Self { lanes: BTreeMap::new(), arrivals: 0 }
    }

    /// How many notices are held.
    pub(super) fn held(&self) -> usize {
        self.lanes.values().map(|lane| lane.queue.len()).sum()
    }

    /// Takes a notice in. One that is held already is not held twice; one that comes late goes to its place, though never
    /// before one that is on its way.
    pub(super) fn take_in(&mut self, now: Instant, notice: Carriage<M>) {
        let warning = notice.get().bulletin.warning.clone();
        self.arrivals += 1;
        let arrival = self.arrivals;
        let lane = self.lanes.entry(warning).or_insert_with(|| Lane {
            queue: VecDeque::new(),
            arrival,
            due: now,
            busy: false,
            attempts: 0,
            said: None,
        });
        if lane.queue.iter().any(|held| held.get().id == notice.get().id) {
            return;
        }
        let (before, order) = (lane.haste(), notice.get().order);
        let place = lane.queue.partition_point(|held| held.get().order <= order).max(usize::from(lane.busy));
        let new_head = place == 0;
        lane.queue.insert(place, notice);
        // A long pause was for what was not urgent, or for another head.
        if new_head || lane.haste() > before {
            lane.due = lane.due.min(now);
        }
        if new_head {
            (lane.attempts, lane.said) = (0, None);
        }
    }

    /// The notice to send now, if one is due and there is room beside the `running` attempts. Its lane is busy until
    /// [`done`](Self::done) or [`failed`](Self::failed).
    pub(super) fn next(&mut self, now: Instant, running: usize) -> Option<Carriage<M>> {
        let ready = self.lanes.values_mut().filter(|lane| lane.due <= now && may_go(lane, running));
        let first = ready.max_by_key(|lane| (lane.haste(), lane.grade(), std::cmp::Reverse(lane.arrival)))?;
        first.busy = true;
        first.attempts = first.attempts.saturating_add(1);
        first.queue.front().cloned()
    }

    /// When [`next`](Self::next) will have something, if nothing else happens.
    pub(super) fn next_due(&self, running: usize) -> Option<Instant> {
        self.lanes.values().filter(|lane| may_go(lane, running)).map(|lane| lane.due).min()
    }

    /// Attempts for the head of a warning's lane, and its hurry.
    pub(super) fn head(&self, warning: &WarningId) -> Option<(u32, Haste)> {
        self.lanes.get(warning).map(|lane| (lane.attempts, lane.haste()))
    }

    /// The head of a warning's lane is settled: the next one may go at once.
    pub(super) fn done(&mut self, now: Instant, warning: &WarningId) {
        let Some(lane) = self.lanes.get_mut(warning) else { return };
        lane.queue.pop_front();
        if lane.queue.is_empty() {
            self.lanes.remove(warning);
        } else {
            (lane.due, lane.busy, lane.attempts, lane.said) = (now, false, 0, None);
        }
    }

    /// The head of a warning's lane goes again after `pause`. Says whether it is time to speak of it.
    pub(super) fn failed(&mut self, now: Instant, warning: &WarningId, pause: Duration) -> bool {
        let Some(lane) = self.lanes.get_mut(warning) else { return false };
        (lane.due, lane.busy) = (now + pause, false);
        let say = lane.said.is_none_or(|said| now.duration_since(said) >= SAY_EVERY);
        if say {
            lane.said = Some(now);
        }
        say
    }
}

/// Whether a lane's head may go beside `running` attempts.
fn may_go<M: Carried>(lane: &Lane<M>, running: usize) -> bool {
    let room = match lane.haste() {
        Haste::Urgent => ATTEMPTS,
        Haste::Ordinary => ORDINARY_ATTEMPTS,
    };
    !lane.busy && running < room
}
