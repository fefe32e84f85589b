//! J2, C13: a receiver that refuses, does not answer, and then takes it. Each attempt is told with its time and outcome,
//! before a restart and after it, and so is how long it took from the reading on.

use serde_json::Value;
use watchfire::demo::platform::Fault;
use watchfire_tests::harness::wait;

use super::site::Station;
use super::stage::{SOON, Stage};

/// The warning's notices, once all of them are delivered; and the warning.
fn delivered(stage: &Stage) -> (Vec<Value>, Value) {
    wait::within(SOON * 4, "every notice to be delivered", || {
        let warnings = stage.daemon.json("/api/v1/warnings");
        let id = warnings["items"][0]["id"].as_str()?.to_owned();
        let warning = stage.daemon.json(&format!("/api/v1/warnings/{id}"));
        let notices = warning["notices"].as_array()?.clone();
        let done = |notice: &Value| notice["receipt"]["outcome"]["is"] == "delivered";
        (notices.len() == 2 && notices.iter().all(done)).then_some((notices, warning))
    })
}

#[test]
fn every_attempt_is_told_and_how_long_it_took() {
    let mut stage = Stage::start(&[Station::alone("river")]);
    let mut sensor = stage.sensor();
    for _ in 0..4 {
        sensor.says("river", 1.0);
    }
    stage.platform.misbehave_for_good(Fault::Status { status: 503, retry_after: Some(1) });
    sensor.says("river", 25.0);
    wait::within(SOON, "two attempts for each of two channels", || (stage.platform.counts().posts >= 4).then_some(()));
    stage.platform.misbehave(Fault::Hang, 2);
    let (notices, warning) = delivered(&stage);
    for notice in &notices {
        let tried = notice["tried"].as_array().expect("attempts");
        assert_eq!(notice["attempts"].as_u64(), u64::try_from(tried.len()).ok(), "{notice}");
        assert!(tried.len() >= 4, "{notice}");
        let is: Vec<&str> = tried.iter().filter_map(|attempt| attempt["outcome"]["is"].as_str()).collect();
        let (last, before) = is.split_last().expect("attempts");
        assert!(*last == "delivered" && before.iter().all(|is| *is == "failing"), "{notice}");
        let at: Vec<i64> = tried.iter().filter_map(|attempt| attempt["at"].as_i64()).collect();
        assert!(at.is_sorted() && at.len() == tried.len() && at[0] < at[at.len() - 1], "{notice}");
    }
    let told = &warning["told"];
    let span = |audience: &str, key: &str| told[audience][key].as_i64().expect("it is known");
    for audience in ["internal", "public"] {
        let (observed, heard) = (span(audience, "first_observed_ms"), span(audience, "first_heard_ms"));
        // Twice it was asked to come back after a second, and once it was not answered for two.
        assert!((2_000..20_000).contains(&heard) && observed >= heard, "{told}");
        assert_eq!(
            (heard, &told[audience]["unconfirmed"]),
            (span(audience, "worst_heard_ms"), &Value::from(0)),
            "{told}"
        );
    }
    stage.daemon.kill();
    stage.daemon.run();
    let (again, after) = delivered(&stage);
    assert_eq!((again, &after["told"]), (notices, told), "what a restart tells is the same");
}
