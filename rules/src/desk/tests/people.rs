//! What people may do, and what they are refused.

use watchfire_model::{
    attention::Attention,
    command::{Act, Command, Refusal},
    deed::{Deed, Done},
    grade::Grade,
    id::{CommandId, PersonId},
    mode::Live,
    time::Span,
    warning::{Ending, Publication, What},
};

use super::super::{
    Event, Input,
    story::{START, Story, automatic, key, site},
};
use super::lives::check;

fn refused(story: &mut Story<Live>, words: &str) -> String {
    story.try_one(words).map_or_else(|refusal| refusal.to_string(), |()| "accepted".to_owned())
}

fn warning(story: &Story<Live>) -> &watchfire_model::warning::Warning {
    story.desk.warnings().last().expect("there is one")
}

#[test]
fn an_act_has_a_name_and_a_reason() {
    let mut story = Story::<Live>::told(site(), "a red");
    let act = Act::Acknowledge { warning: warning(&story).id.clone(), version: 1 };
    let command = |who: &str, why: &str| Command {
        id: CommandId::from("one"),
        who: who.into(),
        why: why.to_owned(),
        from: "cli".to_owned(),
        act: act.clone(),
    };
    for (who, why, what) in [(" ", "seen", "who"), ("zhang", "", "why")] {
        assert_eq!(story.command_as(command(who, why)), Err(Refusal::Anonymous { what: what.to_owned() }));
    }
    assert_eq!(story.command_as(command("zhang", "seen")), Ok(()));
}

#[test]
fn the_same_id_twice_is_one_act_and_another_act_needs_another_id() {
    let mut story = Story::<Live>::told(site(), "a red");
    let id = warning(&story).id.clone();
    let command = |act| Command {
        id: CommandId::from("one"),
        who: "zhang".into(),
        why: "seen".to_owned(),
        from: "cli".to_owned(),
        act,
    };
    let release = || command(Act::Release { warning: id.clone(), version: 1 });
    assert_eq!(story.command_as(release()), Ok(()));
    let said = story.said();
    assert_eq!(story.command_as(release()), Ok(()), "the answer may have been lost on its way");
    assert_eq!(story.said(), said);
    let other = command(Act::Cancel { warning: id.clone(), version: 1 });
    assert!(matches!(story.command_as(other), Err(Refusal::NotNow { .. })));
}

#[test]
fn a_signature_is_for_what_was_seen() {
    let mut story = Story::<Live>::told(site(), "a yellow");
    let seen = Act::Release { warning: warning(&story).id.clone(), version: 1 };
    story.tell("a red");
    assert_eq!(story.command("zhang", seen), Err(Refusal::Stale { seen: 1, now: 2 }));
    assert_eq!(story.said(), "i raised yellow, i upgraded red");
    story.tell("zhang signs");
    assert_eq!(refused(&mut story, "zhang signs"), "nothing of W-20260801-0001 waits for a signature");
}

#[test]
fn taking_note_is_refused_only_if_it_got_worse() {
    let mut story = Story::<Live>::told(site(), "a orange; b yellow");
    let act = |version| Act::Acknowledge { warning: "W-20260801-0001".into(), version };
    story.tell("a clear");
    assert_eq!(story.command("zhang", act(1)), Ok(()), "it only got better");
    for alarm in story.desk.alarms().filter(|alarm| alarm.standing().is_some()) {
        assert!(matches!(alarm.attention, Attention::Acked { .. }));
    }
    story.tell("b red");
    assert_eq!(story.command("zhang", act(2)), Err(Refusal::Stale { seen: 2, now: 3 }));
    assert_eq!(story.command("zhang", act(9)), Err(Refusal::Stale { seen: 9, now: 3 }));
    assert!(matches!(story.alarm("stage", "b").map(|b| &b.attention), Some(Attention::Unacked { .. })));
    story.tell("b lost");
    assert_eq!(story.command("zhang", act(3)), Err(Refusal::Stale { seen: 3, now: 4 }));
    story.tell("zhang acks; zhang acks");
}

#[test]
fn nobody_answering_in_time_is_said_once() {
    let due = |story: &Story<Live>| {
        warning(story).timeline.iter().filter(|entry| entry.what == What::AcknowledgementDue).count()
    };
    let silent = Story::<Live>::told(site(), "a red; +2m");
    assert_eq!(due(&silent), 0);
    let silent = Story::<Live>::told(site(), "a red; +1h");
    assert_eq!(due(&silent), 1);
    assert!(matches!(silent.alarm("stage", "a").map(|a| &a.fault_attention), Some(Attention::Unacked { .. })));
    assert_eq!(due(&Story::<Live>::told(site(), "a red; +2m; zhang acks; +1h")), 0);
    assert_eq!(due(&Story::<Live>::told(site(), "a blue; +20m; b red; +4m")), 1, "the higher grade's time counts");
}

