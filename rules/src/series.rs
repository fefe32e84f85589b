//! The recent samples of one point, in order of event time, each once: what windows read, what repeats are recognised
//! by, and what a late reading is put back into. Bounded in time and in number.

use serde::{Deserialize, Serialize};
use watchfire_model::quality::{Checks, Flag};
use watchfire_model::time::{Span, Timestamp};

use columns::Columns;

mod columns;

/// One value that passed quality control.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Event time.
    pub at: Timestamp,
    /// In the point's unit; finite.
    pub value: f64,
    /// How far it may be trusted.
    pub flag: Flag,
    /// Which checks spoke.
    pub checks: Checks,
}

/// How much of the past a point keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Samples younger than this against the newest are kept …
    pub span: Span,
    /// … but never more than this many.
    pub samples: usize,
}

/// What became of a sample that was not the newest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Placed {
    /// It was put where its time says.
    Inserted,
    /// The same time and value are there already.
    Repeat,
    /// Another value stood at that time: this one.
    Replaced(Sample),
    /// Older than anything kept.
    Forgotten,
}

/// Samples in rising time. Each has a number that stays its own while older ones are forgotten; a late insertion moves
/// the numbers of the younger ones.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Packed", into = "Packed")]
pub struct Series {
    /// None until the first one comes: not every point is ever heard.
    samples: Option<Box<Columns>>,
    /// The youngest of them as it is: every reading asks for it.
    newest: Option<Sample>,
    /// The number of the oldest sample kept.
    base: u64,
    /// The youngest sample ever forgotten: before and at it nothing is known any more.
    forgotten: Option<Timestamp>,
    /// The oldest sample ever heard in order.
    first: Option<Timestamp>,
    /// The last sample of the device before this one: it began anew after it.
    cut: Option<Timestamp>,
}

impl Series {
    /// The youngest sample.
    pub fn newest(&self) -> Option<Sample> {
        self.newest
    }

