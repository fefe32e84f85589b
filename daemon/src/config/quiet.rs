//! What a site writes about keeping alarms quiet: `[[inhibit]]`, `[[mute]]`, `[[by_design]]` and its holidays.

use std::collections::BTreeMap;

use watchfire_model::grade::Grade;
use watchfire_model::id::{HazardId, RuleId};
use watchfire_model::quiet::{Holidays, Inhibition, Quiet, Same, Whose, Window};
use watchfire_model::rule::{Per, Rule};

use crate::config::judging::GRADES;
use crate::config::names::Names;
use crate::config::problem::{Place, Problem};
use crate::config::read::{At, Context, Node, Table};

const SAME: &[(&str, Same)] = &[("station", Same::Station), ("area", Same::Area)];
const HOLIDAYS: &[(&str, Holidays)] = &[("alike", Holidays::Alike), ("too", Holidays::Too), ("not", Holidays::Not)];
const DAYS: &[(&str, usize)] = &[("mon", 0), ("tue", 1), ("wed", 2), ("thu", 3), ("fri", 4), ("sat", 5), ("sun", 6)];

const MONTHS: &[(&str, usize)] = &[
    ("jan", 0),
    ("feb", 1),
    ("mar", 2),
    ("apr", 3),
    ("may", 4),
    ("jun", 5),
    ("jul", 6),
    ("aug", 7),
    ("sep", 8),
    ("oct", 9),
    ("nov", 10),
    ("dec", 11),
];

/// The rules and hazards that there are.
pub(crate) struct Known<'k> {
    pub(crate) rules: &'k [Rule],
    pub(crate) rule_names: &'k Names,
    pub(crate) hazard_names: &'k Names,
}

/// Reads all of it.
pub(crate) fn read(root: &Table<'_>, cx: &Context<'_>, known: &Known<'_>) -> Quiet {
    let mut quiet = Quiet::default();
    if let Some(wait) = root.span("inhibit_wait") {
        quiet.inhibit_wait = wait.value;
    }
    let mut places = Vec::new();
    for table in root.tables("inhibit", "[[inhibit]]") {
        let place = table.at;
        quiet.inhibitions.extend(inhibition(table, known).inspect(|_| places.push(place)));
    }
    circles(cx, &quiet.inhibitions, &places, known.rules);
    for (key, what, by_design) in [("mute", "[[mute]]", false), ("by_design", "[[by_design]]", true)] {
        quiet.windows.extend(root.tables(key, what).into_iter().filter_map(|table| window(table, known, by_design)));
    }
    quiet.holidays = root.texts("holidays").into_iter().filter_map(|day| holiday(cx, &day)).collect();
    quiet
}

fn inhibition(table: Table<'_>, known: &Known<'_>) -> Option<Inhibition> {
    let cx = table.cx;
    let by = table.table("by", "`by`").map(|by| {
        let from = by.word("grade", GRADES).map_or(Grade::Blue, |grade| grade.value);
        let whose = required_whose(&by, known);
        by.finish();
        (whose, from)
    });
    let target = table.table("target", "`target`").map(|target| {
        let whose = required_whose(&target, known);
        target.finish();
        whose
    });
    let same = table.get("same").and_then(|node| node.word(SAME));
    for (there, what) in [(by.is_some(), "by"), (target.is_some(), "target"), (same.is_some(), "same")] {
        if !there {
            let problem = Problem::error(table.at, format!("[[inhibit]] has no `{what}`"));
            cx.report(problem.hint(
                "write by = { rule = \"…\", grade = \"yellow\" }, target = { hazard = \"…\" }, same = \"station\" or \"area\"",
            ));
        }
    }
    table.finish();
    let ((Some(by), from), Some(target), Some(same)) = (by?, target?, same) else { return None };
    if same.value == Same::Station {
        let wide = [&by, &target].into_iter().find_map(|whose| without_station(whose, known.rules));
        if let Some(rule) = wide {
            let message = format!("rule \"{}\" judges no station: it has none to share", rule.id);
            cx.report(Problem::error(same.at, message).hint("write same = \"area\""));
        }
    }
    Some(Inhibition { by, from, target, same: same.value })
}

fn window(table: Table<'_>, known: &Known<'_>, by_design: bool) -> Option<Window> {
    let cx = table.cx;
    let name = table.required("name", "a name for people, such as \"night\"");
    let target = whose(&table, known);
    let upto = table.word("upto", GRADES).map_or(Grade::Yellow, |grade| grade.value);
    let mut days = [false; 7];
    let written = table.list("days");
    for node in &written {
        let day = node.word(DAYS);
        if let Some(slot) = day.and_then(|day| days.get_mut(day.value)) {
            *slot = true;
        }
    }
    if written.is_empty() {
        days = [true; 7];
    }
    let mut months = [false; 12];
    let written = table.list("months");
    for node in &written {
        let month = node.word(MONTHS);
        if let Some(slot) = month.and_then(|month| months.get_mut(month.value)) {
            *slot = true;
        }
    }
    if written.is_empty() {
        months = [true; 12];
    }
    let minute = |key| table.get(key).map_or(Some(0), |node| time_of_day(&node));
    let (from, to) = (minute("from"), minute("to"));
    let holidays = table.word("holidays", HOLIDAYS).map_or(Holidays::Alike, |word| word.value);
    if upto == Grade::Red && !by_design {
        let problem = Problem::error(table.at, "a mute window keeps red quiet");
        cx.report(problem.hint("upto is blue, yellow (where nothing is written) or orange"));
    }
    table.finish();
    Some(Window { name: name?.value, target, upto, by_design, days, months, from: from?, to: to?, holidays })
}