#[test]
fn what_was_issued_in_error_is_withdrawn_and_comes_back_only_if_it_rises() {
    check(
        automatic(),
        "a orange; b blue; zhang cancels; a orange; b yellow",
        "i raised orange, p raised orange, i cancelled orange, p cancelled orange, i raised yellow, p raised yellow",
    );
    let mut story = Story::<Live>::told(automatic(), "a orange; zhang cancels");
    assert!(matches!(warning(&story).publication, Publication::Ended { how: Ending::Cancelled, .. }));
    let last = story.bulletins().last().expect("the withdrawal");
    assert!(last.note.as_ref().is_some_and(|note| note.contains("issued in error")));
    assert_eq!((last.class.cap(), last.response_type.as_str()), ("Cancel", "None"));
    assert_eq!(refused(&mut story, "zhang cancels"), "W-20260801-0001 has ended");
    story.tell("+11h");
    assert!(story.said().ends_with("i raised orange, p raised orange"), "the word ran out and it is still measured");
}

#[test]
fn a_word_against_the_judged_grade_holds_until_things_get_worse_or_it_runs_out() {
    check(
        automatic(),
        "a yellow; zhang sets a blue 2h; a yellow; a orange",
        "i raised yellow, p raised yellow, i downgraded blue, p downgraded blue, i upgraded orange, p upgraded orange",
    );
    check(
        automatic(),
        "a yellow; zhang sets a blue 2h; +2h1s",
        "i raised yellow, p raised yellow, i downgraded blue, p downgraded blue, i upgraded yellow, p upgraded yellow",
    );
    check(
        automatic(),
        "a blue; zhang sets a orange 2h; a yellow; a clear",
        "i raised blue, p raised blue, i upgraded orange, p upgraded orange, i continued orange",
    );
    let mut story = Story::<Live>::told(automatic(), "a blue");
    assert!(refused(&mut story, "zhang sets a red 0s").contains("must last"));
    assert!(refused(&mut story, "zhang sets b red 1h").contains("no alarm"));
}

#[test]
fn taking_note_of_what_has_ended_lets_go_of_it() {
    let mut story = Story::<Live>::told(automatic(), "a blue; a clear");
    let alarm = |story: &Story<Live>| story.desk.alarms().next().map(|alarm| (**alarm).clone()).expect("it is there");
    assert_eq!(alarm(&story).latch, Some(Grade::Blue));
    assert!(matches!(alarm(&story).attention, Attention::Unacked { .. }));
    story.tell("zhang acks");
    assert_eq!((alarm(&story).latch, alarm(&story).attention), (None, Attention::Quiet));
}

#[test]
fn a_finding_of_nothing_we_know_is_recorded_and_changes_nothing() {
    let mut story = Story::<Live>::told(site(), "nowhere red");
    let before = story.desk.clone();
    story.tell("stage nowhere red");
    assert!(before == story.desk);
    assert!(matches!(story.record[0].2[..], [Event::Unplaced { n: 1, .. }]));
    assert_eq!(story.desk.last_n(&key("stage", "nowhere")), None);
}

#[test]
fn a_deed_beside_the_desk_is_recorded_and_changes_nothing() {
    let mut story = Story::<Live>::told(site(), "a red");
    let before = story.desk.clone();
    let (who, why, from) = ("zhang".into(), "by password".to_owned(), "10.0.0.7 console".to_owned());
    let events = story.step(Input::Deed(Deed { who, why, from, what: Done::SignedIn }));
    assert_eq!(events, [Event::Witnessed]);
    assert!(before == story.desk);
}

#[test]
fn what_somebody_saw_becomes_an_alarm_with_the_same_life() {
    let mut story = Story::<Live>::begin(site());
    story.refuse("zhang reports bridge over", "nothing is reported of reported:river_flood/bridge that could be over");
    story.tell("zhang reports bridge yellow");
    let bridge = story.alarm("reported:river_flood", "bridge").expect("an alarm").clone();
    assert_eq!((bridge.standing(), bridge.name.as_str()), (Some(Grade::Yellow), "bridge"));
    assert_eq!(bridge.onset, START - Span::minutes(5), "when it was seen");
    assert_eq!(story.said(), "i raised yellow");
    let told = story.desk.story_of(&bridge.key).last().expect("a line").clone();
    assert_eq!((told.what, told.who.as_ref().map(PersonId::as_str)), (What::Reported, Some("zhang")));
    assert!(told.note.contains("by village head Li"), "{}", told.note);
    // One warning for the reach, whoever saw what; a sensor and a person each hold it.
    story.tell("zhang acks; a blue; li reports bridge red");
    assert_eq!(story.desk.warnings().count(), 1);
    assert!(story.alarm("reported:river_flood", "bridge").is_some_and(|alarm| alarm.attention.is_unacked()));
    story.tell("li reports bridge over; +1m");
    let warning = story.desk.warnings().next().expect("one");
    assert_eq!(warning.grade, Some(Grade::Blue), "the sensor's grade stands on");
    assert!(warning.timeline.iter().filter(|entry| entry.what == What::Reported).count() >= 2);
    let again = story.restarted();
    assert_eq!(again.alarm(&bridge.key), story.desk.alarm(&bridge.key));
}
