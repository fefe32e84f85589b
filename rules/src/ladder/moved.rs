//! Ladders and delays with one number moved: what a case must notice. Nothing that judges for real is made here.

use watchfire_model::grade::Grade;
use watchfire_model::ladder::Delay;
use watchfire_model::time::Span;

use super::{Pace, Rungs, place};
use crate::window::exact::{least_of_twelve_digits, twelve_digits};

impl Rungs {
    /// The same with `grade` entered at `value`; where it is left goes with it if it would lie beyond.
    pub(crate) fn raised_at(&self, grade: Grade, value: f64) -> Self {
        let turned = least_of_twelve_digits(self.turn(value));
        let mut moved = *self;
        moved.raise[place(grade)] = turned;
        moved.lift[place(grade)] = moved.lift[place(grade)].min(turned);
        moved
    }

    /// The same with `grade` left short of `value`; nothing where that lies beyond where it is entered.
    pub(crate) fn lifted_at(&self, grade: Grade, value: f64) -> Option<Self> {
        let turned = least_of_twelve_digits(self.turn(value));
        let mut moved = *self;
        moved.lift[place(grade)] = turned;
        (turned <= moved.raise[place(grade)]).then_some(moved)
    }

    /// The same with `grade` entered only beyond its threshold: `>` in the place of `≥`.
    pub(crate) fn raised_beyond(&self, grade: Grade) -> Self {
        let mut moved = *self;
        moved.raise[place(grade)] = beyond(self.raise[place(grade)]);
        moved
    }

    /// The same with `grade` left at its reset value already: `≤` in the place of `<`.
    pub(crate) fn lifted_on(&self, grade: Grade) -> Self {
        let mut moved = *self;
        moved.lift[place(grade)] = beyond(self.lift[place(grade)]);
        moved
    }

    /// The same number of steps towards danger, whichever way that is.
    pub(crate) fn towards_danger(&self, value: f64, by: f64) -> f64 {
        twelve_digits(self.turn(self.turn(value) + by))
    }
}

/// The least threshold that a value of just this size, to twelve digits, does not meet.
fn beyond(turned: f64) -> f64 {
    let value = twelve_digits(turned);
    let step = if value == 0.0 { 1e-12 } else { value.abs() * 1e-11 };
    least_of_twelve_digits(value + step)
}

impl Pace {
    /// The same with another delay before a raise to one of `grades`.
    pub(crate) fn raised_after(mut self, grades: &[Grade], delay: Delay) -> Self {
        grades.iter().for_each(|grade| self.raise_after[place(*grade)] = delay);
        self.settled()
    }

    /// The same with another delay before one of `grades` ends.
    pub(crate) fn lifted_after(mut self, grades: &[Grade], span: Span) -> Self {
        grades.iter().for_each(|grade| self.lift_after[place(*grade)] = span.0);
        self.settled()
    }

    /// The same with another least time in one of `grades`.
    pub(crate) fn held_for(mut self, grades: &[Grade], span: Span) -> Self {
        grades.iter().for_each(|grade| self.hold[place(*grade)] = span.0);
        self.settled()
    }

    fn settled(self) -> Self {
        let at_once =
            self.raise_after.iter().all(|delay| delay.is_none()) && self.lift_after == [0; 4] && self.hold == [0; 4];
        Self { at_once, ..self }
    }
}
