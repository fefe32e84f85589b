//! Samples in columns, each as narrow as what it holds: most sensors speak in a few decimal places, at times that lie
//! close together, and nothing is wrong with what they say. Six bytes a sample instead of twenty-four, and every one comes
//! back bit by bit as it went in.

use std::collections::VecDeque;

use watchfire_model::time::{Span, Timestamp};

use super::Sample;
use marks::Marks;
use times::Times;
use values::Values;

mod marks;
mod times;
mod values;

/// Pushes after which the columns are made anew at the soonest, so that one odd value does not leave them wide for ever.
const RENEWED_AFTER: usize = 1_024;

/// Samples in order, reached by place.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    times: Times,
    values: Values,
    marks: Marks,
    /// Pushes since the columns were made.
    pushed: usize,
}

impl Columns {
    pub(super) fn len(&self) -> usize {
        self.times.len()
    }

    pub(super) fn time(&self, place: usize) -> Option<Timestamp> {
        self.times.get(place).map(Timestamp)
    }

    pub(super) fn get(&self, place: usize) -> Option<Sample> {
        let (flag, checks) = self.marks.get(place);
        Some(Sample { at: self.time(place)?, value: self.values.get(place)?, flag, checks })
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = Sample> {
        (0..self.len()).filter_map(|place| self.get(place))
    }

    /// How many are before `at`.
    pub(super) fn before(&self, at: Timestamp) -> usize {
        self.times.partition(|time| time < at.0)
    }

    /// How many are before or at `at`.
    pub(super) fn until(&self, at: Timestamp) -> usize {
        self.times.partition(|time| time <= at.0)
    }

    pub(super) fn push(&mut self, sample: Sample) {
        self.pushed += 1;
        if self.pushed > RENEWED_AFTER.max(4 * self.len()) {
            *self = self.iter().collect();
        }
        self.insert(self.len(), sample);
    }

    pub(super) fn insert(&mut self, place: usize, sample: Sample) {
        let len = self.len();
        self.times.insert(place, sample.at.0);
        self.values.insert(place, sample.value);
        self.marks.insert(place, len, (sample.flag, sample.checks));
    }

    pub(super) fn replace(&mut self, place: usize, sample: Sample) {
        self.remove(place);
        self.insert(place, sample);
    }

    pub(super) fn remove(&mut self, place: usize) {
        self.times.remove(place);
        self.values.remove(place);
        self.marks.remove(place);
    }

    /// Takes the first one out.
    pub(super) fn forget_first(&mut self) {
        self.times.forget_first();
        self.values.forget_first();
        self.marks.remove(0);
    }

    /// Keeps the first `len`.
    pub(super) fn truncate(&mut self, len: usize) {
        self.times.truncate(len);
        self.values.truncate(len);
        self.marks.truncate(len);
    }

    /// Moves all of them in time.
    pub(super) fn shift(&mut self, by: Span) {
        *self = self.iter().map(|sample| Sample { at: sample.at + by, ..sample }).collect();
    }
}

impl FromIterator<Sample> for Columns {
    fn from_iter<I: IntoIterator<Item = Sample>>(samples: I) -> Self {
        let mut columns = Self::default();
        for (place, sample) in samples.into_iter().enumerate() {
            columns.insert(place, sample);
        }
        columns
    }
}

/// Two are equal that hold the same, however they hold it.
impl PartialEq for Columns {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

/// Puts an item in its place. Room grows by an eighth and not to the double: thousands of points keep about as much as
/// they need.
fn insert<T>(column: &mut VecDeque<T>, place: usize, item: T) {
    if column.len() == column.capacity() {
        column.reserve_exact((column.len() / 8).max(4));
    }
    if place >= column.len() {
        column.push_back(item);
    } else {
        column.insert(place, item);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use watchfire_model::quality::{Checks, Flag};

    use super::*;
    use crate::cases::cases;

    #[derive(Clone, Debug)]
    enum Act {
        Push(Sample),
        Insert(usize, Sample),
        Replace(usize, Sample),
        Remove(usize),
        Truncate(usize),
        Shift(i64),
    }

    /// Numbers as sensors say them: decimals, singles, anything, and what is large.
    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            8 => (-40_000_i32..40_000, 0_i32..8).prop_map(|(units, places)| f64::from(units) / 10_f64.powi(places)),
            2 => (any::<i32>(), 0_i32..4).prop_map(|(units, places)| f64::from(units) / 10_f64.powi(places)),
            2 => any::<f32>().prop_filter("finite", |value| value.is_finite()).prop_map(f64::from),
            1 => any::<f64>().prop_filter("finite", |value| value.is_finite()),
            1 => Just(-0.0),
        ]
    }

