use std::collections::BTreeSet;

use watchfire_model::grade::{Grade, PerGrade, word};
use watchfire_model::ladder::Direction;
use watchfire_model::rule::{Rule, Thresholds};
use watchfire_model::site::{Point, Site};

use super::mutant::{Moved, Sample};
use super::*;
use crate::evaluator::tests::world::{MINUTE, delay, point, rule, site};

/// One gauge that reports each minute, with steps of 0.1, at 1 to 4 with a margin of 0.1.
fn gauge() -> Point {
    Point { resolution: Some(0.1), ..point(0, "stage") }
}

fn county() -> Arc<Site> {
    site(vec![vec![gauge()]], vec![rule("stage", "stage")])
}

fn case(series: &str, expected: Vec<Due>) -> Case {
    let expected = expected.into_iter().map(|due| Expectation { rule: "r".into(), subject: "s0".into(), due });
    Case {
        start: Timestamp(0),
        series: vec![Series {
            point: PointIx(0),
            interval: Span::minutes(1),
            slots: notation::read(series).expect("the test's own series"),
        }],
        expected: expected.collect(),
    }
}

fn stands(minute: i64, grade: Option<Grade>, evidence: Ground) -> Due {
    let at = Some(Timestamp(minute * MINUTE));
    Due::Stands { at, grade: Some(grade), pending: None, evidence: Some(evidence) }
}

fn moves(list: &[(i64, Option<Grade>)]) -> Due {
    Due::Moves(list.iter().map(|(minute, grade)| (Timestamp(minute * MINUTE), *grade)).collect())
}

fn compiled(site: Arc<Site>) -> Arc<RuleSet> {
    Arc::new(RuleSet::compile(site).expect("a sound site"))
}

/// How a case turned out: `ok`, or what there was instead.
fn told(case: &Case, rules: &Arc<RuleSet>) -> Vec<String> {
    let tell = |verdict: Verdict| match verdict {
        Verdict { met: true, .. } => "ok".to_owned(),
        Verdict { got: Got::Stood(it), .. } => format!("{} {:?}", word(it.grade), it.evidence),
        Verdict { got: Got::Moved(moves), .. } => {
            let each = moves.iter().map(|it| format!("{}:{}", it.at.0 / MINUTE, word(it.grade)));
            each.collect::<Vec<_>>().join(" ")
        }
        Verdict { got: Got::Nobody, .. } => "nobody".to_owned(),
    };
    case.tell(rules).into_iter().map(tell).collect()
}

#[test]
fn a_case_is_judged_by_what_stands_and_by_what_moves() {
    let rules = compiled(county());
    let good = [stands(1, None, Ground::Good), stands(2, Some(Grade::Blue), Ground::Good)];
    let all = moves(&[(2, Some(Grade::Blue)), (4, Some(Grade::Orange)), (5, None)]);
    let series = "0.5x1 1 1 3.9 0.8";
    assert_eq!(told(&case(series, good.into_iter().chain([all]).collect()), &rules), ["ok", "ok", "ok"]);
    let wrong = vec![
        stands(3, Some(Grade::Red), Ground::Good),
        stands(3, Some(Grade::Blue), Ground::NoData),
        moves(&[]),
        moves(&[(2, Some(Grade::Blue)), (4, Some(Grade::Orange)), (5, None), (6, Some(Grade::Red))]),
    ];
    let moved = "2:blue 4:orange 5:clear";
    assert_eq!(told(&case(series, wrong), &rules), ["blue Good", "blue Good", moved, moved]);
}

/// Three minutes without a word: the grade is held, its evidence is gone, and the case lasts until then by itself.
#[test]
fn a_sensor_that_falls_silent_is_waited_for_and_ends_nothing() {
    let rules = compiled(county());
    let held = Due::Stands { at: None, grade: Some(Some(Grade::Red)), pending: None, evidence: Some(Ground::NoData) };
    assert_eq!(told(&case("0 0 4.5 4.5 stale", vec![held.clone()]), &rules), ["ok"]);
    let heard = told(&case("0 0 4.5 4.5", vec![held]), &rules);
    assert_eq!(heard, ["red Good"], "without `stale` the case ends with the series");
    let gap = vec![
        stands(5, Some(Grade::Red), Ground::Good),
        stands(6, Some(Grade::Red), Ground::NoData),
        stands(8, None, Ground::Good),
    ];
    assert_eq!(told(&case("0 0 4.5 4.5 _x3 0 0", gap), &rules), ["ok", "ok", "ok"]);
    let bad = vec![stands(3, Some(Grade::Red), Ground::Good), moves(&[(2, Some(Grade::Red))])];
    assert_eq!(told(&case("0 0 4.5 NaN null", bad), &rules), ["ok", "ok"], "what is no number says nothing");
}

