//! What people are asked to look at, and what is taken back because it rested on a spike.

use watchfire_model::{
    attention::Attention,
    doubt::{Because, Doubt},
    finding::{Change, Evidence, FaultCause, Finding},
    grade::Grade,
    mode::Live,
    time::Span,
    warning::{Publication, What},
};

use super::super::{
    Input,
    story::{Story, automatic, key, site},
};
use super::lives::check;

fn notes(story: &Story<Live>, what: What) -> Vec<String> {
    let lines = story.desk.story_of(&key("stage", "a")).iter().filter(|entry| entry.what == what);
    lines.map(|entry| entry.note.clone()).collect()
}

#[test]
fn a_value_in_doubt_is_a_line_in_the_story_and_something_to_see_to() {
    let story = Story::<Live>::told(site(), "a yellow; zhang signs; a verify");
    assert_eq!(notes(&story, What::ToVerify).len(), 1);
    let alarm = story.alarm("stage", "a").expect("it has spoken");
    assert!(matches!(alarm.fault_attention, Attention::Unacked { .. }));
    assert_eq!(alarm.standing(), Some(Grade::Yellow));
    let warning = story.desk.warnings().last().expect("a warning");
    assert_eq!(warning.timeline.iter().filter(|entry| entry.what == What::ToVerify).count(), 1);
    check(site(), "a yellow; zhang signs; a verify", "i raised yellow, p raised yellow");
}

#[test]
fn a_spike_that_nobody_outside_was_told_of_is_taken_back() {
    check(site(), "a red; a retracted", "i raised red, i cleared red");
    let story = Story::<Live>::told(site(), "a red; a retracted");
    assert_eq!(story.alarm("stage", "a").and_then(|alarm| alarm.standing()), None);
    assert_eq!(notes(&story, What::Retracted), ["red rested on a spike and is taken back"]);
    assert_eq!(story.restarted(), story.desk);
}

#[test]
fn a_spike_that_the_public_was_told_of_stands_until_a_person_decides() {
    check(site(), "a red; zhang signs; a retracted; +2h", "i raised red, p raised red");
    let mut story = Story::<Live>::told(site(), "a red; zhang signs; a retracted");
    let alarm = story.alarm("stage", "a").expect("it has spoken");
    assert_eq!(alarm.standing(), Some(Grade::Red));
    assert!(matches!(alarm.fault_attention, Attention::Unacked { .. }), "a person is asked");
    assert_eq!(
        notes(&story, What::Retracted),
        ["red rested on a spike; clear is left. The public was told: cancel or correct it"]
    );
    story.pass(Span::hours(1));
    story.tell("zhang cancels");
    let warning = story.desk.warnings().last().expect("a warning");
    assert!(matches!(warning.publication, Publication::Ended { .. }));
    assert!(story.said().ends_with("i cancelled red, p cancelled red"), "{}", story.said());
}

#[test]
fn what_the_public_was_told_before_the_spike_stands_and_what_the_spike_made_of_it_does_not() {
    let story = Story::<Live>::told(site(), "a yellow; zhang signs; a red; a retracted");
    assert_eq!(story.alarm("stage", "a").and_then(|alarm| alarm.standing()), Some(Grade::Yellow));
    assert!(!story.said().contains("p upgraded"), "{}", story.said());
}

#[test]
fn the_water_that_comes_after_a_spike_is_told() {
    let story = Story::<Live>::told(automatic(), "a red; a retracted; +5m; a orange");
    // The public had heard of red: what is left is lowered like any other grade.
    assert_eq!(story.alarm("stage", "a").and_then(|alarm| alarm.standing()), Some(Grade::Orange));
}

#[test]
fn a_value_over_the_limit_in_a_calibration_is_something_to_see_to_and_nothing_public() {
    let story = Story::<Live>::told(automatic(), "a clear; a calibrating");
    assert_eq!(story.said(), "i raised red");
    let over = story.alarm("calibrating:stage", "a").expect("an alarm of its own");
    assert!(matches!(over.attention, Attention::Unacked { .. }));
    assert_eq!(story.alarm("stage", "a").expect("spoken").standing(), None);
}

