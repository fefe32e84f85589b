//! Recordings in other people's formats, read as they are: a small TOML file says which column is the time, in which zone,
//! and which are the values of which points (`--map`).

mod clock;
mod declared;
mod document;
pub(super) mod split;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use watchfire_model::id::PointIx;
use watchfire_model::quantity::{Bad, Finite};
use watchfire_model::site::Site;
use watchfire_model::time::{Timestamp, Zone};
use watchfire_model::unit::Unit;

use self::clock::Clock;
use self::declared::{Declared, Place, ValueColumn};
use self::document::Document;
use self::split::{Cut, Fields};
use super::field::number;
use super::line::{Fault, Record, shown};
use super::points::Points;

/// A recording's format as declared, for any number of files.
#[derive(Debug)]
pub(super) struct Map {
    declared: Declared,
    clock: Clock,
    zone: Zone,
    cut: Cut,
    /// Where lines are documents.
    document: Option<Document>,
}

/// Why a map cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct MapError(String);

/// One file under its map.
pub(super) struct Mapped {
    map: Arc<Map>,
    /// Where each column stands; from the header, or as declared.
    places: Option<Places>,
    /// Lines still to be passed over before the header, and between it and the first reading.
    skip: usize,
    seeking: bool,
    /// Readings so far, where the rows themselves are the clock.
    rows: i64,
    units: Units,
    /// Of the last line: what is still to be told, the last first.
    pending: Vec<(Timestamp, Vec<u8>, Result<Finite, Bad>)>,
}

/// Which field of a line is which.
struct Places {
    time: Vec<Place>,
    zone: Option<Place>,
    station: Option<Place>,
    values: Vec<Place>,
}

/// From the units of the file to those of the points.
struct Units {
    site: Arc<Site>,
    points: Points,
    known: HashMap<(usize, Option<PointIx>), (f64, f64)>,
}

