//! What people report: an observation becomes a finding of a rule that is nobody's, and its alarm lives like any other.

use watchfire_model::{
    alarm::{Alarm, AlarmKey},
    command::{Command, Refusal, Report},
    finding::{Change, Evidence, Finding},
    grade,
    id::{Revision, RuleId, Seq},
    mode::Mode,
    warning::What,
};

use super::{Step, directory::Bearing, event::Event, register::Place};

/// Longest name of a place, and of who saw it, in characters.
const NAME_MOST: usize = 100;

impl<M: Mode> Step<'_, M> {
    /// Takes down what somebody saw. It stands until somebody reports that it is over: silence of a person, too, can
    /// neither raise nor clear.
    pub(super) fn report(&mut self, command: &Command, report: &Report) -> Result<(), Refusal> {
        for (what, text) in [("place", &report.place), ("by", &report.by)] {
            named(what, text)?;
        }
        let site = &self.desk.site;
        if self.desk.directory.hazard(site, &report.hazard).is_none() {
            return Err(unknown("hazard", report.hazard.as_str()));
        }
        if self.desk.directory.area(site, &report.area).is_none() {
            return Err(unknown("area", report.area.as_str()));
        }
        let key = report.alarm();
        let old = self.desk.register.get(&key).map(|filed| &*filed.alarm);
        let from = old.and_then(|old| old.judged);
        if from.is_none() && report.grade.is_none() {
            return Err(Refusal::NotNow { reason: format!("nothing is reported of {key} that could be over") });
        }
        if let Some(elsewhere) = old.filter(|old| from.is_some() && old.area != report.area) {
            let reason = format!("{key} stands in area {}; another place needs another name", elsewhere.area);
            return Err(Refusal::NotNow { reason });
        }
        let finding = finding(old, &key, report, self.now.wall);
        let bearing = Bearing {
            hazard: report.hazard.clone(),
            area: report.area.clone(),
            name: report.place.clone(),
            unit: String::new(),
            shadow: false,
        };
        self.file_finding(&finding, key.clone(), bearing);
        let did = format!("{}, seen {} by {}", grade::word(report.grade), finding.at, report.by);
        let entry = self.entry_by(command, What::Reported, did);
        self.note_alarm(&key, &entry);
        let place = Place { hazard: report.hazard.clone(), area: report.area.clone() };
        if let Some(warning) = self.desk.register.live(&place).cloned() {
            self.emit(Event::Noted { warning, entry });
        }
        Ok(())
    }
}

/// What a report finds. Seen in the future is seen now.
fn finding(old: Option<&Alarm>, key: &AlarmKey, report: &Report, now: watchfire_model::time::Timestamp) -> Finding {
    let from = old.and_then(|old| old.judged);
    let at = report.seen_at.min(now);
    Finding {
        rule: RuleId::clone(&key.rule),
        subject: key.subject.clone(),
        n: old.map_or(0, |old| old.last_n) + 1,
        seq: Seq(0),
        revision: Revision::default(),
        change: if report.grade < from { Change::Lifted } else { Change::Raised },
        from,
        judged: report.grade,
        pending: None,
        evidence: Evidence::Good,
        at,
        onset: old.filter(|_| from.is_some()).map_or(at, |old| old.onset),
        value: None,
        threshold: None,
        causes: Vec::new(),
        heard_at: None,
        doubt: None,
    }
}

fn named(what: &str, text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::NotNow { reason: format!("`{what}` is missing: say it in a few words") });
    }
    let odd = |c: char| c.is_control() || c == '/';
    if text.chars().count() > NAME_MOST || text.chars().any(odd) {
        let reason = format!("`{what}` is longer than {NAME_MOST} characters, or holds a slash or control characters");
        return Err(Refusal::NotNow { reason });
    }
    Ok(())
}

fn unknown(what: &str, id: &str) -> Refusal {
    Refusal::Unknown { what: what.to_owned(), id: id.to_owned() }
}
