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

impl Bundle {
    /// The findings that the row makes again.
    pub fn replay(&self) -> Result<Vec<Finding>, Vec<Problem>> {
        let rules = Arc::new(RuleSet::compile(Arc::new(self.site.clone()))?);
        let mut evaluator = Evaluator::restore(rules, self.state.clone());
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
                let next = self.next.as_ref().unwrap_or(&self.site);
                let rules = RuleSet::compile(Arc::new(next.clone()))?;
                evaluator.reload(Arc::new(rules), seq, reload.orphans, &mut found);
            }
        }
        Ok(found)
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
        let Ok(rules) = RuleSet::compile(Arc::new(self.site.clone())) else { return self };
        let named = |point| {
            let station = self.site.station_of(point)?;
            Some((station.id.clone(), self.site.point(point)?.id.clone()))
        };
        let plan = rules.subjects.iter().find(|plan| {
            plan.id == self.finding.subject && rules.rule_id(plan).is_some_and(|id| *id == self.finding.rule)
        });
        let reads: Vec<(StationId, PointId)> =
            plan.into_iter().flat_map(|plan| plan.reads.iter()).filter_map(|look| named(look.point)).collect();
        let state = self.state.only(&self.finding.rule, &self.finding.subject, &reads);
        let narrow = Self { state, ..self.clone() };
        if narrow.reproduces() { narrow } else { self }
    }

    /// What is known of each point before the row: its station, its id, and its recent samples.
    pub fn points(&self) -> impl Iterator<Item = (&StationId, &PointId, &PointGate)> {
        self.state.points()
    }
}
