//! Every closer check by itself, with the gate around it.

use watchfire_model::finding::FaultCause;
use watchfire_model::id::PointIx;
use watchfire_model::quality::{Checks, Flag};
use watchfire_model::reading::Reading;
use watchfire_model::scrutiny::{
    Attenuated, Beside, Flat, Liveliness, Neighbour, Neighbours, Oscillation, Scrutiny, Season, Spike, SpikeBy,
};
use watchfire_model::site::{Kind, Point};
use watchfire_model::time::{Civil, Now, Span, Steady, Timestamp, Zone};

use super::*;
use crate::evaluator::tests::world::{MINUTE, point, said, site};
use crate::quality::{Gate, Health, Judged, Outcome, PointGate};

/// A gauge to the centimetre that reports once a minute.
fn gauge(scrutiny: Scrutiny) -> Point {
    Point { resolution: Some(0.01), scrutiny: Some(Box::new(scrutiny)), ..point(0, "stage") }
}

fn gate_of(points: Vec<Point>) -> Gate {
    Gate::new(site(vec![points], Vec::new()))
}

fn hear(gate: &mut Gate, reading: Reading) -> Judged {
    gate.judge(Now { wall: reading.received_at, steady: Steady(reading.received_at.0) }, &reading)
}

fn of(point: u32, minute: i64, value: f64) -> Reading {
    Reading { point: PointIx(point), ..said(minute, value) }
}

/// Tells the values, one a minute; what is said of each, in QARTOD's numbers, with 2 for 1.
fn flags(gate: &mut Gate, values: &[f64]) -> String {
    let said = (0..).zip(values).map(|(minute, value)| hear(gate, said(minute, *value)).flag.max(Flag::NotEvaluated));
    said.map(|flag| flag.code().to_string()).collect()
}

fn flat(flat: Flat) -> Scrutiny {
    Scrutiny { flat: Some(flat), ..Scrutiny::default() }
}

fn still(suspect: Option<i64>, stuck: Option<i64>) -> Flat {
    let (suspect_after, stuck_after) = (suspect.map(Span::minutes), stuck.map(Span::minutes));
    Flat { tolerance: 0.0, suspect_after, stuck_after, beside: None }
}

#[test]
fn what_stands_still_is_suspect_and_then_stuck() {
    let mut gate = gate_of(vec![gauge(flat(still(Some(3), Some(5))))]);
    assert_eq!(flags(&mut gate, &[1.0, 2.0, 2.01, 2.0, 2.0, 2.0, 2.01, 2.0]), "22223344");
    assert_eq!(gate.point(PointIx(0)).map(PointGate::health), Some(Health::Fault(FaultCause::Stuck)));
    // It moves: three good values, and it is believed again.
    for (minute, value) in [(8, 2.2), (9, 2.3), (10, 2.4)] {
        assert!(matches!(hear(&mut gate, said(minute, value)).outcome, Outcome::Fresh(_)));
    }
    assert_eq!(gate.point(PointIx(0)).map(PointGate::health), Some(Health::Good));
}

#[test]
fn what_is_stuck_is_heard() {
    let mut gate = gate_of(vec![gauge(flat(still(None, Some(2))))]);
    flags(&mut gate, &[2.0, 2.0, 2.0, 2.0]);
    assert_eq!(gate.point(PointIx(0)).and_then(PointGate::heard), Some(Steady(3 * MINUTE)));
}

#[test]
fn within_the_resolution_nothing_has_moved_and_beyond_it_it_has() {
    let coarse = Point { resolution: Some(0.05), ..gauge(flat(still(None, Some(3)))) };
    assert_eq!(flags(&mut gate_of(vec![coarse]), &[2.0, 2.05, 2.0, 2.05, 2.0]), "22244");
    let fine = Point { resolution: Some(0.01), ..gauge(flat(still(None, Some(3)))) };
    assert_eq!(flags(&mut gate_of(vec![fine]), &[2.0, 2.05, 2.0, 2.05, 2.0]), "22222");
}

