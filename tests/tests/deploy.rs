//! What an administrator is given works as it stands: the example site is sound, the unit is as closed as promised.

use std::path::PathBuf;

use watchfire_tests::harness::{daemon, process};

fn deploy(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(path)
}

/// `→ Overall exposure level for watchfire.service: 1.1 OK`.
fn exposure(unit: &std::path::Path) -> f64 {
    let output = process::command("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager"])
        .arg(unit)
        .output()
        .expect("systemd-analyze can be started");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let level = text.lines().find_map(|line| line.split_once("Overall exposure level for")?.1.split_once(": "));
    let level = level.and_then(|(_, level)| level.split_whitespace().next()?.parse().ok());
    level.unwrap_or_else(|| panic!("systemd-analyze told no level: {text}{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn the_example_site_is_sound() {
    let site = deploy("example").display().to_string();
    let output = daemon::command(&["check", "--lang", "en", &site]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_systemd_unit_is_exposed_by_at_most_2_0() {
    let level = exposure(&deploy("systemd/watchfire.service"));
    assert!(level <= 2.0, "exposed by {level}");
}

#[test]
fn an_open_unit_is_seen_as_open() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let unit = folder.path().join("open.service");
    std::fs::write(&unit, "[Service]\nExecStart=/bin/true\n").expect("a temporary file can be written");
    assert!(exposure(&unit) > 8.0);
}
