//! The task that puts a new configuration in force: one wish at a time, everything looked at before anything changes, and
//! the journal's row as the one moment at which it does.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};
use watchfire_connectors::intake::Offer;
use watchfire_model::id::{PersonId, Revision};
use watchfire_model::reload::{Orphans, Reload};
use watchfire_model::row::Row;
use watchfire_rules::engine::Overseer;
use watchfire_rules::ruleset::RuleSet;

use super::ForShard;
use super::trial::Trials;
use crate::cli::test::beside;
use crate::clock::Clock;
use crate::config;
use crate::config::settings::Settings;
use crate::metrics::Metrics;
use crate::reload::promotion::{Backtest, promoted};
use crate::reload::proposal::Proposal;
use crate::reload::{Asked, Cases, Outcome, Refused, Trial, Wish, WishStep, impact, inherit, needs_restart, orphans};
use crate::storage::revisions::Revisions;
use crate::views::{DeskView, InForce};

/// Longest wait until the Desk has followed.
const FOLLOWED_WITHIN: Duration = Duration::from_secs(5);

/// What the task leans on.
pub(crate) struct ReloadTask {
    pub(crate) running: Settings,
    pub(crate) revisions: Arc<Revisions>,
    pub(crate) offers: mpsc::Sender<Offer>,
    pub(crate) shard: mpsc::Sender<ForShard>,
    pub(crate) desk: watch::Receiver<Arc<DeskView>>,
    pub(crate) in_force: watch::Sender<Arc<InForce>>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Clock,
    pub(crate) trials: Trials,
    /// What waits for a second person.
    pub(crate) proposal: Option<Proposal>,
}

