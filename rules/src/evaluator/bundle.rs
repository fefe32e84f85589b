//! The evidence of one finding, by itself: the rules in force, what was known before the row that made it, and that row.
//! With nothing else it makes the same finding again, anywhere.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use watchfire_model::finding::Finding;
use watchfire_model::id::{PointId, StationId};
use watchfire_model::row::Row;
use watchfire_model::site::Site;
use watchfire_model::time::Now;

use super::{Evaluator, EvaluatorState, Stopped};
use crate::quality::PointGate;
use crate::ruleset::{Problem, RuleSet};

/// The form that this program writes.
pub const FORMAT: u32 = 1;

/// What one finding rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bundle {
    /// [`FORMAT`].
    pub format: u32,
    /// The finding, as it was recorded.
    pub finding: Finding,
    /// When its row was written.
    pub now: Now,
    /// The row that made it: a reading, a link, a tick, a person's word, another revision.
    pub row: Row,
    /// The site and rules in force before the row.
    pub site: Site,
    /// Those in force from it on, where the row put others in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Site>,
    /// Rules that were stopped before the row was judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stopped: Vec<Stopped>,
    /// What was known before the row, with the samples that windows are made of.
    pub state: EvaluatorState,
}

/// The rules of a bundle, and those that its row puts in force.
type Compiled = (Arc<RuleSet>, Option<Arc<RuleSet>>);

impl Bundle {
    /// The findings that the row makes again.
    pub fn replay(&self) -> Result<Vec<Finding>, Vec<Problem>> {
        let (rules, next) = self.compiled()?;
        Ok(self.replay_by(&rules, next.as_ref()))
    }

    /// Its rules, and those that the row puts in force.
    fn compiled(&self) -> Result<Compiled, Vec<Problem>> {
        let compile = |site: &Site| RuleSet::compile(Arc::new(site.clone())).map(Arc::new);
        Ok((compile(&self.site)?, self.next.as_ref().map(compile).transpose()?))
    }

    fn replay_by(&self, rules: &Arc<RuleSet>, next: Option<&Arc<RuleSet>>) -> Vec<Finding> {
        let mut evaluator = Evaluator::restore(Arc::clone(rules), self.state.clone());
        let (now, seq, mut found) = (self.now, self.finding.seq, Vec::new());
        for stopped in &self.stopped {
            evaluator.stop(now, seq, stopped.clone(), &mut found);
        }
        match &self.row {
            Row::Reading(reading) => _ = evaluator.observe(now, seq, reading, &mut found),
            Row::Link(change) => evaluator.link(now, seq, change, &mut found),
            Row::Tick => evaluator.tick(now, seq, &mut found),
            Row::Upkeep(upkeep) => evaluator.upkeep(now, seq, upkeep, &mut found),
            Row::Revision(reload) => {
                evaluator.reload(Arc::clone(next.unwrap_or(rules)), seq, reload.orphans, &mut found);
            }
        }
        found
    }

    /// Whether the row makes the very finding again.
    pub fn reproduces(&self) -> bool {
        // When it was heard is no judgement, and older ones do not say it.
        let same = |found: Finding| Finding { heard_at: self.finding.heard_at, ..found } == self.finding;
        self.replay().is_ok_and(|found| found.into_iter().any(same))
    }

    /// Without what it does not take to make the finding again.
    #[must_use]
    pub fn narrowed(self) -> Self {
        match self.compiled() {
            Ok((rules, next)) => self.narrowed_by(&rules, next.as_ref()),
            Err(_) => self,
        }
    }

    /// The same by its own rules, compiled: `rules` of the site, `next` of
    /// those that the row puts in force.
    #[must_use]
    pub fn narrowed_by(mut self, rules: &Arc<RuleSet>, next: Option<&Arc<RuleSet>>) -> Self {
        let named = |point| {
            let station = self.site.station_of(point)?;
            Some((station.id.clone(), self.site.point(point)?.id.clone()))
        };
        let plan = rules.subjects.iter().find(|plan| {
            plan.id == self.finding.subject && rules.rule_id(plan).is_some_and(|id| *id == self.finding.rule)
        });
        let reads: Vec<(StationId, PointId)> =
            plan.into_iter().flat_map(|plan| plan.reads.iter()).filter_map(|look| named(look.point)).collect();
        let narrow = self.state.only(&self.finding.rule, &self.finding.subject, &reads);
        let whole = std::mem::replace(&mut self.state, narrow);
        if !self.replay_by(rules, next).contains(&self.finding) {
            self.state = whole;
        }
        self
    }

    /// What is known of each point before the row: its station, its id, and its recent samples.
    pub fn points(&self) -> impl Iterator<Item = (&StationId, &PointId, &PointGate)> {
        self.state.points()
    }
}
