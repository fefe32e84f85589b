//! What the reduced machine must say of each series, computed independently of this repository: `expected.json`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::{ReadError, text};

/// A value for some of the grades.
pub type ByGrade<T> = BTreeMap<String, T>;

/// A grade transition: `[time, from, to, value]`, `none` for clear.
pub type Step = (Moment, String, String, f64);

/// A time, or a row number n: n minutes after 2000-01-01T00:00Z.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(untagged)]
pub enum Moment {
    /// Without a `Z` where the recording names no zone.
    Time(String),
    /// Row.
    Row(i64),
}

/// What is expected of one series. Which fields are there depends on its kind.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Entry {
    /// The series: a recording, and behind the last slash perhaps a variant of thresholds or checks.
    pub id: String,
    /// The measure's unit.
    pub unit: Option<String>,
    /// How many samples are judged.
    pub samples: usize,
    /// Raise thresholds.
    pub on: ByGrade<f64>,
    /// Lift thresholds.
    pub off: ByGrade<f64>,
    /// Every transition.
    pub grade_sequence: Option<Vec<Step>>,
    /// The largest value and its first time.
    pub peak: Option<(Moment, f64)>,
    /// Rain: the sum of all samples.
    pub total_mm: Option<f64>,
    /// Rain: the largest sample.
    pub max_step: Option<(Moment, f64)>,
    /// Rain: the largest sums over windows, with their first times.
    pub windows: BTreeMap<String, Largest>,
    /// Rain: the first raise under the rainstorm signals' thresholds.
    pub first_raise: ByGrade<Moment>,
    /// Rain: how many samples stood at or above them.
    pub samples_at_or_above: ByGrade<usize>,
    /// Rain: the first 60 transitions of the one-hour sum under low thresholds.
    pub low_thresholds_1h: Vec<Step>,
    /// USGS rain: the sum of all samples in inches.
    pub total_in: Option<f64>,
    /// USGS rain: periods `[start, end, R, A]` in which the index is not below 0; the end is the first sample below.
    pub exceedance_periods_start_end_r_a_in: Vec<(String, String, f64, f64)>,
    /// USGS rain: `[time, R, A, index]` of the largest index.
    pub max_index: Option<(String, f64, f64, f64)>,
}

/// The largest sum over a window.
#[derive(Clone, Debug, Deserialize)]
pub struct Largest {
    /// In mm, rounded to three digits.
    pub max_mm: f64,
    /// When it was first reached.
    pub at: Moment,
}

/// Reads the expectations in a folder of recordings.
pub fn read(path: &Path) -> Result<Vec<Entry>, ReadError> {
    // One name of the file holds capitals; the rest of the house writes none.
    let text = text(path)?.replace("exceedance_periods_start_end_R_A_in", "exceedance_periods_start_end_r_a_in");
    serde_json::from_str(&text).map_err(|error| ReadError::Line {
        path: path.to_owned(),
        line: error.line(),
        what: error.to_string(),
    })
}

/// Whether the licence of a series lets its recording stand in this repository.
pub fn ships(id: &str) -> bool {
    let outside =
        ["river/brompton", "rain/brompton", "river/wye", "rain/wye", "gas/polish-longwall", "slope/salmon-falls"];
    !outside.iter().any(|prefix| id.starts_with(prefix))
}
