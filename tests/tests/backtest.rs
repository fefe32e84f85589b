//! `watchfire backtest`, the real binary: on recorded series the reduced machine says exactly what was computed
//! independently, and the command bears bad input as it says it does.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;
use watchfire_tests::harness::daemon;
use watchfire_tests::recordings::cases::{Case, POINT, STATION, case};
use watchfire_tests::recordings::expected::{self, Entry};
use watchfire_tests::recordings::verdict::Line;
use watchfire_tests::recordings::{Sample, all, compact, published, shipped};

/// A configuration and a recording in a folder of their own.
struct Bench(TempDir);

impl Bench {
    fn new(config: &str, input: &str) -> Self {
        let bench = Self(tempfile::tempdir().expect("a temporary folder can be made"));
        bench.write("watchfire.toml", config);
        bench.write("input.csv", input);
        bench
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).expect("a temporary file can be written");
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn run(&self, input: &str, more: &[&str]) -> Output {
        let (config, input) = (self.path("watchfire.toml"), self.path(input));
        let arguments = ["backtest", "--lang", "en", "--config", &config, "--input", &input, "-o", "json"];
        daemon::command(&[&arguments[..], more].concat())
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn csv(samples: &[Sample]) -> String {
    let mut text = String::from("time,station,point,value\n");
    for sample in samples {
        let value = if sample.value.is_nan() { String::new() } else { sample.value.to_string() };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{},{STATION},{POINT},{value}", sample.at);
    }
    text
}

/// What the binary says of a case that it should not.
fn refuted(case: &Case, samples: &[Sample]) -> Vec<String> {
    let bench = Bench::new(&case.config, &csv(samples));
    let output = bench.run("input.csv", &["--strict"]);
    if !output.status.success() {
        return vec![format!("{}: {}: {}", case.id, output.status, stderr(&output))];
    }
    let said: Vec<Line> = stdout(&output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let strangers = said.iter().filter(|line| !case.claims.iter().any(|claim| claim.rule == line.rule));
    let strangers = strangers.map(|line| format!("{}: nothing is claimed of rule {}", case.id, line.rule));
    let refuted = case.claims.iter().filter_map(|claim| claim.refute(&said, samples));
    refuted.map(|what| format!("{}: {what}", case.id)).chain(strangers).collect()
}

fn judge(entries: &[Entry], read: impl Fn(&str) -> Vec<Sample>) {
    let refuted: Vec<String> = entries
        .iter()
        .flat_map(|entry| {
            let case = case(entry);
            assert!(!case.claims.is_empty(), "{}: a case that claims nothing proves nothing", case.id);
            refuted(&case, &read(&case.recording))
        })
        .collect();
    assert!(refuted.is_empty(), "{}", refuted.join("\n"));
}

fn expectations(path: &Path) -> Vec<Entry> {
    expected::read(path).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_sixteen_series_that_ship_are_judged_as_expected() {
    let entries = expectations(&shipped().join("expected.json"));
    assert_eq!(entries.len(), 16);
    judge(&entries, |recording| compact::read(&shipped(), recording).unwrap_or_else(|error| panic!("{error}")));
}

/// With `WATCHFIRE_RECORDINGS`: see `tests/run --recordings`.
#[test]
fn all_twenty_nine_series_are_judged_as_expected() {
    let Some(root) = all() else { return };
    let entries = expectations(&root.join("expected/expected.json"));
    assert_eq!(entries.len(), 29);
    judge(&entries, |recording| published::read(&root, recording).unwrap_or_else(|error| panic!("{error}")));
}

#[test]
fn an_expectation_that_is_wrong_is_refuted() {
    let entries = expectations(&shipped().join("expected.json"));
    let entry = entries.iter().find(|entry| entry.id.ends_with("Hebden-Bridge/low")).expect("it ships");
    let samples = compact::read(&shipped(), "river/calder/Hebden-Bridge").unwrap_or_else(|error| panic!("{error}"));
    let mut wrong = entry.clone();
    wrong.on.insert("blue".to_owned(), 0.06);
    assert_eq!(refuted(&case(&wrong), &samples).len(), 1, "another threshold");
    let mut wrong = entry.clone();
    wrong.grade_sequence.as_mut().and_then(Vec::pop);
    assert_eq!(refuted(&case(&wrong), &samples).len(), 1, "a transition too few");
}

/// A river of one station under a ladder without delays.
fn river() -> Case {
    let steps = |pairs: [(&str, f64); 2]| pairs.map(|(grade, value)| (grade.to_owned(), value)).into_iter().collect();
    case(&Entry {
        id: "river/calder/x".to_owned(),
        on: steps([("blue", 1.0), ("red", 2.0)]),
        off: steps([("blue", 0.8), ("red", 1.5)]),
        grade_sequence: Some(Vec::new()),
        ..Entry::default()
    })
}

/// Each line's time, grades and value.
fn shown(output: &Output) -> Vec<String> {
    let line = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let word = |key: &str| line[key].as_str().map(str::to_owned).unwrap_or_default();
        let time = word("time").chars().skip(11).take(5).collect::<String>();
        format!("{time} {}>{} {}", word("from"), word("to"), line["value"])
    };
    stdout(output).lines().map(line).collect()
}

fn readings(values: &[(&str, &str)]) -> String {
    let line = |(time, value): &(&str, &str)| format!("2026-08-01T{time}:00Z,{STATION},{POINT},{value}\n");
    "time,station,point,value\n".to_owned() + &values.iter().map(line).collect::<String>()
}

#[test]
fn a_rise_and_a_fall_are_told_as_transitions() {
    let input = readings(&[("00:00", "0.5"), ("00:15", "1.0"), ("00:30", "2.5"), ("00:45", "1.4"), ("01:00", "0.7")]);
    let output = Bench::new(&river().config, &input).run("input.csv", &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(
        shown(&output),
        ["00:15 clear>blue 1.0", "00:30 blue>red 2.5", "00:45 red>blue 1.4", "01:00 blue>clear 0.7"]
    );
    let first = stdout(&output).lines().next().map(str::to_owned).unwrap_or_default();
    let keys: serde_json::Value = serde_json::from_str(&first).expect("a line is an object");
    let keys: Vec<&str> = keys.as_object().map(|line| line.keys().map(String::as_str).collect()).unwrap_or_default();
    assert_eq!(keys.len(), 6, "{first}");
    for key in ["time", "rule", "subject", "from", "to", "value"] {
        assert!(keys.contains(&key), "{key} is missing: {first}");
    }
    assert!(stderr(&output).contains("5 readings judged"), "{}", stderr(&output));
}

#[test]
fn line_protocol_and_stdin_say_the_same_as_csv() {
    let values = [("00:00", "0.5"), ("00:15", "1.0"), ("00:30", "2.5"), ("00:45", "1.4")];
    let bench = Bench::new(&river().config, &readings(&values));
    let minutes = [0, 15, 30, 45];
    let lines: String = values
        .iter()
        .zip(minutes)
        .map(|((_, value), minute)| {
            let at = 1_785_542_400_000_i64 + minute * 60_000;
            format!("stage,station={STATION},point={POINT} value={value} {at}\n")
        })
        .collect();
    bench.write("input.lp", &lines);
    let by_csv = bench.run("input.csv", &[]);
    assert_eq!(shown(&by_csv).len(), 3, "{}", stderr(&by_csv));
    assert_eq!(shown(&bench.run("input.lp", &[])), shown(&by_csv));
    let piped = Command::new(daemon::binary())
        .args(["backtest", "--config", &bench.path("watchfire.toml"), "--input", "-", "--format", "csv", "-o", "json"])
        .stdin(Stdio::from(std::fs::File::open(bench.path("input.csv")).expect("the input is there")))
        .output()
        .expect("the binary can be started");
    assert_eq!(shown(&piped), shown(&by_csv));
}

#[test]
fn bad_lines_are_counted_or_end_it_as_asked() {
    let mut input = readings(&[("00:00", "0.5"), ("00:15", "1.5")]);
    input.insert_str(input.find("2026").unwrap_or(0), "yesterday,gauge,v,9\n");
    input.push_str(
        "2026-08-01T00:30:00Z,elsewhere,v,9\n2026-08-01T00:30:00Z,gauge,v,NaN\n2026-08-01T00:45:00Z,gauge,v\n",
    );
    let bench = Bench::new(&river().config, &input);
    let output = bench.run("input.csv", &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(shown(&output), ["00:15 clear>blue 1.5"], "a NaN changes no grade");
    for part in
        ["input.csv:2: \"yesterday\" is not a time", "input.csv:7:", "elsewhere/v", "1 readings without a number"]
    {
        assert!(stderr(&output).contains(part), "{part}\n{}", stderr(&output));
    }
    let strict = bench.run("input.csv", &["--strict"]);
    assert_eq!(strict.status.code(), Some(1));
    assert_eq!(shown(&strict), Vec::<String>::new(), "the first bad line stands before every reading");
    assert!(stderr(&strict).contains("input.csv:2:"), "{}", stderr(&strict));
}

#[test]
fn a_late_reading_may_raise_and_never_lower() {
    let input = readings(&[("00:00", "0.5"), ("00:15", "0.6"), ("00:30", "0.7"), ("00:20", "1.2")]);
    let raised = Bench::new(&river().config, &input).run("input.csv", &[]);
    assert_eq!(shown(&raised).len(), 1, "{}{}", stdout(&raised), stderr(&raised));
    assert!(shown(&raised)[0].contains("clear>blue"), "{}", stdout(&raised));
    let input = readings(&[("00:00", "0.5"), ("00:15", "1.2"), ("00:30", "1.3"), ("00:20", "0.1")]);
    let held = Bench::new(&river().config, &input).run("input.csv", &[]);
    assert_eq!(shown(&held), ["00:15 clear>blue 1.2"]);
}

#[test]
fn silence_and_the_end_of_a_recording_lower_nothing() {
    let mut input = readings(&[("00:00", "0.5"), ("00:15", "2.5")]);
    input.push_str("2027-08-01T00:00:00Z,gauge,v,2.6\n");
    let output = Bench::new(&river().config, &input).run("input.csv", &[]);
    assert_eq!(shown(&output), ["00:15 clear>red 2.5"]);
}

#[test]
fn what_cannot_be_judged_is_said_with_its_code() {
    let bench = Bench::new(&river().config, &readings(&[("00:00", "0.5")]));
    let missing = bench.run("nothing.csv", &[]);
    assert!(!missing.status.success() && stderr(&missing).contains("nothing.csv"), "{}", stderr(&missing));
    bench.write("strangers.csv", "time,station,point,value\n2026-08-01T00:00:00Z,a,b,1\n");
    let strangers = bench.run("strangers.csv", &[]);
    assert_eq!(strangers.status.code(), Some(1), "{}", stderr(&strangers));
    assert!(stderr(&strangers).contains("no reading of any point"), "{}", stderr(&strangers));
    bench.write("headless.csv", "2026-08-01T00:00:00Z,gauge,v,1\n");
    let headless = bench.run("headless.csv", &[]);
    assert!(!headless.status.success() && stderr(&headless).contains("no column \"time\""), "{}", stderr(&headless));
    let unsound = Bench::new(&river().config.replace("lift_after", "lift_afer"), "");
    assert_eq!(unsound.run("input.csv", &[]).status.code(), Some(78));
}
