//! A made-up county in trouble, for looking at: views with every state that a screen must show, and a duty officer's
//! desk that answers as the real one does (unknown, stale, nothing waits), so that acts can be tried on it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::sync::{mpsc, watch};
use watchfire::api::{History, HistoryError, Sample};
use watchfire::views::{Asked, DeskView, Latest, LatestTable, Views};
use watchfire_connectors::health::{Complaint, SourceHealth};
use watchfire_model::alarm::{Alarm, AlarmKey, Attention};
use watchfire_model::bulletin::{Bulletin, BulletinArea, Measured, MessageClass, Status, Text};
use watchfire_model::command::{Act, Refusal};
use watchfire_model::finding::{Cause, Evidence};
use watchfire_model::grade::{Grade, PerGrade};
use watchfire_model::id::{
    AreaId, BulletinId, ChannelName, HazardId, NoticeId, PersonId, PointIx, Revision, SourceName, StationIx, WarningId,
};
use watchfire_model::ladder::{Delay, Direction};
use watchfire_model::mode::ModeTag;
use watchfire_model::quality::{Checks, Flag};
use watchfire_model::reading::PointState;
use watchfire_model::receipt::{Outcome, Receipt};
use watchfire_model::rule::{
    Class, Hazard, Measure, Per, Reach, Release, ReleasePolicy, Rule, Texts, Thresholds, Watch,
};
use watchfire_model::site::{Area, Audience, Channel, Kind, Point, Reports, Site, Station, TestMark};
use watchfire_model::time::{Now, Span, Steady, Timestamp, Zone};
use watchfire_model::unit::Unit;
use watchfire_model::warning::{Ending, Entry, NoticeStatus, Publication, Waiting, Warning, What};

/// When the county is looked at: 2026-08-01 03:12:07 at +08:00.
pub(crate) const NOW: Timestamp = Timestamp(1_785_525_127_000);