    /// Looks up the youngest again, after a change that was no [`push`](Self::push).
    fn look_up_newest(&mut self) {
        self.newest = self.len().checked_sub(1).and_then(|place| self.at(place));
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.samples.as_ref().map_or(0, |samples| samples.len())
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The samples kept, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Sample> {
        self.samples.iter().flat_map(|samples| samples.iter())
    }

    /// When the first sample ever was taken.
    pub fn first(&self) -> Option<Timestamp> {
        self.first
    }

    /// Whether a window that begins after `start` would miss samples that were there once.
    pub(crate) fn forgets(&self, start: Timestamp) -> bool {
        self.forgotten.is_some_and(|gone| gone > start)
    }

    /// Whether anything was ever forgotten.
    pub(crate) fn has_forgotten_any(&self) -> bool {
        self.forgotten.is_some()
    }

    /// Whether a sample of this time would be older than anything that can be kept.
    pub(crate) fn has_forgotten(&self, at: Timestamp) -> bool {
        self.forgotten.max(self.cut).is_some_and(|gone| at <= gone)
    }

    /// Begins anew: what comes is another device's, and has nothing to do with what was.
    pub(crate) fn cut(&mut self) {
        let newest = self.newest().map(|newest| newest.at);
        let base = self.end();
        *self = Self { base, cut: newest.max(self.cut), ..Self::default() };
    }

    /// The number of the oldest sample.
    pub(crate) fn begin(&self) -> u64 {
        self.base
    }

    /// One beyond the number of the youngest sample.
    pub(crate) fn end(&self) -> u64 {
        self.base + self.len() as u64
    }

    /// The sample of a number, if it is kept.
    pub(crate) fn get(&self, number: u64) -> Option<Sample> {
        let place = number.checked_sub(self.base)?;
        self.at(usize::try_from(place).ok()?)
    }

    fn at(&self, place: usize) -> Option<Sample> {
        self.samples.as_ref()?.get(place)
    }

    fn time(&self, place: usize) -> Option<Timestamp> {
        self.samples.as_ref()?.time(place)
    }

    /// When the youngest was taken.
    fn end_time(&self) -> Option<Timestamp> {
        self.newest.map(|newest| newest.at)
    }

    /// The number of the first sample after `at`.
    pub(crate) fn after(&self, at: Timestamp) -> u64 {
        if self.end_time().is_none_or(|newest| newest <= at) {
            return self.end();
        }
        self.base + self.until(at) as u64
    }

    /// How many are at `at` or before it.
    fn until(&self, at: Timestamp) -> usize {
        self.samples.as_ref().map_or(0, |samples| samples.until(at))
    }

    /// The youngest sample at or before `at`.
    pub(crate) fn last(&self, at: Timestamp) -> Option<Sample> {
        if self.end_time()? <= at {
            return self.newest();
        }
        self.at(self.until(at).checked_sub(1)?)
    }

    /// Adds the newest sample; the caller knows that it is younger than all others.
    pub(crate) fn push(&mut self, sample: Sample, keep: Keep) {
        self.first.get_or_insert(sample.at);
        let oldest = sample.at - keep.span;
        // One sample beyond the span stays: the step to the oldest within it needs both ends.
        while (self.time(1).is_some_and(|second| second <= oldest) || self.len() >= keep.samples)
            && let Some(front) = self.time(0)
        {
            self.forget_oldest(front);
        }
        self.samples.get_or_insert_default().push(sample);
        self.newest = Some(sample);
    }

    fn forget_oldest(&mut self, at: Timestamp) {
        if let Some(samples) = &mut self.samples {
            samples.forget_first();
            self.forgotten = Some(at);
            self.base += 1;
        }
    }

    /// Moves all of it in time: the clock that stamped it was set.
    pub(crate) fn shift(&mut self, by: Span) {
        if let Some(samples) = &mut self.samples {
            samples.shift(by);
        }
        self.look_up_newest();
        self.forgotten = self.forgotten.map(|at| at + by);
        self.first = self.first.map(|at| at + by);
        self.cut = self.cut.map(|at| at + by);
    }

    /// Drops what is younger than `at`, and gives it back.
    pub(crate) fn drop_after(&mut self, at: Timestamp) -> Vec<Sample> {
        self.forgotten = self.forgotten.map(|gone| gone.min(at));
        self.cut = self.cut.map(|gone| gone.min(at));
        let Some(samples) = &mut self.samples else { return Vec::new() };
        let kept = samples.until(at);
        let dropped = (kept..samples.len()).filter_map(|place| samples.get(place)).collect();
        samples.truncate(kept);
        self.look_up_newest();
        dropped
    }

    /// Puts a sample that is not the newest in its place.
    pub(crate) fn place(&mut self, sample: Sample) -> Placed {
        if self.has_forgotten(sample.at) {
            return Placed::Forgotten;
        }
        let samples = self.samples.get_or_insert_default();
        let place = samples.before(sample.at);
        match samples.get(place) {
            Some(other) if other.at == sample.at => {
                if other.value.to_bits() == sample.value.to_bits() {
                    return Placed::Repeat;
                }
                samples.replace(place, sample);
                self.look_up_newest();
                Placed::Replaced(other)
            }
            Some(_) | None => {
                samples.insert(place, sample);
                self.look_up_newest();
                Placed::Inserted
            }
        }
    }

    /// Forgets what late samples have made too many.
    pub(crate) fn trim(&mut self, keep: Keep) {
        while self.len() > keep.samples
            && let Some(front) = self.time(0)
        {
            self.forget_oldest(front);
        }
        self.look_up_newest();
    }

    /// Takes out what is between two times, the ends included; how many that were.
    pub(crate) fn take_out(&mut self, from: Timestamp, to: Timestamp) -> usize {
        let before = self.len();
        if let Some(samples) = &mut self.samples {
            **samples = samples.iter().filter(|sample| sample.at < from || sample.at > to).collect();
        }
        self.look_up_newest();
        before - self.len()
    }

    /// Undoes [`place`](Self::place), to see what the sample changes.
    pub(crate) fn take_back(&mut self, at: Timestamp, replaced: Option<Sample>) {
        let Some(samples) = &mut self.samples else { return };
        let place = samples.before(at);
        if samples.time(place) != Some(at) {
            return;
        }
        match replaced {
            Some(old) => samples.replace(place, old),
            None => samples.remove(place),
        }
        self.look_up_newest();
    }
}

/// Whether nothing was ever there or all of it is gone makes no difference.
impl PartialEq for Series {
    fn eq(&self, other: &Self) -> bool {
        let bounds = |series: &Self| (series.base, series.forgotten, series.first, series.cut);
        bounds(self) == bounds(other) && self.iter().eq(other.iter())
    }
}

/// A series on disk: times as differences and values as bits, so that any format gives back exactly what it got.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Packed {
    /// Whether the first sample's number is kept is of no use after a restart; numbers begin anew.
    first: Option<i64>,
    forgotten: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cut: Option<i64>,
    times: Vec<i64>,
    bits: Vec<u64>,
    flags: Vec<u32>,
}

