//! Coming back: opens the logs in the order of recovery, mends what a crash or a sick disk has left, and puts the machines
//! where they were. Starts nothing.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use tracing::{error, warn};
use watchfire_model::alarm::Alarm;
use watchfire_model::id::{Revision, Seq};
use watchfire_model::mode::Live;
use watchfire_model::time::Now;
use watchfire_rules::evaluator::{EvaluatorState, Standing};
use watchfire_rules::ruleset::RuleSet;

use super::SHARD;
use crate::access::{self, Access};
use crate::clock::Clock;
use crate::config::settings::{Anonymous, Settings};
use crate::duty::{Duty, DutyError};
use crate::entropy::Entropy;
use crate::reload::inherit;
use crate::shards::Shard;
use crate::storage::accounts::Accounts;
use crate::storage::database::DatabaseError;
use crate::storage::disk::Disk;
use crate::storage::journal::{Journal, Recovery};
use crate::storage::judge::Judge;
use crate::storage::ledger::{Ledger, LedgerError};
use crate::storage::names::PointNames;
use crate::storage::revisions::Revisions;
use crate::storage::series::{self, SeriesStore};
use crate::storage::snapshot::{self, SnapshotError};
use crate::storage::stops;
use crate::storage::{DataDir, create_for_owner};
use crate::topology::StartError;
use crate::views::LatestTable;

/// Everything that is on disk, open, and the machines as it has them.
pub struct Opened {
    /// The directory, held.
    pub data: DataDir,
    /// The journal.
    pub journal: Journal,
    /// The revisions that were in force.
    pub revisions: Arc<Revisions>,
    /// What is put in force now.
    pub rules: Arc<RuleSet>,
    /// The shard, as its snapshot has it.
    pub shard: Shard,
    /// The screen's table, which the shard writes.
    pub latest: Arc<LatestTable>,
    /// The Desk, as the ledger has it.
    pub duty: Duty<Live>,
    /// Where each subject stood by the ledger: more than the journal tells where its disk was sick.
    pub recorded: Vec<Standing>,
    /// The series stores, the embedded one first.
    pub stores: Vec<Box<dyn SeriesStore>>,
    /// The clock.
    pub clock: Clock,
    /// The last moment that the logs know of.
    pub last: Option<Now>,
    /// The journal's last row on disk.
    pub durable: Seq,
}

/// Opens the data directory; the journal writes through `disk`. `clock` makes the clock, which goes on from the last
/// moment that the logs know.
pub fn open(
    settings: &Settings,
    disk: Box<dyn Disk>,
    clock: impl FnOnce(Option<Now>) -> Clock,
    entropy: &Entropy,
) -> Result<Opened, StartError> {
    let dir = settings.data_dir.display().to_string();
    let site = settings.site();
    let data = DataDir::open(&settings.data_dir).map_err(|error| storage(&dir, error))?;
    let (mut journal, recovery) =
        Journal::open_on(disk, &data.journal(), &settings.limits).map_err(|error| storage(&dir, error))?;
    report(&recovery);
    let names = Arc::new(PointNames::of(site));
    journal.name_points(Arc::clone(&names));
    let ledger = open_ledger(&data).map_err(|error| storage(&dir, error))?;
    let decided = ledger.read(ledger.head().id).next().and_then(Result::ok).map(|record| record.entry.now);
    let last = [recovery.last, decided].into_iter().flatten().max_by_key(|now| now.steady);
    let clock = clock(last);
    let latest = Arc::new(LatestTable::new(site.points.len()));
    let revisions = Arc::new(Revisions::of(data.revisions()));
    let former = |revision: &Revision| revisions.site(revision);
    let duty = match Duty::open(Arc::clone(site), former, ledger, clock.now()) {
        Err(DutyError::Ledger(error)) if is_damage(&error) => {
            let ledger = salvage(&data, &error).map_err(|error| storage(&dir, error))?;
            Duty::open(Arc::clone(site), former, ledger, clock.now())
        }
        opened => opened,
    };
    let duty = duty.map_err(|error| storage(&dir, error))?;
    let rules = in_force(&settings.rules, &duty)?;
    if let Err(error) = revisions.keep(&rules) {
        error!(%error, "the revision in force cannot be written down; a crash may judge rows again by another");
    }
    let shard = recall(&data, &rules, &revisions, &latest).map_err(|error| storage(&dir, error))?;
    let stores = open_stores(settings, &data, &names, entropy, &shard)?;
    // Where files of the journal are gone, numbers that others know must not be given again.
    let known = stores.iter().map(|store| store.cursor()).chain([shard.seq(), duty.highest_seq()]);
    known.for_each(|seq| journal.continue_above(seq));
    let durable = Seq(journal.next().0.saturating_sub(1));
    let recorded = duty.desk().alarms().map(|alarm| standing(alarm)).collect();
    Ok(Opened { data, journal, revisions, rules, shard, latest, duty, recorded, stores, clock, last, durable })
}