/// `rule = "…"` or `hazard = "…"`; one of them.
fn whose(table: &Table<'_>, known: &Known<'_>) -> Option<Whose> {
    let cx = table.cx;
    let rule = table.text("rule").filter(|rule| known.rule_names.find(cx, rule).is_some());
    let hazard = table.text("hazard").filter(|hazard| known.hazard_names.find(cx, hazard).is_some());
    match (rule, hazard) {
        (Some(_), Some(hazard)) => {
            cx.report(Problem::error(hazard.at, "a rule or a hazard is meant, not both"));
            None
        }
        (Some(rule), None) => Some(Whose::Rule(RuleId::from(rule.value))),
        (None, Some(hazard)) => Some(Whose::Hazard(HazardId::from(hazard.value))),
        (None, None) => None,
    }
}

fn required_whose(table: &Table<'_>, known: &Known<'_>) -> Option<Whose> {
    let errors = table.cx.errors();
    let whose = whose(table, known);
    if whose.is_none() && table.cx.errors() == errors {
        let problem = Problem::error(table.at, "neither a `rule` nor a `hazard` is named");
        table.cx.report(problem.hint("write { rule = \"…\" } or { hazard = \"…\" }"));
    }
    whose
}

fn is_meant(whose: &Whose, rule: &Rule) -> bool {
    match whose {
        Whose::Rule(id) => rule.id == *id,
        Whose::Hazard(id) => rule.hazard == *id,
    }
}

/// A rule of those meant that judges groups or areas.
fn without_station<'r>(whose: &Whose, rules: &'r [Rule]) -> Option<&'r Rule> {
    rules.iter().filter(|rule| is_meant(whose, rule)).find(|rule| matches!(rule.per, Per::Group | Per::Area))
}

/// Refuses inhibitions that come back to where they began: in a circle each could keep the other quiet.
fn circles(cx: &Context<'_>, inhibitions: &[Inhibition], places: &[Place], rules: &[Rule]) {
    let mut after: BTreeMap<&RuleId, Vec<&RuleId>> = BTreeMap::new();
    for (it, place) in inhibitions.iter().zip(places) {
        for by in rules.iter().filter(|rule| is_meant(&it.by, rule)) {
            for target in rules.iter().filter(|rule| is_meant(&it.target, rule)) {
                if let Some(way) = way(&after, &target.id, &by.id) {
                    let circle: Vec<&str> = std::iter::once(&by.id).chain(way).map(RuleId::as_str).collect();
                    let problem = Problem::error(*place, format!("inhibitions in a circle: {}", circle.join(" → ")));
                    cx.report(
                        problem.hint("an alarm must never keep quiet what may keep it quiet; take one of them out"),
                    );
                    return;
                }
                after.entry(&by.id).or_default().push(&target.id);
            }
        }
    }
}

/// The way from one rule to another along what inhibits what, both named.
fn way<'r>(after: &BTreeMap<&'r RuleId, Vec<&'r RuleId>>, from: &'r RuleId, to: &RuleId) -> Option<Vec<&'r RuleId>> {
    let mut ways = vec![vec![from]];
    let mut seen = vec![from];
    while let Some(way) = ways.pop() {
        let at = way.last()?;
        if *at == to {
            return Some(way);
        }
        for next in after.get(at).into_iter().flatten() {
            if !seen.contains(next) {
                seen.push(next);
                ways.push(way.iter().copied().chain([*next]).collect());
            }
        }
    }
    None
}

/// `22:30`, as a minute of the day.
fn time_of_day(node: &Node<'_>) -> Option<u16> {
    let text = node.text()?;
    let read = |text: &str| {
        let (hour, minute) = text.split_once(':')?;
        let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    };
    let minute = read(&text.value);
    if minute.is_none() {
        let problem = Problem::error(text.at, format!("\"{}\" is not a time of day", text.value));
        node.cx.report(problem.hint("write hours and minutes at the site, such as \"22:30\""));
    }
    minute
}

/// `2026-10-01`.
fn holiday(cx: &Context<'_>, day: &At<String>) -> Option<(i64, i64, i64)> {
    let parsed = day.value.parse::<jiff::civil::Date>().ok();
    if parsed.is_none() {
        let problem = Problem::error(day.at, format!("\"{}\" is not a date", day.value));
        cx.report(problem.hint("write year, month and day, such as \"2026-10-01\""));
    }
    parsed.map(|date| (i64::from(date.year()), i64::from(date.month()), i64::from(date.day())))
}
