//! What may be seen and asked over HTTP: REST for programs, one event stream for screens, the console's files, health
//! and metrics. Everything here reads published views or sends a command to the duty loop; nothing here decides, and
//! nothing here can hold up a warning.
//!
//! Times are milliseconds since 1970 UTC everywhere; what cannot be done is answered as problem+json (RFC 9457).

mod acts;
mod alarms;
mod assets;
mod directory;
mod guard;
mod health;
mod history;
mod incidents;
mod listener;
mod paging;
mod places;
mod problem;
mod shown;
mod stored;
mod stream;
mod warnings;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use watchfire_connectors::intake::WallClock;
use watchfire_model::time::Timestamp;

use crate::metrics::Metrics;
use crate::views::Views;
use directory::Directory;
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
    /// Names by which browsers may reach us besides addresses and `localhost`; any other is refused for acts, so that a
    /// foreign page whose name was made to point at us can't act in an officer's name.
    pub hosts: Vec<String>,
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

/// Every route.
pub fn router(api: Api) -> Router {
    api.metrics.declare(&api.views);
    let shared = Arc::new(Shared {
        directory: Directory::new(Arc::clone(&api.views.site)),
        feed: Feed::new((api.clock)()),
        readers: Semaphore::new(READERS),
        streams: Arc::new(Semaphore::new(stream::STREAMS_MAX)),
        api,
    });
    let v1 = Router::new()
        .route("/site", get(places::site))
        .route("/stations", get(places::stations))
        .route("/points", get(places::points))
        .route("/points/{station}/{point}", get(places::point))
        .route("/points/{station}/{point}/readings", get(history::readings))
        .route("/alarms", get(warnings::alarms))
        .route("/alarms/{rule}/{subject}", get(alarms::show))
        .route("/alarms/{rule}/{subject}/{act}", post(alarms::act))
        .route("/warnings", get(warnings::list))
        .route("/warnings/{id}", get(warnings::show))
        .route("/warnings/{id}/{act}", post(acts::act))
        .route("/incidents", get(incidents::list))
        .route("/incidents/{id}", get(incidents::show))
        .route("/incidents/{id}/ack", post(incidents::acknowledge))
        .route("/watches", get(incidents::watched))
        .route("/health", get(health::health))
        .fallback(problem::no_such_path);
    Router::new()
        .nest("/api/v1", v1)
        .route("/health", get(health::health))
        .route("/-/healthy", get(health::healthy))
        .route("/-/ready", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(assets::console)
        .layer(middleware::from_fn(guard::in_time))
        // Added after the layer above: a stream has no last moment.
        .route("/api/v1/stream", get(stream::open))
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), guard::acts_come_from_here))
        .layer(middleware::from_fn(problem::dress))
        .layer(middleware::from_fn(guard::headers))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), guard::counted))
        .with_state(shared)
}

/// Serves on `listener` until [`Api::stop`] is cancelled and what is being answered has been.
pub async fn serve(listener: TcpListener, api: Api) -> std::io::Result<()> {
    let stop = api.stop.clone();
    let service = router(api).into_make_service_with_connect_info::<listener::Peer>();
    axum::serve(listener::Bounded::new(listener), service).with_graceful_shutdown(stop.cancelled_owned()).await
}
