//! Which window: what is taken of it, how long it is, how long ago it ends, and where it begins.

use std::fmt;

use watchfire_model::time::{Span, Timestamp, Zone};

/// What is taken from a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Take {
    /// The sum; of a counter, what it has counted.
    Sum,
    /// The mean of the samples.
    Mean,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The least-squares slope per hour over three samples or more that are not suspect.
    Rise,
    /// Newest less the last before the window; of a counter, what it has counted.
    Diff,
    /// How many samples.
    Count,
    /// Hours between the oldest and the newest sample in it.
    SpanHours,
}

impl Take {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Sum, Self::Mean, Self::Min, Self::Max, Self::Rise, Self::Diff, Self::Count, Self::SpanHours];

    /// The method's name in a measure.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Mean => "mean",
            Self::Min => "min",
            Self::Max => "max",
            Self::Rise => "rise",
            Self::Diff => "diff",
            Self::Count => "count",
            Self::SpanHours => "span_hours",
        }
    }
}

/// Where a window begins and ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// The last `span`, up to `age` ago.
    #[default]
    Rolling,
    /// A day from this time of day on, where the site is: the one that runs, or the one `age` before it.
    Day {
        /// Time of day at which one day ends and the next begins.
        begins: Span,
    },
    /// What fell since it was last dry for so long; `span` is how far back it is looked for.
    Event {
        /// The dry spell that parts two events.
        dry: Span,
    },
}

/// Which window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowSpec {
    /// What is taken.
    pub take: Take,
    /// How long it is.
    pub span: Span,
    /// How long ago it ends; zero for now.
    pub age: Span,
    /// Where it begins.
    pub shape: Shape,
}

impl WindowSpec {
    /// The last `span`, up to `age` ago.
    pub const fn rolling(take: Take, span: Span, age: Span) -> Self {
        Self { take, span, age, shape: Shape::Rolling }
    }

    /// The sum of the day that began at `begins`, or of the one so many days before it.
    pub const fn day(begins: Span, days_ago: i64) -> Self {
        Self { take: Take::Sum, span: Span::days(1), age: Span::days(days_ago), shape: Shape::Day { begins } }
    }

    /// The sum since it was last dry for `dry`, looked for in the last `span`.
    pub const fn event(dry: Span, span: Span) -> Self {
        Self { take: Take::Sum, span, age: Span::ZERO, shape: Shape::Event { dry } }
    }

    /// How far back it reaches.
    pub fn reach(&self) -> Span {
        match self.shape {
            Shape::Rolling | Shape::Event { .. } => self.span + self.age,
            // Where clocks are set back a day has 25 hours.
            Shape::Day { .. } => self.span + self.age + Span::hours(1),
        }
    }

    /// After when and up to when it reaches at `t`.
    pub(crate) fn bounds(&self, zone: &Zone, t: Timestamp) -> (Timestamp, Timestamp) {
        match self.shape {
            Shape::Rolling | Shape::Event { .. } => (t - self.age - self.span, t - self.age),
            Shape::Day { begins } => {
                let start = day_before(zone, begins, t, self.age);
                let end = if self.age == Span::ZERO { t } else { day_before(zone, begins, t, self.age - self.span) };
                (start, end)
            }
        }
    }
}

/// When the day began in which `t` lies, or the one `age` before it. What is read off at the very turn of the day fell in
/// the day that ends.
fn day_before(zone: &Zone, begins: Span, t: Timestamp, age: Span) -> Timestamp {
    let offset = |at: Timestamp| Span(i64::from(zone.offset_at(at)) * 1_000);
    let local = (t + offset(t)).0.saturating_sub(begins.0).saturating_sub(1);
    let turn = Timestamp(local.div_euclid(Span::days(1).0) * Span::days(1).0) + begins - age;
    turn - offset(turn - offset(t))
}

impl fmt::Display for WindowSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shape {
            Shape::Rolling if self.age == Span::ZERO => write!(f, "{}(\"{}\")", self.take.word(), self.span),
            Shape::Rolling => write!(f, "{}(\"{}\", \"{}\")", self.take.word(), self.span, self.age),
            Shape::Day { begins } => write!(f, "day(\"{begins}\", {})", self.age.0 / Span::days(1).0),
            Shape::Event { dry } => write!(f, "event(\"{dry}\", \"{}\")", self.span),
        }
    }
}
