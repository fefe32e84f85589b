//! The time series: where readings go to be looked at. Every store follows the journal by a cursor of its own; a store
//! that is down is a cursor that lags, and disturbs nobody.
//!
//! **The contract**, held by one suite over all of [`STORES`]: a reading behind the cursor is in the store once; the
//! cursor never moves before that is so; nothing is ever read beyond what the journal says is durable; a step takes a
//! bounded time and ends in one of the ways of [`Progress`].

pub mod embedded;
pub mod influx;

use std::time::Duration;

use watchfire_model::grade::Grade;
use watchfire_model::id::{RuleId, Seq, SubjectId};
use watchfire_model::quality::Flag;
use watchfire_model::quantity::Finite;
use watchfire_model::reading::Reading;
use watchfire_model::row::Row;
use watchfire_model::time::{Now, Span, Timestamp};

use super::journal::Gap;

/// A kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreKind {
    /// As the configuration names it.
    pub name: &'static str,
    /// In one sentence, for people.
    pub what: &'static str,
}

/// Every kind of store.
pub const STORES: &[StoreKind] = &[embedded::KIND, influx::KIND];

/// A time-series store that follows the journal. Driven by one thread, which calls `step` again and again.
pub trait SeriesStore: Send {
    /// Its name in logs and metrics.
    fn name(&self) -> &str;
    /// All rows up to here are in the store for good; the journal may forget them.
    fn cursor(&self) -> Seq;
    /// Does a bounded piece of work: takes rows from the journal, not beyond `durable`, and stores them.
    fn step(&mut self, durable: Seq) -> Progress;
    /// Takes a grade to be drawn, best effort: whoever marks does so again at a start, and now and then. A store that
    /// draws no grades lets it go.
    fn mark(&mut self, mark: GradeMark) {
        drop(mark);
    }
}

/// The grade of one rule on one subject at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GradeMark {
    /// The rule.
    pub rule: RuleId,
    /// The thing warned about; the series' `station`.
    pub subject: SubjectId,
    /// The grade; none is clear.
    pub grade: Option<Grade>,
    /// Since when.
    pub at: Timestamp,
}

/// How a step ended.
#[derive(Debug)]
pub enum Progress {
    /// Nothing to do. Ask again once more is durable; a few times a second is often enough.
    Idle,
    /// Readings were stored, and the cursor moved.
    Wrote {
        /// How many.
        readings: u64,
        /// More may wait: ask again at once.
        more: bool,
    },
    /// These rows were gone from the journal before the store could have them. Ask again at once.
    Lost(Gap),
    /// It did not work. The cursor stays; ask again after the pause.
    Trouble {
        /// Which kind.
        trouble: Trouble,
        /// In words, for the log.
        why: String,
        /// How long to wait.
        pause: Duration,
    },
}

/// What is wrong with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// It is not there, or too busy: it will come back by itself.
    Outage,
    /// It refuses us: token, bucket or address are wrong. Nothing will change until a person acts.
    Refused,
}

/// Quality control's word on a row's reading, for the store's `quality`; none of a reading heard before, which is in the
/// store already, and none of any other row.
pub type Judge = Box<dyn FnMut(Seq, &Row, Now) -> Option<Verdict> + Send>;

/// Quality control's word.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// On the reading.
    pub flag: Flag,
    /// The reading's value as its device means it; none where it is no number.
    pub value: Option<f64>,
    /// On the sample before it, which this one showed to be a spike: when, what, and how far it may be trusted now.
    pub before: Option<(Timestamp, f64, Flag)>,
}

impl Verdict {
    /// A word on a reading alone.
    pub fn of(flag: Flag, reading: &Reading) -> Self {
        Self { flag, value: reading.value.ok().map(Finite::get), before: None }
    }
}

/// A sensor's clock may be ahead of ours by so much (SEMANTICS §2.2).
const MAX_AHEAD: Span = Span::minutes(2);

/// When a reading is filed: the sensor's word, unless its clock is ahead of ours, then our receipt.
pub(super) fn filed_at(reading: &Reading) -> Timestamp {
    if reading.observed_at > reading.received_at + MAX_AHEAD { reading.received_at } else { reading.observed_at }
}
