//! A raise that rested on a spike. Only the sample after it shows what it was: then the ladder is climbed once more, with
//! it and without it, and a grade that would not be there without it is taken back. What is public already is not the
//! Evaluator's to know: the Desk lets a person decide there. Where a fast rise is the hazard nothing is taken back.

use watchfire_model::finding::{Change, Finding};
use watchfire_model::grade::Grade;
use watchfire_model::id::PointIx;
use watchfire_model::quality::Flag;

use super::Evaluator;
use super::late::Rerun;
use super::measuring::Moment;
use super::subject::Cause;
use crate::quality::Conviction;
use crate::series::Sample;
use crate::window::Window;

impl Evaluator {
    /// Takes back what rested on a sample that was shown to be a spike by the one of `moment`.
    pub(super) fn take_back(
        &mut self,
        moment: Moment,
        point: PointIx,
        conviction: &Conviction,
        out: &mut Vec<Finding>,
    ) {
        let (spike, readers) = (conviction.sample, self.rules.readers(point));
        let readers: Vec<usize> = readers.iter().map(|ix| *ix as usize).collect();
        for ix in &readers {
            if let Some(subject) = self.subjects.get_mut(*ix) {
                subject.windows.iter_mut().for_each(Window::distrust);
            }
        }
        let graded = |ix: &usize| self.subjects.get(*ix).is_some_and(|subject| subject.climb.level() > 0);
        let readers: Vec<usize> = readers.into_iter().filter(graded).collect();
        if readers.is_empty() {
            return;
        }
        let without: Vec<Rerun> = readers.iter().map(|ix| self.rerun(*ix, spike.at, moment.at)).collect();
        let there = conviction.flag < Flag::Fail;
        if let Some(point) = self.gate.point_mut(point) {
            if there {
                point.series_mut().take_back(spike.at, Some(spike));
            } else {
                point.series_mut().place(spike);
            }
        }
        let with: Vec<Rerun> = readers.iter().map(|ix| self.rerun(*ix, spike.at, moment.at)).collect();
        if let Some(point) = self.gate.point_mut(point) {
            let doubted = Sample { flag: conviction.flag, checks: conviction.checks, ..spike };
            point.series_mut().take_back(spike.at, there.then_some(doubted));
        }
        for ((ix, with), without) in readers.into_iter().zip(with).zip(without) {
            self.retract(ix, moment, &with, without, out);
        }
    }

    fn retract(&mut self, ix: usize, moment: Moment, with: &Rerun, without: Rerun, out: &mut Vec<Finding>) {
        let Self { rules, gate, subjects, .. } = self;
        let (Some(plan), Some(subject)) = (rules.subjects.get(ix), subjects.get_mut(ix)) else { return };
        let Some(compiled) = rules.rules.get(plan.rule) else { return };
        let level = subject.climb.level();
        // Where the second climb does not come to where it stands, something else is under it.
        if with.climb.level() != level || without.climb.level() >= level {
            return;
        }
        let cause =
            Cause { rules, plan, compiled, gate, moment, lifts: false, cap: Grade::Red, by: None, agreed: None };
        if compiled.fast_rise {
            if let Some(grade) = Grade::from_level(level) {
                subject.ask_to_verify(&cause, grade, out);
            }
            return;
        }
        subject.remember(moment.at, level);
        subject.climb = without.climb;
        if subject.takes_back_unsaid() {
            return;
        }
        out.push(subject.finding(&cause, Change::Retracted, level));
    }
}
