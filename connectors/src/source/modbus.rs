//! Polls the devices behind one Modbus TCP connection. A device's answers are one commit, each value with its status word
//! from the same request. A unit that does not answer is asked last and ever more seldom, so it delays no other.

pub mod plan;
mod registers;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};
use tracing::{debug, info, warn};
use watchfire_model::id::PointIx;
use watchfire_model::quantity::{Bad, Finite};
use watchfire_model::reading::{PointState, Reading};
use watchfire_model::row::{LinkChange, Row};
use watchfire_model::time::Timestamp;

use super::{Hush, SourceKind, Surroundings};
use crate::config::{ModbusConfig, ModbusField};
use crate::health::Complaint;
use crate::intake::Full;
use crate::link::GRACE;
use crate::link::backoff::Backoff;
use crate::link::modbus::{GATEWAY, ILLEGAL_ADDRESS, ILLEGAL_VALUE, Link, ReadError};
use plan::{Block, PlanError, apart, plan};

/// Polls without an answer, after which a unit is asked more seldom and its points are told unreachable.
const STRIKES: u32 = 3;
/// Longest time between two questions to a unit that does not answer.
const SELDOM: Duration = Duration::from_secs(60);

/// See the module.
pub(super) const KIND: SourceKind = SourceKind {
    name: "modbus",
    example: r#"[[connectors.modbus]]
name = "pump-house"                           # in logs, metrics and on the console
controller = "tcp://192.0.2.7:502"
slave_id = 1
byte_order = "ABCD"                           # ABCD, CDAB, BADC or DCBA
interval = "10s"                              # between the beginnings of two polls
timeout = "1s"                                # for one answer; after it the connection is made anew
max_gap = 8                                   # registers read for nothing to join two neighbours
workarounds = { pause_after_connect = "0s", pause_between_requests = "0s" }
fields = [
    { point = "pump-house/level", register = "holding", address = 100, type = "FLOAT32", state_address = 104 },
]
"#,
};

/// Polls until it is stopped.
#[derive(Debug)]
pub struct Poller {
    config: ModbusConfig,
    around: Surroundings,
    link: Link,
    units: Vec<Unit>,
    backoff: Backoff,
    /// What the journal was last told of the connection; none before the first word.
    told_up: Option<bool>,
    /// Since when the connection can't be made, while that is not told yet.
    lost: Option<Instant>,
    last_heard: Option<Timestamp>,
    complaining: Hush,
}

/// One device.
#[derive(Debug)]
struct Unit {
    id: u8,
    blocks: Vec<Block>,
    points: Vec<PointIx>,
    /// Polls without an answer, in a row.
    strikes: u32,
    /// Not asked before.
    not_before: Option<Instant>,
    /// The journal has been told that it does not answer.
    told_down: bool,
    last_heard: Option<Timestamp>,
}

/// How a poll of one unit ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Polled {
    Answered,
    Silent(String),
    NoConnection(String),
    Closed,
}

/// Makes a poller; opens nothing. The daemon's topology runs it: `poller.run()`.
pub fn poller(config: ModbusConfig, around: Surroundings) -> Result<Poller, PlanError> {
    let units = plan(&config.fields, config.max_gap)?
        .into_iter()
        .map(|planned| {
            let points = planned.blocks.iter().flat_map(|block| &block.fields);
            Unit {
                id: planned.unit,
                points: points.map(|index| config.fields[*index].point).collect(),
                blocks: planned.blocks,
                strikes: 0,
                not_before: None,
                told_down: false,
                last_heard: around.heard_before,
            }
        })
        .collect();
    Ok(Poller {
        link: Link::new(config.host.clone(), config.port, config.pause_after_connect),
        backoff: Backoff::new(Arc::clone(&around.jitter)),
        told_up: None,
        lost: None,
        last_heard: around.heard_before,
        complaining: Hush::default(),
        units,
        config,
        around,
    })
}

/// One field alone, with its registers as they came: for looking on, not for the journal.
#[derive(Clone, Debug)]
pub struct Look {
    /// The first address read.
    pub begin: u16,
    /// What was there.
    pub words: Vec<u16>,
    /// What it means.
    pub value: Result<Finite, Bad>,
    /// The device's own word.
    pub state: PointState,
}

/// Reads one field, and its status word with it.
pub async fn look(link: &mut Link, field: &ModbusField, patience: Duration) -> Result<Look, ReadError> {
    let (begin, last) =
        plan::reach(field).map_err(|error| ReadError::NoAnswer(format!("it was not asked: {error}")))?;
    let words = link.read(field.slave_id, field.register, begin, last - begin + 1, patience).await?;
    let (value, state) = registers::value(field, begin, &words);
    Ok(Look { begin, words, value, state })
}

impl Poller {
    /// Polls until it is stopped or intake closes. When intake is full, polling waits.
    pub async fn run(mut self) {
        let cancel = self.around.cancel.clone();
        tokio::select! {
            () = cancel.cancelled() => {}
            () = self.poll_for_ever() => {}
        }
    }

