//! The whole house put together: every thread, every task and every channel is made here, each channel with its bound
//! and what happens when it is full.
//!
//! ```text
//! sources ──offers──▶ journal ──commits──▶ shard ──said──▶ duty ──notices──▶ couriers ──receipts─┐
//!    ▲ tickets          │ durable (watch)    │ latest table  │ desk view (watch)                   │
//!    └──────────────────┤                    ▼               ▼            ▲ said ◀─────────────────┘
//!                       └──▶ series writers  screens ◀───────┘            └── commands ◀── API
//! ```

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::task::TaskTracker;
use tracing::{error, warn};
use watchfire_connectors::health::SourceHealth;
use watchfire_connectors::intake::{Intake, Offer};
use watchfire_connectors::source::{self, Surroundings};
use watchfire_model::id::{SourceName, WarningId};
use watchfire_model::time::Now;
use watchfire_rules::engine::Overseer;
use watchfire_rules::evaluator::EvaluatorState;

use crate::access::Access;
use crate::api::{self, Api, StoredHistory};
use crate::clock::Clock;
use crate::config::settings::{ChannelConfig, Settings};
use crate::dissemination::{channel, courier};
use crate::duty::{IN_FLIGHT, Said};
use crate::entropy::Entropy;
use crate::evidence::keeper::Keeper;
use crate::metrics::{Counts, Metrics};
use crate::outlooks::Outlooks;
use crate::reload::proposal::Proposal;
use crate::shutdown::{LIMIT, Stop};
use crate::storage::DataDir;
use crate::storage::disk::RealDisk;
use crate::storage::journal::Commit;
use crate::storage::series::SeriesStore;
use crate::turns::duty::{Couriers, DutyTurns, PER_ROUND};
use crate::turns::journal::JournalTurns;
use crate::turns::series::SeriesTurns;
use crate::turns::shard::ShardTurns;
use crate::turns::{Progress, SHARD, recovery};
use crate::views::{Asked, DeskView, InForce, Views, Wish};
use crate::vigil::Vigil;

mod duty_thread;
mod evidence_thread;
mod journal_thread;
mod reload_task;
mod running;
mod series_thread;
mod shard_thread;
mod source_thread;
mod start_error;
mod trial;
mod watchdog_task;

use duty_thread::DutyThread;
use evidence_thread::EvidenceThread;
use journal_thread::JournalThread;
use reload_task::ReloadTask;
use series_thread::SeriesThread;
use shard_thread::{Behind, ShardThread};
use trial::{Oversee, Trials};
use watchdog_task::WatchdogTask;

pub use running::{FirstCode, Running};
pub use start_error::StartError;

/// Commits between the journal and the shard. Full: the journal waits, so intake fills, so sources wait or shed.
const COMMITS: usize = 64;
/// Things said to the duty loop. Full: the shard or a courier waits; nothing is dropped.
const SAID: usize = PER_ROUND;
/// Commands between the API and the duty loop. Full: the asker waits.
const ASKED: usize = 64;
/// How often it is asked whether something was turned away that the ledger does not have yet.
const TALLY_EVERY: Duration = Duration::from_secs(30);
/// Warnings whose evidence is to be kept. Full: it is not kept, counted and said; a person can do it later.
const EVIDENCE: usize = 256;
/// Reloads that wait for the one under way. Full: the asker waits, and is refused.
const RELOADS: usize = 4;

/// What the shard's thread is told.
pub(crate) enum ForShard {
    /// Judge this.
    Commit(Commit),
    /// Say how things stand, for a preview.
    State(oneshot::Sender<EvaluatorState>),
    /// Say what is under way.
    Outlooks(Arc<Outlooks>),
}

/// Puts the house together and sets it going. The configuration is sound; what fails here is the machine.
pub async fn start(
    settings: Settings,
    clock: impl FnOnce(Option<Now>) -> Clock,
    entropy: &Entropy,
) -> Result<Running, StartError> {
    start_overseen(settings, clock, entropy, |vigil| vigil).await
}

