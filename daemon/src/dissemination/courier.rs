//! How does a notice get there? One courier per channel: at least once, in order per warning, under the same key on
//! every attempt, until the receiver has said its last word.
//!
//! A courier forgets what it holds when it stops: the Desk still has every notice without a final receipt and hands it
//! out again after a restart. What a courier holds is bounded by [`HELD`]: the duty loop keeps at most that many notices
//! without a final receipt at one courier, red first, and the channel between them has that many places, so that it
//! never waits for a courier.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use watchfire_connectors::intake::WallClock;
use watchfire_model::bulletin::Notice;
use watchfire_model::durable::Durable;
use watchfire_model::receipt::{Attempt, Outcome, Receipt};

use super::channel::{Carried, Parcel, Route, SendError, Taken};
use super::lanes::{Carriage, Lanes};
use super::pace::{Jitter, pause};

/// Most notices at one courier. Beyond it nothing more is taken from the channel until one is settled.
pub const HELD: usize = 512;

/// Attempts under way when the stop is called may still end within this; so may their receipts be filed.
const LAST_CALL: Duration = Duration::from_secs(3);

/// A receipt's words are cut at this many bytes.
const WORDS_MAX: usize = 256;

/// Carries notices along one route until `cancel`, or until no more can come and all are settled.
///
/// A receipt follows the first failed attempt of a notice, then at most one a minute while it fails, and its last word;
/// each tells of the attempts since the one before. Those since then are lost with a crash, for less than a minute.
/// `Receipt::attempts` counts from this courier's start.
pub async fn run<M: Carried>(
    route: Route<M>,
    notices: mpsc::Receiver<Durable<Notice<M>>>,
    receipts: mpsc::Sender<Receipt>,
    clock: WallClock,
    jitter: Jitter,
    cancel: CancellationToken,
) {
    let mut notices = notices;
    let mut open = true;
    let mut courier = Courier { lanes: Lanes::new(), route: &route, receipts, clock, jitter };
    let mut under_way = FuturesUnordered::new();
    let mut heap = Vec::new();
    loop {
        while let Some(notice) = courier.lanes.next(Instant::now(), under_way.len()) {
            under_way.push(attempt(&route, notice));
        }
        let held = courier.lanes.held();
        if !open && held == 0 {
            return;
        }
        let due = courier.lanes.next_due(under_way.len());
        let event = tokio::select! {
            biased;
            () = cancel.cancelled() => Event::Stop,
            Some((notice, outcome)) = under_way.next() => Event::Ended(notice, outcome),
            // All that waits, at once: of a burst the red one goes first.
            heard = notices.recv_many(&mut heap, HELD - held), if open && held < HELD => Event::Heard(heard),
            () = wait_until(due) => Event::Due,
        };
        match event {
            Event::Stop => break,
            Event::Ended(notice, outcome) => courier.settle(&notice, outcome).await,
            Event::Heard(0) => open = false,
            Event::Heard(_) => {
                let now = Instant::now();
                heap.drain(..).for_each(|notice| courier.lanes.take_in(now, Arc::new(notice)));
            }
            Event::Due => {}
        }
    }
    let last_words = async {
        while let Some((notice, outcome)) = under_way.next().await {
            courier.settle(&notice, outcome).await;
        }
    };
    if timeout(LAST_CALL, last_words).await.is_err() {
        info!(channel = %route.name(), "stopped with attempts under way; they are made again at the next start");
    }
}

/// What a courier wakes up for.
enum Event<M: Carried> {
    Stop,
    Ended(Carriage<M>, Result<Taken, SendError>),
    /// So many notices; none will ever come again if it is none.
    Heard(usize),
    Due,
}

struct Courier<'a, M: Carried> {
    lanes: Lanes<M>,
    route: &'a Route<M>,
    receipts: mpsc::Sender<Receipt>,
    clock: WallClock,
    jitter: Jitter,
}

impl<M: Carried> Courier<'_, M> {
    /// Files what came of an attempt, and lets the lane go on.
    async fn settle(&mut self, notice: &Carriage<M>, outcome: Result<Taken, SendError>) {
        let (now, id, warning) = (Instant::now(), &notice.get().id, &notice.get().bulletin.warning);
        let Some((attempts, haste)) = self.lanes.head(warning) else { return };
        let (channel, at) = (self.route.name(), (self.clock)());
        let mut tried = self.lanes.unsaid(warning);
        let outcome = match outcome {
            Ok(Taken { reference, coverage }) => {
                self.lanes.done(now, warning);
                info!(%channel, notice = %id, attempts, ?reference, "notice delivered");
                Outcome::Delivered { reference: reference.as_deref().map(cut), coverage }
            }
            Err(ref error @ SendError::Refused { .. }) => {
                self.lanes.done(now, warning);
                let reason = cut(&error.reason());
                warn!(%channel, notice = %id, attempts, reason, "notice refused");
                Outcome::Refused { reason }
            }
            Err(ref error @ SendError::Retry { after, .. }) => {
                let pause = pause(attempts, haste, self.route.retry_cap, after, &self.jitter);
                let say = self.lanes.failed(now, warning, pause);
                let reason = cut(&error.reason());
                if !say {
                    tried.push(Attempt { at, outcome: Outcome::Failing { reason } });
                    return tried.into_iter().for_each(|attempt| self.lanes.keep(warning, attempt));
                }
                warn!(%channel, notice = %id, attempts, reason, "notice not delivered yet");
                Outcome::Failing { reason }
            }
        };
        let receipt = Receipt { notice: id.clone(), channel: channel.clone(), at, attempts, outcome, tried };
        // Nobody listens only when the daemon is stopping; what has no receipt is then sent again at the next start.
        let _ = self.receipts.send(receipt).await;
    }
}

/// One attempt, and whose it was. A channel that overstays its own timeout twice over, or panics, has failed once.
async fn attempt<M: Carried>(route: &Route<M>, notice: Carriage<M>) -> (Carriage<M>, Result<Taken, SendError>) {
    let delivery = AssertUnwindSafe(async { route.channel.deliver(Parcel::of(&notice)).await }).catch_unwind();
    let broken = |words: &'static str| {
        Err(SendError::Retry {
            channel: route.name().clone(),
            notice: notice.get().id.clone(),
            after: None,
            source: words.into(),
        })
    };
    let outcome = match timeout(route.timeout.saturating_mul(2), delivery).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_panic)) => broken("the channel broke down; see the log"),
        Err(_elapsed) => broken("the channel did not come back"),
    };
    (notice, outcome)
}

/// Sleeps until then, or for ever.
async fn wait_until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// The beginning of a text, whole characters, one line.
fn cut(text: &str) -> String {
    let mut line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    while line.len() > WORDS_MAX {
        line.pop();
    }
    line
}
