//! What people ask that keeps an alarm from being announced: a shelf, within the limits of its hazard's profile, and a
//! time out of service.

use watchfire_model::{
    alarm::{Alarm, AlarmKey},
    attention::AttentionPolicy,
    command::{Command, Refusal},
    finding::Cause,
    grade::Grade,
    mode::Mode,
    suppression::{AskedOut, Kind, Suppression},
    time::Span,
    warning::What,
};

use super::{Step, command::same_person, command_alarm::not_now, register::Filed};

/// How long a second person has to agree.
const AGREE_WITHIN: Span = Span::minutes(10);
/// The longest time out of service; it can be asked for again.
const OUT_MOST: Span = Span::days(30);

impl<M: Mode> Step<'_, M> {
    /// Puts an alarm aside for a time, up to a grade.
    pub(super) fn shelve(
        &mut self,
        command: &Command,
        key: &AlarmKey,
        upto: Option<Grade>,
        lasting: Span,
        one_shot: bool,
    ) -> Result<(), Refusal> {
        let alarm = &self.filed(key)?.alarm;
        let policy = self.policy(&alarm.hazard);
        let stands = alarm.standing();
        let upto = upto.or(stands).unwrap_or(Grade::Blue);
        if !policy.shelvable {
            return not_now(format!("alarms of {} are never shelved", alarm.hazard));
        }
        if let Some(stands) = stands.filter(|stands| *stands > upto) {
            return not_now(format!("{key} stands at {stands}, above {upto}; {}", limits(&policy)));
        }
        let Some(most) = *policy.max_shelve.get(upto) else {
            return not_now(format!("{upto} is never shelved; {}", limits(&policy)));
        };
        if lasting <= Span::ZERO {
            return not_now("a shelf must last for some time".to_owned());
        }
        // A shelf that is set anew while it stands counts from its beginning: nobody prolongs one for ever unheard.
        let from = match alarm.suppression(Kind::Shelved) {
            Some(Suppression::Shelved { from, .. }) => *from,
            Some(
                Suppression::OutOfService { .. }
                | Suppression::Inhibited { .. }
                | Suppression::Deferred { .. }
                | Suppression::ByDesign { .. }
                | Suppression::Muted { .. },
            )
            | None => self.now.steady,
        };
        let until = self.now.steady + lasting;
        if until - from > most {
            let so_far = self.now.steady - from;
            let already = if so_far > Span::ZERO { format!(", and it has been for {so_far}") } else { String::new() };
            return not_now(format!("up to {upto} an alarm may be shelved for {most} at most{already}"));
        }
        let shelf = Suppression::Shelved {
            from,
            until,
            ends: self.now.wall + lasting,
            upto,
            one_shot,
            by: command.who.clone(),
            why: command.why.clone(),
        };
        let once = if one_shot { ", for this once" } else { "" };
        let entry = self.entry_by(command, What::Shelved, format!("up to {upto} for {lasting}{once}"));
        self.change_suppressions(key, |alarm| replace(alarm, shelf), |step| step.note_alarm(key, &entry));
        Ok(())
    }

    /// Takes an alarm off its shelf.
    pub(super) fn unshelve(&mut self, command: &Command, key: &AlarmKey) -> Result<(), Refusal> {
        if self.filed(key)?.alarm.suppression(Kind::Shelved).is_none() {
            return not_now(format!("{key} is not shelved"));
        }
        let entry = self.entry_by(command, What::Unshelved, String::new());
        let change = |alarm: &mut Alarm| alarm.suppressed.retain(|it| it.kind() != Kind::Shelved);
        self.change_suppressions(key, change, |step| step.note_alarm(key, &entry));
        Ok(())
    }

    /// Takes an alarm out of service for a time. From yellow on that takes another sensor on the subject, or a second person
    /// who asks for the same (SEMANTICS §4).
    pub(super) fn take_out(&mut self, command: &Command, key: &AlarmKey, lasting: Span) -> Result<(), Refusal> {
        let alarm = &self.filed(key)?.alarm;
        if lasting <= Span::ZERO || lasting > OUT_MOST {
            return not_now(format!("a time out of service has an end, within {OUT_MOST}"));
        }
        let mut with = None;
        if alarm.standing() >= Some(Grade::Yellow) && !self.is_covered(alarm) {
            match &alarm.asked_out {
                Some(asked) if asked.lasting == lasting && same_person(&asked.by, &command.who) => {
                    return Err(Refusal::SamePerson { who: command.who.to_string() });
                }
                Some(asked) if asked.lasting == lasting => with = Some(asked.by.clone()),
                Some(_) | None => {
                    let until = self.now.steady + AGREE_WITHIN;
                    let asked = AskedOut { by: command.who.clone(), lasting, until };
                    let did = format!("for {lasting}, a second person must ask for the same within {AGREE_WITHIN}");
                    self.change_alarm(key, |alarm| alarm.asked_out = Some(asked));
                    self.note_alarm(key, &self.entry_by(command, What::OutOfService, did));
                    return Ok(());
                }
            }
        }
        let out = Suppression::OutOfService {
            until: self.now.steady + lasting,
            ends: self.now.wall + lasting,
            by: command.who.clone(),
            with,
            why: command.why.clone(),
        };
        let entry = self.entry_by(command, What::OutOfService, format!("for {lasting}"));
        let change = |alarm: &mut Alarm| {
            alarm.asked_out = None;
            replace(alarm, out);
        };
        self.change_suppressions(key, change, |step| step.note_alarm(key, &entry));
        Ok(())
    }

    /// Puts an alarm back into service, or takes back that one asked.
    pub(super) fn put_back(&mut self, command: &Command, key: &AlarmKey) -> Result<(), Refusal> {
        let alarm = &self.filed(key)?.alarm;
        if !alarm.is_out_of_service() && alarm.asked_out.is_none() {
            return not_now(format!("{key} is in service"));
        }
        let entry = self.entry_by(command, What::InService, String::new());
        let change = |alarm: &mut Alarm| {
            alarm.asked_out = None;
            alarm.suppressed.retain(|it| it.kind() != Kind::OutOfService);
        };
        self.change_suppressions(key, change, |step| step.note_alarm(key, &entry));
        Ok(())
    }

    /// Whether another sensor watches the same subject for the same hazard: an alarm with evidence, in service, that reads a
    /// point this one does not.
    fn is_covered(&self, alarm: &Alarm) -> bool {
        let point = |cause: &Cause| (cause.station.clone(), cause.point.clone());
        let own: Vec<_> = alarm.causes.iter().map(point).collect();
        let covers = |other: &Filed| {
            let Filed { alarm: other, shadow, .. } = other;
            !shadow
                && other.key != alarm.key
                && other.hazard == alarm.hazard
                && station_of(&other.key) == station_of(&alarm.key)
                && !other.evidence.is_lost()
                && !other.is_out_of_service()
                && other.causes.iter().any(|cause| !own.contains(&point(cause)))
        };
        self.desk.register.filed().any(covers)
    }
}

/// The station of a subject, or the group or area that it is.
pub(super) fn station_of(key: &AlarmKey) -> &str {
    let subject = key.subject.as_str();
    subject.rsplit_once('/').map_or(subject, |(station, _)| station)
}

/// Puts a suppression in the place of the one of its kind.
fn replace(alarm: &mut Alarm, it: Suppression) {
    alarm.suppressed.retain(|old| old.kind() != it.kind());
    alarm.suppressed.push(it);
    alarm.suppressed.sort_by_key(Suppression::kind);
}

/// What may be shelved, in words.
fn limits(policy: &AttentionPolicy) -> String {
    let limit = |grade: Grade| policy.max_shelve.get(grade).map(|most| format!("{grade} {most}"));
    let all: Vec<String> = Grade::ALL.into_iter().filter_map(limit).collect();
    if all.is_empty() { "nothing may be shelved".to_owned() } else { format!("may be shelved: {}", all.join(", ")) }
}
