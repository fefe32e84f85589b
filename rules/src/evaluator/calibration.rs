//! A device that is being calibrated (标校). What it says raises and ends nothing; but gas may come while the head is being
//! looked after: a value over a threshold is something for those on duty to look at, at once (标校中超限).

use watchfire_model::finding::{Cause as Said, Change, Finding};
use watchfire_model::grade::Grade;
use watchfire_model::quality::{Checks, Flag};
use watchfire_model::reading::{Observation, Reading};

use super::Evaluator;
use super::measuring::{Look, Moment, measure};
use super::subject::Cause;
use crate::window::exact::twelve_digits;

impl Evaluator {
    /// Says where a value said in a calibration would raise more than stands; once for each grade.
    pub(super) fn watch_calibration(&mut self, moment: Moment, reading: &Reading, out: &mut Vec<Finding>) {
        let Ok(value) = self.rules.site().corrected(reading).value else { return };
        let (point, at) = (reading.point, moment.at);
        let seen = Observation { point, at, value, flag: Flag::NotEvaluated, checks: Checks::DEVICE_STATE };
        let Self { rules, gate, subjects, benches, .. } = self;
        let names = rules.site().station_of(point).zip(rules.site().point(point));
        let said = names.map(|(station, named)| Said {
            station: station.id.clone(),
            point: named.id.clone(),
            at,
            value: value.get(),
            flag: seen.flag,
            checks: seen.checks,
        });
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
            let stands = subject.climb.level().max(subject.over);
            let Some(grade) = over.filter(|grade| grade.level() > stands) else { continue };
            subject.over = grade.level();
            let cause =
                Cause { rules, plan, compiled, gate, moment, lifts: false, cap: Grade::Red, by: None, agreed: None };
            let mut finding = subject.finding(&cause, Change::OverInCalibration, subject.climb.level());
            finding.pending = Some(grade);
            finding.threshold = plan.rungs.raise_at(grade);
            finding.value = Some(twelve_digits(known.value));
            finding.causes = said.iter().cloned().collect();
            out.push(finding);
        }
    }
}
