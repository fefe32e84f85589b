//! Thresholds with their margins, delays and holds, per grade, resolved for one subject.

use serde::{Deserialize, Serialize};

use crate::grade::Grade;
use crate::quantity::Finite;
use crate::time::Span;

/// Which way is worse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Higher is worse (stage, rain, gas).
    #[default]
    Rising,
    /// Lower is worse (dry beach, freeboard, phreatic depth).
    Falling,
}

/// How long a raise condition must hold: whichever is met **first**. Nothing written = at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delay {
    /// This many samples that meet the condition, one after the other unless `of` says otherwise.
    pub samples: Option<u32>,
    /// So many of the last of these, the newest among them; at most [`Delay::OF_MOST`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u32>,
    /// This much covered event time.
    pub span: Option<Span>,
}

impl Delay {
    /// At once.
    pub const NONE: Self = Self { samples: None, of: None, span: None };
    /// Of at most so many samples it is remembered which of them met the condition.
    pub const OF_MOST: u32 = 32;

    /// Whether there is nothing to wait for.
    pub const fn is_none(self) -> bool {
        let by_span = matches!(self.span, Some(Span(0)));
        let by_count = matches!(self.samples, Some(0 | 1));
        by_span || by_count || (self.samples.is_none() && self.span.is_none())
    }
}

/// One rung.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The grade entered here.
    pub grade: Grade,
    /// Entered at or beyond this value, in the measure's unit.
    pub raise_at: Finite,
    /// Left only when strictly short of this value (`lift_below` of a rising ladder).
    pub lift_below: Finite,
    /// How long the raise condition must hold.
    pub raise_after: Delay,
    /// How long the reset condition must hold on good evidence, in covered event time.
    pub lift_after: Span,
    /// Least time in the grade, in covered event time.
    pub hold: Span,
}

/// Rungs in rising grade. A grade that is not there is not invented.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ladder {
    /// Which way is worse.
    pub direction: Direction,
    /// Rising in grade, at most one per grade.
    pub steps: Vec<Step>,
}