/// A gauge that stands at 0.00, and another.
fn beside(other: Point) -> Gate {
    let beside = Beside { points: vec![PointIx(1)], after: Span::minutes(10), moved: 0.3 };
    gate_of(vec![gauge(flat(Flat { beside: Some(beside), ..still(None, None) })), other])
}

#[test]
fn a_gauge_that_stands_at_zero_while_its_neighbour_rises_is_stuck() {
    let mut gate = beside(point(0, "upper"));
    let mut stuck_at = None;
    for minute in 0..60 {
        let rise = if minute < 30 { 0.0 } else { 0.1 * f64::from(i32::try_from(minute - 29).expect("small")) };
        hear(&mut gate, of(1, minute, 5.0 + rise));
        if hear(&mut gate, of(0, minute, 0.0)).flag == Flag::Fail {
            stuck_at.get_or_insert(minute);
        }
    }
    // The neighbour had risen by 0.30 m at minute 32; what rose had half of the ten minutes to arrive.
    assert_eq!(stuck_at, Some(37));
    assert_eq!(gate.point(PointIx(0)).map(PointGate::health), Some(Health::Fault(FaultCause::Stuck)));
}

#[test]
fn a_dry_gauge_beside_a_still_neighbour_is_only_dry() {
    let mut gate = beside(point(0, "upper"));
    for minute in 0..600 {
        hear(&mut gate, of(1, minute, 5.0 + 0.02 * f64::from(i32::try_from(minute % 3).expect("small"))));
        assert!(hear(&mut gate, of(0, minute, 0.0)).flag <= Flag::NotEvaluated);
    }
}

#[test]
fn rain_is_what_moves_a_gauge_by_its_sum() {
    let mut gate = beside(Point { kind: Kind::Increment, ..point(0, "rain") });
    let mut judged = Vec::new();
    for minute in 0..20 {
        hear(&mut gate, of(1, minute, 0.1));
        judged.push(hear(&mut gate, of(0, minute, 0.0)).flag);
    }
    assert_eq!(judged.iter().position(|flag| *flag == Flag::Fail), Some(10));
}

#[test]
fn a_signal_that_hardly_moves_is_suspect() {
    let attenuated = |by, below| Attenuated { over: Span::minutes(6), by, below };
    let closer = |attenuated| gauge(Scrutiny { attenuated: Some(attenuated), ..Scrutiny::default() });
    let lively = [1.0, 1.5, 1.0, 1.5, 1.0, 1.5, 1.0, 1.5];
    let faint = [1.0, 1.01, 1.03, 1.01, 1.03, 1.01, 1.03, 1.01];
    for by in [Liveliness::Range, Liveliness::Deviation] {
        assert_eq!(flags(&mut gate_of(vec![closer(attenuated(by, 0.04))]), &lively), "22222222", "{by:?}");
        assert_eq!(flags(&mut gate_of(vec![closer(attenuated(by, 0.04))]), &faint), "22222333", "{by:?}");
    }
    // Six values within 0.02 m deviate by 0.01 m from their mean.
    assert_eq!(flags(&mut gate_of(vec![closer(attenuated(Liveliness::Deviation, 0.009))]), &faint), "22222222");
}

#[test]
fn a_signal_that_swings_is_suspect_and_one_that_trembles_is_not() {
    let wild = Oscillation { over: Span::minutes(10), turns: 4, swing: 0.5 };
    let closer = || gauge(Scrutiny { oscillation: Some(wild), ..Scrutiny::default() });
    assert_eq!(flags(&mut gate_of(vec![closer()]), &[1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0]), "2222233");
    assert_eq!(flags(&mut gate_of(vec![closer()]), &[1.0, 1.4, 1.0, 1.4, 1.0, 1.4, 1.0]), "2222222");
    // Up once and down once is a flood, however steep.
    assert_eq!(flags(&mut gate_of(vec![closer()]), &[1.0, 2.0, 3.0, 4.0, 3.0, 2.0, 1.0]), "2222222");
}

