//! What is said of an alarm whose grade turns up and down.

use watchfire_model::{grade::Grade, mode::Live, site::Site, time::Span};

use super::super::story::{Story, automatic, flood};
use super::lives::check;

fn lively() -> Site {
    let mut site = automatic();
    flood(&mut site).attention.flapping = Some(Span::minutes(10));
    site
}

#[test]
fn falls_are_held_back_and_the_last_of_them_is_said() {
    check(
        lively(),
        "a yellow; +1m; a blue; +1m; a yellow; +1m; a blue; +1m; a yellow; +1m; a blue; +10m",
        "i raised yellow, p raised yellow, i downgraded blue, p downgraded blue, i upgraded yellow, p upgraded yellow, \
         i downgraded blue, p downgraded blue",
    );
}

#[test]
fn a_rise_is_said_however_much_it_chatters() {
    check(
        lively(),
        "a blue; a clear; a blue; a clear; a red; a clear; a red; +1m; a orange; +1m",
        "i raised blue, p raised blue, i cleared blue, p cleared blue, i raised blue, p raised blue, i upgraded red, \
         p upgraded red",
    );
}

#[test]
fn a_grade_that_flips_each_second_is_said_a_few_times_and_the_red_at_once() {
    let mut story = Story::<Live>::begin(lively());
    for _ in 0..500 {
        story.tell("a yellow; +1s; a blue; +1s");
    }
    let bulletins = story.bulletins().count();
    println!("1,000 flips: {bulletins} bulletins");
    assert!(bulletins <= 10, "{}", story.said());
    story.tell("a red");
    assert!(story.said().ends_with("i upgraded red, p upgraded red"), "{}", story.said());
}

#[test]
fn the_final_ending_is_said() {
    let mut story = Story::<Live>::told(lively(), "a blue; a clear; a blue; a clear; a blue; a clear");
    let chatters = |story: &Story<Live>| story.alarm("stage", "a").is_some_and(|a| a.chatters_until.is_some());
    assert!(chatters(&story) && !story.said().ends_with("p cleared blue"), "{}", story.said());
    story.tell("+9m");
    assert!(chatters(&story));
    story.tell("+1m");
    assert!(!chatters(&story) && story.said().ends_with("i cleared blue, p cleared blue"), "{}", story.said());
    assert!(story.restarted() == story.desk);
}

#[test]
fn a_person_ends_it_at_once() {
    let story = Story::<Live>::told(lively(), "a blue; a clear; a blue; a clear; a blue; zhang cancels");
    assert!(story.said().ends_with("i cancelled blue, p cancelled blue"), "{}", story.said());
}

#[test]
fn four_steps_up_or_slow_turns_are_no_chatter() {
    let chatters = |words: &str| {
        let story = Story::<Live>::told(lively(), words);
        story.alarm("stage", "a").is_some_and(|a| a.chatters_until.is_some())
    };
    assert!(!chatters("a blue; a yellow; a orange; a red"));
    assert!(!chatters("a blue; a yellow; a blue; a clear"));
    assert!(!chatters("a blue; +4m; a clear; +4m; a blue; +4m; a clear"));
    assert!(chatters("a blue; +3m; a clear; +3m; a blue; +3m; a clear"));
}

#[test]
fn another_alarm_of_the_place_is_heard_at_once() {
    let story = Story::<Live>::told(lively(), "a blue; a clear; a blue; a clear; b orange");
    assert!(story.said().ends_with("i upgraded orange, p upgraded orange"), "{}", story.said());
    assert_eq!(story.desk.warnings().last().and_then(|warning| warning.grade), Some(Grade::Orange));
}
