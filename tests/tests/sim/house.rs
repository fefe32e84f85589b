//! One life of the daemon in virtual time: opened by the real recovery, its turns taken one by one by whoever simulates,
//! its couriers on a runtime whose clock stands still until nothing else is left to do.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use watchfire::clock::Clock;
use watchfire::config::settings::Settings;
use watchfire::dissemination::channel::Opened as OpenChannel;
use watchfire::dissemination::courier;
use watchfire::duty::{IN_FLIGHT, Said};
use watchfire::metrics::Metrics;
use watchfire::storage::journal::Commit;
use watchfire::storage::revisions::Revisions;
use watchfire::turns::duty::{Couriers, DutyTurns, LEDGER_PAUSE, PER_ROUND};
use watchfire::turns::journal::{JournalTurns, OFFERS_PER_COMMIT};
use watchfire::turns::series::SeriesTurns;
use watchfire::turns::shard::ShardTurns;
use watchfire::turns::{Progress, recovery};
use watchfire::views::{Asked, DeskView};
use watchfire_connectors::intake::{Intake, Offer};
use watchfire_model::id::Seq;
use watchfire_model::receipt::Receipt;
use watchfire_model::reload::Reload;
use watchfire_model::row::Row;
use watchfire_model::time::{Now, Span, Steady, Timestamp};
use watchfire_rules::ruleset::RuleSet;

use crate::chance::Chance;
use crate::disk::FaultyDisk;
use crate::platform::Platform;

/// When every story begins: 2026-08-01T06:00:00Z.
pub(crate) const BEGINNING: Timestamp = Timestamp(1_785_564_000_000);
/// As in the topology.
const COMMITS: usize = 64;
const SAID: usize = 4_096;

/// Time as the machines see it: a count of milliseconds, and a wall clock that people and NTP may step.
pub(crate) struct Time {
    runtime: Runtime,
    started: Instant,
    /// Milliseconds since the beginning.
    pub(crate) at: i64,
    /// How wrong the wall clock is.
    pub(crate) stepped: Arc<AtomicI64>,
}

impl Time {
    /// The beginning.
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime without a driver for the network can be had anywhere");
        let started = runtime.block_on(async { Instant::now() });
        Self { runtime, started, at: 0, stepped: Arc::default() }
    }

    /// What the wall clock shows.
    pub(crate) fn wall(&self) -> Timestamp {
        BEGINNING + Span(self.at + self.stepped.load(Ordering::Relaxed))
    }

    /// Lets time pass while the daemon is dead.
    pub(crate) fn skip(&mut self, until: i64) {
        let due = self.started + Duration::from_millis(u64::try_from(until).unwrap_or(0));
        self.runtime.block_on(async { tokio::time::sleep_until(due).await });
        self.at = until;
    }

    /// Lets couriers run and time pass until `until`, or until a receipt comes.
    fn pass(&mut self, until: i64, receipts: &mut mpsc::Receiver<Receipt>) -> Option<Receipt> {
        let due = self.started + Duration::from_millis(u64::try_from(until).unwrap_or(0));
        let started = self.started;
        let (receipt, lasted) = self.runtime.block_on(async {
            let receipt = tokio::select! {
                biased;
                receipt = receipts.recv() => receipt,
                () = tokio::time::sleep_until(due) => None,
            };
            (receipt, started.elapsed())
        });
        self.at = i64::try_from(lasted.as_millis()).unwrap_or(i64::MAX).max(self.at);
        receipt
    }
}

