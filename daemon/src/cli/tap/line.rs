//! How one message is shown: a line of what came and a line for each reading, one JSON object, or rows of CSV.

use std::io::{self, Write};
use std::sync::Arc;

use serde_json::json;
use watchfire_model::id::SourceName;
use watchfire_model::quality::{Checks, Flag};
use watchfire_model::reading::{PointState, Reading};
use watchfire_model::site::Site;
use watchfire_model::time::{Now, Timestamp};
use watchfire_rules::quality::Gate;

use super::wish::point_names;
use crate::cli::Format;
use crate::config::settings::Settings;

/// One message or answer.
pub(super) struct Came<'a> {
    /// When.
    pub(super) at: Timestamp,
    /// From which source.
    pub(super) source: &'a SourceName,
    /// Topic, or unit and register.
    pub(super) whence: &'a str,
    /// As it came, made printable.
    pub(super) raw: String,
    /// What was read from it.
    pub(super) readings: &'a [Reading],
    /// What could not be, and why.
    pub(super) refused: Vec<String>,
}

/// Judges what came, and prints it.
pub(super) struct Printer<'a> {
    out: Box<dyn Write + 'a>,
    format: Format,
    site: Arc<Site>,
    names: Vec<String>,
    /// Has heard nothing before: its first words of each point are "not evaluated", as a daemon's are after a start.
    gate: Gate,
}

impl<'a> Printer<'a> {
    pub(super) fn new(settings: &Settings, format: Format, out: Box<dyn Write + 'a>) -> Self {
        let site = Arc::clone(settings.site());
        Self { out, format, names: point_names(settings), gate: Gate::new(Arc::clone(&site)), site }
    }

    /// What stands above everything.
    pub(super) fn head(&mut self) -> io::Result<()> {
        match self.format {
            Format::Csv => {
                writeln!(self.out, "received_at,source,from,point,observed_at,value,bad,state,flag,checks,refused,raw")
            }
            Format::Table | Format::Json => Ok(()),
        }
    }

    /// Prints one message.
    pub(super) fn print(&mut self, now: Now, came: &Came<'_>) -> io::Result<()> {
        let judged: Vec<(Flag, Checks)> = came
            .readings
            .iter()
            .map(|reading| {
                let judged = self.gate.judge(now, reading);
                (judged.flag, judged.checks)
            })
            .collect();
        match self.format {
            Format::Table => self.table(came, &judged)?,
            Format::Json => self.json(came, &judged)?,
            Format::Csv => self.csv(came, &judged)?,
        }
        self.out.flush()
    }

    fn name(&self, reading: &Reading) -> &str {
        self.names.get(reading.point.index()).map_or("?", String::as_str)
    }

    fn table(&mut self, came: &Came<'_>, judged: &[(Flag, Checks)]) -> io::Result<()> {
        writeln!(self.out, "{} {} {} {}", came.at, came.source, came.whence, came.raw)?;
        for (reading, (flag, checks)) in came.readings.iter().zip(judged) {
            let unit = self.site.points.get(reading.point.index()).map_or("", |point| point.unit.symbol);
            let value = match reading.value {
                Ok(value) => format!("{} {unit}", value.get()),
                Err(bad) => bad.to_string(),
            };
            let mut words = vec![word(*flag).to_owned()];
            words.extend(checks.names().map(str::to_owned));
            if reading.state != PointState::Normal {
                words.push(format!("state {}", state(reading.state)));
            }
            if reading.observed_at != reading.received_at {
                words.push(format!("observed {}", reading.observed_at));
            }
            let name = self.names.get(reading.point.index()).map_or("?", String::as_str);
            writeln!(self.out, "    {name} = {}  [{}]", value.trim_end(), words.join(", "))?;
        }
        for reason in &came.refused {
            writeln!(self.out, "    refused: {reason}")?;
        }
        Ok(())
    }

    fn json(&mut self, came: &Came<'_>, judged: &[(Flag, Checks)]) -> io::Result<()> {
        let readings: Vec<serde_json::Value> = came
            .readings
            .iter()
            .zip(judged)
            .map(|(reading, (flag, checks))| {
                json!({
                    "point": self.name(reading),
                    "observed_at": reading.observed_at.to_string(),
                    "value": reading.value.ok().map(f64::from),
                    "bad": reading.value.err().map(watchfire_model::quantity::Bad::word),
                    "state": state(reading.state),
                    "retained": reading.retained,
                    "flag": word(*flag),
                    "checks": checks.names().collect::<Vec<_>>(),
                })
            })
            .collect();
        let line = json!({
            "received_at": came.at.to_string(),
            "source": came.source.as_str(),
            "from": came.whence,
            "raw": came.raw,
            "readings": readings,
            "refused": came.refused,
        });
        writeln!(self.out, "{line}")
    }

    fn csv(&mut self, came: &Came<'_>, judged: &[(Flag, Checks)]) -> io::Result<()> {
        let (at, source, whence, raw) = (came.at, quoted(came.source.as_str()), quoted(came.whence), quoted(&came.raw));
        for (reading, (flag, checks)) in came.readings.iter().zip(judged) {
            let value = reading.value.map(|value| value.get().to_string()).unwrap_or_default();
            let bad = reading.value.err().map_or("", watchfire_model::quantity::Bad::word);
            let checks: Vec<&str> = checks.names().collect();
            let (point, observed) = (quoted(self.name(reading)), reading.observed_at);
            let (state, flag, checks) = (state(reading.state), word(*flag), checks.join(" "));
            writeln!(
                self.out,
                "{at},{source},{whence},{point},{observed},{value},{bad},{state},{flag},{checks},,{raw}"
            )?;
        }
        for reason in &came.refused {
            writeln!(self.out, "{at},{source},{whence},,,,,,,,{},{raw}", quoted(reason))?;
        }
        Ok(())
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// The words are those of the API and of the console.
fn word(flag: Flag) -> &'static str {
    match flag {
        Flag::Good => "good",
        Flag::NotEvaluated => "not_evaluated",
        Flag::Suspect => "suspect",
        Flag::Fail => "fail",
        Flag::Missing => "missing",
    }
}

fn state(state: PointState) -> String {
    serde_json::to_value(state).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}
