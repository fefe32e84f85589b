//! What quality control said of each sample: of all the same, or one thing of the first and another of the rest, as when a
//! point is new; or of each its own.

use std::collections::VecDeque;

use watchfire_model::quality::{Checks, Flag};

use super::insert;

pub(super) type Mark = (Flag, Checks);

#[derive(Clone, Debug)]
pub(super) enum Marks {
    Same(Mark),
    /// Of the first so many this, and of the rest that.
    Turned {
        until: usize,
        first: Mark,
        rest: Mark,
    },
    Each(VecDeque<Mark>),
}

impl Default for Marks {
    fn default() -> Self {
        Self::Same((Flag::Good, Checks::NONE))
    }
}

impl Marks {
    /// That of a place which is there.
    pub(super) fn get(&self, place: usize) -> Mark {
        match self {
            Self::Same(mark) => *mark,
            Self::Turned { until, first, rest } => *if place < *until { first } else { rest },
            Self::Each(marks) => marks.get(place).copied().unwrap_or_default(),
        }
    }

    /// Puts one in, where there were `len`.
    pub(super) fn insert(&mut self, place: usize, len: usize, mark: Mark) {
        match self {
            Self::Same(same) if len == 0 => *same = mark,
            Self::Same(same) if *same == mark => {}
            Self::Same(first) if place >= len => *self = Self::Turned { until: len, first: *first, rest: mark },
            Self::Turned { until, first, .. } if place <= *until && *first == mark => *until += 1,
            Self::Turned { until, rest, .. } if place >= *until && *rest == mark => {}
            Self::Same(_) | Self::Turned { .. } => {
                let mut marks: VecDeque<Mark> = (0..len).map(|place| self.get(place)).collect();
                insert(&mut marks, place, mark);
                *self = Self::Each(marks);
            }
            Self::Each(marks) => insert(marks, place, mark),
        }
    }

    pub(super) fn remove(&mut self, place: usize) {
        match self {
            Self::Same(_) => {}
            Self::Turned { until: 1, rest, .. } if place == 0 => *self = Self::Same(*rest),
            Self::Turned { until, .. } => *until -= usize::from(place < *until),
            Self::Each(marks) => drop(marks.remove(place)),
        }
    }

    pub(super) fn truncate(&mut self, len: usize) {
        match self {
            Self::Turned { until, first, .. } if len <= *until => *self = Self::Same(*first),
            Self::Same(_) | Self::Turned { .. } => {}
            Self::Each(marks) => marks.truncate(len),
        }
    }

    /// Bytes a mark.
    #[cfg(test)]
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Same(_) | Self::Turned { .. } => 0,
            Self::Each(_) => size_of::<Mark>(),
        }
    }
}
