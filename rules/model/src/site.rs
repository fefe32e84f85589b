//! A site: areas, stations, points, groups, hazards and rules, all names resolved. What the daemon's configuration
//! becomes before anything runs.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::grade::PerGrade;
use crate::id::{
    AreaId, ChannelName, GatewayId, PointId, PointIx, Revision, SourceName, StationId, StationIx, SubjectId,
};
use crate::ladder::Direction;
use crate::quantity::Finite;
use crate::quiet::Quiet;
use crate::reading::Reading;
use crate::rule::{Hazard, Rule};
use crate::scrutiny::Scrutiny;
use crate::time::{Span, Zone};
use crate::unit::Unit;

/// Everything that judging and warning need to know of a place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Site {
    /// Its name.
    pub name: String,
    /// `county`, `city`, `province`: which level the issuer is.
    pub authority: String,
    /// The issuer's name, as it stands in bulletins (发布单位).
    pub issuer: String,
    /// CAP sender: globally unique, no spaces, commas, `<` or `&`.
    pub sender: String,
    /// Where a reader may ask back.
    pub contact: String,
    /// Local time.
    pub zone: Zone,
    /// Languages of the bulletins, such as `zh-CN`, `en-US`.
    pub languages: Vec<String>,
    /// CAP status Test and a mark in every text: the demo, or a system not yet in service.
    pub test: Option<TestMark>,
    /// Areas.
    pub areas: Vec<Area>,
    /// Stations; [`StationIx`] is the place here.
    pub stations: Vec<Station>,
    /// Points; [`PointIx`] is the place here.
    pub points: Vec<Point>,
    /// What the points are heard by.
    #[serde(default)]
    pub links: Vec<Link>,
    /// Named groups of stations.
    pub groups: Vec<Group>,
    /// Hazard profiles.
    pub hazards: Vec<Hazard>,
    /// Rules.
    pub rules: Vec<Rule>,
    /// What is kept quiet.
    #[serde(default)]
    pub quiet: Quiet,
    /// Channels, with what the Desk must know of them.
    pub channels: Vec<Channel>,
    /// Hash of all the text this was made from.
    pub revision: Revision,
}

/// How a site that is not in service marks its bulletins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestMark {
    /// Stands before every headline and description, such as `【演示】`.
    pub mark: String,
    /// CAP note.
    pub note: String,
}

/// A place that can be warned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Area {
    /// Its code.
    pub id: AreaId,
    /// Its name.
    pub name: String,
    /// WGS 84 rings as (latitude, longitude), closed; empty where only the code is known.
    pub polygons: Vec<Vec<(f64, f64)>>,
    /// How many people live there.
    pub population: Option<u64>,
}

/// A place with points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Station {
    /// Its id.
    pub id: StationId,
    /// Former ids: what stood under one of these goes on under the new id.
    #[serde(default)]
    pub aliases: Vec<StationId>,
    /// Its name.
    pub name: String,
    /// Where a warning from it goes.
    pub area: AreaId,
    /// Degrees north, WGS 84.
    pub lat: Option<f64>,
    /// Degrees east, WGS 84.
    pub lon: Option<f64>,
    /// Vertical datum of its stages.
    pub datum: Option<String>,
    /// The gateway that it shares with others; a failure domain, like the next two.
    pub gateway: Option<GatewayId>,
    /// The logger that it shares with others.
    #[serde(default)]
    pub logger: Option<GatewayId>,
    /// The power that it shares with others.
    #[serde(default)]
    pub power: Option<GatewayId>,
    /// The next station upstream.
    pub upstream: Option<StationIx>,
    /// Its points.
    pub points: Vec<PointIx>,
}

impl Station {
    /// What a subject of this station was called before the station was renamed.
    pub fn former_names(&self, subject: &SubjectId) -> Vec<SubjectId> {
        let Some(rest) = subject.as_str().strip_prefix(self.id.as_str()) else { return Vec::new() };
        let its_own = rest.is_empty() || rest.starts_with('/');
        let aliases = self.aliases.iter().filter(|_| its_own);
        aliases.map(|alias| SubjectId::from(format!("{alias}{rest}"))).collect()
    }
}

/// How a point reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reports {
    /// At every interval.
    #[default]
    Interval,
    /// When something changed; heartbeats cover the time between.
    OnChange,
}

/// What a point's numbers are, for windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A state at an instant (a stage, a concentration).
    #[default]
    Gauge,
    /// What fell since the last report (rain per interval).
    Increment,
    /// A counter that only rises until it wraps or is reset (a totalizer).
    Counter,
}

