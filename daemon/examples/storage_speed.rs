//! How fast the logs and the embedded store are on this machine's disk:
//! `cargo run --release -p watchfire --example storage_speed -- [DIRECTORY]`.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use watchfire::config::settings::Limits;
use watchfire::storage::journal::{Commit, Journal, JournalReader, Step};
use watchfire::storage::ledger::{Entry, Ledger};
use watchfire::storage::names::{PointName, PointNames};
use watchfire::storage::series::embedded::{SeriesReader, Writer};
use watchfire::storage::series::{Progress, SeriesStore, Verdict};
use watchfire_model::id::{PointIx, Seq};
use watchfire_model::quality::Flag;
use watchfire_model::quantity::Finite;
use watchfire_model::reading::{PointState, Reading};
use watchfire_model::row::Row;
use watchfire_model::time::{Now, Timestamp};

const START: i64 = 1_700_000_000_000;
const COMMIT: usize = 2_000;

fn good(_: Seq, row: &Row, _: Now) -> Option<Verdict> {
    let Row::Reading(reading) = row else { return None };
    Some(Verdict::of(Flag::Good, reading))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = std::env::args().nth(1).map_or_else(std::env::temp_dir, Into::into);
    for points in [200_u32, 10_000] {
        let home = root.join(format!("storage-speed-{points}-{}", std::process::id()));
        std::fs::create_dir_all(home.join("journal"))?;
        let measured = measure(&home, points, 8_000_000);
        std::fs::remove_dir_all(&home)?;
        measured?;
    }
    let home = root.join(format!("storage-speed-ledger-{}", std::process::id()));
    std::fs::create_dir_all(&home)?;
    let measured = measure_ledger(&home);
    std::fs::remove_dir_all(&home)?;
    measured
}

fn measure(home: &Path, points: u32, total: usize) -> Result<(), Box<dyn std::error::Error>> {
    let names: Arc<PointNames> = Arc::new(
        (0..points)
            .map(|n| PointName { station: format!("s{n:06}").into(), point: "stage".into(), quantity: "stage".into() })
            .collect(),
    );
    let limits = Limits { journal_bytes: 64 << 30, ..Limits::default() };
    let (mut journal, _) = Journal::open(&home.join("journal"), &limits)?;
    journal.name_points(Arc::clone(&names));
    let mut rows = Vec::with_capacity(COMMIT);
    let mut state = 0x9e37_79b9_u32;
    let mut levels = vec![4_500_i32; usize::try_from(points)?];
    let (mut spent, mut durable) = (0.0, Seq(0));
    let mut heard = 0;
    while heard < total {
        rows.clear();
        for n in heard..heard + COMMIT {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            let point = u32::try_from(n % levels.len())?;
            let level = &mut levels[n % usize::try_from(points)?];
            *level += i32::try_from(state % 7)? - 3;
            let at = Timestamp(START + i64::try_from(n / usize::try_from(points)?)? * 60_000);
            rows.push(Row::Reading(Reading {
                point: PointIx(point),
                observed_at: at,
                received_at: at,
                value: Finite::new(f64::from(*level) / 1_000.0),
                state: PointState::Normal,
                retained: false,
            }));
        }
        let begun = Instant::now();
        journal.append(Now::at(START + i64::try_from(heard)?), &rows)?;
        durable = *journal.sync()?.get();
        spent += begun.elapsed().as_secs_f64();
        heard += COMMIT;
    }
    let total = f64::from(u32::try_from(total)?);
    println!("{points} points, {COMMIT} readings a commit, each commit synced:");
    println!("  journal: {:.2} M readings/s, {:.1} B each", total / spent / 1e6, bytes(&home.join("journal"))? / total);

    let begun = Instant::now();
    let mut reader = JournalReader::after(journal.dir(), Seq(0), Arc::clone(&names));
    let (mut commit, mut read) = (Commit::default(), 0.0);
    while reader.read(durable, &mut commit)? == Step::Commit {
        read += f64::from(u32::try_from(commit.rows.len())?);
    }
    println!("  journal read: {:.2} M readings/s", read / begun.elapsed().as_secs_f64() / 1e6);

    let before = resident();
    let path = home.join("series.db");
    let judge = Box::new(good);
    let mut writer = Writer::open(&path, journal.dir(), names, &limits, judge)?;
    let begun = Instant::now();
    let (mut longest, mut steps) = (0.0_f64, 0_u32);
    loop {
        let step = Instant::now();
        match writer.step(durable) {
            Progress::Idle => break,
            Progress::Wrote { .. } => {}
            Progress::Lost(gap) => return Err(format!("{gap:?}").into()),
            Progress::Trouble { why, .. } => return Err(why.into()),
        }
        longest = longest.max(step.elapsed().as_secs_f64());
        steps += 1;
    }
    let spent = begun.elapsed().as_secs_f64();
    println!("  series: {:.2} M readings/s, {steps} steps, longest {:.0} ms", total / spent / 1e6, longest * 1e3);
    println!("  resident: {before} kB before, {} kB after, {} unsealed", resident(), writer.unsealed());
    let size = f64::from(u32::try_from(std::fs::metadata(&path)?.len())?);
    println!("  on disk: {:.2} B a sample (file {:.0} MB)", size / total, size / 1e6);
    let begun = Instant::now();
    let open = Writer::open(&path, journal.dir(), Arc::default(), &limits, Box::new(good))?;
    println!("  opened again in {:.0} ms, {} unsealed", begun.elapsed().as_secs_f64() * 1e3, open.unsealed());
    let begun = Instant::now();
    let reader = SeriesReader::open(&path)?;
    let range = reader.range("s000017", "stage", Timestamp(i64::MIN), Timestamp(i64::MAX), usize::MAX)?;
    println!("  one point, all {} samples: {:.1} ms", range.len(), begun.elapsed().as_secs_f64() * 1e3);
    Ok(())
}

fn measure_ledger(home: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let mut ledger = Ledger::open(&home.join("ledger.db"))?;
    let entry = Entry { now: Now::at(START), input: "i".repeat(600), events: "e".repeat(1_200) };
    let mut times = Vec::new();
    for _ in 0..3_000 {
        let begun = Instant::now();
        ledger.append(std::slice::from_ref(&entry))?;
        times.push(begun.elapsed().as_micros());
    }
    times.sort_unstable();
    println!("ledger, one record of 1.8 kB a transaction: p50 {} µs, p99 {} µs", times[1_500], times[2_970]);
    let begun = Instant::now();
    ledger.verify()?;
    println!("ledger proven: {:.0} records/s", 3_000.0 / begun.elapsed().as_secs_f64());
    Ok(())
}

fn bytes(dir: &Path) -> Result<f64, Box<dyn std::error::Error>> {
    let mut total = 0;
    for entry in std::fs::read_dir(dir)? {
        total += entry?.metadata()?.len();
    }
    Ok(f64::from(u32::try_from(total)?))
}

fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("unknown");
    line.trim().trim_end_matches(" kB").to_owned()
}
