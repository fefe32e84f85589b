//! The one way in: `offer` a batch, get a ticket. Stamps `received_at`; what it hands on goes to the journal.
//!
//! One message is one commit, all or nothing. An offer may carry several whole messages.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use watchfire_model::durable::Durable;
use watchfire_model::id::Seq;
use watchfire_model::row::Row;
use watchfire_model::time::Timestamp;

/// Asks for the wall time; made by the daemon's clock, so that virtual time reaches here too.
pub type WallClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Rows on their way to the journal.
#[derive(Debug)]
pub struct Offer {
    /// Readings and link changes, in order.
    pub rows: Vec<Row>,
    /// Told once the rows are durable; dropped without a word if they never will be.
    pub done: Option<oneshot::Sender<Durable<Seq>>>,
}

/// A promise that the rows of an offer will be on disk.
#[derive(Debug)]
pub struct Ticket(oneshot::Receiver<Durable<Seq>>);

impl Ticket {
    /// Waits for the disk. `None`: the rows will never be durable (the journal is failing or closing); acknowledge nothing.
    pub async fn durable(mut self) -> Option<Durable<Seq>> {
        self.wait().await
    }

    /// As [`durable`](Self::durable), for a wait that may be given up and begun again; once it has ended it is over.
    pub async fn wait(&mut self) -> Option<Durable<Seq>> {
        (&mut self.0).await.ok()
    }
}

/// Intake is full or closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// No room now.
    #[error("intake is full")]
    Busy,
    /// The daemon is stopping.
    #[error("intake is closed")]
    Closed,
}

/// The way in. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    tx: mpsc::Sender<Offer>,
    clock: WallClock,
}

impl Intake {
    /// Over a bounded channel that the daemon's topology made.
    pub const fn new(tx: mpsc::Sender<Offer>, clock: WallClock) -> Self {
        Self { tx, clock }
    }

    /// The wall time, for `received_at`: asked once per message.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Offers rows and waits for room (QoS 1, HTTP, Modbus).
    pub async fn offer(&self, rows: Vec<Row>) -> Result<Ticket, Full> {
        let (done, ticket) = oneshot::channel();
        self.tx.send(Offer { rows, done: Some(done) }).await.map_err(|_| Full::Closed)?;
        Ok(Ticket(ticket))
    }

    /// Offers rows without waiting and without a ticket (QoS 0). Refused rows are given back for counting.
    pub fn try_offer(&self, rows: Vec<Row>) -> Result<(), (Full, Vec<Row>)> {
        self.tx.try_send(Offer { rows, done: None }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(offer) => (Full::Busy, offer.rows),
            mpsc::error::TrySendError::Closed(offer) => (Full::Closed, offer.rows),
        })
    }

    /// Waits for room, and keeps it for the caller. A wait given up loses nothing.
    pub async fn room(&self) -> Result<Room<'_>, Full> {
        self.tx.reserve().await.map(Room).map_err(|_| Full::Closed)
    }

    /// Room, if there is some now.
    pub fn room_now(&self) -> Result<Room<'_>, Full> {
        self.tx.try_reserve().map(Room).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(()) => Full::Busy,
            mpsc::error::TrySendError::Closed(()) => Full::Closed,
        })
    }
}

/// Room for one offer.
#[derive(Debug)]
pub struct Room<'a>(mpsc::Permit<'a, Offer>);

impl Room<'_> {
    /// Offers rows that somebody waits for.
    pub fn offer(self, rows: Vec<Row>) -> Ticket {
        let (done, ticket) = oneshot::channel();
        self.0.send(Offer { rows, done: Some(done) });
        Ticket(ticket)
    }

    /// Offers rows that nobody waits for.
    pub fn give(self, rows: Vec<Row>) {
        self.0.send(Offer { rows, done: None });
    }
}
