//! A trade-off curve: what each threshold comes to.

use super::svg::Svg;
use crate::cli::backtest::scoring::{Swept, Tried};
use crate::lang::Lang;
use watchfire_rules::scores::Score;

const HEIGHT: f64 = 240.0;

/// POD, FAR and CSI over the threshold, and under it the median lead time.
pub(super) fn curve(sweep: &Swept, lang: Lang) -> String {
    let values = sweep.points.iter().map(|tried| tried.value);
    let x = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if !x.0.is_finite() {
        return String::new();
    }
    let of = |take: fn(&Score) -> Option<f64>| {
        let point = move |tried: &Tried| Some((tried.value, take(tried.score.as_ref()?)?));
        sweep.points.iter().filter_map(point).collect::<Vec<_>>()
    };
    let mut ratios = Svg::new(HEIGHT, x, (0.0, 1.0));
    ratios.grid();
    ratios.numbers();
    for (class, points) in
        [("pod", of(|score| score.pod)), ("far", of(|score| score.far)), ("csi", of(|score| score.csi))]
    {
        ratios.path(&format!("line {class}"), points.into_iter());
    }
    let hours = of(|score| score.lead.median.map(watchfire_model::time::Span::as_hours));
    let most = hours.iter().map(|(_, hours)| *hours).fold(1.0, f64::max);
    let least = hours.iter().map(|(_, hours)| *hours).fold(0.0, f64::min);
    let mut lead = Svg::new(150.0, x, (least, most));
    lead.grid();
    lead.numbers();
    lead.path("line lead", hours.into_iter());
    let key = "<span style=\"color:#7bd88f\">POD</span> <span style=\"color:#ff7b72\">FAR</span> <span>CSI</span>";
    let (about, leads) =
        (lang.pick("scores by threshold", "评分随阈值"), lang.pick("median lead, h", "提前量中位数(小时)"));
    format!(
        "<figure>\n<figcaption>{key}</figcaption>\n{}</figure>\n<figure>\n<figcaption>{leads}</figcaption>\n{}</figure>\n",
        ratios.done(about),
        lead.done(leads)
    )
}
