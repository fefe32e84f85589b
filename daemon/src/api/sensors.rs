//! Sensors that people look after: which are being calibrated and why, and what people ask of one:
//! `POST /api/v1/sensors/{station}/{point}/{act}`. Answered once it is judged by.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, State as Extract};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use watchfire_model::command::Act;
use watchfire_model::incident::Sensor;
use watchfire_model::time::{Span, Timestamp};
use watchfire_model::upkeep::{AskedCalibration, Calibration, Invalidation, Tending};

use super::acts::{Asks, carry_out};
use super::directory::Directory;
use super::history::read_time;
use super::paging::{page, write};
use super::problem::{Problem, read_json};
use super::{Shared, State};

/// Longest wait until what was granted is judged by.
const DONE_WITHIN: Duration = Duration::from_secs(3);

/// What may be asked of a sensor.
pub(super) const ACTS: [&str; 5] = ["calibrate", "return", "accept", "commission", "invalidate"];

/// A page of sensors.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    limit: Option<u32>,
    /// The cursor of the page before.
    after: Option<String>,
}

/// The body of an act.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wished {
    /// The person for whom a machine acts. A person acts as whoever they signed in as.
    who: Option<String>,
    /// Why.
    why: String,
    /// `calibrate`: for how long, such as `30m`.
    lasting: Option<String>,
    /// `invalidate`: from when, RFC 3339.
    from: Option<String>,
    /// `invalidate`: to when, the end included.
    to: Option<String>,
}

/// A sensor.
#[derive(Serialize)]
struct SensorShown<'a> {
    station: &'a str,
    station_name: &'a str,
    point: &'a str,
    calibration: Option<&'a Calibration>,
    /// A calibration that waits for a second person.
    asked: Option<&'a AskedCalibration>,
    commissioned: Option<Commissioned>,
    /// What it said of a time and is no measurement, with what rests on it.
    invalidated: Option<&'a Invalidation>,
}

/// A device that was taken over, and how it joins on to the one before it; in the point's unit.
#[derive(Serialize)]
struct Commissioned {
    at: Timestamp,
    last: Option<f64>,
    first: Option<f64>,
    /// From the last value of the one before to the first of this one.
    jump: Option<f64>,
    /// What its neighbours lead to expect.
    expected: Option<f64>,
}

impl<'a> SensorShown<'a> {
    fn of(directory: &'a Directory, tending: &'a Tending) -> Self {
        let station = tending.sensor.station.as_str();
        let commissioned = tending.commissioned.map(|(at, swap)| Commissioned {
            at,
            last: swap.map(|swap| swap.last),
            first: swap.map(|swap| swap.first),
            jump: swap.map(|swap| swap.first - swap.last),
            expected: swap.and_then(|swap| swap.expected),
        });
        Self {
            station,
            station_name: directory.station(station).map_or(station, |station| &station.name),
            point: tending.sensor.point.as_str(),
            calibration: tending.calibration.as_ref(),
            asked: tending.asked.as_ref(),
            commissioned,
            invalidated: tending.invalidated.as_deref(),
        }
    }
}

/// `GET /api/v1/sensors`: those that people look after, or have taken over.
pub(super) async fn list(state: State, Query(asked): Query<Asked>) -> Result<Response, Problem> {
    let desk = state.api.views.desk.borrow().clone();
    let has_news = |it: &&Arc<Tending>| {
        it.calibration.is_some() || it.asked.is_some() || it.commissioned.is_some() || it.invalidated.is_some()
    };
    let key = |it: &&Arc<Tending>| it.sensor.to_string();
    page(
        desk.sensors.iter().filter(has_news),
        asked.limit,
        |it| asked.after.as_ref().is_some_and(|after| key(it) <= *after),
        key,
        |it| SensorShown::of(&state.directory, it),
    )
}

/// `GET /api/v1/sensors/{station}/{point}`.
pub(super) async fn show(state: State, Path((station, point)): Path<(String, String)>) -> Result<Response, Problem> {
    let sensor = Sensor { station: station.into(), point: point.into() };
    answer(&state, &sensor)
}

fn answer(shared: &Shared, sensor: &Sensor) -> Result<Response, Problem> {
    let site = &shared.api.views.site;
    if site.find_point(sensor.station.as_str(), sensor.point.as_str()).is_none() {
        return Err(Problem::not_found("sensor", &sensor.to_string()));
    }
    let desk = shared.api.views.desk.borrow().clone();
    let nothing = Tending::of(sensor.clone());
    let tending = desk.sensors.iter().find(|it| it.sensor == *sensor).map_or(&nothing, |it| it);
    write(&SensorShown::of(&shared.directory, tending))
}

/// `POST /api/v1/sensors/{station}/{point}/{act}`, an act of [`ACTS`].
pub(super) async fn act(
    act: &str,
    Extract(shared): Extract<Arc<Shared>>,
    Path((station, point)): Path<(String, String)>,
    asks: Asks,
    body: &Bytes,
) -> Result<Response, Problem> {
    let sensor = Sensor { station: station.into(), point: point.into() };
    let wished: Wished = read_json(body)?;
    let asked = wished.asks(act, sensor.clone())?;
    let command = carry_out(&shared, asks, wished.who.as_deref(), &wished.why, asked).await?;
    let mut desk = shared.api.views.desk.clone();
    let done = timeout(DONE_WITHIN, desk.wait_for(|view| !view.sensors_awaited.contains(&command))).await;
    if !matches!(done, Ok(Ok(_))) {
        return Err(Problem::unavailable(
            "it is granted and recorded, and not judged by yet: look before asking again",
        ));
    }
    answer(&shared, &sensor)
}

impl Wished {
    fn asks(&self, act: &str, sensor: Sensor) -> Result<Act, Problem> {
        Ok(match act {
            "calibrate" => Act::Calibrate { sensor, lasting: self.lasts()? },
            "return" => Act::GiveBack { sensor },
            "accept" => Act::AcceptCalibration { sensor },
            "commission" => Act::Commission { sensor },
            "invalidate" => {
                let (from, to) = (time("from", self.from.as_deref())?, time("to", self.to.as_deref())?);
                Act::Invalidate { sensor, from, to }
            }
            other => return Err(Problem::not_found("act", other)),
        })
    }

    fn lasts(&self) -> Result<Span, Problem> {
        let missing = || Problem::bad_request("`lasting` is missing: for how long, such as \"30m\"");
        let lasting = self.lasting.as_deref().ok_or_else(missing)?;
        lasting.parse().map_err(|error| Problem::bad_request(format!("`lasting`: {error}")))
    }
}

fn time(name: &str, text: Option<&str>) -> Result<Timestamp, Problem> {
    let missing = || Problem::bad_request(format!("`{name}` is missing: a time such as 2026-08-01T14:30:00+08:00"));
    read_time(name, text.ok_or_else(missing)?)
}
