//! Where things are in a site: the hazard, area and name of what a finding speaks of, without searching.

use std::collections::BTreeMap;

use watchfire_model::{
    alarm::{Alarm, AlarmKey},
    command::Report,
    finding::Finding,
    id::{AreaId, HazardId, PointId, PointIx, RuleId, StationId, SubjectId},
    incident::{About, Sensor},
    rule::Hazard,
    site::{Area, Point, Site, Station},
    time::Span,
};

use super::{register::Place, upkeep::judged_by};
use crate::ruleset::{self, Stations};

/// What an alarm takes from the site.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bearing {
    pub(super) hazard: HazardId,
    pub(super) area: AreaId,
    pub(super) name: String,
    pub(super) unit: String,
    pub(super) shadow: bool,
}

/// Places in the site's lists, by id.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Directory {
    rules: BTreeMap<RuleId, usize>,
    stations: BTreeMap<StationId, usize>,
    groups: BTreeMap<String, usize>,
    areas: BTreeMap<AreaId, usize>,
    hazards: BTreeMap<HazardId, usize>,
    /// The stations that rules read for each hazard in each area, in order.
    watched: BTreeMap<Place, Vec<StationId>>,
}

impl Directory {
    pub(super) fn of(site: &Site) -> Self {
        let mut directory = Self {
            rules: site.rules.iter().enumerate().map(|(at, rule)| (rule.id.clone(), at)).collect(),
            stations: site.stations.iter().enumerate().map(|(at, s)| (s.id.clone(), at)).collect(),
            groups: site.groups.iter().enumerate().map(|(at, group)| (group.name.clone(), at)).collect(),
            areas: site.areas.iter().enumerate().map(|(at, area)| (area.id.clone(), at)).collect(),
            hazards: site.hazards.iter().enumerate().map(|(at, hazard)| (hazard.id.clone(), at)).collect(),
            watched: BTreeMap::new(),
        };
        let by_id = Stations::of(site);
        for rule in site.rules.iter().filter(|rule| !rule.shadow) {
            for (subject, stations) in ruleset::watched_by(site, &by_id, rule) {
                let Some((area, _)) = directory.subject(site, subject.as_str()) else { continue };
                let place = Place { hazard: rule.hazard.clone(), area };
                directory.watched.entry(place).or_default().extend(stations);
            }
        }
        for stations in directory.watched.values_mut() {
            stations.sort_unstable();
            stations.dedup();
            stations.shrink_to_fit();
        }
        directory
    }

    /// Every place that some rule looks out for, with the stations it reads.
    pub(super) fn watched(&self) -> impl Iterator<Item = (&Place, &[StationId])> {
        self.watched.iter().map(|(place, stations)| (place, &**stations))
    }

    /// The stations that rules read for a place.
    pub(super) fn stations_for(&self, place: &Place) -> Option<&[StationId]> {
        self.watched.get(place).map(|stations| &**stations)
    }

