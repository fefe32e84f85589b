//! What keeps an alarm from being announced, and what happens when that ends: shelves and alarms out of service
//! (SEMANTICS §7). Nothing here changes a grade, hides a rise above what was put aside, or keeps back an ending.

use watchfire_model::{
    alarm::{Alarm, AlarmKey},
    attention::Attention,
    grade::Grade,
    mode::Mode,
    site::Audience,
    suppression::Suppression,
    time::Span,
    warning::What,
};

use super::{
    Step,
    register::{Filed, Place},
    text::clock,
};

/// What was kept quiet for less is new, and needs no word about its age.
const AGED: Span = Span::minutes(1);

impl<M: Mode> Step<'_, M> {
    /// Ends what has run out on an alarm.
    pub(super) fn lapse_suppressions(&mut self, key: &AlarmKey) {
        let now = self.now.steady;
        let run_out = |it: &Suppression| it.until().is_some_and(|until| until <= now);
        let Some(Filed { alarm, .. }) = self.desk.register.get(key) else { return };
        let asked = alarm.asked_out.as_ref().is_some_and(|asked| asked.until <= now);
        if asked {
            self.change_alarm(key, |alarm| alarm.asked_out = None);
            self.note_alarm(key, &self.entry(What::OutOfService, "asked for, and nobody agreed in time".to_owned()));
        }
        let Some(Filed { alarm, .. }) = self.desk.register.get(key) else { return };
        let ended: Vec<Suppression> = alarm.suppressed.iter().filter(|it| run_out(it)).cloned().collect();
        if ended.is_empty() {
            return;
        }
        self.change_suppressions(
            key,
            |alarm| alarm.suppressed.retain(|it| !run_out(it)),
            |step| {
                for what in ended.iter().filter_map(ending_of) {
                    step.note_alarm(key, &step.entry(what, "its time has run out".to_owned()));
                }
            },
        );
    }

    /// Changes what keeps an alarm quiet, says so, and brings in line what those on duty and the public hear.
    pub(super) fn change_suppressions(
        &mut self,
        key: &AlarmKey,
        change: impl FnOnce(&mut Alarm),
        say: impl FnOnce(&mut Self),
    ) {
        let Some(filed) = self.desk.register.get(key) else { return };
        let was_quiet = filed.alarm.is_quieted();
        self.change_alarm(key, change);
        say(self);
        self.speak_up(key, was_quiet);
        self.inhibit_others(key);
    }

    /// After suppressions have changed: what still stands and is no longer kept quiet is announced as new, with its age;
    /// what is kept quiet from now on is no longer waited for.
    pub(super) fn speak_up(&mut self, key: &AlarmKey, was_quiet: bool) {
        let Some(Filed { alarm, shadow: false, .. }) = self.desk.register.get(key) else { return };
        let (place, is_quiet, stands) = (Place::of(alarm), alarm.is_quieted(), alarm.standing());
        let (onset, changed_at) = (alarm.onset, alarm.changed_at);
        let Some(id) = self.desk.register.live(&place).cloned() else { return };
        let back = stands.filter(|_| was_quiet && !is_quiet);
        if let Some(grade) = back {
            let since = self.now.wall;
            self.change_alarm(key, |alarm| {
                alarm.attention = Attention::Unacked { since };
                alarm.realarm_at = None;
            });
            if self.now.wall - changed_at >= AGED {
                let since = clock(onset, self.now.wall, &self.desk.site.zone, false);
                self.note_alarm(key, &self.entry(What::Announced, format!("{grade} since {since}, announced as new")));
            }
        }
        let said = self.internal_count(&place);
        self.settle(&id);
        match back {
            Some(grade) if self.internal_count(&place) == said => self.call_again(&place, grade),
            Some(grade) => self.expect_acknowledgement(&id, grade),
            None if !self.desk.waits_for_a_person(&id) => self.expect_nobody(&id),
            None => {}
        }
    }

    /// How many bulletins those on duty have had of a place's live warning.
    fn internal_count(&self, place: &Place) -> u64 {
        let live = self.desk.register.live(place).and_then(|id| self.desk.cases.get(id));
        live.map_or(0, |case| case.chain(Audience::Internal).count)
    }

    /// Says which suppressions a change of grade has ended.
    pub(super) fn note_outlived(&mut self, key: &AlarmKey, outlived: &[Suppression]) {
        let Some(stands) = self.desk.register.get(key).map(|filed| filed.alarm.standing()) else { return };
        let note = stands.map_or_else(
            || "it has returned to normal".to_owned(),
            |grade| format!("{grade} is above what was put aside"),
        );
        for what in outlived.iter().filter_map(ending_of) {
            self.note_alarm(key, &self.entry(what, note.clone()));
        }
    }
}

/// Takes from an alarm the suppressions that its change of grade ends: a shelf that it has risen above, and a shelf for
/// one occurrence that is over.
pub(super) fn outlive(before: Option<Grade>, alarm: &mut Alarm) -> Vec<Suppression> {
    let stands = alarm.standing();
    let over = before.is_some() && stands.is_none();
    let ends = |it: &Suppression| match it {
        Suppression::Shelved { upto, one_shot, .. } => stands > Some(*upto) || (*one_shot && over),
        Suppression::OutOfService { .. }
        | Suppression::Inhibited { .. }
        | Suppression::Deferred { .. }
        | Suppression::ByDesign { .. }
        | Suppression::Muted { .. } => false,
    };
    let ended: Vec<Suppression> = alarm.suppressed.iter().filter(|it| ends(it)).cloned().collect();
    alarm.suppressed.retain(|it| !ends(it));
    ended
}

/// The line that the ending of something that a person set leaves.
const fn ending_of(it: &Suppression) -> Option<What> {
    match it {
        Suppression::Shelved { .. } => Some(What::Unshelved),
        Suppression::OutOfService { .. } => Some(What::InService),
        Suppression::Inhibited { .. }
        | Suppression::Deferred { .. }
        | Suppression::ByDesign { .. }
        | Suppression::Muted { .. } => None,
    }
}
