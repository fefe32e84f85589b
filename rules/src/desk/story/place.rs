//! Where the stories happen: four stations of two areas along one river, with a public and an internal rule.

use watchfire_model::{
    attention::AttentionPolicy,
    grade::{Grade, PerGrade},
    id::{AreaId, ChannelName, HazardId, PointIx, Revision, StationIx},
    ladder::Direction,
    quiet::Quiet,
    rule::{Class, Hazard, Measure, Per, Reach, Release, ReleasePolicy, Rule, Texts, Thresholds, Watch},
    site::{Area, Audience, Channel, Kind, Point, Reports, Site, Station, TestMark},
    time::{Span, Timestamp, Zone},
    unit::Unit,
};

fn station(id: &str, name: &str, area: &str, point: u32) -> Station {
    Station {
        id: id.into(),
        name: name.to_owned(),
        area: area.into(),
        lat: None,
        lon: None,
        datum: None,
        gateway: None,
        logger: None,
        power: None,
        aliases: Vec::new(),
        upstream: None,
        points: vec![PointIx(point)],
    }
}

fn stage(station: u32) -> Point {
    Point {
        station: StationIx(station),
        id: "stage".into(),
        quantity: "stage".into(),
        unit: Unit::parse("m").expect("metres are a unit"),
        kind: Kind::Gauge,
        interval: Span::minutes(5),
        resolution: None,
        range: None,
        plausible: None,
        max_rate: None,
        scrutiny: None,
        sentinels: Vec::new(),
        thresholds: PerGrade::default(),
        direction: Direction::Rising,
        reports: Reports::Interval,
        heartbeat: None,
        stale_after: None,
        wraps_at: None,
    }
}

pub(in crate::desk) fn rule(id: &str, hazard: &str) -> Rule {
    Rule {
        id: id.into(),
        aliases: Vec::new(),
        hazard: hazard.into(),
        per: Per::Station,
        watch: Watch::default(),
        measure: Measure::Expression("stage".to_owned()),
        unit: Unit::parse("m"),
        thresholds: Thresholds::Inline(PerGrade::from_fn(|grade| Some(level(Some(grade))))),
        direction: Direction::Rising,
        lift_below: PerGrade::default(),
        lift_margin: PerGrade::default(),
        raise_after: PerGrade::default(),
        lift_after: PerGrade::default(),
        hold: PerGrade::default(),
        class: Class::Ordinary,
        coverage: 0.8,
        enough: None,
        witnesses: PerGrade::all(1),
        public_after: watchfire_model::doubt::usual(),
        max_gap: None,
        suspect_cap: Grade::Yellow,
        fast_rise: false,
        corroborate: Default::default(),
        response: "巡堤查险,转移低洼地带群众".to_owned(),
        consequence: "低洼地带受淹".to_owned(),
        time_to_respond: None,
        shadow: false,
        origin: "story".to_owned(),
    }
}

pub(in crate::desk) fn hazard(id: &str, reach: Reach) -> Hazard {
    let chinese = Texts {
        event: "洪水".to_owned(),
        headline: "{issuer}发布{hazard}{grade}色预警[{numeral}级/{weight}]".to_owned(),
        description: "{area}{stations}水位{value}{unit},超过{threshold}{unit}。".to_owned(),
        instruction: PerGrade::all("{response}。".to_owned()),
        all_clear: "{issuer}解除{hazard}{grade}色预警[{numeral}级/{weight}]".to_owned(),
        cancelled: "{issuer}撤销{hazard}{grade}色预警[{numeral}级/{weight}]".to_owned(),
    };
    let english = Texts {
        event: "flood".to_owned(),
        headline: "{issuer} issues {grade} {hazard} warning".to_owned(),
        description: "Stage {value} {unit} at {stations}, over {threshold} {unit}.".to_owned(),
        instruction: PerGrade::all("Leave low ground.".to_owned()),
        all_clear: String::new(),
        cancelled: String::new(),
    };
    Hazard {
        id: id.into(),
        event_code: "11A01".to_owned(),
        categories: vec!["Met".to_owned()],
        response_type: PerGrade::all("Prepare".to_owned()),
        class: Class::Ordinary,
        reach,
        release: ReleasePolicy::default(),
        expires_after: PerGrade::all(Span::hours(10)),
        acknowledge_within: PerGrade {
            blue: Span::minutes(30),
            yellow: Span::minutes(10),
            orange: Span::minutes(5),
            red: Span::minutes(3),
        },
        hold_max: PerGrade {
            blue: Some(Span::hours(6)),
            yellow: Some(Span::hours(12)),
            orange: Some(Span::hours(24)),
            red: None,
        },
        watched_by: 1,
        attention: AttentionPolicy { reack: PerGrade::default(), flapping: None, ..AttentionPolicy::default() },
        texts: vec![("zh-CN".to_owned(), chinese), ("en-US".to_owned(), english)],
    }
}