    pub(super) fn hazard<'s>(&self, site: &'s Site, id: &HazardId) -> Option<&'s Hazard> {
        self.hazards.get(id).and_then(|at| site.hazards.get(*at))
    }

    pub(super) fn area<'s>(&self, site: &'s Site, id: &AreaId) -> Option<&'s Area> {
        self.areas.get(id).and_then(|at| site.areas.get(*at))
    }

    pub(super) fn rule<'s>(&self, site: &'s Site, id: &RuleId) -> Option<&'s watchfire_model::rule::Rule> {
        self.rules.get(id).and_then(|at| site.rules.get(*at))
    }

    /// Every sensor of a station.
    pub(super) fn sensors(&self, site: &Site, station: &str) -> Vec<Sensor> {
        let Some(station) = self.station(site, station) else { return Vec::new() };
        let points = station.points.iter().filter_map(|ix| site.point(*ix));
        points.map(|point| Sensor { station: station.id.clone(), point: point.id.clone() }).collect()
    }

    /// A point by its station's and its own name.
    pub(super) fn point(&self, site: &Site, station: &StationId, point: &PointId) -> Option<PointIx> {
        let station = self.station(site, station.as_str())?;
        station.points.iter().copied().find(|ix| site.point(*ix).is_some_and(|known| known.id == *point))
    }

    /// What a station shares with others and among its own sensors, the widest first.
    pub(super) fn shared(&self, site: &Site, station: &StationId) -> Vec<About> {
        let Some(known) = self.station(site, station.as_str()) else { return Vec::new() };
        let shared = [
            known.gateway.clone().map(|gateway| About::Gateway { gateway }),
            known.power.clone().map(|power| About::Power { power }),
            known.logger.clone().map(|logger| About::Logger { logger }),
            Some(About::Station { station: station.clone() }),
        ];
        shared.into_iter().flatten().collect()
    }

    /// How long the most patient of some sensors may be silent.
    pub(super) fn patience(&self, site: &Site, sensors: &[Sensor]) -> Span {
        let point = |sensor: &Sensor| {
            let station = self.station(site, sensor.station.as_str())?;
            station.points.iter().filter_map(|ix| site.point(*ix)).find(|point| point.id == sensor.point)
        };
        sensors.iter().filter_map(point).map(Point::stale_after).max().unwrap_or(Span::ZERO)
    }

    /// The keys under which this alarm may stand from before its rule or its station was renamed.
    pub(super) fn former_keys(&self, site: &Site, key: &AlarmKey) -> Vec<AlarmKey> {
        let aliases = self.rule(site, &key.rule).map_or(&[][..], |rule| &rule.aliases);
        let subjects = std::iter::once(key.subject.clone()).chain(self.former_subjects(site, &key.subject));
        let rules = || std::iter::once(&key.rule).chain(aliases);
        let keys = subjects
            .flat_map(|subject| rules().map(move |rule| AlarmKey { rule: rule.clone(), subject: subject.clone() }));
        keys.filter(|former| former != key).collect()
    }

    fn former_subjects(&self, site: &Site, subject: &SubjectId) -> Vec<SubjectId> {
        let name = subject.as_str();
        let station = self.station(site, name).or_else(|| self.station(site, name.rsplit_once('/')?.0));
        station.map(|station| station.former_names(subject)).unwrap_or_default()
    }

    /// What an alarm is called now, if its rule or its station was renamed.
    pub(super) fn renamed(&self, site: &Site, key: &AlarmKey) -> Option<AlarmKey> {
        let rule = match self.rule(site, &key.rule) {
            Some(rule) => rule,
            None => site.rules.iter().find(|rule| rule.aliases.contains(&key.rule))?,
        };
        let subject = if self.subject(site, key.subject.as_str()).is_some() {
            key.subject.clone()
        } else {
            let name = key.subject.as_str();
            let end = if name.contains(':') { None } else { name.rfind('/') };
            let (station, rest) = name.split_at(end.unwrap_or(name.len()));
            let now = site.stations.iter().find(|now| now.aliases.iter().any(|alias| alias.as_str() == station))?;
            SubjectId::from(format!("{}{rest}", now.id))
        };
        let renamed = AlarmKey { rule: rule.id.clone(), subject };
        (renamed != *key).then_some(renamed)
    }

    /// Whether the site still has the rule and the subject of an alarm. A subject that its rule has ceased to watch is not
    /// told from one that it watches: its evidence is.
    pub(super) fn has(&self, site: &Site, key: &AlarmKey) -> bool {
        // What people report has no rule: it stands as long as its hazard does.
        if let Some(hazard) = key.rule.as_str().strip_prefix(Report::RULES) {
            return self.hazard(site, &HazardId::from(hazard)).is_some();
        }
        self.rule(site, &judged_by(&key.rule)).is_some() && self.subject(site, key.subject.as_str()).is_some()
    }

    /// What the site says of a finding's rule and subject; nothing if it lacks either.
    pub(super) fn bearing(&self, site: &Site, finding: &Finding) -> Option<Bearing> {
        let rule = self.rule(site, &finding.rule)?;
        let (area, name) = self.subject(site, finding.subject.as_str())?;
        let unit = match rule.unit {
            Some(unit) => unit.symbol.to_owned(),
            None => self.measured_unit(site, finding).unwrap_or_default(),
        };
        Some(Bearing { hazard: rule.hazard.clone(), area, name, unit, shadow: rule.shadow })
    }

    /// The same of an alarm that stands.
    pub(super) fn bearing_of(&self, site: &Site, alarm: &Alarm) -> Option<Bearing> {
        let rule = self.rule(site, &judged_by(&alarm.key.rule))?;
        let (area, name) = self.subject(site, alarm.key.subject.as_str())?;
        let unit = rule.unit.map_or_else(|| alarm.unit.clone(), |unit| unit.symbol.to_owned());
        Some(Bearing { hazard: rule.hazard.clone(), area, name, unit, shadow: rule.shadow })
    }

    fn subject(&self, site: &Site, subject: &str) -> Option<(AreaId, String)> {
        if let Some(name) = subject.strip_prefix("group:") {
            let group = site.groups.get(*self.groups.get(name)?)?;
            let stations = group.stations.iter().filter_map(|ix| site.stations.get(ix.index()));
            return Some((common_area(stations)?, name.to_owned()));
        }
        if let Some(id) = subject.strip_prefix("area:") {
            let area = site.areas.get(*self.areas.get(id)?)?;
            return Some((area.id.clone(), area.name.clone()));
        }
        if let Some(station) = self.station(site, subject) {
            return Some((station.area.clone(), station.name.clone()));
        }
        let (station, point) = subject.rsplit_once('/')?;
        let station = self.station(site, station)?;
        Some((station.area.clone(), format!("{} {point}", station.name)))
    }

    fn station<'s>(&self, site: &'s Site, id: &str) -> Option<&'s Station> {
        self.stations.get(id).and_then(|at| site.stations.get(*at))
    }

    /// The unit of the first point that the measure read.
    fn measured_unit(&self, site: &Site, finding: &Finding) -> Option<String> {
        let cause = finding.causes.first()?;
        let station = self.station(site, cause.station.as_str())?;
        let point = station.points.iter().filter_map(|ix| site.point(*ix)).find(|point| point.id == cause.point)?;
        Some(point.unit.symbol.to_owned())
    }
}

/// The area that most of the stations lie in; of two with as many, the first named.
fn common_area<'s>(stations: impl Iterator<Item = &'s Station>) -> Option<AreaId> {
    let mut counts: Vec<(&AreaId, usize)> = Vec::new();
    for station in stations {
        match counts.iter_mut().find(|(area, _)| **area == station.area) {
            Some((_, count)) => *count += 1,
            None => counts.push((&station.area, 1)),
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max()?;
    counts.into_iter().find(|(_, count)| *count == most).map(|(area, _)| area.clone())
}
