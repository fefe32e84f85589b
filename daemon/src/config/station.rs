//! Stations, points and groups, from TOML tables and from the two spreadsheets, into one list.

use watchfire_model::grade::{Grade, PerGrade};
use watchfire_model::id::{PointId, PointIx, StationIx};
use watchfire_model::ladder::Direction;
use watchfire_model::site::{Group, Kind, Point, Reports, Station};
use watchfire_model::time::Span;
use watchfire_model::unit::Unit;

use crate::config::amount::{self, Amount, Graded, NoAmount};
use crate::config::area::Areas;
use crate::config::names::{self, Names};
use crate::config::problem::{Place, Problem};
use crate::config::read::{At, Context, Table};
use crate::config::scrutiny::ScrutinyDraft;
use crate::config::source::{self, Source};
use crate::config::words::Words;

/// What a quantity's numbers usually are, where the point does not say: name, kind, direction.
const QUANTITIES: &[(&str, Kind, Direction)] = &[
    ("rain", Kind::Increment, Direction::Rising),
    ("rain_total", Kind::Counter, Direction::Rising),
    ("freeboard", Kind::Gauge, Direction::Falling),
    ("dry_beach", Kind::Gauge, Direction::Falling),
    ("phreatic_depth", Kind::Gauge, Direction::Falling),
    ("oxygen", Kind::Gauge, Direction::Falling),
];

pub(crate) const DIRECTIONS: &[(&str, Direction)] = &[("rising", Direction::Rising), ("falling", Direction::Falling)];
const KINDS: &[(&str, Kind)] = &[("gauge", Kind::Gauge), ("increment", Kind::Increment), ("counter", Kind::Counter)];
const REPORTS: &[(&str, Reports)] = &[("interval", Reports::Interval), ("on_change", Reports::OnChange)];

/// All stations and points, with what the rest of the configuration needs to find them again.
pub(crate) struct Field {
    pub(crate) stations: Vec<Station>,
    pub(crate) points: Vec<Point>,
    pub(crate) groups: Vec<Group>,
    pub(crate) station_ids: Names,
    pub(crate) group_names: Names,
    /// By "station/point".
    pub(crate) point_names: Names,
    words: Words,
    /// One per point, in the same order.
    pub(crate) sources: Vec<Option<At<Source>>>,
    /// Where each point stands, in the same order.
    pub(crate) places: Vec<Place>,
    /// Where its thresholds stand.
    pub(crate) thresholds: Vec<PerGrade<Option<Place>>>,
    /// Some point could not be taken in; that a rule finds none is then no news.
    pub(crate) lacking: bool,
    upstreams: Vec<(StationIx, At<String>)>,
    heartbeats: Vec<(usize, At<String>)>,
    scrutinies: Vec<(usize, ScrutinyDraft)>,
}

/// A station as written.
pub(crate) struct StationDraft {
    pub(crate) id: At<String>,
    /// Former ids: what stood under one of these goes on under the new id.
    pub(crate) aliases: Vec<String>,
    pub(crate) name: Option<At<String>>,
    pub(crate) area: Option<At<String>>,
    pub(crate) lat: Option<At<f64>>,
    pub(crate) lon: Option<At<f64>>,
    pub(crate) datum: Option<String>,
    pub(crate) gateway: Option<String>,
    pub(crate) logger: Option<String>,
    pub(crate) power: Option<String>,
    pub(crate) upstream: Option<At<String>>,
}

/// A point as written, before its units are one.
pub(crate) struct PointDraft {
    pub(crate) station: At<String>,
    pub(crate) id: At<String>,
    pub(crate) quantity: At<String>,
    pub(crate) unit: At<String>,
    pub(crate) interval: Option<At<Span>>,
    pub(crate) resolution: Option<At<Amount>>,
    pub(crate) range: Option<(At<Amount>, At<Amount>)>,
    pub(crate) plausible: Option<(At<Amount>, At<Amount>)>,
    pub(crate) max_rate: Option<(At<Amount>, At<Amount>)>,
    pub(crate) scrutiny: ScrutinyDraft,
    pub(crate) sentinels: Vec<f64>,
    pub(crate) thresholds: Graded<At<Amount>>,
    pub(crate) kind: Option<Kind>,
    pub(crate) direction: Option<Direction>,
    pub(crate) reports: Option<Reports>,
    pub(crate) heartbeat: Option<At<String>>,
    pub(crate) stale_after: Option<Span>,
    pub(crate) wraps_at: Option<f64>,
    pub(crate) source: Option<At<Source>>,
}

