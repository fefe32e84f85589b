//! What many sensors share falls silent, and is told once.

use std::sync::Arc;

use watchfire_model::id::PointIx;
use watchfire_model::incident::Outage;
use watchfire_model::quantity::Finite;
use watchfire_model::reading::Reading;
use watchfire_model::row::LinkChange;
use watchfire_model::site::{Link, Site};
use watchfire_model::time::{Now, Timestamp};

use super::world::{MINUTE, World, point, rule, said, site};

/// Six stations: two behind each of the gateways `g0` and `g1`, two behind none; all behind one broker.
fn county() -> Site {
    let stations = (0..6).map(|ix| vec![point(ix, "stage")]).collect();
    let mut site = Site::clone(&site(stations, vec![rule("stage", "stage")]));
    for (ix, station) in site.stations.iter_mut().enumerate() {
        station.upstream = None;
        station.gateway = (ix < 4).then(|| format!("g{}", ix / 2).into());
    }
    site.links = vec![Link { source: "broker".into(), measures: false, points: (0..6).map(PointIx).collect() }];
    site
}

/// A world that remembers what was said of what sensors share.
struct Tale {
    world: World,
    told: Vec<Outage>,
}

impl Tale {
    fn of(site: Site) -> Self {
        Self { world: World::new(Arc::new(site)), told: Vec::new() }
    }

    fn hear(&mut self, minute: i64, points: impl IntoIterator<Item = u32>) {
        for ix in points {
            self.world.reading(minute * MINUTE, &Reading { point: PointIx(ix), ..said(minute, 0.5) });
            self.told.extend_from_slice(self.world.evaluator.outages());
        }
    }

    /// Ticks every ten seconds, up to and with a minute.
    fn wait(&mut self, from: i64, to: i64) {
        for tenth in from * 6..=to * 6 {
            let seq = self.world.seq.next();
            self.world.seq = seq;
            let now = Now::at(tenth * 10_000);
            self.world.evaluator.tick(now, seq, &mut self.world.findings);
            self.told.extend_from_slice(self.world.evaluator.outages());
        }
    }

    fn link(&mut self, minute: i64, up: bool, gap: bool, points: &[u32]) {
        let seq = self.world.seq.next();
        self.world.seq = seq;
        let points = points.iter().copied().map(PointIx).collect();
        let (source, since) = ("broker".into(), Timestamp((minute - 1) * MINUTE));
        let change = LinkChange { source, up, since, points, reason: "reset by peer".to_owned(), gap };
        self.world.evaluator.link(Now::at(minute * MINUTE), seq, &change, &mut self.world.findings);
        self.told.extend_from_slice(self.world.evaluator.outages());
    }

    /// `what since-until`, in minutes.
    fn story(&self) -> String {
        let minutes = |at: Timestamp| at.0 / MINUTE;
        let told = self.told.iter().map(|it| {
            let until = it.until.map(|until| minutes(until).to_string()).unwrap_or_default();
            format!("{} {}-{until} of {}", it.about, minutes(it.since), it.sensors.len())
        });
        told.collect::<Vec<_>>().join("; ")
    }
}

#[test]
fn a_gateway_that_falls_silent_is_told_once_with_its_range() {
    let mut tale = Tale::of(county());
    for minute in 0..5 {
        tale.hear(minute, 0..6);
    }
    for minute in 5..20 {
        tale.hear(minute, 2..6);
        tale.wait(minute, minute);
    }
    assert_eq!(tale.story(), "gateway g0 4- of 2");
    tale.hear(20, 0..6);
    assert_eq!(tale.story(), "gateway g0 4- of 2; gateway g0 4-20 of 0");
}

#[test]
fn a_restart_in_the_middle_of_an_outage_is_not_noticed() {
    let mut tale = Tale::of(county());
    tale.world.restarts = true;
    tale.hear(4, 0..6);
    for minute in 5..20 {
        tale.hear(minute, 2..6);
        tale.wait(minute, minute);
    }
    tale.hear(20, 0..6);
    assert_eq!(tale.story(), "gateway g0 4- of 2; gateway g0 4-20 of 0");
}

#[test]
fn the_widest_that_is_silent_is_told_and_not_its_parts() {
    let mut tale = Tale::of(county());
    tale.hear(4, 0..6);
    tale.wait(5, 30);
    assert_eq!(tale.story(), "link broker 4- of 6");
}

