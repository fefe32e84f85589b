//! What a person may put aside, for how long, and what goes out all the same.

use watchfire_model::{
    attention::Attention,
    finding::{Cause, Finding},
    grade::Grade,
    mode::Live,
    quality::{Checks, Flag},
    suppression::{Kind, Suppression},
    warning::{Publication, What},
};

use super::super::{
    Event, Input,
    story::{Story, automatic, flood, key, site},
};
use super::{lives::check, watched::watched};

fn shelf(story: &Story<Live>) -> Option<&Suppression> {
    story.alarm("stage", "a").and_then(|alarm| alarm.suppression(Kind::Shelved))
}

fn unacked(story: &Story<Live>) -> bool {
    story.alarm("stage", "a").is_some_and(|alarm| matches!(alarm.attention, Attention::Unacked { .. }))
}

fn lines(story: &Story<Live>, what: What) -> Vec<&str> {
    let warning = story.desk.warnings().last().expect("there is one");
    warning.timeline.iter().filter(|entry| entry.what == what).map(|entry| entry.note.as_str()).collect()
}

#[test]
fn what_is_shelved_is_judged_and_recorded_and_not_announced() {
    check(site(), "a clear; zhang shelves a yellow 8h; a yellow", "");
    check(automatic(), "a clear; zhang shelves a yellow 8h; a yellow; a clear", "");
    let story = Story::<Live>::told(site(), "a clear; zhang shelves a yellow 8h; a yellow; +3h");
    let warning = story.desk.warnings().next().expect("it stays on the list");
    assert_eq!((warning.grade, warning.waiting.as_ref()), (Some(Grade::Yellow), None));
    assert_eq!(lines(&story, What::AcknowledgementDue), [""; 0], "nobody is waited for");
}

#[test]
fn a_shelf_hides_no_rise_above_it() {
    check(automatic(), "a clear; zhang shelves a yellow 8h; a yellow; a orange", "i raised orange, p raised orange");
    check(
        automatic(),
        "a yellow; zhang shelves a yellow 8h; a red",
        "i raised yellow, p raised yellow, i upgraded red, p upgraded red",
    );
    let story = Story::<Live>::told(site(), "a blue; zhang shelves a blue 8h; a yellow; a blue");
    assert_eq!(shelf(&story), None, "broken once, it is gone");
    assert_eq!(lines(&story, What::Unshelved), ["stage/a: yellow is above what was put aside"]);
}

#[test]
fn another_alarm_of_the_place_is_heard_at_its_own_grade() {
    check(
        automatic(),
        "a clear; zhang shelves a orange 1h; a orange; b yellow; b clear; a clear",
        "i raised yellow, p raised yellow, i cleared yellow, p cleared yellow",
    );
    let story = Story::<Live>::told(automatic(), "a clear; zhang shelves a orange 1h; a orange; b yellow");
    let measured: Vec<_> = story.bulletins().flat_map(|b| &b.measured).map(|m| m.subject.as_str()).collect();
    assert_eq!(measured, ["b", "b"], "what is put aside is not what a bulletin stands on");
}

#[test]
fn what_was_published_ends_in_spite_of_a_shelf() {
    check(
        automatic(),
        "a yellow; zhang shelves a yellow 8h; a blue; a clear",
        "i raised yellow, p raised yellow, i downgraded blue, p downgraded blue, i cleared blue, p cleared blue",
    );
    check(
        automatic(),
        "a yellow; zhang shelves a yellow 8h; li cancels",
        "i raised yellow, p raised yellow, i cancelled yellow, p cancelled yellow",
    );
    let story = Story::<Live>::told(site(), "a yellow; zhang signs; zhang shelves a yellow 8h; +9h10m");
    let warning = story.desk.warnings().next().expect("live");
    assert!(matches!(warning.publication, Publication::Released { grade: Grade::Yellow, .. }), "it stays published");
}

