//! The figures of a shift, told from stories.

use watchfire_model::{
    access::{self, Denied, Right, Role, Scope},
    attention::{AttentionPolicy, Concern},
    command::{Act, Command},
    deed::{Deed, Done},
    grade::{Grade, PerGrade},
    mode::{Exercise, Live, Mode, Shadow},
    site::Audience,
    suppression::Kind,
    time::{Span, Timestamp},
};

use crate::desk::story::{START, Story, automatic, demo, flood, key, site};
use crate::desk::{Desk, Event, Input};
use crate::figures::{Aside, Durations, Load, People, Person, Report, Tally, Watcher};
use crate::scores::Courses;

/// What a fresh reader of the ledger makes of it.
fn report(story: &Story<Live>) -> Report {
    let (watcher, tally) = read(story);
    tally.report(START, story.now.wall, &watcher)
}

fn read(story: &Story<Live>) -> (Watcher, Tally) {
    let mut desk = Desk::new(std::sync::Arc::clone(&story.site));
    let (mut watcher, mut tally) = (Watcher::default(), Tally::default());
    for (now, _, events) in &story.record {
        events.iter().for_each(|event: &Event<Live>| desk.apply(*now, event));
        for fact in watcher.see(&desk, *now, events) {
            tally.add(now.wall, &fact);
        }
    }
    (watcher, tally)
}

#[test]
fn a_call_is_an_alarm_that_rises_a_fault_a_realarm_and_a_shelf_that_runs_out() {
    let mut site = automatic();
    flood(&mut site).attention.reack = AttentionPolicy::default().reack;
    let mut story = Story::<Live>::told(site, "a blue; +1m; a yellow; +1m; a blue; +1m; a lost");
    let told = report(&story);
    assert_eq!((told.load.calls, told.calls_for_faults), (3, 1), "the fall calls nobody");
    assert_eq!(told.calls_by_grade, PerGrade { blue: 1, yellow: 1, ..PerGrade::default() });
    story.tell("a back; b blue; zhang shelves b blue 1h; +2h");
    assert_eq!(report(&story).calls_by_grade.blue, 1 + 2, "b rose, and spoke again when its shelf ran out");
    story.tell("x orange; zhang acks x; +3h");
    let told = report(&story);
    assert_eq!((told.calls_by_grade.orange, told.realarms), (2, 1));
    assert_eq!(told.contributors.iter().map(|one| one.calls).sum::<u64>(), told.load.calls);
}

#[test]
fn what_is_shelved_calls_nobody_and_is_listed_with_who_and_why() {
    let mut story =
        Story::<Live>::told(automatic(), "a blue; a clear; zhang shelves a yellow 8h; +1m; a yellow; +1m; a clear");
    let told = report(&story);
    assert_eq!((told.load.calls, told.calls_by_grade.yellow), (1, 0));
    let aside = &told.put_aside[0];
    assert_eq!((aside.alarm.clone(), aside.kind, aside.by.as_str()), (key("stage", "a"), Kind::Shelved, "zhang"));
    assert_eq!((aside.upto, aside.until - aside.since), (Some(Grade::Yellow), Span::hours(8)));
    assert_eq!((told.put_aside_in_all, told.put_aside_refused), (1, 0));
    assert!(story.try_one("zhang shelves a red 1h").is_err());
    assert_eq!(report(&story).put_aside_refused, 1);
}

