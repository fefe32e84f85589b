//! What the officer is asked to take note of, and what becomes of it.

use std::sync::Arc;

use watchfire_model::{
    attention::{Attention, Concern},
    command::{Act, Refusal},
    grade::Grade,
    mode::Live,
    warning::What,
};

use super::super::{
    Desk, Event, Input,
    story::{Story, flood, key, site},
};
use super::watched::watched;

fn attention(story: &Story<Live>, subject: &str) -> (&'static str, &'static str) {
    let alarm = story.alarm("stage", subject).expect("it has spoken");
    let word = |attention: &Attention| match attention {
        Attention::Quiet => "quiet",
        Attention::Unacked { .. } => "unacked",
        Attention::Acked { .. } => "acked",
        Attention::Confirmed { .. } => "confirmed",
    };
    (word(&alarm.attention), word(&alarm.fault_attention))
}

fn latch(story: &Story<Live>) -> Option<Grade> {
    story.alarm("stage", "a").and_then(|alarm| alarm.latch)
}

fn lines(story: &Story<Live>, what: What) -> usize {
    let warning = story.desk.warnings().last().expect("there is one");
    warning.timeline.iter().filter(|entry| entry.what == what).count()
}

/// Tells a story and holds the attention to station `a`, and a restart, against what should be.
fn check(story: &str, hazard: &str, fault: &str) {
    let told = Story::<Live>::told(watched(), story);
    assert_eq!(attention(&told, "a"), (hazard, fault), "{story}");
    assert!(told.restarted() == told.desk, "a restart differs after: {story}");
}

#[test]
fn hazard_and_fault_are_taken_note_of_apart() {
    check("a yellow; a lost", "unacked", "unacked");
    check("a yellow; a lost; zhang acks a", "acked", "unacked");
    check("a yellow; a lost; zhang acks a fault", "unacked", "acked");
    check("a yellow; a lost; zhang acks", "acked", "unacked");
    check("a yellow; a lost; zhang acks a; zhang acks a fault; zhang unacks a fault", "acked", "unacked");
}

#[test]
fn a_rise_asks_again_and_a_fall_does_not() {
    check("a yellow; zhang acks a; a red", "unacked", "quiet");
    check("a red; zhang acks a; zhang confirms a; a yellow", "confirmed", "quiet");
    check("a yellow; zhang acks a; zhang confirms a; a orange", "unacked", "quiet");
}

#[test]
fn an_act_on_an_alarm_is_for_what_was_seen() {
    let mut story = Story::<Live>::told(watched(), "a yellow; a red; a yellow");
    let act = |version| Act::AcknowledgeAlarm { alarm: key("stage", "a"), version, concern: Concern::Hazard };
    assert_eq!(story.command("zhang", act(1)), Err(Refusal::Stale { seen: 1, now: 3 }), "it has been red since");
    assert_eq!(story.command("zhang", act(9)), Err(Refusal::Stale { seen: 9, now: 3 }));
    assert_eq!(story.command("zhang", act(2)), Ok(()), "since then it only got better");
    story.tell("a lost");
    assert_eq!(story.command("zhang", act(3)), Err(Refusal::Stale { seen: 3, now: 4 }), "lost evidence is worse");
}

#[test]
fn done_is_said_after_taking_note() {
    let mut story = Story::<Live>::told(watched(), "a yellow");
    story.refuse("zhang confirms a", "the hazard of stage/a is acknowledged before it is confirmed");
    story.refuse("zhang confirms a fault", "there is no fault of stage/a to confirm");
    story.refuse("zhang unacks a", "nobody has acknowledged the hazard of stage/a");
    story.refuse("zhang confirms b", "there is no alarm \"stage/b\"");
    story.tell("zhang acks a; li confirms a; li confirms a");
    assert_eq!(lines(&story, What::Confirmed), 1, "the same word twice is one");
}

#[test]
fn a_latch_until_reset_stays_until_it_is_normal_seen_and_reset() {
    let mut story = Story::<Live>::told(watched(), "a red; a yellow");
    assert_eq!(latch(&story), Some(Grade::Red), "now yellow, highest red");
    story.refuse("zhang resets a", "stage/a stands at yellow; it is reset once it is clear");
    story.tell("a clear");
    story.refuse("zhang resets a", "the hazard of stage/a is acknowledged before it is reset");
    story.tell("zhang acks a");
    assert_eq!((attention(&story, "a"), latch(&story)), (("acked", "quiet"), Some(Grade::Red)));
    story.tell("zhang resets a");
    assert_eq!((attention(&story, "a"), latch(&story)), (("quiet", "quiet"), None));
    story.refuse("zhang resets a", "no hazard of stage/a is latched");
    assert!(story.restarted() == story.desk);
}

#[test]
fn each_profile_latches_in_its_own_way() {
    use watchfire_model::attention::Latching;
    for (latching, unseen, seen) in [
        (Latching::None, None, None),
        (Latching::UntilAck, Some(Grade::Red), None),
        (Latching::UntilReset, Some(Grade::Red), Some(Grade::Red)),
    ] {
        let mut county = site();
        flood(&mut county).attention.latch = latching;
        assert_eq!(latch(&Story::told(county.clone(), "a red; a clear")), unseen, "{latching:?}");
        assert_eq!(latch(&Story::told(county, "a red; zhang acks a; a clear")), seen, "{latching:?}");
    }
}

