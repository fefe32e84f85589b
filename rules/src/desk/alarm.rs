//! From findings and a person's word to alarms: grade, evidence and attention, each by itself. Nothing about warnings.

use watchfire_model::{
    alarm::{Alarm, AlarmKey, HeldOver, Override},
    attention::AttentionPolicy,
    finding::{Change, Evidence, FaultCause, Finding},
    grade::{self, Grade},
    mode::Mode,
    time::{Now, Timestamp},
    warning::What,
};

use super::{
    Step,
    attention::{follow, follow_fault},
    directory::Bearing,
    doubt::follow_doubt,
    event::Event,
    register::{Filed, Place},
    suppression::outlive,
};

impl<M: Mode> Step<'_, M> {
    /// Weighs a finding: a repeat changes nothing, anything else its alarm, and through it perhaps a warning.
    pub(super) fn weigh(&mut self, finding: &Finding) {
        let key = AlarmKey { rule: finding.rule.clone(), subject: finding.subject.clone() };
        self.rename(&key);
        let register = &self.desk.register;
        let old = register.get(&key);
        if old.is_some_and(|old| finding.n <= old.alarm.last_n) {
            return;
        }
        let site = &self.desk.site;
        let bearing = self.desk.directory.bearing(site, finding).or_else(|| old.map(as_filed));
        let Some(bearing) = bearing else {
            let (rule, subject) = (finding.rule.clone(), finding.subject.clone());
            return self.emit(Event::Unplaced { rule, subject, n: finding.n });
        };
        self.file_finding(finding, key, bearing.clone());
        if finding.change == Change::OverInCalibration {
            self.over_in_calibration(finding, &bearing);
        }
    }

    /// Files what was found where it bears.
    pub(super) fn file_finding(&mut self, finding: &Finding, key: AlarmKey, bearing: Bearing) {
        let old = self.desk.register.get(&key);
        let shadow = bearing.shadow;
        let before_moving = old.filter(|old| old.alarm.area != bearing.area).map(|old| old.alarm.clone());
        let left = old.filter(|old| !old.shadow).map(|old| Place::of(&old.alarm));
        let before = old.filter(|old| !old.shadow).and_then(|old| old.alarm.standing());
        let policy = self.policy(&bearing.hazard);
        let stood = old.and_then(|old| old.alarm.standing());
        let doubted = old.and_then(|old| old.alarm.doubt);
        let public = self.told_the_public(&Place { hazard: bearing.hazard.clone(), area: bearing.area.clone() });
        let mut alarm = weighed(self.now, old.map(|old| &*old.alarm), key, finding, bearing, policy, public);
        self.explain_one(&mut alarm);
        let outlived = outlive(stood, &mut alarm);
        self.keep_quiet(stood, &mut alarm);
        let under = alarm.incident.clone().map(|id| (id, alarm.standing()));
        let left_incident = old.and_then(|old| old.alarm.incident.clone()).filter(|_| under.is_none());
        let began_to_chatter =
            alarm.chatters_until.is_some() && old.is_some_and(|old| old.alarm.chatters_until.is_none());
        let (place, key, quiet) = (Place::of(&alarm), alarm.key.clone(), alarm.is_quieted());
        let was_quiet = old.is_some_and(|old| old.alarm.is_quieted());
        let rose = alarm.standing().filter(|grade| Some(*grade) > before);
        self.emit(Event::Alarm { alarm: Box::new(alarm), shadow });
        if let Some((id, stands)) = under {
            self.press(&id, stands);
        }
        if let Some(id) = left_incident {
            self.ease_by_hearing(&id, finding.at);
        }
        self.note_outlived(&key, &outlived);
        self.note_doubt(&key, finding);
        if began_to_chatter {
            self.note_alarm(
                &key,
                &self.entry(What::Chatters, "its grade turns up and down: falls are held back".to_owned()),
            );
        }
        if left.as_ref().is_some_and(|left| *left != place)
            && let Some(left) = &left
        {
            self.touched.insert(left.clone());
            self.reconcile(left, None);
        }
        if !shadow || left.is_some() {
            self.reconcile(&place, rose.filter(|_| !shadow && !quiet));
        }
        self.note_proof(&key, doubted);
        // The hour has come, or our clock was set, since what the site says was last looked at.
        if was_quiet != quiet && rose.is_none() {
            self.speak_up(&key, was_quiet);
        }
        self.inhibit_others(&key);
        if let Some(moved) = before_moving {
            self.inhibit_near(&moved);
        }
    }

    /// What the public was told at a place, while it is told anything.
    fn told_the_public(&self, place: &Place) -> Option<Grade> {
        let live = self.desk.register.live(place)?;
        self.desk.cases.get(live)?.published()
    }

    /// Puts a person's word (or none) on an alarm.
    pub(super) fn override_alarm(
        &mut self,
        key: &AlarmKey,
        word: Option<Override>,
        entry: watchfire_model::warning::Entry,
    ) {
        self.stand_otherwise(key, |alarm| alarm.override_by = word, entry);
    }

    /// Changes on what an alarm stands, by a person's word, and brings everything in line with it.
    pub(super) fn stand_otherwise(
        &mut self,
        key: &AlarmKey,
        change: impl FnOnce(&mut Alarm),
        entry: watchfire_model::warning::Entry,
    ) {
        let Some(Filed { alarm: old, shadow, .. }) = self.desk.register.get(key) else { return };
        let shadow = *shadow;
        let mut alarm = Alarm::clone(old);
        change(&mut alarm);
        let (before, old_sure, was_quiet) = (old.standing(), old.sure(), old.is_quieted());
        follow(self.now, before, self.policy(&alarm.hazard).flapping, &mut alarm);
        let outlived = outlive(before, &mut alarm);
        self.keep_quiet(before, &mut alarm);
        let (place, quiet) = (Place::of(&alarm), alarm.is_quieted());
        let rose = alarm.standing().filter(|grade| Some(*grade) > before);
        let is_sure = alarm.sure() != old_sure;
        self.emit(Event::Alarm { alarm: Box::new(alarm), shadow });
        self.note_outlived(key, &outlived);
        if shadow {
            return;
        }
        let live = self.desk.register.live(&place).cloned();
        if let Some(id) = &live {
            self.emit(Event::Noted { warning: id.clone(), entry: entry.clone() });
        }
        self.reconcile(&place, rose.filter(|_| !quiet));
        if let Some(id) = live.as_ref().filter(|_| is_sure) {
            self.settle(id);
        }
        if live.is_none()
            && let Some(id) = self.desk.register.live(&place).cloned()
        {
            self.emit(Event::Noted { warning: id, entry });
        }
        // Our clock was set since what the site says of the hour was last looked at.
        if was_quiet != quiet && rose.is_none() {
            self.speak_up(key, was_quiet);
        }
        self.inhibit_others(key);
    }

    /// A person's word has run out: what is judged stands again.
    pub(super) fn lapse(&mut self, key: &AlarmKey) {
        let Some(word) = self.desk.register.get(key).and_then(|filed| filed.alarm.override_by.as_ref()) else { return };
        let note = format!("{key}: the word of {} ({}) has run out", word.by, grade::word(word.grade));
        let entry = self.entry(What::Overridden, note);
        self.override_alarm(key, None, entry);
    }

    /// Lets an alarm of a renamed rule or station go on under the new name.
    pub(super) fn rename(&mut self, key: &AlarmKey) {
        if self.desk.register.get(key).is_some() {
            return;
        }
        let former = self.desk.directory.former_keys(&self.desk.site, key);
        if let Some(from) = former.into_iter().find(|from| self.desk.register.get(from).is_some()) {
            self.emit(Event::Rekeyed { from, to: key.clone() });
        }
    }
}

