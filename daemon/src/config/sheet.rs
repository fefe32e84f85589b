//! `areas.csv`, `stations.csv` and `points.csv`: agencies keep them in spreadsheets. Tens of thousands of rows load, and a
//! mistake in one names its file, line and column as in TOML.

use watchfire_model::grade::Grade;
use watchfire_model::time::Zone;

use crate::config::amount::Amount;
use crate::config::area::{AreaDraft, Areas};
use crate::config::cells;
use crate::config::nearest::did_you_mean;
use crate::config::problem::{Place, Problem};
use crate::config::read::{At, Context};
use crate::config::scrutiny::{NeighbourDraft, ScrutinyDraft};
use crate::config::source;
use crate::config::station::{self, Field, PointDraft, StationDraft};

mod rows;

use rows::{Cell, Rows};

const AREA_COLUMNS: &[&str] = &["id", "name", "population", "polygon"];
const STATION_COLUMNS: &[&str] =
    &["id", "name", "area", "lat", "lon", "datum", "gateway", "logger", "power", "zone", "upstream"];
const POINT_COLUMNS: &[&str] = &[
    "station",
    "id",
    "quantity",
    "unit",
    "interval",
    "resolution",
    "range_low",
    "range_high",
    "blue",
    "yellow",
    "orange",
    "red",
    "source",
    "direction",
    "kind",
    "reports",
    "stale_after",
    "plausible_low",
    "plausible_high",
    "max_rate",
    "spike",
    "flat_after",
    "datum_jump",
    "sentinels",
    "wraps_at",
    "heartbeat",
    "seasons",
    "neighbours",
    "neighbours_suspect",
    "sensors",
];

/// A spreadsheet whose header has been understood.
struct Sheet<'t> {
    rows: Rows<'t>,
    /// For each known column, where it is in a row.
    columns: Vec<(&'static str, usize)>,
    width: usize,
}

/// A row, its cells found by their column's name.
struct Row<'s, 't> {
    columns: &'s [(&'static str, usize)],
    cells: Vec<Cell<'t>>,
}

impl Row<'_, '_> {
    /// A cell with something in it.
    fn get(&self, column: &str) -> Option<At<&str>> {
        let (_, ix) = self.columns.iter().find(|(name, _)| *name == column)?;
        let cell = self.cells.get(*ix).filter(|cell| !cell.text.is_empty())?;
        Some(At { value: cell.text.as_ref(), at: cell.at })
    }
    fn text(&self, column: &str) -> Option<At<String>> {
        self.get(column).map(|cell| cell.map(str::to_owned))
    }
    fn required(&self, cx: &Context<'_>, column: &'static str) -> Option<At<String>> {
        let text = self.text(column);
        if text.is_none() {
            let at = self.columns.iter().find(|(name, _)| *name == column).and_then(|(_, ix)| self.cells.get(*ix));
            let at = at.or(self.cells.first()).map(|cell| cell.at);
            cx.report(at.map_or_else(
                || Problem::nowhere(format!("the row has no `{column}`")),
                |at| Problem::error(at, format!("the row has no `{column}`")),
            ));
        }
        text
    }
    fn parsed<T>(&self, cx: &Context<'_>, column: &str, due: &str, parse: impl Fn(&str) -> Option<T>) -> Option<At<T>> {
        let cell = self.get(column)?;
        let value = parse(cell.value);
        if value.is_none() {
            cx.report(Problem::error(cell.at, format!("{due} is due in column `{column}`")));
        }
        value.map(|value| At { value, at: cell.at })
    }
    fn number(&self, cx: &Context<'_>, column: &str) -> Option<At<f64>> {
        self.parsed(cx, column, "a number", |text| text.parse().ok().filter(|number: &f64| number.is_finite()))
    }
    /// Numbers with spaces between them.
    fn numbers(&self, cx: &Context<'_>, column: &str) -> Vec<f64> {
        let number = |text: &str| text.parse().ok().filter(|number: &f64| number.is_finite());
        let all = |text: &str| text.split_whitespace().map(number).collect::<Option<Vec<f64>>>();
        self.parsed(cx, column, "numbers with spaces between them", all).map(|at| at.value).unwrap_or_default()
    }
    /// Two amounts, of which either both are written or neither.
    fn pair(&self, cx: &Context<'_>, low: &str, high: &str) -> Option<(At<Amount>, At<Amount>)> {
        match (self.amount(cx, low), self.amount(cx, high)) {
            (Some(low), Some(high)) => Some((low, high)),
            (None, None) => None,
            (Some(one), None) | (None, Some(one)) => {
                let what = low.strip_suffix("_low").unwrap_or(low);
                cx.report(Problem::error(one.at, format!("a {what} has both `{low}` and `{high}`, or neither")));
                None
            }
        }
    }
    fn amount(&self, cx: &Context<'_>, column: &str) -> Option<At<Amount>> {
        let cell = self.get(column)?;
        Amount::parse(cell.value)
            .map_err(|error| cx.report(error.at(cell.at)))
            .ok()
            .map(|value| At { value, at: cell.at })
    }
}