#[test]
fn at_a_change_of_duty_it_is_told_what_still_is_aside_until_when_and_how_long_the_rest_was() {
    let mut story =
        Story::<Live>::told(automatic(), "a blue; b blue; +1m; zhang shelves a blue 8h; zhang stops b 3h; +1h");
    let change_of_duty = story.now.wall;
    story.tell("li shelves a yellow 2h; +30m; zhang unshelves a; +30m");
    let mut desk = Desk::new(std::sync::Arc::clone(&story.site));
    let (mut watcher, mut tally) = (Watcher::default(), Tally::default());
    for (now, _, events) in &story.record {
        events.iter().for_each(|event: &Event<Live>| desk.apply(*now, event));
        let facts = watcher.see(&desk, *now, events);
        facts.iter().filter(|_| now.wall >= change_of_duty).for_each(|fact| tally.add(now.wall, fact));
    }
    let told = tally.report(change_of_duty, story.now.wall, &watcher);
    let line = |aside: &Aside| {
        let lasted = aside.ended.map_or_else(|| "still".to_owned(), |ended| (ended - aside.since).to_string());
        format!(
            "{} {} {} of {} by {}",
            aside.alarm.subject,
            aside.kind.word(),
            lasted,
            aside.until - aside.since,
            aside.by
        )
    };
    let lines: Vec<String> = told.put_aside.iter().map(line).collect();
    assert_eq!(
        lines,
        ["a shelved 1h of 8h by zhang", "a shelved 30m of 2h by li", "b out_of_service still of 3h by zhang"]
    );
    assert_eq!(told.put_aside_in_all, 3);
}

#[test]
fn answers_releases_receipts_and_leads_are_timed() {
    let story = Story::<Live>::told(
        site(),
        "a yellow; +2s; all delivered; +3m; zhang acks; +2m; zhang signs; +1s; delivered; +1h; a red; +10s; all delivered; +5m; zhang acks",
    );
    let told = report(&story);
    assert_eq!(
        (told.time_to_acknowledge.count, told.time_to_acknowledge.most),
        (2, Span::minutes(5) + Span::seconds(10))
    );
    assert_eq!(told.time_to_release.count, 1);
    let waited = Span::minutes(5) + Span::seconds(2);
    assert!((told.time_to_release.most - waited).0.abs() < 1_000, "{:?}", told.time_to_release);
    assert!(
        told.time_to_first_receipt.internal.count >= 2 && told.time_to_first_receipt.internal.most == Span::seconds(10)
    );
    assert_eq!(told.time_to_first_receipt.public.p50, Span::seconds(1));
    assert_eq!(told.notices.public.confirmed, 1, "by the receiver's own reference");
    assert!(told.public_confirmed_percent.is_some_and(|percent| percent > 0.0 && percent <= 100.0));
    assert_eq!(told.warnings_by_peak, PerGrade { red: 1, ..PerGrade::default() });
    assert!((told.lead_internal.most - Span::minutes(65)).0.abs() < 10_000, "{:?}", told.lead_internal);
    assert!(told.lead_public.most < told.lead_internal.most && told.lead_public.count == 1);
}

#[test]
fn what_stands_for_more_than_a_day_is_stale_and_what_nobody_has_seen_is_named() {
    let story = Story::<Live>::told(site(), "a blue; +1h; b blue; +23h30m");
    let told = report(&story);
    assert_eq!(told.stale.iter().map(|one| &one.alarm).collect::<Vec<_>>(), [&key("stage", "a")]);
    assert_eq!(told.stale_in_all, 1);
    assert_eq!(told.longest_unacknowledged.map(|one| one.alarm), Some(key("stage", "a")));
    let ended = report(&Story::<Live>::told(site(), "a blue; +2h; a clear"));
    assert_eq!((ended.time_active.count, ended.time_active.most), (1, Span::hours(2)));
}

#[test]
fn chatter_is_named_with_a_delay_that_would_have_spared_it() {
    let mut words = String::from("b blue;");
    (0..20).for_each(|_| words.push_str("a blue; +20s; a clear; +40s;"));
    let told = report(&Story::<Live>::told(automatic(), &words));
    assert_eq!(told.chattering.len(), 1, "b is still: {:?}", told.chattering);
    let worst = &told.chattering[0];
    assert_eq!((worst.alarm.clone(), worst.chatter), (key("stage", "a"), 1));
    let advice = worst.advice.clone().expect("it chattered");
    assert_eq!((advice.rises, advice.lift_after, advice.spared_by_delay), (19, Some(Span::minutes(1)), 19));
    assert!(advice.lift_margin.is_some_and(|margin| margin > 0.0), "{advice:?}");
    let slow = report(&Story::<Live>::told(automatic(), "a blue; +3h; a clear; +3h; a blue; +3h; a clear"));
    assert_eq!(slow.chattering, []);
}

