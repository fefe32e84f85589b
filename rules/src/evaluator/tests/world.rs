//! A small site, and a story told to its Evaluator in minutes.

use std::sync::Arc;

use watchfire_model::finding::{Change, Finding};
use watchfire_model::grade::{Grade, PerGrade, word};
use watchfire_model::id::{PointIx, Seq, StationIx};
use watchfire_model::ladder::{Delay, Direction};
use watchfire_model::quantity::{Bad, Finite};
use watchfire_model::reading::{PointState, Reading};
use watchfire_model::row::LinkChange;
use watchfire_model::rule::{Class, Measure, Per, Rule, Thresholds, Watch};
use watchfire_model::site::{Group, Kind, Point, Reports, Site, Station};
use watchfire_model::time::{Now, Span, Timestamp, Zone};
use watchfire_model::unit::Unit;

use crate::evaluator::{Evaluator, Observed};
use crate::ruleset::RuleSet;

pub(crate) const MINUTE: i64 = 60_000;

/// Blue 1, yellow 2, orange 3, red 4.
pub(crate) fn one_to_four() -> PerGrade<Option<f64>> {
    PerGrade { blue: Some(1.0), yellow: Some(2.0), orange: Some(3.0), red: Some(4.0) }
}

/// A gauge that reports once a minute.
pub(crate) fn point(station: u32, id: &str) -> Point {
    Point {
        station: StationIx(station),
        id: id.into(),
        quantity: id.into(),
        unit: Unit::parse("m").expect("a unit"),
        kind: Kind::Gauge,
        interval: Span::minutes(1),
        resolution: None,
        range: None,
        plausible: None,
        max_rate: None,
        scrutiny: None,
        sentinels: Vec::new(),
        thresholds: one_to_four(),
        direction: Direction::Rising,
        reports: Reports::Interval,
        heartbeat: None,
        stale_after: None,
        wraps_at: None,
    }
}

/// An instant rule over `quantity` with no delays and a margin of 0.1: the reduced machine of SEMANTICS §1.
pub(crate) fn rule(quantity: &str, measure: &str) -> Rule {
    Rule {
        id: "r".into(),
        aliases: Vec::new(),
        hazard: "h".into(),
        per: Per::Station,
        watch: Watch { quantity: Some(quantity.to_owned()), ..Watch::default() },
        measure: Measure::Expression(measure.to_owned()),
        unit: None,
        thresholds: Thresholds::Station,
        direction: Direction::Rising,
        lift_below: PerGrade::default(),
        lift_margin: PerGrade::all(Some(0.1)),
        raise_after: PerGrade::default(),
        lift_after: PerGrade::default(),
        hold: PerGrade::default(),
        class: Class::Instant,
        coverage: 0.0,
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
        origin: "test.toml:1".to_owned(),
    }
}

/// A site whose points are given by station: `[[stage], [stage, rain]]`, each station upstream of the one before it.
pub(crate) fn site(stations: Vec<Vec<Point>>, rules: Vec<Rule>) -> Arc<Site> {
    let mut points = Vec::new();
    let mut made = Vec::new();
    let count = stations.len();
    for (ix, own) in stations.into_iter().enumerate() {
        let first = points.len();
        points.extend(own.into_iter().map(|point| Point { station: station_ix(ix), ..point }));
        made.push(Station {
            id: format!("s{ix}").into(),
            name: format!("Station {ix}"),
            area: "a".into(),
            lat: None,
            lon: None,
            datum: None,
            gateway: None,
            logger: None,
            power: None,
            aliases: Vec::new(),
            upstream: (ix + 1 < count).then(|| station_ix(ix + 1)),
            points: (first..points.len()).map(|n| PointIx(u32::try_from(n).expect("few"))).collect(),
        });
    }
    let groups = vec![Group { name: "g".to_owned(), stations: (0..count).map(station_ix).collect() }];
    Arc::new(Site {
        name: "test".to_owned(),
        authority: "county".to_owned(),
        issuer: "i".to_owned(),
        sender: "s".to_owned(),
        contact: String::new(),
        zone: Zone::default(),
        languages: Vec::new(),
        test: None,
        areas: Vec::new(),
        stations: made,
        points,
        links: Vec::new(),
        groups,
        hazards: Vec::new(),
        rules,
        quiet: Default::default(),
        channels: Vec::new(),
        revision: Default::default(),
    })
}

fn station_ix(ix: usize) -> StationIx {
    StationIx(u32::try_from(ix).expect("few"))
}

