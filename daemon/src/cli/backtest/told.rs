//! A scored backtest in words: tables for people, rows for a spreadsheet.

use watchfire_model::grade::Grade;
use watchfire_model::site::{Audience, Site};
use watchfire_model::time::{Span, Timestamp};
use watchfire_rules::scores::{Answered, Difference, Kind, Pair, Score, Side, Unverified, Verification};

use super::scoring::{Assessment, Swept};
use crate::cli::warnings::table::{aligned, grade as marked, quoted, words};
use crate::lang::Lang;

/// Lines that a table has at most; the JSON has all.
const LISTED: usize = 60;

/// One thing that is told.
pub(super) enum Part {
    /// A sentence.
    Line(String),
    /// A table under its head.
    Table(Vec<String>, Vec<Vec<String>>),
}

/// All of it, in order.
pub(super) fn parts(assessment: &Assessment, site: &Site, lang: Lang) -> Vec<Part> {
    let mut page = Page { parts: Vec::new(), site, lang };
    page.head(assessment);
    if let Some(verification) = &assessment.verification {
        page.verification(verification);
    }
    page.calls(assessment);
    if let Some(difference) = &assessment.difference {
        page.difference(difference);
    }
    if let Some(sweep) = &assessment.sweep {
        page.sweep(sweep);
    }
    page.parts
}

/// All of it, for a terminal.
pub(super) fn tables(assessment: &Assessment, site: &Site, lang: Lang) -> String {
    let mut text = String::new();
    let mut after_table = false;
    for part in parts(assessment, site, lang) {
        match part {
            Part::Line(line) => {
                text.push_str(if after_table { "\n" } else { "" });
                text.push_str(&line);
                text.push('\n');
                after_table = false;
            }
            Part::Table(head, rows) => {
                let all: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
                text.push('\n');
                text.push_str(&aligned(&all));
                after_table = true;
            }
        }
    }
    text
}

struct Page<'a> {
    parts: Vec<Part>,
    site: &'a Site,
    lang: Lang,
}

