//! Areas, and their outlines from GeoJSON.

use serde_json::Value;
use watchfire_model::id::AreaId;
use watchfire_model::site::Area;

use crate::config::names::{self, Names};
use crate::config::problem::{Place, Problem};
use crate::config::read::{At, Context, Table};

/// Rings of (latitude, longitude).
type Rings = Vec<Vec<(f64, f64)>>;

/// The areas read so far.
pub(crate) struct Areas {
    pub(crate) list: Vec<Area>,
    pub(crate) ids: Names,
}

/// An area as written.
pub(crate) struct AreaDraft {
    pub(crate) id: Option<At<String>>,
    pub(crate) name: Option<At<String>>,
    pub(crate) population: Option<u64>,
    /// A GeoJSON file.
    pub(crate) polygon: Option<At<String>>,
}

impl Areas {
    pub(crate) fn new() -> Self {
        Self { list: Vec::new(), ids: Names::new("area") }
    }

    /// Finds an area by what is written of it.
    pub(crate) fn find(&self, cx: &Context<'_>, id: &At<String>) -> Option<&AreaId> {
        self.list.get(self.ids.find(cx, id)?).map(|area| &area.id)
    }

    /// The one there is, where there is no other.
    pub(crate) fn only(&self) -> Option<&AreaId> {
        match self.list.as_slice() {
            [only] => Some(&only.id),
            [] | [_, _, ..] => None,
        }
    }

    /// Makes room for so many more.
    pub(crate) fn expect(&mut self, more: usize) {
        self.list.reserve_exact(more);
        self.ids.expect(more);
    }

    /// Reads `[[area]]`.
    pub(crate) fn read(&mut self, table: &Table<'_>, cx: &Context<'_>) {
        let people = table.whole("population", 0, i64::MAX);
        let draft = AreaDraft {
            id: table.required("id", "the 12-digit division code, or a code of your own"),
            name: table.required("name", ""),
            population: people.and_then(|people| u64::try_from(people.value).ok()),
            polygon: table.text("polygon"),
        };
        self.take(cx, draft);
    }

    /// Takes in what was read, if it is sound.
    pub(crate) fn take(&mut self, cx: &Context<'_>, draft: AreaDraft) {
        let AreaDraft { id, name, population, polygon } = draft;
        let polygons = match (polygon, &id) {
            (Some(file), Some(id)) => outline(cx, &file, &id.value),
            (Some(_) | None, _) => Vec::new(),
        };
        if let (Some(id), Some(name)) = (id, name)
            && names::plain(cx, &id, "an area's id")
            && self.ids.add(cx, &id, self.list.len())
        {
            self.list.push(Area { id: id.value.into(), name: name.value, polygons, population });
        }
    }
}

/// The outline of an area from a GeoJSON file: of the feature whose `id` or `code` is the area's, else of all.
fn outline(cx: &Context<'_>, file: &At<String>, area: &str) -> Rings {
    let Some((ix, text)) = cx.open(&cx.path(&file.value), Some(file.at)) else { return Rings::new() };
    let document: Value = match serde_json::from_str(&text) {
        Ok(document) => document,
        Err(error) => {
            let line: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
            let start = line + error.column().saturating_sub(1);
            cx.report(Problem::error(Place { file: ix, start, end: start + 1 }, format!("not GeoJSON: {error}")));
            return Rings::new();
        }
    };
    let mut rings = Rings::new();
    let outcome = match document.get("features").and_then(Value::as_array) {
        Some(features) => {
            let own: Vec<&Value> = features.iter().filter(|feature| names_it(feature, area)).collect();
            let chosen = if own.is_empty() { features.iter().collect() } else { own };
            chosen
                .into_iter()
                .try_for_each(|feature| gather(feature.get("geometry").unwrap_or(&Value::Null), &mut rings))
        }
        None => gather(document.get("geometry").unwrap_or(&document), &mut rings),
    };
    if let Err(reason) = outcome {
        let problem = Problem::error(file.at, format!("the outline in {} cannot be used: {reason}", file.value));
        cx.report(problem.hint("Polygon or MultiPolygon, WGS 84, [longitude, latitude] as GeoJSON has it"));
        return Rings::new();
    }
    rings
}

fn names_it(feature: &Value, area: &str) -> bool {
    let properties = feature.get("properties");
    [feature.get("id"), properties.and_then(|p| p.get("id")), properties.and_then(|p| p.get("code"))]
        .into_iter()
        .flatten()
        .any(|id| id.as_str().map_or_else(|| *id == area, |id| id == area))
}

fn gather(geometry: &Value, rings: &mut Rings) -> Result<(), String> {
    let coordinates = geometry.get("coordinates").and_then(Value::as_array).ok_or("it has no coordinates")?;
    match geometry.get("type").and_then(Value::as_str) {
        Some("Polygon") => rings.push(ring(coordinates)?),
        Some("MultiPolygon") => {
            for polygon in coordinates {
                rings.push(ring(polygon.as_array().ok_or("a polygon is not a list")?)?);
            }
        }
        Some(other) => return Err(format!("it is a {other}")),
        None => return Err("it has no type".into()),
    }
    Ok(())
}

/// The outer ring of a polygon. CAP has no holes: a warned area with an island in it warns the island too.
fn ring(polygon: &[Value]) -> Result<Vec<(f64, f64)>, String> {
    let outer = polygon.first().and_then(Value::as_array).ok_or("a polygon has no ring")?;
    let mut ring = Vec::with_capacity(outer.len());
    for position in outer {
        let axis = |at| position.get(at).and_then(Value::as_f64).ok_or("a position is not [longitude, latitude]");
        let (lon, lat) = (axis(0)?, axis(1)?);
        if lat.abs() > 90.0 || lon.abs() > 180.0 {
            return Err(format!("[{lon}, {lat}] is nowhere on earth"));
        }
        ring.push((lat, lon));
    }
    if ring.len() < 4 {
        return Err(format!("a ring has {} positions; four are the fewest", ring.len()));
    }
    if ring.first() != ring.last() {
        return Err("a ring is not closed: its last position must be its first".into());
    }
    Ok(ring)
}
