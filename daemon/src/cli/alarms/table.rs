//! How alarms read on a terminal: grade, evidence, attention and what keeps them quiet, each in its own words.

use std::fmt::Write as _;

use serde_json::Value;

use super::heading::under_way;
use crate::cli::warnings::table::{against, aligned, each, grade, quoted, story, time, words};
use crate::lang::Lang;

/// The columns of `-o csv`.
pub(super) const CSV_HEADER: &str = "rule,subject,name,grade,latch,value,threshold,unit,onset,evidence,attention,fault,assigned,suppressed,ends,version,pending,doubt,chatters,pending_until,recovering_to,recovering_until";

/// A list as a table.
pub(super) fn list(items: &[Value], lang: Lang) -> String {
    if items.is_empty() {
        return lang.pick("No such alarms.\n", "没有这样的测点报警。\n").to_owned();
    }
    let head = lang.pick(
        "GRADE|ALARM|NAME|VALUE / THRESHOLD|SINCE|EVIDENCE|STATE|KEPT QUIET",
        "等级|测点报警|名称|测值 / 阈值|起于|证据|状态|抑制",
    );
    let mut rows = vec![head.split('|').map(str::to_owned).collect()];
    rows.extend(items.iter().map(|item| cells(item, lang)));
    aligned(&rows)
}

/// One alarm in one line, for after an act.
pub(super) fn line(item: &Value, lang: Lang) -> String {
    cells(item, lang).into_iter().filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join("  ")
}

fn cells(item: &Value, lang: Lang) -> Vec<String> {
    vec![
        graded(item, lang),
        format!("{}/{}", words(&item["rule"]), words(&item["subject"])),
        words(&item["name"]),
        against(item),
        time(&item["onset"]),
        words(&item["evidence"]["is"]).replace('_', " "),
        state(item, lang),
        quiet(item, lang),
    ]
}

/// The grade that stands, and the highest it was where that is more.
fn graded(item: &Value, lang: Lang) -> String {
    let mut text = grade(&item["standing"], lang);
    if item["latch"].is_string() && item["latch"] != item["standing"] {
        let _ = write!(text, " ({} {})", lang.pick("highest", "最高"), grade(&item["latch"], lang));
    }
    text
}

fn state(item: &Value, lang: Lang) -> String {
    let mut said = Vec::new();
    for (side, en, zh) in [("attention", "", ""), ("fault_attention", "fault ", "故障")] {
        let attention = &item[side];
        let by = words(&attention["by"]);
        let word = match attention["is"].as_str() {
            Some("unacked") => lang.pick("not acknowledged", "未确认").to_owned(),
            Some("acked") => format!("{} {by}", lang.pick("acknowledged by", "已确认")),
            Some("confirmed") => format!("{} {by}", lang.pick("done, by", "已处置")),
            _ => continue,
        };
        said.push(format!("{}{word}", lang.pick(en, zh)));
    }
    said.extend(under_way(item, lang));
    match item["doubt"]["because"].as_str() {
        Some("few") => {
            said.push(lang.pick("not public yet: one sensor, few samples", "暂不对外:单测点样本不足").to_owned())
        }
        Some("still") => {
            said.push(
                lang.pick("not public yet: the sensor has said nothing else", "暂不对外:测点读数从未变化").to_owned(),
            );
        }
        Some("calibrating") => said.push(lang.pick("not public: calibrating", "不对外:标校中").to_owned()),
        _ => {}
    }
    if item["chatters"] == true {
        said.push(lang.pick("chatters: falls are not said", "抖动:降级暂不通报").to_owned());
    }
    if item["lost_rising"].is_string() {
        let towards = grade(&item["lost_rising"], lang);
        said.push(format!("{} {towards}", lang.pick("evidence lost while rising towards", "上涨途中失去证据,正趋向")));
    }
    if let Some(id) = item["incident"].as_str() {
        said.push(format!("{} {id}", lang.pick("explained by", "见事件")));
    }
    if let Some(to) = item["assigned"]["to"].as_str() {
        said.push(format!("{} {to}", lang.pick("in the hands of", "负责人")));
    }
    if !item["orphaned"].is_null() {
        said.push(lang.pick("its rule or subject is gone", "规则或对象已删除").to_owned());
    }
    if !item["held_over"].is_null() {
        said.push(lang.pick("held over from before its rule was changed", "规则修改前的等级,待人工确认").to_owned());
    }
    if let Some(by) = item["asked_out"]["by"].as_str() {
        said.push(format!("{} {by}", lang.pick("out of service asked by", "申请检修")));
    }
    said.join("; ")
}

