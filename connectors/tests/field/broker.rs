//! A real mosquitto on a free loopback port, and a publisher that knows what the broker has taken.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::journal::within;

/// A broker of its own.
pub(crate) struct Broker {
    pub(crate) port: u16,
    folder: TempDir,
    more: String,
    child: Child,
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
    listener.local_addr().expect("it is bound").port()
}

impl Broker {
    /// Starts one that lets everybody in.
    pub(crate) async fn start() -> Self {
        Self::with("allow_anonymous true\n").await
    }

    /// Starts one with more in its configuration.
    pub(crate) async fn with(more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the broker");
        let port = free_port();
        let child = spawn(folder.path(), port, more);
        let mut broker = Self { port, folder, more: more.to_owned(), child };
        broker.answers().await;
        broker
    }

    async fn answers(&mut self) {
        within("mosquitto to listen", async {
            while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
                let ended = self.child.try_wait().expect("the broker is ours");
                assert!(ended.is_none(), "mosquitto ended: {ended:?}");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
    }

    /// As `kill -9`: nothing is saved.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.expect("the broker is ours to end");
    }

    /// The same broker again, on the same port.
    pub(crate) async fn again(&mut self) {
        self.child = spawn(self.folder.path(), self.port, &self.more);
        self.answers().await;
    }

    /// Publishes and waits until the broker has taken everything.
    pub(crate) async fn publish(&self, qos: QoS, retain: bool, messages: &[(&str, Vec<u8>)]) {
        let mut options = MqttOptions::new(format!("publisher-{}", free_port()), "127.0.0.1", self.port);
        options.set_max_packet_size(32 << 20, 32 << 20);
        let (client, mut events) = AsyncClient::new(options, messages.len() + 2);
        for (topic, payload) in messages {
            client.try_publish(*topic, qos, retain, payload.clone()).expect("there is room for every message");
        }
        // An acknowledged last message: what was sent before it has been taken too.
        client.try_publish("elsewhere/last", QoS::AtLeastOnce, false, Vec::new()).expect("there is room");
        let due = 1 + if qos == QoS::AtLeastOnce { messages.len() } else { 0 };
        within("the broker to take messages", async {
            let mut taken = 0;
            while taken < due {
                if let Event::Incoming(Packet::PubAck(_)) = events.poll().await.expect("the broker runs") {
                    taken += 1;
                }
            }
        })
        .await;
    }
}

fn spawn(folder: &Path, port: u16, more: &str) -> Child {
    let file = folder.join("mosquitto.conf");
    let text = format!("listener {port} 127.0.0.1\nuser root\npersistence false\nmax_inflight_messages 1000\n{more}");
    std::fs::write(&file, text).expect("the broker's configuration can be written");
    Command::new("mosquitto")
        .env("PATH", "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
        .arg("-c")
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("mosquitto is installed (apt install mosquitto)")
}

/// A payload that the source of these tests reads.
pub(crate) fn said(point: u32, value: f64) -> Vec<u8> {
    format!(r#"{{"id":"{point}","v":{value},"ts":1732400000123}}"#).into_bytes()
}
