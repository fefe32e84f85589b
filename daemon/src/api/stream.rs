//! What has changed since? One event stream (SSE) for all screens: a snapshot, then changes of warnings and of the
//! points behind them, and a beat that says the stream is alive. A screen that hears no beat must show itself as stale.
//!
//! Changes are worked out once for all screens, when one of them next looks, and kept in a bounded ring; a screen that
//! comes back within the ring (`Last-Event-ID`) misses nothing, a later one gets a new snapshot.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::Query;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};
use watchfire_model::id::PointIx;
use watchfire_model::time::Timestamp;

use super::health::{Field, SourceShown, field};
use super::incidents::{Trouble, trouble};
use super::places::{SiteShown, site_shown};
use super::problem::Problem;
use super::shown::{Alarms, is_live, summary, warned_points};
use super::{Shared, State};
use crate::access::Caller;
use crate::metrics::OpenStream;
use crate::outlooks::Known;
use crate::views::{DeskView, Latest};

/// Streams open at a time.
pub(super) const STREAMS_MAX: usize = 64;
/// Changes kept for screens that come back.
const RING: usize = 256;
/// Ended warnings in a snapshot, newest first.
const ENDED_SHOWN: usize = 30;
/// Points one stream may name.
const NAMED_MAX: usize = 64;
/// How often a screen looks for changes nobody woke it for.
const LOOK: Duration = Duration::from_millis(200);
/// Least time between two looks at the Desk, and at the points.
const DESK_EVERY: Duration = Duration::from_millis(100);
const POINTS_EVERY: Duration = Duration::from_secs(1);
/// Least time after which warnings are looked through again because a delay has come further, and for nothing else.
const OUTLOOKS_EVERY: Duration = Duration::from_secs(2);
/// How often a stream says that it is alive. A screen calls itself stale after three.
const BEAT: Duration = Duration::from_secs(4);

/// One change, for every screen.
struct Frame {
    id: u64,
    change: Change,
}

enum Change {
    /// A `desk` event, written.
    Desk(String),
    /// Points heard again.
    Points(Vec<(PointIx, Latest)>),
}

/// The changes, and what they led up to.
pub(super) struct Feed {
    /// Tells this process's ids from those of the one before it.
    epoch: i64,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    last_id: u64,
    ring: VecDeque<Arc<Frame>>,
    desk: Option<(u64, Instant)>,
    /// What was under way then.
    outlooks: Arc<Known>,
    /// The summaries shown, written, in the order of the view.
    warnings: Vec<(String, Box<RawValue>)>,
    warned: Arc<BTreeSet<PointIx>>,
    points: Vec<Option<Latest>>,
    field: Field,
    points_at: Option<Instant>,
}

impl Feed {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { epoch: now.0, inner: Mutex::default() }
    }

    /// Brings the feed up to date with the views, as far as it is time to look, and does `then` with it.
    fn with<T>(&self, shared: &Shared, outlooks: &Arc<Known>, then: impl FnOnce(&Inner) -> T) -> T {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.look_at_desk(shared, outlooks);
        inner.look_at_points(shared);
        then(&inner)
    }
}

/// A `desk` event: what changed of the warnings.
#[derive(Serialize)]
struct DeskEvent<'a> {
    version: u64,
    at: Timestamp,
    /// Summaries that are new or different.
    changed: Vec<&'a RawValue>,
    /// Ids of warnings no longer shown.
    gone: Vec<&'a str>,
    unjournaled: u64,
}

impl Inner {
    fn keep(&mut self, change: Change) {
        self.last_id += 1;
        if self.ring.len() == RING {
            self.ring.pop_front();
        }
        self.ring.push_back(Arc::new(Frame { id: self.last_id, change }));
    }

    fn look_at_desk(&mut self, shared: &Shared, outlooks: &Arc<Known>) {
        let view = {
            let view = shared.api.views.desk.borrow();
            let moved = |at: Instant| at.elapsed() >= OUTLOOKS_EVERY && !outlooks.same_as(&self.outlooks);
            let due =
                |(version, at): (u64, Instant)| (version != view.version && at.elapsed() >= DESK_EVERY) || moved(at);
            if !self.desk.is_none_or(due) {
                return;
            }
            Arc::clone(&view)
        };
        let now_shown = summaries(shared, &view, outlooks);
        if self.desk.is_some() {
            let before: HashMap<&str, &str> =
                self.warnings.iter().map(|(id, text)| (id.as_str(), text.get())).collect();
            let changed: Vec<&RawValue> = now_shown
                .iter()
                .filter(|(id, text)| before.get(id.as_str()) != Some(&text.get()))
                .map(|(_, text)| &**text)
                .collect();
            let there: BTreeSet<&str> = now_shown.iter().map(|(id, _)| id.as_str()).collect();
            let gone =
                self.warnings.iter().map(|(id, _)| id.as_str()).filter(|id| !there.contains(id)).collect::<Vec<_>>();
            if !changed.is_empty() || !gone.is_empty() {
                let unjournaled = view.unjournaled;
                let event = DeskEvent { version: view.version, at: view.now.wall, changed, gone, unjournaled };
                let text = written(&event);
                self.keep(Change::Desk(text));
            }
        }
        self.warned = Arc::new(warned_points(&shared.directory, &view).into_iter().collect());
        self.warnings = now_shown;
        self.desk = Some((view.version, Instant::now()));
        self.outlooks = Arc::clone(outlooks);
    }

