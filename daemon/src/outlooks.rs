//! What is under way on the alarms: asked of the shard when somebody looks, once a second for all who look together, one
//! question at a time. Whoever can't have a new answer soon gets the one before. Nothing here holds up a warning, and
//! where nobody looks nothing is asked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use watchfire_model::alarm::AlarmKey;
use watchfire_model::outlook::{Outlook, Recovering, Rising};

use crate::topology::ForShard;

/// An answer is as good as new for so long.
const FRESH: Duration = Duration::from_secs(1);
/// Longest wait for a new one.
const PATIENCE: Duration = Duration::from_millis(250);
/// As many are told; of the others it is told only what is pending.
const MOST: usize = 10_000;

/// The way to the shard, and its last answer.
#[derive(Debug)]
pub struct Outlooks {
    /// Weak: whoever looks does not keep the shard from ending. None where there is no shard.
    shard: Option<mpsc::WeakSender<ForShard>>,
    /// A question is under way.
    asked: AtomicBool,
    known: watch::Sender<Arc<Known>>,
}

/// One answer.
#[derive(Debug, Default)]
pub struct Known {
    at: Option<Instant>,
    of: BTreeMap<AlarmKey, (Option<Rising>, Option<Recovering>)>,
}

impl Outlooks {
    /// Asks through `shard`, a channel of the topology's; answers come by `known`.
    pub(crate) const fn new(shard: mpsc::WeakSender<ForShard>, known: watch::Sender<Arc<Known>>) -> Self {
        Self { shard: Some(shard), asked: AtomicBool::new(false), known }
    }

    /// Of a house without a shard, where these are under way for good.
    pub fn of(outlooks: impl Iterator<Item = Outlook>) -> Self {
        let alone = Self { shard: None, asked: AtomicBool::new(false), known: watch::Sender::default() };
        alone.answer(outlooks);
        alone
    }

    /// What is under way now, or was a moment ago.
    pub async fn now(self: &Arc<Self>) -> Arc<Known> {
        let mut answers = self.known.subscribe();
        let known = Arc::clone(&answers.borrow_and_update());
        if known.at.is_some_and(|at| at.elapsed() < FRESH) {
            return known;
        }
        if !self.asked.swap(true, Ordering::AcqRel) && !self.ask() {
            self.asked.store(false, Ordering::Release);
            return known;
        }
        // Too late is no fault: what was known is shown.
        let _ = tokio::time::timeout(PATIENCE, answers.changed()).await;
        Arc::clone(&answers.borrow())
    }

    /// Where the shard has much to judge, it is not asked.
    fn ask(self: &Arc<Self>) -> bool {
        let shard = self.shard.as_ref().and_then(mpsc::WeakSender::upgrade);
        shard.is_some_and(|shard| shard.try_send(ForShard::Outlooks(Arc::clone(self))).is_ok())
    }

    /// The shard's answer.
    pub(crate) fn answer(&self, outlooks: impl Iterator<Item = Outlook>) {
        let told = |Outlook { rule, subject, rising, recovering }| (AlarmKey { rule, subject }, (rising, recovering));
        let of = outlooks.take(MOST).map(told).collect();
        self.known.send_replace(Arc::new(Known { at: Some(Instant::now()), of }));
        self.asked.store(false, Ordering::Release);
    }
}

impl Known {
    /// Of one alarm.
    pub fn rising(&self, key: &AlarmKey) -> Option<&Rising> {
        self.of.get(key).and_then(|(rising, _)| rising.as_ref())
    }

    /// Of one alarm.
    pub fn recovering(&self, key: &AlarmKey) -> Option<&Recovering> {
        self.of.get(key).and_then(|(_, recovering)| recovering.as_ref())
    }

    /// Whether the same is under way.
    pub fn same_as(&self, other: &Self) -> bool {
        self.of == other.of
    }
}

#[cfg(test)]
mod tests {
    use watchfire_model::grade::Grade;
    use watchfire_model::time::{Span, Timestamp};

    use super::*;

    fn outlook(subject: &str) -> Outlook {
        let recovering = Recovering {
            towards: Some(Grade::Blue),
            since: Timestamp(1),
            covered: Span(2),
            of_covered: Span(3),
            hold_left: Span::ZERO,
            lower_at: Some(Timestamp(4)),
            overdue_since: None,
        };
        Outlook { rule: "r".into(), subject: subject.into(), rising: None, recovering: Some(recovering) }
    }

    fn key(subject: &str) -> AlarmKey {
        AlarmKey { rule: "r".into(), subject: subject.into() }
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_look_ask_once_and_nobody_waits_for_a_shard_that_is_busy() {
        let (to_shard, mut asked) = mpsc::channel(1);
        let outlooks = Arc::new(Outlooks::new(to_shard.downgrade(), watch::Sender::default()));
        let (one, other) = (Arc::clone(&outlooks), Arc::clone(&outlooks));
        let shard = async {
            let Some(ForShard::Outlooks(back)) = asked.recv().await else { panic!("it is asked") };
            back.answer([outlook("a")].into_iter());
            assert!(asked.try_recv().is_err(), "and only once");
        };
        let (one, other, ()) = tokio::join!(one.now(), other.now(), shard);
        assert!(one.recovering(&key("a")).is_some() && one.same_as(&other));
        assert!(one.recovering(&key("b")).is_none() && one.rising(&key("a")).is_none());

        tokio::time::advance(FRESH).await;
        let from = Instant::now();
        assert!(outlooks.now().await.same_as(&one), "the shard does not answer: what was known is shown");
        assert_eq!(from.elapsed(), PATIENCE);
        outlooks.now().await;
        assert!(asked.try_recv().is_ok() && asked.try_recv().is_err(), "one question at a time");
        drop(to_shard);
        outlooks.answer(std::iter::empty());
        tokio::time::advance(FRESH).await;
        let from = Instant::now();
        outlooks.now().await;
        assert!(from.elapsed().is_zero(), "there is nobody to ask");
    }
}
