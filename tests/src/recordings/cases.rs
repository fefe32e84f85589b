//! From an expectation to a configuration: the reduced machine of SEMANTICS §1, reached by configuration alone, with
//! one rule for each statement that the expectation makes.

use std::fmt::Write as _;

use watchfire_model::time::Span;

use super::expected::{ByGrade, Entry, Step};
use super::formats::stamp;
use super::verdict::{Claim, Transition};

/// A site of one station and one point.
pub const STATION: &str = "gauge";
/// Its point.
pub const POINT: &str = "v";

/// One series to be judged.
#[derive(Clone, Debug)]
pub struct Case {
    /// The expectation's id.
    pub id: String,
    /// The recording it judges.
    pub recording: String,
    /// The whole configuration.
    pub config: String,
    /// What each rule must say.
    pub claims: Vec<Claim>,
}

/// What a series measures: which words and quality checks its point gets.
struct Nature {
    quantity: &'static str,
    unit: &'static str,
    kind: &'static str,
    interval: &'static str,
    hazard: &'static str,
    /// Further lines of the point.
    checks: &'static str,
}

fn nature(entry: &Entry) -> Nature {
    let nature = |quantity, unit, kind, interval, hazard| Nature { quantity, unit, kind, interval, hazard, checks: "" };
    let id = entry.id.as_str();
    if id.starts_with("rain/usgs-seattle") {
        nature("rain", "in", "increment", "1h", "heavy_rain")
    } else if id.starts_with("rain/usgs-mukilteo") {
        nature("rain", "in", "increment", "15m", "heavy_rain")
    } else if id.starts_with("rain/calder") {
        nature("rain", "mm", "increment", "15m", "heavy_rain")
    } else if id.starts_with("rain/") {
        nature("rain", "mm", "increment", "1h", "heavy_rain")
    } else if id.starts_with("gas/polish-longwall") {
        nature("methane", "%CH4", "gauge", "1m", "mine_gas")
    } else if id.starts_with("gas/uci") {
        Nature { checks: "sentinels = [-200]\n", ..nature("co", "mg/m3", "gauge", "1h", "air_quality") }
    } else if id.starts_with("slope/") {
        nature("displacement", "mm", "gauge", "1d", "landslide")
    } else if id.starts_with("qc/") && id.ends_with("/range-qc") {
        Nature { checks: "range = [\"-2 m\", \"5 m\"]\n", ..nature("stage", "m", "gauge", "15m", "river_flood") }
    } else if id.starts_with("qc/") || id.starts_with("river/calder") {
        nature("stage", "m", "gauge", "15m", "river_flood")
    } else if id.starts_with("river/brompton") {
        nature("discharge", "m3/s", "gauge", "15m", "river_flood")
    } else if id.starts_with("river/usgs") {
        nature("discharge", "ft3/s", "gauge", "1h", "river_flood")
    } else {
        // Specific discharge: over the catchment's area.
        nature("discharge", "mm/h", "gauge", "1h", "river_flood")
    }
}

/// The official USGS landslide threshold for Seattle and Mukilteo: three-day rain R against the fifteen days before, A.
const USGS_INDEX: &str = r#"
let r = v.sum("72h");
let a = v.sum("360h", "72h");
if a >= 3.5 / 0.67 { r } else { r - (3.5 - 0.67 * a) }
"#;

/// Least squares over 30 days in mm a day; none from fewer than ten days of measurement or a span under fifteen.
const VELOCITY_30D: &str = r#"
if v.count("30d") < 10.0 || v.span_hours("30d") < 15.0 * 24.0 { return unknown; }
v.rise("30d") * 24.0
"#;

/// The whole case of an expectation.
pub fn case(entry: &Entry) -> Case {
    let nature = nature(entry);
    let mut config = site(&nature);
    let mut claims = Vec::new();
    if let Some(steps) = &entry.grade_sequence {
        let measure =
            if entry.id.ends_with("/velocity30d") { Measure::Script(VELOCITY_30D) } else { Measure::Line("v") };
        rule(&mut config, &nature, "ladder", measure, &entry.on, &entry.off);
        claims.push(Claim::exactly("ladder", steps.iter().map(transition).collect()));
    }
    for (window, largest) in &entry.windows {
        let id = format!("largest-{window}");
        let sum = format!("v.sum(\"{window}\")");
        bracket(&mut config, &nature, &id, Measure::Line(&sum), largest.max_mm);
        claims.push(Claim::largest(&id, time(&largest.at)));
    }
    if !entry.windows.is_empty() {
        let low = |values: [f64; 4]| by_grade(&values);
        let (on, off) = (low([2.0, 4.0, 6.0, 8.0]), low([1.0, 3.0, 5.0, 7.0]));
        rule(&mut config, &nature, "low-1h", Measure::Line("v.sum(\"1h\")"), &on, &off);
        claims.push(Claim::begins("low-1h", entry.low_thresholds_1h.iter().map(transition).collect()));
        signals(&mut config, &nature, entry, &mut claims);
    }
    if let Some((at, r, a, _)) = &entry.max_index {
        let zero = ByGrade::from([("yellow".to_owned(), 0.0)]);
        rule(&mut config, &nature, "index", Measure::Script(USGS_INDEX), &zero, &zero);
        claims.push(Claim::periods("index", &entry.exceedance_periods_start_end_r_a_in));
        bracket(&mut config, &nature, "largest-index", Measure::Script(USGS_INDEX), index(*r, *a));
        claims.push(Claim::largest("largest-index", at.clone()));
    }
    Case { id: entry.id.clone(), recording: recording(&entry.id).to_owned(), config, claims }
}

