//! A broker that goes away, forgets, or comes back with old values.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rumqttc::QoS;
use tokio::time::Instant;
use watchfire_connectors::config::MqttConfig;
use watchfire_connectors::link::GRACE;
use watchfire_model::id::PointIx;
use watchfire_model::row::Row;

use crate::broker::{Broker, free_port, said};
use crate::journal::{Running, county, surroundings, until};
use crate::stub;

/// RELIABILITY C21.
#[tokio::test]
async fn a_killed_broker_leaves_a_gap_that_is_told() {
    let mut broker = Broker::start().await;
    let (around, mut journal) = surroundings("county", "mqtt", 64);
    let source = Running::mqtt(county(broker.port, 1), around);
    let up = journal.link().await;
    assert!(up.up && !up.gap);
    assert_eq!(up.points, (0..10).map(PointIx).collect::<Vec<_>>());
    broker.publish(QoS::AtLeastOnce, false, &[("sensors/a", said(1, 1.0))]).await;
    let last = journal.reading().await;

    broker.kill().await;
    let down = journal.link().await;
    assert!(!down.up && !down.gap && !down.reason.is_empty());
    assert_eq!(down.since, last.received_at);
    broker.again().await;
    let back = Instant::now();
    let up = journal.link().await;
    assert!(up.up && up.gap, "the broker had forgotten us, and that is told");
    assert_eq!(up.since, last.received_at, "the gap begins with the last message heard");
    assert!(back.elapsed() <= Duration::from_secs(5), "{:?}", back.elapsed());
    // Subscribed again, though the session is new.
    until("the subscription", || source.health.connected.load(Ordering::Relaxed)).await;
    loop {
        broker.publish(QoS::AtLeastOnce, false, &[("sensors/a", said(2, 2.0))]).await;
        if source.health.messages.load(Ordering::Relaxed) > 1 {
            break;
        }
    }
    assert_eq!(journal.reading().await.point, PointIx(2));
    assert_eq!(source.health.disconnects.load(Ordering::Relaxed), 1);
    source.stop().await;
}

#[tokio::test]
async fn a_broker_that_was_never_there_is_told_once() {
    let (around, mut journal) = surroundings("county", "mqtt", 64);
    let source = Running::mqtt(county(free_port(), 1), around);
    let down = journal.link().await;
    assert!(!down.up && down.reason.contains("refused"), "{}", down.reason);
    source.stop().await;
}

/// RELIABILITY F45: what a short loss says of the link is nothing; what a long one says, it says later and dates rightly.
#[tokio::test]
async fn a_connection_that_is_back_at_once_was_never_gone() {
    let stub = stub::Broker::listen().await;
    let (around, mut journal) = surroundings("county", "mqtt", 64);
    let source = Running::mqtt(county(stub.port, 1), around);
    let mut connection = stub.accept(true).await;
    assert!(journal.link().await.up);
    connection.publish("sensors/a", 1, false, &said(1, 1.0)).await;
    let last = journal.reading().await;
    drop(connection);
    let mut connection = stub.accept(true).await;
    connection.publish("sensors/a", 2, false, &said(2, 2.0)).await;
    let next = journal.pending().await;
    assert!(matches!(next.rows[..], [Row::Reading(_)]), "only the reading is told: {:?}", next.rows);
    assert_eq!(source.health.disconnects.load(Ordering::Relaxed), 1, "and the loss is counted");
    journal.sync(next);

    let gone = Instant::now();
    drop((connection, stub));
    let down = journal.link().await;
    assert!(!down.up && !down.reason.is_empty());
    assert!(down.since > last.received_at, "since what was heard last");
    let told = gone.elapsed();
    assert!(GRACE <= told && told < 2 * GRACE, "told after {told:?}");
    source.stop().await;
}

#[tokio::test]
async fn a_broker_that_is_restarted_within_a_second_is_a_gap_and_no_outage() {
    let mut broker = Broker::start().await;
    let (around, mut journal) = surroundings("county", "mqtt", 64);
    let source = Running::mqtt(county(broker.port, 1), around);
    assert!(journal.link().await.up);
    broker.publish(QoS::AtLeastOnce, false, &[("sensors/a", said(1, 1.0))]).await;
    journal.reading().await;
    broker.kill().await;
    broker.again().await;
    let change = journal.link().await;
    assert!(change.up && change.gap, "the first that is told is the gap: {change:?}");
    source.stop().await;
}

/// RELIABILITY C29.
#[tokio::test]
async fn a_retained_message_is_marked() {
    let broker = Broker::start().await;
    broker.publish(QoS::AtLeastOnce, true, &[("sensors/a", said(4, 4.0))]).await;
    let (around, mut journal) = surroundings("county", "mqtt", 64);
    let source = Running::mqtt(county(broker.port, 1), around);
    assert!(journal.reading().await.retained);
    broker.publish(QoS::AtLeastOnce, false, &[("sensors/a", said(4, 5.0))]).await;
    assert!(!journal.reading().await.retained);
    source.stop().await;
}

/// RELIABILITY C26: whatever a broker says, the source lives and hears the next good message.
#[tokio::test]
async fn a_broker_that_talks_nonsense_is_left_and_tried_again() {
    let stub = stub::Broker::listen().await;
    let (around, mut journal) = surroundings("county", "mqtt", 64);
    let source = Running::mqtt(county(stub.port, 1), around);
    let nonsense: [&[u8]; 4] = [
        // QoS 3; a topic that is not UTF-8; packet id 0; a packet type that does not exist.
        &[0x36, 5, 0, 1, b'a', 0, 1],
        &[0x30, 4, 0, 2, 0xff, 0xfe],
        &[0x32, 5, 0, 1, b'a', 0, 0],
        &[0x00, 0],
    ];
    for bytes in nonsense {
        let mut connection = stub.accept(true).await;
        connection.send(bytes).await;
        connection.gone().await;
    }
    let mut connection = stub.accept(true).await;
    connection.publish("sensors/a", 9, false, &said(1, 1.0)).await;
    assert_eq!(journal.values(1).await, [(1, Ok(1.0))]);
    assert_eq!(connection.acknowledged().await, 9);
    source.stop().await;
}

/// After an outage the answer to a ping comes behind all that has queued meanwhile. While messages come, the broker lives.
#[tokio::test]
async fn a_backlog_longer_than_the_keep_alive_is_heard_on_one_connection() {
    let stub = stub::Broker::listen().await;
    let (around, mut journal) = surroundings("county", "mqtt", 64);
    let source = Running::mqtt(MqttConfig { keep_alive: Duration::from_secs(1), ..county(stub.port, 1) }, around);
    let mut connection = stub.accept(true).await;
    for value in [1.0, 2.0, 3.0, 4.0] {
        connection.pinged_in_vain().await;
        connection.publish_and_forget("sensors/a", &said(1, value)).await;
        assert_eq!(journal.values(1).await, [(1, Ok(value))]);
    }
    // And when nothing comes any more, it is dead.
    connection.pinged_in_vain().await;
    connection.gone().await;
    source.stop().await;
}