/// What an alarm of a rule or subject that the site no longer has was filed with.
fn as_filed(filed: &Filed) -> Bearing {
    let alarm = &filed.alarm;
    Bearing {
        hazard: alarm.hazard.clone(),
        area: alarm.area.clone(),
        name: alarm.name.clone(),
        unit: alarm.unit.clone(),
        shadow: filed.shadow,
    }
}

/// The alarm after a finding.
fn weighed(
    now: Now,
    old: Option<&Alarm>,
    key: AlarmKey,
    finding: &Finding,
    bearing: Bearing,
    policy: AttentionPolicy,
    public: Option<Grade>,
) -> Alarm {
    let held_before = old.and_then(|old| old.held_over.as_ref());
    let judged_now =
        judged(held_before.map_or_else(|| old.and_then(|old| old.judged), |held| held.judged), finding, public);
    let judged = old.filter(|_| held_before.is_some()).map_or(judged_now, |old| judged_now.max(old.judged));
    let was_lost = old.is_some_and(|old| old.evidence.is_lost());
    let evidence = match (&finding.evidence, old) {
        // An Evaluator that has just started has heard nothing yet: what was lost is not back.
        (Evidence::Starting, Some(old)) if was_lost => old.evidence.clone(),
        (heard, _) => heard.clone(),
    };
    // What was said in a calibration is no measurement of this alarm's.
    let speaks_beside = finding.change == Change::OverInCalibration;
    let same_area = old.is_none_or(|old| old.area == bearing.area);
    let same_grade = old.is_some_and(|old| old.judged == judged);
    let mut alarm = Alarm {
        key,
        hazard: bearing.hazard,
        area: bearing.area,
        name: bearing.name,
        unit: bearing.unit,
        judged,
        pending: finding.pending.filter(|_| finding.change != Change::OverInCalibration),
        override_by: old.and_then(|old| old.override_by.clone()),
        evidence_since: match old {
            Some(old) if old.evidence == evidence => old.evidence_since,
            _ => finding.at,
        },
        evidence,
        lost_rising: old.and_then(|old| old.lost_rising),
        incident: old.and_then(|old| old.incident.clone()),
        attention: old.map(|old| old.attention.clone()).unwrap_or_default(),
        fault_attention: old.map(|old| old.fault_attention.clone()).unwrap_or_default(),
        latch: old.and_then(|old| old.latch),
        latching: policy.latch,
        fault_latch: old.and_then(|old| old.fault_latch),
        fault_latching: policy.fault_latch,
        realarm_at: old.and_then(|old| old.realarm_at),
        realarms: old.map_or(0, |old| old.realarms),
        assigned: old.and_then(|old| old.assigned.clone()),
        swings: old.map(|old| old.swings.clone()).unwrap_or_default(),
        chatters_until: old.and_then(|old| old.chatters_until),
        suppressed: old.map(|old| old.suppressed.clone()).unwrap_or_default(),
        asked_out: old.and_then(|old| old.asked_out.clone()),
        orphaned: None,
        held_over: held_over(now.wall, old, judged_now, finding),
        doubt: None,
        doubted_until: None,
        onset: finding.onset,
        at: old.filter(|_| same_grade).map_or(finding.at, |old| old.at),
        changed_at: old.filter(|_| same_grade).map_or(now.wall, |old| old.changed_at),
        heard_at: old.filter(|_| same_grade).map_or(finding.heard_at, |old| old.heard_at),
        value: finding.value.filter(|_| !speaks_beside).or_else(|| old.and_then(|old| old.value)),
        threshold: finding
            .threshold
            .filter(|_| !speaks_beside)
            .or_else(|| old.filter(|_| same_grade).and_then(|old| old.threshold)),
        causes: old
            .filter(|old| finding.causes.is_empty() || (speaks_beside && !old.causes.is_empty()))
            .map_or_else(|| finding.causes.clone(), |old| old.causes.clone()),
        version: old.map_or(0, |old| old.version),
        worse_at: old.map_or(0, |old| old.worse_at),
        last_n: finding.n,
        revision: finding.revision.clone(),
    };
    follow_doubt(now, old, finding, &mut alarm);
    let before = old.and_then(Alarm::standing);
    if ends_override(&alarm, old.and_then(|old| old.judged)) {
        alarm.override_by = None;
    }
    follow(now, before, policy.flapping, &mut alarm);
    let lost = alarm.evidence.is_lost();
    if before == alarm.standing() && (lost != was_lost || !same_area) {
        alarm.version += 1;
    }
    if lost && !was_lost {
        alarm.worse_at = alarm.version;
    }
    alarm.lost_rising = lost_rising(old, finding, &alarm);
    let spoke = speaks(old, finding, &alarm);
    follow_fault(now.wall, was_lost, spoke, &mut alarm);
    alarm
}

