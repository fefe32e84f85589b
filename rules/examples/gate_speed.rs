//! How fast an Evaluator judges readings, of points that ask for nothing and of points that ask for every closer look:
//! `cargo run --release -p watchfire-rules --example gate_speed`.
#![expect(clippy::disallowed_methods, reason = "an example that measures")]

use std::sync::Arc;
use std::time::Duration;

use watchfire_model::grade::{Grade, PerGrade};
use watchfire_model::id::{PointIx, Revision, Seq, StationIx};
use watchfire_model::ladder::Direction;
use watchfire_model::quantity::Finite;
use watchfire_model::quiet::Quiet;
use watchfire_model::reading::{PointState, Reading};
use watchfire_model::rule::{Class, Measure, Per, Rule, Thresholds, Watch};
use watchfire_model::scrutiny::{
    Attenuated, Beside, Flat, Liveliness, Neighbour, Neighbours, Oscillation, Scrutiny, Season, Spike, SpikeBy,
};
use watchfire_model::site::{Kind, Point, Reports, Site, Station};
use watchfire_model::time::{Now, Span, Timestamp, Zone};
use watchfire_model::unit::Unit;
use watchfire_rules::evaluator::Evaluator;
use watchfire_rules::ruleset::RuleSet;

const POINTS: u32 = 1_000;
const ROUNDS: i64 = 2_000;

/// Every check there is, beside the two points before.
fn scrutiny(point: u32) -> Scrutiny {
    let others: Vec<PointIx> = [1, 2].into_iter().filter_map(|back| point.checked_sub(back)).map(PointIx).collect();
    let neighbour = |point: &PointIx| Neighbour { point: *point, offset: 0.0, scale: 1.0 };
    let points = others.iter().map(neighbour).collect();
    Scrutiny {
        spike: Some(Spike { by: SpikeBy::Differential, suspect: 0.5, fail: Some(2.0) }),
        flat: Some(Flat {
            tolerance: 0.01,
            suspect_after: Some(Span::hours(6)),
            stuck_after: Some(Span::hours(24)),
            beside: Some(Beside { points: others, after: Span::hours(1), moved: 0.3 }),
        }),
        attenuated: Some(Attenuated { over: Span::hours(1), by: Liveliness::Range, below: 0.001 }),
        oscillation: Some(Oscillation { over: Span::hours(1), turns: 30, swing: 0.3 }),
        climate: vec![Season { days: ((1, 1), (12, 31)), hours: (0, 24), usual: (-5.0, 5.0) }],
        neighbours: Some(Neighbours { points, suspect: 1.0 }),
        ..Scrutiny::default()
    }
}

fn site(closer: bool) -> Option<Site> {
    let unit = Unit::parse("m")?;
    let point = |n: u32| Point {
        station: StationIx(n),
        id: "stage".into(),
        quantity: "stage".into(),
        unit,
        kind: Kind::Gauge,
        interval: Span::minutes(1),
        resolution: Some(0.01),
        range: Some((-10.0, 10.0)),
        plausible: Some((-5.0, 8.0)),
        max_rate: Some((30.0, 30.0)),
        sentinels: Vec::new(),
        thresholds: PerGrade { blue: Some(4.0), yellow: Some(5.0), orange: Some(6.0), red: Some(7.0) },
        direction: Direction::Rising,
        reports: Reports::Interval,
        heartbeat: None,
        stale_after: None,
        wraps_at: None,
        scrutiny: closer.then(|| Box::new(scrutiny(n))),
    };
    let station = |n: u32| Station {
        id: format!("station-{n}").into(),
        name: format!("station {n}"),
        area: "area".into(),
        lat: None,
        lon: None,
        datum: None,
        gateway: None,
        logger: None,
        power: None,
        aliases: Vec::new(),
        upstream: None,
        points: vec![PointIx(n)],
    };
    let rule = Rule {
        id: "river-stage".into(),
        aliases: Vec::new(),
        hazard: "river_flood".into(),
        per: Per::Station,
        watch: Watch { quantity: Some("stage".to_owned()), ..Watch::default() },
        measure: Measure::Expression("stage".to_owned()),
        unit: None,
        thresholds: Thresholds::Station,
        direction: Direction::Rising,
        lift_below: PerGrade::default(),
        lift_margin: PerGrade::all(Some(0.1)),
        raise_after: PerGrade::default(),
        lift_after: PerGrade::all(Span::hours(1)),
        hold: PerGrade::default(),
        class: Class::Ordinary,
        coverage: 0.8,
        enough: None,
        max_gap: None,
        suspect_cap: Grade::Yellow,
        fast_rise: false,
        corroborate: Default::default(),
        witnesses: PerGrade::all(1),
        public_after: watchfire_model::doubt::usual(),
        response: String::new(),
        consequence: String::new(),
        time_to_respond: None,
        shadow: false,
        origin: String::new(),
    };
    Some(Site {
        name: "speed".to_owned(),
        authority: "county".to_owned(),
        issuer: "speed".to_owned(),
        sender: "speed.example".to_owned(),
        contact: String::new(),
        zone: Zone::default(),
        languages: Vec::new(),
        test: None,
        areas: Vec::new(),
        stations: (0..POINTS).map(station).collect(),
        points: (0..POINTS).map(point).collect(),
        groups: Vec::new(),
        links: Vec::new(),
        hazards: Vec::new(),
        rules: vec![rule],
        quiet: Quiet::default(),
        channels: Vec::new(),
        revision: Revision::default(),
    })
}

/// How long this thread has been on a processor; what others do on the machine is not in it.
fn busy() -> Duration {
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = schedule.split_whitespace().next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

/// A level that rises and falls by a little, each point by its own beat.
fn level(point: u32, round: i64) -> f64 {
    let beat = (round + i64::from(point) * 7) % 40;
    let step = f64::from(u8::try_from(if beat < 20 { beat } else { 40 - beat }).unwrap_or(0));
    1.0 + step / 50.0
}

fn main() {
    for (closer, what) in [(false, "nothing asked for"), (true, "every closer look")] {
        let Some(site) = site(closer) else { continue };
        let Ok(rules) = RuleSet::compile(Arc::new(site)) else { continue };
        let mut evaluator = Evaluator::new(Arc::new(rules));
        let (mut findings, mut seq) = (Vec::new(), Seq(0));
        let begun = busy();
        for round in 0..ROUNDS {
            let at = Timestamp(round * 60_000);
            for point in 0..POINTS {
                seq = seq.next();
                let reading = Reading {
                    point: PointIx(point),
                    observed_at: at,
                    received_at: at,
                    value: Finite::new(level(point, round)),
                    state: PointState::Normal,
                    retained: false,
                };
                evaluator.observe(Now::at(at.0), seq, &reading, &mut findings);
            }
            findings.clear();
        }
        let each = (busy() - begun).as_nanos() / u128::from(seq.0.max(1));
        println!("{what}: {each} ns a reading");
    }
}
