//! The file formats that the recordings were published in: each reads one file into samples, in the file's own order
//! unless the format is newest first.

use std::path::Path;

use watchfire_model::time::{Civil, Timestamp};

use super::{ReadError, Sample, text};

/// Reads every line for which `sample` finds one; a line it complains of ends the reading.
fn lines(
    path: &Path,
    skip: usize,
    mut sample: impl FnMut(&str) -> Result<Option<Sample>, String>,
) -> Result<Vec<Sample>, ReadError> {
    let mut samples = Vec::new();
    for (at, line) in text(path)?.lines().enumerate().skip(skip) {
        if line.trim().is_empty() {
            continue;
        }
        match sample(line) {
            Ok(found) => samples.extend(found),
            Err(what) => return Err(ReadError::Line { path: path.to_owned(), line: at + 1, what }),
        }
    }
    Ok(samples)
}

fn number(field: &str) -> Result<f64, String> {
    field.trim().parse().map_err(|_| format!("\"{field}\" is not a number"))
}

fn whole(field: &str) -> Result<i64, String> {
    field.trim().parse().map_err(|_| format!("\"{field}\" is not a whole number"))
}

/// `2012-09-24T20:15:00Z`, `2012-09-24 20:15:00`, `2020-10-13T16:00Z`, `2017-01-15`: every way these files write a time.
pub(super) fn stamp(field: &str) -> Result<Timestamp, String> {
    let mut parts = [0_i64, 1, 1, 0, 0, 0, 0];
    let written = field.trim().trim_end_matches('Z');
    for (part, piece) in parts.iter_mut().zip(written.split(['-', 'T', ' ', ':', '.'])) {
        *part = whole(piece).map_err(|_| format!("\"{field}\" is not a time"))?;
    }
    let [year, month, day, hour, minute, second, millisecond] = parts;
    Ok(Timestamp::from_civil(Civil { year, month, day, hour, minute, second, millisecond }))
}

fn civil(year: &str, month: &str, day: &str, hour: &str, minute: &str) -> Result<Timestamp, String> {
    let (year, month, day) = (whole(year)?, whole(month)?, whole(day)?);
    // Hour 24 is the next day's 0; the calendar carries it over.
    let (hour, minute) = (whole(hour)?, whole(minute)?);
    Ok(Timestamp::from_civil(Civil { year, month, day, hour, minute, second: 0, millisecond: 0 }))
}

/// Separated columns under a header line, `NA` for a sample without a value; quotes around fields are dropped (no field of these files holds a separator).
pub(super) fn columns(path: &Path, separator: char, time: &str, value: &str) -> Result<Vec<Sample>, ReadError> {
    let text = text(path)?;
    let header: Vec<&str> =
        text.lines().next().unwrap_or("").split(separator).map(|name| name.trim_matches('"')).collect();
    let place = |name: &str| {
        header.iter().position(|column| *column == name).ok_or_else(|| ReadError::Line {
            path: path.to_owned(),
            line: 1,
            what: format!("there is no column \"{name}\""),
        })
    };
    let (time, value) = (place(time)?, place(value)?);
    lines(path, 1, |line| {
        let fields: Vec<&str> = line.split(separator).map(|field| field.trim_matches('"')).collect();
        let field = |at: usize| fields.get(at).copied().ok_or_else(|| "a column is missing".to_owned());
        let value = if field(value)? == "NA" { f64::NAN } else { number(field(value)?)? };
        Ok(Some(Sample { at: stamp(field(time)?)?, value }))
    })
}

/// Fixed width, as the USGS threshold programs read it: station 2, year 4, month 2, day 2, hour 2, rain 3 in hundredths
/// of an inch.
pub(super) fn fixed_width(path: &Path) -> Result<Vec<Sample>, ReadError> {
    lines(path, 0, |line| {
        let field = |range: std::ops::Range<usize>| line.get(range).ok_or_else(|| "the line is too short".to_owned());
        let at = civil(field(2..6)?, field(6..8)?, field(8..10)?, field(10..12)?, "0")?;
        let hundredths = whole(line.get(12..).unwrap_or(""))?;
        Ok(Some(Sample { at, value: inches(hundredths) }))
    })
}

#[expect(clippy::cast_precision_loss, reason = "three digits")]
fn inches(hundredths: i64) -> f64 {
    hundredths as f64 / 100.0
}

/// Year, month, day, hour, minute and rain in inches, by tabs and spaces.
pub(super) fn spaced_calendar(path: &Path) -> Result<Vec<Sample>, ReadError> {
    lines(path, 0, |line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [year, month, day, hour, minute, value] = fields[..] else { return Err("six columns are due".to_owned()) };
        Ok(Some(Sample { at: civil(year, month, day, hour, minute)?, value: number(value)? }))
    })
}

/// `10/03/2004,18:00:00,2.6,…`: day first, value in the third column.
pub(super) fn day_first(path: &Path) -> Result<Vec<Sample>, ReadError> {
    lines(path, 1, |line| {
        let fields: Vec<&str> = line.split(',').collect();
        let [date, time, value, ..] = fields[..] else { return Err("three columns are due".to_owned()) };
        let (date, time): (Vec<&str>, Vec<&str>) = (date.split('/').collect(), time.split(':').collect());
        let ([day, month, year], [hour, minute, _]) = (&date[..], &time[..]) else {
            return Err("not a time".to_owned());
        };
        Ok(Some(Sample { at: civil(year, month, day, hour, minute)?, value: number(value)? }))
    })
}