/// One measured quantity at one place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Its station.
    pub station: StationIx,
    /// Its name on the station.
    pub id: PointId,
    /// What it measures, such as `stage`, `rain`, `methane`.
    pub quantity: Arc<str>,
    /// Its unit.
    pub unit: Unit,
    /// What its numbers are.
    pub kind: Kind,
    /// Nominal time between reports.
    pub interval: Span,
    /// Smallest step, in its unit.
    pub resolution: Option<f64>,
    /// Beyond this no sensor of the kind can measure: fail.
    pub range: Option<(f64, f64)>,
    /// Beyond this a value is unlikely: suspect.
    pub plausible: Option<(f64, f64)>,
    /// Largest possible change per hour, (fall, rise), both positive: beyond it suspect.
    pub max_rate: Option<(f64, f64)>,
    /// Device values that mean "none", after scaling.
    pub sentinels: Vec<f64>,
    /// Its own thresholds.
    pub thresholds: PerGrade<Option<f64>>,
    /// Which way is worse.
    pub direction: Direction,
    /// How it reports.
    pub reports: Reports,
    /// The point of its station whose word says that this one is alive too; of points that report on change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<PointIx>,
    /// Silence after which there is no data; none = max(3 × interval, 60 s).
    pub stale_after: Option<Span>,
    /// A counter's largest value before it wraps to zero.
    pub wraps_at: Option<f64>,
    /// What else its values are held against; none for most.
    #[serde(default)]
    pub scrutiny: Option<Box<Scrutiny>>,
}

impl Point {
    /// Silence after which there is no data (SEMANTICS §2).
    pub fn stale_after(&self) -> Span {
        self.stale_after.unwrap_or_else(|| Span((3 * self.interval.0).max(60_000)))
    }
}

/// A source with the points behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its name.
    pub source: SourceName,
    /// It is a device that measures, and may measure wrong (Modbus); a broker only carries what others have measured.
    pub measures: bool,
    /// The points.
    pub points: Vec<PointIx>,
}

/// A named set of stations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Its name; the subject is `group:name`.
    pub name: String,
    /// Its stations.
    pub stations: Vec<StationIx>,
}

/// What the Desk knows of a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Its name.
    pub name: ChannelName,
    /// Who hears it.
    pub audience: Audience,
    /// Lowest grade it carries.
    pub from_grade: crate::grade::Grade,
    /// Whether it has said that it can take drills.
    pub takes_drills: bool,
}

/// Who hears: those on duty at once, the public after release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// 内部预警: duty officers, village heads, dispatchers, the level above.
    Internal,
    /// 外部预警.
    Public,
}

impl Site {
    /// The point at an index. Indexes are made by this site and never by hand.
    pub fn point(&self, ix: PointIx) -> Option<&Point> {
        self.points.get(ix.index())
    }
    /// The station of a point.
    pub fn station_of(&self, ix: PointIx) -> Option<&Station> {
        self.point(ix).and_then(|point| self.stations.get(point.station.index()))
    }
    /// A point by its station's and its own name.
    pub fn find_point(&self, station: &str, point: &str) -> Option<PointIx> {
        let station = self.stations.iter().find(|s| s.id.as_str() == station)?;
        station.points.iter().copied().find(|ix| self.point(*ix).is_some_and(|p| p.id.as_str() == point))
    }
    /// A reading as the device says that measured it, in the point's own zero and scale. Marks for "none" are left as
    /// they are.
    #[must_use]
    pub fn corrected(&self, reading: &Reading) -> Reading {
        let point = self.point(reading.point);
        let Some((point, scrutiny)) = point.and_then(|point| Some((point, point.scrutiny.as_ref()?))) else {
            return *reading;
        };
        let at = reading.observed_at.min(reading.received_at);
        let Some(sensor) = scrutiny.sensor_at(at).and_then(|place| scrutiny.sensors.get(place)) else {
            return *reading;
        };
        let is_mark = |value: f64| point.sentinels.iter().any(|mark| mark.to_bits() == value.to_bits());
        let value = reading.value.and_then(|value| match value.get() {
            mark if is_mark(mark) => Ok(value),
            value => Finite::new(sensor.offset + sensor.scale * value),
        });
        Reading { value, ..*reading }
    }
    /// A hazard by id.
    pub fn hazard(&self, id: &str) -> Option<&Hazard> {
        self.hazards.iter().find(|hazard| hazard.id.as_str() == id)
    }
}
