//! Windows over one point's series, by time and never by count: `t − age − span < at ≤ t − age`. In order a window moves
//! in amortised O(1); after a late reading it is built once more.

use std::collections::VecDeque;

use watchfire_model::quality::{Checks, Flag};
use watchfire_model::site::Kind;
use watchfire_model::time::{Span, Timestamp, Zone};

use crate::series::{Sample, Series};

pub(crate) mod exact;
mod spec;
mod spells;

pub use spec::{Shape, Take, WindowSpec};

use exact::{Line, fixed, float, twelve_digits};
use spells::Spells;

/// How a rule looks at a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lens {
    pub(crate) kind: Kind,
    /// Nominal time between samples.
    pub(crate) interval: Span,
    /// Longest gap that counts as covered.
    pub(crate) max_gap: Span,
    /// Part of a window that must be covered; 0 = no such demand.
    pub(crate) coverage: f64,
    /// What a counter loses when it wraps.
    pub(crate) modulus: Option<f64>,
}

/// A number with how far it may be trusted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Known {
    pub(crate) value: f64,
    pub(crate) flag: Flag,
    /// What casts doubt on it; all there is, where that can't be told.
    pub(crate) doubts: Checks,
    /// The true value may be beyond.
    pub(crate) saturated: bool,
}

impl Known {
    pub(crate) fn of(sample: &Sample) -> Self {
        let (flag, doubts) = (sample.flag, sample.checks.doubts());
        Self { value: sample.value, flag, doubts, saturated: sample.checks.has(Checks::SATURATED) }
    }
}

/// Why there is no number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Blank {
    /// The point has not been heard for long enough since its first sample.
    Warming,
    /// Too little in a window, or too old.
    Thin,
    /// The script said `unknown`.
    Unknown,
    /// The script failed.
    Broken(Box<str>),
}

/// What has been added up.
#[derive(Clone, Debug, PartialEq)]
enum Tally {
    Nothing,
    Total {
        all: i128,
        suspect: i128,
    },
    /// Numbers of the samples that may yet become the extreme, the present one first.
    Extreme(VecDeque<u64>),
    Line(Box<Line>),
    Events(Spells),
}

/// A window's moving state. It can always be built again from the series, so no snapshot holds it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Window {
    pub(crate) spec: WindowSpec,
    /// Numbers of the samples inside: `lo..hi`.
    lo: u64,
    hi: u64,
    /// The series changed behind it.
    stale: bool,
    /// The oldest number the series kept when the window last moved.
    begin: u64,
    /// Where it ended then.
    end: Timestamp,
    /// Milliseconds its samples stand for.
    covered: i64,
    suspect: u32,
    saturated: u32,
    /// Values too large to be added up.
    wild: u32,
    tally: Tally,
}

impl Window {
    pub(crate) fn new(spec: WindowSpec) -> Self {
        Self {
            spec,
            lo: 0,
            hi: 0,
            stale: true,
            begin: 0,
            end: Timestamp(i64::MIN),
            covered: 0,
            suspect: 0,
            saturated: 0,
            wild: 0,
            tally: Tally::Nothing,
        }
    }

    /// The series was changed elsewhere than at its end.
    pub(crate) fn distrust(&mut self) {
        self.stale = true;
    }

    /// What the window holds at `t`, where the time of day is `zone`'s.
    pub(crate) fn read(&mut self, series: &Series, lens: &Lens, zone: &Zone, t: Timestamp) -> Result<Known, Blank> {
        let (start, end) = self.spec.bounds(zone, t);
        self.advance(series, lens, start, end);
        if series.forgets(start) || self.wild > 0 || self.lacks_first_step(series, lens) {
            return Err(Blank::Thin);
        }
        self.require_coverage(series, lens, start, end)?;
        let tail = self.tail(series, lens, end);
        let value = self.value(series, tail).ok_or(Blank::Thin)?;
        let flag = self.flag(series, tail);
        let doubts = if flag == Flag::Suspect { self.doubts(series) } else { Checks::NONE };
        Ok(Known { value, flag, doubts, saturated: self.saturated > 0 })
    }

    /// Whether it adds up steps, and the sample before its oldest was there once and is forgotten.
    fn lacks_first_step(&self, series: &Series, lens: &Lens) -> bool {
        let of_steps = match self.spec.take {
            Take::Diff => true,
            Take::Sum => lens.kind == Kind::Counter,
            Take::Mean | Take::Min | Take::Max | Take::Rise | Take::Count | Take::SpanHours => false,
        };
        of_steps && self.lo < self.hi && self.lo == series.begin() && series.has_forgotten_any()
    }

