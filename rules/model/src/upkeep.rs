//! What people do to a sensor (检修, 标校) that changes how its readings are judged, and how sensors stand by it. What
//! changes judging is a row of the journal, so that a replay judges alike; who, why and from where is in the ledger.

use serde::{Deserialize, Serialize};

use crate::grade::Grade;
use crate::id::{CommandId, PersonId, RuleId, Seq, SubjectId};
use crate::incident::Sensor;
use crate::time::{Span, Steady, Timestamp};

/// A person's word about a sensor: from its row on, it is judged by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upkeep {
    /// The command that asked for it.
    pub command: CommandId,
    /// Which sensor.
    pub sensor: Sensor,
    /// What is done.
    pub work: Work,
    /// By whom.
    pub who: PersonId,
    /// Why.
    pub why: String,
}

/// What is done to a sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "work")]
pub enum Work {
    /// It is calibrated: what it says is kept, flagged, and raises and ends nothing.
    Calibrate {
        /// Until then, if it is not given back before.
        until: Steady,
        /// The same, for the reader.
        ends: Timestamp,
    },
    /// It is given back before the time.
    Return,
    /// A person answers for a calibration that the device itself began.
    Accept,
    /// A new device is taken over: its first values are believed from here on.
    Commission,
    /// What it said of a time is no measurement, the ends included: it was wired wrongly, or scaled.
    Invalidate {
        /// From then …
        from: Timestamp,
        /// … to then.
        to: Timestamp,
    },
}

/// What became of a sensor by a row of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tended {
    /// Which sensor.
    pub sensor: Sensor,
    /// The row that did it; a word on the sensor that is not above its last row is a repeat.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
    /// The command that it answers; none where the device did it, or time.
    pub command: Option<CommandId>,
    /// What became of it.
    pub turn: Turn,
}

/// What may become of a sensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "turn")]
pub enum Turn {
    /// A calibration began, or is to last until another time.
    Began {
        /// By whom; none: the device says so itself.
        by: Option<PersonId>,
        /// Why.
        why: String,
        /// When it ends by itself.
        ends: Option<Timestamp>,
    },
    /// A person answers for it.
    Accepted {
        /// Who.
        by: PersonId,
    },
    /// Nobody has answered for it in time: it is a fault.
    Unattended,
    /// It is over.
    Ended,
    /// A new device is taken over.
    Commissioned {
        /// How it joins on to the one before, where that is known.
        swap: Option<Swap>,
    },
    /// What it said of a time is no measurement any more.
    Invalidated(Box<Invalidation>),
    /// There was nothing to do.
    Nothing,
}

/// A part of a sensor's past that a person has declared to be no measurement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invalidation {
    /// By whom.
    pub by: PersonId,
    /// Why.
    pub why: String,
    /// From then …
    pub from: Timestamp,
    /// … to then, the ends included.
    pub to: Timestamp,
    /// Samples within it that judging still had at hand; stores flag all of it.
    pub samples: usize,
    /// Grades that would not stand without it, proposed to people.
    pub corrections: Vec<Correction>,
}

/// A grade that rests on what is no measurement. It stands until good readings or a person end it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// Of which rule.
    pub rule: RuleId,
    /// On what.
    pub subject: SubjectId,
    /// What stands.
    pub stands: Grade,
    /// What would stand; none is clear.
    pub without: Option<Grade>,
}

/// How a device joins on to the one before it, in the point's unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Swap {
    /// The last value of the one before.
    pub last: f64,
    /// The first of this one.
    pub first: f64,
    /// What its neighbours lead to expect now, where they are known.
    pub expected: Option<f64>,
}

/// A calibration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calibration {
    /// Since when.
    pub since: Timestamp,
    /// By whom; none: the device says so itself.
    pub by: Option<PersonId>,
    /// Why.
    pub why: String,
    /// When it ends by itself.
    pub ends: Option<Timestamp>,
    /// Who answers for one that the device began.
    pub accepted: Option<PersonId>,
    /// Nobody did in time.
    pub unattended: bool,
}

/// A person asked for a sensor to be calibrated while it matters, and a second one must ask for the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedCalibration {
    /// Who.
    pub by: PersonId,
    /// For how long.
    pub lasting: Span,
    /// Until when a second person may agree.
    pub until: Steady,
}

/// A sensor that people look after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tending {
    /// Which.
    pub sensor: Sensor,
    /// The calibration that it is in.
    pub calibration: Option<Calibration>,
    /// One that waits for a second person.
    pub asked: Option<AskedCalibration>,
    /// When the device was taken over last, and how it joined on to the one before.
    pub commissioned: Option<(Timestamp, Option<Swap>)>,
    /// The last part of its past that was declared to be no measurement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalidated: Option<Box<Invalidation>>,
    /// The row of the last that became of it.
    pub seq: Seq,
}

impl Tending {
    /// One of which nothing is known.
    pub const fn of(sensor: Sensor) -> Self {
        Self { sensor, calibration: None, asked: None, commissioned: None, invalidated: None, seq: Seq(0) }
    }
}
