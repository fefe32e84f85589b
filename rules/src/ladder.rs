//! One measure against one ladder: from values and how far they may be trusted to the judged grade, with delays, margins
//! and holds in covered event time (SEMANTICS §2, §5). Where the values come from, and what follows, is not here.

use serde::{Deserialize, Serialize};
use watchfire_model::grade::{Grade, PerGrade};
use watchfire_model::ladder::{Delay, Direction, Ladder, Step};
use watchfire_model::quantity::Finite;
use watchfire_model::time::{Span, Timestamp};

use crate::window::exact::{least_of_twelve_digits, twelve_digits};

mod moved;
pub(crate) mod outlook;

/// Delays and holds of a rule, the same for all its subjects.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pace {
    raise_after: [Delay; 4],
    lift_after: [i64; 4],
    hold: [i64; 4],
    /// Nothing waits for anything.
    at_once: bool,
}

impl Pace {
    pub(crate) fn new(raise_after: &PerGrade<Delay>, lift_after: &PerGrade<Span>, hold: &PerGrade<Span>) -> Self {
        let raise_after = Grade::ALL.map(|grade| *raise_after.get(grade));
        let lift_after = Grade::ALL.map(|grade| lift_after.get(grade).0.max(0));
        let hold = Grade::ALL.map(|grade| hold.get(grade).0.max(0));
        let at_once = raise_after.iter().all(|delay| delay.is_none()) && lift_after == [0; 4] && hold == [0; 4];
        Self { raise_after, lift_after, hold, at_once }
    }

    /// How far back a grade may depend on what was seen, at one sample each `interval`.
    pub(crate) fn reach(&self, interval: Span) -> Span {
        let delay = |delay: &Delay| {
            let samples = delay.samples.map(|n| delay.of.map_or(n, |of| of.max(n)));
            let by_count = samples.map(|n| i64::from(n).saturating_mul(interval.0));
            let by_span = delay.span.map(|span| span.0);
            match (by_count, by_span) {
                (Some(a), Some(b)) => a.min(b),
                (Some(only), None) | (None, Some(only)) => only,
                (None, None) => 0,
            }
        };
        let longest = self.raise_after.iter().map(delay).chain(self.lift_after).chain(self.hold).max();
        Span(longest.unwrap_or(0))
    }
}

/// The thresholds of one subject, turned so that higher is worse. A grade that is not there is never met.
///
/// Values and thresholds are compared to twelve digits, whichever way the value was made: what a scale makes of 3.0,
/// 2.9999999999999996, meets 3. So that no value need be rounded for it, each threshold stands here as the least double
/// that is rounded to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rungs {
    falling: bool,
    raise: [f64; 4],
    lift: [f64; 4],
}

impl Rungs {
    pub(crate) fn new(direction: Direction, steps: &[(Grade, Finite, Finite)]) -> Self {
        let falling = direction == Direction::Falling;
        let turn = |value: Finite| least_of_twelve_digits(if falling { -value.get() } else { value.get() });
        let (mut raise, mut lift) = ([f64::INFINITY; 4], [f64::INFINITY; 4]);
        for (grade, raise_at, lift_below) in steps {
            raise[place(*grade)] = turn(*raise_at);
            lift[place(*grade)] = turn(*lift_below);
        }
        Self { falling, raise, lift }
    }

    /// The highest grade of the ladder up to `level` of which `so` is true.
    pub(crate) fn highest(&self, level: u8, so: impl Fn(Grade) -> bool) -> Option<Grade> {
        let has = |grade: &Grade| grade.level() <= level && self.has(place(*grade));
        Grade::ALL.into_iter().rev().filter(has).find(|grade| so(*grade))
    }

    fn has(&self, rung: usize) -> bool {
        self.raise[rung] < f64::INFINITY
    }

    fn turn(&self, value: f64) -> f64 {
        if self.falling { -value } else { value }
    }

    /// The highest level up to `cap` met by `value`; 0 = none.
    fn met(&self, turned: f64, cap: u8) -> u8 {
        // Rungs rise with the grade, and what is not there is infinitely high.
        let met = |rung: usize| if turned >= self.raise[rung] && LEVELS[rung] <= cap { LEVELS[rung] } else { 0 };
        met(0).max(met(1)).max(met(2)).max(met(3))
    }

    /// Whether `value` is short of every grade's reset value.
    pub(crate) fn is_calm(&self, value: f64) -> bool {
        let turned = self.turn(value);
        self.lift.iter().all(|lift| turned < *lift)
    }

