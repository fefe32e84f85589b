//! What a rule judges, and which points it reads for each: `station`, `station/point`, `group:x`, `area:x`.

use std::collections::{BTreeMap, BTreeSet};

use watchfire_model::grade::Grade;
use watchfire_model::id::{PointIx, StationIx, SubjectId};
use watchfire_model::rule::{Per, Rule};
use watchfire_model::site::{Kind, Point, Site, Station};
use watchfire_model::time::Span;

use super::measure::{identifier, unit_of};
use super::thresholds;
use super::{Compiled, Look, Measure, Problem, SubjectPlan, Witness, Witnesses, witness};
use crate::engine::Name;
use crate::quality::max_gap;
use crate::window::Lens;

/// A subject, before its names are resolved.
pub(super) struct Subject {
    pub(super) id: SubjectId,
    /// The watched points: one for a station or a point, any number for a group or an area.
    pub(super) watched: Vec<PointIx>,
    pub(super) stations: Vec<StationIx>,
    per: Per,
}

/// The stations of a site by their ids: thousands of rules may each name one of their own.
pub(crate) struct Stations<'s>(BTreeMap<&'s str, StationIx>);

impl<'s> Stations<'s> {
    pub(crate) fn of(site: &'s Site) -> Self {
        Self(site.stations.iter().map(|station| station.id.as_str()).zip((0..).map(StationIx)).collect())
    }

    /// Those that a rule may watch, in the site's order.
    fn watched(&self, site: &Site, rule: &Rule) -> Vec<StationIx> {
        let named = &rule.watch.stations;
        if !named.is_empty() && !named.iter().any(|pattern| is_wild(pattern)) {
            let found: BTreeSet<StationIx> = named.iter().filter_map(|id| self.0.get(id.as_str()).copied()).collect();
            return found.into_iter().collect();
        }
        (0..).map(StationIx).take(site.stations.len()).collect()
    }
}

/// Every subject a rule matches, one by one: there may be tens of thousands.
pub(super) fn of<'s>(
    site: &'s Site,
    stations: &Stations<'_>,
    rule: &'s Rule,
) -> Box<dyn Iterator<Item = Result<Subject, Problem>> + 's> {
    let watched = stations.watched(site, rule).into_iter();
    let watched = watched.filter_map(|ix| site.stations.get(ix.index()).map(|station| (ix, station)));
    match rule.per {
        Per::Station => {
            Box::new(watched.filter_map(move |(ix, station)| of_station(site, rule, ix, station).transpose()))
        }
        Per::Point => Box::new(watched.flat_map(move |(ix, station)| {
            let points = matching(site, rule, station).into_iter();
            points.filter_map(move |point| {
                let id = SubjectId::from(format!("{}/{}", station.id, site.point(point)?.id));
                Some(Ok(Subject { id, watched: vec![point], stations: vec![ix], per: rule.per }))
            })
        })),
        Per::Group => {
            Box::new(site.groups.iter().filter_map(|group| {
                of_many(site, rule, format!("group:{}", group.name), group.stations.clone()).map(Ok)
            }))
        }
        Per::Area => Box::new(site.areas.iter().filter_map(move |area| {
            let all = (0_u32..).map(StationIx).zip(&site.stations);
            let members = all.filter(|(_, station)| station.area == area.id).map(|(ix, _)| ix).collect();
            of_many(site, rule, format!("area:{}", area.id), members).map(Ok)
        })),
    }
}

/// The points of a station that a rule watches.
fn matching(site: &Site, rule: &Rule, station: &Station) -> Vec<PointIx> {
    let stations = &rule.watch.stations;
    if !stations.is_empty() && !stations.iter().any(|pattern| fits(pattern, station.id.as_str())) {
        return Vec::new();
    }
    let wanted = |ix: &PointIx| site.point(*ix).is_some_and(|point| rule.watch.names(point));
    station.points.iter().copied().filter(wanted).collect()
}

fn of_station(site: &Site, rule: &Rule, ix: StationIx, station: &Station) -> Result<Option<Subject>, Problem> {
    let watched = matching(site, rule, station);
    if watched.len() > 1 {
        let names: Vec<&str> = watched.iter().filter_map(|ix| site.point(*ix)).map(|point| point.id.as_str()).collect();
        let (count, names) = (names.len(), names.join(", "));
        let message = format!("rule \"{}\" matches {count} points of station \"{}\": {names}", rule.id, station.id);
        return Err(Problem::with(rule, message).hint("write per = \"point\", or name the point in watch"));
    }
    let id = SubjectId::from(&station.id);
    Ok((!watched.is_empty()).then(|| Subject { id, watched, stations: vec![ix], per: rule.per }))
}

fn of_many(site: &Site, rule: &Rule, id: String, members: Vec<StationIx>) -> Option<Subject> {
    let of_member = |ix: &StationIx| site.stations.get(ix.index()).map(|station| matching(site, rule, station));
    let watched: Vec<PointIx> = members.iter().filter_map(of_member).flatten().collect();
    (!watched.is_empty()).then(|| Subject { id: SubjectId::from(id), watched, stations: members, per: rule.per })
}

