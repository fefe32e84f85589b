//! The numbers one evaluation of a script may read, filled in before it runs. The cells are atomics only because the
//! engine may be shared between threads; a frame belongs to one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};

use watchfire_model::time::{Civil, Timestamp, Zone};

use super::Unknown;
use super::functions::{MOST_WANTS, Made, Seen, Trouble, Word, Written};
use crate::ruleset::Witness;
use crate::window::{Blank, WindowSpec};

/// One thing a script asks of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    /// Place among the names it reads.
    pub(super) name: usize,
    pub(super) want: Want,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// The newest value.
    Last,
    /// The grade of the newest value by the point's own thresholds, as a number from 0 on.
    Grade,
    /// A window.
    Window(WindowSpec),
}

/// One call of a function with arguments that are written out, and what it reads.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    /// Place in the library.
    pub(super) function: usize,
    /// Place among the names; none where it is not of a point.
    pub(super) name: Option<usize>,
    pub(super) written: Vec<Written>,
    pub(super) words: Vec<Word>,
    /// Places among the asks, in the order in which the function wants them.
    pub(super) asks: Vec<usize>,
}

/// One ask's place among the cells.
#[derive(Debug)]
struct Slot {
    ask: Ask,
    offset: usize,
    width: usize,
    /// How many of the cells are filled, with a number or with none.
    filled: AtomicUsize,
    /// Whether a number is missing because a window is not yet full.
    warming: AtomicBool,
}

/// The cells of one script.
#[derive(Debug)]
pub(super) struct Frame {
    slots: Vec<Slot>,
    calls: Vec<Call>,
    /// No number is not a number.
    cells: Vec<AtomicU64>,
    /// Whose word each cell holds.
    witnesses: Vec<AtomicU8>,
    zone: Zone,
    /// The moment that is judged, in milliseconds.
    moment: AtomicI64,
    /// Whether something lay beyond what was ever measured.
    beyond: AtomicBool,
}

impl Frame {
    /// Cells for `asks`, each `width` of its name wide.
    pub(super) fn new(asks: &[Ask], calls: &[Call], zone: &Zone, width: impl Fn(usize) -> usize) -> Self {
        let mut offset = 0;
        let slots = asks.iter().map(|ask| {
            let width = width(ask.name);
            offset += width;
            let (filled, warming) = (AtomicUsize::new(0), AtomicBool::new(false));
            Slot { ask: *ask, offset: offset - width, width, filled, warming }
        });
        Self {
            slots: slots.collect(),
            calls: calls.to_vec(),
            cells: (0..offset).map(|_| AtomicU64::new(f64::NAN.to_bits())).collect(),
            witnesses: (0..offset).map(|_| AtomicU8::new(0)).collect(),
            zone: zone.clone(),
            moment: AtomicI64::new(0),
            beyond: AtomicBool::new(false),
        }
    }

    /// Begins the evaluation of one moment.
    pub(super) fn begin(&self, moment: Timestamp) {
        self.moment.store(moment.0, Relaxed);
        self.beyond.store(false, Relaxed);
    }

    /// Whether the last evaluation read something that lies beyond what was ever measured.
    pub(super) fn was_beyond(&self) -> bool {
        self.beyond.load(Relaxed)
    }

    /// Empties the slot of one ask.
    pub(super) fn clear(&self, ask: usize) {
        if let Some(slot) = self.slots.get(ask) {
            slot.filled.store(0, Relaxed);
            slot.warming.store(false, Relaxed);
        }
    }

    /// Adds a value to the slot of one ask, and whose word it is.
    pub(super) fn fill(&self, ask: usize, value: f64, witness: Witness) {
        if let Some(slot) = self.slots.get(ask) {
            self.put(slot, value, witness);
        }
    }

    /// Notes that one value of an ask is not there, and why.
    pub(super) fn lack(&self, ask: usize, blank: &Blank) {
        if let Some(slot) = self.slots.get(ask) {
            if *blank == Blank::Warming {
                slot.warming.store(true, Relaxed);
            }
            self.put(slot, f64::NAN, Witness::default());
        }
    }

    fn put(&self, slot: &Slot, value: f64, witness: Witness) {
        let filled = slot.filled.load(Relaxed);
        if filled < slot.width
            && let Some(cell) = self.cells.get(slot.offset + filled)
            && let Some(whose) = self.witnesses.get(slot.offset + filled)
        {
            cell.store(value.to_bits(), Relaxed);
            whose.store(witness.place(), Relaxed);
            slot.filled.store(filled + 1, Relaxed);
        }
    }

