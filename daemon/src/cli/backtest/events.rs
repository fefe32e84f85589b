//! What really happened, from a spreadsheet: `time[,until][,area][,station][,hazard][,name]` under a header, in any order
//! of columns; other columns are passed over.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use watchfire_model::site::Site;
use watchfire_model::time::Span;
use watchfire_rules::scores::{Matching, Occurrence};

use super::line::{Fault, shown};
use super::local::written;
use super::map::split::quoted;
use crate::cli::exit;

/// More are no list that people kept.
const MOST: usize = 10_000;
/// Wrong lines that are told.
const TOLD: usize = 20;

/// A line that is no occurrence, from 1, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wrong {
    line: usize,
    why: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.why)
    }
}

/// What really happened, and how warnings are held against it.
#[derive(Clone, Debug, clap::Args)]
pub struct EventsArgs {
    /// What really happened, as CSV: `time[,until][,area][,station][,hazard][,name]`; the warnings are scored against it.
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// The longest lead that counts: a warning that rose earlier and was over by then warned of something else.
    #[arg(long, value_name = "SPAN", default_value = "72h", requires = "events")]
    pub lead: Span,
    /// How late a warning may come after an event is over, and still be a hit.
    #[arg(long, value_name = "SPAN", default_value = "0s", requires = "events")]
    pub tolerance: Span,
}

impl EventsArgs {
    /// Reads the file, if there is one. Where it is wrong, says so, all of it at once, and gives the code to end with.
    pub(in crate::cli) fn happened(&self, site: &Site) -> anyhow::Result<Result<Option<Vec<Occurrence>>, ExitCode>> {
        let Some(path) = &self.events else { return Ok(Ok(None)) };
        Ok(read(path, site)?.map(Some).map_err(|wrong| {
            for wrong in wrong {
                eprintln!("error: {}:{wrong}", path.display());
            }
            ExitCode::from(exit::FINDINGS)
        }))
    }

    /// How warnings and events are brought together.
    pub(in crate::cli) const fn matching(&self) -> Matching {
        Matching { lead: self.lead, tolerance: self.tolerance }
    }
}

fn read(path: &Path, site: &Site) -> anyhow::Result<Result<Vec<Occurrence>, Vec<Wrong>>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the events {}", path.display()))?;
    Ok(parse(&text, site))
}

/// Which field stands in which column.
#[derive(Debug, Default)]
struct Columns {
    time: Option<usize>,
    until: Option<usize>,
    area: Option<usize>,
    station: Option<usize>,
    hazard: Option<usize>,
    name: Option<usize>,
}

