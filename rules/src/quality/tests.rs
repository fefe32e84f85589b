//! The gate by itself, as the series writers use it.

use watchfire_model::id::PointIx;
use watchfire_model::quality::{Checks, Flag};
use watchfire_model::quantity::Finite;
use watchfire_model::reading::Reading;
use watchfire_model::time::{Now, Span, Steady, Timestamp};

use super::memory::KEEP_SAMPLES;
use super::*;
use crate::evaluator::tests::world::{MINUTE, point, said, site};

mod qartod;

fn hear(gate: &mut Gate, reading: &Reading) -> Judged {
    gate.judge(Now { wall: reading.received_at, steady: Steady(reading.received_at.0) }, reading)
}

#[test]
fn every_check_has_its_say() {
    let mut gauge = point(0, "stage");
    gauge.range = Some((-1.0, 10.0));
    gauge.plausible = Some((0.0, 5.0));
    gauge.max_rate = Some((30.0, 30.0));
    gauge.sentinels = vec![-9_999.0];
    let mut gate = Gate::new(site(vec![vec![gauge]], Vec::new()));
    for minute in 0..4 {
        hear(&mut gate, &said(minute, 1.0));
    }
    for (minute, value, flag, checks) in [
        (4, -9_999.0, Flag::Missing, Checks::SENTINEL.with(Checks::RANGE).with(Checks::RATE)),
        (5, 11.0, Flag::Fail, Checks::RANGE.with(Checks::SATURATED).with(Checks::RATE)),
        (6, -0.5, Flag::Suspect, Checks::RANGE.with(Checks::GAP)),
        (7, 4.5, Flag::Suspect, Checks::RATE),
        (8, 4.5, Flag::Good, Checks::NONE),
        (20, 4.5, Flag::Good, Checks::GAP),
    ] {
        let judged = hear(&mut gate, &said(minute, value));
        assert_eq!((judged.flag, judged.checks), (flag, checks), "{value}");
    }
    assert_eq!(gate.point(PointIx(0)).map(PointGate::health), Some(Health::Good));
    let unknown = hear(&mut gate, &Reading { point: PointIx(9), ..said(21, 1.0) });
    assert_eq!(unknown.outcome, Outcome::Refused);
}

#[test]
fn the_list_and_the_names_agree() {
    for check in CHECKS {
        assert!(!check.name.is_empty() && check.bit != Checks::NONE);
    }
}

#[test]
fn a_frozen_clock_that_is_ahead_is_no_repeat_while_values_change() {
    let mut gate = Gate::new(site(vec![vec![point(0, "stage")]], Vec::new()));
    let frozen = |minute: i64, value| Reading { observed_at: Timestamp(9_999 * MINUTE), ..said(minute, value) };
    assert!(matches!(hear(&mut gate, &frozen(0, 1.0)).outcome, Outcome::Ahead(_)));
    assert_eq!(hear(&mut gate, &frozen(1, 1.0)).outcome, Outcome::Repeat);
    assert!(
        matches!(hear(&mut gate, &frozen(2, 1.5)).outcome, Outcome::Ahead(seen) if seen.at == Timestamp(2 * MINUTE))
    );
    assert!(matches!(hear(&mut gate, &said(3, 1.0)).outcome, Outcome::Fresh(_)));
}

#[test]
fn what_is_kept_is_bounded() {
    let mut second = point(0, "stage");
    second.interval = Span::seconds(1);
    let idle = keep_for(&second, Span::ZERO);
    assert_eq!(idle.samples, KEEP_SAMPLES);
    assert!(keep_for(&second, Span::hours(1)).samples > 4 * 3_600);
    assert_eq!(late_window(&second), Span::minutes(10));
}
