//! What many sensors share and is in trouble, and which places nobody watches: lists, and taking note of one incident.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State as Extract};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use watchfire_model::attention::Attention;
use watchfire_model::command::Act;
use watchfire_model::id::{AreaId, HazardId, IncidentId};
use watchfire_model::incident::{About, Incident};
use watchfire_model::time::Timestamp;
use watchfire_model::watch::{Watch, Watching};

use super::acts::{Asks, carry_out};
use super::directory::Directory;
use super::paging::{page, write};
use super::problem::{Problem, read_json};
use super::{Shared, State};
use crate::views::DeskView;

/// Sensors named in a list; the whole of them stands in the incident itself.
const NAMED: usize = 20;
/// Of each kind, so many are on every screen; the rest are counted.
const ON_SCREEN: usize = 50;

/// A page of incidents or watches.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    limit: Option<u32>,
    /// The cursor of the page before.
    after: Option<String>,
    /// Incidents: `open` (the default), `closed` or `all`.
    #[serde(default)]
    state: Which,
    /// Watches: only those that stand so.
    stands: Option<Watching>,
    /// Watches: only of this area.
    area: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Which {
    #[default]
    Open,
    Closed,
    All,
}

/// The body of taking note.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    /// The person for whom a machine acts. A person acts as whoever they signed in as.
    who: Option<String>,
    /// Why.
    why: String,
}

/// An incident.
#[derive(Serialize)]
pub(super) struct IncidentShown<'a> {
    id: &'a IncidentId,
    kind: &'static str,
    about: &'a About,
    /// What it is called: the station's or the area's name, else its id.
    name: &'a str,
    hazard_names: BTreeMap<&'a str, &'a str>,
    since: Timestamp,
    noticed_at: Timestamp,
    until: Option<Timestamp>,
    closed_at: Option<Timestamp>,
    open: bool,
    urgent: bool,
    attention: &'a Attention,
    within: Option<&'a IncidentId>,
    reason: &'a str,
    /// How many sensors are behind it.
    count: usize,
    sensors: Vec<SensorShown<'a>>,
}

#[derive(Serialize)]
struct SensorShown<'a> {
    station: &'a str,
    station_name: &'a str,
    point: &'a str,
}

impl<'a> IncidentShown<'a> {
    fn of(directory: &'a Directory, incident: &'a Incident, named: usize) -> Self {
        let station_name = |id: &'a str| directory.station(id).map_or(id, |station| &station.name);
        let (name, hazard_names) = match &incident.about {
            About::Link { source } => (source.as_str(), BTreeMap::new()),
            About::Gateway { gateway: it } | About::Power { power: it } | About::Logger { logger: it } => {
                (it.as_str(), BTreeMap::new())
            }
            About::Station { station } => (station_name(station.as_str()), BTreeMap::new()),
            About::HostClock | About::Judging => ("", BTreeMap::new()),
            About::Unwatched { hazard, area } => (directory.area_name(area), directory.hazard_names(hazard)),
        };
        let sensors = incident.sensors.iter().take(named).map(|sensor| SensorShown {
            station: sensor.station.as_str(),
            station_name: station_name(sensor.station.as_str()),
            point: sensor.point.as_str(),
        });
        Self {
            id: &incident.id,
            kind: incident.about.kind(),
            about: &incident.about,
            name,
            hazard_names,
            since: incident.since,
            noticed_at: incident.noticed_at,
            until: incident.until,
            closed_at: incident.closed_at,
            open: incident.is_open(),
            urgent: incident.urgent,
            attention: &incident.attention,
            within: incident.within.as_ref(),
            reason: &incident.reason,
            count: incident.sensors.len(),
            sensors: sensors.collect(),
        }
    }
}

/// `GET /api/v1/incidents`: open ones, the urgent first and then the newest.
pub(super) async fn list(state: State, Query(asked): Query<Asked>) -> Result<Response, Problem> {
    let desk = state.api.views.desk.borrow().clone();
    let wanted = |it: &&Arc<Incident>| match asked.state {
        Which::Open => it.is_open(),
        Which::Closed => !it.is_open(),
        Which::All => true,
    };
    let mut all: Vec<(String, &Incident)> =
        desk.incidents.iter().filter(wanted).map(|it| (key(it), it.as_ref())).collect();
    all.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    page(
        all.into_iter(),
        asked.limit,
        |(key, _)| asked.after.as_ref().is_some_and(|after| key <= after),
        |(key, _)| key.clone(),
        |(_, it)| IncidentShown::of(&state.directory, it, NAMED),
    )
}

