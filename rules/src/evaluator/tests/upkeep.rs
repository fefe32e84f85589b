//! Stories of sensors that people are at: calibrations by command and by the device's own word, and new devices.

use watchfire_model::finding::{Evidence, FaultCause};
use watchfire_model::grade::{Grade, PerGrade};
use watchfire_model::incident::Sensor;
use watchfire_model::quality::{Checks, Flag};
use watchfire_model::reading::PointState;
use watchfire_model::rule::Rule;
use watchfire_model::scrutiny::{self, Scrutiny};
use watchfire_model::site::Point;
use watchfire_model::time::{Now, Span, Steady, Timestamp};
use watchfire_model::upkeep::{Correction, Swap, Turn, Upkeep, Work};

use super::world::{MINUTE, World, point, rule};
use super::{ordinary, stage};

/// What a person does at a minute, and what became of it.
fn work(world: &mut World, minute: i64, work: Work) -> Turn {
    let seq = world.seq.next();
    world.seq = seq;
    let sensor = Sensor { station: "s0".into(), point: "stage".into() };
    let (command, who, why) = (format!("c{}", seq.0).into(), "wang".into(), "the yearly check".to_owned());
    let upkeep = Upkeep { command, sensor, work, who, why };
    world.evaluator.upkeep(Now::at(minute * MINUTE), seq, &upkeep, &mut world.findings);
    world.evaluator.tended().last().expect("it is answered").turn.clone()
}

fn until(minute: i64) -> Work {
    Work::Calibrate { until: Steady(minute * MINUTE), ends: Timestamp(minute * MINUTE) }
}

fn evidence(world: &World) -> Evidence {
    world.evaluator.subjects().next().expect("one subject").evidence
}

/// A gauge that was heard for four minutes, once with a restart after everything and once with none.
fn begun(rule: &Rule, values: [f64; 4]) -> [World; 2] {
    [false, true].map(|restarts| {
        let mut world = World::of_stage(point(0, "stage"), rule.clone());
        (0..).zip(values).for_each(|(minute, value)| _ = world.hear(minute, value));
        world.restarts = restarts;
        world
    })
}

#[test]
fn what_is_said_in_a_calibration_is_heard_and_is_no_measurement() {
    for mut world in begun(&stage(), [0.0, 0.1, 0.0, 2.2]) {
        assert!(matches!(work(&mut world, 4, until(34)), Turn::Began { by: Some(_), .. }));
        assert_eq!(evidence(&world), Evidence::Calibrating);
        for minute in 5..34 {
            let seen = world.hear(minute, 0.0);
            assert_eq!((seen.flag, seen.checks), (Flag::NotEvaluated, Checks::DEVICE_STATE), "{minute}");
        }
        assert_eq!((world.judged(), evidence(&world)), (Some(Grade::Yellow), Evidence::Calibrating), "held");
        // It ends by itself, with whatever row comes first.
        world.hear(34, 2.3);
        assert_eq!(world.evaluator.tended().iter().map(|it| &it.turn).collect::<Vec<_>>(), [&Turn::Ended]);
        assert_eq!(evidence(&world), Evidence::Good);
        world.hear(35, 0.0);
        assert_eq!(world.judged(), None, "an instant rule waits for no proof");
    }
}

#[test]
fn a_calibration_is_over_at_its_end_although_nothing_is_heard_and_silence_shows_only_then() {
    for mut world in begun(&stage(), [0.0; 4]) {
        work(&mut world, 4, until(34));
        world.tick(20);
        assert_eq!(evidence(&world), Evidence::Calibrating, "it lies on the bench");
        let due = world.evaluator.next_deadline().expect("it waits for the end");
        assert!(due <= Steady(34 * MINUTE), "{due:?}");
        world.tick(34);
        assert!(matches!(evidence(&world), Evidence::NoData { .. }), "{:?}", evidence(&world));
        assert_eq!(work(&mut world, 35, Work::Return), Turn::Nothing);
    }
}

#[test]
fn over_the_limit_is_said_once_for_each_grade_and_again_in_the_next_calibration() {
    for mut world in begun(&ordinary(), [0.0; 4]) {
        let from = world.findings.len();
        work(&mut world, 4, until(34));
        for (minute, value) in (5..).zip([2.5, 2.6, 4.5, 4.5]) {
            world.hear(minute, value);
        }
        assert_eq!(work(&mut world, 10, Work::Return), Turn::Ended);
        world.hear(11, 0.1);
        work(&mut world, 12, until(20));
        world.hear(13, 4.5);
        let over = |finding: &&watchfire_model::finding::Finding| {
            finding.change == watchfire_model::finding::Change::OverInCalibration
        };
        let said: Vec<_> = world.findings[from..].iter().filter(over).collect();
        let told: Vec<_> =
            said.iter().map(|finding| (finding.at.0 / MINUTE, finding.pending, finding.judged)).collect();
        let (yellow, red) = (Some(Grade::Yellow), Some(Grade::Red));
        assert_eq!(told, [(5, yellow, None), (7, red, None), (13, red, None)]);
        assert_eq!(
            (said[1].value, said[1].causes[0].value, said[1].causes[0].station.as_str()),
            (Some(4.5), 4.5, "s0")
        );
    }
}

#[test]
fn what_was_said_in_a_calibration_is_no_measurement_when_it_comes_late_or_again() {
    for mut world in begun(&stage(), [0.0; 4]) {
        work(&mut world, 4, until(34));
        world.hear(5, 4.5);
        work(&mut world, 6, Work::Return);
        world.hear(7, 0.0);
        world.hear_late(5, 8, 4.5);
        world.hear_late(4, 8, 4.4);
        assert_eq!(world.judged(), None);
        // What is older than it is a reading like any other.
        world.hear_late(3, 8, 2.2);
        assert_eq!(world.judged(), Some(Grade::Yellow));
    }
}

