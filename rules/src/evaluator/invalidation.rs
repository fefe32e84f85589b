//! A part of a sensor's past that a person declares to be no measurement (SEMANTICS §8, poisoned history): a wrong scale
//! for two hours. What its samples hid may raise, back-dated. What rests on them is proposed to people and stands: only
//! good readings or a person end it, and nothing is taken back from the public by itself.

use watchfire_model::finding::Finding;
use watchfire_model::grade::Grade;
use watchfire_model::id::PointIx;
use watchfire_model::time::Timestamp;
use watchfire_model::upkeep::{Correction, Invalidation, Turn, Upkeep};

use super::Evaluator;
use super::late::Rerun;
use super::measuring::Moment;
use crate::window::Window;

/// Later than any sample.
const LATEST: Timestamp = Timestamp(i64::MAX);
/// Corrections that are proposed of one sensor.
const MOST: usize = 256;

impl Evaluator {
    /// Takes out what `point` said from then to then, and climbs once more without it.
    pub(super) fn invalidate(
        &mut self,
        moment: Moment,
        point: PointIx,
        upkeep: &Upkeep,
        (from, to): (Timestamp, Timestamp),
        out: &mut Vec<Finding>,
    ) -> Turn {
        if from > to {
            return Turn::Nothing;
        }
        let readers: Vec<usize> = self.rules.readers(point).iter().map(|ix| *ix as usize).collect();
        let with: Vec<Rerun> = readers.iter().map(|ix| self.rerun(*ix, from, LATEST)).collect();
        let samples = self.gate.point_mut(point).map_or(0, |gate| gate.invalidate(from, to));
        for ix in &readers {
            if let Some(subject) = self.subjects.get_mut(*ix) {
                subject.windows.iter_mut().for_each(Window::distrust);
            }
        }
        let mut corrections = Vec::new();
        for (ix, with) in readers.into_iter().zip(with) {
            let without = self.rerun(ix, from, LATEST);
            corrections.extend(self.correction(ix, &without).filter(|_| corrections.len() < MOST));
            // What comes to light is what stands without them and did not stand with them.
            self.learn(ix, moment, None, &without, &with, out);
        }
        let (by, why) = (upkeep.who.clone(), upkeep.why.clone());
        Turn::Invalidated(Box::new(Invalidation { by, why, from, to, samples, corrections }))
    }

    /// What people may set right: a grade that stands and would not.
    fn correction(&self, ix: usize, without: &Rerun) -> Option<Correction> {
        let (plan, subject) = (self.rules.subjects.get(ix)?, self.subjects.get(ix)?);
        let stands = subject.climb.judged()?;
        let without = Grade::from_level(without.climb.level());
        let (rule, subject) = (self.rules.rule_id(plan)?.clone(), plan.id.clone());
        (without < Some(stands)).then_some(Correction { rule, subject, stands, without })
    }
}
