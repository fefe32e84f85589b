//! A kept session with one broker: what it hears, in order, and the way back for acknowledgements. Only this
//! file and its folder name `rumqttc`, whose traps (silent loops, acknowledgements of another session, requests lost in a
//! `select!`) end here.
//!
//! Each connection has its own event loop and request queue, so an acknowledgement can never reach a session that it was
//! not meant for: where the connection has gone, so has its queue.

pub mod acks;
pub mod publisher;

use std::net::Ipv6Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use rumqttc::tokio_rustls::TlsConnector;
use rumqttc::tokio_rustls::rustls::pki_types::ServerName;
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, Outgoing, Packet, Publish, QoS, StateError, SubAck,
    SubscribeFilter, SubscribeReasonCode, TlsConfiguration, Transport,
};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use watchfire_model::time::Timestamp;

use super::Jitter;
use super::backoff::Backoff;
use super::skim::{Login, Stream, skim};
use super::tls::{self, TlsError};
use crate::config::{MqttConfig, Secret};
use crate::health::{Complaint, SourceHealth};
use crate::intake::WallClock;
use acks::{Acks, follow};

/// Largest packet carried at all. One between the configured limit and this is received whole and dropped, one beyond it
/// is skimmed away.
pub const CARRIED: usize = 16 << 20;
/// Largest packet we send: a subscription.
const SENT: usize = 1 << 20;
/// Longest wait for a connection to stand.
const CONNECT_SECONDS: u64 = 5;
/// How long a connection may go on after the daemon has begun to stop, to carry the last acknowledgements.
const FAREWELL: Duration = Duration::from_secs(2);
/// Filters in one subscription packet: ten thousand topics are not one packet.
const FILTERS_AT_ONCE: usize = 256;
/// A message smaller than this counts as one of the channel's bounded number, not by its bytes.
const BIG: usize = 8 << 10;

/// What came over a link, in order.
#[derive(Debug)]
pub enum Heard {
    /// The connection stands and the subscriptions are on their way.
    Up {
        /// When.
        at: Timestamp,
        /// Whether the broker had kept our session.
        session_present: bool,
        /// The way back.
        acks: Acks,
    },
    /// A message.
    Message(Message),
    /// The connection is gone, or could not be made.
    Down {
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
}

/// One message.
#[derive(Debug)]
pub struct Message {
    /// Its topic.
    pub topic: String,
    /// Its bytes, at most as many as configured.
    pub payload: Bytes,
    /// When it was received.
    pub received_at: Timestamp,
    /// The packet id to acknowledge; none at QoS 0.
    pub owed: Option<u16>,
    /// The broker says it may have sent it before.
    pub dup: bool,
    /// A last value, not a fresh sample.
    pub retained: bool,
    /// Room among the large messages that wait; given back when the message is dropped.
    _room: Option<OwnedSemaphorePermit>,
}

/// What a broker keeps of us while we are away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// Our subscriptions and what came meanwhile.
    Kept,
    /// Nothing: for looking on beside a running daemon.
    ThrowAway,
}

/// Why a link can't even be tried. All of these are for a person to mend.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// TLS.
    #[error("cannot set up TLS to broker \"{host}\"")]
    Tls {
        /// Which broker.
        host: String,
        /// Why.
        source: TlsError,
    },
    /// A kept session needs a client id.
    #[error("the client id for broker \"{0}\" is empty; a session is kept under it")]
    NoClientId(String),
    /// Not an MQTT topic filter, or a quality of service that we do not take.
    #[error("\"{filter}\" with qos {qos} cannot be subscribed to; write a topic filter and qos 0 or 1")]
    Filter {
        /// As written.
        filter: String,
        /// As written.
        qos: u8,
    },
    /// A certificate names no IPv6 address that we can ask for.
    #[error("TLS to the IPv6 address \"{0}\" is not possible; name the broker by its host name")]
    Address(String),
}

