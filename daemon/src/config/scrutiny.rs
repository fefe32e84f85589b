//! The closer look at a point's values, as configuration writes it: each check by its key, all of them off until written.

use watchfire_model::id::PointIx;
use watchfire_model::scrutiny::{
    Attenuated, Beside, Flat, Liveliness, Neighbour, Neighbours, Oscillation, Scrutiny, Season, Sensor, Spike, SpikeBy,
};
use watchfire_model::site::Point;
use watchfire_model::time::{Span, Timestamp};
use watchfire_model::unit::Unit;
use watchfire_rules::quality::MOST_NEIGHBOURS;

use crate::config::amount::{self, Amount};
use crate::config::names::Names;
use crate::config::problem::Problem;
use crate::config::read::{At, Context, Node, Shape, Table};

const SPIKES: &[(&str, SpikeBy)] = &[("differential", SpikeBy::Differential), ("average", SpikeBy::Average)];
const LIVELINESS: &[(&str, Liveliness)] = &[("range", Liveliness::Range), ("deviation", Liveliness::Deviation)];

/// What is written of one point; names are not looked up yet, nor units converted.
#[derive(Default)]
pub(crate) struct ScrutinyDraft {
    spike: Option<(SpikeBy, At<Amount>, Option<At<Amount>>)>,
    flat: FlatDraft,
    attenuated: Option<(At<Span>, Liveliness, At<Amount>)>,
    oscillation: Option<(At<Span>, u8, At<Amount>)>,
    pub(super) seasons: Vec<SeasonDraft>,
    pub(super) neighbours: Option<(Vec<NeighbourDraft>, At<Amount>)>,
    pub(super) sensors: Vec<SensorDraft>,
    datum_jump: Option<At<Amount>>,
}

pub(super) struct SensorDraft {
    pub(super) serial: String,
    pub(super) from: At<Timestamp>,
    pub(super) to: Option<At<Timestamp>>,
    pub(super) offset: Option<At<Amount>>,
    pub(super) scale: f64,
}

#[derive(Default)]
struct FlatDraft {
    tolerance: Option<At<Amount>>,
    suspect_after: Option<At<Span>>,
    stuck_after: Option<At<Span>>,
    beside: Option<BesideDraft>,
}

struct BesideDraft {
    points: Vec<At<String>>,
    after: At<Span>,
    moved: At<Amount>,
}

pub(super) struct SeasonDraft {
    pub(super) days: ((u8, u8), (u8, u8)),
    pub(super) hours: (u8, u8),
    pub(super) usual: (At<Amount>, At<Amount>),
}

pub(super) struct NeighbourDraft {
    pub(super) point: At<String>,
    pub(super) offset: Option<At<Amount>>,
    pub(super) scale: f64,
}

impl ScrutinyDraft {
    /// Reads the keys of a point's table.
    pub(crate) fn read(table: &Table<'_>) -> Self {
        let flat = table.table("flat", "`flat`").map(flat).unwrap_or_default();
        Self {
            spike: table.table("spike", "`spike`").and_then(spike),
            flat: FlatDraft { stuck_after: table.span("flat_after"), ..flat },
            attenuated: table.table("attenuated", "`attenuated`").and_then(attenuated),
            oscillation: table.table("oscillation", "`oscillation`").and_then(oscillation),
            seasons: table.list("seasons").iter().filter_map(|node| season(node.table("a season")?)).collect(),
            neighbours: table.table("neighbours", "`neighbours`").and_then(neighbours),
            sensors: table.tables("sensor", "[[station.point.sensor]]").into_iter().filter_map(sensor).collect(),
            datum_jump: amount_of(table, "datum_jump"),
        }
    }

    /// What a spreadsheet can say of it in cells that hold one thing.
    pub(crate) fn of_row(
        spike: Option<At<Amount>>,
        flat_after: Option<At<Span>>,
        datum_jump: Option<At<Amount>>,
    ) -> Self {
        let flat = FlatDraft { stuck_after: flat_after, ..FlatDraft::default() };
        Self { spike: spike.map(|suspect| (SpikeBy::default(), suspect, None)), flat, datum_jump, ..Self::default() }
    }

    /// Whether anything is.
    pub(crate) fn is_written(&self) -> bool {
        let FlatDraft { tolerance, suspect_after, stuck_after, beside } = &self.flat;
        let flat = tolerance.is_some() || suspect_after.is_some() || stuck_after.is_some() || beside.is_some();
        let moving = self.spike.is_some() || self.attenuated.is_some() || self.oscillation.is_some();
        let beside = !self.seasons.is_empty() || self.neighbours.is_some();
        flat || moving || beside || !self.sensors.is_empty() || self.datum_jump.is_some()
    }

