//! A series writer's thread: turns, and waits as long as the turn said.

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::turns::series::SeriesTurns;

/// What the thread owns.
pub(crate) struct SeriesThread {
    pub(crate) turns: SeriesTurns,
    pub(crate) stop: CancellationToken,
    pub(crate) handle: Handle,
}

impl SeriesThread {
    /// Until stopped and level with the journal, or stopped and unable to be.
    pub(crate) fn run(mut self) {
        loop {
            let stopping = self.stop.is_cancelled();
            let Some(pause) = self.turns.turn() else { continue };
            if stopping {
                return;
            }
            self.handle.block_on(async {
                tokio::select! {
                    () = self.stop.cancelled() => {}
                    () = tokio::time::sleep(pause) => {}
                }
            });
        }
    }
}
