use std::collections::BTreeMap;
use std::path::Path;

use super::*;

const ZH: &str = include_str!("../../console/src/zh-CN.json");
const EN: &str = include_str!("../../console/src/en.json");

fn catalogue(text: &str) -> BTreeMap<String, String> {
    serde_json::from_str(text).expect("a catalogue is one object of texts")
}

/// `{name}` in a text, sorted.
fn blanks(text: &str) -> Vec<&str> {
    let mut names: Vec<&str> =
        text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(n, _)| n).collect();
    names.sort_unstable();
    names
}

#[test]
fn both_languages_say_everything_with_the_same_blanks() {
    let (zh, en) = (catalogue(ZH), catalogue(EN));
    assert!(zh.len() > 100, "the catalogue has hardly anything in it");
    assert_eq!(zh.keys().collect::<Vec<_>>(), en.keys().collect::<Vec<_>>());
    for (key, text) in &zh {
        assert_eq!(blanks(text), blanks(&en[key]), "{key}");
        assert!(!text.trim().is_empty() && !en[key].trim().is_empty(), "{key} is empty");
    }
}

/// Every key that the source asks for by name is in the catalogue, and every code of the model has a word.
#[test]
fn every_code_that_the_daemon_says_has_a_word() {
    let zh = catalogue(ZH);
    for (group, codes) in [
        ("grade", "blue yellow orange red"),
        ("class", "issue upgrade downgrade continue extend correct cancel all_clear expire"),
        ("state", "waiting released internal all_clear cancelled expired"),
        ("audience", "internal public"),
        ("outcome", "delivered failing refused waiting"),
        ("flag", "good not_evaluated suspect fail missing"),
        ("fault", "range bad_value clock stuck saturated device link unknown unattended"),
        ("bad", "not_a_number infinite absent wrong_type sentinel refused device_fault overflow"),
        ("sensor", "good doubt fault no_data starting out_of_service calibrating"),
        ("evidence.is", "good degraded fault no_data rule_error starting out_of_service calibrating"),
        (
            "what",
            "opened upgraded downgraded evidence_lost evidence_back acknowledged acknowledgement_due bulletin \
             awaiting_release signed released refused delivered undelivered all_clear cancelled expired overridden",
        ),
    ] {
        for code in codes.split_whitespace() {
            assert!(zh.contains_key(&format!("{group}.{code}")), "{group}.{code}");
        }
    }
}

#[test]
fn what_is_served_was_built_from_this_source() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("console/src");
    let mut names: Vec<_> = std::fs::read_dir(&source)
        .expect("the source is there")
        .map(|entry| entry.expect("a file of the source").file_name().into_string().expect("a name in ASCII"))
        .collect();
    names.sort_unstable();
    let mut bytes = Vec::new();
    for name in names {
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
        bytes.extend(std::fs::read(source.join(name)).expect("a file of the source"));
    }
    let built = include_str!("../../console/dist/built-from.txt").trim();
    assert_eq!(format!("{:016x}", fingerprint(&bytes)), built, "run `npm ci && npm run build` in dashboards/console");
}

#[test]
fn the_page_asks_nobody_else_and_runs_nothing_of_its_own() {
    let text = |path| std::str::from_utf8(console(path).expect("served").bytes).expect("text").to_owned();
    let page = text("/");
    for (at, _) in page.match_indices("<script") {
        let tag = &page[at..at + page[at..].find("</script>").expect("closed")];
        assert!(tag.contains("src=\"/console.js\"") && tag.ends_with('>'), "an inline script: {tag}");
    }
    assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains(" onload="));
    for path in ["/", "/console.js", "/console.css"] {
        let text = text(path);
        for (at, _) in text.match_indices("http") {
            let rest: String = text[at..].chars().take(60).collect();
            let address = rest.starts_with("http://") || rest.starts_with("https://");
            assert!(!address || rest.starts_with("http://www.w3.org/"), "{path} names {rest}");
        }
    }
}

#[test]
fn files_are_found_by_their_paths_and_nothing_else_is() {
    assert_eq!(console("/").map(|asset| asset.kind), Some("text/html; charset=utf-8"));
    assert!(console("/console.js").expect("served").bytes.len() > 50_000);
    for path in ["", "console.js", "/../Cargo.toml", "/dist/console.js", "//"] {
        assert_eq!(console(path), None, "{path}");
    }
    assert_ne!(console("/").map(|asset| asset.tag), console("/console.js").map(|asset| asset.tag));
}
