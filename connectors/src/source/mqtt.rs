//! Messages of one broker to rows of the journal, and the acknowledgement back once they are durable.
//!
//! Two futures: the [`Listener`] keeps the session, the [`Reader`] decodes many messages at a time into one offer. The
//! daemon's topology makes the channel between them and runs both:
//! `let (listener, reader) = parts(config, surroundings)?; let (tx, rx) = channel(HEARD);` then `listener.run(tx)` and
//! `reader.run(rx)`.
//!
//! A connection that is lost and back within [`GRACE`] is no change of the link: a broker that is restarted, or one that
//! hung up on a process that stood still, costs nobody's evidence.
//!
//! When intake is full, readings of QoS 0 are shed, counted by point and time; those of QoS 1 wait here, unacknowledged,
//! while the session lives on; when too many wait, the broker waits.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};
use watchfire_model::durable::Durable;
use watchfire_model::id::{PointIx, Seq};
use watchfire_model::row::{LinkChange, Row};
use watchfire_model::time::Timestamp;

use super::{Hush, SourceKind, Surroundings, printable};
use crate::codec::Decoder;
use crate::config::MqttConfig;
use crate::health::Complaint;
use crate::intake::{Full, Room, Ticket};
use crate::link::GRACE;
use crate::link::mqtt::acks::Acks;
use crate::link::mqtt::{Heard, Link, LinkError, Message, Session};
use crate::payload::{self, Decoded};

/// Bound of the channel between [`Listener`] and [`Reader`], in messages. When it is full the broker waits.
pub const HEARD: usize = 4_096;
/// Messages taken from that channel at once.
const AT_ONCE: usize = 512;
/// Rows after which an offer is made without looking further.
const ENOUGH: usize = 8_192;
/// Rows that may wait here for room in intake.
const MOST_HELD: usize = 65_536;
/// Messages that may wait here to be acknowledged: more than there are packet ids.
const MOST_OWED: usize = 1 << 17;
/// Offers whose durability is waited for.
const MOST_TICKETS: usize = 4_096;
/// Complaints kept for reading in one second; the others are only counted.
const SAMPLES_A_SECOND: u32 = 8;
/// How long the last acknowledgements are waited for when the daemon stops.
const FAREWELL: Duration = Duration::from_secs(1);

/// See the module.
pub(super) const KIND: SourceKind = SourceKind {
    name: "mqtt",
    example: r#"[[connectors.mqtt]]
name = "county"                               # in logs, metrics and on the console
servers = ["ssl://broker.example:8883"]       # tcp:// without TLS: only towards this host, or with insecure = true
client_id = "watchfire-county"                # stable: the broker keeps our session under it
username = "watchfire"
password_file = "mqtt.password"
tls_ca = "ca.pem"                             # none: the authorities this system trusts
keep_alive = "10s"                            # a dead link is noticed after at most twice this
max_packet = "256 KiB"                        # a larger message is dropped, counted and reported
qos = 1                                       # 0 or 1
topics = [
    { topic = "sensors/#", codec = "named", id = "/id", value = "/v", time = "/ts" },
    { topic = "rtu/+", codec = "json", time = "/ts" },
    { topic = "plain/+", codec = "scalar" },
]
"#,
};

/// Keeps the session.
#[derive(Debug)]
pub struct Listener {
    link: Link,
    cancel: CancellationToken,
}

impl Listener {
    /// Hears until it is stopped.
    pub async fn run(self, heard: mpsc::Sender<Heard>) {
        self.link.run(self.cancel, heard).await;
    }
}

/// The two futures of one broker connection.
pub fn parts(config: MqttConfig, around: Surroundings) -> Result<(Listener, Reader), LinkError> {
    let intake = around.intake.clone();
    let clock: crate::intake::WallClock = Arc::new(move || intake.now());
    let decoder = Decoder::new(&config, around.zone.clone());
    let mut points: Vec<PointIx> = config.bindings.iter().map(|binding| binding.point).collect();
    points.sort_unstable();
    points.dedup();
    let link = Link::new(config, Session::Kept, clock, Arc::clone(&around.jitter), Arc::clone(&around.health))?;
    let listener = Listener { link, cancel: around.cancel.clone() };
    let reader = Reader {
        points,
        decoder,
        decoded: Decoded::default(),
        waiting: Waiting::default(),
        tickets: VecDeque::new(),
        owing: 0,
        way_back: None,
        connection: 0,
        told_up: false,
        lost: None,
        journaled: Vec::new(),
        last_heard: around.heard_before,
        had_session: around.heard_before.is_some(),
        sampled: (Timestamp::default(), 0),
        complaining: Hush::default(),
        shedding: Hush::default(),
        around,
    };
    Ok((listener, reader))
}

