//! The world of one seed: sensors, a broker, a house, platforms, an officer, and what goes wrong. It keeps its own account
//! of everything, which the oracle reads in the end.

use std::collections::BTreeMap;
use std::sync::Arc;

use tempfile::TempDir;
use watchfire::config::settings::Settings;
use watchfire::storage::journal::{Commit, JournalReader, Step};
use watchfire::storage::names::PointNames;
use watchfire_model::id::Seq;
use watchfire_model::row::Row;
use watchfire_model::time::Now;

use crate::chance::Chance;
use crate::county::{Place, renamed, settings};
use crate::disk::FaultyDisk;
use crate::faults::{Fault, Faults, Part};
use crate::field::{Broker, Source};
use crate::house::{Ground, House, Time};
use crate::officer::Officer;
use crate::platform::Platform;
use crate::sensors::Sensors;

/// How long a source waits before it comes again to a broker that it has left.
const PAUSE: i64 = 1_000;

/// How the world turns.
#[derive(Clone, Debug)]
pub(crate) enum Course {
    /// By chance: parts in any order, faults, crashes now and then.
    Chance,
    /// In one order, nothing goes wrong, but for a crash at the given one of all places where one can be.
    Straight {
        /// Which place; none for no crash.
        crash_at: Option<u64>,
    },
}

/// What there was of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) crashes: u64,
    pub(crate) turns: u64,
    pub(crate) unjournaled: u64,
}

/// The world.
pub(crate) struct World {
    chance: Chance,
    /// The sensors' dice: a crash must not change the weather.
    weather: Chance,
    course: Course,
    pub(crate) time: Time,
    pub(crate) settings: Settings,
    pub(crate) disk: FaultyDisk,
    pub(crate) platforms: Vec<Platform>,
    pub(crate) places: Vec<Place>,
    pub(crate) faults: Faults,
    pub(crate) sensors: Sensors,
    pub(crate) broker: Broker,
    source: Source,
    pub(crate) officer: Officer,
    officer_at: i64,
    /// When a source that has left the broker by itself comes again.
    relink_at: i64,
    house: Option<House>,
    /// Every row that the journal took and kept, with its moment.
    pub(crate) heard: BTreeMap<Seq, (Now, Row)>,
    /// Places passed where a crash can be.
    pub(crate) passed: u64,
    /// Where the crash was.
    pub(crate) crashed: Option<&'static str>,
    /// Whether the source may have something to do that it has not tried.
    stirred: bool,
    resting: bool,
    pub(crate) tally: Tally,
    /// Everything is kept there; it goes with the world.
    folder: TempDir,
}

impl World {
    /// A world at its beginning, the house just opened.
    pub(crate) fn new(seed: u64, places: Vec<Place>, course: Course, influx: Option<&str>) -> Self {
        let chance = Chance::of(seed);
        let folder = memory_folder();
        let settings = settings(&places, folder.path(), influx);
        let channels = settings.channels.iter();
        let platforms: Vec<_> = channels.map(|config| Platform::new(config.name.clone(), chance.split())).collect();
        let (time, disk) = (Time::new(), FaultyDisk::default());
        let ground = Ground { settings: &settings, disk: &disk, platforms: &platforms, chance: &chance };
        let house = House::open(&ground, &time);
        let heard = first_rows(&house).collect();
        let mut broker = Broker::default();
        let mut source = Source::new(house.intake.clone(), places.len());
        source.connect(&mut broker, time.wall(), false);
        Self {
            faults: Faults::new(&settings.data_dir.join("ledger.db"), &chance),
            sensors: Sensors::of(&places, matches!(course, Course::Straight { .. })),
            weather: Chance::of(!seed),
            chance,
            course,
            time,
            settings,
            disk,
            platforms,
            places,
            broker,
            source,
            officer: Officer::default(),
            officer_at: 60_000,
            relink_at: i64::MAX,
            house: Some(house),
            heard,
            passed: 0,
            crashed: None,
            stirred: true,
            resting: false,
            tally: Tally::default(),
            folder,
        }
    }

