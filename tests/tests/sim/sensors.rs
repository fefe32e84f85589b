//! What the field sends: levels that wander between quiet and storm, from sensors of every temper.

use std::collections::{BTreeMap, BTreeSet};

use watchfire_model::id::PointIx;
use watchfire_model::quantity::{Bad, Finite};
use watchfire_model::time::Span;

use crate::chance::Chance;
use crate::county::{INTERVAL, Place, Temper};
use crate::field::Message;
use crate::house::BEGINNING;

/// Levels that a storm makes for.
const LEVELS: [f64; 8] = [2.0, 5.0, 9.5, 12.0, 22.0, 28.0, 33.0, 45.0];

/// One sensor.
#[derive(Debug)]
struct Sensor {
    point: PointIx,
    temper: Temper,
    level: f64,
    target: f64,
    next_at: i64,
    silent_until: i64,
    /// How wrong its clock is.
    clock: i64,
    /// Its last message arrives then: one sensor's messages keep their order, unless it is wild.
    arrives_at: i64,
    stamped: BTreeSet<i64>,
}

/// All sensors, and what is on its way from them to the broker.
#[derive(Debug, Default)]
pub(crate) struct Sensors {
    sensors: Vec<Sensor>,
    on_the_way: BTreeMap<(i64, u64), Message>,
    /// Everything ever sent, by its id.
    pub(crate) sent: BTreeMap<u64, Message>,
    quiet: bool,
    /// Whether the broker keeps all of it until it is acknowledged.
    all_kept: bool,
}

impl Sensors {
    /// One sensor for each place.
    pub(crate) fn of(places: &[Place], all_kept: bool) -> Self {
        let sensors = places.iter().zip(0_u32..).map(|(place, ix)| Sensor {
            point: PointIx(ix),
            temper: place.temper,
            level: 2.0,
            target: 2.0,
            next_at: i64::from(ix) * 1_300,
            silent_until: 0,
            clock: 0,
            arrives_at: 0,
            stamped: BTreeSet::new(),
        });
        Self { sensors: sensors.collect(), all_kept, ..Self::default() }
    }

    /// From now on everything is calm: good values, good clocks, low levels.
    pub(crate) fn rest(&mut self) {
        self.quiet = true;
        for sensor in &mut self.sensors {
            (sensor.target, sensor.silent_until, sensor.clock) = (2.0, 0, 0);
        }
    }

    /// Every stage of temper `temper` makes for `level` at once.
    pub(crate) fn storm(&mut self, temper: Temper, level: f64) {
        for sensor in self.sensors.iter_mut().filter(|sensor| sensor.temper == temper) {
            sensor.target = level;
        }
    }

    /// Messages that have not reached the broker.
    pub(crate) fn on_the_way(&self) -> usize {
        self.on_the_way.len()
    }

    /// When something happens here next.
    pub(crate) fn next_at(&self) -> i64 {
        let arrival = self.on_the_way.keys().next().map_or(i64::MAX, |(at, _)| *at);
        self.sensors.iter().map(|sensor| sensor.next_at).min().unwrap_or(i64::MAX).min(arrival)
    }

    /// Sensors report; what has reached the broker by now is handed out.
    pub(crate) fn pass(&mut self, at: i64, chance: &Chance) -> Vec<Message> {
        for place in 0..self.sensors.len() {
            while self.sensors[place].next_at <= at {
                let due = self.sensors[place].next_at;
                self.sensors[place].next_at += INTERVAL;
                self.report(place, due, chance);
            }
        }
        let later = self.on_the_way.split_off(&(at + 1, 0));
        std::mem::replace(&mut self.on_the_way, later).into_values().collect()
    }

    fn report(&mut self, place: usize, at: i64, chance: &Chance) {
        let (quiet, all_kept) = (self.quiet, self.all_kept);
        let sensor = &mut self.sensors[place];
        sensor.wander(quiet, chance);
        let wild = sensor.temper == Temper::Wild && !quiet;
        if wild {
            sensor.misbehave(at, chance);
        }
        if sensor.silent_until > at {
            return;
        }
        let mut stamp = BEGINNING.0 + at + sensor.clock;
        while !sensor.stamped.insert(stamp) {
            stamp += 1;
        }
        let value = if wild && chance.one_in(12) {
            Err(Bad::NotANumber)
        } else {
            Finite::new((sensor.level * 100.0).round() / 100.0)
        };
        let late = match sensor.temper {
            Temper::Wild if !quiet && chance.one_in(8) => chance.between(0, 20 * INTERVAL),
            Temper::Calm | Temper::Wild | Temper::Slow | Temper::Rain | Temper::Gas => chance.between(20, 900),
        };
        let arrives = if wild { at + late } else { (at + late).max(sensor.arrives_at + 1) };
        sensor.arrives_at = arrives;
        let kept = all_kept || !matches!(sensor.temper, Temper::Wild | Temper::Rain) || !chance.one_in(4);
        let (point, observed_at) = (sensor.point, BEGINNING + Span(stamp - BEGINNING.0));
        let copies = if wild && chance.one_in(10) { 2 } else { 1 };
        for _ in 0..copies {
            let id = u64::try_from(self.sent.len()).unwrap_or(0);
            let message = Message { id, point, observed_at, value, kept };
            self.sent.insert(id, message);
            self.on_the_way.insert((arrives, id), message);
        }
    }
}

impl Sensor {
    fn wander(&mut self, quiet: bool, chance: &Chance) {
        if self.temper == Temper::Rain {
            if !quiet && chance.one_in(40) {
                self.target = if self.target > 0.0 { 0.0 } else { 2.5 };
            }
            self.level = if quiet { 0.0 } else { self.target };
            return;
        }
        if !quiet && chance.one_in(15) {
            self.target = LEVELS[chance.below(LEVELS.len())];
        }
        let step = if chance.one_in(4) { 100.0 } else { 3.0 };
        self.level += (self.target - self.level).clamp(-step, step);
    }

    fn misbehave(&mut self, at: i64, chance: &Chance) {
        if chance.one_in(60) {
            self.silent_until = at + chance.between(5, 20) * INTERVAL;
        }
        if chance.one_in(40) {
            self.clock = match chance.below(4) {
                0 => 0,
                1 => chance.between(-30, 30) * INTERVAL,
                2 => chance.between(-90_000, 90_000),
                _ => 3_650 * 86_400_000,
            };
        }
    }
}
