//! The thread that keeps the evidence of what the public was told: waits until nothing more comes for a while, then keeps
//! all of it in one go, so that it takes nothing from a flood.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use watchfire_model::id::WarningId;

use crate::evidence::keeper::Keeper;

/// So long nothing more must come …
const QUIET: Duration = Duration::from_secs(5);
/// … but of what comes all the time so much is taken together.
const TOGETHER: Duration = Duration::from_secs(60);

/// What the thread owns.
pub(crate) struct EvidenceThread {
    pub(crate) keeper: Keeper,
    pub(crate) warnings: mpsc::Receiver<WarningId>,
    pub(crate) stop: CancellationToken,
    pub(crate) handle: Handle,
}

impl EvidenceThread {
    /// Until the duty loop has ended, or it is told to stop. What is not kept then is taken up by the next run, as long as
    /// its warning lives.
    pub(crate) fn run(mut self) {
        while let Some(warnings) = self.handle.clone().block_on(self.some()) {
            let keep = || self.keeper.keep(&warnings, &|| !self.stop.is_cancelled());
            // It judges again what was judged before: should that fail inside, it is no reason to end the process, which
            // would take it up at every start.
            if catch_unwind(AssertUnwindSafe(keep)).is_err() {
                self.keeper.failed(warnings.len());
            }
        }
    }

    /// Warnings that came one after the other; none at the end.
    async fn some(&mut self) -> Option<BTreeSet<WarningId>> {
        let stop = self.stop.clone();
        let gathered = async {
            let mut some = BTreeSet::from([self.warnings.recv().await?]);
            let more = async {
                while let Ok(Some(another)) = timeout(QUIET, self.warnings.recv()).await {
                    some.insert(another);
                }
            };
            // The rest is taken with the next ones.
            let _ = timeout(TOGETHER, more).await;
            Some(some)
        };
        stop.run_until_cancelled(gathered).await.flatten()
    }
}
