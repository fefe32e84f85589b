//! B1: between two findings it is told how far a delay has come, up and down, and when it is over; and that comes true.

use std::time::{Duration, Instant};

use serde_json::Value;
use watchfire_tests::harness::broker::Broker;
use watchfire_tests::harness::daemon::Daemon;
use watchfire_tests::harness::wait;

use super::platform::Receiving;
use super::site::{self, Station};
use super::stage::{SOON, Sensor, Stage, now};

/// A stage on which a grade takes three samples and ends after three seconds.
fn slow() -> Stage {
    let (broker, platform) = (Broker::start(), Receiving::start());
    let text = site::site(&broker.url(), &platform.url(), &[Station::alone("river")]);
    let text = text.replace("raise_after = \"0s\"", "raise_after = \"3 samples\"");
    let daemon = Daemon::with(&text.replace("lift_after = \"0s\"", "lift_after = \"3s\""));
    let mut stage = Stage { daemon, platform, broker };
    stage.daemon.run();
    stage.connected();
    stage
}

/// Waits for what `probe` finds, while the river says `value` twice a second.
fn saying<T>(sensor: &mut Sensor, value: f64, what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let mut said: Option<Instant> = None;
    wait::within(SOON * 2, what, || {
        if said.is_none_or(|said| said.elapsed() > Duration::from_millis(500)) {
            sensor.says("river", value);
            said = Some(Instant::now());
        }
        probe()
    })
}

/// The river's alarm, if it is `so`.
fn alarm(stage: &Stage, so: impl Fn(&Value) -> bool) -> Option<Value> {
    let alarms = stage.daemon.json("/api/v1/alarms");
    alarms["items"].as_array()?.iter().find(|alarm| so(alarm)).cloned()
}

#[test]
fn a_pending_grade_and_a_recovery_say_how_far_they_have_come() {
    let stage = slow();
    let mut sensor = stage.sensor();
    for _ in 0..4 {
        sensor.says("river", 1.0);
    }
    sensor.says("river", 25.0);
    let pending =
        wait::within(SOON, "a pending grade with its progress", || alarm(&stage, |alarm| !alarm["rising"].is_null()));
    let rising = &pending["rising"];
    assert_eq!((&pending["standing"], &pending["pending"]), (&Value::Null, &Value::from("yellow")), "{pending}");
    assert_eq!((rising["samples"].as_u64(), rising["of_samples"].as_u64()), (Some(1), Some(3)), "{pending}");
    assert!(rising["over_at"].as_i64() > rising["since"].as_i64(), "{pending}");

    saying(&mut sensor, 25.0, "the grade", || {
        alarm(&stage, |alarm| alarm["standing"] == "yellow" && alarm["rising"].is_null())
    });
    let falls = saying(&mut sensor, 1.0, "the recovery", || alarm(&stage, |alarm| !alarm["recovering"].is_null()));
    let recovering = &falls["recovering"];
    assert_eq!((&falls["standing"], &recovering["towards"]), (&Value::from("yellow"), &Value::Null), "{falls}");
    assert_eq!(recovering["of_covered_ms"], 3_000, "{falls}");
    let foretold = recovering["lower_at"].as_i64().expect("it is foretold");
    assert!(foretold - recovering["since"].as_i64().expect("a time") >= 3_000, "{falls}");
    saying(&mut sensor, 1.0, "the end of the grade", || {
        stage.bulletins("duty", "river").into_iter().find(|said| said.class == "warning.cleared")
    });
    let late = now() - foretold;
    assert!(late > -1_000, "it ended {} ms before it was foretold to", -late);
}