    fn look_at_points(&mut self, shared: &Shared) {
        if self.points_at.is_some_and(|at| at.elapsed() < POINTS_EVERY) {
            return;
        }
        let now = shared.api.views.latest.all();
        let heard: Vec<(PointIx, Latest)> = (0_u32..)
            .map(PointIx)
            .zip(&now)
            .filter(|(ix, latest)| self.points.get(ix.index()).copied().flatten() != **latest)
            .filter_map(|(ix, latest)| Some((ix, (*latest)?)))
            .collect();
        if self.points_at.is_some() && !heard.is_empty() {
            self.keep(Change::Points(heard));
        }
        self.points = now;
        self.field = field(shared);
        self.points_at = Some(Instant::now());
    }
}

fn summaries(shared: &Shared, view: &DeskView, outlooks: &Known) -> Vec<(String, Box<RawValue>)> {
    let known = Alarms::heading(view, outlooks);
    let (live, ended): (Vec<_>, Vec<_>) = view.warnings.iter().partition(|warning| is_live(warning));
    live.into_iter()
        .chain(ended.into_iter().take(ENDED_SHOWN))
        .filter_map(|warning| {
            let text = serde_json::to_string(&summary(&shared.directory, &known, warning)).ok()?;
            Some((warning.id.as_str().to_owned(), RawValue::from_string(text).ok()?))
        })
        .collect()
}

fn written(event: &impl Serialize) -> String {
    serde_json::to_string(event).unwrap_or_else(|error| {
        tracing::error!(%error, "an event cannot be written as JSON");
        "null".to_owned()
    })
}

/// What a stream is asked to carry.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// `warned` (the points behind live warnings, the default), `all`, `none`, or `station/point,…`.
    points: Option<String>,
}

/// Which points a stream carries.
enum Wanted {
    Warned,
    All,
    Only(BTreeSet<PointIx>),
}

impl Wanted {
    fn read(text: Option<&str>, shared: &Shared) -> Result<Self, Problem> {
        match text.unwrap_or("warned") {
            "warned" => Ok(Self::Warned),
            "all" => Ok(Self::All),
            "none" => Ok(Self::Only(BTreeSet::new())),
            list => {
                let names: Vec<&str> = list.split(',').take(NAMED_MAX + 1).collect();
                if names.len() > NAMED_MAX {
                    return Err(Problem::bad_request(format!("a stream carries at most {NAMED_MAX} named points")));
                }
                let find = |name: &str| {
                    let (station, point) = name.split_once('/')?;
                    shared.directory.point_ix(station, point)
                };
                let found = names.iter().map(|name| find(name).ok_or_else(|| Problem::not_found("point", name)));
                Ok(Self::Only(found.collect::<Result<_, _>>()?))
            }
        }
    }
    fn has(&self, ix: PointIx, warned: &BTreeSet<PointIx>) -> bool {
        match self {
            Self::Warned => warned.contains(&ix),
            Self::All => true,
            Self::Only(points) => points.contains(&ix),
        }
    }
}

/// One point's last word: `[station, point, observed_at, value or null, QARTOD flag]`.
type PointEvent<'a> = (&'a str, &'a str, Timestamp, Option<f64>, u8);

fn point_events<'a>(
    shared: &'a Shared,
    wanted: &Wanted,
    warned: &BTreeSet<PointIx>,
    points: impl Iterator<Item = (PointIx, Latest)>,
) -> Vec<PointEvent<'a>> {
    points
        .filter(|(ix, _)| wanted.has(*ix, warned))
        .filter_map(|(ix, latest)| {
            let name = shared.directory.point_name(ix)?;
            Some((name.station, name.point, latest.observed_at, latest.value.ok(), latest.flag.code()))
        })
        .collect()
}

#[derive(Serialize)]
struct Snapshot<'a> {
    now: Timestamp,
    site: SiteShown<'a>,
    version: u64,
    warnings: Vec<&'a RawValue>,
    points: Vec<PointEvent<'a>>,
    unjournaled: u64,
}

#[derive(Serialize)]
struct Beat<'a> {
    now: Timestamp,
    desk_alive: bool,
    field: Field,
    sources: Vec<SourceShown<'a>>,
    stores: Vec<crate::metrics::StoreState>,
    #[serde(flatten)]
    trouble: Trouble<'a>,
}

