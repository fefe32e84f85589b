//! A site with every kind of point and rule, and what may happen to it: the life that every property looks at. What
//! happens is written down in rows, as the journal would, so that it can be lived again.

use std::sync::{Arc, LazyLock};

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::sample::select;
use watchfire_model::finding::Finding;
use watchfire_model::id::{PointIx, Seq};
use watchfire_model::incident::{Outage, Sensor};
use watchfire_model::quantity::{Bad, Finite};
use watchfire_model::reading::{PointState, Reading};
use watchfire_model::row::{LinkChange, Row};
use watchfire_model::time::{Now, Span, Steady, Timestamp};
use watchfire_model::upkeep::{Upkeep, Work};

use super::country::{POINTS, has_clock, site};
use crate::evaluator::{Evaluator, EvaluatorState, Observed};
use crate::ruleset::RuleSet;

/// Ten years.
pub(super) const AGES: i64 = 10 * 365 * 86_400_000;

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    /// A point says something; where it has a clock of its own, so long ago.
    Says { point: u32, lag: i64, what: Saying },
    /// What was said so many readings ago comes once more.
    Again(usize),
    /// A point gives another value for what it said so many readings ago.
    Corrects { back: usize, value: f64 },
    /// The link of a point goes down or comes up.
    Link { point: u32, up: bool },
    /// A person is at a point.
    Upkeep { point: u32, work: Worked },
    /// So many milliseconds pass.
    Passes(i64),
    /// Time passes until the Evaluator wants to be called, and it is.
    Deadline,
    /// The Evaluator is called.
    Tick,
    /// Our wall clock is set.
    Steps(i64),
}

/// What a person does at a point.
#[derive(Clone, Copy, Debug)]
pub(super) enum Worked {
    /// Calibrates it for so many minutes.
    Calibrates(i64),
    Returns,
    Accepts,
    TakesOver,
}

/// What a point says.
#[derive(Clone, Copy, Debug)]
pub(super) enum Saying {
    Value(f64),
    State(f64, PointState),
    Bad(Bad),
    Retained(f64),
}

pub(super) fn points() -> impl Strategy<Value = u32> {
    0..POINTS
}

/// Values about the thresholds 1 to 4, with some that nobody should believe.
pub(super) fn values() -> impl Strategy<Value = f64> {
    let plain = vec![0.0, 0.2, 0.5, 0.89, 0.9, 0.95, 1.0, 1.5, 1.9, 1.95, 2.0, 2.5, 2.9, 3.0, 3.5, 3.95, 4.0, 5.0];
    let odd = vec![2.999_999_999_999_999_6, 0.1 + 0.2, 8.0, 50.0, 1_000.0, -1.0, -9_999.0];
    prop_oneof![12 => select(plain), 1 => select(odd)]
}

fn sayings() -> impl Strategy<Value = Saying> {
    let states = vec![PointState::OverRange, PointState::SensorFault, PointState::Calibrating, PointState::Alarm];
    let bad = vec![Bad::NotANumber, Bad::Absent, Bad::Sentinel, Bad::DeviceFault, Bad::Refused];
    prop_oneof![
        16 => values().prop_map(Saying::Value),
        1 => (values(), select(states)).prop_map(|(value, state)| Saying::State(value, state)),
        1 => select(bad).prop_map(Saying::Bad),
        1 => values().prop_map(Saying::Retained),
    ]
}

/// Readings as they mostly come: in time, sometimes late, sometimes from a clock that is wrong.
fn lags() -> impl Strategy<Value = i64> {
    let late = select(vec![500, 59_000, 61_000, 180_000, 540_000, 599_999, 600_000, 3_600_000]);
    prop_oneof![8 => Just(0), 3 => late, 1 => select(vec![-500, -90_000, -300_000, -AGES])]
}

fn passing() -> impl Strategy<Value = i64> {
    let usual = select(vec![1, 400, 1_000, 30_000, 60_000, 60_000, 60_000, 61_000, 119_500]);
    let long = select(vec![149_000, 179_999, 180_000, 180_400, 181_000, 600_000, 3_600_000, 90_000_000]);
    prop_oneof![6 => usual, 1 => long]
}

/// Anything, but for steps of the wall clock.
pub(super) fn steady_deeds(most: usize) -> impl Strategy<Value = Vec<Deed>> {
    vec(deed(), 1..most)
}

/// Anything.
pub(super) fn deeds(most: usize) -> impl Strategy<Value = Vec<Deed>> {
    // No step is as long as a reading may be late: of one that came so late right after it, none could tell which it was.
    let step = select(vec![-5_400_000, 5_400_000, -2_500, 1_500, -86_400_000, 86_400_000]).prop_map(Deed::Steps);
    vec(prop_oneof![40 => deed(), 1 => step], 1..most)
}

