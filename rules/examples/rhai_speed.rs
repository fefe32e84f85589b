//! How fast measures in Rhai are, beside Rhai as it comes with nothing but numbers to read, and what nine windows over
//! ten thousand rain gauges take: `cargo run --release -p watchfire-rules --example rhai_speed`.
#![expect(clippy::disallowed_methods, reason = "an example that measures")]

use std::sync::Arc;

use rhai::packages::{Package, StandardPackage};
use rhai::{Dynamic, Engine, Scope};
use watchfire_model::grade::{Grade, PerGrade};
use watchfire_model::id::{PointIx, Revision, Seq, StationIx};
use watchfire_model::ladder::Direction;
use watchfire_model::quantity::Finite;
use watchfire_model::quiet::Quiet;
use watchfire_model::reading::{PointState, Reading};
use watchfire_model::rule::{Class, Measure, Per, Rule, Thresholds, Watch};
use watchfire_model::site::{Kind, Point, Reports, Site, Station};
use watchfire_model::time::{Now, Span, Timestamp, Zone};
use watchfire_model::unit::Unit;
use watchfire_rules::evaluator::Evaluator;
use watchfire_rules::ruleset::RuleSet;

const THREE: &str = "let wet = rain.sum(\"3h\");
let over = stage.last - 50.0;
if wet > 50.0 && over > 1.0 { wet + over } else { over }";

