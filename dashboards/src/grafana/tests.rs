//! What a dashboard must keep so that Grafana takes it and people can rely on it. The queries themselves are run
//! against a real store in `daemon/tests/grafana.rs`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;

/// The grades' colours, and the two that mean nothing.
const PALETTE: [&str; 6] = ["#4C9BFF", "#FFE65C", "#F08A00", "#E0182D", "#6B7682", "#D7DCE2"];

fn dashboards() -> impl Iterator<Item = (&'static str, Value)> {
    let json = GRAFANA.iter().filter(|file| file.path.ends_with(".json"));
    json.map(|file| (file.path, serde_json::from_str(file.text).expect("a dashboard is JSON")))
}

fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    dashboard["panels"].as_array().expect("a dashboard has panels").iter()
}

fn lint(dashboard: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut complain = |what: String| found.push(what);
    for (key, wanted) in [("editable", json!(false)), ("schemaVersion", json!(39))] {
        if dashboard[key] != wanted {
            complain(format!("{key} is not {wanted}"));
        }
    }
    for key in ["uid", "title", "description"] {
        if dashboard[key].as_str().is_none_or(str::is_empty) {
            complain(format!("the dashboard has no {key}"));
        }
    }
    let variables = dashboard["templating"]["list"].as_array().cloned().unwrap_or_default();
    let sources: Vec<_> = variables.iter().filter(|v| v["type"] == "datasource").collect();
    if sources.len() != 1 || sources[0]["name"] != "datasource" || sources[0]["label"] != "Data Source" {
        complain("there is not one variable `datasource` with the label \"Data Source\"".to_owned());
    }
    for variable in variables.iter().filter(|v| v["type"] == "query") {
        if variable["refresh"] != 2 || variable["datasource"]["uid"] != "${datasource}" {
            complain(format!("variable {} does not follow the time and the source", variable["name"]));
        }
    }
    let (mut ids, mut cells) = (BTreeSet::new(), BTreeSet::new());
    for panel in panels(dashboard) {
        let name = panel["title"].as_str().unwrap_or_default();
        let mut complain = |what: &str| complain(format!("panel \"{name}\": {what}"));
        if !ids.insert(panel["id"].as_u64()) {
            complain("its id is taken");
        }
        let place = |key: &str| panel["gridPos"][key].as_u64().unwrap_or(99);
        if place("x") + place("w") > 24 {
            complain("it stands out of the grid");
        }
        for x in place("x")..place("x") + place("w") {
            for y in place("y")..place("y") + place("h") {
                if !cells.insert((x, y)) {
                    complain("it lies on another");
                }
            }
        }
        if panel["type"] == "row" {
            continue;
        }
        if name.is_empty() || panel["description"].as_str().is_none_or(str::is_empty) {
            complain("it has no title or no description");
        }
        if panel["datasource"]["uid"] != "${datasource}" {
            complain("it does not use the variable `datasource`");
        }
        if panel["fieldConfig"]["defaults"]["unit"].as_str().is_none_or(str::is_empty) {
            complain("it has no unit");
        }
        let targets = panel["targets"].as_array().cloned().unwrap_or_default();
        if targets.is_empty() {
            complain("it asks for nothing");
        }
        let refs: BTreeSet<_> = targets.iter().map(|target| target["refId"].as_str()).collect();
        if refs.len() != targets.len() {
            complain("two targets have one refId");
        }
        for target in &targets {
            let expr = target["expr"].as_str().unwrap_or_default();
            if target["datasource"]["uid"] != "${datasource}" {
                complain("a target does not use the variable `datasource`");
            }
            if expr.contains("rate(") && !expr.contains("[$__rate_interval]") {
                complain("a rate is not over $__rate_interval");
            }
            let own =
                expr.contains("watchfire_") && !expr.contains("watchfire_grade_value") || expr.contains("process_");
            if own && !expr.contains("job=~\"$job\",instance=~\"$instance\"") {
                complain("it mixes daemons: job and instance are missing");
            }
            let counter = expr.contains("_total{") || expr.contains("_bucket{");
            if counter && !expr.contains("rate(") && !expr.contains("increase(") {
                complain("it draws a bare counter");
            }
        }
    }
    let mut colours = Vec::new();
    collect_colours(dashboard, &mut colours);
    for colour in colours {
        if !PALETTE.contains(&colour.as_str()) {
            complain(format!("{colour} is no colour of ours"));
        }
    }
    found
}

fn collect_colours(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_str() {
                    Some(colour) if matches!(key.as_str(), "color" | "fixedColor") => into.push(colour.to_owned()),
                    _ => collect_colours(value, into),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_colours(item, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_dashboard_keeps_the_rules() {
    let mut uids = BTreeSet::new();
    for (path, dashboard) in dashboards() {
        assert_eq!(lint(&dashboard), Vec::<String>::new(), "{path}");
        assert!(uids.insert(dashboard["uid"].as_str().map(str::to_owned)), "{path}: its uid is taken");
    }
    assert!(!uids.is_empty());
}

/// Something done to a sound dashboard that makes it unsound.
type Break = Box<dyn Fn(&mut Value)>;

#[test]
fn the_rules_find_what_breaks_them() {
    let (_, good) = dashboards().next().expect("there is one");
    let first = panels(&good).position(|panel| panel["type"] == "stat").expect("there is a stat");
    let breaks: [(&str, Break); 7] = [
        ("its id is taken", Box::new(|panel| panel["id"] = json!(1))),
        ("no description", Box::new(|panel| panel["description"] = json!(""))),
        ("no unit", Box::new(|panel| panel["fieldConfig"]["defaults"]["unit"] = json!(""))),
        ("it lies on another", Box::new(|panel| panel["gridPos"]["h"] = json!(5))),
        ("mixes daemons", Box::new(|panel| panel["targets"][0]["expr"] = json!("sum(watchfire_warnings_live)"))),
        (
            "no colour of ours",
            Box::new(|panel| panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1]["color"] = json!("red")),
        ),
        ("does not use the variable", Box::new(|panel| panel["datasource"]["uid"] = json!("abc"))),
    ];
    for (word, spoil) in breaks {
        let mut bad = good.clone();
        spoil(&mut bad["panels"][first]);
        assert!(lint(&bad).iter().any(|said| said.contains(word)), "{word}: {:?}", lint(&bad));
    }
}

#[test]
fn provisioning_names_what_is_there() {
    let file = |path| GRAFANA.iter().find(|file| file.path == path).expect("listed").text;
    let source = file("provisioning/datasources/watchfire.yaml");
    assert!(
        source.contains("apiVersion: 1") && source.contains("type: prometheus") && source.contains("editable: false")
    );
    let provider = file("provisioning/dashboards/watchfire.yaml");
    assert!(provider.contains("allowUiUpdates: false") && provider.contains("folder: Watchfire"));
}
