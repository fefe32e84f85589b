//! F10, C25: what no sensor should send. It is got past and counted, judges nothing, and the next good value passes.

use watchfire_tests::harness::broker::Broker;
use watchfire_tests::harness::daemon::Daemon;
use watchfire_tests::harness::wait;

use super::platform::Receiving;
use super::relay::Relay;
use super::site::{self, Station};
use super::stage::{SOON, Stage, now, payload};

/// Values that are no measurement, as they may stand after `"v":`.
const NO_VALUES: [&str; 16] = [
    "null",
    // JSON has no such numbers, and loggers write them all the same.
    "NaN",
    "Infinity",
    "-Infinity",
    "\"NaN\"",
    "\"nan\"",
    "\"inf\"",
    "\"-Infinity\"",
    "\"1e999\"",
    "1e999",
    "-1e999",
    "\"\"",
    "\"dry\"",
    "true",
    "{}",
    "[]",
];

/// Numbers that are none of this sensor's: its mark for "no value", and what is beyond the range that its point names.
const REFUSED: [&str; 7] = [
    "-9999",
    "1e308",
    "-1e308",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "\"4294967295\"",
];

/// Numbers that look odd and are right.
const SMALL: [&str; 4] = ["-0", "-0.0", "4.9e-324", "\"1\""];

/// Messages in which no reading can be found.
fn no_readings() -> Vec<Vec<u8>> {
    let at = now();
    let mut bodies: Vec<Vec<u8>> = [
        "",
        " ",
        "{",
        "nan",
        "[[[[",
        "\u{feff}",
        r#"{"id":"#,
        r#"{"v":45}"#,
        r#"{"id":"someone-else","v":45}"#,
        r#"{"id":null,"v":45}"#,
        r#"{"id":"river","v":0x2d}"#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    bodies.push(b"{\"id\":\"river\",\"v\":\xff\xfe}".to_vec());
    bodies.push(b"\x00\x01\x02\xc3\x28".to_vec());
    bodies.push("[".repeat(100_000).into_bytes());
    bodies.push(format!(r#"{{"id":"river","v":{}45{},"ts":{at}}}"#, "[".repeat(500), "]".repeat(500)).into_bytes());
    bodies
}

#[test]
fn what_is_no_number_is_counted_and_judges_nothing() {
    let river = Station { keys: "sentinels = [-9999]\nrange = [0, 1000]", ..Station::alone("river") };
    let stage = Stage::start(&[river, Station::alone("fresh")]);
    let mut sensor = stage.sensor();
    let reading = |value: &str| format!(r#"{{"id":"river","v":{value},"ts":{}}}"#, now()).into_bytes();
    for value in SMALL {
        sensor.sends("river", &reading(value));
    }
    sensor.says("river", 25.0);
    for channel in ["duty", "public"] {
        stage.hears(SOON, channel, "river", "warning.raised", "yellow");
    }

    let before = stage.source();
    assert_eq!((before["bad_values"].as_u64(), before["complaints"].as_u64()), (Some(0), Some(0)), "{before}");
    for value in NO_VALUES.iter().chain(&REFUSED) {
        sensor.sends("river", &reading(value));
    }
    let bodies = no_readings();
    for body in &bodies {
        sensor.sends("river", body);
    }
    let count = |what: &str| {
        let source = stage.source();
        let count =
            |source: &serde_json::Value| source[what].as_u64().unwrap_or_else(|| panic!("no {what} in {source}"));
        count(&source) - count(&before)
    };
    let few = |count: usize| u64::try_from(count).expect("few");
    let (valueless, unread) = (few(NO_VALUES.len()), few(bodies.len()));
    let all = valueless + unread + few(REFUSED.len());
    wait::until("every message to be read", || (count("messages") >= all).then_some(()));
    wait::until("all of them to be counted", || {
        (count("bad_values") + count("complaints") >= valueless + unread).then_some(())
    });
    let counted = (count("messages"), count("bad_values"), count("complaints"));
    assert_eq!(counted, (all, valueless, unread), "messages, bad values, complaints: {}", stage.source());

    // The grade is held, and those on duty hear that there is no ground under it any more.
    wait::within(SOON, "the lost evidence to be told", || {
        stage.bulletins("duty", "river").into_iter().find(|bulletin| bulletin.evidence_lost)
    });
    for channel in ["duty", "public"] {
        let said = stage.bulletins(channel, "river");
        assert!(
            said.iter().all(|b| b.grade == "yellow" && (b.class == "warning.raised" || b.evidence_lost)),
            "{said:#?}"
        );
    }
    let alarms = stage.daemon.json("/api/v1/alarms");
    let alarm = &alarms["items"][0];
    assert_eq!(
        (alarm["judged"].as_str(), alarm["value"].as_f64()),
        (Some("yellow"), Some(25.0)),
        "no rule saw more: {alarms}"
    );

    // The next good values are judged.
    sensor.says("river", 45.0);
    for channel in ["duty", "public"] {
        stage.hears(SOON, channel, "river", "warning.upgraded", "red");
    }
    for _ in 0..5 {
        sensor.says("fresh", 1.0);
    }
    stage.fresh_crossing_passes(&mut sensor, "fresh");
}

#[test]
fn messages_too_long_are_got_past() {
    let stage = Stage::start(&[Station::alone("river"), Station::alone("fresh")]);
    let mut sensor = stage.calm(&["fresh"]);
    // 20 KB are fine: twice what some clients take by default.
    let long = format!(r#"{{"id":"river","v":25.0,"ts":{},"note":"{}"}}"#, now(), "x".repeat(20_000));
    sensor.sends("river", long.as_bytes());
    stage.hears(SOON, "duty", "river", "warning.raised", "yellow");

    // 1 MB is more than the limit of 256 KiB, and still a message that the broker takes and keeps until it is
    // acknowledged: refused by tearing the connection down it would come again for ever.
    let huge = format!(r#"{{"id":"river","v":45.0,"ts":{},"note":"{}"}}"#, now(), "x".repeat(1_000_000));
    sensor.sends("river", huge.as_bytes());
    wait::within(SOON, "the message to be counted as too long", || {
        stage.daemon.metric("watchfire_messages_oversize_total").filter(|count| *count >= 1.0)
    });
    assert_eq!(stage.bulletins("duty", "river").len(), 1, "what is too long is not read");

    // The next one is read.
    sensor.sends("river", payload("river", now(), 26.0).as_bytes());
    wait::within(SOON, "the next reading", || {
        (stage.point("river")["latest"]["value"].as_f64() == Some(26.0)).then_some(())
    });
    stage.fresh_crossing_passes(&mut sensor, "fresh");
}

#[test]
fn a_header_that_promises_256_megabytes_is_not_believed() {
    let (broker, platform) = (Broker::start(), Receiving::start());
    let relay = Relay::before(broker.port());
    let daemon = Daemon::start(&site::site(&relay.url(), &platform.url(), &[Station::alone("fresh")]));
    let stage = Stage { daemon, platform, broker };
    stage.connected();
    let mut sensor = stage.calm(&["fresh"]);
    wait::until("the readings", || (stage.source()["readings"].as_u64() == Some(5)).then_some(()));
    // PUBLISH at QoS 1, remaining length 268,435,455, and then nothing.
    relay.says(b"\x32\xff\xff\xff\x7f\x00\x0dsensors/river");
    wait::within(SOON, "the message to be counted as too long", || {
        stage.daemon.metric("watchfire_messages_oversize_total").filter(|count| *count >= 1.0)
    });
    stage.fresh_crossing_passes(&mut sensor, "fresh");
}
