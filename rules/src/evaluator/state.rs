//! An Evaluator on disk: what it knows of each point and each subject, by name, so that it may come back under rules and
//! stations that have changed in between. Windows are not in it; they are exact functions of the series.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use watchfire_model::id::{PointId, PointIx, Revision, RuleId, StationId, SubjectId};
use watchfire_model::incident::About;
use watchfire_model::time::{Now, Span, Timestamp};

use super::subject::Subject;
use super::{Evaluator, benches, windows};
use crate::engine::Bench;
use crate::ladder::Climb;
use crate::quality::{Gate, PointGate};
use crate::ruleset::RuleSet;

use super::Retired;
use super::backlog::Backlog;
use super::outages::Outages;
use super::oversight::{Stopped, heed, still_stopped};
use super::reload::former_keys;
use super::silence::Silence;
use super::timing::Timing;

/// Everything an Evaluator must not forget.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EvaluatorState {
    started: Option<Now>,
    /// How far the wall stood from the steady clock.
    #[serde(default)]
    offset: Option<Span>,
    /// Points that were heard, or failed.
    points: Vec<(StationId, PointId, PointGate)>,
    /// What many sensors share and is out, with since when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    outages: Vec<(About, Timestamp)>,
    /// Subjects about which something is known.
    pub(super) subjects: Vec<(RuleId, SubjectId, Subject)>,
    /// Subjects that stood at a grade and are judged no more.
    #[serde(default)]
    pub(super) retired: Vec<(RuleId, SubjectId, Subject)>,
    /// Nobody counts below this again.
    #[serde(default)]
    floor: u64,
    /// By which rules they were judged.
    #[serde(default)]
    revision: Revision,
    /// Rules that are not evaluated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    stopped: Vec<Stopped>,
}

/// Subjects kept aside at most. Of more, only the counts are kept.
const RETIRED_MOST: usize = 10_000;

impl EvaluatorState {
    /// The revision of the rules that it was judged by last; empty in one of before that was written down.
    pub const fn revision(&self) -> &Revision {
        &self.revision
    }

    /// What is known of one subject and of some points, and nothing of the others.
    #[must_use]
    pub(super) fn only(&self, rule: &RuleId, subject: &SubjectId, points: &[(StationId, PointId)]) -> Self {
        let subjects = self.subjects.iter().filter(|(of, id, _)| of == rule && id == subject);
        let is_one = |station: &StationId, point: &PointId| points.iter().any(|(s, p)| s == station && p == point);
        Self {
            points: self.points.iter().filter(|(station, point, _)| is_one(station, point)).cloned().collect(),
            subjects: subjects.cloned().collect(),
            retired: Vec::new(),
            ..self.clone()
        }
    }

    /// What is known of each point.
    pub(super) fn points(&self) -> impl Iterator<Item = (&StationId, &PointId, &PointGate)> {
        self.points.iter().map(|(station, point, gate)| (station, point, gate))
    }
}

impl Evaluator {
    /// What must survive a restart.
    pub fn snapshot(&self) -> EvaluatorState {
        let site = self.rules.site();
        let untouched_point = PointGate::default();
        let points = site.points.iter().zip(self.gate.points()).filter(|(_, gate)| **gate != untouched_point);
        let subjects = self.rules.subjects.iter().zip(&self.subjects).filter(|(_, subject)| subject.is_touched());
        EvaluatorState {
            started: self.started,
            offset: self.gate.offset(),
            outages: self.outages.state(),
            points: points
                .filter_map(|(point, gate)| {
                    let station = site.stations.get(point.station.index())?;
                    Some((station.id.clone(), point.id.clone(), gate.clone()))
                })
                .collect(),
            subjects: subjects
                .filter_map(|(plan, subject)| {
                    Some((self.rules.rule_id(plan)?.clone(), plan.id.clone(), subject.without_windows()))
                })
                .collect(),
            retired: self
                .retired
                .iter()
                .map(|((rule, subject), known)| (rule.clone(), subject.clone(), known.without_windows()))
                .collect(),
            floor: self.floor,
            revision: site.revision.clone(),
            stopped: self.stopped.clone(),
        }
    }

    /// An Evaluator that goes on from `state`: equal to the one that never stopped.
    pub fn restore(rules: Arc<RuleSet>, state: EvaluatorState) -> Self {
        let site = Arc::clone(rules.site());
        let mut gates: BTreeMap<(StationId, PointId), PointGate> =
            state.points.into_iter().map(|(station, point, gate)| ((station, point), gate)).collect();
        let points = site.points.iter().map(|point| {
            let station = site.stations.get(point.station.index());
            let names = station.into_iter().flat_map(|station| std::iter::once(&station.id).chain(&station.aliases));
            names.into_iter().find_map(|name| gates.remove(&(name.clone(), point.id.clone()))).unwrap_or_default()
        });
        let points = points.collect();
        let mut known: BTreeMap<(RuleId, SubjectId), Subject> =
            state.retired.into_iter().chain(state.subjects).map(|(rule, id, subject)| ((rule, id), subject)).collect();
        let subjects = rules.subjects.iter().map(|plan| {
            let mut names = former_keys(&rules, plan).into_iter();
            let found = names.find_map(|name| known.remove(&name));
            let mut subject = found.unwrap_or_else(|| Subject::counting_from(state.floor));
            subject.windows = windows(&rules, plan);
            subject
        });
        let subjects: Vec<Subject> = subjects.collect();
        let (mut retired, calm): (Retired, Retired) = known.into_iter().partition(|(_, it)| it.climb.level() > 0);
        let mut floor = calm.values().map(|subject| subject.n).fold(state.floor, u64::max);
        while retired.len() > RETIRED_MOST
            && let Some((_, subject)) = retired.pop_first()
        {
            floor = floor.max(subject.n);
        }
        let mut benches: Vec<Option<Bench>> = benches(&rules);
        let stopped = still_stopped(&rules, state.stopped);
        heed(&rules, &stopped, &mut benches);
        let mut outages = Outages::new(&site, rules.read_points());
        outages.go_on(state.outages);
        let mut evaluator = Self {
            gate: Gate::restored(site, rules.keep(), points, state.offset),
            backlog: Backlog::of(subjects.iter().map(Subject::held_until)),
            subjects,
            benches,
            timing: Timing::default(),
            stopped,
            silence: Silence::new(rules.site().points.len()),
            outages,
            cares: BTreeSet::new(),
            tended: Vec::new(),
            started: state.started,
            retired,
            floor,
            rules,
        };
        let dues =
            evaluator.gate.points().iter().zip(0_u32..).filter_map(|(gate, ix)| Some((gate.care_due()?, PointIx(ix))));
        evaluator.cares = dues.collect();
        if let Some(started) = state.started {
            evaluator.expect_all(started);
        }
        evaluator
    }
}

impl Subject {
    fn is_touched(&self) -> bool {
        // A value whose clock is ahead moves no clock, and may still leave its mark.
        self.n > 0
            || self.clock.is_some()
            || self.lack.is_some()
            || self.held.is_some()
            || self.climb != Climb::default()
    }
}
