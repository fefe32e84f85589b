//! An incident (事件): one trouble with many sensors at once, or a place that nobody watches, told once with its time range
//! instead of as a storm of single faults. Never a grade; what stands is held under it.

use serde::{Deserialize, Serialize};

use crate::attention::Attention;
use crate::id::{AreaId, GatewayId, HazardId, IncidentId, PointId, Seq, SourceName, StationId};
use crate::time::{Steady, Timestamp};

/// What is in trouble. Of what sensors share, the widest is first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum About {
    /// A source: a broker connection, a Modbus device.
    Link {
        /// Which.
        source: SourceName,
    },
    /// A gateway.
    Gateway {
        /// Which.
        gateway: GatewayId,
    },
    /// What feeds several stations.
    Power {
        /// Which.
        power: GatewayId,
    },
    /// A logger.
    Logger {
        /// Which.
        logger: GatewayId,
    },
    /// A station with all its points.
    Station {
        /// Which.
        station: StationId,
    },
    /// Our own clock, by the word of most sensors that tell a time.
    HostClock,
    /// Our own judging: readings are judged late, and so warnings come late.
    Judging,
    /// Fewer sensors look out for a hazard in an area than there should be; never the same as safe.
    Unwatched {
        /// Which hazard.
        hazard: HazardId,
        /// Where.
        area: AreaId,
    },
}

impl About {
    /// Every kind, as metrics and screens name them.
    pub const KINDS: [&str; 8] =
        ["link", "gateway", "power", "logger", "station", "host_clock", "judging", "unwatched"];

    /// Its kind, one of [`About::KINDS`].
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Link { .. } => "link",
            Self::Gateway { .. } => "gateway",
            Self::Power { .. } => "power",
            Self::Logger { .. } => "logger",
            Self::Station { .. } => "station",
            Self::HostClock => "host_clock",
            Self::Judging => "judging",
            Self::Unwatched { .. } => "unwatched",
        }
    }
}

impl std::fmt::Display for About {
    /// The kind and the name: `gateway gw-3`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Link { source } => write!(f, "link {source}"),
            Self::Gateway { gateway } => write!(f, "gateway {gateway}"),
            Self::Power { power } => write!(f, "power {power}"),
            Self::Logger { logger } => write!(f, "logger {logger}"),
            Self::Station { station } => write!(f, "station {station}"),
            Self::HostClock => f.write_str("host clock"),
            Self::Judging => f.write_str("judging"),
            Self::Unwatched { hazard, area } => write!(f, "{hazard} unwatched in {area}"),
        }
    }
}

/// One point of one station, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sensor {
    /// The station.
    pub station: StationId,
    /// The point on it.
    pub point: PointId,
}

impl std::fmt::Display for Sensor {
    /// `station/point`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.station, self.point)
    }
}

/// What an Evaluator says of something that many sensors share: how it stands now. Said again it changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outage {
    /// What is in trouble.
    pub about: About,
    /// The journal row that showed it.
    pub seq: Seq,
    /// The last moment anything was heard before.
    pub since: Timestamp,
    /// The first moment anything was heard again; none while nothing is.
    pub until: Option<Timestamp>,
    /// The sensors behind it.
    pub sensors: Vec<Sensor>,
    /// Why, where that is known.
    pub reason: String,
}

/// An incident, from the last good moment before it to the first after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Unique for ever.
    pub id: IncidentId,
    /// What is in trouble.
    pub about: About,
    /// The last good moment before.
    pub since: Timestamp,
    /// When we knew.
    pub noticed_at: Timestamp,
    /// The first good moment after; none while it lasts.
    pub until: Option<Timestamp>,
    /// When what has not come back by then is told as a fault of its own.
    pub settles_at: Option<Steady>,
    /// When it was closed; none while it is open.
    pub closed_at: Option<Timestamp>,
    /// The sensors behind it.
    pub sensors: Vec<Sensor>,
    /// Why, or how it stands, in words.
    pub reason: String,
    /// A high grade is held on it, or nobody watches a place: it comes before other faults.
    pub urgent: bool,
    /// Whether a person has taken note.
    pub attention: Attention,
    /// The wider one that it turned out to be a part of.
    pub within: Option<IncidentId>,
}

impl Incident {
    /// Whether something is still to be told of it.
    pub const fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }
}