/// One attribute of an ARFF file that has no times: row n is n minutes after 2000-01-01T00:00Z.
pub(super) fn arff(path: &Path, attribute: &str) -> Result<Vec<Sample>, ReadError> {
    let text = text(path)?;
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim().get(..10).filter(|word| word.eq_ignore_ascii_case("@attribute")).and(Some(line)))
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    let column = names.iter().position(|name| name.trim_matches('\'') == attribute);
    let data = text.lines().position(|line| line.trim().eq_ignore_ascii_case("@data"));
    let (Some(column), Some(data)) = (column, data) else {
        return Err(ReadError::Line { path: path.to_owned(), line: 1, what: format!("there is no \"{attribute}\"") });
    };
    let mut at = stamp("2000-01-01").map_err(|what| ReadError::Line { path: path.to_owned(), line: 1, what })?;
    lines(path, data + 1, |line| {
        let value = number(line.split(',').nth(column).unwrap_or(""))?;
        let sample = Sample { at, value };
        at = at + watchfire_model::time::Span::minutes(1);
        Ok(Some(sample))
    })
}

/// Horizontal displacement in mm since the first accepted day of a GNSS position series in PBO's CSV. A day whose north
/// or east standard deviation is above 10 mm is no measurement.
pub(super) fn gnss_displacement(path: &Path) -> Result<Vec<Sample>, ReadError> {
    let header = text(path)?.lines().position(|line| line.starts_with("Date,")).unwrap_or(0);
    let mut first = None;
    lines(path, header + 1, |line| {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let [date, north, east, _, north_sigma, east_sigma, ..] = fields[..] else {
            return Err("six columns are due".to_owned());
        };
        if number(north_sigma)? > 10.0 || number(east_sigma)? > 10.0 {
            return Ok(None);
        }
        let (north, east) = (number(north)?, number(east)?);
        let (north_0, east_0) = *first.get_or_insert((north, east));
        Ok(Some(Sample { at: stamp(date)?, value: (north - north_0).hypot(east - east_0) }))
    })
}

/// The flood service's JSON, newest first: `[{"ts": …, "_": …}]`, or `value_timestamp` and `value` as text.
pub(super) fn newest_first_json(path: &Path, time: &str, value: &str) -> Result<Vec<Sample>, ReadError> {
    let refuse = |line: usize, what: String| ReadError::Line { path: path.to_owned(), line, what };
    let rows: Vec<serde_json::Value> =
        serde_json::from_str(&text(path)?).map_err(|error| refuse(error.line(), error.to_string()))?;
    let sample = |row: &serde_json::Value| {
        let at = stamp(row[time].as_str().unwrap_or(""))?;
        let value = row[value].as_f64().map_or_else(|| number(row[value].as_str().unwrap_or("")), Ok)?;
        Ok(Sample { at, value })
    };
    let mut samples = rows.iter().map(sample).collect::<Result<Vec<_>, String>>().map_err(|what| refuse(1, what))?;
    samples.reverse();
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("a");
        std::fs::write(&path, text).expect("a temporary file can be written");
        (folder, path)
    }

    fn shown(samples: &[Sample]) -> Vec<(String, f64)> {
        samples.iter().map(|sample| (sample.at.to_string(), sample.value)).collect()
    }

    #[test]
    fn hour_24_is_the_next_days_midnight() {
        let (_folder, path) = file("032010073124012\n032010080101000\n");
        let samples = fixed_width(&path).expect("the text is as the format says");
        assert_eq!(
            shown(&samples),
            [("2010-08-01T00:00:00Z".to_owned(), 0.12), ("2010-08-01T01:00:00Z".to_owned(), 0.0)]
        );
    }

    #[test]
    fn a_day_with_a_huge_sigma_is_no_measurement_and_no_origin() {
        let (_folder, path) = file(
            "Format Version, 1.2.0\nDate, North (mm), …\n2017-01-01,50,50,0,171,3,9,suppl,\n2017-01-02,1,1,0,2,2,9,suppl,\n\
             2017-01-03,4,5,0,2,2,9,suppl,\n2017-01-04,9,9,0,2,10.5,9,suppl,\n",
        );
        let samples = gnss_displacement(&path).expect("the text is as the format says");
        assert_eq!(
            shown(&samples),
            [("2017-01-02T00:00:00Z".to_owned(), 0.0), ("2017-01-03T00:00:00Z".to_owned(), 5.0)]
        );
    }

    #[test]
    fn a_series_that_was_served_newest_first_is_turned_round() {
        let (_folder, path) = file(r#"[{"ts":"2020-10-13T16:00Z","_":1000},{"ts":"2020-10-13T15:45Z","_":-0.5}]"#);
        let samples = newest_first_json(&path, "ts", "_").expect("the text is as the format says");
        assert_eq!(
            shown(&samples),
            [("2020-10-13T15:45:00Z".to_owned(), -0.5), ("2020-10-13T16:00:00Z".to_owned(), 1000.0)]
        );
    }

    #[test]
    fn rows_without_times_are_minutes() {
        let (_folder, path) = file("@ATTRIBUTE 'A' real\n@attribute 'B' real\n\n@DATA\n1,2\n3,4\n");
        let samples = arff(&path, "B").expect("the text is as the format says");
        assert_eq!(
            shown(&samples),
            [("2000-01-01T00:00:00Z".to_owned(), 2.0), ("2000-01-01T00:01:00Z".to_owned(), 4.0)]
        );
    }

    #[test]
    fn a_wrong_line_is_named() {
        let (_folder, path) = file("time,value\n2020-01-01T00:00:00Z,1\n2020-01-01T00:15:00Z,one\n");
        let error = columns(&path, ',', "time", "value").expect_err("the third line has no number");
        assert!(error.to_string().ends_with("a:3: \"one\" is not a number"), "{error}");
        assert!(columns(&path, ',', "time", "stage").is_err(), "there is no such column");
    }
}