#[test]
fn a_shelf_takes_back_what_waits_for_a_signature() {
    let mut story = Story::<Live>::told(site(), "a yellow; zhang shelves a yellow 1h");
    story.refuse("zhang signs", "nothing of W-20260801-0001 waits for a signature");
    story.tell("+1h; zhang signs");
    assert!(story.said().ends_with("p raised yellow"), "{}", story.said());
}

#[test]
fn when_its_time_is_up_what_still_stands_is_announced_as_new_with_its_age() {
    check(automatic(), "a clear; zhang shelves a yellow 1h; a yellow; +1h", "i raised yellow, p raised yellow");
    check(site(), "a yellow; zhang acks; zhang shelves a yellow 1h; +1h", "i raised yellow, i continued yellow");
    let story = Story::<Live>::told(site(), "a yellow; zhang acks; zhang shelves a yellow 1h; +2h");
    assert!(unacked(&story));
    assert_eq!(lines(&story, What::Announced), ["stage/a: yellow since 14:00, announced as new"]);
    assert_eq!(lines(&story, What::AcknowledgementDue).len(), 1, "and it is waited for");
    check(site(), "a yellow; zhang shelves a yellow 8h; li unshelves a", "i raised yellow, i continued yellow");
    check(site(), "a yellow; zhang shelves a yellow 1h; a clear; +2h", "i raised yellow, i cleared yellow");
}

#[test]
fn a_shelf_for_one_occurrence_ends_with_it() {
    check(
        automatic(),
        "a clear; zhang shelves_once a yellow 8h; a yellow; a clear; a yellow",
        "i raised yellow, p raised yellow",
    );
    check(automatic(), "a clear; zhang shelves a yellow 8h; a yellow; a clear; a yellow", "");
}

#[test]
fn a_shelf_has_limits_and_says_them() {
    let mut story = Story::<Live>::told(site(), "a blue");
    let may = "may be shelved: blue 1d, yellow 8h, orange 1h";
    story.refuse("zhang shelves a red 1m", &format!("red is never shelved; {may}"));
    story.refuse("zhang shelves a orange 61m", "up to orange an alarm may be shelved for 1h at most");
    story.refuse("zhang shelves a yellow 9h", "up to yellow an alarm may be shelved for 8h at most");
    story.refuse("zhang shelves a blue 25h", "up to blue an alarm may be shelved for 1d at most");
    story.refuse("zhang shelves a blue 0s", "a shelf must last for some time");
    story.refuse("zhang shelves b blue 1h", "there is no alarm \"stage/b\"");
    story.refuse("zhang unshelves a", "stage/a is not shelved");
    story.tell("a yellow");
    story.refuse("zhang shelves a blue 1h", &format!("stage/a stands at yellow, above blue; {may}"));
    story.tell("zhang shelves a yellow 8h; +5h");
    story.refuse(
        "li shelves a yellow 4h",
        "up to yellow an alarm may be shelved for 8h at most, and it has been for 5h",
    );
    story.tell("li shelves a yellow 3h");
    let mut gas = site();
    flood(&mut gas).attention.shelvable = false;
    Story::<Live>::told(gas, "a blue").refuse("zhang shelves a blue 1m", "alarms of river_flood are never shelved");
}

#[test]
fn a_shelf_keeps_what_was_latched_and_taken_note_of() {
    let story = Story::<Live>::told(watched(), "a yellow; a blue; zhang acks a; zhang shelves a yellow 1h");
    let alarm = story.alarm("stage", "a").expect("it stands");
    assert_eq!((alarm.latch, unacked(&story)), (Some(Grade::Yellow), false));
    assert!(story.restarted() == story.desk);
}

#[test]
fn out_of_service_keeps_the_public_out_and_tells_duty_of_orange_and_red() {
    check(automatic(), "a clear; zhang stops a 8h; a yellow", "");
    check(automatic(), "a clear; zhang stops a 8h; a red", "i raised red");
    check(automatic(), "a clear; zhang stops a 8h; a red; +8h", "i raised red, p raised red");
    check(automatic(), "a clear; zhang stops a 8h; a red; li starts a", "i raised red, p raised red");
    check(
        automatic(),
        "a blue; zhang stops a 8h; a clear",
        "i raised blue, p raised blue, i cleared blue, p cleared blue",
    );
}

