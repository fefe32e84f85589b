//! The numbers one evaluation of a script may read, filled in before it runs. The cells are atomics only because the
//! engine may be shared between threads; a frame belongs to one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};

use rhai::{Dynamic, EvalAltResult, Position};

use super::scan::{Ask, Want};
use crate::ruleset::Witness;
use crate::window::{Blank, Take};

/// Why a script ended without a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// It said so.
    Said,
    /// A window has too little in it, or a value is too old.
    Thin,
    /// A window is not yet full since the start.
    Warming,
}

impl Unknown {
    pub(super) fn blank(self) -> Blank {
        match self {
            Self::Said => Blank::Unknown,
            Self::Thin => Blank::Thin,
            Self::Warming => Blank::Warming,
        }
    }
}

/// Ends the script; nothing in it can catch this.
pub(super) fn end(why: Unknown) -> Box<EvalAltResult> {
    Box::new(EvalAltResult::ErrorTerminated(Dynamic::from(why), Position::NONE))
}

/// One ask's place among the cells.
#[derive(Debug)]
struct Slot {
    ask: Ask,
    offset: usize,
    width: usize,
    /// How many of the cells are filled.
    filled: AtomicUsize,
    /// Whether it is empty because a window is not yet full.
    warming: AtomicU8,
}

/// The cells of one script.
#[derive(Debug)]
pub(super) struct Frame {
    slots: Vec<Slot>,
    cells: Vec<AtomicU64>,
    /// Whose word each cell holds.
    witnesses: Vec<AtomicU8>,
}

impl Frame {
    /// Cells for `asks`, each `width` of its name wide.
    pub(super) fn new(asks: &[Ask], width: impl Fn(usize) -> usize) -> Self {
        let mut offset = 0;
        let slots = asks.iter().map(|ask| {
            let width = width(ask.name);
            offset += width;
            let (filled, warming) = (AtomicUsize::new(0), AtomicU8::new(0));
            Slot { ask: ask.clone(), offset: offset - width, width, filled, warming }
        });
        let slots = slots.collect();
        let cells = (0..offset).map(|_| AtomicU64::new(0)).collect();
        Self { slots, cells, witnesses: (0..offset).map(|_| AtomicU8::new(0)).collect() }
    }

    /// Empties the slot of one ask.
    pub(super) fn clear(&self, ask: usize) {
        if let Some(slot) = self.slots.get(ask) {
            slot.filled.store(0, Relaxed);
            slot.warming.store(0, Relaxed);
        }
    }

    /// Adds a value to the slot of one ask, and whose word it is.
    pub(super) fn fill(&self, ask: usize, value: f64, witness: Witness) {
        let Some(slot) = self.slots.get(ask) else { return };
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

    /// Notes why one value of an ask is not there.
    pub(super) fn lack(&self, ask: usize, blank: &Blank) {
        if let Some(slot) = self.slots.get(ask)
            && *blank == Blank::Warming
        {
            slot.warming.store(1, Relaxed);
        }
    }

    fn values(&self, slot: &Slot) -> impl Iterator<Item = f64> {
        let cells = self.cells.iter().skip(slot.offset).take(slot.filled.load(Relaxed));
        cells.map(|cell| f64::from_bits(cell.load(Relaxed)))
    }

    fn words(&self, slot: &Slot) -> impl Iterator<Item = (f64, Witness)> {
        let whose = self.witnesses.iter().skip(slot.offset).map(|cell| Witness::at(cell.load(Relaxed)));
        self.values(slot).zip(whose)
    }

    fn find(&self, wanted: impl Fn(&Ask) -> bool) -> Result<&Slot, Box<EvalAltResult>> {
        let slot = self.slots.iter().find(|slot| wanted(&slot.ask));
        slot.ok_or_else(|| "this window was not found when the measure was read".into())
    }
}

/// A point in a script.
#[derive(Clone, Debug)]
pub(super) struct Handle {
    pub(super) frame: Arc<Frame>,
    pub(super) name: usize,
    /// Whether it stands for several points.
    pub(super) many: bool,
}

impl Handle {
    /// Its newest value.
    pub(super) fn last(&self) -> Result<f64, Box<EvalAltResult>> {
        let slot = self.frame.find(|ask| ask.name == self.name && ask.want == Want::Last)?;
        self.frame.one(slot)
    }

    /// Its newest value, or all of them where it stands for several.
    pub(super) fn last_or_all(&self) -> Result<Dynamic, Box<EvalAltResult>> {
        let slot = self.frame.find(|ask| ask.name == self.name && ask.want == Want::Last)?;
        self.answer(slot)
    }

    /// What a window of it holds.
    pub(super) fn window(&self, take: Take, span: &str, age: Option<&str>) -> Result<Dynamic, Box<EvalAltResult>> {
        let slot = self.frame.find(|ask| {
            ask.name == self.name
                && match &ask.want {
                    Want::Last => false,
                    Want::Window { spec, span: its_span, age: its_age } => {
                        spec.take == take && its_span == span && its_age.as_deref() == age
                    }
                }
        })?;
        self.answer(slot)
    }

    fn answer(&self, slot: &Slot) -> Result<Dynamic, Box<EvalAltResult>> {
        if self.many {
            return Ok(Dynamic::from(Values(self.frame.words(slot).collect())));
        }
        self.frame.one(slot).map(Dynamic::from_float)
    }
}

impl Frame {
    fn one(&self, slot: &Slot) -> Result<f64, Box<EvalAltResult>> {
        self.values(slot)
            .next()
            .ok_or_else(|| end(if slot.warming.load(Relaxed) == 1 { Unknown::Warming } else { Unknown::Thin }))
    }
}

/// The values of several points, each with whose word it is; those that are not known are not among them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Values(pub(super) Arc<[(f64, Witness)]>);

/// The station upstream, in a script.
#[derive(Clone, Debug)]
pub(super) struct Upstream(pub(super) Arc<Vec<(String, Handle)>>);