/// The rules started with, for a site that still has what living warnings stand on.
fn in_force(rules: &Arc<RuleSet>, duty: &Duty<Live>) -> Result<Arc<RuleSet>, StartError> {
    let desk = duty.desk();
    let site = inherit(
        rules.site(),
        desk.site(),
        desk.alarms().map(|alarm| &**alarm),
        desk.warnings().map(|warning| &**warning),
    );
    if Arc::ptr_eq(&site, rules.site()) {
        return Ok(Arc::clone(rules));
    }
    RuleSet::compile(site).map(Arc::new).map_err(|problems| StartError::rules(&problems))
}

fn standing(alarm: &Alarm) -> Standing {
    let (rule, subject) = (alarm.key.rule.clone(), alarm.key.subject.clone());
    Standing { rule, subject, n: alarm.last_n, judged: alarm.judged }
}

fn open_stores(
    settings: &Settings,
    data: &DataDir,
    names: &Arc<PointNames>,
    entropy: &Entropy,
    shard: &Shard,
) -> Result<Vec<Box<dyn SeriesStore>>, StartError> {
    let judge = || -> series::Judge {
        let mut judge = Judge::going_on(shard.gate().for_flags(), shard.seq(), &data.journal(), Arc::clone(names));
        Box::new(move |seq, row, now| judge.word(seq, row, now))
    };
    let (path, journal) = (data.series(), data.journal());
    let embedded = series::embedded::Writer::open(&path, &journal, Arc::clone(names), &settings.limits, judge())
        .map_err(|error| storage(&settings.data_dir.display().to_string(), error))?;
    if let Some(kept) = embedded.set_aside() {
        error!(kept = %kept.display(), "the series store was damaged and put aside; what the journal holds is stored again");
    }
    let mut stores: Vec<Box<dyn SeriesStore>> = vec![Box::new(embedded)];
    for influx in &settings.influx {
        let files = series::influx::InfluxFiles::of(data, &influx.name);
        let jitter = entropy.jitter();
        let writer =
            series::influx::Writer::open(influx, &files, Arc::clone(names), judge(), Box::new(move || jitter()));
        stores.push(Box::new(writer.map_err(|error| StartError::outside("store", &influx.name, &error))?));
    }
    Ok(stores)
}

/// Who may come in.
pub struct Door {
    /// The accounts.
    pub access: Arc<Access>,
    /// The one-time code, where there is no account yet.
    pub code: Option<String>,
}

