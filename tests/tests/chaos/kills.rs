//! F01: the daemon is killed fifty times at random moments while two thousand readings a second come in. At the end
//! every reading that the broker has acknowledged is stored once with its value, every warning that the reference
//! expects was delivered once and in order, and a fresh crossing passes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use watchfire_tests::harness::publisher::{Publisher, Qos};
use watchfire_tests::harness::wait;

use super::course::{Dice, course, quiet, seed};
use super::oracle::{expected, told, twice};
use super::site::Station;
use super::stage::{Stage, now, payload, stored, topic};

/// How often the daemon dies.
const KILLS: usize = 50;
/// Readings a second: each station says ten.
const RATE: usize = 2_000;
const STATIONS: usize = RATE / 10;
/// So many of them walk over the thresholds; the others stay quiet.
const WALKERS: usize = 24;
/// How long the last readings and bulletins may take once the dying has ended.
const DRAINED: Duration = Duration::from_secs(30);
/// Milliseconds after which it must be ready again (P9).
const READY: u128 = 5_000;

/// What is published: reading `k` is reading `k / STATIONS` of station `k % STATIONS`.
#[derive(Clone)]
struct Plan {
    seed: u64,
    begin: i64,
    walks: Arc<Vec<Vec<f64>>>,
}

impl Plan {
    fn value(&self, k: usize) -> f64 {
        let (station, n) = (k % STATIONS, k / STATIONS);
        match self.walks.get(station) {
            Some(walk) => walk.get(n).or(walk.last()).copied().expect("a course has values"),
            None => quiet(self.seed, station, n),
        }
    }

    /// Milliseconds since 1970; each station has one every tenth of a second.
    fn at(&self, k: usize) -> i64 {
        self.begin + i64::try_from(k * 1_000 / RATE).expect("a test is short")
    }

    /// Time and value of a station's readings among the first `count`.
    fn of(&self, station: usize, count: usize) -> Vec<(i64, Option<f64>)> {
        (station..count).step_by(STATIONS).map(|k| (self.at(k), Some(self.value(k)))).collect()
    }
}

fn name(station: usize) -> String {
    if station < WALKERS { format!("walker-{station:02}") } else { format!("quiet-{station:03}") }
}

/// Publishes at the rate until told to end; says how many were sent, which of them the broker acknowledged, and how long
/// it took.
fn publish(address: String, plan: Plan, end: Arc<AtomicBool>) -> JoinHandle<(usize, BTreeSet<u64>, Duration)> {
    std::thread::spawn(move || {
        let mut link = Publisher::connect(&address, "field").expect("the broker takes connections");
        let stations: Vec<(String, String)> = (0..STATIONS).map(|s| (name(s), topic(&name(s)))).collect();
        let started = Instant::now();
        let mut k = 0;
        while !end.load(Ordering::Relaxed) {
            let due =
                started + Duration::from_secs_f64(f64::from(u32::try_from(k).expect("a test is short")) / RATE as f64);
            // The pause of a wait is some milliseconds: what fell due meanwhile goes out at once.
            wait::until("the next reading to be due", || (Instant::now() >= due).then_some(()));
            let (station, topic) = &stations[k % STATIONS];
            let text = payload(station, plan.at(k), plan.value(k));
            link.publish(u64::try_from(k).expect("a test is short"), topic, text.as_bytes(), Qos::AtLeastOnce)
                .expect("the broker is there");
            k += 1;
        }
        let lasted = started.elapsed();
        link.settle().expect("the broker is there");
        (k, link.acknowledged(), lasted)
    })
}

/// Kills and starts again, and lets the last life go on; says after how many milliseconds each life was ready that was
/// let come so far. Every other one is counted from then on, the others from their birth: those may die in their replay.
fn torment(stage: &mut Stage, dice: &mut Dice) -> Vec<u128> {
    let mut readiness = Vec::new();
    for kill in 0..KILLS {
        let life = Duration::from_millis(dice.between(50, 1_500));
        let born = Instant::now();
        wait::attempt(life, || {
            let ended = stage.daemon.process().ended();
            ended.inspect(|status| {
                panic!("it ended by itself before kill {kill}, with {status}:\n{}", stage.daemon.log())
            })
        });
        assert!(born.elapsed() >= life, "it lived its life");
        stage.daemon.kill();
        let born = Instant::now();
        stage.daemon.launch();
        if kill % 2 == 1 || kill + 1 == KILLS {
            stage.daemon.ready();
            readiness.push(born.elapsed().as_millis());
        }
    }
    readiness.sort_unstable();
    readiness
}

