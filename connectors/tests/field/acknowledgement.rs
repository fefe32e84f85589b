//! A broker hears our acknowledgement only after the journal has synced the reading; then it never sends it again.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rumqttc::QoS;
use watchfire_model::quantity::Bad;
use watchfire_model::row::Row;

use crate::broker::{Broker, said};
use crate::journal::{Running, county, surroundings, until};
use crate::stub;

#[tokio::test]
async fn what_is_not_durable_comes_again_and_what_is_does_not() {
    let broker = Broker::start().await;
    let (around, mut journal) = surroundings("county", "mqtt", 64);
    let source = Running::mqtt(county(broker.port, 1), around);
    assert!(journal.link().await.up);
    let messages: Vec<(&str, Vec<u8>)> = (0..5).map(|point| ("sensors/a", said(point, f64::from(point)))).collect();
    broker.publish(QoS::AtLeastOnce, false, &messages).await;
    // Offered, never synced: the daemon dies.
    let mut offered = 0;
    while offered < 5 {
        offered += journal.pending().await.rows.len();
    }
    source.crash().await;

    let (around, mut journal) = surroundings("county", "mqtt", 64);
    let source = Running::mqtt(county(broker.port, 1), around);
    let expected: Vec<_> = (0..5).map(|point| (point, Ok(f64::from(point)))).collect();
    assert_eq!(journal.values(5).await, expected);
    source.stop().await;

    // What came while nobody was there is kept; what was durable does not come a third time.
    broker.publish(QoS::AtLeastOnce, false, &[("sensors/a", said(9, 9.0))]).await;
    let (around, mut journal) = surroundings("county", "mqtt", 64);
    let source = Running::mqtt(county(broker.port, 1), around);
    assert_eq!(journal.values(1).await, [(9, Ok(9.0))]);
    source.stop().await;
}

#[tokio::test]
async fn a_journal_that_fails_is_asked_again() {
    let broker = Broker::start().await;
    let (around, mut journal) = surroundings("county", "mqtt", 64);
    let source = Running::mqtt(county(broker.port, 1), around);
    assert!(journal.link().await.up);
    broker.publish(QoS::AtLeastOnce, false, &[("sensors/a", said(1, 7.5))]).await;
    let failed = journal.pending().await;
    assert!(matches!(failed.rows[..], [Row::Reading(_)]));
    drop(failed);
    assert_eq!(journal.values(1).await, [(1, Ok(7.5))]);
    source.stop().await;
}

#[tokio::test]
async fn what_holds_nothing_is_acknowledged_once_it_is_counted() {
    let broker = Broker::start().await;
    let (around, mut journal) = surroundings("county", "mqtt", 64);
    let source = Running::mqtt(county(broker.port, 1), around);
    assert!(journal.link().await.up);
    let corpus = [
        r#"{"id":"1","v":NaN,"ts":1732400000}"#,
        r#"{"id":"1","v":"inf","ts":1732400000}"#,
        r#"{"id":"1","v":1e999,"ts":1732400000}"#,
        r#"{"id":"1","v":null,"ts":1732400000}"#,
        r#"{"id":"1","v":"dry","ts":1732400000}"#,
        r#"{"id":"1","v":1e308,"ts":1732400000}"#,
        r#"{"id":"stranger","v":1,"ts":1732400000}"#,
        r#"{"id":"1","v":1"#,
        "",
        "\u{0}\u{1}",
        r#"{"id":"1","v":-0,"ts":1732400000}"#,
    ];
    let messages: Vec<(&str, Vec<u8>)> = corpus.iter().map(|text| ("sensors/a", text.as_bytes().to_vec())).collect();
    broker.publish(QoS::AtLeastOnce, false, &messages).await;
    let values = journal.values(7).await;
    let expected = [
        Err(Bad::NotANumber),
        Err(Bad::Infinite),
        Err(Bad::Overflow),
        Err(Bad::Absent),
        Err(Bad::WrongType),
        Ok(1e308),
        Ok(0.0),
    ];
    assert_eq!(values.iter().map(|(_, value)| *value).collect::<Vec<_>>(), expected);
    let health = &source.health;
    assert_eq!(health.complaints.load(Ordering::Relaxed), 4);
    assert_eq!(health.refused.load(Ordering::Relaxed), 4);
    assert_eq!(health.bad_values.load(Ordering::Relaxed), 5);
    assert_eq!(health.recent().first().map(|complaint| complaint.sample.contains("stranger")), Some(true));
    source.stop().await;

    // All of it is acknowledged: nothing comes again.
    broker.publish(QoS::AtLeastOnce, false, &[("sensors/a", said(2, 2.0))]).await;
    let (around, mut journal) = surroundings("county", "mqtt", 64);
    let source = Running::mqtt(county(broker.port, 1), around);
    assert_eq!(journal.values(1).await, [(2, Ok(2.0))]);
    assert_eq!(source.health.messages.load(Ordering::Relaxed), 1);
    source.stop().await;
}

