//! Nights from seeds: an hour and a half in which everything goes wrong, then rest, then one more crossing.

use std::time::Instant;

use crate::chance::Chance;
use crate::county::{Temper, places};
use crate::oracle;
use crate::world::{Course, World};

const MINUTE: i64 = 60_000;
/// How long things go wrong.
const TROUBLE: i64 = 90 * MINUTE;
/// Everything must have drained and ended so long after the last fault.
const DRAINED_WITHIN: i64 = 4 * 60 * MINUTE;
/// Seeds of an ordinary run.
const SEEDS: u64 = 40;

/// One night; what it came to.
fn night(seed: u64) -> Result<World, String> {
    let size = 6 + Chance::of(seed).below(9);
    let mut world = World::new(seed, places(size), Course::Chance, None);
    world.run_until(TROUBLE);
    world.rest();
    drain(&mut world)?;
    // What came through all of it still watches.
    let before = told(&world);
    world.sensors.storm(Temper::Calm, 45.0);
    world.run_until(world.time.at + 40 * MINUTE);
    if told(&world) == before {
        return Err("after everything had drained, a fresh crossing warned nobody".to_owned());
    }
    world.rest();
    drain(&mut world)?;
    world.end();
    oracle::judge(&world)?;
    Ok(world)
}

fn told(world: &World) -> usize {
    world.platforms.first().map_or(0, |duty| duty.taken().len())
}

fn drain(world: &mut World) -> Result<(), String> {
    let end = world.time.at + DRAINED_WITHIN;
    while !world.is_at_rest() {
        if world.time.at > end {
            return Err(format!(
                "not at rest {} h after the last fault: {}",
                DRAINED_WITHIN / 60 / MINUTE,
                world.unrest()
            ));
        }
        world.run_until(world.time.at + MINUTE);
    }
    Ok(())
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn ledger_of(seed: u64) -> Vec<String> {
    let world = night(seed).unwrap_or_else(|why| panic!("WATCHFIRE_SEED={seed}: {why}"));
    let db = rusqlite::Connection::open(world.settings.data_dir.join("ledger.db")).expect("the ledger is there");
    let mut select = db.prepare("SELECT wall, steady, input, events, hex(hash) FROM record ORDER BY id").expect("ours");
    let line = |row: &rusqlite::Row<'_>| -> rusqlite::Result<String> {
        let (wall, steady): (i64, i64) = (row.get(0)?, row.get(1)?);
        let (input, events, hash): (String, String, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
        Ok(format!("{wall} {steady} {input} {events} {hash}"))
    };
    let lines = select.query_map([], line).expect("ours").collect::<Result<Vec<_>, _>>();
    lines.expect("every record has these columns")
}

#[test]
fn every_night_ends_well() {
    let started = Instant::now();
    let seeds: Vec<u64> = match number("WATCHFIRE_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("WATCHFIRE_SEEDS").unwrap_or(SEEDS)).collect(),
    };
    let (mut hours, mut crashes, mut faults, mut readings, mut notices, mut turns) = (0, 0, 0, 0, 0, 0);
    let mut wrong = Vec::new();
    for seed in &seeds {
        let caught = std::panic::catch_unwind(|| night(*seed));
        let world = match caught.unwrap_or_else(|_| Err("a part of the house panicked".to_owned())) {
            Ok(world) => world,
            Err(why) => {
                wrong.push(format!("WATCHFIRE_SEED={seed} {why}"));
                continue;
            }
        };
        hours += world.time.at / 60 / MINUTE;
        crashes += world.tally.crashes;
        turns += world.tally.turns;
        readings += world.heard.len();
        let spoiled: u64 = world.platforms.iter().map(crate::platform::Platform::faults).sum();
        faults += world.faults.begun + world.disk_failures() + spoiled + world.broker.lost + world.broker.again;
        notices += world.platforms.iter().map(|platform| platform.taken().len()).sum::<usize>();
    }
    println!(
        "{} seeds: {hours} h of virtual time, {turns} turns, {readings} rows, {notices} deliveries, {crashes} crashes, \
         {faults} other faults, in {:.1} s",
        seeds.len(),
        started.elapsed().as_secs_f64()
    );
    assert!(wrong.is_empty(), "{} of {} nights end badly:\n{}", wrong.len(), seeds.len(), wrong.join("\n"));
}

#[test]
fn the_same_seed_writes_the_same_ledger() {
    for seed in [3, 11] {
        let (once, again) = (ledger_of(seed), ledger_of(seed));
        assert!(once.len() > 10, "seed {seed} decided next to nothing");
        assert_eq!(once, again, "WATCHFIRE_SEED={seed}");
    }
}