/// The daemon, alive.
pub(crate) struct House {
    pub(crate) journal: JournalTurns,
    pub(crate) shard: ShardTurns,
    pub(crate) duty: DutyTurns,
    stores: Vec<(SeriesTurns, i64)>,
    pub(crate) progress: Arc<Progress>,
    clock: Clock,
    /// Steady time less the count of milliseconds.
    steady_ahead: i64,
    pub(crate) intake: Intake,
    offers: mpsc::Receiver<Offer>,
    /// Offers that stood behind a reload.
    behind: Vec<Offer>,
    commits: VecDeque<Commit>,
    said: VecDeque<Said>,
    receipts: mpsc::Receiver<Receipt>,
    couriers: Vec<JoinHandle<()>>,
    pub(crate) view: watch::Receiver<Arc<DeskView>>,
    /// Somebody has asked since the last turn of the duty loop.
    asked: bool,
    /// Written and not yet synced.
    unsynced: bool,
    /// A sync that failed is tried again then, if nothing is written before.
    sync_again_at: i64,
    /// The durable row at the last turn of the duty loop.
    seen_durable: Seq,
    /// The ledger refused: the next turn is tried then, and nothing new is said until it succeeds.
    ledger_again_at: Option<i64>,
    revisions: Arc<Revisions>,
    /// What it wrote first: by what it judges.
    pub(crate) first: Option<Commit>,
    _data: watchfire::storage::DataDir,
}

/// What a house is opened with.
pub(crate) struct Ground<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) disk: &'a FaultyDisk,
    pub(crate) platforms: &'a [Platform],
    pub(crate) chance: &'a Chance,
}

impl House {
    /// Opens the data directory as the daemon does, and starts the couriers.
    pub(crate) fn open(ground: &Ground<'_>, time: &Time) -> Self {
        let wall = time.wall();
        // As `Clock::system` counts: the wall's forward difference since the last moment known.
        let clock = |last: Option<Now>| {
            let steady = last.map_or(Steady(0), |last| last.steady + Span((wall - last.wall).0.max(0)));
            Clock::virtual_at(Now { wall, steady })
        };
        let entropy = ground.chance.entropy();
        let opened =
            recovery::open(ground.settings, Box::new(ground.disk.clone()), clock, entropy).unwrap_or_else(|error| {
                panic!("the data directory opens: {error} {:?}", std::error::Error::source(&error))
            });
        let progress = Arc::new(Progress::of(&opened, watch::Sender::default()));
        let (metrics, clock, now) = (Arc::new(Metrics::new()), opened.clock.clone(), opened.clock.now());
        let revisions = || Arc::clone(&opened.revisions);
        let mut journal =
            JournalTurns::new(opened.journal, revisions(), Arc::clone(&progress), Arc::clone(&metrics), now);
        let snapshots = opened.data.snapshots();
        let mut shard =
            ShardTurns::new(opened.shard, revisions(), Arc::clone(&progress), Arc::clone(&metrics), snapshots);
        let mut said = VecDeque::new();
        shard.catch_up(&opened.data.journal(), opened.durable, &opened.recorded, |word| said.push_back(word));
        let first = journal.begin(now, &opened.rules.site().revision);
        let (offers_tx, offers) = mpsc::channel(ground.settings.limits.intake);
        let wall_clock = clock.clone();
        let intake = Intake::new(offers_tx, Arc::new(move || wall_clock.now().wall));
        let (receipts_tx, receipts) = mpsc::channel(IN_FLIGHT);
        let (couriers, tasks) = start_couriers(ground, time, &receipts_tx);
        let (view_tx, view) = watch::channel(Arc::new(DeskView::default()));
        let duty = DutyTurns::new(opened.duty, couriers, view_tx, Arc::clone(&progress), Arc::clone(&metrics), now);
        let stores = opened.stores.into_iter().enumerate().map(|(place, store)| {
            (SeriesTurns::new(store, place, view.clone(), Arc::clone(&progress), Arc::clone(&metrics)), 0)
        });
        let mut house = Self {
            journal,
            shard,
            duty,
            stores: stores.collect(),
            clock,
            steady_ahead: now.steady.0 - time.at,
            intake,
            offers,
            behind: Vec::new(),
            commits: first.clone().into_iter().collect(),
            said,
            receipts,
            couriers: tasks,
            view,
            asked: false,
            unsynced: false,
            sync_again_at: 0,
            seen_durable: Seq(0),
            ledger_again_at: None,
            progress,
            first,
            revisions: opened.revisions,
            _data: opened.data,
        };
        // What was on its way when the last life ended goes out first.
        house.round(time);
        house
    }