fn parse(text: &str, site: &Site) -> Result<Vec<Occurrence>, Vec<Wrong>> {
    let mut lines = text.trim_start_matches('\u{feff}').lines().enumerate().map(|(at, line)| (at + 1, line));
    let mut lines = lines.by_ref().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let Some((line, header)) = lines.next() else {
        return Err(vec![Wrong { line: 1, why: "there is no header; it must name at least time".to_owned() }]);
    };
    let columns = columns(header).map_err(|why| vec![Wrong { line, why }])?;
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    for (line, text) in lines {
        let fields = fields(text).map_err(|fault| fault.to_string());
        match fields.and_then(|fields| occurrence(&fields, &columns, site)) {
            Ok(occurrence) => found.push(occurrence),
            Err(why) => wrong.push(Wrong { line, why }),
        }
        if found.len() > MOST {
            wrong.push(Wrong { line, why: format!("there are more than {MOST} events") });
        }
        if wrong.len() >= TOLD || found.len() > MOST {
            break;
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    if found.is_empty() {
        return Err(vec![Wrong { line, why: "there is nothing under the header".to_owned() }]);
    }
    found.sort_by_key(|occurrence| occurrence.from);
    Ok(found)
}

fn columns(header: &str) -> Result<Columns, String> {
    let mut columns = Columns::default();
    for (at, name) in fields(header).map_err(|fault| fault.to_string())?.iter().enumerate() {
        let column = match name.trim().to_ascii_lowercase().as_str() {
            "time" => &mut columns.time,
            "until" => &mut columns.until,
            "area" => &mut columns.area,
            "station" => &mut columns.station,
            "hazard" => &mut columns.hazard,
            "name" => &mut columns.name,
            _ => continue,
        };
        if column.replace(at).is_some() {
            return Err(format!("there are two columns \"{}\"", name.trim()));
        }
    }
    if columns.time.is_none() {
        return Err("there is no column \"time\"; allowed are time, until, area, station, hazard and name".to_owned());
    }
    Ok(columns)
}

fn occurrence(fields: &[String], columns: &Columns, site: &Site) -> Result<Occurrence, String> {
    let field = |at: Option<usize>| at.and_then(|at| fields.get(at)).map_or("", |field| field.trim());
    let moment = |text: &str| {
        written(text, &site.zone).ok_or_else(|| {
            let zone = &site.zone.name;
            format!(
                "\"{}\" is not a time; RFC 3339 is, or in {zone} 2026-08-01 14:32, or 2026-08-01 for all of that day",
                shown(text.as_bytes())
            )
        })
    };
    let began = moment(field(columns.time))?;
    let until = match field(columns.until) {
        "" => began.until,
        text => moment(text)?.until,
    };
    if until < began.from {
        return Err("until is before time".to_owned());
    }
    let unknown = |what: &str, name: &str| format!("there is no {what} \"{}\"", shown(name.as_bytes()));
    let stationed = match field(columns.station) {
        "" => None,
        id => {
            let station = site.stations.iter().find(|station| station.id.as_str() == id);
            Some(station.ok_or_else(|| unknown("station", id))?.area.clone())
        }
    };
    let area = match field(columns.area) {
        "" => stationed.clone(),
        id => {
            let area = site.areas.iter().find(|area| area.id.as_str() == id).ok_or_else(|| unknown("area", id))?;
            Some(area.id.clone())
        }
    };
    if stationed.is_some() && stationed != area {
        return Err("the station does not lie in that area".to_owned());
    }
    let hazard = match field(columns.hazard) {
        "" => None,
        id => Some(site.hazard(id).ok_or_else(|| unknown("hazard", id))?.id.clone()),
    };
    Ok(Occurrence { from: began.from, until, area, hazard, name: field(columns.name).to_owned() })
}

/// The fields of a line (RFC 4180).
fn fields(line: &str) -> Result<Vec<String>, Fault> {
    let fields = quoted(line.as_bytes(), b',')?;
    Ok(fields.iter().map(|field| String::from_utf8_lossy(field).into_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn site() -> std::sync::Arc<Site> {
        let text = "packs = [\"river\"]\n[site]\nname = \"s\"\nissuer = \"i\"\nsender = \"s.example\"\nzone = \"Asia/Shanghai\"\n\
                    [[area]]\nid = \"a\"\nname = \"A\"\n[[area]]\nid = \"b\"\nname = \"B\"\n\
                    [[station]]\nid = \"bridge\"\narea = \"b\"\n";
        config::load_str(text, Path::new(".")).unwrap_or_else(|problems| panic!("{problems}")).site().clone()
    }

    #[test]
    fn events_are_read_in_any_order_of_columns() {
        let text = "name,place,hazard,station,time,until\n\"the dike, north\",x,river_flood,bridge,2026-08-01 14:00,\n\
                    # a comment\n\n\"said \"\"over\"\"\",,,,2026-07-01,2026-07-02\n";
        let found = parse(text, &site()).expect("sound");
        let shown: Vec<String> = found
            .iter()
            .map(|it| {
                let place = it.area.as_ref().map_or("-", |area| area.as_str());
                let hazard = it.hazard.as_ref().map_or("-", |hazard| hazard.as_str());
                format!("{} {} {place} {hazard} {}", it.from, it.until, it.name)
            })
            .collect();
        assert_eq!(
            shown,
            [
                "2026-06-30T16:00:00Z 2026-07-02T15:59:59.999Z - - said \"over\"",
                "2026-08-01T06:00:00Z 2026-08-01T06:00:00Z b river_flood the dike, north",
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_told_by_its_line() {
        let told = |text: &str| {
            let wrong = parse(text, &site()).expect_err("wrong");
            wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        for (text, expected) in [
            ("", "1: there is no header"),
            ("when,name\n", "1: there is no column \"time\""),
            ("time,time\n", "1: there are two columns \"time\""),
            ("time\n", "1: there is nothing under the header"),
            ("time\n2026-08-01\n12/09/2010\n", "3: \"12/09/2010\" is not a time"),
            ("time,until\n2026-08-02,2026-08-01\n", "2: until is before time"),
            ("time,area\n2026-08-02,c\n", "2: there is no area \"c\""),
            ("time,station\n2026-08-02,c\n", "2: there is no station \"c\""),
            ("time,station,area\n2026-08-02,bridge,a\n", "2: the station does not lie in that area"),
            ("time,hazard\n2026-08-02,flood\n", "2: there is no hazard \"flood\""),
            ("time,name\n2026-08-02,\"open\n", "2: a quoted field does not end"),
        ] {
            assert!(told(text).starts_with(expected), "{text}\n{}", told(text));
        }
        assert_eq!(told("time\nx\ny\n").lines().count(), 2, "all that is wrong is told at once");
    }
}
