//! A warning (预警): the graded public act over the alarms of one hazard and area, from its first word to its ending.

use serde::{Deserialize, Serialize};

use crate::alarm::AlarmKey;
use crate::bulletin::{Bulletin, MessageClass};
use crate::grade::Grade;
use crate::id::{AreaId, BulletinId, ChannelName, CommandId, HazardId, NoticeId, PersonId, WarningId};
use crate::mode::ModeTag;
use crate::receipt::{Attempt, Receipt};
use crate::rule::Release;
use crate::site::Audience;
use crate::time::{Steady, Timestamp};

/// One warning. At most one is live for each (hazard, area, issuer).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Warning {
    /// Unique for ever.
    pub id: WarningId,
    /// Its hazard.
    pub hazard: HazardId,
    /// Where.
    pub area: AreaId,
    /// Live, exercise or shadow.
    pub mode: ModeTag,
    /// The highest standing grade of its alarms now; none once they are all clear.
    pub grade: Option<Grade>,
    /// The highest it has ever been.
    pub peak: Grade,
    /// The alarms it stands on, present and past.
    pub alarms: Vec<AlarmKey>,
    /// The alarm that it opened with.
    #[serde(default)]
    pub first_out: Option<AlarmKey>,
    /// Event time at which it began.
    pub onset: Timestamp,
    /// When we opened it.
    pub opened_at: Timestamp,
    /// The reading that raised it; none where a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raised_by: Option<RaisedBy>,
    /// Counts changes of grade and of lost evidence; a command names the version it has seen.
    pub version: u64,
    /// Some alarm under it has lost its evidence; the grade is held.
    pub evidence_lost: Option<Timestamp>,
    /// What the public knows.
    pub publication: Publication,
    /// An act that waits for a signature.
    pub waiting: Option<Waiting>,
    /// What would set right what the public was told, where that rests on no measurement; it waits for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correction: Option<Box<PreparedCorrection>>,
    /// The bulletins made, in order, internal and public; the last 200, all are in the ledger.
    pub bulletins: Vec<Bulletin>,
    /// Where each notice stands; of the settled ones the last 1,000.
    pub notices: Vec<NoticeStatus>,
    /// What happened, in order. Bounded: repeats of one kind are counted, not listed.
    pub timeline: Vec<Entry>,
}

/// The reading with which a warning began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaisedBy {
    /// Its own time.
    pub observed_at: Timestamp,
    /// When we heard it: wall time.
    pub heard_at: Timestamp,
}

/// What the public knows of a warning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Publication {
    /// Nothing.
    #[default]
    None,
    /// A bulletin in force.
    Released {
        /// Which.
        bulletin: BulletinId,
        /// Its grade.
        grade: Grade,
        /// Valid until (wall), for the reader.
        expires: Timestamp,
        /// Valid until, for us.
        expires_steady: Steady,
    },
    /// Over.
    Ended {
        /// How.
        how: Ending,
        /// When.
        at: Timestamp,
    },
}

/// The three ways a published warning ends; it ends in exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// 解除: the danger is over.
    AllClear,
    /// 撤销: it should not have been.
    Cancelled,
    /// 到期: its time ran out and nobody extended it.
    Expired,
}

/// An act that waits for signatures before the public hears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// What would be sent.
    pub class: MessageClass,
    /// The grade it would state; none for an ending.
    pub grade: Option<Grade>,
    /// The warning's version it was prepared for; a signature for another version is refused.
    pub version: u64,
    /// How many it needs.
    pub needs: Release,
    /// Who has signed.
    pub signed: Vec<PersonId>,
    /// Since when.
    pub since: Timestamp,
}

/// A correction (更正) or a withdrawal (撤销) that is prepared and waits for a person. Nothing of it goes out by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparedCorrection {
    /// What would be sent: [`MessageClass::Correct`], or [`MessageClass::Cancel`] where nothing is left.
    pub class: MessageClass,
    /// The grade that is left; none where nothing is.
    pub grade: Option<Grade>,
    /// How many must sign it: one at least.
    pub needs: Release,
    /// Who has signed.
    pub signed: Vec<PersonId>,
    /// The alarms that it sets right.
    pub rests: Vec<Rest>,
    /// Why what they rest on is no measurement, and who said so.
    pub because: String,
    /// Since when it waits.
    pub since: Timestamp,
    /// It is signed and on its way out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_released: bool,
}

impl PreparedCorrection {
    /// Whether both would tell the public the same.
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        (self.class, self.grade, self.needs) == (other.class, other.grade, other.needs)
    }
}

/// An alarm that stands on readings which are no measurement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    /// Which.
    pub alarm: AlarmKey,
    /// What stands.
    pub stands: Grade,
    /// What would stand; none is clear.
    pub without: Option<Grade>,
    /// Event time at which it began: a rise since then is another one.
    pub onset: Timestamp,
}

/// Where one notice stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoticeStatus {
    /// Which notice.
    pub id: NoticeId,
    /// Through which channel.
    pub channel: ChannelName,
    /// Which bulletin.
    pub bulletin: BulletinId,
    /// To whom.
    pub audience: Audience,
    /// When it was handed out.
    pub issued_at: Timestamp,
    /// The last word about it; none until the first attempt ends.
    pub receipt: Option<Receipt>,
    /// Attempts so far, over restarts.
    pub attempts: u32,
    /// Each attempt with its outcome, in order: of more than [`Attempt::KEPT`] the first and the last half.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<Attempt>,
}

/// One line of a warning's story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
    /// Who, where a person did it.
    pub who: Option<PersonId>,
    /// Why, or with what outcome.
    pub note: String,
    /// The command that did it.
    pub command: Option<CommandId>,
}

/// Kinds of entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum What {
    Opened,
    Upgraded,
    Downgraded,
    EvidenceLost,
    EvidenceBack,
    Acknowledged,
    AcknowledgementDue,
    Bulletin,
    AwaitingRelease,
    Signed,
    Released,
    Refused,
    Delivered,
    Undelivered,
    AllClear,
    Cancelled,
    Expired,
    Overridden,
    Reported,
    Unacknowledged,
    Realarmed,
    Confirmed,
    Reset,
    Assigned,
    Shelved,
    Unshelved,
    OutOfService,
    InService,
    Announced,
    Chatters,
    Calm,
    Commented,
    ToVerify,
    Retracted,
    Doubted,
    Proven,
    Calibrating,
    OverInCalibration,
    Invalidated,
}
