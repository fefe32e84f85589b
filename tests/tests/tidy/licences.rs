//! What we stand on: every crate of the lock file comes from the registry, none is banned, and each has a licence
//! that an Apache-2.0 binary can carry. The same lists as `.ci/deny.toml`, which `cargo deny` reads where it is
//! installed; here they are held without it.

use std::ffi::OsStr;
use std::process::Command;

use crate::source::root;

/// Licences that may be in the binary. An expression passes when its `OR`s and `AND`s can be met from these.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates under another licence, each with why it may stay.
const EXCUSED: &[(&str, &str)] =
    &[("smartstring", "MPL-2.0 binds its own files alone; it comes with rhai and is used as published")];

/// Crates that may not be in the tree, and why.
const BANNED: &[(&str, &str)] = &[
    ("aws-lc-sys", "a second crypto provider: rustls panics at first use when two are in and none is named"),
    ("aws-lc-rs", "as aws-lc-sys"),
    ("openssl-sys", "one TLS library, built from source with the rest"),
    ("native-tls", "as openssl-sys"),
    ("evalexpr", "AGPL-3.0"),
];

/// What in a lock file may not be there.
fn lock_problems(lock: &str) -> Vec<String> {
    let parsed: toml::Table = lock.parse().expect("a lock file that cargo reads is TOML");
    let packages = parsed.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    packages
        .filter_map(|package| {
            let text = |key: &str| package.get(key).and_then(toml::Value::as_str);
            let name = text("name")?;
            let banned = BANNED.iter().find(|(banned, _)| *banned == name);
            let source = text("source")
                .filter(|source| !source.starts_with("registry+https://github.com/rust-lang/crates.io-index"));
            banned
                .map(|(_, why)| format!("{name} is banned: {why}"))
                .or_else(|| source.map(|source| format!("{name} comes from {source}, not from the registry")))
        })
        .collect()
}

/// Whether a licence expression can be met from [`ALLOWED`].
fn permits(expression: &str) -> bool {
    let words = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = words.split_whitespace().collect();
    let mut at = 0;
    let met = any_of(&words, &mut at);
    met && at == words.len()
}

fn any_of(words: &[&str], at: &mut usize) -> bool {
    let mut met = all_of(words, at);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        met |= all_of(words, at);
    }
    met
}

fn all_of(words: &[&str], at: &mut usize) -> bool {
    let mut met = one(words, at);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        met &= one(words, at);
    }
    met
}

fn one(words: &[&str], at: &mut usize) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let met = any_of(words, at);
        let closed = words.get(*at) == Some(&")");
        *at += 1;
        return met && closed;
    }
    if words.get(*at) == Some(&"WITH") {
        let whole = words.get(*at + 1).map(|exception| format!("{word} WITH {exception}"));
        *at += 2;
        return whole.is_some_and(|whole| ALLOWED.contains(&whole.as_str()));
    }
    ALLOWED.contains(word)
}

#[test]
fn the_lock_file_holds_nothing_banned() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("the lock file is there");
    assert_eq!(lock_problems(&lock), Vec::<String>::new());
}

#[test]
fn a_banned_crate_and_a_foreign_source_are_found() {
    let lock = "[[package]]\nname = \"openssl-sys\"\nversion = \"1\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
                [[package]]\nname = \"a\"\nversion = \"1\"\nsource = \"git+https://example.org/a\"\n\
                [[package]]\nname = \"watchfire\"\nversion = \"1\"\n";
    assert_eq!(lock_problems(lock).len(), 2);
}

/// The platform that this compiler builds for, as `cargo -vV` names it.
fn platform(cargo: &OsStr) -> String {
    let answer = Command::new(cargo).arg("-vV").output().expect("cargo can be run");
    let text = String::from_utf8_lossy(&answer.stdout).into_owned();
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("cargo names its host").to_owned()
}

#[test]
fn every_crate_may_be_carried() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Of this platform alone: a machine that has only built has fetched no other crates.
    let answer = Command::new(&cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", &platform(&cargo)])
        .current_dir(root())
        .output()
        .expect("cargo can be run");
    assert!(answer.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&answer.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&answer.stdout).expect("cargo metadata speaks JSON");
    let packages = metadata["packages"].as_array().expect("cargo metadata lists packages");
    let refused: Vec<String> = packages
        .iter()
        .filter_map(|package| {
            let name = package["name"].as_str()?;
            let licence = package["license"].as_str().unwrap_or("none stated");
            let excused = EXCUSED.iter().any(|(excused, _)| *excused == name);
            (!excused && !permits(licence)).then(|| format!("{name}: {licence}"))
        })
        .collect();
    assert_eq!(refused, Vec::<String>::new());
    assert!(packages.len() > 100, "cargo metadata found next to nothing");
}

#[test]
fn licence_expressions_are_read_as_spdx_means_them() {
    for good in [
        "MIT",
        "MIT/Apache-2.0",
        "GPL-3.0 OR MIT",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(permits(good), "{good}");
    }
    for bad in ["GPL-3.0", "MIT AND GPL-3.0", "none stated", "", "Apache-2.0 WITH other", "(MIT", "MIT AND"] {
        assert!(!permits(bad), "{bad}");
    }
}

#[test]
fn cargo_deny_is_told_the_same() {
    let text = std::fs::read_to_string(root().join(".ci/deny.toml")).expect("the file is there");
    let deny: toml::Table = text.parse().expect("the file is TOML");
    let strings = |value: &toml::Value, key: Option<&str>| -> Vec<String> {
        let entries = value.as_array().into_iter().flatten();
        entries.filter_map(|entry| key.map_or(Some(entry), |key| entry.get(key))?.as_str().map(str::to_owned)).collect()
    };
    assert_eq!(strings(&deny["licenses"]["allow"], None), ALLOWED);
    assert_eq!(strings(&deny["bans"]["deny"], Some("crate")), BANNED.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    assert_eq!(
        strings(&deny["licenses"]["exceptions"], Some("crate")),
        EXCUSED.iter().map(|(name, _)| *name).collect::<Vec<_>>()
    );
}