/// Anything but for steps of the wall clock, with people at the sensors.
pub(super) fn tended_deeds(most: usize) -> impl Strategy<Value = Vec<Deed>> {
    let upkeep = (points(), works()).prop_map(|(point, work)| Deed::Upkeep { point, work });
    vec(prop_oneof![16 => deed(), 1 => upkeep], 1..most)
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        12 => (points(), lags(), sayings()).prop_map(|(point, lag, what)| Deed::Says { point, lag, what }),
        1 => (0_usize..40).prop_map(Deed::Again),
        1 => (0_usize..12, values()).prop_map(|(back, value)| Deed::Corrects { back, value }),
        1 => (points(), select(vec![true, false])).prop_map(|(point, up)| Deed::Link { point, up }),
        6 => passing().prop_map(Deed::Passes),
        1 => Just(Deed::Deadline),
        1 => Just(Deed::Tick),
    ]
}

fn works() -> impl Strategy<Value = Worked> {
    let others = select(vec![Worked::Returns, Worked::Accepts, Worked::TakesOver]);
    prop_oneof![1 => select(vec![2, 30]).prop_map(Worked::Calibrates), 2 => others]
}

/// The rules of [`site`], compiled once for all lives: nothing in them ever changes.
static RULES: LazyLock<Arc<RuleSet>> = LazyLock::new(compiled);

pub(super) fn compiled() -> Arc<RuleSet> {
    Arc::new(RuleSet::compile(site()).expect("a sound site"))
}

/// An Evaluator and all that has happened to it.
pub(super) struct Life {
    pub(super) evaluator: Evaluator,
    pub(super) now: Now,
    pub(super) rows: Vec<(Now, Row)>,
    pub(super) findings: Vec<Finding>,
    /// What was said of things that many sensors share.
    pub(super) outages: Vec<Outage>,
    /// What became of the last row, if it was a reading.
    pub(super) observed: Option<Observed>,
    /// Our wall was set back by more than a moment.
    set_back: bool,
}

impl Life {
    pub(super) fn new() -> Self {
        let evaluator = Evaluator::new(Arc::clone(&RULES));
        // Nothing begins at zero, where a forgotten clock would look like one that was kept.
        let now = Now { wall: Timestamp(1_000_000_000), steady: Steady(250) };
        Self {
            evaluator,
            now,
            rows: Vec::new(),
            findings: Vec::new(),
            outages: Vec::new(),
            observed: None,
            set_back: false,
        }
    }

    /// Where true time stands: that of clocks which nobody steps.
    fn truth(&self) -> Timestamp {
        Timestamp(1_000_000_000 - 250 + self.now.steady.0)
    }

    pub(super) fn live(&mut self, deeds: &[Deed]) {
        for deed in deeds {
            self.do_one(deed);
        }
    }

    pub(super) fn do_one(&mut self, deed: &Deed) {
        match deed {
            Deed::Says { point, lag, what } => {
                let reading = self.reading(*point, *lag, *what);
                self.take(Row::Reading(reading));
            }
            Deed::Again(back) => {
                if let Some(reading) = self.told_apart(*back) {
                    self.take(Row::Reading(self.received(reading)));
                }
            }
            Deed::Corrects { back, value } => {
                if let Some(reading) = self.told_apart(*back) {
                    let value = Finite::new(*value);
                    self.take(Row::Reading(Reading { value, ..self.received(reading) }));
                }
            }
            Deed::Link { point, up } => self.take(Row::Link(self.link(*point, *up))),
            Deed::Upkeep { point, work } => self.take(Row::Upkeep(Box::new(self.upkeep(*point, *work)))),
            Deed::Passes(ms) => self.pass(*ms),
            Deed::Deadline => {
                if let Some(at) = self.evaluator.next_deadline() {
                    self.pass((at.0 - self.now.steady.0).max(0));
                    self.take(Row::Tick);
                }
            }
            Deed::Tick => self.take(Row::Tick),
            Deed::Steps(ms) => {
                self.now.wall.0 += ms;
                self.set_back |= *ms < -60_000;
            }
        }
    }

    pub(super) fn pass(&mut self, ms: i64) {
        self.now = Now { wall: self.now.wall + Span(ms), steady: self.now.steady + Span(ms) };
    }

    /// A value in its time.
    pub(super) fn hears(&mut self, point: u32, value: f64) {
        self.do_one(&Deed::Says { point, lag: 0, what: Saying::Value(value) });
    }

    /// Each point says its value once a minute, so many times.
    pub(super) fn minutes(&mut self, minutes: usize, value: impl Fn(u32) -> f64) {
        for _ in 0..minutes {
            self.pass(60_000);
            for point in 0..POINTS {
                self.hears(point, value(point));
            }
        }
    }

