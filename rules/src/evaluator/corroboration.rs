//! What a value in doubt may raise (SEMANTICS §4): the cap alone, more if it is corroborated, and all of it where the doubt
//! is that it rose fast and a fast rise is the hazard. What it may not raise, a person is asked to look at.

use serde::{Deserialize, Serialize};
use watchfire_model::finding::{Change, Finding};
use watchfire_model::grade::Grade;
use watchfire_model::quality::{Checks, Flag};
use watchfire_model::site::Kind;
use watchfire_model::time::{Span, Timestamp};

use super::subject::{Cause, Subject};
use crate::ladder::Trust;
use crate::ruleset::Second;
use crate::series::Sample;
use crate::window::Known;

/// Samples of a witness that are looked at.
const MOST_SAMPLES: usize = 1_024;
/// The same look is asked for again only after this long.
const ASKED_AGAIN: Span = Span::hours(1);

/// Doubts that a signal which is not one would repeat for ever: no number of samples speaks against them.
const OF_THE_SIGNAL: Checks = Checks::FLAT.with(Checks::ATTENUATED).with(Checks::OSCILLATION).with(Checks::CLOCK);

/// Suspect values in a row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Consistency {
    /// When the last was counted.
    at: Option<Timestamp>,
    /// How many in a row met each grade.
    met: [u32; 4],
    /// The grade that a person was last asked to look at, and when.
    asked: Option<(u8, Timestamp)>,
}

impl Consistency {
    /// Counts a value that met `level`, once for each time.
    fn count(&mut self, at: Timestamp, level: u8) {
        if self.at.is_some_and(|last| at <= last) {
            return;
        }
        self.at = Some(at);
        for (grade, met) in (1_u8..).zip(&mut self.met) {
            *met = if grade <= level { met.saturating_add(1) } else { 0 };
        }
    }

    /// The highest level that `enough` in a row have met.
    fn highest(&self, enough: u32) -> u8 {
        let met = (1_u8..).zip(&self.met).filter(|(_, met)| **met >= enough);
        met.map(|(level, _)| level).max().unwrap_or(0)
    }

    fn forget(&mut self) {
        (self.at, self.met) = (None, [0; 4]);
    }

    pub(super) fn shift(&mut self, by: Span) {
        self.at = self.at.map(|at| at + by);
        self.asked = self.asked.map(|(level, at)| (level, at + by));
    }
}

impl Subject {
    /// How far a value may be trusted with all that speaks for it, and the grade that a person should look at.
    pub(super) fn corroborate(
        &mut self,
        cause: &Cause<'_>,
        at: Timestamp,
        known: &Known,
        trust: Trust,
    ) -> (Trust, Option<Grade>) {
        if known.flag != Flag::Suspect || known.saturated {
            self.consistency.iter_mut().for_each(|it| it.forget());
            return (trust, None);
        }
        let Some(met) = cause.plan.rungs.grade_of(known.value, Grade::Red) else {
            self.consistency.iter_mut().for_each(|it| it.forget());
            return (trust, None);
        };
        let consistency = self.consistency.get_or_insert_default();
        consistency.count(at, met.level());
        if met <= trust.cap {
            let rises = met.level() > self.climb.level();
            return (trust, (rises && cause.is_only_fast(known) && cause.lifts).then_some(met));
        }
        let proven = match cause.compiled.consistent {
            Some(enough) if !known.doubts.has_any(OF_THE_SIGNAL) => consistency.highest(enough),
            Some(_) | None => 0,
        };
        let proven = if cause.is_seconded(at) { met.level() } else { proven };
        let cap = Grade::from_level(proven).unwrap_or(trust.cap).max(trust.cap);
        (Trust { cap, ..trust }, (cap < met).then_some(met))
    }

    /// Asks a person to look, unless the same was asked not long ago.
    pub(super) fn ask_to_verify(&mut self, cause: &Cause<'_>, grade: Grade, out: &mut Vec<Finding>) {
        let at = cause.moment.at;
        let consistency = self.consistency.get_or_insert_default();
        if consistency.asked.is_some_and(|(level, last)| grade.level() <= level && at - last < ASKED_AGAIN) {
            return;
        }
        consistency.asked = Some((grade.level(), at));
        let level = self.climb.level();
        let mut finding = self.finding(cause, Change::Verify, level);
        finding.pending = Some(grade);
        finding.threshold = cause.plan.rungs.raise_at(grade);
        out.push(finding);
    }
}

impl Cause<'_> {
    /// Whether all that is held against a value is that it rose fast, where that is the hazard.
    pub(super) fn is_only_fast(&self, known: &Known) -> bool {
        let fast = Checks::RATE.with(Checks::SPIKE);
        self.compiled.fast_rise && known.flag == Flag::Suspect && known.doubts.are_within(fast)
    }

    /// Whether a second kind of sensor speaks for it.
    fn is_seconded(&self, at: Timestamp) -> bool {
        self.plan.seconds.iter().any(|second| self.testifies(second, at))
    }

    fn testifies(&self, second: &Second, at: Timestamp) -> bool {
        let Some(point) = self.gate.point(second.point) else { return false };
        let start = at - second.within;
        let recent = point.series().iter().rev().take(MOST_SAMPLES).skip_while(|sample| sample.at > at);
        let recent = recent.take_while(|sample| sample.at > start).filter(|sample| sample.flag <= Flag::NotEvaluated);
        let values = recent.map(|Sample { value, .. }| value);
        let said = match second.kind {
            Kind::Increment => values.sum(),
            Kind::Gauge => values.fold(f64::NEG_INFINITY, f64::max),
            Kind::Counter => {
                let (low, high) = values
                    .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
                high - low
            }
        };
        said >= second.at_least
    }
}