/// In the order of the list.
fn key(incident: &Incident) -> String {
    let calm = u8::from(!incident.urgent);
    let age = i64::MAX.saturating_sub(incident.noticed_at.0.max(0));
    format!("{}{calm}|{age:020}|{}", u8::from(!incident.is_open()), incident.id)
}

/// `GET /api/v1/incidents/{id}`, with every sensor behind it.
pub(super) async fn show(state: State, Path(id): Path<String>) -> Result<Response, Problem> {
    let desk = state.api.views.desk.borrow().clone();
    let incident = desk.incidents.iter().find(|it| it.id.as_str() == id);
    let incident = incident.ok_or_else(|| Problem::not_found("incident", &id))?;
    write(&IncidentShown::of(&state.directory, incident, usize::MAX))
}

/// `POST /api/v1/incidents/{id}/ack`.
pub(super) async fn acknowledge(
    Extract(shared): Extract<Arc<Shared>>,
    Path(id): Path<String>,
    asks: Asks,
    body: Bytes,
) -> Result<Response, Problem> {
    let wish: Wish = read_json(&body)?;
    let act = Act::AcknowledgeIncident { incident: IncidentId::from(id.as_str()) };
    carry_out(&shared, asks, wish.who.as_deref(), &wish.why, act).await?;
    let desk = shared.api.views.desk.borrow().clone();
    let incident = desk.incidents.iter().find(|it| it.id.as_str() == id);
    write(&incident.map(|it| IncidentShown::of(&shared.directory, it, NAMED)))
}

/// How a place is looked out for. An area that no rule watches has no hazard and is unwatched.
#[derive(Serialize)]
pub(super) struct WatchShown<'a> {
    hazard: Option<&'a HazardId>,
    hazard_names: BTreeMap<&'a str, &'a str>,
    area: &'a AreaId,
    area_name: &'a str,
    live: usize,
    of: usize,
    needs: usize,
    stands: Watching,
}

fn watches<'a>(directory: &'a Directory, desk: &'a DeskView) -> Vec<WatchShown<'a>> {
    let shown = |watch: &'a Watch| WatchShown {
        hazard: watch.hazard.as_ref(),
        hazard_names: watch.hazard.as_ref().map(|hazard| directory.hazard_names(hazard)).unwrap_or_default(),
        area: &watch.area,
        area_name: directory.area_name(&watch.area),
        live: watch.live,
        of: watch.of,
        needs: watch.needs,
        stands: watch.stands,
    };
    desk.watches.iter().map(shown).collect()
}

/// `GET /api/v1/watches`: for each hazard and area, whether somebody looks out.
pub(super) async fn watched(state: State, Query(asked): Query<Asked>) -> Result<Response, Problem> {
    let desk = state.api.views.desk.borrow().clone();
    let wanted = |watch: &WatchShown<'_>| {
        asked.stands.is_none_or(|stands| watch.stands == stands)
            && asked.area.as_deref().is_none_or(|area| watch.area.as_str() == area)
    };
    let key = |watch: &WatchShown<'_>| format!("{}|{}", watch.area, watch.hazard.map_or("", HazardId::as_str));
    let mut all: Vec<WatchShown<'_>> = watches(&state.directory, &desk).into_iter().filter(wanted).collect();
    all.sort_by_cached_key(key);
    page(
        all.into_iter(),
        asked.limit,
        |watch| asked.after.as_ref().is_some_and(|after| key(watch) <= *after),
        key,
        |watch| watch,
    )
}

/// What every screen shows of this: open incidents, and the places that are not watched.
#[derive(Serialize)]
pub(super) struct Trouble<'a> {
    incidents: Vec<IncidentShown<'a>>,
    /// How many there are.
    incidents_open: usize,
    unwatched: Vec<WatchShown<'a>>,
    /// How many there are.
    places_unwatched: usize,
}

/// What is in trouble now.
pub(super) fn trouble<'a>(directory: &'a Directory, desk: &'a DeskView) -> Trouble<'a> {
    // A place that is unwatched is shown as such, once.
    let is_shown = |it: &&Arc<Incident>| it.is_open() && !matches!(it.about, About::Unwatched { .. });
    let mut open: Vec<&Incident> = desk.incidents.iter().filter(is_shown).map(AsRef::as_ref).collect();
    open.sort_by_cached_key(|it| key(it));
    let (incidents_open, mut unwatched) = (open.len(), watches(directory, desk));
    unwatched.retain(|watch| watch.stands == Watching::Unwatched);
    let places_unwatched = unwatched.len();
    unwatched.truncate(ON_SCREEN);
    let incidents = open.into_iter().take(ON_SCREEN).map(|it| IncidentShown::of(directory, it, NAMED)).collect();
    Trouble { incidents, incidents_open, unwatched, places_unwatched }
}