    /// Asks for another revision to be put in force.
    pub(crate) fn reload(&mut self, rules: &Arc<RuleSet>) {
        self.revisions.keep(rules).expect("the folder can be written");
        let (why, from) = ("it has a better name".to_owned(), "cli".to_owned());
        let reload = Reload::plain(rules.site().revision.clone(), "wang".into(), why, from);
        self.intake.try_offer(vec![Row::Revision(Box::new(reload))]).expect("there is room");
    }

    /// Now, by both clocks.
    pub(crate) fn now(&self, time: &Time) -> Now {
        let now = Now { wall: time.wall(), steady: Steady(self.steady_ahead + time.at) };
        self.clock.set(now);
        now
    }

    /// Whether the journal has offers to write, or a tick is due.
    pub(crate) fn may_write(&self, time: &Time) -> bool {
        let due = self.now(time).steady >= self.progress.tick_due();
        let offered = !self.offers.is_empty() || !self.behind.is_empty();
        !self.unsynced && self.commits.len() < COMMITS && (offered || due)
    }

    /// Writes what is offered as one commit and hands it to the shard.
    pub(crate) fn write(&mut self, time: &Time) -> Option<&Commit> {
        let now = self.now(time);
        let mut offers = std::mem::take(&mut self.behind);
        while offers.len() < OFFERS_PER_COMMIT
            && let Ok(offer) = self.offers.try_recv()
        {
            offers.push(offer);
        }
        let commit = self.journal.write(now, &mut offers);
        self.behind = offers;
        let commit = commit?;
        self.unsynced = true;
        self.commits.push_back(commit);
        self.commits.back()
    }

    /// Whether something written waits for the disk.
    pub(crate) fn may_sync(&self, time: &Time) -> bool {
        self.unsynced || (self.waits_for_disk() && time.at >= self.sync_again_at)
    }

    fn waits_for_disk(&self) -> bool {
        self.journal.journal().pending_bytes() > 0
    }

    /// Syncs; where the disk refuses it is tried again with the next commit or turn.
    pub(crate) fn sync(&mut self, time: &Time) {
        let now = self.now(time);
        self.unsynced = false;
        self.sync_again_at = time.at + 1_000;
        self.journal.sync();
        self.journal.clean_if_due(now);
    }

    /// Whether the shard has a commit to judge.
    pub(crate) fn may_judge(&self) -> bool {
        !self.commits.is_empty() && self.said.len() < SAID
    }

    /// Judges one commit.
    pub(crate) fn judge(&mut self) -> Option<Now> {
        let commit = self.commits.pop_front()?;
        let said = &mut self.said;
        self.shard.take(&commit, |word| said.push_back(word));
        Some(commit.now)
    }

    /// Whether the duty loop has something to do.
    pub(crate) fn may_round(&self, time: &Time) -> bool {
        if let Some(again) = self.ledger_again_at {
            return time.at >= again;
        }
        let waited = self.duty.waits_for_journal() && *self.progress.durable.borrow() != self.seen_durable;
        let due = self.duty.next_deadline().is_some_and(|due| due <= self.now(time).steady);
        self.asked || !self.said.is_empty() || !self.receipts.is_empty() || waited || due
    }

    /// One turn of the duty loop; true once the ledger holds what came of it.
    pub(crate) fn round(&mut self, time: &Time) -> bool {
        let now = self.now(time);
        if self.ledger_again_at.is_none() {
            while let Ok(receipt) = self.receipts.try_recv() {
                self.said.push_back(Said::Receipt(receipt));
            }
            let count = self.said.len().min(PER_ROUND);
            self.duty.said().extend(self.said.drain(..count));
        }
        self.asked = false;
        self.seen_durable = *self.progress.durable.borrow();
        let pause = i64::try_from(LEDGER_PAUSE.as_millis()).unwrap_or(0);
        let recorded = self.duty.turn(now);
        self.ledger_again_at = (!recorded).then_some(time.at + pause);
        recorded
    }

