//! The part of a report that holds what was released to the public against what really happened.

use watchfire_model::id::HazardId;
use watchfire_rules::scores::{Answered, Graded, Outcome, Released, Unverified};

use super::markdown::{LISTED, Page, grade_name, or_dash};
use crate::cli::backtest::told::span;
use crate::lang::Lang;

impl Page<'_> {
    pub(super) fn released(&mut self, released: &Released) {
        self.section("Against what happened", "与实况对照");
        self.in_short(released);
        self.scores(released);
        self.events(released);
        self.false_alarms(released);
        let lang = self.lang;
        let left_out = [
            (released.outside, "events lie outside of this time.", "个事件不在本时段内。"),
            (
                released.other_hazards,
                "warnings are of hazards that no event is of: not scored.",
                "起预警所属灾种无事件记录,不参与评定。",
            ),
        ];
        for (count, en, zh) in left_out.into_iter().filter(|(count, _, _)| *count > 0) {
            self.line(&format!("\n{count} {}", lang.pick(en, zh)));
        }
    }

    /// What an agency is asked for: how many were warned of, and how many of them long enough before.
    fn in_short(&mut self, released: &Released) {
        let goal = released.goal;
        let all = released.outcomes.last().and_then(|all| all.scores.first());
        let Some(Graded { score, in_time, in_time_percent }) = all else { return };
        let happened = score.hits + score.misses;
        let percent = or_dash(in_time_percent.map(|percent| format!("{percent:.0} %")));
        match self.lang {
            Lang::En => self.line(&format!(
                "Of {happened} events the public was warned of {}, {in_time} of them at least {goal} before ({percent} of all). \
                 As released, by the ledger; drills and tests do not count.\n",
                score.hits
            )),
            Lang::Zh => self.line(&format!(
                "{happened} 个事件中,对公众预警 {} 个,其中提前 {goal} 以上 {in_time} 个(占全部 {percent})。以台账中实际发布为准,演练与测试不计。\n",
                score.hits
            )),
        }
    }

    fn scores(&mut self, released: &Released) {
        let lang = self.lang;
        let in_time = format!("≥ {}", released.goal);
        self.table(&[
            ("hazard", "灾种"),
            ("grade and above", "等级及以上"),
            ("hits", "命中"),
            ("misses", "漏报"),
            ("false", "空报"),
            ("open", "未定"),
            ("lead, median", "提前量中位"),
            ("shortest", "最短"),
            ("longest", "最长"),
            ("n", "n"),
            (&in_time, &in_time),
        ]);
        for Outcome { hazard, scores } in &released.outcomes {
            let name = hazard.as_ref().map_or_else(|| lang.pick("all", "合计").to_owned(), |id| self.hazard(id));
            for Graded { score, in_time, in_time_percent } in scores {
                let share = in_time_percent.map_or_else(String::new, |percent| format!(" ({percent:.0} %)"));
                let lead = &score.lead;
                let counts =
                    [score.hits, score.misses, score.false_alarms, score.undecided].map(|count| count.to_string());
                let cells: Vec<String> = [name.clone(), grade_name(score.grade, lang)]
                    .into_iter()
                    .chain(counts)
                    .chain([lead.median, lead.least, lead.most].map(span))
                    .chain([lead.count.to_string(), format!("{in_time}{share}")])
                    .collect();
                self.row(&cells);
            }
        }
    }

    fn events(&mut self, released: &Released) {
        if released.occurrences.is_empty() {
            return;
        }
        let lang = self.lang;
        self.line("");
        self.table(&[
            ("event", "事件"),
            ("name", "名称"),
            ("highest grade", "最高等级"),
            ("warned", "预警时间"),
            ("lead", "提前量"),
        ]);
        for Answered { occurrence, grade, rise, lead, .. } in released.occurrences.iter().take(LISTED) {
            let missed = || lang.pick("missed", "漏报").to_owned();
            let stood = |_| lang.pick("stood long before", "早已在预警中").to_owned();
            let lead = lead.map(|lead| lead.to_string()).or_else(|| grade.map(stood));
            let cells = [
                self.at(occurrence.from),
                occurrence.name.clone(),
                grade.map_or_else(missed, |grade| grade_name(grade, lang)),
                or_dash(rise.map(|rise| self.at(rise))),
                or_dash(lead),
            ];
            self.row(&cells);
        }
        self.more(released.occurrences.len());
    }

    fn false_alarms(&mut self, released: &Released) {
        let in_vain: Vec<&Unverified> = released.unverified.iter().filter(|it| !it.undecided).collect();
        if in_vain.is_empty() {
            return;
        }
        let lang = self.lang;
        self.line("");
        self.table(&[
            ("false alarm", "空报"),
            ("hazard", "灾种"),
            ("area", "区域"),
            ("highest grade", "最高等级"),
            ("from", "起"),
            ("until", "止"),
        ]);
        for it in in_vain.iter().take(LISTED) {
            let area = self.site.areas.iter().find(|area| area.id == it.area);
            let cells = [
                it.warning.to_string(),
                self.hazard(&it.hazard),
                area.map_or_else(|| it.area.to_string(), |area| area.name.clone()),
                or_dash(it.peak.map(|grade| grade_name(grade, lang))),
                self.at(it.stretch.from),
                or_dash(it.stretch.until.map(|until| self.at(until))),
            ];
            self.row(&cells);
        }
        self.more(in_vain.len());
    }

    /// A hazard by what people call it, where its profile says so.
    fn hazard(&self, id: &HazardId) -> String {
        let language = self.lang.pick("en", "zh");
        let known = self.site.hazard(id.as_str());
        let texts = known.and_then(|hazard| hazard.texts.iter().find(|(tag, _)| tag.starts_with(language)));
        texts.map_or_else(|| id.to_string(), |(_, texts)| texts.event.clone())
    }
}
