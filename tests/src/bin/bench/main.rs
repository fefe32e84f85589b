//! The product's own benchmarks: whole processes on loopback, beside the least possible consumer in the same run, so
//! that a ratio holds on a noisy machine. `tests/bench` runs it; figures go to stdout, talk to stderr.

mod floor;
mod load;
mod process;
mod sink;
mod site;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::load::{Load, Wobble};
use crate::process::{Broker, Child, Usage};
use crate::sink::Sink;

/// Points in every benchmark: a province's worth.
const POINTS: usize = 10_000;

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let what = words.next().unwrap_or_else(|| "all".to_owned());
    let rounds: usize = words.next().map_or(Ok(3), |text| text.parse()).context("rounds is a whole number")?;
    let daemon = PathBuf::from(std::env::var_os("WATCHFIRE_BIN").unwrap_or_else(|| "target/release/watchfire".into()));
    if !daemon.exists() {
        bail!("{} is not there: cargo build --release, or set WATCHFIRE_BIN", daemon.display());
    }
    let all = what == "all";
    if all || what == "ingest" {
        for (qos, batch, readings) in [(0, 1, 300_000), (1, 1, 100_000), (0, 100, 3_000_000)] {
            ingest(&daemon, qos, batch, readings, rounds)?;
        }
    }
    if all || what == "latency" {
        latency(&daemon)?;
    }
    if all || what == "start" {
        start(&daemon, rounds)?;
    }
    Ok(())
}

/// Readings a second through a real broker, the daemon and the floor in turn.
fn ingest(daemon: &std::path::Path, qos: u8, batch: usize, readings: usize, rounds: usize) -> anyhow::Result<()> {
    let mut ratios = Vec::new();
    let mut rates = Vec::new();
    let mut cpu = Vec::new();
    for _ in 0..rounds {
        let broker = Broker::start()?;
        let floor = floor::Floor::start(broker.address(), qos)?;
        let took = drain(broker.address(), qos, batch, readings, || Ok(floor.heard()))?;
        let floor_rate = per_second(readings, took);
        drop(floor);
        drop(broker);

        let broker = Broker::start()?;
        let site = site::write(POINTS, broker.address(), None, qos)?;
        let child = Child::daemon(daemon, &site)?;
        let before = child.usage()?;
        let took = drain(broker.address(), qos, batch, readings, || child.readings())?;
        let after = child.usage()?;
        let rate = per_second(readings, took);
        ratios.push(rate / floor_rate);
        rates.push(rate);
        cpu.push(Usage::cpu_seconds_per_million(before, after, readings));
    }
    println!(
        "ingest qos={qos} batch={batch} readings={readings} rounds={rounds}: {:.0} readings/s (median), {:.2} of the floor, {:.2} CPU s per million",
        median(&mut rates),
        median(&mut ratios),
        median(&mut cpu)
    );
    Ok(())
}

/// Sends as fast as the broker takes it and waits until all of it has been counted. QoS 0 is paced just under what the
/// floor drains, so that a broker's full queue does not turn speed into loss.
fn drain(
    broker: std::net::SocketAddr,
    qos: u8,
    batch: usize,
    readings: usize,
    counted: impl Fn() -> anyhow::Result<u64>,
) -> anyhow::Result<Duration> {
    let base = counted()?;
    let began = Instant::now();
    Load::connect(broker, qos, POINTS, batch)?.send(readings, Wobble::Quiet)?;
    let due = base + u64::try_from(readings)?;
    let patience = Instant::now() + Duration::from_secs(120);
    loop {
        let now = counted()?;
        if now >= due {
            return Ok(began.elapsed());
        }
        if Instant::now() > patience {
            bail!("{} of {readings} readings were counted after two minutes", now - base);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// From a reading's `write()` to the complete arrival of its warning at a webhook, at 1,000 readings/s.
fn latency(daemon: &std::path::Path) -> anyhow::Result<()> {
    let broker = Broker::start()?;
    let sink = Sink::start(POINTS)?;
    let site = site::write(POINTS, broker.address(), Some(sink.address()), 1)?;
    let child = Child::daemon(daemon, &site)?;
    let mut load = Load::connect(broker.address(), 1, POINTS, 1)?;
    load.send(POINTS, Wobble::Quiet)?;
    let crossings = load.paced(1_000, Duration::from_secs(20), 20, &sink)?;
    let mut latencies = sink.wait_for(crossings, Duration::from_secs(15));
    let missing = crossings - latencies.len();
    latencies.sort_by(f64::total_cmp);
    let at = |share: usize| {
        latencies
            .get((latencies.len() * share / 1_000).min(latencies.len().saturating_sub(1)))
            .copied()
            .unwrap_or(f64::NAN)
    };
    println!(
        "latency 1000 readings/s, both fsyncs: {} crossings, {missing} missing, p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms; resident {} MB",
        crossings,
        at(500),
        at(990),
        at(1_000),
        child.usage()?.resident_mb
    );
    Ok(())
}

/// From the start of the process to its first warning, with 10,000 points; and what it weighs then.
fn start(daemon: &std::path::Path, rounds: usize) -> anyhow::Result<()> {
    let mut first = Vec::new();
    let mut resident = Vec::new();
    for _ in 0..rounds {
        let broker = Broker::start()?;
        let sink = Sink::start(POINTS)?;
        let site = site::write(POINTS, broker.address(), Some(sink.address()), 1)?;
        // The session must be there before a reading can wait in it.
        drop(Child::daemon(daemon, &site)?);
        let mut load = Load::connect(broker.address(), 1, POINTS, 1)?;
        sink.crossed(0);
        load.one(0, 95.0)?;
        let began = Instant::now();
        let child = Child::spawn(daemon, &site)?;
        let heard = sink.wait_for(1, Duration::from_secs(20));
        if heard.is_empty() {
            bail!("no warning within 20 s of the start");
        }
        first.push(began.elapsed().as_secs_f64() * 1_000.0);
        resident.push(f64::from(child.usage()?.resident_mb));
    }
    println!(
        "start to first warning with {POINTS} points: {:.0} ms (median of {rounds}); resident {:.0} MB",
        median(&mut first),
        median(&mut resident)
    );
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts of readings")]
fn per_second(readings: usize, took: Duration) -> f64 {
    readings as f64 / took.as_secs_f64()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
