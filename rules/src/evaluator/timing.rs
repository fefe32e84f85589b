//! Which evaluations have their time taken: the first of each rule, and then as seldom as whoever takes it says. Counted here,
//! where it costs an addition; what time it is, nobody here knows.

use std::fmt;
use std::sync::Arc;

use crate::engine::Overseer;

/// How far each rule is from its next time. Without an overseer it counts nothing.
#[derive(Default)]
pub(super) struct Timing {
    overseer: Option<Arc<dyn Overseer>>,
    /// In the order of the rules.
    turns: Vec<Turn>,
}

/// One rule's.
#[derive(Clone, Copy, Default)]
struct Turn {
    /// Evaluations since its time was last taken.
    evaluations: u32,
    /// The number of the evaluation whose time is taken next.
    due: u32,
}

impl fmt::Debug for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timing").field("overseer", &self.overseer).finish_non_exhaustive()
    }
}

impl Timing {
    /// Of so many rules, by this overseer.
    pub(super) fn by(overseer: Arc<dyn Overseer>, rules: usize) -> Self {
        Self { overseer: Some(overseer), turns: vec![Turn::default(); rules] }
    }

    /// Who hears of scripts and takes times.
    pub(super) fn overseer(&self) -> Option<Arc<dyn Overseer>> {
        self.overseer.clone()
    }

    /// The rule at this place is about to be evaluated. Whether its time is taken: then [`ends`](Self::ends) must follow.
    #[inline]
    pub(super) fn begins(&mut self, rule: usize) -> bool {
        let Some(turn) = self.turns.get_mut(rule) else { return false };
        turn.evaluations = turn.evaluations.saturating_add(1);
        if turn.evaluations < turn.due {
            return false;
        }
        if let Some(overseer) = &self.overseer {
            overseer.clocks();
        }
        true
    }

    /// It has been.
    pub(super) fn ends(&mut self, rule: usize) {
        if let (Some(turn), Some(overseer)) = (self.turns.get_mut(rule), &self.overseer) {
            *turn = Turn { evaluations: 0, due: overseer.clocked(rule, turn.evaluations) };
        }
    }
}
