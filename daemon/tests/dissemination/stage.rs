//! What the tests share: bulletins, notices that count as synced, and a courier at work.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use watchfire::config::settings::{ChannelConfig, ChannelKind};
use watchfire::demo::platform::Platform;
use watchfire::dissemination::channel::{self, Opened};
use watchfire::dissemination::courier;
use watchfire::dissemination::pace::Jitter;
use watchfire_connectors::intake::WallClock;
use watchfire_model::bulletin::{Bulletin, BulletinArea, Measured, MessageClass, Notice, Reference, Status, Text};
use watchfire_model::durable::{Durable, Synced};
use watchfire_model::grade::Grade;
use watchfire_model::mode::{Live, Mode};
use watchfire_model::receipt::{Outcome, Receipt};
use watchfire_model::site::Audience;
use watchfire_model::time::Timestamp;

/// 2026-08-01T06:32:07Z, where every clock of these tests stands.
pub(crate) const NOW: Timestamp = Timestamp(1_785_565_927_000);

/// The `n`-th bulletin of a warning.
pub(crate) fn bulletin<M: Mode>(warning: &str, n: u64, grade: Grade) -> Bulletin {
    let id = |n: u64| format!("{warning}-{n}").as_str().into();
    let text = |language: &str, event: &str, headline: &str| Text {
        language: language.to_owned(),
        event: event.to_owned(),
        headline: headline.to_owned(),
        description: "青石站水位 53.62 m,超过 53.5 m & still rising <fast>.".to_owned(),
        instruction: "转移低洼地带群众。".to_owned(),
    };
    Bulletin {
        id: id(n),
        sender: "watchfire.example".to_owned(),
        warning: warning.into(),
        version: n,
        class: if n == 1 { MessageClass::Issue } else { MessageClass::Continue },
        mode: M::TAG,
        status: Status::Test,
        audience: Audience::Public,
        grade,
        hazard: "river_flood".into(),
        sent: NOW,
        effective: NOW,
        onset: Timestamp(NOW.0 - 60_000),
        expires: Timestamp(NOW.0 + 21_600_000),
        references: (1..n)
            .map(|n| Reference { sender: "watchfire.example".to_owned(), id: id(n), sent: NOW })
            .collect(),
        note: None,
        evidence_lost: None,
        event_code: "11A01".to_owned(),
        categories: vec!["Met".to_owned()],
        response_type: "Evacuate".to_owned(),
        urgency: "Immediate".to_owned(),
        certainty: "Observed".to_owned(),
        issuer: "青石县防汛抗旱指挥部".to_owned(),
        contact: "0000-12345678".to_owned(),
        offset_seconds: 28_800,
        texts: vec![
            text("zh-CN", "洪水", "青石县发布洪水红色预警[Ⅰ级/特别严重]"),
            text("en-US", "Flood", "Red flood warning"),
        ],
        area: BulletinArea {
            id: "430000000000".into(),
            name: "青石县城关镇".to_owned(),
            polygons: vec![vec![(25.1, 111.5), (25.3, 111.5), (25.3, 111.7), (25.1, 111.5)]],
        },
        measured: vec![Measured {
            rule: "river-stage".into(),
            subject: "qingshi".into(),
            name: "青石站".to_owned(),
            grade: Some(grade),
            value: Some(53.62),
            threshold: Some(53.5),
            unit: "m".to_owned(),
            at: NOW,
        }],
    }
}

/// The `n`-th notice of a warning, as if a log had synced it.
pub(crate) fn notice<M: Mode>(warning: &str, n: u64, grade: Grade) -> Durable<Notice<M>> {
    synced(bulletin::<M>(warning, n, grade), n)
}

/// A bulletin on its way through `platform`, as if a log had synced it.
pub(crate) fn synced<M: Mode>(bulletin: Bulletin, order: u64) -> Durable<Notice<M>> {
    let id = format!("{}@platform", bulletin.id).as_str().into();
    let notice = Notice::new(id, "platform".into(), bulletin, order).expect("made in this mode");
    Durable::new(notice, &Synced::by_this_log())
}

/// A channel's configuration for tests: 1 s for an attempt.
pub(crate) fn config(kind: ChannelKind) -> ChannelConfig {
    ChannelConfig {
        name: "platform".into(),
        kind,
        audience: Audience::Public,
        from_grade: Grade::Blue,
        takes_drills: false,
        timeout: Duration::from_secs(1),
        retry_cap: Duration::from_secs(60),
    }
}

/// A clock that stands still.
pub(crate) fn clock() -> WallClock {
    Arc::new(|| NOW)
}

/// A listener on a free port of loopback.
pub(crate) async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port")
}

/// A platform and a courier that carries CAP to it.
pub(crate) async fn platform_and_courier() -> (Platform, AtWork) {
    let platform = Platform::start(listener().await).expect("a platform");
    let config = config(ChannelKind::CapHttp { url: platform.url(), token: None });
    let courier = AtWork::start(&channel::open(&config, &clock()).expect("opens"));
    (platform, courier)
}

/// A courier at work.
pub(crate) struct AtWork {
    pub(crate) notices: mpsc::Sender<Durable<Notice<Live>>>,
    pub(crate) receipts: mpsc::Receiver<Receipt>,
    pub(crate) cancel: CancellationToken,
    pub(crate) task: JoinHandle<()>,
}

impl AtWork {
    /// Half of every longest pause is waited, so that a test takes no longer than its story.
    pub(crate) fn start(opened: &Opened) -> Self {
        Self::start_with(opened, Arc::new(|| 0.5))
    }

    pub(crate) fn start_with(opened: &Opened, jitter: Jitter) -> Self {
        let (notices, rx) = mpsc::channel(courier::HELD);
        let (tx, receipts) = mpsc::channel(64);
        let cancel = CancellationToken::new();
        let run = courier::run(opened.live(), rx, tx, clock(), jitter, cancel.clone());
        Self { notices, receipts, cancel, task: tokio::spawn(run) }
    }

    pub(crate) async fn send(&self, notice: Durable<Notice<Live>>) {
        self.notices.send(notice).await.expect("the courier listens");
    }

    /// The next receipt.
    pub(crate) async fn receipt(&mut self) -> Receipt {
        let receipt = tokio::time::timeout(Duration::from_secs(150), self.receipts.recv());
        receipt.await.expect("a receipt while there is something to say").expect("the courier runs")
    }

    /// The next receipt that is a last word.
    pub(crate) async fn last_word(&mut self) -> Receipt {
        loop {
            let receipt = self.receipt().await;
            if receipt.outcome.is_final() {
                return receipt;
            }
        }
    }

    /// The next last word, which is that it was delivered: the notice, the receiver's reference, the attempts.
    pub(crate) async fn delivered(&mut self) -> (String, String, u32) {
        let Receipt { notice, attempts, outcome, .. } = self.last_word().await;
        let Outcome::Delivered { reference, .. } = outcome else { panic!("{notice} is {outcome:?}") };
        (notice.to_string(), reference.unwrap_or_default(), attempts)
    }
}
