//! A bulletin (通知): one message of a warning, complete, before any wire format. And a [`Notice`]: one bulletin on its
//! way through one channel, its mode in its type.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::grade::Grade;
use crate::id::{AreaId, BulletinId, ChannelName, HazardId, NoticeId, WarningId};
use crate::mode::{Mode, ModeTag};
use crate::site::Audience;
use crate::time::Timestamp;

/// 发布 升级 降级 续发 延长 更正 撤销 解除 到期.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageClass {
    /// 发布: the first word. CAP Alert.
    Issue,
    /// 升级. CAP Update.
    Upgrade,
    /// 降级. CAP Update.
    Downgrade,
    /// 续发: same grade, new facts (such as lost evidence). CAP Update.
    Continue,
    /// 延长: same grade, longer. CAP Update.
    Extend,
    /// 更正. CAP Update.
    Correct,
    /// 撤销: issued in error. CAP Cancel with a note that says so.
    Cancel,
    /// 解除: the danger is over. CAP Cancel with responseType AllClear.
    AllClear,
    /// 到期: its time ran out. CAP Update that says so.
    Expire,
}

impl MessageClass {
    /// CAP msgType.
    pub const fn cap(self) -> &'static str {
        match self {
            Self::Issue => "Alert",
            Self::Upgrade | Self::Downgrade | Self::Continue | Self::Extend | Self::Correct | Self::Expire => "Update",
            Self::Cancel | Self::AllClear => "Cancel",
        }
    }
    /// The type of a generic webhook, such as `warning.raised`.
    pub const fn event(self) -> &'static str {
        match self {
            Self::Issue => "warning.raised",
            Self::Upgrade => "warning.upgraded",
            Self::Downgrade => "warning.downgraded",
            Self::Continue => "warning.continued",
            Self::Extend => "warning.extended",
            Self::Correct => "warning.corrected",
            Self::Cancel => "warning.cancelled",
            Self::AllClear => "warning.cleared",
            Self::Expire => "warning.expired",
        }
    }
    /// The word in Chinese.
    pub const fn han(self) -> &'static str {
        match self {
            Self::Issue => "发布",
            Self::Upgrade => "升级",
            Self::Downgrade => "降级",
            Self::Continue => "续发",
            Self::Extend => "延长",
            Self::Correct => "更正",
            Self::Cancel => "撤销",
            Self::AllClear => "解除",
            Self::Expire => "到期",
        }
    }
    /// Whether nothing of the warning follows after it.
    pub const fn ends(self) -> bool {
        matches!(self, Self::Cancel | Self::AllClear | Self::Expire)
    }
}

/// CAP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "CAP 1.2, 3.2.1")]
pub enum Status {
    Actual,
    Exercise,
    Test,
}

/// One message, complete: what CAP 1.2 calls an alert, with the texts filled in. Times are UTC; formats write them at
/// the site's offset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bulletin {
    /// CAP identifier; unique for the sender for ever.
    pub id: BulletinId,
    /// CAP sender.
    pub sender: String,
    /// Its warning; CAP incidents.
    pub warning: WarningId,
    /// The warning's version it states.
    pub version: u64,
    /// What it does.
    pub class: MessageClass,
    /// Live, exercise or shadow.
    pub mode: ModeTag,
    /// CAP status.
    pub status: Status,
    /// To whom: Public → scope Public; Internal → scope Restricted.
    pub audience: Audience,
    /// The grade it states; for an ending the grade that ends.
    pub grade: Grade,
    /// Its hazard.
    pub hazard: HazardId,
    /// CAP sent.
    pub sent: Timestamp,
    /// CAP effective: the start (起始时间).
    pub effective: Timestamp,
    /// CAP onset: event time at which the condition began.
    pub onset: Timestamp,
    /// CAP expires.
    pub expires: Timestamp,
    /// Every unexpired earlier bulletin of the warning to the same audience.
    pub references: Vec<Reference>,
    /// CAP note.
    pub note: Option<String>,
    /// Since when evidence is lost, if it is.
    pub evidence_lost: Option<Timestamp>,
    /// GB/T 35561 code.
    pub event_code: String,
    /// CAP categories.
    pub categories: Vec<String>,
    /// CAP responseType.
    pub response_type: String,
    /// CAP urgency.
    pub urgency: String,
    /// CAP certainty.
    pub certainty: String,
    /// The issuer's name.
    pub issuer: String,
    /// Where to ask back.
    pub contact: String,
    /// Seconds east of UTC in which times are shown.
    pub offset_seconds: i32,
    /// One per language, `zh-CN` first.
    pub texts: Vec<Text>,
    /// Where.
    pub area: BulletinArea,
    /// What was measured, for machines: the alarms under it.
    pub measured: Vec<Measured>,
}

/// A bulletin referred to: CAP's triple.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// Its sender.
    pub sender: String,
    /// Its identifier.
    pub id: BulletinId,
    /// When it was sent, and the offset it was written with.
    pub sent: Timestamp,
}

/// The words in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// RFC 3066, such as `zh-CN`.
    pub language: String,
    /// The hazard (类别).
    pub event: String,
    /// The headline, with grade and weight (级别).
    pub headline: String,
    /// What happens and what to watch (警示事项).
    pub description: String,
    /// What to do (应采取的措施).
    pub instruction: String,
}

/// Where a bulletin holds (可能影响范围).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BulletinArea {
    /// Its code.
    pub id: AreaId,
    /// Its name.
    pub name: String,
    /// WGS 84 rings as (latitude, longitude), closed.
    pub polygons: Vec<Vec<(f64, f64)>>,
}

/// One alarm's figures in a bulletin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The rule.
    pub rule: crate::id::RuleId,
    /// The subject.
    pub subject: crate::id::SubjectId,
    /// Its name.
    pub name: String,
    /// Its standing grade.
    pub grade: Option<Grade>,
    /// The measure's value.
    pub value: Option<f64>,
    /// The threshold.
    pub threshold: Option<f64>,
    /// Their unit.
    pub unit: String,
    /// When: event time.
    pub at: Timestamp,
}

/// One of the seven contents of DOMAIN §1.1 is missing, or a rule of CAP that no schema checks is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bulletin {id} is not complete: {}", .missing.join("; "))]
pub struct Incomplete {
    /// Which bulletin.
    pub id: BulletinId,
    /// What is missing or wrong, in words.
    pub missing: Vec<String>,
}

/// One bulletin on its way through one channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Notice<M: Mode> {
    /// The idempotency key of every attempt, before and after a restart.
    pub id: NoticeId,
    /// Through which channel.
    pub channel: ChannelName,
    /// What it says.
    pub bulletin: Bulletin,
    /// Place in its warning's order on this channel, from 1; a later one never overtakes an earlier one.
    pub order: u64,
    mode: PhantomData<M>,
}

impl<M: Mode> Notice<M> {
    /// Puts a bulletin on its way; refused if the bulletin is of another mode.
    pub fn new(id: NoticeId, channel: ChannelName, bulletin: Bulletin, order: u64) -> Option<Self> {
        (bulletin.mode == M::TAG).then_some(Self { id, channel, bulletin, order, mode: PhantomData })
    }
}
