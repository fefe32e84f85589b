//! The other end of a broker: what a simulated station or a drill says.

use std::time::Duration;

use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS};

use super::SENT;

/// Longest wait for a broker to take one message.
const TAKEN_WITHIN: Duration = Duration::from_secs(5);

/// Publishes at QoS 1, one message at a time, each known to be the broker's before the next: a simulated station, a drill.
/// Drives its own connection; there is no task behind it, and it does not connect again.
pub struct Publisher {
    client: AsyncClient,
    events: EventLoop,
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher").finish_non_exhaustive()
    }
}

/// A message did not become the broker's.
#[derive(Debug, thiserror::Error)]
#[error("the broker did not take the message: {0}")]
pub struct PublishError(String);

impl Publisher {
    /// Connects, with nothing kept under `client_id`.
    pub async fn connect(broker: std::net::SocketAddr, client_id: &str) -> Result<Self, PublishError> {
        let mut options = MqttOptions::new(client_id, broker.ip().to_string(), broker.port());
        options.set_max_packet_size(SENT, SENT);
        let (client, events) = AsyncClient::new(options, 8);
        let mut publisher = Self { client, events };
        publisher.until(|packet| matches!(packet, Packet::ConnAck(_))).await?;
        Ok(publisher)
    }

    /// Publishes and waits for the acknowledgement.
    pub async fn publish(&mut self, topic: &str, payload: Vec<u8>) -> Result<(), PublishError> {
        let queued = self.client.try_publish(topic, QoS::AtLeastOnce, false, payload);
        queued.map_err(|error| PublishError(error.to_string()))?;
        self.until(|packet| matches!(packet, Packet::PubAck(_))).await
    }

    async fn until(&mut self, wanted: impl Fn(&Packet) -> bool) -> Result<(), PublishError> {
        let answered = async {
            loop {
                match self.events.poll().await {
                    Ok(Event::Incoming(packet)) if wanted(&packet) => return Ok(()),
                    Ok(_) => {}
                    Err(error) => return Err(PublishError(error.to_string())),
                }
            }
        };
        let within = tokio::time::timeout(TAKEN_WITHIN, answered).await;
        within.unwrap_or_else(|_| Err(PublishError(format!("no answer within {TAKEN_WITHIN:?}"))))
    }
}
