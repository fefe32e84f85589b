//! Times that lie within 49 days of each other, as milliseconds from one of them; or as they are.

use std::collections::VecDeque;

use super::insert;

/// Times in milliseconds since 1970, in any order.
#[derive(Clone, Debug)]
pub(super) enum Times {
    /// Counted from `origin`.
    Near {
        origin: i64,
        steps: VecDeque<u32>,
    },
    Far(VecDeque<i64>),
}

impl Default for Times {
    fn default() -> Self {
        Self::Near { origin: 0, steps: VecDeque::new() }
    }
}

impl Times {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Near { steps, .. } => steps.len(),
            Self::Far(times) => times.len(),
        }
    }

    pub(super) fn get(&self, place: usize) -> Option<i64> {
        match self {
            Self::Near { origin, steps } => steps.get(place).map(|step| origin + i64::from(*step)),
            Self::Far(times) => times.get(place).copied(),
        }
    }

    /// How many at the beginning are as `is_before` says; all of those come first.
    pub(super) fn partition(&self, is_before: impl Fn(i64) -> bool) -> usize {
        match self {
            Self::Near { origin, steps } => steps.partition_point(|step| is_before(origin + i64::from(*step))),
            Self::Far(times) => times.partition_point(|time| is_before(*time)),
        }
    }

    pub(super) fn insert(&mut self, place: usize, at: i64) {
        match self {
            Self::Far(times) => insert(times, place, at),
            Self::Near { origin, steps } => {
                if steps.is_empty() {
                    *origin = at;
                }
                match step(*origin, at) {
                    Some(step) => insert(steps, place, step),
                    None => {
                        self.reach(at);
                        self.insert(place, at);
                    }
                }
            }
        }
    }

    /// Counts from the earliest of all that there are and `at`, if all are within half of what can be counted: so the next
    /// ones need not be counted anew.
    fn reach(&mut self, at: i64) {
        let all: VecDeque<i64> = (0..self.len()).filter_map(|place| self.get(place)).collect();
        let origin = all.iter().copied().fold(at, i64::min);
        let near = |time: i64| step(origin, time).filter(|step| *step <= u32::MAX / 2);
        let steps: Option<VecDeque<u32>> = all.iter().map(|time| near(*time)).collect();
        *self = match steps.filter(|_| near(at).is_some()) {
            Some(steps) => Self::Near { origin, steps },
            None => Self::Far(all),
        };
    }

    pub(super) fn remove(&mut self, place: usize) {
        match self {
            Self::Near { steps, .. } => drop(steps.remove(place)),
            Self::Far(times) => drop(times.remove(place)),
        }
    }

    pub(super) fn forget_first(&mut self) {
        match self {
            Self::Near { steps, .. } => drop(steps.pop_front()),
            Self::Far(times) => drop(times.pop_front()),
        }
    }

    pub(super) fn truncate(&mut self, len: usize) {
        match self {
            Self::Near { steps, .. } => steps.truncate(len),
            Self::Far(times) => times.truncate(len),
        }
    }

    /// Bytes a time.
    #[cfg(test)]
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Near { .. } => 4,
            Self::Far(_) => 8,
        }
    }
}

fn step(origin: i64, at: i64) -> Option<u32> {
    u32::try_from(at.checked_sub(origin)?).ok()
}
