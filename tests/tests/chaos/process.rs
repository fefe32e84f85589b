//! F07, F30, F33, F61: the platform is away, hangs or loses its answers; the daemon is told to stop meanwhile; a second
//! one wants the same data.

use std::process::Command;
use std::time::{Duration, Instant};

use watchfire::demo::platform::Fault;
use watchfire_tests::harness::daemon::binary;
use watchfire_tests::harness::process::Process;
use watchfire_tests::harness::wait;

use super::site::Station;
use super::stage::{SOON, Stage};

/// How long a clean stop may take (P18).
const STOPPED: Duration = Duration::from_secs(10);

fn stage() -> Stage {
    let stage = Stage::start(&[Station::alone("river"), Station::alone("fresh")]);
    let _sensor = stage.calm(&["river", "fresh"]);
    stage
}

#[test]
fn a_platform_that_is_away_hears_everything_once_it_is_back() {
    let stage = stage();
    let mut sensor = stage.sensor();
    stage.platform.misbehave_for_good(Fault::Status { status: 503, retry_after: None });
    sensor.says("river", 25.0);
    sensor.says("river", 45.0);
    wait::never(Duration::from_secs(5), "heard while it was away", || stage.platform.heard().pop());
    let tried = stage.platform.counts().posts;
    assert!(tried >= 4, "it was tried again and again: {tried}");
    stage.platform.behave();
    for channel in ["duty", "public"] {
        stage.hears(SOON, channel, "river", "warning.upgraded", "red");
        let said: Vec<String> =
            stage.bulletins(channel, "river").into_iter().map(|b| format!("{} {}", b.class, b.grade)).collect();
        assert_eq!(said, ["warning.raised yellow", "warning.upgraded red"]);
    }
    stage.fresh_crossing_passes(&mut sensor, "fresh");
    assert_eq!((stage.platform.counts().refused, stage.platform.counts().dangling), (0, 0));
}

#[test]
fn a_lost_answer_makes_no_second_message() {
    let stage = stage();
    let mut sensor = stage.sensor();
    // Both channels lose their first answer.
    stage.platform.misbehave(Fault::Swallow, 2);
    sensor.says("river", 45.0);
    wait::within(Duration::from_secs(15), "both to be sent again under their keys", || {
        (stage.platform.counts().duplicates >= 2).then_some(())
    });
    stage.fresh_crossing_passes(&mut sensor, "fresh");
    let river: Vec<_> = ["duty", "public"].iter().flat_map(|channel| stage.bulletins(channel, "river")).collect();
    assert_eq!(river.len(), 2, "one message for each channel: {river:#?}");
    assert!(river.iter().all(|bulletin| bulletin.times == 2), "{river:#?}");
    assert_eq!(stage.platform.counts().refused, 0, "under the same key came the same message");
}

#[test]
fn a_stop_does_not_wait_for_a_platform_that_hangs_and_forgets_nothing() {
    let mut stage = stage();
    let mut sensor = stage.sensor();
    stage.platform.misbehave_for_good(Fault::Hang);
    sensor.says("river", 45.0);
    wait::within(SOON, "the platform to be asked", || (stage.platform.counts().posts >= 2).then_some(()));
    let told = Instant::now();
    let status = stage.daemon.stop();
    let took = told.elapsed();
    assert_eq!(status.code(), Some(0), "{}", stage.daemon.log());
    assert!(took <= STOPPED, "it took {took:?}");
    assert!(stage.platform.heard().is_empty());

    stage.platform.behave();
    stage.daemon.run();
    stage.connected();
    for channel in ["duty", "public"] {
        stage.hears(SOON, channel, "river", "warning.raised", "red");
        assert_eq!(stage.bulletins(channel, "river").len(), 1, "once");
    }
    stage.fresh_crossing_passes(&mut sensor, "fresh");
}

#[test]
fn a_second_daemon_on_the_same_data_is_refused_and_told_by_whom() {
    let mut stage = stage();
    let mut command = Command::new(binary());
    command.arg("run").arg("--config").arg(stage.daemon.config());
    let mut second = Process::start("second watchfire", command, &stage.daemon.folder().join("second.log"));
    let status = wait::within(SOON, "the second one to end", || second.ended());
    assert!(!status.success());
    let holder = format!("process {}", stage.daemon.process().id());
    assert!(second.log().contains(&holder), "it was not told of {holder}:\n{}", second.log());
    // The first has noticed nothing.
    let mut sensor = stage.sensor();
    stage.fresh_crossing_passes(&mut sensor, "fresh");
}