/// Resolves what a rule reads for one subject; none if it has no thresholds at all.
pub(super) fn plan(
    site: &Site,
    place: usize,
    rule: &Rule,
    compiled: &Compiled,
    subject: &Subject,
) -> Result<Option<SubjectPlan>, Problem> {
    let mut reads = Vec::new();
    let mut widths = Vec::new();
    let mut heights = Vec::new();
    let names = match &compiled.measure {
        Measure::Last | Measure::Window(_) => vec![super::measure::native_name(rule)],
        Measure::Program(program) => program.names().to_vec(),
    };
    for name in &names {
        let points = resolve(site, subject, name).ok_or_else(|| missing(site, rule, subject, name))?;
        widths.push(points.len());
        if let Measure::Program(program) = &compiled.measure
            && program.reads_height(widths.len() - 1)
        {
            heights.extend(points.iter().copied());
        }
        for point in points {
            let unit = unit_of(site, rule, &compiled.measure, point)?;
            reads.extend(site.point(point).map(|plan| look(rule, point, plan, unit)));
        }
    }
    if reads.is_empty() {
        let problem = Problem::with(rule, format!("the measure of rule \"{}\" reads no point", rule.id));
        return Err(problem.hint("a measure names points of the station, such as \"stage\" or 'stage.rise(\"1h\")'"));
    }
    one_datum(site, rule, subject, &heights)?;
    let points: Vec<PointIx> = reads.iter().map(|look: &Look| look.point).collect();
    let mut independent = Witnesses::default();
    for (look, witness) in reads.iter_mut().zip(witness::witnesses(site, &points)) {
        look.witness = witness;
        independent.add(witness);
    }
    for look in &reads {
        let wanted = compiled.reach(look.lens.interval).0 / look.lens.interval.0.max(1);
        if wanted > MOST_SAMPLES {
            let message = format!(
                "rule \"{}\" looks back {wanted} samples of \"{}\"; at most {MOST_SAMPLES} can be kept",
                rule.id, subject.id
            );
            return Err(
                Problem::with(rule, message).hint("shorten the window, or write the interval at which it reports")
            );
        }
    }
    let Some(rungs) = thresholds::rungs(site, rule, compiled, subject.watched.first().copied())? else {
        return Ok(None);
    };
    for grade in Grade::ALL.into_iter().filter(|grade| rungs.raise_at(*grade).is_some()) {
        let (needed, there) = (*rule.witnesses.get(grade), independent.count());
        if needed > there {
            let message = format!(
                "{grade} of rule \"{}\" takes {needed} independent points, and for \"{}\" its measure reads {there}",
                rule.id, subject.id
            );
            let hint = "points that share a gateway, logger, power or device count as one: it would never be raised";
            return Err(Problem::with(rule, message).hint(hint));
        }
    }
    if let Some(enough) = rule.enough.filter(|enough| *enough > independent.count()) {
        let message = format!(
            "`enough` of rule \"{}\" asks for {enough} independent points, and for \"{}\" its measure reads {}",
            rule.id,
            subject.id,
            independent.count()
        );
        let hint =
            "points that share a gateway, logger, power or device count as one: its evidence would always be lost";
        return Err(Problem::with(rule, message).hint(hint));
    }
    let watched = subject.watched.iter().filter_map(|ix| site.point(*ix));
    if !matches!(compiled.measure, Measure::Program(_)) {
        widths.clear();
    }
    let longest = rule.max_gap.or_else(|| watched.map(max_gap).max());
    Ok(Some(SubjectPlan {
        rule: place,
        id: subject.id.clone(),
        witnesses: independent,
        rungs,
        reads: reads.into_boxed_slice(),
        widths: widths.into_boxed_slice(),
        max_gap: longest.unwrap_or(Span::ZERO),
        seconds: super::seconds::of(site, rule, &subject.stations)?,
    }))
}

/// Refuses to hold stages on two datums against each other (DOMAIN §4.1).
fn one_datum(site: &Site, rule: &Rule, subject: &Subject, heights: &[PointIx]) -> Result<(), Problem> {
    let is_stage = |ix: &PointIx| site.point(*ix).is_some_and(|point| &*point.quantity == "stage");
    let station = |ix: &PointIx| site.station_of(*ix).and_then(|station| Some((station, station.datum.as_deref()?)));
    let mut datums = heights.iter().filter(|ix| is_stage(ix)).filter_map(station);
    let Some((first, datum)) = datums.next() else { return Ok(()) };
    let Some((other, its)) = datums.find(|(_, its)| *its != datum) else { return Ok(()) };
    let message = format!(
        "rule \"{}\" holds stages on two datums against each other for \"{}\": {datum} at \"{}\", {its} at \"{}\"",
        rule.id, subject.id, first.id, other.id
    );
    let hint = "bring one to the other's, such as datum(upstream.stage, -1.864), or compare grades: stage.grade";
    Err(Problem::with(rule, message).hint(hint))
}

