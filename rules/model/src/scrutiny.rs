//! What a point's values are held against beside range and rate. Nothing of it is on until it is written, and a point that
//! has none of it costs nothing.

use serde::{Deserialize, Serialize};

use crate::id::PointIx;
use crate::time::{Span, Timestamp};

/// Every check of a point that looks at more than one value, or beyond the point.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scrutiny {
    /// One value far from both its neighbours in time.
    pub spike: Option<Spike>,
    /// A signal that does not move.
    pub flat: Option<Flat>,
    /// A signal that moves less than the world does.
    pub attenuated: Option<Attenuated>,
    /// A signal that swings to and fro (振荡).
    pub oscillation: Option<Oscillation>,
    /// What is usual in each season.
    pub climate: Vec<Season>,
    /// What others of the kind say at the same time.
    pub neighbours: Option<Neighbours>,
    /// Which device measured when, rising in time; empty where nobody keeps account of it.
    pub sensors: Vec<Sensor>,
    /// How far the first value of a device may be from the last of the one before it; none = however far.
    pub datum_jump: Option<f64>,
}

/// A device at a point for a time (SEMANTICS §8). Where one gives place to another, windows, rates, counters and
/// stillness begin anew, and the first values are unproven.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sensor {
    /// What is written on it.
    pub serial: String,
    /// From then on it measured …
    pub from: Timestamp,
    /// … until then; none = until the next one.
    pub to: Option<Timestamp>,
    /// What it said becomes `offset` + `scale` × its number, in the point's unit.
    pub offset: f64,
    /// As above.
    pub scale: f64,
}

/// A value that stands alone. It can be told one sample later, when its other neighbour is there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spike {
    /// How far is measured so.
    pub by: SpikeBy,
    /// Further than this it is suspect; in the point's unit.
    pub suspect: f64,
    /// Further than this it is no measurement; none = it is never thrown out.
    pub fail: Option<f64>,
}

/// How far a value is from its neighbours in time (QARTOD's two methods).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpikeBy {
    /// The smaller of the two steps, where they go opposite ways; the neighbours of a spike are left in peace.
    #[default]
    Differential,
    /// From the mean of the two; the neighbours of a large spike are far from theirs, too.
    Average,
}

/// How long, and within how little, a signal may stand still. Time is what readings cover: silence is not stillness.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flat {
    /// All of a stretch within this counts as still, and at least the sensor's resolution; in the point's unit.
    pub tolerance: f64,
    /// Still for so long it is suspect.
    pub suspect_after: Option<Span>,
    /// Still for so long it is stuck, whatever else moves: a fault.
    pub stuck_after: Option<Span>,
    /// Still for so long while one of these moved, it is stuck.
    pub beside: Option<Beside>,
}

/// Points that would not move alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beside {
    /// Which: an upstream gauge, the rain.
    pub points: Vec<PointIx>,
    /// How long the point must have been still.
    pub after: Span,
    /// What counts as a movement, in the points' own unit: the range of a gauge, the sum of increments.
    pub moved: f64,
}

/// A signal that lives, but less than the world: silted wells, fouled probes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attenuated {
    /// Over the last so long.
    pub over: Span,
    /// What is measured.
    pub by: Liveliness,
    /// Below this it is suspect; in the point's unit.
    pub below: f64,
}

/// How lively a signal is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Liveliness {
    /// Largest less smallest.
    #[default]
    Range,
    /// Standard deviation.
    Deviation,
}

/// A signal that turns more often than water, rock or air does: loose contacts, hunting controllers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Oscillation {
    /// Within so long …
    pub over: Span,
    /// … so many turns …
    pub turns: u8,
    /// … each after a swing of at least this, in the point's unit, are too many.
    pub swing: f64,
}

/// What is usual in a part of the year and of the day, by the clock of the site.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Season {
    /// First and last day, as (month, day), both included; a season may go over the turn of the year.
    pub days: ((u8, u8), (u8, u8)),
    /// First hour and the hour at which it ends, 0 to 24; it may go over midnight.
    pub hours: (u8, u8),
    /// Below and above it is unusual.
    pub usual: (f64, f64),
}

/// Others of the kind, from which a value should not be far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Neighbours {
    /// Which, and how theirs becomes ours.
    pub points: Vec<Neighbour>,
    /// Further than this from the middle of what they lead us to expect, a value is suspect.
    pub suspect: f64,
}

/// One neighbour, with the line that was fitted beforehand: ours = `offset` + `scale` × theirs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Which point.
    pub point: PointIx,
    /// In our unit.
    pub offset: f64,
    /// Ours for one of theirs.
    pub scale: f64,
}

impl Scrutiny {
    /// The place of the device that measured at a time.
    pub fn sensor_at(&self, at: Timestamp) -> Option<usize> {
        let place = self.sensors.iter().rposition(|sensor| sensor.from <= at)?;
        self.sensors.get(place)?.to.is_none_or(|to| at < to).then_some(place)
    }

    /// How far back in the point's own samples it looks.
    pub fn reach(&self) -> Span {
        self.attenuated.map_or(Span::ZERO, |attenuated| attenuated.over)
    }

    /// The points beside which it is looked at, and how far back in their samples.
    pub fn reaches(&self) -> impl Iterator<Item = (PointIx, Span)> {
        let beside = self.flat.iter().filter_map(|flat| flat.beside.as_ref());
        let beside = beside.flat_map(|beside| beside.points.iter().map(|point| (*point, beside.after)));
        let neighbours = self.neighbours.iter().flat_map(|neighbours| &neighbours.points);
        beside.chain(neighbours.map(|neighbour| (neighbour.point, Span::ZERO)))
    }
}
