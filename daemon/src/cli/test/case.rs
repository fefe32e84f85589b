//! `[[case]]`: a name, a start, what the sensors say, and what is expected. Read with the place of everything.

use watchfire_model::id::PointIx;
use watchfire_model::time::{Civil, Span, Timestamp, Zone};
use watchfire_rules::trial::notation;
use watchfire_rules::trial::{Case, Series};

use crate::config::nearest::did_you_mean;
use crate::config::problem::{Place, Problem};
use crate::config::read::{At, Node, Shape, Table};

use super::expect::{self, Marks};
use super::file::Site;

/// Most slots of one case.
const MOST_SLOTS: usize = 2_000_000;

/// A case as written.
pub(super) struct Written {
    /// What it shows.
    pub(super) name: String,
    /// Where its name stands.
    pub(super) at: Place,
    /// What is told and expected.
    pub(super) case: Case,
    /// Where each expectation stands, in the same order.
    pub(super) marks: Vec<Marks>,
}

impl Written {
    /// Reads a case; what is wrong with it is reported.
    pub(super) fn read(table: Table<'_>, site: &Site) -> Option<Self> {
        let name = table.required("name", "what the case shows, in a few words");
        let start = table.get("start").and_then(|node| node.instant());
        let start = start.map_or_else(|| usual_start(&site.settings.site().zone), |start| start.value);
        let interval = table.get("interval").and_then(|node| interval(&node));
        let subject = expect::Usual { rule: table.text("rule"), subject: table.text("subject") };
        let series = series(&table, site, interval);
        let mut expected = Vec::new();
        for written in table.tables("expect", "[[case.expect]]") {
            expected.extend(expect::read(written, site, &subject, start));
        }
        if expected.is_empty() && table.cx.errors() == 0 {
            table.missing("expect", "what is expected: [[case.expect]] with rule, subject, at and grade");
        }
        table.finish();
        let (expected, marks) = expected.into_iter().unzip();
        let name = name?;
        Some(Self { name: name.value, at: name.at, case: Case { start, series, expected }, marks })
    }
}

/// Midnight before 2026-07-01 at the site: the same for every case, so that a case says the same every day.
fn usual_start(zone: &Zone) -> Timestamp {
    let utc =
        Timestamp::from_civil(Civil { year: 2026, month: 7, day: 1, hour: 0, minute: 0, second: 0, millisecond: 0 });
    utc - Span::seconds(i64::from(zone.offset_at(utc)))
}

fn interval(node: &Node<'_>) -> Option<Span> {
    let span = node.span()?;
    if span.value <= Span::ZERO {
        node.cx.report(Problem::error(span.at, "an interval is longer than nothing"));
        return None;
    }
    Some(span.value)
}

/// `[case.series]`: `"station/point" = "1 2 3"`, or a table with `values` and an `interval` of its own.
fn series(table: &Table<'_>, site: &Site, interval: Option<Span>) -> Vec<Series> {
    let Some(written) = table.table("series", "`series`") else {
        if table.get("series").is_none() {
            table.missing("series", "what the sensors say: series = { \"station/point\" = \"1 2 3\" }");
        }
        return Vec::new();
    };
    let mut all: Vec<Series> = Vec::new();
    let mut room = MOST_SLOTS;
    for (name, node) in written.entries() {
        let Some(point) = point(&name, &node, site) else { continue };
        let Some(one) = one(&node, site, point, interval) else { continue };
        room = room.saturating_sub(one.slots.len());
        all.push(one);
    }
    if room == 0 {
        table.cx.report(Problem::error(written.at, format!("a case has at most {MOST_SLOTS} slots in all")));
    }
    all
}

fn point(name: &At<String>, node: &Node<'_>, site: &Site) -> Option<PointIx> {
    let known = site.settings.site();
    let found = name.value.split_once('/').and_then(|(station, point)| known.find_point(station, point));
    if found.is_none() {
        let problem = Problem::error(name.at, format!("there is no point \"{}\"", name.value));
        let names: Vec<String> = known
            .stations
            .iter()
            .flat_map(|station| station.points.iter().map(move |ix| (station, *ix)))
            .filter_map(|(station, ix)| Some(format!("{}/{}", station.id, known.point(ix)?.id)))
            .collect();
        let hint = did_you_mean(&name.value, names.iter().map(String::as_str))
            .unwrap_or_else(|| "a point is written \"station/point\"".to_owned());
        node.cx.report(problem.hint(hint));
    }
    found
}

fn one(node: &Node<'_>, site: &Site, point: PointIx, interval: Option<Span>) -> Option<Series> {
    let nominal = || site.settings.site().point(point).map_or(Span::minutes(5), |point| point.interval);
    let (values, own) = match node.shape("a series") {
        Shape::Text(_) => (*node, None),
        Shape::Table(table) => {
            let own = table.get("interval").and_then(|node| self::interval(&node));
            let values = table.get("values");
            if values.is_none() {
                table.missing("values", "what it says, such as \"1 2 3\"");
            }
            table.finish();
            (values?, own)
        }
        Shape::Number(_) | Shape::Array(_) | Shape::Flag(_) | Shape::Other => {
            return node.refuse("a series such as \"1 2 3\" or \"1+0.5x20 _x3 stale\"");
        }
    };
    let text = values.raw_text()?;
    match notation::read(&text.value) {
        Ok(slots) => Some(Series { point, interval: own.or(interval).unwrap_or_else(nominal), slots }),
        Err(error) => {
            let at = values.cx.part_of(text.at, error.at, error.length);
            let problem = Problem::error(at, error.to_string());
            values.cx.report(problem.hint(
                "1.5 · 1x4 (and four more) · 1+0.5x4 · _ and _x4 (nothing) · NaN, Inf, null, text (no number) · stale, last",
            ));
            None
        }
    }
}
