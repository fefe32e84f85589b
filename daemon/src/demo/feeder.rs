//! Plays the recordings: moves the story's clock, publishes what the field would have sent by then, and waits until the
//! daemon has heard it before the clock moves on. Sockets live in real time, the story in its own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use watchfire_connectors::health::SourceHealth;
use watchfire_connectors::link::mqtt::publisher::Publisher;
use watchfire_model::time::{Now, Span, Steady, Timestamp};

use super::recordings::{self as files, Recording, RecordingError};
use super::simulator::{Device, METHANE, METHANE_STATE, PORE_PRESSURE, longwall};
use super::story::{self, Pace, shifts};
use crate::clock::{Clock, Stopwatch};

/// Real time between two steps of the story.
const STEP: Duration = Duration::from_millis(20);
/// How long the story waits for the daemon to hear a step.
const PATIENCE: Duration = Duration::from_secs(5);
/// How far back a resumed story sends once more: its longest step.
const AGAIN: Span = Span::hours(12);
/// Publication times kept to tell the seconds from a reading to its receipt.
const KEPT: usize = 4_096;

/// The stations behind the Modbus device.
const MODBUS_STATIONS: [&str; 2] = ["longwall", "mvd116"];

/// How each recorded series goes over the wire.
struct Line {
    recording: Recording,
    topic: &'static str,
    key: &'static str,
    next: usize,
}

/// When each reading left its sensor: (its time, station) → a running stopwatch. Bounded, the oldest go first.
#[derive(Clone, Default)]
pub(crate) struct Departures(Arc<Mutex<BTreeMap<(Timestamp, &'static str), Stopwatch>>>);

impl Departures {
    fn note(&self, station: &'static str, at: Timestamp) {
        let mut kept = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.pop_first();
        }
        kept.insert((at, station), Stopwatch::start());
    }
    /// Seconds since that reading left.
    pub(crate) fn since(&self, station: &str, at: Timestamp) -> Option<f64> {
        let kept = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        kept.range((at, "")..)
            .take_while(|((when, _), _)| *when == at)
            .find_map(|((_, who), watch)| (*who == station).then(|| watch.seconds()))
    }
}

/// What has been played.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// Readings published over MQTT.
    pub(crate) published: AtomicU64,
    /// Whether the story is over.
    pub(crate) over: std::sync::atomic::AtomicBool,
}

/// Plays the story.
pub(crate) struct Feeder {
    /// The story's clock.
    pub(crate) clock: Clock,
    /// To the broker.
    pub(crate) publisher: Publisher,
    /// The device behind Modbus.
    pub(crate) device: Device,
    /// How the daemon's MQTT source is doing.
    pub(crate) heard: Arc<SourceHealth>,
    /// A station that stops reporting, and from when to when.
    pub(crate) lost: (String, std::ops::Range<Timestamp>),
    /// Story speed; 1 is the story's own pace.
    pub(crate) speed: f64,
    /// For the screen.
    pub(crate) departures: Departures,
    /// For the summary.
    pub(crate) played: Arc<Played>,
    /// Ends the story early.
    pub(crate) stop: CancellationToken,
}

impl Feeder {
    /// Until the story is over or stopped.
    pub(crate) async fn run(mut self) -> Result<(), RecordingError> {
        let mut lines = lines()?;
        let pore = files::read("pore pressure", files::PORE_PRESSURE, "mvd116", shifts::pore_pressure())?;
        let begin = self.clock.now().wall;
        let mut pace = Pace::new(self.speed, begin);
        // A run that was cut short may have sent what nobody acknowledged: loggers send it again.
        let from = (begin - AGAIN).max(story::beginning());
        let mut beat = tokio::time::interval(STEP);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let step_ms = STEP.as_secs_f64() * 1_000.0;
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                _ = beat.tick() => {}
            }
            let Some(now) = pace.next(step_ms) else { break };
            self.clock.set(Now { wall: now, steady: Steady((now - story::beginning()).0) });
            self.turn_device(now, &pore);
            for line in &mut lines {
                self.publish_until(line, from, now).await;
            }
            self.wait_until_heard().await;
        }
        self.played.over.store(true, Ordering::Release);
        Ok(())
    }

    /// What was observed from `from` until `now`.
    async fn publish_until(&mut self, line: &mut Line, from: Timestamp, now: Timestamp) {
        while let Some(sample) = line.recording.samples.get(line.next).filter(|sample| sample.at <= now) {
            line.next += 1;
            let station = line.recording.station;
            let (lost, when) = &self.lost;
            if (lost == station && when.contains(&sample.at)) || sample.at < from {
                continue;
            }
            let payload = format!("{{\"time\":\"{}\",\"{}\":{}}}", sample.at, line.key, sample.value);
            self.departures.note(station, sample.at);
            if self.publisher.publish(line.topic, payload.into_bytes()).await.is_ok() {
                self.played.published.fetch_add(1, Ordering::AcqRel);
            }
        }
    }

    fn turn_device(&self, now: Timestamp, pore: &Recording) {
        let (methane, state) = longwall(now - story::beginning());
        self.device.set(METHANE, methane);
        self.device.set(METHANE_STATE, u16::from(state.code()));
        let place = pore.samples.partition_point(|sample| sample.at <= now);
        let kpa = pore.samples.get(place.saturating_sub(1)).and_then(|sample| sample.value.parse::<f64>().ok());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 655 kPa fit the register")]
        let raw = (kpa.unwrap_or(0.0) * 100.0).round().clamp(0.0, 32_767.0) as u16;
        self.device.set(PORE_PRESSURE, raw);
        // A poll within this step reads what has just been set, and bears the step's time.
        for station in MODBUS_STATIONS {
            self.departures.note(station, now);
        }
    }

    async fn wait_until_heard(&mut self) {
        let published = self.played.published.load(Ordering::Acquire);
        let heard = async {
            while self.heard.readings.load(Ordering::Acquire) < published {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let _ = tokio::time::timeout(PATIENCE, heard).await;
    }
}

fn lines() -> Result<Vec<Line>, RecordingError> {
    let line = |recording, topic, key| Line { recording, topic, key, next: 0 };
    Ok(vec![
        line(files::read("Tacoma", files::RAIN_TACOMA, "tacoma", Span::ZERO)?, "usgs/tacoma", "rain_hundredths"),
        line(
            files::read("Seattle-Tacoma", files::RAIN_SEATAC, "seatac", Span::ZERO)?,
            "usgs/seatac",
            "rain_hundredths",
        ),
        line(
            files::read("discharge", files::DISCHARGE, "chickamauga", shifts::discharge())?,
            "usgs/03567500",
            "discharge",
        ),
        line(files::read("stage", files::STAGE, "hebden", shifts::stage())?, "ea/L1206", "stage"),
        line(
            files::read("carbon monoxide", files::CARBON_MONOXIDE, "roadside", shifts::carbon_monoxide())?,
            "uci/roadside",
            "co",
        ),
    ])
}
