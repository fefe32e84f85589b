//! The library: every function a measure may call, with its units, its source and an example that a test runs. Each is
//! pure, total and quick; none returns the empty value, and one that has nothing to say ends the script as unknown.
//! How they are made known to Rhai is not here.

use watchfire_model::time::Civil;

use super::frame::Want;
use crate::ruleset::Witness;
use crate::window::Take;

mod curve;
mod group;
mod level;
mod number;
mod rain;
mod slope;
mod status;
mod time;
mod written;

pub use written::{Argument, Form};
pub(super) use written::{Word, Written};

/// The library by families, in the order of a manual.
pub const FUNCTIONS: &[(&str, &[Function])] = &[
    ("level", level::FUNCTIONS),
    ("rain", rain::FUNCTIONS),
    ("curve", curve::FUNCTIONS),
    ("slope", slope::FUNCTIONS),
    ("group", group::FUNCTIONS),
    ("time", time::FUNCTIONS),
    ("status", status::FUNCTIONS),
    ("number", number::FUNCTIONS),
];

/// Every function of the library.
pub fn library() -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter().flat_map(|(_, functions)| *functions)
}

/// One function of the library: what stands in the manual, and what it does.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// What it is called on.
    pub of: Of,
    /// What it takes; text is written out, so that windows are known at load.
    pub arguments: &'static [Argument],
    /// The unit of what it gives.
    pub gives: &'static str,
    /// What it does.
    pub does: &'static str,
    /// Where it comes from: a document and its clause.
    pub source: &'static str,
    /// A tiny series, a measure, and what comes out.
    pub example: Example,
    pub(super) work: Work,
}

/// What a function is called on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// A point, as in `stage.rise("1h")`; of a group or an area it gives a value for each point.
    Point,
    /// The values of several points, as in `stage.last.max()`.
    Values,
    /// The moment that is judged, as in `now.season("06-01", "09-30")`.
    Now,
    /// Nothing, as in `max(a, b)`.
    Nothing,
}

/// A function at work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Example {
    /// What is heard: a point, how long between two values, and the values, `_` for none. The first is heard at 08:00 on
    /// 2026-07-01 in Asia/Shanghai. A point that stands here again is that of the next station.
    pub hears: &'static [(&'static str, &'static str, &'static str)],
    /// The measure.
    pub measure: &'static str,
    /// What it is at the last value.
    pub gives: Gives,
}

/// What an example comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gives {
    /// A number.
    Number(f64),
    /// Nothing: there is too little to say.
    Unknown,
}

impl Function {
    /// How it is called, such as `point.rise(span, [age])`.
    pub fn call(&self) -> String {
        let of = match self.of {
            Of::Point => "point.",
            Of::Values => "values.",
            Of::Now => "now.",
            Of::Nothing => "",
        };
        if matches!(self.work, Work::Last | Work::Grade | Work::Field(_)) {
            return format!("{of}{}", self.name);
        }
        let argument = |a: &Argument| if a.optional { format!("[{}]", a.name) } else { a.name.to_owned() };
        let arguments: Vec<String> = self.arguments.iter().map(argument).collect();
        let more = if matches!(self.work, Work::Numbers(_)) { ", …" } else { "" };
        format!("{of}{}({}{more})", self.name, arguments.join(", "))
    }

    /// With how few arguments it may be called.
    pub(super) fn least(&self) -> usize {
        self.arguments.iter().filter(|argument| !argument.optional).count()
    }
}

/// What a function does, by what it needs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work {
    /// The newest value of a point.
    Last,
    /// The grade that the newest value has by the point's own thresholds.
    Grade,
    /// One window: its arguments are a span and perhaps an age.
    Window(Take),
    /// What several values and windows of a point make together.
    Together {
        wants: fn(&[Word]) -> Result<Vec<Want>, String>,
        make: fn(&Seen<'_>) -> Result<Made, Trouble>,
    },
    /// A part of the calendar.
    Field(fn(&Civil) -> f64),
    /// Whether the moment is in a part of the day or the year.
    When(fn(&Civil, &[Word]) -> bool),
    /// Of the values of several points.
    Values(fn(&[(f64, Witness)]) -> Outcome),
    /// Of the values of several points, with a number.
    ValuesWith(fn(&[(f64, Witness)], f64) -> Outcome),
    /// Of one number, two, three or four.
    One(fn(f64) -> Outcome),
    Two(fn(f64, f64) -> Outcome),
    Three(fn(f64, f64, f64) -> Outcome),
    /// Of any number of numbers from two on.
    Numbers(fn(&[f64]) -> Outcome),
    /// Whether something is so of two numbers.
    Whether(fn(f64, f64) -> Result<bool, Trouble>),
}

/// Most numbers that one call takes.
pub(super) const MOST_NUMBERS: usize = 8;
/// Most windows that one call takes.
pub(super) const MOST_WANTS: usize = 32;

/// What a function of a point sees.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    /// What it wants, in the order in which it was asked for.
    pub(super) values: &'a [f64],
    /// Its arguments that are numbers.
    pub(super) numbers: &'a [f64],
    /// Its arguments that are written out.
    pub(super) words: &'a [Word],
}

impl Seen<'_> {
    fn value(&self, place: usize) -> Outcome {
        self.values.get(place).copied().ok_or(Trouble::Unknown)
    }

    fn number(&self, place: usize) -> Outcome {
        self.numbers.get(place).copied().ok_or(Trouble::Wrong("a number is missing"))
    }
}

/// A number that was made of others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Made {
    pub(super) value: f64,
    /// It lies beyond what was ever measured: it may raise a grade, and ends none.
    pub(super) beyond: bool,
}

impl From<f64> for Made {
    fn from(value: f64) -> Self {
        Self { value, beyond: false }
    }
}

/// Why a function gives no number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Trouble {
    /// There is nothing to say.
    Unknown,
    /// What it was given makes no sense.
    Wrong(&'static str),
}

pub(super) type Outcome = Result<f64, Trouble>;

#[cfg(test)]
mod tests;
