//! One short story, told once without a crash and then once for every place where a crash can be: after each commit of the
//! journal, each sync, each judgement, each snapshot, each record of the ledger, each acknowledgement and each write to the
//! store. However it is interrupted, it must end the same.

use std::collections::BTreeSet;

use serde_json::Value;
use watchfire::storage::series::embedded::SeriesReader;
use watchfire_model::row::Row;
use watchfire_model::time::Timestamp;

use crate::county::{Temper, places};
use crate::oracle;
use crate::world::{Course, World};

const MINUTE: i64 = 60_000;

/// Tells the story, dying once at the given place.
fn story(crash_at: Option<u64>) -> World {
    let mut world = World::new(2_026, places(6), Course::Straight { crash_at }, None);
    world.run_until(MINUTE);
    world.sensors.storm(Temper::Calm, 33.0);
    world.sensors.storm(Temper::Slow, 22.0);
    world.run_until(4 * MINUTE);
    world.sensors.storm(Temper::Calm, 45.0);
    world.sensors.storm(Temper::Gas, 12.0);
    world.run_until(6 * MINUTE);
    world.rest();
    world.run_until(20 * MINUTE);
    world
}

/// How a story ended.
#[derive(Debug, PartialEq)]
struct Ending {
    /// Every leaf of every alarm and warning of the Desk, with the way to it.
    alarms: Vec<String>,
    warnings: Vec<String>,
    /// Readings as the journal took them, without those that came again.
    readings: Vec<String>,
    /// Samples of every point in the store.
    stored: Vec<String>,
    /// Keys that each platform took, without repeats.
    told: Vec<Vec<String>>,
}

fn ending(world: &mut World) -> Ending {
    assert!(world.is_at_rest(), "not at rest: {}", world.unrest());
    let desk = world.house().duty.duty().desk();
    let alarms = leaves(&serde_json::to_value(desk.alarms().collect::<Vec<_>>()).expect("alarms become JSON"));
    let mut warnings: Vec<_> = desk.warnings().cloned().collect();
    for warning in &mut warnings {
        // Which of two platforms answers first within a millisecond is nobody's promise.
        let warning = std::sync::Arc::make_mut(warning);
        warning.timeline.sort_by_key(|entry| (entry.at, format!("{:?} {}", entry.what, entry.note)));
    }
    let warnings = leaves(&serde_json::to_value(&warnings).expect("warnings become JSON"));
    world.end();
    let readings = once(world.heard.values().filter_map(|(_, row)| match row {
        Row::Reading(reading) => Some(format!("{reading:?}")),
        Row::Link(_) | Row::Tick | Row::Upkeep(_) | Row::Revision(_) => None,
    }));
    let store = SeriesReader::open(&world.settings.data_dir.join("series.db")).expect("the store opens");
    let stored = world.places.iter().flat_map(|place| {
        let (low, high) = (Timestamp(i64::MIN), Timestamp(i64::MAX));
        let samples = store.range(&place.id, place.temper.point().0, low, high, usize::MAX).expect("the store reads");
        // Not their quality: a store's own gate begins anew with each life, and trusts nothing at first.
        samples.into_iter().map(|sample| format!("{} {:?} at {}", place.id, sample.value, sample.at.0))
    });
    let told = world.platforms.iter();
    let told = told.map(|platform| once(platform.taken().into_iter().map(|taking| taking.key.to_string())));
    Ending { alarms, warnings, readings, stored: stored.collect(), told: told.collect() }
}

/// Every leaf of a value, with the way to it.
fn leaves(value: &Value) -> Vec<String> {
    let under =
        |name: &str, value: &Value| leaves(value).into_iter().map(|leaf| format!("/{name}{leaf}")).collect::<Vec<_>>();
    match value {
        Value::Array(all) => all.iter().enumerate().flat_map(|(at, value)| under(&at.to_string(), value)).collect(),
        Value::Object(all) => all.iter().flat_map(|(name, value)| under(name, value)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => vec![format!(" = {value}")],
    }
}

/// Each of them when it came first.
fn once(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut known = BTreeSet::new();
    all.filter(|one| known.insert(one.clone())).collect()
}

/// The first thing in which two endings differ.
fn difference(whole: &Ending, broken: &Ending) -> Option<String> {
    fn first<T: std::fmt::Debug + PartialEq>(what: &str, whole: &[T], broken: &[T]) -> Option<String> {
        let longest = whole.len().max(broken.len());
        let at = (0..longest).find(|at| whole.get(*at) != broken.get(*at))?;
        Some(format!("{what} {at}:\n  without a crash {:?}\n  with one {:?}", whole.get(at), broken.get(at)))
    }
    first("reading", &whole.readings, &broken.readings)
        .or_else(|| first("sample", &whole.stored, &broken.stored))
        .or_else(|| first("alarm", &whole.alarms, &broken.alarms))
        .or_else(|| first("warning", &whole.warnings, &broken.warnings))
        .or_else(|| first("platform", &whole.told, &broken.told))
}

/// A warning stands while its rule is given another name.
fn renaming(crash_at: Option<u64>) -> World {
    let mut world = World::new(2_027, places(6), Course::Straight { crash_at }, None);
    world.run_until(MINUTE);
    world.sensors.storm(Temper::Calm, 33.0);
    world.run_until(2 * MINUTE);
    world.reload();
    world.run_until(3 * MINUTE);
    world.sensors.storm(Temper::Calm, 45.0);
    world.run_until(5 * MINUTE);
    world.rest();
    world.run_until(25 * MINUTE);
    world
}

/// Tells a story with a crash at each place where one can be; says in how many it ended otherwise than without.
fn torment(story: impl Fn(Option<u64>) -> World) -> Ending {
    let mut whole = story(None);
    let places = whole.passed;
    let expected = ending(&mut whole);
    oracle::judge(&whole).unwrap_or_else(|why| panic!("without a crash: {why}"));
    let mut wrong = Vec::new();
    for place in 1..=places {
        let mut world = story(Some(place));
        let at = world.crashed.expect("the story passes every place");
        let found = ending(&mut world);
        let why = oracle::judge(&world).err().or_else(|| difference(&expected, &found));
        wrong.extend(why.map(|why| format!("a crash at place {place}, {at}: {why}")));
    }
    println!("{places} crashes");
    assert!(wrong.is_empty(), "{} of {places}:\n{}", wrong.len(), wrong.join("\n"));
    expected
}

#[test]
fn a_crash_anywhere_changes_nothing_in_the_end() {
    let expected = torment(story);
    assert!(expected.told.iter().all(|told| told.len() >= 3), "the story is too quiet: {:?}", expected.told);
}

#[test]
fn a_crash_anywhere_about_a_reload_leaves_the_old_or_the_new() {
    let expected = torment(renaming);
    assert!(expected.alarms.iter().any(|leaf| leaf.ends_with("/key/rule = \"level\"")), "{:?}", expected.alarms);
    assert!(expected.told.iter().any(|told| told.len() >= 3), "the story is too quiet: {:?}", expected.told);
}