/// Opens the accounts. Where there is none, the one-time code is written down for whoever owns the data directory.
/// Accounts that can't be read keep everybody out and no warning in.
pub fn door(settings: &Settings, data: &DataDir, clock: &Clock) -> Door {
    let now: access::Clock = {
        let clock = clock.clone();
        Arc::new(move || clock.now())
    };
    let config = settings.access.clone();
    if config.anonymous == Anonymous::Officer {
        return Door { access: Arc::new(Access::demo(now)), code: None };
    }
    let opened = Accounts::open(&data.accounts()).and_then(|(accounts, aside)| {
        if let Some(kept) = aside {
            error!(kept = %kept.display(), "the accounts were damaged and put aside; the first must be made again");
        }
        Access::open(accounts, config.clone(), Arc::clone(&now))
    });
    let (access, code) = opened.unwrap_or_else(|error| {
        error!(
            error = &error as &dyn std::error::Error,
            "the accounts cannot be read: nobody can sign in; warnings go on"
        );
        (Access::closed(config, now), None)
    });
    let path = data.first_code();
    // One that was not used is void: this process has made another.
    let written = match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => code.as_deref().map_or(Ok(()), |code| write_for_owner(&path, code)),
    };
    if let Err(error) = written {
        warn!(%error, path = %path.display(), "the one-time code's file could not be written or removed");
    }
    Door { access: Arc::new(access), code }
}

/// Writes a file that its owner alone reads.
fn write_for_owner(path: &Path, text: &str) -> io::Result<()> {
    let mut file = create_for_owner(path)?;
    file.write_all(format!("{text}\n").as_bytes())?;
    file.sync_all()
}

fn storage(dir: &str, source: impl std::error::Error + Send + Sync + 'static) -> StartError {
    StartError::Storage { dir: dir.to_owned(), source: Box::new(source) }
}

fn open_ledger(data: &DataDir) -> Result<Ledger, LedgerError> {
    match Ledger::open(&data.ledger()) {
        Err(error) if is_damage(&error) => salvage(data, &error),
        opened => opened,
    }
}

const fn is_damage(error: &LedgerError) -> bool {
    matches!(error, LedgerError::Broken(_) | LedgerError::Database(DatabaseError::Damaged { .. }))
}

/// A damaged ledger is put aside and what can be proven of it goes on: a warning matters more than a file.
fn salvage(data: &DataDir, damage: &LedgerError) -> Result<Ledger, LedgerError> {
    let (ledger, salvage) = Ledger::salvage(&data.ledger())?;
    error!(%damage, kept = %salvage.kept.display(), records = salvage.records, "the ledger was damaged and put aside");
    Ok(ledger)
}

/// The shard as its newest sound snapshot has it. One that does not fit is no loss: the journal is read from further back.
/// It goes on by the rules that it was judged by last; the row that this start writes brings it to those of now.
fn recall(
    data: &DataDir,
    rules: &Arc<RuleSet>,
    revisions: &Revisions,
    latest: &Arc<LatestTable>,
) -> Result<Shard, SnapshotError> {
    let loaded = snapshot::load(&data.snapshots(), SHARD)?;
    for (path, how) in &loaded.damaged {
        error!(path = %path.display(), how, "a snapshot is damaged; an older one is used");
    }
    let kept = loaded.snapshot.and_then(|kept| match serde_json::from_slice::<EvaluatorState>(&kept.bytes) {
        Ok(state) => {
            let then = revisions.rules(state.revision()).unwrap_or_else(|| Arc::clone(rules));
            Some(Shard::restore(then, state, kept.seq, Arc::clone(latest)))
        }
        Err(error) => {
            error!(%error, seq = kept.seq.0, "the snapshot cannot be understood; the journal is read from its beginning");
            None
        }
    });
    let stops = stops::read(&data.stops()).unwrap_or_else(|error| {
        error!(%error, "the list of stopped rules cannot be read; a script that does not come back is found again");
        Vec::new()
    });
    for stop in &stops {
        warn!(rule = %stop.stopped.rule, seq = stop.seq.0, "a script did not come back; its rule is stopped from here on");
    }
    Ok(kept.unwrap_or_else(|| Shard::new(Arc::clone(rules), Arc::clone(latest))).stopping(stops))
}

/// What opening the journal had to mend is for the officer to know.
fn report(recovery: &Recovery) {
    if recovery.torn_bytes > 0 {
        warn!(
            bytes = recovery.torn_bytes,
            "the journal ended in a commit that a crash had cut short; it was never acknowledged"
        );
    }
    if recovery.damaged_bytes > 0 {
        error!(bytes = recovery.damaged_bytes, kept = ?recovery.quarantined, "the journal is damaged; its sound part goes on");
    }
}