#[test]
fn what_a_rule_does_not_judge_is_nobody() {
    let mut case = case("0 0", vec![stands(1, None, Ground::Good), moves(&[])]);
    case.expected.iter_mut().for_each(|expected| expected.subject = "s9".into());
    assert_eq!(told(&case, &compiled(county())), ["nobody", "nobody"]);
}

fn survivors(site: &Arc<Site>, cases: &[Case]) -> Vec<Moved> {
    let mut sample = Sample::of(site, &"r".into()).expect("a sound site").expect("it has the rule");
    assert!(sample.passes(cases), "the cases hold");
    let mutants = sample.mutants(&BTreeSet::from(["s0".into()]));
    let alive: Vec<Moved> =
        mutants.iter().filter(|mutant| sample.survives(mutant, cases)).map(|mutant| mutant.moved).collect();
    assert!(sample.passes(cases), "the rule is as it was");
    alive
}

/// Each number just met and just missed: nothing can be moved unnoticed. With one value less, its neighbour can.
#[test]
fn a_number_that_no_case_touches_survives() {
    let up = "0 0.9 1.0 1.9 2.0 2.9 3.0 3.9 4.0";
    let down = "3.9 3.8 2.9 2.8 1.9 1.8 0.9 0.8";
    let due = |minute: i64| {
        moves(&[
            (2, Some(Grade::Blue)),
            (4, Some(Grade::Yellow)),
            (6, Some(Grade::Orange)),
            (8, Some(Grade::Red)),
            (minute, Some(Grade::Orange)),
            (minute + 2, Some(Grade::Yellow)),
            (minute + 4, Some(Grade::Blue)),
            (minute + 6, None),
        ])
    };
    let county = county();
    assert_eq!(survivors(&county, &[case(&format!("{up} {down}"), vec![due(10)])]), []);
    let without = case(&format!("{up} 3.8 {}", down.trim_start_matches("3.9 3.8")), vec![due(9)]);
    let unnoticed = [Moved::LiftBelow { from: 3.9, to: 4.0 }, Moved::LiftOn { at: 3.9 }];
    assert_eq!(survivors(&county, &[without]), unnoticed, "nothing was said between 3.8 and 4.0");
}

#[test]
fn delays_are_moved_by_a_sample_or_an_interval_where_anybody_could_tell() {
    let slow = Rule {
        raise_after: PerGrade::all(delay(Some(2), Some(5))),
        lift_after: PerGrade::all(Span::minutes(3)),
        thresholds: Thresholds::Inline(PerGrade { red: Some(4.0), ..Default::default() }),
        ..rule("stage", "stage")
    };
    let site = site(vec![vec![gauge()]], vec![slow]);
    let early = case("0 4 4 4", vec![moves(&[(2, Some(Grade::Red))])]);
    let alive = survivors(&site, &[early]);
    assert!(alive.iter().all(|moved| !matches!(moved, Moved::RaiseAfter { .. })), "{alive:?}");
    assert_eq!(alive.iter().filter(|moved| matches!(moved, Moved::LiftAfter { .. })).count(), 2, "{alive:?}");
    let whole = case("0 3.9 3.9 4 4 3.9x4 3.8x5", vec![moves(&[(4, Some(Grade::Red)), (13, None)])]);
    assert_eq!(survivors(&site, &[whole]), []);
}

/// Lower is worse: what is moved towards danger goes down.
#[test]
fn a_falling_ladder_is_moved_the_other_way() {
    let dry = Point {
        thresholds: PerGrade { blue: Some(4.0), yellow: Some(3.0), ..Default::default() },
        direction: Direction::Falling,
        ..gauge()
    };
    let site = site(vec![vec![dry]], vec![rule("stage", "stage")]);
    let due = [(2, Some(Grade::Blue)), (4, Some(Grade::Yellow)), (6, Some(Grade::Blue)), (8, None)];
    assert_eq!(survivors(&site, &[case("9 4.1 4.0 3.1 3.0 3.1 3.2 4.1 4.2", vec![moves(&due)])]), []);
}
