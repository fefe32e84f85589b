//! What is said, and not said, when sensors fall silent.

use watchfire_model::{
    attention::Attention,
    grade::Grade,
    mode::Live,
    time::Span,
    warning::{Publication, Warning, What},
};

use super::super::story::{Story, automatic, site};
use super::lives::check;

fn lines(warning: &Warning, what: What) -> usize {
    warning.timeline.iter().filter(|entry| entry.what == what).count()
}

#[test]
fn a_lost_sensor_holds_the_grade_and_both_audiences_hear_it() {
    check(
        automatic(),
        "a red; +5m; a lost; +2h; a back; +1m; a clear; zhang signs",
        "i raised red, p raised red, i continued red held, p continued red held, i continued red, p continued red, \
         i continued red, i cleared red, p cleared red",
    );
}

#[test]
fn the_words_say_held_and_since_when() {
    let story = Story::<Live>::told(site(), "a orange; zhang signs; +20m; a lost");
    let last = story.bulletins().last().expect("a continuation to the public");
    let [chinese, english] = &last.texts[..] else { panic!("two languages") };
    assert!(chinese.headline.ends_with("(监测中断,等级保持)"), "{}", chinese.headline);
    assert!(chinese.description.ends_with("监测中断,等级保持:自14:10起无有效监测数据。"), "{}", chinese.description);
    assert!(english.headline.ends_with("(held, evidence lost)"), "{}", english.headline);
    assert!(english.description.contains("Grade held, evidence lost since 14:10"), "{}", english.description);
    assert!(last.note.as_ref().is_some_and(|note| note.contains("held, evidence lost")));
    assert_eq!(last.certainty, "Likely");
}

#[test]
fn an_unsigned_warning_that_loses_its_evidence_stays_internal() {
    check(site(), "a orange; a lost; zhang signs", "i raised orange, i continued orange held, p raised orange held");
}

#[test]
fn a_restart_does_not_bring_evidence_back() {
    check(
        site(),
        "a orange; a lost; a starting; a back",
        "i raised orange, i continued orange held, i continued orange",
    );
}

#[test]
fn a_silent_sensor_on_a_clear_subject_is_a_fault_and_no_warning() {
    for story in ["a clear; a lost", "a clear; a faulty", "a clear; a missed"] {
        let story = Story::<Live>::told(site(), story);
        assert_eq!(story.said(), "");
        let alarm = story.alarm("stage", "a").expect("it has spoken");
        assert!(matches!(alarm.fault_attention, Attention::Unacked { .. }));
        assert_eq!(alarm.attention, Attention::Quiet);
    }
}

#[test]
fn lost_evidence_never_ends_anything_but_asks() {
    let mut story = Story::<Live>::told(automatic(), "a yellow; zhang acks; a lost");
    story.pass(Span::days(30));
    let warning = story.desk.warnings().next().expect("still there");
    assert_eq!((warning.grade, lines(warning, What::AcknowledgementDue)), (Some(Grade::Yellow), 60));
    assert!(matches!(warning.publication, Publication::Released { grade: Grade::Yellow, .. }));
    let expires = story.bulletins().last().map(|bulletin| bulletin.expires).expect("extended many times");
    assert!(expires > story.now.wall, "what the public was told is still in force");
    let alarm = story.alarm("stage", "a").expect("it stands");
    assert!(matches!(alarm.attention, Attention::Acked { .. }), "a fault asks, and leaves the hazard's own note alone");
    assert!(matches!(alarm.fault_attention, Attention::Unacked { .. }));
}

#[test]
fn evidence_that_comes_and_goes_all_night_is_told_less_and_less_often_and_right_at_the_end() {
    let mut story = Story::<Live>::told(automatic(), "a yellow");
    for _ in 0..300 {
        story.tell("+1m; a lost; +1m; a back");
    }
    story.tell("+1m; a lost; +2h");
    let told = story.bulletins().filter(|bulletin| bulletin.class.event() == "warning.continued").count();
    assert!((20..60).contains(&told), "{told} in ten hours, to two audiences");
    assert!(story.said().ends_with("held"), "the last word is true: {}", story.said());
    let warning = story.desk.warnings().next().expect("live");
    assert!(warning.timeline.len() <= 500);
    let folded: u64 = story.desk.folded(&warning.id).iter().map(|(_, count)| count).sum();
    assert!(folded > 100 && lines(warning, What::Opened) == 1);
}
