//! The running daemon in the hands of who started it: what may be looked at, and how it is stopped.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use super::House;
use crate::metrics::Counts;
use crate::storage::DataDir;
use crate::views::Views;

/// The running daemon.
pub struct Running {
    /// Where HTTP really listens.
    pub listen: SocketAddr,
    /// What may be looked at.
    pub views: Views,
    /// The one-time code by which the first account is made, where there is none: to be told once, on the terminal.
    pub first_code: Option<FirstCode>,
    pub(super) house: House,
    /// Holds the lock on the data directory.
    pub(super) _data: DataDir,
}

/// The one-time code of a first start.
pub struct FirstCode {
    /// The code.
    pub code: String,
    /// The file that it is in too, for its owner alone; gone once the code is used.
    pub path: PathBuf,
}

impl Running {
    /// How often the duty loop has turned: the heartbeat that a supervisor's watchdog asks for.
    pub fn turns(&self) -> u64 {
        self.house.progress.turns.load(Ordering::Acquire)
    }

    /// Stops in order: sources, journal, shard, duty loop, then couriers and HTTP. Within
    /// [`LIMIT`](crate::shutdown::LIMIT), whatever hangs.
    pub async fn stop(self) -> Counts {
        self.house.stop().await
    }
}
