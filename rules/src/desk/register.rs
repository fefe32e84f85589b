//! All alarms, and what they come to per hazard and area: the graded ones by grade, and those without evidence.
//! Kept so that one finding costs a few lookups however many alarms stand.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use watchfire_model::{
    alarm::{Alarm, AlarmKey},
    finding::Evidence,
    grade::{Grade, PerGrade},
    id::{AreaId, HazardId, StationId, WarningId},
    time::Timestamp,
    warning::Entry,
};

use super::eyes::Eyes;

/// Lines of an alarm's own story kept here; all of them are in the ledger.
pub(super) const STORY_KEPT: usize = 100;

/// Where a warning may stand: at most one is live at each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) hazard: HazardId,
    pub(super) area: AreaId,
}

impl Place {
    pub(super) fn of(alarm: &Alarm) -> Self {
        Self { hazard: alarm.hazard.clone(), area: alarm.area.clone() }
    }
}

/// An alarm and whether it counts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Filed {
    /// Shared with whoever looks; a change copies it only while somebody still does.
    pub(super) alarm: Arc<Alarm>,
    pub(super) shadow: bool,
    /// What people did and said about it, oldest first.
    pub(super) story: Arc<Vec<Entry>>,
}

/// What the alarms of one place come to.
#[derive(Clone, Debug, Default, PartialEq)]
struct Group {
    /// Highest first.
    graded: BTreeSet<(Reverse<Grade>, AlarmKey)>,
    /// Graded, and standing on no fresh evidence; longest first.
    lost: BTreeSet<(Timestamp, AlarmKey)>,
    /// How many graded ones are announced, by grade.
    announced: Tally,
    /// How many may be laid before those who release, by grade.
    releasable: Tally,
    /// Graded, and in doubt.
    doubted: BTreeSet<AlarmKey>,
    /// How many alarms chatter, whatever their grade.
    chattering: usize,
    live: Option<WarningId>,
}

/// How many there are of each grade.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Tally(PerGrade<usize>);

impl Tally {
    const fn add(&mut self, grade: Grade) {
        *self.0.get_mut(grade) += 1;
    }
    const fn take(&mut self, grade: Grade) {
        let count = self.0.get_mut(grade);
        *count = count.saturating_sub(1);
    }
    fn highest(&self) -> Option<Grade> {
        Grade::ALL.into_iter().rev().find(|grade| *self.0.get(*grade) > 0)
    }
    fn sum(&self) -> usize {
        Grade::ALL.into_iter().map(|grade| *self.0.get(grade)).sum()
    }
}

impl Group {
    /// Counts a graded alarm in.
    fn enter(&mut self, alarm: &Alarm, grade: Grade) {
        self.graded.insert((Reverse(grade), alarm.key.clone()));
        if let Some(since) = lost_since(alarm) {
            self.lost.insert((since, alarm.key.clone()));
        }
        if !alarm.is_quieted() {
            self.announced.add(grade);
        }
        if !alarm.is_withheld() {
            alarm.sure().into_iter().for_each(|grade| self.releasable.add(grade));
            if alarm.sure() < Some(grade) {
                self.doubted.insert(alarm.key.clone());
            }
        }
    }