impl<'t> Sheet<'t> {
    fn open(
        cx: &Context<'_>,
        file: usize,
        text: &'t str,
        known: &'static [&'static str],
        needed: &[&str],
    ) -> Option<Self> {
        let mut rows = Rows::of(file, text);
        let start = Place { file, start: 0, end: 0 };
        let header = match rows.next() {
            Some(Ok(header)) => header,
            Some(Err(at)) => {
                cx.report(unclosed(at));
                return None;
            }
            None => {
                cx.report(
                    Problem::error(start, "the file is empty").hint(format!("its first line is {}", known.join(","))),
                );
                return None;
            }
        };
        let errors = cx.errors();
        let mut columns: Vec<(&'static str, usize)> = Vec::new();
        for (ix, cell) in header.iter().enumerate() {
            match known.iter().find(|name| **name == cell.text) {
                Some(name) if columns.iter().any(|(seen, _)| seen == name) => {
                    cx.report(Problem::error(cell.at, format!("there are two columns `{name}`")));
                }
                Some(name) => columns.push((name, ix)),
                None => {
                    let problem = Problem::error(cell.at, format!("unknown column `{}`", cell.text));
                    let apart = (header.len() == 1).then(|| cell.text.find([';', '\t'])).flatten();
                    let hint = did_you_mean(&cell.text, known.iter().copied())
                        .filter(|_| apart.is_none())
                        .or_else(|| apart.map(|_| "the cells are apart by commas: save it as CSV (UTF-8)".to_owned()));
                    cx.report(problem.hint(hint.unwrap_or_else(|| format!("known: {}", known.join(", ")))));
                }
            }
        }
        for name in needed {
            if !columns.iter().any(|(known, _)| known == name) {
                let at = header.first().map_or(start, |cell| cell.at);
                cx.report(Problem::error(at, format!("there is no column `{name}`")));
            }
        }
        (cx.errors() == errors).then_some(Self { rows, columns, width: header.len() })
    }

    /// How many lines are left: the most rows there can be.
    fn lines(&self) -> usize {
        self.rows.lines()
    }

    fn each(mut self, cx: &Context<'_>, mut take: impl FnMut(&Row<'_, 't>)) {
        for cells in self.rows.by_ref() {
            let cells = match cells {
                Ok(cells) => cells,
                Err(at) => {
                    cx.report(unclosed(at));
                    return;
                }
            };
            if let Some(extra) = cells.get(self.width) {
                let message = format!("the row has {} cells, the header {}", cells.len(), self.width);
                cx.report(Problem::error(extra.at, message).hint("a comma inside a cell wants quotes round the cell"));
                continue;
            }
            take(&Row { columns: &self.columns, cells });
        }
    }
}

fn unclosed(at: Place) -> Problem {
    Problem::error(at, "a quoted cell never ends").hint("a quote inside a quoted cell is written twice")
}

/// Reads `areas.csv`.
pub(crate) fn areas(cx: &Context<'_>, file: usize, text: &str, areas: &mut Areas) {
    let Some(sheet) = Sheet::open(cx, file, text, AREA_COLUMNS, &["id", "name"]) else { return };
    areas.expect(sheet.lines());
    sheet.each(cx, |row| {
        let people = row.parsed(cx, "population", "a whole number of people", |text| text.parse().ok());
        let draft = AreaDraft {
            id: row.required(cx, "id"),
            name: row.required(cx, "name"),
            population: people.map(|people| people.value),
            polygon: row.text("polygon"),
        };
        areas.take(cx, draft);
    });
}