/// One connection to one broker, made again whenever it is lost.
pub struct Link {
    config: MqttConfig,
    session: Session,
    filters: Vec<SubscribeFilter>,
    transport: Transport,
    clock: WallClock,
    backoff: Backoff,
    health: Arc<SourceHealth>,
    /// Room for large messages that wait to be read, in units of [`BIG`] bytes.
    big: Arc<Semaphore>,
    /// Largest packet that is received at all: [`CARRIED`], or what is configured if that is more.
    carried: usize,
    /// Connections in a row that ended in a packet beyond what is carried.
    choked: u32,
    /// Subscription packets of this connection that the broker has answered.
    subscribed: usize,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("config", &self.config).finish_non_exhaustive()
    }
}

/// How a connection ended.
struct Ended {
    reason: String,
    lived: Option<Duration>,
    /// The size of the packet that was too large to carry.
    choked_on: Option<usize>,
}

impl Link {
    /// Reads the files it needs; opens nothing.
    pub fn new(
        config: MqttConfig,
        session: Session,
        clock: WallClock,
        jitter: Jitter,
        health: Arc<SourceHealth>,
    ) -> Result<Self, LinkError> {
        if config.client_id.is_empty() && session == Session::Kept {
            return Err(LinkError::NoClientId(config.host));
        }
        let mut filters = Vec::with_capacity(config.subscriptions.len());
        for subscription in &config.subscriptions {
            let qos = match subscription.qos {
                0 => Some(QoS::AtMostOnce),
                1 => Some(QoS::AtLeastOnce),
                _ => None,
            };
            match qos {
                Some(qos) if rumqttc::valid_filter(&subscription.filter) => {
                    filters.push(SubscribeFilter::new(subscription.filter.clone(), qos));
                }
                Some(_) | None => {
                    let filter = subscription.filter.clone();
                    return Err(LinkError::Filter { filter, qos: subscription.qos });
                }
            }
        }
        let transport = match &config.tls {
            None => Transport::Tcp,
            Some(_) if config.host.parse::<Ipv6Addr>().is_ok() => return Err(LinkError::Address(config.host)),
            Some(files) => {
                let made =
                    tls::client_config(files).map_err(|source| LinkError::Tls { host: config.host.clone(), source })?;
                Transport::tls_with_config(TlsConfiguration::Rustls(made))
            }
        };
        let carried = limit(&config).saturating_add(1 << 16).max(CARRIED);
        Ok(Self {
            config,
            session,
            filters,
            transport,
            clock,
            backoff: Backoff::new(jitter),
            health,
            // Two of the largest there may be.
            big: Arc::new(Semaphore::new(2 * carried / BIG + 2)),
            carried,
            choked: 0,
            subscribed: 0,
        })
    }

