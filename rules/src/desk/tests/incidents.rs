//! What many sensors share is told once, and who was explained by it asks for nobody.

use watchfire_model::{
    attention::Attention,
    command::Act,
    id::{IncidentId, Seq},
    incident::{About, Incident, Outage, Sensor},
    mode::Live,
    time::Span,
};

use super::super::story::{Story, automatic, site};
use super::super::{Desk, Input};

fn gateway() -> About {
    About::Gateway { gateway: "g".into() }
}

fn link() -> About {
    About::Link { source: "broker".into() }
}

/// The Evaluator's word that nothing is heard any more of the `stage` of these stations, for ten minutes now.
fn goes_out(story: &mut Story<Live>, about: About, stations: &[&str]) {
    let sensors = stations.iter().map(|id| Sensor { station: (*id).into(), point: "stage".into() }).collect();
    let since = story.now.wall - Span::minutes(10);
    let outage = Outage { about, seq: Seq(1), since, until: None, sensors, reason: String::new() };
    let _ = story.step(Input::Outage(outage));
}

fn is_heard(story: &mut Story<Live>, about: About) {
    let (since, until) = (story.now.wall, Some(story.now.wall));
    let outage = Outage { about, seq: Seq(2), since, until, sensors: Vec::new(), reason: String::new() };
    let _ = story.step(Input::Outage(outage));
}

/// Every incident of what sensors share: what about, how many minutes from the last good moment to the first, and whether it is closed.
fn incidents(desk: &Desk<Live>) -> String {
    let one = |it: &std::sync::Arc<Incident>| {
        let range = it.until.map_or_else(|| "…".to_owned(), |until| ((until - it.since).0 / 60_000).to_string());
        let end = if it.is_open() { "" } else { " closed" };
        let within = if it.within.is_some() { " within another" } else { "" };
        let urgent = if it.urgent { " urgent" } else { "" };
        format!("{} {range}{end}{within}{urgent}", it.about)
    };
    let shared = desk.incidents().filter(|it| !matches!(it.about, About::Unwatched { .. }));
    shared.map(one).collect::<Vec<_>>().join(", ")
}

