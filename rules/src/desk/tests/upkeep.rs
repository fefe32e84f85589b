//! Who may be at a sensor, what becomes of it, and who hears what it says meanwhile.

use watchfire_model::{
    bulletin::MessageClass,
    command::{Act, Refusal},
    finding::{Cause, Change, Evidence, Finding},
    grade::{Grade, PerGrade},
    id::Seq,
    incident::Sensor,
    mode::Live,
    rule::Release,
    time::{Span, Timestamp},
    upkeep::{Correction, Invalidation, Tended, Turn, Upkeep, Work},
    warning::{Warning, What},
};

use super::super::{
    Input,
    event::Event,
    story::{Story, automatic, key, rule, site},
};

fn sensor(station: &str) -> Sensor {
    Sensor { station: station.into(), point: "stage".into() }
}

fn read(story: &Story<Live>, station: &str, value: f64) -> Cause {
    Cause {
        station: station.into(),
        point: "stage".into(),
        at: story.now.wall,
        value,
        flag: Default::default(),
        checks: Default::default(),
    }
}

/// A finding of a rule about a station that reads its gauge.
fn found(story: &mut Story<Live>, rule: &str, station: &str, what: &str) {
    let causes = vec![read(story, station, 50.0)];
    let finding = Finding { causes, ..story.finding(rule, station, what) };
    let _ = story.step(Input::Finding(finding));
}

fn calibrate(story: &mut Story<Live>, who: &str, station: &str) -> Result<(), Refusal> {
    story.command(who, Act::Calibrate { sensor: sensor(station), lasting: Span::minutes(30) })
}

/// What an Evaluator says of a sensor, to the last work granted where it answers one.
fn became(story: &mut Story<Live>, station: &str, turn: Turn, answers: bool) {
    let command = story.desk.upkeeps().next().filter(|_| answers).map(|upkeep| upkeep.command.clone());
    let seq = Seq(u64::try_from(story.record.len()).expect("small"));
    let tended = Tended { sensor: sensor(station), seq, at: story.now.wall, command, turn };
    let _ = story.step(Input::Tended(tended));
}

fn began(story: &mut Story<Live>, station: &str) {
    let turn = Turn::Began { by: Some("wang".into()), why: "as seen".to_owned(), ends: None };
    became(story, station, turn, true);
}

fn granted(story: &Story<Live>) -> Vec<Upkeep> {
    story.desk.upkeeps().cloned().collect()
}

#[test]
fn what_is_granted_waits_for_an_evaluator_and_survives_a_restart() {
    let mut story = Story::<Live>::begin(site());
    found(&mut story, "stage", "a", "clear");
    calibrate(&mut story, "wang", "a").expect("nothing stands");
    let upkeep = &granted(&story)[0];
    assert_eq!((upkeep.who.as_str(), &upkeep.sensor), ("wang", &sensor("a")));
    assert!(matches!(upkeep.work, Work::Calibrate { .. }));
    assert!(story.restarted() == story.desk);
    began(&mut story, "a");
    assert_eq!(granted(&story), []);
    let tending = story.desk.sensors().next().expect("it is looked after");
    assert_eq!(tending.calibration.as_ref().and_then(|it| it.by.clone()), Some("wang".into()));
    story.command("li", Act::GiveBack { sensor: sensor("a") }).expect("it is being calibrated");
    became(&mut story, "a", Turn::Ended, true);
    assert!(story.desk.sensors().all(|tending| tending.calibration.is_none()));
    assert!(story.restarted() == story.desk);
    let again = story.command("li", Act::GiveBack { sensor: sensor("a") });
    assert_eq!(again.expect_err("it is over").to_string(), "no person is calibrating a/stage");
}

#[test]
fn from_yellow_on_it_takes_a_second_person() {
    let mut story = Story::<Live>::begin(site());
    found(&mut story, "stage", "a", "yellow");
    calibrate(&mut story, "wang", "a").expect("it is noted");
    assert_eq!(granted(&story), [], "one person is not enough");
    assert!(matches!(calibrate(&mut story, "Wang ", "a"), Err(Refusal::SamePerson { .. })));
    story.pass(Span::minutes(11));
    calibrate(&mut story, "li", "a").expect("asked anew: the first has run out");
    assert_eq!(granted(&story), []);
    calibrate(&mut story, "wang", "a").expect("the second person");
    assert_eq!(granted(&story).len(), 1);
    assert!(story.restarted() == story.desk);
}