impl Map {
    /// Reads a map and checks it.
    pub(super) fn read(path: &Path) -> Result<Self, MapError> {
        let about = |why: String| MapError(format!("{}: {why}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| about(format!("cannot be read: {error}")))?;
        Self::parse(&text).map_err(about)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let declared: Declared = toml::from_str(text).map_err(|error| error.to_string())?;
        declared.check()?;
        let clock = Clock::of(&declared.time)?;
        let name = declared.time.zone.as_deref().unwrap_or("UTC");
        let zone = crate::config::zone::zone(name).ok_or_else(|| {
            format!("time.zone: there is no zone \"{name}\"; IANA names and offsets such as +08:00 are")
        })?;
        let (cut, document) = (Cut::of(&declared)?, Document::of(&declared)?);
        Ok(Self { declared, clock, zone, cut, document })
    }

    /// For the beginning of a file.
    pub(super) fn begin(self: &Arc<Self>, site: Arc<Site>) -> Result<Mapped, MapError> {
        let file = &self.declared.file;
        let places = if let Some(document) = &self.document {
            let place = |name: &str| document.place(name).map(Place::Field);
            Some(self.places(place).map_err(|name| MapError(format!("\"{name}\" stands nowhere")))?)
        } else if file.header {
            None
        } else {
            let place = |name: &str| self.declared.columns.get(name).copied();
            Some(self.places(place).map_err(|name| MapError(format!("[columns] says nothing of \"{name}\"")))?)
        };
        self.fits(&site)?;
        let points = Points::of(&site);
        Ok(Mapped {
            map: Arc::clone(self),
            places,
            skip: file.skip,
            seeking: file.skip_until.is_some(),
            rows: 0,
            units: Units { site, points, known: HashMap::new() },
            pending: Vec::new(),
        })
    }

    /// Whether every declared unit can be told in that of the points it is for.
    fn fits(&self, site: &Site) -> Result<(), MapError> {
        for value in &self.declared.value {
            let Some(unit) = &value.unit else { continue };
            let named = |station: &str| value.station.as_deref().is_none_or(|name| name == station);
            for station in site.stations.iter().filter(|station| named(station.id.as_str())) {
                let points = station.points.iter().filter_map(|ix| site.point(*ix));
                for point in points.filter(|point| point.id.as_str() == value.point) {
                    if unit.0.convert(0.0, point.unit).is_none() {
                        let why = format!(
                            "{} is in {}, and {}/{} in {}",
                            value.column, unit.0, station.id, point.id, point.unit
                        );
                        return Err(MapError(format!("[[value]]: {why}")));
                    }
                }
            }
        }
        Ok(())
    }

    /// Where everything stands that is asked for; the first name that stands nowhere.
    fn places(&self, place: impl Fn(&str) -> Option<Place>) -> Result<Places, String> {
        let place = |name: &String| place(name).ok_or_else(|| name.clone());
        let Declared { time, value, station_column, .. } = &self.declared;
        Ok(Places {
            time: time.columns().iter().map(place).collect::<Result<_, _>>()?,
            zone: time.zone_column.as_ref().map(place).transpose()?,
            station: station_column.as_ref().map(place).transpose()?,
            values: value.iter().map(|value| place(&value.column)).collect::<Result<_, _>>()?,
        })
    }
}

impl Mapped {
    /// Puts what the last line still has to say into `record`; false if nothing.
    pub(super) fn go_on(&mut self, record: &mut Record) -> bool {
        let Some((at, name, value)) = self.pending.pop() else { return false };
        (record.at, record.value) = (at, value);
        record.name.clone_from(&name);
        true
    }

    /// Reads one line, without its line break; `Ok(false)` where it says nothing of any point.
    pub(super) fn read(&mut self, line: &[u8], record: &mut Record) -> Result<bool, Fault> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        if self.passes_over(line) {
            return Ok(false);
        }
        let map = Arc::clone(&self.map);
        let Some(places) = self.places.take() else {
            self.header(line)?;
            return Ok(false);
        };
        let told = self.tell(&map, &places, line);
        self.places = Some(places);
        if told.is_err() {
            self.pending.clear();
        }
        told?;
        self.pending.reverse();
        Ok(self.go_on(record))
    }

    /// What a line says, in its order.
    fn tell(&mut self, map: &Map, places: &Places, line: &[u8]) -> Result<(), Fault> {
        let Some(document) = &map.document else {
            return self.row(map, places, &map.cut.cut(line)?, line);
        };
        for fields in document.rows(line)? {
            let needed = places.time.iter().chain(&places.zone).chain(&places.station);
            if let Some(Place::Field(lacking)) = needed.copied().find(|place| fields.lacks(*place)) {
                return Err(Fault::NoMember(document.name(lacking)));
            }
            self.row(map, places, &fields, line)?;
        }
        Ok(())
    }

    /// What one row says.
    fn row(&mut self, map: &Map, places: &Places, fields: &Fields<'_>, line: &[u8]) -> Result<(), Fault> {
        let field = |place: Place| fields.get(place, line);
        let at = match &map.clock {
            Clock::Rows { from, every } => {
                let at = Timestamp(from.0.saturating_add(self.rows.saturating_mul(every.0)));
                self.rows += 1;
                at
            }
            Clock::Written(format, scale) => {
                let parts = places.time.iter().map(|place| field(*place)).collect::<Result<Vec<_>, _>>()?;
                let text = parts.join(&b' ');
                let zone = places.zone.map(field).transpose()?;
                let zone = zone.map(|name| map.zone_of(name)).transpose()?;
                let read = format.read(&text, zone.unwrap_or(&map.zone));
                let of = || map.declared.time.columns().join(", ");
                scale.utc(read.ok_or_else(|| Fault::TimeAs(shown(&text), format.text(), of()))?)
            }
        };
        let station = places.station.map(field).transpose()?;
        for (column, (declared, place)) in map.declared.value.iter().zip(&places.values).enumerate() {
            // A document that does not name a point says nothing of it.
            if fields.lacks(*place) {
                continue;
            }
            let value = map.value(declared, field(*place)?);
            let mut name = Record::new();
            let station = declared
                .station
                .as_deref()
                .map_or_else(|| map.station(station.unwrap_or_default()), |station| station.as_bytes().to_vec());
            name.set_name(&station, declared.point.as_bytes());
            let value = value.and_then(|value| self.units.convert(column, declared, &name.name, value));
            self.pending.push((at, name.name, value));
        }
        Ok(())
    }

    /// Whether a line stands before the data, or says nothing.
    fn passes_over(&mut self, line: &[u8]) -> bool {
        let file = &self.map.declared.file;
        if self.seeking {
            let mark = file.skip_until.as_deref().unwrap_or_default();
            self.seeking = !line.trim_ascii().starts_with(mark.as_bytes());
            return true;
        }
        let comment = |mark: &String| !mark.is_empty() && line.trim_ascii_start().starts_with(mark.as_bytes());
        if line.trim_ascii().is_empty() || file.comment.as_ref().is_some_and(comment) {
            return true;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return true;
        }
        false
    }

    fn header(&mut self, line: &[u8]) -> Result<(), Fault> {
        let map = Arc::clone(&self.map);
        let names = map.cut.names(line)?;
        let place = |name: &str| names.iter().position(|column| column == name).map(Place::Field);
        self.places = Some(map.places(place).map_err(Fault::NoColumn)?);
        self.skip = map.declared.file.after_header;
        Ok(())
    }
}

impl Map {
    fn zone_of(&self, name: &[u8]) -> Result<&Zone, Fault> {
        let name = String::from_utf8_lossy(name.trim_ascii()).into_owned();
        self.clock_zone(&name).ok_or_else(|| Fault::Zone(shown(name.as_bytes())))
    }