    /// What it comes to for `point`, which stands at `ix`; none where nothing is written.
    pub(crate) fn settle(self, cx: &Context<'_>, ix: usize, points: &[Point], names: &Names) -> Option<Box<Scrutiny>> {
        let point = points.get(ix)?;
        let unit = point.unit;
        let other = |name: &At<String>| another(cx, names, name, ix);
        let scrutiny = Scrutiny {
            spike: self.spike.and_then(|(by, suspect, fail)| {
                let limits = (positive(cx, &suspect, unit)?, fail.as_ref().map(|fail| positive(cx, fail, unit)));
                if let (suspect, Some(Some(no_less))) = limits
                    && let Some(fail) = fail.filter(|_| no_less <= suspect)
                {
                    cx.report(Problem::error(fail.at, "`fail` is not beyond `suspect`"));
                }
                Some(Spike { by, suspect: limits.0, fail: limits.1.flatten() })
            }),
            flat: self.flat.settle(cx, point, points, other),
            attenuated: self.attenuated.and_then(|(over, by, below)| {
                spans(cx, &over, point, 4);
                Some(Attenuated { over: over.value, by, below: positive(cx, &below, unit)? })
            }),
            oscillation: self.oscillation.and_then(|(over, turns, swing)| {
                spans(cx, &over, point, i64::from(turns));
                Some(Oscillation { over: over.value, turns, swing: positive(cx, &swing, unit)? })
            }),
            climate: self.seasons.into_iter().filter_map(|season| season.settle(cx, unit)).collect(),
            neighbours: self.neighbours.and_then(|(neighbours, suspect)| {
                let line = |neighbour: NeighbourDraft| {
                    let offset = neighbour.offset.map(|offset| amount::convert_difference(cx, &offset, unit));
                    Some(Neighbour {
                        point: other(&neighbour.point)?,
                        offset: offset.unwrap_or(Some(0.0))?,
                        scale: neighbour.scale,
                    })
                };
                let points = neighbours.into_iter().filter_map(line).collect();
                Some(Neighbours { points, suspect: positive(cx, &suspect, unit)? })
            }),
            sensors: sensors(cx, self.sensors, unit),
            datum_jump: self.datum_jump.and_then(|jump| positive(cx, &jump, unit)),
        };
        (scrutiny != Scrutiny::default()).then(|| Box::new(scrutiny))
    }
}

impl FlatDraft {
    fn settle(
        self,
        cx: &Context<'_>,
        point: &Point,
        points: &[Point],
        other: impl Fn(&At<String>) -> Option<PointIx>,
    ) -> Option<Flat> {
        let Self { tolerance, suspect_after, stuck_after, beside } = self;
        for span in [&suspect_after, &stuck_after].into_iter().flatten() {
            spans(cx, span, point, 2);
        }
        let beside = beside.and_then(|BesideDraft { points: named, after, moved }| {
            spans(cx, &after, point, 2);
            let beside: Vec<PointIx> = named.iter().filter_map(&other).collect();
            let unit = |ix: &PointIx| points.get(ix.index()).map(|point| point.unit);
            let moved = beside.iter().filter_map(unit).map(|unit| positive(cx, &moved, unit)).collect::<Vec<_>>();
            Some(Beside { points: beside, after: after.value, moved: moved.first().copied().flatten()? })
        });
        let tolerance = tolerance.and_then(|tolerance| amount::convert_difference(cx, &tolerance, point.unit));
        let (suspect_after, stuck_after) = (suspect_after.map(|at| at.value), stuck_after.map(|at| at.value));
        let any = suspect_after.is_some() || stuck_after.is_some() || beside.is_some();
        any.then(|| Flat { tolerance: tolerance.unwrap_or(0.0).max(0.0), suspect_after, stuck_after, beside })
    }
}

impl SeasonDraft {
    fn settle(self, cx: &Context<'_>, unit: Unit) -> Option<Season> {
        let (low, high) = &self.usual;
        let usual = (amount::convert(cx, low, unit)?, amount::convert(cx, high, unit)?);
        if usual.0 >= usual.1 {
            cx.report(Problem::error(low.at, format!("{} is not below {}", usual.0, usual.1)).label("[low, high]"));
        }
        Some(Season { days: self.days, hours: self.hours, usual })
    }
}

