//! What the Desk has decided, as facts: the ledger keeps them, [`Desk::apply`](super::Desk::apply) takes nothing else.
//! A fact says all that it changes, so that applying it needs neither the site nor a second decision.

use serde::{Deserialize, Serialize};
use watchfire_model::{
    alarm::{Alarm, AlarmKey, Override},
    bulletin::{Bulletin, Notice},
    command::{Act, Command, Refusal},
    deed::Deed,
    finding::Finding,
    grade::{Grade, PerGrade},
    id::{CommandId, IncidentId, PersonId, RuleId, Seq, SubjectId, WarningId},
    incident::{Incident, Outage, Sensor},
    mode::Mode,
    receipt::Receipt,
    reload::Reload,
    site::Audience,
    time::{Span, Steady, Timestamp},
    upkeep::{Tended, Tending, Upkeep},
    warning::{Ending, Entry, PreparedCorrection, Waiting, Warning},
};

/// What the Desk is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// The process has started; deadlines that passed meanwhile are due now.
    Start,
    /// An Evaluator's word.
    Finding(Finding),
    /// An Evaluator's word about something that many sensors share.
    Outage(Outage),
    /// An Evaluator's word about what people do to a sensor.
    Tended(Tended),
    /// A person's or a machine's word.
    Command(Command),
    /// What was done or refused beside the Desk; it is recorded and nothing comes of it.
    Deed(Deed),
    /// A channel's word.
    Receipt(Receipt),
    /// A deadline fell due.
    Tick,
    /// From here on the site is another: the Desk has been given it.
    Reload {
        /// Which, and by whom.
        reload: Box<Reload>,
        /// The journal's row from which it judges.
        seq: Seq,
    },
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "snake_case")]
pub enum Event<M: Mode> {
    /// An alarm, as it now stands.
    Alarm {
        /// The whole of it.
        alarm: Box<Alarm>,
        /// Its rule is on trial: it is shown and never counted.
        shadow: bool,
    },
    /// An incident, as it now stands.
    Incident(Box<Incident>),
    /// A sensor that people look after, as it now stands.
    Tending(Box<Tending>),
    /// A work on a sensor was granted. An effect: it becomes a row of the journal once the ledger holds it.
    Upkeep(Box<Upkeep>),
    /// A work that was granted is done, or there was nothing to do.
    UpkeepDone {
        /// The command that asked for it.
        command: CommandId,
    },
    /// An alarm goes on under its rule's new id.
    Rekeyed {
        /// The old key.
        from: AlarmKey,
        /// The new key.
        to: AlarmKey,
    },
    /// A finding of a rule or subject that the site does not have and never had here; nothing comes of it.
    Unplaced {
        /// The rule named.
        rule: RuleId,
        /// The subject named.
        subject: SubjectId,
        /// The finding's count.
        n: u64,
    },
    /// A person took note of every alarm under a warning.
    Acknowledged {
        /// Which warning.
        warning: WarningId,
        /// Who.
        by: PersonId,
        /// When.
        at: Timestamp,
        /// For how long it holds in each grade; for ever, before there was a limit.
        #[serde(default)]
        reack: PerGrade<Option<Span>>,
    },
    /// A line of an alarm's own story.
    AlarmNoted {
        /// Which alarm.
        alarm: AlarmKey,
        /// The line.
        entry: Entry,
    },
    /// A person's word put every graded alarm under a warning aside, as issued in error.
    SetAside {
        /// Which warning.
        warning: WarningId,
        /// The word; `against` is each alarm's own judged grade.
        word: Override,
    },
    /// Something other than a sensor failed (nobody answered, a channel refused): a fault on every alarm under it.
    Faulted {
        /// Which warning.
        warning: WarningId,
        /// When.
        since: Timestamp,
    },
    /// A warning began.
    Opened(Box<Warning>),
    /// A warning's grade or evidence changed.
    Turned {
        /// Which warning.
        warning: WarningId,
        /// Its grade now.
        grade: Option<Grade>,
        /// Since when evidence is lost, if it is.
        evidence_lost: Option<Timestamp>,
        /// Its version now.
        version: u64,
        /// Whether it got worse: whoever has not seen this version must look again.
        worse: bool,
    },
    /// A correction is prepared, signed or on its way, or none is any more.
    Correction {
        /// Which warning.
        warning: WarningId,
        /// What would be said.
        correction: Option<Box<PreparedCorrection>>,
    },
    /// An act waits for a signature, or none does any more.
    Waiting {
        /// Which warning.
        warning: WarningId,
        /// The act.
        waiting: Option<Waiting>,
    },
    /// A bulletin was made.
    Spoken {
        /// The bulletin.
        bulletin: Box<Bulletin>,
        /// It says that the conditions are over and only the ending is unsigned.
        cleared: bool,
        /// When its successor is due if the grade still holds.
        renew_at: Steady,
        /// Until when it is in force.
        until: Steady,
    },
    /// A bulletin goes out through one channel. An effect: it leaves once the ledger holds it.
    Notice(Box<Notice<M>>),
    /// A channel answered.
    Receipt(Receipt),
    /// A line of a warning's story.
    Noted {
        /// Which warning.
        warning: WarningId,
        /// The line.
        entry: Entry,
    },
    /// A deadline was set, moved, or (with none) met or dropped.
    Deadline {
        /// Which.
        deadline: Deadline,
        /// When.
        at: Option<Steady>,
    },
    /// A warning ended.
    Closed {
        /// Which warning.
        warning: WarningId,
        /// How.
        how: Ending,
        /// When.
        at: Timestamp,
    },
    /// A deed beside the Desk was seen: its input says all.
    Witnessed,
    /// From here on the site is another.
    Reloaded {
        /// Which, and by whom.
        reload: Box<Reload>,
        /// The journal's row from which it judges.
        seq: Seq,
    },
    /// The answer to a command.
    Answered {
        /// Which command.
        command: CommandId,
        /// Whose.
        who: PersonId,
        /// What it asked.
        act: Act,
        /// Why it was refused, if it was.
        refusal: Option<Refusal>,
    },
}

