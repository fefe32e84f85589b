//! The way in: sensors' messages at a broker that keeps QoS 1 until it is acknowledged, sends again what is not, loses
//! QoS 0 when nobody listens, and now and then forgets the session; and the source that hears it, which acknowledges a
//! message when its ticket says durable and never before.

use std::collections::{BTreeSet, VecDeque};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use watchfire_connectors::intake::{Intake, Ticket};
use watchfire_model::id::PointIx;
use watchfire_model::quantity::{Bad, Finite};
use watchfire_model::reading::{PointState, Reading};
use watchfire_model::row::{LinkChange, Row};
use watchfire_model::time::Timestamp;

/// One message of one point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message {
    /// Unique; two messages that say the same have two.
    pub(crate) id: u64,
    /// Whose.
    pub(crate) point: PointIx,
    /// The sensor's time.
    pub(crate) observed_at: Timestamp,
    /// The value.
    pub(crate) value: Result<Finite, Bad>,
    /// Whether the broker keeps it until it is acknowledged.
    pub(crate) kept: bool,
}

/// The broker.
#[derive(Debug, Default)]
pub(crate) struct Broker {
    /// Not yet sent to us.
    queue: VecDeque<Message>,
    /// Sent and not acknowledged, in order.
    unacked: VecDeque<Message>,
    /// Messages of QoS 1 that we acknowledged.
    pub(crate) acked: BTreeSet<u64>,
    /// Whether the link stands.
    pub(crate) up: bool,
    /// Messages lost with a session or with nobody listening.
    pub(crate) lost: u64,
    /// Messages sent again.
    pub(crate) again: u64,
}

impl Broker {
    /// A message has reached the broker.
    pub(crate) fn publish(&mut self, message: Message) {
        if message.kept || self.up {
            self.queue.push_back(message);
        } else {
            self.lost += 1;
        }
    }

    fn acknowledge(&mut self, id: u64) {
        if let Some(place) = self.unacked.iter().position(|message| message.id == id) {
            self.unacked.remove(place);
            self.acked.insert(id);
        }
    }

    /// The link is gone; what was on its way comes again, unless the broker forgets us.
    fn drop_link(&mut self, forgets: bool) {
        self.up = false;
        let waiting = self.queue.len();
        self.queue.retain(|message| message.kept);
        self.lost += u64::try_from(waiting - self.queue.len()).unwrap_or(0);
        self.again += u64::try_from(self.unacked.len()).unwrap_or(0);
        while let Some(message) = self.unacked.pop_back() {
            self.queue.push_front(message);
        }
        if forgets {
            self.lost += u64::try_from(self.queue.len()).unwrap_or(0);
            self.queue.clear();
        }
    }

    /// Whether nothing waits here.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.unacked.is_empty()
    }
}

/// The source: one life of it.
pub(crate) struct Source {
    intake: Intake,
    points: Vec<PointIx>,
    /// Offers on their way to the disk, in order, with the messages in them.
    tickets: VecDeque<(Ticket, Vec<u64>)>,
    /// Rows that wait for room.
    waiting: Vec<Row>,
    owed: Vec<u64>,
    last_heard: Option<Timestamp>,
    /// Readings of QoS 0 for which there was no room.
    pub(crate) shed: u64,
}

impl Source {
    /// A source that hears of `points`.
    pub(crate) fn new(intake: Intake, points: usize) -> Self {
        let points = (0_u32..).map(PointIx).take(points).collect();
        let (tickets, waiting, owed) = (VecDeque::new(), Vec::new(), Vec::new());
        Self { intake, points, tickets, waiting, owed, last_heard: None, shed: 0 }
    }

    /// The link comes up.
    pub(crate) fn connect(&mut self, broker: &mut Broker, at: Timestamp, gap: bool) {
        broker.up = true;
        self.link(at, true, gap);
    }

    /// The link goes down, from either side; the broker forgets the session or does not.
    pub(crate) fn disconnect(&mut self, broker: &mut Broker, at: Timestamp, forgets: bool) {
        broker.drop_link(forgets);
        // What is owed on a connection that is gone can't be acknowledged.
        self.owed.clear();
        for (_, owed) in &mut self.tickets {
            owed.clear();
        }
        self.link(at, false, false);
    }

    fn link(&mut self, at: Timestamp, up: bool, gap: bool) {
        self.waiting.push(Row::Link(LinkChange {
            source: "field".into(),
            up,
            since: self.last_heard.unwrap_or(at),
            points: self.points.clone(),
            reason: String::new(),
            gap,
        }));
    }

    /// Hears up to `most` messages, offers them as one, and acknowledges what has become durable. False if it has left the
    /// broker, to come again after a pause, because the journal did not take what was offered.
    #[must_use]
    pub(crate) fn hear(&mut self, broker: &mut Broker, now: Timestamp, most: usize) -> bool {
        let stays = self.settle(broker) || !broker.up;
        if !stays {
            // Leaving makes the broker send it again.
            self.disconnect(broker, now, false);
        }
        for _ in 0..most {
            let Some(message) = broker.queue.pop_front().filter(|_| broker.up) else { break };
            self.take(broker, message, now);
        }
        if self.waiting.is_empty() {
            return stays;
        }
        if let Ok(room) = self.intake.room_now() {
            let rows = std::mem::take(&mut self.waiting);
            if self.owed.is_empty() {
                room.give(rows);
            } else {
                self.tickets.push_back((room.offer(rows), std::mem::take(&mut self.owed)));
            }
        }
        stays
    }

    fn take(&mut self, broker: &mut Broker, message: Message, now: Timestamp) {
        if !message.kept && self.intake.room_now().is_err() {
            self.shed += 1;
            return;
        }
        self.last_heard = Some(now);
        self.waiting.push(Row::Reading(Reading {
            point: message.point,
            observed_at: message.observed_at,
            received_at: now,
            value: message.value,
            state: PointState::Normal,
            retained: false,
        }));
        if message.kept {
            self.owed.push(message.id);
            broker.unacked.push_back(message);
        }
    }

    /// Acknowledges what is durable. False if something never will be.
    fn settle(&mut self, broker: &mut Broker) -> bool {
        while let Some((ticket, _)) = self.tickets.front_mut() {
            let waited = pin!(ticket.wait()).poll(&mut Context::from_waker(Waker::noop()));
            match waited {
                Poll::Pending => return true,
                Poll::Ready(proof) => {
                    let owed = self.tickets.pop_front().map(|(_, owed)| owed).unwrap_or_default();
                    if proof.is_none() {
                        return false;
                    }
                    owed.into_iter().for_each(|id| broker.acknowledge(id));
                }
            }
        }
        true
    }

    /// Whether there is something to hear, to offer or to acknowledge.
    pub(crate) fn has_work(&self, broker: &Broker) -> bool {
        (broker.up && !broker.queue.is_empty()) || !self.waiting.is_empty() || !self.tickets.is_empty()
    }

    /// Whether there is something to hear or to offer.
    pub(crate) fn has_news(&self, broker: &Broker) -> bool {
        (broker.up && !broker.queue.is_empty()) || (!self.waiting.is_empty() && self.intake.room_now().is_ok())
    }

    /// Whether nothing is on its way to the disk.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.tickets.is_empty()
    }
}