#[test]
fn a_flood_begins_above_ten_in_ten_minutes_and_ends_below_five() {
    let mut load = Load::default();
    let at = |minute: i64| Timestamp(START.0.div_euclid(600_000) * 600_000) + Span::minutes(minute);
    for (bucket, calls) in [(0, 10), (1, 11), (2, 5), (3, 4), (4, 30)] {
        (0..calls).for_each(|n| load.call(at(bucket * 10) + Span::seconds(n)));
    }
    assert!(load.is_flood() && load.now() == 30);
    let told = load.clone().told(at(0), at(100));
    assert_eq!((told.calls, told.most_per_10_min, told.floods), (60, 30, 2));
    assert_eq!((told.listed[0].from, told.listed[0].to), (at(10), at(30)));
    assert_eq!((told.listed[0].calls, told.listed[0].peak), (16, 11));
    assert_eq!((told.mean_per_10_min, told.flooded_percent), (6.0, 30.0));
    // Silence ends a flood.
    load.advance(at(200));
    assert!(!load.is_flood() && load.now() == 0);
}

#[test]
fn quantiles_are_right_to_a_sixteenth_and_the_rest_exactly() {
    let mut durations = Durations::default();
    (1..=10_000).for_each(|ms| durations.add(Span(ms * 7)));
    let spread = durations.spread();
    assert_eq!((spread.count, spread.most, spread.mean), (10_000, Span(70_000), Span(35_003)));
    for (percent, truth) in [(50, 35_000), (95, 66_500), (100, 70_000)] {
        let said = durations.percentile(percent).0;
        assert!(said >= truth && said <= truth + truth / 16 + 1, "{percent} %: {said}, not {truth}");
    }
    assert_eq!(Durations::default().spread().p95, Span::ZERO);
}

#[test]
fn a_bulletin_that_goes_to_nobody_is_not_waited_for() {
    let mut nobody = automatic();
    nobody.channels.clear();
    let story = Story::<Live>::told(nobody, "a yellow; +1h; a red; +1h; a clear");
    assert_eq!(read(&story).0.waiting(), 0);
    let told = report(&story);
    assert_eq!((told.notices.public.sent, told.notices.internal.sent), (0, 0));
    assert_eq!((told.time_to_first_receipt.public.count, told.public_confirmed_percent), (0, None));
    assert_eq!(told.warnings_by_peak.red, 1);
}

/// What was told to the public in earnest: minutes since the beginning, and the grade.
fn released<M: Mode>(story: &Story<M>) -> Vec<String> {
    let mut desk = Desk::new(std::sync::Arc::clone(&story.site));
    let mut courses = Courses::in_earnest(Audience::Public);
    for (now, _, events) in &story.record {
        events.iter().for_each(|event| desk.apply(*now, event));
        courses.see(&desk, now.wall, events);
    }
    let step = |(at, grade): &(Timestamp, Option<Grade>)| {
        format!("{:.0} {}", (*at - START).as_hours() * 60.0, watchfire_model::grade::word(*grade))
    };
    let line = |course: crate::scores::Course| {
        let steps: Vec<String> = course.steps.iter().map(step).collect();
        format!("{}@{}: {}", course.hazard, course.area, steps.join(", "))
    };
    courses.told().into_iter().map(line).collect()
}

#[test]
fn a_course_is_what_was_released_and_when_and_not_what_was_judged() {
    let story = Story::<Live>::told(
        site(),
        "a yellow; +20m; zhang signs; +10m; a orange; +5m; b blue; +25m; a clear; b clear; +10m; zhang signs",
    );
    let area = story.desk.warnings().next().expect("a warning").area.to_string();
    assert_eq!(released(&story), [format!("river_flood@{area}: 20 yellow, 70 clear")], "{}", story.said());
    let unsigned = Story::<Live>::told(site(), "a yellow; +20m; a clear; +20m");
    assert_eq!(released(&unsigned), [""; 0], "{}", unsigned.said());
}

