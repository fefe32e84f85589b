//! The five-minute way of both readmes, tried as a new user would: every line of it, in an empty folder.

use std::path::Path;
use std::process::Command;

/// What stands between the marks: commands behind `$ `, each with the lines it prints; `…` stands for the rest of a line.
fn way(readme: &str) -> Vec<(String, Vec<String>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(readme);
    let text = std::fs::read_to_string(path).expect("it ships");
    let (_, rest) = text.split_once("<!-- five minutes: begin -->").expect("it begins");
    let (part, _) = rest.split_once("<!-- five minutes: end -->").expect("it ends");
    let mut steps: Vec<(String, Vec<String>)> = Vec::new();
    let mut inside = false;
    for line in part.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| inside) {
            let command = command.split(" #").next().unwrap_or(command).trim();
            steps.push((command.to_owned(), Vec::new()));
        } else if let Some((_, printed)) = steps.last_mut().filter(|_| inside) {
            printed.push(line.to_owned());
        }
    }
    steps
}

fn fits(shown: &str, printed: &str) -> bool {
    match shown.split_once('…') {
        Some((head, _)) => printed.starts_with(head),
        None => shown == printed,
    }
}

fn walk(readme: &str, lang: &str) {
    let empty = tempfile::tempdir().expect("a temporary folder");
    let mut here = empty.path().to_owned();
    let steps = way(readme);
    assert!(steps.len() >= 5, "{readme}: only {} commands", steps.len());
    for (command, shown) in steps {
        let words: Vec<&str> = command.split_whitespace().collect();
        match words.as_slice() {
            ["mkdir", folder] => std::fs::create_dir(here.join(folder)).expect("it is not there yet"),
            ["cd", folder] => here.push(folder),
            ["watchfire", arguments @ ..] => {
                let output = Command::new(env!("CARGO_BIN_EXE_watchfire"))
                    .args(arguments)
                    .current_dir(&here)
                    .env_remove("WATCHFIRE_CONFIG")
                    .env("WATCHFIRE_LANG", lang)
                    .output()
                    .expect("the binary runs");
                let printed = String::from_utf8(output.stdout).expect("text");
                let talk = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(output.status.success(), "{readme}: {command}: {printed}{talk}");
                let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
                let same =
                    lines.len() == shown.len() && shown.iter().zip(&lines).all(|(shown, line)| fits(shown, line));
                assert!(same, "{readme}: {command}\nshown:\n{}\nprinted:\n{printed}{talk}", shown.join("\n"));
            }
            _ => panic!("{readme}: what is {command}?"),
        }
    }
}

#[test]
fn the_five_minute_way_leads_from_an_empty_folder_to_a_backtested_rule() {
    walk("README.md", "en");
}

#[test]
fn and_so_it_does_in_chinese() {
    walk("README.zh-CN.md", "zh");
}

/// Nothing of a user's own is written over.
#[test]
fn a_folder_that_is_not_empty_is_left_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("points.csv"), "mine").expect("it can be written");
    let run = |dir: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_watchfire"));
        command.args(["config", "new", "river"]).arg(dir).env("LC_ALL", "C").env_remove("WATCHFIRE_LANG");
        command.output().expect("the binary runs")
    };
    let refused = run(folder.path());
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("points.csv"), "it says which");
    assert_eq!(std::fs::read_to_string(folder.path().join("points.csv")).expect("still there"), "mine");
    assert!(!folder.path().join("watchfire.toml").exists());
    let new = folder.path().join("new");
    assert_eq!(run(&new).status.code(), Some(0));
    assert!(new.join("cases/river.test.toml").exists());
}