impl PointDraft {
    pub(crate) fn new(station: At<String>, id: At<String>, quantity: At<String>, unit: At<String>) -> Self {
        Self {
            station,
            id,
            quantity,
            unit,
            interval: None,
            resolution: None,
            range: None,
            plausible: None,
            max_rate: None,
            scrutiny: ScrutinyDraft::default(),
            sentinels: Vec::new(),
            thresholds: Graded::default(),
            kind: None,
            direction: None,
            reports: None,
            heartbeat: None,
            stale_after: None,
            wraps_at: None,
            source: None,
        }
    }
}

/// The words of [`Kind`], [`Direction`] and [`Reports`], for spreadsheets.
pub(crate) fn kind_of(word: &str) -> Option<Kind> {
    KINDS.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind)
}
pub(crate) fn direction_of(word: &str) -> Option<Direction> {
    DIRECTIONS.iter().find(|(known, _)| *known == word).map(|(_, direction)| *direction)
}
pub(crate) fn reports_of(word: &str) -> Option<Reports> {
    REPORTS.iter().find(|(known, _)| *known == word).map(|(_, reports)| *reports)
}

impl Field {
    pub(crate) fn new() -> Self {
        Self {
            stations: Vec::new(),
            points: Vec::new(),
            groups: Vec::new(),
            station_ids: Names::new("station"),
            group_names: Names::new("group"),
            point_names: Names::new("point"),
            words: Words::default(),
            sources: Vec::new(),
            places: Vec::new(),
            thresholds: Vec::new(),
            lacking: false,
            upstreams: Vec::new(),
            heartbeats: Vec::new(),
            scrutinies: Vec::new(),
        }
    }

    /// Makes room for so many more stations.
    pub(crate) fn expect_stations(&mut self, more: usize) {
        self.stations.reserve_exact(more);
        self.station_ids.expect(more);
    }

    /// Makes room for so many more points.
    pub(crate) fn expect_points(&mut self, more: usize) {
        self.points.reserve_exact(more);
        self.point_names.expect(more);
        self.sources.reserve_exact(more);
        self.places.reserve_exact(more);
        self.thresholds.reserve_exact(more);
    }

    /// Takes a station in; where it is not sound the reasons have been reported.
    pub(crate) fn station(&mut self, cx: &Context<'_>, areas: &Areas, draft: StationDraft) {
        let StationDraft { id, aliases, name, area, lat, lon, datum, gateway, logger, power, upstream } = draft;
        let area = match (&area, areas.only()) {
            (Some(area), _) => areas.find(cx, area),
            (None, Some(only)) => Some(only),
            (None, None) => {
                let problem = Problem::error(id.at, format!("station \"{}\" has no `area`", id.value));
                cx.report(
                    problem.hint("a warning must know where to go; with a single [[area]] it need not be written"),
                );
                None
            }
        };
        for (value, limit, what) in [(&lat, 90.0, "latitude"), (&lon, 180.0, "longitude")] {
            if let Some(out) = value.as_ref().filter(|value| value.value.abs() > limit) {
                cx.report(Problem::error(out.at, format!("a {what} is between -{limit} and {limit} degrees")));
            }
        }
        let ix = self.stations.len();
        if !names::plain(cx, &id, "a station's id") || !self.station_ids.add(cx, &id, ix) {
            return;
        }
        let ix = StationIx(u32::try_from(ix).unwrap_or(u32::MAX));
        if let Some(upstream) = upstream {
            self.upstreams.push((ix, upstream));
        }
        let name = name.map_or_else(|| id.value.clone(), |name| name.value);
        self.stations.push(Station {
            id: id.value.into(),
            aliases: aliases.into_iter().map(Into::into).collect(),
            name,
            area: area.cloned().unwrap_or_else(|| "".into()),
            lat: lat.map(|lat| lat.value),
            lon: lon.map(|lon| lon.value),
            datum,
            gateway: gateway.map(Into::into),
            logger: logger.map(Into::into),
            power: power.map(Into::into),
            upstream: None,
            points: Vec::new(),
        });
    }

