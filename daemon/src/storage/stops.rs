//! Rules that were stopped since their script did not come back, and from which row on: written down before the process
//! ends, so that neither the next one nor a later look at the journal runs them over that row. Whole under another name,
//! then renamed.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use watchfire_model::id::Seq;
use watchfire_model::time::Timestamp;
use watchfire_rules::evaluator::Stopped;

/// Kept at most: the newest.
const KEPT: usize = 1_000;

/// A rule that was stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stop {
    /// Before this row.
    pub seq: Seq,
    /// When, by our clock.
    pub at: Timestamp,
    /// Which rule, and why.
    #[serde(flatten)]
    pub stopped: Stopped,
}

/// All that are written in a file, oldest first; none where there is no file.
pub fn read(path: &Path) -> io::Result<Vec<Stop>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Adds one to a file; it is on disk when this returns. What cannot be understood in it is given up.
pub fn add(path: &Path, stop: Stop) -> io::Result<()> {
    let mut stops = read(path).unwrap_or_default();
    stops.push(stop);
    stops.drain(..stops.len().saturating_sub(KEPT));
    let being_written = path.with_extension("writing");
    let mut file = File::create(&being_written)?;
    serde_json::to_writer_pretty(&mut file, &stops)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&being_written, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use watchfire_model::rule::Measure;

    use super::*;

    fn stop(n: u64) -> Stop {
        let measure = Measure::Expression(format!("stage + {n}"));
        let stopped = Stopped { rule: "stage".into(), measure, why: "it did not come back".to_owned() };
        Stop { seq: Seq(n), at: Timestamp(0), stopped }
    }

    #[test]
    fn the_newest_are_kept_and_found_again() {
        let home = tempfile::tempdir().expect("a folder");
        let path = home.path().join("stopped-rules.json");
        assert_eq!(read(&path).expect("none yet"), []);
        add(&path, stop(1)).expect("written");
        add(&path, stop(2)).expect("written");
        assert_eq!(read(&path).expect("written a moment ago"), [stop(1), stop(2)]);
        fs::write(&path, serde_json::to_vec(&(0..1_000).map(stop).collect::<Vec<_>>()).expect("json"))
            .expect("written");
        add(&path, stop(1_000)).expect("written");
        let kept = read(&path).expect("written a moment ago");
        assert_eq!((kept.len(), kept.first().map(|stop| stop.seq)), (1_000, Some(Seq(1))));
    }

    #[test]
    fn a_file_that_is_spoilt_is_said_and_does_not_keep_the_next_from_being_written() {
        let home = tempfile::tempdir().expect("a folder");
        let path = home.path().join("stopped-rules.json");
        fs::write(&path, "[{").expect("written");
        assert!(read(&path).is_err());
        add(&path, stop(1)).expect("written");
        assert_eq!(read(&path).expect("written a moment ago"), [stop(1)]);
    }
}