    /// A person asks; false if the duty loop takes no question now.
    pub(crate) fn ask(&mut self, asked: Asked) -> bool {
        let takes = self.ledger_again_at.is_none();
        if takes {
            self.duty.ask(asked);
            self.asked = true;
        }
        takes
    }

    /// Stores that have something to do now.
    pub(crate) fn stores_due(&self, time: &Time) -> impl Iterator<Item = usize> {
        self.stores
            .iter()
            .enumerate()
            .filter(|(place, (_, due))| *due <= time.at && self.lags(*place))
            .map(|(at, _)| at)
    }

    fn lags(&self, place: usize) -> bool {
        self.progress.cursors[place].load(Ordering::Relaxed) < self.progress.durable.borrow().0
    }

    /// One turn of a store.
    pub(crate) fn store(&mut self, place: usize, time: &Time) {
        let (turns, due) = &mut self.stores[place];
        let pause = turns.turn().unwrap_or_default();
        *due = time.at + i64::try_from(pause.as_millis()).unwrap_or(0);
    }

    /// When something here is next due although nobody says anything.
    pub(crate) fn next_due(&self) -> i64 {
        let steady = |due: Steady| due.0.saturating_sub(self.steady_ahead);
        let duty = match self.ledger_again_at {
            Some(again) => again,
            None => self.duty.next_deadline().map_or(i64::MAX, steady),
        };
        let stores = self.stores.iter().enumerate().filter(|(place, _)| self.lags(*place)).map(|(_, (_, due))| *due);
        let disk = if self.waits_for_disk() { self.sync_again_at } else { i64::MAX };
        stores.chain([duty, steady(self.progress.tick_due()), disk]).min().unwrap_or(i64::MAX)
    }

    /// Lets time pass until `until` at most; less if a courier says something.
    pub(crate) fn pass(&mut self, until: i64, time: &mut Time) {
        if let Some(receipt) = time.pass(until.max(time.at), &mut self.receipts) {
            self.said.push_back(Said::Receipt(receipt));
        }
    }

    /// Whether nothing waits anywhere in the house.
    pub(crate) fn is_at_rest(&self) -> bool {
        let drained = (0..self.stores.len()).all(|place| !self.lags(place));
        let idle = self.offers.is_empty() && self.behind.is_empty() && self.commits.is_empty() && self.said.is_empty();
        idle && drained && !self.waits_for_disk() && self.duty.duty().desk().unsettled().next().is_none()
    }

    /// The process dies at once: what was only in memory is gone, and attempts under way are cut off.
    pub(crate) fn die(mut self, time: &Time) {
        let couriers = std::mem::take(&mut self.couriers);
        drop(self);
        time.runtime.block_on(async {
            couriers.iter().for_each(JoinHandle::abort);
            for courier in couriers {
                let _ = courier.await;
            }
        });
    }
}

fn start_couriers(
    ground: &Ground<'_>,
    time: &Time,
    receipts: &mpsc::Sender<Receipt>,
) -> (Couriers, Vec<JoinHandle<()>>) {
    let _inside = time.runtime.enter();
    let (mut couriers, mut tasks) = (Couriers::new(), Vec::new());
    for (config, platform) in ground.settings.channels.iter().zip(ground.platforms) {
        let route = OpenChannel::new(Arc::new(platform.clone()), config).live();
        let (notices, notices_rx) = mpsc::channel(IN_FLIGHT);
        let (started, stepped) = (time.started, Arc::clone(&time.stepped));
        let wall = Arc::new(move || {
            let lasted = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
            BEGINNING + Span(lasted + stepped.load(Ordering::Relaxed))
        });
        let jitter = ground.chance.split().entropy().jitter();
        let stop = CancellationToken::new();
        tasks.push(tokio::spawn(courier::run(route, notices_rx, receipts.clone(), wall, jitter, stop)));
        couriers.insert(config.name.clone(), notices);
    }
    (couriers, tasks)
}
