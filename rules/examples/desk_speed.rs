//! How fast a Desk weighs findings with ten thousand alarms standing, and what each of them costs in memory:
//! `cargo run --release -p watchfire-rules --example desk_speed`.
#![expect(clippy::disallowed_methods, reason = "an example that measures")]

use std::sync::Arc;
use std::time::Duration;

use watchfire_model::attention::AttentionPolicy;
use watchfire_model::finding::{Change, Evidence, Finding};
use watchfire_model::grade::{Grade, PerGrade};
use watchfire_model::id::{Revision, Seq};
use watchfire_model::ladder::Direction;
use watchfire_model::mode::Live;
use watchfire_model::quiet::Quiet;
use watchfire_model::rule::{Class, Hazard, Measure, Per, Reach, ReleasePolicy, Rule, Texts, Thresholds, Watch};
use watchfire_model::site::{Area, Site, Station};
use watchfire_model::time::{Now, Span, Zone};
use watchfire_rules::desk::{Desk, Input};

const ALARMS: usize = 10_000;
const AREAS: usize = 100;
const FINDINGS: usize = 500_000;

fn site() -> Site {
    let area = |n: usize| Area {
        id: format!("area-{n}").into(),
        name: format!("area {n}"),
        polygons: Vec::new(),
        population: None,
    };
    let station = |n: usize| Station {
        id: format!("station-{n}").into(),
        name: format!("station {n}"),
        area: format!("area-{}", n % AREAS).into(),
        lat: None,
        lon: None,
        datum: None,
        gateway: None,
        logger: None,
        power: None,
        aliases: Vec::new(),
        upstream: None,
        points: Vec::new(),
    };
    let texts = Texts {
        event: "flood".to_owned(),
        headline: "{issuer} issues {grade} {hazard} warning".to_owned(),
        description: "Stage {value} {unit} at {stations}, over {threshold} {unit}.".to_owned(),
        instruction: PerGrade::all("Leave low ground.".to_owned()),
        all_clear: String::new(),
        cancelled: String::new(),
    };
    let hazard = Hazard {
        id: "river_flood".into(),
        event_code: "11A01".to_owned(),
        categories: vec!["Met".to_owned()],
        response_type: PerGrade::all("Prepare".to_owned()),
        class: Class::Ordinary,
        reach: Reach::Public,
        release: ReleasePolicy::default(),
        expires_after: PerGrade::all(Span::hours(10)),
        acknowledge_within: PerGrade::all(Span::minutes(10)),
        hold_max: PerGrade::default(),
        watched_by: 1,
        attention: AttentionPolicy::default(),
        texts: vec![("en-US".to_owned(), texts)],
    };
    let rule = Rule {
        id: "river-stage".into(),
        aliases: Vec::new(),
        hazard: hazard.id.clone(),
        per: Per::Station,
        watch: Watch::default(),
        measure: Measure::Expression("stage".to_owned()),
        unit: None,
        thresholds: Thresholds::Station,
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
        response: String::new(),
        consequence: String::new(),
        time_to_respond: None,
        shadow: false,
        origin: String::new(),
    };
    Site {
        name: "speed".to_owned(),
        authority: "province".to_owned(),
        issuer: "speed".to_owned(),
        sender: "speed.example".to_owned(),
        contact: String::new(),
        zone: Zone::default(),
        languages: vec!["en-US".to_owned()],
        test: None,
        areas: (0..AREAS).map(area).collect(),
        stations: (0..ALARMS).map(station).collect(),
        points: Vec::new(),
        links: Vec::new(),
        groups: Vec::new(),
        hazards: vec![hazard],
        rules: vec![rule],
        quiet: Quiet::default(),
        channels: Vec::new(),
        revision: Revision::default(),
    }
}

/// Each station's grade moves between blue and yellow, as a long flood does.
fn finding(count: usize) -> Finding {
    let (station, n) = (count % ALARMS, count / ALARMS + 1);
    let rises = n % 2 == 0;
    Finding {
        rule: "river-stage".into(),
        subject: format!("station-{station}").into(),
        n: u64::try_from(n).unwrap_or(u64::MAX),
        seq: Seq(u64::try_from(count).unwrap_or(u64::MAX)),
        revision: Revision::default(),
        change: if rises || n == 1 { Change::Raised } else { Change::Lifted },
        from: None,
        judged: Some(if rises { Grade::Yellow } else { Grade::Blue }),
        pending: None,
        evidence: Evidence::Good,
        at: watchfire_model::time::Timestamp(0),
        onset: watchfire_model::time::Timestamp(0),
        value: Some(4.2),
        threshold: Some(4.0),
        causes: Vec::new(),
        heard_at: None,
        doubt: None,
    }
}

/// Kilobytes of this process in memory.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0.0)
}

/// How long this thread has been on a processor; what others do on the machine is not in it.
fn busy() -> Duration {
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = schedule.split_whitespace().next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

fn main() {
    let mut desk = Desk::<Live>::new(Arc::new(site()));
    let before = resident();
    let mut now = Now::at(1_785_564_000_000);
    for count in 0..ALARMS {
        drop(desk.step(now, &Input::Finding(finding(count))));
    }
    let per_alarm = (resident() - before) * 1_024.0 / 10_000.0;
    println!("{ALARMS} alarms standing, {per_alarm:.0} bytes each");

    let findings: Vec<Input> = (ALARMS..ALARMS + FINDINGS).map(|count| Input::Finding(finding(count))).collect();
    let begun = busy();
    let mut events = 0;
    for input in &findings {
        // Ten milliseconds apart: nothing chatters, nothing falls due between.
        now = Now::at(now.wall.0 + 10);
        events += desk.step(now, input).len();
    }
    let took = (busy() - begun).as_secs_f64();
    println!("{FINDINGS} findings in {took:.2} s of a processor: {:.0} a second, {events} events", 500_000.0 / took);
}