    /// The house; there is one between any two crashes.
    pub(crate) fn house(&mut self) -> &mut House {
        self.house.as_mut().expect("a house stands whenever the world turns")
    }

    fn is_straight(&self) -> bool {
        matches!(self.course, Course::Straight { .. })
    }

    /// Lets everything happen until then.
    pub(crate) fn run_until(&mut self, end: i64) {
        loop {
            self.happen();
            self.take_turns();
            if self.time.at >= end {
                return;
            }
            let next = self.sensors.next_at().min(self.officer_at).min(self.relink_at).min(self.faults_next());
            let due = self.house().next_due().min(next).clamp(self.time.at + 1, end);
            let Self { house, time, .. } = self;
            if let Some(house) = house {
                house.pass(due, time);
            }
        }
    }

    fn faults_next(&self) -> i64 {
        if self.is_straight() { i64::MAX } else { self.faults.next_at() }
    }

    /// Faults begin and end, sensors report, the officer looks.
    fn happen(&mut self) {
        if !self.is_straight() {
            let turned = self.faults.pass(&self.time, &self.chance, &self.disk, &self.platforms);
            self.feel(&turned.begun, true);
            self.feel(&turned.ended, false);
        }
        if self.relink_at <= self.time.at {
            self.relink_at = i64::MAX;
            if !self.broker.up && !self.faults.has(Fault::Link) {
                self.link(true);
            }
        }
        let arrived = self.sensors.pass(self.time.at, &self.weather);
        self.stirred |= !arrived.is_empty();
        arrived.into_iter().for_each(|message| self.broker.publish(message));
        let Self { officer, house, time, chance, .. } = self;
        let Some(house) = house else { return };
        officer.listen();
        officer.ask_again(house);
        if self.officer_at <= time.at {
            if matches!(self.course, Course::Straight { .. }) || self.resting {
                officer.do_all(house, time);
                self.officer_at = time.at + 60_000;
            } else {
                officer.do_something(house, time, chance);
                self.officer_at = time.at + chance.between(10_000, 200_000);
            }
        }
    }

    fn feel(&mut self, faults: &[Fault], begins: bool) {
        let wall = self.time.wall();
        for fault in faults {
            if *fault == Fault::Link && begins {
                let forgets = self.chance.one_in(5);
                self.source.disconnect(&mut self.broker, wall, forgets);
                self.stirred = true;
            } else if *fault == Fault::Link && !self.broker.up {
                self.source.connect(&mut self.broker, wall, false);
                self.stirred = true;
            }
        }
    }

    /// The parts that could take a turn now.
    fn ready(&mut self) -> Vec<Part> {
        let stirred = self.stirred && self.source.has_work(&self.broker);
        let Self { house: Some(house), time, .. } = self else { return Vec::new() };
        let mut ready: Vec<Part> = [
            (Part::Sync, house.may_sync(time)),
            (Part::Shard, house.may_judge()),
            (Part::Duty, house.may_round(time)),
            (Part::Write, house.may_write(time)),
            (Part::Source, stirred),
        ]
        .into_iter()
        .filter_map(|(part, may)| may.then_some(part))
        .collect();
        ready.extend(house.stores_due(time).map(Part::Store));
        if !self.resting {
            ready.retain(|part| !self.faults.has(Fault::Slow(*part)));
        }
        ready
    }

    /// Parts take turns until none has anything to do now.
    fn take_turns(&mut self) {
        for _ in 0..100_000 {
            let ready = self.ready();
            if ready.is_empty() {
                return;
            }
            let part = if self.is_straight() { ready[0] } else { ready[self.chance.below(ready.len())] };
            self.turn(part);
            self.tally.turns += 1;
            if !self.is_straight() && self.chance.one_in(50) {
                // Couriers and the others run at the same time.
                let Self { house: Some(house), time, .. } = self else { return };
                house.pass(time.at, time);
            }
        }
        panic!("the house turns and turns, and never rests");
    }

