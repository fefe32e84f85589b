//! Mosquitto under the profile that ships in `deploy/mosquitto`, on a free port, its sessions kept over restarts.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::process::{Process, command, free_port};

/// What of the profile belongs to the machine and not to how sessions are kept: ours stands in its place.
const OF_THE_MACHINE: [&str; 14] = [
    "listener",
    "port",
    "bind_address",
    "socket_domain",
    "persistence_location",
    "log_dest",
    "pid_file",
    "user",
    "allow_anonymous",
    "password_file",
    "acl_file",
    "cafile",
    "certfile",
    "keyfile",
];

/// A running broker.
#[derive(Debug)]
pub struct Broker {
    process: Process,
    folder: TempDir,
    port: u16,
}

impl Broker {
    /// Under the shipped profile.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// Under the shipped profile, with further lines of configuration.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start_with(lines: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let port = free_port();
        let mut config = shipped_profile();
        // Mosquitto that is started as root would go on as a user who may not write here. Writing to a string cannot fail.
        let _ = write!(
            config,
            "user root\nlistener {port} 127.0.0.1\nallow_anonymous true\npersistence_location {}/\nlog_dest stderr\n{lines}\n",
            folder.path().display()
        );
        std::fs::write(folder.path().join("mosquitto.conf"), config).expect("a temporary file can be written");
        let process = run(folder.path(), port);
        Self { process, folder, port }
    }

    /// Its port on loopback.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// As a configuration names it.
    pub fn url(&self) -> String {
        format!("tcp://{}", self.address())
    }

    /// The process, to stop, freeze or kill.
    pub const fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Ends it as an administrator would: sessions are written first.
    ///
    /// # Panics
    /// If it does not end.
    pub fn stop(&mut self) {
        self.process.terminate(Duration::from_secs(10));
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Comes back on the same port and has forgotten everything: sessions, subscriptions, what was queued.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start_afresh(&mut self) {
        self.process.kill();
        // It may not have written anything yet.
        let _ = std::fs::remove_file(self.folder.path().join("mosquitto.db"));
        self.start_again();
    }

    /// Comes back on the same port with what it had written.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start_again(&mut self) {
        self.process.kill();
        self.process = run(self.folder.path(), self.port);
    }
}

fn run(folder: &Path, port: u16) -> Process {
    let mut mosquitto = command("mosquitto");
    mosquitto.arg("-c").arg(folder.join("mosquitto.conf"));
    let mut process = Process::start("mosquitto", mosquitto, &folder.join("mosquitto.log"));
    process.listening(port);
    process
}

/// The shipped profile without what belongs to the machine.
fn shipped_profile() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/mosquitto/watchfire.conf");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let kept = text.lines().filter(|line| {
        let word = line.split_whitespace().next().unwrap_or("");
        !word.starts_with('#') && !OF_THE_MACHINE.contains(&word)
    });
    kept.fold(String::new(), |config, line| config + line + "\n")
}
