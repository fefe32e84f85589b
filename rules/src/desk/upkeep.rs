//! Sensors that people look after: who may be at which and for how long, what became of it, and what a value said in a
//! calibration is to those on duty. Judging itself follows the journal: what is granted here becomes a row of it, and is
//! done once an Evaluator says so.

use watchfire_model::{
    alarm::{Alarm, AlarmKey},
    command::{Command, Refusal},
    doubt::{Because, Doubt},
    finding::{Cause, Change, Evidence, Finding},
    grade::{self, Grade},
    id::{PointIx, RuleId},
    incident::Sensor,
    mode::Mode,
    time::{Span, Timestamp},
    upkeep::{AskedCalibration, Calibration, Correction, Invalidation, Tended, Tending, Turn, Upkeep, Work},
    warning::What,
};

use super::{
    Step,
    command::same_person,
    command_alarm::not_now,
    directory::Bearing,
    event::{Deadline, Event},
    register::Filed,
};
use crate::ruleset::independent;

/// How long a second person has to agree.
const AGREE_WITHIN: Span = Span::minutes(10);
/// The longest calibration; it can be asked for again.
const CALIBRATE_MOST: Span = Span::days(1);
/// The longest time that is declared to be no measurement at once.
const INVALIDATE_MOST: Span = Span::days(7);
/// Rules that begin so are nobody's: their alarms are what was said in a calibration under the rule that follows.
pub(super) const OVER: &str = "calibrating:";

