//! What must be true in the end, whatever went wrong: read from the files, from what the platforms took and from what the
//! broker was told, with an arithmetic of its own that a child could check.

use std::collections::{BTreeMap, BTreeSet};

use watchfire::storage::ledger::{LedgerId, LedgerReader};
use watchfire::storage::series::embedded::SeriesReader;
use watchfire_model::bulletin::MessageClass;
use watchfire_model::command::Act;
use watchfire_model::id::{NoticeId, WarningId};
use watchfire_model::mode::Live;
use watchfire_model::reading::Reading;
use watchfire_model::row::Row;
use watchfire_model::site::Audience;
use watchfire_model::time::{Span, Steady, Timestamp};
use watchfire_rules::desk::{Event, Input};

use crate::county::{CHANNELS, MARGIN, RAISE_AT, Temper};
use crate::platform::Taking;
use crate::world::World;

/// A sensor's clock may be so far ahead of ours; beyond it a reading is filed under its receipt.
const MAX_AHEAD: Span = Span::minutes(2);

/// Everything at once. Says what is wrong.
pub(crate) fn judge(world: &World) -> Result<(), String> {
    stored_once(world)?;
    let records = records(world)?;
    delivered_once(world, &records)?;
    ended_once(&records)?;
    signed(&records)?;
    nothing_false(world)?;
    told_of_every_raise(world)
}