#[test]
fn from_yellow_on_it_takes_two_to_take_an_alarm_out_of_service() {
    let mut story = Story::<Live>::told(site(), "a yellow; zhang stops a 2h");
    let is_out = |story: &Story<Live>| story.alarm("stage", "a").is_some_and(|alarm| alarm.is_out_of_service());
    assert!(!is_out(&story));
    story.refuse("zhang stops a 2h", "zhang has signed already; a second person must sign");
    story.refuse("Zhang stops a 2h", "Zhang has signed already; a second person must sign");
    story.tell("li stops a 2h");
    assert!(is_out(&story));
    story.refuse("li stops a 31d", "a time out of service has an end, within 30d");
    story.tell("li starts a");
    story.refuse("li starts a", "stage/a is in service");
    let mut late = Story::<Live>::told(site(), "a yellow; zhang stops a 2h; +11m; li stops a 2h");
    assert!(!is_out(&late), "the first word has run out");
    late.tell("zhang stops a 2h");
    assert!(is_out(&late), "and the second is now the first");
    let other = Story::<Live>::told(site(), "a yellow; zhang stops a 2h; li stops a 9h");
    assert!(!is_out(&other), "they must ask for the same");
    assert!(late.restarted() == late.desk);
}

#[test]
fn another_sensor_on_the_subject_is_as_good_as_a_second_person() {
    let reads = |point: &str| Cause {
        station: "a".into(),
        point: point.into(),
        at: watchfire_model::time::Timestamp(0),
        value: 1.0,
        flag: Flag::Good,
        checks: Checks::NONE,
    };
    let taken = |other: &str, lost: bool| {
        let mut site = site();
        let mut twin = super::super::story::rule("twin", "river_flood");
        twin.shadow = false;
        site.rules.push(twin);
        let mut story = Story::<Live>::begin(site);
        for (rule, point) in [("stage", "radar"), ("twin", other)] {
            let found = story.finding(rule, "a", "yellow");
            let _ = story.step(Input::Finding(Finding { causes: vec![reads(point)], ..found }));
        }
        if lost {
            story.tell("twin a lost");
        }
        story.tell("zhang stops a 2h");
        story.alarm("stage", "a").is_some_and(|alarm| alarm.is_out_of_service())
    };
    assert!(taken("pressure", false));
    assert!(!taken("radar", false), "the same sensor again covers nothing");
    assert!(!taken("pressure", true), "nor does one that is lost");
}

#[test]
fn silencing_a_sensor_is_itself_recorded_with_who_and_why_and_so_is_the_end_of_it() {
    let mut story = Story::<Live>::told(site(), "a clear");
    for (words, what) in [
        ("zhang shelves a yellow 2h", What::Shelved),
        ("zhang unshelves a", What::Unshelved),
        ("zhang stops a 2h", What::OutOfService),
        ("zhang starts a", What::InService),
    ] {
        story.tell(words);
        let recorded = story.record.last().into_iter().flat_map(|(_, _, events)| events);
        let lines: Vec<_> = recorded
            .filter_map(|event| match event {
                Event::AlarmNoted { entry, .. } => Some((entry.what, entry.who.clone(), entry.note.clone())),
                _ => None,
            })
            .collect();
        let [(said, who, why)] = &lines[..] else { panic!("{words}: {lines:?}") };
        assert_eq!((*said, who.as_ref().map(ToString::to_string)), (what, Some("zhang".to_owned())));
        assert!(why.ends_with("as seen"), "{words}: {why}");
    }
    story.tell("zhang stops a 2h; +2h");
    let last = story.desk.story_of(&key("stage", "a")).last().map(|entry| (entry.what, entry.who.clone()));
    assert_eq!(last, Some((What::InService, None)), "nobody put it back: its time ran out");
}