#[test]
fn a_drill_a_shadow_and_a_message_that_says_test_are_no_release() {
    const WORDS: &str = "a red; +20m; a clear; +20m";
    let released_by = |site| released(&Story::<Live>::told(site, WORDS)).len();
    assert_eq!((released_by(automatic()), released_by(demo())), (1, 0));
    assert_eq!(released(&Story::<Exercise>::told(automatic(), "a red; +20m")), [""; 0]);
    assert_eq!(released(&Story::<Shadow>::told(automatic(), "a red; +20m")), [""; 0]);
}

/// Who did what, by a fresh reader of the ledger.
fn people(story: &Story<Live>) -> Vec<Person> {
    let mut desk = Desk::new(std::sync::Arc::clone(&story.site));
    let (mut watcher, mut people) = (Watcher::default(), People::default());
    for (now, input, events) in &story.record {
        events.iter().for_each(|event| desk.apply(*now, event));
        people.know(input);
        people.add(input, &watcher.see(&desk, *now, events));
    }
    people.told().0
}

fn account(name: &str, role: Role) -> Deed {
    let what = Done::Added { account: name.into(), kind: access::Kind::Person, role, scope: Scope::ALL };
    Deed { who: "root".into(), why: "new here".to_owned(), from: "127.0.0.1 console".to_owned(), what }
}

#[test]
fn each_person_is_told_with_what_they_did_and_how_soon() {
    let mut story = Story::<Live>::told(site(), "+1s");
    for (name, role) in [("zhang", Role::Officer), ("li", Role::Approver)] {
        let _ = story.step(Input::Deed(account(name, role)));
    }
    story.tell("a yellow; +3m; zhang acks; +2m; li signs; b yellow; +1m; zhang acks b; x blue; zhang shelves x blue 8h; a lost; +9m; zhang acks a fault; wu reports bridge blue");
    assert!(story.try_one("zhang shelves a red 1h").is_err() && story.try_one("wu signs").is_err());
    let told = people(&story);
    let line = |person: &Person| {
        let Person { who, role, acknowledged, signed, put_aside, reported, other, refused, .. } = person;
        let role = role.map_or("-", Role::word);
        format!("{who} {role}: {} {}, {put_aside} {reported} {other} {refused}", acknowledged.count, signed.count)
    };
    let lines: Vec<String> = told.iter().map(line).collect();
    assert_eq!(lines, ["li approver: 0 1, 0 0 0 0", "wu -: 0 0, 0 1 0 1", "zhang officer: 3 0, 1 0 0 1"]);
    assert_eq!(told[0].signed.most, Span::minutes(5));
    let spread = told[2].acknowledged;
    assert!(spread.most == Span::minutes(9) && (spread.p50 - Span::minutes(3)) < Span::seconds(12), "{spread:?}");
}

#[test]
fn whom_a_program_names_is_told_apart_under_its_name() {
    let mut story = Story::<Live>::told(site(), "a yellow; b yellow; +4m; zhang acks a");
    let _ = story.step(Input::Deed(account("gateway", Role::Officer)));
    let act = Act::AcknowledgeAlarm { alarm: key("stage", "b"), version: 1, concern: Concern::Hazard };
    let from = "203.0.113.5 token gateway".to_owned();
    let command = Command { id: "once".into(), who: "zhang".into(), why: "seen".to_owned(), from, act };
    // The same act twice is one, and what was denied at the door is a refusal.
    (0..2).for_each(|_| assert!(story.command_as(command.clone()).is_ok()));
    let denied = Denied::Role { role: Role::Viewer, right: Right::Release };
    let what = Done::Denied { right: Right::Release, warning: "W-1".into(), denied };
    let _ = story.step(Input::Deed(Deed { what, ..account("", Role::Viewer) }));
    let told = people(&story);
    let shown: Vec<_> = told
        .iter()
        .map(|it| {
            (it.who.as_str(), it.through.as_ref().map(|it| it.as_str()), it.role, it.acknowledged.count, it.refused)
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("root", None, None, 0, 1),
            ("zhang", None, None, 1, 0),
            ("zhang", Some("gateway"), Some(Role::Officer), 1, 0)
        ]
    );
}