/// The same where somebody stands between the scripts and our watch over them: for tests, in whose hands scripts fail.
pub async fn start_overseen(
    settings: Settings,
    clock: impl FnOnce(Option<Now>) -> Clock,
    entropy: &Entropy,
    overseer: impl Fn(Arc<Vigil>) -> Arc<dyn Overseer> + Send + Sync + 'static,
) -> Result<Running, StartError> {
    let opened = recovery::open(&settings, Box::new(RealDisk), clock, entropy)?;
    let settings = Settings { rules: Arc::clone(&opened.rules), ..settings };
    // Before anything runs: an address that another has is no reason to begin, hear something and stop.
    let refused = |source| StartError::Listen { address: settings.listen, source };
    let listener = TcpListener::bind(settings.listen).await.map_err(refused)?;
    let listen = listener.local_addr().map_err(refused)?;
    let mut house = House::new(&opened, entropy);
    match house.furnish(&settings, opened, listener, Arc::new(overseer)) {
        Ok(Furnished { views, first_code, data }) => Ok(Running { listen, views, first_code, house, _data: data }),
        Err(error) => {
            // What runs already ends in order.
            house.stop().await;
            Err(error)
        }
    }
}

/// What is left to hold in hands once everything runs.
struct Furnished {
    views: Views,
    first_code: Option<FirstCode>,
    data: DataDir,
}

/// What the parts share while they are started, and what stops them.
struct House {
    progress: Arc<Progress>,
    clock: Clock,
    entropy: Entropy,
    metrics: Arc<Metrics>,
    stop: Stop,
    sources: TaskTracker,
    outside: TaskTracker,
    /// The sources', the journal's and the shard's threads, which end when nothing comes any more …
    machines: Vec<JoinHandle<()>>,
    /// … and those of the duty loop and the series writers, which end after them.
    logs: Vec<JoinHandle<()>>,
    handle: Handle,
}

impl House {
    fn new(opened: &recovery::Opened, entropy: &Entropy) -> Self {
        Self {
            progress: Arc::new(Progress::of(opened, watch::Sender::default())),
            clock: opened.clock.clone(),
            entropy: entropy.clone(),
            metrics: Arc::new(Metrics::new()),
            stop: Stop::default(),
            sources: TaskTracker::new(),
            outside: TaskTracker::new(),
            machines: Vec::new(),
            logs: Vec::new(),
            handle: Handle::current(),
        }
    }

