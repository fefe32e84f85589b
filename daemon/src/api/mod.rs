//! What may be seen and asked over HTTP: REST for programs, one event stream for screens, the console's files, health
//! and metrics. Everything here reads published views or sends a command to the duty loop; nothing here decides, and
//! nothing here can hold up a warning.
//!
//! Times are milliseconds since 1970 UTC everywhere; what cannot be done is answered as problem+json (RFC 9457).

mod acts;
mod alarms;
mod assets;
mod directory;
mod gate;
mod guard;
mod health;
mod history;
mod incidents;
mod listener;
mod paging;
mod people;
mod places;
mod problem;
mod reload;
mod routes;
mod rules;
mod sensors;
mod session;
mod shown;
mod stored;
mod stream;
mod told;
mod warnings;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::FromRef;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use watchfire_connectors::intake::WallClock;
use watchfire_model::access::Right;
use watchfire_model::time::Timestamp;

use crate::access::Access;
use crate::metrics::Metrics;
use crate::views::Views;
use directory::Directory;
use gate::Need;
use routes::Routes;
use stream::Feed;

pub use history::{History, HistoryError, NoHistory, Sample};
pub use stored::StoredHistory;

/// Largest body taken.
pub const BODY_MAX: usize = 64 << 10;
/// Longest time for one answer, streams excepted.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Readers of history at a time; more wait.
const READERS: usize = 2;

/// All that the interface leans on.
#[derive(Clone)]
pub struct Api {
    /// What may be looked at, and the way to the duty loop.
    pub views: Views,
    /// The counters.
    pub metrics: Arc<Metrics>,
    /// Stored readings.
    pub history: Arc<dyn History>,
    /// The wall time.
    pub clock: WallClock,
    /// Who may come in.
    pub access: Arc<Access>,
    /// The one-time code's file, to be removed once it is used.
    pub first_code: Option<PathBuf>,
    /// Ends the streams, so that a stop need not wait for them.
    pub stop: CancellationToken,
}

/// What the handlers share.
struct Shared {
    api: Api,
    directory: Directory,
    feed: Feed,
    readers: Semaphore,
    streams: Arc<Semaphore>,
}

type State = axum::extract::State<Arc<Shared>>;

impl Shared {
    fn now(&self) -> Timestamp {
        (self.api.clock)()
    }
    /// Whether the duty loop still lives: it alone holds the other end of the Desk's view.
    fn desk_alive(&self) -> bool {
        self.api.views.desk.has_changed().is_ok()
    }
}

impl Shared {
    /// For the site of `api`; its streams end when another takes its place.
    fn new(api: &Api, streams: &Arc<Semaphore>) -> Arc<Self> {
        api.metrics.declare(&api.views);
        Arc::new(Self {
            directory: Directory::new(Arc::clone(&api.views.site)),
            feed: Feed::new((api.clock)()),
            readers: Semaphore::new(READERS),
            streams: Arc::clone(streams),
            api: Api { stop: api.stop.child_token(), ..api.clone() },
        })
    }
}

/// What the handlers share now: made anew for each site that is put in force.
#[derive(Clone)]
struct Current {
    api: Api,
    streams: Arc<Semaphore>,
    shared: Arc<Mutex<Arc<Shared>>>,
}

impl Current {
    fn of(api: Api) -> Self {
        let streams = Arc::new(Semaphore::new(stream::STREAMS_MAX));
        let shared = Arc::new(Mutex::new(Shared::new(&api, &streams)));
        Self { api, streams, shared }
    }

    /// Screens of the site before are sent to look again.
    fn get(&self) -> Arc<Shared> {
        let site = Arc::clone(&self.api.views.in_force.borrow().site);
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::ptr::eq(shared.directory.site(), &*site) {
            let views = Views { site, ..self.api.views.clone() };
            let next = Shared::new(&Api { views, ..self.api.clone() }, &self.streams);
            std::mem::replace(&mut *shared, next).api.stop.cancel();
        }
        Arc::clone(&shared)
    }
}

impl FromRef<Current> for Arc<Shared> {
    fn from_ref(current: &Current) -> Self {
        current.get()
    }
}

/// Every route, each with who may ask it.
pub fn router(api: Api) -> Router {
    let (look, manage) = (Need::Right(Right::Look), Need::Right(Right::ManagePeople));
    Routes::new(Current::of(api))
        .get("/site", look, places::site)
        .get("/stations", look, places::stations)
        .get("/points", look, places::points)
        .get("/points/{station}/{point}", look, places::point)
        .get("/points/{station}/{point}/readings", look, history::readings)
        .get("/alarms", look, warnings::alarms)
        .get("/alarms/{rule}/{subject}", look, alarms::show)
        .acts_on_alarms()
        .post("/reports", Need::Right(Right::SetGrade), alarms::report)
        .get("/warnings", look, warnings::list)
        .get("/warnings/{id}", look, warnings::show)
        .post("/warnings/{id}/ack", Need::Warning(Right::Acknowledge), acts::acknowledge)
        .post("/warnings/{id}/release", Need::Warning(Right::Release), acts::release)
        .post("/warnings/{id}/cancel", Need::Warning(Right::Cancel), acts::cancel)
        .post("/warnings/{id}/correct", Need::Warning(Right::Cancel), acts::correct)
        .get("/incidents", look, incidents::list)
        .get("/incidents/{id}", look, incidents::show)
        .post("/incidents/{id}/ack", Need::Right(Right::Acknowledge), incidents::acknowledge)
        .get("/watches", look, incidents::watched)
        .get("/rules", look, rules::list)
        .get("/sensors", look, sensors::list)
        .get("/sensors/{station}/{point}", look, sensors::show)
        .acts_on_sensors()
        .get("/health", look, health::health)
        .stream("/stream", look, stream::open)
        .get("/session", Need::Open, session::show)
        .post("/session", Need::Open, session::sign_in)
        .post("/session/end", Need::Open, session::sign_out)
        .post("/session/here", Need::SignedIn, session::here)
        .post("/session/password", Need::SignedIn, session::password)
        .get("/people", Need::Right(Right::ListPeople), people::list)
        .post("/people", manage, people::add)
        .post("/people/first", Need::Open, people::first)
        .post("/people/{name}/remove", manage, people::remove)
        .post("/people/{name}/role", manage, people::role)
        .post("/people/{name}/scope", manage, people::scope)
        .post("/people/{name}/password", manage, people::password)
        .post("/people/{name}/token", manage, people::token)
        .get_plain("/health", look, health::health)
        .get_plain("/-/healthy", Need::Probe, health::healthy)
        .get_plain("/-/ready", Need::Probe, health::ready)
        .get_plain("/metrics", Need::Probe, health::metrics)
        .post_plain("/-/reload", Need::Right(Right::Configure), reload::reload)
        .finish()
}

/// Serves on `listener` until [`Api::stop`] is cancelled and what is being answered has been.
pub async fn serve(listener: TcpListener, api: Api) -> std::io::Result<()> {
    let stop = api.stop.clone();
    let service = router(api).into_make_service_with_connect_info::<listener::Peer>();
    axum::serve(listener::Bounded::new(listener), service).with_graceful_shutdown(stop.cancelled_owned()).await
}
