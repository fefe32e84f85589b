//! Readings through the Evaluator in virtual time: both clocks stand at the latest time any reading has named, and a
//! deadline that this passes is kept on its own time, before the reading.
//!
//! A recording need not be sorted. A reading older than its own point's latest is a late one, as it would be live: it can
//! raise, with its onset back-dated, and never lower. Points that were recorded one after the other are not late.

use watchfire_model::finding::Finding;
use watchfire_model::id::{PointIx, Seq};
use watchfire_model::incident::Outage;
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

/// Something that an Evaluator said.
#[derive(Clone, Copy, Debug)]
pub enum Word<'a> {
    /// Of one subject.
    Finding(&'a Finding),
    /// Of what many sensors share.
    Outage(&'a Outage),
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
    pub fn observe(
        &mut self,
        point: PointIx,
        at: Timestamp,
        value: Result<Finite, Bad>,
        mut tell: impl FnMut(&Finding),
    ) {
        self.hear(point, at, value, |_, word| {
            if let Word::Finding(finding) = word {
                tell(finding);
            }
        });
    }

    /// Judges one reading and hands all that is said to `tell`, in order, with when it would have been said: at a
    /// deadline's own time, or when the reading was heard.
    pub fn hear(
        &mut self,
        point: PointIx,
        at: Timestamp,
        value: Result<Finite, Bad>,
        mut tell: impl FnMut(Now, Word<'_>),
    ) {
        let now = self.catch_up(at, &mut tell);
        self.seq = self.seq.next();
        // What was recorded one after the other was not kept back: each point's readings were heard as they were taken.
        let newest = self.evaluator.gate().point(point).and_then(|point| point.series().newest());
        let received_at = newest.map_or(at, |newest| newest.at.max(at));
        let reading =
            Reading { point, observed_at: at, received_at, value, state: PointState::Normal, retained: false };
        self.evaluator.observe(Now::at(now), self.seq, &reading, &mut self.findings);
        self.deadline = self.evaluator.next_deadline();
        self.say(Now::at(received_at.0), &mut tell);
    }

    /// Lets the time go on to `at` with nothing heard; what falls silent meanwhile is found out. The first call of any
    /// kind is where silence is counted from.
    pub fn advance(&mut self, at: Timestamp, mut tell: impl FnMut(&Finding)) {
        let mut tell = |_: Now, word: Word<'_>| {
            if let Word::Finding(finding) = word {
                tell(finding);
            }
        };
        let now = self.catch_up(at, &mut tell);
        if self.seq == Seq(0) {
            self.seq = self.seq.next();
            self.evaluator.tick(Now::at(now), self.seq, &mut self.findings);
            self.deadline = self.evaluator.next_deadline();
        }
        self.say(Now::at(now), &mut tell);
    }

    /// Moves both clocks to `at`, if that is later, and keeps each deadline on the way; says where they stand.
    fn catch_up(&mut self, at: Timestamp, tell: &mut impl FnMut(Now, Word<'_>)) -> i64 {
        let now = self.now.map_or(at.0, |now| now.max(at.0));
        self.now = Some(now);
        while let Some(deadline) = self.deadline.filter(|deadline| deadline.0 <= now) {
            self.seq = self.seq.next();
            self.evaluator.tick(Now::at(deadline.0), self.seq, &mut self.findings);
            // One that does not move on would be kept for ever.
            self.deadline = self.evaluator.next_deadline().filter(|next| *next > deadline);
            self.say(Now::at(deadline.0), tell);
        }
        now
    }

    fn say(&mut self, heard: Now, tell: &mut impl FnMut(Now, Word<'_>)) {
        // What explains the findings comes before them.
        self.evaluator.outages().iter().for_each(|outage| tell(heard, Word::Outage(outage)));
        if !self.findings.is_empty() {
            self.findings.iter().for_each(|finding| tell(heard, Word::Finding(finding)));
            self.findings.clear();
        }
    }
}
