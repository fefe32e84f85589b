//! The thread on which a new configuration is judged beforehand, and the watch over it. A script that does not come back
//! there ends the preview and nothing else: the thread can't be ended, so it is left behind, and until it ends by itself or
//! with the process there is no other one.

use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;
use tracing::error;
use watchfire_model::id::RuleId;
use watchfire_rules::engine::Overseer;
use watchfire_rules::evaluator::EvaluatorState;
use watchfire_rules::ruleset::RuleSet;

use crate::reload::{Refused, impact};
use crate::vigil::{EVERY, Vigil, Watchdog};

/// Who hears of the scripts that a watch is kept over.
pub(crate) type Oversee = Arc<dyn Fn(Arc<Vigil>) -> Arc<dyn Overseer> + Send + Sync>;

/// Previews, one at a time.
pub(crate) struct Previews {
    oversee: Oversee,
    /// The rule whose script did not come back, and the thread that it keeps.
    hangs: Option<(RuleId, JoinHandle<()>)>,
}

impl Previews {
    pub(crate) const fn new(oversee: Oversee) -> Self {
        Self { oversee, hangs: None }
    }

    /// The grades that would turn, were `after` in force where things stand as in `state`.
    pub(crate) async fn grades(
        &mut self,
        state: EvaluatorState,
        before: Arc<RuleSet>,
        after: Arc<RuleSet>,
    ) -> Result<Vec<impact::Turned>, Refused> {
        if let Some((rule, _)) = self.hangs.as_ref().filter(|(_, thread)| !thread.is_finished()) {
            return Err(Refused::StillHangs { rule: rule.clone() });
        }
        let former = before.site().revision.clone();
        let vigil = Arc::new(Vigil::over(Arc::clone(&after)));
        let (overseer, seen) = ((self.oversee)(Arc::clone(&vigil)), Arc::clone(&vigil));
        let (done, mut turned) = oneshot::channel();
        let judge = move || {
            seen.here();
            // Whoever asked may have given up waiting.
            let _ = done.send(impact::grades(state, &before, &after, overseer));
        };
        let thread = std::thread::Builder::new().name("watchfire-preview".to_owned()).spawn(judge);
        let thread = thread.map_err(Refused::NoThread)?;
        let (mut watchdog, mut every) = (Watchdog::default(), tokio::time::interval(EVERY));
        // Looks that were missed while we slept are no looks.
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                turned = &mut turned => return turned.map_err(|_| Refused::Preview { former }),
                _ = every.tick() => {}
            }
            let Some((_, stopped)) = watchdog.look(&vigil) else { continue };
            let rule = stopped.rule;
            error!(%rule, "a script does not come back in a preview; it runs until the process ends");
            self.hangs = Some((rule.clone(), thread));
            return Err(Refused::Hangs { rule, former });
        }
    }
}