    /// Makes every thread, every task and every channel. Where it fails, what was made runs until it is stopped.
    fn furnish(
        &mut self,
        settings: &Settings,
        opened: recovery::Opened,
        listener: TcpListener,
        oversee: Oversee,
    ) -> Result<Furnished, StartError> {
        let (offers, offers_rx) = mpsc::channel::<Offer>(settings.limits.intake);
        let (commits, commits_rx) = mpsc::channel(COMMITS);
        let (said, said_rx) = mpsc::channel(SAID);
        let (asked, asked_rx) = mpsc::channel::<Asked>(ASKED);
        let (reloads, reloads_rx) = mpsc::channel(RELOADS);
        let (view, desk) = watch::channel(Arc::new(DeskView::default()));
        let now = self.clock.now();
        let in_force = InForce { site: Arc::clone(settings.site()), since: now.wall, refused: None };
        let (in_force, in_force_rx) = watch::channel(Arc::new(in_force));
        let (progress, metrics) = (Arc::clone(&self.progress), Arc::clone(&self.metrics));
        let (data, revisions) = (opened.data, opened.revisions);

        let journal = JournalTurns::new(opened.journal, Arc::clone(&revisions), progress, metrics, now);
        self.start_journal(journal, settings, offers_rx, &commits)?;
        let behind = Behind { journal: data.journal(), durable: opened.durable, recorded: opened.recorded };
        let vigil = Arc::new(Vigil::over(Arc::clone(&opened.rules)));
        let (progress, metrics) = (Arc::clone(&self.progress), Arc::clone(&self.metrics));
        let turns = ShardTurns::new(opened.shard, Arc::clone(&revisions), progress, metrics, data.snapshots());
        let (costs, clock) = (Arc::clone(vigil.costs()), self.clock.clone());
        let shard = ShardThread { turns, commits: commits_rx, said: said.clone(), vigil, clock };
        self.start_shard(shard, behind, &oversee, data.stops())?;
        self.metrics.reloaded(true, now.wall);
        let outlooks = Arc::new(Outlooks::new(commits.downgrade(), watch::Sender::default()));
        let reload = ReloadTask {
            running: settings.clone(),
            proposal: Proposal::kept(&revisions, settings),
            revisions,
            offers: offers.clone(),
            shard: commits,
            desk: desk.clone(),
            in_force,
            metrics: Arc::clone(&self.metrics),
            clock: self.clock.clone(),
            trials: Trials::new(oversee),
        };
        // It holds a way into the journal: it ends with the sources.
        self.sources.spawn(reload.run(reloads_rx, self.stop.sources.clone()));
        let couriers = self.start_couriers(&settings.channels, &said)?;
        // What is left of it is in the hands of the shard and of the receipts: the duty loop ends with them.
        drop(said);
        let evidence = self.start_evidence(data.root().to_owned())?;
        let (progress, metrics) = (Arc::clone(&self.progress), Arc::clone(&self.metrics));
        let duty = DutyTurns::new(opened.duty, couriers, view, progress, metrics, now).writing_to(offers.downgrade());
        self.start_duty(duty.keeping(evidence), said_rx, asked_rx)?;
        self.start_stores(opened.stores, &desk)?;
        // Nothing is heard before all of the above can take it.
        let sources = self.start_sources(settings, offers, opened.last)?;
        let views = Views {
            site: Arc::clone(settings.site()),
            in_force: in_force_rx,
            reloads,
            desk,
            outlooks,
            latest: opened.latest,
            costs,
            sources,
            commands: asked,
            series_path: data.series(),
        };
        let first_code = self.start_api(listener, settings, &data, &views);
        Ok(Furnished { views, first_code, data })
    }

    fn start_journal(
        &mut self,
        mut turns: JournalTurns,
        settings: &Settings,
        offers: mpsc::Receiver<Offer>,
        commits: &mpsc::Sender<ForShard>,
    ) -> Result<(), StartError> {
        if let Some(first) = turns.begin(self.clock.now(), &settings.site().revision) {
            // There is room: nothing has been sent yet.
            let _ = commits.try_send(ForShard::Commit(first));
        }
        let (commits, clock, handle) = (commits.clone(), self.clock.clone(), self.handle.clone());
        let body = move || JournalThread { turns, offers, commits, clock, handle }.run();
        self.machines.push(thread("journal", body)?);
        Ok(())
    }

    /// Starts the shard, under the watch that is kept over its scripts.
    fn start_shard(
        &mut self,
        mut shard: ShardThread,
        behind: Behind,
        oversee: &Oversee,
        stops: PathBuf,
    ) -> Result<(), StartError> {
        let vigil = Arc::clone(&shard.vigil);
        shard.turns.oversee(Arc::clone(&vigil), oversee(Arc::clone(&vigil)));
        let watchdog = WatchdogTask { vigil, stops, clock: self.clock.clone() };
        self.outside.spawn(watchdog.run(self.stop.outside.clone()));
        self.machines.push(thread(SHARD, move || shard.run(behind))?);
        Ok(())
    }

