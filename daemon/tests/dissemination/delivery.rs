//! Over real HTTP: a receiver that is ill, hangs, sends elsewhere, or loses its reply (F30 to F33).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use watchfire::config::settings::ChannelKind;
use watchfire::demo::platform::{Counts, Fault, Platform};
use watchfire::dissemination::{channel, courier};
use watchfire_model::bulletin::Status;
use watchfire_model::grade::Grade;
use watchfire_model::mode::{Exercise, Live};
use watchfire_model::receipt::Outcome;

use crate::stage::{AtWork, bulletin, clock, config, listener, notice, platform_and_courier, synced};

fn status(status: u16) -> Fault {
    Fault::Status { status, retry_after: None }
}

#[tokio::test]
async fn a_notice_is_delivered_once_with_its_receipt() {
    let (platform, mut courier) = platform_and_courier().await;
    courier.send(notice("W-1", 1, Grade::Red)).await;
    let receipt = courier.receipt().await;
    assert_eq!((receipt.notice.as_str(), receipt.channel.as_str()), ("W-1-1@platform", "platform"));
    let delivered = Outcome::Delivered { reference: Some("R-000001".to_owned()), coverage: Some(0.96) };
    assert_eq!((receipt.outcome, receipt.attempts), (delivered, 1));
    assert_eq!(platform.counts(), Counts { posts: 1, unique: 1, ..Counts::default() });
    let message = &platform.received()[0].message;
    assert_eq!(message.infos[0].headline, "青石县发布洪水红色预警[Ⅰ级/特别严重]");
    assert_eq!(message.infos[0].description, "青石站水位 53.62 m,超过 53.5 m & still rising <fast>.");
    assert_eq!(message.infos[0].parameter("watchfire:grade"), Some("red"));
}

/// J2: a receiver that refuses twice, does not answer once, and then takes it.
#[tokio::test]
async fn every_attempt_is_told_with_its_time_and_its_outcome() {
    let (platform, mut courier) = platform_and_courier().await;
    platform.misbehave(Fault::Status { status: 503, retry_after: Some(1) }, 2);
    courier.send(notice("W-1", 1, Grade::Red)).await;
    let first = courier.receipt().await;
    assert!(matches!(&first.outcome, Outcome::Failing { reason } if reason.contains("503")), "{first:?}");
    assert_eq!((first.attempts, first.tried.len()), (1, 0));
    platform.until(|counts| counts.posts == 2).await;
    platform.misbehave(Fault::Hang, 1);
    let last = courier.receipt().await;
    assert_eq!((last.attempts, last.outcome.is_final()), (4, true), "{last:?}");
    let said: Vec<&str> = last.tried.iter().map(|attempt| reason(&attempt.outcome)).collect();
    let [refused, hung] = &said[..] else { panic!("two attempts were told of by no receipt: {said:?}") };
    assert!(refused.contains("503") && !hung.contains("503") && !hung.is_empty(), "{said:?}");
}

fn reason(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Failing { reason } | Outcome::Refused { reason } => reason,
        Outcome::Delivered { .. } => "",
    }
}