    /// The highest grade met by `value`, up to `cap`.
    pub(crate) fn grade_of(&self, value: f64, cap: Grade) -> Option<Grade> {
        let turned = self.turn(value);
        Grade::ALL.into_iter().rev().find(|grade| *grade <= cap && turned >= self.raise[place(*grade)])
    }

    /// Where `value` settles, coming from `judged`: the highest grade that it enters or does not leave.
    pub(crate) fn settles_at(&self, value: f64, judged: Option<Grade>) -> Option<Grade> {
        let turned = self.turn(value);
        let holds = |grade: Grade| Some(grade) <= judged && turned >= self.lift[place(grade)];
        Grade::ALL.into_iter().rev().find(|grade| turned >= self.raise[place(*grade)] || holds(*grade))
    }

    /// Where `grade` is entered.
    pub(crate) fn raise_at(&self, grade: Grade) -> Option<f64> {
        self.has(place(grade)).then(|| self.turn(twelve_digits(self.raise[place(grade)])))
    }

    /// Where `grade` is left.
    pub(crate) fn lift_below(&self, grade: Grade) -> Option<f64> {
        self.has(place(grade)).then(|| self.turn(twelve_digits(self.lift[place(grade)])))
    }

    /// The ladder in the model's words.
    pub(crate) fn ladder(&self, pace: &Pace) -> Ladder {
        let step = |grade: Grade| {
            let finite = |value: Option<f64>| value.and_then(|value| Finite::new(value).ok());
            Some(Step {
                grade,
                raise_at: finite(self.raise_at(grade))?,
                lift_below: finite(self.lift_below(grade))?,
                raise_after: pace.raise_after[place(grade)],
                lift_after: Span(pace.lift_after[place(grade)]),
                hold: Span(pace.hold[place(grade)]),
            })
        };
        let direction = if self.falling { Direction::Falling } else { Direction::Rising };
        Ladder { direction, steps: Grade::ALL.into_iter().filter_map(step).collect() }
    }
}

const LEVELS: [u8; 4] = [1, 2, 3, 4];

fn place(grade: Grade) -> usize {
    usize::from(grade.level()) - 1
}

/// How far a value may be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trust {
    /// The highest grade it may raise.
    pub(crate) cap: Grade,
    /// Whether it may end a grade.
    pub(crate) lifts: bool,
}

impl Trust {
    pub(crate) const FULL: Self = Self { cap: Grade::Red, lifts: true };
}

/// One value for the ladder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) at: Timestamp,
    pub(crate) value: f64,
    pub(crate) trust: Trust,
}

/// What a rung remembers. Times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Rung {
    /// Samples that met it: in a row, or among the last few where the delay says so; 0 = not met.
    met: u32,
    /// Which of the last samples met it, the newest in the lowest bit.
    recent: u32,
    /// Covered time since the first of those in a row.
    met_for: i64,
    /// Event time of the first of them; of the grade in force, of those that led to it.
    onset: i64,
    /// Covered time short of the reset value; -1 = not short of it.
    short_for: i64,
    /// Covered time at or above this grade.
    held_for: i64,
}

impl Rung {
    /// Takes one sample, `covered` after the one before.
    fn count(&mut self, meets: bool, delay: Delay, covered: i64) {
        let in_a_row = self.recent & 1 == 1;
        self.recent = (self.recent << 1) | u32::from(meets);
        self.met = match delay.of {
            Some(of) => (self.recent & (u32::MAX >> (32 - of.clamp(1, Delay::OF_MOST)))).count_ones(),
            None if meets => self.met.saturating_add(1),
            None => 0,
        };
        self.met_for = if meets && in_a_row { self.met_for.saturating_add(covered) } else { 0 };
    }
}

const UNTOUCHED: Rung = Rung { met: 0, recent: 0, met_for: 0, onset: 0, short_for: -1, held_for: 0 };

/// Where one subject stands on its ladder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Climb {
    judged: u8,
    pending: u8,
    /// Event time of the last value.
    last: Option<Timestamp>,
    rungs: [Rung; 4],
}

impl Default for Climb {
    fn default() -> Self {
        Self { judged: 0, pending: 0, last: None, rungs: [UNTOUCHED; 4] }
    }
}

/// What one value changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    /// The judged level before.
    pub(crate) from: u8,
    /// The pending level before.
    pub(crate) pending_from: u8,
    /// A delay that ran was begun anew: nothing had been heard for too long.
    pub(crate) torn: bool,
}

