//! The floor: the least that a consumer in the same language can do — hear every message, parse it, count it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rumqttc::{AsyncClient, Event, Incoming, MqttOptions, QoS};

pub(crate) struct Floor {
    heard: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(serde::Deserialize)]
struct Sample<'a> {
    id: &'a str,
    v: f64,
    ts: i64,
}

impl Floor {
    pub(crate) fn start(broker: SocketAddr, qos: u8) -> anyhow::Result<Self> {
        let (heard, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let ready = Arc::new(AtomicBool::new(false));
        let (count, ended, subscribed) = (Arc::clone(&heard), Arc::clone(&stop), Arc::clone(&ready));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(consume(broker, qos, &count, &ended, &subscribed));
            }
        });
        while !ready.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(Self { heard, stop, thread: Some(thread) })
    }

    pub(crate) fn heard(&self) -> u64 {
        self.heard.load(Ordering::Acquire)
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn consume(broker: SocketAddr, qos: u8, heard: &AtomicU64, ended: &AtomicBool, subscribed: &AtomicBool) {
    let mut options = MqttOptions::new("floor", broker.ip().to_string(), broker.port());
    options.set_max_packet_size(1 << 20, 1 << 20);
    let (client, mut events) = AsyncClient::new(options, 16);
    let qos = if qos == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce };
    let _ = client.try_subscribe("sensors/#", qos);
    let _ = client.try_subscribe("batch/#", qos);
    let mut acks = 0;
    while !ended.load(Ordering::Acquire) {
        match tokio::time::timeout(Duration::from_millis(100), events.poll()).await {
            Ok(Ok(Event::Incoming(Incoming::SubAck(_)))) => {
                acks += 1;
                subscribed.store(acks == 2, Ordering::Release);
            }
            Ok(Ok(Event::Incoming(Incoming::Publish(publish)))) => {
                let readings = if publish.payload.first() == Some(&b'[') {
                    serde_json::from_slice::<Vec<Sample<'_>>>(&publish.payload).map_or(0, |all| all.len())
                } else {
                    let one = serde_json::from_slice::<Sample<'_>>(&publish.payload);
                    usize::from(one.is_ok_and(|one| !one.id.is_empty() && one.v.is_finite() && one.ts > 0))
                };
                heard.fetch_add(u64::try_from(readings).unwrap_or(0), Ordering::AcqRel);
            }
            Ok(Ok(_)) | Err(_) => {}
            Ok(Err(_)) => return,
        }
    }
}
