//! S20: the remote store is away for eight hours. The journal grows and drains, nothing is lost, and not a byte of what is
//! decided and said is any different. C20, as far as it is not the link's: the broker is away for an hour.

use std::collections::BTreeSet;

use watchfire_model::row::Row;

use crate::county::{Temper, places};
use crate::oracle;
use crate::remote::Remote;
use crate::world::{Course, World};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// Ten hours with a few storms; the store is away from the first hour to the ninth, if at all.
fn ten_hours(remote: &Remote, outage: bool) -> (World, u64) {
    let mut world = World::new(20, places(6), Course::Straight { crash_at: None }, Some(&remote.url));
    let mut longest = 0;
    for hour in 0..10 {
        remote.away(outage && (1..9).contains(&hour));
        world.sensors.storm(Temper::Calm, if hour % 2 == 1 { 33.0 } else { 2.0 });
        world.run_until((hour + 1) * HOUR);
        longest = longest.max(world.house().journal.journal().bytes());
    }
    world.rest();
    world.run_until(13 * HOUR);
    assert!(world.is_at_rest(), "{}", world.unrest());
    (world, longest)
}

fn records(world: &World) -> Vec<(String, String)> {
    let db = rusqlite::Connection::open(world.settings.data_dir.join("ledger.db")).expect("the ledger is there");
    let mut select = db.prepare("SELECT input, hex(hash) FROM record ORDER BY id").expect("ours");
    let lines = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("ours").collect::<Result<_, _>>();
    lines.expect("every record has these columns")
}

#[test]
fn a_store_away_for_eight_hours_loses_nothing_and_changes_no_warning() {
    let (there, away) = (Remote::start(), Remote::start());
    let (mut calm, small) = ten_hours(&there, false);
    let (mut night, large) = ten_hours(&away, true);
    assert!(away.turned_away() > 400, "only {} writes met the outage", away.turned_away());
    assert!(large > 4 * small, "the journal kept {large} bytes in the outage, {small} without");
    let left = night.house().journal.journal().bytes();
    assert!(left * 4 < large, "the journal drained from {large} to {left} bytes only");
    let heard = night.heard.values().filter_map(|(_, row)| match row {
        Row::Reading(reading) => Some((reading.point, reading.observed_at)),
        Row::Link(_) | Row::Tick | Row::Upkeep(_) | Row::Revision(_) => None,
    });
    assert_eq!(away.readings().len(), heard.collect::<BTreeSet<_>>().len(), "every reading, and nothing else");
    assert_eq!(away.readings(), there.readings());
    for world in [&mut calm, &mut night] {
        world.end();
        oracle::judge(world).expect("all is well in the end");
    }
    let (calm, night) = (records(&calm), records(&night));
    assert!(calm.len() > 100, "only {} records", calm.len());
    let first = (0..calm.len().max(night.len())).find(|at| calm.get(*at) != night.get(*at));
    assert!(first.is_none(), "what was decided, byte for byte: {:?}", first.map(|at| (calm.get(at), night.get(at))));
}

#[test]
fn a_broker_away_for_an_hour_brings_all_that_it_kept() {
    let mut world = World::new(21, places(6), Course::Straight { crash_at: None }, None);
    for (from, lasts) in [(10 * MINUTE, MINUTE), (30 * MINUTE, HOUR)] {
        world.run_until(from);
        world.link(false);
        world.sensors.storm(Temper::Calm, 33.0);
        world.run_until(from + lasts);
        world.link(true);
    }
    world.run_until(2 * HOUR);
    world.rest();
    world.run_until(5 * HOUR);
    assert!(world.is_at_rest(), "{}", world.unrest());
    world.end();
    oracle::judge(&world).expect("all is well in the end");
    let heard: BTreeSet<_> = world.broker.acked.iter().collect();
    let kept = world.sensors.sent.values().filter(|message| message.kept).count();
    assert_eq!(heard.len() + world.sensors.on_the_way(), kept, "every kept message was acknowledged in the end");
}
