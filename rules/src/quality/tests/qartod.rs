//! The flags of ioos_qc 3.0.0 (Apache-2.0, https://github.com/ioos/ioos_qc), the reference for QARTOD's tests, on its own
//! vectors and on real readings; and where we say something else, on purpose. It judges a series afterwards, we each value
//! as it comes: of the newest it always says "not evaluated" for a spike, we say what it is and convict it later.

use watchfire_model::quality::{Checks, Flag};
use watchfire_model::quantity::Bad;
use watchfire_model::reading::Reading;
use watchfire_model::scrutiny::{Flat, Scrutiny, Spike, SpikeBy};
use watchfire_model::site::Point;
use watchfire_model::time::{Now, Span, Steady};

use super::*;
use crate::evaluator::tests::world::{point, said, site};

const QUARTER: i64 = 15;

/// A gauge that reports every fifteen minutes.
fn gauge() -> Point {
    Point { interval: Span::minutes(QUARTER), ..point(0, "stage") }
}

fn closer(scrutiny: Scrutiny) -> Point {
    Point { scrutiny: Some(Box::new(scrutiny)), ..gauge() }
}

/// What we say of each value in the end, in QARTOD's numbers. That a sensor is not proven yet is not the checks' word.
fn judged(gauge: Point, values: &[Option<f64>]) -> String {
    let mut gate = Gate::new(site(vec![vec![gauge]], Vec::new()));
    let mut flags: Vec<Flag> = Vec::new();
    for (place, value) in (0_i64..).zip(values) {
        let reading = Reading { value: value.ok_or(Bad::Absent).and_then(Finite::new), ..said(place * QUARTER, 0.0) };
        let now = Now { wall: reading.received_at, steady: Steady(reading.received_at.0) };
        let said = gate.judge(now, &reading);
        if let Some(convicted) = said.convicted {
            let place = usize::try_from(convicted.sample.at.0 / (QUARTER * 60_000)).expect("few");
            flags[place] = convicted.flag;
        }
        flags.push(if said.flag == Flag::NotEvaluated { Flag::Good } else { said.flag });
    }
    flags.iter().map(|flag| flag.code().to_string()).collect()
}

fn all(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().copied().map(Some).collect()
}

/// Where two rows of flags differ: place, theirs, ours.
fn differences(theirs: &str, ours: &str) -> Vec<(usize, char, char)> {
    assert_eq!(theirs.len(), ours.len());
    let pairs = theirs.chars().zip(ours.chars()).enumerate();
    pairs.filter(|(_, (theirs, ours))| theirs != ours).map(|(place, (theirs, ours))| (place, theirs, ours)).collect()
}

#[test]
fn gross_range() {
    let both = Point { range: Some((0.0, 10.0)), plausible: Some((1.0, 9.0)), ..gauge() };
    let mut values = all(&[-5.0, 0.0, 1.0, 2.5, 3.0, 9.9, 10.0, 10.1, 0.0, 50.0, -0.1]);
    values[8] = None;
    assert_eq!(differences("43111334944", &judged(both, &values)), []);
    let fail_only = Point { range: Some((0.0, 99.0)), ..gauge() };
    let mut values = all(&[0.0, 0.0001, -0.0001, 0.0, 99.0]);
    values[3] = None;
    // At the end of its span a sensor may be saturated: what is there may be more.
    assert_eq!(differences("11491", &judged(fail_only, &values)), [(4, '1', '3')]);
}

fn spikes() -> Vec<Option<f64>> {
    let mut values = all(&[3.0, 4.99, 5.0, 6.0, 8.0, 6.0, 6.0, 6.75, 6.0, 6.0, 5.3, 6.0, 6.0, 9.0, 5.0, 0.0, 4.0, 4.0]);
    values[15] = None;
    values
}

fn spike(by: SpikeBy, suspect: f64, fail: f64) -> Point {
    closer(Scrutiny { spike: Some(Spike { by, suspect, fail: Some(fail) }), ..Scrutiny::default() })
}

#[test]
fn spike_by_average() {
    let ours = judged(spike(SpikeBy::Average, 0.25, 0.5), &spikes());
    // The first, those beside the missing one and the last have no two neighbours: they say 2, we keep what was said when
    // they came. Across the missing one it is half an hour from 5 to 4, which counts as covered: 5 is far from their mean.
    let expected = [(0, '2', '1'), (14, '2', '4'), (16, '2', '3'), (17, '2', '1')];
    assert_eq!(differences("243344343343442922", &ours), expected);
}