#[tokio::test]
async fn an_ill_receiver_gets_everything_in_order_once_it_is_well() {
    let (platform, mut courier) = platform_and_courier().await;
    platform.misbehave_for_good(status(500));
    for n in 1..=4 {
        courier.send(notice("W-red", n, Grade::Red)).await;
        courier.send(notice("W-blue", n, Grade::Blue)).await;
    }
    for ill in [502, 503, 429] {
        let posts = platform.counts().posts;
        platform.until(|counts| counts.posts >= posts + 3).await;
        platform.misbehave_for_good(status(ill));
    }
    assert_eq!(platform.counts().unique, 0);
    platform.behave();
    let well = Instant::now();
    let mut order = Vec::new();
    for _ in 0..8 {
        order.push(courier.delivered().await.0);
    }
    assert!(well.elapsed() < Duration::from_secs(15), "{:?}", well.elapsed());
    for warning in ["W-red", "W-blue"] {
        let mine: Vec<_> = order.iter().filter(|id| id.starts_with(warning)).collect();
        let expected: Vec<_> = (1..=4).map(|n| format!("{warning}-{n}@platform")).collect();
        assert_eq!(mine, expected.iter().collect::<Vec<_>>());
    }
    let counts = platform.counts();
    assert_eq!((counts.unique, counts.duplicates, counts.dangling, counts.refused), (8, 0, 0, 0));
    for ((warning, channel), identifiers) in platform.by_warning() {
        assert_eq!(channel, "platform");
        assert_eq!(identifiers, (1..=4).map(|n| format!("{warning}-{n}")).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_receiver_that_says_when_to_come_back_is_believed() {
    let (platform, mut courier) = platform_and_courier().await;
    platform.misbehave(Fault::Status { status: 429, retry_after: Some(2) }, 1);
    let start = Instant::now();
    courier.send(notice("W-1", 1, Grade::Red)).await;
    let first = courier.receipt().await;
    assert_eq!(first.outcome, Outcome::Failing { reason: "it answered 429 Too Many Requests".to_owned() });
    assert_eq!(courier.delivered().await.2, 2);
    assert!(start.elapsed() >= Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(platform.counts().posts, 2);
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_up_one_warning_and_no_other() {
    let (platform, mut courier) = platform_and_courier().await;
    platform.misbehave(Fault::Hang, 1);
    courier.send(notice("W-1", 1, Grade::Red)).await;
    platform.until(|counts| counts.posts == 1).await;
    courier.send(notice("W-2", 1, Grade::Blue)).await;
    assert_eq!(courier.delivered().await.0, "W-2-1@platform");
    let failing = courier.receipt().await;
    assert_eq!(failing.outcome, Outcome::Failing { reason: "no answer within 1 s".to_owned() });
    assert_eq!(courier.delivered().await, ("W-1-1@platform".to_owned(), "R-000002".to_owned(), 2));
}

#[tokio::test]
async fn an_answer_without_end_is_read_to_its_limit_only() {
    let (platform, mut courier) = platform_and_courier().await;
    platform.misbehave(Fault::Endless, 1);
    let start = Instant::now();
    courier.send(notice("W-1", 1, Grade::Red)).await;
    // The receipt stood before the endless blanks; it was taken, so it is not sent again.
    assert_eq!(courier.delivered().await, ("W-1-1@platform".to_owned(), "R-000001".to_owned(), 1));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    courier.send(notice("W-1", 2, Grade::Red)).await;
    assert_eq!(courier.delivered().await.0, "W-1-2@platform");
    assert_eq!(platform.counts().duplicates, 0);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (platform, mut courier) = platform_and_courier().await;
    let elsewhere = Platform::start(listener().await).expect("a platform");
    for to in [elsewhere.url(), "file:///etc/passwd".to_owned(), "//127.0.0.1:1/".to_owned()] {
        let posts = platform.counts().posts;
        platform.misbehave(Fault::Redirect(to), 1);
        courier.send(notice(&format!("W-{posts}"), 1, Grade::Red)).await;
        let failing = courier.receipt().await;
        let words = "it answered 307 Temporary Redirect: over there".to_owned();
        assert_eq!(failing.outcome, Outcome::Failing { reason: words });
        assert_eq!(courier.delivered().await.2, 2);
    }
    assert_eq!(elsewhere.counts().posts, 0);
    assert_eq!(platform.counts().unique, 3);
}

#[tokio::test]
async fn a_reply_lost_after_the_fact_makes_no_second_warning() {
    let (platform, mut courier) = platform_and_courier().await;
    platform.misbehave(Fault::Swallow, 2);
    courier.send(notice("W-1", 1, Grade::Red)).await;
    assert_eq!(courier.delivered().await, ("W-1-1@platform".to_owned(), "R-000001".to_owned(), 3));
    assert_eq!(platform.counts(), Counts { posts: 3, unique: 1, duplicates: 2, ..Counts::default() });
    assert_eq!(platform.received()[0].times, 3);
}

#[tokio::test]
async fn a_refusal_is_a_last_word_and_the_next_notice_goes_on() {
    let (platform, mut courier) = platform_and_courier().await;
    platform.misbehave(status(422), 1);
    courier.send(notice("W-1", 1, Grade::Red)).await;
    courier.send(notice("W-1", 2, Grade::Red)).await;
    let refused = courier.receipt().await;
    assert_eq!(refused.notice.as_str(), "W-1-1@platform");
    assert_eq!(refused.outcome, Outcome::Refused { reason: "it answered 422 Unprocessable Entity".to_owned() });
    assert_eq!(courier.delivered().await.0, "W-1-2@platform");
    // The receiver can tell that something it should have had is missing.
    assert_eq!(platform.counts().dangling, 1);
}

#[tokio::test]
async fn a_receiver_that_is_not_there_is_tried_until_it_is() {
    let listener = listener().await;
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let config = config(ChannelKind::CapHttp { url: format!("http://{address}/cap"), token: None });
    let mut courier = AtWork::start(&channel::open(&config, &clock()).expect("opens"));
    courier.send(notice("W-1", 1, Grade::Red)).await;
    let failing = courier.receipt().await;
    let Outcome::Failing { reason } = failing.outcome else { panic!("{:?}", failing.outcome) };
    assert!(reason.starts_with("not reached: "), "{reason}");
    let listener = tokio::net::TcpListener::bind(address).await.expect("the port is still free");
    let platform = Platform::start(listener).expect("a platform");
    assert_eq!(courier.delivered().await.0, "W-1-1@platform");
    assert_eq!(platform.counts().unique, 1);
}

#[tokio::test]
async fn a_restart_sends_what_has_no_receipt_again_under_the_same_key() {
    let (platform, courier) = platform_and_courier().await;
    platform.misbehave(Fault::Swallow, 1);
    courier.send(notice("W-1", 1, Grade::Red)).await;
    platform.until(|counts| counts.unique == 1).await;
    courier.cancel.cancel();
    courier.task.await.expect("a clean stop");
    let config = config(ChannelKind::CapHttp { url: platform.url(), token: None });
    let mut next = AtWork::start(&channel::open(&config, &clock()).expect("opens"));
    next.send(notice("W-1", 1, Grade::Red)).await;
    assert_eq!(next.delivered().await.1, "R-000001");
    assert_eq!((platform.counts().unique, platform.counts().duplicates), (1, 1));
}

#[tokio::test]
async fn a_stop_lets_the_attempt_under_way_end_and_files_its_receipt() {
    let (platform, mut courier) = platform_and_courier().await;
    platform.misbehave(Fault::Delay(Duration::from_millis(200)), 1);
    courier.send(notice("W-1", 1, Grade::Red)).await;
    platform.until(|counts| counts.posts == 1).await;
    courier.cancel.cancel();
    assert_eq!(courier.delivered().await.0, "W-1-1@platform");
    courier.task.await.expect("a clean stop");
}

#[tokio::test]
async fn a_drill_goes_where_drills_are_taken_and_says_what_it_is() {
    let platform = Platform::start(listener().await).expect("a platform");
    let mut config = config(ChannelKind::CapHttp { url: platform.url(), token: None });
    assert!(channel::open(&config, &clock()).expect("opens").drill().is_none());
    config.takes_drills = true;
    let route = channel::open(&config, &clock()).expect("opens").drill().expect("declared");
    let (notices, rx) = mpsc::channel(1);
    let (receipts, mut heard) = mpsc::channel(1);
    let run = courier::run(route, rx, receipts, clock(), Arc::new(|| 0.5), CancellationToken::new());
    let task = tokio::spawn(run);
    let mut drill = bulletin::<Exercise>("W-1", 1, Grade::Red);
    drill.status = Status::Exercise;
    notices.send(synced(drill, 1)).await.expect("the courier listens");
    // With nothing more to come, a courier that has delivered everything goes home.
    drop(notices);
    assert!(heard.recv().await.is_some_and(|receipt| receipt.outcome.is_final()));
    task.await.expect("ends by itself");
    let message = &platform.received()[0].message;
    assert_eq!((message.status.as_str(), message.note.as_str()), ("Exercise", "exercise / 演练"));
}

#[tokio::test]
async fn a_spool_holds_each_notice_as_one_whole_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = config(ChannelKind::Spool { dir: folder.path().join("out") });
    let mut courier = AtWork::start(&channel::open(&config, &clock()).expect("opens"));
    for (n, again) in [(1, false), (2, false), (1, true)] {
        courier.send(notice("W-1", n, Grade::Red)).await;
        let (_, file, _) = courier.delivered().await;
        assert_eq!(file, format!("{n:06}-W-1-{n}@platform.xml"), "again: {again}");
    }
    let mut files: Vec<_> = std::fs::read_dir(folder.path().join("out"))
        .expect("the folder is made")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("ASCII"))
        .collect();
    files.sort();
    assert_eq!(files, ["000001-W-1-1@platform.xml", "000002-W-1-2@platform.xml"]);
    let text = std::fs::read_to_string(folder.path().join("out").join(&files[1])).expect("readable");
    assert_eq!(text, watchfire::dissemination::format::cap::cap(&notice::<Live>("W-1", 2, Grade::Red).get().bulletin));
}

#[tokio::test]
async fn a_spool_folder_that_is_gone_is_tried_until_it_is_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("out");
    let config = config(ChannelKind::Spool { dir: dir.clone() });
    let mut courier = AtWork::start(&channel::open(&config, &clock()).expect("opens"));
    std::fs::remove_dir(&dir).expect("empty");
    courier.send(notice("W-1", 1, Grade::Red)).await;
    assert!(matches!(courier.receipt().await.outcome, Outcome::Failing { .. }));
    std::fs::create_dir(&dir).expect("made again");
    assert_eq!(courier.delivered().await.0, "W-1-1@platform");
}
