//! A year of 500 sensors at five minutes, 52.6 million readings, through `backtest`: from the daemon's own store, which the
//! daemon's own journal and writer make here, and from CSV. Takes some minutes and five gigabytes, so that `all` leaves it
//! out.

use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail};
use watchfire::config::{self, settings::Limits};
use watchfire::storage::journal::Journal;
use watchfire::storage::names::PointNames;
use watchfire::storage::series::embedded::Writer;
use watchfire::storage::series::{Judge, Progress, SeriesStore as _, Verdict};
use watchfire_model::id::{PointIx, Seq};
use watchfire_model::quality::Flag;
use watchfire_model::quantity::Finite;
use watchfire_model::reading::{PointState, Reading};
use watchfire_model::row::Row;
use watchfire_model::time::{Now, Timestamp};

use crate::figure::{Target, figure, median};
use crate::site;

const POINTS: u32 = 500;
const STEP_MS: i64 = 300_000;
const STEPS: i64 = 365 * 288;
/// Steps that the daemon hears before it stores.
const TOGETHER: i64 = 12;
/// 2025-01-01T00:00:00Z.
const START: i64 = 1_735_689_600_000;

pub(crate) fn run(daemon: &Path, rounds: usize) -> anyhow::Result<()> {
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let site = site::write(POINTS.try_into()?, "stage", nowhere, None, 0)?;
    let config = site.config();
    let points = config.with_file_name("points.csv");
    let text = fs::read_to_string(&points)?;
    fs::write(&points, text.replace(",stage,m,1m,", ",stage,m,5m,"))?;
    let home = tempfile::tempdir()?;
    let began = Instant::now();
    let recording = home.path().join("year.csv");
    make(&config, home.path(), &recording)?;
    let (store, csv) = (size(&home.path().join("series.db"))?, size(&recording)?);
    eprintln!("made in {:.0} s: series.db {store:.0} MB, CSV {csv:.0} MB", began.elapsed().as_secs_f64());
    for (name, most, how) in [
        ("a year of 500 sensors from the daemon's own store", 15.0, ["--data-dir".as_ref(), home.path().as_os_str()]),
        ("the same from CSV", 60.0, ["--input".as_ref(), recording.as_os_str()]),
    ] {
        let mut seconds = Vec::new();
        for _ in 0..rounds {
            let began = Instant::now();
            let mut command = Command::new(daemon);
            command.args(["backtest", "--lang", "en", "--config"]).arg(&config).args(how);
            let output = command.stdin(Stdio::null()).output().context("cannot start the backtest")?;
            seconds.push(began.elapsed().as_secs_f64());
            let said = String::from_utf8_lossy(&output.stderr);
            let all = format!("{} readings judged", i64::from(POINTS) * STEPS);
            if !output.status.success() || !said.contains(&all) {
                bail!("the backtest did not judge all: {said}");
            }
        }
        let more = format!("{} readings", i64::from(POINTS) * STEPS);
        figure(name, median(&mut seconds), "s", Target::AtMost(most), &more);
    }
    Ok(())
}

/// A stage in whole millimetres: a tide, a slow rise over the year, a little noise.
fn value(point: u32, step: i64) -> f64 {
    let (step, point) = (i32::try_from(step).unwrap_or(0), i32::try_from(point).unwrap_or(0));
    let tide = (f64::from(step + point * 7) / 149.0 * std::f64::consts::TAU).sin() * 800.0;
    let noise = f64::from((step.wrapping_mul(7_919).wrapping_add(point * 104_729)).rem_euclid(41));
    (20_000.0 + tide + noise + f64::from(step) / 100.0).round() / 1_000.0
}

fn make(config: &Path, home: &Path, recording: &Path) -> anyhow::Result<()> {
    let settings = config::load(config).map_err(|problems| anyhow::anyhow!("{problems}"))?;
    let names = Arc::new(PointNames::of(settings.site()));
    let (folder, limits) = (home.join("journal"), Limits::default());
    fs::create_dir(&folder)?;
    let (mut journal, _) = Journal::open(&folder, &limits)?;
    journal.name_points(Arc::clone(&names));
    let judge: Judge = Box::new(|_, row, _| {
        let Row::Reading(reading) = row else { return None };
        Some(Verdict::of(Flag::Good, reading))
    });
    let mut writer = Writer::open(&home.join("series.db"), &folder, names, &limits, judge)?;
    let mut csv = std::io::BufWriter::with_capacity(1 << 20, fs::File::create(recording)?);
    writeln!(csv, "time,station,point,value")?;
    for first in (0..STEPS).step_by(usize::try_from(TOGETHER)?) {
        let mut rows = Vec::new();
        for step in first..(first + TOGETHER).min(STEPS) {
            let at = Timestamp(START + step * STEP_MS);
            for point in 0..POINTS {
                let value = value(point, step);
                writeln!(csv, "{at},s{point:06},level,{value}")?;
                let (point, state) = (PointIx(point), PointState::Normal);
                let value = Finite::new(value);
                rows.push(Row::Reading(Reading {
                    point,
                    observed_at: at,
                    received_at: at,
                    value,
                    state,
                    retained: false,
                }));
            }
        }
        let now = Now::at(START + (first + TOGETHER) * STEP_MS);
        journal.append(now, &rows)?;
        let durable = *journal.sync()?.get();
        store(&mut writer, durable)?;
        journal.retain(writer.cursor().next())?;
    }
    csv.flush().context("cannot write the recording")
}

fn store(writer: &mut Writer, durable: Seq) -> anyhow::Result<()> {
    loop {
        match writer.step(durable) {
            Progress::Idle => return Ok(()),
            Progress::Wrote { .. } => {}
            Progress::Lost(gap) => bail!("{gap:?}"),
            Progress::Trouble { why, .. } => bail!("{why}"),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "megabytes for people")]
fn size(path: &Path) -> anyhow::Result<f64> {
    Ok(fs::metadata(path)?.len() as f64 / 1e6)
}