    async fn poll_for_ever(&mut self) {
        let mut beat = tokio::time::interval(self.config.interval.max(Duration::from_millis(1)));
        beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut due = beat.tick().await;
        loop {
            match self.round(due + self.config.interval).await {
                Polled::Answered | Polled::Silent(_) => {}
                Polled::NoConnection(reason) => match self.grace_left() {
                    Some(left) => {
                        tokio::time::sleep(self.backoff.pause(None).min(left)).await;
                        continue;
                    }
                    None => {
                        if self.link_changed(false, self.last_heard, reason).await.is_err() {
                            return;
                        }
                        tokio::time::sleep(self.backoff.pause(None)).await;
                    }
                },
                Polled::Closed => return,
            }
            due = beat.tick().await;
        }
    }

    /// How long a connection that stood may still be away before that is told; none once it is time, and for one that
    /// never stood.
    fn grace_left(&mut self) -> Option<Duration> {
        if self.told_up != Some(true) {
            return None;
        }
        let since = *self.lost.get_or_insert_with(Instant::now);
        let left = GRACE.saturating_sub(since.elapsed());
        self.around.health.connected.store(false, Ordering::Relaxed);
        (!left.is_zero()).then_some(left)
    }

    /// One round over the units: those that answer first, then at most one of those that did not.
    async fn round(&mut self, until: Instant) -> Polled {
        let now = Instant::now();
        let well: Vec<usize> = (0..self.units.len()).filter(|unit| self.units[*unit].strikes < STRIKES).collect();
        let doubtful = (0..self.units.len())
            .filter(|unit| self.units[*unit].strikes >= STRIKES)
            .filter(|unit| self.units[*unit].not_before.is_none_or(|at| at <= now))
            .min_by_key(|unit| self.units[*unit].not_before);
        for unit in well {
            match self.poll(unit, self.config.timeout).await {
                Polled::Answered | Polled::Silent(_) => {}
                ended @ (Polled::NoConnection(_) | Polled::Closed) => return ended,
            }
        }
        if let Some(unit) = doubtful {
            // What is left of the round and no more: the others keep their interval.
            let left = until.saturating_duration_since(Instant::now());
            let patience = self.config.timeout.min(left / 2).max(Duration::from_millis(50));
            return self.poll(unit, patience).await;
        }
        Polled::Answered
    }

    async fn poll(&mut self, unit: usize, patience: Duration) -> Polled {
        let before = (self.last_heard, self.units[unit].last_heard);
        let mut rows = Vec::new();
        let ended = self.ask(unit, patience, &mut rows).await;
        match &ended {
            Polled::Answered => {
                if self.link_changed(true, before.0, String::new()).await.is_err() {
                    return Polled::Closed;
                }
                let recovered = self.recovered(unit, before.1);
                rows.splice(0..0, recovered);
            }
            Polled::Silent(reason) => rows.extend(self.struck(unit, reason)),
            Polled::NoConnection(_) | Polled::Closed => {}
        }
        if !rows.is_empty() && self.offer(rows).await.is_err() {
            return Polled::Closed;
        }
        ended
    }

    /// Asks a unit for everything. Where it answers some requests and then falls silent, what it answered stands.
    async fn ask(&mut self, unit: usize, patience: Duration, rows: &mut Vec<Row>) -> Polled {
        let mut next = 0;
        while let Some(block) = self.units[unit].blocks.get(next).cloned() {
            if next > 0 && !self.config.pause_between_requests.is_zero() {
                tokio::time::sleep(self.config.pause_between_requests).await;
            }
            let id = self.units[unit].id;
            match self.link.read(id, block.register, block.begin, block.count, patience).await {
                Ok(words) => {
                    self.heard(unit);
                    self.take(&block, &words, rows);
                }
                Err(ReadError::Refused { code: ILLEGAL_ADDRESS | ILLEGAL_VALUE, .. }) if block.fields.len() > 1 => {
                    self.heard(unit);
                    info!(source = %self.config.name, unit = id, begin = block.begin, "refused as a block: read apart");
                    let parts = apart(&block, &self.config.fields);
                    self.units[unit].blocks.splice(next..=next, parts);
                    continue;
                }
                Err(ReadError::Refused { code, meaning }) => {
                    let at = self.heard(unit);
                    self.refused(&block, id, at, code, meaning, rows);
                    if GATEWAY.contains(&code) {
                        return Polled::Silent(format!("exception {code}: {meaning}"));
                    }
                }
                Err(ReadError::NoAnswer(reason)) => {
                    self.around.health.disconnects.fetch_add(1, Ordering::Relaxed);
                    return Polled::Silent(reason);
                }
                Err(error @ ReadError::NoConnection(_)) => return Polled::NoConnection(error.to_string()),
            }
            next += 1;
        }
        Polled::Answered
    }

