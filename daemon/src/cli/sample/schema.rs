//! That the schema says what the reader reads: the same keys, everything that ships is valid, and a misspelt key is not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::SCHEMA;
use super::tests::{with_all_it_names, with_every_option};
use crate::config;
use crate::config::read::asked::asked;

fn schema() -> Value {
    serde_json::from_str(SCHEMA).expect("it is JSON")
}

fn goldens() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config");
    let entries = std::fs::read_dir(folder).expect("the cases are there").map(|entry| entry.expect("readable").path());
    entries.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect()
}

/// Every titled object with its keys; what has a value for each grade is many tables of one form.
fn objects(schema: &Value, found: &mut BTreeMap<String, BTreeSet<String>>) {
    match schema {
        Value::Object(map) => {
            if let (Some(Value::String(title)), Some(Value::Object(keys))) = (map.get("title"), map.get("properties")) {
                found.entry(title.clone()).or_default().extend(keys.keys().cloned());
            }
            map.values().for_each(|inner| objects(inner, found));
        }
        Value::Array(list) => list.iter().for_each(|inner| objects(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Reads every configuration that there is, and compares what was asked for with what the schema knows.
#[test]
fn it_knows_the_keys_that_the_reader_asks_for() {
    let folder = with_all_it_names();
    for text in [with_every_option(), with_every_option().replace("kind = \"spool\"", "kind = \"webhook\"")] {
        let _ = config::examine_str("sample.toml", &text, folder.path());
    }
    let mixed = "[[connectors.modbus]]\nname = \"a\"\ncontroller = \"tcp://127.0.0.1\"\n[[connectors.modbus.request]]\n\
        fields = []\n[[station]]\nid = \"a\"\n[[station.point]]\nid = \"a\"\nneighbours = { points = [{ point = \"b\" }] }\n";
    let _ = config::examine_str("mixed.toml", mixed, folder.path());
    for path in goldens() {
        let _ = config::examine(&path);
    }
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/example/watchfire.toml");
    assert!(config::examine(&example).settings.is_some());
    let mut known = BTreeMap::new();
    objects(&schema(), &mut known);
    let graded: BTreeSet<String> = ["default", "blue", "yellow", "orange", "red"].map(str::to_owned).into();
    let mut missed = BTreeSet::new();
    for (what, keys) in asked() {
        let keys: BTreeSet<String> = keys
            .into_iter()
            // A pack's own, and no key of a site.
            .filter(|key| !(what == "the configuration" && ["offer", "pack"].contains(key)))
            .map(str::to_owned)
            .collect();
        match known.remove(what) {
            Some(told) if told == keys => {}
            Some(told) => {
                missed.insert(format!("{what}: the reader asks for {keys:?}, the schema knows {told:?}"));
            }
            None if keys == graded || ["[[offer]]", "[pack]"].contains(&what) => {}
            None => {
                missed.insert(format!("{what}: the schema does not know it"));
            }
        }
    }
    let forms = ["span", "delay", "limit", "amount", "text"].map(|what| format!("{what} by grade"));
    let rest = known.into_keys().filter(|title| !forms.contains(title));
    let rest: Vec<String> = rest.filter(|title| !["who signs", "`response_type`"].contains(&title.as_str())).collect();
    assert!(missed.is_empty(), "{}", missed.into_iter().collect::<Vec<_>>().join("\n"));
    assert_eq!(rest, Vec::<String>::new(), "nobody has read these");
}

#[test]
fn what_ships_is_valid_by_it_and_a_misspelt_key_is_not() {
    let schema = schema();
    let valid = |text: &str| {
        let table: toml::Table = text.parse().expect("TOML");
        refusal(&schema, &schema, &serde_json::to_value(table).expect("plain data"), "")
    };
    assert_eq!(valid(super::SAMPLE), None);
    assert_eq!(valid(&with_every_option()), None);
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/example");
    for file in [
        "watchfire.toml",
        "stations/mine.toml",
        "stations/slope.toml",
        "rules/rivers.toml",
        "rules/mine_and_slope.toml",
    ] {
        let text = std::fs::read_to_string(example.join(file)).expect("it ships");
        assert_eq!(valid(&text), None, "{file}");
    }
    let mut misspelt = 0;
    for path in goldens() {
        let said = std::fs::read_to_string(path.with_extension("txt")).expect("what is said of it");
        let text = std::fs::read_to_string(&path).expect("readable");
        if said.contains("has no key") && text.parse::<toml::Table>().is_ok() {
            assert!(valid(&text).is_some(), "{}: the schema lets it through", path.display());
            misspelt += 1;
        }
    }
    assert!(misspelt >= 3, "only {misspelt} misspelt keys");
}

/// Files of the repository whose names end so, wherever they stand.
fn shipped(end: &str) -> Vec<PathBuf> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules/packs")];
    folders.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/example/cases"));
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("it ships") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(end) {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn packs_and_cases_that_ship_are_valid_by_theirs_and_misspelt_keys_are_not() {
    let cases: Value = serde_json::from_str(super::CASES).expect("it is JSON");
    let valid = |schema: &Value, text: &str| {
        let table: toml::Table = text.parse().expect("TOML");
        refusal(schema, schema, &serde_json::to_value(table).expect("plain data"), "")
    };
    let whole = include_str!("../test/example.toml");
    assert_eq!(valid(&cases, whole), None);
    let keys = |schema: &Value, title: &str| {
        let mut known = BTreeMap::new();
        objects(schema, &mut known);
        known.remove(title).unwrap_or_default()
    };
    // What `watchfire test --help` shows is every key of a case but two that are told at the expectations.
    for key in keys(&cases, "[[case]]").iter().filter(|key| *key != "series" && *key != "expect") {
        assert!(whole.contains(&format!("\n{key} = ")), "{key}");
    }
    let pack = super::pack().expect("it is derived");
    for (schema, end, least, right, wrong) in [
        (&cases, ".test.toml", 8, "\nrule = ", "\nrules = "),
        (&pack, "pack.toml", 7, "\nevent_code = ", "\nevent_cod = "),
    ] {
        let files = shipped(end);
        assert!(files.len() >= least, "{files:?}");
        for path in files {
            let text = std::fs::read_to_string(&path).expect("readable");
            assert_eq!(valid(schema, &text), None, "{}", path.display());
            assert!(valid(schema, &text.replacen(right, wrong, 1)).is_some(), "{}", path.display());
        }
    }
}

/// Why a value is not valid; every keyword that the schema uses is looked at, and no other is there.
fn refusal(root: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    let Value::Object(keywords) = schema else { panic!("{at}: no schema: {schema}") };
    keywords.iter().find_map(|(keyword, told)| {
        let refused = |why: &str| Some(format!("{at}: {why}: {value}"));
        match (keyword.as_str(), told, value) {
            ("$schema" | "$id" | "$defs" | "title" | "description", _, _) => None,
            ("$ref", Value::String(path), _) => {
                let inner =
                    root.pointer(path.strip_prefix('#').expect("within")).unwrap_or_else(|| panic!("no {path}"));
                refusal(root, inner, value, at)
            }
            ("type", Value::String(one), _) => (!is(one, value)).then(|| format!("{at}: not {one}: {value}")),
            ("type", Value::Array(any), _) => {
                let fits = any.iter().filter_map(Value::as_str).any(|one| is(one, value));
                if fits { None } else { refused("of no type allowed") }
            }
            ("enum", Value::Array(words), _) => {
                if words.contains(value) {
                    None
                } else {
                    refused("no word allowed")
                }
            }
            ("const", word, _) => {
                if word == value {
                    None
                } else {
                    refused("not the word")
                }
            }
            ("pattern", Value::String(pattern), Value::String(text)) => {
                assert_eq!(pattern, "[$][{]", "the one pattern that this test knows");
                if text.contains("${") { None } else { refused("does not match") }
            }
            ("anyOf", Value::Array(ways), _) => {
                let mut refusals = Vec::new();
                for way in ways {
                    refusals.push(refusal(root, way, value, at)?);
                }
                Some(refusals.join(" | "))
            }
            ("properties", Value::Object(properties), Value::Object(entries)) => entries
                .iter()
                .find_map(|(key, inner)| refusal(root, properties.get(key)?, inner, &format!("{at}.{key}"))),
            ("additionalProperties", Value::Bool(false), Value::Object(entries)) => {
                let known = keywords.get("properties").and_then(Value::as_object).expect("beside it");
                entries.keys().find(|key| !known.contains_key(*key)).map(|key| format!("{at}: no key {key}"))
            }
            ("additionalProperties", inner, Value::Object(entries)) => {
                entries.iter().find_map(|(key, value)| refusal(root, inner, value, &format!("{at}.{key}")))
            }
            ("required", Value::Array(keys), Value::Object(entries)) => {
                let missing = keys.iter().filter_map(Value::as_str).find(|key| !entries.contains_key(*key));
                missing.map(|key| format!("{at}: lacks {key}"))
            }
            ("items", inner, Value::Array(list)) => list.iter().find_map(|value| refusal(root, inner, value, at)),
            ("minItems", least, Value::Array(list)) => {
                if list.len() as u64 >= least.as_u64().expect("a number") {
                    None
                } else {
                    refused("too few")
                }
            }
            ("maxItems", most, Value::Array(list)) => {
                if list.len() as u64 <= most.as_u64().expect("a number") {
                    None
                } else {
                    refused("too many")
                }
            }
            ("minimum", least, Value::Number(number)) => {
                if number.as_f64() >= least.as_f64() {
                    None
                } else {
                    refused("too small")
                }
            }
            ("maximum", most, Value::Number(number)) => {
                if number.as_f64() <= most.as_f64() {
                    None
                } else {
                    refused("too large")
                }
            }
            (
                "pattern"
                | "properties"
                | "additionalProperties"
                | "required"
                | "items"
                | "minItems"
                | "maxItems"
                | "minimum"
                | "maximum",
                _,
                _,
            ) => None,
            (unknown, _, _) => panic!("{at}: the keyword {unknown} is not known to this test"),
        }
    })
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the type {other} is not known to this test"),
    }
}
