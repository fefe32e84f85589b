//! The harness itself, on real programs: a broker that keeps its sessions, a store that gives back what was written, a
//! receiver that misbehaves as told.

use std::time::Duration;

use watchfire_tests::harness::broker::Broker;
use watchfire_tests::harness::publisher::{Publisher, Qos};
use watchfire_tests::harness::receiver::{Receiver, Reply};
use watchfire_tests::harness::victoria::VictoriaMetrics;
use watchfire_tests::harness::{http, wait};

#[test]
fn a_publisher_knows_what_the_broker_has_acknowledged() {
    let broker = Broker::start();
    let mut publisher = Publisher::connect(&broker.address(), "p").expect("the broker takes connections");
    for id in 0..2_500 {
        publisher.publish(id, "a/b", b"1", Qos::AtLeastOnce).expect("the broker is there");
    }
    publisher.settle().expect("the broker is there");
    assert_eq!(publisher.acknowledged().len(), 2_500);
    publisher.publish(2_500, "a/b", b"1", Qos::AtMostOnce).expect("the broker is there");
    assert_eq!(publisher.acknowledged().len(), 2_500, "QoS 0 is no obligation");
}

#[test]
fn a_publisher_notices_that_the_broker_is_gone() {
    let mut broker = Broker::start();
    let mut publisher = Publisher::connect(&broker.address(), "p").expect("the broker takes connections");
    broker.kill();
    let gone = (0..100_000).find(|id| publisher.publish(*id, "a/b", b"1", Qos::AtLeastOnce).is_err());
    assert!(gone.is_some());
    broker.start_again();
    assert!(Publisher::connect(&broker.address(), "p").is_ok());
}

#[test]
fn a_store_gives_back_what_was_written_also_after_an_outage() {
    let mut store = VictoriaMetrics::start();
    let write = |url: String| {
        let line = "stage,station=a,point=stage value=52.31 1754006400000";
        http::post(&format!("{url}/api/v2/write?precision=ms"), "text/plain", line)
    };
    assert_eq!(write(store.url()).map(|answer| answer.status).ok(), Some(204));
    let written = |store: &VictoriaMetrics| {
        let series = store.read("{station=\"a\"}");
        series.first().map(|series| (series.timestamps.clone(), series.values.clone()))
    };
    let expected = Some((vec![1_754_006_400_000], vec![52.31]));
    assert_eq!(wait::until("the value", || Some(written(&store)).filter(Option::is_some)), expected);
    store.process().signal("TERM");
    wait::until("the store to end", || store.process().ended());
    assert!(write(store.url()).is_err(), "an outage");
    store.start_again();
    assert_eq!(written(&store), expected);
    assert_eq!(store.count("{station=\"a\"}"), 1);
}

#[test]
fn a_receiver_answers_well_badly_or_not_at_all() {
    let mut receiver = Receiver::start();
    receiver.next([Reply::status(503), Reply::Swallow, Reply::Accept("{}".to_owned())]);
    let send = |body: &str| http::post(&receiver.url("/cap"), "text/plain", body);
    assert_eq!(send("a").map(|answer| answer.status).ok(), Some(503));
    assert!(send("b").is_err(), "the reply was lost");
    assert_eq!(send("c").map(|answer| answer.text()).ok().as_deref(), Some("{}"));
    let told: Vec<(String, bool)> = receiver.received().iter().map(|got| (got.text(), got.accepted())).collect();
    // A client may try again by itself after a lost reply; what matters is that the receiver tells it all.
    assert_eq!(told.first(), Some(&("a".to_owned(), false)));
    assert!(told.contains(&("b".to_owned(), false)));
    assert_eq!(told.last().map(|(body, _)| body.as_str()), Some("c"));
    let refused = receiver.url("/cap");
    receiver.go_down();
    assert!(http::post(&refused, "text/plain", "d").is_err(), "connections are refused");
    receiver.come_up();
    assert!(http::post(&refused, "text/plain", "e").is_ok());
    receiver.wait_for("the last one", |got| got.text() == "e" && got.header("content-type") == Some("text/plain"));
}

#[test]
fn waiting_has_an_end() {
    let span = Duration::from_millis(20);
    assert_eq!(wait::attempt(span, || None::<()>), None);
    assert_eq!(wait::attempt(span, || Some(1)), Some(1));
    wait::never(span, "nothing", || None::<()>);
    let caught = std::panic::catch_unwind(|| wait::within(span, "rain", || None::<()>));
    let said = caught.expect_err("it never came").downcast::<String>().expect("a message");
    assert!(said.ends_with("in vain for rain"), "{said}");
}
