//! The gate before the public (SEMANTICS §9): which act is due, how many people must sign it, and their signatures.
//! By default nothing passes unsigned; an upgrade takes the place of whatever waits.

use watchfire_model::{
    bulletin::MessageClass,
    command::{Command, Refusal},
    grade::Grade,
    id::WarningId,
    mode::Mode,
    rule::{Hazard, Reach, Release},
    site::Audience,
    warning::{Ending, Waiting, What},
};

use super::{
    Step,
    bulletin::Refused,
    command::same_person,
    event::{Deadline, Event},
    warning::to_say,
};

/// A public act that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Due {
    class: MessageClass,
    /// The grade it states; none for an ending.
    grade: Option<Grade>,
}

/// The act that brings what the public knows in line with what stands.
fn due(published: Option<Grade>, stands: Option<Grade>) -> Option<Due> {
    let class = match (published, stands) {
        (None, Some(_)) => MessageClass::Issue,
        (Some(published), Some(stands)) if stands > published => MessageClass::Upgrade,
        (Some(published), Some(stands)) if stands < published => MessageClass::Downgrade,
        (Some(_), None) => MessageClass::AllClear,
        (None, None) | (Some(_), Some(_)) => return None,
    };
    Some(Due { class, grade: stands })
}

/// How many must sign an ending. Orange and red, slopes and dams take a person whatever is written; a site that is not
/// in service (its messages say Test) keeps to what is written.
fn signatures_to_end(hazard: &Hazard, leaves: Grade, test: bool) -> Release {
    let written = *hazard.release.end.get(leaves);
    let grave =
        leaves >= Grade::Orange || hazard.categories.iter().any(|category| category == "Geo" || category == "Infra");
    if written == Release::Auto && grave && !test { Release::One } else { written }
}

const fn signatures(release: Release) -> usize {
    match release {
        Release::Auto => 0,
        Release::One => 1,
        Release::Two => 2,
    }
}

