//! `stations.csv` and `points.csv`: agencies keep their stations in spreadsheets. Tens of thousands of rows load, and a
//! mistake in one names its file, line and column as in TOML.

use std::borrow::Cow;

use watchfire_model::grade::Grade;

use crate::config::amount::Amount;
use crate::config::names::Names;
use crate::config::nearest::did_you_mean;
use crate::config::problem::{Place, Problem};
use crate::config::read::{At, Context};
use crate::config::scrutiny::ScrutinyDraft;
use crate::config::source;
use crate::config::station::{self, Field, PointDraft, StationDraft};

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
];

/// One field of a row.
struct Cell<'t> {
    text: Cow<'t, str>,
    at: Place,
}

/// Splits a text into rows of cells (RFC 4180): quotes, doubled quotes, line ends in quotes, CRLF. Empty rows and rows that begin with `#` are left out.
struct Rows<'t> {
    file: usize,
    text: &'t str,
    at: usize,
}

impl<'t> Iterator for Rows<'t> {
    type Item = Result<Vec<Cell<'t>>, Place>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
            let line_end = rest.find('\n').map_or(rest.len(), |end| end + 1);
            let line = &rest[..line_end];
            if line.trim().is_empty() || line.starts_with('#') {
                self.at += line_end;
                continue;
            }
            let row = self.row();
            if row.is_err() {
                self.at = self.text.len();
            }
            return Some(row);
        }
    }
}

impl<'t> Rows<'t> {
    fn row(&mut self) -> Result<Vec<Cell<'t>>, Place> {
        let mut cells = Vec::with_capacity(16);
        loop {
            let (cell, end) = self.cell()?;
            cells.push(cell);
            self.at = end;
            match self.text.as_bytes().get(end) {
                Some(b',') => self.at += 1,
                Some(b'\r') => {
                    self.at = (end + 2).min(self.text.len());
                    return Ok(cells);
                }
                Some(_) => {
                    self.at += 1;
                    return Ok(cells);
                }
                None => return Ok(cells),
            }
        }
    }

    /// One cell and the byte after it: a comma, a line's end, or the end of the text.
    fn cell(&self) -> Result<(Cell<'t>, usize), Place> {
        let start = self.at;
        let rest = &self.text[start..];
        if !rest.starts_with('"') {
            let length = rest.find([',', '\n']).unwrap_or(rest.len());
            let raw = rest[..length].strip_suffix('\r').unwrap_or(&rest[..length]);
            let trimmed = raw.trim();
            let lead = raw.len() - raw.trim_start().len();
            let at = Place { file: self.file, start: start + lead, end: start + lead + trimmed.len() };
            return Ok((Cell { text: Cow::Borrowed(trimmed), at }, start + raw.len()));
        }
        let mut from = 1;
        let mut doubled = false;
        loop {
            let Some(quote) = rest[from..].find('"') else {
                let line = rest.find('\n').unwrap_or(rest.len());
                let end = start + line;
                // What follows cannot be told apart any more; the reader ends here.
                return Err(Place { file: self.file, start, end });
            };
            let quote = from + quote;
            if rest[quote + 1..].starts_with('"') {
                doubled = true;
                from = quote + 2;
                continue;
            }
            let inner = &rest[1..quote];
            let text = if doubled { Cow::Owned(inner.replace("\"\"", "\"")) } else { Cow::Borrowed(inner) };
            let after = &rest[quote + 1..];
            let skipped = after.find([',', '\n', '\r']).unwrap_or(after.len());
            let at = Place { file: self.file, start: start + 1, end: start + quote };
            return Ok((Cell { text, at }, start + quote + 1 + skipped));
        }
    }
}

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
        let mut rows = Rows { file, text, at: 0 };
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

/// Reads `stations.csv`.
pub(crate) fn stations(
    cx: &Context<'_>,
    file: usize,
    text: &str,
    field: &mut Field,
    areas: &Names,
    only_area: Option<&str>,
    zone: &str,
) {
    let Some(sheet) = Sheet::open(cx, file, text, STATION_COLUMNS, &["id"]) else { return };
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
        field.station(cx, areas, only_area, draft);
    });
}

/// Reads `points.csv`.
pub(crate) fn points(cx: &Context<'_>, file: usize, text: &str, field: &mut Field) {
    let Some(sheet) = Sheet::open(cx, file, text, POINT_COLUMNS, &["station", "id", "quantity", "unit", "interval"])
    else {
        return;
    };
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

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Vec<String>> {
        Rows { file: 0, text, at: 0 }
            .map(|row| match row {
                Ok(cells) => cells.into_iter().map(|cell| cell.text.into_owned()).collect(),
                Err(_) => vec!["(never ends)".to_owned()],
            })
            .take(10)
            .collect()
    }

    #[test]
    fn rows_are_split_as_spreadsheets_write_them() {
        assert_eq!(rows("a,b\r\n1,2\r\n"), [["a", "b"], ["1", "2"]]);
        assert_eq!(rows("# talk\n\n\"x, y\",\"a \"\"b\"\"\"\n,\n"), [["x, y", "a \"b\""], ["", ""]]);
        assert_eq!(rows("\"two\nlines\", z "), [["two\nlines", "z"]]);
        assert_eq!(rows("\"open,1\n2"), [["(never ends)"]]);
    }
}