    fn sample() -> impl Strategy<Value = Sample> {
        let at = prop_oneof![8 => 0_i64..100_000_000, 1 => -10_000_000_000_i64..10_000_000_000, 1 => any::<i64>()];
        let flag = prop_oneof![6 => Just(Flag::Good), 1 => Just(Flag::NotEvaluated), 1 => Just(Flag::Suspect)];
        let checks = prop_oneof![6 => Just(Checks::NONE), 1 => any::<u16>().prop_map(Checks)];
        (at, value(), flag, checks).prop_map(|(at, value, flag, checks)| Sample {
            at: Timestamp(at),
            value,
            flag,
            checks,
        })
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            20 => sample().prop_map(Act::Push),
            3 => (any::<usize>(), sample()).prop_map(|(place, sample)| Act::Insert(place, sample)),
            2 => (any::<usize>(), sample()).prop_map(|(place, sample)| Act::Replace(place, sample)),
            6 => any::<usize>().prop_map(Act::Remove),
            1 => any::<usize>().prop_map(Act::Truncate),
            1 => (-5_000_000_000_i64..5_000_000_000).prop_map(Act::Shift),
        ]
    }

    fn bits(samples: impl IntoIterator<Item = Sample>) -> Vec<(i64, u64, u8, u16)> {
        let bits = |sample: Sample| (sample.at.0, sample.value.to_bits(), sample.flag.code(), sample.checks.0);
        samples.into_iter().map(bits).collect()
    }

    proptest! {
        #![proptest_config(cases())]

        #[test]
        fn columns_hold_what_rows_hold(acts in prop::collection::vec(act(), 1..300)) {
            let (mut columns, mut rows) = (Columns::default(), Vec::new());
            for act in acts {
                match act {
                    Act::Push(sample) => { columns.push(sample); rows.push(sample); }
                    Act::Insert(place, sample) => {
                        let place = place % (rows.len() + 1);
                        columns.insert(place, sample);
                        rows.insert(place, sample);
                    }
                    Act::Replace(place, sample) if !rows.is_empty() => {
                        let place = place % rows.len();
                        columns.replace(place, sample);
                        rows[place] = sample;
                    }
                    Act::Remove(place) if !rows.is_empty() => {
                        let place = place % rows.len();
                        columns.remove(place);
                        rows.remove(place);
                    }
                    Act::Truncate(len) => {
                        let len = len % (rows.len() + 1);
                        columns.truncate(len);
                        rows.truncate(len);
                    }
                    Act::Shift(by) => {
                        columns.shift(Span(by));
                        rows.iter_mut().for_each(|sample| sample.at = sample.at + Span(by));
                    }
                    Act::Replace(..) | Act::Remove(_) => {}
                }
                prop_assert_eq!(columns.len(), rows.len());
            }
            prop_assert_eq!(bits(columns.iter()), bits(rows.iter().copied()));
            prop_assert_eq!(bits(columns.iter().rev()), bits(rows.iter().rev().copied()));
            prop_assert!(columns == rows.into_iter().collect());
        }
    }

    #[test]
    fn a_gauge_in_millimetres_takes_eight_bytes_and_a_tipping_bucket_six() {
        let gauge: Columns = (0..600_i32).map(|n| plain(n.into(), f64::from(123_400 + n) / 1e3)).collect();
        let bucket: Columns = (0..600_i64).map(|n| plain(n, 0.2)).collect();
        assert_eq!(gauge.times.width() + gauge.values.width() + gauge.marks.width(), 8);
        assert_eq!(bucket.times.width() + bucket.values.width() + bucket.marks.width(), 6);
    }

    #[test]
    fn an_odd_value_that_is_gone_leaves_no_trace() {
        let mut columns = Columns::default();
        columns.push(Sample { flag: Flag::Suspect, ..plain(0, std::f64::consts::PI) });
        for n in 1..3_000 {
            columns.push(plain(n, 0.2));
            if columns.len() > 100 {
                columns.remove(0);
            }
        }
        assert_eq!(columns.times.width() + columns.values.width() + columns.marks.width(), 6);
    }

    fn plain(n: i64, value: f64) -> Sample {
        Sample { at: Timestamp(1_700_000_000_000 + n * 300_000), value, flag: Flag::Good, checks: Checks::NONE }
    }
}
