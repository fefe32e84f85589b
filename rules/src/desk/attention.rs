//! What becomes of the officer's attention: a rise asks for it, a person gives it, time takes it back, and a latch keeps
//! what is over until somebody has seen it (SEMANTICS §6). Hazard and fault each by themselves; no grade is changed here.

use watchfire_model::{
    alarm::{Alarm, AlarmKey, Override, Swing},
    attention::{Attention, AttentionPolicy, Concern, Latching},
    bulletin::MessageClass,
    grade::{self, Grade, PerGrade},
    id::{HazardId, PersonId},
    mode::Mode,
    site::Audience,
    time::{Now, Span, Timestamp},
    warning::{Entry, What},
};

use super::{Step, event::Event, register::Place};

/// An acknowledgement that runs out again and again is made to last this many times as long at most.
const REACK_MOST: i64 = 4;

impl<M: Mode> Step<'_, M> {
    /// What a hazard's profile says of attention; the defaults for one that the site no longer has.
    pub(super) fn policy(&self, hazard: &HazardId) -> AttentionPolicy {
        self.desk.directory.hazard(&self.desk.site, hazard).map_or_else(AttentionPolicy::default, |it| it.attention)
    }

    /// Does what has fallen due on an alarm.
    pub(super) fn attend(&mut self, key: &AlarmKey) {
        self.lapse_suppressions(key);
        let Some(filed) = self.desk.register.get(key) else { return };
        if filed.alarm.doubted_until.is_some_and(|until| until <= self.now.steady) {
            self.prove_by_time(key);
        }
        let Some(filed) = self.desk.register.get(key) else { return };
        if filed.alarm.realarm_at.is_some_and(|at| at <= self.now.steady) {
            self.realarm(key);
        }
        let Some(filed) = self.desk.register.get(key) else { return };
        if filed.alarm.chatters_until.is_some_and(|until| until <= self.now.steady) {
            self.calm_down(key);
        }
    }

    /// An alarm has been still for long enough: what was held back while it chattered is said.
    fn calm_down(&mut self, key: &AlarmKey) {
        self.change_alarm(key, |alarm| {
            alarm.chatters_until = None;
            alarm.swings.clear();
        });
        self.note_alarm(key, &self.entry(What::Calm, "its grade turns up and down no more".to_owned()));
        let Some(filed) = self.desk.register.get(key).filter(|filed| !filed.shadow) else { return };
        if let Some(id) = self.desk.register.live(&Place::of(&filed.alarm)).cloned() {
            self.settle(&id);
        }
    }

    /// An acknowledgement has run out and the grade still stands: it asks for a person as at first.
    fn realarm(&mut self, key: &AlarmKey) {
        let Some(filed) = self.desk.register.get(key) else { return };
        let (shadow, mut alarm) = (filed.shadow, Alarm::clone(&filed.alarm));
        let by = alarm.attention.noted().map(|(by, _)| by.to_string()).unwrap_or_default();
        alarm.realarm_at = None;
        alarm.realarms = alarm.realarms.saturating_add(1);
        alarm.attention = Attention::Unacked { since: self.now.wall };
        let (place, stands, quiet) = (Place::of(&alarm), alarm.standing(), alarm.is_quieted());
        self.emit(Event::Alarm { alarm: Box::new(alarm), shadow });
        let note = format!("{} still stands; what {by} took note of has run out", grade::word(stands));
        self.note_alarm(key, &self.entry(What::Realarmed, note));
        if let (Some(grade), false) = (stands, shadow || quiet) {
            self.call_again(&place, grade);
        }
    }

    /// Calls for a person once more, about a grade that those on duty have been told of.
    pub(super) fn call_again(&mut self, place: &Place, grade: Grade) {
        let Some(id) = self.desk.register.live(place).cloned() else { return };
        self.expect_acknowledgement(&id, grade);
        let told = self.desk.cases.get(&id).and_then(|case| case.chain(Audience::Internal).told.as_ref());
        if let Some(told) = told.filter(|told| !told.cleared) {
            let grade = told.grade;
            self.speak(&id, Audience::Internal, MessageClass::Continue, grade, false);
        }
    }

    /// Adds a line to an alarm's own story, and to that of the warning it stands under.
    pub(super) fn note_alarm(&mut self, key: &AlarmKey, entry: &Entry) {
        self.emit(Event::AlarmNoted { alarm: key.clone(), entry: entry.clone() });
        let Some(filed) = self.desk.register.get(key).filter(|filed| !filed.shadow) else { return };
        if let Some(warning) = self.desk.register.live(&Place::of(&filed.alarm)).cloned() {
            let entry = Entry { note: format!("{key}: {}", entry.note), ..entry.clone() };
            self.emit(Event::Noted { warning, entry });
        }
    }
}

