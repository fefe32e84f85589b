//! Corrections that are prepared (SEMANTICS §4, §8): what the public was told rests on readings that are no measurement.
//! What would be said instead waits for a person. Nothing of it goes out by itself, and it is dropped as soon as what it
//! rests on is not as it was.

use std::collections::BTreeMap;

use watchfire_model::{
    alarm::{AlarmKey, Override},
    bulletin::MessageClass,
    command::{Command, Refusal},
    grade::{self, Grade},
    id::WarningId,
    mode::Mode,
    rule::Release,
    site::Audience,
    time::Span,
    upkeep::Correction,
    warning::{PreparedCorrection, Rest, Warning, What},
};

use super::{
    Step,
    command::{same_person, seen},
    event::Event,
    register::Place,
};

/// Alarms that one correction sets right.
const MOST: usize = 256;

impl<M: Mode> Step<'_, M> {
    /// Prepares what sets right that the public was told of grades that would not stand, and says `because` of what.
    pub(super) fn prepare_corrections(&mut self, of: &[Correction], because: &str) {
        let mut told: BTreeMap<WarningId, Vec<Rest>> = BTreeMap::new();
        for Correction { rule, subject, without, .. } in of {
            let key = AlarmKey { rule: rule.clone(), subject: subject.clone() };
            let Some(filed) = self.desk.register.get(&key).filter(|filed| !filed.shadow) else { continue };
            let Some(id) = self.desk.register.live(&Place::of(&filed.alarm)) else { continue };
            if let Some(stands) = filed.alarm.standing() {
                let rest = Rest { alarm: key, stands, without: *without, onset: filed.alarm.onset };
                told.entry(id.clone()).or_default().push(rest);
            }
        }
        for (id, mut rests) in told {
            let Some(warning) = self.desk.warning(&id) else { continue };
            if let Some(before) = &warning.correction {
                let again = |rest: &&Rest| !rests.iter().any(|new| new.alarm == rest.alarm);
                let kept: Vec<Rest> = before.rests.iter().filter(again).cloned().collect();
                rests.extend(kept);
            }
            rests.truncate(MOST);
            let prepared = self.correction(warning, rests, because);
            let before = warning.correction.as_deref().filter(|it| !it.is_released);
            // Whoever has signed what is there already has signed the same.
            if !is_the_same(before, prepared.as_ref()) {
                self.lay_correction(&id, prepared);
            }
        }
    }

    /// Looks at what is prepared once more: it is dropped where there is nothing to set right any more, and waits for new
    /// signatures where it would say something else.
    pub(super) fn review_correction(&mut self, id: &WarningId) {
        let Some(warning) = self.desk.warning(id) else { return };
        let Some(before) = warning.correction.as_ref().filter(|it| !it.is_released) else { return };
        let now = self.correction(warning, before.rests.clone(), &before.because);
        if !is_the_same(Some(before), now.as_ref()) {
            self.lay_correction(id, now);
        }
    }

    /// What sets a warning right without what `rests` on readings that are none; nothing where the public was told no more
    /// than what is left.
    fn correction(&self, warning: &Warning, mut rests: Vec<Rest>, because: &str) -> Option<PreparedCorrection> {
        let published = self.desk.cases.get(&warning.id)?.published()?;
        rests.retain(|rest| {
            let alarm = self.desk.register.get(&rest.alarm).map(|filed| &filed.alarm);
            alarm.is_some_and(|alarm| alarm.standing() == Some(rest.stands) && alarm.onset == rest.onset)
        });
        let place = Place { hazard: warning.hazard.clone(), area: warning.area.clone() };
        let left = self.desk.register.graded(&place).map(|alarm| {
            let rest = rests.iter().find(|rest| rest.alarm == alarm.key);
            rest.map_or(alarm.standing(), |rest| rest.without)
        });
        let grade = left.max().flatten();
        if rests.is_empty() || grade >= Some(published) {
            return None;
        }
        let (class, needs) = match grade {
            // As for a warning that was issued in error.
            None => (MessageClass::Cancel, Release::One),
            Some(_) => {
                let written = self.hazard_of(&warning.id).map(|hazard| *hazard.release.lower.get(published));
                let needs = if written == Some(Release::Two) { Release::Two } else { Release::One };
                (MessageClass::Correct, needs)
            }
        };
        let (because, since, signed) = (because.to_owned(), self.now.wall, Vec::new());
        Some(PreparedCorrection { class, grade, needs, signed, rests, because, since, is_released: false })
    }

    fn lay_correction(&mut self, id: &WarningId, correction: Option<PreparedCorrection>) {
        let note = match &correction {
            Some(it) => {
                let grade = grade::word(it.grade);
                format!("{} to {grade} is prepared and waits for a person: {}", it.class.event(), it.because)
            }
            None => "the correction that was prepared is dropped: what it rested on has changed".to_owned(),
        };
        self.emit(Event::Correction { warning: id.clone(), correction: correction.map(Box::new) });
        self.note(id, What::AwaitingRelease, note);
    }

    /// Takes a person's signature under the correction that is prepared; with the last one it goes out.
    pub(super) fn correct(&mut self, command: &Command, id: &WarningId, version: u64) -> Result<(), Refusal> {
        let case = self.live_case(id)?;
        seen(case.worse_at, case.warning.version, version)?;
        let Some(before) = case.warning.correction.as_deref() else {
            return Err(Refusal::NotNow { reason: format!("no correction of {id} is prepared") });
        };
        let now = self.correction(&case.warning, before.rests.clone(), &before.because);
        if !is_the_same(Some(before), now.as_ref()) {
            let reason = format!("what the correction of {id} rests on has changed: look at its alarms");
            return Err(Refusal::NotNow { reason });
        }
        if before.signed.iter().any(|signed| same_person(signed, &command.who)) {
            return Err(Refusal::SamePerson { who: command.who.to_string() });
        }
        let correction = before.clone();
        let signed_by = |correction: &PreparedCorrection, is_released| {
            let signed = correction.signed.iter().cloned().chain([command.who.clone()]).collect();
            Some(Box::new(PreparedCorrection { signed, is_released, ..correction.clone() }))
        };
        let entry = self.entry_by(command, What::Signed, correction.class.event().to_owned());
        if correction.needs == Release::Two && correction.signed.is_empty() {
            self.emit(Event::Noted { warning: id.clone(), entry });
            let correction = signed_by(&correction, false);
            self.emit(Event::Correction { warning: id.clone(), correction });
            return Ok(());
        }
        let Some(left) = correction.grade else {
            return self.cancel(command, id, version);
        };
        // A signature under what can't be sent is refused, and can be given again.
        self.prepare(id, Audience::Public, MessageClass::Correct, left, false)
            .map_err(|refused| Refusal::NotNow { reason: refused.why.to_string() })?;
        self.emit(Event::Noted { warning: id.clone(), entry });
        self.emit(Event::Correction { warning: id.clone(), correction: signed_by(&correction, true) });
        self.set_right(command, id, &correction);
        if self.desk.warning(id).is_some_and(|warning| warning.correction.is_some()) {
            self.emit(Event::Correction { warning: id.clone(), correction: None });
        }
        self.settle(id);
        Ok(())
    }

    /// Puts the person's word on each alarm, for as long as the bulletin is good; the last one brings the public in line.
    fn set_right(&mut self, command: &Command, id: &WarningId, correction: &PreparedCorrection) {
        for Rest { alarm, stands, without, .. } in &correction.rests {
            let lasting = self.hazard_of(id).map_or(Span::hours(6), |hazard| *hazard.expires_after.get(*stands));
            let lasting = lasting.max(Span::minutes(1));
            let word = Override {
                grade: *without,
                against: self.desk.register.get(alarm).and_then(|filed| filed.alarm.judged),
                by: command.who.clone(),
                why: command.why.clone(),
                until: self.now.steady + lasting,
            };
            let note = format!("{alarm}: {} in place of {stands}, {}", grade::word(*without), correction.because);
            let entry = self.entry_by(command, What::Overridden, note);
            self.override_alarm(alarm, Some(word), entry);
        }
    }

    /// The grade to which a warning is being corrected, once that is signed and until it is said.
    pub(super) fn being_corrected(&self, id: &WarningId) -> Option<Grade> {
        self.desk.warning(id)?.correction.as_ref().filter(|it| it.is_released)?.grade
    }
}

/// Whether both set the same alarms right by the same words, or there is neither.
fn is_the_same(before: Option<&PreparedCorrection>, now: Option<&PreparedCorrection>) -> bool {
    match (before, now) {
        (Some(before), Some(now)) => now.says_the_same_as(before) && now.rests == before.rests,
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}