impl<M: Mode> Step<'_, M> {
    /// Whether a warning of which the public knows may end without a signature.
    pub(super) fn ends_alone(&self, id: &WarningId, published: Grade) -> bool {
        let test = self.desk.site.test.is_some();
        self.hazard_of(id).is_some_and(|hazard| signatures_to_end(hazard, published, test) == Release::Auto)
    }

    /// Brings the public in line where that needs nobody, and lays what needs somebody before them.
    pub(super) fn gate(&mut self, id: &WarningId) {
        let Some(case) = self.desk.cases.get(id).filter(|case| !case.is_over()) else { return };
        let published = case.published();
        let stands = to_say(published, case.warning.grade, self.releasable(&case.place()));
        // Whoever was told is told the rest, even if the hazard has been made internal since.
        let hears = |hazard: &&Hazard| hazard.reach == Reach::Public || published.is_some();
        let Some(hazard) = self.hazard_of(id).filter(hears) else { return };
        if let Some(left) = self.being_corrected(id).filter(|left| stands == Some(*left) && published > stands) {
            self.wait_for(id, None);
            return self.speak(id, Audience::Public, MessageClass::Correct, left, false);
        }
        let Some(due) = due(published, stands) else {
            self.wait_for(id, None);
            return self.keep_informed(id, published);
        };
        let needs = match due.class {
            MessageClass::Downgrade => published.map_or(Release::One, |leaves| *hazard.release.lower.get(leaves)),
            MessageClass::AllClear => published
                .map_or(Release::One, |leaves| signatures_to_end(hazard, leaves, self.desk.site.test.is_some())),
            MessageClass::Issue
            | MessageClass::Upgrade
            | MessageClass::Continue
            | MessageClass::Extend
            | MessageClass::Correct
            | MessageClass::Cancel
            | MessageClass::Expire => stands.map_or(Release::One, |grade| *hazard.release.raise.get(grade)),
        };
        let chatters = self.desk.register.chatters(&case.place());
        if chatters && due.class == MessageClass::Downgrade && needs == Release::Auto {
            self.wait_for(id, None);
            return self.keep_informed(id, published);
        }
        if let (Release::Auto, Some(grade)) = (needs, due.grade) {
            self.wait_for(id, None);
            return self.speak(id, Audience::Public, due.class, grade, false);
        }
        self.lay_before(id, due, needs);
        if stands.is_some() {
            self.keep_informed(id, published);
        }
    }

    /// Tells the public, ungated, that the evidence under a released grade was lost, or is back; and that the grade holds
    /// on, if it was over when that should have been said.
    fn keep_informed(&mut self, id: &WarningId, published: Option<Grade>) {
        let Some(case) = self.desk.cases.get(id) else { return };
        let renewal = Deadline::Renew(id.clone(), Audience::Public);
        if published.is_some() && case.warning.grade.is_some() && self.desk.timetable.get(&renewal).is_none() {
            return self.renew(id, Audience::Public);
        }
        let lost = case.warning.evidence_lost.is_some();
        let news = case.chain(Audience::Public).told.as_ref().is_some_and(|told| told.lost != lost);
        if let (Some(grade), true) = (published, news) {
            self.speak(id, Audience::Public, MessageClass::Continue, grade, false);
        }
    }

    /// Lays an act before those who sign. What was signed for another version must be looked at again.
    fn lay_before(&mut self, id: &WarningId, due: Due, needs: Release) {
        let Some(warning) = self.desk.warning(id) else { return };
        let before =
            warning.waiting.as_ref().filter(|w| w.class == due.class && w.grade == due.grade && w.needs == needs);
        if before.is_some_and(|before| before.version == warning.version) {
            return;
        }
        let since = before.map_or(self.now.wall, |before| before.since);
        let is_new = before.is_none();
        let Due { class, grade } = due;
        let waiting = Waiting { class, grade, version: warning.version, needs, signed: Vec::new(), since };
        self.wait_for(id, Some(waiting));
        if is_new {
            let of = grade.map_or(String::new(), |grade| format!(" {grade}"));
            let note = format!("{}{of}: {} to sign", class.event(), signatures(needs));
            self.note(id, What::AwaitingRelease, note);
        }
    }

    fn wait_for(&mut self, id: &WarningId, waiting: Option<Waiting>) {
        if self.desk.warning(id).is_some_and(|warning| warning.waiting != waiting) {
            self.emit(Event::Waiting { warning: id.clone(), waiting });
        }
    }

    /// Takes a signature; with the last one the act is carried out.
    pub(super) fn release(&mut self, command: &Command, id: &WarningId, version: u64) -> Result<(), Refusal> {
        let case = self.live_case(id)?;
        let Some(waiting) = &case.warning.waiting else {
            return Err(Refusal::NotNow { reason: format!("nothing of {id} waits for a signature") });
        };
        if version != waiting.version {
            return Err(Refusal::Stale { seen: version, now: waiting.version });
        }
        if waiting.signed.iter().any(|signed| same_person(signed, &command.who)) {
            return Err(Refusal::SamePerson { who: command.who.to_string() });
        }
        let waiting = waiting.clone();
        let grade = waiting.grade.or(case.published());
        let signed = self.entry_by(command, What::Signed, waiting.class.event().to_owned());
        if waiting.signed.len() + 1 < signatures(waiting.needs) {
            self.emit(Event::Noted { warning: id.clone(), entry: signed });
            let signed = waiting.signed.iter().cloned().chain([command.who.clone()]).collect();
            self.wait_for(id, Some(Waiting { signed, ..waiting }));
            return Ok(());
        }
        let incomplete = |refused: Refused| Refusal::NotNow { reason: refused.why.to_string() };
        let Some(grade) = grade else {
            return Err(Refusal::NotNow { reason: format!("the public knows nothing of {id}") });
        };
        // Made before anything is noted: a signature under what can't be sent is refused, and can be given again.
        let prepared = self.prepare(id, Audience::Public, waiting.class, grade, false).map_err(incomplete)?;
        let released = self.entry_by(command, What::Released, waiting.class.event().to_owned());
        for entry in [signed, released] {
            self.emit(Event::Noted { warning: id.clone(), entry });
        }
        if waiting.class.ends() {
            let entry = self.entry_by(command, What::AllClear, "every alarm under it is clear".to_owned());
            return self.close(id, Ending::AllClear, entry).map_err(incomplete);
        }
        self.wait_for(id, None);
        self.send(prepared);
        Ok(())
    }
}
