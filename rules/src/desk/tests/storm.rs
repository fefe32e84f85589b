//! F55, F56: one rule comes to a million findings, or to a tenth of that without the gate's number of cases. What can be said
//! by one rule is bounded by its subjects, which the configuration fixes; so the worst that it can do is to turn all of them
//! at once, again and again.

use std::sync::Arc;

use watchfire_model::{
    grade::Grade,
    mode::Live,
    site::{Area, Site, Station},
    time::{Span, Steady},
    warning::{Publication, Warning},
};

use super::super::story::{Story, automatic, flood};
use super::super::{Event, Input};
use crate::cases::cases;

const AREAS: usize = 10;
const STATIONS: usize = 1_000;
/// How often each of them turns, once a second: a thousand times where the gate says ten thousand cases.
fn turns() -> usize {
    usize::try_from(cases().cases / 10).unwrap_or(100).max(20)
}

/// The storm's stations in areas of their own, beside the stories' own.
fn country() -> Site {
    let mut site = automatic();
    flood(&mut site).attention.flapping = Some(Span::minutes(10));
    let (area, station) = (site.areas[0].clone(), site.stations[0].clone());
    let id = |at: usize| format!("4320{at:08}");
    site.areas.extend((0..AREAS).map(|at| Area { id: id(at).as_str().into(), name: id(at), ..area.clone() }));
    site.stations.extend((0..STATIONS).map(|at| Station {
        id: format!("s{at}").into(),
        area: id(at % AREAS).as_str().into(),
        points: Vec::new(),
        ..station.clone()
    }));
    site
}

/// What has come of it.
#[derive(Default)]
struct Told {
    bulletins: usize,
    events: usize,
}

/// Takes one input, and counts what comes of it.
fn step(story: &mut Story<Live>, input: &Input, told: &mut Told) {
    let events = story.desk.step(story.now, input);
    told.events += events.len();
    told.bulletins += events.iter().filter(|event| matches!(event, Event::Spoken { .. })).count();
}

/// Lets a second pass.
fn pass(story: &mut Story<Live>, told: &mut Told) {
    story.now.wall = story.now.wall + Span::seconds(1);
    story.now.steady = Steady(story.now.steady.0 + 1_000);
    if story.desk.next_deadline().is_some_and(|due| due <= story.now.steady) {
        step(story, &Input::Tick, told);
    }
}

#[test]
fn a_rule_that_comes_to_a_million_findings_says_a_handful_and_no_warning_that_stands_is_touched() {
    let mut story = Story::<Live>::told(country(), "x red; +1m");
    let standing = |story: &Story<Live>| -> Vec<Warning> {
        let of = |warning: &&Arc<Warning>| warning.area.as_str() == "431200000000";
        story.desk.warnings().filter(of).map(|warning| Warning::clone(warning)).collect()
    };
    let before = standing(&story);
    assert_eq!(before.len(), 1);
    let mut told = Told::default();
    for turn in 0..turns() {
        let what = if turn % 2 == 0 { "yellow" } else { "blue" };
        for at in 0..STATIONS {
            let finding = story.finding("stage", &format!("s{at}"), what);
            step(&mut story, &Input::Finding(finding), &mut told);
        }
        pass(&mut story, &mut told);
    }
    println!("{} findings: {} bulletins, {} events", STATIONS * turns(), told.bulletins, told.events);
    // One warning for each area: its rise and its first falls and rises to both audiences, then only what renews it.
    assert!(told.bulletins <= AREAS * 20, "{} bulletins", told.bulletins);
    assert_eq!(story.desk.warnings().count(), AREAS + 1);
    // Each of them says that it chatters: that is what people see of the rule.
    let chatters = story.desk.alarms().filter(|alarm| alarm.chatters_until.is_some()).count();
    assert_eq!(chatters, STATIONS);
    let after = standing(&story);
    assert_eq!((after[0].grade, &after[0].id), (Some(Grade::Red), &before[0].id));
    assert!(matches!(after[0].publication, Publication::Released { .. }), "{:?}", after[0].publication);

    // A rise is said at once all the same.
    let (mut rise, finding) = (Told::default(), story.finding("stage", "s7", "red"));
    step(&mut story, &Input::Finding(finding), &mut rise);
    assert_eq!(rise.bulletins, 2, "those on duty and the public");
}
