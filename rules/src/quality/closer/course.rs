//! What the gate remembers of how a point has moved, for the checks that need more than a value and the one before it.
//! Only points with such checks have one; all of it is bounded.
//! Not in the list of checks: it is what they look at.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use watchfire_model::time::{Span, Timestamp};

use super::exceeds;

/// Marks of a stretch kept at either end; beyond it the stretch is taken to have begun later than it did.
const MARKS: usize = 64;

/// How a point has moved. Values are kept as bits, so that any format gives back exactly what it got.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Course {
    last: Option<Timestamp>,
    /// Time that readings covered, in milliseconds.
    covered: i64,
    still: Stretch,
    pub(super) swings: Swings,
    /// The values before the newest, oldest first.
    recent: [Option<(Timestamp, u64)>; 2],
}

/// The longest stretch, up to the newest value, that lies within a tolerance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Stretch {
    /// Covered time and time of its first value.
    since: Option<(i64, Timestamp)>,
    /// Values that are or may yet become its lowest, rising.
    low: VecDeque<Mark>,
    /// Values that are or may yet become its highest, falling.
    high: VecDeque<Mark>,
}

/// A value, and where the stretch would begin without it: at the value after it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Mark {
    at: Timestamp,
    bits: u64,
    next: (i64, Timestamp),
}

impl Mark {
    fn value(self) -> f64 {
        f64::from_bits(self.bits)
    }
}

/// Turns of a signal that went far enough in between to be turns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Swings {
    /// Lowest and highest since the last turn.
    reach: Option<(u64, u64)>,
    rising: Option<bool>,
    turns: VecDeque<Timestamp>,
}

impl Course {
    /// Takes the newest value. `max_gap` is the longest silence that counts as covered, `tolerance` what counts as still.
    pub(super) fn advance(&mut self, at: Timestamp, value: f64, max_gap: Span, tolerance: f64) {
        let gap = self.last.map_or(Span::ZERO, |last| at - last);
        if gap <= max_gap {
            self.covered = self.covered.saturating_add(gap.0);
        }
        self.still.push((self.covered, at), value, tolerance);
        self.last = Some(at);
    }

    /// Notes the newest value as one that has a successor to come.
    pub(super) fn follow(&mut self, at: Timestamp, value: f64) {
        self.recent = [self.recent[1], Some((at, value.to_bits()))];
    }

    /// The two values before the one to come, if there are two.
    pub(super) fn recent(&self) -> Option<[(Timestamp, f64); 2]> {
        let value = |(at, bits): (Timestamp, u64)| (at, f64::from_bits(bits));
        Some([self.recent[0].map(value)?, self.recent[1].map(value)?])
    }

    /// How long it has been still, in covered time.
    pub(super) fn still_for(&self) -> Span {
        Span(self.still.since.map_or(0, |(covered, _)| self.covered - covered))
    }

    /// A value came late. If it lies outside the stretch it would have ended it: nothing is known to have been still.
    pub(crate) fn recall(&mut self, at: Timestamp, value: f64, tolerance: f64) {
        let within = self.still.since.is_some_and(|(_, since)| at < since) || self.still.holds(value, tolerance);
        if !within {
            self.still = Stretch::default();
        }
    }

    /// The clock that stamped it was set.
    pub(crate) fn shift(&mut self, by: Span) {
        let moved = |at: &mut Timestamp| *at = *at + by;
        self.last.iter_mut().for_each(moved);
        self.recent.iter_mut().flatten().for_each(|(at, _)| moved(at));
        self.swings.turns.iter_mut().for_each(moved);
        self.still.since.iter_mut().for_each(|(_, at)| moved(at));
        let marks = self.still.low.iter_mut().chain(&mut self.still.high);
        for mark in marks {
            moved(&mut mark.at);
            moved(&mut mark.next.1);
        }
    }
}

impl Stretch {
    /// Adds the newest value, and lets go of the oldest ones that are too far from it.
    fn push(&mut self, here: (i64, Timestamp), value: f64, tolerance: f64) {
        // The newest so far is the last of both, and now knows what comes after it.
        let newest = [self.low.back_mut(), self.high.back_mut()];
        newest.into_iter().flatten().for_each(|mark| mark.next = here);
        let mark = Mark { at: here.1, bits: value.to_bits(), next: here };
        while self.low.back().is_some_and(|last| last.value() >= value) {
            self.low.pop_back();
        }
        while self.high.back().is_some_and(|last| last.value() <= value) {
            self.high.pop_back();
        }
        self.low.push_back(mark);
        self.high.push_back(mark);
        self.since.get_or_insert(here);
        while let (Some(low), Some(high)) = (self.low.front(), self.high.front())
            && exceeds(high.value() - low.value(), tolerance)
        {
            let first = if low.at < high.at { &mut self.low } else { &mut self.high };
            let begins = first.pop_front().map(|gone| gone.next);
            self.since = self.since.max(begins);
        }
        for marks in [&mut self.low, &mut self.high] {
            if marks.len() > MARKS {
                let begins = marks.pop_front().map(|gone| gone.next);
                self.since = self.since.max(begins);
            }
        }
    }

