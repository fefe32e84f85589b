//! The way back over one connection: acknowledgements in the order of their messages, many in one write.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rumqttc::{AsyncClient, EventLoop, Packet, PubAck, Publish, QoS};
use tracing::debug;
use watchfire_model::durable::Durable;
use watchfire_model::id::Seq;

/// Acknowledgements that may wait: one for every packet id there is.
const ACKS: usize = 1 << 16;
/// Longest wait for the broker to take acknowledgements.
const PATIENCE: Duration = Duration::from_secs(5);

/// The way back over one connection. When the connection is gone, acknowledging does nothing.
///
/// `rumqttc` gives each acknowledgement a system call of its own. So only the first of a run goes through its queue, to
/// wake the loop that polls it; those after it wait in `after` and are written behind it at once, in their order (4.6).
#[derive(Clone, Debug)]
pub struct Acks {
    client: AsyncClient,
    after: Arc<Mutex<After>>,
}

/// What follows the acknowledgement that is in the client's queue.
#[derive(Debug, Default)]
struct After {
    /// Whether there is one in the client's queue.
    woken: bool,
    /// Bounded by the number of packet ids: a broker that uses one twice is cut off.
    pkids: VecDeque<u16>,
}

impl Acks {
    pub(super) fn new(client: AsyncClient) -> Self {
        Self { client, after: Arc::default() }
    }

    /// Acknowledges messages whose readings are on disk, in their order.
    pub fn journaled(&self, owed: impl IntoIterator<Item = u16>, _proof: &Durable<Seq>) {
        self.ack(owed);
    }

    /// Acknowledges messages with nothing acceptable in them, once that is counted.
    pub fn refused(&self, owed: impl IntoIterator<Item = u16>) {
        self.ack(owed);
    }

    /// Takes leave: what is not acknowledged will come again.
    pub fn close(&self) {
        if self.client.try_disconnect().is_err() {
            debug!("the connection was gone before its farewell");
        }
    }

    fn ack(&self, owed: impl IntoIterator<Item = u16>) {
        let mut after = self.after.lock().unwrap_or_else(PoisonError::into_inner);
        after.pkids.extend(owed);
        if after.pkids.len() > ACKS {
            after.pkids.clear();
            return self.close();
        }
        if after.woken {
            return;
        }
        let Some(first) = after.pkids.pop_front() else { return };
        let mut publish = Publish::new(String::new(), QoS::AtLeastOnce, Vec::new());
        publish.pkid = first;
        after.woken = self.client.try_ack(&publish).is_ok();
        if !after.woken {
            // Without a connection the messages come again.
            after.pkids.clear();
            debug!("the connection was gone before its acknowledgements");
        }
    }

    /// What follows the acknowledgement just sent.
    fn following(&self) -> VecDeque<u16> {
        let mut after = self.after.lock().unwrap_or_else(PoisonError::into_inner);
        after.woken = false;
        std::mem::take(&mut after.pkids)
    }
}

/// Writes the acknowledgements that follow the one just sent, with one flush.
pub(super) async fn follow(events: &mut EventLoop, acks: &Acks) -> Result<(), String> {
    let (Some(network), pkids) = (events.network.as_mut(), acks.following()) else { return Ok(()) };
    if pkids.is_empty() {
        return Ok(());
    }
    let writing = async {
        for pkid in pkids {
            network.write(Packet::PubAck(PubAck::new(pkid))).await?;
        }
        network.flush().await
    };
    match tokio::time::timeout(PATIENCE, writing).await {
        Ok(written) => written.map_err(|error| error.to_string()),
        Err(_) => Err("the broker takes no acknowledgements".to_owned()),
    }
}
