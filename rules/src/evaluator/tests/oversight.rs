//! Scripts that fail inside, and rules that were stopped since their script did not come back.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use watchfire_model::finding::Evidence;
use watchfire_model::grade::Grade;
use watchfire_model::id::Seq;
use watchfire_model::reload::Orphans;
use watchfire_model::row::Row;
use watchfire_model::rule::{Measure, Rule};
use watchfire_model::site::Site;
use watchfire_model::time::Now;

use super::world::{MINUTE, World, point, rule, site};
use crate::engine::Overseer;
use crate::evaluator::bundle::{Bundle, FORMAT};
use crate::evaluator::{Evaluator, EvaluatorState, Stopped, SubjectView};
use crate::ruleset::RuleSet;

/// Makes the first rule's script panic, while it is told to.
#[derive(Debug, Default)]
struct Saboteur(AtomicBool);

impl Overseer for Saboteur {
    fn judges_by(&self, _: &Arc<Site>) {}

    fn begins(&self, rule: usize) {
        assert!(rule != 0 || !self.0.load(Relaxed), "the index is 7 and the length is 3");
    }

    fn ends(&self) {}
}

fn scripted(id: &str, measure: &str) -> Rule {
    Rule { id: id.into(), measure: Measure::Expression(measure.to_owned()), ..rule("stage", "stage") }
}

/// Two rules over one point: a sick one and a sound one.
fn two(sick: &str) -> Arc<Site> {
    site(vec![vec![point(0, "stage")]], vec![scripted("sick", sick), scripted("sound", "stage * 1.0")])
}

fn stopped(measure: &str) -> Stopped {
    Stopped {
        rule: "sick".into(),
        measure: Measure::Expression(measure.to_owned()),
        why: "it did not come back".to_owned(),
    }
}

fn of<'a>(evaluator: &'a Evaluator, rule: &str) -> SubjectView<'a> {
    evaluator.subjects().find(|subject| subject.rule.as_str() == rule).expect("it is judged")
}

fn error(evaluator: &Evaluator, rule: &str) -> Option<String> {
    match of(evaluator, rule).evidence {
        Evidence::RuleError { message } => Some(message),
        _ => None,
    }
}

#[test]
fn a_panic_is_its_own_rule_s_error_holds_its_grade_and_nobody_else_s() {
    let mut world = World::new(two("stage + 0.0"));
    let saboteur = Arc::new(Saboteur::default());
    world.evaluator.oversee(Arc::clone(&saboteur) as Arc<dyn Overseer>);
    world.hear(0, 3.0);
    saboteur.0.store(true, Relaxed);
    world.hear(1, 4.0);
    let (sick, sound) = (of(&world.evaluator, "sick"), of(&world.evaluator, "sound"));
    assert_eq!((sick.judged, sound.judged), (Some(Grade::Orange), Some(Grade::Red)));
    let message = error(&world.evaluator, "sick").expect("it failed");
    assert_eq!(message, "a function of the program failed: the index is 7 and the length is 3");
    assert_eq!(sound.evidence, Evidence::Good);
    world.hear(2, 0.0);
    assert_eq!(of(&world.evaluator, "sick").judged, Some(Grade::Orange), "held");
    saboteur.0.store(false, Relaxed);
    world.hear(3, 4.0);
    assert_eq!(of(&world.evaluator, "sick").judged, Some(Grade::Red));
    assert_eq!(error(&world.evaluator, "sick"), None);
}

#[test]
fn a_panic_leaves_nothing_in_the_windows() {
    let story = |sabotaged: bool| {
        let mut world = World::new(two("stage.mean(\"5m\") + 0.0"));
        let saboteur = Arc::new(Saboteur::default());
        world.evaluator.oversee(Arc::clone(&saboteur) as Arc<dyn Overseer>);
        for (minute, value) in (0..).zip([1.0, 2.0, 4.0, 1.0, 3.0, 2.0, 2.0, 5.0]) {
            saboteur.0.store(sabotaged && minute == 6, Relaxed);
            world.hear(minute, value);
        }
        of(&world.evaluator, "sick").value
    };
    assert!(story(false).is_some());
    assert_eq!(story(true), story(false));
}

#[test]
fn a_stopped_rule_says_so_at_once_holds_its_grade_and_stays_stopped_through_restarts() {
    let mut world = World::new(two("stage + 0.0"));
    world.hear(0, 3.0);
    let before = world.findings.len();
    world.seq = world.seq.next();
    world.evaluator.stop(Now::at(MINUTE), world.seq, stopped("stage + 0.0"), &mut world.findings);
    let said: Vec<&str> = world.findings.iter().skip(before).map(|finding| finding.rule.as_str()).collect();
    assert_eq!(said, ["sick"]);
    assert_eq!(error(&world.evaluator, "sick").as_deref(), Some("it did not come back"));
    for _ in 0..2 {
        let text = serde_json::to_string(&world.evaluator.snapshot()).expect("it can be written");
        let state: EvaluatorState = serde_json::from_str(&text).expect("it can be read");
        world.evaluator = Evaluator::restore(Arc::clone(world.evaluator.rules()), state);
        world.hear(2, 0.0);
        assert_eq!(of(&world.evaluator, "sick").judged, Some(Grade::Orange), "held");
        assert_eq!(of(&world.evaluator, "sound").judged, None);
    }
    assert_eq!(error(&world.evaluator, "sick").as_deref(), Some("it did not come back"));
}

