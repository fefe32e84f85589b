//! A warning's life: it opens with the first graded alarm of its place, follows the highest of them and the evidence
//! under them, tells those on duty at once, and ends once. What the public hears is asked of the gate in `release.rs`.

use watchfire_model::{
    bulletin::MessageClass,
    grade::{self, Grade},
    id::WarningId,
    mode::{Mode, ModeTag},
    site::Audience,
    time::{Span, Timestamp},
    warning::{Ending, Entry, Publication, RaisedBy, Warning, What},
};

use super::{
    Step,
    bulletin::Refused,
    event::{Deadline, Event},
    outbox::CROWDED,
    register::Place,
    text::clock,
};

/// After so long a bulletin that could not be made is tried again: a mended configuration needs no new reading.
const MEND_AFTER: Span = Span::minutes(10);

impl<M: Mode> Step<'_, M> {
    /// Brings the warning of a place in line with its alarms. `rose` is the grade an alarm has just risen to, if one has.
    pub(super) fn reconcile(&mut self, place: &Place, rose: Option<Grade>) {
        let register = &self.desk.register;
        let (grade, lost) = (register.grade(place), register.lost(place));
        match register.live(place).cloned() {
            Some(id) => {
                self.turn(&id, grade, lost);
                // Another alarm may have come to hold the grade that a correction would lower.
                self.review_correction(&id);
                // The same highest grade may stand on alarms that are kept quiet, or in doubt, and on others that are not.
                if self.desk.register.has_suppressed(place) || self.desk.register.doubted(place).next().is_some() {
                    self.settle(&id);
                }
            }
            None => {
                if let Some(grade) = grade {
                    self.open(place, grade, lost);
                }
            }
        }
        if let Some(rose) = rose
            && let Some(id) = self.desk.register.live(place).cloned()
        {
            self.expect_acknowledgement(&id, rose);
        }
    }

    fn open(&mut self, place: &Place, grade: Grade, lost: Option<Timestamp>) {
        let onset = self.desk.register.graded(place).map(|alarm| alarm.onset).min().unwrap_or(self.now.wall);
        let first = self.desk.register.graded(place).min_by_key(|alarm| (alarm.onset, alarm.changed_at));
        let first_out = first.map(|alarm| alarm.key.clone());
        let newest = self.desk.register.graded(place).max_by_key(|alarm| alarm.changed_at);
        let raised_by =
            newest.and_then(|alarm| alarm.heard_at.map(|heard_at| RaisedBy { observed_at: alarm.at, heard_at }));
        let warning = Warning {
            id: self.desk.next_warning_id(self.now.wall),
            hazard: place.hazard.clone(),
            area: place.area.clone(),
            mode: M::TAG,
            grade: Some(grade),
            peak: grade,
            alarms: self.desk.register.graded(place).map(|alarm| alarm.key.clone()).collect(),
            first_out,
            onset,
            opened_at: self.now.wall,
            raised_by,
            version: 1,
            evidence_lost: lost,
            publication: Publication::None,
            waiting: None,
            correction: None,
            bulletins: Vec::new(),
            notices: Vec::new(),
            timeline: vec![self.entry(What::Opened, grade.word().to_owned())],
        };
        let id = warning.id.clone();
        self.emit(Event::Opened(Box::new(warning)));
        self.watch_evidence(&id);
        self.settle(&id);
    }

    fn turn(&mut self, id: &WarningId, grade: Option<Grade>, lost: Option<Timestamp>) {
        let Some(case) = self.desk.cases.get(id) else { return };
        let warning = &case.warning;
        let before = warning.grade;
        let (lost_before, lost_now) = (warning.evidence_lost.is_some(), lost.is_some());
        let changed = before != grade || lost_before != lost_now;
        if !changed && warning.evidence_lost == lost {
            return;
        }
        let version = warning.version + u64::from(changed);
        let worse = grade > before || (lost_now && !lost_before);
        self.emit(Event::Turned { warning: id.clone(), grade, evidence_lost: lost, version, worse });
        if !changed {
            return;
        }
        let turned = format!("{} → {}", grade::word(before), grade::word(grade));
        if grade > before {
            self.note(id, What::Upgraded, turned);
        } else if grade < before {
            self.note(id, What::Downgraded, turned);
        }
        match lost {
            Some(since) if !lost_before => {
                let since = clock(since, self.now.wall, &self.desk.site.zone, false);
                self.note(id, What::EvidenceLost, format!("{} held, evidence lost since {since}", grade::word(grade)));
            }
            // A warning without graded alarms stands on nothing that could be lost.
            None if lost_before && grade.is_some() => self.note(id, What::EvidenceBack, grade::word(grade).to_owned()),
            Some(_) | None => {}
        }
        self.watch_evidence(id);
        self.settle(id);
    }

    /// Says whatever is to be said about a warning as it stands: to those on duty at once, to the public by the gate.
    pub(super) fn settle(&mut self, id: &WarningId) {
        self.review_correction(id);
        let Some(case) = self.desk.cases.get(id).filter(|case| !case.is_over()) else { return };
        let (grade, published) = (case.warning.grade, case.published());
        let may_end = published.is_none_or(|published| self.ends_alone(id, published));
        let chatters = self.desk.register.chatters(&case.place());
        if self.being_corrected(id).is_some_and(|left| grade > Some(left)) {
            // Not all of its alarms are set right yet.
            return;
        }
        if grade.is_none() && may_end {
            if chatters {
                // It may be back in a minute; the last of its endings is said once it is still.
                return;
            }
            let entry = self.entry(What::AllClear, "every alarm under it is clear".to_owned());
            if let Err(refused) = self.close(id, Ending::AllClear, entry) {
                self.complain(&refused);
            }
            return;
        }
        self.tell_duty(id);
        self.gate(id);
    }

    /// Tells those on duty what they have not been told.
    fn tell_duty(&mut self, id: &WarningId) {
        let Some(case) = self.desk.cases.get(id) else { return };
        let lost = case.warning.evidence_lost.is_some();
        let told = case.chain(Audience::Internal).told.as_ref();
        let chatters = self.desk.register.chatters(&case.place());
        let heard = told.filter(|told| !told.cleared).map(|told| told.grade);
        let says = to_say(heard, case.warning.grade, self.desk.register.announced(&case.place()));
        let corrected = self.being_corrected(id).is_some();
        let (class, grade, cleared) = match (told, says) {
            (None, Some(grade)) => (MessageClass::Issue, grade, false),
            // Whoever heard that conditions are over hears of their return as of something worse.
            (Some(told), Some(grade)) if told.cleared || grade > told.grade => (MessageClass::Upgrade, grade, false),
            (Some(told), Some(grade)) if grade < told.grade && corrected => (MessageClass::Correct, grade, false),
            (Some(told), Some(grade)) if grade < told.grade && !chatters => (MessageClass::Downgrade, grade, false),
            (Some(told), Some(_)) if told.lost != lost && chatters => (MessageClass::Continue, told.grade, false),
            (Some(told), Some(grade)) if told.lost != lost => (MessageClass::Continue, grade, false),
            // Conditions are back, and kept quiet: those on duty still think them over.
            (Some(_), None) if case.warning.grade.is_some() => return,
            // The danger is over and the public's ending waits for a signature.
            (Some(told), None) if !told.cleared && !chatters => (MessageClass::Continue, told.grade, true),
            (Some(_), Some(_) | None) | (None, None) => return,
        };
        self.speak(id, Audience::Internal, class, grade, cleared);
    }

    /// Makes a bulletin and sends it, or complains and tries again later. A repeat may have to wait.
    pub(super) fn speak(&mut self, id: &WarningId, to: Audience, class: MessageClass, grade: Grade, cleared: bool) {
        if class == MessageClass::Continue
            && let Some(at) = self.held_back(id, to)
        {
            let retell = Deadline::Retell(id.clone());
            if self.desk.timetable.get(&retell).is_none_or(|set| set > at) {
                self.emit(Event::Deadline { deadline: retell, at: Some(at) });
            }
            return;
        }
        match self.prepare(id, to, class, grade, cleared) {
            Ok(prepared) => self.send(prepared),
            Err(refused) => self.complain(&refused),
        }
    }

    /// Until when a repeat must wait.
    fn held_back(&self, id: &WarningId, to: Audience) -> Option<watchfire_model::time::Steady> {
        let at = self.desk.cases.get(id)?.chain(to).may_repeat_at();
        let crowded = self.desk.outbox.len() >= CROWDED;
        let at = if crowded { at.max(self.now.steady + Span::minutes(1)) } else { at };
        (at > self.now.steady).then_some(at)
    }

    /// Puts a bulletin that could not be made before the operators, once for each reason, and tries again later.
    pub(super) fn complain(&mut self, refused: &Refused) {
        let id = &refused.warning;
        let note = refused.why.to_string();
        let Some(case) = self.desk.cases.get(id) else { return };
        let said = |entry: &Entry| entry.what == What::Refused && entry.note == note;
        if !case.warning.timeline.iter().any(said) {
            self.note(id, What::Refused, note);
            self.emit(Event::Faulted { warning: id.clone(), since: self.now.wall });
        }
        let at = Some(self.now.steady + MEND_AFTER);
        self.emit(Event::Deadline { deadline: Deadline::Retell(id.clone()), at });
    }

    /// A bulletin is about to run out: its successor says that the grade still holds.
    pub(super) fn renew(&mut self, id: &WarningId, to: Audience) {
        let Some(case) = self.desk.cases.get(id).filter(|case| !case.is_over()) else { return };
        let Some(told) = &case.chain(to).told else { return };
        let (grade, cleared) = (told.grade, told.cleared);
        if to == Audience::Public && case.warning.grade.is_none() {
            // Nothing holds any more; only a signature is missing. Its time runs out, or it is signed. Should the grade come
            // back before either, the gate asks for a successor again.
            return;
        }
        match self.prepare(id, to, MessageClass::Extend, grade, cleared) {
            Ok(prepared) => self.send(prepared),
            Err(refused) => {
                self.complain(&refused);
                let at = Some(self.now.steady + MEND_AFTER);
                self.emit(Event::Deadline { deadline: Deadline::Renew(id.clone(), to), at });
            }
        }
    }

    /// The public bulletin's time is out.
    pub(super) fn expire(&mut self, id: &WarningId) {
        let Some(case) = self.desk.cases.get(id).filter(|case| !case.is_over()) else { return };
        if case.warning.grade.is_some() {
            return self.extend_late(id);
        }
        let entry = self.entry(What::Expired, "clear, and nobody signed the all-clear in time".to_owned());
        if let Err(refused) = self.close(id, Ending::Expired, entry) {
            self.complain(&refused);
            let at = Some(self.now.steady + MEND_AFTER);
            self.emit(Event::Deadline { deadline: Deadline::Expire(id.clone()), at });
        }
    }

    /// The public bulletin has run out while the grade holds: its successor goes out now. If that can't be made, the
    /// operators know why, must hear that the public has nothing, and it is tried again.
    fn extend_late(&mut self, id: &WarningId) {
        self.renew(id, Audience::Public);
        if self.desk.timetable.get(&Deadline::Expire(id.clone())).is_some() {
            return;
        }
        let Some(case) = self.desk.cases.get(id) else { return };
        let note = "the public bulletin ran out while the grade holds";
        if !case.warning.timeline.iter().any(|entry| entry.what == What::Expired && entry.note == note) {
            self.note(id, What::Expired, note.to_owned());
            self.emit(Event::Faulted { warning: id.clone(), since: self.now.wall });
        }
        let at = Some(self.now.steady + MEND_AFTER);
        self.emit(Event::Deadline { deadline: Deadline::Expire(id.clone()), at });
    }

    /// Ends a warning: one last bulletin to everybody who was told, then nothing. Refused, with nothing done, if the
    /// public's last word can't be made.
    pub(super) fn close(&mut self, id: &WarningId, how: Ending, entry: Entry) -> Result<(), Refused> {
        let Some(case) = self.desk.cases.get(id) else { return Ok(()) };
        let class = match how {
            Ending::AllClear => MessageClass::AllClear,
            Ending::Cancelled => MessageClass::Cancel,
            Ending::Expired => MessageClass::Expire,
        };
        let told = |to| case.chain(to).told.as_ref().map(|told| told.grade);
        let (internal, public) = (told(Audience::Internal), told(Audience::Public));
        let public = public.map(|grade| self.prepare(id, Audience::Public, class, grade, false)).transpose()?;
        if let Some(grade) = internal {
            match self.prepare(id, Audience::Internal, class, grade, false) {
                Ok(prepared) => self.send(prepared),
                Err(refused) => self.complain(&refused),
            }
        }
        if let Some(public) = public {
            self.send(public);
        }
        self.emit(Event::Noted { warning: id.clone(), entry });
        self.emit(Event::Closed { warning: id.clone(), how, at: self.now.wall });
        Ok(())
    }

    /// Sets when somebody must have taken note of a rise to `grade`; an earlier deadline stays.
    pub(super) fn expect_acknowledgement(&mut self, id: &WarningId, grade: Grade) {
        let Some(hazard) = self.hazard_of(id) else { return };
        let at = self.now.steady + *hazard.acknowledge_within.get(grade);
        let deadline = Deadline::Acknowledge(id.clone());
        if self.desk.timetable.get(&deadline).is_none_or(|set| set > at) {
            self.emit(Event::Deadline { deadline, at: Some(at) });
        }
    }

    /// Nobody has taken note in time.
    pub(super) fn ask_again(&mut self, id: &WarningId) {
        if !self.desk.waits_for_a_person(id) {
            return;
        }
        self.note(id, What::AcknowledgementDue, "nobody has acknowledged it in time".to_owned());
        self.emit(Event::Faulted { warning: id.clone(), since: self.now.wall });
    }

    /// Sets when a person must decide about a grade that is held without evidence.
    fn watch_evidence(&mut self, id: &WarningId) {
        let Some(warning) = self.desk.warning(id) else { return };
        let grade = warning.grade.filter(|_| warning.evidence_lost.is_some());
        let hold_max = grade.and_then(|grade| *self.hazard_of(id)?.hold_max.get(grade));
        let at = hold_max.map(|span| self.now.steady + span.max(Span::minutes(1)));
        let deadline = Deadline::Decide(id.clone());
        if self.desk.timetable.get(&deadline) != at {
            self.emit(Event::Deadline { deadline, at });
        }
    }

    /// Evidence has been lost for long: asks, and will ask again; clears nothing.
    pub(super) fn ask_to_decide(&mut self, id: &WarningId) {
        let Some(Warning { grade: Some(grade), evidence_lost: Some(since), .. }) = self.desk.warning(id) else {
            return;
        };
        let since = clock(*since, self.now.wall, &self.desk.site.zone, false);
        let note = format!("{grade} held, evidence lost since {since}: a person must decide");
        self.note(id, What::AcknowledgementDue, note);
        self.emit(Event::Faulted { warning: id.clone(), since: self.now.wall });
        self.watch_evidence(id);
    }
}

/// The grade to say to those who `heard` one, where `stands` is the highest and `announced` the highest that is not kept
/// quiet. A fall is said whatever keeps it quiet; a rise only as far as nothing does.
pub(super) fn to_say(heard: Option<Grade>, stands: Option<Grade>, announced: Option<Grade>) -> Option<Grade> {
    stands.min(heard.max(announced))
}

impl<M: Mode> super::Desk<M> {
    /// The next warning's id: the day (UTC) and how many this Desk has opened. The first letter tells the Desks of one
    /// data directory apart.
    fn next_warning_id(&self, at: Timestamp) -> WarningId {
        let letter = match M::TAG {
            ModeTag::Live => 'W',
            ModeTag::Exercise => 'X',
            ModeTag::Shadow => 'S',
        };
        let day = at.civil(0);
        WarningId::from(format!("{letter}-{:04}{:02}{:02}-{:04}", day.year, day.month, day.day, self.opened + 1))
    }
}
