//! The site is written anew while warnings live (SEMANTICS §8).

use std::sync::Arc;

use watchfire_model::{
    command::Act,
    finding::Change,
    grade::Grade,
    id::{Revision, Seq},
    mode::Live,
    reload::{Orphans, Reload},
    site::Site,
    warning::{Ending, Publication},
};

use super::super::{
    Event, Input,
    story::{Story, key, rule, site},
};

impl Story<Live> {
    /// The engineer puts another site in force.
    fn reload(&mut self, mut site: Site, orphans: Orphans) -> Vec<Event<Live>> {
        site.revision = Revision("next".to_owned());
        self.site = Arc::new(site);
        self.desk.reload(Arc::clone(&self.site));
        let (why, from) = ("winter is over".to_owned(), "cli".to_owned());
        let plain = Reload::plain(self.site.revision.clone(), "wang".into(), why, from);
        let reload = Reload { orphans, ..plain };
        let seq = Seq(u64::try_from(self.record.len()).expect("small"));
        let events = self.step(Input::Reload { reload: Box::new(reload), seq });
        assert!(self.restarted() == self.desk, "a restart differs after a reload");
        events
    }

    /// The Evaluator says what stands by the changed rule, then what it judges.
    fn rewritten(&mut self, subject: &str, then: &str) {
        let finding = self.finding("stage", subject, "back");
        let _ = self.step(Input::Finding(watchfire_model::finding::Finding { change: Change::Rewritten, ..finding }));
        self.tell(&format!("{subject} {then}"));
    }

    fn stands(&self, subject: &str) -> Option<Grade> {
        self.alarm("stage", subject).and_then(|alarm| alarm.standing())
    }

    fn accept(&mut self, subject: &str) {
        let version = self.alarm("stage", subject).map_or(0, |alarm| alarm.version);
        self.command("wang", Act::AcceptFall { alarm: key("stage", subject), version }).expect("it is accepted");
    }
}

/// The story's site without the rule of its public hazard.
fn without_stage() -> Site {
    let mut site = site();
    site.rules.remove(0);
    site
}

/// How the only warning has ended, if it has.
fn ending(story: &Story<Live>) -> Option<Ending> {
    match story.desk.warnings().next().expect("a warning").publication {
        Publication::Ended { how, .. } => Some(how),
        Publication::None | Publication::Released { .. } => None,
    }
}

#[test]
fn the_same_site_decides_nothing() {
    let mut story = Story::<Live>::told(site(), "a red; zhang signs; b yellow; c lost; li acks");
    let events = story.reload(site(), Orphans::Hold);
    assert!(matches!(events.as_slice(), [Event::Reloaded { .. }]), "{events:?}");
}

#[test]
fn from_orange_on_a_changed_rule_lets_nothing_fall_by_itself() {
    let mut story = Story::<Live>::told(site(), "a red; zhang signs");
    story.reload(site(), Orphans::Hold);
    story.rewritten("a", "yellow");
    assert_eq!(story.stands("a"), Some(Grade::Red), "it waits for a person");
    story.tell("a clear");
    assert_eq!(story.stands("a"), Some(Grade::Red));
    story.accept("a");
    assert_eq!(story.stands("a"), None);
    story.tell("li signs");
    assert_eq!(ending(&story), Some(Ending::AllClear));
    assert!(story.restarted() == story.desk);
}

#[test]
fn below_orange_a_changed_rule_lowers_as_any_other() {
    let mut story = Story::<Live>::told(site(), "a yellow; zhang signs");
    story.reload(site(), Orphans::Hold);
    story.rewritten("a", "blue");
    assert_eq!(story.stands("a"), Some(Grade::Blue));
    story.refuse("wang sets a - 0s", "a word on a grade must last for some time");
}