impl Page<'_> {
    fn line(&mut self, line: &str) {
        self.parts.push(Part::Line(line.to_owned()));
    }

    /// A table under its head; what is too much is counted.
    fn table(&mut self, en: &str, zh: &str, mut rows: Vec<Vec<String>>) {
        let head = self.lang.pick(en, zh).split('|').map(str::to_owned).collect();
        let more = rows.len().saturating_sub(LISTED);
        rows.truncate(LISTED);
        self.parts.push(Part::Table(head, rows));
        if more > 0 {
            let what = self.lang.pick("more; -o json has all", "行未列出;-o json 含全部");
            self.line(&format!("… {more} {what}"));
        }
    }

    fn at(&self, at: Timestamp) -> String {
        match self.site.zone.offset_at(at) {
            0 => at.to_string(),
            offset => at.to_cap(offset),
        }
    }

    fn area(&self, id: &str) -> String {
        self.site.areas.iter().find(|area| area.id.as_str() == id).map_or(id, |area| &area.name).to_owned()
    }

    fn head(&mut self, assessment: &Assessment) {
        let (from, to) = (self.at(assessment.from), self.at(assessment.to));
        let (readings, warnings) = (assessment.readings, assessment.warnings.len());
        let line = match (self.lang, assessment.audience) {
            (Lang::En, Audience::Internal) => {
                format!("{from} – {to}: {readings} readings, {warnings} warnings to those on duty")
            }
            (Lang::En, Audience::Public) => {
                format!("{from} – {to}: {readings} readings, {warnings} warnings to the public")
            }
            (Lang::Zh, Audience::Internal) => format!("{from} – {to}:读数 {readings} 条,内部预警 {warnings} 起"),
            (Lang::Zh, Audience::Public) => format!("{from} – {to}:读数 {readings} 条,对外预警 {warnings} 起"),
        };
        self.line(&line);
        if assessment.cut_off {
            let what =
                self.lang.pick("too many changes of grade: only the first are scored", "等级变化过多,仅评定最初部分");
            self.line(what);
        }
    }

    fn verification(&mut self, verification: &Verification) {
        let rows = verification.occurrences.iter().map(|it| self.answered(it)).collect();
        self.table("EVENT|NAME|VERDICT|GRADE|RISE|LEAD", "事件|名称|结果|等级|升至|提前量", rows);
        if verification.outside > 0 {
            let what = self.lang.pick("events lie outside of the recording", "个事件不在记录时段内");
            self.line(&format!("{} {what}", verification.outside));
        }
        if verification.other_hazards > 0 {
            let what = self.lang.pick("warnings of hazards that no event is of", "起预警属于没有事件记录的灾种");
            self.line(&format!("{} {what}", verification.other_hazards));
        }
        let in_vain: Vec<Vec<String>> = verification.unverified.iter().map(|it| self.unverified(it)).collect();
        if !in_vain.is_empty() {
            self.table("FALSE|AREA|GRADE|FROM|UNTIL", "空报|区域|等级|起|止", in_vain);
        }
        let rows = verification.scores.iter().map(|score| scored(score, grade(Some(score.grade), self.lang))).collect();
        self.table(
            "GRADE AND ABOVE|HITS|MISSES|VERIFIED|FALSE|OPEN|POD|FAR|CSI|LEAD MEDIAN|MIN|MAX|N",
            "等级及以上|命中|漏报|证实|空报|未定|POD|FAR|CSI|提前量中位|最短|最长|个数",
            rows,
        );
    }

    fn answered(&self, it: &Answered) -> Vec<String> {
        let occurrence = &it.occurrence;
        let verdict = match (it.grade, it.lead) {
            (None, _) => self.lang.pick("missed", "漏报"),
            (Some(_), None) => self.lang.pick("hit, stood already", "命中(已在预警中)"),
            (Some(_), Some(_)) => self.lang.pick("hit", "命中"),
        };
        vec![
            self.at(occurrence.from),
            words(&occurrence.name.as_str().into()),
            verdict.to_owned(),
            grade(it.grade, self.lang),
            it.rise.map(|at| self.at(at)).unwrap_or_default(),
            span(it.lead),
        ]
    }

    fn unverified(&self, it: &Unverified) -> Vec<String> {
        let open = self.lang.pick("open", "未定");
        vec![
            if it.undecided { format!("{} ({open})", it.warning) } else { it.warning.to_string() },
            self.area(it.area.as_str()),
            grade(it.peak, self.lang),
            self.at(it.stretch.from),
            it.stretch.until.map(|at| self.at(at)).unwrap_or_default(),
        ]
    }

    fn calls(&mut self, assessment: &Assessment) {
        let calls = &assessment.calls;
        let (all, mean, most) = (calls.load.calls, calls.load.mean_per_10_min, calls.load.most_per_10_min);
        let (busy, floods) = (calls.busy, calls.load.floods);
        let median = calls.median_when_busy.map_or_else(|| "-".to_owned(), |median| median.to_string());
        let line = match self.lang {
            Lang::En => format!(
                "Calls: {all}; in ten minutes {mean:.4} on average, {median} in the median of the {busy} with any, {most} at most; floods {floods}"
            ),
            Lang::Zh => format!(
                "呼叫 {all} 次;每 10 分钟平均 {mean:.4},{busy} 个有呼叫时段的中位数 {median},最多 {most};告警洪泛 {floods} 次"
            ),
        };
        self.line(&line);
        if assessment.chattering.is_empty() {
            let none = self.lang.pick("Chatter: none", "抖动:无");
            return self.line(none);
        }
        let rows = assessment.chattering.iter().map(|one| {
            let advice = one.advice.as_ref().and_then(|advice| advice.lift_after);
            vec![one.alarm.to_string(), one.chatter.to_string(), one.calls.to_string(), span(advice)]
        });
        let rows = rows.collect();
        self.table("CHATTERS|EPISODES|CALLS|LIFT AFTER, PROPOSED", "抖动告警|次数|呼叫|建议 lift_after", rows);
    }

    fn difference(&mut self, difference: &Difference) {
        let Difference { same, moved, graded, only_here, only_there, .. } = difference;
        let line = match self.lang {
            Lang::En => format!(
                "Against the other: {same} the same, {moved} at another time, {graded} with another grade, {only_here} only here, {only_there} only there"
            ),
            Lang::Zh => format!(
                "与另一套规则相比:相同 {same},时间不同 {moved},等级不同 {graded},仅本套 {only_here},仅另一套 {only_there}"
            ),
        };
        self.line(&line);
        let differs = |pair: &&Pair| pair.kind != Kind::Same;
        let rows: Vec<Vec<String>> = difference.pairs.iter().filter(differs).map(|pair| self.pair(pair)).collect();
        if !rows.is_empty() {
            self.table("DIFFERENCE|HAZARD|AREA|HERE|GRADE|THERE|GRADE", "差异|灾种|区域|本套|等级|另一套|等级", rows);
        }
    }

    fn pair(&self, pair: &Pair) -> Vec<String> {
        let lang = self.lang;
        let shift = |by: Span| match by.0 {
            0 => lang.pick("same begin", "同时起").to_owned(),
            later if later > 0 => format!("{} {by}", lang.pick("later by", "晚")),
            _ => format!("{} {}", lang.pick("earlier by", "早"), Span(by.0.saturating_neg())),
        };
        let how = match pair.kind {
            Kind::Same => lang.pick("none", "无").to_owned(),
            Kind::Moved { begin, .. } => shift(begin),
            Kind::Graded { begin } => format!("{}, {}", lang.pick("other grade", "等级不同"), shift(begin)),
            Kind::OnlyHere => lang.pick("only here", "仅本套").to_owned(),
            Kind::OnlyThere => lang.pick("only there", "仅另一套").to_owned(),
        };
        let mut row = vec![how, pair.hazard.to_string(), self.area(pair.area.as_str())];
        for side in [&pair.here, &pair.there] {
            let when = |side: &Side| {
                let until = side.until.map(|at| self.at(at)).unwrap_or_default();
                format!("{} – {until}", self.at(side.from))
            };
            row.push(side.as_ref().map(when).unwrap_or_default());
            row.push(side.as_ref().map(|side| grade(side.peak, lang)).unwrap_or_default());
        }
        row
    }

    fn sweep(&mut self, sweep: &Swept) {
        let rows = sweep.points.iter().map(|tried| {
            let value = if sweep.by_factor { format!("x{}", tried.value) } else { tried.value.to_string() };
            match (&tried.score, &tried.refused) {
                (Some(score), _) => scored(score, value),
                (None, why) => vec![value, why.clone().unwrap_or_default()],
            }
        });
        let rows = rows.collect();
        self.table(
            &format!("{}|HITS|MISSES|VERIFIED|FALSE|OPEN|POD|FAR|CSI|LEAD MEDIAN|MIN|MAX|N", sweep.of),
            &format!("{}|命中|漏报|证实|空报|未定|POD|FAR|CSI|提前量中位|最短|最长|个数", sweep.of),
            rows,
        );
    }
}

