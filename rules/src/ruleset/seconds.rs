//! Who speaks for a value in doubt: points of a second kind at the subject's own stations, or one by its full name.

use watchfire_model::id::{PointIx, StationIx};
use watchfire_model::rule::Rule;
use watchfire_model::site::Site;

use super::{Problem, Second};

/// The second kinds of sensor of one subject of a rule; a station that has no such point has none.
pub(super) fn of(site: &Site, rule: &Rule, stations: &[StationIx]) -> Result<Box<[Second]>, Problem> {
    let Some(wanted) = &rule.corroborate.witness else { return Ok(Box::default()) };
    let named = |ix: &PointIx| {
        site.point(*ix).is_some_and(|point| point.id.as_str() == wanted.point || *point.quantity == *wanted.point)
    };
    let points: Vec<PointIx> = match wanted.point.split_once('/') {
        Some((station, point)) => site.find_point(station, point).into_iter().collect(),
        None => {
            let own = stations.iter().filter_map(|ix| site.stations.get(ix.index()));
            own.flat_map(|station| station.points.iter().copied().filter(named)).collect()
        }
    };
    let witness = |ix: PointIx| {
        let point = site.point(ix)?;
        let converted = wanted.unit.map_or(Some(wanted.at_least), |unit| unit.convert(wanted.at_least, point.unit));
        Some(converted.map(|at_least| Second { point: ix, kind: point.kind, at_least, within: wanted.within }).ok_or(
            Problem::with(rule, format!("what corroborates rule \"{}\" is measured in {}", rule.id, point.unit)),
        ))
    };
    points.into_iter().filter_map(witness).collect()
}