/// Most samples that one rule may look back on one point.
const MOST_SAMPLES: i64 = 200_000;

fn look(rule: &Rule, ix: PointIx, point: &Point, unit: Option<super::Convert>) -> Look {
    // A counter's largest value is its last before zero: the step over the edge is one more.
    let edge = point.resolution.unwrap_or(0.0);
    Look {
        point: ix,
        witness: Witness::default(),
        lens: Lens {
            kind: point.kind,
            interval: point.interval,
            max_gap: rule.max_gap.unwrap_or_else(|| max_gap(point)),
            coverage: rule.coverage,
            modulus: point.wraps_at.filter(|_| point.kind == Kind::Counter).map(|last| last + edge),
        },
        stale_after: point.stale_after(),
        unit,
    }
}

/// The points a name stands for; for a station or a point exactly one.
fn resolve(site: &Site, subject: &Subject, name: &Name) -> Option<Vec<PointIx>> {
    let mut points = Vec::new();
    for ix in &subject.stations {
        let mut station = site.stations.get(ix.index())?;
        if name.upstream {
            match station.upstream {
                Some(upstream) => station = site.stations.get(upstream.index())?,
                None if matches!(subject.per, Per::Group | Per::Area) => continue,
                None => return None,
            }
        }
        let watched = subject.watched.iter().copied().filter(|point| !name.upstream && station.points.contains(point));
        points.extend(on_station(site, station, subject.per, watched.collect::<Vec<_>>().as_slice(), &name.point));
    }
    (!points.is_empty()).then_some(points)
}

/// `point` is the watched one. Else an id comes before a quantity, except where each point is a subject of its own: there
/// the watched point answers to its quantity too.
fn on_station(site: &Site, station: &Station, per: Per, watched: &[PointIx], name: &str) -> Option<PointIx> {
    let is_id = |ix: &PointIx| site.point(*ix).is_some_and(|point| identifier(point.id.as_str()) == name);
    let is_quantity = |ix: &PointIx| site.point(*ix).is_some_and(|point| identifier(&point.quantity) == name);
    let by_watch = || watched.iter().copied().find(|ix| is_id(ix) || is_quantity(ix));
    let by_id = || station.points.iter().copied().find(is_id);
    let by_quantity = || {
        let mut of_quantity = station.points.iter().copied().filter(is_quantity);
        of_quantity.next().filter(|_| of_quantity.next().is_none())
    };
    match (name, per) {
        ("point", _) if !station.points.iter().any(is_id) => watched.first().copied(),
        (_, Per::Point) => by_watch().or_else(by_id).or_else(by_quantity),
        (_, Per::Station | Per::Group | Per::Area) => by_id().or_else(by_watch).or_else(by_quantity),
    }
}

fn missing(site: &Site, rule: &Rule, subject: &Subject, name: &Name) -> Problem {
    let station = subject.stations.first().and_then(|ix| site.stations.get(ix.index()));
    let has: Vec<String> = station
        .iter()
        .flat_map(|station| &station.points)
        .filter_map(|ix| site.point(*ix))
        .map(|point| identifier(point.id.as_str()))
        .collect();
    let message = if name.upstream {
        format!("\"{}\" has no station upstream with a point \"{}\", which the measure reads", subject.id, name.point)
    } else {
        format!("\"{}\" has no point \"{}\", which the measure reads", subject.id, name.point)
    };
    Problem::with(rule, message).hint(format!("its points are: {}", has.join(", ")))
}

fn is_wild(pattern: &str) -> bool {
    pattern.contains(['*', '?'])
}

/// Whether a station's id fits a pattern of `*` (any run of characters) and `?` (one).
fn fits(pattern: &str, id: &str) -> bool {
    if !is_wild(pattern) {
        return pattern == id;
    }
    let (pattern, id): (Vec<char>, Vec<char>) = (pattern.chars().collect(), id.chars().collect());
    let (mut p, mut i, mut star) = (0, 0, None);
    while i < id.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, i));
                p += 1;
            }
            Some(c) if *c == '?' || *c == id[i] => {
                p += 1;
                i += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    i = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// The grades a rule has thresholds for on any of its subjects, rising.
pub(super) fn grades(present: impl Fn(Grade) -> bool) -> Vec<Grade> {
    Grade::ALL.into_iter().filter(|grade| present(*grade)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_ids() {
        for (pattern, id, expected) in [
            ("qing*", "qingshi", true),
            ("*", "", true),
            ("q?ng*-3", "qingshi-3", true),
            ("qing", "qingshi", false),
            ("*shi", "qingshi", true),
            ("?", "", false),
            ("a*b*c", "aXXbYYbZc", true),
        ] {
            assert_eq!(fits(pattern, id), expected, "{pattern} {id}");
        }
    }
}
