//! What a shift was like for the people on duty: how often they were called, how long until they answered, what stood,
//! chattered or was put aside, and how fast the public heard. Told from the ledger alone, so that the same record gives the
//! same figures tonight and in three years.
//!
//! The terms are those of ISA-18.2 and EEMUA 191: an *annunciation* calls a person (an alarm that rises, a fault, a
//! re-alarm, a shelf that runs out under a standing alarm); a *flood* begins with a bucket of ten minutes that has more than
//! ten of them and ends with one that has fewer than five; an alarm *chatters* when it is annunciated three times within a
//! minute, and is *stale* when it has stood for a day.

use serde::Serialize;
use watchfire_model::alarm::AlarmKey;
use watchfire_model::grade::Grade;
use watchfire_model::id::{ChannelName, IncidentId, PersonId, WarningId};
use watchfire_model::incident::Sensor;
use watchfire_model::site::Audience;
use watchfire_model::suppression::Kind;
use watchfire_model::time::{Span, Timestamp};
use watchfire_model::upkeep::Calibration;

mod advice;
mod durations;
mod load;
mod people;
mod report;
mod watcher;

pub use advice::Advice;
pub use durations::{Durations, Spread};
pub(crate) use load::ratio;
pub use load::{BUCKET, Flood, Load, LoadTold};
pub use people::{People, Person};
pub use report::{Contributor, Notices, PerAudience, Report, STALE, Standing, Tally};
pub use watcher::Watcher;

/// One thing that counts, as the ledger told it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// A person was called.
    Annunciated {
        /// By which alarm.
        alarm: AlarmKey,
        /// For which grade; none for a fault.
        grade: Option<Grade>,
        /// Because an acknowledgement had run out.
        again: bool,
    },
    /// A person was called to what many sensors share.
    Troubled {
        /// Which incident.
        incident: IncidentId,
    },
    /// A person took note of an alarm's hazard.
    Acknowledged {
        /// Of which.
        alarm: AlarmKey,
        /// After how long.
        after: Span,
        /// Who.
        by: PersonId,
    },
    /// A person did something, or was refused. What [`Acknowledged`](Self::Acknowledged) and
    /// [`PutAside`](Self::PutAside) tell is not told again.
    Acted {
        /// Who.
        who: PersonId,
        /// What.
        work: Work,
    },
    /// An alarm's hazard ended.
    Ended {
        /// Which.
        alarm: AlarmKey,
        /// How long it had stood.
        stood: Span,
    },
    /// An alarm's grade turned.
    Swung {
        /// Which.
        alarm: AlarmKey,
        /// Up, not down.
        rose: bool,
        /// Event time since its last turn.
        after: Option<Span>,
        /// How far the measure stood from the threshold, in the measure's unit.
        distance: Option<f64>,
    },
    /// A person put an alarm aside or out of service.
    PutAside(Aside),
    /// An alarm that a person had put aside speaks again, or was put aside anew.
    TakenBack(Aside),
    /// A person asked to put an alarm aside, and was refused.
    RefusedAside {
        /// Which.
        alarm: AlarmKey,
        /// Who.
        who: PersonId,
    },
    /// A calibration of a sensor is over.
    Calibrated(Calibrated),
    /// A public bulletin that waited for a signature was released.
    Released {
        /// Under which warning.
        warning: WarningId,
        /// After how long.
        after: Span,
    },
    /// The first receipt for a bulletin.
    Receipted {
        /// Under which warning.
        warning: WarningId,
        /// To whom.
        audience: Audience,
        /// Since the bulletin was made.
        after: Span,
    },
    /// A notice was handed to a channel.
    Sent {
        /// To whom.
        audience: Audience,
    },
    /// A notice got its last answer.
    Settled {
        /// Through which channel.
        channel: ChannelName,
        /// To whom.
        audience: Audience,
        /// The answer.
        outcome: Settled,
    },
    /// A warning reached a grade it had never had.
    Peaked {
        /// Which.
        warning: WarningId,
        /// The grade.
        grade: Grade,
        /// Since those on duty first heard of it.
        internal_lead: Option<Span>,
        /// Since the public first heard of it.
        public_lead: Option<Span>,
    },
}

/// What a person did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Work {
    /// Took note of an alarm's fault, or of an incident.
    Acknowledged {
        /// How long after the call.
        after: Span,
    },
    /// Gave a signature.
    Signed {
        /// How long after there was something to sign.
        after: Span,
    },
    /// Took down what somebody saw.
    Reported,
    /// Anything else.
    Other,
    /// Was refused.
    Refused,
}

/// How a notice ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Settled {
    /// The receiver confirmed it by a reference of its own.
    Confirmed,
    /// It was taken over; a receipt is not to be had.
    TakenOver,
    /// It will never be taken.
    Refused,
}

/// A time in which a sensor was being calibrated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Calibrated {
    /// Which sensor.
    pub sensor: Sensor,
    /// Since when, by whom, and why.
    #[serde(flatten)]
    pub calibration: Calibration,
    /// Until when; none: it lasts.
    pub until: Option<Timestamp>,
}

/// An alarm kept quiet by a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Aside {
    /// Which.
    pub alarm: AlarmKey,
    /// Shelved or out of service.
    pub kind: Kind,
    /// Since when.
    pub since: Timestamp,
    /// Until when it was meant to last.
    pub until: Timestamp,
    /// When it ended; none: it lasts.
    pub ended: Option<Timestamp>,
    /// The highest grade kept quiet; none where the kind has no such limit.
    pub upto: Option<Grade>,
    /// Who.
    pub by: PersonId,
    /// Why.
    pub why: String,
}
