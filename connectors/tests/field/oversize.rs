//! RELIABILITY C25: a message over the limit is got past, counted and told; the next good one passes within five seconds.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rumqttc::QoS;
use tokio::time::Instant;

use crate::broker::{Broker, said};
use crate::journal::{Running, county, some, surroundings, within};
use crate::stub;

#[tokio::test]
async fn a_large_message_is_dropped_and_the_next_one_passes() {
    let broker = Broker::start().await;
    let (around, mut journal) = surroundings("county", "mqtt", 64);
    let source = Running::mqtt(county(broker.port, 1), around);
    assert!(journal.link().await.up);
    for (n, bytes) in [20 << 10, 1 << 20].into_iter().enumerate() {
        let begun = Instant::now();
        let messages = [("sensors/big", vec![b' '; bytes]), ("sensors/a", said(1, 1.5))];
        broker.publish(QoS::AtLeastOnce, false, &messages).await;
        assert_eq!(journal.values(1).await, [(1, Ok(1.5))]);
        assert!(begun.elapsed() < Duration::from_secs(5), "{bytes} bytes: {:?}", begun.elapsed());
        assert_eq!(source.health.oversize.load(Ordering::Relaxed), n as u64 + 1);
    }
    let told = some("complaint", source.health.recent().pop());
    assert!(told.whence == "sensors/big" && told.reason.contains("over the packet limit"), "{told:?}");
    assert_eq!(source.health.disconnects.load(Ordering::Relaxed), 0);
    source.stop().await;
}

/// More than is carried at all, at QoS 1 in a kept session: it would come again after every reconnection.
#[tokio::test]
async fn a_message_too_large_to_carry_is_read_away() {
    let broker = Broker::start().await;
    let (around, mut journal) = surroundings("county", "mqtt", 64);
    let source = Running::mqtt(county(broker.port, 1), around);
    assert!(journal.link().await.up);
    let huge = vec![b' '; 20 << 20];
    let messages = [("sensors/b", said(0, 0.5)), ("sensors/huge", huge), ("sensors/a", said(1, 1.5))];
    broker.publish(QoS::AtLeastOnce, false, &messages).await;
    let begun = Instant::now();
    let mut values = Vec::new();
    within("the message behind the large one", async {
        while values.last() != Some(&(1, Ok(1.5))) {
            values.extend(journal.values(1).await);
        }
    })
    .await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(values.first(), Some(&(0, Ok(0.5))));
    assert!(source.health.oversize.load(Ordering::Relaxed) >= 1);
    // And it is gone for good: the connection stands.
    let cut = source.health.disconnects.load(Ordering::Relaxed);
    broker.publish(QoS::AtLeastOnce, false, &[("sensors/a", said(2, 2.5))]).await;
    assert_eq!(journal.values(1).await, [(2, Ok(2.5))]);
    assert_eq!(source.health.disconnects.load(Ordering::Relaxed), cut);
    source.stop().await;
}

/// The same as a retained message: each subscription brings it again.
#[tokio::test]
async fn a_retained_message_too_large_to_carry_is_no_loop() {
    let broker = Broker::start().await;
    broker.publish(QoS::AtLeastOnce, true, &[("sensors/huge", vec![b' '; 17 << 20])]).await;
    let (around, mut journal) = surroundings("county", "mqtt", 64);
    let source = Running::mqtt(county(broker.port, 1), around);
    // Until a connection stands and goes on standing.
    let health = &source.health;
    within("the loop to end", async {
        let mut cut = 0;
        while cut < 2 || !health.connected.load(Ordering::Relaxed) || health.disconnects.load(Ordering::Relaxed) > cut {
            cut = health.disconnects.load(Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    })
    .await;
    broker.publish(QoS::AtLeastOnce, false, &[("sensors/a", said(3, 3.5))]).await;
    within("a good message", async { while journal.values(1).await != [(3, Ok(3.5))] {} }).await;
    source.stop().await;
}

#[tokio::test]
async fn a_header_that_promises_256_megabytes_is_not_believed() {
    let stub = stub::Broker::listen().await;
    let (around, mut journal) = surroundings("county", "mqtt", 64);
    let source = Running::mqtt(county(stub.port, 1), around);
    let mut connection = stub.accept(true).await;
    let begun = Instant::now();
    connection.send(&[0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1, b'a']).await;
    connection.gone().await;
    let mut connection = stub.accept(true).await;
    connection.publish("sensors/a", 1, false, &said(1, 1.0)).await;
    assert_eq!(journal.values(1).await, [(1, Ok(1.0))]);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(source.health.oversize.load(Ordering::Relaxed), 1);
    source.stop().await;
}