/// One screen's stream.
struct Screen {
    shared: Arc<Shared>,
    /// Who looks; the stream ends when they may no longer.
    caller: Caller,
    wanted: Wanted,
    desk: watch::Receiver<Arc<DeskView>>,
    /// The last change it has; none: it needs a snapshot.
    seen: Option<u64>,
    ready: VecDeque<Event>,
    looks: Interval,
    beat_at: Option<Instant>,
    _open: OpenStream,
    _place: OwnedSemaphorePermit,
}

/// `GET /api/v1/stream`.
pub(super) async fn open(
    state: State,
    caller: Caller,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let shared = Arc::clone(&state);
    let wanted = Wanted::read(asked.points.as_deref(), &shared)?;
    let place = Arc::clone(&shared.streams).try_acquire_owned();
    let place =
        place.map_err(|_| Problem::unavailable(format!("{STREAMS_MAX} streams are open, which is the most")))?;
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| {
        let (epoch, id) = id.split_once('-')?;
        (epoch.parse() == Ok(shared.feed.epoch)).then_some(id.parse().ok()?)
    });
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let screen = Screen {
        caller,
        wanted,
        desk: shared.api.views.desk.clone(),
        seen,
        ready: VecDeque::new(),
        looks,
        beat_at: None,
        _open: shared.api.metrics.stream_opened(),
        _place: place,
        shared,
    };
    let events = stream::unfold(screen, |mut screen| async move {
        let event = screen.next().await?;
        Some((Ok::<_, Infallible>(event), screen))
    });
    let mut response = Sse::new(events).into_response();
    response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

impl Screen {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            tokio::select! {
                biased;
                () = self.shared.api.stop.cancelled() => return None,
                // An error: the duty loop has ended. The beat says so; the stream goes on as long as the process does.
                Ok(()) = self.desk.changed() => {}
                _ = self.looks.tick() => {}
            }
            if self.beat_is_due() && !self.shared.api.access.still_holds(&self.caller) {
                return None;
            }
            let outlooks = self.shared.api.views.outlooks.now().await;
            self.gather(&outlooks);
        }
    }

    fn beat_is_due(&self) -> bool {
        self.beat_at.is_none_or(|at| at.elapsed() >= BEAT)
    }

    /// Makes events of what this screen does not have yet.
    fn gather(&mut self, outlooks: &Arc<Known>) {
        let shared = Arc::clone(&self.shared);
        let epoch = shared.feed.epoch;
        shared.feed.with(&shared, outlooks, |feed| {
            let oldest = feed.ring.front().map_or(feed.last_id + 1, |frame| frame.id);
            match self.seen {
                Some(seen) if seen + 1 >= oldest && seen <= feed.last_id => {
                    for frame in feed.ring.iter().filter(|frame| frame.id > seen) {
                        let (kind, text) = match &frame.change {
                            Change::Desk(text) => ("desk", text.clone()),
                            Change::Points(points) => {
                                let events = point_events(&shared, &self.wanted, &feed.warned, points.iter().copied());
                                if events.is_empty() {
                                    continue;
                                }
                                ("points", written(&events))
                            }
                        };
                        self.ready
                            .push_back(Event::default().id(format!("{epoch}-{}", frame.id)).event(kind).data(text));
                    }
                }
                Some(_) | None => self.ready.push_back(self.snapshot(feed)),
            }
            self.seen = Some(feed.last_id);
            if self.beat_is_due() {
                self.beat_at = Some(Instant::now());
                self.ready.push_back(beat(&shared, feed.field));
            }
        });
    }

    fn snapshot(&self, feed: &Inner) -> Event {
        let shared = &self.shared;
        let all = (0_u32..).map(PointIx).zip(&feed.points).filter_map(|(ix, latest)| Some((ix, (*latest)?)));
        let snapshot = Snapshot {
            now: shared.now(),
            site: site_shown(shared),
            version: feed.desk.map_or(0, |(version, _)| version),
            warnings: feed.warnings.iter().map(|(_, text)| &**text).collect(),
            points: point_events(shared, &self.wanted, &feed.warned, all),
            unjournaled: shared.api.views.desk.borrow().unjournaled,
        };
        let id = format!("{}-{}", shared.feed.epoch, feed.last_id);
        Event::default().id(id).event("snapshot").retry(Duration::from_secs(2)).data(written(&snapshot))
    }
}

fn beat(shared: &Shared, field: Field) -> Event {
    let sources = shared.api.views.sources.iter().map(|source| SourceShown::of(source, Vec::new())).collect();
    let stores = shared.api.metrics.stores();
    let desk = shared.api.views.desk.borrow().clone();
    let trouble = trouble(&shared.directory, &desk);
    let beat = Beat { now: shared.now(), desk_alive: shared.desk_alive(), field, sources, stores, trouble };
    Event::default().event("beat").data(written(&beat))
}
