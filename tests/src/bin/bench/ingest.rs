//! Readings a second through a real broker: the floor and the daemon in turn.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::POINTS;
use crate::figure::{Target, figure, median, per_second, short};
use crate::floor::Floor;
use crate::load::{Load, Wobble};
use crate::process::{Broker, Child, Cpu};
use crate::site;

/// A way to send readings, and what is asked of it.
struct Mode {
    qos: u8,
    batch: usize,
    readings: usize,
    /// Of the floor's rate.
    share: Target,
    /// CPU seconds a million.
    cpu: Target,
}

/// What one round took.
#[derive(Default)]
struct Round {
    rate: f64,
    cpu: Cpu,
    shed: u64,
}

/// Single readings, as fast as they come.
pub(crate) fn qos0(daemon: &Path, rounds: usize) -> anyhow::Result<()> {
    let (share, cpu) = (Target::AtLeast(0.5), Target::AtMost(5.0));
    measure(daemon, rounds, &Mode { qos: 0, batch: 1, readings: 300_000, share, cpu })
}

/// Single readings, each acknowledged once it is on disk.
pub(crate) fn qos1(daemon: &Path, rounds: usize) -> anyhow::Result<()> {
    let (share, cpu) = (Target::AtLeast(0.4), Target::AtMost(5.0));
    measure(daemon, rounds, &Mode { qos: 1, batch: 1, readings: 200_000, share, cpu })
}

/// A hundred readings a message.
pub(crate) fn batches(daemon: &Path, rounds: usize) -> anyhow::Result<()> {
    let (share, cpu) = (Target::None, Target::None);
    measure(daemon, rounds, &Mode { qos: 0, batch: 100, readings: 4_000_000, share, cpu })
}

fn measure(daemon: &Path, rounds: usize, mode: &Mode) -> anyhow::Result<()> {
    let (mut floors, mut daemons) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        floors.push(on_the_floor(mode)?);
        daemons.push(in_the_daemon(daemon, mode)?);
    }
    tell(mode, &floors, &daemons);
    Ok(())
}

fn tell(mode: &Mode, floors: &[Round], daemons: &[Round]) {
    let of = |rounds: &[Round], what: fn(&Round) -> f64| median(&mut rounds.iter().map(what).collect::<Vec<_>>());
    let mut ratios: Vec<f64> = daemons.iter().zip(floors).map(|(daemon, floor)| daemon.rate / floor.rate).collect();
    let name = format!("ingest at QoS {}, {} a message", mode.qos, mode.batch);
    let shed: u64 = daemons.iter().map(|round| round.shed).sum();
    let lost = if shed > 0 { format!("; {shed} SHED") } else { String::new() };
    let floor = format!("the floor {}{lost}", short(of(floors, |round| round.rate)));
    figure(&name, of(daemons, |round| round.rate), "readings/s", Target::None, &floor);
    figure(&name, median(&mut ratios), "of the floor", mode.share, "");
    let million = mode.readings;
    let split = |rounds: &[Round]| {
        let user = of(rounds, |round| round.cpu.user);
        let system = of(rounds, |round| round.cpu.system);
        (per_million(user + system, million), per_million(user, million), per_million(system, million))
    };
    let ((total, user, system), (floor, floor_user, floor_system)) = (split(daemons), split(floors));
    let parts = format!(
        "user {user:.2} + system {system:.2}; the floor {floor:.2} = user {floor_user:.2} + system {floor_system:.2}"
    );
    figure(&name, total, "CPU s/million", mode.cpu, &parts);
}

#[expect(clippy::cast_precision_loss, reason = "counts of readings")]
fn per_million(seconds: f64, readings: usize) -> f64 {
    seconds / (readings as f64 / 1e6)
}

fn on_the_floor(mode: &Mode) -> anyhow::Result<Round> {
    let broker = Broker::start()?;
    let floor = Floor::start(broker.address(), mode.qos)?;
    let before = floor.cpu()?;
    let took = drain(broker.address(), mode, || Ok(floor.heard()))?;
    Ok(Round { rate: per_second(mode.readings, took), cpu: floor.cpu()? - before, shed: 0 })
}

fn in_the_daemon(daemon: &Path, mode: &Mode) -> anyhow::Result<Round> {
    let broker = Broker::start()?;
    let site = site::write(POINTS, "stage", broker.address(), None, mode.qos)?;
    let child = Child::daemon(daemon, &site)?;
    child.hears(broker.address())?;
    // Every point speaks for the first time but once.
    let known = child.readings()? + u64::try_from(2 * POINTS)?;
    Load::connect(broker.address(), 1, POINTS, 100)?.send(2 * POINTS, Wobble::Quiet)?;
    wait_for(known, || child.readings())?;
    std::thread::sleep(Duration::from_millis(500));
    let before = child.usage()?.cpu;
    let took = drain(broker.address(), mode, || Ok(child.readings()? + child.shed()?))?;
    let cpu = child.usage()?.cpu - before;
    let shed = child.shed()?;
    let kept = mode.readings.saturating_sub(usize::try_from(shed)?);
    Ok(Round { rate: per_second(kept, took), cpu, shed })
}

/// Sends as fast as the broker takes it and waits until all of it has been counted; seconds.
fn drain(broker: SocketAddr, mode: &Mode, counted: impl Fn() -> anyhow::Result<u64>) -> anyhow::Result<f64> {
    let base = counted()?;
    let began = Instant::now();
    Load::connect(broker, mode.qos, POINTS, mode.batch)?.send(mode.readings, Wobble::Quiet)?;
    wait_for(base + u64::try_from(mode.readings)?, counted)?;
    Ok(began.elapsed().as_secs_f64())
}

fn wait_for(due: u64, counted: impl Fn() -> anyhow::Result<u64>) -> anyhow::Result<()> {
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        let now = counted()?;
        if now >= due {
            return Ok(());
        }
        if Instant::now() > patience {
            bail!("{now} of {due} readings were counted after a minute");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