#[test]
fn another_independent_sensor_on_the_subject_stands_in_for_it() {
    let second = |independent: bool| {
        let mut site = site();
        site.rules.push(rule("flow", "river_flood"));
        // The second gauge stands at the same station.
        site.points.push(watchfire_model::site::Point { id: "flow".into(), ..site.points[0].clone() });
        site.stations[0].points.push(watchfire_model::id::PointIx(4));
        site.stations[0].gateway = (!independent).then(|| "gw".into());
        let mut story = Story::<Live>::begin(site);
        found(&mut story, "stage", "a", "yellow");
        let causes = vec![Cause { point: "flow".into(), ..read(&story, "a", 3.0) }];
        let finding = Finding { causes, ..story.finding("flow", "a", "clear") };
        let _ = story.step(Input::Finding(finding));
        calibrate(&mut story, "wang", "a").expect("granted or noted");
        granted(&story).len()
    };
    assert_eq!(second(true), 1);
    assert_eq!(second(false), 0, "what hangs on the same gateway may be wrong for the same reason");
}

#[test]
fn a_sensor_that_nobody_knows_and_a_time_without_end_are_refused() {
    let mut story = Story::<Live>::begin(site());
    assert!(matches!(calibrate(&mut story, "wang", "nowhere"), Err(Refusal::Unknown { .. })));
    for lasting in [Span::ZERO, Span::hours(25)] {
        let refused = story.command("wang", Act::Calibrate { sensor: sensor("a"), lasting });
        assert_eq!(refused.expect_err("no end").to_string(), "a calibration has an end, within 1d");
    }
    let refused = story.command("wang", Act::AcceptCalibration { sensor: sensor("a") });
    assert_eq!(refused.expect_err("none").to_string(), "a/stage is not being calibrated");
}

#[test]
fn a_person_answers_for_what_the_device_began() {
    let mut story = Story::<Live>::begin(site());
    found(&mut story, "stage", "a", "clear");
    became(&mut story, "a", Turn::Began { by: None, why: String::new(), ends: None }, false);
    story.command("wang", Act::AcceptCalibration { sensor: sensor("a") }).expect("nobody does yet");
    became(&mut story, "a", Turn::Accepted { by: "wang".into() }, true);
    let twice = story.command("li", Act::AcceptCalibration { sensor: sensor("a") });
    assert_eq!(twice.expect_err("wang does").to_string(), "wang answers for the calibration of a/stage");
}

/// 标校中超限.
#[test]
fn over_the_limit_while_calibrating_is_told_to_those_on_duty_and_to_nobody_else() {
    let mut story = Story::<Live>::begin(automatic());
    found(&mut story, "stage", "a", "clear");
    calibrate(&mut story, "wang", "a").expect("nothing stands");
    began(&mut story, "a");
    let causes = vec![read(&story, "a", 51.0)];
    let over = Finding { causes, ..story.finding("stage", "a", "calibrating") };
    let _ = story.step(Input::Finding(over));
    assert_eq!(story.said(), "i raised red");
    let bulletin = story.bulletins().last().expect("it was told");
    let texts: Vec<&str> = bulletin.texts.iter().map(|text| text.headline.as_str()).collect();
    assert!(texts[0].starts_with("【标校中超限】"), "{texts:?}");
    assert!(texts[1].starts_with("Over the limit while calibrating: "), "{texts:?}");
    let alarm = story.alarm("calibrating:stage", "a").expect("an alarm of its own");
    assert_eq!(alarm.standing(), Some(Grade::Red));
    assert_eq!(story.alarm("stage", "a").and_then(|alarm| alarm.judged), None, "nothing is judged by it");
    assert!(alarm.attention.is_unacked());
    // With a real yellow beside it the public hears of the yellow and no more.
    found(&mut story, "stage", "b", "yellow");
    assert_eq!(story.said(), "i raised red, p raised yellow");
    became(&mut story, "a", Turn::Ended, false);
    assert_eq!(story.said(), "i raised red, p raised yellow, i downgraded yellow");
    assert!(story.restarted() == story.desk);
    let line = story.desk.story_of(&key("calibrating:stage", "a"))[0].note.clone();
    assert_eq!(line, "over red while it is being calibrated");
}

