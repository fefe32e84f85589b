//! A hundred thousand points that cross at once (RELIABILITY F37): one warning an area, the first red at once, memory
//! bounded.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use watchfire_tests::harness::http;

use crate::figure::{Target, figure};
use crate::load::{Load, Wobble};
use crate::process::{Broker, Child};
use crate::sink::Sink;
use crate::site;

const POINTS: usize = 100_000;
const AREAS: usize = 100;
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn run(daemon: &Path, _rounds: usize) -> anyhow::Result<()> {
    let broker = Broker::start()?;
    let sink = Sink::start(POINTS)?;
    let ladder = "60,70,80,90";
    let site = site::write_in(POINTS, AREAS, ladder, "stage", broker.address(), Some(sink.address()), 1)?;
    let child = Child::daemon(daemon, &site)?;
    child.hears(broker.address())?;
    let metrics = format!("http://{}/metrics", site.listen());
    let mut load = Load::connect(broker.address(), 1, POINTS, 100)?;
    load.send(POINTS, Wobble::Quiet)?;
    until(&metrics, "watchfire_readings_judged_total", POINTS)?;
    let began = Instant::now();
    load.send(POINTS, Wobble::Crossing)?;
    until(&metrics, "watchfire_alarms_standing", POINTS)?;
    let decided = began.elapsed().as_secs_f64();
    let reds = loop {
        let reds: Vec<Instant> = sink.requests().into_iter().filter(|(_, red)| *red).map(|(at, _)| at).collect();
        if reds.len() >= AREAS || began.elapsed() > PATIENCE {
            break reds;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let since = |at: Option<&Instant>| at.map_or(f64::NAN, |at| at.duration_since(began).as_secs_f64());
    let requests = sink.requests();
    let more = format!("{POINTS} points in {AREAS} areas, {} bulletins in all", requests.len());
    figure("overload: first red at the webhook", since(reds.first()), "s", Target::AtMost(2.0), &more);
    figure("overload: a red of every area there", since(reds.get(AREAS - 1)), "s", Target::None, "");
    figure("overload: every alarm decided", decided, "s", Target::AtMost(30.0), "");
    figure("overload: resident", child.usage()?.resident_mb, "MB", Target::AtMost(1_000.0), "");
    Ok(())
}

/// Waits until the series of this name add up to `count`.
fn until(metrics: &str, name: &str, count: usize) -> anyhow::Result<()> {
    let began = Instant::now();
    loop {
        let text = http::get(metrics).context("/metrics does not answer")?.text();
        let values = text.lines().filter(|line| line.starts_with(name)).filter_map(|line| line.rsplit(' ').next());
        let sum: f64 = values.filter_map(|value| value.parse::<f64>().ok()).sum();
        if sum >= f64::from(u32::try_from(count)?) {
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            bail!("{name} stands at {sum} of {count} after {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