    fn holds(&self, value: f64, tolerance: f64) -> bool {
        let (Some(low), Some(high)) = (self.low.front(), self.high.front()) else { return true };
        !exceeds(high.value().max(value) - low.value().min(value), tolerance)
    }
}

impl Swings {
    /// Takes the newest value; remembers no more than `most` turns, and none older than `oldest`.
    pub(super) fn push(&mut self, at: Timestamp, value: f64, swing: f64, oldest: Timestamp, most: usize) {
        let (low, high) = self.reach.map_or((value, value), |(low, high)| (f64::from_bits(low), f64::from_bits(high)));
        let (low, high) = (low.min(value), high.max(value));
        let (fell, rose) = (!exceeds(swing, high - value), !exceeds(swing, value - low));
        let turned = match self.rising {
            None if rose => Some((true, false)),
            None if fell => Some((false, false)),
            Some(true) if fell => Some((false, true)),
            Some(false) if rose => Some((true, true)),
            None | Some(true | false) => None,
        };
        let (low, high) = if turned.is_some() { (value, value) } else { (low, high) };
        self.reach = Some((low.to_bits(), high.to_bits()));
        if let Some((rising, is_turn)) = turned {
            self.rising = Some(rising);
            if is_turn {
                self.turns.push_back(at);
            }
        }
        while self.turns.len() > most || self.turns.front().is_some_and(|turn| *turn <= oldest) {
            self.turns.pop_front();
        }
    }

    /// How many turns are remembered.
    pub(super) fn turns(&self) -> usize {
        self.turns.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    /// Minutes of stillness after each value, one a minute.
    fn stillness(values: &[f64], tolerance: f64) -> Vec<i64> {
        let mut course = Course::default();
        let still = |(minute, value): (i64, &f64)| {
            course.advance(Timestamp(minute * MINUTE), *value, Span::minutes(2), tolerance);
            course.still_for().0 / MINUTE
        };
        (0..).zip(values).map(still).collect()
    }

    #[test]
    fn a_stretch_is_the_longest_within_the_tolerance() {
        assert_eq!(stillness(&[1.00, 2.00, 2.01, 2.00, 2.01], 0.01), [0, 0, 1, 2, 3]);
        // A slow creep is still only as far back as the tolerance reaches.
        assert_eq!(stillness(&[1.00, 1.01, 1.02, 1.03, 1.03], 0.01), [0, 1, 1, 1, 2]);
        assert_eq!(stillness(&[5.0, 5.0, 4.0, 5.0, 5.0, 5.0], 0.0), [0, 1, 0, 0, 1, 2]);
    }

    /// The stretch by its definition: from the newest value back, for as long as all lie within the tolerance.
    fn by_definition(values: &[f64], tolerance: f64) -> i64 {
        let within = |from: &usize| {
            let part = &values[*from..];
            let high = part.iter().copied().fold(f64::MIN, f64::max);
            let low = part.iter().copied().fold(f64::MAX, f64::min);
            high - low <= tolerance * (1.0 + 1e-9)
        };
        let first = (0..values.len()).find(within).unwrap_or(values.len() - 1);
        i64::try_from(values.len() - 1 - first).expect("short")
    }

    proptest::proptest! {
        #[test]
        fn a_stretch_is_what_its_definition_says(steps in proptest::collection::vec(0_u8..6, 1..60)) {
            let values: Vec<f64> = steps.iter().map(|step| f64::from(*step)).collect();
            let told = stillness(&values, 2.0);
            for end in 1..=values.len() {
                proptest::prop_assert_eq!(told[end - 1], by_definition(&values[..end], 2.0), "{:?}", &values[..end]);
            }
        }
    }

    #[test]
    fn silence_is_not_stillness() {
        let mut course = Course::default();
        for minute in [0, 1, 61, 62] {
            course.advance(Timestamp(minute * MINUTE), 3.0, Span::minutes(2), 0.0);
        }
        assert_eq!(course.still_for(), Span::minutes(2));
    }

    #[test]
    fn a_late_value_outside_ends_a_stretch() {
        let still = || {
            let mut course = Course::default();
            for minute in [0, 1, 3] {
                course.advance(Timestamp(minute * MINUTE), 3.0, Span::minutes(2), 0.01);
            }
            course
        };
        let mut course = still();
        course.recall(Timestamp(2 * MINUTE), 3.01, 0.01);
        assert_eq!(course.still_for(), Span::minutes(3));
        course.recall(Timestamp(2 * MINUTE), 3.2, 0.01);
        assert_eq!(course.still_for(), Span::ZERO);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut course = Course::default();
        for minute in 0..10_000_i32 {
            let at = Timestamp(i64::from(minute) * MINUTE);
            let value = f64::from(minute);
            course.advance(at, value, Span::minutes(2), f64::MAX);
            course.swings.push(at, f64::from(minute % 2), 1.0, Timestamp(0), 8);
        }
        assert!(course.still.low.len() <= MARKS && course.still.high.len() <= MARKS);
        assert_eq!(course.swings.turns(), 8);
    }
}
