//! What people ask of the Desk: every command has a named person and a reason, is carried out at most once, and is
//! answered.

use std::collections::{BTreeMap, VecDeque};

use watchfire_model::{
    alarm::{AlarmKey, Override},
    command::{Act, Command, Refusal},
    grade::{self, Grade},
    id::{CommandId, PersonId, WarningId},
    mode::Mode,
    time::Span,
    warning::{Ending, What},
};

use super::{
    Step,
    case::Case,
    event::{Deadline, Event},
};

/// Accepted commands whose ids are remembered.
pub(super) const ANSWERS_KEPT: usize = 1_000;

/// Accepted commands by id, so that the same id twice is one act. A refusal is no act and is not remembered.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Answered {
    by_id: BTreeMap<CommandId, (PersonId, Act)>,
    order: VecDeque<CommandId>,
}

impl Answered {
    pub(super) fn remember(&mut self, id: &CommandId, who: &PersonId, act: &Act) {
        if self.by_id.contains_key(id) {
            return;
        }
        self.by_id.insert(id.clone(), (who.clone(), act.clone()));
        self.order.push_back(id.clone());
        if self.order.len() > ANSWERS_KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_id.remove(&oldest);
        }
    }

    fn get(&self, id: &CommandId) -> Option<&(PersonId, Act)> {
        self.by_id.get(id)
    }
}

