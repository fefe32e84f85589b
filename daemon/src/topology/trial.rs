//! The thread on which a new configuration is tried: read, told its own cases, judged beforehand; and the watch over it. A
//! script that does not come back there ends the trial and nothing else: the thread can't be ended, so it is left behind
//! until it ends by itself or with the process.

use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;
use tracing::error;
use watchfire_model::id::RuleId;
use watchfire_rules::engine::Overseer;
use watchfire_rules::ruleset::RuleSet;

use crate::reload::{Refused, Trial};
use crate::vigil::{EVERY, Vigil, Watchdog};

/// Threads left behind that one may still try beside: whoever puts right what hangs needs one more, and each of them takes
/// a processor from those who warn.
const BESIDE: usize = 1;

/// Who hears of the scripts that a watch is kept over.
pub(crate) type Oversee = Arc<dyn Fn(Arc<Vigil>) -> Arc<dyn Overseer> + Send + Sync>;

/// Trials, one at a time.
pub(crate) struct Trials {
    oversee: Oversee,
    /// The rules whose scripts did not come back, and the threads that they keep: two at most.
    left: Vec<(RuleId, JoinHandle<()>)>,
}

impl Trials {
    pub(crate) const fn new(oversee: Oversee) -> Self {
        Self { oversee, left: Vec::new() }
    }

    /// Refuses where as many threads hang as may be left behind; what only looks gives way to the first.
    pub(crate) fn is_free(&mut self, only_looks: bool) -> Result<(), Refused> {
        self.left.retain(|(_, thread)| !thread.is_finished());
        let most = if only_looks { 0 } else { BESIDE };
        match self.left.last() {
            Some((rule, _)) if self.left.len() > most => Err(Refused::StillHangs { rule: rule.clone() }),
            Some(_) | None => Ok(()),
        }
    }

    /// What `work` gives, which runs scripts, by the rules of `former` first; the overseer that it is given must hear of
    /// each of them.
    pub(crate) async fn run<T: Send + 'static>(
        &mut self,
        trial: Trial,
        former: &Arc<RuleSet>,
        work: impl FnOnce(Arc<dyn Overseer>) -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let vigil = Arc::new(Vigil::over(Arc::clone(former)));
        let (overseer, seen) = ((self.oversee)(Arc::clone(&vigil)), Arc::clone(&vigil));
        let (done, mut given) = oneshot::channel();
        let work = move || {
            seen.here();
            // Whoever asked may have given up waiting.
            let _ = done.send(work(overseer));
        };
        let thread = std::thread::Builder::new().name(trial.thread().to_owned()).spawn(work);
        let thread = thread.map_err(Refused::NoThread)?;
        let (mut watchdog, mut every) = (Watchdog::default(), tokio::time::interval(EVERY));
        // Looks that were missed while we slept are no looks.
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let former = former.site().revision.clone();
        loop {
            tokio::select! {
                biased;
                given = &mut given => return given.map_err(|_| Refused::Inside { step: trial, former }),
                _ = every.tick() => {}
            }
            let Some(hang) = watchdog.look(&vigil) else { continue };
            let (rule, origin) = (hang.stopped.rule, hang.origin);
            error!(%rule, %origin, "a script does not come back when {trial}; it runs until the process ends");
            self.left.push((rule.clone(), thread));
            return Err(Refused::Hangs { rule, origin, step: trial, former });
        }
    }
}
