//! What goes wrong, and until when.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use rusqlite::Connection;

use crate::chance::Chance;
use crate::disk::FaultyDisk;
use crate::house::Time;
use crate::platform::{Manner, Platform};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;

/// Something that goes wrong for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The journal's disk takes no writes.
    DiskFull,
    /// The journal's disk does not sync.
    DiskSick,
    /// The ledger refuses.
    LedgerSick,
    /// A platform is away, is slow, or loses answers.
    Platform(usize),
    /// The wall clock is an hour off.
    Clock,
    /// A part of the house is not scheduled.
    Slow(Part),
    /// The link to the broker is down.
    Link,
}

/// The parts that take turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// The source hears and acknowledges.
    Source,
    /// The journal writes …
    Write,
    /// … and syncs.
    Sync,
    /// The shard judges, and keeps its snapshots.
    Shard,
    /// The duty loop turns.
    Duty,
    /// A store writes.
    Store(usize),
}

/// The faults there are now.
pub(crate) struct Faults {
    now: Vec<(i64, Fault)>,
    ledger: PathBuf,
    next_at: i64,
    /// Whether the wall clock is ever stepped, and whether a platform ever refuses for good.
    pub(crate) steps: bool,
    pub(crate) refusals: bool,
    /// How many began so far.
    pub(crate) begun: u64,
}

impl Faults {
    /// None yet. The ledger of the house is at `ledger`.
    pub(crate) fn new(ledger: &Path, chance: &Chance) -> Self {
        let (steps, refusals) = (chance.one_in(4), chance.one_in(6));
        Self { now: Vec::new(), ledger: ledger.to_owned(), next_at: MINUTE, steps, refusals, begun: 0 }
    }

    /// When a fault next begins or ends.
    pub(crate) fn next_at(&self) -> i64 {
        self.now.iter().map(|(until, _)| *until).min().unwrap_or(i64::MAX).min(self.next_at)
    }

    /// Whether there is this fault now.
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.now.iter().any(|(_, now)| *now == fault)
    }

    /// Begins and ends what is due; says what began and what ended.
    pub(crate) fn pass(&mut self, time: &Time, chance: &Chance, disk: &FaultyDisk, platforms: &[Platform]) -> Turned {
        let mut turned = Turned::default();
        let ended: Vec<Fault> =
            self.now.extract_if(.., |(until, _)| *until <= time.at).map(|(_, fault)| fault).collect();
        for fault in ended {
            self.set(fault, false, time, chance, disk, platforms);
            turned.ended.push(fault);
        }
        if self.next_at <= time.at {
            self.next_at = time.at + chance.between(10 * SECOND, 3 * MINUTE);
            let (fault, lasts) = self.some(platforms.len(), chance);
            if !self.has(fault) {
                self.begun += 1;
                self.now.push((time.at + lasts, fault));
                self.set(fault, true, time, chance, disk, platforms);
                turned.begun.push(fault);
            }
        }
        turned
    }

    fn some(&self, platforms: usize, chance: &Chance) -> (Fault, i64) {
        match chance.below(10) {
            0 => (Fault::DiskFull, chance.between(SECOND, 30 * SECOND)),
            1 => (Fault::DiskSick, chance.between(SECOND, 30 * SECOND)),
            2 => (Fault::LedgerSick, chance.between(SECOND, MINUTE)),
            3 | 4 => (Fault::Platform(chance.below(platforms)), chance.between(MINUTE, 30 * MINUTE)),
            5 if self.steps => (Fault::Clock, chance.between(MINUTE, 40 * MINUTE)),
            6 | 7 => (Fault::Link, chance.between(0, 8 * MINUTE)),
            _ => {
                let parts = [Part::Sync, Part::Shard, Part::Duty, Part::Store(0), Part::Source];
                (Fault::Slow(parts[chance.below(parts.len())]), chance.between(100, 6 * SECOND))
            }
        }
    }

    fn set(&self, fault: Fault, begins: bool, time: &Time, chance: &Chance, disk: &FaultyDisk, platforms: &[Platform]) {
        match fault {
            Fault::DiskFull => disk.refuse_writes(begins),
            Fault::DiskSick => disk.refuse_syncs(begins),
            Fault::LedgerSick => ledger_refuses(&self.ledger, begins),
            Fault::Platform(place) => {
                let refuses_one_in = if self.refusals { 5 } else { 0 };
                let manner = match chance.below(4) {
                    _ if !begins => Manner::default(),
                    0 | 1 => Manner { away: true, ..Manner::default() },
                    2 => Manner { slow: Duration::from_secs(8), loses_one_in: 4, ..Manner::default() },
                    _ => Manner { loses_one_in: 2, refuses_one_in, ..Manner::default() },
                };
                platforms[place].behave(manner);
            }
            Fault::Clock => {
                let off = if chance.one_in(2) { 60 * MINUTE } else { -60 * MINUTE };
                time.stepped.store(if begins { off } else { 0 }, Ordering::Relaxed);
            }
            Fault::Slow(_) | Fault::Link => {}
        }
    }

    /// A machine that starts anew has a disk and a ledger in health.
    pub(crate) fn mend_disks(&mut self, disk: &FaultyDisk) {
        disk.refuse_writes(false);
        disk.refuse_syncs(false);
        if self.has(Fault::LedgerSick) {
            ledger_refuses(&self.ledger, false);
        }
        self.now.retain(|(_, fault)| !matches!(fault, Fault::DiskFull | Fault::DiskSick | Fault::LedgerSick));
    }

    /// Everything is well from now on; says what ended.
    pub(crate) fn rest(&mut self, time: &Time, chance: &Chance, disk: &FaultyDisk, platforms: &[Platform]) -> Turned {
        self.next_at = i64::MAX;
        let ended: Vec<Fault> = self.now.drain(..).map(|(_, fault)| fault).collect();
        for fault in &ended {
            self.set(*fault, false, time, chance, disk, platforms);
        }
        Turned { begun: Vec::new(), ended }
    }
}

/// What began and what ended.
#[derive(Debug, Default)]
pub(crate) struct Turned {
    pub(crate) begun: Vec<Fault>,
    pub(crate) ended: Vec<Fault>,
}

/// Makes every record of the ledger fail, as a disk would that refuses, or no longer.
pub(crate) fn ledger_refuses(ledger: &Path, refuses: bool) {
    let db = Connection::open(ledger).expect("the ledger is there");
    let sql = if refuses {
        "CREATE TRIGGER sick BEFORE INSERT ON record BEGIN SELECT RAISE(ABORT, 'the simulated disk refuses'); END"
    } else {
        "DROP TRIGGER sick"
    };
    db.execute_batch(sql).expect("nobody else writes now");
}