    /// Hears until `cancel`, or until nobody listens on `heard`. When `heard` is full the broker waits.
    pub async fn run(mut self, cancel: CancellationToken, heard: mpsc::Sender<Heard>) {
        let mut told_down = false;
        while !cancel.is_cancelled() {
            let (client, events) = AsyncClient::new(self.options(), self.filters.len() + 8);
            let ended = self.connection(client, events, &cancel, &heard).await;
            self.health.connected.store(false, Ordering::Relaxed);
            if ended.lived.is_some() {
                self.health.disconnects.fetch_add(1, Ordering::Relaxed);
                told_down = false;
            }
            if cancel.is_cancelled() {
                break;
            }
            let pause = self.backoff.pause(ended.lived);
            let mut reason = ended.reason;
            if self.backoff.quarrels() {
                reason.push_str("; connections are cut as soon as they stand: does another client use our id?");
            }
            debug!(source = %self.health.name, %reason, ?pause, "no connection");
            if !std::mem::replace(&mut told_down, true) {
                warn!(source = %self.health.name, %reason, "broker lost");
                if heard.send(Heard::Down { at: (self.clock)(), reason }).await.is_err() {
                    break;
                }
            }
            match ended.choked_on {
                Some(bytes) => self.choked(bytes, &cancel).await,
                None if ended.lived.is_some() => self.choked = 0,
                None => {}
            }
            tokio::select! {
                () = cancel.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn options(&self) -> MqttOptions {
        let config = &self.config;
        let plain_v6 = config.host.parse::<Ipv6Addr>().is_ok();
        let host = if plain_v6 { format!("[{}]", config.host) } else { config.host.clone() };
        let mut options = MqttOptions::new(config.client_id.clone(), host, config.port);
        // rumqttc refuses less than a second, and the wire has sixteen bits for it.
        let keep_alive = config.keep_alive.clamp(Duration::from_secs(1), Duration::from_secs(65_535));
        options
            .set_keep_alive(keep_alive)
            .set_clean_session(self.session == Session::ThrowAway)
            .set_manual_acks(self.session == Session::Kept)
            .set_max_packet_size(self.carried, SENT)
            .set_transport(self.transport.clone());
        if let Some(username) = &config.username {
            options.set_credentials(username, config.password.as_ref().map_or("", Secret::reveal));
        }
        options
    }

    /// One connection, from the first byte to the last.
    async fn connection(
        &mut self,
        client: AsyncClient,
        mut events: EventLoop,
        cancel: &CancellationToken,
        heard: &mpsc::Sender<Heard>,
    ) -> Ended {
        let never = |reason: String| Ended { reason, lived: None, choked_on: None };
        events.network_options.set_connection_timeout(CONNECT_SECONDS);
        // Before the connection stands there is no request that a cancelled poll could lose.
        let first = tokio::select! {
            () = cancel.cancelled() => return never("stopping".to_owned()),
            first = events.poll() => first,
        };
        let session_present = match first {
            Ok(Event::Incoming(Packet::ConnAck(ack))) => ack.session_present,
            Ok(other) => return never(format!("the broker began with {other:?}")),
            Err(error) => return never(error.to_string()),
        };
        let since = Instant::now();
        self.health.connected.store(true, Ordering::Relaxed);
        info!(source = %self.health.name, session_present, "broker connected");
        // On every connection, whatever the broker remembers (a session may be kept and its subscriptions changed). Only
        // where a retained message is what chokes us, a session that stands is taken as it is.
        let as_it_is = session_present && self.choked > 1;
        self.subscribed = 0;
        for filters in self.filters.chunks(FILTERS_AT_ONCE) {
            if !as_it_is && client.try_subscribe_many(filters.iter().cloned()).is_err() {
                return never("the subscriptions could not be sent".to_owned());
            }
        }
        let acks = Acks::new(client);
        let up = Heard::Up { at: (self.clock)(), session_present, acks: acks.clone() };
        if heard.send(up).await.is_err() {
            return never("nobody listens".to_owned());
        }
        let farewell = async {
            cancel.cancelled().await;
            tokio::time::sleep(FAREWELL).await;
        };
        // The poll is dropped only when the farewell has taken too long; what it loses then comes again.
        let mut ended = tokio::select! {
            () = farewell => never("stopping".to_owned()),
            ended = self.listen(&mut events, &acks, heard) => ended,
        };
        ended.lived = Some(since.elapsed());
        ended
    }

    async fn listen(&mut self, events: &mut EventLoop, acks: &Acks, heard: &mpsc::Sender<Heard>) -> Ended {
        let ended = |reason: String, choked_on| Ended { reason, lived: None, choked_on };
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Packet::Publish(publish))) => {
                    // After an outage the answer to a ping waits behind all that has queued meanwhile, and rumqttc would
                    // hang up on a broker that is talking: what comes proves as well that it lives.
                    events.state.await_pingresp = false;
                    if self.hear(publish, acks, heard).await.is_err() {
                        return ended("nobody listens".to_owned(), None);
                    }
                }
                Ok(Event::Incoming(Packet::SubAck(ack))) => self.subscribed(&ack),
                Ok(Event::Outgoing(Outgoing::PubAck(_))) => {
                    if let Err(reason) = follow(events, acks).await {
                        return ended(reason, None);
                    }
                }
                Ok(Event::Incoming(_) | Event::Outgoing(_)) => {}
                Err(ConnectionError::MqttState(StateError::Deserialization(
                    rumqttc::Error::PayloadSizeLimitExceeded(bytes),
                ))) => {
                    return ended(format!("a packet of {bytes} bytes is too large to carry"), Some(bytes));
                }
                Err(error) => return ended(error.to_string(), None),
            }
        }
    }

    async fn hear(
        &mut self,
        publish: Publish,
        acks: &Acks,
        heard: &mpsc::Sender<Heard>,
    ) -> Result<(), mpsc::error::SendError<Heard>> {
        let at = (self.clock)();
        self.health.messages.fetch_add(1, Ordering::Relaxed);
        self.health.last_heard.store(at.0, Ordering::Relaxed);
        let owed = (publish.qos != QoS::AtMostOnce).then_some(publish.pkid);
        let size = publish.topic.len() + publish.payload.len();
        if size > limit(&self.config) {
            self.oversize(at, publish.topic, size);
            if let Some(pkid) = owed {
                acks.refused([pkid]);
            }
            return Ok(());
        }
        let units = u32::try_from(size / BIG).unwrap_or(u32::MAX);
        let room = if units == 0 {
            None
        } else {
            // Closed never; more than there is never, for a message is at most half of it.
            Arc::clone(&self.big).acquire_many_owned(units).await.ok()
        };
        let message = Message {
            topic: publish.topic,
            payload: publish.payload,
            received_at: at,
            owed,
            dup: publish.dup,
            retained: publish.retain,
            _room: room,
        };
        heard.send(Heard::Message(message)).await
    }

    fn oversize(&self, at: Timestamp, topic: String, bytes: usize) {
        self.health.oversize.fetch_add(1, Ordering::Relaxed);
        let limit = limit(&self.config);
        warn!(source = %self.health.name, topic, bytes, limit, "message over the packet limit, dropped");
        let reason = format!("the message has {bytes} bytes, over the packet limit of {limit}");
        self.health.complain(Complaint { at, whence: topic, reason, sample: String::new() });
    }

    fn subscribed(&mut self, ack: &SubAck) {
        // A broker answers in order (4.6).
        let first = self.subscribed * FILTERS_AT_ONCE;
        self.subscribed += 1;
        for (filter, code) in self.filters.iter().skip(first).zip(&ack.return_codes) {
            if *code == SubscribeReasonCode::Failure {
                warn!(source = %self.health.name, filter = filter.path, "the broker refuses the subscription");
                self.health.complain(Complaint {
                    at: (self.clock)(),
                    whence: filter.path.clone(),
                    reason: "the broker refuses the subscription; do its access rules allow it?".to_owned(),
                    sample: String::new(),
                });
            }
        }
    }

    /// A packet was too large to carry. Once may be chance; if it comes again it is in our session, and is skimmed away.
    async fn choked(&mut self, bytes: usize, cancel: &CancellationToken) {
        self.choked += 1;
        let at = (self.clock)();
        self.oversize(at, "(not known before it is read)".to_owned(), bytes);
        if self.choked < 2 || self.session == Session::ThrowAway {
            return;
        }
        let skimming = async {
            let stream = self.open().await?;
            let login = Login {
                client_id: &self.config.client_id,
                username: self.config.username.as_deref(),
                password: self.config.password.as_ref().map(Secret::reveal),
            };
            skim(stream, login, self.carried).await
        };
        tokio::select! {
            () = cancel.cancelled() => {}
            done = skimming => match done {
                Ok(Some(gone)) => warn!(source = %self.health.name, topic = gone.topic, bytes = gone.bytes, "read away"),
                Ok(None) => debug!(source = %self.health.name, "the large message did not come again"),
                Err(error) => warn!(source = %self.health.name, %error, "the large message could not be read away"),
            }
        }
    }

    async fn open(&self) -> std::io::Result<Box<dyn Stream>> {
        let address = (self.config.host.as_str(), self.config.port);
        let opening = async {
            let tcp = TcpStream::connect(address).await?;
            let Transport::Tls(TlsConfiguration::Rustls(config)) = &self.transport else {
                return Ok(Box::new(tcp) as Box<dyn Stream>);
            };
            let name = ServerName::try_from(self.config.host.clone()).map_err(std::io::Error::other)?;
            let tls = TlsConnector::from(Arc::clone(config)).connect(name, tcp).await?;
            Ok(Box::new(tls) as Box<dyn Stream>)
        };
        tokio::time::timeout(Duration::from_secs(CONNECT_SECONDS), opening).await?
    }
}

/// Largest message taken: topic and payload, in bytes.
fn limit(config: &MqttConfig) -> usize {
    usize::try_from(config.max_packet_bytes).unwrap_or(usize::MAX)
}
