//! A channel that is dead for a day, in virtual time (F36): nothing is lost, nothing overtakes, nothing grows.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;
use watchfire::config::settings::ChannelKind;
use watchfire::dissemination::channel::{Channel, Delivery, Opened, Parcel, SendError, Taken};
use watchfire::dissemination::courier::HELD;
use watchfire::dissemination::pace::Jitter;
use watchfire_model::bulletin::MessageClass;
use watchfire_model::grade::Grade;
use watchfire_model::id::ChannelName;
use watchfire_model::mode::Live;
use watchfire_model::receipt::Outcome;

use crate::stage::{AtWork, bulletin, config, notice, synced};

const DAY: Duration = Duration::from_secs(86_400);

/// Rolls that spread evenly and are the same every time.
fn dice() -> Jitter {
    let rolls = AtomicU32::new(0);
    Arc::new(move || f64::from(rolls.fetch_add(1, Ordering::Relaxed).wrapping_mul(2_654_435_769)) / f64::from(u32::MAX))
}

/// Dead until an instant; then it takes everything and notes when.
#[derive(Debug)]
struct DeadUntil {
    name: ChannelName,
    well: Instant,
    taken: Mutex<Vec<(Instant, String)>>,
}

impl DeadUntil {
    fn new(dead_for: Duration) -> Arc<Self> {
        Arc::new(Self { name: "platform".into(), well: Instant::now() + dead_for, taken: Mutex::default() })
    }
    fn courier(self: &Arc<Self>) -> AtWork {
        let config = config(ChannelKind::Spool { dir: "unused".into() });
        AtWork::start_with(&Opened::new(Arc::clone(self) as Arc<dyn Channel>, &config), dice())
    }
}

impl Channel for DeadUntil {
    fn name(&self) -> &ChannelName {
        &self.name
    }
    fn deliver<'a>(&'a self, parcel: Parcel<'a>) -> Delivery<'a> {
        Box::pin(async move {
            if Instant::now() < self.well {
                return Err(SendError::Retry {
                    channel: self.name.clone(),
                    notice: parcel.key().clone(),
                    after: None,
                    source: "dead".into(),
                });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            self.taken.lock().expect("not poisoned").push((Instant::now(), parcel.key().to_string()));
            Ok(Taken::default())
        })
    }
}

/// Resident memory of this process in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a resident size");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("in KiB")
}

#[tokio::test(start_paused = true)]
async fn a_day_of_silence_ends_with_everything_delivered_in_order() {
    let channel = DeadUntil::new(DAY);
    let mut courier = channel.courier();
    // Two red warnings and fourteen others, three notices each.
    for warning in 0..16 {
        let grade = if warning % 8 == 0 { Grade::Red } else { Grade::Yellow };
        for n in 1..=3 {
            courier.send(notice(&format!("{grade}-{warning}"), n, grade)).await;
        }
    }
    let mut failing: BTreeMap<String, u64> = BTreeMap::new();
    let mut delivered = Vec::new();
    let mut after_an_hour = None;
    while delivered.len() < 48 {
        let receipt = courier.receipts.recv().await.expect("the courier runs");
        match receipt.outcome {
            Outcome::Failing { reason } => {
                assert_eq!(reason, "dead");
                *failing.entry(receipt.notice.to_string()).or_default() += 1;
                if Instant::now() + DAY > channel.well + Duration::from_secs(3_600) {
                    after_an_hour.get_or_insert_with(resident);
                }
            }
            Outcome::Delivered { .. } => delivered.push(receipt.notice.to_string()),
            Outcome::Refused { reason } => panic!("{reason}"),
        }
    }
    let grown = resident().saturating_sub(after_an_hour.expect("a day is longer than an hour"));
    assert!(grown < 4_096, "{grown} KiB more after a day than after an hour");
    // Only the first of each warning was tried, and spoken of at most once a minute.
    assert_eq!(failing.len(), 16);
    assert!(failing.values().all(|times| (1_000..=1_441).contains(times)), "{failing:?}");
    let taken = channel.taken.lock().expect("not poisoned").clone();
    assert_eq!(taken.len(), 48, "each once");
    for warning in 0..16 {
        let grade = if warning % 8 == 0 { Grade::Red } else { Grade::Yellow };
        let prefix = format!("{grade}-{warning}-");
        let mine: Vec<_> = taken.iter().filter(|(_, id)| id.starts_with(&prefix)).collect();
        let ids: Vec<_> = mine.iter().map(|(_, id)| id.clone()).collect();
        assert_eq!(ids, (1..=3).map(|n| format!("{prefix}{n}@platform")).collect::<Vec<_>>());
        let (first, limit) =
            (mine[0].0.duration_since(channel.well).as_secs(), if grade == Grade::Red { 15 } else { 60 });
        assert!(first < limit, "{prefix} first went {first} s after the channel was well");
    }
}

