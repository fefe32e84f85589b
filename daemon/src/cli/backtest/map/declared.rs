//! What a map may say. Every key is listed here; an unknown one is refused with what is allowed.

use std::collections::BTreeMap;

use serde::Deserialize;
use watchfire_model::time::{Span, Zone};
use watchfire_model::unit::Unit;

use super::clock::Scale;

/// A whole map.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Declared {
    /// How lines are cut up.
    #[serde(default)]
    pub(super) file: FileShape,
    /// Where columns stand, in a file without a header: from 1, or which characters, such as `"3-6"`.
    #[serde(default)]
    pub(super) columns: BTreeMap<String, Place>,
    /// When.
    pub(super) time: TimeColumns,
    /// What a file's own words for zones mean, such as `EST = "-05:00"`.
    #[serde(default)]
    pub(super) zones: BTreeMap<String, ZoneName>,
    /// The column that names the station, where one file has several.
    pub(super) station_column: Option<String>,
    /// What the names in it are called here; others are taken as they are.
    #[serde(default)]
    pub(super) stations: BTreeMap<String, String>,
    /// What stands where there is no value.
    #[serde(default)]
    pub(super) no_data: Vec<String>,
    /// The columns that are read.
    pub(super) value: Vec<ValueColumn>,
}

/// How lines are cut up.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileShape {
    /// One letter, `tab`, `blanks` (any run of blanks and tabs), `fixed` (by characters) or `json` (each line a document).
    #[serde(default = "comma")]
    pub(super) delimiter: String,
    /// The first line that is not passed over names the columns.
    #[serde(default = "yes")]
    pub(super) header: bool,
    /// Lines before the header, or before the data.
    #[serde(default)]
    pub(super) skip: usize,
    /// Lines between the header and the data.
    #[serde(default)]
    pub(super) after_header: usize,
    /// Everything up to and with the first line that begins so is passed over.
    pub(super) skip_until: Option<String>,
    /// Lines that begin so are passed over.
    pub(super) comment: Option<String>,
    /// Numbers are written 1,5.
    #[serde(default)]
    pub(super) decimal_comma: bool,
    /// Of a document: where its rows are, an array or an object, such as `"/data"`.
    pub(super) each: Option<String>,
}

impl Default for FileShape {
    fn default() -> Self {
        Self {
            delimiter: comma(),
            header: true,
            skip: 0,
            after_header: 0,
            skip_until: None,
            comment: None,
            decimal_comma: false,
            each: None,
        }
    }
}

fn comma() -> String {
    ",".to_owned()
}

const fn yes() -> bool {
    true
}

/// When.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeColumns {
    /// The column, or several whose texts are put together with a blank.
    pub(super) column: Option<Names>,
    /// How it is written: `%Y %y %m %d %j %H %M %S %f` (`%j` is the day of the year, `%f` of a second), a blank for blanks,
    /// anything else for itself; `unix` and `unix_ms` are seconds and milliseconds since 1970, `gps_week` the GPS week and
    /// the seconds of it (two columns), `mjd` the Modified Julian Date; RFC 3339 without one.
    pub(super) format: Option<String>,
    /// `gps` where the times are those of GPS, without leap seconds: they are told in UTC. `gps_week` always is.
    pub(super) scale: Option<Scale>,
    /// Added to the GPS week where a receiver counts only to 1023: 2048 until November 2038.
    pub(super) weeks_more: Option<i64>,
    /// In which zone: an IANA name or an offset; UTC without one.
    pub(super) zone: Option<String>,
    /// The column that says in which zone, in the words of `[zones]`.
    pub(super) zone_column: Option<String>,
    /// The rows are the clock: so long from one to the next …
    pub(super) every: Option<SpanText>,
    /// … from here on.
    pub(super) from: Option<String>,
}

impl TimeColumns {
    /// The columns that make up the time.
    pub(super) fn columns(&self) -> Vec<String> {
        match &self.column {
            None => Vec::new(),
            Some(Names::One(name)) => vec![name.clone()],
            Some(Names::Several(names)) => names.clone(),
        }
    }
}

/// One name or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Names {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

/// A column that is read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ValueColumn {
    /// Its name.
    pub(super) column: String,
    /// Whose; else `station_column` says.
    pub(super) station: Option<String>,
    /// Which point of the station.
    pub(super) point: String,
    /// Its unit, where that is not the point's.
    pub(super) unit: Option<UnitText>,
    /// The number means `offset` + `scale` × what is written.
    pub(super) scale: Option<f64>,
    /// As above.
    pub(super) offset: Option<f64>,
}

/// Where a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "PlaceText")]
pub(super) enum Place {
    /// Which field, from 0.
    Field(usize),
    /// Which bytes, from 0, the last not included.
    Bytes(usize, usize),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum PlaceText {
    Number(usize),
    Text(String),
}

impl TryFrom<PlaceText> for Place {
    type Error = String;

    fn try_from(text: PlaceText) -> Result<Self, String> {
        let refuse = || "a column stands at a number from 1, or at characters such as \"3-6\"".to_owned();
        match text {
            PlaceText::Number(number) => number.checked_sub(1).map(Self::Field).ok_or_else(refuse),
            PlaceText::Text(text) => {
                let (first, last) = text.split_once('-').unwrap_or((&text, &text));
                let number = |text: &str| text.trim().parse::<usize>().ok().filter(|number| *number > 0);
                let (first, last) = number(first).zip(number(last)).ok_or_else(refuse)?;
                (first <= last).then_some(Self::Bytes(first - 1, last)).ok_or_else(refuse)
            }
        }
    }
}

/// A span as text.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct SpanText(pub(super) Span);

impl TryFrom<String> for SpanText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|error: watchfire_model::time::SpanError| error.to_string())
    }
}

/// A unit as text.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct UnitText(pub(super) Unit);

impl TryFrom<String> for UnitText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Unit::parse(&text).map(Self).ok_or_else(|| format!("\"{text}\" is not a unit"))
    }
}

/// A zone as text.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct ZoneName(pub(super) Zone);

impl TryFrom<String> for ZoneName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let refuse = || format!("there is no zone \"{name}\"; IANA names and offsets such as +08:00 are");
        crate::config::zone::zone(&name).map(Self).ok_or_else(refuse)
    }
}

impl Declared {
    /// Every column that is read, each once.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names = self.time.columns();
        names.extend(self.time.zone_column.iter().chain(&self.station_column).cloned());
        names.extend(self.value.iter().map(|value| value.column.clone()));
        names.sort();
        names.dedup();
        names
    }

    /// What no single key can tell.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.value.is_empty() {
            return Err("[[value]]: at least one column is to be read".to_owned());
        }
        let homeless = self.value.iter().find(|value| value.station.is_none());
        if let (Some(value), None) = (homeless, &self.station_column) {
            return Err(format!("[[value]] \"{}\": it names no station, and there is no station_column", value.column));
        }
        match (&self.time.column, self.time.every, &self.time.from) {
            (Some(_), None, None) | (None, Some(_), Some(_)) => {}
            (Some(_), _, _) => return Err("time: either a column is the clock, or every and from".to_owned()),
            (None, _, _) => {
                return Err("time: a column is missing, or every and from where the rows are the clock".to_owned());
            }
        }
        if self.time.zone_column.is_some() && self.zones.is_empty() {
            return Err("time.zone_column: [zones] must say what its words mean".to_owned());
        }
        if self.file.header && !self.columns.is_empty() {
            return Err("[columns]: the header says where columns stand; write file.header = false".to_owned());
        }
        Ok(())
    }
}