#[test]
fn a_calibration_that_nobody_answers_for_calls_a_person_though_its_evidence_was_lost_already() {
    let mut story = Story::<Live>::begin(site());
    found(&mut story, "stage", "a", "clear");
    let told = |evidence: Evidence, story: &mut Story<Live>| {
        let finding = Finding { change: Change::Evidence, evidence, ..story.finding("stage", "a", "back") };
        let _ = story.step(Input::Finding(finding));
    };
    told(Evidence::Calibrating, &mut story);
    story.tell("zhang acks a fault");
    let unattended = Evidence::Fault { cause: watchfire_model::finding::FaultCause::Unattended };
    told(unattended, &mut story);
    assert!(story.alarm("stage", "a").expect("spoken").fault_attention.is_unacked());
}

#[test]
fn what_rests_on_invalid_readings_is_laid_before_people_and_stands() {
    let mut story = Story::<Live>::begin(automatic());
    found(&mut story, "stage", "a", "red");
    let (from, to) = (story.now.wall - Span::hours(2), story.now.wall);
    let declare = |from, to| Act::Invalidate { sensor: sensor("a"), from, to };
    for (from, to) in [(to, from), (from, to + Span(1)), (to - Span::days(8), to), (Timestamp(i64::MIN), to)] {
        assert!(matches!(story.command("wang", declare(from, to)), Err(Refusal::NotNow { .. })), "{from} {to}");
    }
    story.command("wang", declare(from, to)).expect("it is over");
    assert_eq!(granted(&story).iter().map(|it| it.work).collect::<Vec<_>>(), [Work::Invalidate { from, to }]);
    let correction =
        Correction { rule: "stage".into(), subject: "a".into(), stands: Grade::Red, without: Some(Grade::Blue) };
    let (by, why) = ("wang".into(), "as seen".to_owned());
    let said = Invalidation { by, why, from, to, samples: 17, corrections: vec![correction] };
    became(&mut story, "a", Turn::Invalidated(Box::new(said.clone())), true);
    let stands = story.alarm("stage", "a").and_then(|alarm| alarm.standing());
    assert_eq!(stands, Some(Grade::Red), "a person decides");
    assert!(granted(&story).is_empty());
    let notes = story.record.iter().flat_map(|(_, _, events)| events).filter_map(|event| match event {
        Event::AlarmNoted { entry, .. } if entry.what == What::Invalidated => Some(entry.note.as_str()),
        _ => None,
    });
    let notes: Vec<&str> = notes.collect();
    assert_eq!(notes.len(), 2, "who declared it, and what rests on it");
    let proposed = "red rests on readings that are invalid; without them it would be blue: a person decides";
    assert_eq!(notes[1], proposed);
    assert!(story.restarted() == story.desk);
    assert_eq!(story.desk.sensors().next().and_then(|it| it.invalidated.as_deref()), Some(&said));
}

/// `a` stands at red and `b` at what is said, and the public knows; then what `a` rests on is declared invalid, and without
/// it `a` would be at `left`.
fn told_on_what_is_none(site: watchfire_model::site::Site, b: &str, left: Option<Grade>) -> Story<Live> {
    let mut story = Story::<Live>::begin(site);
    found(&mut story, "stage", "b", b);
    found(&mut story, "stage", "a", "red");
    if story.last(|warning| warning.waiting.is_some()).1 {
        story.tell("zhang signs");
    }
    declared_invalid(&mut story, left);
    story
}

/// What red of `a` rests on is declared invalid; without it `a` would be at `left`.
fn declared_invalid(story: &mut Story<Live>, left: Option<Grade>) {
    let (from, to) = (story.now.wall - Span::hours(2), story.now.wall);
    let corrections = vec![Correction { rule: "stage".into(), subject: "a".into(), stands: Grade::Red, without: left }];
    let (by, why) = ("wang".into(), "feet for metres".to_owned());
    let said = Invalidation { by, why, from, to, samples: 17, corrections };
    became(story, "a", Turn::Invalidated(Box::new(said)), false);
}

fn correct(story: &mut Story<Live>, who: &str) -> Result<(), Refusal> {
    let (warning, version) = story.last(|warning| warning.version);
    story.command(who, Act::Correct { warning, version })
}

