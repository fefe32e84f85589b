//! S25: the disk is full. Nothing is acknowledged that is not on it, so the broker keeps it; warnings go out, from the
//! space that the ledger has kept for itself; and when there is room again nothing accepted is missing.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use watchfire_tests::harness::publisher::{Publisher, Qos};
use watchfire_tests::harness::wait;

use super::site::Station;
use super::stage::{SOON, Stage, now, payload, stored, topic};

/// What the data directory has in all: the ledger's reserve is 16 MiB of it.
const SIZE: &str = "size=40m";
/// Readings sent at a time.
const READINGS: usize = 400;
/// How long the recovery may take.
const RECOVERED: Duration = Duration::from_secs(30);

/// A small file system of its own.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Self {
        std::fs::create_dir_all(at).expect("a temporary folder can be made");
        let mounted = as_root(&["mount", "-t", "tmpfs", "-o", SIZE, "watchfire-chaos", &at.display().to_string()]);
        assert_eq!(mounted, Ok(()), "this test must be allowed to mount a tmpfs, as root or through sudo");
        Self(at.to_owned())
    }

    /// Takes all the room there is.
    fn fill(&self) {
        let mut file = File::options().create(true).append(true).open(self.filler()).expect("a file can be made");
        for chunk in [1 << 20, 4_096, 1] {
            let block = vec![7; chunk];
            loop {
                match file.write(&block) {
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => panic!("the disk is not full but broken: {error}"),
                }
            }
        }
    }

    fn free(&self) {
        std::fs::remove_file(self.filler()).expect("the filler is there");
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the daemon may still have files there. Where it fails the folder cannot be removed, which is seen.
        let _ = as_root(&["umount", "-l", &self.0.display().to_string()]);
    }
}

/// Runs a command as it is and, where that is not allowed, through sudo; says why it failed.
fn as_root(command: &[&str]) -> Result<(), String> {
    let run = |words: &[&str]| {
        let output = Command::new(words[0]).args(&words[1..]).output().map_err(|error| error.to_string())?;
        let reason = || String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if output.status.success() { Ok(()) } else { Err(reason()) }
    };
    run(command)
        .or_else(|first| run(&[&["sudo", "-n"], command].concat()).map_err(|second| format!("{first}; {second}")))
}

#[test]
fn a_full_disk_loses_nothing_accepted_and_holds_no_warning_back() {
    let mut stage = Stage::prepare(&[Station::alone("river"), Station::alone("steady"), Station::alone("fresh")]);
    let disk = SmallDisk::mount(&stage.daemon.data_dir());
    stage.daemon.run();
    stage.connected();
    let mut sensor = stage.calm(&["river", "fresh"]);
    let mut link = Publisher::connect(&stage.broker.address(), "steady").expect("the broker takes connections");
    let begin = now();
    let mut sent: Vec<(i64, Option<f64>)> = Vec::new();
    let mut send = |sent: &mut Vec<(i64, Option<f64>)>| {
        for _ in 0..READINGS {
            let n = sent.len();
            let (at, value) =
                (begin + i64::try_from(n).expect("few"), f64::from(u32::try_from(n % 800).expect("few")) / 100.0);
            let text = payload("steady", at, value);
            link.publish(u64::try_from(n).expect("few"), &topic("steady"), text.as_bytes(), Qos::AtLeastOnce)
                .expect("the broker is there");
            sent.push((at, Some(value)));
        }
        link.settle().expect("the broker is there");
    };
    let failures = |stage: &Stage| stage.daemon.metric("watchfire_journal_failures_total").unwrap_or(0.0);
    let all_stored = |stage: &Stage, sent: &[(i64, Option<f64>)]| {
        let stored = wait::attempt(RECOVERED, || Some(stored(&stage.daemon, "steady")).filter(|stored| stored == sent));
        if stored.is_none() {
            let held = self::stored(&stage.daemon, "steady");
            let missing: Vec<_> = sent.iter().filter(|reading| !held.contains(reading)).collect();
            panic!("{} of {} are missing, the first {:?}", missing.len(), sent.len(), missing.first());
        }
    };
    send(&mut sent);
    all_stored(&stage, &sent);

    // Full: what comes is refused by the disk, and a warning still leaves.
    wait::within(SOON, "the journal to be refused", || {
        disk.fill();
        send(&mut sent);
        (failures(&stage) >= 1.0).then_some(())
    });
    sensor.says("river", 45.0);
    for channel in ["duty", "public"] {
        stage.hears(Duration::from_secs(15), channel, "river", "warning.raised", "red");
    }
    disk.free();
    all_stored(&stage, &sent);

    // Full again, and killed before there is room: what was taken without being written would be gone now.
    // What is tidied away meanwhile, such as an old snapshot, makes room for some readings: it is filled again and again.
    let before = failures(&stage);
    wait::within(SOON, "the journal to be refused again", || {
        disk.fill();
        send(&mut sent);
        (failures(&stage) > before).then_some(())
    });
    stage.daemon.kill();
    disk.free();
    stage.daemon.run();
    stage.connected();
    all_stored(&stage, &sent);
    // What comes again is not told again; that the link to the broker was cut meanwhile may be.
    for channel in ["duty", "public"] {
        let mut said = stage.bulletins(channel, "river");
        said.retain(|bulletin| bulletin.class != "warning.continued");
        assert_eq!(said.len(), 1, "told twice: {said:#?}");
    }
    stage.fresh_crossing_passes(&mut sensor, "fresh");
}
