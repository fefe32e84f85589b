//! The rules in force, and what each of them costs: for whoever wrote one that takes the time of the others.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Query;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use watchfire_model::rule::Rule;
use watchfire_rules::ruleset::Way;

use super::State;
use super::paging::page;
use super::problem::Problem;
use crate::vigil::costs::{BUDGET, Cost};

/// A page of rules.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    limit: Option<u32>,
    /// The cursor of the page before.
    after: Option<String>,
    #[serde(default)]
    order: Order,
}

/// In which order.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Order {
    /// By their ids.
    #[default]
    Id,
    /// What has taken most time first. Costs move: a rule may be on two pages, or on none.
    Cost,
}

/// A rule.
#[derive(Serialize)]
struct RuleShown<'a> {
    id: &'a str,
    hazard: &'a str,
    /// `native` or `rhai`.
    way: &'static str,
    /// How many subjects it judges.
    subjects: usize,
    shadow: bool,
    cost: CostShown,
}

/// What a rule has cost since it was put in force, as far as times were taken of its evaluations. Times in microseconds.
#[derive(Serialize)]
struct CostShown {
    evaluations: u64,
    timed: u64,
    mean_us: f64,
    worst_us: f64,
    /// What one evaluation may take.
    budget_us: f64,
    /// How much of that the longest took; 1 is all of it.
    of_budget: f64,
    /// How many of those whose time was taken took more.
    over_budget: u64,
    /// The rule's part of all the time that was spent on judging, from 0 to 1.
    share: f64,
}

impl CostShown {
    fn of(cost: &Cost) -> Self {
        let us = |time: Duration| time.as_secs_f64() * 1e6;
        Self {
            evaluations: cost.evaluations,
            timed: cost.timed,
            mean_us: us(cost.mean()),
            worst_us: us(cost.worst),
            budget_us: us(BUDGET),
            of_budget: cost.of_budget(),
            over_budget: cost.over_budget,
            share: cost.share,
        }
    }
}

/// `GET /api/v1/rules`.
pub(super) async fn list(state: State, Query(asked): Query<Asked>) -> Result<Response, Problem> {
    let (rules, costs) = state.api.views.costs.all();
    let site = Arc::clone(rules.site());
    let key = |rule: &Rule, cost: &Cost| match asked.order {
        Order::Id => rule.id.to_string(),
        Order::Cost => format!("{:039}|{}", u128::MAX - cost.spent.as_nanos(), rule.id),
    };
    let each = site.rules.iter().zip(rules.ways()).zip(&costs);
    let mut all: Vec<_> = each.map(|((rule, way), cost)| (key(rule, cost), rule, way, cost)).collect();
    all.sort_unstable_by(|(one, ..), (other, ..)| one.cmp(other));
    page(
        all.into_iter(),
        asked.limit,
        |(key, ..)| asked.after.as_ref().is_some_and(|after| key <= after),
        |(key, ..)| key.clone(),
        |(_, rule, (way, subjects), cost)| RuleShown {
            id: rule.id.as_str(),
            hazard: rule.hazard.as_str(),
            way: match way {
                Way::Native => "native",
                Way::Rhai => "rhai",
            },
            subjects,
            shadow: rule.shadow,
            cost: CostShown::of(cost),
        },
    )
}
