//! Rules that are sound by their keys, and whose measures cannot run all the same.

use std::sync::Arc;

use watchfire_model::rule::{Per, Rule};
use watchfire_model::site::Site;
use watchfire_rules::ruleset::RuleSet;

use crate::config::problem::{Place, Problem};
use crate::config::read::Context;
use crate::config::rule::RulePlace;

/// Compiles every rule, so that a measure that cannot run is known before anything opens.
pub(crate) fn compile(cx: &Context<'_>, site: &Arc<Site>, places: &[RulePlace]) -> Option<RuleSet> {
    let problems = match RuleSet::compile_overseen(Arc::clone(site), cx.overseer) {
        Ok(set) => {
            // A station or a point that is watched is a subject; a group or an area may have none of them.
            let gathered = |rule: &Rule| matches!(rule.per, Per::Group | Per::Area);
            for (rule, place) in site.rules.iter().zip(places).filter(|(rule, _)| gathered(rule)) {
                if set.explain(&rule.id).is_some_and(|explained| explained.subjects.is_empty()) {
                    let problem = Problem::warning(place.id, format!("rule \"{}\" judges nothing", rule.id));
                    cx.report(
                        problem.hint("no station, point, group or area that it is for has points that it watches"),
                    );
                }
            }
            return Some(set);
        }
        Err(problems) => problems,
    };
    for problem in problems {
        let place = site.rules.iter().position(|rule| rule.id == problem.rule).and_then(|at| places.get(at));
        let at = match (place, problem.line) {
            (Some(place), Some(line)) => cx.within(place.measure, line, problem.column),
            (Some(place), None) => place.id,
            (None, _) => Place { file: 0, start: 0, end: 0 },
        };
        cx.report(Problem::error(at, problem.message).maybe_hint(problem.hint));
    }
    None
}
