//! Makes a recorded fact so. Nothing is decided here and the site is not asked: events of last year, applied under
//! today's configuration, rebuild the Desk as it was.

use std::sync::Arc;

use watchfire_model::{
    alarm::{Alarm, AlarmKey, Override},
    attention::{Attention, Concern},
    bulletin::{Bulletin, Notice},
    grade::Grade,
    id::WarningId,
    mode::Mode,
    receipt::Receipt,
    site::Audience,
    time::{Now, Steady, Timestamp},
    warning::{Ending, NoticeStatus, Warning},
};

use super::{
    Desk, ENDED_KEPT, ENDED_MOST,
    attention::{acknowledged, set_aside},
    case::{self, Case},
    event::{Deadline, Event},
    register::Filed,
};

impl<M: Mode> Desk<M> {
    /// Makes a decided event so. A restart applies what the ledger holds, each event with its record's `now`, and decides
    /// nothing again.
    pub fn apply(&mut self, now: Now, event: &Event<M>) {
        match event {
            Event::Alarm { alarm, shadow } => self.file_alarm((**alarm).clone(), *shadow),
            Event::Incident(incident) => self.file_incident(incident),
            Event::Tending(tending) => self.file_tending(tending),
            Event::Upkeep(upkeep) => self.upkeeps.push_back((**upkeep).clone()),
            Event::UpkeepDone { command } => self.upkeeps.retain(|upkeep| upkeep.command != *command),
            Event::Rekeyed { from, to } => self.rekey(from, to),
            Event::Unplaced { .. } | Event::Witnessed => {}
            Event::Acknowledged { warning, by, at, reack } => {
                let now = Now { wall: *at, ..now };
                self.touch_alarms(warning, |alarm| acknowledged(alarm, Concern::Hazard, by, now, reack));
            }
            Event::AlarmNoted { alarm, entry } => self.register.tell(alarm, entry),
            Event::SetAside { warning, word } => self.set_aside(warning, word),
            Event::Faulted { warning, since } => self.fault(warning, *since),
            Event::Opened(warning) => self.open(warning),
            Event::Turned { warning, grade, evidence_lost, version, worse } => {
                self.change(warning, |case| turn(case, *grade, *evidence_lost, *version, *worse));
            }
            Event::Correction { warning, correction } => {
                self.change(warning, |case| case.warning_mut().correction.clone_from(correction));
            }
            Event::Waiting { warning, waiting } => {
                self.change(warning, |case| case.warning_mut().waiting.clone_from(waiting));
            }
            Event::Spoken { bulletin, cleared, renew_at, until } => {
                self.speak(now, bulletin, *cleared, *renew_at, *until);
            }
            Event::Notice(notice) => self.send(now, notice),
            Event::Receipt(receipt) => self.answer(receipt),
            Event::Noted { warning, entry } => self.change(warning, |case| case.tell(entry.clone())),
            Event::Deadline { deadline, at } => self.timetable.set(deadline, *at),
            Event::Closed { warning, how, at } => self.close(warning, *how, *at),
            Event::Reloaded { reload, seq } => self.reloaded = Some((*seq, reload.revision.clone())),
            Event::Answered { command, who, act, refusal } => {
                if refusal.is_none() {
                    self.answered.remember(command, who, act);
                }
            }
        }
    }

    fn change(&mut self, id: &WarningId, change: impl FnOnce(&mut Case)) {
        if let Some(case) = self.cases.get_mut(id) {
            change(case);
        }
    }

    fn file_alarm(&mut self, alarm: Alarm, shadow: bool) {
        let key = alarm.key.clone();
        let until = alarm.override_by.as_ref().map(|word| word.until);
        self.timetable.set(&Deadline::Override(key.clone()), until);
        self.timetable.set(&Deadline::Alarm(key.clone()), alarm.due());
        if let Some(under) = self.register.file(alarm, shadow) {
            self.change(&under, |case| {
                if let Err(at) = case.warning.alarms.binary_search(&key) {
                    case.warning_mut().alarms.insert(at, key);
                }
            });
        }
    }

    fn rekey(&mut self, from: &AlarmKey, to: &AlarmKey) {
        let Some(Filed { alarm, shadow, story }) = self.register.take(from) else { return };
        let mut alarm = Arc::unwrap_or_clone(alarm);
        self.timetable.set(&Deadline::Override(from.clone()), None);
        self.timetable.set(&Deadline::Alarm(from.clone()), None);
        alarm.key = to.clone();
        // Findings under the new id are counted anew.
        alarm.last_n = 0;
        for case in self.cases.values_mut() {
            if case.warning.alarms.contains(from) {
                case.warning_mut().alarms.retain(|key| key != from);
            }
        }
        self.file_alarm(alarm, shadow);
        story.iter().for_each(|entry| self.register.tell(to, entry));
    }