fn quiet(item: &Value, lang: Lang) -> String {
    let one = |it: &Value| {
        let ends = time(&it["ends"]);
        let until = if ends.is_empty() { String::new() } else { format!(" → {ends}") };
        let said = [&it["by"], &it["name"], &it["window"]].into_iter().find(|said| said.is_string()).map(words);
        let inhibitor = it["by"]["rule"].as_str().map(|rule| format!("{rule}/{}", words(&it["by"]["subject"])));
        let by = said.or(inhibitor).map_or(String::new(), |by| format!(" ({by})"));
        let kind = match it["is"].as_str() {
            Some("shelved") => lang.pick("shelved", "搁置"),
            Some("out_of_service") => lang.pick("out of service", "检修/标校"),
            Some("inhibited") => lang.pick("inhibited", "被抑制"),
            Some("deferred") => lang.pick("waits a moment", "稍候"),
            Some("by_design") => lang.pick("by design", "按设计抑制"),
            Some("muted") => lang.pick("quiet hours", "免打扰时段"),
            other => other.unwrap_or_default(),
        };
        let upto = match it["upto"].is_string() {
            true => format!(" ≤ {}", grade(&it["upto"], lang)),
            false => String::new(),
        };
        format!("{kind}{upto}{until}{by}")
    };
    each(&item["suppressed"]).map(one).collect::<Vec<_>>().join("; ")
}

/// An alarm, whole.
pub(super) fn whole(alarm: &Value, lang: Lang) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{}  {}/{}  {}  {}  (v{})",
        graded(alarm, lang),
        words(&alarm["rule"]),
        words(&alarm["subject"]),
        words(&alarm["name"]),
        against(alarm),
        alarm["version"]
    );
    for line in [state(alarm, lang), quiet(alarm, lang)].into_iter().filter(|line| !line.is_empty()) {
        let _ = writeln!(text, "{line}");
    }
    let ground = words(&alarm["evidence"]["is"]).replace('_', " ");
    let _ = writeln!(text, "\n{}  [{ground}]", lang.pick("Evidence", "证据"));
    let readings = each(&alarm["causes"]).map(|cause| {
        let point = format!("{}/{}", words(&cause["station"]), words(&cause["point"]));
        let value = format!("{} {}", cause["value"], words(&cause["unit"]));
        vec![" ".to_owned(), time(&cause["at"]), point, value, words(&cause["flag"])]
    });
    text.push_str(&aligned(&readings.collect::<Vec<_>>()));
    let _ = writeln!(text, "\n{}", lang.pick("Story", "经过"));
    text.push_str(&story(&alarm["story"]));
    text
}

/// One alarm as a line of CSV.
pub(super) fn csv(item: &Value) -> String {
    let kinds: Vec<String> = each(&item["suppressed"]).map(|it| words(&it["is"])).collect();
    let ends = each(&item["suppressed"]).map(|it| time(&it["ends"])).filter(|ends| !ends.is_empty()).min();
    let fields = [
        words(&item["rule"]),
        words(&item["subject"]),
        words(&item["name"]),
        item["standing"].as_str().unwrap_or("clear").to_owned(),
        words(&item["latch"]),
        words(&item["value"]),
        words(&item["threshold"]),
        words(&item["unit"]),
        time(&item["onset"]),
        words(&item["evidence"]["is"]),
        words(&item["attention"]["is"]),
        words(&item["fault_attention"]["is"]),
        words(&item["assigned"]["to"]),
        kinds.join(" "),
        ends.unwrap_or_default(),
        words(&item["version"]),
        words(&item["pending"]),
        words(&item["doubt"]["because"]),
        words(&item["chatters"]),
        time(&item["rising"]["over_at"]),
        match &item["recovering"] {
            Value::Null => String::new(),
            recovering => recovering["towards"].as_str().unwrap_or("clear").to_owned(),
        },
        time(&item["recovering"]["lower_at"]),
    ];
    fields.map(|field| quoted(&field)).join(",")
}
