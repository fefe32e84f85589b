//! A made-up county in trouble, for looking at: views with every state that a screen must show, and a duty officer's
//! desk that answers as the real one does, so that acts can be tried on it.

mod night;
mod officer;
mod site;

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use watchfire::outlooks::Outlooks;
use watchfire::views::{Asked, DeskView, InForce, Latest, LatestTable, Views};
use watchfire::vigil::Vigil;
use watchfire_connectors::health::{Complaint, SourceHealth};
use watchfire_model::alarm::{Alarm, AlarmKey};
use watchfire_model::attention::{Attention, Latching};
use watchfire_model::bulletin::{Bulletin, BulletinArea, Measured, MessageClass, Status, Text};
use watchfire_model::finding::{Cause, Evidence};
use watchfire_model::grade::Grade;
use watchfire_model::id::{BulletinId, ChannelName, NoticeId, PersonId, PointIx, SourceName, WarningId};
use watchfire_model::mode::ModeTag;
use watchfire_model::quality::{Checks, Flag};
use watchfire_model::reading::PointState;
use watchfire_model::receipt::{Outcome, Receipt};
use watchfire_model::rule::Release;
use watchfire_model::site::{Audience, Site};
use watchfire_model::time::{Now, Span, Steady, Timestamp};
use watchfire_model::warning::{Ending, Entry, NoticeStatus, Publication, RaisedBy, Waiting, Warning, What};
use watchfire_rules::ruleset::RuleSet;

pub(crate) use night::Night;
pub(crate) use officer::obey;
use site::{STATIONS, site};

/// When the county is looked at: 2026-08-01 03:12:07 at +08:00.
pub(crate) const NOW: Timestamp = Timestamp(1_785_525_127_000);

fn alarm(site: &Site, rule: &str, station: &str, grade: Option<Grade>, threshold: Option<f64>) -> Alarm {
    let at = STATIONS.iter().position(|line| line.0 == station).expect("a station above");
    let line = &STATIONS[at];
    let hazard = site.rules.iter().find(|known| known.id.as_str() == rule).expect("a rule above").hazard.clone();
    let cause = |minutes: i64, less: f64| Cause {
        station: line.0.into(),
        point: line.4.into(),
        at: NOW - Span::minutes(minutes),
        value: line.8 - less,
        flag: Flag::Good,
        checks: Checks::NONE,
    };
    Alarm {
        key: AlarmKey { rule: rule.into(), subject: station.into() },
        hazard,
        area: site.stations[at].area.clone(),
        name: line.1.to_owned(),
        judged: grade,
        pending: None,
        override_by: None,
        evidence: Evidence::Good,
        evidence_since: NOW - Span::hours(9),
        lost_rising: None,
        incident: None,
        attention: grade.map_or(Attention::Quiet, |_| Attention::Unacked { since: NOW - Span::minutes(3) }),
        fault_attention: Attention::Quiet,
        latch: grade,
        latching: Latching::UntilAck,
        fault_latch: None,
        fault_latching: Latching::None,
        realarm_at: None,
        realarms: 0,
        assigned: None,
        swings: Vec::new(),
        chatters_until: None,
        suppressed: Vec::new(),
        asked_out: None,
        orphaned: None,
        held_over: None,
        onset: NOW - Span::minutes(64),
        at: NOW - Span::minutes(3),
        changed_at: NOW - Span::minutes(3),
        heard_at: None,
        value: Some(line.8),
        threshold,
        unit: line.6.to_owned(),
        causes: vec![cause(0, 0.0), cause(5, 0.06)],
        doubt: None,
        doubted_until: None,
        version: 4,
        worse_at: 4,
        last_n: 4,
        revision: site.revision.clone(),
    }
}

fn bulletin(
    site: &Site,
    id: &str,
    warning: &Warning,
    class: MessageClass,
    audience: Audience,
    minutes: i64,
) -> Bulletin {
    let (grade, sent) = (warning.peak, NOW - Span::minutes(minutes));
    let hazard = site.hazard(warning.hazard.as_str()).expect("a hazard above");
    let texts = hazard.texts.iter().map(|(language, words)| Text {
        language: language.clone(),
        event: words.event.clone(),
        headline: format!("{}{}{}色预警({})", site.issuer, words.event, grade.han(), grade.weight()),
        description: "青石站水位已超过保证水位并继续上涨,青石镇沿河低洼地带有进水危险。".to_owned(),
        instruction: "请沿河群众立即向高处转移,不要涉水过桥。".to_owned(),
    });
    let area = site.areas.iter().find(|area| area.id == warning.area).expect("an area above");
    Bulletin {
        id: BulletinId::from(id),
        sender: site.sender.clone(),
        warning: warning.id.clone(),
        version: warning.version,
        class,
        mode: ModeTag::Live,
        status: if site.test.is_some() { Status::Test } else { Status::Actual },
        audience,
        grade,
        hazard: warning.hazard.clone(),
        sent,
        effective: sent,
        onset: warning.onset,
        expires: sent + Span::hours(6),
        references: Vec::new(),
        note: None,
        evidence_lost: warning.evidence_lost,
        event_code: hazard.event_code.clone(),
        categories: hazard.categories.clone(),
        response_type: "Evacuate".to_owned(),
        urgency: "Immediate".to_owned(),
        certainty: "Observed".to_owned(),
        issuer: site.issuer.clone(),
        contact: site.contact.clone(),
        offset_seconds: 28_800,
        texts: texts.collect(),
        area: BulletinArea { id: area.id.clone(), name: area.name.clone(), polygons: Vec::new() },
        measured: vec![Measured {
            rule: "river-stage".into(),
            subject: "qingshi".into(),
            name: "青石站".to_owned(),
            grade: Some(grade),
            value: Some(54.47),
            threshold: Some(54.2),
            unit: "m".to_owned(),
            at: NOW - Span::minutes(3),
        }],
    }
}

