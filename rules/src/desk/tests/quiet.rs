//! What the site itself keeps quiet: superfluous alarms, hours of the night and holidays.

use watchfire_model::{
    grade::Grade,
    mode::Live,
    quiet::{Holidays, Inhibition, Same, Whose, Window},
    site::Site,
    suppression::Kind,
    time::Span,
    warning::What,
};

use super::super::story::{Story, automatic, key, site};
use super::lives::check;

/// Where the water is high nobody needs to hear of seepage at the same station.
fn inhibited(same: Same) -> Site {
    let mut site = site();
    site.quiet.inhibitions = vec![Inhibition {
        by: Whose::Hazard("river_flood".into()),
        from: Grade::Yellow,
        target: Whose::Rule("seep".into()),
        same,
    }];
    site
}

fn muted(upto: Grade, holidays: Holidays) -> Site {
    let mut site = automatic();
    // The story begins on Saturday 2026-08-01, 14:00 at the site.
    site.quiet.windows = vec![Window {
        name: "weekend".to_owned(),
        target: None,
        upto,
        by_design: false,
        days: [false, false, false, false, false, true, true],
        months: [true; 12],
        from: 13 * 60,
        to: 15 * 60,
        holidays,
    }];
    site.quiet.holidays = vec![(2026, 8, 1), (2026, 8, 3)];
    site
}

fn quiet(story: &Story<Live>, rule: &str) -> bool {
    story.alarm(rule, "a").is_some_and(|alarm| alarm.is_quieted())
}

#[test]
fn an_alarm_that_another_makes_superfluous_is_not_announced_whoever_came_first() {
    check(inhibited(Same::Station), "a orange; seep a yellow; +1m", "i raised orange");
    check(inhibited(Same::Station), "seep a yellow; +4s; a orange; +1m", "i raised orange");
    check(inhibited(Same::Station), "seep a orange; a orange", "i raised orange, i raised orange");
    check(inhibited(Same::Station), "a blue; seep a blue; +5s", "i raised blue, i raised blue");
}

#[test]
fn blue_and_yellow_wait_a_moment_for_an_inhibitor_and_orange_and_red_never() {
    check(inhibited(Same::Station), "seep a yellow", "");
    check(inhibited(Same::Station), "seep a yellow; +4s", "");
    check(inhibited(Same::Station), "seep a yellow; +5s", "i raised yellow");
    check(inhibited(Same::Station), "seep a orange", "i raised orange");
    check(inhibited(Same::Station), "seep a yellow; +1s; seep a red", "i raised red");
    check(site(), "seep a yellow", "i raised yellow");
    let waited = Story::<Live>::told(inhibited(Same::Station), "seep a yellow; +1h");
    let warning = waited.desk.warnings().next().expect("live");
    assert!(warning.timeline.iter().any(|entry| entry.what == What::AcknowledgementDue), "a person is waited for");
}

#[test]
fn an_inhibitor_keeps_quiet_what_is_not_above_it() {
    check(inhibited(Same::Station), "a yellow; seep a orange", "i raised yellow, i raised orange");
    check(inhibited(Same::Station), "a yellow; seep a yellow; +1m; seep a orange", "i raised yellow, i raised orange");
    check(
        inhibited(Same::Station),
        "a red; seep a orange; +1m; a yellow",
        "i raised red, i downgraded yellow, i raised orange",
    );
}

#[test]
fn it_keeps_quiet_what_is_near() {
    check(inhibited(Same::Station), "b red; seep a yellow; +1m", "i raised red, i raised yellow");
    check(inhibited(Same::Area), "b red; seep a yellow; +1m", "i raised red");
    check(inhibited(Same::Area), "x red; seep a yellow; +1m", "i raised red, i raised yellow");
}

#[test]
fn when_the_inhibitor_ends_what_still_stands_is_announced() {
    check(
        inhibited(Same::Station),
        "a red; seep a yellow; +1h; a clear",
        "i raised red, i cleared red, i raised yellow",
    );
    check(inhibited(Same::Station), "a red; seep a yellow; +1h; seep a clear; a clear", "i raised red, i cleared red");
    let story = Story::<Live>::told(inhibited(Same::Station), "a red; seep a yellow; +1h; a clear");
    let said = story.desk.story_of(&key("seep", "a")).iter().map(|entry| entry.note.as_str()).collect::<Vec<_>>();
    assert_eq!(said.last(), Some(&"yellow since 14:00, announced as new"), "{said:?}");
}

