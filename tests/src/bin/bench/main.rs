//! The product's own benchmarks: whole processes on loopback, each beside the least that could do its work in the same
//! run, so that a ratio holds on a noisy machine. `tests/bench` runs it; figures go to stdout, talk to stderr.

mod backtest;
mod figure;
mod floor;
mod ingest;
mod latency;
mod load;
mod memory;
mod overload;
mod process;
mod sink;
mod site;
mod start;
mod year;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::figure::{Target, figure};

/// Points in every benchmark: a province's worth.
const POINTS: usize = 10_000;

/// A benchmark by its name, for so many rounds of the daemon at this path.
type Suite = (&'static str, fn(&Path, usize) -> anyhow::Result<()>);

const SUITES: [Suite; 10] = [
    ("qos0", ingest::qos0),
    ("qos1", ingest::qos1),
    ("batches", ingest::batches),
    ("latency", latency::run),
    ("start", start::run),
    ("memory", memory::run),
    ("overload", overload::run),
    ("backtest", backtest::run),
    ("year", year::run),
    ("facts", facts),
];

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let wanted = words.next().unwrap_or_else(|| "all".to_owned());
    let rounds: usize = words.next().map_or(Ok(3), |text| text.parse()).context("rounds is a whole number")?;
    let daemon = PathBuf::from(std::env::var_os("WATCHFIRE_BIN").unwrap_or_else(|| "target/release/watchfire".into()));
    if !daemon.exists() {
        bail!("{} is not there: cargo build --release, or set WATCHFIRE_BIN", daemon.display());
    }
    let names = SUITES.map(|(name, _)| name);
    if wanted != "all" && !names.contains(&wanted.as_str()) {
        bail!("there is no benchmark \"{wanted}\"; there are all, {}", names.join(", "));
    }
    for (name, run) in SUITES {
        if wanted == name || (wanted == "all" && name != "year") {
            run(&daemon, rounds).with_context(|| format!("the benchmark {name} ended early"))?;
        }
    }
    Ok(())
}

/// What the documents quote and nobody should count by hand.
#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn facts(daemon: &Path, _rounds: usize) -> anyhow::Result<()> {
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock");
    let lock = std::fs::read_to_string(lock).context("cannot read Cargo.lock")?;
    let (mut ours, mut others) = (0, 0);
    for package in lock.split("[[package]]").skip(1) {
        if package.contains("\nsource = ") { others += 1 } else { ours += 1 }
    }
    figure("crates in Cargo.lock", f64::from(ours + others), "", Target::None, &format!("{ours} of them ours"));
    let bytes = std::fs::metadata(daemon)?.len();
    figure("the daemon's file, with line tables", bytes as f64 / 1e6, "MB", Target::None, "");
    Ok(())
}