#[test]
fn a_rise_under_the_new_text_is_its_own_and_falls_by_itself() {
    let mut story = Story::<Live>::told(site(), "a orange; zhang signs");
    story.reload(site(), Orphans::Hold);
    story.rewritten("a", "red");
    story.tell("a yellow");
    assert_eq!(story.stands("a"), Some(Grade::Yellow));
}

#[test]
fn a_rule_taken_away_leaves_an_orphan_that_is_held_and_shown() {
    let mut story = Story::<Live>::told(site(), "a red; zhang signs; b lost");
    story.reload(without_stage(), Orphans::Hold);
    let alarm = story.alarm("stage", "a").expect("it is held");
    assert!(alarm.orphaned.is_some() && alarm.evidence.is_lost() && alarm.is_noteworthy());
    assert_eq!((alarm.standing(), ending(&story)), (Some(Grade::Red), None));
    assert!(story.said().ends_with("i continued red held, p continued red held"), "{}", story.said());
    let lost = story.alarm("stage", "b").expect("it is remembered");
    assert!(!lost.is_noteworthy(), "nobody need look for what no rule asks for: {lost:?}");
    // Twice says no more.
    let events = story.reload(without_stage(), Orphans::Hold);
    assert!(matches!(events.as_slice(), [Event::Reloaded { .. }]), "{events:?}");
    // The rule comes back.
    story.reload(site(), Orphans::Hold);
    story.rewritten("a", "clear");
    assert!(story.alarm("stage", "a").expect("it stands").orphaned.is_none());
}

#[test]
fn a_rule_taken_away_as_over_ends_by_the_gate() {
    let mut story = Story::<Live>::told(site(), "a red; zhang signs");
    story.reload(without_stage(), Orphans::AllClear);
    assert_eq!((story.stands("a"), ending(&story)), (None, None));
    story.tell("li signs");
    assert_eq!(ending(&story), Some(Ending::AllClear));
}

#[test]
fn a_rule_taken_away_as_wrong_is_cancelled() {
    let mut story = Story::<Live>::told(site(), "a red; zhang signs");
    story.reload(without_stage(), Orphans::Cancel);
    assert_eq!((story.stands("a"), ending(&story)), (None, Some(Ending::Cancelled)));
    assert!(story.said().ends_with("i cancelled red, p cancelled red"), "{}", story.said());
}

#[test]
fn an_orphan_may_be_ended_later() {
    let mut story = Story::<Live>::told(site(), "a red; zhang signs");
    story.reload(without_stage(), Orphans::Hold);
    story.reload(without_stage(), Orphans::AllClear);
    assert_eq!(story.stands("a"), None);
}

#[test]
fn new_names_keep_the_warning() {
    let mut story = Story::<Live>::told(site(), "a red; zhang signs; a lost");
    let mut renamed = site();
    let mut level = rule("level", "river_flood");
    level.aliases = vec!["stage".into()];
    renamed.rules[0] = level;
    renamed.stations[0].aliases = vec![renamed.stations[0].id.clone()];
    renamed.stations[0].id = "qingshi".into();
    story.reload(renamed, Orphans::Hold);
    let alarm = story.alarm("level", "qingshi").expect("it goes on under its new name");
    assert_eq!((alarm.standing(), alarm.orphaned), (Some(Grade::Red), None));
    assert_eq!((story.desk.alarms().count(), story.desk.warnings().count(), ending(&story)), (1, 1, None));
}

#[test]
fn a_station_moved_to_another_area_takes_its_warning_along() {
    let mut story = Story::<Live>::told(site(), "a red; zhang signs");
    let mut moved = site();
    let elsewhere = moved.areas.iter().map(|area| area.id.clone()).find(|id| *id != moved.stations[0].area);
    moved.stations[0].area = elsewhere.expect("the story has two areas");
    story.reload(moved, Orphans::Hold);
    assert_eq!(story.desk.warnings().filter(|warning| warning.grade == Some(Grade::Red)).count(), 1);
    assert_eq!(story.desk.warnings().count(), 2);
}