const FIFTEEN: &str = "let r1 = rain.sum(\"1h\");
let r3 = rain.sum(\"3h\");
let r24 = rain.sum(\"24h\");
let rise = stage.rise(\"1h\");
let level = stage.last;
let score = 0.0;
if r1 > 35.0 { score += 1.0; }
if r3 > 55.0 { score += 1.0; }
if r24 > 100.0 { score += 1.0; }
if rise > 0.3 { score += 1.0; }
if level > 52.0 { score += 2.0; }
let wet = r24 / 100.0 + r3 / 55.0;
if wet > 2.0 { score += wet - 2.0; }
let capped = min(score, 4.0);
max(capped, 0.0)";

/// Sixty lines: the fifteen after forty-five that each read a point and two windows.
fn sixty() -> String {
    let line = |n: u32| {
        format!(
            "let a{n} = stage.last * {n}.0 + rain.sum(\"3h\") / 7.0; if a{n} > 3.0 {{ a{n} -= stage.mean(\"1h\"); }}\n"
        )
    };
    (0..45).map(line).chain([FIFTEEN.to_owned()]).collect()
}

fn point(station: u32, id: &str, kind: Kind) -> Option<Point> {
    Some(Point {
        station: StationIx(station),
        id: id.into(),
        quantity: id.into(),
        unit: Unit::parse(if id == "rain" { "mm" } else { "m" })?,
        kind,
        interval: Span::minutes(5),
        resolution: Some(0.01),
        range: None,
        plausible: None,
        max_rate: None,
        sentinels: Vec::new(),
        thresholds: PerGrade::default(),
        direction: Direction::Rising,
        reports: Reports::Interval,
        heartbeat: None,
        stale_after: None,
        wraps_at: None,
        scrutiny: None,
    })
}

/// Stations with a stage and a rain gauge each.
fn site(stations: u32, measures: &[String]) -> Option<Site> {
    let mut points = Vec::new();
    let mut made = Vec::new();
    for n in 0..stations {
        points.extend([point(n, "stage", Kind::Gauge)?, point(n, "rain", Kind::Increment)?]);
        made.push(Station {
            id: format!("station-{n}").into(),
            aliases: Vec::new(),
            name: String::new(),
            area: "area".into(),
            lat: None,
            lon: None,
            datum: None,
            gateway: None,
            logger: None,
            power: None,
            upstream: None,
            points: vec![PointIx(2 * n), PointIx(2 * n + 1)],
        });
    }
    let rule = |(n, measure): (usize, &String)| Rule {
        id: format!("rule-{n}").into(),
        aliases: Vec::new(),
        hazard: "h".into(),
        per: Per::Station,
        watch: Watch { quantity: Some("rain".to_owned()), ..Watch::default() },
        measure: Measure::Expression(measure.clone()),
        unit: None,
        thresholds: Thresholds::Inline(PerGrade { red: Some(1e6), ..PerGrade::default() }),
        direction: Direction::Rising,
        lift_below: PerGrade::default(),
        lift_margin: PerGrade::all(Some(0.1)),
        raise_after: PerGrade::default(),
        public_after: watchfire_model::doubt::usual(),
        lift_after: PerGrade::all(Span::hours(1)),
        hold: PerGrade::default(),
        class: Class::Ordinary,
        coverage: 0.8,
        enough: None,
        witnesses: PerGrade::all(1),
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
        stations: made,
        points,
        groups: Vec::new(),
        links: Vec::new(),
        hazards: Vec::new(),
        rules: measures.iter().enumerate().map(rule).collect(),
        quiet: Quiet::default(),
        channels: Vec::new(),
        revision: Revision::default(),
    })
}

/// Nanoseconds that this thread has been on a processor; what others do on the machine is not in it.
fn busy() -> u64 {
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    schedule.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(0)
}

/// Megabytes of memory in use.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4_096 / 1_000_000
}

/// An Evaluator and how far it has come.
struct Judge {
    evaluator: Evaluator,
    stations: u32,
    round: i64,
    seq: Seq,
}

impl Judge {
    fn new(stations: u32, measures: &[String]) -> Option<Self> {
        let rules = RuleSet::compile(Arc::new(site(stations, measures)?)).ok()?;
        Some(Self { evaluator: Evaluator::new(Arc::new(rules)), stations, round: 0, seq: Seq(0) })
    }

    /// Hears so many rounds of a reading from each point.
    fn hear(&mut self, rounds: i64) {
        self.hear_with(rounds, || ());
    }

    /// The same, and does something else after each.
    fn hear_with(&mut self, rounds: i64, mut and_then: impl FnMut()) {
        let (mut findings, last) = (Vec::new(), self.round + rounds);
        while self.round < last {
            let at = Timestamp(self.round * 300_000);
            for point in 0..2 * self.stations {
                self.seq = self.seq.next();
                // Every reading differs from the one before.
                let beat = f64::from(u8::try_from((self.round * 7 + i64::from(point)) % 97).unwrap_or(0)) / 50.0;
                let reading = Reading {
                    point: PointIx(point),
                    observed_at: at,
                    received_at: at,
                    value: Finite::new(if point % 2 == 0 { 51.0 + beat } else { beat }),
                    state: PointState::Normal,
                    retained: false,
                };
                self.evaluator.observe(Now::at(at.0), self.seq, &reading, &mut findings);
                and_then();
            }
            findings.clear();
            self.round += 1;
        }
    }
}

/// Nanoseconds a turn of what takes `turns` at a time: over half a second, as a thread's time is told in steps of a few
/// milliseconds; the least of three.
fn each(turns: u64, mut work: impl FnMut()) -> u64 {
    let mut once = || {
        let (begun, mut done) = (busy(), 0);
        while busy() - begun < 500_000_000 {
            work();
            done += turns;
        }
        (busy() - begun) / done.max(1)
    };
    (0..3).map(|_| once()).min().unwrap_or(0)
}

/// Nanoseconds a reading of fifty stations, once a day of readings has filled the windows.
fn least(measures: &[String]) -> u64 {
    let Some(mut judge) = Judge::new(50, measures) else { return 0 };
    judge.hear(300);
    each(1_000, || judge.hear(10))
}

/// A point as Rhai alone knows it: a number behind each name.
#[derive(Clone)]
struct Bare(f64);

/// An evaluation in Rhai as it comes, every window being a number that is there.
fn bare(text: &str) -> Option<impl FnMut()> {
    let mut engine = Engine::new_raw();
    StandardPackage::new().register_into_engine(&mut engine);
    engine.register_type_with_name::<Bare>("point");
    for window in ["sum", "rise", "mean"] {
        engine.register_fn(window, |point: &mut Bare, _span: &str| point.0);
    }
    engine.register_get("last", |point: &mut Bare| point.0);
    engine.register_fn("min", f64::min).register_fn("max", f64::max);
    engine.set_max_operations(20_000);
    let ast = engine.compile(text).ok()?;
    let mut scope = Scope::new();
    scope.push_constant("stage", Bare(52.5)).push_constant("rain", Bare(30.0));
    Some(move || {
        let number = engine.eval_ast_with_scope::<Dynamic>(&mut scope, &ast);
        scope.rewind(2);
        drop(std::hint::black_box(number));
    })
}

/// Nanoseconds of that alone, over and over.
fn alone(text: &str) -> u64 {
    let Some(mut bare) = bare(text) else { return 0 };
    each(1_000, || (0..1_000).for_each(|_| bare()))
}

/// Nanoseconds of that with each reading that a native rule judges, as ours has to: the processor has something else to
/// remember in between. `floor` is what the reading takes.
fn beside(text: &str, native: &[String], floor: u64) -> u64 {
    let (Some(mut bare), Some(mut judge)) = (bare(text), Judge::new(50, native)) else { return 0 };
    judge.hear(300);
    each(1_000, || judge.hear_with(10, &mut bare)).saturating_sub(floor)
}

/// Nanoseconds that moving some windows takes, each in a native rule of its own, over a native rule without one.
fn moving(windows: &[&str]) -> u64 {
    let with: Vec<String> = windows.iter().map(|window| (*window).to_owned()).collect();
    let point = |window: &&str| window.split('.').next().unwrap_or_default().to_owned();
    let without: Vec<String> = windows.iter().map(point).collect();
    // A native rule looks at every second reading, the script at each.
    2 * least(&with).saturating_sub(least(&without))
}

fn main() {
    // What a reading costs before any script: quality, the series, one native rule and its ladder.
    let native = ["rain".to_owned(), "stage".to_owned()];
    let floor = least(&native);
    println!("a reading and a native rule: {floor} ns");
    let four: &[&str] = &["rain.sum(\"1h\")", "rain.sum(\"3h\")", "rain.sum(\"24h\")", "stage.rise(\"1h\")"];
    let five = [four, &["stage.mean(\"1h\")"]].concat();
    for (lines, text, windows) in
        [(3, THREE.to_owned(), &four[1..2]), (15, FIFTEEN.to_owned(), four), (60, sixty(), &five)]
    {
        let ours = least(std::slice::from_ref(&text)).saturating_sub(floor);
        let (alone, beside, moving) = (alone(&text), beside(&text, &native, floor), moving(windows));
        let times = |bare: u64| {
            let theirs = (bare + moving).max(1);
            format!("{}.{:02}", ours / theirs, ours % theirs * 100 / theirs)
        };
        println!(
            "{lines} lines: {ours} ns an evaluation, {} times bare Rhai beside a native rule ({beside} ns) and {moving} ns for \
             the windows, {} times it alone in a loop ({alone} ns)",
            times(beside),
            times(alone)
        );
    }
    let spans = ["5m", "10m", "30m", "1h", "3h", "6h", "12h", "24h", "72h"];
    let sums: Vec<String> = spans.iter().map(|span| format!("rain.sum(\"{span}\")")).collect();
    // A rule for each window, and all of them in one.
    for (rules, measures) in [(9, sums.clone()), (1, vec![sums.join(" + ")])] {
        nine_windows(rules, &measures);
    }
}

/// What ten thousand rain gauges with nine windows to 72 h take, in so many rules.
fn nine_windows(rules: u32, measures: &[String]) {
    let before = resident();
    let Some(mut windows) = Judge::new(10_000, measures) else { return };
    let loaded = resident();
    windows.hear(900);
    let heard = resident();
    let each = each(20_000, || windows.hear(1));
    println!(
        "10,000 rain gauges with nine windows in {rules} rules: {each} ns a reading, {} MB, of which {} before any was heard",
        heard.saturating_sub(before),
        loaded.saturating_sub(before)
    );
}