#[test]
fn one_sensor_is_no_outage_and_neither_are_two_that_share_nothing() {
    let mut tale = Tale::of(county());
    tale.hear(4, 0..6);
    for minute in 5..30 {
        tale.hear(minute, [1, 3, 5]);
        tale.wait(minute, minute);
    }
    assert_eq!(tale.story(), "");
}

#[test]
fn sensors_that_died_one_by_one_are_no_outage() {
    let mut tale = Tale::of(county());
    for minute in 0..60 {
        // Station 0 dies at once, station 1 behind the same gateway half an hour later.
        tale.hear(minute, (0..6).filter(|ix| (*ix > 0 || minute < 5) && (*ix > 1 || minute < 30)));
        tale.wait(minute, minute);
    }
    assert_eq!(tale.story(), "");
}

#[test]
fn a_link_that_goes_down_is_an_outage_at_once_and_over_when_something_is_heard() {
    let mut tale = Tale::of(county());
    tale.hear(4, 0..6);
    tale.link(5, false, false, &[0, 1, 2, 3, 4, 5]);
    tale.wait(5, 30);
    tale.link(31, true, false, &[0, 1, 2, 3, 4, 5]);
    assert_eq!(tale.story(), "link broker 4- of 6", "up proves nothing");
    tale.hear(33, [2]);
    tale.hear(34, 0..6);
    assert_eq!(tale.story(), "link broker 4- of 6; link broker 4-33 of 0");
}

#[test]
fn a_forgotten_session_names_the_points_and_the_gap() {
    let mut tale = Tale::of(county());
    tale.hear(4, 0..6);
    tale.link(6, true, true, &[0, 1, 2, 3, 4, 5]);
    assert_eq!(tale.story(), "link broker 5-6 of 6");
    assert!(tale.told.iter().all(|it| it.reason.contains("may be lost")));
}

#[test]
fn a_unit_of_a_device_that_does_not_answer_is_its_station() {
    let mut tale = Tale::of(county());
    tale.hear(4, 0..6);
    tale.link(5, false, false, &[3]);
    tale.hear(6, [3]);
    assert_eq!(tale.story(), "station s3 4- of 1; station s3 4-6 of 0");
}

#[test]
fn a_step_of_our_clock_is_said_once_and_is_no_outage_of_sensors() {
    let mut tale = Tale::of(county());
    for minute in 0..5 {
        tale.hear(minute, 0..6);
    }
    let hour = 60 * MINUTE;
    for minute in 5..10 {
        for ix in 0..6 {
            let wall = Timestamp(minute * MINUTE + hour);
            let reading = Reading {
                point: PointIx(ix),
                observed_at: Timestamp(minute * MINUTE),
                received_at: wall,
                value: Finite::new(0.5),
                ..said(0, 0.0)
            };
            let now = Now { wall, ..Now::at(minute * MINUTE) };
            tale.world.evaluator.observe(now, tale.world.seq, &reading, &mut tale.world.findings);
            tale.told.extend_from_slice(tale.world.evaluator.outages());
        }
    }
    assert_eq!(tale.story(), "host clock 5-65 of 0");
    let faults = tale.world.findings.iter().filter(|finding| finding.evidence.is_lost()).count();
    assert_eq!((faults, tale.world.story()), (0, String::new()));
}

#[test]
fn when_most_sensors_are_ahead_it_is_our_clock_and_no_fault_of_theirs() {
    let mut tale = Tale::of(county());
    let ahead = |tale: &mut Tale, minute: i64, by: i64| {
        for ix in 0..6 {
            // A second passes on the way, by which their stamps are known for their own.
            let reading = Reading {
                point: PointIx(ix),
                observed_at: Timestamp((minute + by) * MINUTE - 1_000),
                received_at: Timestamp(minute * MINUTE),
                ..said(0, 0.5)
            };
            tale.world.reading(minute * MINUTE, &reading);
            tale.told.extend_from_slice(tale.world.evaluator.outages());
        }
    };
    for minute in 0..5 {
        ahead(&mut tale, minute, 0);
    }
    for minute in 5..15 {
        ahead(&mut tale, minute, 60);
    }
    assert_eq!(tale.story(), "host clock 5- of 0");
    assert_eq!(tale.told[0].reason, "4 of 6 sensors that tell a time are ahead of our clock");
    for minute in 15..20 {
        ahead(&mut tale, minute, 0);
    }
    assert_eq!(tale.story(), "host clock 5- of 0; host clock 5-15 of 0");
    let faults = tale.world.findings.iter().filter(|finding| finding.evidence.is_lost()).count();
    assert_eq!((faults, tale.world.story()), (0, String::new()));
}
