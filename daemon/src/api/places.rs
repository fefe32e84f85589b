//! What is watched: the site, its stations and its points with their last word.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use axum::extract::{Path, Query};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use watchfire_model::alarm::Alarm;
use watchfire_model::grade::{Grade, PerGrade};
use watchfire_model::id::PointIx;
use watchfire_model::ladder::Direction;
use watchfire_model::quality::Flag;
use watchfire_model::reading::PointState;
use watchfire_model::site::{Audience, Point, Site, Station, TestMark};
use watchfire_model::time::{Span, Timestamp};

use super::directory::{Directory, PointName};
use super::paging::{page, write};
use super::problem::Problem;
use super::{Shared, State};
use crate::views::Latest;

/// The site, as screens need it.
#[derive(Serialize)]
pub(super) struct SiteShown<'a> {
    name: &'a str,
    authority: &'a str,
    issuer: &'a str,
    contact: &'a str,
    zone: &'a str,
    /// Seconds east of UTC now.
    offset_seconds: i32,
    languages: &'a [String],
    /// Not in service: every screen says so.
    test: Option<&'a TestMark>,
    revision: &'a str,
    version: &'static str,
    stations: usize,
    points: usize,
    areas: Vec<AreaShown<'a>>,
    hazards: Vec<HazardShown<'a>>,
    channels: Vec<ChannelShown<'a>>,
}

#[derive(Serialize)]
struct AreaShown<'a> {
    id: &'a str,
    name: &'a str,
    population: Option<u64>,
}

#[derive(Serialize)]
struct HazardShown<'a> {
    id: &'a str,
    names: BTreeMap<&'a str, &'a str>,
    event_code: &'a str,
}

#[derive(Serialize)]
struct ChannelShown<'a> {
    name: &'a str,
    audience: Audience,
    from_grade: Grade,
}

/// The site of `shared`.
pub(super) fn site_shown(shared: &Shared) -> SiteShown<'_> {
    let site: &Site = shared.directory.site();
    SiteShown {
        name: &site.name,
        authority: &site.authority,
        issuer: &site.issuer,
        contact: &site.contact,
        zone: &site.zone.name,
        offset_seconds: site.zone.offset_at(shared.now()),
        languages: &site.languages,
        test: site.test.as_ref(),
        revision: &site.revision.0,
        version: env!("CARGO_PKG_VERSION"),
        stations: site.stations.len(),
        points: site.points.len(),
        areas: site
            .areas
            .iter()
            .map(|a| AreaShown { id: a.id.as_str(), name: &a.name, population: a.population })
            .collect(),
        hazards: site
            .hazards
            .iter()
            .map(|h| HazardShown {
                id: h.id.as_str(),
                names: shared.directory.hazard_names(&h.id),
                event_code: &h.event_code,
            })
            .collect(),
        channels: site
            .channels
            .iter()
            .map(|c| ChannelShown { name: c.name.as_str(), audience: c.audience, from_grade: c.from_grade })
            .collect(),
    }
}

/// `GET /api/v1/site`.
pub(super) async fn site(state: State) -> Result<Response, Problem> {
    write(&site_shown(&state))
}

/// A page of stations or points.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    limit: Option<u32>,
    /// The cursor of the page before.
    after: Option<String>,
    /// Only of this station (points) or area (stations).
    station: Option<String>,
    area: Option<String>,
}

impl Asked {
    /// A cursor of these lists is a place in the site.
    fn place(&self) -> Result<Option<usize>, Problem> {
        let bad = |_| Problem::bad_request("`after` is not a cursor of this list");
        self.after.as_deref().map(|cursor| cursor.parse().map_err(bad)).transpose()
    }
}

#[derive(Serialize)]
struct StationShown<'a> {
    id: &'a str,
    name: &'a str,
    area: &'a str,
    area_name: &'a str,
    lat: Option<f64>,
    lon: Option<f64>,
    datum: Option<&'a str>,
    gateway: Option<&'a str>,
    points: Vec<&'a str>,
    /// The highest grade standing on any of its points.
    grade: Option<Grade>,
    /// Some alarm on it has lost its evidence.
    evidence_lost: bool,
}

