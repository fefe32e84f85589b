//! What the site itself says about keeping an alarm quiet: another alarm that makes it superfluous, and hours, seasons and
//! holidays. Judged on what stands, never on who came first (SEMANTICS §7); no grade is changed here.

use watchfire_model::{
    alarm::{Alarm, AlarmKey},
    grade::Grade,
    mode::Mode,
    quiet::{Inhibition, Same, Whose},
    site::Site,
    suppression::{Kind, Suppression},
    time::Span,
};

use super::{
    Desk, Step,
    command_suppression::station_of,
    event::{Deadline, Event},
    register::Place,
};

/// Windows are looked at anew at least this often, since the wall clock they lean on may be set.
const LOOK_AGAIN: Span = Span::hours(1);

impl<M: Mode> Step<'_, M> {
    /// Sets what the site says about an alarm as it now stands. `before` is the grade it had.
    pub(super) fn keep_quiet(&self, before: Option<Grade>, alarm: &mut Alarm) {
        let said = self.said_of(alarm);
        let waits = alarm.suppressed.iter().find(|it| it.kind() == Kind::Deferred).cloned();
        alarm.suppressed.retain(|it| !it.kind().is_of_the_site());
        let is_inhibited = said.iter().any(|it| it.kind() == Kind::Inhibited);
        alarm.suppressed.extend(said);
        alarm.suppressed.sort_by_key(Suppression::kind);
        let Some(stands) = alarm.standing().filter(|grade| *grade <= Grade::Yellow && !is_inhibited) else { return };
        let quiet = &self.desk.site.quiet;
        let is_target = || quiet.inhibitions.iter().any(|it| it.target.is_of(alarm));
        if Some(stands) > before && before.is_none() && quiet.inhibit_wait > Span::ZERO && is_target() {
            alarm.suppressed.push(Suppression::Deferred { until: self.now.steady + quiet.inhibit_wait });
        } else {
            alarm.suppressed.extend(waits);
        }
        alarm.suppressed.sort_by_key(Suppression::kind);
    }

    /// What the site says about an alarm: its inhibitor and its windows.
    fn said_of(&self, alarm: &Alarm) -> Vec<Suppression> {
        let site = &*self.desk.site;
        let Some(stands) = alarm.standing() else { return Vec::new() };
        let mut said = Vec::new();
        said.extend(self.desk.inhibitor_of(alarm, stands));
        for window in &site.quiet.windows {
            let is_theirs = window.target.as_ref().is_none_or(|whose| whose.is_of(alarm));
            if !is_theirs || !window.holds(self.now.wall, &site.zone, &site.quiet.holidays) {
                continue;
            }
            let (name, upto) = (window.name.clone(), window.upto);
            let it = if window.by_design {
                Suppression::ByDesign { name, upto }
            } else {
                Suppression::Muted { window: name, upto }
            };
            // Of two windows the one that keeps more quiet counts; an alarm has one of each kind.
            match said.iter_mut().find(|other: &&mut Suppression| other.kind() == it.kind()) {
                Some(other) if !other.quiets(upto) => *other = it,
                Some(_) => {}
                None => said.push(it),
            }
        }
        said
    }

    /// Brings in line whatever leans on an alarm that has changed: those that it inhibits, or inhibits no more.
    pub(super) fn inhibit_others(&mut self, key: &AlarmKey) {
        if self.desk.site.quiet.inhibitions.is_empty() {
            return;
        }
        if let Some(alarm) = self.desk.register.get(key).map(|filed| filed.alarm.clone()) {
            self.inhibit_near(&alarm);
        }
    }

    /// Looks again at what an alarm may inhibit where it stands, or stood.
    pub(super) fn inhibit_near(&mut self, alarm: &Alarm) {
        for target in self.desk.targets_of(alarm) {
            self.look_again(&target);
        }
    }

    /// Sets anew what the site says about one alarm, and speaks of it if that has changed.
    fn look_again(&mut self, key: &AlarmKey) {
        let Some(filed) = self.desk.register.get(key) else { return };
        let mut alarm = Alarm::clone(&filed.alarm);
        self.keep_quiet(alarm.standing(), &mut alarm);
        if alarm.suppressed != filed.alarm.suppressed {
            let suppressed = alarm.suppressed;
            self.change_suppressions(key, |alarm| alarm.suppressed = suppressed, |_| {});
        }
    }

    /// Looks at every alarm about which the site says something or may now say something.
    pub(super) fn look_at_all(&mut self) {
        let of_the_site = |alarm: &Alarm| alarm.suppressed.iter().any(|it| it.kind().is_of_the_site());
        let windows = !self.desk.site.quiet.windows.is_empty();
        let stands = |alarm: &Alarm| windows && alarm.standing().is_some();
        let keys: Vec<AlarmKey> = self
            .desk
            .register
            .alarms()
            .filter(|alarm| of_the_site(alarm) || stands(alarm))
            .map(|alarm| alarm.key.clone())
            .collect();
        for key in keys {
            self.look_again(&key);
        }
    }

    /// Sets when the windows are looked at next, where there are any and nobody has.
    pub(super) fn watch_windows(&mut self) {
        let site = &*self.desk.site;
        if site.quiet.windows.is_empty() || self.desk.timetable.get(&Deadline::Windows).is_some() {
            return;
        }
        let turns = site.quiet.windows.iter().map(|window| window.turns_in(self.now.wall, &site.zone));
        let next = turns.min().unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN).max(Span::seconds(1));
        self.emit(Event::Deadline { deadline: Deadline::Windows, at: Some(self.now.steady + next) });
    }
}