#[test]
fn spike_by_the_smaller_step() {
    let ours = judged(spike(SpikeBy::Differential, 0.25, 0.5), &spikes());
    let expected = [(0, '2', '1'), (14, '2', '1'), (16, '2', '1'), (17, '2', '1')];
    assert_eq!(differences("211141141141142922", &ours), expected);
}

#[test]
fn flat_line() {
    let flat = Flat {
        tolerance: 0.01,
        suspect_after: Some(Span::seconds(2_700)),
        stuck_after: Some(Span::seconds(4_500)),
        beside: None,
    };
    let gauge = closer(Scrutiny { flat: Some(flat), ..Scrutiny::default() });
    let values = [1.0, 2.0, 2.0001, 2.0, 2.0001, 2.0, 2.0, 2.0, 2.0, 2.0, 4.0, 5.0, 3.0, 3.0001, 3.0005, 3.00001];
    assert_eq!(differences("1111334444111113", &judged(gauge, &all(&values))), []);
}

#[test]
fn rate_of_change() {
    let per_hour = 0.001 * 3_600.0;
    let gauge = Point { max_rate: Some((per_hour, per_hour)), ..gauge() };
    let mut values = all(&[2.0, 2.1, 2.2, 9.0, 9.05, 9.0, 0.0, 2.0, 2.1, 2.1]);
    values[6] = None;
    // A missing value is no excuse for the next one: seven metres in half an hour are too fast, too.
    assert_eq!(differences("1113119111", &judged(gauge, &values)), [(7, '1', '3')]);
}

/// ioos_qc truncates the time between two samples to whole seconds, and finds 1.2 in 1.5 s faster than 1 in 1 s.
#[test]
fn a_rate_is_taken_over_the_true_time() {
    let sharp = Point { interval: Span(1_500), max_rate: Some((3_600.0, 3_600.0)), ..point(0, "stage") };
    let mut gate = Gate::new(site(vec![vec![sharp]], Vec::new()));
    let mut hear = |ms: i64, value: f64| {
        let at = Timestamp(ms);
        let reading = Reading { observed_at: at, received_at: at, ..said(0, value) };
        gate.judge(Now { wall: at, steady: Steady(ms) }, &reading).checks.has(Checks::RATE)
    };
    assert_eq!([hear(0, 0.0), hear(1_500, 1.2), hear(3_000, 2.8)], [false, false, true]);
}

fn hebden() -> Vec<f64> {
    let text = include_str!("hebden-bridge.txt");
    let numbers = text.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace);
    numbers.map(|number| number.parse().expect("a number")).collect()
}

const SPIKES: [usize; 7] = [176, 177, 178, 180, 184, 314, 318];
const RATES: [usize; 26] = [
    169, 170, 177, 179, 180, 181, 182, 183, 184, 188, 263, 264, 276, 294, 295, 308, 313, 315, 316, 317, 318, 321, 322,
    324, 336, 338,
];

/// A row of flags: good but for those that are suspect.
fn suspect_at(places: &[usize]) -> String {
    (0..400).map(|place| if places.contains(&place) { '3' } else { '1' }).collect()
}

#[test]
fn four_days_at_hebden_bridge() {
    let values = all(&hebden());
    assert_eq!(values.len(), 400);
    let range = Point { range: Some((-1.0, 8.0)), plausible: Some((-0.5, 5.0)), ..gauge() };
    assert_eq!(differences(&suspect_at(&[]), &judged(range, &values)), []);
    let flat = Flat {
        tolerance: 0.0005,
        suspect_after: Some(Span::seconds(5_400)),
        stuck_after: Some(Span::seconds(10_800)),
        beside: None,
    };
    let flat = closer(Scrutiny { flat: Some(flat), ..Scrutiny::default() });
    assert_eq!(differences(&suspect_at(&[]), &judged(flat, &values)), []);
    let spiky = judged(spike(SpikeBy::Average, 0.01, 0.05), &values);
    // 0.120, 0.128 and 0.156 m: on paper it is 0.010 m from their mean, not more; in binary it is a trace more.
    assert_eq!(differences(&suspect_at(&SPIKES), &spiky), [(314, '3', '1')]);
    // They compare with the value before only: at 181 the level has come back to within reach of the last good one. And
    // nine millimetres in a quarter of an hour are just what is allowed, whatever is left of them in binary.
    let just_allowed = [321, 324, 336, 338].map(|place| (place, '3', '1'));
    let quick = Point { max_rate: Some((0.036, 0.036)), ..gauge() };
    assert_eq!(
        differences(&suspect_at(&RATES), &judged(quick, &values)),
        [&[(181, '3', '1')], &just_allowed[..]].concat()
    );
}
