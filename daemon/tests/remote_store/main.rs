//! Does the remote store get every reading once, whatever the server does? Against a stub that answers as it is told
//! (`stub.rs`), and against a real VictoriaMetrics (`victoria.rs`).

mod contract;
mod stub;
mod victoria;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use watchfire::config::settings::{InfluxConfig, Limits};
use watchfire::storage::DataDir;
use watchfire::storage::journal::Journal;
use watchfire::storage::names::{PointName, PointNames};
use watchfire::storage::series::influx::{InfluxFiles, Writer};
use watchfire::storage::series::{Judge, Progress, SeriesStore, Trouble, Verdict};
use watchfire_connectors::config::Secret;
use watchfire_model::id::{PointIx, Seq};
use watchfire_model::quality::Flag;
use watchfire_model::quantity::Finite;
use watchfire_model::reading::{PointState, Reading};
use watchfire_model::row::Row;
use watchfire_model::time::{Now, Timestamp};

/// A journal, and what it takes to set a store up beside it.
pub(crate) struct Kept {
    pub(crate) data: DataDir,
    pub(crate) journal: Journal,
    pub(crate) durable: Seq,
    names: Arc<PointNames>,
    // Removed when dropped.
    _home: tempfile::TempDir,
}

impl Kept {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        let data = DataDir::open(home.path()).expect("free");
        let names: Arc<PointNames> = Arc::new(
            [("青石 站", "stage"), ("下坝", "stage"), ("ridge-3", "rain")]
                .map(|(station, point)| PointName {
                    station: station.into(),
                    point: point.into(),
                    quantity: point.into(),
                })
                .into_iter()
                .collect(),
        );
        let (mut journal, _) = Journal::open(&data.journal(), &Limits::default()).expect("opens");
        journal.name_points(Arc::clone(&names));
        Self { data, journal, durable: Seq(0), names, _home: home }
    }

    /// Hears readings of the three points in turn: (time in ms, value).
    pub(crate) fn hear(&mut self, readings: &[(i64, f64)]) {
        let rows: Vec<Row> = readings
            .iter()
            .zip([0, 1, 2].into_iter().cycle())
            .map(|((at, value), point)| {
                Row::Reading(Reading {
                    point: PointIx(point),
                    observed_at: Timestamp(*at),
                    received_at: Timestamp(*at),
                    value: Finite::new(*value),
                    state: PointState::Normal,
                    retained: false,
                })
            })
            .collect();
        self.journal.append(Now::at(readings.first().map_or(0, |first| first.0)), &rows).expect("taken in");
        self.durable = *self.journal.sync().expect("synced").get();
    }

    pub(crate) fn names(&self) -> Arc<PointNames> {
        Arc::clone(&self.names)
    }

    pub(crate) fn files(&self) -> InfluxFiles {
        InfluxFiles::of(&self.data, "remote")
    }

    pub(crate) fn store(&self, port: u16) -> Writer {
        let config = InfluxConfig {
            name: "remote".into(),
            url: format!("http://127.0.0.1:{port}"),
            org: "county".into(),
            bucket: "water".into(),
            token: Some(Secret::new("t0ken".into())),
            timeout: Duration::from_millis(1_500),
            batch: 1_024,
        };
        Writer::open(&config, &self.files(), self.names(), good(), Box::new(|| 0.5)).expect("set up")
    }
}

pub(crate) fn good() -> Judge {
    Box::new(|_, row, _| {
        let Row::Reading(reading) = row else { return None };
        Some(Verdict::of(Flag::Good, reading))
    })
}

/// Steps until there is nothing to do. Panics on trouble.
pub(crate) fn drain(store: &mut dyn SeriesStore, durable: Seq) -> u64 {
    let mut readings = 0;
    loop {
        match store.step(durable) {
            Progress::Idle => return readings,
            Progress::Wrote { readings: some, .. } => readings += some,
            Progress::Lost(gap) => panic!("{gap:?}"),
            Progress::Trouble { why, .. } => panic!("{why}"),
        }
    }
}

/// Steps until there is trouble; which, why, and how long to wait.
pub(crate) fn until_trouble(store: &mut dyn SeriesStore, durable: Seq) -> (Trouble, String, Duration) {
    loop {
        match store.step(durable) {
            Progress::Wrote { .. } => {}
            Progress::Trouble { trouble, why, pause } => return (trouble, why, pause),
            Progress::Idle => panic!("no trouble"),
            Progress::Lost(gap) => panic!("{gap:?}"),
        }
    }
}

pub(crate) fn text_of(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

pub(crate) fn some_readings(n: i64, from: i64) -> Vec<(i64, f64)> {
    (0..n).map(|k| (from + k * 250, f64::from(i32::try_from(k * 37 % 9_000).expect("small")) / 1_000.0)).collect()
}
