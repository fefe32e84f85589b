//! Other rules under a life that goes on (SEMANTICS §8): what is judged alike notices nothing; a new text raises at once
//! and lowers as any grade is lowered; what is taken away comes back as it was, and is never counted anew.

use std::sync::Arc;

use watchfire_model::finding::Change;
use watchfire_model::grade::{Grade, PerGrade};
use watchfire_model::id::{RuleId, StationId};
use watchfire_model::reload::Orphans;
use watchfire_model::rule::{Class, Rule, Thresholds};
use watchfire_model::site::Site;
use watchfire_model::time::Span;

use super::world::{World, delay, one_to_four, point, rule, site};
use crate::ruleset::RuleSet;

fn patient() -> Rule {
    Rule {
        thresholds: Thresholds::Inline(one_to_four()),
        raise_after: PerGrade::all(delay(Some(2), None)),
        lift_after: PerGrade::all(Span::minutes(5)),
        ..rule("stage", "stage")
    }
}

fn higher(rule: Rule, by: f64) -> Rule {
    let raised = PerGrade::from_fn(|grade| Some(f64::from(grade.level()) + by));
    Rule { thresholds: Thresholds::Inline(raised), ..rule }
}

fn ruled(rules: Vec<Rule>) -> Arc<Site> {
    site(vec![vec![point(0, "stage")]], rules)
}

impl World {
    fn reload(&mut self, site: Arc<Site>, orphans: Orphans) {
        let rules = Arc::new(RuleSet::compile(site).expect("a sound site"));
        self.seq = self.seq.next();
        self.evaluator.reload(rules, self.seq, orphans, &mut self.findings);
    }
}

/// One station and `patient`, having heard these values a minute apart.
fn heard(rule: Rule, values: &[f64]) -> World {
    let mut world = World::new(ruled(vec![rule]));
    for (minute, value) in (0_i64..).zip(values) {
        world.hear(minute, *value);
    }
    world
}

#[test]
fn a_lower_threshold_raises_at_once_where_the_readings_say_so() {
    let mut world = heard(patient(), &[0.0, 0.0, 0.0, 0.6, 0.6]);
    let said = world.findings.len();
    world.reload(ruled(vec![higher(patient(), -0.5)]), Orphans::Hold);
    assert_eq!(world.changes(said), ["Raised blue"]);
    // One reading is less than the delay asks for.
    let mut world = heard(patient(), &[0.0, 0.0, 0.0, 0.6]);
    let said = world.findings.len();
    world.reload(ruled(vec![higher(patient(), -0.5)]), Orphans::Hold);
    assert_eq!((world.judged(), world.changes(said)), (None, vec!["Rewritten clear".to_owned()]));
    world.hear(4, 0.6);
    assert_eq!(world.judged(), Some(Grade::Blue));
}

#[test]
fn a_higher_threshold_ends_nothing_before_its_delay() {
    let mut world = heard(patient(), &[0.0, 0.0, 0.0, 3.2, 3.2]);
    assert_eq!(world.judged(), Some(Grade::Orange));
    let said = world.findings.len();
    world.reload(ruled(vec![higher(patient(), 0.5)]), Orphans::Hold);
    assert_eq!(world.changes(said), ["Rewritten orange"]);
    for minute in 5..10 {
        world.hear(minute, 3.2);
        assert_eq!(world.judged(), Some(Grade::Orange), "at {minute}");
    }
    world.hear(10, 3.2);
    assert_eq!(world.judged(), Some(Grade::Yellow));
}

#[test]
fn a_longer_delay_takes_nothing_back() {
    let mut world = heard(patient(), &[0.0, 0.0, 0.0, 3.2, 3.2]);
    let slow = Rule { raise_after: PerGrade::all(delay(Some(50), None)), ..patient() };
    world.reload(ruled(vec![slow]), Orphans::Hold);
    world.hear(5, 3.2);
    assert_eq!(world.judged(), Some(Grade::Orange));
}

#[test]
fn what_ran_under_the_old_text_counts_nothing_under_the_new() {
    // Two readings met the old blue; only one of them meets the new.
    let mut world =
        heard(Rule { raise_after: PerGrade::all(delay(Some(3), None)), ..patient() }, &[0.0, 0.0, 1.2, 1.8]);
    world.reload(ruled(vec![higher(patient(), 0.5)]), Orphans::Hold);
    assert_eq!(world.judged(), None);
    world.hear(4, 1.8);
    assert_eq!(world.judged(), Some(Grade::Blue));
}

#[test]
fn other_words_about_the_same_judgement_change_nothing() {
    let mut world = heard(patient(), &[0.0, 0.0, 0.0, 3.2, 3.2]);
    let (said, before) = (world.findings.len(), serde_json::to_value(world.evaluator.snapshot()).expect("plain data"));
    let reworded = Rule { response: "look".to_owned(), origin: "other.toml:9".to_owned(), ..patient() };
    world.reload(ruled(vec![reworded]), Orphans::Hold);
    assert_eq!(world.findings.len(), said);
    assert_eq!(serde_json::to_value(world.evaluator.snapshot()).expect("plain data"), before);
}

#[test]
fn a_new_name_goes_on_with_what_stood() {
    let mut world = heard(patient(), &[0.0, 0.0, 0.0, 3.2, 3.2]);
    let (said, n) = (world.findings.len(), world.findings.last().expect("it rose").n);
    let renamed = Rule { id: "level".into(), aliases: vec![RuleId::from("r")], ..patient() };
    let mut renamed = (*ruled(vec![renamed])).clone();
    renamed.stations[0].aliases = vec![StationId::from("s0")];
    renamed.stations[0].id = "qingshi".into();
    world.reload(Arc::new(renamed), Orphans::Hold);
    let view = world.evaluator.subjects().next().expect("one subject");
    assert_eq!(
        (view.rule.as_str(), view.subject.as_str(), view.judged, view.n),
        ("level", "qingshi", Some(Grade::Orange), n)
    );
    assert_eq!(world.findings.len(), said, "it is judged as before");
}

#[test]
fn a_rule_that_comes_back_stands_as_it_stood_and_counts_on() {
    let mut world = heard(patient(), &[0.0, 0.0, 0.0, 3.2, 3.2]);
    let n = world.findings.last().expect("it rose").n;
    let other = Rule { id: "other".into(), ..higher(patient(), 10.0) };
    world.reload(ruled(vec![other.clone()]), Orphans::Hold);
    world.restarts = true;
    world.hear(5, 3.2);
    world.reload(ruled(vec![patient()]), Orphans::Hold);
    let back = world.findings.last().expect("it says what stands");
    assert_eq!((back.change, back.judged, back.n), (Change::Rewritten, Some(Grade::Orange), n + 1));
    // Taken away and ended by a person, it comes back clear if the readings say so, and still counts on.
    world.reload(ruled(vec![other]), Orphans::AllClear);
    for minute in 6..20 {
        world.hear(minute, 0.0);
    }
    world.reload(ruled(vec![patient()]), Orphans::Hold);
    let back = world.findings.last().expect("it says what stands");
    assert_eq!((back.judged, back.n), (None, n + 2));
}

#[test]
fn a_new_rule_judges_what_is_known() {
    let mut world = heard(Rule { class: Class::Ordinary, ..higher(patient(), 10.0) }, &[0.0, 0.0, 0.0, 3.2, 3.2]);
    let new = Rule { id: "new".into(), ..patient() };
    let said = world.findings.len();
    world.reload(ruled(vec![higher(patient(), 10.0), new]), Orphans::Hold);
    assert!(world.changes(said).contains(&"Raised orange".to_owned()), "{:?}", world.changes(said));
}