#[test]
fn what_the_device_opens_is_a_fault_unless_a_person_answers_for_it() {
    let unattended = Evidence::Fault { cause: FaultCause::Unattended };
    for mut world in begun(&stage(), [0.0; 4]) {
        world.hear_state(4, 0.1, PointState::Calibrating);
        assert_eq!(world.evaluator.tended()[0].turn, Turn::Began { by: None, why: String::new(), ends: None });
        for minute in 5..14 {
            world.hear_state(minute, 0.1, PointState::Calibrating);
            assert_eq!(evidence(&world), Evidence::Calibrating, "{minute}");
        }
        world.hear_state(14, 0.1, PointState::Calibrating);
        assert_eq!(world.evaluator.tended()[0].turn, Turn::Unattended);
        assert_eq!(evidence(&world), unattended);
        assert_eq!(work(&mut world, 15, Work::Accept), Turn::Accepted { by: "wang".into() });
        assert_eq!(evidence(&world), Evidence::Calibrating);
        assert_eq!(work(&mut world, 16, Work::Accept), Turn::Nothing);
        world.hear(17, 0.1);
        assert_eq!(world.evaluator.tended()[0].turn, Turn::Ended);
        assert_eq!(evidence(&world), Evidence::Good);
    }
    for mut world in begun(&stage(), [0.0; 4]) {
        world.hear_state(4, 0.1, PointState::Calibrating);
        work(&mut world, 5, Work::Accept);
        for minute in 6..60 {
            world.hear_state(minute, 0.1, PointState::Calibrating);
            assert_eq!(evidence(&world), Evidence::Calibrating, "{minute}");
        }
    }
}

/// A gauge whose device is replaced at minute 10.
fn replaced() -> Point {
    let device = |serial: &str, minute: i64| scrutiny::Sensor {
        serial: serial.to_owned(),
        from: Timestamp(minute * MINUTE),
        to: None,
        offset: 0.0,
        scale: 1.0,
    };
    let sensors = vec![device("A1", 0), device("B7", 10)];
    let scrutiny = Scrutiny { sensors, datum_jump: Some(5.0), ..Scrutiny::default() };
    Point { scrutiny: Some(Box::new(scrutiny)), ..point(0, "stage") }
}

#[test]
fn a_new_device_is_believed_once_a_person_has_taken_it_over() {
    for taken_over in [false, true] {
        let rule = Rule { lift_after: PerGrade::all(Span::hours(9)), ..ordinary() };
        let mut world = World::of_stage(replaced(), rule);
        (0..10).for_each(|minute| _ = world.hear(minute, 1.0));
        assert_eq!(world.hear(10, 1.5).flag, Flag::NotEvaluated, "its first");
        if taken_over {
            let swap = Swap { last: 1.0, first: 1.5, expected: None };
            assert_eq!(work(&mut world, 10, Work::Commission), Turn::Commissioned { swap: Some(swap) });
        }
        let flag = world.hear(11, 4.2).flag;
        assert_eq!(flag, if taken_over { Flag::Good } else { Flag::NotEvaluated });
        assert_eq!(world.judged(), Some(if taken_over { Grade::Red } else { Grade::Orange }));
    }
}

/// SEMANTICS §8, poisoned history: for an hour it spoke in another scale.
#[test]
fn what_is_declared_invalid_is_no_measurement_and_what_rests_on_it_is_proposed_and_stands() {
    let declared = |from, to| Work::Invalidate { from: Timestamp(from * MINUTE), to: Timestamp(to * MINUTE) };
    let rule = Rule { lift_after: PerGrade::all(Span::minutes(5)), ..stage() };
    for mut world in begun(&rule, [0.0, 2.1, 2.1, 2.1]) {
        (4..30).for_each(|minute| _ = world.hear(minute, 42.0));
        assert_eq!(world.judged(), Some(Grade::Red));
        let Turn::Invalidated(said) = work(&mut world, 30, declared(4, 29)) else { panic!("it is done") };
        let correction =
            Correction { rule: "r".into(), subject: "s0".into(), stands: Grade::Red, without: Some(Grade::Yellow) };
        // Of its 26 readings so many are still at hand.
        assert_eq!((said.samples, said.corrections), (17, vec![correction]));
        assert_eq!(world.judged(), Some(Grade::Red), "nothing is taken back by itself");
        // What is heard of that time later says nothing either.
        assert_eq!(world.hear_late(20, 30, 43.0).flag, Flag::NotEvaluated);
        // Good readings end it, as ever.
        (30..36).for_each(|minute| _ = world.hear(minute, 0.5));
        assert_eq!(world.judged(), None);
        // What ends before it begins is nothing.
        assert_eq!(work(&mut world, 36, declared(40, 39)), Turn::Nothing);
    }
}

#[test]
fn what_invalid_readings_hid_comes_to_light() {
    let declared = Work::Invalidate { from: Timestamp(4 * MINUTE), to: Timestamp(5 * MINUTE) };
    let mean = Rule { measure: rule("river", "stage.mean(\"10m\")").measure, ..stage() };
    for mut world in begun(&mean, [3.5, 3.5, 3.5, 3.5]) {
        world.hear(4, -40.0);
        world.hear(5, -40.0);
        world.hear(6, 3.5);
        assert_eq!(world.judged(), None, "the mean of them is far below");
        let Turn::Invalidated(said) = work(&mut world, 7, declared) else { panic!("it is done") };
        assert_eq!((said.samples, said.corrections.len(), world.judged()), (2, 0, Some(Grade::Orange)));
    }
}