    fn clock_zone(&self, name: &str) -> Option<&Zone> {
        self.declared.zones.get(name).map(|zone| &zone.0)
    }

    fn station(&self, field: &[u8]) -> Vec<u8> {
        let field = field.trim_ascii();
        let named = std::str::from_utf8(field).ok().and_then(|name| self.declared.stations.get(name));
        named.map_or_else(|| field.to_vec(), |name| name.as_bytes().to_vec())
    }

    /// The number as the file means it.
    fn value(&self, declared: &ValueColumn, field: &[u8]) -> Result<Finite, Bad> {
        let field = field.trim_ascii();
        if self.declared.no_data.iter().any(|mark| mark.as_bytes() == field) {
            return Err(Bad::Absent);
        }
        let value = if self.declared.file.decimal_comma {
            let with_point: Vec<u8> = field.iter().map(|byte| if *byte == b',' { b'.' } else { *byte }).collect();
            number(&with_point)
        } else {
            number(field)
        }?;
        let is_mark = |mark: &String| mark.parse::<f64>().is_ok_and(|mark| mark.to_bits() == value.get().to_bits());
        if self.declared.no_data.iter().any(is_mark) {
            return Err(Bad::Absent);
        }
        match (declared.scale, declared.offset) {
            (None, None) => Ok(value),
            (scale, offset) => Finite::new(value.get() * scale.unwrap_or(1.0) + offset.unwrap_or(0.0)),
        }
    }
}

impl Units {
    /// From the column's unit to the point's, where one is declared.
    fn convert(&mut self, column: usize, declared: &ValueColumn, name: &[u8], value: Finite) -> Result<Finite, Bad> {
        let Some(unit) = declared.unit else { return Ok(value) };
        let Self { site, points, known } = self;
        let point = points.known(name);
        let (factor, offset) = *known.entry((column, point)).or_insert_with(|| {
            let theirs = point.and_then(|point| site.point(point)).map_or(unit.0, |point| point.unit);
            linear(unit.0, theirs)
        });
        if (factor, offset) == (1.0, 0.0) { Ok(value) } else { Finite::new(value.get() * factor + offset) }
    }
}

/// Units of one dimension differ by a factor and a zero. Of two that have none in common nothing is a number.
fn linear(from: Unit, to: Unit) -> (f64, f64) {
    match (from.convert(0.0, to), from.convert(1.0, to)) {
        (Some(zero), Some(one)) => (one - zero, zero),
        (None, _) | (_, None) => (f64::NAN, 0.0),
    }
}

#[cfg(test)]
mod tests;