    fn reading(&self, point: u32, lag: i64, what: Saying) -> Reading {
        // A message with a time of its own is some way behind it.
        let observed_at = if has_clock(point) { self.truth() - Span(lag + 137) } else { self.now.wall };
        let (value, state) = match what {
            Saying::Value(value) | Saying::Retained(value) => (Finite::new(value), PointState::Normal),
            Saying::State(value, state) => (Finite::new(value), state),
            Saying::Bad(bad) => (Err(bad), PointState::Normal),
        };
        let retained = matches!(what, Saying::Retained(_));
        Reading { point: PointIx(point), observed_at, received_at: self.now.wall, value, state, retained }
    }

    /// A reading as it is received now: what bore our stamp bears it anew.
    fn received(&self, reading: Reading) -> Reading {
        let observed_at = if has_clock(reading.point.0) { reading.observed_at } else { self.now.wall };
        Reading { observed_at, received_at: self.now.wall, ..reading }
    }

    fn link(&self, point: u32, up: bool) -> LinkChange {
        let since = self.now.wall;
        LinkChange {
            source: "broker".into(),
            up,
            since,
            points: vec![PointIx(point)],
            reason: String::new(),
            gap: false,
        }
    }

    fn upkeep(&self, point: u32, work: Worked) -> Upkeep {
        let lasting = |minutes| (self.now.steady + Span::minutes(minutes), self.now.wall + Span::minutes(minutes));
        let work = match work {
            Worked::Calibrates(minutes) => {
                let (until, ends) = lasting(minutes);
                Work::Calibrate { until, ends }
            }
            Worked::Returns => Work::Return,
            Worked::Accepts => Work::Accept,
            Worked::TakesOver => Work::Commission,
        };
        let site = self.evaluator.rules().site();
        let named = site.station_of(PointIx(point)).zip(site.point(PointIx(point))).expect("it is of the site");
        let sensor = Sensor { station: named.0.id.clone(), point: named.1.id.clone() };
        let command = format!("c{}", self.rows.len()).into();
        Upkeep { command, sensor, work, who: "wang".into(), why: "the yearly check".to_owned() }
    }

    /// The reading so many readings ago.
    pub(super) fn said(&self, back: usize) -> Option<Reading> {
        let mut readings = self.rows.iter().rev().filter_map(|(_, row)| match row {
            Row::Reading(reading) => Some(*reading),
            Row::Link(_) | Row::Tick | Row::Upkeep(_) | Row::Revision(_) => None,
        });
        readings.nth(back)
    }

    /// The same, if it can be told from a word of now: once our wall was set back, one that is as old as the step and long
    /// forgotten is like what a clock says that was set with ours.
    fn told_apart(&self, back: usize) -> Option<Reading> {
        let old = |reading: &Reading| (self.truth() - reading.observed_at).0 > 30 * 60_000;
        let forgotten = |reading: &Reading| {
            let gate = self.evaluator.gate().point(reading.point);
            gate.is_some_and(|gate| gate.series().has_forgotten(reading.observed_at))
        };
        let alike = |reading: &Reading| has_clock(reading.point.0) && old(reading) && forgotten(reading);
        self.said(back).filter(|reading| !self.set_back || !alike(reading))
    }

    /// Writes a row down and judges it.
    pub(super) fn take(&mut self, row: Row) {
        let seq = Seq(self.rows.len() as u64 + 1);
        self.observed = judge(&mut self.evaluator, self.now, seq, &row, &mut self.findings);
        self.outages.extend_from_slice(self.evaluator.outages());
        self.rows.push((self.now, row));
    }
}

/// Judges one row, as a shard does.
pub(super) fn judge(
    evaluator: &mut Evaluator,
    now: Now,
    seq: Seq,
    row: &Row,
    out: &mut Vec<Finding>,
) -> Option<Observed> {
    match row {
        Row::Reading(reading) => return Some(evaluator.observe(now, seq, reading, out)),
        Row::Link(change) => evaluator.link(now, seq, change, out),
        Row::Tick => evaluator.tick(now, seq, out),
        Row::Upkeep(upkeep) => evaluator.upkeep(now, seq, upkeep, out),
        Row::Revision(_) => {}
    }
    None
}

/// Where two tellings of the same life differ first; nothing if they do not.
pub(super) fn difference<T: serde::Serialize>(one: &[T], other: &[T]) -> String {
    let text = |told: Option<&T>| told.map(|told| serde_json::to_string(told).expect("plain data"));
    let most = one.len().max(other.len());
    let pair = (0..most).map(|place| (text(one.get(place)), text(other.get(place)))).find(|(one, other)| one != other);
    pair.map_or_else(String::new, |(one, other)| format!("{one:?}\nis not\n{other:?}"))
}

/// The Evaluator as it is after being written down, read back and set upon `rules`.
pub(super) fn restarted(evaluator: &Evaluator, rules: &Arc<RuleSet>) -> Evaluator {
    let text = serde_json::to_string(&evaluator.snapshot()).expect("plain data");
    let state: EvaluatorState = serde_json::from_str(&text).expect("just written");
    Evaluator::restore(Arc::clone(rules), state)
}
