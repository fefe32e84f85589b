//! The shape of the house: what stands at the top, how long files are and how they begin, which crate may know which,
//! that the lists of open sets equal their folders, and that no file speaks of the machine it was written on.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Source, files, root, rust};

/// DESIGN §2.3, and nothing beside it.
const TOP: &[&str] = &[
    ".ci",
    ".gitignore",
    ".rustfmt.toml",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "README.zh-CN.md",
    "connectors",
    "daemon",
    "dashboards",
    "deploy",
    "rules",
    "tests",
];

/// Which of the house's crates a crate may name.
const ORDER: &[(&str, &[&str])] = &[
    ("rules/model", &[]),
    ("rules", &["watchfire-model"]),
    ("connectors", &["watchfire-model"]),
    ("dashboards", &[]),
    ("daemon", &["watchfire-model", "watchfire-rules", "watchfire-connectors", "watchfire-dashboards"]),
    ("tests", &["watchfire-model", "watchfire-rules", "watchfire-connectors", "watchfire-dashboards", "watchfire"]),
];

/// Open sets: the list, the file it stands in, and modules of that folder that are no members.
const LISTS: &[(&str, &str, &[&str])] = &[
    ("SOURCES", "connectors/src/source/mod.rs", &["tests"]),
    ("CODECS", "connectors/src/codec/mod.rs", &["tests"]),
    // The clock, the device and who is at it are no checks of a value, what is known of a point is what the checks look at,
    // and the gate with what it says is where they are asked.
    (
        "CHECKS",
        "rules/src/quality/mod.rs",
        &["tests", "admission", "clock", "closer", "gate", "judged", "memory", "point", "refusal", "sensor", "window"],
    ),
    ("CLOSER", "rules/src/quality/closer/mod.rs", &["tests", "course"]),
    // How an argument is written is no family of functions.
    ("FUNCTIONS", "rules/src/engine/functions/mod.rs", &["tests", "written"]),
    ("CHANNELS", "daemon/src/dissemination/channel/mod.rs", &["tests"]),
    ("STORES", "daemon/src/storage/series/mod.rs", &["tests"]),
];

/// A file longer than this must say in its head why it is one thing.
const LONGEST: usize = 500;

fn top_level(names: &BTreeSet<String>) -> Vec<String> {
    let strangers = names.iter().filter(|name| !TOP.contains(&name.as_str()));
    strangers.map(|name| format!("{name}: not a part of the house's top level")).collect()
}

fn head_and_length(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let head: Vec<&str> = source.text.lines().take_while(|line| line.starts_with("//!")).collect();
    // A `tests.rs` answers the question of the file it stands beside.
    if head.is_empty() && !source.path.ends_with("/tests.rs") {
        found.push(format!("{}: does not begin with `//!` and the question it answers", source.path));
    }
    let length = source.text.lines().count();
    let says_why = head.iter().any(|line| line.to_lowercase().contains("one thing") || line.contains("one file"));
    if length > LONGEST && !says_why {
        found.push(format!("{}: {length} lines, and its head does not say why it is one thing", source.path));
    }
    let name = source.path.rsplit('/').next().unwrap_or(&source.path);
    let vague = ["utils.rs", "util.rs", "helpers.rs", "helper.rs", "common.rs", "misc.rs", "manager.rs", "types.rs"];
    if vague.contains(&name) {
        found.push(format!("{}: named by no noun of the domain", source.path));
    }
    found
}

/// The house's own crates that `manifest` names and may not.
fn crate_order(manifest: &str, allowed: &[&str]) -> Vec<String> {
    let parsed: toml::Table = manifest.parse().expect("a manifest that cargo reads is TOML");
    let named = ["dependencies", "dev-dependencies", "build-dependencies"].into_iter().flat_map(|table| {
        parsed.get(table).and_then(toml::Value::as_table).into_iter().flat_map(|table| table.keys().cloned())
    });
    named
        .filter(|name| name.starts_with("watchfire") && !allowed.contains(&name.as_str()))
        .map(|name| format!("names {name}: the order is model ← rules ← daemon, model ← connectors ← daemon"))
        .collect()
}

/// How a list differs from the modules beside it. Nothing where the list is not declared in the text.
fn list_and_folder(list: &str, text: &str, modules: &BTreeSet<String>, besides: &[&str]) -> Option<Vec<String>> {
    let (_, declared) = text.split_once(&format!("pub const {list}:"))?;
    let body = declared.split("];").next().unwrap_or(declared);
    let value = body.split_once('=').map_or("", |(_, value)| value);
    let listed: BTreeSet<String> = value
        .split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':')
        .filter_map(|word| word.split_once("::").map(|(module, _)| module.to_owned()))
        .collect();
    let missing = modules.iter().filter(|module| !listed.contains(*module) && !besides.contains(&module.as_str()));
    let unknown = listed.iter().filter(|module| !modules.contains(*module));
    let missing = missing.map(|module| format!("{list} does not list {module}, which stands in the folder"));
    Some(missing.chain(unknown.map(|module| format!("{list} lists {module}, which is not there"))).collect())
}

/// Paths of the machine that a file was written on.
fn machine_paths(path: &str, text: &str) -> Vec<String> {
    // Put together here so that this file does not find itself.
    let marks = ["work", "root", "home"].map(|name| format!("/{name}/"));
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let named = marks.iter().any(|mark| {
            line.match_indices(mark.as_str()).any(|(from, _)| {
                let before = line[..from].chars().next_back();
                // Within a longer path (docs/work/…), in an address, or behind a variable it is not this machine's.
                before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '.' | '-' | '_' | '}' | '/' | '*' | '>'))
            })
        });
        if named {
            found.push(format!("{path}:{}: a path of one machine", at + 1));
        }
    }
    found
}

