//! The binary itself, in a folder of its own: started, killed at any moment, started again on the same data, asked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};
use std::sync::OnceLock;
use std::time::Duration;

use tempfile::TempDir;

use super::http::{self, Answer};
use super::process::{Process, free_port};
use super::wait;

/// The binary under test: `WATCHFIRE_BIN` where `tests/run` has built it; else built now, with this test's profile, so
/// that no test ever judges yesterday's. That takes minutes, and waits for any other cargo of this target: a test that
/// seems to hang at its start is most likely here.
///
/// # Panics
/// If it cannot be built.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| std::env::var_os("WATCHFIRE_BIN").map_or_else(build, PathBuf::from))
}

fn build() -> PathBuf {
    // This test is target/<profile>/deps/<name>.
    let own = std::env::current_exe().expect("a test knows its own path");
    let folder = own.parent().and_then(Path::parent).expect("a test stands two folders below its profile's");
    let release = folder.file_name().is_some_and(|profile| profile == "release");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--package", "watchfire", "--bin", "watchfire"]);
    cargo.args(release.then_some("--release"));
    let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status();
    assert!(built.is_ok_and(|status| status.success()), "watchfire cannot be built");
    folder.join("watchfire")
}

/// The password of our admin.
const PASSWORD: &str = "lantern-over-the-weir-7";

/// Runs a command of the binary to its end.
///
/// # Panics
/// If it cannot be started.
pub fn command(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).output().expect("the binary can be started")
}

/// A daemon: its configuration and data, and its process while it runs.
#[derive(Debug)]
pub struct Daemon {
    // Dropped first: what it said lies in the folder.
    process: Option<Process>,
    folder: TempDir,
    port: u16,
    /// Another program than the one under test, which runs the same daemon.
    program: Option<PathBuf>,
    environment: Vec<(String, String)>,
    token: OnceLock<String>,
}

impl Daemon {
    /// Prepares a daemon under `config`, which names neither `[api] listen` nor `[storage] data_dir`: both are this
    /// daemon's own. Nothing runs yet.
    ///
    /// # Panics
    /// If its folder cannot be written.
    pub fn with(config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (process, program, environment, token) = (None, None, Vec::new(), OnceLock::new());
        let daemon = Self { folder, port: free_port(), process, program, environment, token };
        daemon.configure(config);
        daemon
    }

    /// Prepares and starts.
    ///
    /// # Panics
    /// If it does not become ready.
    pub fn start(config: &str) -> Self {
        let mut daemon = Self::with(config);
        daemon.run();
        daemon
    }

    /// Sets a variable of its environment from the next start on.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Has another program run the same daemon from the next start on: one of these tests' own. None is the one under test.
    pub fn by(&mut self, program: Option<&Path>) {
        self.program = program.map(Path::to_owned);
    }

