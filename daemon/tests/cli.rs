//! The command line as a user meets it: exit codes, which stream, what is said.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn watchfire(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_watchfire"))
        .args(arguments)
        .env_remove("WATCHFIRE_CONFIG")
        .env_remove("WATCHFIRE_LANG")
        .env("LC_ALL", "C")
        .output()
        .expect("the binary runs")
}

fn example() -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/example");
    path.to_str().expect("a plain path").to_owned()
}

fn case(name: &str) -> String {
    format!("{}/tests/config/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("text")
}

fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("text")
}

#[test]
fn a_sound_configuration_ends_with_0_and_one_line() {
    let checked = watchfire(&["check", &example()]);
    assert_eq!(checked.status.code(), Some(0), "{}", err(&checked));
    assert!(out(&checked).lines().count() == 1, "{}", out(&checked));
    assert_eq!(err(&checked), "");
}

#[test]
fn an_unsound_configuration_ends_with_78_for_every_command_that_needs_one() {
    let bad = case("03-ladder-out-of-order.toml");
    for arguments in [vec!["check", &bad], vec!["run", "--config", &bad], vec!["tap", "--once", "--config", &bad]] {
        let refused = watchfire(&arguments);
        assert_eq!(refused.status.code(), Some(78), "{arguments:?}");
        assert!(err(&refused).contains("toml:32:49") && out(&refused).is_empty(), "{arguments:?}: {}", err(&refused));
    }
    let missing = watchfire(&["check", "/nowhere/watchfire.toml"]);
    assert_eq!(missing.status.code(), Some(78));
    assert!(err(&missing).contains("cannot read /nowhere/watchfire.toml"), "{}", err(&missing));
}

#[test]
fn messages_speak_the_language_asked_for() {
    let bad = case("03-ladder-out-of-order.toml");
    let said = watchfire(&["check", "--lang", "zh", &bad]);
    assert!(err(&said).contains("错误:") && err(&said).contains("提示:"), "{}", err(&said));
}

#[test]
fn usage_ends_with_2_and_help_with_0() {
    assert_eq!(watchfire(&["no-such-command"]).status.code(), Some(2));
    assert_eq!(watchfire(&["warnings", "ack", "W-1"]).status.code(), Some(2), "who and why are mandatory");
    assert_eq!(watchfire(&["--help"]).status.code(), Some(0));
    let version = watchfire(&["version", "-o", "json"]);
    assert!(out(&version).contains(env!("CARGO_PKG_VERSION")), "{}", out(&version));
}

#[test]
fn the_sample_is_printed_and_sound() {
    let printed = watchfire(&["config", "sample"]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("watchfire.toml");
    std::fs::write(&path, &printed.stdout).expect("it can be written");
    let checked = watchfire(&["check", path.to_str().expect("a plain path"), "--strict"]);
    assert_eq!(checked.status.code(), Some(0), "{}", err(&checked));
}