/// The grade that a value was on its way to when it was lost, as long as it is neither reached nor heard again.
fn lost_rising(old: Option<&Alarm>, finding: &Finding, alarm: &Alarm) -> Option<Grade> {
    if finding.change == Change::LostWhileRising {
        let towards = finding.pending.max(old.and_then(|old| old.pending)).or(alarm.lost_rising);
        // Of one that was on its way unseen it is certain only that it went beyond what stands.
        let next = Grade::from_level(alarm.judged.map_or(0, Grade::level) + 1);
        return towards.or(next);
    }
    let is_over = !alarm.evidence.is_lost() && (alarm.pending.is_none() || alarm.judged >= alarm.lost_rising);
    alarm.lost_rising.filter(|_| !is_over)
}

/// Whether a finding asks for a person although no evidence was lost with it.
fn speaks(old: Option<&Alarm>, finding: &Finding, alarm: &Alarm) -> bool {
    let unattended = |evidence: &Evidence| matches!(evidence, Evidence::Fault { cause: FaultCause::Unattended });
    let given_up = unattended(&alarm.evidence) && !old.is_some_and(|old| unattended(&old.evidence));
    given_up
        || match finding.change {
            Change::LostWhileRising | Change::MissedCrossing | Change::Verify => true,
            // A person must decide what the public hears of it.
            Change::Retracted => alarm.judged > finding.judged,
            Change::Raised
            | Change::Lifted
            | Change::Pending
            | Change::Evidence
            | Change::Rewritten
            | Change::OverInCalibration
            | Change::Proven => false,
        }
}

