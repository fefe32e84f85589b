//! Which notice goes next? One lane per warning, strictly in order; between lanes the highest grade first, then the
//! oldest. Pure but for the instants handed in.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use watchfire_model::bulletin::{Bulletin, MessageClass, Notice};
use watchfire_model::durable::Durable;
use watchfire_model::grade::Grade;
use watchfire_model::id::WarningId;
use watchfire_model::receipt::Attempt;

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
    /// Notices in all lanes.
    held: usize,
    arrivals: u64,
}

/// A notice, on its way as often as it takes.
pub(super) type Carriage<M> = Arc<Durable<Notice<M>>>;

/// The notices of one warning. Never empty.
struct Lane<M: Carried> {
    queue: VecDeque<Carriage<M>>,
    /// The most urgent and the highest in the queue: what waits behind lends its hurry to what stands before it.
    rank: Rank,
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
    /// Attempts for its head that nothing was said of.
    unsaid: Vec<Attempt>,
}

/// A greater one goes first.
type Rank = (Haste, Grade);

/// The rank of one notice by itself.
fn rank<M: Carried>(notice: &Notice<M>) -> Rank {
    let Bulletin { grade, class, .. } = notice.bulletin;
    let urgent = grade >= Grade::Orange || class == MessageClass::Cancel;
    (if urgent { Haste::Urgent } else { Haste::Ordinary }, grade)
}

impl<M: Carried> Lanes<M> {
    /// Nothing held.
    pub(super) const fn new() -> Self {
        Self { lanes: BTreeMap::new(), held: 0, arrivals: 0 }
    }

    /// How many notices are held.
    pub(super) const fn held(&self) -> usize {
        self.held
    }

    /// Takes a notice in. One that is held already is not held twice; one that comes late goes to its place, though never
    /// before one that is on its way.
    pub(super) fn take_in(&mut self, now: Instant, notice: Carriage<M>) {
        let warning = notice.get().bulletin.warning.clone();
        self.arrivals += 1;
        let arrival = self.arrivals;
        let rank = rank(notice.get());
        let lane = self.lanes.entry(warning).or_insert_with(|| Lane {
            queue: VecDeque::new(),
            rank,
            arrival,
            due: now,
            busy: false,
            attempts: 0,
            said: None,
            unsaid: Vec::new(),
        });
        if lane.queue.iter().any(|held| held.get().id == notice.get().id) {
            return;
        }
        let order = notice.get().order;
        let place = lane.queue.partition_point(|held| held.get().order <= order).max(usize::from(lane.busy));
        lane.queue.insert(place, notice);
        self.held += 1;
        // A long pause was for what was in no hurry, or for another head.
        if place == 0 || rank.0 > lane.rank.0 {
            lane.due = lane.due.min(now);
        }
        if place == 0 {
            (lane.attempts, lane.said) = (0, None);
            lane.unsaid.clear();
        }
        lane.rank = lane.rank.max(rank);
    }

    /// The notice to send now, if one is due and there is room beside the `running` attempts. Its lane is busy until
    /// [`done`](Self::done) or [`failed`](Self::failed).
    pub(super) fn next(&mut self, now: Instant, running: usize) -> Option<Carriage<M>> {
        let ready = self.lanes.values_mut().filter(|lane| lane.due <= now && may_go(lane, running));
        let first = ready.max_by_key(|lane| (lane.rank, std::cmp::Reverse(lane.arrival)))?;
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
        self.lanes.get(warning).map(|lane| (lane.attempts, lane.rank.0))
    }

    /// An attempt for the head of a warning's lane of which nothing is said yet.
    pub(super) fn keep(&mut self, warning: &WarningId, attempt: Attempt) {
        if let Some(lane) = self.lanes.get_mut(warning).filter(|lane| lane.unsaid.len() < Attempt::TOLD_MOST) {
            lane.unsaid.push(attempt);
        }
    }

    /// The attempts kept, to be spoken of now.
    pub(super) fn unsaid(&mut self, warning: &WarningId) -> Vec<Attempt> {
        self.lanes.get_mut(warning).map(|lane| std::mem::take(&mut lane.unsaid)).unwrap_or_default()
    }

    /// The head of a warning's lane is settled: the next one may go at once.
    pub(super) fn done(&mut self, now: Instant, warning: &WarningId) {
        let Some(lane) = self.lanes.get_mut(warning) else { return };
        self.held -= usize::from(lane.queue.pop_front().is_some());
        match lane.queue.iter().map(|notice| rank(notice.get())).max() {
            None => {
                self.lanes.remove(warning);
            }
            Some(rank) => {
                lane.rank = rank;
                (lane.due, lane.busy, lane.attempts, lane.said) = (now, false, 0, None);
                lane.unsaid.clear();
            }
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
    let room = match lane.rank.0 {
        Haste::Urgent => ATTEMPTS,
        Haste::Ordinary => ORDINARY_ATTEMPTS,
    };
    !lane.busy && running < room
}