fn sub_modules(folder: &str) -> BTreeSet<String> {
    let listing = std::fs::read_dir(root().join(folder)).expect("the folder of a list can be read");
    listing
        .filter_map(|entry| {
            let entry = entry.expect("the folder of a list can be read");
            let name = entry.file_name().to_string_lossy().into_owned();
            name.strip_suffix(".rs").map(str::to_owned).or_else(|| entry.path().is_dir().then_some(name))
        })
        .filter(|name| name != "mod")
        .collect()
}

#[test]
fn the_top_level_is_the_houses() {
    let names = files().into_iter().filter_map(|path| path.split('/').next().map(str::to_owned)).collect();
    let found = top_level(&names);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_stranger_at_the_top_level_is_found() {
    let names = ["rules", "scripts"].map(str::to_owned).into_iter().collect();
    assert_eq!(top_level(&names).len(), 1);
}

#[test]
fn every_file_says_what_it_answers_and_stays_short() {
    let found: Vec<String> = rust().iter().flat_map(head_and_length).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_long_a_headless_and_a_vague_file_are_found() {
    let long = format!("//! A.\n{}", "let a = 1;\n".repeat(LONGEST));
    assert_eq!(head_and_length(&Source::new("daemon/src/a.rs", &long)).len(), 1);
    let excused = format!("//! A; long because the table is one thing.\n{}", "let a = 1;\n".repeat(LONGEST));
    assert_eq!(head_and_length(&Source::new("daemon/src/a.rs", &excused)).len(), 0);
    assert_eq!(head_and_length(&Source::new("daemon/src/a.rs", "fn a() {}\n")).len(), 1);
    assert_eq!(head_and_length(&Source::new("daemon/src/utils.rs", "//! A.\n")).len(), 1);
}

#[test]
fn crates_know_only_what_is_beneath_them() {
    for (folder, allowed) in ORDER {
        let manifest = std::fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("each crate is there");
        assert_eq!(crate_order(&manifest, allowed), Vec::<String>::new(), "{folder}/Cargo.toml");
    }
    let manifests = files().into_iter().filter(|path| path.ends_with("/Cargo.toml")).count();
    assert_eq!(manifests, ORDER.len(), "a crate that this test does not know");
}

#[test]
fn a_dependency_against_the_order_is_found() {
    let manifest = "[dependencies]\nserde = \"1\"\nwatchfire-connectors.workspace = true\n[dev-dependencies]\nwatchfire = { path = \"x\" }\n";
    assert_eq!(crate_order(manifest, &["watchfire-model"]).len(), 2);
}

#[test]
fn lists_equal_their_folders() {
    for (list, file, besides) in LISTS {
        let Ok(text) = std::fs::read_to_string(root().join(file)) else { continue };
        let folder = file.strip_suffix("/mod.rs").expect("each list stands in a mod.rs");
        let found = list_and_folder(list, &text, &sub_modules(folder), besides);
        assert_eq!(found.unwrap_or_default(), Vec::<String>::new(), "{file}");
    }
}

#[test]
fn a_list_that_differs_from_its_folder_is_found() {
    let modules: BTreeSet<String> = ["mqtt", "modbus", "tests"].map(str::to_owned).into_iter().collect();
    let full = "mod mqtt;\npub const SOURCES: &[Kind] = &[\n    mqtt::KIND,\n    modbus::KIND,\n];\n";
    assert_eq!(list_and_folder("SOURCES", full, &modules, &["tests"]), Some(Vec::new()));
    let inline = "pub const SOURCES: &[Kind] = &[mqtt::KIND, modbus::KIND];\n";
    assert_eq!(list_and_folder("SOURCES", inline, &modules, &["tests"]), Some(Vec::new()));
    let short = "pub const SOURCES: &[Kind] = &[\n    mqtt::KIND,\n];\nfn a() { modbus::KIND }\n";
    assert_eq!(list_and_folder("SOURCES", short, &modules, &["tests"]).map(|found| found.len()), Some(1));
    let long = "pub const SOURCES: &[Kind] = &[mqtt::KIND, modbus::KIND, sl651::KIND];\n";
    assert_eq!(list_and_folder("SOURCES", long, &modules, &["tests"]).map(|found| found.len()), Some(1));
    assert_eq!(list_and_folder("SOURCES", "", &modules, &[]), None);
}

#[test]
fn no_file_speaks_of_one_machine() {
    let mut found = Vec::new();
    let mut seen: BTreeMap<bool, usize> = BTreeMap::new();
    for path in files() {
        // What is not text is no place for a path that anyone would follow.
        let text = std::fs::read_to_string(root().join(&path));
        *seen.entry(text.is_ok()).or_default() += 1;
        found.extend(text.iter().flat_map(|text| machine_paths(&path, text)));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(seen.get(&true).is_some_and(|read| *read > 50), "the walk over the repository found next to nothing");
}

#[test]
fn a_path_of_one_machine_is_found() {
    let mark = ["", "root", "x"].join("/");
    assert_eq!(machine_paths("a.md", &format!("see {mark}/y\n")).len(), 1);
    assert_eq!(machine_paths("a.md", &format!("\"{mark}\"\n")).len(), 1);
    assert_eq!(machine_paths("a.md", &format!("https://example.org{mark}\n")).len(), 0);
}
