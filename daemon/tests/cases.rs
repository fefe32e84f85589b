//! `watchfire test` as the writer of rules meets it: what ships holds and every number of it is proved, and what fails is
//! told with its place, what was expected and what there was. `UPDATE=1` rewrites the expected texts.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use quick_xml::events::Event;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn watchfire_in(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_watchfire"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("WATCHFIRE_CONFIG")
        .env_remove("WATCHFIRE_LANG")
        .env("LC_ALL", "C")
        .output()
        .expect("the binary runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

/// All that a command says, without how long it took.
fn said(arguments: &[&str], code: i32) -> String {
    let output = watchfire_in(&folder(), arguments);
    let said = format!("{}{}", text(&output.stderr), text(&output.stdout));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    let cut = |line: &str| {
        let timed = line.ends_with(" s)") || line.ends_with("/s)") || line.ends_with("秒)");
        let head = line.rsplit_once(['(', '(']).filter(|_| timed);
        head.map(|(head, _)| head.trim_end().to_owned())
    };
    said.lines().map(|line| cut(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

fn golden(name: &str, said: &str) {
    let path = folder().join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, said).expect("the expected text can be written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(said, expected, "{name}");
}

#[test]
fn what_is_not_as_expected_is_told_with_times_values_and_thresholds() {
    golden("fails.txt", &said(&["test", "fails.test.toml"], 1));
    golden("fails.zh.txt", &said(&["test", "--lang", "zh", "fails.test.toml"], 1));
}

#[test]
fn a_mistake_in_a_case_is_told_with_its_place_and_is_no_failed_case() {
    golden("mistakes.txt", &said(&["test", "mistakes.test.toml"], 78));
}

#[test]
fn a_number_that_no_case_proves_is_shown_where_it_stands() {
    golden("unproved.txt", &said(&["test", "unproved.test.toml", "--mutate"], 1));
    let without = watchfire_in(&folder(), &["test", "unproved.test.toml"]);
    assert_eq!(without.status.code(), Some(0), "{}", text(&without.stderr));
}

/// What ships: the cases of the example and of every pack that offers rules hold, and each number in them is proved; but
/// for whether the example's crack has a grade on its eight thresholds themselves, where means of floats do not lie.
#[test]
fn what_ships_holds_and_its_numbers_are_proved() {
    let survivors = [
        ("deploy/example/cases", 8),
        ("rules/packs/river/cases", 0),
        ("rules/packs/rain/cases", 0),
        ("rules/packs/flash_flood/cases", 0),
        ("rules/packs/mine_gas/cases", 0),
        ("rules/packs/tailings/cases", 0),
        ("rules/packs/slope/cases", 0),
    ];
    for (cases, allowed) in survivors {
        let output = watchfire_in(&root(), &["test", cases, "--mutate", "-o", "json"]);
        let lines: Vec<serde_json::Value> =
            text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON lines")).collect();
        let (told, unnoticed): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.get("case").is_some());
        assert!(told.len() >= 6, "{cases}: only {} cases", told.len());
        assert!(told.iter().all(|line| line["passed"] == true), "{cases}: {told:#?}");
        assert_eq!(unnoticed.len(), allowed, "{cases}: {unnoticed:#?}");
        assert!(unnoticed.iter().all(|line| line["line"].as_u64() > Some(0)), "{cases}: each has its place");
        assert_eq!(output.status.code(), Some(i32::from(allowed > 0)), "{cases}: {}", text(&output.stderr));
    }
}

/// Every rule that a pack offers has cases.
#[test]
fn every_rule_on_offer_is_under_test() {
    let packs = std::fs::read_dir(root().join("rules/packs")).expect("the packs are there");
    let mut offers = 0;
    for pack in packs.map(|entry| entry.expect("readable").path()) {
        let text = std::fs::read_to_string(pack.join("pack.toml")).expect("each has its text");
        let table: toml::Table = text.parse().expect("TOML");
        let Some(offered) = table.get("offer").and_then(toml::Value::as_array) else { continue };
        let files = std::fs::read_dir(pack.join("cases")).expect("a pack that offers rules has cases");
        let cases: String = files
            .map(|entry| entry.expect("readable").path())
            .filter(|path| path.to_string_lossy().ends_with(".test.toml"))
            .map(|path| std::fs::read_to_string(path).expect("readable"))
            .collect();
        for offer in offered {
            let id = offer.get("id").and_then(toml::Value::as_str).expect("an offer has its id");
            assert!(cases.contains(&format!("rule = \"{id}\"")), "{}: no case of {id}", pack.display());
            offers += 1;
        }
    }
    assert!(offers > 40, "only {offers} offers");
}

#[test]
fn the_result_is_junit_too() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let path = scratch.path().join("junit.xml");
    let name = path.to_str().expect("a plain path");
    let output = watchfire_in(&folder(), &["test", "fails.test.toml", "--junit", name]);
    assert_eq!(output.status.code(), Some(1), "a failed case is a finding with --junit too");
    let xml = std::fs::read_to_string(&path).expect("it was written");
    let mut reader = quick_xml::Reader::from_str(&xml);
    let (mut open, mut cases, mut failures, mut text) = (Vec::new(), 0, 0, String::new());
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(tag) => {
                let element = tag.name().as_ref().to_owned();
                let has = |key: &str| tag.try_get_attribute(key).expect("well-formed").is_some();
                match element.as_str() {
                    "testsuites" => assert!(has("tests") && has("failures") && has("time")),
                    "testsuite" => assert!(has("name") && has("tests") && has("failures") && has("time")),
                    "testcase" => {
                        assert!(has("classname") && has("name") && has("time"));
                        cases += 1;
                    }
                    "failure" => {
                        assert!(has("message") && open.last().is_some_and(|above| above == "testcase"));
                        failures += 1;
                    }
                    other => panic!("JUnit knows no {other}"),
                }
                open.push(element);
            }
            Event::Empty(tag) => {
                assert_eq!(tag.name().as_ref(), "testcase", "only a case that holds is empty");
                cases += 1;
            }
            Event::End(_) => drop(open.pop()),
            Event::Text(words) if open.last().is_some_and(|above| above == "failure") => {
                text += &words.xml10_content();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!((cases, failures, open.len()), (4, 3, 0), "{xml}");
    assert!(text.contains("fails.test.toml:14:9"), "{text}");
}

#[test]
fn what_is_not_there_is_a_wrong_question_and_what_is_unsound_a_wrong_configuration() {
    let code = |arguments: &[&str]| {
        let output = watchfire_in(&folder(), arguments);
        (output.status.code(), text(&output.stderr).to_owned())
    };
    let (none, told) = code(&["test", "nowhere"]);
    assert!(none == Some(2) && told.contains("nowhere"), "{told}");
    let (filtered, told) = code(&["test", "fails.test.toml", "--filter", "no such thing"]);
    assert!(filtered == Some(2) && told.contains("filter"), "{told}");
    let (held, told) = code(&["test", "fails.test.toml", "--filter", "this one holds"]);
    assert_eq!(held, Some(0), "{told}");
    let (unsound, told) = code(&["test", "-c", "../config/03-ladder-out-of-order.toml", "../../../daemon/tests/cases"]);
    assert!(unsound == Some(78), "{told}");
    let lines = watchfire_in(&folder(), &["test", "fails.test.toml", "-o", "csv"]);
    assert_eq!(text(&lines.stdout).lines().next(), Some("file,case,passed,seconds,failures"));
    assert_eq!(text(&lines.stdout).lines().count(), 5);
}

/// What `watchfire test --help` shows can be run as it stands.
#[test]
fn the_example_of_a_case_file_holds() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let made = watchfire_in(scratch.path(), &["config", "new", "river"]);
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    std::fs::write(scratch.path().join("cases/example.test.toml"), watchfire::cli::test::EXAMPLE).expect("writable");
    let told = watchfire_in(scratch.path(), &["test"]);
    assert_eq!(told.status.code(), Some(0), "{}", text(&told.stderr));
    assert!(text(&told.stdout).contains("cases/example.test.toml  1 cases"), "{}", text(&told.stdout));
    let help = watchfire_in(scratch.path(), &["test", "--help"]);
    assert!(text(&help.stdout).contains("[[case.expect]]"), "{}", text(&help.stdout));
}

#[test]
fn the_library_is_printed_whole_by_family_and_by_name() {
    let all = watchfire_in(&folder(), &["functions", "-o", "json"]);
    let names: Vec<String> = text(&all.stdout)
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON lines"))
        .map(|function| {
            for key in ["call", "gives", "does", "source", "family", "arguments"] {
                assert!(function.get(key).is_some(), "{key} of {function}");
            }
            assert!(function["example"]["measure"].as_str().is_some_and(|measure| !measure.is_empty()));
            function["name"].as_str().expect("each has a name").to_owned()
        })
        .collect();
    let library: Vec<&str> = watchfire_rules::engine::library().map(|function| function.name).collect();
    assert_eq!(names, library);
    let table = watchfire_in(&folder(), &["functions"]);
    assert!(library.iter().all(|name| text(&table.stdout).contains(name)), "{}", text(&table.stdout));
    golden("function.txt", &said(&["functions", "failure_from"], 0));
    let family = watchfire_in(&folder(), &["functions", "rain"]);
    assert!(text(&family.stdout).contains("hydrological day"), "{}", text(&family.stdout));
    let missed = watchfire_in(&folder(), &["functions", "rsie"]);
    assert_eq!(missed.status.code(), Some(2));
    assert!(text(&missed.stderr).contains("did you mean `rise`?"), "{}", text(&missed.stderr));
}
