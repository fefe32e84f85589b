//! What is held back from the public because too little speaks for it, and what lays that aside: more samples, time, a
//! second independent sensor on another alarm of the same place, or a person's word. Those on duty hear at once.

use watchfire_model::{
    alarm::{Alarm, AlarmKey},
    doubt::{Because, Doubt},
    finding::{Change, Evidence, Finding},
    grade::{self, Grade},
    id::PointIx,
    mode::Mode,
    rule::Reach,
    time::{Now, Steady},
    upkeep::Correction,
    warning::What,
};

use super::{Step, register::Place};
use crate::ruleset::independent;

/// Alarms in doubt of one place that are held against each other.
const COMPARED: usize = 64;

impl<M: Mode> Step<'_, M> {
    /// The highest grade of a place that may be laid before those who release it.
    pub(super) fn releasable(&self, place: &Place) -> Option<Grade> {
        self.desk.register.releasable(place).max(self.agreed(place))
    }

    /// The highest grade at which two alarms in doubt stand, each on a sensor of its own.
    fn agreed(&self, place: &Place) -> Option<Grade> {
        let mut sensors: Vec<(Grade, PointIx)> = Vec::new();
        for alarm in self.desk.register.doubted(place).take(COMPARED) {
            let speaks = alarm.doubt.is_some_and(|doubt| doubt.because != Because::Calibrating);
            let first = alarm.causes.first().filter(|_| speaks);
            let point = first.and_then(|it| self.desk.directory.point(&self.desk.site, &it.station, &it.point));
            if let (Some(grade), Some(point)) = (alarm.standing(), point)
                && !sensors.iter().any(|(_, known)| *known == point)
            {
                sensors.push((grade, point));
            }
        }
        let together = |grade: &Grade| {
            let points: Vec<PointIx> =
                sensors.iter().filter(|(stands, _)| stands >= grade).map(|(_, point)| *point).collect();
            points.len() > 1 && independent(&self.desk.site, &points) > 1
        };
        Grade::ALL.into_iter().rev().find(together)
    }

    /// Says what a person should look at, and what was taken back.
    pub(super) fn note_doubt(&mut self, key: &AlarmKey, finding: &Finding) {
        let doubts: Vec<&str> = finding.causes.iter().flat_map(|cause| cause.checks.doubts().names()).collect();
        let stands = self.desk.register.get(key).and_then(|filed| filed.alarm.judged);
        let AlarmKey { rule, subject } = key.clone();
        let mut rests = None;
        let (what, note) = match finding.change {
            Change::Verify => {
                let by = if doubts.is_empty() { String::new() } else { format!(" ({})", doubts.join(", ")) };
                (What::ToVerify, format!("a value in doubt{by} points to {}", grade::word(finding.pending)))
            }
            Change::Retracted if stands > finding.judged => {
                rests = stands.map(|stands| Correction { rule, subject, stands, without: finding.judged });
                (
                    What::Retracted,
                    format!(
                        "{} rested on a spike; {} is left. The public was told: cancel or correct it",
                        grade::word(finding.from),
                        grade::word(finding.judged)
                    ),
                )
            }
            Change::Retracted => {
                (What::Retracted, format!("{} rested on a spike and is taken back", grade::word(finding.from)))
            }
            Change::Raised
            | Change::Lifted
            | Change::Pending
            | Change::Evidence
            | Change::LostWhileRising
            | Change::MissedCrossing
            | Change::Rewritten
            | Change::OverInCalibration
            | Change::Proven => return,
        };
        self.note_alarm(key, &self.entry(what, note));
        if let Some(rests) = rests {
            self.prepare_corrections(&[rests], "the value that raised it was a spike");
        }
    }

    /// Says that the public waits for more to speak for a grade, or waits no more.
    pub(super) fn note_proof(&mut self, key: &AlarmKey, before: Option<Doubt>) {
        let Some(filed) = self.desk.register.get(key) else { return };
        let (alarm, shadow) = (&filed.alarm, filed.shadow);
        let hazard = self.desk.directory.hazard(&self.desk.site, &alarm.hazard);
        let of_calibration = alarm.doubt.or(before).is_some_and(|doubt| doubt.because == Because::Calibrating);
        if shadow
            || of_calibration
            || alarm.doubt == before
            || hazard.is_none_or(|hazard| hazard.reach != Reach::Public)
        {
            return;
        }
        let (judged, doubt, place) = (alarm.judged, alarm.doubt, Place::of(alarm));
        match doubt {
            Some(doubt) => self.note_alarm(key, &self.entry(What::Doubted, held_back(judged, &doubt))),
            None if judged.is_some() => {
                let note = format!("enough speaks for {}: the public may be told", grade::word(judged));
                self.note_alarm(key, &self.entry(What::Proven, note));
            }
            None => {}
        }
        if let Some(id) = self.desk.register.live(&place).cloned() {
            self.settle(&id);
        }
    }

    /// A grade in doubt has stood for long enough. Where its sensor is at fault, time alone says nothing.
    pub(super) fn prove_by_time(&mut self, key: &AlarmKey) {
        let Some(filed) = self.desk.register.get(key) else { return };
        let (before, at_fault) = (filed.alarm.doubt, matches!(filed.alarm.evidence, Evidence::Fault { .. }));
        self.change_alarm(key, |alarm| {
            alarm.doubted_until = None;
            alarm.doubt = alarm.doubt.filter(|_| at_fault);
        });
        self.note_proof(key, before);
    }
}

/// What is in doubt of an alarm after a finding, and until when. What the public may be told once it may be told until the
/// grade has fallen.
pub(super) fn follow_doubt(now: Now, old: Option<&Alarm>, finding: &Finding, alarm: &mut Alarm) {
    let same = |old: &&Alarm| old.judged == alarm.judged;
    let proven = |old: &Alarm| old.doubt.is_none() && old.judged >= alarm.judged;
    let doubt = if finding.judged < alarm.judged {
        // What is held is not what was found.
        old.filter(same).and_then(|old| old.doubt)
    } else {
        finding.doubt.filter(|_| !old.is_some_and(proven))
    };
    let runs = old.filter(same).filter(|old| old.doubt.map(|it| it.because) == doubt.map(|it| it.because));
    let until = doubt.and_then(|doubt| doubt.lasting).map(|lasting| now.steady + lasting);
    let until: Option<Steady> = runs.map_or(until, |old| old.doubted_until);
    (alarm.doubt, alarm.doubted_until) = (doubt, until.filter(|_| doubt.is_some()));
}

fn held_back(judged: Option<Grade>, doubt: &Doubt) -> String {
    let grade = grade::word(judged);
    match (doubt.because, doubt.lasting) {
        (Because::Few, Some(lasting)) => {
            format!(
                "{grade} rests on too few samples for the public: more of them, {lasting} or a second sensor is enough"
            )
        }
        (Because::Few, None) => {
            format!("{grade} rests on too few samples for the public: more of them or a second sensor is enough")
        }
        (Because::Still, _) => {
            format!("{grade} rests on a sensor that has said nothing else: a second one or a person must speak for it")
        }
        (Because::Calibrating, _) => format!("over {grade} while it is being calibrated"),
    }
}