fn notice(bulletin: &Bulletin, channel: &str, outcome: Option<Outcome>) -> NoticeStatus {
    let id = NoticeId::from(format!("{}-{channel}", bulletin.id));
    let receipt = outcome.map(|outcome| Receipt {
        notice: id.clone(),
        channel: ChannelName::from(channel),
        at: bulletin.sent + Span(840),
        attempts: 1,
        outcome,
        tried: Vec::new(),
    });
    NoticeStatus {
        id,
        channel: channel.into(),
        bulletin: bulletin.id.clone(),
        audience: bulletin.audience,
        issued_at: bulletin.sent,
        attempts: u32::from(receipt.is_some()),
        tried: Vec::new(),
        receipt,
    }
}

fn entry(minutes: i64, what: What, who: Option<&str>, note: &str) -> Entry {
    Entry { at: NOW - Span::minutes(minutes), what, who: who.map(PersonId::from), note: note.to_owned(), command: None }
}

fn warning(site: &Site, id: &str, grade: Option<Grade>, peak: Grade, alarm: &Alarm) -> Warning {
    Warning {
        id: WarningId::from(id),
        hazard: alarm.hazard.clone(),
        area: alarm.area.clone(),
        mode: ModeTag::Live,
        grade,
        peak,
        alarms: vec![alarm.key.clone()],
        first_out: Some(alarm.key.clone()),
        onset: alarm.onset,
        opened_at: alarm.onset + Span::seconds(2),
        raised_by: Some(RaisedBy { observed_at: alarm.onset, heard_at: alarm.onset + Span::seconds(1) }),
        version: alarm.version,
        evidence_lost: None,
        publication: Publication::None,
        waiting: None,
        correction: None,
        bulletins: Vec::new(),
        notices: Vec::new(),
        timeline: vec![entry(64, What::Opened, None, &format!("{} · {}", alarm.key.rule, site.revision))],
    }
}