impl Climb {
    /// A climb that stands at a level, having entered each at the time told; one of which that is not known, long ago.
    pub(crate) fn standing(level: u8, at: Timestamp, since: [Option<Timestamp>; 4]) -> Self {
        let entered = |since: Option<Timestamp>| Rung {
            onset: since.unwrap_or(at).0,
            held_for: since.map_or(i64::MAX, |since| (at - since).0),
            ..UNTOUCHED
        };
        Self { judged: level.min(4), rungs: since.map(entered), ..Self::default() }
    }

    pub(crate) fn judged(&self) -> Option<Grade> {
        Grade::from_level(self.judged)
    }

    pub(crate) fn pending(&self) -> Option<Grade> {
        Grade::from_level(self.pending)
    }

    pub(crate) fn level(&self) -> u8 {
        self.judged
    }

    /// Whether a delay runs, up or down.
    pub(crate) fn is_under_way(&self) -> bool {
        let short = |rung: &Rung| rung.short_for >= 0;
        self.pending > 0 || usize::from(self.judged).checked_sub(1).is_some_and(|top| short(&self.rungs[top]))
    }

    /// Event time at which the condition of the grade in force began, or of the pending one where none is in force.
    pub(crate) fn onset(&self) -> Option<Timestamp> {
        let level = if self.judged > 0 { self.judged } else { self.pending };
        let rung = usize::from(level).checked_sub(1)?;
        self.rungs.get(rung).map(|rung| Timestamp(rung.onset))
    }

    /// Samples in a row that met a grade, and the covered time since the first of them.
    pub(crate) fn met(&self, grade: Grade) -> (u32, Span) {
        let rung = self.rungs[place(grade)];
        if rung.met == 0 { (0, Span::ZERO) } else { (rung.met, Span(rung.met_for)) }
    }

    /// `at`, if no more than `max_gap` after the last value; else the time of that.
    pub(crate) fn within_reach(&self, at: Timestamp, max_gap: Span) -> Timestamp {
        self.last.filter(|last| at - *last > max_gap).unwrap_or(at)
    }

    /// Takes one value.
    pub(crate) fn step(&mut self, rungs: &Rungs, pace: &Pace, max_gap: Span, seen: Seen) -> Moved {
        let mut moved = Moved { from: self.judged, pending_from: self.pending, torn: false };
        let turned = rungs.turn(seen.value);
        let gap = self.last.map_or(0, |last| (seen.at - last).0.max(0));
        if self.last.is_none_or(|last| seen.at > last) {
            self.last = Some(seen.at);
        }
        if pace.at_once {
            // What is not to be believed so far is met no lower by it: a grade that the ladder lacks is never invented.
            let met = rungs.met(turned, seen.trust.cap.level());
            if met > self.judged {
                self.enter(rungs, met, seen.at);
            } else if self.judged > 0 && seen.trust.lifts {
                while let Some(rung) = usize::from(self.judged).checked_sub(1).filter(|rung| turned < rungs.lift[*rung])
                {
                    self.judged = lower(rungs, rung);
                }
            }
            return moved;
        }
        // Only time that was covered counts: a gap pauses what runs, a long one begins it anew.
        let covered = if gap <= max_gap.0 { gap } else { 0 };
        let broken = gap > max_gap.0.saturating_mul(3);
        let reached = self.meet(rungs, pace, turned, seen, covered, broken, &mut moved);
        if reached > self.judged {
            self.enter(rungs, reached, seen.at);
        } else if self.judged > 0 {
            self.fall_short(rungs, pace, turned, seen.trust.lifts, if broken { None } else { Some(covered) });
        }
        self.pending = self.running(rungs);
        moved
    }

    /// Runs the delays of raising; the highest level whose delay is over.
    #[expect(clippy::too_many_arguments, reason = "one step, told apart from its two neighbours")]
    fn meet(
        &mut self,
        rungs: &Rungs,
        pace: &Pace,
        turned: f64,
        seen: Seen,
        covered: i64,
        broken: bool,
        moved: &mut Moved,
    ) -> u8 {
        let mut reached = 0;
        for (place, level) in LEVELS.into_iter().enumerate() {
            let rung = &mut self.rungs[place];
            if level <= self.judged {
                rung.held_for = rung.held_for.saturating_add(covered);
            }
            if !rungs.has(place) {
                continue;
            }
            let delay = pace.raise_after[place];
            if broken && rung.met > 0 {
                moved.torn |= level > self.judged;
                (rung.met, rung.recent) = (0, 0);
            }
            let meets = turned >= rungs.raise[place];
            if meets && level > seen.trust.cap.level() {
                // Not to be believed so far: neither counts nor begins anew.
                continue;
            }
            if meets && rung.met == 0 && level > self.judged {
                rung.onset = seen.at.0;
            }
            rung.count(meets, delay, covered);
            let over = delay.is_none()
                || delay.samples.is_some_and(|samples| rung.met >= samples)
                || delay.span.is_some_and(|span| rung.met_for >= span.0);
            if meets && over {
                reached = level;
            }
        }
        reached
    }