    fn advance(&mut self, series: &Series, lens: &Lens, start: Timestamp, end: Timestamp) {
        // A sample can only be taken out as it was added while the one before it is known.
        let cut_off = series.begin() != self.begin && self.lo <= series.begin();
        if self.stale || cut_off || end < self.end || self.hi > series.end() {
            *self = Self { stale: false, ..Self::new(self.spec) };
            self.tally = match (self.spec.shape, self.spec.take) {
                (Shape::Event { dry }, _) => Tally::Events(Spells::parted_by(dry.0)),
                (_, Take::Sum | Take::Mean | Take::Diff) => Tally::Total { all: 0, suspect: 0 },
                (_, Take::Min | Take::Max) => Tally::Extreme(VecDeque::new()),
                (_, Take::Rise) => Tally::Line(Box::default()),
                (_, Take::Count | Take::SpanHours) => Tally::Nothing,
            };
            self.lo = series.after(start);
            self.hi = self.lo;
        }
        (self.begin, self.end) = (series.begin(), end);
        while let Some(sample) = series.get(self.hi).filter(|sample| sample.at <= end) {
            self.weigh(series, lens, self.hi, &sample, true);
            self.hi += 1;
        }
        while self.lo < self.hi {
            let Some(sample) = series.get(self.lo).filter(|sample| sample.at <= start) else { break };
            self.weigh(series, lens, self.lo, &sample, false);
            self.lo += 1;
        }
    }

    /// Adds a sample to the tally or takes it out.
    fn weigh(&mut self, series: &Series, lens: &Lens, number: u64, sample: &Sample, coming: bool) {
        let count = |field: &mut u32| {
            *field = if coming { field.saturating_add(1) } else { field.saturating_sub(1) };
        };
        let before = number.checked_sub(1).and_then(|number| series.get(number));
        let suspect = sample.flag == Flag::Suspect;
        if lens.coverage > 0.0 {
            let cover = cover(before, sample, lens).0;
            self.covered += if coming { cover } else { -cover };
        }
        if suspect {
            count(&mut self.suspect);
        }
        if sample.checks.has(Checks::SATURATED) {
            count(&mut self.saturated);
        }
        let share = match (self.spec.take, lens.kind) {
            (Take::Diff, _) | (Take::Sum, Kind::Counter) => before.map_or(0.0, |before| step(&before, sample, lens)),
            (_, Kind::Gauge | Kind::Increment | Kind::Counter) => sample.value,
        };
        match &mut self.tally {
            Tally::Nothing => {}
            Tally::Events(spells) => match fixed(share) {
                Some(share) if coming => spells.come(share, suspect, cover(before, sample, lens).0),
                Some(share) => spells.go(share, suspect),
                None => count(&mut self.wild),
            },
            Tally::Total { all, suspect: part } => {
                let Some(mut share) = fixed(share) else {
                    count(&mut self.wild);
                    return;
                };
                if !coming {
                    share = -share;
                }
                *all += share;
                if suspect {
                    *part += share;
                }
            }
            Tally::Extreme(candidates) => {
                if coming {
                    let beaten = |other: &u64| {
                        series.get(*other).is_none_or(|other| match self.spec.take {
                            Take::Min => other.value >= sample.value,
                            _ => other.value <= sample.value,
                        })
                    };
                    while candidates.back().is_some_and(beaten) {
                        candidates.pop_back();
                    }
                    candidates.push_back(number);
                } else if candidates.front() == Some(&number) {
                    candidates.pop_front();
                }
            }
            Tally::Line(line) => {
                if suspect {
                    return;
                }
                let weighed =
                    if coming { line.add(sample.at.0, sample.value) } else { line.take(sample.at.0, sample.value) };
                if !weighed {
                    count(&mut self.wild);
                }
            }
        }
    }

    fn require_coverage(&self, series: &Series, lens: &Lens, start: Timestamp, end: Timestamp) -> Result<(), Blank> {
        if lens.coverage <= 0.0 {
            return Ok(());
        }
        let mut covered = self.covered;
        if self.lo < self.hi {
            if let Some(first) = series.get(self.lo) {
                let before = self.lo.checked_sub(1).and_then(|number| series.get(number));
                covered -= (cover(before, &first, lens).0 - (first.at - start).0).max(0);
            }
            covered += self.tail(series, lens, end);
        }
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a millennium fit a double exactly")]
        if covered as f64 >= lens.coverage * (end - start).0 as f64 {
            return Ok(());
        }
        let warming = series.first().is_none_or(|first| first - lens.interval > start);
        Err(if warming { Blank::Warming } else { Blank::Thin })
    }

