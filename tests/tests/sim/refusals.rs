//! A log that refuses for a while, told by itself: what it delays comes after it, and nothing is worse for it afterwards.

use std::sync::atomic::Ordering;

use crate::county::{Temper, places};
use crate::faults::ledger_refuses;
use crate::oracle;
use crate::world::{Course, World};

const MINUTE: i64 = 60_000;

#[test]
fn snapshots_are_kept_again_after_the_ledger_has_refused() {
    let mut world = World::new(5, places(6), Course::Straight { crash_at: None }, None);
    let ledger = world.settings.data_dir.join("ledger.db");
    world.run_until(2 * MINUTE);
    ledger_refuses(&ledger, true);
    world.sensors.storm(Temper::Calm, 45.0);
    world.run_until(5 * MINUTE);
    assert!(world.platforms.iter().all(|platform| platform.taken().is_empty()), "nothing leaves before it is recorded");
    ledger_refuses(&ledger, false);
    world.run_until(15 * MINUTE);
    let progress = &world.house().progress;
    let (kept, durable) = (progress.snapshot.load(Ordering::Relaxed), progress.durable.borrow().0);
    assert!(durable - kept < 10, "the last snapshot is at row {kept}, the journal at {durable}");
    world.rest();
    world.run_until(40 * MINUTE);
    assert!(world.is_at_rest(), "{}", world.unrest());
    world.end();
    oracle::judge(&world).expect("what was held back went out");
}

#[test]
fn what_was_acted_on_and_then_lost_ends_all_the_same() {
    let mut world = World::new(6, places(6), Course::Straight { crash_at: None }, None);
    world.run_until(3 * MINUTE);
    world.disk.refuse_syncs(true);
    world.sensors.storm(Temper::Calm, 45.0);
    world.run_until(9 * MINUTE);
    assert!(!world.platforms[0].taken().is_empty(), "a sick journal silences no warning");
    // The readings that raised it are gone with the power, and the broker has forgotten them too.
    world.crash_forgotten();
    world.rest();
    world.run_until(60 * MINUTE);
    assert!(world.is_at_rest(), "{}", world.unrest());
    world.end();
    oracle::judge(&world).expect("all is well in the end");
}
