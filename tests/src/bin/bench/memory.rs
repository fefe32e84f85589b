//! Resident memory with 10,000 points loaded, and after the readings of ten minutes at 1,000 a second, sent in one.

use std::path::Path;
use std::time::Duration;

use crate::POINTS;
use crate::figure::{Target, figure};
use crate::load::{Load, Wobble};
use crate::process::{Broker, Child};
use crate::site;

/// The readings of ten minutes at 1,000 a second, in parts of ten seconds each.
const PARTS: usize = 60;
const READINGS_A_PART: usize = 10_000;
const PART: Duration = Duration::from_secs(1);

pub(crate) fn run(daemon: &Path, _rounds: usize) -> anyhow::Result<()> {
    let broker = Broker::start()?;
    let site = site::write(POINTS, "stage", broker.address(), None, 1)?;
    let child = Child::daemon(daemon, &site)?;
    child.hears(broker.address())?;
    let loaded = child.usage()?.resident_mb;
    let mut load = Load::connect(broker.address(), 1, POINTS, 1)?;
    let mut seen = Vec::with_capacity(PARTS);
    for _ in 0..PARTS {
        let began = std::time::Instant::now();
        load.send(READINGS_A_PART, Wobble::Quiet)?;
        std::thread::sleep(PART.saturating_sub(began.elapsed()));
        seen.push(child.usage()?.resident_mb);
    }
    let at = |part: usize| seen.get(part).copied().unwrap_or(f64::NAN);
    figure("resident with 10,000 points loaded", loaded, "MB", Target::AtMost(60.0), "");
    let (third, two_thirds, end) = (at(PARTS / 3 - 1), at(PARTS * 2 / 3 - 1), at(PARTS - 1));
    let more = format!("{third:.0} MB after 200,000, {two_thirds:.0} MB after 400,000");
    figure("resident after 600,000 readings", end, "MB", Target::None, &more);
    figure("growth over the last 200,000", end - two_thirds, "MB", Target::AtMost(5.0), "");
    Ok(())
}