    /// Milliseconds up to `end` that the newest sample in it covers.
    fn tail(&self, series: &Series, lens: &Lens, end: Timestamp) -> i64 {
        let newest = self.hi.checked_sub(1).filter(|newest| *newest >= self.lo).and_then(|newest| series.get(newest));
        newest.map(|newest| end - newest.at).filter(|tail| *tail <= lens.max_gap).map_or(0, |tail| tail.0)
    }

    fn value(&self, series: &Series, tail: i64) -> Option<f64> {
        let n = self.hi - self.lo;
        let edge = |number: u64| series.get(number);
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        match (&self.tally, self.spec.take) {
            (Tally::Total { all, .. }, Take::Mean) => (n > 0).then(|| twelve_digits(float(*all) / n as f64)),
            (Tally::Total { all, .. }, Take::Diff) => (n > 0).then(|| twelve_digits(float(*all))),
            (Tally::Total { all, .. }, _) => Some(twelve_digits(float(*all))),
            (Tally::Extreme(candidates), _) => edge(*candidates.front()?).map(|sample| sample.value),
            (Tally::Line(line), _) => line.slope_per_hour().map(twelve_digits),
            (Tally::Events(spells), _) => Some(twelve_digits(float(spells.now(tail).0))),
            (Tally::Nothing, Take::SpanHours) => {
                let (first, last) = (edge(self.lo)?, edge(self.hi.checked_sub(1)?)?);
                Some((last.at - first.at).as_hours().max(0.0))
            }
            (Tally::Nothing, _) => Some(n as f64),
        }
    }

    /// A window is as suspect as what it rests on: an extreme's own flag, more than a tenth of a sum or of a mean's
    /// samples. One doubtful tip does not stop a fifteen-day sum from raising.
    fn flag(&self, series: &Series, tail: i64) -> Flag {
        let newest = self.hi.checked_sub(1).filter(|newest| *newest >= self.lo).and_then(|newest| series.get(newest));
        let unproven = newest.map_or(Flag::Good, |newest| match newest.flag {
            Flag::NotEvaluated => Flag::NotEvaluated,
            Flag::Good | Flag::Suspect | Flag::Fail | Flag::Missing => Flag::Good,
        });
        if self.suspect == 0 {
            return unproven;
        }
        let suspect = match (&self.tally, self.spec.take) {
            (Tally::Total { .. }, Take::Mean) => u64::from(self.suspect) * 10 > self.hi - self.lo,
            (Tally::Total { all, suspect }, _) => is_much(*suspect, *all),
            (Tally::Events(spells), _) => {
                let (all, suspect) = spells.now(tail);
                is_much(suspect, all)
            }
            (Tally::Extreme(candidates), _) => {
                candidates.front().and_then(|number| series.get(*number)).is_some_and(|s| s.flag == Flag::Suspect)
            }
            (Tally::Line(_) | Tally::Nothing, _) => false,
        };
        if suspect { Flag::Suspect } else { unproven }
    }
}

impl Window {
    /// What casts doubt on a suspect window: on an extreme what does on it, on a sum anything may.
    fn doubts(&self, series: &Series) -> Checks {
        match &self.tally {
            Tally::Extreme(candidates) => {
                let extreme = candidates.front().and_then(|number| series.get(*number));
                extreme.map_or(Checks::DOUBTS, |sample| sample.checks.doubts())
            }
            Tally::Nothing | Tally::Total { .. } | Tally::Line(_) | Tally::Events(_) => Checks::DOUBTS,
        }
    }
}

/// Whether a part is more than a tenth of all.
fn is_much(part: i128, all: i128) -> bool {
    part.unsigned_abs().saturating_mul(10) > all.unsigned_abs()
}

/// The time a sample stands for: back to the one before, or one interval where that is too far.
fn cover(before: Option<Sample>, sample: &Sample, lens: &Lens) -> Span {
    match before.map(|before| sample.at - before.at) {
        Some(gap) if gap <= lens.max_gap => gap,
        Some(_) | None => lens.interval,
    }
}

/// From one sample to the next; a counter never counts backwards.
fn step(before: &Sample, sample: &Sample, lens: &Lens) -> f64 {
    let step = sample.value - before.value;
    match lens.kind {
        Kind::Gauge | Kind::Increment => step,
        Kind::Counter if step >= 0.0 => step,
        Kind::Counter => match lens.modulus.map(|modulus| step + modulus) {
            // It wrapped: what it went on by is less than half its range.
            Some(onward) if onward >= 0.0 && lens.modulus.is_some_and(|modulus| onward <= modulus / 2.0) => onward,
            // It was reset: what it shows is what it has counted since.
            Some(_) | None => sample.value.max(0.0),
        },
    }
}

#[cfg(test)]
mod tests;
