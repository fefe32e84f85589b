//! What was heard. An [`Observation`] is a reading that has passed quality control; rules take nothing else.

use serde::{Deserialize, Serialize};

use crate::id::PointIx;
use crate::quality::{Checks, Flag};
use crate::quantity::{Bad, Finite};
use crate::time::Timestamp;

/// One value of one point, as heard.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Whose it is.
    pub point: PointIx,
    /// The sensor's word for when; our receipt where the payload names no time.
    pub observed_at: Timestamp,
    /// Ours, stamped once in intake.
    pub received_at: Timestamp,
    /// In the point's own unit, after scale and offset; or why there is no number.
    pub value: Result<Finite, Bad>,
    /// The device's own word about the point.
    pub state: PointState,
    /// A retained MQTT message: a last value, not a fresh sample.
    pub retained: bool,
}

/// What a device says of a point beside the value (DOMAIN §5.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum PointState {
    /// 正常, or nothing said.
    #[default]
    Normal = 0,
    /// 报警.
    Alarm = 1,
    /// 断电.
    PowerOff = 2,
    /// 复电.
    Restored = 3,
    /// 断线: no value is used.
    BrokenLine = 4,
    /// 溢出, 超量程: the value is at least full scale.
    OverRange = 5,
    /// 负漂: no value is used.
    NegativeDrift = 6,
    /// 故障: no value is used.
    SensorFault = 7,
    /// 标校: stored, kept out of public warnings.
    Calibrating = 8,
    /// 不巡检, 暂停.
    NotPolled = 9,
    /// 分站故障: no value is used.
    SubstationFault = 10,
    /// 馈电异常.
    FeedAnomaly = 14,
}

impl PointState {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Normal,
        Self::Alarm,
        Self::PowerOff,
        Self::Restored,
        Self::BrokenLine,
        Self::OverRange,
        Self::NegativeDrift,
        Self::SensorFault,
        Self::Calibrating,
        Self::NotPolled,
        Self::SubstationFault,
        Self::FeedAnomaly,
    ];
    /// The code on disk and on the wire of the one vendor whose codes these are.
    pub const fn code(self) -> u8 {
        self as u8
    }
    /// The state of a code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
    /// Whether a number beside this state says anything about the world.
    pub const fn measures(self) -> bool {
        match self {
            Self::Normal | Self::Alarm | Self::PowerOff | Self::Restored | Self::FeedAnomaly | Self::OverRange => true,
            Self::BrokenLine
            | Self::NegativeDrift
            | Self::SensorFault
            | Self::Calibrating
            | Self::NotPolled
            | Self::SubstationFault => false,
        }
    }
}

/// A reading after quality control.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Whose it is.
    pub point: PointIx,
    /// When, for windows and delays: the sensor's word unless its clock is ahead of ours, then our receipt.
    pub at: Timestamp,
    /// In the point's unit.
    pub value: Finite,
    /// How far it may be trusted.
    pub flag: Flag,
    /// Which checks spoke.
    pub checks: Checks,
}
