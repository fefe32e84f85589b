//! What quality control said of each sample: of all the same, or of each its own.

use std::collections::VecDeque;

use watchfire_model::quality::{Checks, Flag};

use super::insert;

pub(super) type Mark = (Flag, Checks);

#[derive(Clone, Debug)]
pub(super) enum Marks {
    Same(Mark),
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
            Self::Each(marks) => marks.get(place).copied().unwrap_or_default(),
        }
    }

    /// Puts one in, where there were `len`.
    pub(super) fn insert(&mut self, place: usize, len: usize, mark: Mark) {
        match self {
            Self::Same(same) if len == 0 => *same = mark,
            Self::Same(same) if *same == mark => {}
            Self::Same(same) => {
                let mut marks = VecDeque::from(vec![*same; len]);
                insert(&mut marks, place, mark);
                *self = Self::Each(marks);
            }
            Self::Each(marks) => insert(marks, place, mark),
        }
    }

    pub(super) fn remove(&mut self, place: usize) {
        match self {
            Self::Same(_) => {}
            Self::Each(marks) => drop(marks.remove(place)),
        }
    }

    pub(super) fn truncate(&mut self, len: usize) {
        match self {
            Self::Same(_) => {}
            Self::Each(marks) => marks.truncate(len),
        }
    }

    /// Bytes a mark.
    #[cfg(test)]
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Same(_) => 0,
            Self::Each(_) => size_of::<Mark>(),
        }
    }
}
