//! How is the daemon itself doing? For load balancers, for Prometheus, and for the officer who asks whether silence means
//! safety.

use std::sync::atomic::Ordering;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use watchfire_connectors::health::{Complaint, SourceHealth};
use watchfire_model::id::Revision;
use watchfire_model::time::Timestamp;

use super::paging::write;
use super::places::is_silent;
use super::problem::Problem;
use super::{Shared, State};
use crate::clock;
use crate::metrics::{self, StoreState};
use crate::views::InForce;

/// Everything about the daemon's own health.
#[derive(Serialize)]
struct Health<'a> {
    /// `ok`; `degraded` when something is not as it should be and warnings still go out; `down` when they may not.
    status: &'static str,
    now: Timestamp,
    /// `ok`, or `unset`: our wall clock was never set, and every stamp is wrong until it is. Deadlines are not touched.
    clock: &'static str,
    desk: Desk,
    field: Field,
    sources: Vec<SourceShown<'a>>,
    stores: Vec<StoreState>,
    configuration: Configuration,
}

/// The configuration in force, and why the newest try to change it was refused.
#[derive(Serialize)]
struct Configuration {
    revision: Revision,
    since: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

impl Configuration {
    fn of(in_force: &InForce) -> Self {
        let (refused_at, refused) = in_force.refused.clone().unzip();
        Self { revision: in_force.site.revision.clone(), since: in_force.since, refused_at, refused }
    }
}

#[derive(Serialize)]
struct Desk {
    alive: bool,
    version: u64,
    /// When it last published.
    at: Timestamp,
    unjournaled: u64,
}

/// What is heard of the points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Field {
    pub(super) points: usize,
    /// Points that have been silent for longer than they may.
    pub(super) silent: usize,
    /// When anything was last heard.
    pub(super) heard_at: Option<Timestamp>,
}

/// A source, as health and the stream show it.
#[derive(Serialize)]
pub(super) struct SourceShown<'a> {
    name: &'a str,
    kind: &'static str,
    connected: bool,
    last_heard: Option<Timestamp>,
    messages: u64,
    readings: u64,
    bad_values: u64,
    complaints: u64,
    refused: u64,
    shed: u64,
    disconnects: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recent: Vec<Complaint>,
}

impl<'a> SourceShown<'a> {
    pub(super) fn of(source: &'a SourceHealth, recent: Vec<Complaint>) -> Self {
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let last = source.last_heard.load(Ordering::Relaxed);
        Self {
            name: source.name.as_str(),
            kind: source.kind,
            connected: source.connected.load(Ordering::Relaxed),
            last_heard: (last > 0).then_some(Timestamp(last)),
            messages: count(&source.messages),
            readings: count(&source.readings),
            bad_values: count(&source.bad_values),
            complaints: count(&source.complaints),
            refused: count(&source.refused),
            shed: count(&source.shed),
            disconnects: count(&source.disconnects),
            recent,
        }
    }
}

/// What is heard of the points now.
pub(super) fn field(shared: &Shared) -> Field {
    let (site, now) = (shared.directory.site(), shared.now());
    let latest = shared.api.views.latest.all();
    let silent =
        site.points.iter().zip(&latest).filter(|(point, latest)| is_silent(point, latest.as_ref(), now)).count();
    let heard_at = latest.iter().flatten().map(|latest| latest.received_at).max();
    Field { points: site.points.len(), silent, heard_at }
}

/// `GET /health` and `/api/v1/health`.
pub(super) async fn health(state: State) -> Result<Response, Problem> {
    let views = &state.api.views;
    let (version, at, unjournaled) = {
        let desk = views.desk.borrow();
        (desk.version, desk.now.wall, desk.unjournaled)
    };
    let alive = state.desk_alive();
    let stores = state.api.metrics.stores();
    let field = field(&state);
    let sources: Vec<_> = views.sources.iter().map(|source| SourceShown::of(source, source.recent())).collect();
    let configuration = Configuration::of(&views.in_force.borrow());
    let now = state.now();
    let is_set = clock::is_set(now);
    let well = is_set
        && configuration.refused.is_none()
        && sources.iter().all(|source| source.connected)
        && stores.iter().all(|store| store.up)
        && field.silent == 0;
    let status = match (alive, well) {
        (false, _) => "down",
        (true, false) => "degraded",
        (true, true) => "ok",
    };
    let desk = Desk { alive, version, at, unjournaled };
    let clock = if is_set { "ok" } else { "unset" };
    write(&Health { status, now, clock, desk, field, sources, stores, configuration })
}

/// `GET /-/healthy`: 200 while the process can still warn.
pub(super) async fn healthy(state: State) -> Response {
    said(state.desk_alive(), "healthy", "the duty loop has ended")
}

/// `GET /-/ready`: 200 once the Desk has published and while it lives.
pub(super) async fn ready(state: State) -> Response {
    let published = state.api.views.desk.borrow().version > 0;
    match (state.desk_alive(), published) {
        (true, true) => said(true, "ready", ""),
        (true, false) => said(false, "", "the Desk has not published yet"),
        (false, _) => said(false, "", "the duty loop has ended"),
    }
}

fn said(well: bool, yes: &'static str, no: &'static str) -> Response {
    if well { (StatusCode::OK, yes).into_response() } else { Problem::unavailable(no).into_response() }
}

/// `GET /metrics`.
pub(super) async fn metrics(state: State) -> Response {
    state.api.metrics.desk(&state.api.views.desk.borrow());
    state.api.metrics.costs(&state.api.views.costs);
    let text = state.api.metrics.render(&state.api.views.sources);
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response()
}