    fn turn(&mut self, part: Part) {
        let most = if self.is_straight() { 8 } else { 1 + self.chance.below(40) };
        let Self { house: Some(house), time, .. } = self else { return };
        match part {
            Part::Source => {
                let wall = time.wall();
                self.stirred = false;
                if !self.source.hear(&mut self.broker, wall, most) {
                    self.relink_at = time.at + PAUSE;
                }
                self.stirred = self.source.has_news(&self.broker);
                self.pass_by("after the source has offered and acknowledged");
            }
            Part::Write => {
                let written =
                    house.write(time).map(|commit| (commit.now, commit.numbered().map(row).collect::<Vec<_>>()));
                if let Some((now, rows)) = written {
                    self.heard.extend(rows.into_iter().map(|(seq, row)| (seq, (now, row))));
                }
                self.stirred = true;
                self.pass_by("after the journal has written, before it syncs");
            }
            Part::Sync => {
                house.sync(time);
                self.stirred = true;
                self.pass_by("after the journal has synced, before the source acknowledges");
            }
            Part::Shard => {
                let judged = house.judge();
                if !self.pass_by("after the shard has judged, before its snapshot")
                    && let Some(now) = judged
                {
                    self.house().shard.keep(now);
                    self.pass_by("after the shard has kept a snapshot");
                }
            }
            Part::Duty => {
                house.round(time);
                self.pass_by("after the ledger has recorded, before a courier has heard");
            }
            Part::Store(place) => {
                house.store(place, time);
                self.pass_by("after a store has written");
            }
        }
    }

    /// Writes the configuration anew, and asks for it to be put in force.
    pub(crate) fn reload(&mut self) {
        self.settings = renamed(&self.places, self.folder.path());
        let Self { house: Some(house), settings, .. } = self else { return };
        house.reload(&settings.rules);
    }

    /// Takes the link to the broker down, or up again.
    pub(crate) fn link(&mut self, up: bool) {
        let wall = self.time.wall();
        if up {
            self.source.connect(&mut self.broker, wall, false);
        } else {
            self.source.disconnect(&mut self.broker, wall, false);
        }
        self.stirred = true;
    }

    /// A place where a crash can be; true if there was one.
    fn pass_by(&mut self, place: &'static str) -> bool {
        self.passed += 1;
        let crashes = match self.course {
            Course::Straight { crash_at } => crash_at == Some(self.passed),
            Course::Chance => !self.resting && self.chance.one_in(600),
        };
        if crashes {
            self.crashed = Some(place);
            self.crash();
        }
        crashes
    }

    /// The power goes, and the broker forgets our session with all that it held for us.
    pub(crate) fn crash_forgotten(&mut self) {
        self.crash_so(true);
    }

    /// The power goes, and after a while comes back.
    fn crash(&mut self) {
        let forgets = !self.is_straight() && self.chance.one_in(8);
        self.crash_so(forgets);
    }

    fn crash_so(&mut self, forgets: bool) {
        self.tally.crashes += 1;
        self.officer.forget_answers();
        let Some(house) = self.house.take() else { return };
        self.tally.unjournaled += house.view.borrow().unjournaled;
        house.die(&self.time);
        self.disk.cut_power(&self.chance);
        let straight = self.is_straight();
        self.source.disconnect(&mut self.broker, self.time.wall(), forgets);
        self.faults.mend_disks(&self.disk);
        if !straight {
            let away = self.chance.between(0, 120_000);
            self.time.skip(self.time.at + away);
        }
        let ground =
            Ground { settings: &self.settings, disk: &self.disk, platforms: &self.platforms, chance: &self.chance };
        let house = House::open(&ground, &self.time);
        self.source = Source::new(house.intake.clone(), self.places.len());
        if !self.faults.has(Fault::Link) {
            self.source.connect(&mut self.broker, self.time.wall(), forgets);
        }
        self.stirred = true;
        self.heard.extend(first_rows(&house));
        self.house = Some(house);
        self.take_stock();
    }

