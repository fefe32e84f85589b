//! The watchdog's task: looks now and then whether a script has come back.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::clock::Clock;
use crate::storage::stops::{self, Stop};
use crate::vigil::{EVERY, Hang, Vigil, Watchdog};

/// What the task owns.
pub(crate) struct WatchdogTask {
    pub(crate) vigil: Arc<Vigil>,
    /// Where stopped rules are written down.
    pub(crate) stops: PathBuf,
    pub(crate) clock: Clock,
}

impl WatchdogTask {
    /// Looks until it is told to stop. A script that does not come back ends the process at once: nothing that waits for
    /// the shard could end in order.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let (mut watchdog, mut every) = (Watchdog::default(), tokio::time::interval(EVERY));
        // Looks that were missed while we slept are no looks.
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(every.tick()).await.is_some() {
            let Some(Hang { seq, stopped, .. }) = watchdog.look(&self.vigil) else { continue };
            let rule = stopped.rule.clone();
            error!(%rule, seq = seq.0, "a script does not come back; the process ends, to come back without this rule");
            if let Err(error) = stops::add(&self.stops, Stop { seq, at: self.clock.now().wall, stopped }) {
                error!(%error, path = %self.stops.display(), "this could not be written down; the script will run again");
            }
            std::process::abort();
        }
    }
}