    /// What one place of a slot holds.
    fn at(&self, slot: &Slot, place: usize) -> Result<f64, Unknown> {
        let cell = self.cells.get(slot.offset + place).filter(|_| place < slot.filled.load(Relaxed));
        let value = cell.map(|cell| f64::from_bits(cell.load(Relaxed))).filter(|value| !value.is_nan());
        value.ok_or(if slot.warming.load(Relaxed) { Unknown::Warming } else { Unknown::Thin })
    }

    fn witness(&self, slot: &Slot, place: usize) -> Witness {
        self.witnesses.get(slot.offset + place).map_or_else(Witness::default, |cell| Witness::at(cell.load(Relaxed)))
    }

    /// The moment that is judged, by the calendar of the site.
    pub(super) fn civil(&self) -> Civil {
        let moment = Timestamp(self.moment.load(Relaxed));
        moment.civil(self.zone.offset_at(moment))
    }

    /// The call of a function whose arguments `fits` knows again.
    pub(super) fn call(
        &self,
        function: usize,
        name: Option<usize>,
        fits: impl Fn(&[Written]) -> bool,
    ) -> Option<&Call> {
        self.calls.iter().find(|call| call.function == function && call.name == name && fits(&call.written))
    }

    /// What a function makes of what it reads of the only point.
    pub(super) fn one(
        &self,
        call: &Call,
        numbers: &[f64],
        make: impl Fn(&Seen<'_>) -> Result<Made, Trouble>,
    ) -> Result<f64, Failure> {
        self.make(call, 0, numbers, &make)
    }

    /// What it makes of each of several points; those of which too little is known are not among them.
    pub(super) fn each(
        &self,
        call: &Call,
        numbers: &[f64],
        make: impl Fn(&Seen<'_>) -> Result<Made, Trouble>,
    ) -> Result<Values, Failure> {
        let first = call.asks.first().and_then(|ask| self.slots.get(*ask));
        let mut values = Vec::with_capacity(first.map_or(0, |slot| slot.width));
        for place in 0..first.map_or(0, |slot| slot.filled.load(Relaxed)) {
            match self.make(call, place, numbers, &make) {
                Ok(value) => values.push((value, first.map_or_else(Witness::default, |it| self.witness(it, place)))),
                Err(Failure::Unknown(_)) => {}
                Err(Failure::Wrong(why)) => return Err(Failure::Wrong(why)),
            }
        }
        Ok(Values(values.into()))
    }

    fn make(
        &self,
        call: &Call,
        place: usize,
        numbers: &[f64],
        make: &impl Fn(&Seen<'_>) -> Result<Made, Trouble>,
    ) -> Result<f64, Failure> {
        let mut read = [0.0; MOST_WANTS];
        let mut wanted = 0;
        for (cell, ask) in read.iter_mut().zip(&call.asks) {
            let slot = self.slots.get(*ask).ok_or(Failure::Wrong("this was not found when the measure was read"))?;
            *cell = self.at(slot, place).map_err(Failure::Unknown)?;
            wanted += 1;
        }
        let values = read.get(..wanted).unwrap_or(&[]);
        let made = make(&Seen { values, numbers, words: &call.words }).map_err(|trouble| match trouble {
            Trouble::Unknown => Failure::Unknown(Unknown::Thin),
            Trouble::Wrong(why) => Failure::Wrong(why),
        })?;
        if made.beyond {
            self.beyond.store(true, Relaxed);
        }
        Ok(made.value)
    }

    /// The only point's newest value.
    pub(super) fn last(&self, name: usize) -> Result<f64, Failure> {
        let slot = self.slots.iter().find(|slot| slot.ask.name == name && slot.ask.want == Want::Last);
        let slot = slot.ok_or(Failure::Wrong("this was not found when the measure was read"))?;
        self.at(slot, 0).map_err(Failure::Unknown)
    }
}

/// Why a function gave nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Failure {
    Unknown(Unknown),
    Wrong(&'static str),
}

/// A point in a script.
#[derive(Clone, Debug)]
pub(super) struct Handle {
    pub(super) frame: Arc<Frame>,
    pub(super) name: usize,
    /// Whether it stands for several points.
    pub(super) many: bool,
}

/// The values of several points, each with whose word it is; those that are not known are not among them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Values(pub(super) Arc<[(f64, Witness)]>);

/// The station upstream, in a script.
#[derive(Clone, Debug)]
pub(super) struct Upstream(pub(super) Arc<Vec<(String, Handle)>>);

/// The moment that is judged, in a script.
#[derive(Clone, Debug)]
pub(super) struct Moment(pub(super) Arc<Frame>);
