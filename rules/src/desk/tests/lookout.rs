//! A place that nobody watches is never shown as safe.

use watchfire_model::{
    incident::{About, Outage, Sensor},
    mode::Live,
    rule::Rule,
    site::Site,
    time::Span,
    watch::Watching,
};

use super::super::story::{Story, rule, site};
use super::super::{Desk, Event, Input};

/// Where `x` alone looks out for floods.
const UPSTREAM: &str = "431200000000";

fn watch(desk: &Desk<Live>, hazard: &str, area: &str) -> Option<(usize, usize, Watching)> {
    let found = desk.watches().find(|watch| watch.hazard == Some(hazard.into()) && watch.area.as_str() == area)?;
    Some((found.live, found.of, found.stands))
}

fn open(desk: &Desk<Live>) -> String {
    let open = desk.incidents().filter(|it| it.is_open()).map(|it| format!("{}: {}", it.about, it.reason));
    open.collect::<Vec<_>>().join(", ")
}

fn needing(sensors: u32) -> Site {
    let mut site = site();
    site.rules = vec![rule("stage", "river_flood")];
    site.hazards.iter_mut().for_each(|hazard| hazard.watched_by = sensors);
    site
}

#[test]
fn an_area_whose_last_sensor_is_lost_is_unwatched_until_one_is_back() {
    let mut story = Story::<Live>::told(needing(1), "");
    assert_eq!(watch(&story.desk, "river_flood", UPSTREAM), Some((0, 1, Watching::Starting)));
    story.tell("x clear");
    assert_eq!(watch(&story.desk, "river_flood", UPSTREAM), Some((1, 1, Watching::Watched)));
    story.tell("+20m; x lost");
    assert_eq!(watch(&story.desk, "river_flood", UPSTREAM), Some((0, 1, Watching::Unwatched)));
    assert_eq!(open(&story.desk), "river_flood unwatched in 431200000000: 0 of 1 stations left, 1 needed");
    let blind = story.desk.incidents().next().expect("one");
    assert!(blind.urgent && blind.attention.is_unacked(), "it comes before other faults");
    assert_eq!(blind.since, story.now.wall - Span::minutes(10), "since the last good moment");
    assert_eq!(story.said(), "", "and tells the public nothing");
    story.tell("+1h; x back");
    assert_eq!(watch(&story.desk, "river_flood", UPSTREAM), Some((1, 1, Watching::Watched)));
    assert_eq!(open(&story.desk), "");
    assert_eq!(story.restarted(), story.desk);
}

#[test]
fn of_three_sensors_one_may_go_where_two_are_needed() {
    let mut story = Story::<Live>::told(needing(2), "a clear; b clear; c clear; x clear");
    let here = "431100000000";
    assert_eq!(
        open(&story.desk),
        "river_flood unwatched in 431200000000: 1 of 1 stations left, 2 needed",
        "one sensor never is two"
    );
    story.tell("a lost");
    assert_eq!(watch(&story.desk, "river_flood", here), Some((2, 3, Watching::Watched)));
    story.tell("b lost");
    assert_eq!(watch(&story.desk, "river_flood", here), Some((1, 3, Watching::Unwatched)));
    story.tell("c lost; a back");
    assert!(open(&story.desk).contains("431100000000: 1 of 3 stations left"), "{}", open(&story.desk));
    story.tell("b back");
    assert_eq!(watch(&story.desk, "river_flood", here), Some((2, 3, Watching::Watched)));
}

#[test]
fn a_sensor_taken_out_of_service_looks_out_for_nothing() {
    let mut story = Story::<Live>::told(needing(1), "x clear; zhang stops x 2h");
    assert_eq!(watch(&story.desk, "river_flood", UPSTREAM), Some((0, 1, Watching::Unwatched)));
    story.tell("+3h");
    assert_eq!(watch(&story.desk, "river_flood", UPSTREAM), Some((1, 1, Watching::Watched)));
    assert_eq!(story.restarted(), story.desk);
}

#[test]
fn two_rules_over_one_station_are_one_sensor() {
    let mut site = needing(2);
    site.rules.push(Rule { hazard: "river_flood".into(), ..rule("rise", "river_flood") });
    let story = Story::<Live>::told(site, "stage a clear; rise a clear");
    assert_eq!(watch(&story.desk, "river_flood", "431100000000"), Some((1, 3, Watching::Starting)));
}

#[test]
fn a_rule_on_trial_watches_nothing() {
    let mut site = needing(1);
    site.rules.iter_mut().for_each(|rule| rule.shadow = true);
    let story = Story::<Live>::told(site, "a clear; x clear; x lost");
    let unruled = story.desk.watches().filter(|watch| watch.hazard.is_none()).map(|watch| watch.stands);
    assert_eq!(unruled.collect::<Vec<_>>(), [Watching::Unwatched; 2], "areas that no rule looks out for");
    assert_eq!((story.desk.watches().count(), open(&story.desk).as_str()), (2, ""));
}

#[test]
fn places_that_an_outage_makes_unwatched_ask_through_it_and_by_themselves_once_it_is_over() {
    for order in ["outage first", "finding first"] {
        let mut story = Story::<Live>::told(needing(1), "x clear; a clear; +20m");
        let sensor = |id: &str| Sensor { station: id.into(), point: "stage".into() };
        let about = About::Link { source: "broker".into() };
        let (since, sensors) = (story.now.wall - Span::minutes(10), vec![sensor("a"), sensor("x")]);
        let outage = Outage { about, seq: Default::default(), since, until: None, sensors, reason: String::new() };
        if order == "outage first" {
            let _ = story.step(Input::Outage(outage.clone()));
            story.tell("x lost");
        } else {
            story.tell("x lost");
            let _ = story.step(Input::Outage(outage.clone()));
        }
        let asking = |story: &Story<Live>| {
            let asking = story.desk.incidents().filter(|it| it.attention.is_unacked() && it.is_open());
            asking.map(|it| format!("{} {}", it.about.kind(), it.urgent)).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(asking(&story), "link true", "{order}");
        let heard = Outage { until: Some(story.now.wall), sensors: Vec::new(), ..outage };
        let _ = story.step(Input::Outage(heard));
        story.tell("+1h");
        assert_eq!(asking(&story), "unwatched true", "{order}");
        assert_eq!(story.restarted(), story.desk);
    }
}

#[test]
fn a_start_finds_what_the_site_itself_leaves_unwatched() {
    let mut story = Story::<Live>::begin(needing(2));
    let events = story.step(Input::Start);
    let blind = events.iter().filter(|event| matches!(event, Event::Incident(it) if it.about.kind() == "unwatched"));
    assert_eq!(blind.count(), 1, "one station never is two");
    assert!(story.step(Input::Start).is_empty(), "and says so once");
}
