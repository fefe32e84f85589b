//! Who says so: points that share what may be wrong with them are one witness (RELIABILITY P20, A15).

use std::sync::Arc;

use watchfire_model::finding::Evidence;
use watchfire_model::grade::{Grade, PerGrade};
use watchfire_model::id::PointIx;
use watchfire_model::reading::Reading;
use watchfire_model::row::LinkChange;
use watchfire_model::rule::{Class, Per, Rule, Thresholds};
use watchfire_model::site::{Link, Site};
use watchfire_model::time::{Now, Timestamp};

use super::world::{MINUTE, World, one_to_four, point, rule, said, site};
use crate::ruleset::RuleSet;

/// Six stations; the first four send through one hub. One rule over all of them.
fn net(rule: Rule) -> Site {
    let stations = (0..6).map(|ix| vec![point(ix, "motion")]).collect();
    let rule = Rule { per: Per::Group, ..rule };
    let mut site = Site::clone(&site(stations, vec![rule]));
    for (ix, station) in site.stations.iter_mut().enumerate() {
        station.upstream = None;
        station.gateway = (ix < 4).then(|| "hub".into());
    }
    site
}

fn inline(yellow: f64, red: f64) -> Thresholds {
    Thresholds::Inline(PerGrade { yellow: Some(yellow), red: Some(red), ..PerGrade::default() })
}

/// At least one station shaking is yellow, two are red.
fn counted() -> Rule {
    Rule { thresholds: inline(1.0, 2.0), enough: Some(2), ..rule("motion", "motion.last.at_least(4.0)") }
}

/// The strongest motion, red only by two witnesses.
fn strongest() -> Rule {
    let witnesses = PerGrade { red: 2, ..PerGrade::all(1) };
    Rule { thresholds: Thresholds::Inline(one_to_four()), witnesses, ..rule("motion", "motion.last.max()") }
}

fn hear(world: &mut World, minute: i64, values: [f64; 6]) {
    for (ix, value) in (0..).zip(values) {
        world.reading(minute * MINUTE, &Reading { point: PointIx(ix), ..said(minute, value) });
    }
}

fn hub(world: &mut World, minute: i64, up: bool) {
    let seq = world.seq.next();
    world.seq = seq;
    let points = (0..4).map(PointIx).collect();
    let (source, since) = ("hub".into(), Timestamp(minute * MINUTE));
    let change = LinkChange { source, up, since, points, reason: String::new(), gap: false };
    world.evaluator.link(Now::at(minute * MINUTE), seq, &change, &mut world.findings);
}

/// The shape of the false ShakeAlert of December 2025: the power at one hub fails, its stations come back together and all
/// of them report a strong motion that nobody else feels.
fn shake(world: &mut World) {
    for minute in 0..5 {
        hear(world, minute, [0.1; 6]);
    }
    hub(world, 5, false);
    hub(world, 6, true);
    for minute in 7..10 {
        hear(world, minute, [9.0, 8.5, 9.2, 8.8, 0.1, 0.1]);
    }
}

#[test]
fn four_stations_behind_one_hub_raise_no_top_grade() {
    for rule in [counted(), strongest()] {
        let mut world = World::new(Arc::new(net(rule.clone())));
        shake(&mut world);
        let judged = world.judged();
        assert!(judged.is_some() && judged < Some(Grade::Red), "{:?}: {judged:?}", rule.measure);
        hear(&mut world, 10, [9.0, 8.5, 9.2, 8.8, 0.1, 7.0]);
        assert_eq!(world.judged(), Some(Grade::Red), "{:?}: one more who does not share it says so too", rule.measure);
    }
}

#[test]
fn without_a_hub_in_common_two_are_enough() {
    let mut site = net(counted());
    site.stations.iter_mut().for_each(|station| station.gateway = None);
    let mut world = World::new(Arc::new(site));
    shake(&mut world);
    assert_eq!(world.judged(), Some(Grade::Red));
}

#[test]
fn a_plausible_ramp_on_one_station_is_one_witness() {
    let mut world = World::new(Arc::new(net(strongest())));
    for minute in 0..60 {
        let ramp = f64::from(i32::try_from(minute).expect("few")) * 0.1;
        hear(&mut world, minute, [0.1, 0.1, 0.1, 0.1, 0.1, ramp]);
    }
    assert_eq!(world.judged(), Some(Grade::Orange));
}

