//! Those who receive: a platform that is away, slow, refuses, or takes a bulletin and loses its answer. It remembers all
//! that it ever took.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use watchfire::dissemination::channel::{Channel, Delivery, Parcel, SendError, Taken};
use watchfire_model::bulletin::Bulletin;
use watchfire_model::id::{ChannelName, NoticeId};

use crate::chance::Chance;

/// What a platform took.
#[derive(Clone, Debug)]
pub(crate) struct Taking {
    /// The idempotency key.
    pub(crate) key: NoticeId,
    /// The place in its warning's order.
    pub(crate) order: u64,
    /// What it says.
    pub(crate) bulletin: Bulletin,
}

/// How a platform behaves now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// Nobody answers.
    pub(crate) away: bool,
    /// Longest time an answer takes.
    pub(crate) slow: Duration,
    /// Of so many answers one is lost on the way back; none if 0.
    pub(crate) loses_one_in: usize,
    /// Of so many notices one is refused for good; none if 0.
    pub(crate) refuses_one_in: usize,
}

#[derive(Debug, Default)]
struct State {
    manner: Manner,
    taken: Vec<Taking>,
    refused: Vec<NoticeId>,
    faults: u64,
}

/// One platform behind one channel. Clones are the same platform.
#[derive(Clone)]
pub(crate) struct Platform {
    name: ChannelName,
    chance: Chance,
    state: Arc<Mutex<State>>,
}

impl std::fmt::Debug for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Platform").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Platform {
    /// A platform in good health.
    pub(crate) fn new(name: ChannelName, chance: Chance) -> Self {
        Self { name, chance, state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Behaves so from now on.
    pub(crate) fn behave(&self, manner: Manner) {
        self.state().manner = manner;
    }

    /// All that it took, repeats included, in order.
    pub(crate) fn taken(&self) -> Vec<Taking> {
        self.state().taken.clone()
    }

    /// Keys that it refused for good.
    pub(crate) fn refused(&self) -> Vec<NoticeId> {
        self.state().refused.clone()
    }

    /// Attempts that it spoiled.
    pub(crate) fn faults(&self) -> u64 {
        self.state().faults
    }

    fn refuses(&self, key: &NoticeId) -> bool {
        let one_in = self.state().manner.refuses_one_in;
        let known = self.state().taken.iter().any(|taking| taking.key == *key);
        one_in > 0 && !known && self.chance.one_in(one_in)
    }
}

impl Channel for Platform {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn deliver<'a>(&'a self, parcel: Parcel<'a>) -> Delivery<'a> {
        Box::pin(async move {
            let retry = |why: &str| {
                self.state().faults += 1;
                let (channel, notice) = (self.name.clone(), parcel.key().clone());
                Err(SendError::Retry { channel, notice, after: None, source: why.into() })
            };
            let manner = self.state().manner;
            let most = i64::try_from(manner.slow.as_millis()).unwrap_or(0);
            if most > 0 {
                let pause = u64::try_from(self.chance.between(0, most)).unwrap_or(0);
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            if self.state().manner.away {
                return retry("nobody answers");
            }
            if self.refuses(parcel.key()) {
                let mut state = self.state();
                state.faults += 1;
                state.refused.push(parcel.key().clone());
                let (channel, notice) = (self.name.clone(), parcel.key().clone());
                return Err(SendError::Refused { channel, notice, reason: "not of our county".to_owned() });
            }
            let taking =
                Taking { key: parcel.key().clone(), order: parcel.order(), bulletin: parcel.bulletin().clone() };
            self.state().taken.push(taking);
            if manner.loses_one_in > 0 && self.chance.one_in(manner.loses_one_in) {
                return retry("the answer was lost");
            }
            Ok(Taken { reference: Some(format!("R-{}", parcel.key())), coverage: None })
        })
    }
}
