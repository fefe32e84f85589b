//! A journal in memory, which the test tells when to sync; and the source under test around it.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use watchfire_connectors::config::{Codec, MqttBinding, MqttConfig, Subscription};
use watchfire_connectors::health::SourceHealth;
use watchfire_connectors::intake::{Intake, Offer};
use watchfire_connectors::source::{Surroundings, mqtt};
use watchfire_model::durable::{Durable, Synced};
use watchfire_model::id::{PointIx, Seq, SourceName};
use watchfire_model::quantity::Bad;
use watchfire_model::reading::Reading;
use watchfire_model::row::{LinkChange, Row};
use watchfire_model::time::{Timestamp, Zone};

/// Longest wait for anything. A test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for `what`; fails the test where it does not come.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited {PATIENCE:?} for {what}"),
    }
}

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    within(what, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// What a source needs around it; the clock is real, chance is not.
pub(crate) fn surroundings(name: &str, kind: &'static str, room: usize) -> (Surroundings, Journal) {
    let (tx, offers) = mpsc::channel(room);
    let clock = Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
        Timestamp(i64::try_from(since.as_millis()).expect("it is before the year 292 million"))
    });
    let chance = AtomicU64::new(1);
    let around = Surroundings {
        intake: Intake::new(tx, clock),
        health: Arc::new(SourceHealth::new(SourceName::from(name), kind)),
        zone: Zone::default(),
        jitter: Arc::new(move || {
            let step = chance.fetch_add(7, Ordering::Relaxed) % 10;
            f64::from(u32::try_from(step).unwrap_or(0)) / 10.0
        }),
        cancel: CancellationToken::new(),
        heard_before: None,
    };
    (around, Journal { offers, seq: 0, rows: Vec::new() })
}

/// Takes offers when the test says so.
pub(crate) struct Journal {
    offers: mpsc::Receiver<Offer>,
    seq: u64,
    /// Rows taken and not yet looked at.
    rows: Vec<Row>,
}

/// An offer that is not on disk yet.
pub(crate) struct Pending {
    pub(crate) rows: Vec<Row>,
    done: Option<oneshot::Sender<Durable<Seq>>>,
}

impl Journal {
    /// The next offer, not synced.
    pub(crate) async fn pending(&mut self) -> Pending {
        let offer = within("an offer", self.offers.recv()).await.expect("the source runs");
        Pending { rows: offer.rows, done: offer.done }
    }

    /// Syncs an offer.
    pub(crate) fn sync(&mut self, pending: Pending) {
        self.seq += 1;
        self.rows.extend(pending.rows);
        if let Some(done) = pending.done {
            // A source that has stopped no longer waits; the rows are on disk all the same.
            drop(done.send(Durable::new(Seq(self.seq), &Synced::by_this_log())));
        }
    }

    /// Syncs whatever comes until a reading does; returns it.
    pub(crate) async fn reading(&mut self) -> Reading {
        loop {
            if let Some(at) = self.rows.iter().position(|row| matches!(row, Row::Reading(_))) {
                self.rows.drain(..at);
                if let Row::Reading(reading) = self.rows.remove(0) {
                    return reading;
                }
            }
            let pending = self.pending().await;
            self.sync(pending);
        }
    }

    /// Syncs whatever comes until a link changes; returns it.
    pub(crate) async fn link(&mut self) -> LinkChange {
        loop {
            if let Some(at) = self.rows.iter().position(|row| matches!(row, Row::Link(_))) {
                self.rows.drain(..at);
                if let Row::Link(change) = self.rows.remove(0) {
                    return change;
                }
            }
            let pending = self.pending().await;
            self.sync(pending);
        }
    }

    /// The next `n` values, as point and number.
    pub(crate) async fn values(&mut self, n: usize) -> Vec<(u32, Result<f64, Bad>)> {
        let mut values = Vec::new();
        for _ in 0..n {
            let reading = self.reading().await;
            values.push((reading.point.0, reading.value.map(f64::from)));
        }
        values
    }
}

/// A connection to `port` that reads `{"id":"0","v":…}` to `{"id":"9",…}` from `sensors/#`.
pub(crate) fn county(port: u16, qos: u8) -> MqttConfig {
    let named =
        Codec::Named { id: "/id".to_owned(), value: "/v".to_owned(), time: Some("/ts".to_owned()), state: None };
    MqttConfig {
        name: SourceName::from("county"),
        host: "localhost".to_owned(),
        port,
        tls: None,
        client_id: "watchfire-test".to_owned(),
        username: None,
        password: None,
        keep_alive: Duration::from_secs(2),
        max_packet_bytes: 16 << 10,
        subscriptions: vec![Subscription { filter: "sensors/#".to_owned(), qos, codec: named }],
        bindings: (0..10)
            .map(|point| MqttBinding {
                point: PointIx(point),
                topic: None,
                pointer: None,
                state_pointer: None,
                key: Some(point.to_string().into()),
                scale: 1.0,
                offset: 0.0,
                sentinels: Vec::new(),
            })
            .collect::<Vec<_>>()
            .into(),
    }
}

/// A running source.
pub(crate) struct Running {
    pub(crate) health: Arc<SourceHealth>,
    cancel: CancellationToken,
    tasks: JoinSet<()>,
}

impl Running {
    /// Runs a broker connection, as the daemon's topology does.
    pub(crate) fn mqtt(config: MqttConfig, around: Surroundings) -> Self {
        let (health, cancel) = (Arc::clone(&around.health), around.cancel.clone());
        let (listener, reader) = mqtt::parts(config, around).expect("a sound configuration");
        let (tx, rx) = mpsc::channel(mqtt::HEARD);
        let mut tasks = JoinSet::new();
        tasks.spawn(listener.run(tx));
        tasks.spawn(reader.run(rx));
        Self { health, cancel, tasks }
    }

    /// Runs any one future of a source.
    pub(crate) fn one(around: &Surroundings, future: impl Future<Output = ()> + Send + 'static) -> Self {
        let mut tasks = JoinSet::new();
        tasks.spawn(future);
        Self { health: Arc::clone(&around.health), cancel: around.cancel.clone(), tasks }
    }

    /// Stops it as the daemon does, with a farewell.
    pub(crate) async fn stop(mut self) {
        self.cancel.cancel();
        within("the source to stop", async { while self.tasks.join_next().await.is_some() {} }).await;
    }

    /// Ends it as a crash does.
    pub(crate) async fn crash(mut self) {
        self.tasks.shutdown().await;
    }
}

/// `Some` or the test has failed.
pub(crate) fn some<T: Debug>(what: &str, value: Option<T>) -> T {
    value.unwrap_or_else(|| panic!("there is no {what}"))
}