/// id, name, latitude, longitude, point, quantity, unit, thresholds, present value.
type Line = (&'static str, &'static str, f64, f64, &'static str, &'static str, &'static str, [Option<f64>; 4], f64);

const STATIONS: &[Line] = &[
    (
        "qingshi",
        "青石站",
        25.21,
        111.62,
        "stage",
        "stage",
        "m",
        [Some(51.2), Some(52.0), Some(53.5), Some(54.2)],
        54.47,
    ),
    ("xiaba", "下坝站", 25.13, 111.71, "stage", "stage", "m", [None, Some(38.0), Some(39.2), Some(40.0)], 38.31),
    ("liuxi", "柳溪站", 25.33, 111.52, "stage", "stage", "m", [None, Some(71.0), Some(72.4), None], 68.02),
    ("longtan", "龙潭雨量站", 25.29, 111.55, "rain", "rain", "mm", [None, None, None, None], 12.5),
    ("yunling", "云岭雨量站", 25.36, 111.44, "rain", "rain", "mm", [None, None, None, None], 9.0),
    (
        "mine-7",
        "七矿 3204 工作面",
        25.18,
        111.80,
        "methane",
        "methane",
        "%CH4",
        [None, Some(0.8), Some(1.0), Some(1.5)],
        1.12,
    ),
    (
        "hejia",
        "何家坡",
        25.27,
        111.68,
        "displacement",
        "displacement",
        "mm/d",
        [Some(2.0), Some(5.0), Some(10.0), Some(20.0)],
        2.4,
    ),
];

fn per([blue, yellow, orange, red]: [Option<f64>; 4]) -> PerGrade<Option<f64>> {
    PerGrade { blue, yellow, orange, red }
}

fn hazard(id: &str, zh: &str, en: &str, code: &str) -> Hazard {
    let texts = |event: &str| Texts { event: event.to_owned(), ..Texts::default() };
    Hazard {
        id: HazardId::from(id),
        event_code: code.to_owned(),
        categories: vec!["Met".to_owned()],
        response_type: PerGrade::all("Prepare".to_owned()),
        class: Class::Ordinary,
        reach: Reach::Public,
        release: ReleasePolicy::default(),
        expires_after: PerGrade::all(Span::hours(6)),
        acknowledge_within: PerGrade::all(Span::minutes(5)),
        hold_max: PerGrade::all(None),
        texts: vec![("zh-CN".to_owned(), texts(zh)), ("en-US".to_owned(), texts(en))],
    }
}

fn rule(id: &str, hazard: &str, quantity: &str, measure: &str) -> Rule {
    Rule {
        id: id.into(),
        aliases: Vec::new(),
        hazard: hazard.into(),
        per: Per::Station,
        watch: Watch { quantity: Some(quantity.to_owned()), ..Watch::default() },
        measure: Measure::Expression(measure.to_owned()),
        unit: None,
        thresholds: Thresholds::Station,
        direction: Direction::Rising,
        lift_below: PerGrade::all(None),
        lift_margin: PerGrade::all(Some(0.05)),
        raise_after: PerGrade::all(Delay::NONE),
        lift_after: PerGrade::all(Span::hours(1)),
        hold: PerGrade::all(Span::ZERO),
        class: Class::Ordinary,
        coverage: 0.85,
        enough: None,
        max_gap: None,
        suspect_cap: Grade::Yellow,
        response: "巡堤查险,转移低洼地带群众".to_owned(),
        consequence: "青石镇沿河低洼地带进水".to_owned(),
        time_to_respond: Some(Span::minutes(30)),
        shadow: false,
        origin: "rules.toml:1".to_owned(),
    }
}

/// The county.
pub(crate) fn site(test: bool) -> Site {
    let stations = STATIONS.iter().zip(0_u32..).map(|(line, at)| Station {
        id: line.0.into(),
        name: line.1.to_owned(),
        area: AreaId::from(if line.0 == "xiaba" { "431124101000" } else { "431124000000" }),
        lat: Some(line.2),
        lon: Some(line.3),
        datum: Some("1985".to_owned()),
        gateway: None,
        upstream: None,
        points: vec![PointIx(at)],
    });
    let points = STATIONS.iter().zip(0_u32..).map(|(line, at)| Point {
        station: StationIx(at),
        id: line.4.into(),
        quantity: line.5.to_owned(),
        unit: Unit::parse(line.6).expect("a unit of the model"),
        kind: if line.5 == "rain" { Kind::Increment } else { Kind::Gauge },
        interval: Span::minutes(5),
        resolution: Some(0.01),
        range: None,
        plausible: None,
        max_rate: None,
        flat_after: None,
        sentinels: Vec::new(),
        thresholds: per(line.7),
        direction: Direction::Rising,
        reports: Reports::Interval,
        stale_after: None,
        wraps_at: None,
    });
    let area = |id: &str, name: &str| Area {
        id: id.into(),
        name: name.to_owned(),
        polygons: Vec::new(),
        population: Some(41_000),
    };
    let channel =
        |name: &str, audience, from_grade| Channel { name: name.into(), audience, from_grade, takes_drills: false };
    Site {
        name: "青石县监测预警中心".to_owned(),
        authority: "county".to_owned(),
        issuer: "青石县防汛抗旱指挥部".to_owned(),
        sender: "watch@qingshi.example".to_owned(),
        contact: "0746-0000000".to_owned(),
        zone: Zone { name: "Asia/Shanghai".to_owned(), offsets: vec![(Timestamp(0), 28_800)] },
        languages: vec!["zh-CN".to_owned(), "en-US".to_owned()],
        test: test
            .then(|| TestMark { mark: "【演示】".to_owned(), note: "demonstration on recorded data".to_owned() }),
        areas: vec![area("431124000000", "青石镇沿河"), area("431124101000", "下坝乡")],
        stations: stations.collect(),
        points: points.collect(),
        groups: Vec::new(),
        hazards: vec![
            hazard("river_flood", "洪水", "river flood", "11A01"),
            hazard("mine_gas", "矿井瓦斯", "mine gas", "12B01"),
            hazard("landslide", "滑坡", "landslide", "11D01"),
        ],
        rules: vec![
            rule("river-stage", "river_flood", "stage", "stage"),
            rule("mine-gas", "mine_gas", "methane", "methane"),
            rule("slope-rate", "landslide", "displacement", "displacement"),
        ],
        channels: vec![
            channel("duty-desk", Audience::Internal, Grade::Blue),
            channel("villages", Audience::Internal, Grade::Yellow),
            channel("province", Audience::Public, Grade::Blue),
        ],
        revision: Revision("3f9c2a".to_owned()),
    }
}

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
        attention: grade.map_or(Attention::Quiet, |_| Attention::Unacked { since: NOW - Span::minutes(3) }),
        fault_attention: Attention::Quiet,
        latch: grade,
        onset: NOW - Span::minutes(64),
        at: NOW - Span::minutes(3),
        changed_at: NOW - Span::minutes(3),
        value: Some(line.8),
        threshold,
        unit: line.6.to_owned(),
        causes: vec![cause(0, 0.0), cause(5, 0.06)],
        version: 4,
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
    });
    NoticeStatus {
        id,
        channel: channel.into(),
        bulletin: bulletin.id.clone(),
        audience: bulletin.audience,
        issued_at: bulletin.sent,
        attempts: u32::from(receipt.is_some()),
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
        onset: alarm.onset,
        opened_at: alarm.onset + Span::seconds(2),
        version: alarm.version,
        evidence_lost: None,
        publication: Publication::None,
        waiting: None,
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
        alarms: vec![stage, gas, lower, creep],
        warnings: [red, orange, yellow, blue, ended].map(Arc::new).to_vec(),
        unjournaled: 0,
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
        let views = Views {
            site,
            desk: seen,
            latest: Arc::new(latest),
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

/// Answers one command as the Desk does, and publishes what it did. The same command twice is one act.
pub(crate) fn obey(
    done: &mut BTreeMap<String, Result<(), Refusal>>,
    desk: &watch::Sender<Arc<DeskView>>,
    asked: Asked,
) {
    let command = asked.command;
    let known = done.get(command.id.as_str()).cloned();
    let answer = known.unwrap_or_else(|| {
        let mut view = DeskView::clone(&desk.borrow());
        let answer = carry_out(&mut view, &command.act, &command.who, &command.why);
        if answer.is_ok() {
            view.version += 1;
            desk.send_replace(Arc::new(view));
        }
        answer
    });
    done.insert(command.id.as_str().to_owned(), answer.clone());
    let _ = asked.answer.send(answer);
}

fn carry_out(view: &mut DeskView, act: &Act, who: &PersonId, why: &str) -> Result<(), Refusal> {
    let (id, seen, what) = match act {
        Act::Acknowledge { warning, version } => (warning, *version, What::Acknowledged),
        Act::Release { warning, version } => (warning, *version, What::Released),
        Act::Cancel { warning, version } => (warning, *version, What::Cancelled),
        Act::SetGrade { alarm, .. } => {
            return Err(Refusal::Unknown { what: "alarm".to_owned(), id: alarm.subject.as_str().to_owned() });
        }
    };
    let unknown = || Refusal::Unknown { what: "warning".to_owned(), id: id.as_str().to_owned() };
    let known = view.warnings.iter_mut().find(|warning| warning.id == *id).ok_or_else(unknown)?;
    let warning = Arc::make_mut(known);
    if seen != warning.version {
        return Err(Refusal::Stale { seen, now: warning.version });
    }
    match what {
        What::Released => {
            let waiting = warning.waiting.take();
            let waiting =
                waiting.ok_or_else(|| Refusal::NotNow { reason: "nothing waits for a signature".to_owned() })?;
            let (bulletin, grade) = (BulletinId::from("B-0008"), waiting.grade.unwrap_or(warning.peak));
            warning.publication =
                Publication::Released { bulletin, grade, expires: NOW + Span::hours(6), expires_steady: Steady(0) };
        }
        What::Cancelled => warning.publication = Publication::Ended { how: Ending::Cancelled, at: NOW },
        _ => {}
    }
    let keys = warning.alarms.clone();
    warning.timeline.push(entry(0, what, Some(who.as_str()), why));
    for alarm in view.alarms.iter_mut().filter(|alarm| keys.contains(&alarm.key)) {
        let acked = Attention::Acked { by: who.clone(), at: NOW, grade: alarm.standing(), version: alarm.version };
        alarm.attention = acked;
        alarm.fault_attention = Attention::Quiet;
    }
    Ok(())
}

/// A night of readings: each point climbs to its present value over twelve hours, with a ripple.
pub(crate) struct Night(pub(crate) Arc<Mutex<Vec<(PointIx, Sample)>>>);

impl History for Night {
    fn readings(
        &self,
        station: &str,
        _: &str,
        from: Timestamp,
        to: Timestamp,
        buckets: usize,
    ) -> Result<Vec<Sample>, HistoryError> {
        let at = STATIONS
            .iter()
            .position(|line| line.0 == station)
            .ok_or_else(|| HistoryError("no such point".to_owned()))?;
        let line = &STATIONS[at];
        let step = ((to - from).0 / i64::try_from(buckets.max(1)).unwrap_or(1)).max(60_000);
        let last = if station == "mine-7" { NOW - Span::minutes(47) } else { NOW };
        let mut samples: Vec<Sample> = (0..)
            .map(|n| Timestamp(from.0 / step * step + n * step))
            .take_while(|at| *at < to)
            .filter(|at| *at >= from && *at <= last)
            .map(|at| {
                let age = (last - at).as_hours();
                let rise = 1.0 / (1.0 + (age * 0.8 - 2.0).exp());
                let ripple = (age * 9.0).sin() * 0.004;
                let value = line.8 * (0.94 + 0.06 * rise / 0.88 + ripple);
                Sample { at, value: Some((value * 100.0).round() / 100.0), flag: Flag::Good }
            })
            .collect();
        let more = self.0.lock().expect("nobody panics while holding it");
        let this = more.iter().filter(|(ix, sample)| ix.index() == at && sample.at >= from && sample.at < to);
        samples.extend(this.map(|(_, sample)| *sample));
        Ok(samples)
    }
}