/// A red that rests on too little, as an Evaluator says it.
fn doubted(story: &mut Story<Live>, subject: &str, because: Because) {
    let lasting = (because == Because::Few).then_some(Span::minutes(5));
    let doubt = Some(Doubt { because, sure: Some(Grade::Orange), lasting });
    let finding = Finding { doubt, ..story.finding("stage", subject, "red") };
    let point = |subject: &str| watchfire_model::finding::Cause {
        station: subject.into(),
        point: "stage".into(),
        at: finding.at,
        value: 50.1,
        flag: Default::default(),
        checks: Default::default(),
    };
    let finding = Finding { causes: vec![point(subject)], ..finding.clone() };
    let _ = story.step(Input::Finding(finding));
}

fn proven(story: &mut Story<Live>, subject: &str) {
    let finding = Finding { change: Change::Proven, ..story.finding("stage", subject, "red") };
    let _ = story.step(Input::Finding(finding));
}

#[test]
fn the_public_hears_of_red_once_enough_speaks_for_it_and_those_on_duty_at_once() {
    let mut story = Story::<Live>::begin(automatic());
    doubted(&mut story, "a", Because::Few);
    assert_eq!(story.said(), "i raised red, p raised orange");
    assert_eq!(notes(&story, What::Doubted).len(), 1);
    proven(&mut story, "a");
    assert_eq!(story.said(), "i raised red, p raised orange, p upgraded red");
    assert_eq!(notes(&story, What::Proven).len(), 1);
    assert!(story.restarted() == story.desk);
}

#[test]
fn five_minutes_are_enough_unless_the_sensor_is_at_fault() {
    let mut story = Story::<Live>::begin(automatic());
    doubted(&mut story, "a", Because::Few);
    story.pass(Span::minutes(4));
    assert_eq!(story.said(), "i raised red, p raised orange");
    story.tell("a lost; +1m");
    assert!(story.said().ends_with("p upgraded red held"), "a gauge that the flood took is believed: {}", story.said());
    let mut story = Story::<Live>::begin(automatic());
    doubted(&mut story, "a", Because::Few);
    let fault = Evidence::Fault { cause: FaultCause::BadValue };
    let doubt = Some(Doubt { because: Because::Few, sure: Some(Grade::Orange), lasting: Some(Span::minutes(5)) });
    let finding = Finding { change: Change::Evidence, evidence: fault, doubt, ..story.finding("stage", "a", "back") };
    let _ = story.step(Input::Finding(finding));
    story.pass(Span::hours(6));
    assert!(!story.said().contains("p upgraded red"), "{}", story.said());
    assert!(story.restarted() == story.desk);
}

#[test]
fn a_sensor_that_has_said_nothing_else_is_believed_with_a_second_one_or_a_persons_word() {
    let begin = || {
        let mut story = Story::<Live>::begin(automatic());
        doubted(&mut story, "a", Because::Still);
        story.pass(Span::hours(20));
        assert!(!story.said().contains("p raised red") && !story.said().contains("p upgraded red"), "{}", story.said());
        story
    };
    let mut seconded = begin();
    doubted(&mut seconded, "b", Because::Few);
    assert!(seconded.said().ends_with("p upgraded red"), "{}", seconded.said());
    let mut by_word = begin();
    by_word.tell("zhang sets a red 2h");
    assert!(by_word.said().ends_with("p upgraded red"), "{}", by_word.said());
    let mut seen = begin();
    seen.tell("zhang reports bridge red");
    assert!(seen.said().ends_with("p upgraded red"), "{}", seen.said());
}

#[test]
fn two_sensors_behind_one_gateway_are_one() {
    let mut site = automatic();
    site.stations.iter_mut().for_each(|station| station.gateway = Some("gw-1".into()));
    let mut story = Story::<Live>::begin(site);
    doubted(&mut story, "a", Because::Still);
    doubted(&mut story, "b", Because::Still);
    assert_eq!(story.said(), "i raised red, p raised orange");
}

#[test]
fn what_the_public_was_told_is_not_lowered_by_a_doubt_that_comes_late() {
    let mut story = Story::<Live>::begin(automatic());
    story.tell("a red");
    doubted(&mut story, "a", Because::Few);
    assert_eq!(story.said(), "i raised red, p raised red");
    assert_eq!(story.alarm("stage", "a").and_then(|alarm| alarm.doubt), None, "what was proven stays so");
}

#[test]
fn a_signature_is_asked_for_what_is_sure_first() {
    let mut story = Story::<Live>::begin(site());
    doubted(&mut story, "a", Because::Few);
    story.tell("zhang signs");
    assert_eq!(story.said(), "i raised red, p raised orange");
    story.pass(Span::minutes(5));
    story.tell("zhang signs");
    assert_eq!(story.said(), "i raised red, p raised orange, p upgraded red");
}
