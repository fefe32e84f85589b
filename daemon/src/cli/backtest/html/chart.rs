//! One subject: what was measured, its thresholds, its grades, and what really happened.

use watchfire_model::grade::{Grade, word};
use watchfire_model::site::Site;
use watchfire_model::time::Timestamp;

use super::svg::{Svg, along, escaped};
use crate::cli::backtest::scoring::Assessment;
use crate::cli::backtest::told::grade as marked;
use crate::cli::backtest::traces::Trace;
use crate::lang::Lang;
use crate::storage::series::embedded::Bucket;

const HEIGHT: f64 = 250.0;

/// A figure with its caption.
pub(super) fn chart(trace: &Trace, assessment: &Assessment, site: &Site, lang: Lang) -> String {
    let steps = trace.ladder.as_ref().map_or(&[][..], |ladder| ladder.steps.as_slice());
    let levels = steps.iter().map(|step| step.raise_at.get());
    let values = trace.buckets.iter().flat_map(|bucket| [bucket.min, bucket.max]).flatten().map(|(_, value)| value);
    let (low, high) = values
        .chain(levels)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let room = ((high - low) * 0.06).max(1e-9);
    let (from, to) = (assessment.from, assessment.to);
    let mut svg = Svg::new(HEIGHT, (along(from), along(to)), (low - room, high + room));
    svg.grid();
    svg.dates(&site.zone);
    for (begin, end, grade) in stretches(&trace.grades, to) {
        let title = format!("{} {begin} – {end}", word(Some(grade)));
        svg.stretch(grade.word(), along(begin), along(end), true, &title);
        svg.stretch(grade.word(), along(begin), along(end), false, &title);
    }
    for step in steps {
        let name = format!("{} {}", marked(Some(step.grade), lang), step.raise_at.get());
        svg.level(step.grade.word(), step.raise_at.get(), &name);
    }
    for it in assessment.verification.iter().flat_map(|verification| &verification.occurrences) {
        let (at, name) = (it.occurrence.from, &it.occurrence.name);
        svg.event(along(at), it.grade.is_none(), &format!("{at} {name}"));
    }
    svg.path("trace", trace.buckets.iter().flat_map(corners).map(|(at, value)| (along(at), value)));
    let (rule, subject) = (trace.rule.as_str(), trace.subject.as_str());
    let about = format!("{rule} · {subject}");
    format!(
        "<figure>\n<figcaption>{} <span class=\"muted\">{}</span></figcaption>\n{}</figure>\n",
        escaped(&about),
        escaped(&name_of(site, subject)),
        svg.done(&about)
    )
}

fn name_of(site: &Site, subject: &str) -> String {
    let station = subject.split('/').next().unwrap_or(subject);
    site.stations.iter().find(|it| it.id.as_str() == station).map(|it| it.name.clone()).unwrap_or_default()
}

/// First, lowest, highest and last of a bucket, in the order of their times (M4: Jugel et al. 2014).
fn corners(bucket: &Bucket) -> impl Iterator<Item = (Timestamp, f64)> + use<> {
    let mut corners: Vec<(Timestamp, f64)> =
        [bucket.first, bucket.min, bucket.max, bucket.last].into_iter().flatten().collect();
    corners.sort_by_key(|(at, _)| *at);
    corners.dedup();
    corners.into_iter()
}

/// The times in which a grade was judged.
fn stretches(grades: &[(Timestamp, Option<Grade>)], end: Timestamp) -> Vec<(Timestamp, Timestamp, Grade)> {
    let ends = grades.iter().skip(1).map(|(at, _)| *at).chain([end]);
    grades.iter().zip(ends).filter_map(|((from, grade), until)| Some((*from, until, (*grade)?))).collect()
}