#[test]
fn a_fault_keeps_nobody_quiet_nor_does_what_is_put_aside() {
    check(
        inhibited(Same::Station),
        "a red; seep a yellow; +1h; a lost",
        "i raised red, i continued red held, i raised yellow",
    );
    check(
        inhibited(Same::Station),
        "a orange; zhang shelves a orange 1h; seep a yellow; +5s",
        "i raised orange, i raised yellow",
    );
    check(
        inhibited(Same::Station),
        "a orange; seep a yellow; +1m; zhang shelves a orange 1h",
        "i raised orange, i raised yellow",
    );
    check(
        inhibited(Same::Station),
        "seep a yellow; a red; +1m; zhang cancels",
        "i raised red, i cancelled red, i raised yellow",
    );
}

#[test]
fn what_was_announced_before_it_was_superfluous_ends_as_it_would() {
    check(
        inhibited(Same::Station),
        "seep a yellow; +5s; a red; seep a blue; seep a clear",
        "i raised yellow, i raised red, i downgraded blue, i cleared blue",
    );
}

#[test]
fn in_a_quiet_hour_low_grades_wake_nobody() {
    let story = Story::<Live>::told(muted(Grade::Yellow, Holidays::Alike), "a yellow; +59m");
    assert_eq!(story.said(), "p raised yellow", "the public is not the officer");
    assert!(quiet(&story, "stage"));
    check(
        muted(Grade::Yellow, Holidays::Alike),
        "a yellow; +1h; a clear",
        "p raised yellow, i raised yellow, i cleared yellow, p cleared yellow",
    );
    check(muted(Grade::Yellow, Holidays::Alike), "a orange", "i raised orange, p raised orange");
    check(muted(Grade::Orange, Holidays::Alike), "a orange", "p raised orange");
    let monday = Story::<Live>::told(muted(Grade::Yellow, Holidays::Alike), "+48h; a yellow");
    assert!(!quiet(&monday, "stage"));
}

#[test]
fn a_clock_that_is_set_past_a_window_keeps_nobody_quiet_longer() {
    let mut story = Story::<Live>::told(muted(Grade::Yellow, Holidays::Alike), "a yellow");
    assert!(quiet(&story, "stage"));
    story.now.wall = story.now.wall + Span::hours(2);
    // The next word about the alarm, although its grade is the same, finds the hours over.
    story.tell("a back");
    assert!(!quiet(&story, "stage"));
    assert_eq!(story.said(), "p raised yellow, i raised yellow");
}

#[test]
fn a_persons_word_after_the_clock_was_set_past_a_window_is_announced() {
    let mut story = Story::<Live>::told(muted(Grade::Yellow, Holidays::Alike), "a yellow");
    story.now.wall = story.now.wall + Span::hours(2);
    story.tell("zhang sets a yellow 1h");
    assert!(!quiet(&story, "stage"));
    assert!(story.said().contains("i raised yellow"), "{}", story.said());
}

#[test]
fn holidays_are_as_the_window_says() {
    let is_quiet = |holidays, story: &str| quiet(&Story::<Live>::told(muted(Grade::Yellow, holidays), story), "stage");
    assert!(is_quiet(Holidays::Alike, "a yellow"), "a Saturday");
    assert!(!is_quiet(Holidays::Not, "a yellow"), "a Saturday that is a holiday");
    assert!(is_quiet(Holidays::Not, "+24h; a yellow"), "a Sunday that is none");
    assert!(is_quiet(Holidays::Too, "+48h; a yellow"), "a Monday that is a holiday");
    assert!(!is_quiet(Holidays::Too, "+72h; a yellow"), "a Tuesday");
}

#[test]
fn a_window_begins_and_ends_by_itself_and_over_midnight() {
    let mut site = muted(Grade::Yellow, Holidays::Alike);
    site.quiet.windows[0].from = 22 * 60;
    site.quiet.windows[0].to = 6 * 60;
    let mut story = Story::<Live>::told(site, "a yellow");
    for (passes, is_quiet) in
        [("+7h", false), ("+1h", true), ("+7h59m", true), ("+1m", false), ("+16h", true), ("+8h", false)]
    {
        story.tell(passes);
        assert_eq!(quiet(&story, "stage"), is_quiet, "{passes}");
    }
    story.tell("+16h");
    assert!(!quiet(&story, "stage"), "Monday night");
    assert!(story.restarted() == story.desk);
}

#[test]
fn by_design_is_a_state_of_its_own_and_keeps_the_public_out_too() {
    let mut site = muted(Grade::Yellow, Holidays::Alike);
    site.quiet.windows[0].by_design = true;
    let story = Story::<Live>::told(site, "a yellow");
    let alarm = story.alarm("stage", "a").expect("it stands");
    assert!(alarm.suppression(Kind::ByDesign).is_some() && alarm.suppression(Kind::Muted).is_none());
    assert_eq!(story.said(), "");
}

#[test]
fn a_site_that_waits_for_no_inhibitor_says_so() {
    let mut site = inhibited(Same::Station);
    site.quiet.inhibit_wait = Span::ZERO;
    check(site, "seep a yellow", "i raised yellow");
}
