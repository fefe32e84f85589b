//! A device that is being calibrated (标校). What it says raises and ends nothing; but gas may come while the head is being
//! looked after: a value over a threshold is something for those on duty to look at, at once (标校中超限).

use watchfire_model::finding::Finding;
use watchfire_model::grade::Grade;
use watchfire_model::quality::{Checks, Flag};
use watchfire_model::reading::{Observation, PointState, Reading};

use super::Evaluator;
use super::measuring::{Look, Moment, measure};
use super::subject::Cause;
use crate::window::exact::twelve_digits;

impl Evaluator {
    /// Asks for a look where a value said in a calibration would raise more than stands.
    pub(super) fn watch_calibration(&mut self, moment: Moment, reading: &Reading, out: &mut Vec<Finding>) {
        let (PointState::Calibrating, Ok(value)) = (reading.state, self.rules.site().corrected(reading).value) else {
            return;
        };
        let (point, at) = (reading.point, moment.at);
        let seen = Observation { point, at, value, flag: Flag::NotEvaluated, checks: Checks::DEVICE_STATE };
        let Self { rules, gate, subjects, benches, .. } = self;
        for ix in rules.readers(point) {
            let ix = *ix as usize;
            let (Some(plan), Some(subject)) = (rules.subjects.get(ix), subjects.get_mut(ix)) else { continue };
            let Some(compiled) = rules.rules.get(plan.rule) else { continue };
            let bench = benches.get_mut(plan.rule).and_then(Option::as_mut);
            let look = Look::Lone(&seen);
            let Ok(known) = measure(&rules.sandbox, compiled, plan, gate, &mut subject.windows, bench, at, look) else {
                continue;
            };
            let over = plan.rungs.grade_of(known.value, Grade::Red);
            let Some(grade) = over.filter(|grade| grade.level() > subject.climb.level()) else { continue };
            let before = out.len();
            let cause =
                Cause { rules, plan, compiled, gate, moment, lifts: false, cap: Grade::Red, by: None, agreed: None };
            subject.ask_to_verify(&cause, grade, out);
            if let Some(finding) = out.get_mut(before) {
                finding.value = Some(twelve_digits(known.value));
            }
        }
    }
}
