//! Readings through the Evaluator in virtual time: both clocks stand at the latest time any reading has named, and a
//! deadline that this passes is kept on its own time, before the reading.
//!
//! A recording need not be sorted. A reading older than its own point's latest is a late one, as it would be live: it can
//! raise, with its onset back-dated, and never lower. Points that were recorded one after the other are not late.

use watchfire_model::finding::Finding;
use watchfire_model::id::{PointIx, Seq};
use watchfire_model::quantity::{Bad, Finite};
use watchfire_model::reading::{PointState, Reading};
use watchfire_model::time::{Now, Steady, Timestamp};

use crate::evaluator::Evaluator;

/// An Evaluator that lives in a recording's time.
#[derive(Debug)]
pub struct Replay {
    evaluator: Evaluator,
    now: Option<i64>,
    deadline: Option<Steady>,
    seq: Seq,
    findings: Vec<Finding>,
}

impl Replay {
    /// From nothing.
    pub const fn new(evaluator: Evaluator) -> Self {
        Self { evaluator, now: None, deadline: None, seq: Seq(0), findings: Vec::new() }
    }

    /// Where every subject stands.
    pub const fn evaluator(&self) -> &Evaluator {
        &self.evaluator
    }

    /// Judges one reading and hands each finding to `tell`, in order.
    pub fn observe(&mut self, point: PointIx, at: Timestamp, value: Result<Finite, Bad>, tell: impl FnMut(&Finding)) {
        let now = self.catch_up(at);
        self.seq = self.seq.next();
        // What was recorded one after the other was not kept back: each point's readings were heard as they were taken.
        let newest = self.evaluator.gate().point(point).and_then(|point| point.series().newest());
        let received_at = newest.map_or(at, |newest| newest.at.max(at));
        let reading =
            Reading { point, observed_at: at, received_at, value, state: PointState::Normal, retained: false };
        self.evaluator.observe(Now::at(now), self.seq, &reading, &mut self.findings);
        self.deadline = self.evaluator.next_deadline();
        self.say(tell);
    }

    /// Lets the time go on to `at` with nothing heard; what falls silent meanwhile is found out. The first call of any
    /// kind is where silence is counted from.
    pub fn advance(&mut self, at: Timestamp, tell: impl FnMut(&Finding)) {
        let now = self.catch_up(at);
        if self.seq == Seq(0) {
            self.seq = self.seq.next();
            self.evaluator.tick(Now::at(now), self.seq, &mut self.findings);
            self.deadline = self.evaluator.next_deadline();
        }
        self.say(tell);
    }

    /// Moves both clocks to `at`, if that is later, and keeps each deadline on the way; says where they stand.
    fn catch_up(&mut self, at: Timestamp) -> i64 {
        let now = self.now.map_or(at.0, |now| now.max(at.0));
        self.now = Some(now);
        while let Some(deadline) = self.deadline.filter(|deadline| deadline.0 <= now) {
            self.seq = self.seq.next();
            self.evaluator.tick(Now::at(deadline.0), self.seq, &mut self.findings);
            // One that does not move on would be kept for ever.
            self.deadline = self.evaluator.next_deadline().filter(|next| *next > deadline);
        }
        now
    }

    fn say(&mut self, tell: impl FnMut(&Finding)) {
        if !self.findings.is_empty() {
            self.findings.iter().for_each(tell);
            self.findings.clear();
        }
    }
}
