//! F40, F41, F44, F45, F46: our own wall clock is stepped, with the steady one or without, was never set, or runs ten times
//! as fast; our process stands still for a while. Sensors go on by the true time. Nobody is warned or cleared for any of it, and a fresh crossing passes.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use watchfire_tests::harness::wait;

use super::site::Station;
use super::stage::{SOON, Sensor, Stage};

/// Sensors that tell a time: enough of them to show that it is our clock that is wrong.
const STATIONS: [&str; 3] = ["river", "brook", "fresh"];

/// The library that lies about the wall clock to whoever is started with it.
///
/// # Panics
/// If it is not there: `tests/run` installs it.
fn false_time() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    let library = |folder: PathBuf| Some(folder.join("faketime/libfaketimeMT.so.1")).filter(|path| path.is_file());
    folders.into_iter().find_map(library).expect("there is no libfaketimeMT.so.1: tests/run installs it")
}

/// A stage whose daemon believes a wall clock that a file tells; its steady clock is true unless that lies too.
struct Scene {
    stage: Stage,
    sensor: Sensor,
    wall: PathBuf,
    said: u32,
}

impl Scene {
    fn begin(wall: &str) -> Self {
        Self::believing(wall, "1")
    }

    fn believing(wall: &str, steady_is_true: &str) -> Self {
        let Stage { daemon, platform, broker } = Stage::prepare(&STATIONS.map(Station::alone));
        let file = daemon.folder().join("wall");
        std::fs::write(&file, wall).expect("a file can be written");
        let daemon = daemon
            .env("LD_PRELOAD", &false_time().display().to_string())
            .env("FAKETIME_TIMESTAMP_FILE", &file.display().to_string())
            .env("FAKETIME_NO_CACHE", "1")
            .env("DONT_FAKE_MONOTONIC", steady_is_true);
        let mut stage = Stage { daemon, platform, broker };
        stage.daemon.run();
        stage.connected();
        let sensor = stage.sensor();
        Self { stage, sensor, wall: file, said: 0 }
    }

    fn sets_the_wall(&self, wall: &str) {
        std::fs::write(&self.wall, wall).expect("a file can be written");
    }

    /// The river at a height that is told by no other reading, the rest calm; waits until it is heard.
    fn says(&mut self, height: f64) {
        self.said += 1;
        let height = height + f64::from(self.said) / 1_000.0;
        for station in ["brook", "fresh"] {
            self.sensor.says(station, 1.0);
        }
        self.sensor.says("river", height);
        let stage = &self.stage;
        wait::within(SOON, "the river to be heard", || {
            (stage.point("river")["latest"]["value"].as_f64() == Some(height)).then_some(())
        });
    }

    fn is_warned_of_orange(&mut self) {
        for _ in 0..5 {
            self.says(1.0);
        }
        self.says(35.0);
        for channel in ["duty", "public"] {
            self.stage.hears(SOON, channel, "river", "warning.raised", "orange");
        }
    }

    /// Nothing was said but that the river rose to orange; a fresh crossing passes. Says how long that took.
    fn ends_well(mut self) -> Duration {
        let told = self.stage.platform.heard();
        let told: Vec<String> =
            told.iter().map(|b| format!("{} {} {} {}", b.channel, b.area, b.class, b.grade)).collect();
        let mut once: Vec<&str> = told.iter().map(String::as_str).collect();
        once.sort_unstable();
        assert_eq!(once, ["duty river warning.raised orange", "public river warning.raised orange"]);
        let from = Instant::now();
        self.stage.fresh_crossing_passes(&mut self.sensor, "fresh");
        from.elapsed()
    }
}

#[test]
fn a_wall_that_is_stepped_by_an_hour_and_a_day_changes_no_warning() {
    let mut scene = Scene::begin("+0");
    scene.is_warned_of_orange();
    for wall in ["+1h", "+0", "-1h", "+0", "+1d", "-1d", "+0"] {
        scene.sets_the_wall(wall);
        for _ in 0..5 {
            scene.says(35.0);
        }
    }
    let incidents = scene.stage.daemon.json("/api/v1/incidents?state=all").to_string();
    assert!(incidents.contains("host_clock"), "the steps are told: {incidents}");
    println!("F40: 7 steps, 0 warnings changed, a fresh crossing after {:?}", scene.ends_well());
}