    fn start_couriers(
        &mut self,
        channels: &[ChannelConfig],
        said: &mpsc::Sender<Said>,
    ) -> Result<Couriers, StartError> {
        let mut couriers = Couriers::new();
        for config in channels {
            let opened = channel::open(config, &self.clock.wall())
                .map_err(|error| StartError::outside("channel", config.name.as_str(), &error))?;
            // The duty loop keeps at most this many with one courier, so the channel is never full.
            let (notices, notices_rx) = mpsc::channel(IN_FLIGHT);
            // Full: the courier waits before its next attempt.
            let (receipts, mut receipts_rx) = mpsc::channel(IN_FLIGHT);
            let (clock, jitter, stop) = (self.clock.wall(), self.entropy.jitter(), self.stop.outside.clone());
            self.outside.spawn(courier::run(opened.live(), notices_rx, receipts, clock, jitter, stop));
            let (said, metrics, name) = (said.clone(), Arc::clone(&self.metrics), config.name.clone());
            self.outside.spawn(async move {
                while let Some(receipt) = receipts_rx.recv().await {
                    metrics.receipt(&name, &receipt);
                    if said.send(Said::Receipt(receipt)).await.is_err() {
                        return;
                    }
                }
            });
            couriers.insert(config.name.clone(), notices);
        }
        Ok(couriers)
    }

    fn start_duty(
        &mut self,
        turns: DutyTurns,
        said: mpsc::Receiver<Said>,
        asked: mpsc::Receiver<Asked>,
    ) -> Result<(), StartError> {
        let (progress, clock, handle) = (Arc::clone(&self.progress), self.clock.clone(), self.handle.clone());
        let durable = progress.durable.subscribe();
        let of_duty = DutyThread { turns, said, asked, durable, progress, clock, handle };
        self.logs.push(thread("duty", move || of_duty.run())?);
        Ok(())
    }

    fn start_evidence(&mut self, data_dir: PathBuf) -> Result<mpsc::Sender<WarningId>, StartError> {
        let (evidence, warnings) = mpsc::channel(EVIDENCE);
        let keeper = Keeper::of(data_dir, Arc::clone(&self.metrics));
        let (stop, handle) = (self.stop.logs.clone(), self.handle.clone());
        self.logs.push(thread("evidence", move || EvidenceThread { keeper, warnings, stop, handle }.run())?);
        Ok(evidence)
    }

    fn start_stores(
        &mut self,
        stores: Vec<Box<dyn SeriesStore>>,
        desk: &watch::Receiver<Arc<DeskView>>,
    ) -> Result<(), StartError> {
        for (place, store) in stores.into_iter().enumerate() {
            let (progress, metrics) = (Arc::clone(&self.progress), Arc::clone(&self.metrics));
            let turns = SeriesTurns::new(store, place, desk.clone(), progress, metrics);
            let (stop, handle) = (self.stop.logs.clone(), self.handle.clone());
            self.logs.push(thread("series", move || SeriesThread { turns, stop, handle }.run())?);
        }
        Ok(())
    }

    fn start_sources(
        &mut self,
        settings: &Settings,
        offers: mpsc::Sender<Offer>,
        last: Option<Now>,
    ) -> Result<Vec<Arc<SourceHealth>>, StartError> {
        let intake = Intake::new(offers, self.clock.wall());
        let mut healths = Vec::new();
        let mut around = |name: &SourceName, kind| {
            let health = Arc::new(SourceHealth::new(name.clone(), kind));
            healths.push(Arc::clone(&health));
            Surroundings {
                intake: intake.clone(),
                health,
                zone: settings.site().zone.clone(),
                jitter: self.entropy.jitter(),
                cancel: self.stop.sources.clone(),
                heard_before: last.map(|now| now.wall),
            }
        };
        let unfit =
            |name: &SourceName, error: &dyn std::error::Error| StartError::outside("source", name.as_str(), error);
        let brokers = settings.mqtt.iter().map(|config| {
            source::mqtt::parts(config.clone(), around(&config.name, "mqtt"))
                .map_err(|error| unfit(&config.name, &error))
        });
        let brokers: Vec<_> = brokers.collect::<Result<_, _>>()?;
        let devices = settings.modbus.iter().map(|config| {
            source::modbus::poller(config.clone(), around(&config.name, "modbus"))
                .map_err(|error| unfit(&config.name, &error))
        });
        let devices: Vec<_> = devices.collect::<Result<_, _>>()?;
        // Not before each of them can be set up: a runtime can't be dropped in here.
        let runtime = source_thread::runtime()?;
        let handle = runtime.handle().clone();
        for (listener, reader) in brokers {
            // Messages between the connection and the decoder. Full: the connection is not read, so the broker keeps
            // them.
            let (heard, heard_rx) = mpsc::channel(source::mqtt::HEARD);
            self.sources.spawn_on(listener.run(heard), &handle);
            self.sources.spawn_on(reader.run(heard_rx), &handle);
        }
        for poller in devices {
            self.sources.spawn_on(poller.run(), &handle);
        }
        let sources = self.sources.clone();
        self.machines.push(thread("sources", move || source_thread::run(&runtime, &sources))?);
        Ok(healths)
    }