    /// Sets a variable of its environment from the next start on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Writes another configuration for the next start or reload.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn configure(&self, config: &str) {
        let own = format!(
            "\n[api]\nlisten = \"127.0.0.1:{}\"\n\n[storage]\ndata_dir = \"{}\"\n",
            self.port,
            self.data_dir().display()
        );
        std::fs::write(self.config(), format!("{config}{own}")).expect("the configuration can be written");
    }

    /// The configuration's file.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("watchfire.toml")
    }

    /// Its folder, for files that the configuration names.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where it keeps everything.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts, waits until it is ready, and sees to it that there is an admin of ours.
    ///
    /// # Panics
    /// If it does not become ready.
    pub fn run(&mut self) {
        self.launch();
        self.ready();
        assert!(self.admin().is_some(), "the daemon has no one-time code and no admin of ours:\n{}", self.log());
    }

    /// Starts, and does not wait for anything.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn launch(&mut self) {
        let mut watchfire = Command::new(self.program.as_deref().unwrap_or_else(|| binary()));
        watchfire.arg("run").arg("--config").arg(self.config()).envs(self.environment.iter().cloned());
        self.process = Some(Process::start("watchfire", watchfire, &self.folder.path().join("watchfire.log")));
    }

    /// Waits until `/-/ready` says so.
    ///
    /// # Panics
    /// If it ends first, or never is.
    pub fn ready(&mut self) {
        let url = self.url("/-/ready");
        wait::until("the daemon to be ready", || {
            if let Some(status) = self.process().ended() {
                panic!("the daemon ended with {status} before it was ready:\n{}", self.log());
            }
            http::get(&url).ok().filter(|answer| answer.status == 200)
        });
    }

    /// The running process.
    ///
    /// # Panics
    /// If it does not run.
    pub const fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("the daemon runs")
    }

    /// SIGKILL, gone when this returns.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// SIGTERM, and waits for the orderly end.
    ///
    /// # Panics
    /// If it does not run, or does not end.
    pub fn stop(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("the daemon runs");
        process.terminate(Duration::from_secs(30))
    }

    /// What it has said in all its lives.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.folder.path().join("watchfire.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// `http://127.0.0.1:port` and a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// GET of a path by an admin of ours; nothing where it does not answer.
    pub fn get(&self, path: &str) -> Option<Answer> {
        // What tells no more than that it is there is asked without a name, as collectors and supervisors do.
        if path == "/metrics" || path.starts_with("/-/") {
            return http::get(&self.url(path)).ok();
        }
        http::get_as(self.admin()?, &self.url(path)).ok()
    }

    /// The key of an admin named `harness`, made by the one-time code when it is first asked for; nothing while the
    /// daemon does not answer.
    ///
    /// # Panics
    /// If the daemon answers and will not have it.
    pub fn admin(&self) -> Option<&str> {
        if let Some(key) = self.token.get() {
            return Some(key);
        }
        let post = |path: &str, body: serde_json::Value| http::post_json(&self.url(path), "harness", &body).ok();
        let code = std::fs::read_to_string(self.data_dir().join("first-code")).ok()?;
        let first = serde_json::json!({"code": code, "name": "harness", "password": PASSWORD});
        let made = post("/api/v1/people/first", first)?;
        assert_eq!(made.status, 204, "{}", made.text());
        let wish = serde_json::json!({"name": "harness", "password": PASSWORD, "bearer": true});
        let answer = post("/api/v1/session", wish)?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let key = answer.json()["key"].as_str().expect("a sign-in gives a key").to_owned();
        Some(self.token.get_or_init(|| key))
    }

    /// A new token of a program that acts for people in this role, everywhere.
    ///
    /// # Panics
    /// If the daemon will not have it, or does not answer.
    pub fn desk(&self, role: &str) -> String {
        let admin = self.admin().expect("the daemon answers");
        let scope = serde_json::json!({"hazards": ["*"], "areas": ["*"]});
        let name = format!("desk-{role}");
        let post = |path: &str, body: serde_json::Value| {
            let answer = http::post_as(admin, &self.url(path), &body).expect("the daemon answers");
            assert!(answer.status < 300, "{path}: {}", answer.text());
            answer
        };
        let account = serde_json::json!({"name": name, "machine": true, "acts_for": true, "role": role, "scope": scope,
            "why": "the test's"});
        post("/api/v1/people", account);
        let made = post(&format!("/api/v1/people/{name}/token"), serde_json::json!({"why": "the test's", "days": 1}));
        made.json()["token"].as_str().expect("a token").to_owned()
    }

    /// GET of a path that answers with JSON and 200.
    ///
    /// # Panics
    /// If it does not.
    pub fn json(&self, path: &str) -> serde_json::Value {
        let answer = self.get(path).unwrap_or_else(|| panic!("no answer to {path}:\n{}", self.log()));
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// The sum of a metric over its labels; nothing while the daemon does not answer or does not know it.
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.metrics()?.get(name).copied()
    }

    /// Every metric by name, summed over its labels.
    pub fn metrics(&self) -> Option<BTreeMap<String, f64>> {
        let answer = self.get("/metrics").filter(|answer| answer.status == 200)?;
        let mut sums = BTreeMap::new();
        for line in answer.text().lines().filter(|line| !line.starts_with('#')) {
            let (series, value) = line.rsplit_once(' ')?;
            let name = series.split('{').next().unwrap_or(series);
            *sums.entry(name.to_owned()).or_insert(0.0) += value.parse::<f64>().ok()?;
        }
        Some(sums)
    }
}
