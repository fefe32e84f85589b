//! What did a point measure? Stored readings, thinned so that every peak and trough stays.

use axum::extract::{Path, Query};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::timeout;
use watchfire_model::grade::PerGrade;
use watchfire_model::ladder::Direction;
use watchfire_model::quality::Flag;
use watchfire_model::scale::{Mark, Scale};
use watchfire_model::time::{Span, Timestamp};

use super::directory::PointName;
use super::paging::write;
use super::problem::Problem;
use super::{ANSWER_WITHIN, State};

/// Buckets where none are asked for: about one for each two pixels of a screen.
const USUAL_BUCKETS: u32 = 600;
/// Most buckets.
const MOST_BUCKETS: u32 = 5_000;
/// The usual look back.
const USUAL_RANGE: Span = Span::days(1);
/// The longest look back.
const LONGEST_RANGE: Span = Span::days(20 * 366);

/// One stored reading.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// When: the sensor's time.
    pub at: Timestamp,
    /// In the point's unit; none where no usable number was sent.
    pub value: Option<f64>,
    /// How far it could be trusted.
    pub flag: Flag,
}

/// Stored readings could not be read.
#[derive(Debug, thiserror::Error)]
#[error("stored readings cannot be read: {0}")]
pub struct HistoryError(pub String);

/// Stored readings, to look at.
pub trait History: Send + Sync + 'static {
    /// Readings of one point with `from <= at < to`, in the order of time. Where there are more than `buckets` allow, each
    /// bucket keeps its lowest and its highest. Blocks: called off the async threads' way.
    fn readings(
        &self,
        station: &str,
        point: &str,
        from: Timestamp,
        to: Timestamp,
        buckets: usize,
    ) -> Result<Vec<Sample>, HistoryError>;
}

/// No store at all: a daemon that only judges.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHistory;

impl History for NoHistory {
    fn readings(&self, _: &str, _: &str, _: Timestamp, _: Timestamp, _: usize) -> Result<Vec<Sample>, HistoryError> {
        Ok(Vec::new())
    }
}

/// What may be asked of history.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Milliseconds since 1970, or RFC 3339; a day before `to` by default.
    from: Option<String>,
    /// The same; now by default. Not included.
    to: Option<String>,
    buckets: Option<u32>,
    /// In whose words flags are told: `qartod` (the default), `fews` or `waterml`.
    #[serde(default)]
    flags: Scale,
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    name: PointName<'a>,
    from: Timestamp,
    to: Timestamp,
    thresholds: &'a PerGrade<Option<f64>>,
    direction: Direction,
    flags: Scale,
    /// `[time, value or null, flag]`.
    samples: Vec<(Timestamp, Option<f64>, Mark)>,
}

/// `GET /api/v1/points/{station}/{point}/readings`.
pub(super) async fn readings(
    state: State,
    Path((station, point)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let missing = || Problem::not_found("point", &format!("{station}/{point}"));
    let ix = state.directory.point_ix(&station, &point).ok_or_else(missing)?;
    let known = state.directory.site().point(ix).ok_or_else(missing)?;
    let name = state.directory.point_name(ix).ok_or_else(missing)?;
    let to = asked.to.as_deref().map_or_else(|| Ok(state.now() + Span(1)), |text| read_time("to", text))?;
    let from = asked.from.as_deref().map_or_else(|| Ok(to - USUAL_RANGE), |text| read_time("from", text))?;
    if from >= to {
        return Err(Problem::bad_request("`from` is not before `to`"));
    }
    if to - from > LONGEST_RANGE {
        return Err(Problem::bad_request("`from` and `to` are more than twenty years apart"));
    }
    let buckets = asked.buckets.unwrap_or(USUAL_BUCKETS).clamp(1, MOST_BUCKETS);
    let buckets = usize::try_from(buckets).unwrap_or(1);
    let turn = timeout(ANSWER_WITHIN / 2, state.readers.acquire()).await;
    let Ok(Ok(_turn)) = turn else {
        return Err(Problem::unavailable("too many are reading history; try again"));
    };
    let read = || state.api.history.readings(&station, &point, from, to, buckets);
    let samples = off_the_way(read).map_err(|error| {
        tracing::error!(%error, station, point, "history cannot be shown");
        Problem::unavailable("stored readings can't be read now")
    })?;
    write(&Shown {
        name,
        from,
        to,
        thresholds: &known.thresholds,
        direction: known.direction,
        flags: asked.flags,
        samples: samples.into_iter().map(|it| (it.at, it.value, asked.flags.mark(it.flag))).collect(),
    })
}

/// Runs what blocks without holding up the other tasks of this thread.
fn off_the_way<T>(read: impl FnOnce() -> T) -> T {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => tokio::task::block_in_place(read),
        // A runtime of one thread (tests in virtual time) has nowhere else to go.
        _ => read(),
    }
}

pub(super) fn read_time(name: &str, text: &str) -> Result<Timestamp, Problem> {
    let ms = match text.parse::<i64>() {
        Ok(ms) => Some(ms),
        Err(_) => text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond),
    };
    // Year 1 to 9999, so that differences stay far from the type's ends.
    ms.filter(|ms| (-62_135_596_800_000..=253_402_300_799_999).contains(ms)).map(Timestamp).ok_or_else(|| {
        Problem::bad_request(format!(
            "`{name}` is neither milliseconds since 1970 nor RFC 3339, such as 2026-08-01T14:30:00+08:00"
        ))
    })
}
