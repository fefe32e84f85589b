//! What a person or a machine asks of the Desk: who, why, from where, and the act.

use serde::{Deserialize, Serialize};

use crate::alarm::AlarmKey;
use crate::attention::Concern;
use crate::grade::Grade;
use crate::id::{AreaId, CommandId, HazardId, IncidentId, PersonId, RuleId, SubjectId, WarningId};
use crate::incident::Sensor;
use crate::time::{Span, Timestamp};

/// A command. Every one is in the ledger, refused ones too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Idempotency key: the same id twice is one act.
    pub id: CommandId,
    /// By whom: a named person.
    pub who: PersonId,
    /// Why; mandatory.
    pub why: String,
    /// From where: an address, and by what means (`console`, `cli`, `token` and whose).
    pub from: String,
    /// What.
    pub act: Act,
}

/// An act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "act")]
pub enum Act {
    /// Takes note of every alarm under a warning, as seen at `version`.
    Acknowledge {
        /// Which warning.
        warning: WarningId,
        /// The version seen; refused if something got worse since.
        version: u64,
    },
    /// Signs the act that waits.
    Release {
        /// Which warning.
        warning: WarningId,
        /// The version the waiting act was prepared for.
        version: u64,
    },
    /// Withdraws a warning issued in error.
    Cancel {
        /// Which warning.
        warning: WarningId,
        /// The version seen.
        version: u64,
    },
    /// Signs the correction that is prepared, so that the public hears it.
    Correct {
        /// Which warning.
        warning: WarningId,
        /// The version seen; refused if something got worse since.
        version: u64,
    },
    /// A person's word against the judged grade.
    SetGrade {
        /// Which alarm.
        alarm: AlarmKey,
        /// The grade.
        grade: Option<Grade>,
        /// For how long; mandatory.
        lasting: Span,
    },
    /// Says what somebody saw: by telephone, on patrol. It becomes an alarm of its own, or changes the one that stands.
    Report(Report),
    /// Takes note of one alarm, as seen at `version`.
    AcknowledgeAlarm {
        /// Which alarm.
        alarm: AlarmKey,
        /// The version seen; refused if it got worse since.
        version: u64,
        /// Which side of it.
        concern: Concern,
    },
    /// Takes back that one took note: it waits for a person again.
    Unacknowledge {
        /// Which alarm.
        alarm: AlarmKey,
        /// Which side of it.
        concern: Concern,
    },
    /// Says that what was to be done is done; only after it was acknowledged.
    Confirm {
        /// Which alarm.
        alarm: AlarmKey,
        /// The version seen; refused if it got worse since.
        version: u64,
        /// Which side of it.
        concern: Concern,
    },
    /// Lets go of a latch; only once it is normal and acknowledged.
    Reset {
        /// Which alarm.
        alarm: AlarmKey,
        /// Which side of it.
        concern: Concern,
    },
    /// Puts an alarm aside for a time: it is judged and recorded, and not announced.
    Shelve {
        /// Which alarm.
        alarm: AlarmKey,
        /// The highest grade that is kept quiet; none = the one that stands, else blue.
        upto: Option<Grade>,
        /// For how long; mandatory.
        lasting: Span,
        /// It ends with the next return to normal.
        one_shot: bool,
    },
    /// Takes an alarm off its shelf.
    Unshelve {
        /// Which alarm.
        alarm: AlarmKey,
    },
    /// Takes an alarm out of service for a time.
    TakeOut {
        /// Which alarm.
        alarm: AlarmKey,
        /// For how long; mandatory.
        lasting: Span,
    },
    /// Puts an alarm back into service.
    PutBack {
        /// Which alarm.
        alarm: AlarmKey,
    },
    /// Takes an alarm over, hands it to somebody, or (to none) puts it back.
    Assign {
        /// Which alarm.
        alarm: AlarmKey,
        /// To whom.
        to: Option<PersonId>,
    },
    /// Agrees that an alarm falls to what its changed rule judges.
    AcceptFall {
        /// Which alarm.
        alarm: AlarmKey,
        /// The version seen; refused if it got worse since.
        version: u64,
    },
    /// Adds the command's reason to an alarm's thread, and does nothing else.
    Comment {
        /// Which alarm.
        alarm: AlarmKey,
    },
    /// Calibrates a sensor for a time: what it says is kept, and raises and ends nothing.
    Calibrate {
        /// Which sensor.
        sensor: Sensor,
        /// For how long; mandatory.
        lasting: Span,
    },
    /// Gives a sensor back before its calibration ends.
    GiveBack {
        /// Which sensor.
        sensor: Sensor,
    },
    /// Answers for a calibration that the device itself began.
    AcceptCalibration {
        /// Which sensor.
        sensor: Sensor,
    },
    /// Takes a new device over: its first values are believed from here on.
    Commission {
        /// Which sensor.
        sensor: Sensor,
    },
    /// Declares what a sensor said of a time to be no measurement. Grades that rest on it are proposed to people to correct.
    Invalidate {
        /// Which sensor.
        sensor: Sensor,
        /// From then …
        from: Timestamp,
        /// … to then, the ends included.
        to: Timestamp,
    },
    /// Takes note of an incident.
    AcknowledgeIncident {
        /// Which incident.
        incident: IncidentId,
    },
}

/// An observation by a person (FEATURES A13). Who takes it down is the command's `who`, and what was seen its `why`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Of which hazard.
    pub hazard: HazardId,
    /// Where a warning from it goes.
    pub area: AreaId,
    /// What it is about, such as 上游桥; with the hazard it names the alarm, so that a second call about the same place
    /// changes the same alarm.
    pub place: String,
    /// How bad it is; none: it is over.
    pub grade: Option<Grade>,
    /// When it was seen.
    pub seen_at: Timestamp,
    /// Who saw it, and how they are reached.
    pub by: String,
}

impl Report {
    /// Rules that begin so are nobody's: their alarms come from people.
    pub const RULES: &'static str = "reported:";

    /// The alarm that it is about.
    pub fn alarm(&self) -> AlarmKey {
        let rule = RuleId::from(format!("{}{}", Self::RULES, self.hazard));
        AlarmKey { rule, subject: SubjectId::from(self.place.clone()) }
    }
}

/// Why the Desk refused a command. Each says what would be accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "refused")]
pub enum Refusal {
    /// No such warning, alarm or incident.
    #[error("there is no {what} \"{id}\"")]
    Unknown {
        /// `warning`, `alarm`, `incident` or `sensor`.
        what: String,
        /// As asked.
        id: String,
    },
    /// It got worse since the version seen.
    #[error("it changed since version {seen}: it is now version {now}; look again")]
    Stale {
        /// The version named.
        seen: u64,
        /// The version now.
        now: u64,
    },
    /// Nothing waits for that act.
    #[error("{reason}")]
    NotNow {
        /// What would have to be so.
        reason: String,
    },
    /// A name or a reason is missing.
    #[error("{what} is missing: every act has a named person and a reason")]
    Anonymous {
        /// `who` or `why`.
        what: String,
    },
    /// The same person twice.
    #[error("{who} has signed already; a second person must sign")]
    SamePerson {
        /// Who.
        who: String,
    },
}