impl<M: Mode> Step<'_, M> {
    /// Carries out a command, or refuses it; answers either way.
    pub(super) fn obey(&mut self, command: &Command) {
        let refusal = self.carry_out(command).err();
        let Command { id, who, act, .. } = command;
        self.emit(Event::Answered { command: id.clone(), who: who.clone(), act: act.clone(), refusal });
    }

    fn carry_out(&mut self, command: &Command) -> Result<(), Refusal> {
        for (what, text) in [("who", command.who.as_str()), ("why", command.why.as_str())] {
            if text.trim().is_empty() {
                return Err(Refusal::Anonymous { what: what.to_owned() });
            }
        }
        if let Some((who, act)) = self.desk.answered.get(&command.id) {
            return if *who == command.who && *act == command.act {
                Ok(())
            } else {
                Err(Refusal::NotNow {
                    reason: format!("command id {} was used for another act; take a new one", command.id),
                })
            };
        }
        match &command.act {
            Act::Acknowledge { warning, version } => self.acknowledge(command, warning, *version),
            Act::Release { warning, version } => self.release(command, warning, *version),
            Act::Cancel { warning, version } => self.cancel(command, warning, *version),
            Act::Correct { warning, version } => self.correct(command, warning, *version),
            Act::SetGrade { alarm, grade, lasting } => self.set_grade(command, alarm, *grade, *lasting),
            Act::Report(report) => self.report(command, report),
            Act::AcknowledgeAlarm { alarm, version, concern } => {
                self.acknowledge_alarm(command, alarm, *version, *concern)
            }
            Act::Unacknowledge { alarm, concern } => self.unacknowledge(command, alarm, *concern),
            Act::Confirm { alarm, version, concern } => self.confirm(command, alarm, *version, *concern),
            Act::Reset { alarm, concern } => self.reset(command, alarm, *concern),
            Act::Shelve { alarm, upto, lasting, one_shot } => self.shelve(command, alarm, *upto, *lasting, *one_shot),
            Act::Unshelve { alarm } => self.unshelve(command, alarm),
            Act::TakeOut { alarm, lasting } => self.take_out(command, alarm, *lasting),
            Act::PutBack { alarm } => self.put_back(command, alarm),
            Act::Assign { alarm, to } => self.assign(command, alarm, to.as_ref()),
            Act::AcceptFall { alarm, version } => self.accept_fall(command, alarm, *version),
            Act::Comment { alarm } => self.comment(command, alarm),
            Act::Calibrate { sensor, lasting } => self.calibrate(command, sensor, *lasting),
            Act::GiveBack { sensor } => self.give_back(command, sensor),
            Act::AcceptCalibration { sensor } => self.accept_calibration(command, sensor),
            Act::Commission { sensor } => self.commission(command, sensor),
            Act::Invalidate { sensor, from, to } => self.invalidate(command, sensor, *from, *to),
            Act::AcknowledgeIncident { incident } => self.acknowledge_incident(command, incident),
        }
    }

    /// Takes note of every alarm under a warning; also of one that has ended unseen.
    fn acknowledge(&mut self, command: &Command, id: &WarningId, version: u64) -> Result<(), Refusal> {
        let case = self.case(id)?;
        seen(case.worse_at, case.warning.version, version)?;
        if !self.desk.is_unacknowledged(id) {
            return Ok(());
        }
        let reack = self.policy(&case.warning.hazard).reack;
        self.emit(Event::Acknowledged { warning: id.clone(), by: command.who.clone(), at: self.now.wall, reack });
        let entry = self.entry_by(command, What::Acknowledged, format!("version {version}"));
        self.emit(Event::Noted { warning: id.clone(), entry });
        self.expect_nobody(id);
        Ok(())
    }

    /// Drops the deadline for taking note of a warning.
    pub(super) fn expect_nobody(&mut self, id: &WarningId) {
        let deadline = Deadline::Acknowledge(id.clone());
        if self.desk.timetable.get(&deadline).is_some() {
            self.emit(Event::Deadline { deadline, at: None });
        }
    }

    /// Withdraws a warning issued in error: the alarms under it are put aside until something rises or the word runs out.
    pub(super) fn cancel(&mut self, command: &Command, id: &WarningId, version: u64) -> Result<(), Refusal> {
        let case = self.live_case(id)?;
        seen(case.worse_at, case.warning.version, version)?;
        let grade = case.warning.grade.unwrap_or(case.warning.peak);
        let lasting = self.hazard_of(id).map_or(Span::hours(6), |hazard| *hazard.expires_after.get(grade));
        let until = self.now.steady + lasting.max(Span::minutes(1));
        let entry = self.entry_by(command, What::Cancelled, "issued in error".to_owned());
        self.close(id, Ending::Cancelled, entry)
            .map_err(|refused| Refusal::NotNow { reason: refused.why.to_string() })?;
        let word = Override { grade: None, against: None, by: command.who.clone(), why: command.why.clone(), until };
        let under: Vec<AlarmKey> = self.desk.under(id).map(|alarm| alarm.key.clone()).collect();
        self.emit(Event::SetAside { warning: id.clone(), word });
        under.iter().for_each(|key| self.inhibit_others(key));
        Ok(())
    }

    /// Sets a person's word against the judged grade, for a time.
    fn set_grade(
        &mut self,
        command: &Command,
        key: &AlarmKey,
        grade: Option<Grade>,
        lasting: Span,
    ) -> Result<(), Refusal> {
        let filed = self.filed(key)?;
        if lasting <= Span::ZERO {
            return Err(Refusal::NotNow { reason: "a word on a grade must last for some time".to_owned() });
        }
        let word = Override {
            grade,
            against: filed.alarm.judged,
            by: command.who.clone(),
            why: command.why.clone(),
            until: self.now.steady + lasting,
        };
        let note = format!("{key}: {} for {lasting}", grade::word(grade));
        let entry = self.entry_by(command, What::Overridden, note);
        self.override_alarm(key, Some(word), entry);
        Ok(())
    }

    /// A warning that is kept here, live or ended.
    fn case(&self, id: &WarningId) -> Result<&Case, Refusal> {
        self.desk.cases.get(id).ok_or_else(|| Refusal::Unknown { what: "warning".to_owned(), id: id.to_string() })
    }

    /// A live warning.
    pub(super) fn live_case(&self, id: &WarningId) -> Result<&Case, Refusal> {
        let case = self.case(id)?;
        if case.is_over() {
            return Err(Refusal::NotNow { reason: format!("{id} has ended") });
        }
        Ok(case)
    }
}

/// Whether two names are of one person, however they are written.
pub(super) fn same_person(one: &PersonId, other: &PersonId) -> bool {
    one.as_str().trim().to_lowercase() == other.as_str().trim().to_lowercase()
}

/// Refuses a command on what got worse since it was looked at, or on a version that has never been.
pub(super) fn seen(worse_at: u64, now: u64, seen: u64) -> Result<(), Refusal> {
    if seen < worse_at || seen > now { Err(Refusal::Stale { seen, now }) } else { Ok(()) }
}
