//! F15: a station says nothing any more. Within its own patience and one second this is a finding; the grade is held,
//! and the bulletin says that its evidence is lost.

use std::time::{Duration, Instant};

use watchfire_tests::harness::wait;

use super::site::Station;
use super::stage::{SOON, Stage};

/// What `stale_after` says below.
const PATIENCE: Duration = Duration::from_secs(3);

#[test]
fn a_silent_station_holds_its_grade_and_says_so() {
    let mortal = |id| Station { stale_after: "3s", ..Station::alone(id) };
    let stage = Stage::start(&[mortal("river"), mortal("alive"), Station::alone("fresh")]);
    let mut sensor = stage.sensor();
    for value in [1.0, 1.0, 1.0, 1.0, 32.0] {
        sensor.says("river", value);
        sensor.says("alive", value);
        sensor.says("fresh", 1.0);
    }
    let silent_since = Instant::now();
    stage.hears(SOON, "public", "river", "warning.raised", "orange");

    let lost = |channel: &str| {
        let said = stage.bulletins(channel, "river");
        said.into_iter().find(|bulletin| bulletin.evidence_lost)
    };
    let mut spoken = Instant::now();
    let found = wait::within(PATIENCE + SOON, "the silence to be told", || {
        // The other one goes on.
        if spoken.elapsed() > Duration::from_millis(500) {
            sensor.says("alive", 32.0);
            spoken = Instant::now();
        }
        lost("duty")
    });
    let after = silent_since.elapsed();
    assert!(
        after >= PATIENCE.saturating_sub(Duration::from_millis(100)),
        "told after {after:?}: it was not silent yet"
    );
    assert!(after <= PATIENCE + Duration::from_secs(1), "told only after {after:?}");
    assert_eq!((found.class.as_str(), found.grade.as_str()), ("warning.continued", "orange"));
    let public = wait::within(SOON, "the public to be told", || lost("public"));
    assert_eq!((public.class.as_str(), public.grade.as_str()), ("warning.continued", "orange"));

    // Longer silence clears nothing, and takes nothing from its neighbour.
    let mut spoken = Instant::now();
    wait::never(PATIENCE, "silence has cleared something, or the living one was given up", || {
        if spoken.elapsed() > Duration::from_millis(500) {
            sensor.says("alive", 32.0);
            spoken = Instant::now();
        }
        let ended =
            |said: &super::platform::Heard| said.class == "warning.cleared" || said.class == "warning.downgraded";
        stage.platform.heard().into_iter().find(|said| ended(said) || (said.area == "alive" && said.evidence_lost))
    });
    stage.fresh_crossing_passes(&mut sensor, "fresh");
}
