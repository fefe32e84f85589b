//! `backtest --bench` on a recording made here, beside the loop to which the whole work could be reduced: one compare
//! for each rung over the same numbers.

use std::fs;
use std::hint::black_box;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail};

use crate::figure::{Target, figure, median, per_second, short};
use crate::site;

const POINTS: usize = 1_000;
/// For each point, a minute apart.
const READINGS: usize = 2_000;
const RED: f64 = 90.0;

pub(crate) fn run(daemon: &Path, rounds: usize) -> anyhow::Result<()> {
    let values = values();
    let recording = tempfile::NamedTempFile::with_suffix(".csv")?;
    write(&recording, &values)?;
    let reduced = median(&mut (0..rounds).map(|_| compare(&values)).collect::<Vec<_>>());
    // The language can't say less than this and still be asked.
    for (name, measure, least) in [
        ("backtest from memory, native ladder", "stage", 5e6),
        ("backtest from memory, one line of Rhai", "stage * 1.0 + 0.5", 1e6),
    ] {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let site = site::write(POINTS, measure, nowhere, None, 0)?;
        let mut rates = Vec::new();
        for _ in 0..rounds {
            rates.push(judged(daemon, &site.config(), recording.path())?);
        }
        let more = format!("bare compares over the same array {}", short(reduced));
        figure(name, median(&mut rates), "readings/s", Target::AtLeast(least), &more);
    }
    Ok(())
}

/// Quiet waves, far below red.
fn values() -> Vec<f64> {
    (0..POINTS * READINGS).map(|n| 20.0 + f64::from(u32::try_from(n * 7 % 300).unwrap_or(0)) / 10.0).collect()
}

fn write(recording: &tempfile::NamedTempFile, values: &[f64]) -> anyhow::Result<()> {
    let mut out = std::io::BufWriter::new(fs::File::create(recording.path())?);
    writeln!(out, "time,station,point,value")?;
    for (n, value) in values.iter().enumerate() {
        let (minute, point) = (n / POINTS, n % POINTS);
        let (day, hour) = (minute / 1_440 + 1, minute / 60 % 24);
        writeln!(out, "2026-08-{day:02}T{hour:02}:{:02}:00Z,s{point:06},level,{value}", minute % 60)?;
    }
    out.flush().context("cannot write the recording")
}

/// Readings a second of the bare loop.
fn compare(values: &[f64]) -> f64 {
    let mut grades = vec![0_u8; POINTS];
    let began = Instant::now();
    for row in values.chunks(POINTS) {
        for (grade, value) in grades.iter_mut().zip(row) {
            *grade = black_box(u8::from(*value >= RED));
        }
    }
    black_box(&grades);
    per_second(values.len(), began.elapsed().as_secs_f64())
}

/// Readings a second, as the daemon says itself.
fn judged(daemon: &Path, config: &Path, recording: &Path) -> anyhow::Result<f64> {
    let mut command = Command::new(daemon);
    command.args(["backtest", "--bench", "--lang", "en", "--config"]).arg(config).arg("--input").arg(recording);
    let output = command.stdin(Stdio::null()).output().context("cannot start the backtest")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let rate = said.split("/s): raised").next().and_then(|before| before.rsplit('(').next());
    match rate.and_then(|rate| rate.parse().ok()) {
        Some(rate) if output.status.success() => Ok(rate),
        Some(_) | None => bail!("the backtest failed: {said}"),
    }
}