/// Reads `stations.csv`.
pub(crate) fn stations(cx: &Context<'_>, file: usize, text: &str, field: &mut Field, areas: &Areas, zone: &str) {
    let Some(sheet) = Sheet::open(cx, file, text, STATION_COLUMNS, &["id"]) else { return };
    field.expect_stations(sheet.lines());
    sheet.each(cx, |row| {
        if let Some(other) = row.get("zone").filter(|cell| cell.value != zone) {
            let problem = Problem::error(other.at, format!("the site's zone is \"{zone}\""));
            cx.report(problem.hint("one site has one zone; leave the cell empty"));
        }
        let Some(id) = row.required(cx, "id") else { return };
        let draft = StationDraft {
            id,
            aliases: Vec::new(),
            name: row.text("name"),
            area: row.text("area"),
            lat: row.number(cx, "lat"),
            lon: row.number(cx, "lon"),
            datum: row.text("datum").map(|text| text.value),
            gateway: row.text("gateway").map(|text| text.value),
            logger: row.text("logger").map(|text| text.value),
            power: row.text("power").map(|text| text.value),
            upstream: row.text("upstream"),
        };
        field.station(cx, areas, draft);
    });
}

/// Reads `points.csv`; times in it without a zone are `zone`'s.
pub(crate) fn points(cx: &Context<'_>, file: usize, text: &str, field: &mut Field, zone: &Zone) {
    let Some(sheet) = Sheet::open(cx, file, text, POINT_COLUMNS, &["station", "id", "quantity", "unit", "interval"])
    else {
        return;
    };
    field.expect_points(sheet.lines());
    sheet.each(cx, |row| {
        let needed = ["station", "id", "quantity", "unit", "interval"].map(|column| row.required(cx, column));
        let [Some(station), Some(id), Some(quantity), Some(unit), Some(_)] = needed else { return };
        let mut draft = PointDraft::new(station, id, quantity, unit);
        draft.interval = row.parsed(cx, "interval", "a length of time such as 5m", |text| text.parse().ok());
        draft.resolution = row.amount(cx, "resolution");
        draft.range = row.pair(cx, "range_low", "range_high");
        draft.plausible = row.pair(cx, "plausible_low", "plausible_high");
        draft.max_rate = row.amount(cx, "max_rate").map(|both| (both.clone(), both));
        draft.scrutiny = ScrutinyDraft::of_row(
            row.amount(cx, "spike"),
            row.parsed(cx, "flat_after", "a length of time such as 12h", |text| text.parse().ok()),
            row.amount(cx, "datum_jump"),
        );
        draft.scrutiny.seasons = row.get("seasons").map(|cell| cells::seasons(cx, &cell)).unwrap_or_default();
        draft.scrutiny.neighbours = neighbours(cx, row);
        draft.scrutiny.sensors = row.get("sensors").map(|cell| cells::sensors(cx, &cell, zone)).unwrap_or_default();
        draft.sentinels = row.numbers(cx, "sentinels");
        draft.wraps_at = row.number(cx, "wraps_at").map(|at| at.value);
        for grade in Grade::ALL {
            if let Some(threshold) = row.amount(cx, grade.word()) {
                draft.thresholds.set(grade, threshold);
            }
        }
        draft.source = row.text("source").and_then(|text| source::from_text(cx, &text));
        draft.direction = row.parsed(cx, "direction", "rising or falling", station::direction_of).map(|at| at.value);
        draft.kind = row.parsed(cx, "kind", "gauge, increment or counter", station::kind_of).map(|at| at.value);
        draft.reports = row.parsed(cx, "reports", "interval or on_change", station::reports_of).map(|at| at.value);
        draft.heartbeat = row.text("heartbeat");
        draft.stale_after =
            row.parsed(cx, "stale_after", "a length of time", |text| text.parse().ok()).map(|at| at.value);
        field.point(cx, draft);
    });
}

/// Neighbours, and how far from what they lead us to expect is too far; of the two either both are written or neither.
fn neighbours(cx: &Context<'_>, row: &Row<'_, '_>) -> Option<(Vec<NeighbourDraft>, At<Amount>)> {
    let (cell, suspect) = (row.get("neighbours"), row.get("neighbours_suspect"));
    match (cell, suspect) {
        (Some(cell), Some(_)) => Some((cells::neighbours(cx, &cell), row.amount(cx, "neighbours_suspect")?)),
        (None, None) => None,
        (Some(one), None) | (None, Some(one)) => {
            let problem = Problem::error(one.at, "`neighbours` and `neighbours_suspect` are written both, or neither");
            cx.report(
                problem.hint("`neighbours_suspect` is how far from what they lead to expect is suspect, such as 0.5 m"),
            );
            None
        }
    }
}
