//! The twenty-nine series read from the files as published: which file, which format, which unit.

use std::path::Path;

use watchfire_model::time::Timestamp;

use super::formats::{
    arff, columns, day_first, fixed_width, gnss_displacement, newest_first_json, spaced_calendar, stamp,
};
use super::{ReadError, Sample};

/// Catchment area of the Brompton gauge in m²; its discharge was published as m per hour over the catchment.
const BROMPTON_M2: f64 = 25_771_400.0;

/// A series by the id of its recording: the expected file's id without the variant that names thresholds or checks.
pub fn read(root: &Path, recording: &str) -> Result<Vec<Sample>, ReadError> {
    let at = |path: &str| root.join(path);
    match recording {
        "river/brompton" => {
            let path = at("river/brompton/brompton_qobs_2012-09_2012-12.csv");
            scaled(columns(&path, ',', "time", "qobs_m_per_h"), BROMPTON_M2 / 3_600.0)
        }
        "river/brompton-2012-11" => {
            let [from, to] = ["2012-11-20", "2012-12-05"].map(|day| stamp(day).unwrap_or(Timestamp(0)));
            let mut samples = read(root, "river/brompton")?;
            samples.retain(|sample| from <= sample.at && sample.at < to);
            Ok(samples)
        }
        "river/usgs-03567500" => columns(&at("river/usgs-03567500/chick_final.csv"), ',', "datetime", "cfs"),
        "river/usgs-01010070" => columns(&at("river/usgs-01010070/big_black_test_small.csv"), '\t', "datetime", "cfs"),
        "river/wye" => columns(&at("river/wye-cefn-brwyn/Wye.dat"), '\t', "Time", "Q"),
        "rain/wye" => columns(&at("river/wye-cefn-brwyn/Wye.dat"), '\t', "Time", "P"),
        "rain/brompton" => {
            scaled(columns(&at("rain/brompton/brompton_rain_2012.csv"), ',', "time", "rain_m_per_h"), 1_000.0)
        }
        "rain/ea-hourly" => {
            newest_first_json(&at("rain/ea-hourly/rainfallStationhrTelemetry.json"), "value_timestamp", "value")
        }
        "gas/uci-air-quality/part1" => day_first(&at("gas/uci-air-quality/AirQualityUCI-part1.csv")),
        "gas/polish-longwall/train/MM31" => arff(&at("gas/polish-longwall/methane-train.arff"), "MM31"),
        "gas/polish-longwall/train/MM116" => arff(&at("gas/polish-longwall/methane-train.arff"), "MM116"),
        other => read_by_folder(root, other),
    }
}

/// Recordings of one folder and format that differ in the station alone.
fn read_by_folder(root: &Path, recording: &str) -> Result<Vec<Sample>, ReadError> {
    let (folder, station) = recording.rsplit_once('/').unwrap_or(("", recording));
    match folder {
        "river/calder" => {
            let path = root.join(folder).join(format!("{station}-level-15min-Qualified.csv"));
            columns(&path, ',', "dateTime", "value")
        }
        "rain/calder" => {
            let path = root.join(folder).join(format!("{station}-rainfall-15min-Qualified.csv"));
            columns(&path, ',', "dateTime", "value")
        }
        "rain/usgs-seattle" => fixed_width(&root.join(folder).join(format!("{station}_t.txt"))),
        "rain/usgs-mukilteo" => spaced_calendar(&root.join(folder).join(format!("{station}_rain.txt"))),
        "slope/salmon-falls" => gnss_displacement(&root.join(folder).join(format!("{station}.pbo.nam08.csv"))),
        "qc/ea-beeding-bridge" => newest_first_json(&root.join(folder).join(format!("{station}.json")), "ts", "_"),
        _ => Err(ReadError::Line { path: root.join(recording), line: 0, what: "no such recording".to_owned() }),
    }
}

fn scaled(samples: Result<Vec<Sample>, ReadError>, factor: f64) -> Result<Vec<Sample>, ReadError> {
    samples.map(|samples| samples.into_iter().map(|sample| Sample { value: sample.value * factor, ..sample }).collect())
}