#[test]
fn another_measure_is_evaluated_again_and_the_same_one_is_not() {
    let mut world = World::new(two("stage + 0.0"));
    world.hear(0, 3.0);
    world.evaluator.stop(Now::at(MINUTE), Seq(2), stopped("stage + 0.0"), &mut world.findings);
    let mut reload = |measure: &str, seq| {
        let rules = Arc::new(RuleSet::compile(two(measure)).expect("a sound site"));
        world.evaluator.reload(rules, Seq(seq), Orphans::Hold, &mut world.findings);
        (error(&world.evaluator, "sick").is_some(), world.evaluator.stopped().len())
    };
    assert_eq!(reload("stage + 0.0", 3), (true, 1));
    assert_eq!(reload("stage + 0.5", 4), (false, 0));
    assert_eq!(reload("stage + 0.0", 5), (false, 0), "whoever writes it again tries it again");
}

#[test]
fn a_rule_is_stopped_before_the_reload_that_brings_it_runs_it() {
    let mut world = World::new(two("stage + 0.0"));
    world.hear(0, 3.0);
    let saboteur = Arc::new(Saboteur::default());
    saboteur.0.store(true, Relaxed);
    world.evaluator.oversee(saboteur);
    world.evaluator.stop(Now::at(MINUTE), Seq(2), stopped("stage + 0.5"), &mut world.findings);
    assert_eq!(error(&world.evaluator, "sick"), None);
    let rules = Arc::new(RuleSet::compile(two("stage + 0.5")).expect("a sound site"));
    world.evaluator.reload(rules, Seq(2), Orphans::Hold, &mut world.findings);
    assert_eq!(error(&world.evaluator, "sick").as_deref(), Some("it did not come back"));
}

#[test]
fn the_finding_of_a_stop_is_made_again_from_its_evidence() {
    let mut world = World::new(two("stage + 0.0"));
    world.hear(0, 3.0);
    let state = world.evaluator.snapshot();
    let mut found = Vec::new();
    world.evaluator.stop(Now::at(MINUTE), Seq(2), stopped("stage + 0.0"), &mut found);
    let finding = found.first().expect("the stop was said").clone();
    let site = two("stage + 0.0");
    let bundle = |stopped| Bundle {
        format: FORMAT,
        finding: finding.clone(),
        now: Now::at(MINUTE),
        row: Row::Tick,
        site: site.as_ref().clone(),
        next: None,
        stopped,
        state: state.clone(),
    };
    assert!(bundle(vec![stopped("stage + 0.0")]).reproduces());
    assert!(bundle(vec![stopped("stage + 0.0")]).narrowed().reproduces());
    assert!(!bundle(Vec::new()).reproduces());
}

/// Takes every fourth time, and notes which were taken.
#[derive(Debug, Default)]
struct Clockwork(Mutex<Vec<(usize, u32)>>, AtomicBool);

impl Overseer for Clockwork {
    fn judges_by(&self, _: &Arc<Site>) {}
    fn begins(&self, _rule: usize) {
        assert!(self.1.load(Relaxed) || self.0.lock().is_ok(), "a script is part of what is timed");
    }

    fn ends(&self) {}

    fn clocks(&self) {
        assert!(!self.1.swap(true, Relaxed), "one evaluation at a time");
    }

    fn clocked(&self, rule: usize, evaluations: u32) -> u32 {
        assert!(self.1.swap(false, Relaxed), "what ends has begun");
        self.0.lock().expect("nobody panicked").push((rule, evaluations));
        4
    }
}

#[test]
fn the_first_evaluation_of_each_rule_is_timed_and_then_as_seldom_as_asked_whichever_way_it_is_judged() {
    let rules =
        vec![scripted("script", "stage + 0.0"), rule("stage", "stage"), scripted("other", "stage.mean(\"5m\")")];
    let mut world = World::new(site(vec![vec![point(0, "stage")]], rules));
    let clockwork = Arc::new(Clockwork::default());
    world.evaluator.oversee(Arc::clone(&clockwork) as Arc<dyn Overseer>);
    for minute in 0..9 {
        world.hear(minute, 1.0);
    }
    let of_all = |evaluations: u32| (0..3).map(move |rule| (rule, evaluations));
    let expected: Vec<(usize, u32)> = of_all(1).chain(of_all(4)).chain(of_all(4)).collect();
    assert_eq!(*clockwork.0.lock().expect("nobody panicked"), expected);
}

#[test]
fn after_a_reload_the_new_rules_are_timed_from_their_first_evaluation_on() {
    let mut world = World::new(two("stage + 0.0"));
    let clockwork = Arc::new(Clockwork::default());
    world.evaluator.oversee(Arc::clone(&clockwork) as Arc<dyn Overseer>);
    world.hear(0, 1.0);
    let after = site(vec![vec![point(0, "stage")]], vec![scripted("sound", "stage * 1.0")]);
    let after = Arc::new(RuleSet::compile(after).expect("it is sound"));
    world.evaluator.reload(after, Seq(1_000), Orphans::Hold, &mut Vec::new());
    world.hear(1, 1.0);
    assert_eq!(*clockwork.0.lock().expect("nobody panicked"), [(0, 1), (1, 1), (0, 1)]);
}
