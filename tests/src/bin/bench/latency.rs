//! From a reading's `write()` to the complete arrival of its warning at a webhook, at 1,000 readings/s.

use std::path::Path;
use std::time::Duration;

use crate::POINTS;
use crate::figure::{Target, figure};
use crate::load::{Load, Wobble};
use crate::process::{Broker, Child};
use crate::sink::Sink;
use crate::site;

pub(crate) fn run(daemon: &Path, _rounds: usize) -> anyhow::Result<()> {
    let broker = Broker::start()?;
    let sink = Sink::start(POINTS)?;
    let site = site::write(POINTS, "stage", broker.address(), Some(sink.address()), 1)?;
    let child = Child::daemon(daemon, &site)?;
    child.hears(broker.address())?;
    let mut load = Load::connect(broker.address(), 1, POINTS, 1)?;
    load.send(POINTS, Wobble::Quiet)?;
    let crossings = load.paced(1_000, Duration::from_secs(20), 20, &sink)?;
    let mut latencies = sink.wait_for(crossings, Duration::from_secs(15));
    let missing = crossings - latencies.len();
    latencies.sort_by(f64::total_cmp);
    let at = |thousandth: usize| {
        let place = latencies.len() * thousandth / 1_000;
        latencies.get(place.min(latencies.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
    };
    let more = format!("{crossings} crossings, {missing} missing, both fsyncs; worst {:.1} ms", at(1_000));
    figure("reading to webhook at 1,000/s, QoS 1: p50", at(500), "ms", Target::AtMost(3.0), &more);
    figure("reading to webhook at 1,000/s, QoS 1: p99", at(990), "ms", Target::AtMost(20.0), "");
    Ok(())
}
