//! Every example of the manual, told to an Evaluator as a site would tell it.

use std::collections::BTreeSet;
use std::sync::Arc;

use watchfire_model::finding::Evidence;
use watchfire_model::id::{PointIx, Seq};
use watchfire_model::quantity::Finite;
use watchfire_model::reading::{PointState, Reading};
use watchfire_model::rule::{Per, Rule};
use watchfire_model::site::{Kind, Point, Site};
use watchfire_model::time::{Now, Span, Timestamp, Zone};

use super::*;
use crate::evaluator::Evaluator;
use crate::evaluator::tests::world::{point, rule, site};
use crate::ruleset::RuleSet;

/// 2026-07-01T08:00:00+08:00.
const BEGIN: Timestamp = Timestamp(1_782_864_000_000);

/// The points of an example: one station, and one more for each point that stands there again.
fn stations(example: &Example) -> Vec<Vec<Point>> {
    let mut stations: Vec<Vec<Point>> = vec![Vec::new()];
    for (name, interval, _) in example.hears {
        let interval = interval.parse().expect("a span");
        let kind = if *name == "rain" { Kind::Increment } else { Kind::Gauge };
        let here = Point { interval, kind, ..point(0, name) };
        match stations.iter_mut().find(|own| own.iter().all(|point| point.id.as_str() != *name)) {
            Some(station) => station.push(here),
            None => stations.push(vec![here]),
        }
    }
    stations
}

/// What the measure of an example is at the last value; none where it is unknown.
fn evaluate(example: &Example, per: Per) -> Option<f64> {
    let measured = Rule { per, coverage: 0.85, ..rule(example.hears[0].0, example.measure) };
    let plain = site(stations(example), vec![measured]);
    let zone = Zone { name: "Asia/Shanghai".to_owned(), offsets: vec![(Timestamp(0), 28_800)] };
    let site = Arc::new(Site { zone, ..Site::clone(&plain) });
    let mut readings = Vec::new();
    for (point, (_, interval, values)) in (0_u32..).zip(example.hears) {
        let interval: Span = interval.parse().expect("a span");
        for (place, value) in (0_i64..).zip(values.split_whitespace()).filter(|(_, value)| *value != "_") {
            let at = BEGIN + Span(interval.0 * place);
            readings.push(Reading {
                point: PointIx(point),
                observed_at: at,
                received_at: at,
                value: Finite::new(value.parse().expect("a number")),
                state: PointState::Normal,
                retained: false,
            });
        }
    }
    readings.sort_by_key(|reading| reading.observed_at);
    let rules = RuleSet::compile(site).unwrap_or_else(|problems| panic!("{}: {problems:?}", example.measure));
    let mut evaluator = Evaluator::new(Arc::new(rules));
    let mut seq = Seq(0);
    for reading in readings {
        seq = seq.next();
        evaluator.observe(Now::at(reading.observed_at.0), seq, &reading, &mut Vec::new());
    }
    let subject = evaluator.subjects().next().expect("one subject");
    subject.value.filter(|_| subject.evidence == Evidence::Good)
}

#[test]
fn every_example_comes_to_what_it_says() {
    for function in library() {
        let per = if function.of == Of::Values { Per::Group } else { Per::Station };
        let value = evaluate(&function.example, per);
        let right = match (value, function.example.gives) {
            (Some(value), Gives::Number(expected)) => (value - expected).abs() <= 1e-3 * expected.abs().max(1.0),
            (None, Gives::Unknown) => true,
            (Some(_), Gives::Unknown) | (None, Gives::Number(_)) => false,
        };
        assert!(
            right,
            "{}: {} is {value:?}, not {:?}",
            function.call(),
            function.example.measure,
            function.example.gives
        );
    }
}

#[test]
fn a_manual_entry_says_all_there_is_to_say() {
    let mut seen = BTreeSet::new();
    for function in library() {
        let call = function.call();
        assert!(seen.insert(call.clone()), "{call} stands twice");
        for text in [function.does, function.gives, function.source, function.example.measure] {
            assert!(!text.is_empty(), "{call}");
        }
        assert!(function.example.measure.contains(function.name), "{call} is not in its example");
        let mut arguments = function.arguments.iter();
        assert!(arguments.by_ref().all(|a| !a.optional) || arguments.all(|a| a.optional), "{call}");
        assert!(function.arguments.iter().all(|a| (a.form == Form::Number) != a.unit.is_empty()), "{call}");
    }
}

/// A window of which too little was heard is unknown and never small.
#[test]
fn too_little_is_unknown() {
    let of = |hears: &'static [(&'static str, &'static str, &'static str)], measure| {
        evaluate(&Example { hears, measure, gives: Gives::Unknown }, Per::Station)
    };
    let rain: &[(&str, &str, &str)] = &[("rain", "1h", "1 1 _ _ _ 1 1")];
    for measure in [
        "rain.sum(\"6h\")",
        "rain.event(\"3h\", \"6h\")",
        "rain.day(\"08:00\")",
        "rain.antecedent(0.84, \"08:00\", 5)",
        "rain.intensity(\"6h\")",
        "if rain.sum(\"6h\") > 100 { 2 } else { 1 }",
    ] {
        assert_eq!(of(rain, measure), None, "{measure}");
    }
    for measure in ["stage.rise(\"1h\")", "stage.fall(\"1h\")", "stage.hours_to(9, \"1h\")", "stage.rate(\"1h\") + 0"] {
        assert_eq!(of(&[("stage", "30m", "1 2")], measure), None, "{measure}: two samples are no line");
    }
    assert_eq!(of(&[("crack", "8h", "1 2 3 4")], "tangent_angle(crack.rate(\"1d\"), 0)"), None);
    let few =
        Example { hears: &[("stage", "5m", "3"), ("stage", "5m", "4")], ..library().next().expect("one").example };
    let few = Example { measure: "stage.last.kth_highest(3)", ..few };
    assert_eq!(evaluate(&few, Per::Group), None);
}