/// A virtual machine that was put away for an hour and taken up again: both clocks jump. Delays and holds count what was
/// heard, so nothing is raised or ended by it.
#[test]
fn both_clocks_that_jump_by_an_hour_change_no_warning() {
    let mut scene = Scene::believing("+0", "0");
    scene.is_warned_of_orange();
    scene.sets_the_wall("+1h");
    for _ in 0..5 {
        scene.says(35.0);
    }
    println!("F41: both clocks by an hour, 0 warnings changed, a fresh crossing after {:?}", scene.ends_well());
}

#[test]
fn a_wall_that_was_never_set_warns_all_the_same() {
    let mut scene = Scene::begin("@1970-01-01 00:00:10");
    scene.is_warned_of_orange();
    let incidents = scene.stage.daemon.json("/api/v1/incidents?state=all").to_string();
    assert!(incidents.contains("host_clock"), "that our clock lags is told: {incidents}");
    let clock = |scene: &Scene| scene.stage.daemon.json("/api/v1/health")["clock"].as_str().map(str::to_owned);
    assert_eq!(clock(&scene).as_deref(), Some("unset"));
    scene.says(35.0);
    // It is set at last.
    scene.sets_the_wall("+0");
    for _ in 0..5 {
        scene.says(35.0);
    }
    assert_eq!(clock(&scene).as_deref(), Some("ok"));
    println!("F44: from 1970 to now, 0 warnings changed, a fresh crossing after {:?}", scene.ends_well());
}

#[test]
fn a_wall_ten_times_as_fast_changes_no_warning() {
    let mut scene = Scene::begin("+0 x10");
    scene.is_warned_of_orange();
    let from = Instant::now();
    while from.elapsed() < Duration::from_secs(8) {
        scene.says(35.0);
    }
    println!("F46: 8 s in which 80 passed, 0 warnings changed, a fresh crossing after {:?}", scene.ends_well());
}

#[test]
fn a_process_that_stood_still_says_one_thing_of_each_warning_at_most() {
    let stopped = standstill();
    let mortal = |id| Station { stale_after: "3s", ..Station::alone(id) };
    let mut stage = Stage::start(&[mortal("river"), mortal("brook"), Station::alone("fresh")]);
    let mut sensor = stage.sensor();
    for value in [1.0, 1.0, 1.0, 1.0, 35.0] {
        sensor.says("river", value);
        sensor.says("brook", value);
        sensor.says("fresh", 1.0);
    }
    for area in ["river", "brook"] {
        stage.hears(SOON, "duty", area, "warning.raised", "orange");
    }
    stage.daemon.process().signal("STOP");
    let mut spoken = Instant::now();
    wait::never(stopped, "a process that stands still has spoken", || {
        if spoken.elapsed() > Duration::from_millis(500) {
            sensor.says("river", 35.0);
            sensor.says("brook", 35.0);
            spoken = Instant::now();
        }
        stage.bulletins("duty", "river").into_iter().nth(1)
    });
    stage.daemon.process().signal("CONT");
    let mut spoken = Instant::now();
    let mut most = 0;
    wait::never(SOON, "more than one thing of a warning", || {
        if spoken.elapsed() > Duration::from_millis(500) {
            sensor.says("river", 35.0);
            sensor.says("brook", 35.0);
            spoken = Instant::now();
        }
        let later = |channel: &str, area: &str| stage.bulletins(channel, area).len().saturating_sub(1);
        let counts = ["duty", "public"].iter().flat_map(|channel| ["river", "brook"].map(|area| later(channel, area)));
        most = counts.max().unwrap_or(0).max(most);
        (most > 1).then_some(most)
    });
    let hung_up = stage.source()["disconnects"].as_u64();
    assert!(hung_up > Some(0), "the broker hung up meanwhile: {}", stage.source());
    println!("F45: stopped for {stopped:?}, {most} notices of a warning afterwards");
    stage.fresh_crossing_passes(&mut sensor, "fresh");
}

/// Longer than one and a half keep-alives, after which a broker hangs up; or as many seconds as `WATCHFIRE_STANDSTILL` says.
fn standstill() -> Duration {
    let seconds = std::env::var("WATCHFIRE_STANDSTILL").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(20))
}
