//! What a rule comes to on this site, for `check --explain`: effective ladders, how it is computed, what it looks back on.

use watchfire_model::id::{PointId, RuleId, StationId, SubjectId};
use watchfire_model::ladder::Ladder;
use watchfire_model::rule::Class;
use watchfire_model::time::Span;
use watchfire_model::unit::Unit;

use super::{Measure, RuleSet};

/// How a measure is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Compiled.
    Native,
    /// By Rhai.
    Rhai,
}

/// A rule on its site.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Which rule.
    pub rule: RuleId,
    /// How its measure is computed.
    pub way: Way,
    /// The windows it reads, such as `stage.rise("1h")`.
    pub windows: Vec<String>,
    /// How far back it looks at most.
    pub looks_back: Span,
    /// Whether the first-sample rule and the suspect cap hold.
    pub class: Class,
    /// Every subject with its ladder.
    pub subjects: Vec<SubjectLadder>,
    /// Subjects that match and are not judged, and why.
    pub unjudged: Vec<(SubjectId, String)>,
}

/// The ladder of one subject.
#[derive(Clone, Debug, PartialEq)]
pub struct SubjectLadder {
    /// Which.
    pub subject: SubjectId,
    /// As in force.
    pub ladder: Ladder,
    /// The measure's unit, where it is known.
    pub unit: Option<Unit>,
    /// What the measure reads.
    pub reads: Vec<(StationId, PointId)>,
    /// Longest gap that counts as covered.
    pub max_gap: Span,
}

impl RuleSet {
    /// How each rule's measure is computed and how many subjects it judges, in the site's order.
    pub fn ways(&self) -> impl Iterator<Item = (Way, usize)> {
        let mut subjects = vec![0; self.rules.len()];
        for plan in &self.subjects {
            subjects.get_mut(plan.rule).into_iter().for_each(|count| *count += 1);
        }
        let way = |measure: &Measure| match measure {
            Measure::Last | Measure::Window(_) => Way::Native,
            Measure::Program(_) => Way::Rhai,
        };
        self.rules.iter().map(move |rule| way(&rule.measure)).zip(subjects)
    }

    /// What `rule` comes to on this site.
    pub fn explain(&self, rule: &RuleId) -> Option<Explanation> {
        let site = self.site();
        let place = site.rules.iter().position(|other| other.id == *rule)?;
        let (written, compiled) = (site.rules.get(place)?, self.rules.get(place)?);
        let (way, windows) = match &compiled.measure {
            Measure::Last => (Way::Native, Vec::new()),
            Measure::Window(spec) => (Way::Native, vec![format!("{}.{spec}", super::measure::native_name(written))]),
            Measure::Program(program) => (Way::Rhai, program.describe_windows()),
        };
        let subjects = self.subjects_of(place).iter().map(|plan| SubjectLadder {
            subject: plan.id.clone(),
            ladder: plan.rungs.ladder(&compiled.pace),
            unit: written.unit.or_else(|| {
                let point = plan.reads.first().and_then(|look| site.point(look.point))?;
                super::measure::natural_unit(&compiled.measure, point)
            }),
            reads: plan
                .reads
                .iter()
                .filter_map(|look| Some((site.station_of(look.point)?.id.clone(), site.point(look.point)?.id.clone())))
                .collect(),
            max_gap: plan.max_gap,
        });
        let mine =
            |(id, subject, why): &(RuleId, SubjectId, String)| (id == rule).then(|| (subject.clone(), why.clone()));
        Some(Explanation {
            rule: rule.clone(),
            way,
            windows,
            looks_back: compiled.reach(Span::ZERO),
            class: compiled.class,
            subjects: subjects.collect(),
            unjudged: self.unjudged.iter().filter_map(mine).collect(),
        })
    }
}
