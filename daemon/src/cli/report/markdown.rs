//! A report for people: Markdown that reads as plain text too.

use watchfire_model::alarm::AlarmKey;
use watchfire_model::grade::{Grade, PerGrade};
use watchfire_model::site::Site;
use watchfire_model::suppression::Kind;
use watchfire_model::time::{Span, Timestamp};
use watchfire_rules::figures::{Notices, Report, Spread};

use super::Told;
use crate::lang::Lang;

/// Most acts of putting aside that are listed; the JSON has more.
pub(super) const LISTED: usize = 50;

/// The whole report.
pub(super) fn write(told: &Told, site: &Site, lang: Lang) -> String {
    let mut page = Page { text: String::new(), site, lang };
    let report = &told.figures;
    page.head(report);
    page.load(report);
    page.worst(report);
    page.standing(report);
    page.put_aside(report);
    page.calibrated(report);
    page.speed(report);
    page.people(&told.people, told.acts_beyond);
    told.released.iter().for_each(|released| page.released(released));
    page.text
}

/// What is written so far.
pub(super) struct Page<'a> {
    text: String,
    pub(super) site: &'a Site,
    pub(super) lang: Lang,
}

impl Page<'_> {
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    pub(super) fn section(&mut self, en: &str, zh: &str) {
        let title = self.lang.pick(en, zh);
        self.line(&format!("\n## {title}\n"));
    }

    /// A table's head; columns to be counted stand on the right.
    pub(super) fn table(&mut self, columns: &[(&str, &str)]) {
        let lang = self.lang;
        let columns: Vec<&str> = columns.iter().map(|(en, zh)| lang.pick(en, zh)).collect();
        self.line(&format!("| {} |", columns.join(" | ")));
        let rule: Vec<&str> = columns.iter().enumerate().map(|(at, _)| if at == 0 { "---" } else { "---:" }).collect();
        self.line(&format!("| {} |", rule.join(" | ")));
    }

    pub(super) fn row(&mut self, cells: &[String]) {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        self.line(&format!("| {} |", cells.join(" | ")));
    }

    /// Says how many of `all` are not listed.
    pub(super) fn more(&mut self, all: usize) {
        if let Some(more) = all.checked_sub(LISTED).filter(|more| *more > 0) {
            let lang = self.lang;
            self.line(&format!("\n… {more} {}", lang.pick("more; -o json has all", "行未列出;-o json 含全部")));
        }
    }

    fn head(&mut self, report: &Report) {
        let title = self.lang.pick("Operator report", "值班报告");
        self.line(&format!("# {title} · {}\n", self.site.name));
        let (from, to) = (self.at(report.from), self.at(report.to));
        self.line(&format!("{from} – {to} ({})", self.site.zone.name));
        let warned: u64 = Grade::ALL.iter().map(|grade| *report.warnings_by_peak.get(*grade)).sum();
        let graded = by_grade(&report.warnings_by_peak, self.lang);
        match self.lang {
            Lang::En => self.line(&format!("\nWarnings: {warned} ({graded}), each by the highest grade it reached.")),
            Lang::Zh => self.line(&format!("\n预警 {warned} 起({graded}),按各自达到的最高等级计。")),
        }
    }

    fn load(&mut self, report: &Report) {
        self.section("How often people were called", "呼叫负荷");
        let load = &report.load;
        let lang = self.lang;
        self.table(&[
            ("calls", "呼叫"),
            ("mean in 10 min", "10 分钟均值"),
            ("most in 10 min", "10 分钟最多"),
            ("floods", "告警洪泛"),
            ("time in floods", "洪泛时间占比"),
            ("re-alarms", "再告警"),
        ]);
        self.row(&[
            load.calls.to_string(),
            format!("{:.2}", load.mean_per_10_min),
            load.most_per_10_min.to_string(),
            load.floods.to_string(),
            format!("{:.1} %", load.flooded_percent),
            report.realarms.to_string(),
        ]);
        let graded = by_grade(&report.calls_by_grade, lang);
        let faults = report.calls_for_faults;
        let share = |part: u64| (part * 100).checked_div(load.calls).unwrap_or(0);
        let calls = &report.calls_by_grade;
        let (low, middle, high) = (faults + calls.blue, calls.yellow, calls.orange + calls.red);
        let mix = format!("{}/{}/{} %", share(low), share(middle), share(high));
        match lang {
            Lang::En => self.line(&format!(
                "\n{graded}, faults {faults}: low, middle and high in the ratio {mix} (80/15/5 is usual). \
                 For one person one call in ten minutes is good and two can be borne; more than ten are a flood."
            )),
            Lang::Zh => self.line(&format!(
                "\n{graded},故障 {faults};低、中、高级之比 {mix}(通常 80/15/5)。一人每 10 分钟一次为宜,两次尚可;超过十次即为洪泛。"
            )),
        }
        for flood in load.listed.iter().take(LISTED) {
            let (from, to) = (self.at(flood.from), self.at(flood.to));
            match lang {
                Lang::En => self.line(&format!(
                    "- flood {from} – {to}: {} calls, {} in its worst ten minutes",
                    flood.calls, flood.peak
                )),
                Lang::Zh => {
                    self.line(&format!("- 洪泛 {from} – {to}:{} 次,最密 10 分钟 {} 次", flood.calls, flood.peak))
                }
            }
        }
    }

    fn worst(&mut self, report: &Report) {
        let lang = self.lang;
        if !report.contributors.is_empty() {
            self.section("Who called most", "呼叫最多的告警");
            self.table(&[("alarm", "告警"), ("calls", "呼叫"), ("share", "占比")]);
            for one in &report.contributors {
                self.row(&[self.named(&one.alarm), one.calls.to_string(), format!("{:.0} %", one.percent)]);
            }
        }
        if !report.chattering.is_empty() {
            self.section("What chattered, and what would quiet it", "抖动的告警及整定建议");
            self.table(&[
                ("alarm", "告警"),
                ("episodes", "次数"),
                ("lift_after", "lift_after"),
                ("would have spared", "可免"),
                ("lift_margin ≥", "lift_margin ≥"),
            ]);
            for one in &report.chattering {
                let advice = one.advice.as_ref();
                self.row(&[
                    self.named(&one.alarm),
                    one.chatter.to_string(),
                    or_dash(advice.and_then(|advice| advice.lift_after).map(|span| span.to_string())),
                    or_dash(advice.map(|advice| format!("{}/{}", advice.spared_by_delay, advice.rises))),
                    or_dash(advice.and_then(|advice| advice.lift_margin).map(|margin| margin.to_string())),
                ]);
            }
            self.line(lang.pick(
                "\nProposals, from how long the lulls were and how deep the measure fell; prove one with `watchfire backtest` before it goes live.",
                "\n以上为建议,取自间歇时长与回落深度;上线前请以 `watchfire backtest` 验证。",
            ));
        }
    }

    fn standing(&mut self, report: &Report) {
        if report.stale_in_all == 0 && report.longest_unacknowledged.is_none() {
            return;
        }
        self.section("What still stands", "仍未了结");
        let lang = self.lang;
        if report.stale_in_all > 0 {
            let count = report.stale_in_all;
            match lang {
                Lang::En => self.line(&format!("Standing for more than a day: {count} (fewer than five is usual)\n")),
                Lang::Zh => self.line(&format!("持续超过一天:{count}(通常少于五个)\n")),
            }
            for one in &report.stale {
                let line =
                    format!("- {} {} {}", self.named(&one.alarm), lang.pick("since", "起于"), self.at(one.since));
                self.line(&line);
            }
        }
        if let Some(one) = &report.longest_unacknowledged {
            let (alarm, since) = (self.named(&one.alarm), self.at(one.since));
            match lang {
                Lang::En => self.line(&format!("\nNobody has taken note of {alarm} since {since}.")),
                Lang::Zh => self.line(&format!("\n{alarm} 自 {since} 起无人确认。")),
            }
        }
    }

    fn put_aside(&mut self, report: &Report) {
        if report.put_aside_in_all == 0 && report.put_aside_refused == 0 {
            return;
        }
        self.section("What was put aside", "搁置与停用");
        let lang = self.lang;
        if !report.put_aside.is_empty() {
            self.table(&[
                ("alarm", "告警"),
                ("how", "方式"),
                ("from", "起"),
                ("meant until", "预定止"),
                ("lasted", "历时"),
                ("up to", "至等级"),
                ("who", "何人"),
                ("why", "缘由"),
            ]);
        }
        for aside in report.put_aside.iter().take(LISTED) {
            let how = match aside.kind {
                Kind::Shelved => lang.pick("shelved", "搁置"),
                Kind::OutOfService => lang.pick("out of service", "停用"),
                Kind::Inhibited | Kind::Deferred | Kind::ByDesign | Kind::Muted => aside.kind.word(),
            };
            let still = || lang.pick("still", "未结束").to_owned();
            let lasted = aside.ended.map_or_else(still, |ended| rounded(ended - aside.since).to_string());
            let upto = or_dash(aside.upto.map(|grade| grade_name(grade, lang)));
            let cells = [
                self.named(&aside.alarm),
                how.to_owned(),
                self.at(aside.since),
                self.at(aside.until),
                lasted,
                upto,
                aside.by.to_string(),
                aside.why.clone(),
            ];
            self.row(&cells);
        }
        let (all, refused) = (report.put_aside_in_all, report.put_aside_refused);
        match lang {
            Lang::En => self.line(&format!("\n{all} in all; {refused} attempts were refused.")),
            Lang::Zh => self.line(&format!("\n共 {all} 次;{refused} 次未获准许。")),
        }
    }

    fn calibrated(&mut self, report: &Report) {
        if report.calibrated_in_all == 0 {
            return;
        }
        self.section("What was calibrated", "标校");
        let lang = self.lang;
        self.table(&[("sensor", "测点"), ("from", "起"), ("until", "止"), ("who", "何人"), ("why", "缘由")]);
        for one in report.calibrated.iter().take(LISTED) {
            let calibration = &one.calibration;
            let until = one.until.map_or_else(|| lang.pick("still", "未结束").to_owned(), |until| self.at(until));
            let nobody = lang.pick("the device says so, nobody answers for it", "设备自报,无人认领");
            let who = calibration.by.as_ref().or(calibration.accepted.as_ref());
            let cells = [
                one.sensor.to_string(),
                self.at(calibration.since),
                until,
                who.map_or_else(|| nobody.to_owned(), ToString::to_string),
                calibration.why.clone(),
            ];
            self.row(&cells);
        }
        let all = report.calibrated_in_all;
        match lang {
            Lang::En => self.line(&format!("\n{all} in all.")),
            Lang::Zh => self.line(&format!("\n共 {all} 次。")),
        }
    }

    fn speed(&mut self, report: &Report) {
        self.section("How fast", "时效");
        let lang = self.lang;
        self.table(&[("", ""), ("n", "n"), ("median", "中位"), ("95 %", "95 %"), ("longest", "最长")]);
        let spreads: [(&str, &str, &Spread); 7] = [
            ("call to acknowledgement", "呼叫至确认", &report.time_to_acknowledge),
            ("waiting for release", "等待签发", &report.time_to_release),
            ("bulletin to first receipt, internal", "通知至首个回执(内部)", &report.time_to_first_receipt.internal),
            ("bulletin to first receipt, public", "通知至首个回执(公众)", &report.time_to_first_receipt.public),
            ("first word to the highest grade, internal", "首报至最高等级(内部)", &report.lead_internal),
            ("first word to the highest grade, public", "首报至最高等级(公众)", &report.lead_public),
            ("alarm active", "告警持续", &report.time_active),
        ];
        for (en, zh, spread) in spreads {
            let told = |span: Span| if spread.count == 0 { "–".to_owned() } else { rounded(span).to_string() };
            let cells = [
                lang.pick(en, zh).to_owned(),
                spread.count.to_string(),
                told(spread.p50),
                told(spread.p95),
                told(spread.most),
            ];
            self.row(&cells);
        }
        for (en, zh, notices) in
            [("internal", "内部", &report.notices.internal), ("public", "公众", &report.notices.public)]
        {
            let Notices { sent, confirmed, taken_over, refused } = notices;
            let open = sent.saturating_sub(confirmed + taken_over + refused);
            match lang {
                Lang::En => self.line(&format!(
                    "\nNotices, {en}: {sent} sent, {confirmed} confirmed by receipt, {taken_over} taken over without one, {refused} refused, {open} open."
                )),
                Lang::Zh => self.line(&format!(
                    "\n{zh}通知:发出 {sent},回执确认 {confirmed},已接收无回执 {taken_over},拒收 {refused},未决 {open}。"
                )),
            }
        }
        if let Some(percent) = report.public_confirmed_percent {
            match lang {
                Lang::En => {
                    self.line(&format!("\nPublic notices confirmed by receipt: {percent:.1} % (95 % is asked for)."))
                }
                Lang::Zh => self.line(&format!("\n公众通知回执确认率 {percent:.1} %(要求 95 %)。")),
            }
        }
    }

    /// The alarm with its subject's name, where the site has one.
    fn named(&self, alarm: &AlarmKey) -> String {
        let station = self.site.stations.iter().find(|station| station.id.as_str() == alarm.subject.as_str());
        station.map_or_else(|| alarm.to_string(), |station| format!("{alarm} {}", station.name))
    }

    /// Date and time in the site's zone.
    pub(super) fn at(&self, at: Timestamp) -> String {
        let local = Timestamp(at.0 + i64::from(self.site.zone.offset_at(at)) * 1_000).to_string();
        local.get(..16).map_or_else(|| local.clone(), |minutes| minutes.replace('T', " "))
    }
}

fn by_grade(counts: &PerGrade<u64>, lang: Lang) -> String {
    let told = Grade::ALL.iter().rev().map(|grade| format!("{} {}", grade_name(*grade, lang), counts.get(*grade)));
    told.collect::<Vec<_>>().join(lang.pick(", ", "、"))
}

pub(super) fn grade_name(grade: Grade, lang: Lang) -> String {
    match lang {
        Lang::En => grade.word().to_owned(),
        Lang::Zh => format!("{}{}", grade.han(), grade.numeral()),
    }
}

/// Without the milliseconds, where there are seconds.
pub(super) fn rounded(span: Span) -> Span {
    if span < Span::seconds(10) { span } else { Span(span.0 / 1_000 * 1_000) }
}

/// A cell that may have nothing in it.
pub(super) fn or_dash(cell: Option<String>) -> String {
    cell.unwrap_or_else(|| "–".to_owned())
}