    /// Takes a point in; its station must be in already.
    pub(crate) fn point(&mut self, cx: &Context<'_>, draft: PointDraft) {
        let errors = cx.errors();
        self.take_point(cx, draft);
        self.lacking |= cx.errors() > errors;
    }

    fn take_point(&mut self, cx: &Context<'_>, mut draft: PointDraft) {
        let place = draft.id.at;
        let Some(station) = self.station_ids.find(cx, &draft.station) else { return };
        if !names::plain(cx, &draft.id, "a point's id") {
            return;
        }
        let full = At { value: format!("{}/{}", draft.station.value, draft.id.value), at: draft.id.at };
        let source = draft.source.clone();
        let (scrutiny, heartbeat) = (std::mem::take(&mut draft.scrutiny), draft.heartbeat.take());
        let thresholds = PerGrade::from_fn(|grade| draft.thresholds.get(grade).map(|amount| amount.at));
        let Some(mut point) = finish(cx, StationIx(u32::try_from(station).unwrap_or(u32::MAX)), draft) else { return };
        self.words.share(&mut point);
        let ix = self.points.len();
        if !self.point_names.add(cx, &full, ix) {
            return;
        }
        if let Some(station) = self.stations.get_mut(station) {
            station.points.push(PointIx(u32::try_from(ix).unwrap_or(u32::MAX)));
        }
        self.points.push(point);
        if let Some(heartbeat) = heartbeat {
            self.heartbeats.push((ix, heartbeat));
        }
        if scrutiny.is_written() {
            self.scrutinies.push((ix, scrutiny));
        }
        self.sources.push(source);
        self.places.push(place);
        self.thresholds.push(thresholds);
    }

    /// Reads `[[station]]` with its `[[station.point]]`.
    pub(crate) fn read_station(&mut self, table: Table<'_>, areas: &Areas) {
        let cx = table.cx;
        let id = table.required("id", "");
        let draft = id.clone().map(|id| StationDraft {
            id,
            aliases: table.texts("aliases").into_iter().map(|alias| alias.value).collect(),
            name: table.text("name"),
            area: table.text("area"),
            lat: table.number("lat"),
            lon: table.number("lon"),
            datum: table.text("datum").map(|text| text.value),
            gateway: table.text("gateway").map(|text| text.value),
            logger: table.text("logger").map(|text| text.value),
            power: table.text("power").map(|text| text.value),
            upstream: table.text("upstream"),
        });
        let points = table.tables("point", "[[station.point]]");
        if let (Some(draft), Some(id)) = (draft, id) {
            self.station(cx, areas, draft);
            if self.station_ids.place(&id.value) == Some(id.at) {
                for point in points {
                    self.read_point(&id, point);
                }
            }
            table.finish();
        }
    }