#[test]
fn late_readings_of_one_hub_are_one_witness_too() {
    let mut world = World::new(Arc::new(net(strongest())));
    for minute in 0..9 {
        hear(&mut world, minute, [0.1; 6]);
    }
    for ix in 0..4 {
        let late = Reading { point: PointIx(ix), received_at: Timestamp(9 * MINUTE), ..said(7, 9.0) };
        let late = Reading { observed_at: Timestamp(7 * MINUTE + 30_000), ..late };
        world.reading(9 * MINUTE, &late);
    }
    assert_eq!(world.judged(), Some(Grade::Orange), "{}", world.story());
}

#[test]
fn what_is_cut_off_is_no_witness_whatever_it_said_last() {
    let mut world = World::new(Arc::new(net(counted())));
    hear(&mut world, 0, [0.1; 6]);
    hear(&mut world, 1, [0.1, 0.1, 0.1, 9.0, 0.1, 0.1]);
    assert_eq!(world.judged(), Some(Grade::Yellow));
    hub(&mut world, 1, false);
    world.reading(2 * MINUTE, &Reading { point: PointIx(4), ..said(2, 9.0) });
    assert_eq!(world.judged(), Some(Grade::Yellow), "the last word of a hub that is down does not count");
}

#[test]
fn enough_counts_those_that_do_not_share_what_may_be_wrong() {
    let evidence = |world: &World| world.evaluator.subjects().next().map(|view| view.evidence);
    let mut world = World::new(Arc::new(net(counted())));
    hear(&mut world, 0, [0.1; 6]);
    assert_eq!(evidence(&world), Some(Evidence::Good));
    for minute in 1..8 {
        for ix in 0..4 {
            world.reading(minute * MINUTE, &Reading { point: PointIx(ix), ..said(minute, 0.1) });
        }
        world.tick(minute);
    }
    let lost = evidence(&world);
    assert!(lost.as_ref().is_some_and(Evidence::is_lost), "four are left, and all by one hub: {lost:?}");
    world.reading(8 * MINUTE, &Reading { point: PointIx(4), ..said(8, 0.1) });
    assert_eq!(evidence(&world), Some(Evidence::Degraded { left: 5, of: 6 }));
}

#[test]
fn a_device_that_measures_is_one_and_a_broker_is_not() {
    for (measures, expected) in [(true, Some(Grade::Yellow)), (false, Some(Grade::Red))] {
        let mut site = net(Rule { enough: None, ..counted() });
        site.stations.iter_mut().for_each(|station| station.gateway = None);
        site.links = vec![Link { source: "plc".into(), measures, points: (0..6).map(PointIx).collect() }];
        let mut world = World::new(Arc::new(site));
        hear(&mut world, 0, [0.1; 6]);
        hear(&mut world, 1, [9.0; 6]);
        assert_eq!(world.judged(), expected);
    }
}

#[test]
fn a_grade_that_takes_more_witnesses_than_there_are_is_refused_at_load() {
    let mut site = net(strongest());
    site.stations.iter_mut().for_each(|station| station.power = Some("mast".into()));
    let problems = RuleSet::compile(Arc::new(site)).expect_err("it could never be raised");
    assert_eq!(
        problems[0].message,
        "red of rule \"r\" takes 2 independent points, and for \"group:g\" its measure reads 1"
    );
}

#[test]
fn enough_that_can_never_be_is_refused_at_load() {
    let mut site = net(counted());
    site.stations.iter_mut().for_each(|station| station.logger = Some("rtu".into()));
    let problems = RuleSet::compile(Arc::new(site)).expect_err("its evidence would always be lost");
    assert!(problems[0].message.starts_with("`enough` of rule \"r\" asks for 2 independent points"), "{problems:?}");
}

#[test]
fn a_cap_invents_no_grade_that_the_ladder_lacks() {
    let mut doubtful = point(0, "stage");
    doubtful.plausible = Some((0.0, 10.0));
    doubtful.thresholds = PerGrade { red: Some(4.0), ..PerGrade::default() };
    let mut world = World::of_stage(doubtful, Rule { class: Class::Ordinary, ..rule("stage", "stage") });
    for minute in 0..5 {
        world.hear(minute, 1.0);
    }
    world.hear(5, 50.0);
    assert_eq!(world.story(), "", "a suspect value that may raise yellow at most, on a ladder without yellow");
}