    /// What the journal has kept of what it took; what it has must be what it took.
    fn take_stock(&mut self) {
        let house = self.house.as_ref().expect("just opened");
        let (oldest, next) = (house.journal.journal().oldest(), house.journal.journal().next());
        let names = Arc::new(PointNames::of(self.settings.site()));
        let mut reader = JournalReader::after(house.journal.journal().dir(), Seq(oldest.0 - 1), names);
        let (mut commit, mut kept) = (Commit::default(), BTreeMap::new());
        loop {
            match reader.read(Seq(next.0 - 1), &mut commit).expect("the journal can be read") {
                Step::Commit => kept.extend(commit.numbered().map(row)),
                Step::Gap(_) => {}
                Step::Idle => break,
            }
        }
        for (seq, row) in &kept {
            let taken = self.heard.get(seq).map(|(_, row)| row);
            assert_eq!(taken, Some(row), "row {} of the journal is not the one it took", seq.0);
        }
        self.heard.retain(|seq, _| *seq < oldest || kept.contains_key(seq));
    }

    /// Everything is well from now on.
    pub(crate) fn rest(&mut self) {
        self.resting = true;
        let turned = self.faults.rest(&self.time, &self.chance, &self.disk, &self.platforms);
        self.feel(&turned.ended, false);
        self.sensors.rest();
        self.officer_at = self.time.at;
    }

    /// Whether nothing is on its way anywhere and no warning lives.
    pub(crate) fn is_at_rest(&mut self) -> bool {
        let quiet = self.broker.is_empty() && self.source.is_idle() && self.officer.is_answered();
        let house = self.house();
        let live = house
            .duty
            .duty()
            .desk()
            .warnings()
            .filter(|warning| !matches!(warning.publication, watchfire_model::warning::Publication::Ended { .. }));
        quiet && live.count() == 0 && house.is_at_rest()
    }

    /// What keeps it from rest, in words.
    pub(crate) fn unrest(&mut self) -> String {
        let (broker, source, officer) = (self.broker.is_empty(), self.source.is_idle(), self.officer.is_answered());
        let house = self.house();
        let desk = house.duty.duty().desk();
        let live: Vec<_> = desk
            .warnings()
            .filter(|warning| !matches!(warning.publication, watchfire_model::warning::Publication::Ended { .. }))
            .map(|warning| {
                format!("{} {} {:?} waits for {:?}", warning.id, warning.hazard, warning.grade, warning.waiting)
            })
            .collect();
        let alarms: Vec<_> = desk
            .alarms()
            .filter(|alarm| alarm.judged.is_some())
            .map(|alarm| {
                format!("{:?} {:?} {:?} {:?} n {}", alarm.key, alarm.judged, alarm.evidence, alarm.value, alarm.last_n)
            })
            .collect();
        let unsettled = desk.unsettled().count();
        format!(
            "broker empty {broker}, source idle {source}, officer answered {officer}, {unsettled} notices unsettled, \
             house at rest {}, live {live:#?}, alarms {alarms:#?}",
            house.is_at_rest()
        )
    }

    /// What the disk refused.
    pub(crate) fn disk_failures(&self) -> u64 {
        self.disk.failures()
    }

    /// Ends the last life cleanly enough to look at its files.
    pub(crate) fn end(&mut self) {
        if let Some(house) = self.house.take() {
            self.tally.unjournaled += house.view.borrow().unjournaled;
            house.die(&self.time);
        }
    }
}

/// What a house wrote when it was opened.
fn first_rows(house: &House) -> impl Iterator<Item = (Seq, (Now, Row))> {
    let first = house.first.clone().unwrap_or_default();
    let now = first.now;
    first.numbered().map(row).map(|(seq, row)| (seq, (now, row))).collect::<Vec<_>>().into_iter()
}

fn row((seq, row): (Seq, &Row)) -> (Seq, Row) {
    (seq, row.clone())
}

/// A folder in memory where there is one: thousands of syncs are then no matter.
fn memory_folder() -> TempDir {
    let memory = std::path::Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a folder can be made")
}
