//! What people are asked to look at, and what is taken back because it rested on a spike.

use watchfire_model::{
    attention::Attention,
    grade::Grade,
    mode::Live,
    time::Span,
    warning::{Publication, What},
};

use super::super::story::{Story, automatic, key, site};
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
    assert_eq!(story.said(), "");
    assert_eq!(notes(&story, What::ToVerify), ["over red while it is being calibrated"]);
    assert!(matches!(story.alarm("stage", "a").expect("spoken").fault_attention, Attention::Unacked { .. }));
}