#[test]
fn a_correction_is_prepared_and_goes_out_by_a_person_alone() {
    let mut story = told_on_what_is_none(automatic(), "blue", Some(Grade::Blue));
    let before = story.said();
    let prepared = story.last(|warning| warning.correction.clone()).1.expect("it is prepared");
    assert_eq!((prepared.class, prepared.grade), (MessageClass::Correct, Some(Grade::Blue)));
    assert!(prepared.because.contains("feet for metres (wang)"), "{}", prepared.because);
    story.pass(Span::minutes(30));
    assert!(!story.said().contains("corrected"), "nothing goes out by itself: {}", story.said());
    assert!(story.restarted() == story.desk);

    correct(&mut story, "li").expect("it is prepared");
    let said = story.said();
    assert!(said.starts_with(&before) && said.ends_with("i corrected blue, p corrected blue"), "{said}");
    let bulletin = story.bulletins().last().expect("it was told");
    assert_eq!(bulletin.class.cap(), "Update");
    assert!(!bulletin.references.is_empty() && bulletin.measured.iter().all(|it| it.subject.as_str() != "a"));
    assert!(bulletin.texts.iter().any(|text| text.description.contains("特此更正")), "{:?}", bulletin.texts);
    assert_eq!(story.alarm("stage", "a").and_then(|alarm| alarm.standing()), Some(Grade::Blue));
    assert!(story.restarted() == story.desk);
    let again = correct(&mut story, "li").expect_err("it is done").to_string();
    assert!(again.starts_with("no correction of"), "{again}");
}

#[test]
fn where_nothing_is_left_the_correction_withdraws_the_warning() {
    let mut story = told_on_what_is_none(site(), "clear", None);
    let prepared = story.last(|warning| warning.correction.clone()).1.expect("it is prepared");
    assert_eq!((prepared.class, prepared.grade), (MessageClass::Cancel, None));
    correct(&mut story, "li").expect("it is prepared");
    assert!(story.said().ends_with("i cancelled red, p cancelled red"), "{}", story.said());
    assert!(story.restarted() == story.desk);
}

#[test]
fn what_the_public_was_not_told_or_what_others_hold_needs_no_correction() {
    let held = told_on_what_is_none(automatic(), "red", None);
    assert_eq!(held.last(|warning| warning.correction.clone()).1, None, "b holds red by itself");
    let noted = |warning: &Warning| warning.timeline.iter().any(|entry| entry.note.contains("correction"));
    assert!(!held.last(noted).1, "and nothing is said of one");
    let mut story = told_on_what_is_none(automatic(), "clear", None);
    story.tell("b red");
    assert_eq!(story.last(|warning| warning.correction.clone()).1, None, "b has come to hold it");
    let refused = correct(&mut story, "li").expect_err("it is dropped").to_string();
    assert!(refused.starts_with("no correction of"), "{refused}");
    assert!(story.restarted() == story.desk);
}

#[test]
fn a_rise_since_then_drops_what_was_prepared() {
    let mut story = told_on_what_is_none(automatic(), "blue", Some(Grade::Blue));
    story.tell("a clear; a red");
    assert_eq!(story.last(|warning| warning.correction.clone()).1, None);
    assert!(story.restarted() == story.desk);
}

#[test]
fn where_lowering_takes_two_a_correction_takes_two() {
    let mut site = automatic();
    site.hazards.iter_mut().for_each(|hazard| hazard.release.lower = PerGrade::all(Release::Two));
    let mut story = told_on_what_is_none(site, "blue", Some(Grade::Blue));
    correct(&mut story, "li").expect("the first");
    assert!(!story.said().contains("corrected"), "{}", story.said());
    assert!(matches!(correct(&mut story, "Li "), Err(Refusal::SamePerson { .. })));
    declared_invalid(&mut story, Some(Grade::Blue));
    let signed = story.last(|warning| warning.correction.as_ref().map(|it| it.signed.len())).1;
    assert_eq!(signed, Some(1), "what is said again asks nobody again");
    correct(&mut story, "wang").expect("the second");
    assert!(story.said().ends_with("p corrected blue"), "{}", story.said());
}

#[test]
fn a_spike_that_reached_the_public_has_its_correction_prepared() {
    let mut story = Story::<Live>::begin(automatic());
    found(&mut story, "stage", "b", "blue");
    found(&mut story, "stage", "a", "red");
    let spike = Finding { change: Change::Retracted, judged: None, ..story.finding("stage", "a", "back") };
    let _ = story.step(Input::Finding(spike));
    assert_eq!(story.alarm("stage", "a").and_then(|alarm| alarm.standing()), Some(Grade::Red), "a person decides");
    let prepared = story.last(|warning| warning.correction.clone()).1.expect("it is prepared");
    assert_eq!((prepared.class, prepared.grade), (MessageClass::Correct, Some(Grade::Blue)));
    correct(&mut story, "li").expect("it is prepared");
    assert!(story.said().ends_with("i corrected blue, p corrected blue"), "{}", story.said());
}