/// The judged grade after a finding. Only a lift on evidence that is there lowers it, and what is taken back before the
/// public was told; anything else that names a lower grade than ours holds ours (SEMANTICS §5: silence can neither raise
/// nor clear).
fn judged(old: Option<Grade>, finding: &Finding, public: Option<Grade>) -> Option<Grade> {
    let least = match finding.change {
        Change::Raised | Change::Lifted if !finding.evidence.is_lost() => None,
        Change::Retracted => public.min(old),
        Change::Raised
        | Change::Lifted
        | Change::Pending
        | Change::Evidence
        | Change::LostWhileRising
        | Change::MissedCrossing
        | Change::Verify
        | Change::Rewritten
        | Change::OverInCalibration
        | Change::Proven => old,
    };
    finding.judged.max(least)
}

/// What is held over after a finding that judges `judged`: a rule that was changed under a grade from orange on lets
/// nothing fall by itself. A rise above what stood is the changed rule's own.
fn held_over(now: Timestamp, old: Option<&Alarm>, judged: Option<Grade>, finding: &Finding) -> Option<HeldOver> {
    let stood = old.and_then(|old| old.judged).filter(|stood| *stood >= Grade::Orange)?;
    if judged > Some(stood) {
        return None;
    }
    match (finding.change, old.and_then(|old| old.held_over.as_ref())) {
        (_, Some(before)) => Some(HeldOver { judged, ..before.clone() }),
        (Change::Rewritten, None) => Some(HeldOver { revision: finding.revision.clone(), since: now, judged }),
        (_, None) => None,
    }
}

/// A word ends when the judged grade rises to it or beyond, or ends. A rise that stays below a higher word leaves it:
/// things getting worse must not lower what stands.
fn ends_override(alarm: &Alarm, judged_before: Option<Grade>) -> bool {
    alarm.override_by.as_ref().is_some_and(|word| {
        let rose = alarm.judged > judged_before && alarm.judged >= word.grade;
        let cleared = alarm.judged.is_none() && judged_before.is_some();
        rose || cleared
    })
}