fn asks(story: &Story<Live>) -> String {
    let unacked = story.desk.alarms().filter(|alarm| alarm.fault_attention.is_unacked());
    unacked.map(|alarm| alarm.key.subject.to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_silences_of_one_gateway_are_one_incident() {
    for order in ["outage first", "findings first"] {
        let mut story = Story::<Live>::told(site(), "a clear; b clear; c clear; +20m");
        if order == "outage first" {
            goes_out(&mut story, gateway(), &["a", "b"]);
            story.tell("a lost; b lost; c lost");
        } else {
            story.tell("a lost; b lost; c lost");
            assert_eq!(asks(&story), "a b c");
            goes_out(&mut story, gateway(), &["a", "b"]);
        }
        assert_eq!(asks(&story), "c", "{order}: what the gateway does not explain asks by itself");
        assert_eq!(incidents(&story.desk), "gateway g … urgent", "nobody looks out there any more");
        story.tell("+30m");
        is_heard(&mut story, gateway());
        story.tell("a back");
        assert_eq!((incidents(&story.desk).as_str(), asks(&story).as_str()), ("gateway g 40 urgent", "c"));
        story.tell("+20m");
        assert_eq!(incidents(&story.desk), "gateway g 40 closed urgent");
        assert_eq!(asks(&story), "b c", "who did not come back asks by itself");
        assert_eq!(story.restarted(), story.desk);
    }
}

#[test]
fn the_same_word_again_changes_nothing_and_a_silence_that_returns_goes_on() {
    let mut story = Story::<Live>::told(site(), "a clear; b clear; +20m");
    goes_out(&mut story, gateway(), &["a", "b"]);
    let told = story.desk.clone();
    goes_out(&mut story, gateway(), &["a", "b"]);
    assert!(story.desk == told);
    is_heard(&mut story, gateway());
    story.tell("+1m");
    goes_out(&mut story, gateway(), &["a", "b"]);
    story.tell("+1h");
    assert_eq!(incidents(&story.desk), "gateway g …", "it is one incident, and still open");
}

#[test]
fn a_wider_incident_takes_in_its_parts() {
    let mut story = Story::<Live>::told(site(), "a clear; b clear; c clear; +20m");
    goes_out(&mut story, gateway(), &["a", "b"]);
    story.tell("a lost; b lost");
    goes_out(&mut story, link(), &["a", "b", "c"]);
    story.tell("c lost");
    assert_eq!(incidents(&story.desk), "gateway g … closed within another, link broker … urgent");
    assert_eq!(asks(&story), "");
    let under = |id: &str| story.alarm("stage", id).and_then(|alarm| alarm.incident.clone());
    assert!(under("a").is_some() && under("a") == under("b") && under("a") == under("c"));
}

#[test]
fn a_gateway_that_does_not_come_back_with_its_link_is_one_incident_and_not_a_storm() {
    let mut site = site();
    for station in site.stations.iter_mut().take(2) {
        station.gateway = Some("g".into());
    }
    let mut story = Story::<Live>::told(site, "a clear; b clear; c clear; x clear; +20m");
    goes_out(&mut story, link(), &["a", "b", "c", "x"]);
    story.tell("a lost; b lost; c lost; x lost; +30m");
    is_heard(&mut story, link());
    story.tell("x back; +20m");
    assert_eq!(incidents(&story.desk), "link broker 40 closed urgent, gateway g … urgent");
    assert_eq!(asks(&story), "c");
    story.tell("a back; b back; +20m");
    assert_eq!(incidents(&story.desk), "link broker 40 closed urgent, gateway g 60 closed urgent");
    assert_eq!((asks(&story).as_str(), story.restarted() == story.desk), ("c", true));
}

#[test]
fn an_incident_holds_every_grade_and_hides_no_held_one() {
    let mut story = Story::<Live>::told(automatic(), "a orange; b clear; +20m");
    let before = story.said();
    goes_out(&mut story, gateway(), &["a", "b"]);
    assert_eq!(story.said(), before, "an incident itself tells the public nothing");
    story.tell("a lost; b lost; +1h");
    assert_eq!(incidents(&story.desk), "gateway g … urgent", "orange is held on it");
    let said = format!("{before}, i continued orange held, p continued orange held");
    assert!(story.said().starts_with(&said), "{}", story.said());
    assert!(!story.said().contains("cleared"), "{}", story.said());
}

#[test]
fn evidence_lost_while_rising_asks_under_any_incident() {
    let mut story = Story::<Live>::told(site(), "a clear; b clear; +20m");
    goes_out(&mut story, gateway(), &["a", "b"]);
    story.tell("a faulty; b lost");
    assert_eq!(asks(&story), "a");
}

#[test]
fn a_person_takes_note_of_an_incident_once_for_all() {
    let mut story = Story::<Live>::told(site(), "a clear; b clear; +20m");
    goes_out(&mut story, gateway(), &["a", "b"]);
    let id = story.desk.incidents().next().map(|it| it.id.clone()).expect("one");
    assert!(story.command("li", Act::AcknowledgeIncident { incident: id.clone() }).is_ok());
    let noted = story.desk.incidents().find(|it| it.id == id).map(|it| it.attention.clone());
    assert!(matches!(noted, Some(Attention::Acked { .. })));
    let unknown = Act::AcknowledgeIncident { incident: IncidentId::from("I-1") };
    let refusal = story.command("li", unknown).map_err(|refusal| refusal.to_string());
    assert_eq!(refusal, Err("there is no incident \"I-1\"".to_owned()));
    assert_eq!(story.restarted(), story.desk);
}

#[test]
fn what_was_over_before_it_was_known_is_written_down_and_closed() {
    let mut story = Story::<Live>::told(site(), "a clear; +20m");
    let (since, until) = (story.now.wall - Span::minutes(7), Some(story.now.wall));
    let sensors = vec![Sensor { station: "a".into(), point: "stage".into() }];
    let reason = "what was sent meanwhile may be lost".to_owned();
    let _ = story.step(Input::Outage(Outage { about: link(), seq: Seq(3), since, until, sensors, reason }));
    assert_eq!(incidents(&story.desk), "link broker 7 closed");
    assert!(story.desk.incidents().all(|it| it.attention.is_unacked() && it.sensors.len() == 1));
}

#[test]
fn an_alarm_that_is_heard_ends_its_incident_although_no_row_says_so() {
    let mut story = Story::<Live>::told(site(), "a clear; b clear; +20m");
    goes_out(&mut story, gateway(), &["a", "b"]);
    story.tell("a lost; b lost; +10m; b back; a back; +20m");
    assert_eq!(incidents(&story.desk), "gateway g 20 closed");
}