#[tokio::test]
async fn when_intake_is_full_the_session_lives_on() {
    let stub = stub::Broker::listen().await;
    let (around, mut journal) = surroundings("county", "mqtt", 1);
    let mut config = county(stub.port, 1);
    config.keep_alive = Duration::from_secs(1);
    let source = Running::mqtt(config, around);
    // The word that the link is up fills intake; from here on nobody takes anything.
    let mut connection = stub.accept(false).await;
    let health = &source.health;
    for pkid in 1..=30 {
        connection.publish("sensors/a", pkid, false, &said(u32::from(pkid) % 10, f64::from(pkid))).await;
        connection.publish_and_forget("sensors/a", &said(3, 3.0)).await;
    }
    until("shedding", || health.shed.load(Ordering::Relaxed) == 30).await;
    // Three times the keep-alive, and the source still speaks.
    for _ in 0..3 {
        connection.pinged().await;
    }
    assert_eq!(health.disconnects.load(Ordering::Relaxed), 0);
    let lost = health.lost();
    assert_eq!(lost.iter().map(|shed| (shed.point.0, shed.readings)).collect::<Vec<_>>(), [(3, 30)]);
    assert_eq!((lost[0].from.0, lost[0].to.0), (1_732_400_000_123, 1_732_400_000_123));
    let values = journal.values(30).await;
    let expected: Vec<_> = (1..=30).map(|n| (n % 10, Ok(f64::from(n)))).collect();
    assert_eq!(values, expected);
    for pkid in 1..=30 {
        assert_eq!(connection.acknowledged().await, pkid, "in the order of their coming");
    }
    source.stop().await;
}

#[tokio::test]
async fn a_message_sent_twice_is_taken_once() {
    let stub = stub::Broker::listen().await;
    let (around, mut journal) = surroundings("county", "mqtt", 64);
    let source = Running::mqtt(county(stub.port, 1), around);
    let mut first = stub.accept(false).await;
    first.publish("sensors/a", 1, false, &said(1, 5.0)).await;
    assert_eq!(journal.values(1).await, [(1, Ok(5.0))]);
    assert_eq!(first.acknowledged().await, 1);
    drop(first);
    // The broker never got that acknowledgement, so it thinks.
    let mut second = stub.accept(true).await;
    second.publish("sensors/a", 1, true, &said(1, 5.0)).await;
    assert_eq!(second.acknowledged().await, 1);
    // One that says it is a repeat, and of which we have nothing on disk.
    second.publish("sensors/a", 2, true, &said(1, 5.0)).await;
    assert_eq!(journal.values(1).await, [(1, Ok(5.0))]);
    assert_eq!(second.acknowledged().await, 2);
    // The same words as news under a packet id that was used before.
    second.publish("sensors/a", 1, false, &said(1, 5.0)).await;
    assert_eq!(journal.values(1).await, [(1, Ok(5.0))]);
    assert_eq!(second.acknowledged().await, 1);
    assert_eq!(source.health.duplicates.load(Ordering::Relaxed), 1);
    source.stop().await;
}