fn scored(score: &Score, first: String) -> Vec<String> {
    let ratio = |ratio: Option<f64>| ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.3}"));
    let counts = [score.hits, score.misses, score.verified, score.false_alarms, score.undecided];
    let lead = &score.lead;
    std::iter::once(first)
        .chain(counts.map(|count| count.to_string()))
        .chain([score.pod, score.far, score.csi].map(ratio))
        .chain([lead.median, lead.least, lead.most].map(span))
        .chain([lead.count.to_string()])
        .collect()
}

/// `■ Ⅰ Red`, or a dash.
pub(in crate::cli) fn grade(grade: Option<Grade>, lang: Lang) -> String {
    match grade {
        Some(grade) => marked(&grade.word().into(), lang),
        None => "–".to_owned(),
    }
}

pub(in crate::cli) fn span(span: Option<Span>) -> String {
    span.map_or_else(|| "-".to_owned(), |span| span.to_string())
}

/// A score as figures: what, how much, in which unit. What there is no value of is left out.
pub(in crate::cli) fn figures(score: &Score) -> Vec<(&'static str, String, &'static str)> {
    let counts = [
        ("hits", score.hits),
        ("misses", score.misses),
        ("standing", score.standing),
        ("verified", score.verified),
        ("false_alarms", score.false_alarms),
        ("undecided", score.undecided),
        ("leads", score.lead.count),
    ];
    let ratios = [("pod", score.pod), ("far", score.far), ("csi", score.csi)];
    let ratios = ratios.into_iter().filter_map(|(figure, ratio)| Some((figure, format!("{:.6}", ratio?), "")));
    let lead = &score.lead;
    let leads = [("lead_median", lead.median), ("lead_min", lead.least), ("lead_max", lead.most)];
    let leads = leads
        .into_iter()
        .filter_map(|(figure, lead)| Some((figure, format!("{:.3}", lead?.as_hours() * 3_600.0), "s")));
    let counts = counts.into_iter().map(|(figure, count)| (figure, count.to_string(), ""));
    counts.chain(ratios).chain(leads).collect()
}

/// All of it as `figure,of,value,unit`.
pub(super) fn rows(assessment: &Assessment) -> String {
    let mut text = String::from("figure,of,value,unit\n");
    let mut row = |figure: &str, of: &str, value: String, unit: &str| {
        text.push_str(&format!("{figure},{},{},{unit}\n", quoted(of), quoted(&value)));
    };
    row("from", "", assessment.from.to_string(), "");
    row("to", "", assessment.to.to_string(), "");
    row("readings", "", assessment.readings.to_string(), "");
    row("warnings", "", assessment.warnings.len().to_string(), "");
    let calls = &assessment.calls;
    row("calls", "", calls.load.calls.to_string(), "");
    row("calls_mean", "", format!("{:.6}", calls.load.mean_per_10_min), "per 10 min");
    row("calls_most", "", calls.load.most_per_10_min.to_string(), "per 10 min");
    if let Some(median) = calls.median_when_busy {
        row("calls_median_when_busy", "", median.to_string(), "per 10 min");
    }
    row("floods", "", calls.load.floods.to_string(), "");
    for one in &assessment.chattering {
        row("chatter", &one.alarm.to_string(), one.chatter.to_string(), "");
    }
    let mut score = |of: &str, score: &Score| {
        figures(score).into_iter().for_each(|(figure, value, unit)| row(figure, of, value, unit));
    };
    for one in assessment.verification.iter().flat_map(|verification| &verification.scores) {
        score(one.grade.word(), one);
    }
    if let Some(sweep) = &assessment.sweep {
        for tried in &sweep.points {
            let factor = if sweep.by_factor { "x" } else { "" };
            let of = format!("{}={factor}{}", sweep.of, tried.value);
            tried.score.iter().for_each(|one| score(&of, one));
        }
    }
    if let Some(Difference { same, moved, graded, only_here, only_there, .. }) = &assessment.difference {
        let counts = [
            ("same", same),
            ("moved", moved),
            ("graded", graded),
            ("only_here", only_here),
            ("only_there", only_there),
        ];
        counts.into_iter().for_each(|(of, count)| row("difference", of, count.to_string(), ""));
    }
    text
}
