//! What each rule measured in the course of a backtest, thinned out as it comes so that every peak stays: buckets like
//! those of the stored series, twice as long whenever there are too many.

use watchfire_model::grade::Grade;
use watchfire_model::id::{RuleId, SubjectId};
use watchfire_model::ladder::Ladder;
use watchfire_model::quality::Flag;
use watchfire_model::time::Timestamp;
use watchfire_rules::evaluator::SubjectView;
use watchfire_rules::ruleset::RuleSet;

use crate::storage::series::embedded::{Bucket, Sample};

/// Subjects that are followed; of more sites than that nobody looks at every chart.
const FOLLOWED: usize = 200;
/// Buckets of one subject; with as many again they are joined two by two.
const BUCKETS: usize = 700;
/// Changes of grade that are drawn of one subject.
const CHANGES: usize = 5_000;
/// A bucket is at first this long, in milliseconds.
const SHORTEST: i64 = 1_000;

/// The followed subjects.
pub(super) struct Traces {
    of: Vec<Trace>,
    /// Subjects that are not followed.
    pub(super) left_out: usize,
}

/// One subject.
pub(super) struct Trace {
    /// By which rule.
    pub(super) rule: RuleId,
    /// On what.
    pub(super) subject: SubjectId,
    /// Its thresholds.
    pub(super) ladder: Option<Ladder>,
    /// What was measured.
    pub(super) buckets: Vec<Bucket>,
    /// Each change of the judged grade.
    pub(super) grades: Vec<(Timestamp, Option<Grade>)>,
    width: i64,
    sum: f64,
}

impl Traces {
    /// For the subjects of a rule set.
    pub(super) fn of(rules: &std::sync::Arc<RuleSet>) -> Self {
        let evaluator = watchfire_rules::evaluator::Evaluator::new(std::sync::Arc::clone(rules));
        let of: Vec<Trace> = (evaluator.subjects().take(FOLLOWED))
            .map(|view| Trace {
                rule: view.rule.clone(),
                subject: view.subject.clone(),
                ladder: rules.ladder(view.rule, view.subject),
                buckets: Vec::new(),
                grades: Vec::new(),
                width: SHORTEST,
                sum: 0.0,
            })
            .collect();
        let left_out = rules.len().saturating_sub(of.len());
        Self { of, left_out }
    }

    /// Looks at a subject after a reading of `at` was judged.
    pub(super) fn see(&mut self, place: usize, at: Timestamp, view: &SubjectView<'_>) {
        let Some(trace) = self.of.get_mut(place) else { return };
        if let Some(value) = view.value.filter(|_| view.at == Some(at)) {
            trace.take_in(Sample { at, value: Some(value), flag: Flag::Good });
        }
        if trace.grades.last().map_or(view.judged.is_some(), |(_, last)| *last != view.judged)
            && trace.grades.len() < CHANGES
        {
            trace.grades.push((at, view.judged));
        }
    }

    /// Those with anything to draw, the most eventful first.
    pub(super) fn eventful(&self) -> Vec<&Trace> {
        let mut all: Vec<&Trace> = self.of.iter().filter(|trace| !trace.buckets.is_empty()).collect();
        all.sort_by_key(|trace| std::cmp::Reverse(trace.grades.len()));
        all
    }
}

impl Trace {
    fn take_in(&mut self, sample: Sample) {
        let begin = self.buckets.first().map_or(sample.at, |bucket| bucket.from);
        // What is late by so much that all begins with it stands in the first bucket.
        let mut place = (sample.at - begin).0.max(0) / self.width;
        while usize::try_from(place).unwrap_or(usize::MAX) >= 2 * BUCKETS {
            self.halve(begin);
            place = (sample.at - begin).0.max(0) / self.width;
        }
        let from = Timestamp(begin.0 + place * self.width);
        if self.buckets.last().is_none_or(|last| last.from < from) {
            self.buckets.push(Bucket::new(from, sample.flag));
            self.sum = 0.0;
        }
        if let Some(bucket) = self.buckets.last_mut() {
            bucket.take_in(sample, &mut self.sum);
        }
    }

    /// Joins buckets two by two.
    fn halve(&mut self, begin: Timestamp) {
        self.width *= 2;
        let mut joined: Vec<Bucket> = Vec::with_capacity(self.buckets.len() / 2 + 1);
        for bucket in std::mem::take(&mut self.buckets) {
            let from = Timestamp(begin.0 + (bucket.from - begin).0 / self.width * self.width);
            match joined.last_mut() {
                Some(last) if last.from == from => last.join(&bucket),
                Some(_) | None => joined.push(Bucket { from, ..bucket }),
            }
        }
        // Of the open one the sum goes on.
        self.sum = joined.last().and_then(|last| Some(last.mean? * count(last.count))).unwrap_or(0.0);
        self.buckets = joined;
    }
}

#[expect(clippy::cast_precision_loss, reason = "a bucket has fewer than 2^53 samples")]
const fn count(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace() -> Trace {
        let (buckets, grades) = (Vec::new(), Vec::new());
        Trace { rule: "r".into(), subject: "s".into(), ladder: None, buckets, grades, width: SHORTEST, sum: 0.0 }
    }

    #[test]
    fn a_year_of_minutes_keeps_its_one_peak_its_ends_and_its_mean() {
        let mut trace = trace();
        let minutes = 365 * 24 * 60;
        for minute in 0..minutes {
            let value = if minute == 123_457 { 99.0 } else { 1.0 };
            trace.take_in(Sample { at: Timestamp(minute * 60_000), value: Some(value), flag: Flag::Good });
        }
        assert!(trace.buckets.len() <= 2 * BUCKETS && trace.buckets.len() >= BUCKETS, "{}", trace.buckets.len());
        let peak = trace.buckets.iter().filter_map(|bucket| bucket.max).max_by(|a, b| a.1.total_cmp(&b.1));
        assert_eq!(peak, Some((Timestamp(123_457 * 60_000), 99.0)));
        assert_eq!(trace.buckets.iter().map(|bucket| bucket.count).sum::<u64>(), minutes.cast_unsigned());
        assert_eq!(trace.buckets.last().and_then(|bucket| bucket.last), Some((Timestamp((minutes - 1) * 60_000), 1.0)));
        let sum: f64 = trace.buckets.iter().filter_map(|bucket| Some(bucket.mean? * count(bucket.count))).sum();
        #[expect(clippy::cast_precision_loss, reason = "half a million")]
        let expected = minutes as f64 + 98.0;
        assert!((sum - expected).abs() < 1e-6, "{sum}");
    }
}