/// An Evaluator, and everything it has said.
pub(crate) struct World {
    pub(crate) evaluator: Evaluator,
    pub(crate) findings: Vec<Finding>,
    pub(crate) seq: Seq,
    /// Whether the Evaluator is put on disk and taken back after everything that happens.
    pub(crate) restarts: bool,
}

impl World {
    pub(crate) fn new(site: Arc<Site>) -> Self {
        let rules = RuleSet::compile(site).expect("a sound site");
        Self { evaluator: Evaluator::new(Arc::new(rules)), findings: Vec::new(), seq: Seq(0), restarts: false }
    }

    /// One station with one `stage` point and one rule over it.
    pub(crate) fn of_stage(point: Point, rule: Rule) -> Self {
        Self::new(site(vec![vec![point]], vec![rule]))
    }

    fn next(&mut self) -> Seq {
        if self.restarts {
            let text = serde_json::to_string(&self.evaluator.snapshot()).expect("plain data");
            let state = serde_json::from_str(&text).expect("just written");
            self.evaluator = Evaluator::restore(Arc::clone(self.evaluator.rules()), state);
        }
        self.seq = self.seq.next();
        self.seq
    }

    pub(crate) fn reading(&mut self, now: i64, reading: &Reading) -> Observed {
        let seq = self.next();
        self.evaluator.observe(Now::at(now), seq, reading, &mut self.findings)
    }

    /// The first point says `value`, observed and received at `minute`.
    pub(crate) fn hear(&mut self, minute: i64, value: f64) -> Observed {
        self.reading(minute * MINUTE, &said(minute, value))
    }

    /// Observed at one minute, received at another.
    pub(crate) fn hear_late(&mut self, observed: i64, received: i64, value: f64) -> Observed {
        let reading = Reading { received_at: Timestamp(received * MINUTE), ..said(observed, value) };
        self.reading(received * MINUTE, &reading)
    }

    pub(crate) fn hear_state(&mut self, minute: i64, value: f64, state: PointState) -> Observed {
        self.reading(minute * MINUTE, &Reading { state, ..said(minute, value) })
    }

    pub(crate) fn hear_bad(&mut self, minute: i64, bad: Bad) -> Observed {
        self.reading(minute * MINUTE, &Reading { value: Err(bad), ..said(minute, 0.0) })
    }

    pub(crate) fn tick(&mut self, minute: i64) {
        let seq = self.next();
        self.evaluator.tick(Now::at(minute * MINUTE), seq, &mut self.findings);
    }

    pub(crate) fn link(&mut self, minute: i64, up: bool) {
        let seq = self.next();
        let change = LinkChange {
            source: "broker".into(),
            up,
            since: Timestamp(minute * MINUTE),
            points: vec![PointIx(0)],
            reason: String::new(),
            gap: false,
        };
        self.evaluator.link(Now::at(minute * MINUTE), seq, &change, &mut self.findings);
    }

    pub(crate) fn judged(&self) -> Option<Grade> {
        self.evaluator.subjects().next().expect("one subject").judged
    }

    /// Grades entered and left, as `minute:from>to`.
    pub(crate) fn story(&self) -> String {
        let told = self.findings.iter().filter(|f| matches!(f.change, Change::Raised | Change::Lifted));
        let told = told.map(|f| format!("{}:{}>{}", f.at.0 / MINUTE, word(f.from), word(f.judged)));
        told.collect::<Vec<_>>().join(" ")
    }

    /// The kinds of change since `from`, with the evidence of those that are about it.
    pub(crate) fn changes(&self, from: usize) -> Vec<String> {
        let tell = |f: &Finding| match f.change {
            Change::Evidence | Change::LostWhileRising => format!("{:?} {:?}", f.change, f.evidence),
            Change::Raised
            | Change::Lifted
            | Change::Pending
            | Change::MissedCrossing
            | Change::Verify
            | Change::Retracted
            | Change::Rewritten
            | Change::OverInCalibration
            | Change::Proven => {
                format!("{:?} {}", f.change, word(f.judged))
            }
        };
        self.findings.iter().skip(from).map(tell).collect()
    }
}

/// What the first point says at a minute.
pub(crate) fn said(minute: i64, value: f64) -> Reading {
    Reading {
        point: PointIx(0),
        observed_at: Timestamp(minute * MINUTE),
        received_at: Timestamp(minute * MINUTE),
        value: Finite::new(value),
        state: PointState::Normal,
        retained: false,
    }
}

/// A delay of so many samples or so many minutes, whichever is first.
pub(crate) fn delay(samples: Option<u32>, minutes: Option<i64>) -> Delay {
    Delay { samples, span: minutes.map(Span::minutes), ..Delay::NONE }
}