impl<M: Mode> Step<'_, M> {
    /// Lets a person calibrate a sensor for a time. While something from yellow on stands on it, that takes another sensor
    /// on the subject, or a second person who asks for the same (SEMANTICS §4).
    pub(super) fn calibrate(&mut self, command: &Command, sensor: &Sensor, lasting: Span) -> Result<(), Refusal> {
        self.known(sensor)?;
        if lasting <= Span::ZERO || lasting > CALIBRATE_MOST {
            return not_now(format!("a calibration has an end, within {CALIBRATE_MOST}"));
        }
        let mut tending = self.tending(sensor);
        if let Some(stands) = self.stands_alone_on(sensor) {
            match &tending.asked {
                Some(asked) if asked.lasting == lasting && same_person(&asked.by, &command.who) => {
                    return Err(Refusal::SamePerson { who: command.who.to_string() });
                }
                Some(asked) if asked.lasting == lasting => {}
                Some(_) | None => {
                    let until = self.now.steady + AGREE_WITHIN;
                    tending.asked = Some(AskedCalibration { by: command.who.clone(), lasting, until });
                    self.tend(tending);
                    let did = format!(
                        "{sensor} for {lasting}: {stands} stands on it alone, a second person must ask for the same within {AGREE_WITHIN}"
                    );
                    self.note_sensor(command, What::Calibrating, sensor, &did);
                    return Ok(());
                }
            }
        }
        if tending.asked.take().is_some() {
            self.tend(tending);
        }
        self.note_sensor(command, What::Calibrating, sensor, &format!("{sensor} for {lasting}"));
        let (until, ends) = (self.now.steady + lasting, self.now.wall + lasting);
        self.grant(command, sensor, Work::Calibrate { until, ends });
        Ok(())
    }

    /// Gives a sensor back before its time, or takes back that one asked.
    pub(super) fn give_back(&mut self, command: &Command, sensor: &Sensor) -> Result<(), Refusal> {
        self.known(sensor)?;
        let mut tending = self.tending(sensor);
        let by_command = tending.calibration.as_ref().is_some_and(|it| it.by.is_some());
        let is_on_its_way = self.desk.upkeeps().any(|upkeep| upkeep.sensor == *sensor);
        if !by_command && !is_on_its_way && tending.asked.is_none() {
            return not_now(format!("no person is calibrating {sensor}"));
        }
        if tending.asked.take().is_some() {
            self.tend(tending);
        }
        self.note_sensor(command, What::Calibrating, sensor, &format!("{sensor} is given back"));
        if by_command || is_on_its_way {
            self.grant(command, sensor, Work::Return);
        }
        Ok(())
    }

    /// Takes a person's word that they answer for a calibration that the device began.
    pub(super) fn accept_calibration(&mut self, command: &Command, sensor: &Sensor) -> Result<(), Refusal> {
        self.known(sensor)?;
        match self.tending(sensor).calibration {
            Some(Calibration { by: None, accepted: None, .. }) => {}
            Some(Calibration { by: Some(by), .. } | Calibration { accepted: Some(by), .. }) => {
                return not_now(format!("{by} answers for the calibration of {sensor}"));
            }
            None => return not_now(format!("{sensor} is not being calibrated")),
        }
        self.note_sensor(command, What::Calibrating, sensor, &format!("answers for {sensor}"));
        self.grant(command, sensor, Work::Accept);
        Ok(())
    }

    /// Takes a new device over: its first values are believed from here on.
    pub(super) fn commission(&mut self, command: &Command, sensor: &Sensor) -> Result<(), Refusal> {
        self.known(sensor)?;
        if self.tending(sensor).calibration.is_some() {
            return not_now(format!("{sensor} is being calibrated; give it back first"));
        }
        self.note_sensor(command, What::Calibrating, sensor, &format!("{sensor} is taken over"));
        self.grant(command, sensor, Work::Commission);
        Ok(())
    }

    /// Declares what a sensor said of a time to be no measurement.
    pub(super) fn invalidate(
        &mut self,
        command: &Command,
        sensor: &Sensor,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<(), Refusal> {
        self.known(sensor)?;
        if from > to || to > self.now.wall || to - from > INVALIDATE_MOST {
            return not_now(format!(
                "what is invalid has begun before it ended, is over, and lasted {INVALIDATE_MOST} at most"
            ));
        }
        self.note_sensor(command, What::Invalidated, sensor, &format!("{sensor} from {from} to {to}"));
        self.grant(command, sensor, Work::Invalidate { from, to });
        Ok(())
    }

    /// Lays before people what rests on what is no measurement.
    fn propose(&mut self, sensor: &Sensor, invalidation: &Invalidation) {
        for Correction { rule, subject, stands, without } in &invalidation.corrections {
            let key = AlarmKey { rule: rule.clone(), subject: subject.clone() };
            let (stands, without) = (grade::word(Some(*stands)), grade::word(*without));
            let note = format!(
                "{stands} rests on readings that are invalid; without them it would be {without}: a person decides"
            );
            self.note_alarm(&key, &self.entry(What::Invalidated, note));
        }
        let Invalidation { by, why, from, to, corrections, .. } = invalidation;
        let because = format!("what {sensor} said from {from} to {to} is no measurement: {why} ({by})");
        self.prepare_corrections(corrections, &because);
    }

    /// Takes an Evaluator's word of what became of a sensor.
    pub(super) fn take_tended(&mut self, tended: &Tended) {
        let Tended { sensor, seq, at, command, turn } = tended;
        let mut tending = self.tending(sensor);
        let is_repeat = tending.seq > *seq;
        let before = tending.calibration.clone();
        tending.seq = *seq;
        match turn {
            Turn::Began { by, why, ends } => {
                let since = before.as_ref().filter(|it| it.by.is_some() == by.is_some()).map_or(*at, |it| it.since);
                let (by, why, ends) = (by.clone(), why.clone(), *ends);
                tending.calibration = Some(Calibration { since, by, why, ends, accepted: None, unattended: false });
            }
            Turn::Accepted { by } => {
                if let Some(calibration) = &mut tending.calibration {
                    (calibration.accepted, calibration.unattended) = (Some(by.clone()), false);
                }
            }
            Turn::Unattended => {
                if let Some(calibration) = &mut tending.calibration {
                    calibration.unattended = true;
                }
            }
            Turn::Ended => tending.calibration = None,
            Turn::Commissioned { swap } => tending.commissioned = Some((*at, *swap)),
            Turn::Invalidated(invalidation) => tending.invalidated = Some(invalidation.clone()),
            Turn::Nothing => {}
        }
        if let Some(command) = command {
            self.emit(Event::UpkeepDone { command: command.clone() });
        }
        if is_repeat {
            return;
        }
        let ended = before.is_some() && tending.calibration.is_none();
        self.tend(tending);
        if ended {
            self.end_what_was_over(sensor);
        }
        if let Turn::Invalidated(invalidation) = turn {
            self.propose(sensor, invalidation);
        }
    }

    /// Does what has fallen due on a sensor.
    pub(super) fn attend_sensor(&mut self, sensor: &Sensor) {
        let mut tending = self.tending(sensor);
        if tending.asked.as_ref().is_some_and(|asked| asked.until <= self.now.steady) {
            tending.asked = None;
            self.tend(tending);
            let note = format!("{sensor}: asked for, and nobody agreed in time");
            self.note_alarms_on(sensor, What::Calibrating, &note);
        }
    }

    /// A value said in a calibration is over a threshold: those on duty hear at once, nobody else does, and it is over with
    /// the calibration.
    pub(super) fn over_in_calibration(&mut self, finding: &Finding, bearing: &Bearing) {
        let key = AlarmKey { rule: RuleId::from(format!("{OVER}{}", finding.rule)), subject: finding.subject.clone() };
        let old = self.desk.register.get(&key).map(|filed| &*filed.alarm);
        let (from, n) = (old.and_then(|old| old.judged), old.map_or(0, |old| old.last_n) + 1);
        let judged = finding.pending.max(from);
        let doubt = Some(Doubt { because: Because::Calibrating, sure: None, lasting: None });
        let change = Change::Raised;
        let over = Finding { rule: key.rule.clone(), n, change, from, judged, pending: None, doubt, ..finding.clone() };
        let over = Finding { evidence: Evidence::Good, onset: finding.at, ..over };
        self.file_finding(&over, key.clone(), bearing.clone());
        let note = format!("over {} while it is being calibrated", grade::word(finding.pending));
        self.note_alarm(&key, &self.entry(What::OverInCalibration, note));
    }

    fn end_what_was_over(&mut self, sensor: &Sensor) {
        let over = self.reading(sensor).filter(|alarm| alarm.key.rule.as_str().starts_with(OVER));
        let over: Vec<Alarm> = over.filter(|alarm| alarm.judged.is_some()).cloned().collect();
        for alarm in over {
            let finding = Finding {
                rule: alarm.key.rule.clone(),
                subject: alarm.key.subject.clone(),
                n: alarm.last_n + 1,
                seq: Default::default(),
                revision: alarm.revision.clone(),
                change: Change::Lifted,
                from: alarm.judged,
                judged: None,
                pending: None,
                evidence: Evidence::Good,
                at: self.now.wall,
                onset: alarm.onset,
                value: None,
                threshold: None,
                causes: Vec::new(),
                heard_at: None,
                doubt: None,
            };
            let shadow = self.desk.register.get(&alarm.key).is_some_and(|filed| filed.shadow);
            let bearing =
                Bearing { hazard: alarm.hazard, area: alarm.area, name: alarm.name, unit: alarm.unit, shadow };
            self.file_finding(&finding, alarm.key, bearing);
        }
    }

    /// Nobody looks after a sensor that the site no longer has.
    pub(super) fn forget_sensors(&mut self) {
        let gone = |it: &Tending| self.known(&it.sensor).is_err() && it.calibration.is_some();
        let gone: Vec<Sensor> = self.desk.sensors().filter(|it| gone(it)).map(|it| it.sensor.clone()).collect();
        for sensor in gone {
            self.tend(Tending::of(sensor.clone()));
            self.end_what_was_over(&sensor);
        }
    }

    /// The highest grade from yellow on that stands on a sensor which no other covers.
    fn stands_alone_on(&self, sensor: &Sensor) -> Option<Grade> {
        let graded = self.reading(sensor).filter(|alarm| alarm.standing() >= Some(Grade::Yellow));
        let graded = graded.filter(|alarm| !alarm.key.rule.as_str().starts_with(OVER));
        graded.filter(|alarm| !self.is_covered_without(alarm, sensor)).filter_map(Alarm::standing).max()
    }

    /// Whether another sensor, independent of this one, watches the subject of an alarm: one that its rule lets stand for
    /// this one, or one under another alarm of the hazard there.
    fn is_covered_without(&self, alarm: &Alarm, sensor: &Sensor) -> bool {
        let site = &self.desk.site;
        let enough = self.desk.directory.rule(site, &alarm.key.rule).and_then(|rule| rule.enough);
        let point = |cause: &Cause| self.desk.directory.point(site, &cause.station, &cause.point);
        let is_this = |cause: &Cause| cause.station == sensor.station && cause.point == sensor.point;
        let others: Vec<PointIx> = alarm.causes.iter().filter(|it| !is_this(it)).filter_map(point).collect();
        if enough.is_some_and(|enough| !alarm.evidence.is_lost() && independent(site, &others) >= enough) {
            return true;
        }
        let own = self.desk.directory.point(site, &sensor.station, &sensor.point);
        let stands_apart = |cause: &Cause| match (own, point(cause)) {
            (Some(own), Some(other)) => own != other && independent(site, &[own, other]) > 1,
            (Some(_) | None, _) => false,
        };
        let covers = |filed: &Filed| {
            let other = &filed.alarm;
            !filed.shadow
                && other.key != alarm.key
                && other.hazard == alarm.hazard
                && super::command_suppression::station_of(&other.key)
                    == super::command_suppression::station_of(&alarm.key)
                && !other.evidence.is_lost()
                && !other.is_out_of_service()
                && !other.causes.iter().any(is_this)
                && other.causes.iter().any(stands_apart)
        };
        self.desk.register.filed().any(covers)
    }

    /// The alarms that read a sensor.
    fn reading(&self, sensor: &Sensor) -> impl Iterator<Item = &Alarm> {
        let reads = |cause: &Cause| cause.station == sensor.station && cause.point == sensor.point;
        self.desk.register.alarms().map(|alarm| &**alarm).filter(move |alarm| alarm.causes.iter().any(reads))
    }

    fn known(&self, sensor: &Sensor) -> Result<(), Refusal> {
        let point = self.desk.directory.point(&self.desk.site, &sensor.station, &sensor.point);
        let unknown = || Refusal::Unknown { what: "sensor".to_owned(), id: sensor.to_string() };
        point.map(|_| ()).ok_or_else(unknown)
    }

    fn tending(&self, sensor: &Sensor) -> Tending {
        self.desk.sensors.get(sensor).map_or_else(|| Tending::of(sensor.clone()), |tending| Tending::clone(tending))
    }

    /// Decides how a sensor stands.
    fn tend(&mut self, tending: Tending) {
        let due = tending.asked.as_ref().map(|asked| asked.until);
        let deadline = Deadline::Sensor(tending.sensor.clone());
        self.emit(Event::Tending(Box::new(tending)));
        if self.desk.timetable.get(&deadline) != due {
            self.emit(Event::Deadline { deadline, at: due });
        }
    }

    /// Grants a work on a sensor: it becomes a row of the journal once the ledger holds it.
    fn grant(&mut self, command: &Command, sensor: &Sensor, work: Work) {
        let Command { id, who, why, .. } = command;
        let (command, sensor, who, why) = (id.clone(), sensor.clone(), who.clone(), why.clone());
        self.emit(Event::Upkeep(Box::new(Upkeep { command, sensor, work, who, why })));
    }

    /// Adds what a person did about a sensor to the story of each alarm that reads it.
    fn note_sensor(&mut self, command: &Command, what: What, sensor: &Sensor, did: &str) {
        let entry = self.entry_by(command, what, did.to_owned());
        let keys: Vec<AlarmKey> = self.reading(sensor).map(|alarm| alarm.key.clone()).collect();
        keys.iter().for_each(|key| self.note_alarm(key, &entry));
    }

    fn note_alarms_on(&mut self, sensor: &Sensor, what: What, note: &str) {
        let entry = self.entry(what, note.to_owned());
        let keys: Vec<AlarmKey> = self.reading(sensor).map(|alarm| alarm.key.clone()).collect();
        keys.iter().for_each(|key| self.note_alarm(key, &entry));
    }
}

/// The rule whose thresholds an alarm is about.
pub(super) fn judged_by(rule: &RuleId) -> RuleId {
    rule.as_str().strip_prefix(OVER).map_or_else(|| rule.clone(), RuleId::from)
}

impl<M: Mode> super::Desk<M> {
    /// Sensors that people look after.
    pub fn sensors(&self) -> impl Iterator<Item = &std::sync::Arc<Tending>> {
        self.sensors.values()
    }

    /// What was granted and no Evaluator has done yet, in order: rows that are to be written, again after a restart.
    pub fn upkeeps(&self) -> impl Iterator<Item = &Upkeep> {
        self.upkeeps.iter()
    }

    /// Files how a sensor stands.
    pub(super) fn file_tending(&mut self, tending: &Tending) {
        self.sensors.insert(tending.sensor.clone(), std::sync::Arc::new(tending.clone()));
    }
}
