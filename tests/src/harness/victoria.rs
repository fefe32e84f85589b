//! VictoriaMetrics as a store that speaks InfluxDB's write protocol, and reading back what it holds.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use tempfile::TempDir;

use super::http;
use super::process::{Process, command, free_port};

/// A running store.
#[derive(Debug)]
pub struct VictoriaMetrics {
    process: Process,
    folder: TempDir,
    port: u16,
}

/// One series as it is read back.
#[derive(Clone, Debug, Deserialize)]
pub struct Series {
    /// Labels; `__name__` is `measurement_field`.
    pub metric: BTreeMap<String, String>,
    /// Values, in order of time.
    pub values: Vec<f64>,
    /// Milliseconds since 1970.
    pub timestamps: Vec<i64>,
}

impl VictoriaMetrics {
    /// Empty.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let port = free_port();
        let process = run(folder.path(), port);
        Self { process, folder, port }
    }

    /// Its address, as a configuration names it.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The process, to stop, freeze or kill.
    pub const fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Comes back on the same port with what it had written.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start_again(&mut self) {
        self.process.kill();
        self.process = run(self.folder.path(), self.port);
    }

    /// Everything of the series that match a selector such as `{station="a"}`, as it was written.
    ///
    /// # Panics
    /// If the store does not answer.
    pub fn read(&self, selector: &str) -> Vec<Series> {
        // What was written a moment ago is not yet visible without this.
        let flushed = http::get(&format!("{}/internal/force_flush", self.url()));
        assert!(flushed.is_ok_and(|answer| answer.status == 200), "victoria-metrics does not answer");
        let form = format!("match[]={}&reduce_mem_usage=1", encoded(selector));
        let kind = "application/x-www-form-urlencoded";
        let answer = http::post(&format!("{}/api/v1/export", self.url()), kind, form).expect("the store answers");
        assert_eq!(answer.status, 200, "{}", answer.text());
        let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        answer.text().lines().map(line).collect()
    }

    /// How many values the matching series hold.
    ///
    /// # Panics
    /// If the store does not answer.
    pub fn count(&self, selector: &str) -> usize {
        self.read(selector).iter().map(|series| series.values.len()).sum()
    }
}

fn run(folder: &Path, port: u16) -> Process {
    let mut victoria = command("victoria-metrics");
    victoria
        .arg(format!("-storageDataPath={}", folder.join("data").display()))
        .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
        .arg("-retentionPeriod=100y")
        .arg("-search.latencyOffset=0s");
    let mut process = Process::start("victoria-metrics", victoria, &folder.join("victoria-metrics.log"));
    process.listening(port);
    process
}

/// A form's value.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |encoded, byte| {
        if byte.is_ascii_alphanumeric() {
            encoded + &char::from(byte).to_string()
        } else {
            encoded + &format!("%{byte:02X}")
        }
    })
}
