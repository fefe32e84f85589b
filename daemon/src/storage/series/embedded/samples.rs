//! Samples of one point, in the order of their times, in columns. Several of one time may stand side by side: the second
//! of two different values is a correction, and both are kept; the same value for the same time is one sample, and the
//! graver doubt on it counts.

use watchfire_model::quality::Flag;
use watchfire_model::time::Timestamp;

/// One sample, as stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// The value in the point's unit; none where the device sent something that is no number.
    pub value: Option<f64>,
    /// How far it may be trusted.
    pub flag: Flag,
}

/// What became of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It was not there.
    New,
    /// It was there, and is trusted less now.
    Doubted,
    /// It was there as it is.
    Known,
}

/// In a mark: there is no value.
const NONE: u8 = 0x80;

/// Samples in the order of their times.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Samples {
    pub(super) times: Vec<i64>,
    /// 0 where there is none.
    pub(super) values: Vec<f64>,
    /// The flag's QARTOD number, and [`NONE`].
    pub(super) marks: Vec<u8>,
}

impl Samples {
    /// How many.
    pub(super) fn len(&self) -> usize {
        self.times.len()
    }
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.times.is_empty()
    }
    /// One of them.
    pub(super) fn get(&self, at: usize) -> Option<Sample> {
        let mark = *self.marks.get(at)?;
        Some(Sample {
            at: Timestamp(*self.times.get(at)?),
            value: (mark & NONE == 0).then_some(*self.values.get(at)?),
            // A number that no flag has is one that nobody has evaluated.
            flag: Flag::from_code(mark & !NONE).unwrap_or_default(),
        })
    }
    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = Sample> {
        (0..self.len()).filter_map(|at| self.get(at))
    }
    /// Puts a sample in its place.
    pub(super) fn insert(&mut self, sample: Sample) -> Taken {
        let (time, value, mark) = columns(sample);
        self.insert_columns(time, value, mark)
    }

    pub(super) fn insert_columns(&mut self, time: i64, value: f64, mark: u8) -> Taken {
        if self.times.last().is_none_or(|last| *last < time) {
            self.push_columns(time, value, mark);
            return Taken::New;
        }
        let end = self.times.partition_point(|other| *other <= time);
        let begin = self.times[..end].partition_point(|other| *other < time);
        if let Some(same) = (begin..end).find(|at| self.is_value(*at, value, mark)) {
            if mark & !NONE < Flag::Suspect.code() || mark <= self.marks[same] {
                return Taken::Known;
            }
            self.marks[same] = mark;
            return Taken::Doubted;
        }
        self.times.insert(end, time);
        self.values.insert(end, value);
        self.marks.insert(end, mark);
        Taken::New
    }

    pub(super) fn push_columns(&mut self, time: i64, value: f64, mark: u8) {
        self.times.push(time);
        self.values.push(value);
        self.marks.push(mark);
    }

    fn is_value(&self, at: usize, value: f64, mark: u8) -> bool {
        self.values[at].to_bits() == value.to_bits() && self.marks[at] & NONE == mark & NONE
    }

    /// Moves all samples of `others` in; those already there are not doubled.
    pub(super) fn merge(&mut self, others: &Self) {
        if others.is_empty() {
            return;
        }
        if self.times.last() < others.times.first() {
            self.extend(others, 0..others.len());
            return;
        }
        let mine = std::mem::take(self);
        let (mut a, mut b) = (0, 0);
        while a < mine.len() || b < others.len() {
            if b == others.len() || (a < mine.len() && mine.times[a] <= others.times[b]) {
                self.push_columns(mine.times[a], mine.values[a], mine.marks[a]);
                a += 1;
            } else {
                self.insert_columns(others.times[b], others.values[b], others.marks[b]);
                b += 1;
            }
        }
    }

    /// Puts a part of `others`, all later than everything here, at the end.
    pub(super) fn extend(&mut self, others: &Self, part: std::ops::Range<usize>) {
        self.times.extend_from_slice(&others.times[part.clone()]);
        self.values.extend_from_slice(&others.values[part.clone()]);
        self.marks.extend_from_slice(&others.marks[part]);
    }

    /// A part of them.
    pub(super) fn part(&self, part: std::ops::Range<usize>) -> Self {
        let mut taken = Self::default();
        taken.extend(self, part);
        taken
    }

    pub(super) fn clear(&mut self) {
        self.times.clear();
        self.values.clear();
        self.marks.clear();
    }

    pub(super) fn has_value(&self, at: usize) -> bool {
        self.marks[at] & NONE == 0
    }
}

impl FromIterator<Sample> for Samples {
    fn from_iter<I: IntoIterator<Item = Sample>>(samples: I) -> Self {
        let mut all = Self::default();
        for sample in samples {
            all.insert(sample);
        }
        all
    }
}

pub(super) fn columns(sample: Sample) -> (i64, f64, u8) {
    match sample.value {
        Some(value) => (sample.at.0, value, sample.flag.code()),
        None => (sample.at.0, 0.0, sample.flag.code() | NONE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at: i64, value: f64) -> Sample {
        Sample { at: Timestamp(at), value: Some(value), flag: Flag::Good }
    }

    #[test]
    fn samples_come_into_order_and_repeats_fall_away() {
        let mut samples: Samples =
            [(5, 1.0), (3, 2.0), (5, 1.0), (5, 4.0), (9, 1.0)].map(|(t, v)| sample(t, v)).into_iter().collect();
        let shown = |samples: &Samples| samples.iter().map(|s| (s.at.0, s.value)).collect::<Vec<_>>();
        assert_eq!(shown(&samples), [(3, Some(2.0)), (5, Some(1.0)), (5, Some(4.0)), (9, Some(1.0))]);
        assert_eq!(samples.insert(Sample { value: None, ..sample(5, 0.0) }), Taken::New, "no value is not the value 0");
        assert_eq!(samples.insert(sample(5, 0.0)), Taken::New);
        let late: Samples = [(1, 0.0), (5, 4.0), (6, 6.0), (20, 1.0)].map(|(t, v)| sample(t, v)).into_iter().collect();
        samples.merge(&late);
        assert_eq!(samples.len(), 9);
        let once = samples.clone();
        samples.merge(&late);
        assert_eq!(samples, once);
        assert!(samples.times.is_sorted());
    }

    #[test]
    fn of_the_same_sample_the_graver_doubt_counts() {
        let flagged = |flag| Sample { flag, ..sample(5, 1.0) };
        let flag = |samples: &Samples| samples.iter().map(|sample| sample.flag).collect::<Vec<_>>();
        let mut samples: Samples = [sample(3, 2.0), flagged(Flag::Good), sample(7, 2.0)].into_iter().collect();
        assert_eq!(samples.insert(flagged(Flag::NotEvaluated)), Taken::Known, "that nobody looked is no doubt");
        assert_eq!(samples.insert(flagged(Flag::Suspect)), Taken::Doubted);
        assert_eq!(samples.insert(flagged(Flag::Good)), Taken::Known);
        assert_eq!(flag(&samples), [Flag::Good, Flag::Suspect, Flag::Good]);
        let late: Samples = [flagged(Flag::Fail)].into_iter().collect();
        samples.merge(&late);
        assert_eq!(flag(&samples), [Flag::Good, Flag::Fail, Flag::Good]);
    }
}