    /// Counts out a graded alarm that was counted in as it is.
    fn leave(&mut self, alarm: &Alarm, grade: Grade) {
        self.graded.remove(&(Reverse(grade), alarm.key.clone()));
        if let Some(since) = lost_since(alarm) {
            self.lost.remove(&(since, alarm.key.clone()));
        }
        if !alarm.is_quieted() {
            self.announced.take(grade);
        }
        if !alarm.is_withheld() {
            alarm.sure().into_iter().for_each(|grade| self.releasable.take(grade));
            self.doubted.remove(&alarm.key);
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Register {
    alarms: BTreeMap<AlarmKey, Filed>,
    /// Those with anything to see; of ten thousand stations most have nothing.
    noteworthy: BTreeMap<AlarmKey, Arc<Alarm>>,
    groups: BTreeMap<Place, Group>,
    eyes: Eyes,
}

/// Since when an alarm has no evidence: the last moment anything good was heard, where that is known.
pub(super) fn lost_since(alarm: &Alarm) -> Option<Timestamp> {
    match &alarm.evidence {
        Evidence::NoData { since } => Some(*since),
        lost if lost.is_lost() => Some(alarm.evidence_since),
        _ => None,
    }
}

impl Register {
    pub(super) fn get(&self, key: &AlarmKey) -> Option<&Filed> {
        self.alarms.get(key)
    }

    pub(super) fn alarms(&self) -> impl Iterator<Item = &Arc<Alarm>> {
        self.alarms.values().map(|filed| &filed.alarm)
    }

    pub(super) fn noteworthy(&self) -> impl Iterator<Item = &Arc<Alarm>> {
        self.noteworthy.values()
    }

    pub(super) fn filed(&self) -> impl Iterator<Item = &Filed> {
        self.alarms.values()
    }

    /// Files an alarm as it now stands; says which live warning it stands under, if it has a grade that counts.
    pub(super) fn file(&mut self, alarm: Alarm, shadow: bool) -> Option<WarningId> {
        let story = self.take(&alarm.key).map(|filed| filed.story).unwrap_or_default();
        let mut under = None;
        if !shadow {
            self.eyes.enter(&alarm);
        }
        if alarm.chatters_until.is_some() && !shadow {
            self.groups.entry(Place::of(&alarm)).or_default().chattering += 1;
        }
        if let (Some(grade), false) = (alarm.standing(), shadow) {
            let group = self.groups.entry(Place::of(&alarm)).or_default();
            group.enter(&alarm, grade);
            under.clone_from(&group.live);
        }
        let alarm = Arc::new(alarm);
        if alarm.is_noteworthy() {
            self.noteworthy.insert(alarm.key.clone(), Arc::clone(&alarm));
        }
        self.alarms.insert(alarm.key.clone(), Filed { alarm, shadow, story });
        under
    }

    /// Takes an alarm out, and out of its group.
    pub(super) fn take(&mut self, key: &AlarmKey) -> Option<Filed> {
        let filed = self.alarms.remove(key)?;
        self.noteworthy.remove(key);
        let place = Place::of(&filed.alarm);
        if !filed.shadow {
            self.eyes.leave(&filed.alarm);
        }
        if let Some(group) = self.groups.get_mut(&place).filter(|_| !filed.shadow) {
            if let Some(grade) = filed.alarm.standing() {
                group.leave(&filed.alarm, grade);
            }
            if filed.alarm.chatters_until.is_some() {
                group.chattering = group.chattering.saturating_sub(1);
            }
            self.drop_if_idle(&place);
        }
        Some(filed)
    }

    /// Changes an alarm where it is filed. `change` must touch neither what groups it nor its evidence.
    pub(super) fn touch(&mut self, key: &AlarmKey, change: impl FnOnce(&mut Alarm)) -> Option<&Alarm> {
        let filed = self.alarms.get_mut(key)?;
        self.noteworthy.remove(key);
        change(Arc::make_mut(&mut filed.alarm));
        if filed.alarm.is_noteworthy() {
            self.noteworthy.insert(key.clone(), Arc::clone(&filed.alarm));
        }
        Some(&filed.alarm)
    }

    /// Adds a line to an alarm's story. Of too many, those go first that nobody wrote.
    pub(super) fn tell(&mut self, key: &AlarmKey, entry: &Entry) {
        let Some(Filed { story, .. }) = self.alarms.get_mut(key) else { return };
        let story = Arc::make_mut(story);
        if story.len() >= STORY_KEPT {
            story.remove(story.iter().position(|entry| entry.who.is_none()).unwrap_or(0));
        }
        story.push(entry.clone());
    }

    /// How many stations at a place can be relied on.
    pub(super) fn live_at(&self, place: &Place) -> usize {
        self.eyes.live(place)
    }

    /// How many of the stations expected at a place were never heard.
    pub(super) fn unheard_at(&self, place: &Place, expected: &[StationId]) -> usize {
        self.eyes.unheard(place, expected)
    }

    /// The highest grade at a place.
    pub(super) fn grade(&self, place: &Place) -> Option<Grade> {
        self.groups.get(place)?.graded.first().map(|(Reverse(grade), _)| *grade)
    }

    /// The highest grade at a place that is not kept from those on duty.
    pub(super) fn announced(&self, place: &Place) -> Option<Grade> {
        self.groups.get(place)?.announced.highest()
    }

    /// The highest grade at a place that is not kept from those who release it to the public.
    pub(super) fn releasable(&self, place: &Place) -> Option<Grade> {
        self.groups.get(place)?.releasable.highest()
    }

    /// The alarms of a place that the public is not told of as they stand, because too little speaks for them.
    pub(super) fn doubted(&self, place: &Place) -> impl Iterator<Item = &Alarm> {
        let keys = self.groups.get(place).into_iter().flat_map(|group| &group.doubted);
        keys.filter_map(|key| self.alarms.get(key)).map(|filed| &*filed.alarm)
    }

    /// Whether some alarm of a place chatters.
    pub(super) fn chatters(&self, place: &Place) -> bool {
        self.groups.get(place).is_some_and(|group| group.chattering > 0)
    }

    /// Whether some graded alarm of a place is kept from anybody.
    pub(super) fn has_suppressed(&self, place: &Place) -> bool {
        let heard = |group: &Group| group.announced.sum().min(group.releasable.sum());
        self.groups.get(place).is_some_and(|group| heard(group) < group.graded.len())
    }

    /// Since when some graded alarm of a place has no evidence.
    pub(super) fn lost(&self, place: &Place) -> Option<Timestamp> {
        self.groups.get(place)?.lost.first().map(|(since, _)| *since)
    }

    /// The graded alarms of a place, highest first.
    pub(super) fn graded(&self, place: &Place) -> impl Iterator<Item = &Alarm> {
        let keys = self.groups.get(place).into_iter().flat_map(|group| &group.graded);
        keys.filter_map(|(_, key)| self.alarms.get(key)).map(|filed| &*filed.alarm)
    }

    pub(super) fn live(&self, place: &Place) -> Option<&WarningId> {
        self.groups.get(place)?.live.as_ref()
    }

    pub(super) fn set_live(&mut self, place: &Place, warning: Option<WarningId>) {
        self.groups.entry(place.clone()).or_default().live = warning;
        self.drop_if_idle(place);
    }

    fn drop_if_idle(&mut self, place: &Place) {
        if self.groups.get(place).is_some_and(|group| *group == Group::default()) {
            self.groups.remove(place);
        }
    }
}