fn flat(table: Table<'_>) -> FlatDraft {
    let beside = table.texts("beside");
    let (after, moved) = (table.span("beside_after"), amount_of(&table, "moved"));
    if !beside.is_empty() && after.is_none() && table.get("beside_after").is_none() {
        table.missing("beside_after", "how long it must have stood still, such as \"3h\": longer than the water takes");
    }
    if !beside.is_empty() && moved.is_none() && table.get("moved").is_none() {
        table.missing("moved", "by how much the others must have moved for this one to be stuck, such as \"0.3 m\"");
    }
    let draft = FlatDraft {
        tolerance: amount_of(&table, "tolerance"),
        suspect_after: table.span("suspect_after"),
        stuck_after: None,
        beside: after.zip(moved).filter(|_| !beside.is_empty()).map(|(after, moved)| BesideDraft {
            points: beside,
            after,
            moved,
        }),
    };
    table.finish();
    draft
}

fn spike(table: Table<'_>) -> Option<(SpikeBy, At<Amount>, Option<At<Amount>>)> {
    let by = table.word("by", SPIKES).map(|by| by.value).unwrap_or_default();
    let (suspect, fail) = (needed(&table, "suspect", "\"0.3 m\""), amount_of(&table, "fail"));
    table.finish();
    Some((by, suspect?, fail))
}

fn attenuated(table: Table<'_>) -> Option<(At<Span>, Liveliness, At<Amount>)> {
    let by = table.word("by", LIVELINESS).map(|by| by.value).unwrap_or_default();
    let (over, below) = (needed_span(&table, "over", "\"6h\""), needed(&table, "below", "\"0.02 m\""));
    table.finish();
    Some((over?, by, below?))
}

fn oscillation(table: Table<'_>) -> Option<(At<Span>, u8, At<Amount>)> {
    let turns = table.whole::<u8>("turns", 2, 100);
    if turns.is_none() && table.get("turns").is_none() {
        table.missing("turns", "such as 8");
    }
    let (over, swing) = (needed_span(&table, "over", "\"1h\""), needed(&table, "swing", "\"0.2 m\""));
    table.finish();
    Some((over?, turns?.value, swing?))
}

fn season(table: Table<'_>) -> Option<SeasonDraft> {
    const DAYS: &str = "[first, last] as month and day, such as [\"11-01\", \"03-31\"],";
    let days = match table.get("days") {
        None => Some(((1, 1), (12, 31))),
        Some(node) => two(&node, DAYS, |node| {
            let text = node.text()?;
            day(&text.value).or_else(|| node.refuse("a day such as \"03-31\""))
        }),
    };
    let hours = match table.get("hours") {
        None => Some((0, 24)),
        Some(node) => two(&node, "[from, to] in hours, such as [22, 6],", |node| match node.shape("") {
            Shape::Number(number) => (0..=24_u8)
                .find(|hour| (f64::from(*hour) - number.value).abs() < 1e-9)
                .or_else(|| node.refuse("an hour from 0 to 24")),
            Shape::Text(_) | Shape::Table(_) | Shape::Array(_) | Shape::Flag(_) | Shape::Other => {
                node.refuse("an hour from 0 to 24")
            }
        }),
    };
    let usual = match table.get("usual") {
        None => {
            table.missing("usual", "[low, high], such as [\"40 m\", \"44 m\"]");
            None
        }
        Some(node) => two(&node, "[low, high]", amount::amount),
    };
    table.finish();
    Some(SeasonDraft { days: days?, hours: hours?, usual: usual? })
}

fn neighbours(table: Table<'_>) -> Option<(Vec<NeighbourDraft>, At<Amount>)> {
    let listed = table.list("points");
    if listed.is_empty() {
        table.missing("points", "such as [\"shangqing/stage\"]; ours = offset + scale × theirs");
    }
    if let Some(beyond) = listed.get(MOST_NEIGHBOURS) {
        beyond.refuse::<()>(&format!("no more than {MOST_NEIGHBOURS} neighbours"));
    }
    let suspect = needed(&table, "suspect", "\"0.5 m\"");
    table.finish();
    let neighbour = |node: &Node<'_>| match node.shape("a neighbour") {
        Shape::Text(point) => Some(NeighbourDraft { point, offset: None, scale: 1.0 }),
        Shape::Table(table) => {
            let point = table.required("point", "such as \"shangqing/stage\"");
            let offset = amount_of(&table, "offset");
            let scale = table.number("scale").map_or(1.0, |scale| scale.value);
            table.finish();
            Some(NeighbourDraft { point: point?, offset, scale })
        }
        Shape::Number(_) | Shape::Array(_) | Shape::Flag(_) | Shape::Other => {
            node.refuse("\"station/point\", or { point = \"station/point\", offset = \"0.5 m\" },")
        }
    };
    Some((listed.iter().take(MOST_NEIGHBOURS).filter_map(neighbour).collect(), suspect?))
}

