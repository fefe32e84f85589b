//! The command line as a user meets it: exit codes, which stream, what is said.

use std::net::TcpListener;
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
    assert!(out(&checked).starts_with('✓') && out(&checked).lines().count() == 1, "{}", out(&checked));
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

/// What runs already when a start fails ends in order: it falls over nothing, and nothing heard is lost.
#[test]
fn a_start_that_fails_says_why_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let holder = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = holder.local_addr().expect("its address");
    let config = folder.path().join("watchfire.toml");
    let config = config.to_str().expect("a plain path");
    for (listen, server, why) in [
        (taken.to_string(), "tcp://127.0.0.1:1\"]", format!("cannot listen on {taken}")),
        (
            "127.0.0.1:0".to_owned(),
            "mqtts://127.0.0.1:1\"]\ntls_ca = \"ca.pem\"",
            "source field cannot be set up".to_owned(),
        ),
    ] {
        let text = format!(
            "[site]\nname = \"x\"\nauthority = \"county\"\nissuer = \"i\"\nsender = \"s.example\"\ncontact = \"0\"\n\
             zone = \"Asia/Shanghai\"\nlanguages = [\"zh-CN\"]\n[storage]\ndata_dir = \"data\"\n\
             [api]\nlisten = \"{listen}\"\n\
             [[connectors.mqtt]]\nname = \"field\"\nservers = [\"{server}\nclient_id = \"x\"\n\
             topics = [{{ topic = \"sensors/#\", codec = \"named\", id = \"/id\", value = \"/v\" }}]\n"
        );
        std::fs::write(config, text).expect("written");
        std::fs::write(folder.path().join("ca.pem"), "no certificate").expect("written");
        let refused = watchfire(&["run", "--config", config]);
        let said = err(&refused);
        assert_eq!(refused.status.code(), Some(70), "{said}");
        assert!(said.contains(&why) && !said.contains("panicked"), "{said}");
        assert_eq!(out(&refused), "");
    }
}

#[test]
fn warnings_are_findings_only_where_asked_for() {
    let doubtful = case("09-deadband-too-small.toml");
    assert_eq!(watchfire(&["check", &doubtful]).status.code(), Some(0));
    let strict = watchfire(&["check", "--strict", &doubtful]);
    assert_eq!(strict.status.code(), Some(1));
    assert!(err(&strict).contains("warning: `yellow` is left 0.02 m"), "{}", err(&strict));
}

#[test]
fn problems_are_listed_for_programs() {
    let listed = watchfire(&["check", "-o", "json", &case("08-lift-on-the-wrong-side.toml")]);
    assert_eq!(listed.status.code(), Some(78));
    let lines: Vec<serde_json::Value> =
        out(&listed).lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect();
    assert_eq!(lines.len(), 1);
    assert_eq!(
        (&lines[0]["severity"], &lines[0]["line"], &lines[0]["column"]),
        (&"error".into(), &32.into(), &56.into())
    );
}

#[test]
fn a_rule_is_explained_in_sentences_of_both_languages() {
    let told = watchfire(&["check", &example(), "--explain", "river-stage"]);
    assert_eq!(told.status.code(), Some(0), "{}", err(&told));
    let red = "red Ⅰ is raised at or above 39 m, after 2 samples or 5m, whichever is first; it goes to the duty desk at \
               once, to the public after one signature, and not before 2 samples or 5m, whichever is first, or two \
               independent sensors; it steps down to orange 3h after the value is below 38.95 m and an officer has \
               agreed; to be acknowledged within 3m, valid 12h and extended while it holds";
    assert!(out(&told).contains(red), "{}", out(&told));
    let told = watchfire(&["check", &example(), "--explain", "methane-face", "--lang", "zh"]);
    let red = "红色 Ⅰ 级:达到或超过 1.5 %CH4 立即升级;立即告知值班台,不对外发布;低于 1 %CH4 10m 后解除";
    assert!(out(&told).contains(red), "{}", out(&told));
    let slopes = concat!(env!("CARGO_MANIFEST_DIR"), "/../rules/packs/slope/cases/site.toml");
    let slopes = std::fs::read_to_string(slopes).expect("it is there").replace("../pack.toml", "slope");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("watchfire.toml");
    std::fs::write(&path, slopes).expect("it can be written");
    let told = watchfire(&["check", &path.display().to_string(), "--explain", "slope-tangent"]);
    let ours = "The 50° at which yellow begins are ours ○";
    assert!(out(&told).contains(ours), "what a pack says of its numbers is told: {}{}", out(&told), err(&told));
    let unknown = watchfire(&["check", &example(), "--explain", "no-such-rule"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(err(&unknown).contains("river-stage"), "{}", err(&unknown));
    let table = watchfire(&["check", &example(), "--explain", "rain-1h", "-o", "csv"]);
    assert!(out(&table).contains("rain-1h,rain-mid,orange,60,48,mm,0s,1h,0s\n"), "{}", out(&table));
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
    let missing = watchfire(&["backtest", "--config", &example(), "--input", "no-such-recording.csv"]);
    assert_eq!(missing.status.code(), Some(2), "the command line asks for what is not there: {}", err(&missing));
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