fn expect(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

fn filed_by_receipt(reading: &Reading) -> bool {
    reading.observed_at > reading.received_at + MAX_AHEAD
}

/// A sample: the time it is filed under, and its value's bits.
type Filed = (Timestamp, Option<u64>);

/// Each point's readings that are beyond doubt durable must be in the store, once, and nothing that was never sent.
fn stored_once(world: &World) -> Result<(), String> {
    let store = SeriesReader::open(&world.settings.data_dir.join("series.db")).map_err(|error| error.to_string())?;
    let (low, high) = (Timestamp(i64::MIN), Timestamp(i64::MAX));
    for (place, at) in world.places.iter().zip(0_u32..) {
        let (point, _) = place.temper.point();
        let found = store.range(&place.id, point, low, high, usize::MAX).map_err(|error| error.to_string())?;
        let found: Vec<_> = found.into_iter().map(|sample| (sample.at, sample.value.map(f64::to_bits))).collect();
        let (mut must, mut may) = (BTreeSet::new(), BTreeSet::new());
        for reading in readings(world).filter(|reading| reading.point.0 == at) {
            let value = reading.value.ok().map(|value| value.get().to_bits());
            if filed_by_receipt(reading) {
                may.insert((reading.received_at, value));
            } else {
                must.insert((reading.observed_at, value));
            }
        }
        let once: BTreeSet<_> = found.iter().copied().collect();
        let id = &place.id;
        let show = |(at, value): &Filed| format!("{:?} at {}", value.map(f64::from_bits), at.0);
        expect(once.len() == found.len(), || format!("{id} has a sample twice"))?;
        if let Some(missing) = must.iter().find(|filed| !once.contains(*filed)) {
            return Err(format!("{id}: {} was heard and is not stored", show(missing)));
        }
        if let Some(missing) = may.iter().find(|filed| !once.contains(*filed)) {
            return Err(format!("{id}: {}, filed by its receipt, is not stored", show(missing)));
        }
        if let Some(made_up) = once.iter().find(|filed| !must.contains(*filed) && !may.contains(*filed)) {
            return Err(format!("{id}: {} is stored and was never heard", show(made_up)));
        }
    }
    acknowledged_is_heard(world)
}

/// What the broker was told to forget must be in the journal's account.
fn acknowledged_is_heard(world: &World) -> Result<(), String> {
    let heard: BTreeSet<_> = readings(world).map(|reading| (reading.point, reading.observed_at)).collect();
    for id in &world.broker.acked {
        let message = world.sensors.sent.get(id).ok_or("a message nobody sent was acknowledged")?;
        expect(heard.contains(&(message.point, message.observed_at)), || {
            format!("message {id} of point {} was acknowledged and is lost", message.point.0)
        })?;
    }
    Ok(())
}

fn readings(world: &World) -> impl Iterator<Item = &Reading> {
    world.heard.values().filter_map(|(_, row)| if let Row::Reading(reading) = row { Some(reading) } else { None })
}

/// One record of the ledger, understood.
struct Record {
    input: Input,
    events: Vec<Event<Live>>,
}

fn records(world: &World) -> Result<Vec<Record>, String> {
    let ledger = LedgerReader::open(&world.settings.data_dir.join("ledger.db")).map_err(|error| error.to_string())?;
    ledger.verify().map_err(|error| error.to_string())?;
    let understood = ledger.read(LedgerId(1)).map(|record| {
        let entry = record.map_err(|error| error.to_string())?.entry;
        let input = serde_json::from_str(&entry.input).map_err(|error| error.to_string())?;
        let events = serde_json::from_str(&entry.events).map_err(|error| error.to_string())?;
        Ok(Record { input, events })
    });
    understood.collect()
}

/// Every notice of the ledger reached its platform or was refused by it, nothing else did, each bulletin under one key,
/// every attempt with the same words, and each warning's in order.
fn delivered_once(world: &World, records: &[Record]) -> Result<(), String> {
    let decided: BTreeMap<NoticeId, _> = records
        .iter()
        .flat_map(|record| record.events.iter().filter_map(Event::notice))
        .map(|notice| (notice.id.clone(), notice))
        .collect();
    let mut settled = BTreeSet::new();
    for (platform, (channel, ..)) in world.platforms.iter().zip(CHANNELS) {
        let refused: BTreeSet<NoticeId> = platform.refused().into_iter().collect();
        settled.extend(refused.iter().cloned());
        let mut first: BTreeMap<NoticeId, Taking> = BTreeMap::new();
        let (mut keys, mut orders) = (BTreeMap::new(), BTreeMap::<WarningId, u64>::new());
        for taking in platform.taken() {
            let notice = decided.get(&taking.key).ok_or_else(|| format!("{} was never recorded", taking.key))?;
            expect(notice.channel.as_str() == channel, || format!("{} came through {channel}", taking.key))?;
            expect(notice.bulletin == taking.bulletin, || format!("{} says other words", taking.key))?;
            let key = keys.entry(taking.bulletin.id.clone()).or_insert_with(|| taking.key.clone());
            expect(*key == taking.key, || format!("{} came under two keys", taking.bulletin.id))?;
            if first.contains_key(&taking.key) {
                continue;
            }
            let before = orders.insert(taking.bulletin.warning.clone(), taking.order).unwrap_or(0);
            let skipped = (before + 1..taking.order).all(|order| {
                let missing = decided.values().find(|notice| {
                    notice.channel.as_str() == channel
                        && notice.bulletin.warning == taking.bulletin.warning
                        && notice.order == order
                });
                missing.is_some_and(|missing| refused.contains(&missing.id))
            });
            expect(taking.order > before && skipped, || {
                format!("{channel}: {} came as number {} after {before}", taking.key, taking.order)
            })?;
            settled.insert(taking.key.clone());
            first.insert(taking.key.clone(), taking);
        }
    }
    let missing = decided.keys().find(|id| !settled.contains(*id));
    expect(missing.is_none(), || format!("{missing:?} was recorded and reached nobody"))
}

/// Every warning ended once, and on each channel that spoke of it the ending is the last word and the only one.
fn ended_once(records: &[Record]) -> Result<(), String> {
    let mut endings: BTreeMap<WarningId, u32> = BTreeMap::new();
    let mut last: BTreeMap<_, (MessageClass, u32)> = BTreeMap::new();
    for event in records.iter().flat_map(|record| &record.events) {
        match event {
            Event::Opened(warning) => {
                expect(endings.insert(warning.id.clone(), 0).is_none(), || format!("{} opened twice", warning.id))?;
            }
            Event::Closed { warning, .. } => *endings.entry(warning.clone()).or_default() += 1,
            Event::Notice(notice) => {
                let key = (notice.bulletin.warning.clone(), notice.channel.clone());
                let spoken = last.entry(key).or_insert((notice.bulletin.class, 0));
                *spoken = (notice.bulletin.class, spoken.1 + u32::from(notice.bulletin.class.ends()));
            }
            _ => {}
        }
    }
    for (warning, times) in endings {
        expect(times == 1, || format!("{warning} ended {times} times"))?;
    }
    for ((warning, channel), (class, endings)) in last {
        expect(class.ends() && endings == 1, || {
            format!("{channel} was told of {warning} last by {class:?}, and of {endings} endings")
        })?;
    }
    Ok(())
}

/// Where one must sign, no act reaches the public but by the record of a signature.
fn signed(records: &[Record]) -> Result<(), String> {
    for record in records {
        let act = if let Input::Command(command) = &record.input { Some(&command.act) } else { None };
        for notice in record.events.iter().filter_map(Event::notice) {
            let bulletin = &notice.bulletin;
            if bulletin.audience != Audience::Public || bulletin.hazard.as_str() != "landslide" {
                continue;
            }
            let holds = match bulletin.class {
                MessageClass::Issue | MessageClass::Upgrade | MessageClass::Downgrade | MessageClass::AllClear => {
                    matches!(act, Some(Act::Release { .. }))
                }
                MessageClass::Cancel => matches!(act, Some(Act::Cancel { .. } | Act::Correct { .. })),
                MessageClass::Correct => matches!(act, Some(Act::Correct { .. })),
                MessageClass::Continue | MessageClass::Extend | MessageClass::Expire => true,
            };
            expect(holds, || format!("{} ({:?}) went to the public unsigned", notice.id, bulletin.class))?;
        }
    }
    Ok(())
}

/// No bulletin states a grade that no value of its area ever reached.
fn nothing_false(world: &World) -> Result<(), String> {
    let mut highest: BTreeMap<(&str, &str), f64> = BTreeMap::new();
    for message in world.sensors.sent.values() {
        let place = &world.places[message.point.index()];
        let top = highest.entry((place.area, place.temper.hazard())).or_insert(f64::MIN);
        *top = message.value.map_or(*top, |value| top.max(value.get()));
    }
    for taking in world.platforms.iter().flat_map(crate::platform::Platform::taken) {
        let bulletin = &taking.bulletin;
        if bulletin.hazard.as_str() == "heavy_rain" {
            continue;
        }
        let needed = RAISE_AT[usize::from(bulletin.grade.level()) - 1];
        let top = highest.get(&(bulletin.area.id.as_str(), bulletin.hazard.as_str())).copied().unwrap_or(f64::MIN);
        expect(top >= needed, || format!("{} says {}, and the highest value was {top}", taking.key, bulletin.grade))?;
    }
    Ok(())
}

/// The grade after a value: up at once, down step by step while the value is clear of the margin. 0 is none, 4 is red.
fn grade_after(grade: usize, value: f64) -> usize {
    let reached = RAISE_AT.iter().filter(|at| value >= **at).count();
    let mut held = grade;
    while held > 0 && value < RAISE_AT[held - 1] - MARGIN {
        held -= 1;
    }
    held.max(reached)
}

/// An area rose.
#[derive(Debug)]
struct Raise {
    /// To this grade.
    to: usize,
    /// Out of none.
    anew: bool,
}

/// Whether those who were told of these raises know of all that were to be expected, and of no others. Where evidence has
/// come and gone often, the word that it is over may still be held back when it begins anew at the same grade: then they
/// know already.
fn accounts_for(told: &[usize], expected: &[Raise]) -> bool {
    let mut words = told.iter().peekable();
    let mut last: Option<&usize> = None;
    let known = expected.iter().all(|raise| {
        last = words.next_if_eq(&&raise.to).or(last.filter(|last| raise.anew && **last == raise.to));
        last.is_some()
    });
    known && words.next().is_none()
}

/// Older than this when it comes, a reading was kept back: where it leaves its sensor is said for all of them at once …
const KEPT_BACK: Span = Span::minutes(10);
/// … so long after the first of them …
const NET: Span = Span::seconds(30);
/// … or with the next that was not kept back; a red no older than this is said at once.
const YOUNG: Span = Span::hours(1);

/// What is known of a sensor, and what is said of it.
#[derive(Clone, Copy)]
struct Known {
    at: Timestamp,
    grade: usize,
    said: usize,
    /// When the first was heard of those that were kept back and of which nothing is said yet.
    silent_since: Option<Steady>,
}

/// The grades to which each calm area and each mine rose, in order, by the values that the journal took.
fn raises(world: &World, temper: Temper, area: &str) -> Vec<Raise> {
    let mut known: BTreeMap<u32, Known> = BTreeMap::new();
    let (mut highest, mut raises) = (0, Vec::new());
    for (now, row) in world.heard.values() {
        match row {
            Row::Reading(reading) => {
                let place = &world.places[reading.point.index()];
                let Some(value) = reading.value.ok().filter(|_| place.temper == temper && place.area == area) else {
                    continue;
                };
                let untold = Known { at: Timestamp(i64::MIN), grade: 0, said: 0, silent_since: None };
                let sensor = known.entry(reading.point.0).or_insert(untold);
                if reading.observed_at <= sensor.at {
                    continue; // Heard before.
                }
                (sensor.at, sensor.grade) = (reading.observed_at, grade_after(sensor.grade, value.get()));
                let age = reading.received_at - reading.observed_at;
                let young_red = sensor.grade == 4 && sensor.said < 4 && age <= YOUNG;
                if age <= KEPT_BACK || young_red {
                    (sensor.said, sensor.silent_since) = (sensor.grade, None);
                } else {
                    sensor.silent_since.get_or_insert(now.steady);
                }
            }
            Row::Tick => {
                let over = |since: Steady| now.steady >= since + NET;
                for sensor in known.values_mut().filter(|sensor| sensor.silent_since.is_some_and(over)) {
                    (sensor.said, sensor.silent_since) = (sensor.grade, None);
                }
            }
            Row::Link(_) | Row::Upkeep(_) | Row::Revision(_) => {}
        }
        let said = known.values().map(|sensor| sensor.said).max().unwrap_or(0);
        if said > highest {
            raises.push(Raise { to: said, anew: highest == 0 });
        }
        highest = said;
    }
    raises
}

/// Those on duty heard of every raise of an area whose sensors behave, in order, and of no other.
fn told_of_every_raise(world: &World) -> Result<(), String> {
    let first_heard = world.platforms.first().map(crate::platform::Platform::taken).unwrap_or_default();
    let refused = world.platforms.first().is_some_and(|duty| !duty.refused().is_empty());
    let areas: BTreeSet<_> = world.places.iter().map(|place| (place.area, place.temper as u8)).collect();
    for (area, _) in areas {
        let Some(place) = world.places.iter().find(|place| place.area == area) else { continue };
        if !matches!(place.temper, Temper::Calm | Temper::Gas) {
            continue;
        }
        let mut seen = BTreeSet::new();
        let told: Vec<(WarningId, u64, usize)> = first_heard
            .iter()
            .filter(|taking| taking.bulletin.area.id.as_str() == area && seen.insert(taking.key.clone()))
            .filter(|taking| matches!(taking.bulletin.class, MessageClass::Issue | MessageClass::Upgrade))
            .map(|taking| {
                let bulletin = &taking.bulletin;
                (bulletin.warning.clone(), taking.order, usize::from(bulletin.grade.level()))
            })
            .collect();
        let mut in_order = told;
        // A later warning may be told before an earlier one's end; the ids of one day count up.
        in_order.sort();
        let told: Vec<usize> = in_order.into_iter().map(|(_, _, grade)| grade).collect();
        let expected = raises(world, place.temper, area);
        // With a refusal for good, with our clock stepped back, or with a reading lost that was acted upon before it was
        // on disk, what was told is known within bounds only.
        if refused || world.faults.steps || world.tally.unjournaled > 0 {
            let (top_told, top) = (told.iter().max(), expected.iter().map(|raise| &raise.to).max());
            expect(refused || top_told >= top, || format!("{area}: expected {expected:?}, told {told:?}"))?;
        } else {
            expect(accounts_for(&told, &expected), || format!("{area}: expected raises {expected:?}, told {told:?}"))?;
        }
    }
    Ok(())
}
