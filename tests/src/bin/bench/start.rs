//! From the start of the process to its first warning, with 10,000 points.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::POINTS;
use crate::figure::{Target, figure, median};
use crate::load::Load;
use crate::process::{Broker, Child};
use crate::sink::Sink;
use crate::site;

pub(crate) fn run(daemon: &Path, rounds: usize) -> anyhow::Result<()> {
    let mut first = Vec::new();
    for _ in 0..rounds {
        let broker = Broker::start()?;
        let sink = Sink::start(POINTS)?;
        let site = site::write(POINTS, "stage", broker.address(), Some(sink.address()), 1)?;
        // The session must be there before a reading can wait in it.
        let child = Child::daemon(daemon, &site)?;
        child.hears(broker.address())?;
        drop(child);
        let mut load = Load::connect(broker.address(), 1, POINTS, 1)?;
        sink.crossed(1);
        load.one(1, 95.0)?;
        let began = Instant::now();
        let _child = Child::spawn(daemon, &site)?;
        let heard = sink.wait_for(1, Duration::from_secs(20));
        if heard.is_empty() {
            bail!("no warning within 20 s of the start");
        }
        first.push(began.elapsed().as_secs_f64() * 1_000.0);
    }
    let more = format!("{POINTS} points, median of {rounds}");
    figure("start of the process to first warning", median(&mut first), "ms", Target::AtMost(500.0), &more);
    Ok(())
}
