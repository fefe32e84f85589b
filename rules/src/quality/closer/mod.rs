//! A closer look at the values of a point that asks for it: checks that need more than a value and the one before it, or
//! other points. Causal all of them, but for the spike, which judges the value before the newest.

use watchfire_model::quality::{Checks, Flag};
use watchfire_model::scrutiny::Scrutiny;
use watchfire_model::site::{Point, Site};
use watchfire_model::time::{Span, Timestamp};

use super::{PointGate, exceeds, max_gap};

mod attenuated;
mod climate;
mod course;
mod flat;
mod neighbours;
mod oscillation;
mod spike;

pub(crate) use course::Course;
pub use neighbours::MOST_NEIGHBOURS;
pub(super) use neighbours::expected;

/// Samples that one check looks at; those before them are left out.
const MOST_SAMPLES: usize = 1_024;

/// Every check that takes a closer look, in order. A tidy test compares this list with the folder.
pub const CLOSER: &[Closer] =
    &[flat::CHECK, attenuated::CHECK, oscillation::CHECK, climate::CHECK, neighbours::CHECK, spike::CHECK];

/// One check.
#[derive(Clone, Copy, Debug)]
pub struct Closer {
    /// Its name.
    pub name: &'static str,
    /// Its bit.
    pub bit: Checks,
    /// The flag it gives; none where it has nothing to say.
    pub judge: fn(&Look<'_>) -> Option<Flag>,
}

/// What a check sees: a value that is the newest of its point, and passed all others.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    pub(super) site: &'a Site,
    /// The place of the point in the site.
    pub(super) ix: usize,
    pub(super) scrutiny: &'a Scrutiny,
    /// How the point has moved, this value included.
    pub(super) course: &'a Course,
    /// All points as they are known; of this one, without the value.
    pub(super) points: &'a [PointGate],
    pub(super) value: f64,
    /// Event time.
    pub(super) at: Timestamp,
    /// Longest silence that counts as covered.
    pub(super) max_gap: Span,
}

/// What a closer look found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Found {
    /// Of the newest value.
    pub(super) flag: Flag,
    pub(super) checks: Checks,
    /// Of the one before it.
    pub(super) before: Option<Spike>,
}

/// A value that the one after it showed to be a spike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spike {
    pub(super) at: Timestamp,
    pub(super) value: f64,
    pub(super) flag: Flag,
}

/// Takes a closer look at the newest value of the point at `ix`.
pub(super) fn look(site: &Site, points: &mut [PointGate], ix: usize, at: Timestamp, value: f64) -> Found {
    let nothing = Found { flag: Flag::Good, checks: Checks::NONE, before: None };
    let Some(point) = site.points.get(ix) else { return nothing };
    let (Some(scrutiny), Some(gate)) = (&point.scrutiny, points.get_mut(ix)) else { return nothing };
    let mut course = gate.take_course();
    advance(&mut course, point, scrutiny, at, value);
    let look = Look { site, ix, scrutiny, course: &course, points, value, at, max_gap: max_gap(point) };
    let mut found = nothing;
    for check in CLOSER {
        match (check.judge)(&look) {
            Some(flag) if check.bit == Checks::SPIKE => {
                found.before = course.recent().map(|[_, (at, value)]| Spike { at, value, flag });
            }
            Some(said) => {
                found.flag = found.flag.max(said);
                found.checks = found.checks.with(check.bit);
            }
            None => {}
        }
    }
    course.follow(at, value);
    if let Some(gate) = points.get_mut(ix) {
        gate.set_course(course);
    }
    found
}

fn advance(course: &mut Course, point: &Point, scrutiny: &Scrutiny, at: Timestamp, value: f64) {
    course.advance(at, value, max_gap(point), stillness(point, scrutiny));
    if let Some(wild) = scrutiny.oscillation {
        course.swings.push(at, value, wild.swing, at - wild.over, usize::from(wild.turns));
    }
}

/// Within what all of a stretch counts as still.
pub(super) fn stillness(point: &Point, scrutiny: &Scrutiny) -> f64 {
    let tolerance = scrutiny.flat.as_ref().map_or(0.0, |flat| flat.tolerance);
    tolerance.max(point.resolution.unwrap_or(0.0))
}

#[cfg(test)]
mod tests;
