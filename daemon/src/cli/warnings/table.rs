//! How warnings read on a terminal: marks with numeral and word, no colour needed, columns that hold their Chinese.

use std::fmt::Write as _;

use serde_json::Value;
use watchfire_model::grade::Grade;
use watchfire_model::time::Span;

use crate::cli::{Format, Style};
use crate::lang::Lang;

/// The columns of `-o csv`.
pub(super) const CSV_HEADER: &str =
    "id,grade,peak,hazard,area,name,value,threshold,unit,onset,evidence_lost,state,version,delivered,notices";

/// A list as a table.
pub(super) fn list(items: &[Value], lang: Lang) -> String {
    if items.is_empty() {
        return lang.pick("No live warnings.\n", "没有生效的预警。\n").to_owned();
    }
    let head = lang.pick(
        "GRADE|WARNING|HAZARD|AREA|VALUE / THRESHOLD|SINCE|STATE|RECEIPTS",
        "等级|预警|类别|区域|测值 / 阈值|起于|状态|回执",
    );
    let mut rows = vec![head.split('|').map(str::to_owned).collect()];
    rows.extend(items.iter().map(|item| cells(item, lang)));
    aligned(&rows)
}

/// One warning in one line, for after an act.
pub(super) fn line(item: &Value, lang: Lang) -> String {
    cells(item, lang).into_iter().filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join("  ")
}

fn cells(item: &Value, lang: Lang) -> Vec<String> {
    let lead = &item["lead"];
    vec![
        grade(&item["grade"], lang),
        words(&item["id"]),
        hazard(item, lang),
        words(&item["area_name"]),
        format!("{} {}", words(&lead["name"]), against(lead)).trim().to_owned(),
        time(&item["onset"]),
        state(item, lang),
        receipts(item),
    ]
}

fn hazard(item: &Value, lang: Lang) -> String {
    let names = item["hazard_names"].as_object();
    let wanted = lang.pick("en", "zh");
    let name =
        names.and_then(|names| names.iter().find(|(tag, _)| tag.starts_with(wanted)).map(|(_, name)| words(name)));
    name.unwrap_or_else(|| words(&item["hazard"]))
}

/// `■ Ⅰ Red`, or a dash.
pub(in crate::cli) fn grade(value: &Value, lang: Lang) -> String {
    let Some(grade) = value.as_str().and_then(|word| word.parse::<Grade>().ok()) else {
        return lang.pick("– clear", "– 解除").to_owned();
    };
    let (mark, word) = match grade {
        Grade::Blue => ("●", "Blue"),
        Grade::Yellow => ("▲", "Yellow"),
        Grade::Orange => ("◆", "Orange"),
        Grade::Red => ("■", "Red"),
    };
    format!("{mark} {} {}", grade.numeral(), lang.pick(word, grade.han()))
}

pub(in crate::cli) fn against(lead: &Value) -> String {
    let number = |value: &Value| value.as_f64().map(|value| format!("{value}"));
    let unit = lead["unit"].as_str().unwrap_or_default();
    match (number(&lead["value"]), number(&lead["threshold"])) {
        (Some(value), Some(threshold)) => format!("{value} / {threshold} {unit}"),
        (Some(value), None) => format!("{value} {unit}"),
        (None, _) => String::new(),
    }
}

fn state(item: &Value, lang: Lang) -> String {
    let publication = &item["publication"];
    let mut said: Vec<String> = Vec::new();
    let how = match (publication["is"].as_str(), publication["how"].as_str()) {
        (Some("ended"), Some("all_clear")) => lang.pick("all clear", "已解除"),
        (Some("ended"), Some("cancelled")) => lang.pick("cancelled", "已撤销"),
        (Some("ended"), _) => lang.pick("expired", "已到期"),
        (Some("released"), _) => lang.pick("released", "已发布"),
        _ => lang.pick("internal only", "仅内部"),
    };
    said.push(how.to_owned());
    if let Some(class) = item["waiting"]["class"].as_str() {
        said.push(format!("{} {}", lang.pick("awaits release:", "待签发:"), class.replace('_', " ")));
    }
    if item["evidence_lost"].is_i64() {
        said.push(lang.pick("held, evidence lost", "证据中断,等级保持").to_owned());
    }
    if item["suppressed"] == true {
        said.push(lang.pick("kept quiet", "已抑制").to_owned());
    }
    if item["unacked"] == true {
        said.push(lang.pick("not acknowledged", "未确认").to_owned());
    }
    said.join("; ")
}

