//! What is said of what rules cost.

use std::path::Path;

use super::*;
use crate::config;

const SITE: &str = r#"
[site]
name = "one"
authority = "county"
issuer = "i"
sender = "s.example"
contact = "0"
zone = "Asia/Shanghai"
languages = ["zh-CN"]

[[area]]
id = "a"
name = "A"

[[station]]
id = "bridge"
name = "Bridge"
area = "a"

[[station.point]]
id = "stage"
quantity = "stage"
unit = "m"
interval = "5m"
"#;

/// A rule set of these rules, each with its measure.
fn rules(all: &[(&str, &str)]) -> Arc<RuleSet> {
    let rule = |(id, measure): &(&str, &str)| {
        format!(
            "\n[[rule]]\nid = \"{id}\"\nhazard = \"river_flood\"\nwatch = {{ quantity = \"stage\" }}\nmeasure = \"{measure}\"\n\
             unit = \"m\"\nladder = {{ blue = 10 }}\nlift_margin = \"1 m\"\nresponse = \"look\"\nconsequence = \"water\"\n\
             time_to_respond = \"1h\"\n"
        )
    };
    let text = format!("packs = [\"river\"]\n{SITE}{}", all.iter().map(rule).collect::<String>());
    let settings = config::load_str(&text, Path::new(".")).unwrap_or_else(|problems| panic!("{problems}"));
    settings.rules
}

fn of(costs: &Costs, id: &str) -> Cost {
    let (rules, all) = costs.all();
    let place = rules.site().rules.iter().position(|rule| rule.id.as_str() == id).expect("there is such a rule");
    all[place]
}

#[test]
fn times_stand_for_the_evaluations_in_between() {
    let costs = Costs::of(rules(&[("cheap", "stage"), ("dear", "stage + 0.0")]));
    costs.took(0, 1, 200);
    costs.took(0, 80, 200);
    costs.took(1, 1, 3_000_000);
    costs.took(1, 1, 1_000_000);
    costs.judged(Duration::from_micros(8_000));
    let (cheap, dear) = (of(&costs, "cheap"), of(&costs, "dear"));
    assert_eq!((cheap.evaluations, cheap.timed, cheap.mean()), (81, 2, Duration::from_nanos(200)));
    assert_eq!((dear.evaluations, dear.mean(), dear.worst), (2, Duration::from_millis(2), Duration::from_millis(3)));
    assert!((dear.share - 0.5).abs() < 1e-9 && (dear.of_budget() - 0.06).abs() < 1e-9, "{dear:?}");
    assert_eq!((dear.over_budget, costs.over_budget()), (0, 0));
    costs.took(1, 1, 50_000_001);
    assert_eq!((of(&costs, "dear").over_budget, costs.over_budget()), (1, 1));
}

#[test]
fn a_moment_in_which_the_machine_ran_something_else_counts_once() {
    let costs = Costs::of(rules(&[("one", "stage")]));
    costs.took(0, 1, 200);
    costs.took(0, 80, 5_000_000);
    costs.took(0, 1, 200);
    costs.took(0, 80, 200);
    let one = of(&costs, "one");
    assert_eq!((one.evaluations, one.worst), (162, Duration::from_millis(5)));
    assert_eq!(one.spent, Duration::from_nanos(161 * 200 + 5_000_000));
}

#[test]
fn what_costs_more_is_timed_more_often_and_taking_times_costs_half_a_hundredth_at_most() {
    let costs = Costs::of(rules(&[("one", "stage")]));
    for nanoseconds in [0, 1, 150, 700, 5_000, 16_000, 50_000_000] {
        let next = u64::from(costs.took(0, 1, nanoseconds));
        let (wanted, all) = (TAKING * ONE_IN, next * nanoseconds);
        assert!(next == SELDOM || (wanted..wanted + nanoseconds).contains(&all), "{nanoseconds}: {next}");
    }
    assert_eq!(costs.took(0, 1, 16_000), 1, "each of them");
    assert!(costs.took(7, 1, 500) > 1, "a rule that is gone is nobody's");
}

#[test]
fn a_reload_goes_on_with_what_measures_the_same_wherever_it_stands_and_begins_anew_with_what_does_not() {
    let costs = Costs::of(rules(&[("kept", "stage"), ("changed", "stage + 0.0"), ("gone", "stage - 1.0")]));
    for rule in 0..3 {
        costs.took(rule, 10, 1_000);
    }
    costs.judged(Duration::from_millis(1));
    costs.judge_by(rules(&[("fresh", "stage"), ("changed", "stage + 1.0"), ("kept", "stage")]));
    assert_eq!(of(&costs, "kept").evaluations, 10);
    assert_eq!((of(&costs, "changed").evaluations, of(&costs, "fresh").evaluations), (0, 0));
    // Of what was judged since it is there: what was before is none of its doing.
    costs.took(1, 1, 1_000_000);
    costs.judged(Duration::from_millis(2));
    assert!((of(&costs, "changed").share - 0.5).abs() < 1e-9);
}