#[test]
fn a_fault_that_is_over_stays_until_it_was_seen_where_the_profile_says_so() {
    check("a yellow; a lost; a back", "unacked", "unacked");
    check("a yellow; a lost; a back; zhang acks a fault", "unacked", "quiet");
    check("a yellow; a lost; zhang acks a fault; a back", "unacked", "quiet");
    let plain = Story::<Live>::told(site(), "a yellow; a lost; a back");
    assert_eq!(attention(&plain, "a"), ("unacked", "quiet"));
}

#[test]
fn an_acknowledgement_runs_out_and_asks_again_less_and_less_often() {
    check("a red; zhang acks a; +29m", "acked", "quiet");
    check("a red; zhang acks a; +30m", "unacked", "quiet");
    check("a red; zhang acks a; zhang confirms a; +30m", "unacked", "quiet");
    check("a red; zhang acks a; +30m; zhang acks a; +59m", "acked", "quiet");
    check("a red; zhang acks a; +30m; zhang acks a; +60m", "unacked", "quiet");
    check("a red; zhang acks; +30m", "unacked", "quiet");
    check("a red; zhang acks a; a yellow; a red; zhang acks a; +30m", "unacked", "quiet");
    check("a yellow; zhang acks a; +90m", "acked", "quiet");
    let mut story = Story::<Live>::told(watched(), "a red; zhang acks a");
    for _ in 0..8 {
        story.tell("+2h; zhang acks a");
    }
    assert!((6..=8).contains(&lines(&story, What::Realarmed)), "two hours apart in the end");
    assert!(story.said().starts_with("i raised red, i continued red"), "those on duty hear of it: {}", story.said());
    assert!(story.restarted() == story.desk);
}

#[test]
fn what_is_over_is_not_called_again() {
    let story = Story::<Live>::told(watched(), "a red; zhang acks a; a clear; +3h");
    assert_eq!(attention(&story, "a"), ("acked", "quiet"));
    assert_eq!(lines(&story, What::Realarmed), 0);
}

#[test]
fn nobody_is_waited_for_once_every_alarm_was_taken_note_of() {
    let due = |story: &str| lines(&Story::<Live>::told(watched(), story), What::AcknowledgementDue);
    assert_eq!(due("a red; b red; zhang acks a; +10m"), 1);
    assert_eq!(due("a red; b red; zhang acks a; zhang acks b; +10m"), 0);
    assert_eq!(due("a red; zhang acks a; zhang unacks a; +10m"), 1, "taken back is waited for");
    assert_eq!(due("a red; zhang acks a; +40m"), 1, "run out is waited for");
}

#[test]
fn an_alarm_is_in_somebodys_hands_and_talked_about() {
    let mut story = Story::<Live>::told(watched(), "a red; zhang takes a; zhang hands a li; li comments a");
    let alarm = story.alarm("stage", "a").expect("it stands");
    let held = alarm.assigned.as_ref().map(|assigned| (assigned.to.as_str(), assigned.by.as_str()));
    assert_eq!(held, Some(("li", "zhang")));
    story.tell("li drops a");
    let said: Vec<_> = story
        .desk
        .story_of(&key("stage", "a"))
        .iter()
        .map(|entry| (entry.who.as_ref().map_or("", |who| who.as_str()), entry.note.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            ("zhang", "taken over: as seen"),
            ("zhang", "handed to li: as seen"),
            ("li", "as seen"),
            ("li", "put back: as seen")
        ]
    );
    assert_eq!(lines(&story, What::Assigned), 3, "the warning's story has them too");
    for _ in 0..300 {
        story.tell("li comments a");
    }
    assert_eq!(story.desk.story_of(&key("stage", "a")).len(), 100);
    assert!(story.restarted() == story.desk);
}

#[test]
fn the_alarm_that_began_it_is_marked() {
    let story = Story::<Live>::told(watched(), "b blue; +1m; a red");
    let first = story.desk.warnings().next().and_then(|warning| warning.first_out.clone());
    assert_eq!(first, Some(key("stage", "b")));
}

#[test]
fn a_ledger_of_before_is_still_read() {
    const SINCE: [&str; 14] = [
        "latching",
        "fault_latch",
        "fault_latching",
        "realarm_at",
        "realarms",
        "assigned",
        "swings",
        "chatters_until",
        "suppressed",
        "asked_out",
        "orphaned",
        "held_over",
        "worse_at",
        "reack",
    ];
    let story = Story::<Live>::told(site(), "a red; zhang acks; a lost");
    let mut old = watchfire_model::time::Now::at(0);
    let mut desk = Desk::<Live>::new(Arc::clone(&story.site));
    for (now, _, events) in &story.record {
        for event in events {
            let mut written = serde_json::to_value(event).expect("events are plain data");
            for what in ["alarm", "acknowledged", "opened"] {
                let inner =
                    written.get_mut(what).and_then(|it| if what == "alarm" { it.get_mut(what) } else { Some(it) });
                if let Some(fields) = inner.and_then(serde_json::Value::as_object_mut) {
                    fields.retain(|key, _| !SINCE.contains(&key.as_str()) && key != "first_out");
                }
            }
            let read: Event<Live> = serde_json::from_value(written).expect("what was written before is read");
            desk.apply(*now, &read);
        }
        old = *now;
    }
    let alarm = desk.alarms().next().expect("it stands");
    assert_eq!((alarm.standing(), alarm.latch), (Some(Grade::Red), Some(Grade::Red)));
    assert!(matches!(alarm.attention, Attention::Acked { .. }) && alarm.fault_attention.is_unacked());
    assert!(desk.step(old, &Input::Tick).is_empty(), "nothing falls due that was not due then");
}