/// Version, attention and latch after the standing grade may have changed.
pub(super) fn follow(now: Now, before: Option<Grade>, flapping: Option<Span>, alarm: &mut Alarm) {
    let stands = alarm.standing();
    if stands == before {
        return;
    }
    alarm.version += 1;
    alarm.latch = alarm.latch.max(stands);
    swing(now, stands > before, flapping, alarm);
    if stands > before {
        alarm.worse_at = alarm.version;
        alarm.attention = Attention::Unacked { since: now.wall };
        alarm.realarm_at = None;
        alarm.realarms = 0;
    } else if stands.is_none() {
        alarm.realarm_at = None;
        alarm.realarms = 0;
        let stays = match alarm.latching {
            Latching::None => false,
            // Whoever has taken note has nothing left to hold on to.
            Latching::UntilAck => alarm.attention.is_unacked(),
            Latching::UntilReset => true,
        };
        if !stays {
            let_go(alarm, Concern::Hazard);
        }
    }
}

/// Turns up and down, of which so many within the profile's time are chatter (SEMANTICS §5).
const TURNS: usize = 4;

/// Counts a turn of the grade. Going on in the same direction is none: four steps up are no chatter.
fn swing(now: Now, rose: bool, flapping: Option<Span>, alarm: &mut Alarm) {
    let Some(within) = flapping.filter(|_| alarm.swings.last().is_none_or(|last| last.rose != rose)) else { return };
    alarm.swings.retain(|swing| now.steady - swing.at <= within);
    if alarm.swings.len() >= TURNS {
        alarm.swings.remove(0);
    }
    alarm.swings.push(Swing { at: now.steady, rose });
    if alarm.swings.len() >= TURNS || alarm.chatters_until.is_some() {
        alarm.chatters_until = Some(now.steady + within);
    }
}

/// The fault's side after a finding: what is lost asks for a person, what is back lets go unless it is latched.
pub(super) fn follow_fault(at: Timestamp, was_lost: bool, spoke: bool, alarm: &mut Alarm) {
    let lost = alarm.evidence.is_lost();
    if spoke || (lost && !was_lost) {
        alarm.fault_attention = Attention::Unacked { since: at };
        if alarm.fault_latching != Latching::None {
            alarm.fault_latch = alarm.fault_latch.or(Some(at));
        }
    } else if !lost && was_lost {
        let stays = match alarm.fault_latching {
            Latching::None => false,
            Latching::UntilAck => alarm.fault_attention.is_unacked(),
            Latching::UntilReset => true,
        };
        if !stays {
            let_go(alarm, Concern::Fault);
        }
    }
}

/// An alarm after a person took note of it. `reack` says for how long that holds.
pub(super) fn acknowledged(
    alarm: &mut Alarm,
    concern: Concern,
    by: &PersonId,
    now: Now,
    reack: &PerGrade<Option<Span>>,
) {
    if !alarm.attention_to(concern).is_unacked() {
        return;
    }
    let grade = alarm.standing();
    let acked = Attention::Acked { by: by.clone(), at: now.wall, grade, version: alarm.version };
    match concern {
        Concern::Hazard if grade.is_some() || alarm.latching == Latching::UntilReset => {
            alarm.attention = acked;
            let lasting = grade.and_then(|grade| *reack.get(grade));
            alarm.realarm_at = lasting.map(|span| {
                let times = 1_i64.checked_shl(alarm.realarms.min(8)).unwrap_or(REACK_MOST).min(REACK_MOST);
                now.steady + Span(span.0.saturating_mul(times)).max(Span::minutes(1))
            });
        }
        Concern::Fault if alarm.evidence.is_lost() || alarm.fault_latching == Latching::UntilReset => {
            alarm.fault_attention = acked;
        }
        Concern::Hazard | Concern::Fault => let_go(alarm, concern),
    }
}

/// Leaves nothing of a side to take note of.
pub(super) fn let_go(alarm: &mut Alarm, concern: Concern) {
    match concern {
        Concern::Hazard => {
            alarm.attention = Attention::Quiet;
            alarm.latch = None;
            alarm.realarm_at = None;
        }
        Concern::Fault => {
            alarm.fault_attention = Attention::Quiet;
            alarm.fault_latch = None;
        }
    }
}

/// An alarm after a person called it issued in error.
pub(super) fn set_aside(alarm: &mut Alarm, word: &Override) {
    alarm.override_by = Some(Override { against: alarm.judged, ..word.clone() });
    alarm.version += 1;
    let_go(alarm, Concern::Hazard);
}
