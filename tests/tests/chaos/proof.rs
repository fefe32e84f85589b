//! The daemon's own journal, judged again: through kills, restarts and a reload every finding comes out as the ledger has
//! it; and a row or a record that was tampered with is found out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};
use watchfire_tests::harness::daemon;
use watchfire_tests::harness::http;

use super::course::{Dice, quiet, seed};
use super::site::{self, Station};
use super::stage::{SOON, Sensor, Stage};

fn checked(dir: &Path) -> (Output, Value) {
    let dir = dir.display().to_string();
    let output = daemon::command(&["backtest", "--journal", &dir, "--check", "-o", "json"]);
    let told = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output, told)
}

/// A night in which everything happens, up to a daemon that is stopped.
fn night() -> Stage {
    let stations = [Station::alone("river"), Station::alone("brook"), Station::alone("fresh")];
    let mut stage = Stage::start(&stations);
    let text = site::site(&stage.broker.url(), &stage.platform.url(), &stations);
    let mut sensor = stage.sensor();
    let (seed, mut dice) = (seed(), Dice::new(seed()));
    for n in 0..30 {
        sensor.says("river", quiet(seed, 1, n));
        sensor.says("brook", quiet(seed, 2, n));
    }
    swings(&mut sensor, &mut dice);
    raises(&stage, &mut sensor, "river", "yellow", 25.0);
    stage.daemon.kill();
    stage.daemon.run();
    stage.connected();
    swings(&mut sensor, &mut dice);
    raises(&stage, &mut sensor, "river", "orange", 35.0);
    // Another ladder: what stands is judged anew at one row.
    stage.daemon.configure(&text.replace("yellow = 20, orange = 30", "yellow = 15, orange = 24"));
    let engineer = stage.daemon.desk("engineer");
    let body = json!({"who": "wang", "why": "the thresholds of this year"});
    let answer = http::post_as(&engineer, &stage.daemon.url("/-/reload"), &body).expect("the daemon answers");
    assert_eq!(answer.status, 200, "{}", answer.text());
    raises(&stage, &mut sensor, "brook", "orange", 26.0);
    swings(&mut sensor, &mut dice);
    stage.daemon.kill();
    stage.daemon.run();
    stage.connected();
    stage.fresh_crossing_passes(&mut sensor, "fresh");
    assert!(stage.daemon.stop().success());
    stage
}

fn raises(stage: &Stage, sensor: &mut Sensor, station: &str, grade: &str, value: f64) {
    sensor.says(station, value);
    stage.hears(SOON, "duty", station, "warning.raised", grade);
}

/// Up and down at random.
fn swings(sensor: &mut Sensor, dice: &mut Dice) {
    for _ in 0..60 {
        let station = if dice.between(0, 1) == 0 { "river" } else { "brook" };
        let tenths = u32::try_from(dice.between(0, 95)).expect("small");
        sensor.says(station, f64::from(tenths) / 10.0);
    }
}

/// A copy of the data directory, to be spoilt.
fn copy(from: &Path) -> tempfile::TempDir {
    fn all(from: &Path, to: &Path) {
        fs::create_dir_all(to).expect("made");
        for entry in fs::read_dir(from).expect("listed") {
            let entry = entry.expect("listed");
            let to = to.join(entry.file_name());
            if entry.path().is_dir() {
                all(&entry.path(), &to);
            } else {
                fs::copy(entry.path(), to).expect("copied");
            }
        }
    }
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    all(from, folder.path());
    folder
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(dir.join("journal")).expect("listed").map(|entry| entry.expect("listed").path()).collect();
    found.sort();
    found
}

#[test]
fn the_journal_tells_every_transition_again_and_tampering_is_found_out() {
    let stage = night();
    let dir = stage.daemon.data_dir();
    let (output, told) = checked(&dir);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!((told["from"].as_u64(), told["differences_in_all"].as_u64()), (Some(1), Some(0)), "{told}");
    assert!(told["transitions"].as_u64().is_some_and(|transitions| transitions >= 4), "{told}");
    assert_eq!(told["out_of_reach"].as_u64(), Some(0), "{told}");

    // What was stored says the same of the last station, by the rules of now.
    let (config, stored) = (stage.daemon.config().display().to_string(), dir.display().to_string());
    let output = daemon::command(&["backtest", "-c", &config, "--data-dir", &stored, "-o", "json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let fresh: Vec<&str> = said.lines().filter(|line| line.contains("\"subject\":\"fresh\"")).collect();
    assert!(fresh.len() == 1 && fresh[0].contains("\"to\":\"red\""), "{said}");

    // One byte in the middle of the journal.
    let spoilt = copy(&dir);
    let path = segments(spoilt.path()).into_iter().max_by_key(|path| fs::metadata(path).map_or(0, |it| it.len()));
    let path = path.expect("there is a segment");
    let mut bytes = fs::read(&path).expect("readable");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(&path, bytes).expect("written");
    let (output, told) = checked(spoilt.path());
    assert_eq!(output.status.code(), Some(1), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(told["differences_in_all"].as_u64().is_some_and(|count| count >= 1), "{told}");

    // A record of the ledger, changed as it stands.
    let spoilt = copy(&dir);
    let db = rusqlite::Connection::open(spoilt.path().join("ledger.db")).expect("opens");
    let raised = "input LIKE '%\"judged\":\"orange\"%' AND input LIKE '{\"finding\"%'";
    let sql = format!(
        "UPDATE record SET input = replace(input, '\"judged\":\"orange\"', '\"judged\":\"blue\"') WHERE {raised}"
    );
    assert!(db.execute(&sql, []).expect("changed") >= 1);
    drop(db);
    let (output, _) = checked(spoilt.path());
    assert!(!output.status.success(), "a ledger that is not what was written");
    assert!(String::from_utf8_lossy(&output.stderr).contains("ledger"), "{}", String::from_utf8_lossy(&output.stderr));
}