    fn heard(&mut self, unit: usize) -> Timestamp {
        let at = self.around.intake.now();
        self.last_heard = Some(at);
        self.units[unit].last_heard = Some(at);
        self.around.health.messages.fetch_add(1, Ordering::Relaxed);
        self.around.health.last_heard.store(at.0, Ordering::Relaxed);
        at
    }

    fn take(&self, block: &Block, words: &[u16], rows: &mut Vec<Row>) {
        let at = self.last_heard.unwrap_or_default();
        for field in block.fields.iter().filter_map(|index| self.config.fields.get(*index)) {
            let (value, state) = registers::value(field, block.begin, words);
            let reading =
                Reading { point: field.point, observed_at: at, received_at: at, value, state, retained: false };
            self.count(&reading);
            rows.push(Row::Reading(reading));
        }
    }

    fn refused(&mut self, block: &Block, unit: u8, at: Timestamp, code: u8, meaning: &str, rows: &mut Vec<Row>) {
        for field in block.fields.iter().filter_map(|index| self.config.fields.get(*index)) {
            let reading = Reading {
                point: field.point,
                observed_at: at,
                received_at: at,
                value: Err(Bad::Refused),
                state: PointState::Normal,
                retained: false,
            };
            self.count(&reading);
            rows.push(Row::Reading(reading));
        }
        let whence = format!("unit {unit} {:?} {}", block.register, block.begin);
        if self.complaining.may_speak(at) {
            warn!(source = %self.config.name, unit, begin = block.begin, code, meaning, "refused by the device");
        }
        let reason = format!("exception {code}: {meaning}");
        self.around.health.complain(Complaint { at, whence, reason, sample: String::new() });
    }

    fn count(&self, reading: &Reading) {
        self.around.health.readings.fetch_add(1, Ordering::Relaxed);
        if reading.value.is_err() {
            self.around.health.bad_values.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A unit did not answer.
    fn struck(&mut self, unit: usize, reason: &str) -> Option<Row> {
        let interval = self.config.interval;
        let source = self.config.name.clone();
        let unit = &mut self.units[unit];
        unit.strikes = unit.strikes.saturating_add(1);
        debug!(%source, unit = unit.id, reason, strikes = unit.strikes, "no answer");
        if unit.strikes < STRIKES {
            return None;
        }
        let doublings = (unit.strikes - STRIKES).min(16);
        let pause = interval.saturating_mul(1 << doublings).min(SELDOM.max(interval));
        unit.not_before = Some(Instant::now() + pause);
        if std::mem::replace(&mut unit.told_down, true) {
            return None;
        }
        warn!(%source, unit = unit.id, reason, "unit does not answer");
        Some(Row::Link(LinkChange {
            source,
            up: false,
            since: unit.last_heard.unwrap_or_else(|| self.around.intake.now()),
            points: unit.points.clone(),
            reason: format!("unit {}: {reason}", unit.id),
            gap: false,
        }))
    }

    /// A unit answered.
    fn recovered(&mut self, unit: usize, since: Option<Timestamp>) -> Option<Row> {
        let unit = &mut self.units[unit];
        unit.strikes = 0;
        unit.not_before = None;
        if !std::mem::replace(&mut unit.told_down, false) {
            return None;
        }
        info!(source = %self.config.name, unit = unit.id, "unit answers again");
        Some(Row::Link(LinkChange {
            source: self.config.name.clone(),
            up: true,
            since: since.unwrap_or_else(|| self.around.intake.now()),
            points: unit.points.clone(),
            reason: String::new(),
            gap: false,
        }))
    }

    /// Tells the journal that the connection came or went, once.
    async fn link_changed(&mut self, up: bool, since: Option<Timestamp>, reason: String) -> Result<(), Full> {
        self.around.health.connected.store(up, Ordering::Relaxed);
        self.lost = None;
        if self.told_up == Some(up) {
            return Ok(());
        }
        self.told_up = Some(up);
        if up {
            self.backoff = Backoff::new(Arc::clone(&self.around.jitter));
            info!(source = %self.config.name, "devices connected");
        } else {
            warn!(source = %self.config.name, reason, "devices not reached");
        }
        // Units that are told unreachable by themselves come back by themselves.
        let points = self.units.iter().filter(|unit| !(up && unit.told_down)).flat_map(|unit| &unit.points);
        let change = LinkChange {
            source: self.config.name.clone(),
            up,
            since: since.unwrap_or_else(|| self.around.intake.now()),
            points: points.copied().collect(),
            reason,
            gap: false,
        };
        self.offer(vec![Row::Link(change)]).await
    }

    async fn offer(&mut self, rows: Vec<Row>) -> Result<(), Full> {
        // Nobody waits for the ticket: a device can't be asked for a past moment again.
        self.around.intake.room().await.map(|room| room.give(rows))
    }
}
