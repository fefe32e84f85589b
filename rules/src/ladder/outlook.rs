//! What is under way on a ladder, and when it is over if values stay as they are and come as often as they should. Looked
//! up, never remembered: a climb at rest costs nothing for it.

use watchfire_model::grade::Grade;
use watchfire_model::ladder::Delay;
use watchfire_model::outlook::{Recovering, Rising};
use watchfire_model::time::{Span, Timestamp};

use super::{Climb, Pace, Rung, Rungs, lower, place};

/// How often samples should come, and how long ago the newest one did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rhythm {
    pub(crate) interval: Span,
    /// Counted by our own clock, so that one of a sensor which lags or leads makes nothing late.
    pub(crate) since_newest: Span,
}

impl Rhythm {
    /// The sample that comes `after` the newest: when it is still to come, else when it was due.
    fn due(self, newest: Timestamp, after: Span) -> (Option<Timestamp>, Option<Timestamp>) {
        let due = Some(newest + after);
        if after > self.since_newest { (due, None) } else { (None, due) }
    }
}

impl Climb {
    /// The delay of the pending grade. `counts`: whether a value like the newest counts towards that grade.
    pub(crate) fn rising(&self, pace: &Pace, rhythm: Rhythm, counts: impl Fn(Grade) -> bool) -> Option<Rising> {
        let (grade, last) = (self.pending()?, self.last?);
        let (rung, delay) = (&self.rungs[place(grade)], pace.raise_after[place(grade)]);
        let goes_on = rung.recent & 1 == 1 && counts(grade);
        let due = || rhythm.due(last, rung.left(delay, rhythm.interval));
        let (over_at, overdue_since) = if goes_on { due() } else { (None, None) };
        Some(Rising {
            grade,
            since: Timestamp(rung.onset),
            samples: rung.met,
            of_samples: delay.samples,
            covered: Span(rung.met_for),
            of_covered: delay.span,
            over_at,
            overdue_since,
        })
    }

    /// The delay after which the grade in force is left. `may_lift`: whether a value like the newest may end a grade.
    pub(crate) fn recovering(&self, rungs: &Rungs, pace: &Pace, rhythm: Rhythm, may_lift: bool) -> Option<Recovering> {
        let top = usize::from(self.judged).checked_sub(1)?;
        let (rung, last) = (&self.rungs[top], self.last?);
        if rung.short_for < 0 {
            return None;
        }
        let hold_left = (pace.hold[top] - rung.held_for).max(0);
        let left = (pace.lift_after[top] - rung.short_for).max(hold_left);
        let after = in_samples(left, rhythm.interval);
        let (lower_at, overdue_since) = if may_lift { rhythm.due(last, after) } else { (None, None) };
        Some(Recovering {
            towards: Grade::from_level(self.falls_to(rungs, pace, after)),
            since: Timestamp(last.0.saturating_sub(rung.short_for)),
            covered: Span(rung.short_for),
            of_covered: Span(pace.lift_after[top]),
            hold_left: Span(hold_left),
            lower_at,
            overdue_since,
        })
    }

    /// The level after so much more of the same value.
    fn falls_to(&self, rungs: &Rungs, pace: &Pace, after: Span) -> u8 {
        let mut level = self.judged;
        while let Some(place) = usize::from(level).checked_sub(1) {
            let rung = &self.rungs[place];
            let long = |passed: i64, needed: i64| passed.saturating_add(after.0) >= needed;
            // The topmost is left then, by what `after` is.
            let left = rung.short_for >= 0
                && long(rung.short_for, pace.lift_after[place])
                && long(rung.held_for, pace.hold[place]);
            if !left {
                break;
            }
            level = lower(rungs, place);
        }
        level
    }
}

impl Rung {
    /// For how long it must still be met, sample by sample: until the first of what the delay names.
    fn left(&self, delay: Delay, interval: Span) -> Span {
        let by_span = delay.span.map(|span| in_samples(span.0 - self.met_for, interval));
        let more = delay.samples.map(|samples| match delay.of {
            None => i64::from(samples.saturating_sub(self.met)).max(1),
            Some(of) => {
                let seen = u32::MAX >> (32 - of.clamp(1, Delay::OF_MOST));
                let met = |more: u32| ((self.recent << more) | ((1 << more) - 1)) & seen;
                let enough = |more: &u32| met(*more).count_ones() >= samples;
                (1..Delay::OF_MOST).find(enough).map_or(i64::from(samples), i64::from)
            }
        });
        let by_count = more.map(|more| Span(interval.0.saturating_mul(more)));
        by_span.into_iter().chain(by_count).min().unwrap_or(interval)
    }
}

/// Until the sample that covers so much time, at one each `interval`: at least the next one.
fn in_samples(left: i64, interval: Span) -> Span {
    let interval = interval.0.max(1);
    Span((left.max(1).saturating_add(interval - 1) / interval).saturating_mul(interval))
}

#[cfg(test)]
mod tests;
