//! What each thread of the house does in one turn, without its thread: nothing here waits, sends to another thread or
//! asks for the time. The topology turns each on a thread of its own; a simulation turns them in virtual time, in any
//! order, and may stop between any two.

pub mod duty;
pub mod journal;
pub mod lag;
pub mod recovery;
pub mod series;
pub mod shard;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use tokio::sync::watch;
use watchfire_model::id::Seq;
use watchfire_model::time::Steady;

use recovery::Opened;

/// The one shard's name among the snapshots, and its thread's.
pub const SHARD: &str = "shard-0";

/// How far the logs and machines have come; what each turn tells the others without waiting for them.
#[derive(Debug)]
pub struct Progress {
    /// The journal's last synced row.
    pub durable: watch::Sender<Seq>,
    /// Findings recorded in the ledger since the start of this process.
    pub recorded: AtomicU64,
    /// Turns of the duty loop.
    pub turns: AtomicU64,
    /// When a shard next wants a tick: steady milliseconds, `i64::MAX` for never.
    pub tick_due: AtomicI64,
    /// The oldest row that the journal still has.
    pub journal_from: AtomicU64,
    /// The journal must be kept from here on for the shard's snapshot …
    pub snapshot: AtomicU64,
    /// … and for each series writer.
    pub cursors: Vec<AtomicU64>,
}

impl Progress {
    /// As things stand after opening; `durable` is how the others hear of the journal's syncs.
    pub fn of(opened: &Opened, durable: watch::Sender<Seq>) -> Self {
        durable.send_replace(opened.durable);
        Self {
            durable,
            recorded: AtomicU64::new(0),
            turns: AtomicU64::new(0),
            tick_due: AtomicI64::new(i64::MAX),
            journal_from: AtomicU64::new(opened.journal.oldest().0),
            snapshot: AtomicU64::new(opened.shard.seq().0),
            cursors: opened.stores.iter().map(|store| AtomicU64::new(store.cursor().0)).collect(),
        }
    }

    /// When a shard next wants a tick; the end of time for never.
    pub fn tick_due(&self) -> Steady {
        Steady(self.tick_due.load(Ordering::Acquire))
    }
}