impl<M: Mode> Desk<M> {
    /// The alarm that makes another superfluous at the grade at which it stands: the highest, and of those the first.
    fn inhibitor_of(&self, target: &Alarm, stands: Grade) -> Option<Suppression> {
        let theirs = self.site.quiet.inhibitions.iter().filter(|it| it.target.is_of(target));
        let found = theirs.filter_map(|it| {
            let place = place_of(&self.site, &it.by, target)?;
            self.register.graded(&place).find(|alarm| self.inhibits(it, alarm, target, stands))
        });
        let by = found.max_by_key(|alarm| (alarm.standing(), std::cmp::Reverse(alarm.key.clone())))?;
        Some(Suppression::Inhibited { by: by.key.clone(), upto: by.standing()? })
    }

    /// Whether an alarm makes another superfluous. One whose evidence is lost does not: a fault keeps nobody quiet. Nor does
    /// one that is itself put aside, or in the end nobody would be heard.
    fn inhibits(&self, it: &Inhibition, alarm: &Alarm, target: &Alarm, stands: Grade) -> bool {
        let put_aside = |alarm: &Alarm| alarm.suppressed.iter().any(|it| it.kind() != Kind::Inhibited);
        let grade = alarm.standing();
        alarm.key != target.key
            && it.by.is_of(alarm)
            && grade >= Some(it.from)
            && grade >= Some(stands)
            && !alarm.evidence.is_lost()
            && !put_aside(alarm)
            && shares(it.same, alarm, target)
    }

    /// The graded alarms that one may inhibit.
    fn targets_of(&self, by: &Alarm) -> Vec<AlarmKey> {
        let mut targets = Vec::new();
        for it in self.site.quiet.inhibitions.iter().filter(|it| it.by.is_of(by)) {
            let Some(place) = place_of(&self.site, &it.target, by) else { continue };
            let theirs = self.register.graded(&place).filter(|alarm| it.target.is_of(alarm));
            targets.extend(theirs.filter(|alarm| shares(it.same, alarm, by)).map(|alarm| alarm.key.clone()));
        }
        targets.sort();
        targets.dedup();
        targets
    }
}

/// Where the alarms of a rule or hazard stand, in the area of another alarm.
fn place_of(site: &Site, whose: &Whose, near: &Alarm) -> Option<Place> {
    let hazard = match whose {
        Whose::Hazard(hazard) => hazard.clone(),
        Whose::Rule(id) => site.rules.iter().find(|rule| rule.id == *id)?.hazard.clone(),
    };
    Some(Place { hazard, area: near.area.clone() })
}

fn shares(same: Same, one: &Alarm, other: &Alarm) -> bool {
    one.area == other.area
        && match same {
            Same::Area => true,
            Same::Station => station_of(&one.key) == station_of(&other.key),
        }
}