    fn read_point(&mut self, station: &At<String>, table: Table<'_>) {
        let cx = table.cx;
        let id = table.required("id", "");
        let quantity = table.required("quantity", "such as stage, rain, methane, displacement");
        let unit = table.required("unit", "such as m, mm, %CH4; a pure number has \"1\"");
        let interval = table.span("interval");
        if interval.is_none() && table.get("interval").is_none() {
            table
                .missing("interval", "the nominal time between two reports, such as \"5m\"; silence is measured by it");
        }
        let pair = |key| table.get(key).and_then(|node| amount::pair(&node));
        let (range, plausible) = (pair("range"), pair("plausible"));
        let max_rate = table.get("max_rate").and_then(|node| amount::rate(&node));
        let drafted = |table: &Table<'_>, station, id, quantity, unit| PointDraft {
            interval,
            resolution: table.get("resolution").and_then(|node| amount::amount(&node)),
            range,
            plausible,
            max_rate,
            scrutiny: ScrutinyDraft::read(table),
            sentinels: table.numbers("sentinels"),
            thresholds: amount::graded_or_none(table.get("ladder"), "a point's ladder", amount::amount),
            kind: table.word("kind", KINDS).map(|kind| kind.value),
            direction: table.word("direction", DIRECTIONS).map(|direction| direction.value),
            reports: table.word("reports", REPORTS).map(|reports| reports.value),
            heartbeat: table.text("heartbeat"),
            stale_after: table.span("stale_after").map(|span| span.value),
            wraps_at: table.number("wraps_at").map(|number| number.value),
            source: table.get("source").and_then(|node| source::source(&node)),
            ..PointDraft::new(station, id, quantity, unit)
        };
        let nowhere = || At { value: String::new(), at: table.at };
        // The remaining keys are read in any case, so that all mistakes of a point are told at once.
        let complete = id.is_some() && quantity.is_some() && unit.is_some();
        let draft = drafted(
            &table,
            station.clone(),
            id.unwrap_or_else(nowhere),
            quantity.unwrap_or_else(nowhere),
            unit.unwrap_or_else(nowhere),
        );
        if complete {
            self.point(cx, draft);
        } else {
            self.lacking = true;
        }
        table.finish();
    }

    /// Reads `[[group]]`.
    pub(crate) fn read_group(&mut self, table: Table<'_>) {
        let cx = table.cx;
        let name = table.required("name", "");
        let members = table.texts("stations");
        if members.is_empty() {
            table.missing("stations", "ids of stations; `*` and `?` are wildcards");
        }
        let mut taken = vec![false; self.stations.len()];
        let mut stations = Vec::new();
        for ix in members.iter().flat_map(|member| self.matching(cx, member)) {
            if let Some(taken) = taken.get_mut(ix.index()).filter(|taken| !**taken) {
                *taken = true;
                stations.push(ix);
            }
        }
        if let Some(name) = name
            && names::plain(cx, &name, "a group's name")
            && self.group_names.add(cx, &name, self.groups.len())
        {
            self.groups.push(Group { name: name.value, stations });
        }
        table.finish();
    }

    /// The stations of an id or a pattern; reported where there is none.
    pub(crate) fn matching(&self, cx: &Context<'_>, pattern: &At<String>) -> Vec<StationIx> {
        let ix = |at: usize| StationIx(u32::try_from(at).unwrap_or(u32::MAX));
        if !pattern.value.contains(['*', '?']) {
            return self.station_ids.find(cx, pattern).map(ix).into_iter().collect();
        }
        let fits = |station: &Station| names::matches(&pattern.value, station.id.as_str());
        let found: Vec<StationIx> =
            self.stations.iter().enumerate().filter(|(_, station)| fits(station)).map(|(at, _)| ix(at)).collect();
        if found.is_empty() {
            cx.report(Problem::error(pattern.at, format!("no station matches \"{}\"", pattern.value)));
        }
        found
    }

    /// Resolves what may be named before it is defined.
    pub(crate) fn settle(&mut self, cx: &Context<'_>) {
        for (ix, upstream) in std::mem::take(&mut self.upstreams) {
            let Some(up) = self.station_ids.find(cx, &upstream) else { continue };
            if up == ix.index() {
                cx.report(Problem::error(upstream.at, "a station cannot be upstream of itself"));
            } else if let Some(station) = self.stations.get_mut(ix.index()) {
                station.upstream = Some(StationIx(u32::try_from(up).unwrap_or(u32::MAX)));
            }
        }
        for (ix, heartbeat) in std::mem::take(&mut self.heartbeats) {
            self.settle_heartbeat(cx, ix, &heartbeat);
        }
        for (ix, draft) in std::mem::take(&mut self.scrutinies) {
            let settled = draft.settle(cx, ix, &self.points, &self.point_names);
            if let Some(point) = self.points.get_mut(ix) {
                point.scrutiny = settled;
            }
        }
    }
}

