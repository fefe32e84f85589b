//! What is shipped beside the binary: the unit is as closed as it says, and the broker's profile loses nothing.

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(name)
}

#[test]
fn the_unit_scores_at_most_two() {
    let rated = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager"])
        .arg(shipped("systemd/watchfire.service"))
        .output()
        .expect("systemd-analyze is installed (package systemd)");
    let said = String::from_utf8_lossy(&rated.stdout);
    let score = said.lines().find_map(|line| line.split("watchfire.service: ").nth(1)?.split_whitespace().next());
    let score: f64 = score.and_then(|score| score.parse().ok()).unwrap_or_else(|| panic!("no score in: {said}"));
    assert!(score <= 2.0, "{said}");
}

#[test]
fn the_unit_says_what_the_daemon_relies_on() {
    let unit = fs::read_to_string(shipped("systemd/watchfire.service")).expect("it is shipped");
    for line in
        ["Type=notify", "WatchdogSec=30", "Restart=always", "RestartPreventExitStatus=78", "StateDirectory=watchfire"]
    {
        assert!(unit.lines().any(|written| written == line), "{line}");
    }
}

struct Broker {
    child: Child,
    port: u16,
}

impl Broker {
    /// Mosquitto under the shipped profile, on a free port and a folder of its own.
    fn start(folder: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let profile = fs::read_to_string(shipped("mosquitto/watchfire.conf")).expect("it is shipped");
        let mut text = profile
            .replace("listener 1883 127.0.0.1", &format!("listener {port} 127.0.0.1"))
            .replace("/var/lib/mosquitto/", &format!("{}/", folder.display()))
            .replace("log_dest syslog", "log_dest none");
        assert!(
            text.contains(&port.to_string()) && text.contains("log_dest none"),
            "the profile has changed its shape"
        );
        // As root it would otherwise become a user that cannot write into a temporary folder.
        text.push_str("\nuser root\n");
        let path = folder.join("mosquitto.conf");
        fs::write(&path, text).expect("the temporary folder is ours");
        let child = Command::new("mosquitto").arg("-c").arg(&path).stderr(Stdio::null()).spawn();
        let child = child.expect("mosquitto is installed (package mosquitto)");
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "mosquitto did not accept the shipped profile");
            std::thread::yield_now();
        }
        Self { child, port }
    }

    /// The kept session of the daemon's client id hears `count` messages, or all there are within the time.
    fn hear(&self, count: usize, seconds: u32) -> Vec<String> {
        let mut subscriber = Command::new("mosquitto_sub");
        subscriber.args(["-i", "watchfire-test", "-c", "-q", "1", "-t", "s/#", "-p", &self.port.to_string()]);
        subscriber.args(["-W", &seconds.to_string()]);
        if count > 0 {
            subscriber.args(["-C", &count.to_string()]);
        } else {
            subscriber.arg("-E");
        }
        let heard = subscriber.output().expect("mosquitto_sub is installed (package mosquitto-clients)");
        String::from_utf8_lossy(&heard.stdout).lines().map(str::to_owned).collect()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_broker_keeps_every_message_for_a_daemon_that_is_away() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let broker = Broker::start(folder.path());
    broker.hear(0, 10);
    let sent: Vec<String> = (0..3_000).map(|n| format!("{{\"id\":\"s\",\"v\":{n}}}")).collect();
    let mut publisher = Command::new("mosquitto_pub")
        .args(["-q", "1", "-t", "s/a", "-l", "-p", &broker.port.to_string()])
        .stdin(Stdio::piped())
        .spawn()
        .expect("mosquitto_pub is installed (package mosquitto-clients)");
    {
        let mut lines = publisher.stdin.take().expect("it was asked for");
        lines.write_all(sent.join("\n").as_bytes()).expect("the publisher reads");
    }
    assert!(publisher.wait().expect("it ends").success());
    let heard = broker.hear(sent.len(), 20);
    assert_eq!(heard.len(), sent.len(), "the default profile drops all but 1,000");
    assert_eq!(heard, sent, "and in order");
}
