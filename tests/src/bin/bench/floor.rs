//! The floor: the least that a consumer in the same language can do — hear every message, parse it, count it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};

use anyhow::Context as _;
use rumqttc::{AsyncClient, Event, Incoming, MqttOptions, QoS};
use tokio::sync::Notify;

use crate::process::Cpu;

pub(crate) struct Floor {
    heard: Arc<AtomicU64>,
    /// Its thread, among those of this process.
    stat: PathBuf,
    stop: Arc<Notify>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(serde::Deserialize)]
struct Sample<'a> {
    id: &'a str,
    v: f64,
    ts: i64,
}

impl Floor {
    /// Subscribed.
    pub(crate) fn start(broker: SocketAddr, qos: u8) -> anyhow::Result<Self> {
        let (heard, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(Notify::new()));
        let (ready, subscribed) = mpsc::sync_channel(1);
        let (count, ended) = (Arc::clone(&heard), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(async {
                    tokio::select! {
                        () = consume(broker, qos, &count, &ready) => {}
                        () = ended.notified() => {}
                    }
                });
            }
        });
        let thread = Some(thread);
        let place: PathBuf = subscribed.recv().context("the floor could not subscribe")?;
        Ok(Self { heard, stat: Path::new("/proc").join(place).join("stat"), stop, thread })
    }

    pub(crate) fn heard(&self) -> u64 {
        self.heard.load(Ordering::Acquire)
    }

    /// What its thread has used.
    pub(crate) fn cpu(&self) -> anyhow::Result<Cpu> {
        Cpu::read(&self.stat)
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        self.stop.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn consume(broker: SocketAddr, qos: u8, heard: &AtomicU64, ready: &mpsc::SyncSender<PathBuf>) {
    let mut options = MqttOptions::new("floor", broker.ip().to_string(), broker.port());
    options.set_max_packet_size(1 << 20, 1 << 20);
    let (client, mut events) = AsyncClient::new(options, 16);
    let qos = if qos == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce };
    let _ = client.try_subscribe("sensors/#", qos);
    let _ = client.try_subscribe("batch/#", qos);
    let mut subscribed = 0;
    while let Ok(event) = events.poll().await {
        match event {
            Event::Incoming(Incoming::SubAck(_)) => {
                subscribed += 1;
                if subscribed == 2 {
                    let _ = ready.send(std::fs::read_link("/proc/thread-self").unwrap_or_default());
                }
            }
            Event::Incoming(Incoming::Publish(publish)) => {
                let readings = if publish.payload.first() == Some(&b'[') {
                    serde_json::from_slice::<Vec<Sample<'_>>>(&publish.payload).map_or(0, |all| all.len())
                } else {
                    let one = serde_json::from_slice::<Sample<'_>>(&publish.payload);
                    usize::from(one.is_ok_and(|one| !one.id.is_empty() && one.v.is_finite() && one.ts > 0))
                };
                heard.fetch_add(u64::try_from(readings).unwrap_or(0), Ordering::AcqRel);
            }
            Event::Incoming(_) | Event::Outgoing(_) => {}
        }
    }
}