    /// Runs the delays of lifting, and lifts as far as they allow. `covered` is none after a long gap.
    fn fall_short(&mut self, rungs: &Rungs, pace: &Pace, turned: f64, lifts: bool, covered: Option<i64>) {
        for place in 0..usize::from(self.judged) {
            let rung = &mut self.rungs[place];
            if turned >= rungs.lift[place] {
                rung.short_for = -1;
            } else if lifts {
                rung.short_for = match covered {
                    Some(covered) if rung.short_for >= 0 => rung.short_for.saturating_add(covered),
                    Some(_) | None => 0,
                };
            }
        }
        while lifts && let Some(place) = usize::from(self.judged).checked_sub(1) {
            let rung = &mut self.rungs[place];
            if rung.short_for < pace.lift_after[place] || rung.held_for < pace.hold[place] {
                return;
            }
            rung.short_for = -1;
            self.judged = lower(rungs, place);
        }
    }

    /// The highest grade above the judged one whose delay runs.
    fn running(&self, rungs: &Rungs) -> u8 {
        LEVELS
            .into_iter()
            .rev()
            .find(|level| {
                let place = usize::from(*level) - 1;
                *level > self.judged && rungs.has(place) && self.rungs[place].met > 0
            })
            .unwrap_or(0)
    }

    /// Goes straight to `level`, above the judged one.
    fn enter(&mut self, rungs: &Rungs, level: u8, at: Timestamp) {
        for place in usize::from(self.judged)..usize::from(level) {
            if !rungs.has(place) {
                continue;
            }
            let rung = &mut self.rungs[place];
            if rung.met == 0 {
                rung.onset = at.0;
            }
            rung.held_for = 0;
            rung.short_for = -1;
        }
        self.judged = level;
    }

    /// Evidence was lost: what was short of the reset value must be so again, from the beginning.
    pub(crate) fn lose_ground(&mut self) {
        for rung in &mut self.rungs {
            rung.short_for = -1;
        }
    }

    /// The ladder is another one now: what ran towards its grades and away from them begins anew.
    pub(crate) fn begin_anew(&mut self) {
        for (rung, level) in self.rungs.iter_mut().zip(LEVELS) {
            rung.short_for = -1;
            if level > self.judged {
                (rung.met, rung.recent, rung.met_for) = (0, 0, 0);
            }
        }
        self.pending = 0;
    }

    /// All that was seen is moved in time: the clock that stamped it was set.
    pub(crate) fn shift(&mut self, by: Span) {
        self.last = self.last.map(|last| last + by);
        for rung in self.rungs.iter_mut().filter(|rung| **rung != UNTOUCHED) {
            rung.onset = rung.onset.saturating_add(by.0);
        }
    }

    /// Takes over what a late reading brought to light: never less than what is known already.
    pub(crate) fn learn(&mut self, rungs: &Rungs, other: &Self, level: u8, onset: Timestamp) -> Moved {
        let moved = Moved { from: self.judged, pending_from: self.pending, torn: false };
        for (rung, theirs) in self.rungs.iter_mut().zip(&other.rungs) {
            if theirs.met > 0 {
                if theirs.recent.count_ones() > rung.recent.count_ones() {
                    rung.recent = theirs.recent;
                }
                (rung.met, rung.met_for) = (theirs.met.max(rung.met), theirs.met_for.max(rung.met_for));
            }
            rung.short_for = rung.short_for.min(theirs.short_for);
        }
        if level > self.judged {
            let from = usize::from(self.judged);
            self.enter(rungs, level, onset);
            for rung in self.rungs.iter_mut().take(usize::from(level)).skip(from) {
                rung.onset = onset.0;
            }
        }
        self.pending = self.running(rungs);
        moved
    }
}

/// The next level of the ladder below a rung.
fn lower(rungs: &Rungs, rung: usize) -> u8 {
    (0..rung).rev().find(|below| rungs.has(*below)).map_or(0, |below| LEVELS[below])
}

#[cfg(test)]
mod tests;