fn receipts(item: &Value) -> String {
    let count = |key: &str| item["receipts"][key].as_u64().unwrap_or(0);
    let mut text = format!("{}/{} ✓", count("delivered"), count("total"));
    if count("failing") > 0 {
        let _ = write!(text, " {} ↻", count("failing"));
    }
    if count("refused") > 0 {
        let _ = write!(text, " {} ✗", count("refused"));
    }
    text
}

/// A warning, whole.
pub(super) fn whole(warning: &Value, lang: Lang) -> String {
    let mut text = String::new();
    let heading = |text: &mut String, en, zh| {
        let _ = writeln!(text, "\n{}", lang.pick(en, zh));
    };
    let _ = writeln!(
        text,
        "{}  {}  {}  {}  (v{})",
        grade(&warning["grade"], lang),
        words(&warning["id"]),
        hazard(warning, lang),
        words(&warning["area_name"]),
        warning["version"]
    );
    let _ = writeln!(text, "{}  {}", state(warning, lang), receipts(warning));
    heading(&mut text, "Alarms and evidence", "测点报警与证据");
    for alarm in each(&warning["alarms"]) {
        let (ground, rule) = (words(&alarm["evidence"]["is"]), words(&alarm["rule"]));
        let name = words(&alarm["name"]);
        let _ = writeln!(text, "  {}  {name}  {}  [{ground}]  {rule}", grade(&alarm["standing"], lang), against(alarm));
        let readings = each(&alarm["causes"]).map(|cause| {
            let point = format!("{}/{}", words(&cause["station"]), words(&cause["point"]));
            vec![
                "   ".to_owned(),
                time(&cause["at"]),
                point,
                format!("{} {}", cause["value"], words(&cause["unit"])),
                words(&cause["flag"]),
            ]
        });
        text.push_str(&aligned(&readings.collect::<Vec<_>>()));
    }
    heading(&mut text, "Bulletins and receipts", "通知与回执");
    for bulletin in each(&warning["bulletins"]) {
        let headline = each(&bulletin["texts"]).find(|t| words(&t["language"]).starts_with(lang.pick("en", "zh")));
        let headline =
            headline.or_else(|| each(&bulletin["texts"]).next()).map(|t| words(&t["headline"])).unwrap_or_default();
        let [class, audience, id] = ["class", "audience", "id"].map(|key| words(&bulletin[key]));
        let _ = writeln!(text, "  {}  {class}  {audience}  {id}  {headline}", time(&bulletin["sent"]));
        let notices = each(&warning["notices"]).filter(|notice| notice["bulletin"] == bulletin["id"]);
        text.push_str(&aligned(&notices.map(receipt).collect::<Vec<_>>()));
    }
    heading(&mut text, "Story", "经过");
    text.push_str(&story(&warning["timeline"]));
    text
}

/// What happened, line by line.
pub(in crate::cli) fn story(entries: &Value) -> String {
    let line = |entry: &Value| {
        let [what, who, note] = ["what", "who", "note"].map(|key| words(&entry[key]));
        vec![" ".to_owned(), time(&entry["at"]), what.replace('_', " "), who, note]
    };
    aligned(&each(entries).map(line).collect::<Vec<_>>())
}