impl From<Series> for Packed {
    fn from(series: Series) -> Self {
        let mut before = 0;
        let times = series.iter().map(|sample| {
            let step = sample.at.0 - before;
            before = sample.at.0;
            step
        });
        let marks = |sample: Sample| u32::from(sample.flag.code()) << 16 | u32::from(sample.checks.0);
        Self {
            first: series.first.map(|at| at.0),
            forgotten: series.forgotten.map(|at| at.0),
            cut: series.cut.map(|at| at.0),
            times: times.collect(),
            bits: series.iter().map(|sample| sample.value.to_bits()).collect(),
            flags: series.iter().map(marks).collect(),
        }
    }
}

impl From<Packed> for Series {
    fn from(packed: Packed) -> Self {
        let mut at = 0_i64;
        let samples = packed.times.iter().zip(&packed.bits).zip(&packed.flags).map(|((step, bits), marks)| {
            at = at.saturating_add(*step);
            let [_, flag, high, low] = marks.to_be_bytes();
            Sample {
                at: Timestamp(at),
                value: f64::from_bits(*bits),
                flag: Flag::from_code(flag).unwrap_or_default(),
                checks: Checks(u16::from_be_bytes([high, low])),
            }
        });
        let samples: Columns = samples.filter(|sample| sample.value.is_finite()).collect();
        let newest = samples.len().checked_sub(1).and_then(|place| samples.get(place));
        Self {
            newest,
            samples: (samples.len() > 0).then(|| Box::new(samples)),
            base: 0,
            forgotten: packed.forgotten.map(Timestamp),
            first: packed.first.map(Timestamp),
            cut: packed.cut.map(Timestamp),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(minute: i64, value: f64) -> Sample {
        Sample { at: Timestamp(minute * 60_000), value, flag: Flag::Good, checks: Checks::NONE }
    }

    const KEEP: Keep = Keep { span: Span::minutes(10), samples: 8 };

    fn minutes(series: &Series) -> Vec<i64> {
        series.iter().map(|sample| sample.at.0 / 60_000).collect()
    }

    #[test]
    fn the_past_is_forgotten_by_time_and_by_number() {
        let mut series = Series::default();
        for minute in 0..30 {
            series.push(sample(minute, 1.0), KEEP);
        }
        assert_eq!(minutes(&series), [22, 23, 24, 25, 26, 27, 28, 29]);
        assert!(series.forgets(Timestamp(20 * 60_000)) && !series.forgets(Timestamp(21 * 60_000)));
        series.push(sample(100, 1.0), KEEP);
        series.push(sample(101, 1.0), KEEP);
        assert_eq!(minutes(&series), [29, 100, 101]);
        assert_eq!(series.place(sample(28, 1.0)), Placed::Forgotten);
    }

    #[test]
    fn a_late_sample_finds_its_place_once() {
        let mut series = Series::default();
        for minute in [1, 2, 4] {
            series.push(sample(minute, 1.0), KEEP);
        }
        assert_eq!(series.place(sample(3, 7.0)), Placed::Inserted);
        assert_eq!(series.place(sample(3, 7.0)), Placed::Repeat);
        assert_eq!(series.place(sample(3, 8.0)), Placed::Replaced(sample(3, 7.0)));
        assert_eq!(minutes(&series), [1, 2, 3, 4]);
        series.take_back(Timestamp(180_000), Some(sample(3, 7.0)));
        assert_eq!(series.last(Timestamp(200_000)).map(|s| s.value), Some(7.0));
        series.take_back(Timestamp(180_000), None);
        assert_eq!(minutes(&series), [1, 2, 4]);
    }

    #[test]
    fn disk_gives_back_what_it_got() {
        let mut series = Series::default();
        for (minute, value) in [(1, 0.1 + 0.2), (2, -1e-300), (4, 5.0)] {
            series.push(sample(minute, value), KEEP);
        }
        let text = serde_json::to_string(&series).expect("a series is plain data");
        let back: Series = serde_json::from_str(&text).expect("just written");
        assert_eq!(back, series);
    }
}
