//! The shipped recordings: `time,value`, one sample a line, nothing that is the same in every line.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::formats::columns;
use super::{ReadError, Sample};

/// The file of a recording under `root`.
pub fn path(root: &Path, recording: &str) -> PathBuf {
    root.join(format!("{}.csv", recording.replace('/', "-")))
}

/// Reads a recording.
pub fn read(root: &Path, recording: &str) -> Result<Vec<Sample>, ReadError> {
    columns(&path(root, recording), ',', "time", "value")
}

/// A recording as it ships.
pub fn render(samples: &[Sample]) -> String {
    let mut text = String::from("time,value\n");
    for sample in samples {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{},{}", sample.at, sample.value);
    }
    text
}
