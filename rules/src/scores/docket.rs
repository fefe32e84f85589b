//! What Evaluators say, in the order in which it would have been heard. A recording that tells one point after the other
//! says everything out of turn; the Desk must hear it in turn.

use watchfire_model::finding::Finding;
use watchfire_model::incident::Outage;
use watchfire_model::time::Timestamp;

use super::rehearsal::{Rehearsal, Told};
use crate::replay::Word;

/// So much is kept back to be put in order; after that a recording in order goes on as it comes.
const HELD_MOST: usize = 200_000;

/// A recording says too much out of turn to be put in order here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "more than {HELD_MOST} findings come out of the order of time; give the recording sorted by time, or one file for each series"
)]
pub struct OutOfTurn;

/// Puts words in order for a rehearsal.
#[derive(Debug)]
pub struct Docket {
    rehearsal: Rehearsal,
    held: Vec<(Timestamp, Held)>,
    last: Timestamp,
    in_order: bool,
    /// All goes on as it comes.
    flows: bool,
}

#[derive(Debug)]
enum Held {
    Finding(Finding),
    Outage(Outage),
}

impl Docket {
    /// For a rehearsal that has heard nothing.
    pub const fn new(rehearsal: Rehearsal) -> Self {
        Self { rehearsal, held: Vec::new(), last: Timestamp(i64::MIN), in_order: true, flows: false }
    }

    /// Takes a word that is heard at `at`.
    pub fn hear(&mut self, at: Timestamp, word: Word<'_>) -> Result<(), OutOfTurn> {
        if self.flows {
            self.rehearsal.hear(at, word);
            return Ok(());
        }
        self.in_order &= at >= self.last;
        self.last = self.last.max(at);
        self.held.push((
            at,
            match word {
                Word::Finding(finding) => Held::Finding(finding.clone()),
                Word::Outage(outage) => Held::Outage(outage.clone()),
            },
        ));
        if self.held.len() < HELD_MOST {
            return Ok(());
        }
        if !self.in_order {
            return Err(OutOfTurn);
        }
        self.flows = true;
        self.pass_on();
        Ok(())
    }

    fn pass_on(&mut self) {
        // Stable: what is heard at one time stays in its order.
        self.held.sort_by_key(|(at, _)| *at);
        for (at, held) in std::mem::take(&mut self.held) {
            match &held {
                Held::Finding(finding) => self.rehearsal.hear(at, Word::Finding(finding)),
                Held::Outage(outage) => self.rehearsal.hear(at, Word::Outage(outage)),
            }
        }
    }

    /// What it came to by the end of a recording that lasted from `from` to `to`.
    pub fn end(mut self, from: Timestamp, to: Timestamp) -> Told {
        self.pass_on();
        self.rehearsal.end(from, to)
    }
}