    /// Writes down now and then what was turned away at the door.
    fn start_tally(&self, access: Arc<Access>, commands: mpsc::Sender<Asked>) {
        let stop = self.stop.outside.clone();
        self.outside.spawn(async move {
            let mut every = tokio::time::interval(TALLY_EVERY);
            while stop.run_until_cancelled(every.tick()).await.is_some() {
                let Some(deed) = access.turned_away() else { continue };
                let (answer, _) = oneshot::channel();
                // An error: the duty loop has ended, and the process is about to.
                let _ = commands.send(Asked { wish: Wish::Deed(deed), answer }).await;
            }
        });
    }

    /// Opens the door, and says the one-time code where there is no account yet.
    fn start_api(
        &self,
        listener: TcpListener,
        settings: &Settings,
        data: &DataDir,
        views: &Views,
    ) -> Option<FirstCode> {
        let door = recovery::door(settings, data, &self.clock);
        self.start_tally(Arc::clone(&door.access), views.commands.clone());
        let api = Api {
            history: Arc::new(StoredHistory::new(views.series_path.clone())),
            views: views.clone(),
            metrics: Arc::clone(&self.metrics),
            clock: self.clock.wall(),
            access: door.access,
            first_code: Some(data.first_code()),
            stop: self.stop.outside.clone(),
        };
        self.outside.spawn(async move {
            if let Err(error) = api::serve(listener, api).await {
                error!(%error, "the HTTP interface has ended");
            }
        });
        door.code.map(|code| FirstCode { code, path: data.first_code() })
    }

    /// Stops in order: sources, journal, shard, duty loop, then couriers and HTTP. Within [`LIMIT`], whatever hangs.
    async fn stop(self) -> Counts {
        let Self { stop, sources, outside, machines, logs, metrics, .. } = self;
        let orderly = async {
            stop.sources.cancel();
            sources.close();
            sources.wait().await;
            // The journal's thread ends with the last sender of offers, the shard's with the journal's.
            join(machines).await;
            stop.logs.cancel();
            // The duty loop ends when the shard and the couriers' receipts have. What it still decides goes out at the
            // next start.
            stop.outside.cancel();
            outside.close();
            outside.wait().await;
            join(logs).await;
        };
        if tokio::time::timeout(LIMIT, orderly).await.is_err() {
            warn!("not everything stopped in time; what is on disk is whole");
        }
        metrics.counts()
    }
}

/// A thread of the house. One that panics takes the process with it: a supervisor starts it again, the logs bring it
/// back to where it was, and nobody works on beside a machine that has stopped.
fn thread(name: &str, body: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    let named = name.to_owned();
    std::thread::Builder::new().name(format!("watchfire-{name}")).spawn(move || {
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).is_err() {
            error!(thread = named, "a thread has failed; the process ends, to come back from its logs");
            std::process::exit(i32::from(crate::cli::exit::INTERNAL));
        }
    })
}

async fn join(threads: Vec<JoinHandle<()>>) {
    let joined = tokio::task::spawn_blocking(move || {
        for thread in threads {
            if thread.join().is_err() {
                error!("a thread ended by a panic");
            }
        }
    });
    let _ = joined.await;
}
