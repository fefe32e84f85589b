//! A broker, the daemon and a receiving platform, put together; and a sensor that speaks to the broker.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use watchfire::storage::series::embedded::SeriesReader;
use watchfire_model::time::Timestamp;
use watchfire_tests::harness::broker::Broker;
use watchfire_tests::harness::daemon::Daemon;
use watchfire_tests::harness::publisher::{Publisher, Qos};
use watchfire_tests::harness::wait;

use super::platform::{Heard, Receiving};
use super::site::{self, Station};

/// How soon a fresh reading must have passed once a fault is over.
pub(crate) const SOON: Duration = Duration::from_secs(5);

/// The point that every station of these tests has.
pub(crate) const POINT: &str = "stage";

/// Milliseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("this is after 1970");
    i64::try_from(since.as_millis()).expect("this is before the year 292277025")
}

/// Everything, running.
#[derive(Debug)]
pub(crate) struct Stage {
    // The daemon is dropped first: what it says last is about a world that is still there.
    pub(crate) daemon: Daemon,
    pub(crate) platform: Receiving,
    pub(crate) broker: Broker,
}

impl Stage {
    /// A site of these stations, heard: the session is there and the topics are subscribed.
    pub(crate) fn start(stations: &[Station]) -> Self {
        let mut stage = Self::prepare(stations);
        stage.daemon.run();
        stage.connected();
        stage
    }

    /// The same with the daemon not yet started.
    pub(crate) fn prepare(stations: &[Station]) -> Self {
        let broker = Broker::start();
        let platform = Receiving::start();
        let daemon = Daemon::with(&site::site(&broker.url(), &platform.url(), stations));
        Self { daemon, platform, broker }
    }

    /// Waits until the broker has taken our subscriptions: a probe that comes back through the daemon says so.
    pub(crate) fn connected(&self) {
        wait::until("the daemon to be connected", || {
            self.daemon.metric("watchfire_source_connected").filter(|connected| *connected > 0.5)
        });
    }

    /// A sensor's connection.
    pub(crate) fn sensor(&self) -> Sensor {
        Sensor {
            link: Publisher::connect(&self.broker.address(), "sensor").expect("the broker takes connections"),
            sent: 0,
            spoke_at: 0,
        }
    }

    /// A sensor that has said of each of these stations, often enough to be believed, that it is calm there.
    pub(crate) fn calm(&self, stations: &[&str]) -> Sensor {
        let mut sensor = self.sensor();
        for _ in 0..5 {
            stations.iter().for_each(|station| sensor.says(station, 1.0));
        }
        sensor
    }

    /// The source's health, as the API shows it.
    pub(crate) fn source(&self) -> Value {
        self.daemon.json("/api/v1/health")["sources"][0].clone()
    }

    /// A point's last word, as the API shows it.
    pub(crate) fn point(&self, station: &str) -> Value {
        self.daemon.json(&format!("/api/v1/points/{station}/{POINT}"))
    }

    /// Bulletins about an area through a channel, in order.
    pub(crate) fn bulletins(&self, channel: &str, area: &str) -> Vec<Heard> {
        let mut heard = self.platform.heard();
        heard.retain(|bulletin| bulletin.channel == channel && bulletin.area == area);
        heard
    }

    /// Waits for a bulletin of a class and a grade about an area through a channel.
    pub(crate) fn hears(&self, patience: Duration, channel: &str, area: &str, class: &str, grade: &str) -> Heard {
        wait::within(patience, &format!("{class} {grade} of {area} through {channel}"), || {
            let heard = self.bulletins(channel, area);
            heard.into_iter().find(|bulletin| bulletin.class == class && bulletin.grade == grade)
        })
    }

    /// A station without a grade goes to red, and both audiences hear it soon: the end of every story here.
    pub(crate) fn fresh_crossing_passes(&self, sensor: &mut Sensor, station: &str) {
        sensor.says(station, 1.0);
        sensor.says(station, 45.0);
        for channel in ["duty", "public"] {
            self.hears(SOON, channel, station, "warning.raised", "red");
        }
    }
}

/// A sensor that numbers what it says, and says no two things in one millisecond: the second would correct the first.
#[derive(Debug)]
pub(crate) struct Sensor {
    link: Publisher,
    sent: u64,
    spoke_at: i64,
}

impl Sensor {
    /// Says a value now, and waits until the broker has taken it.
    pub(crate) fn says(&mut self, station: &str, value: f64) {
        self.spoke_at = wait::until("the next millisecond", || Some(now()).filter(|now| *now > self.spoke_at));
        self.sends(station, payload(station, self.spoke_at, value).as_bytes());
    }

    /// Sends any payload on a station's topic, and waits until the broker has taken it.
    pub(crate) fn sends(&mut self, station: &str, payload: &[u8]) {
        self.sent += 1;
        self.link.publish(self.sent, &topic(station), payload, Qos::AtLeastOnce).expect("the broker is there");
        self.link.settle().expect("the broker is there");
    }
}

/// A station's topic.
pub(crate) fn topic(station: &str) -> String {
    format!("sensors/{station}")
}

/// One reading.
pub(crate) fn payload(station: &str, at: i64, value: f64) -> String {
    format!(r#"{{"id":"{station}","v":{value},"ts":{at}}}"#)
}

/// What the embedded store holds of a station: time and value, in order.
pub(crate) fn stored(daemon: &Daemon, station: &str) -> Vec<(i64, Option<f64>)> {
    let reader = SeriesReader::open(&daemon.data_dir().join("series.db")).expect("the store can be read");
    let samples = reader.range(station, POINT, Timestamp(0), Timestamp(i64::MAX), usize::MAX);
    samples.expect("the store can be read").into_iter().map(|sample| (sample.at.0, sample.value)).collect()
}
