//! What keeps a grade that is judged from the public for the moment (SEMANTICS §4). Those on duty hear of it at once; the
//! public hears no more than what enough speaks for.

use serde::{Deserialize, Serialize};

use crate::grade::{Grade, PerGrade};
use crate::ladder::Delay;
use crate::time::Span;

/// Why the public is not told yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// Too few samples so far, of one sensor.
    Few,
    /// The one sensor has said nothing else since it was first heard: nobody saw the threshold crossed.
    Still,
    /// The sensor was being calibrated.
    Calibrating,
}

/// Too little speaks for the judged grade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// Why.
    pub because: Because,
    /// The highest grade that enough speaks for; none: nothing is told.
    pub sure: Option<Grade>,
    /// After so long it has stood for long enough; none = time alone speaks for nothing.
    pub lasting: Option<Span>,
}

/// What a grade needs before the public is told, where nobody writes otherwise: red two valid samples or five minutes,
/// whichever is first. Two independent sensors are enough for every grade.
pub const fn usual() -> PerGrade<Delay> {
    let red = Delay { samples: Some(2), of: None, span: Some(Span::minutes(5)) };
    PerGrade { blue: Delay::NONE, yellow: Delay::NONE, orange: Delay::NONE, red }
}