/// Stations `a`, `b`, `c` in one area and `x` in another; rules `stage` (public) and `seep` (internal); one channel for
/// those on duty, one for the public from blue, one for the public from orange.
pub(in crate::desk) fn site() -> Site {
    let area = |id: &str, name: &str| Area {
        id: AreaId::from(id),
        name: name.to_owned(),
        polygons: vec![vec![(25.0, 111.0), (25.0, 112.0), (26.0, 112.0), (25.0, 111.0)]],
        population: None,
    };
    let channel = |name: &str, audience, from_grade| Channel {
        name: ChannelName::from(name),
        audience,
        from_grade,
        takes_drills: name == "duty",
    };
    Site {
        name: "青石".to_owned(),
        authority: "county".to_owned(),
        issuer: "青石县防汛抗旱指挥部".to_owned(),
        sender: "qingshi.example, 防汛".replace([',', ' '], ""),
        contact: "0739-5550123".to_owned(),
        zone: Zone { name: "Asia/Shanghai".to_owned(), offsets: vec![(Timestamp(0), 28_800)] },
        languages: vec!["zh-CN".to_owned(), "en-US".to_owned()],
        test: None,
        areas: vec![area("431100000000", "青石镇"), area("431200000000", "上游乡")],
        stations: vec![
            station("a", "青石站", "431100000000", 0),
            station("b", "桥头站", "431100000000", 1),
            station("c", "坝下站", "431100000000", 2),
            station("x", "源头站", "431200000000", 3),
        ],
        points: (0..4).map(stage).collect(),
        links: Vec::new(),
        groups: Vec::new(),
        hazards: vec![hazard("river_flood", Reach::Public), hazard("seepage", Reach::Internal)],
        rules: vec![rule("stage", "river_flood"), rule("seep", "seepage")],
        quiet: Quiet::default(),
        channels: vec![
            channel("duty", Audience::Internal, Grade::Blue),
            channel("board", Audience::Public, Grade::Blue),
            channel("siren", Audience::Public, Grade::Orange),
        ],
        revision: Revision::default(),
    }
}

/// A site where nothing waits for a signature except what always does.
pub(in crate::desk) fn automatic() -> Site {
    let mut site = site();
    for hazard in &mut site.hazards {
        let auto = PerGrade::all(Release::Auto);
        hazard.release = ReleasePolicy { raise: auto, lower: auto, end: auto };
    }
    site
}

/// The demo's site: automatic, and marked so.
pub(in crate::desk) fn demo() -> Site {
    let test = Some(TestMark { mark: "【演示】".to_owned(), note: "demonstration".to_owned() });
    Site { test, ..automatic() }
}

/// The hazard of a story's public rule.
pub(in crate::desk) fn flood(site: &mut Site) -> &mut Hazard {
    let flood = HazardId::from("river_flood");
    site.hazards.iter_mut().find(|hazard| hazard.id == flood).expect("the story's own")
}

/// Where a grade begins, in metres.
pub(in crate::desk) fn level(grade: Option<Grade>) -> f64 {
    40.0 + grade.map_or(0.0, |grade| f64::from(grade.level()) * 2.5)
}