/// The recording that an expectation judges: its id without the variant.
pub fn recording(id: &str) -> &str {
    let variants = ["/official", "/low", "/no-qc", "/range-qc", "/displacement", "/velocity30d"];
    variants.iter().find_map(|variant| id.strip_suffix(variant)).unwrap_or(id)
}

/// The index of the USGS threshold, in inches, as data/README states it.
pub fn index(r: f64, a: f64) -> f64 {
    if a >= 3.5 / 0.67 { r } else { r - (3.5 - 0.67 * a) }
}

/// How a rule's number is made.
#[derive(Clone, Copy)]
enum Measure<'a> {
    Line(&'a str),
    Script(&'a str),
}

fn site(nature: &Nature) -> String {
    let Nature { quantity, unit, kind, interval, checks, .. } = nature;
    format!(
        r#"packs = ["river", "rain", "mine_gas", "slope", "air"]

[site]
name = "Recorded"
authority = "county"
issuer = "Recorded"
sender = "recorded@watchfire.invalid"
contact = "nobody"
zone = "UTC"
languages = ["en-US"]

[[area]]
id = "430000000000"
name = "Recorded"

[[station]]
id = "{STATION}"
name = "Recorded"
area = "430000000000"

[[station.point]]
id = "{POINT}"
quantity = "{quantity}"
unit = "{unit}"
kind = "{kind}"
interval = "{interval}"
{checks}"#
    )
}

/// One rule of the reduced machine: no delay, no hold, no first-sample rule, gaps change nothing.
fn rule(config: &mut String, nature: &Nature, id: &str, measure: Measure<'_>, on: &ByGrade<f64>, off: &ByGrade<f64>) {
    let table = |values: &ByGrade<f64>| {
        let pairs: Vec<String> = values.iter().map(|(grade, value)| format!("{grade} = {value:?}")).collect();
        format!("{{ {} }}", pairs.join(", "))
    };
    let measure = match measure {
        Measure::Line(line) => format!("'{line}'"),
        Measure::Script(script) => format!("'''{script}'''"),
    };
    // Writing to a string cannot fail.
    let _ = write!(
        config,
        r#"
[[rule]]
id = "{id}"
hazard = "{hazard}"
per = "station"
watch = {{ quantity = "{quantity}" }}
measure = {measure}
ladder = {on}
lift_below = {off}
raise_after = "0s"
lift_after = "0s"
hold = "0s"
class = "instant"
coverage = 0
response = "none: a recording"
consequence = "none: a recording"
time_to_respond = "1h"
"#,
        hazard = nature.hazard,
        quantity = nature.quantity,
        on = table(on),
        off = table(off),
    );
}

/// A rule that turns yellow at `largest`, to its rounding of three digits, and orange beyond it: the largest value was
/// first reached when it turns yellow, and it never turns orange.
fn bracket(config: &mut String, nature: &Nature, id: &str, measure: Measure<'_>, largest: f64) {
    let ladder = ByGrade::from([("yellow".to_owned(), largest - 5e-4), ("orange".to_owned(), largest + 5e-4)]);
    rule(config, nature, id, measure, &ladder, &ladder);
}

/// The rainstorm signals (蓝 50 mm in 12 h, 黄 50 in 6, 橙 50 in 3, 红 100 in 3), each as a rule of one grade.
fn signals(config: &mut String, nature: &Nature, entry: &Entry, claims: &mut Vec<Claim>) {
    for (grade, window, millimetres) in
        [("blue", "12h", 50.0), ("yellow", "6h", 50.0), ("orange", "3h", 50.0), ("red", "3h", 100.0)]
    {
        let id = format!("signal-{grade}");
        let ladder = ByGrade::from([(grade.to_owned(), millimetres)]);
        let sum = format!("v.sum(\"{window}\")");
        rule(config, nature, &id, Measure::Line(&sum), &ladder, &ladder);
        let first = entry.first_raise.get(grade).map(time);
        let samples = entry.samples_at_or_above.get(grade).copied().unwrap_or(0);
        claims.push(Claim::stood(&id, first, samples));
    }
}

fn by_grade(values: &[f64; 4]) -> ByGrade<f64> {
    ["blue", "yellow", "orange", "red"].map(str::to_owned).into_iter().zip(values.iter().copied()).collect()
}

fn transition((at, from, to, value): &Step) -> Transition {
    let word = |grade: &str| if grade == "none" { "clear".to_owned() } else { grade.to_owned() };
    Transition { time: time(at), from: word(from), to: word(to), value: Some(*value) }
}

/// A moment as the backtest writes it.
pub fn time(moment: &super::expected::Moment) -> String {
    use super::expected::Moment;
    match moment {
        Moment::Time(text) => stamp(text).map_or_else(|_| text.clone(), |at| at.to_string()),
        Moment::Row(row) => {
            stamp("2000-01-01").map_or_else(|error| error, |start| (start + Span::minutes(*row)).to_string())
        }
    }
}