#[tokio::test(start_paused = true)]
async fn a_courier_holds_no_more_than_it_says() {
    let channel = DeadUntil::new(DAY);
    let AtWork { notices, mut receipts, .. } = channel.courier();
    tokio::spawn(async move { while receipts.recv().await.is_some() {} });
    // So many are held, and as many wait in the channel before it; the next one finds no room.
    for warning in 0..2 * HELD {
        notices.send(notice(&format!("W-{warning}"), 1, Grade::Blue)).await.expect("the courier listens");
    }
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(notices.capacity(), 0);
    assert!(notices.try_send(notice("W-too-many", 1, Grade::Blue)).is_err());
}

#[tokio::test(start_paused = true)]
async fn red_goes_first_and_lends_its_hurry_to_what_stands_before_it() {
    let channel = DeadUntil::new(Duration::from_secs(600));
    let mut courier = channel.courier();
    for warning in 0..20 {
        courier.send(notice(&format!("blue-{warning:02}"), 1, Grade::Blue)).await;
    }
    tokio::time::sleep(Duration::from_secs(300)).await;
    courier.send(notice("grows", 1, Grade::Yellow)).await;
    courier.send(notice("grows", 2, Grade::Red)).await;
    let mut withdrawn = bulletin::<Live>("error", 2, Grade::Blue);
    withdrawn.class = MessageClass::Cancel;
    courier.send(synced(withdrawn, 2)).await;
    for _ in 0..23 {
        courier.delivered().await;
    }
    let taken = channel.taken.lock().expect("not poisoned").clone();
    for urgent in ["grows-1", "grows-2", "error-2"] {
        let (at, _) = taken.iter().find(|(_, id)| id.starts_with(urgent)).expect("delivered");
        let lag = at.duration_since(channel.well);
        assert!(lag < Duration::from_secs(6), "{urgent} went {lag:?} after the channel was well");
    }
}

#[tokio::test(start_paused = true)]
async fn red_overtakes_other_warnings_and_a_notice_handed_out_twice_goes_once() {
    let channel = DeadUntil::new(Duration::ZERO);
    let mut courier = channel.courier();
    for warning in 0..30 {
        courier.send(notice(&format!("blue-{warning:02}"), 1, Grade::Blue)).await;
        courier.send(notice(&format!("blue-{warning:02}"), 1, Grade::Blue)).await;
    }
    // The duty loop hands out in order; should it not, the order is mended as far as it can be.
    courier.send(notice("red", 2, Grade::Red)).await;
    courier.send(notice("red", 1, Grade::Red)).await;
    for _ in 0..32 {
        courier.delivered().await;
    }
    let taken = channel.taken.lock().expect("not poisoned").clone();
    assert_eq!(taken.len(), 32);
    let place = |id: &str| taken.iter().position(|(_, taken)| taken == id).expect("delivered");
    assert!(place("red-1@platform") < 8 && place("red-2@platform") < 16, "{taken:?}");
}

/// Never comes back for some, panics for others, takes the rest.
#[derive(Debug)]
struct Moody(ChannelName);

impl Channel for Moody {
    fn name(&self) -> &ChannelName {
        &self.0
    }
    fn deliver<'a>(&'a self, parcel: Parcel<'a>) -> Delivery<'a> {
        Box::pin(async move {
            match parcel.bulletin().warning.as_str() {
                "panics" => panic!("a channel must not stop its courier"),
                warning if warning.starts_with("hangs") => std::future::pending().await,
                _ => Ok(Taken::default()),
            }
        })
    }
}

#[tokio::test(start_paused = true)]
async fn hanging_and_broken_attempts_leave_room_for_red() {
    let config = config(ChannelKind::Spool { dir: "unused".into() });
    let mut courier = AtWork::start(&Opened::new(Arc::new(Moody("platform".into())), &config));
    let start = Instant::now();
    courier.send(notice("panics", 1, Grade::Blue)).await;
    for warning in 0..30 {
        courier.send(notice(&format!("hangs-{warning}"), 1, Grade::Blue)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    courier.send(notice("goes", 1, Grade::Red)).await;
    assert_eq!(courier.delivered().await.0, "goes-1@platform");
    assert!(start.elapsed() < Duration::from_millis(200), "{:?}", start.elapsed());
}
