//! A rule and a hazard profile, as configuration states them, typed and resolved: names, units and spans are checked.

use serde::{Deserialize, Serialize};

use crate::attention::AttentionPolicy;
use crate::grade::PerGrade;
use crate::id::{HazardId, RuleId};
use crate::ladder::{Delay, Direction};
use crate::site::Point;
use crate::time::Span;
use crate::unit::Unit;

/// What a rule judges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// Each station that has the watched point.
    #[default]
    Station,
    /// Each point that matches.
    Point,
    /// Each named group of stations.
    Group,
    /// Each area.
    Area,
}

/// Which points a rule watches; all that are written must match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// A quantity, such as `stage`.
    pub quantity: Option<String>,
    /// A point's own name.
    pub point: Option<String>,
    /// Station ids; empty = all. `*` and `?` are wildcards.
    pub stations: Vec<String>,
}

impl Watch {
    /// Whether a point is meant, by its quantity and its own name; at which stations is another matter.
    pub fn names(&self, point: &Point) -> bool {
        self.quantity.as_ref().is_none_or(|quantity| **quantity == *point.quantity)
            && self.point.as_ref().is_none_or(|id| id == point.id.as_str())
    }
}

/// How the number that is graded is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// A Rhai expression, such as `stage.rise("1h")`; a bare point name is the native way.
    Expression(String),
    /// A whole script.
    Script {
        /// The file it came from, for messages.
        file: String,
        /// Its text.
        text: String,
    },
}

/// Where the thresholds come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Thresholds {
    /// The watched point's own (`ladder = "station"`).
    Station,
    /// Written in the rule, in the measure's unit.
    Inline(PerGrade<Option<f64>>),
}

/// How a profile is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// First-sample rule and suspect cap hold.
    #[default]
    Ordinary,
    /// Gas, trip wires: neither; zero margin allowed; a rate check never caps a raise.
    Instant,
}

/// What speaks for a value in doubt (SEMANTICS §4). A person's word needs no rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Corroborate {
    /// So many in a row that met the grade; none = however many, they prove nothing.
    pub samples: Option<u32>,
    /// A second kind of sensor.
    pub witness: Option<Witness>,
}

/// A second kind of sensor, such as rain for a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Witness {
    /// A quantity or point of the subject's own stations, or `station/point`.
    pub point: String,
    /// It must have said at least this …
    pub at_least: f64,
    /// … in this unit; none = its own.
    pub unit: Option<Unit>,
    /// … within so long: the sum of increments, what a counter counted, the largest value of a gauge.
    pub within: Span,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Its id.
    pub id: RuleId,
    /// Former ids: an alarm of one of these goes on under the new id.
    pub aliases: Vec<RuleId>,
    /// Its hazard profile.
    pub hazard: HazardId,
    /// What it judges.
    pub per: Per,
    /// Over which points.
    pub watch: Watch,
    /// The number.
    pub measure: Measure,
    /// The measure's unit; the watched point's where none is written.
    pub unit: Option<Unit>,
    /// The thresholds.
    pub thresholds: Thresholds,
    /// Which way is worse.
    pub direction: Direction,
    /// Absolute reset values per grade, where written.
    pub lift_below: PerGrade<Option<f64>>,
    /// Distance of the reset value from the threshold, where `lift_below` is not written.
    pub lift_margin: PerGrade<Option<f64>>,
    /// Delay before a raise.
    pub raise_after: PerGrade<Delay>,
    /// Delay before a lift.
    pub lift_after: PerGrade<Span>,
    /// Least time in a grade.
    pub hold: PerGrade<Span>,
    /// How it is judged; the hazard's where the rule writes none.
    pub class: Class,
    /// Part of a window that must be covered by readings, 0 to 1; below it the window is unknown.
    pub coverage: f64,
    /// k of n inputs that must be good; none = all the measure read.
    pub enough: Option<u32>,
    /// How many independent points must meet a grade, each by itself, before it is raised; 1 = any.
    #[serde(default = "any_one")]
    pub witnesses: PerGrade<u32>,
    /// What each grade needs before the public is told of it: so many valid samples or so long, whichever is first. Two
    /// independent sensors are always enough, and rules of class instant wait for nothing.
    #[serde(default = "crate::doubt::usual")]
    pub public_after: PerGrade<Delay>,
    /// Longest gap that counts as covered; none = 2.5 × the point's interval.
    pub max_gap: Option<Span>,
    /// Highest grade a suspect value may raise by itself.
    pub suspect_cap: crate::grade::Grade,
    /// A fast rise is the hazard itself: rate and spike checks hold nothing back, and ask for a look instead.
    pub fast_rise: bool,
    /// What a suspect value needs beside itself to raise more than the cap.
    pub corroborate: Corroborate,
    /// What the officer and the people do.
    pub response: String,
    /// What happens if nobody does.
    pub consequence: String,
    /// How long there is.
    pub time_to_respond: Option<Span>,
    /// Judged and recorded, never published.
    pub shadow: bool,
    /// `file:line` where it stands, for messages.
    pub origin: String,
}

