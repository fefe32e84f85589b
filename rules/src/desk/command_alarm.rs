//! What people ask of one alarm: taking note of it and taking that back, saying that what was to be done is done, letting
//! go of its latch, having it in hand, and a word about it.

use watchfire_model::{
    alarm::{Alarm, AlarmKey, Assigned},
    attention::{Attention, Concern},
    command::{Command, Refusal},
    grade,
    id::PersonId,
    mode::Mode,
    warning::What,
};

use super::{
    Step,
    attention::{acknowledged, let_go},
    command::seen,
    event::Event,
    register::{Filed, Place},
};

impl<M: Mode> Step<'_, M> {
    /// Takes note of one side of an alarm; also of one that is over, unseen.
    pub(super) fn acknowledge_alarm(
        &mut self,
        command: &Command,
        key: &AlarmKey,
        version: u64,
        concern: Concern,
    ) -> Result<(), Refusal> {
        let alarm = &self.filed(key)?.alarm;
        seen(alarm.worse_at, alarm.version, version)?;
        if !alarm.attention_to(concern).is_unacked() {
            return Ok(());
        }
        let reack = self.policy(&alarm.hazard).reack;
        let (by, now) = (command.who.clone(), self.now);
        self.change_alarm(key, |alarm| acknowledged(alarm, concern, &by, now, &reack));
        let did = format!("{}, version {version}", concern.word());
        self.note_alarm(key, &self.entry_by(command, What::Acknowledged, did));
        self.expect_nobody_if_noted(key);
        Ok(())
    }

    /// Takes back that one took note.
    pub(super) fn unacknowledge(&mut self, command: &Command, key: &AlarmKey, concern: Concern) -> Result<(), Refusal> {
        let alarm = &self.filed(key)?.alarm;
        let (stands, place) = (alarm.standing().filter(|_| !alarm.is_quieted()), Place::of(alarm));
        if alarm.attention_to(concern).noted().is_none() {
            return not_now(format!("nobody has acknowledged the {} of {key}", concern.word()));
        }
        let since = self.now.wall;
        self.change_alarm(key, |alarm| {
            let unacked = Attention::Unacked { since };
            match concern {
                Concern::Hazard => {
                    alarm.attention = unacked;
                    alarm.realarm_at = None;
                }
                Concern::Fault => alarm.fault_attention = unacked,
            }
        });
        self.note_alarm(key, &self.entry_by(command, What::Unacknowledged, concern.word().to_owned()));
        if let (Some(grade), Concern::Hazard) = (stands, concern)
            && let Some(id) = self.desk.register.live(&place).cloned()
        {
            self.expect_acknowledgement(&id, grade);
        }
        Ok(())
    }

    /// Takes a person's word that what was to be done is done.
    pub(super) fn confirm(
        &mut self,
        command: &Command,
        key: &AlarmKey,
        version: u64,
        concern: Concern,
    ) -> Result<(), Refusal> {
        let alarm = &self.filed(key)?.alarm;
        seen(alarm.worse_at, alarm.version, version)?;
        match alarm.attention_to(concern) {
            Attention::Confirmed { .. } => return Ok(()),
            Attention::Acked { .. } => {}
            Attention::Quiet => return not_now(format!("there is no {} of {key} to confirm", concern.word())),
            Attention::Unacked { .. } => {
                return not_now(format!("the {} of {key} is acknowledged before it is confirmed", concern.word()));
            }
        }
        let (by, at) = (command.who.clone(), self.now.wall);
        self.change_alarm(key, |alarm| {
            let confirmed = Attention::Confirmed { by, at, grade: alarm.standing(), version: alarm.version };
            match concern {
                Concern::Hazard => alarm.attention = confirmed,
                Concern::Fault => alarm.fault_attention = confirmed,
            }
        });
        self.note_alarm(key, &self.entry_by(command, What::Confirmed, concern.word().to_owned()));
        Ok(())
    }

    /// Lets go of a latch. Refused while there is anything to take note of.
    pub(super) fn reset(&mut self, command: &Command, key: &AlarmKey, concern: Concern) -> Result<(), Refusal> {
        let alarm = &self.filed(key)?.alarm;
        let latched = match concern {
            Concern::Hazard => alarm.latch.is_some(),
            Concern::Fault => alarm.fault_latch.is_some(),
        };
        let refusal = match (concern, alarm.standing()) {
            (Concern::Hazard, Some(grade)) => Some(format!("{key} stands at {grade}; it is reset once it is clear")),
            (Concern::Fault, _) if alarm.evidence.is_lost() => {
                Some(format!("the evidence of {key} is lost; it is reset once it is back"))
            }
            _ if !latched => Some(format!("no {} of {key} is latched", concern.word())),
            _ if alarm.attention_to(concern).is_unacked() => {
                Some(format!("the {} of {key} is acknowledged before it is reset", concern.word()))
            }
            (Concern::Hazard | Concern::Fault, _) => None,
        };
        if let Some(reason) = refusal {
            return not_now(reason);
        }
        let did = format!("{}, highest {}", concern.word(), grade::word(alarm.latch));
        self.change_alarm(key, |alarm| let_go(alarm, concern));
        self.note_alarm(key, &self.entry_by(command, What::Reset, did));
        Ok(())
    }

    /// Puts an alarm into somebody's hands, or back.
    pub(super) fn assign(&mut self, command: &Command, key: &AlarmKey, to: Option<&PersonId>) -> Result<(), Refusal> {
        let alarm = &self.filed(key)?.alarm;
        if to.is_some_and(|to| to.as_str().trim().is_empty()) {
            return Err(Refusal::Anonymous { what: "to".to_owned() });
        }
        if alarm.assigned.as_ref().map(|assigned| &assigned.to) == to {
            return Ok(());
        }
        let (by, at) = (command.who.clone(), self.now.wall);
        let assigned = to.map(|to| Assigned { to: to.clone(), by, at });
        self.change_alarm(key, |alarm| alarm.assigned = assigned);
        let did = match to {
            Some(to) if *to == command.who => "taken over".to_owned(),
            Some(to) => format!("handed to {to}"),
            None => "put back".to_owned(),
        };
        self.note_alarm(key, &self.entry_by(command, What::Assigned, did));
        Ok(())
    }

    /// Agrees that an alarm falls to what its changed rule judges, now or when it does.
    pub(super) fn accept_fall(&mut self, command: &Command, key: &AlarmKey, version: u64) -> Result<(), Refusal> {
        let alarm = &self.filed(key)?.alarm;
        seen(alarm.worse_at, alarm.version, version)?;
        let Some(held) = alarm.held_over.clone() else {
            return not_now(format!("{key} is not held over from before its rule was changed"));
        };
        let (from, to) = (grade::word(alarm.judged), grade::word(held.judged));
        let entry =
            self.entry_by(command, What::Overridden, format!("{key}: {from} → {to}, as its changed rule judges"));
        self.emit(Event::AlarmNoted { alarm: key.clone(), entry: entry.clone() });
        let accept = |alarm: &mut Alarm| (alarm.judged, alarm.held_over) = (held.judged, None);
        self.stand_otherwise(key, accept, entry);
        Ok(())
    }

    /// Adds a person's words to an alarm's story.
    pub(super) fn comment(&mut self, command: &Command, key: &AlarmKey) -> Result<(), Refusal> {
        self.filed(key)?;
        self.note_alarm(key, &self.entry_by(command, What::Commented, String::new()));
        Ok(())
    }

    /// An alarm that is kept here.
    pub(super) fn filed(&self, key: &AlarmKey) -> Result<&Filed, Refusal> {
        let unknown = || Refusal::Unknown { what: "alarm".to_owned(), id: key.to_string() };
        self.desk.register.get(key).ok_or_else(unknown)
    }

    /// Decides a change of one alarm.
    pub(super) fn change_alarm(&mut self, key: &AlarmKey, change: impl FnOnce(&mut Alarm)) {
        let Some(Filed { alarm, shadow, .. }) = self.desk.register.get(key) else { return };
        let (mut alarm, shadow) = (Alarm::clone(alarm), *shadow);
        change(&mut alarm);
        self.emit(Event::Alarm { alarm: Box::new(alarm), shadow });
    }

    /// Drops the deadline of the warning over an alarm, once nothing under it waits for a person.
    fn expect_nobody_if_noted(&mut self, key: &AlarmKey) {
        let Some(filed) = self.desk.register.get(key) else { return };
        let Some(id) = self.desk.register.live(&Place::of(&filed.alarm)).cloned() else { return };
        if !self.desk.waits_for_a_person(&id) {
            self.expect_nobody(&id);
        }
    }
}

/// A refusal with what would have to be so.
pub(super) fn not_now(reason: String) -> Result<(), Refusal> {
    Err(Refusal::NotNow { reason })
}
