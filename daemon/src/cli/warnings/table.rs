//! How warnings read on a terminal: marks with numeral and word, no colour needed, columns that hold their Chinese.

use std::fmt::Write as _;

use serde_json::Value;
use watchfire_model::grade::Grade;
use watchfire_model::time::Span;

use crate::cli::{Format, Style};
use crate::lang::Lang;

/// The columns of `-o csv`.
pub(super) const CSV_HEADER: &str = "id,grade,peak,hazard,area,name,value,threshold,unit,onset,evidence_lost,state,version,delivered,notices,duty_told_ms,public_told_ms,worst_told_ms";

/// A list as a table.
pub(super) fn list(items: &[Value], lang: Lang) -> String {
    if items.is_empty() {
        return lang.pick("No live warnings.\n", "没有生效的预警。\n").to_owned();
    }
    let head = lang.pick(
        "GRADE|WARNING|HAZARD|AREA|VALUE / THRESHOLD|SINCE|STATE|RECEIPTS|TOLD AFTER",
        "等级|预警|类别|区域|测值 / 阈值|起于|状态|回执|送达用时",
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
        told(item, lang).join("; "),
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
    if item["correction"].is_object() {
        let to = grade(&item["correction"]["grade"], lang);
        said.push(match lang {
            Lang::En => format!("a correction to {to} is prepared (warnings correct)"),
            Lang::Zh => format!("更正为 {to} 已拟好,待签发(warnings correct)"),
        });
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

/// How long after we heard the reading each audience first confirmed, and the worst of its channels.
fn told(item: &Value, lang: Lang) -> Vec<String> {
    let audience = |key: &str, en, zh| {
        let reached = &item["told"][key];
        let span = |key: &str| reached[key].as_i64().map(|ms| Span(ms).to_string());
        let name = lang.pick(en, zh);
        let first = span("first_heard_ms")?;
        Some(match span("worst_heard_ms").filter(|worst| *worst != first) {
            Some(worst) => format!("{name} {first}–{worst}"),
            None => format!("{name} {first}"),
        })
    };
    [audience("internal", "duty", "值班"), audience("public", "public", "公众")].into_iter().flatten().collect()
}

/// The same, with the reading that it counts from and what is still owed.
fn told_whole(item: &Value, lang: Lang) -> String {
    let told = &item["told"];
    let mut text = String::new();
    if told.is_null() {
        return text;
    }
    let [observed, heard] = ["observed_at", "heard_at"].map(|key| time(&told[key]));
    let _ = writeln!(text, "{} {observed}, {} {heard}", lang.pick("measured", "测于"), lang.pick("heard", "收到"));
    for (key, en, zh) in [("internal", "duty", "值班"), ("public", "public", "公众")] {
        let reached = &told[key];
        let span = |key: &str| reached[key].as_i64().map_or_else(|| "–".to_owned(), |ms| Span(ms).to_string());
        if reached.is_null() {
            continue;
        }
        let _ = writeln!(
            text,
            "{}: {} +{} {}, {} +{} {}, {} {}",
            lang.pick(en, zh),
            lang.pick("first", "首达"),
            span("first_heard_ms"),
            words(&reached["first_channel"]),
            lang.pick("worst", "最慢"),
            span("worst_heard_ms"),
            words(&reached["worst_channel"]),
            lang.pick("unconfirmed channels", "未确认通道"),
            reached["unconfirmed"]
        );
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
    text.push_str(&told_whole(warning, lang));
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
        text.push_str(&aligned(&notices.flat_map(attempts).collect::<Vec<_>>()));
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

/// A notice, and each attempt at it where it took more than one.
fn attempts(notice: &Value) -> Vec<Vec<String>> {
    let (all, told) = (notice["attempts"].as_u64().unwrap_or(0), each(&notice["tried"]).count());
    let mut lines = vec![receipt(notice)];
    if all < 2 {
        return lines;
    }
    let beyond = all.saturating_sub(u64::try_from(told).unwrap_or(all));
    for (place, attempt) in each(&notice["tried"]).enumerate() {
        if beyond > 0 && place == told / 2 {
            lines.push(vec![String::new(), String::new(), format!("    … {beyond}")]);
        }
        let outcome = &attempt["outcome"];
        let said = if outcome["reason"].is_string() { &outcome["reason"] } else { &outcome["reference"] };
        let is = format!("    {}", words(&outcome["is"]));
        lines.push(vec![String::new(), String::new(), is, time(&attempt["at"]), String::new(), words(said)]);
    }
    lines
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
        words(&item["told"]["internal"]["first_heard_ms"]),
        words(&item["told"]["public"]["first_heard_ms"]),
        words(&worst_told(item)),
    ];
    fields.map(|field| quoted(&field)).join(",")
}

/// The longest of any channel of any audience.
fn worst_told(item: &Value) -> Value {
    let of = |key: &str| item["told"][key]["worst_heard_ms"].as_i64();
    of("internal").into_iter().chain(of("public")).max().map_or(Value::Null, Value::from)
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