fn sensor(table: Table<'_>) -> Option<SensorDraft> {
    let serial = table.required("serial", "what is written on it");
    let (from, to) = (moment(&table, "from"), moment(&table, "to"));
    if from.is_none() && table.get("from").is_none() {
        table.missing("from", "since when it measures, such as \"2026-05-01T08:00:00+08:00\"");
    }
    let offset = amount_of(&table, "offset");
    let scale = table.number("scale").map_or(1.0, |scale| scale.value);
    table.finish();
    Some(SensorDraft { serial: serial?.value, from: from?, to, offset, scale })
}

/// `"2026-05-01T08:00:00+08:00"`.
fn moment(table: &Table<'_>, key: &'static str) -> Option<At<Timestamp>> {
    let node = table.get(key)?;
    let text = node.text()?;
    match text.value.parse::<jiff::Timestamp>() {
        Ok(moment) => Some(At { value: Timestamp(moment.as_millisecond()), at: text.at }),
        Err(_) => node.refuse("a moment with its zone, such as \"2026-05-01T08:00:00+08:00\","),
    }
}

/// Devices one after the other.
fn sensors(cx: &Context<'_>, drafts: Vec<SensorDraft>, unit: Unit) -> Vec<Sensor> {
    let mut sensors: Vec<Sensor> = Vec::new();
    for draft in drafts {
        let end = sensors.last().map(|last| last.to.unwrap_or(last.from));
        if end.is_some_and(|end| draft.from.value < end) {
            let problem = Problem::error(draft.from.at, "it measures while the one before it still does");
            cx.report(problem.hint("write them in the order of their times"));
        }
        if let Some(to) = draft.to.as_ref().filter(|to| to.value <= draft.from.value) {
            cx.report(Problem::error(to.at, "`to` is not later than `from`"));
        }
        let offset = draft.offset.map_or(Some(0.0), |offset| amount::convert_difference(cx, &offset, unit));
        let (serial, from, to) = (draft.serial, draft.from.value, draft.to.map(|to| to.value));
        sensors.extend(offset.map(|offset| Sensor { serial, from, to, offset, scale: draft.scale }));
    }
    sensors
}

fn amount_of(table: &Table<'_>, key: &'static str) -> Option<At<Amount>> {
    table.get(key).and_then(|node| amount::amount(&node))
}

fn needed(table: &Table<'_>, key: &'static str, such_as: &str) -> Option<At<Amount>> {
    if table.get(key).is_none() {
        table.missing(key, &format!("such as {such_as}"));
    }
    amount_of(table, key)
}

fn needed_span(table: &Table<'_>, key: &'static str, such_as: &str) -> Option<At<Span>> {
    if table.get(key).is_none() {
        table.missing(key, &format!("such as {such_as}"));
    }
    table.span(key)
}

/// A list of two.
fn two<T>(node: &Node<'_>, due: &str, read: impl Fn(&Node<'_>) -> Option<T>) -> Option<(T, T)> {
    match node.shape("") {
        Shape::Array(nodes) => match nodes.as_slice() {
            [first, last] => read(first).zip(read(last)),
            _ => node.refuse(due),
        },
        Shape::Text(_) | Shape::Number(_) | Shape::Table(_) | Shape::Flag(_) | Shape::Other => node.refuse(due),
    }
}

/// `03-31`.
pub(super) fn day(text: &str) -> Option<(u8, u8)> {
    const LONGEST: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let (month, day) = text.split_once('-')?;
    let (month, day): (u8, u8) = (month.parse().ok()?, day.parse().ok()?);
    let longest = LONGEST.get(usize::from(month).checked_sub(1)?)?;
    (1..=*longest).contains(&day).then_some((month, day))
}

/// A difference larger than nothing, in `unit`.
fn positive(cx: &Context<'_>, amount: &At<Amount>, unit: Unit) -> Option<f64> {
    if amount.value.value <= 0.0 {
        cx.report(Problem::error(amount.at, "this is a difference, larger than 0"));
        return None;
    }
    amount::convert_difference(cx, amount, unit)
}

/// Reports a time in which the point does not report often enough to be judged.
fn spans(cx: &Context<'_>, span: &At<Span>, point: &Point, readings: i64) {
    let least = Span(point.interval.0.saturating_mul(readings));
    if span.value < least {
        let problem = Problem::error(span.at, format!("in {} it does not report {readings} times", span.value));
        cx.report(problem.label(format!("its interval is {}", point.interval)).hint(format!("at least \"{least}\"")));
    }
}

/// Another point by its full name.
fn another(cx: &Context<'_>, names: &Names, name: &At<String>, ix: usize) -> Option<PointIx> {
    let found = names.find(cx, name)?;
    if found == ix {
        cx.report(Problem::error(name.at, "a point is no neighbour of itself"));
        return None;
    }
    u32::try_from(found).ok().map(PointIx)
}