impl ReloadTask {
    /// Until stopped.
    pub(crate) async fn run(mut self, mut asked: mpsc::Receiver<Asked>, stop: CancellationToken) {
        loop {
            let Asked { wish, answer } = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                asked = asked.recv() => match asked {
                    Some(asked) => asked,
                    None => return,
                },
            };
            let only_looks = wish.preview || wish.step == WishStep::Propose;
            let done = tokio::select! {
                biased;
                () = stop.cancelled() => Err(Refused::Stopping),
                done = self.reload(wish) => done,
            };
            if !only_looks {
                self.tell(&done);
            }
            // Whoever asked may have given up waiting.
            let _ = answer.send(done);
        }
    }

    async fn reload(&mut self, wish: Wish) -> Result<Outcome, Refused> {
        if let WishStep::Publish(revision) = &wish.step {
            let proposal = self.proposed(revision, &wish.who)?;
            // It may be older than this run.
            if let Some(key) = needs_restart(&self.running, &proposal.next) {
                return Err(Refused::NeedsRestart { key });
            }
            let outcome = Outcome { cases: proposal.cases.clone(), ..self.look(&proposal.next.rules) };
            let published = self.publish(wish, proposal, outcome).await?;
            self.withdraw().await;
            return Ok(published);
        }
        self.trials.is_free(wish.preview || wish.step == WishStep::Propose)?;
        let next = self.examine().await?;
        let mut outcome = self.look(&next.rules);
        if outcome.revision != outcome.former {
            outcome.cases = self.tell_cases().await?;
        }
        if wish.preview {
            outcome.grades = self.preview(&next.rules).await?;
            return Ok(outcome);
        }
        if wish.step == WishStep::Propose {
            refuse_failing(wish.in_spite, &outcome)?;
            let backtest = wish.backtest.map(|text| Backtest::of(text, &outcome.revision)).transpose()?;
            if !outcome.promoted.is_empty() && backtest.is_none() {
                return Err(Refused::Promotion(outcome.promoted));
            }
            let proposal = Proposal { next, who: wish.who, backtest, cases: outcome.cases.clone() };
            self.propose(proposal).await?;
            return Ok(outcome);
        }
        let unchanged = outcome.revision == outcome.former && wish.orphans.is_none();
        if unchanged {
            outcome.in_force = true;
            return Ok(outcome);
        }
        if self.running.two_people || next.two_people {
            return Err(Refused::TwoPeople);
        }
        if !outcome.promoted.is_empty() {
            return Err(Refused::Promotion(outcome.promoted));
        }
        refuse_failing(wish.in_spite, &outcome)?;
        let cases = outcome.cases.clone();
        let whole = Proposal { next, who: wish.who.clone(), backtest: None, cases };
        self.publish(wish, whole, outcome).await
    }

    /// Lays it before a second person, on disk first.
    async fn propose(&mut self, proposal: Proposal) -> Result<(), Refused> {
        let (revisions, kept) = (Arc::clone(&self.revisions), proposal.clone());
        let written = tokio::task::spawn_blocking(move || kept.keep(&revisions)).await;
        let folder = self.running.data_dir.join("revisions");
        written.map_err(|_| Refused::Stopping)?.map_err(|source| Refused::Unwritten { folder, source })?;
        self.proposal = Some(proposal);
        Ok(())
    }

    /// Nothing waits any more.
    async fn withdraw(&mut self) {
        self.proposal = None;
        let revisions = Arc::clone(&self.revisions);
        let done = tokio::task::spawn_blocking(move || revisions.withdraw()).await;
        if let Ok(Err(error)) = done {
            error!(%error, "what was proposed and is in force cannot be removed; the next start shows it as proposed");
        }
    }

    /// What is proposed, if it is that, and this is another person.
    fn proposed(&self, revision: &Revision, who: &PersonId) -> Result<Proposal, Refused> {
        let of = |proposal: &Proposal| proposal.next.site().revision.clone();
        let asked = || revision.clone();
        let proposed = self.proposal.as_ref().map(of);
        let proposal = self.proposal.clone().filter(|_| proposed.as_ref() == Some(revision));
        let proposal = proposal.ok_or_else(|| Refused::NotProposed { asked: asked(), proposed })?;
        let name = |who: &PersonId| who.as_str().trim().to_lowercase();
        if name(&proposal.who) == name(who) {
            return Err(Refused::SamePerson { who: who.clone() });
        }
        Ok(proposal)
    }

    /// What putting it in force would do, as far as the site tells.
    fn look(&self, rules: &RuleSet) -> Outcome {
        let view = Arc::clone(&self.desk.borrow());
        Outcome {
            in_force: false,
            revision: rules.site().revision.clone(),
            former: self.running.site().revision.clone(),
            changes: impact::changes(self.running.site(), rules.site()),
            grades: Vec::new(),
            orphans: orphans(rules.site(), &view),
            promoted: promoted(self.running.site(), rules.site()),
            cases: Cases::default(),
        }
    }

    /// What the site's own cases say of the file as it is.
    async fn tell_cases(&mut self) -> Result<Cases, Refused> {
        let Some(path) = self.running.path.clone() else { return Ok(Cases::default()) };
        self.trials.run(Trial::Cases, &self.running.rules, move |overseer| beside(&path, &overseer)).await
    }

    async fn publish(&mut self, wish: Wish, proposal: Proposal, outcome: Outcome) -> Result<Outcome, Refused> {
        let Proposal { next, who: proposer, backtest, cases } = proposal;
        if let (false, None) = (outcome.orphans.is_empty(), wish.orphans) {
            return Err(Refused::Orphans(outcome.orphans));
        }
        let (revisions, kept) = (Arc::clone(&self.revisions), Arc::clone(&next.rules));
        let folder = self.running.data_dir.join("revisions");
        let (sha256, text) = backtest.map(|backtest| (backtest.sha256, backtest.text)).unzip();
        let keep = move || {
            revisions.keep(&kept)?;
            text.map_or(Ok(()), |text| revisions.attach(&kept.site().revision, &text))
        };
        match tokio::task::spawn_blocking(keep).await {
            Ok(Ok(())) => {}
            Ok(Err(source)) => return Err(Refused::Unwritten { folder, source }),
            Err(_) => return Err(Refused::Stopping),
        }
        let reload = Reload {
            revision: outcome.revision.clone(),
            proposed_by: Some(proposer).filter(|proposer| *proposer != wish.who),
            who: wish.who,
            why: match cases.failed.len() {
                0 => wish.why,
                failed => format!("{} (in spite of {failed} failing cases)", wish.why),
            },
            from: wish.from,
            orphans: wish.orphans.unwrap_or(Orphans::Hold),
            backtest: sha256,
        };
        self.put_in_force(reload).await?;
        self.running = next;
        Ok(Outcome { in_force: true, ..outcome })
    }

    /// Reads and compiles all of it, off the threads that must not wait.
    async fn examine(&mut self) -> Result<Settings, Refused> {
        let former = self.running.site().revision.clone();
        let Some(path) = self.running.path.clone() else { return Err(Refused::NoFile) };
        let examine = move |overseer: Arc<dyn Overseer>| config::examine_overseen(&path, Some(&*overseer));
        let examined = self.trials.run(Trial::Reading, &self.running.rules, examine).await?;
        let Some(next) = examined.settings else {
            return Err(Refused::Broken { former, problems: examined.problems });
        };
        if let Some(key) = needs_restart(&self.running, &next) {
            return Err(Refused::NeedsRestart { key });
        }
        let view = Arc::clone(&self.desk.borrow());
        let warnings = view.warnings.iter().map(|warning| &**warning);
        let alarms = view.alarms.iter().map(|alarm| &**alarm);
        let site = inherit(next.site(), self.running.site(), alarms, warnings);
        if Arc::ptr_eq(&site, next.site()) {
            return Ok(next);
        }
        let compile = move |overseer: Arc<dyn Overseer>| RuleSet::compile_overseen(site, Some(&*overseer));
        match self.trials.run(Trial::Reading, &self.running.rules, compile).await? {
            Ok(rules) => Ok(Settings { rules: Arc::new(rules), ..next }),
            // Without what it inherits it was compiled when it was examined.
            Err(_) => Err(Refused::Broken { former, problems: examined.problems }),
        }
    }

    /// What would turn, by the readings that the shard has now.
    async fn preview(&mut self, rules: &Arc<RuleSet>) -> Result<Vec<impact::Turned>, Refused> {
        let (back, state) = oneshot::channel();
        self.shard.send(ForShard::State(back)).await.map_err(|_| Refused::Stopping)?;
        let state = state.await.map_err(|_| Refused::Stopping)?;
        let (before, after) = (Arc::clone(&self.running.rules), Arc::clone(rules));
        let judge = move |overseer| impact::grades(state, &before, &after, overseer);
        self.trials.run(Trial::Preview, &self.running.rules, judge).await
    }

    /// Writes the row from which it judges, and waits until the Desk has followed. Where the row is not durable and nobody
    /// follows, nothing was changed; a disk that fails between the two does not stop what has begun.
    async fn put_in_force(&mut self, reload: Reload) -> Result<(), Refused> {
        let former = self.running.site().revision.clone();
        let before = self.desk.borrow().reloaded;
        let (done, durable) = oneshot::channel();
        let offer = Offer { rows: vec![Row::Revision(Box::new(reload))], done: Some(done) };
        self.offers.send(offer).await.map_err(|_| Refused::Stopping)?;
        let is_durable = durable.await.is_ok();
        let followed = timeout(FOLLOWED_WITHIN, self.desk.wait_for(|view| view.reloaded > before)).await;
        match (is_durable, matches!(followed, Ok(Ok(_)))) {
            (true, true) => Ok(()),
            (true, false) => {
                error!("the duty loop has not followed a reload yet; it will");
                Ok(())
            }
            (false, true) => {
                error!("a reload is in force before it is on disk");
                Ok(())
            }
            (false, false) => Err(Refused::Journal { former }),
        }
    }

    fn tell(&self, done: &Result<Outcome, Refused>) {
        let now = self.clock.now().wall;
        self.metrics.reloaded(done.is_ok(), now);
        match done {
            Ok(outcome) => {
                let site = Arc::clone(self.running.site());
                info!(revision = %outcome.revision, former = %outcome.former, changes = outcome.changes.len(), "reloaded");
                self.in_force.send_replace(Arc::new(InForce { site, since: now, refused: None }));
            }
            Err(refused) => {
                error!(%refused, "the configuration was not reloaded");
                let why = refused.to_string();
                self.in_force.send_modify(|in_force| {
                    *in_force = Arc::new(InForce { refused: Some((now, why)), ..InForce::clone(in_force) });
                });
            }
        }
    }
}

/// Unless somebody says that it is put in force all the same.
fn refuse_failing(in_spite: bool, outcome: &Outcome) -> Result<(), Refused> {
    match &outcome.cases.failed {
        failed if failed.is_empty() || in_spite => Ok(()),
        failed => Err(Refused::Cases(failed.clone())),
    }
}