#[test]
fn nothing_is_lost_or_doubled_by_fifty_kills() {
    let seed = seed();
    let mut dice = Dice::new(seed);
    let mut stations: Vec<Station> = (0..WALKERS).map(|s| Station::alone(&name(s))).collect();
    stations.extend((WALKERS..STATIONS).map(|s| Station::among(&name(s), "quiet")));
    stations.push(Station::alone("fresh"));
    let mut stage = Stage::start(&stations);
    let walks = Arc::new((0..WALKERS).map(|station| course(seed, station)).collect());
    let plan = Plan { seed, begin: now(), walks };
    let end = Arc::new(AtomicBool::new(false));
    let publishing = publish(stage.broker.address(), plan.clone(), Arc::clone(&end));

    let readiness = torment(&mut stage, &mut dice);
    end.store(true, Ordering::Relaxed);
    let (published, obligated, lasted) = publishing.join().expect("the publisher ended well");

    // Readings: every one that the broker took, once, with its value; and none that nobody sent.
    let mut figures = Figures { published, obligated: obligated.len(), ..Figures::default() };
    let last_of_all = (0..STATIONS).map(|station| (name(station), plan.of(station, published).len()));
    let counts: BTreeMap<String, usize> = last_of_all.collect();
    wait::attempt(DRAINED, || {
        let complete = |(station, count): (&String, &usize)| stored(&stage.daemon, station).len() >= *count;
        counts.iter().all(complete).then_some(())
    });
    let mut wrong = Vec::new();
    for station in 0..STATIONS {
        let (held, sent) = (stored(&stage.daemon, &name(station)), plan.of(station, published));
        figures.stored += held.len();
        let known: BTreeSet<(i64, u64)> = held.iter().filter_map(|(at, v)| Some((*at, (*v)?.to_bits()))).collect();
        figures.duplicates += held.len() - held.iter().map(|(at, _)| at).collect::<BTreeSet<_>>().len();
        let must = (station..published).step_by(STATIONS).zip(&sent);
        let must = must.filter(|(k, _)| u64::try_from(*k).is_ok_and(|k| obligated.contains(&k)));
        let lost: Vec<_> =
            must.filter(|(_, (at, v))| v.is_some_and(|v| !known.contains(&(*at, v.to_bits())))).collect();
        figures.lost += lost.len();
        let issued: BTreeSet<(i64, u64)> = sent.iter().filter_map(|(at, v)| Some((*at, (*v)?.to_bits()))).collect();
        let invented: Vec<_> = known.difference(&issued).collect();
        figures.invented += invented.len();
        if let Some(first) = lost.first() {
            wrong.push(format!("{}: {} lost, the first is {first:?}", name(station), lost.len()));
        }
        if let Some(first) = invented.first() {
            wrong.push(format!("{}: {} that nobody sent, the first is {first:?}", name(station), invented.len()));
        }
    }

    // Warnings: those that the reference expects, once each, in their order.
    let expected: Vec<_> = (0..WALKERS)
        .map(|station| expected(&plan.of(station, published).iter().filter_map(|(_, v)| *v).collect::<Vec<_>>()))
        .collect();
    let bulletins: usize = expected.iter().flatten().map(Vec::len).sum();
    wait::attempt(DRAINED, || (stage.platform.heard().len() >= 2 * bulletins).then_some(()));
    let heard = stage.platform.heard();
    figures.expected = 2 * bulletins;
    figures.bulletins = heard.len();
    figures.again = heard.iter().map(|bulletin| bulletin.times - 1).sum();
    for (station, expected) in expected.iter().enumerate() {
        for channel in ["duty", "public"] {
            let told = told(&heard, channel, &name(station));
            if told != *expected {
                let at = told.iter().zip(expected).position(|(a, b)| a != b).unwrap_or(told.len().min(expected.len()));
                wrong.push(format!(
                    "{} through {channel}: warning {at} was told as {:?}, expected {:?}",
                    name(station),
                    told.get(at),
                    expected.get(at)
                ));
            }
        }
    }
    let twice = twice(&heard);
    let counts = stage.platform.counts();
    say(&format!(
        "F01 seed {seed}: {KILLS} kills, {figures}, {:.0} readings/s, refused {}, dangling {}, ready after p50 {} ms, p99 {} ms",
        published as f64 / lasted.as_secs_f64(),
        counts.refused,
        counts.dangling,
        percentile(&readiness, 50),
        percentile(&readiness, 99),
    ));
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!((figures.lost, figures.duplicates, figures.invented), (0, 0, 0));
    assert!(twice.is_empty(), "said twice under different keys: {twice:?}");
    assert_eq!((counts.refused, counts.dangling), (0, 0), "a key stood for two messages, or an order was broken");
    assert!(percentile(&readiness, 99) <= READY, "ready only after so many milliseconds: {readiness:?}");
    assert!(bulletins > WALKERS, "hardly anything was to be warned of: {bulletins}");

    let mut sensor = stage.calm(&["fresh"]);
    stage.fresh_crossing_passes(&mut sensor, "fresh");
}

#[derive(Default)]
struct Figures {
    published: usize,
    obligated: usize,
    stored: usize,
    lost: usize,
    duplicates: usize,
    invented: usize,
    expected: usize,
    bulletins: usize,
    again: u64,
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { published, obligated, stored, lost, duplicates, invented, expected, bulletins, again } = self;
        write!(
            f,
            "published {published}, obligated {obligated}, stored {stored}, lost {lost}, duplicates {duplicates}, \
             invented {invented}, bulletins {bulletins} of {expected} ({again} sent again under their key)"
        )
    }
}

fn percentile(sorted: &[u128], percent: usize) -> u128 {
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or(0)
}

/// A line of figures, shown although the test passes.
fn say(line: &str) {
    // A closed terminal is no reason to fail.
    let _ = writeln!(std::io::stderr(), "{line}");
}