/// Decodes, offers, acknowledges.
#[derive(Debug)]
pub struct Reader {
    around: Surroundings,
    points: Vec<PointIx>,
    decoder: Decoder,
    decoded: Decoded,
    waiting: Waiting,
    tickets: VecDeque<(Option<Ticket>, Vec<Owed>)>,
    /// Messages in `waiting` and `tickets` together.
    owing: usize,
    way_back: Option<Acks>,
    /// Counts connections; what is owed on an earlier one can no longer be acknowledged.
    connection: u32,
    /// What the journal was last told of the link.
    told_up: bool,
    /// The link is gone and the journal is not told yet.
    lost: Option<Lost>,
    /// By packet id: the hash of the last message journaled under it. A message that comes again (DUP) comes under its
    /// packet id, so this is exact where a list of recent hashes would also drop two equal payloads that differ in time.
    journaled: Vec<u64>,
    last_heard: Option<Timestamp>,
    had_session: bool,
    sampled: (Timestamp, u32),
    complaining: Hush,
    shedding: Hush,
}

/// A connection that may be back before anybody need hear that it went.
#[derive(Debug)]
struct Lost {
    at: Timestamp,
    reason: String,
    told_at: Instant,
}

/// An acknowledgement that is due once what was before it is durable.
#[derive(Clone, Copy, Debug)]
struct Owed {
    pkid: u16,
    connection: u32,
    /// None where nothing was journaled.
    hash: Option<u64>,
}

/// Decoded and not yet offered.
#[derive(Debug, Default)]
struct Waiting {
    rows: Vec<Row>,
    owed: Vec<Owed>,
    /// Rows of QoS 0, which may be shed.
    loose: Vec<Range<usize>>,
}