    fn touch_alarms(&mut self, id: &WarningId, mut change: impl FnMut(&mut Alarm)) {
        let Some(case) = self.cases.get(id) else { return };
        for key in &case.warning.alarms {
            if let Some(alarm) = self.register.touch(key, &mut change) {
                self.timetable.set(&Deadline::Alarm(key.clone()), alarm.due());
            }
        }
    }

    fn set_aside(&mut self, id: &WarningId, word: &Override) {
        let Some(case) = self.cases.get(id) else { return };
        let keys: Vec<AlarmKey> = self.register.graded(&case.place()).map(|alarm| alarm.key.clone()).collect();
        for key in keys {
            if let Some(Filed { alarm, shadow, .. }) = self.register.get(&key) {
                let (mut alarm, shadow) = (Alarm::clone(alarm), *shadow);
                set_aside(&mut alarm, word);
                self.file_alarm(alarm, shadow);
            }
        }
    }

    fn fault(&mut self, id: &WarningId, since: Timestamp) {
        self.touch_alarms(id, |alarm| {
            if alarm.standing().is_some() && !matches!(alarm.fault_attention, Attention::Unacked { .. }) {
                alarm.fault_attention = Attention::Unacked { since };
            }
        });
    }

    fn open(&mut self, warning: &Warning) {
        let mut warning = warning.clone();
        warning.alarms.sort();
        let case = Case::new(warning);
        self.register.set_live(&case.place(), Some(case.warning.id.clone()));
        self.cases.insert(case.warning.id.clone(), case);
        self.opened += 1;
    }

    fn speak(&mut self, now: Now, bulletin: &Bulletin, cleared: bool, renew_at: Steady, until: Steady) {
        let Some(case) = self.cases.get_mut(&bulletin.warning) else { return };
        case.speak(bulletin, cleared, now.steady, until);
        case.tell(case::spoken(bulletin, now.wall));
        let id = &bulletin.warning;
        let held = |at| (!bulletin.class.ends()).then_some(at);
        self.timetable.set(&Deadline::Renew(id.clone(), bulletin.audience), held(renew_at));
        if bulletin.audience == Audience::Public {
            self.timetable.set(&Deadline::Expire(id.clone()), held(until));
        }
    }

    fn send(&mut self, now: Now, notice: &Notice<M>) {
        let bulletin = &notice.bulletin;
        let status = NoticeStatus {
            id: notice.id.clone(),
            channel: notice.channel.clone(),
            bulletin: bulletin.id.clone(),
            audience: bulletin.audience,
            issued_at: now.wall,
            receipt: None,
            attempts: 0,
            tried: Vec::new(),
        };
        self.change(&bulletin.warning, |case| case.send(status, notice.order));
        self.outbox.put(notice);
    }

    fn answer(&mut self, receipt: &Receipt) {
        let Some(warning) = self.outbox.get(&receipt.notice).map(|notice| notice.bulletin.warning.clone()) else {
            return;
        };
        if receipt.outcome.is_final() {
            self.outbox.settle(&receipt.notice);
        }
        self.change(&warning, |case| case.answer(receipt));
    }

    fn close(&mut self, id: &WarningId, how: Ending, at: Timestamp) {
        let Some(case) = self.cases.get_mut(id) else { return };
        case.close(how, at);
        self.register.set_live(&case.place(), None);
        for deadline in Deadline::of(id) {
            self.timetable.set(&deadline, None);
        }
        self.ended.push_back(id.clone());
        while self.ended.len() > ENDED_KEPT {
            let sent = |id: &WarningId| !self.outbox.holds(id);
            // The one that has just ended stays: what follows may still speak of it.
            let place = match self.ended.iter().take(self.ended.len() - 1).position(sent) {
                Some(place) => place,
                None if self.ended.len() > ENDED_MOST => 0,
                None => break,
            };
            let Some(gone) = self.ended.remove(place) else { break };
            self.outbox.forget(&gone);
            self.cases.remove(&gone);
        }
    }
}

fn turn(case: &mut Case, grade: Option<Grade>, evidence_lost: Option<Timestamp>, version: u64, worse: bool) {
    let warning = case.warning_mut();
    warning.grade = grade;
    warning.peak = grade.map_or(warning.peak, |grade| grade.max(warning.peak));
    warning.evidence_lost = evidence_lost;
    warning.version = version;
    if worse {
        case.worse_at = version;
    }
}