/// `GET /api/v1/stations`.
pub(super) async fn stations(state: State, Query(asked): Query<Asked>) -> Result<Response, Problem> {
    let after = asked.place()?;
    let desk = state.api.views.desk.borrow().clone();
    let mut standing: HashMap<&str, (Option<Grade>, bool)> = HashMap::new();
    for alarm in &desk.alarms {
        let entry = standing.entry(station_of(alarm)).or_default();
        entry.0 = entry.0.max(alarm.standing());
        entry.1 |= alarm.evidence.is_lost();
    }
    let site = state.directory.site();
    let wanted = |station: &&Station| {
        asked.area.as_deref().is_none_or(|area| station.area.as_str() == area)
            && asked.station.as_deref().is_none_or(|id| station.id.as_str() == id)
    };
    page(
        site.stations.iter().enumerate().filter(|(_, station)| wanted(station)),
        asked.limit,
        |(at, _)| after.is_some_and(|after| *at <= after),
        |(at, _)| at.to_string(),
        |(_, station)| {
            let (grade, evidence_lost) = standing.get(station.id.as_str()).copied().unwrap_or_default();
            StationShown {
                id: station.id.as_str(),
                name: &station.name,
                area: station.area.as_str(),
                area_name: state.directory.area_name(&station.area),
                lat: station.lat,
                lon: station.lon,
                datum: station.datum.as_deref(),
                gateway: station.gateway.as_ref().map(watchfire_model::id::GatewayId::as_str),
                points: station.points.iter().filter_map(|ix| site.point(*ix)).map(|point| point.id.as_str()).collect(),
                grade,
                evidence_lost,
            }
        },
    )
}

fn station_of(alarm: &Alarm) -> &str {
    let subject = alarm.key.subject.as_str();
    subject.split_once('/').map_or(subject, |(station, _)| station)
}

/// A point with its last word.
#[derive(Serialize)]
struct PointShown<'a> {
    #[serde(flatten)]
    name: PointName<'a>,
    interval_ms: Span,
    thresholds: &'a PerGrade<Option<f64>>,
    direction: Direction,
    range: Option<(f64, f64)>,
    latest: Option<LatestShown>,
    /// Nothing was heard for longer than the point allows itself.
    silent: bool,
}

/// A point's last word.
#[derive(Serialize)]
pub(super) struct LatestShown {
    observed_at: Timestamp,
    received_at: Timestamp,
    value: Option<f64>,
    /// Why there is no value.
    bad: Option<&'static str>,
    flag: Flag,
    checks: Vec<&'static str>,
    state: PointState,
}

impl From<Latest> for LatestShown {
    fn from(latest: Latest) -> Self {
        Self {
            observed_at: latest.observed_at,
            received_at: latest.received_at,
            value: latest.value.ok(),
            bad: latest.value.err().map(watchfire_model::quantity::Bad::word),
            flag: latest.flag,
            checks: latest.checks.names().collect(),
            state: latest.state,
        }
    }
}

/// Whether a point has been silent for longer than it may.
pub(super) fn is_silent(point: &Point, latest: Option<&Latest>, now: Timestamp) -> bool {
    latest.is_none_or(|latest| (now - latest.received_at).cmp(&point.stale_after()) == Ordering::Greater)
}

fn shown<'a>(directory: &'a Directory, ix: PointIx, latest: Option<Latest>, now: Timestamp) -> Option<PointShown<'a>> {
    let point = directory.site().point(ix)?;
    Some(PointShown {
        name: directory.point_name(ix)?,
        interval_ms: point.interval,
        thresholds: &point.thresholds,
        direction: point.direction,
        range: point.range,
        silent: is_silent(point, latest.as_ref(), now),
        latest: latest.map(LatestShown::from),
    })
}

/// `GET /api/v1/points`.
pub(super) async fn points(state: State, Query(asked): Query<Asked>) -> Result<Response, Problem> {
    let after = asked.place()?;
    let site = state.directory.site();
    let of = |station: &Station| {
        asked.station.as_deref().is_none_or(|id| station.id.as_str() == id)
            && asked.area.as_deref().is_none_or(|area| station.area.as_str() == area)
    };
    let now = state.now();
    let all = (0_u32..).map(PointIx).zip(&site.points).filter(|(ix, _)| site.station_of(*ix).is_some_and(of));
    page(
        all,
        asked.limit,
        |(ix, _)| after.is_some_and(|after| ix.index() <= after),
        |(ix, _)| ix.index().to_string(),
        |(ix, _)| shown(&state.directory, ix, state.api.views.latest.get(ix), now),
    )
}

/// `GET /api/v1/points/{station}/{point}`.
pub(super) async fn point(state: State, Path((station, point)): Path<(String, String)>) -> Result<Response, Problem> {
    let ix = state
        .directory
        .point_ix(&station, &point)
        .ok_or_else(|| Problem::not_found("point", &format!("{station}/{point}")))?;
    write(&shown(&state.directory, ix, state.api.views.latest.get(ix), state.now()))
}