impl<M: Mode> Event<M> {
    /// The notice to hand to its channel's courier, if this is one.
    pub fn notice(&self) -> Option<&Notice<M>> {
        if let Self::Notice(notice) = self { Some(notice) } else { None }
    }
    /// The command that was accepted, if this says so.
    pub const fn accepted(&self) -> Option<&CommandId> {
        if let Self::Answered { command, refusal: None, .. } = self { Some(command) } else { None }
    }
    /// Why a command was refused, if this says so.
    pub const fn refusal(&self) -> Option<&Refusal> {
        if let Self::Answered { refusal: Some(refusal), .. } = self { Some(refusal) } else { None }
    }
}

/// What the Desk waits for by the steady clock.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deadline {
    /// Somebody should have taken note of a warning.
    Acknowledge(WarningId),
    /// Evidence has been lost for so long that a person must decide.
    Decide(WarningId),
    /// A bulletin needs a successor, or it would run out while the grade holds.
    Renew(WarningId, Audience),
    /// The public bulletin's time is out.
    Expire(WarningId),
    /// Something is still to be told: it was held back, or could not be made.
    Retell(WarningId),
    /// A person's word on an alarm runs out.
    Override(AlarmKey),
    /// The first of all else that an alarm waits for.
    Alarm(AlarmKey),
    /// A second person has had time to agree to a calibration.
    Sensor(Sensor),
    /// What an incident's sensors have to come back is over.
    Incident(IncidentId),
    /// The hours in which low grades wake nobody may begin or end.
    Windows,
}

impl Deadline {
    /// Every deadline that a warning can have.
    pub(super) fn of(id: &WarningId) -> [Self; 6] {
        [
            Self::Acknowledge(id.clone()),
            Self::Decide(id.clone()),
            Self::Renew(id.clone(), Audience::Internal),
            Self::Renew(id.clone(), Audience::Public),
            Self::Expire(id.clone()),
            Self::Retell(id.clone()),
        ]
    }
}