/// Brings a draft to one unit and checks it.
fn finish(cx: &Context<'_>, station: StationIx, draft: PointDraft) -> Option<Point> {
    if !names::identifier(cx, &draft.quantity, "a quantity") {
        return None;
    }
    let unit =
        amount::parse_unit(&draft.unit.value).map_err(|error: NoAmount| cx.report(error.at(draft.unit.at))).ok()?;
    let usual = QUANTITIES.iter().find(|(name, _, _)| *name == draft.quantity.value);
    let direction = draft.direction.or(usual.map(|(_, _, direction)| *direction)).unwrap_or_default();
    let interval = draft.interval.as_ref().map_or(Span::ZERO, |interval| interval.value);
    if let Some(zero) = draft.interval.as_ref().filter(|interval| interval.value <= Span::ZERO) {
        cx.report(Problem::error(zero.at, "the interval must be longer than nothing"));
    }
    let resolution = draft.resolution.as_ref().and_then(|amount| amount::convert_difference(cx, amount, unit));
    if let Some(out) = draft.resolution.as_ref().filter(|amount| amount.value.value <= 0.0) {
        cx.report(Problem::error(out.at, "a resolution is larger than 0"));
    }
    let range = draft.range.as_ref().and_then(|range| ordered(cx, range, unit));
    let plausible = draft.plausible.as_ref().and_then(|range| ordered(cx, range, unit));
    let per_hour =
        draft.max_rate.as_ref().and_then(|(fall, rise)| Some((per_hour(cx, fall, unit)?, per_hour(cx, rise, unit)?)));
    let thresholds =
        PerGrade::from_fn(|grade| draft.thresholds.get(grade).and_then(|amount| amount::convert(cx, amount, unit)));
    rising(cx, &thresholds, direction, |grade| draft.thresholds.get(grade).map(|amount| amount.at));
    if let Some((low, high)) = range {
        for grade in Grade::ALL {
            let outside = thresholds.get(grade).filter(|value| *value < low || *value > high);
            if let (Some(value), Some(written)) = (outside, draft.thresholds.get(grade)) {
                let message = format!("threshold `{grade}` ({value} {unit}) can never be reached");
                cx.report(
                    Problem::error(written.at, message).label(format!("the sensor's range is {low} to {high} {unit}")),
                );
            }
        }
    }
    Some(Point {
        station,
        id: PointId::from(draft.id.value),
        quantity: draft.quantity.value.into(),
        unit,
        kind: draft.kind.or(usual.map(|(_, kind, _)| *kind)).unwrap_or_default(),
        interval,
        resolution,
        range,
        plausible,
        max_rate: per_hour,
        scrutiny: None,
        sentinels: draft.sentinels,
        thresholds,
        direction,
        reports: draft.reports.unwrap_or_default(),
        heartbeat: None,
        stale_after: draft.stale_after,
        wraps_at: draft.wraps_at,
    })
}

fn ordered(cx: &Context<'_>, (low, high): &(At<Amount>, At<Amount>), unit: Unit) -> Option<(f64, f64)> {
    let pair = (amount::convert(cx, low, unit)?, amount::convert(cx, high, unit)?);
    if pair.0 >= pair.1 {
        let both = Place { end: high.at.end, ..low.at };
        cx.report(Problem::error(both, format!("{} is not below {}", pair.0, pair.1)).label("[low, high]"));
    }
    Some(pair)
}

/// A rate in the point's unit per hour: `"0.5 m/h"` where such a unit is known, else a plain number.
fn per_hour(cx: &Context<'_>, amount: &At<Amount>, unit: Unit) -> Option<f64> {
    let Some(hourly) = Unit::parse(&format!("{unit}/h")) else {
        if amount.value.unit.is_some() {
            let problem = Problem::error(amount.at, format!("there is no unit for {unit} per hour"));
            cx.report(problem.hint(format!("write the plain number of {unit} per hour")));
        }
        return Some(amount.value.value);
    };
    amount::convert_difference(cx, amount, hourly)
}

/// Reports thresholds that do not rise with the grade (or fall, where lower is worse).
pub(crate) fn rising(
    cx: &Context<'_>,
    thresholds: &PerGrade<Option<f64>>,
    direction: Direction,
    place: impl Fn(Grade) -> Option<Place>,
) {
    let mut below: Option<(Grade, f64)> = None;
    for grade in Grade::ALL {
        let Some(value) = *thresholds.get(grade) else { continue };
        if let (Some((lower, bar)), Some(at)) = (below, place(grade)) {
            let (wrong, word) = match direction {
                Direction::Rising => (value < bar, "lower"),
                Direction::Falling => (value > bar, "higher"),
            };
            if wrong {
                let problem = Problem::error(at, format!("threshold `{grade}` is {word} than `{lower}`"));
                let hint = match direction {
                    Direction::Rising => "a ladder rises with the grade; were the two values exchanged?",
                    Direction::Falling => {
                        "with direction = \"falling\" a ladder falls as the grade rises; were the two values exchanged?"
                    }
                };
                cx.report(problem.label(format!("{lower} is raised at {bar}")).hint(hint));
            } else if value.to_bits() == bar.to_bits() {
                let problem = Problem::warning(at, format!("`{grade}` and `{lower}` are raised at the same value"));
                cx.report(problem.label(format!("{lower} will never be seen")));
            }
        }
        below = Some((grade, value));
    }
}
