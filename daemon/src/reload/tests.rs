//! What is said of a configuration before it is put in force.

use std::path::Path;

use super::impact::{Changed, How, changes};
use super::needs_restart;
use crate::config::{self, settings::Settings};

const TEXT: &str = r#"
[site]
name = "one"
authority = "county"
issuer = "i"
sender = "s.example"
contact = "0"
zone = "Asia/Shanghai"
languages = ["zh-CN"]

[[area]]
id = "a"
name = "A"

[[station]]
id = "bridge"
name = "Bridge"

[[station.point]]
id = "stage"
quantity = "stage"
unit = "m"
interval = "5m"

[[station]]
id = "weir"
name = "Weir"
upstream = "bridge"
"#;

fn settings(text: &str) -> Settings {
    config::load_str(text, Path::new(".")).unwrap_or_else(|problems| panic!("{problems}"))
}

fn check(after: &str, expected: &[(&'static str, &str, How)]) {
    let expected: Vec<Changed> =
        expected.iter().map(|(what, name, how)| Changed { what, name: (*name).to_owned(), how: how.clone() }).collect();
    assert_eq!(changes(settings(TEXT).site(), settings(after).site()), expected, "{after}");
}

#[test]
fn what_is_not_as_it_was_is_named() {
    check(&format!("# a comment\n{TEXT}"), &[]);
    check(&TEXT.replace("interval = \"5m\"", "interval = \"1m\""), &[("point", "bridge/stage", How::Changed)]);
    check(
        &TEXT
            .replace("id = \"bridge\"", "id = \"arch\"\naliases = [\"bridge\"]")
            .replace("= \"bridge\"\n", "= \"arch\"\n"),
        &[
            ("station", "arch", How::Renamed("bridge".to_owned())),
            ("station", "weir", How::Changed),
            ("point", "arch/stage", How::Added),
            ("point", "bridge/stage", How::Removed),
        ],
    );
    let (kept, _) = TEXT.rsplit_once("[[station]]").expect("there are two");
    check(kept, &[("station", "weir", How::Removed)]);
    check(
        &format!("{TEXT}\n[[area]]\nid = \"b\"\nname = \"B\"\n")
            .replace("name = \"Bridge\"", "name = \"Bridge\"\narea = \"a\"")
            .replace("name = \"Weir\"", "name = \"Weir\"\narea = \"a\""),
        &[("area", "b", How::Added)],
    );
}

#[test]
fn what_only_a_start_can_change_is_refused_by_its_key() {
    let before = settings(TEXT);
    for (from, to, key) in [
        ("interval = \"5m\"", "interval = \"1m\"", None),
        ("id = \"bridge\"", "id = \"arch\"", Some("station.point")),
        ("Asia/Shanghai", "Asia/Tokyo", Some("site.zone")),
        ("[site]", "[api]\nlisten = \"127.0.0.1:9\"\n\n[site]", Some("api.listen")),
        ("[site]", "[access]\nanonymous = \"viewer\"\n\n[site]", Some("access")),
        ("[site]", "[storage]\ndata_dir = \"elsewhere\"\n\n[site]", Some("storage.data_dir")),
    ] {
        let after = TEXT.replace(from, to).replace("upstream = \"bridge\"", "");
        assert_eq!(needs_restart(&before, &settings(&after)), key, "{to}");
    }
    let renamed =
        TEXT.replace("id = \"bridge\"", "id = \"arch\"\naliases = [\"bridge\"]").replace("upstream = \"bridge\"", "");
    assert_eq!(needs_restart(&before, &settings(&renamed)), None);
}