/// Who signs before the public hears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Release {
    /// Nobody: only where written.
    Auto,
    /// One named person.
    #[default]
    One,
    /// Two different people.
    Two,
}

/// Release by act.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasePolicy {
    /// A new warning or an upgrade.
    pub raise: PerGrade<Release>,
    /// A downgrade, by the grade it leaves.
    pub lower: PerGrade<Release>,
    /// An all-clear, by the grade it leaves.
    pub end: PerGrade<Release>,
}

/// Who may hear of a hazard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// Internal at once, the public through the gate.
    #[default]
    Public,
    /// Internal only (rain without a meteorological issuer, mine gas).
    Internal,
}

/// Texts of one language. Placeholders: `{area} {station} {stations} {value} {unit} {threshold} {grade} {numeral}
/// {weight} {hazard} {issuer} {time} {onset} {response} {consequence} {lost_since} {act}`, the last being 发布, 变更发布, 解除
/// and so on: a headline that has it serves every change, one without it only the first word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts {
    /// The hazard's name, such as 洪水 / flood.
    pub event: String,
    /// One line, at most 160 characters after filling.
    pub headline: String,
    /// What is happening and where; what to watch (警示事项).
    pub description: String,
    /// What to do (应采取的措施), per grade.
    pub instruction: PerGrade<String>,
    /// Headline and description of an ending by danger over.
    pub all_clear: String,
    /// Headline and description of a withdrawal issued in error.
    pub cancelled: String,
}

/// A hazard profile: all that a site need not write itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hazard {
    /// Its id.
    pub id: HazardId,
    /// GB/T 35561 code, such as `11A01`.
    pub event_code: String,
    /// CAP categories, such as `Met`.
    pub categories: Vec<String>,
    /// CAP responseType per grade, such as `Prepare`, `Evacuate`.
    pub response_type: PerGrade<String>,
    /// How it is judged.
    pub class: Class,
    /// Who may hear.
    pub reach: Reach,
    /// Who signs.
    pub release: ReleasePolicy,
    /// How long a bulletin of each grade is valid; extended while the grade holds.
    pub expires_after: PerGrade<Span>,
    /// How long an acknowledgement may take before it is a fault of the desk.
    pub acknowledge_within: PerGrade<Span>,
    /// When lost evidence is put before a person; red never lapses by itself.
    pub hold_max: PerGrade<Option<Span>>,
    /// Fewer sensors than this that can be relied on, and an area is unwatched.
    #[serde(default = "one")]
    pub watched_by: u32,
    /// How it latches, and how long taking note of it holds.
    pub attention: AttentionPolicy,
    /// Texts by language, `zh-CN` first.
    pub texts: Vec<(String, Texts)>,
}

const fn one() -> u32 {
    1
}

const fn any_one() -> PerGrade<u32> {
    PerGrade { blue: 1, yellow: 1, orange: 1, red: 1 }
}
