//! The made-up county: its stations, points, hazards, rules and channels.

use watchfire_model::attention::AttentionPolicy;
use watchfire_model::grade::{Grade, PerGrade};
use watchfire_model::id::{AreaId, HazardId, PointIx, Revision, StationIx};
use watchfire_model::ladder::{Delay, Direction};
use watchfire_model::quiet::Quiet;
use watchfire_model::rule::{Class, Hazard, Measure, Per, Reach, ReleasePolicy, Rule, Texts, Thresholds, Watch};
use watchfire_model::site::{Area, Audience, Channel, Kind, Point, Reports, Site, Station, TestMark};
use watchfire_model::time::{Span, Timestamp, Zone};
use watchfire_model::unit::Unit;

/// id, name, latitude, longitude, point, quantity, unit, thresholds, present value.
pub(crate) type Line =
    (&'static str, &'static str, f64, f64, &'static str, &'static str, &'static str, [Option<f64>; 4], f64);

pub(crate) const STATIONS: &[Line] = &[
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
        watched_by: 1,
        attention: AttentionPolicy::default(),
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
        witnesses: PerGrade::all(1),
        public_after: watchfire_model::doubt::usual(),
        max_gap: None,
        suspect_cap: Grade::Yellow,
        fast_rise: false,
        corroborate: Default::default(),
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
        logger: None,
        power: None,
        aliases: Vec::new(),
        upstream: None,
        points: vec![PointIx(at)],
    });
    let points = STATIONS.iter().zip(0_u32..).map(|(line, at)| Point {
        station: StationIx(at),
        id: line.4.into(),
        quantity: line.5.into(),
        unit: Unit::parse(line.6).expect("a unit of the model"),
        kind: if line.5 == "rain" { Kind::Increment } else { Kind::Gauge },
        interval: Span::minutes(5),
        resolution: Some(0.01),
        range: None,
        plausible: None,
        max_rate: None,
        scrutiny: None,
        sentinels: Vec::new(),
        thresholds: per(line.7),
        direction: Direction::Rising,
        reports: Reports::Interval,
        heartbeat: None,
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
        links: Vec::new(),
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
        quiet: Quiet::default(),
        channels: vec![
            channel("duty-desk", Audience::Internal, Grade::Blue),
            channel("villages", Audience::Internal, Grade::Yellow),
            channel("province", Audience::Public, Grade::Blue),
        ],
        revision: Revision("3f9c2a".to_owned()),
    }
}
