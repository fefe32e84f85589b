//! The recordings themselves: that what ships is what was published, and that every series has the samples, peaks and
//! totals that were measured independently.

use std::path::Path;

use watchfire_model::time::Timestamp;
use watchfire_tests::recordings::expected::{Entry, Moment};
use watchfire_tests::recordings::{Sample, all, cases, compact, expected, published, shipped};

fn expectations(path: &Path) -> Vec<Entry> {
    expected::read(path).unwrap_or_else(|error| panic!("{error}"))
}

/// What differs between a series and what was measured of it.
fn differences(entry: &Entry, samples: &[Sample]) -> Vec<String> {
    let mut found = Vec::new();
    let mut claim = |what: &str, holds: bool| {
        if !holds {
            found.push(format!("{}: {what}", entry.id));
        }
    };
    // The checks and the script of a rule leave some samples out; the file holds them all the same.
    let judged: Vec<Sample> = match entry.id.rsplit('/').next() {
        Some("part1") => samples.iter().copied().filter(|sample| sample.value > -200.0).collect(),
        Some("range-qc") => samples.iter().copied().filter(|sample| (-2.0..=5.0).contains(&sample.value)).collect(),
        _ => samples.to_vec(),
    };
    let velocity = entry.id.ends_with("/velocity30d");
    claim("the number of samples", judged.len() == entry.samples || velocity);
    let largest = |at: &Moment, value: f64| {
        let measured = judged.iter().copied().filter(|sample| sample.value.is_finite());
        let top = measured.reduce(|top, next| if next.value > top.value { next } else { top });
        top.is_some_and(|top| (top.value - value).abs() <= 1e-4 && top.at.to_string() == cases::time(at))
    };
    if let Some((at, value)) = entry.peak.as_ref().filter(|_| !velocity) {
        claim("the peak", largest(at, *value));
    }
    if let Some((at, value)) = &entry.max_step {
        claim("the largest step", largest(at, *value));
    }
    let total: f64 = judged.iter().map(|sample| sample.value).filter(|value| value.is_finite()).sum();
    for expected in [entry.total_mm, entry.total_in].into_iter().flatten() {
        claim("the total", (total - expected).abs() < 1e-3);
    }
    found
}

#[test]
fn what_ships_has_the_samples_peaks_and_totals_that_were_measured() {
    let entries = expectations(&shipped().join("expected.json"));
    assert_eq!(entries.len(), 16, "sixteen series may be shipped");
    for entry in entries {
        assert!(expected::ships(&entry.id), "{}: may not stand in this repository", entry.id);
        let samples = compact::read(&shipped(), cases::recording(&entry.id)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(differences(&entry, &samples), Vec::<String>::new());
    }
}

/// With `WATCHFIRE_RECORDINGS`; `UPDATE=1` writes what ships anew from it.
#[test]
fn what_ships_is_what_was_published() {
    let Some(root) = all() else { return };
    let entries = expectations(&root.join("expected/expected.json"));
    assert_eq!(entries.len(), 29, "all series");
    for entry in &entries {
        let recording = cases::recording(&entry.id);
        let samples = published::read(&root, recording).unwrap_or_else(|error| panic!("{}: {error}", entry.id));
        assert_eq!(differences(entry, &samples), Vec::<String>::new());
        if expected::ships(&entry.id) {
            let path = compact::path(&shipped(), recording);
            if std::env::var_os("UPDATE").is_some() {
                std::fs::write(&path, compact::render(&samples)).expect("the folder of recordings can be written");
            }
            assert_eq!(compact::read(&shipped(), recording).ok(), Some(samples), "{}", path.display());
        }
    }
}

#[test]
fn a_series_that_lost_a_sample_or_a_digit_is_found() {
    let sample = |minute: i64, value: f64| Sample { at: Timestamp(minute * 60_000), value };
    let entry = Entry {
        id: "river/x".to_owned(),
        samples: 3,
        peak: Some((Moment::Time("1970-01-01T00:01:00Z".to_owned()), 2.0)),
        total_in: Some(4.0),
        ..Entry::default()
    };
    let good = [sample(0, 1.0), sample(1, 2.0), sample(2, 1.0)];
    assert_eq!(differences(&entry, &good), Vec::<String>::new());
    assert_eq!(differences(&entry, &good[..2]).len(), 2, "a sample and part of the total are missing");
    assert_eq!(
        differences(&entry, &[sample(0, 1.0), sample(1, 1.0), sample(2, 2.0)]).len(),
        1,
        "the peak is elsewhere"
    );
}

#[test]
fn no_recording_ships_that_may_not() {
    let files = std::fs::read_dir(shipped()).expect("the folder of recordings is there");
    let entries = expectations(&shipped().join("expected.json"));
    for file in files {
        let name = file.expect("the folder can be read").file_name().to_string_lossy().into_owned();
        let known =
            entries.iter().any(|entry| compact::path(Path::new(""), cases::recording(&entry.id)) == Path::new(&name));
        assert!(known || name == "ATTRIBUTION.md" || name == "expected.json", "{name}: of no series that may ship");
    }
}
