//! What is this id called? Names of areas, hazards, stations, points and rules, found without walking the site.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Serialize;
use watchfire_model::alarm::Alarm;
use watchfire_model::grade::PerGrade;
use watchfire_model::id::{AreaId, HazardId, PointIx, RuleId, StationId};
use watchfire_model::rule::{Measure, Rule, Thresholds};
use watchfire_model::site::{Area, Point, Site, Station};

/// Indexes over a site.
pub(super) struct Directory {
    site: Arc<Site>,
    areas: HashMap<AreaId, usize>,
    stations: HashMap<StationId, usize>,
    rules: HashMap<RuleId, usize>,
}

/// A point, by its names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct PointName<'a> {
    pub(super) station: &'a str,
    pub(super) station_name: &'a str,
    pub(super) point: &'a str,
    pub(super) quantity: &'a str,
    pub(super) unit: &'static str,
}

impl Directory {
    pub(super) fn new(site: Arc<Site>) -> Self {
        let areas = site.areas.iter().enumerate().map(|(at, area)| (area.id.clone(), at)).collect();
        let stations = site.stations.iter().enumerate().map(|(at, station)| (station.id.clone(), at)).collect();
        let rules = site.rules.iter().enumerate().map(|(at, rule)| (rule.id.clone(), at)).collect();
        Self { site, areas, stations, rules }
    }

    pub(super) fn area(&self, id: &AreaId) -> Option<&Area> {
        self.site.areas.get(*self.areas.get(id)?)
    }
    pub(super) fn area_name<'a>(&'a self, id: &'a AreaId) -> &'a str {
        self.area(id).map_or(id.as_str(), |area| &area.name)
    }
    /// The hazard's name in each language it has texts in.
    pub(super) fn hazard_names(&self, id: &HazardId) -> BTreeMap<&str, &str> {
        let texts = self.site.hazard(id.as_str()).map(|hazard| hazard.texts.as_slice()).unwrap_or_default();
        texts.iter().map(|(language, texts)| (language.as_str(), texts.event.as_str())).collect()
    }
    pub(super) fn rule(&self, id: &RuleId) -> Option<&Rule> {
        self.site.rules.get(*self.rules.get(id)?)
    }
    pub(super) fn station(&self, id: &str) -> Option<&Station> {
        self.site.stations.get(*self.stations.get(id)?)
    }
    pub(super) fn point_ix(&self, station: &str, point: &str) -> Option<PointIx> {
        let points = &self.station(station)?.points;
        points.iter().copied().find(|ix| self.site.point(*ix).is_some_and(|known| known.id.as_str() == point))
    }
    pub(super) fn point_name(&self, ix: PointIx) -> Option<PointName<'_>> {
        let (point, station) = (self.site.point(ix)?, self.site.station_of(ix)?);
        Some(PointName {
            station: station.id.as_str(),
            station_name: &station.name,
            point: point.id.as_str(),
            quantity: &point.quantity,
            unit: point.unit.symbol,
        })
    }

    /// The point that shows best what an alarm is about: the first that its measure read, else the one it watches.
    pub(super) fn point_of(&self, alarm: &Alarm) -> Option<PointIx> {
        let read = alarm.causes.first().and_then(|cause| self.point_ix(cause.station.as_str(), cause.point.as_str()));
        read.or_else(|| {
            let subject = alarm.key.subject.as_str();
            let (station, point) = subject.split_once('/').map_or((subject, None), |(s, p)| (s, Some(p)));
            if let Some(point) = point {
                return self.point_ix(station, point);
            }
            let watch = &self.rule(&alarm.key.rule)?.watch;
            let watched = |ix: &PointIx| self.site.point(*ix).is_some_and(|point| watch.names(point));
            self.station(station)?.points.iter().copied().find(watched)
        })
    }

    /// The thresholds of an alarm, if they can be drawn over its point: only where the measure is the point's own value.
    pub(super) fn bands_of<'a>(&'a self, alarm: &Alarm, point: &'a Point) -> Option<&'a PerGrade<Option<f64>>> {
        let rule = self.rule(&alarm.key.rule)?;
        let plain = match &rule.measure {
            Measure::Expression(text) => text.trim() == point.id.as_str(),
            Measure::Script { .. } => false,
        };
        match &rule.thresholds {
            _ if !plain => None,
            Thresholds::Station => Some(&point.thresholds),
            Thresholds::Inline(inline) => (rule.unit.is_none_or(|unit| unit == point.unit)).then_some(inline),
        }
    }
    pub(super) fn site(&self) -> &Site {
        &self.site
    }
}