/// The Desk in the small hours: one red waiting for its release, an orange held on lost evidence, a yellow out and
/// receipted, one blue, and one that is over.
pub(crate) fn desk(site: &Site) -> DeskView {
    let delivered =
        |reference: &str| Some(Outcome::Delivered { reference: Some(reference.to_owned()), coverage: None });
    let stage = alarm(site, "river-stage", "qingshi", Some(Grade::Red), Some(54.2));
    let mut red = warning(site, "W-20260801-0003", Some(Grade::Red), Grade::Red, &stage);
    let internal = bulletin(site, "B-0007", &red, MessageClass::Upgrade, Audience::Internal, 3);
    red.notices = vec![
        notice(&internal, "duty-desk", delivered("R-88120")),
        notice(
            &internal,
            "villages",
            Some(Outcome::Failing { reason: "the gateway answered 503; tried again".to_owned() }),
        ),
    ];
    red.bulletins = vec![internal];
    red.waiting = Some(Waiting {
        class: MessageClass::Issue,
        grade: Some(Grade::Red),
        version: red.version,
        needs: Release::One,
        signed: Vec::new(),
        since: NOW - Span::minutes(3),
    });
    red.timeline.extend([
        entry(41, What::Upgraded, None, "黄 → 橙 · 53.52 m ≥ 53.50 m"),
        entry(40, What::Acknowledged, Some("张三"), "已通知青石镇值班室"),
        entry(3, What::Upgraded, None, "橙 → 红 · 54.21 m ≥ 54.20 m"),
        entry(3, What::AwaitingRelease, None, ""),
        entry(3, What::Delivered, None, "duty-desk · R-88120 · 0.8 s"),
    ]);

    let mut gas = alarm(site, "mine-gas", "mine-7", Some(Grade::Orange), Some(1.0));
    gas.evidence = Evidence::NoData { since: NOW - Span::minutes(11) };
    gas.fault_attention = Attention::Unacked { since: NOW - Span::minutes(9) };
    gas.attention =
        Attention::Acked { by: "李四".into(), at: NOW - Span::minutes(8), grade: Some(Grade::Orange), version: 3 };
    let mut orange = warning(site, "W-20260801-0002", Some(Grade::Orange), Grade::Orange, &gas);
    orange.evidence_lost = Some(NOW - Span::minutes(11));
    let held = bulletin(site, "B-0006", &orange, MessageClass::Continue, Audience::Internal, 9);
    orange.notices =
        vec![notice(&held, "duty-desk", delivered("R-88117")), notice(&held, "villages", delivered("R-88118"))];
    orange.bulletins = vec![held];
    orange.timeline.extend([
        entry(11, What::EvidenceLost, None, "七矿 3204 工作面: no reading for 3 × interval; the grade is held"),
        entry(8, What::Acknowledged, Some("李四"), "工作面已停电撤人,仪表组下井"),
    ]);

    let lower = alarm(site, "river-stage", "xiaba", Some(Grade::Yellow), Some(38.0));
    let mut yellow = warning(site, "W-20260801-0001", Some(Grade::Yellow), Grade::Yellow, &lower);
    let public = bulletin(site, "B-0005", &yellow, MessageClass::Issue, Audience::Public, 55);
    yellow.publication = Publication::Released {
        bulletin: public.id.clone(),
        grade: Grade::Yellow,
        expires: public.expires,
        expires_steady: Steady(0),
    };
    yellow.notices = vec![notice(&public, "province", delivered("P-20260801-17"))];
    yellow.bulletins = vec![public];
    yellow.timeline.push(entry(55, What::Released, Some("王五"), "按预案发布"));

    let creep = alarm(site, "slope-rate", "hejia", Some(Grade::Blue), Some(2.0));
    let blue = warning(site, "W-20260731-0009", Some(Grade::Blue), Grade::Blue, &creep);

    let over = alarm(site, "river-stage", "liuxi", None, None);
    let mut ended = warning(site, "W-20260731-0004", None, Grade::Yellow, &over);
    ended.bulletins = vec![bulletin(site, "B-0002", &ended, MessageClass::AllClear, Audience::Public, 300)];
    ended.publication = Publication::Ended { how: Ending::AllClear, at: NOW - Span::minutes(300) };

    DeskView {
        version: 1,
        now: Now { wall: NOW, steady: Steady(86_400_000) },
        alarms: [stage, gas, lower, creep].map(Arc::new).into(),
        stories: Vec::new(),
        incidents: Vec::new(),
        sensors: Vec::new(),
        sensors_awaited: Vec::new(),
        watches: Arc::default(),
        warnings: [red, orange, yellow, blue, ended].map(Arc::new).to_vec(),
        unjournaled: 0,
        reloaded: None,
    }
}

/// The county's views, and what stands behind them.
pub(crate) struct County {
    /// What the interface sees.
    pub(crate) views: Views,
    /// The Desk's side of the view.
    pub(crate) desk: watch::Sender<Arc<DeskView>>,
    /// Commands on their way to the Desk.
    pub(crate) asked: mpsc::Receiver<Asked>,
}

impl County {
    /// As of [`NOW`].
    pub(crate) fn new(test: bool) -> Self {
        let site = Arc::new(site(test));
        let (desk, seen) = watch::channel(Arc::new(desk(&site)));
        let (commands, asked) = mpsc::channel(16);
        let latest = LatestTable::new(site.points.len());
        latest.write(STATIONS.iter().zip(0_u32..).map(|(line, at)| {
            let age = Span::seconds(if line.0 == "mine-7" { 47 * 60 } else { i64::from(at) * 7 });
            (PointIx(at), heard(NOW - age, line.8))
        }));
        let mqtt = Arc::new(SourceHealth::new(SourceName::from("county-broker"), "mqtt"));
        mqtt.connected.store(true, std::sync::atomic::Ordering::Relaxed);
        mqtt.readings.store(184_223, std::sync::atomic::Ordering::Relaxed);
        mqtt.last_heard.store(NOW.0 - 2_000, std::sync::atomic::Ordering::Relaxed);
        let modbus = Arc::new(SourceHealth::new(SourceName::from("mine-7-substation"), "modbus"));
        modbus.complain(Complaint {
            at: NOW - Span::minutes(11),
            whence: "mine-7-substation".to_owned(),
            reason: "the connection was refused".to_owned(),
            sample: String::new(),
        });
        let in_force = InForce { site: Arc::clone(&site), since: NOW, refused: None };
        let vigil = Vigil::over(Arc::new(RuleSet::compile(Arc::clone(&site)).expect("the county's rules are sound")));
        let views = Views {
            outlooks: Arc::new(Outlooks::of(std::iter::empty())),
            site,
            in_force: watch::channel(Arc::new(in_force)).1,
            // Nobody reloads a county that is only looked at.
            reloads: mpsc::channel(1).0,
            desk: seen,
            latest: Arc::new(latest),
            costs: Arc::clone(vigil.costs()),
            sources: vec![mqtt, modbus],
            commands,
            series_path: std::path::PathBuf::new(),
        };
        Self { views, desk, asked }
    }
}

/// A good reading.
pub(crate) fn heard(at: Timestamp, value: f64) -> Latest {
    Latest {
        observed_at: at,
        received_at: at,
        value: Ok(value),
        flag: Flag::Good,
        checks: Checks::NONE,
        state: PointState::Normal,
    }
}