impl Reader {
    /// Reads until it is stopped, until the listener ends, or until intake closes.
    pub async fn run(mut self, mut heard: mpsc::Receiver<Heard>) {
        let cancel = self.around.cancel.clone();
        let intake = self.around.intake.clone();
        let mut batch = Vec::with_capacity(AT_ONCE);
        loop {
            let told_at = self.lost.as_ref().map(|lost| lost.told_at);
            let may_offer = !self.waiting.rows.is_empty() && self.tickets.len() < MOST_TICKETS;
            let may_hear = self.waiting.rows.len() < MOST_HELD && self.owing < MOST_OWED;
            tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                settled = settle(&mut self.tickets), if !self.tickets.is_empty() => self.acknowledge(settled),
                room = intake.room(), if may_offer => match room {
                    Ok(room) => self.offer(room),
                    Err(Full::Busy | Full::Closed) => break,
                },
                count = heard.recv_many(&mut batch, AT_ONCE), if may_hear => {
                    if count == 0 {
                        break;
                    }
                    for heard in batch.drain(..) {
                        self.take(heard);
                        if self.waiting.rows.len() >= ENOUGH {
                            self.offer_now(&intake);
                        }
                    }
                    self.offer_now(&intake);
                }
                // After what was heard: a process that stood still finds both, and the link is up again.
                () = tokio::time::sleep_until(told_at.unwrap_or_else(Instant::now)), if may_hear && told_at.is_some() => {
                    self.tell_lost();
                    self.offer_now(&intake);
                }
            }
        }
        self.farewell().await;
    }

    fn take(&mut self, heard: Heard) {
        match heard {
            Heard::Message(message) => self.read(&message),
            Heard::Up { at, session_present, acks } => {
                let gap = self.had_session && !session_present;
                if gap {
                    let since = self.last_heard.unwrap_or(at);
                    warn!(source = %self.around.health.name, %since, "the broker had forgotten our session: a gap");
                    self.journaled.clear();
                }
                self.had_session = true;
                self.connection = self.connection.wrapping_add(1);
                self.way_back = Some(acks);
                self.lost = None;
                if gap || !self.told_up {
                    self.link_changed(at, true, String::new(), gap);
                }
            }
            Heard::Down { at, reason } => {
                self.way_back = None;
                // One that never stood has nothing to come back to.
                let grace = if self.told_up { GRACE } else { Duration::ZERO };
                self.lost = Some(Lost { at, reason, told_at: Instant::now() + grace });
            }
        }
    }

    fn tell_lost(&mut self) {
        if let Some(Lost { at, reason, .. }) = self.lost.take() {
            self.link_changed(at, false, reason, false);
        }
    }

    fn link_changed(&mut self, at: Timestamp, up: bool, reason: String, gap: bool) {
        self.told_up = up;
        self.waiting.rows.push(Row::Link(LinkChange {
            source: self.around.health.name.clone(),
            up,
            since: self.last_heard.unwrap_or(at),
            points: self.points.clone(),
            reason,
            gap,
        }));
    }

    fn read(&mut self, message: &Message) {
        let health = &self.around.health;
        self.last_heard = Some(message.received_at);
        let hash = message.owed.map(|_| hash(message));
        if let (Some(pkid), Some(hash)) = (message.owed, hash)
            && let Some(last) = self.journaled.get_mut(usize::from(pkid))
        {
            if !message.dup {
                // The packet id is in use for something new.
                *last = 0;
            } else if *last == hash {
                health.duplicates.fetch_add(1, Ordering::Relaxed);
                return self.owe(pkid, None);
            }
        }
        self.decoded.clear();
        let as_it_came = payload::Message {
            topic: &message.topic,
            payload: &message.payload,
            received_at: message.received_at,
            retained: message.retained,
        };
        self.decoder.decode(&as_it_came, &mut self.decoded);
        let taken = self.decoded.readings.len();
        if self.decoded.complained > 0 {
            self.complain(message);
        }
        let health = &self.around.health;
        if taken == 0 {
            health.refused.fetch_add(1, Ordering::Relaxed);
        } else {
            health.readings.fetch_add(count(taken), Ordering::Relaxed);
            let bad = self.decoded.readings.iter().filter(|reading| reading.value.is_err()).count();
            health.bad_values.fetch_add(count(bad), Ordering::Relaxed);
        }
        let begin = self.waiting.rows.len();
        self.waiting.rows.extend(self.decoded.readings.drain(..).map(Row::Reading));
        match message.owed {
            Some(pkid) => self.owe(pkid, if taken == 0 { None } else { hash }),
            None if taken > 0 => self.waiting.loose.push(begin..begin + taken),
            None => {}
        }
    }

    fn owe(&mut self, pkid: u16, hash: Option<u64>) {
        self.owing += 1;
        self.waiting.owed.push(Owed { pkid, connection: self.connection, hash });
    }

    fn complain(&mut self, message: &Message) {
        let health = &self.around.health;
        health.complaints.fetch_add(self.decoded.complained, Ordering::Relaxed);
        let (second, kept) = self.sampled;
        let same = message.received_at.0.abs_diff(second.0) < 1_000;
        if same && kept >= SAMPLES_A_SECOND {
            return;
        }
        self.sampled = if same { (second, kept + 1) } else { (message.received_at, 1) };
        let Some(doubt) = self.decoded.complaints.first() else { return };
        let from = doubt.at.saturating_sub(1).min(message.payload.len());
        let complaint = Complaint {
            at: message.received_at,
            whence: printable(message.topic.as_bytes()),
            reason: doubt.why.to_string(),
            sample: printable(&message.payload[from..]),
        };
        if self.complaining.may_speak(message.received_at) {
            let all = health.complaints.load(Ordering::Relaxed);
            warn!(source = %health.name, topic = complaint.whence, reason = complaint.reason, all, "payload refused");
        }
        health.keep(complaint);
    }

    /// Offers what waits if there is room now; if there is none, sheds what may be shed.
    fn offer_now(&mut self, intake: &crate::intake::Intake) {
        if self.waiting.rows.is_empty() {
            // Nothing to put on disk: due as soon as what was before it is.
            match self.tickets.back_mut() {
                Some((_, last)) => last.append(&mut self.waiting.owed),
                None if self.waiting.owed.is_empty() => {}
                None => self.tickets.push_back((None, std::mem::take(&mut self.waiting.owed))),
            }
            return;
        }
        if self.tickets.len() < MOST_TICKETS
            && let Ok(room) = intake.room_now()
        {
            return self.offer(room);
        }
        self.shed();
    }

    fn offer(&mut self, room: Room<'_>) {
        let capacity = self.waiting.rows.len();
        let rows = std::mem::replace(&mut self.waiting.rows, Vec::with_capacity(capacity.min(ENOUGH)));
        let owed = std::mem::take(&mut self.waiting.owed);
        self.waiting.loose.clear();
        if owed.is_empty() {
            room.give(rows);
        } else {
            self.tickets.push_back((Some(room.offer(rows)), owed));
        }
    }

    fn shed(&mut self) {
        let loose = std::mem::take(&mut self.waiting.loose);
        if loose.is_empty() {
            return;
        }
        let mut lost = Vec::new();
        let mut ranges = loose.into_iter().peekable();
        let mut index = 0;
        self.waiting.rows.retain(|row| {
            while ranges.peek().is_some_and(|range| range.end <= index) {
                ranges.next();
            }
            let sheds = ranges.peek().is_some_and(|range| range.contains(&index));
            index += 1;
            if let (true, Row::Reading(reading)) = (sheds, row) {
                lost.push((reading.point, reading.observed_at));
            }
            !sheds
        });
        let health = &self.around.health;
        let readings = lost.len();
        health.shed(lost);
        if self.shedding.may_speak(self.around.intake.now()) {
            let all = health.shed.load(Ordering::Relaxed);
            warn!(source = %health.name, readings, all, "intake is full: readings of QoS 0 are shed");
        }
    }

    fn acknowledge(&mut self, settled: Settled) {
        match settled {
            Settled::Durable(proof, owed) => {
                self.owing -= owed.len();
                for owed in &owed {
                    if let Some(hash) = owed.hash {
                        self.journaled.resize(1 << 16, 0);
                        self.journaled[usize::from(owed.pkid)] = hash;
                    }
                }
                // What held nothing is acknowledged in its turn among the others.
                if let Some(acks) = &self.way_back {
                    acks.journaled(self.still_owed(&owed), &proof);
                }
            }
            Settled::Refused(owed) => {
                self.owing -= owed.len();
                if let Some(acks) = &self.way_back {
                    acks.refused(self.still_owed(&owed));
                }
            }
            Settled::Never(owed) => {
                self.owing -= owed.len();
                // What is not durable is not acknowledged. Leaving makes the broker send it again.
                error!(source = %self.around.health.name, "the journal did not take readings; asking for them again");
                if let Some(acks) = self.way_back.take() {
                    acks.close();
                }
            }
        }
    }

    /// Packet ids of the connection that stands; those of an earlier one mean nothing any more.
    fn still_owed(&self, owed: &[Owed]) -> impl Iterator<Item = u16> {
        owed.iter().filter(|owed| owed.connection == self.connection).map(|owed| owed.pkid)
    }

    /// The last acknowledgements, then leave. What waits unoffered is unacknowledged and will come again.
    async fn farewell(mut self) {
        let last = async {
            while !self.tickets.is_empty() {
                let settled = settle(&mut self.tickets).await;
                self.acknowledge(settled);
            }
        };
        if tokio::time::timeout(FAREWELL, last).await.is_err() {
            warn!(source = %self.around.health.name, "stopped before the journal had everything; the rest comes again");
        }
        if let Some(acks) = self.way_back {
            acks.close();
        }
    }
}

/// What became of the oldest offer.
enum Settled {
    /// On disk.
    Durable(Durable<Seq>, Vec<Owed>),
    /// There was nothing to put on disk.
    Refused(Vec<Owed>),
    /// It never will be.
    Never(Vec<Owed>),
}

/// Waits for the oldest offer. A wait given up may be begun again. Asked only while there is one.
async fn settle(tickets: &mut VecDeque<(Option<Ticket>, Vec<Owed>)>) -> Settled {
    let proof = match tickets.front_mut() {
        Some((Some(ticket), _)) => Some(ticket.wait().await),
        Some((None, _)) | None => None,
    };
    let owed = tickets.pop_front().map(|(_, owed)| owed).unwrap_or_default();
    match proof {
        Some(Some(proof)) => Settled::Durable(proof, owed),
        Some(None) => Settled::Never(owed),
        None => Settled::Refused(owed),
    }
}

fn hash(message: &Message) -> u64 {
    let mut hasher = DefaultHasher::new();
    message.topic.hash(&mut hasher);
    hasher.write(&message.payload);
    // Zero stands for "none yet".
    hasher.finish().max(1)
}

fn count(readings: usize) -> u64 {
    u64::try_from(readings).unwrap_or(u64::MAX)
}