#[test]
fn what_is_usual_depends_on_the_season_at_the_place() {
    let dry = Season { days: ((11, 1), (3, 31)), hours: (0, 24), usual: (0.0, 3.0) };
    let wet = Season { days: ((4, 1), (10, 31)), hours: (0, 24), usual: (0.0, 9.0) };
    let gauge = gauge(Scrutiny { climate: vec![dry, wet], ..Scrutiny::default() });
    let mut place = (*site(vec![vec![gauge]], Vec::new())).clone();
    place.zone = Zone { name: "Asia/Shanghai".to_owned(), offsets: vec![(Timestamp(0), 28_800)] };
    let mut gate = Gate::new(place.into());
    let at = |month, day, hour| {
        let civil = Civil { year: 2026, month, day, hour, minute: 0, second: 0, millisecond: 0 };
        Timestamp::from_civil(civil)
    };
    for (at, value, flag) in [
        (at(1, 15, 0), 4.0, Flag::Suspect),
        // 31 March, 15:59 in Greenwich is still March in Shanghai, 16:00 is April.
        (Timestamp(at(3, 31, 16).0 - MINUTE), 4.0, Flag::Suspect),
        (at(3, 31, 16), 4.01, Flag::NotEvaluated),
        (at(7, 1, 0), 9.5, Flag::Suspect),
        (at(12, 1, 0), 3.5, Flag::Suspect),
    ] {
        let judged = hear(&mut gate, Reading { observed_at: at, received_at: at, ..said(0, value) });
        assert_eq!(judged.flag.max(Flag::NotEvaluated), flag, "{at} {value}");
        assert_eq!(judged.checks.has(Checks::RANGE), flag == Flag::Suspect);
    }
}

#[test]
fn a_season_may_be_a_part_of_the_day() {
    let night = Season { days: ((1, 1), (12, 31)), hours: (22, 6), usual: (-10.0, 15.0) };
    let mut gate = gate_of(vec![gauge(Scrutiny { climate: vec![night], ..Scrutiny::default() })]);
    let mut at_hour = |hour: i64| hear(&mut gate, said(hour * 60, 20.0)).flag == Flag::Suspect;
    assert_eq!([5, 6, 21, 22, 23, 24].map(&mut at_hour), [true, false, false, true, true, true]);
}

/// A gauge with three others of the kind; one of them reads half a metre higher, by another datum.
fn among_others() -> Gate {
    let others = [(1, 0.0, 1.0), (2, 0.0, 1.0), (3, -0.5, 1.0)];
    let neighbour = |(point, offset, scale)| Neighbour { point: PointIx(point), offset, scale };
    let neighbours = Neighbours { points: others.map(neighbour).to_vec(), suspect: 0.3 };
    let scrutiny = Scrutiny { neighbours: Some(neighbours), ..Scrutiny::default() };
    gate_of(vec![gauge(scrutiny), point(0, "a"), point(0, "b"), point(0, "c")])
}

#[test]
fn a_value_far_from_the_middle_of_its_neighbours_is_suspect() {
    let mut gate = among_others();
    let mut told = |minute, [ours, a, b, c]: [f64; 4]| {
        for (point, value) in [(1, a), (2, b), (3, c)] {
            hear(&mut gate, of(point, minute, value));
        }
        hear(&mut gate, of(0, minute, ours)).flag == Flag::Suspect
    };
    assert!(!told(0, [2.0, 2.1, 1.9, 2.5]));
    assert!(told(1, [2.6, 2.1, 2.0, 2.5]));
    // All rise together.
    assert!(!told(2, [4.0, 4.1, 3.9, 4.6]));
    // One neighbour gone wild is outvoted.
    assert!(!told(3, [4.0, 99.0, 3.9, 4.6]));
}