fn receipt(notice: &Value) -> Vec<String> {
    let outcome = &notice["receipt"]["outcome"];
    let mark = match outcome["is"].as_str() {
        Some("delivered") => "✓ delivered",
        Some("failing") => "↻ failing",
        Some("refused") => "✗ refused",
        _ => "… on its way",
    };
    // From the hand-over to the answer, each notice by itself.
    let took = notice["receipt"]["at"].as_i64().zip(notice["issued_at"].as_i64());
    let took = took.map_or_else(String::new, |(at, from)| format!("+{}", Span((at - from).max(0))));
    let said = if outcome["reason"].is_string() { &outcome["reason"] } else { &outcome["reference"] };
    let at = time(&notice["receipt"]["at"]);
    vec!["   ".to_owned(), words(&notice["channel"]), mark.to_owned(), at, took, words(said)]
}

/// One warning as a line of CSV.
pub(super) fn csv(item: &Value) -> String {
    let lead = &item["lead"];
    let state = match item["publication"]["how"].as_str() {
        Some(how) => how.to_owned(),
        None if !item["waiting"].is_null() => "waiting".to_owned(),
        None => words(&item["publication"]["is"]),
    };
    let fields = [
        words(&item["id"]),
        item["grade"].as_str().unwrap_or("clear").to_owned(),
        words(&item["peak"]),
        words(&item["hazard"]),
        words(&item["area"]),
        words(&lead["name"]),
        words(&lead["value"]),
        words(&lead["threshold"]),
        words(&lead["unit"]),
        time(&item["onset"]),
        time(&item["evidence_lost"]),
        state,
        words(&item["version"]),
        words(&item["receipts"]["delivered"]),
        words(&item["receipts"]["total"]),
    ];
    fields.map(|field| quoted(&field)).join(",")
}

pub(in crate::cli) fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

pub(in crate::cli) fn each(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A value as words: text without quotes and without what could move the terminal's cursor, nothing for null.
pub(in crate::cli) fn words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
        other => other.to_string(),
    }
}

/// RFC 3339 to the second, in the terminal's own zone.
pub(in crate::cli) fn time(value: &Value) -> String {
    let Some(at) = value.as_i64().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()) else {
        return String::new();
    };
    at.to_zoned_datetime(jiff::tz::TimeZone::system()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// Prints a list as it is asked for: a table, one object a line, or CSV under its `header`.
pub(in crate::cli) fn printed(
    items: &[Value],
    style: Style,
    header: &str,
    table: fn(&[Value], Lang) -> String,
    csv: fn(&Value) -> Vec<String>,
) {
    match style.output {
        Format::Table => print!("{}", table(items, style.lang())),
        Format::Json => items.iter().for_each(|item| println!("{item}")),
        Format::Csv => {
            println!("{header}");
            let line = |item: &Value| csv(item).iter().map(|field| quoted(field)).collect::<Vec<_>>().join(",");
            items.iter().for_each(|item| println!("{}", line(item)));
        }
    }
}

/// Rows with their columns under each other, two spaces between.
pub(in crate::cli) fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| cells_of(cell)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width.saturating_sub(cells_of(cell)) + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Columns of a terminal that a text takes: Chinese characters and full-width signs take two (UAX #11, wide and
/// full-width).
fn cells_of(text: &str) -> usize {
    let wide = |c: char| {
        matches!(c, '\u{1100}'..='\u{115F}' | '\u{2E80}'..='\u{303E}' | '\u{3041}'..='\u{A4CF}' | '\u{AC00}'..='\u{D7A3}'
            | '\u{F900}'..='\u{FAFF}' | '\u{FE30}'..='\u{FE6F}' | '\u{FF00}'..='\u{FF60}' | '\u{FFE0}'..='\u{FFE6}'
            | '\u{20000}'..='\u{3FFFD}')
    };
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other_with_chinese_in_them() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        assert_eq!(aligned(&[row(["水位", "m"]), row(["a", "b"])]), "水位  m\na     b\n");
    }

    #[test]
    fn nothing_from_the_wire_moves_the_cursor() {
        assert_eq!(words(&Value::from("a\u{1b}[2Jb\n")), "a [2Jb ");
    }

    #[test]
    fn a_comma_or_a_quote_stays_in_its_field() {
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("plain"), "plain");
    }
}
