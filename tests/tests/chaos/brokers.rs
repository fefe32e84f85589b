//! C21: the broker dies and comes back without a memory. The daemon subscribes again, says since when it has heard
//! nothing, and what is fresh passes.

use watchfire_tests::harness::wait;

use super::site::Station;
use super::stage::{SOON, Stage, now};

#[test]
fn a_broker_without_memory_is_a_gap_with_a_beginning() {
    let mut stage = Stage::start(&[Station::alone("river"), Station::alone("fresh")]);
    let mut sensor = stage.sensor();
    for value in [1.0, 1.0, 1.0, 1.0, 25.0] {
        sensor.says("river", value);
        sensor.says("fresh", 1.0);
    }
    let last = now();
    stage.hears(SOON, "public", "river", "warning.raised", "yellow");

    stage.broker.kill();
    wait::within(SOON, "the source to be seen as gone", || {
        stage.daemon.metric("watchfire_source_connected").filter(|connected| *connected < 0.5)
    });
    stage.broker.start_afresh();
    stage.connected();
    let mut sensor = stage.sensor();
    stage.fresh_crossing_passes(&mut sensor, "fresh");

    let said = stage.daemon.log();
    let gap =
        said.lines().find(|line| line.contains("forgotten our session")).unwrap_or_else(|| panic!("no gap:\n{said}"));
    let since = gap.split("since=").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("it has a beginning");
    let since: jiff::Timestamp = since.parse().expect("it is a time");
    assert!(
        (since.as_millisecond() - last).abs() < 1_000,
        "the last reading came at {last} ms, the gap begins {since}"
    );

    // The grade is held, with its evidence or without; with the next good readings it has it again.
    for _ in 0..3 {
        sensor.says("river", 25.0);
    }
    wait::within(SOON, "the warning to stand on good evidence", || {
        let said = stage.bulletins("duty", "river");
        said.last().is_some_and(|bulletin| !bulletin.evidence_lost && bulletin.grade == "yellow").then_some(())
    });
    let cleared = stage.platform.heard().into_iter().any(|bulletin| bulletin.class == "warning.cleared");
    assert!(!cleared, "silence clears nothing");
}
