//! The site was written anew (SEMANTICS §8). What it still has stands as it stood, renamed or moved where the site says so;
//! what stood and has no rule or subject any more is held as an orphan, or ended by the person who took it away.

use watchfire_model::{
    alarm::{Alarm, AlarmKey},
    attention::Concern,
    finding::Evidence,
    grade,
    id::Seq,
    mode::Mode,
    reload::{Orphans, Reload},
    warning::{Ending, Entry, What},
};

use super::{
    Step,
    attention::{follow_fault, let_go},
    event::Event,
    register::{Filed, Place},
};

impl<M: Mode> Step<'_, M> {
    /// Brings every alarm in line with the site, which has just been changed.
    pub(super) fn reload(&mut self, reload: &Reload, seq: Seq) {
        self.emit(Event::Reloaded { reload: Box::new(reload.clone()), seq });
        let keys: Vec<AlarmKey> = self.desk.register.alarms().map(|alarm| alarm.key.clone()).collect();
        for key in keys {
            let now = self.desk.directory.renamed(&self.desk.site, &key).filter(|now| self.is_free(now));
            if let Some(now) = &now {
                self.emit(Event::Rekeyed { from: key.clone(), to: now.clone() });
            }
            let key = now.unwrap_or(key);
            if self.desk.directory.has(&self.desk.site, &key) {
                self.place_anew(&key);
            } else {
                self.orphan_alarm(&key, reload);
            }
        }
        self.forget_sensors();
        self.look_at_all();
    }

    fn is_free(&self, key: &AlarmKey) -> bool {
        self.desk.register.get(key).is_none()
    }

    /// An alarm may lie in another area now, or be of another hazard.
    fn place_anew(&mut self, key: &AlarmKey) {
        let Some(Filed { alarm: old, shadow, .. }) = self.desk.register.get(key) else { return };
        let Some(bearing) = self.desk.directory.bearing_of(&self.desk.site, old) else { return };
        let (was_shadow, left) = (*shadow, Place::of(old));
        let mut alarm = Alarm {
            hazard: bearing.hazard,
            area: bearing.area,
            name: bearing.name,
            unit: bearing.unit,
            orphaned: None,
            ..Alarm::clone(old)
        };
        if alarm == **old && was_shadow == bearing.shadow {
            return;
        }
        let place = Place::of(&alarm);
        if place != left {
            alarm.version += 1;
        }
        let stands = alarm.standing().filter(|_| !bearing.shadow);
        self.emit(Event::Alarm { alarm: Box::new(alarm), shadow: bearing.shadow });
        if place != left {
            self.reconcile(&left, None);
        }
        self.reconcile(&place, stands.filter(|_| place != left || was_shadow));
    }

    /// An alarm has no rule or no subject any more. What stands is held, or ended if a person says so; what was only
    /// lost or on its way is nobody's concern any more.
    fn orphan_alarm(&mut self, key: &AlarmKey, reload: &Reload) {
        let Some(Filed { alarm, shadow, .. }) = self.desk.register.get(key) else { return };
        let (shadow, stands, known) = (*shadow, alarm.standing(), alarm.orphaned.is_some());
        if stands.is_none() {
            let gone = gone(alarm);
            if gone != **alarm {
                self.emit(Event::Alarm { alarm: Box::new(gone), shadow });
            }
            return;
        }
        let by = |what, did: &str| Entry {
            at: self.now.wall,
            what,
            who: Some(reload.who.clone()),
            note: format!("{key}: {did}: {}", reload.why),
            command: None,
        };
        match reload.orphans {
            Orphans::Hold if known => {}
            Orphans::Hold => {
                let note =
                    format!("{} held: revision {} has no such rule or subject", grade::word(stands), reload.revision);
                self.hold(key);
                self.note_alarm(key, &self.entry(What::EvidenceLost, note));
            }
            Orphans::AllClear => self.let_end(key, by(What::AllClear, "ended with its rule or subject")),
            Orphans::Cancel => {
                let entry = by(What::Cancelled, "issued in error, ended with its rule or subject");
                self.cancel_if_alone(key, &entry);
                self.let_end(key, entry);
            }
        }
    }

    fn hold(&mut self, key: &AlarmKey) {
        let Some(Filed { alarm: old, shadow, .. }) = self.desk.register.get(key) else { return };
        let (mut alarm, shadow, was_lost) = (Alarm::clone(old), *shadow, old.evidence.is_lost());
        alarm.orphaned = Some(self.now.wall);
        alarm.pending = None;
        if !was_lost {
            (alarm.evidence, alarm.evidence_since) = (Evidence::OutOfService, self.now.wall);
            alarm.version += 1;
            alarm.worse_at = alarm.version;
        }
        follow_fault(self.now.wall, was_lost, false, &mut alarm);
        let place = Place::of(&alarm);
        self.emit(Event::Alarm { alarm: Box::new(alarm), shadow });
        if !shadow {
            self.reconcile(&place, None);
        }
    }

    /// Ends an alarm by a person's word; the warning above it follows, the public's part of it by the gate.
    fn let_end(&mut self, key: &AlarmKey, entry: Entry) {
        self.emit(Event::AlarmNoted { alarm: key.clone(), entry: entry.clone() });
        self.stand_otherwise(key, |alarm| *alarm = gone(alarm), entry);
    }

    /// Cancels the warning over an alarm, if every alarm under it has lost its rule or subject.
    fn cancel_if_alone(&mut self, key: &AlarmKey, entry: &Entry) {
        let Some(filed) = self.desk.register.get(key).filter(|filed| !filed.shadow) else { return };
        let place = Place::of(&filed.alarm);
        let has = |alarm: &Alarm| self.desk.directory.has(&self.desk.site, &alarm.key);
        let alone = !self.desk.register.graded(&place).any(has);
        if let Some(id) = self.desk.register.live(&place).filter(|_| alone).cloned()
            && let Err(refused) = self.close(&id, Ending::Cancelled, entry.clone())
        {
            self.complain(&refused);
        }
    }
}

/// An alarm of which nothing is left to see.
fn gone(alarm: &Alarm) -> Alarm {
    let mut gone = Alarm {
        judged: None,
        pending: None,
        override_by: None,
        evidence: if alarm.evidence.is_lost() { Evidence::Starting } else { alarm.evidence.clone() },
        assigned: None,
        suppressed: Vec::new(),
        asked_out: None,
        orphaned: None,
        held_over: None,
        doubt: None,
        doubted_until: None,
        chatters_until: None,
        ..alarm.clone()
    };
    let_go(&mut gone, Concern::Fault);
    if alarm.standing().is_none() {
        let_go(&mut gone, Concern::Hazard);
    }
    gone
}