#[test]
fn neighbours_that_say_nothing_now_give_no_verdict() {
    let mut gate = among_others();
    for point in [1, 2, 3] {
        hear(&mut gate, of(point, 0, 2.0));
    }
    assert_eq!(hear(&mut gate, of(0, 1, 9.0)).flag, Flag::Suspect);
    // One of three is too few.
    hear(&mut gate, of(1, 30, 2.0));
    assert!(hear(&mut gate, of(0, 30, 9.5)).flag < Flag::Suspect);
}

fn spiky(by: SpikeBy) -> Gate {
    let spike = Spike { by, suspect: 0.5, fail: Some(2.0) };
    gate_of(vec![gauge(Scrutiny { spike: Some(spike), ..Scrutiny::default() })])
}

#[test]
fn a_spike_is_told_one_sample_later() {
    let mut gate = spiky(SpikeBy::Differential);
    for (minute, value) in [(0, 1.0), (1, 1.0), (2, 1.0), (3, 1.0), (4, 1.8)] {
        assert_eq!(hear(&mut gate, said(minute, value)).convicted, None);
    }
    let after = hear(&mut gate, said(5, 1.0));
    assert_eq!(after.flag, Flag::Good);
    let convicted = after.convicted.expect("1.80 m stands alone");
    assert_eq!((convicted.sample.value, convicted.sample.flag), (1.8, Flag::Good));
    assert_eq!((convicted.flag, convicted.checks), (Flag::Suspect, Checks::SPIKE));
    let kept: Vec<(f64, Flag)> = gate.points()[0].series().iter().map(|s| (s.value, s.flag)).skip(3).collect();
    assert_eq!(kept, [(1.0, Flag::Good), (1.8, Flag::Suspect), (1.0, Flag::Good)]);
}

#[test]
fn a_spike_that_cannot_be_is_no_sample_any_more_and_not_forgotten() {
    let mut gate = spiky(SpikeBy::Differential);
    flags(&mut gate, &[1.0, 1.0, 1.0, 1.0, 9.0]);
    assert_eq!(hear(&mut gate, said(5, 1.0)).convicted.map(|convicted| convicted.flag), Some(Flag::Fail));
    assert_eq!(gate.points()[0].series().iter().map(|sample| sample.value).fold(0.0, f64::max), 1.0);
    assert_eq!(hear(&mut gate, said(4, 9.0)).outcome, Outcome::Repeat);
}

#[test]
fn a_step_a_slope_and_a_value_beside_a_gap_are_no_spikes() {
    for values in [[1.0, 1.0, 4.0, 4.0, 4.0, 4.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [5.0, 4.0, 3.0, 1.0, 1.0, 1.0]] {
        let mut gate = spiky(SpikeBy::Differential);
        for (minute, value) in (0..).zip(values) {
            assert_eq!(hear(&mut gate, said(minute, value)).convicted, None, "{values:?}");
        }
    }
    let mut gate = spiky(SpikeBy::Differential);
    for (minute, value) in [(0, 1.0), (1, 9.0), (30, 1.0)] {
        assert_eq!(hear(&mut gate, said(minute, value)).convicted, None);
    }
}

#[test]
fn the_average_also_convicts_those_beside_a_spike() {
    let mut gate = spiky(SpikeBy::Average);
    let convicted = |(minute, value): (i64, f64)| hear(&mut gate, said(minute, value)).convicted.map(|c| c.flag);
    let told: Vec<_> = (0..).zip([1.0, 1.0, 5.0, 1.0, 1.0]).map(convicted).collect();
    assert_eq!(told, [None, None, Some(Flag::Suspect), Some(Flag::Fail), Some(Flag::Suspect)]);
}

#[test]
fn the_list_and_the_names_agree() {
    for check in CLOSER {
        assert!(!check.name.is_empty() && check.bit != Checks::NONE);
    }
}

#[test]
fn a_point_without_a_closer_look_remembers_nothing_of_its_course() {
    let mut gate = gate_of(vec![point(0, "stage")]);
    flags(&mut gate, &[1.0, 2.0, 3.0]);
    let kept = serde_json::to_string(&gate.points()[0]).expect("plain data");
    assert!(!kept.contains("course"), "{kept}");
}
