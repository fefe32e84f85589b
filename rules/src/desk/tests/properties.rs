//! What must hold in every story, whatever happens in whatever order (SEMANTICS §10).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof, proptest},
    sample::select,
};
use watchfire_model::{
    alarm::{Alarm, AlarmKey},
    attention::{Attention, Concern},
    bulletin::{Bulletin, MessageClass, Notice},
    command::Act,
    finding::{Change, Evidence, FaultCause, Finding},
    grade::Grade,
    id::{ChannelName, PersonId, WarningId},
    mode::Live,
    site::{Audience, Site},
    suppression::Suppression,
    time::{Span, Timestamp},
    warning::{Publication, Warning},
};

use super::super::{
    Desk, Event, Input,
    story::{ALARM_ACTS, Story, automatic, demo, site},
};
use super::watched::watched;
use crate::cases::cases;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Deed {
    /// A sentence of a story; refusals are part of life.
    Said(String),
    /// A finding such as no honest Evaluator would make: wrong counts, wrong grades, any value.
    Wild { subject: &'static str, n: u64, change: Change, judged: Option<Grade>, evidence: Evidence, value: f64 },
    /// The wall clock is set.
    ClockStep(i64),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let subject = || select(vec!["a", "b", "c", "x", "seep a"]);
    let findings =
        (subject(), select(vec!["blue", "yellow", "orange", "red", "clear", "lost", "back", "faulty", "missed"]));
    let people = (select(vec!["zhang", "li"]), select(vec!["signs", "signs", "acks", "cancels"]));
    let reports = (select(vec!["zhang", "li"]), select(vec!["blue", "red", "over"]));
    let words = (select(vec!["a", "b"]), select(vec!["clear", "blue", "red"]), select(vec!["1m", "3h", "40h"]));
    let on_alarms = (select(vec!["zhang", "li"]), select(ALARM_ACTS.to_vec()), select(vec!["a", "b"]), any::<bool>());
    let aside = (
        select(vec!["zhang", "li"]),
        select(vec!["shelves", "shelves_once"]),
        select(vec!["a", "b"]),
        select(vec!["blue 20h", "yellow 7h", "orange 1h", "red 1h"]),
    );
    let out = (select(vec!["zhang", "li"]), select(vec!["a", "b"]), select(vec!["1h", "30h"]));
    let rest = select(vec!["+1s", "+4m", "+90m", "+11h", "delivered", "failing", "refused", "all delivered"]);
    let change = select(vec![
        Change::Raised,
        Change::Lifted,
        Change::Pending,
        Change::Evidence,
        Change::LostWhileRising,
        Change::MissedCrossing,
    ]);
    let evidence = select(vec![
        Evidence::Good,
        Evidence::Degraded { left: 1, of: 3 },
        Evidence::Fault { cause: FaultCause::Stuck },
        Evidence::NoData { since: Timestamp(5) },
        Evidence::RuleError { message: "1:3".to_owned() },
        Evidence::Starting,
    ]);
    let wild = (select(vec!["a", "b", "nowhere"]), 0..40_u64, change, 0..5_u8, evidence, any::<f64>());
    let deed = prop_oneof![
        8 => findings.prop_map(|(subject, what)| Deed::Said(format!("{subject} {what}"))),
        4 => people.prop_map(|(who, what)| Deed::Said(format!("{who} {what}"))),
        3 => on_alarms.prop_map(|(who, act, subject, fault)| {
            let two_sided = matches!(act, "acks" | "unacks" | "confirms" | "resets");
            let side = if fault && two_sided { " fault" } else { "" };
            Deed::Said(format!("{who} {act} {subject}{side}"))
        }),
        3 => aside.prop_map(|(who, act, subject, limit)| Deed::Said(format!("{who} {act} {subject} {limit}"))),
        1 => out.prop_map(|(who, subject, span)| Deed::Said(format!("{who} stops {subject} {span}"))),
        1 => reports.prop_map(|(who, grade)| Deed::Said(format!("{who} reports bridge {grade}"))),
        1 => words.prop_map(|(subject, grade, span)| Deed::Said(format!("li sets {subject} {grade} {span}"))),
        4 => rest.prop_map(|words| Deed::Said(words.to_owned())),
        2 => wild.prop_map(|(subject, n, change, level, evidence, value)| Deed::Wild {
            subject, n, change, judged: Grade::from_level(level), evidence,
            value: if value.is_finite() { value } else { 0.0 },
        }),
        1 => select(vec![-3_600_000, 3_600_000, -1]).prop_map(Deed::ClockStep),
    ];
    vec(deed, 1..60)
}

fn sites() -> impl Strategy<Value = Site> {
    prop_oneof![2 => Just(site()), 1 => Just(automatic()), 1 => Just(demo()), 2 => Just(watched())]
}

impl Story<Live> {
    fn live(&mut self, deeds: &[Deed]) {
        for deed in deeds {
            self.do_one(deed);
        }
    }

    fn do_one(&mut self, deed: &Deed) {
        match deed {
            // Nobody can act on a warning before there has been one.
            Deed::Said(words) if self.desk.warnings().next().is_none() && is_act(words) => {}
            Deed::Said(words) => drop(self.try_one(words)),
            Deed::Wild { subject, n, change, judged, evidence, value } => {
                let honest = self.finding("stage", subject, "back");
                let finding = Finding {
                    n: *n,
                    change: *change,
                    judged: *judged,
                    evidence: evidence.clone(),
                    value: Some(*value),
                    ..honest
                };
                drop(self.step(Input::Finding(finding)));
            }
            Deed::ClockStep(ms) => self.now.wall.0 += ms,
        }
    }

    /// Everything comes to rest: all is measured clear, nobody signs, four days pass: longer than any word, shelf and bulletin.
    fn rest(&mut self) {
        let keys: Vec<AlarmKey> = self.desk.alarms().map(|alarm| alarm.key.clone()).collect();
        for key in keys {
            let mut finding = self.finding(key.rule.as_str(), key.subject.as_str(), "clear");
            finding.n += 100;
            let _ = self.step(Input::Finding(finding));
        }
        self.pass(Span::hours(96));
    }

    fn notices(&self) -> impl Iterator<Item = &Notice<Live>> {
        self.record.iter().flat_map(|(_, _, events)| events).filter_map(Event::notice)
    }
}

fn is_act(words: &str) -> bool {
    matches!(words.split_whitespace().collect::<Vec<_>>()[..], [_, "signs" | "acks" | "cancels"])
}

proptest! {
    #![proptest_config(cases())]

    /// 6 and 7: a Desk rebuilt from its events at any point equals the one that never stopped, and goes on as it does.
    #[test]
    fn a_restart_anywhere_changes_nothing(site in sites(), deeds in deeds(), cut in any::<proptest::sample::Index>()) {
        let mut story = Story::<Live>::begin(site);
        story.live(&deeds);
        assert!(story.restarted() == story.desk);

        let mut again = Desk::new(Arc::clone(&story.site));
        let cut = cut.index(story.record.len() + 1);
        for (place, (now, input, events)) in story.record.iter().enumerate() {
            if place < cut {
                events.iter().for_each(|event| again.apply(*now, event));
            } else {
                assert_eq!(&again.step(*now, input), events);
            }
        }
        assert!(again == story.desk);
    }

    /// 15: the same site again changes nothing, now or later.
    #[test]
    fn a_reload_of_the_same_site_changes_nothing(deeds in deeds(), more in deeds()) {
        let mut story = Story::<Live>::begin(site());
        story.live(&deeds);
        let mut reloaded = story.clone();
        reloaded.desk.reload(Arc::new(site()));
        assert!(reloaded.desk == story.desk);
        story.live(&more);
        reloaded.live(&more);
        assert_eq!(story.record, reloaded.record);
    }

    /// 9, 10, 19 and 1 as far as the Desk goes.
    #[test]
    fn each_dimension_keeps_to_itself(site in sites(), deeds in deeds()) {
        let mut story = Story::<Live>::begin(site);
        for deed in &deeds {
            let before: BTreeMap<_, _> = story.desk.alarms().map(|alarm| (alarm.key.clone(), alarm.clone())).collect();
            let from = story.record.len();
            story.do_one(deed);
            for (_, input, events) in &story.record[from..] {
                for alarm in story.desk.alarms() {
                    let Some(old) = before.get(&alarm.key) else { continue };
                    judge(old, alarm, input);
                }
                if let Input::Finding(Finding { evidence, change, .. }) = input
                    && (evidence.is_lost() || matches!(change, Change::Evidence | Change::Pending))
                {
                    let quiet = |event: &Event<Live>| match event {
                        Event::Turned { warning, grade, .. } => *grade >= before_grade(&story, warning, from),
                        Event::Closed { .. } => false,
                        // What had ended unsigned at a higher grade may go on at a lower one.
                        Event::Spoken { bulletin, .. } if before_grade(&story, &bulletin.warning, from).is_none() => true,
                        Event::Spoken { bulletin, .. } => !bulletin.class.ends() && bulletin.class != MessageClass::Downgrade,
                        _ => true,
                    };
                    assert!(events.iter().all(quiet), "{input:?} lowered or ended something: {events:?}");
                }
            }
        }
    }

    /// 11: everything ends, exactly once, for everybody who was told; nothing follows.
    #[test]
    fn a_warning_ends_once_and_everybody_told_hears_it(site in sites(), deeds in deeds()) {
        let mut story = Story::<Live>::begin(site);
        story.live(&deeds);
        story.rest();
        assert_eq!(story.desk.alarms().filter(|alarm| alarm.standing().is_some()).count(), 0);
        let mut told: BTreeMap<(WarningId, Audience), BTreeSet<ChannelName>> = BTreeMap::new();
        let mut ended: BTreeMap<(WarningId, Audience), BTreeSet<ChannelName>> = BTreeMap::new();
        for notice in story.notices() {
            let chain = (notice.bulletin.warning.clone(), notice.bulletin.audience);
            let channels = told.entry(chain.clone()).or_default();
            channels.insert(notice.channel.clone());
            if notice.bulletin.class.ends() {
                assert!(ended.entry(chain).or_default().insert(notice.channel.clone()), "one ending on each channel");
            } else {
                assert!(!ended.contains_key(&chain), "nothing follows an ending");
            }
        }
        assert_eq!(told, ended);
        for warning in story.desk.warnings() {
            assert!(matches!(warning.publication, Publication::Ended { .. }), "{} has not ended", warning.id);
            let endings = |to| {
                story.bulletins().filter(|b| b.warning == warning.id && b.audience == to && b.class.ends()).count()
            };
            let any = |to| usize::from(story.bulletins().any(|b| b.warning == warning.id && b.audience == to));
            assert_eq!(endings(Audience::Internal), any(Audience::Internal));
            assert_eq!(endings(Audience::Public), any(Audience::Public));
        }
    }

    /// 13: what is put aside hides nothing above it; what is not put aside is told at once; and nothing is raised that only
    /// stands on what is put aside.
    #[test]
    fn a_shelf_hides_what_it_covers_and_nothing_more(site in sites(), deeds in deeds()) {
        let mut story = Story::<Live>::begin(site);
        for deed in &deeds {
            let from = story.record.len();
            story.do_one(deed);
            let raised: Vec<_> = story.record[from..].iter().flat_map(|(_, _, events)| events).filter_map(raised).collect();
            for warning in story.desk.warnings().filter(|w| !matches!(w.publication, Publication::Ended { .. })) {
                let open = |to| story.desk.alarms().filter(|alarm| is_under(warning, alarm)).filter_map(|alarm| open(alarm, to)).max();
                let last = |to| story.bulletins().filter(|b| b.warning == warning.id && b.audience == to).last();
                let told = last(Audience::Internal).map(|bulletin| bulletin.grade);
                assert!(told >= open(Audience::Internal), "{told:?} was told of {:?}", open(Audience::Internal));
                // A fall is said whatever keeps it quiet, unless it turns up and down.
                let over = last(Audience::Internal).and_then(|b| b.note.as_ref()).is_some_and(|n| n.contains("over"));
                let chatters = story.desk.alarms().any(|a| is_under(warning, a) && a.chatters_until.is_some());
                let (true, Some(stands)) = (told.is_some() && !over && !chatters, warning.grade) else { continue };
                assert!(told <= Some(stands), "{told:?} is still told where {stands} stands");
                let public = last(Audience::Public).map(|b| b.grade).max(warning.waiting.as_ref().and_then(|w| w.grade));
                let reaches = warning.hazard.as_str() == "river_flood";
                assert!(!reaches || public >= open(Audience::Public), "{public:?} of {:?}", open(Audience::Public));
                // One deed may be several steps when time passes: then what was raised may have fallen again.
                if story.record.len() == from + 1 {
                    for bulletin in raised.iter().filter(|bulletin| bulletin.warning == warning.id) {
                        assert!(Some(bulletin.grade) <= open(bulletin.audience), "{} was put aside", bulletin.grade);
                    }
                }
            }
        }
    }

    /// Ids are used once, stamps rise, references are to what was said before, and each channel hears in order.
    #[test]
    fn bulletins_are_a_chain(site in sites(), deeds in deeds()) {
        let mut story = Story::<Live>::begin(site);
        story.live(&deeds);
        story.rest();
        let mut ids = BTreeSet::new();
        let mut chains: BTreeMap<(WarningId, Audience), Vec<_>> = BTreeMap::new();
        for bulletin in story.bulletins() {
            assert!(ids.insert(bulletin.id.clone()), "{} twice", bulletin.id);
            let chain = chains.entry((bulletin.warning.clone(), bulletin.audience)).or_default();
            assert!(chain.last().is_none_or(|(_, sent)| *sent < bulletin.sent), "stamps rise");
            assert_eq!(bulletin.sent.0 % 1_000, 0);
            assert!(bulletin.expires > bulletin.effective);
            assert_eq!(bulletin.references.is_empty(), bulletin.class.cap() == "Alert");
            assert_eq!(chain.is_empty(), bulletin.class.cap() == "Alert", "first an Alert, then what refers to it");
            for earlier in &bulletin.references {
                assert!(chain.contains(&(earlier.id.clone(), earlier.sent)));
            }
            chain.push((bulletin.id.clone(), bulletin.sent));
        }
        let mut notice_ids = BTreeSet::new();
        let mut orders: BTreeMap<(WarningId, ChannelName), u64> = BTreeMap::new();
        for notice in story.notices() {
            assert!(notice_ids.insert(notice.id.clone()));
            let order = orders.entry((notice.bulletin.warning.clone(), notice.channel.clone())).or_default();
            *order += 1;
            assert_eq!(notice.order, *order);
        }
    }

    /// What a person must sign goes out on a person's signature alone.
    #[test]
    fn nothing_passes_the_gate_unsigned(deeds in deeds()) {
        let mut story = Story::<Live>::begin(site());
        story.live(&deeds);
        story.rest();
        for (_, input, events) in &story.record {
            let act = if let Input::Command(command) = input { Some(&command.act) } else { None };
            for event in events {
                let Event::Spoken { bulletin, .. } = event else { continue };
                if bulletin.audience == Audience::Internal {
                    continue;
                }
                match bulletin.class {
                    MessageClass::Issue | MessageClass::Upgrade | MessageClass::Downgrade | MessageClass::AllClear => {
                        assert!(matches!(act, Some(Act::Release { .. })), "{} by {input:?}", bulletin.class.event());
                    }
                    MessageClass::Cancel => assert!(matches!(act, Some(Act::Cancel { .. } | Act::Correct { .. }))),
                    MessageClass::Correct => assert!(matches!(act, Some(Act::Correct { .. }))),
                    MessageClass::Continue | MessageClass::Extend | MessageClass::Expire => {}
                }
                assert_ne!(bulletin.hazard.as_str(), "seepage", "an internal hazard went public");
            }
        }
    }
}

fn raised(event: &Event<Live>) -> Option<&Bulletin> {
    let Event::Spoken { bulletin, .. } = event else { return None };
    matches!(bulletin.class, MessageClass::Issue | MessageClass::Upgrade).then_some(&**bulletin)
}

fn is_under(warning: &Warning, alarm: &Alarm) -> bool {
    alarm.hazard == warning.hazard && alarm.area == warning.area
}

/// The grade of an alarm that an audience is to hear of, worked out anew.
fn open(alarm: &Alarm, to: Audience) -> Option<Grade> {
    let grade = alarm.standing()?;
    let covered = alarm.suppressed.iter().any(|it| match it {
        Suppression::Shelved { upto, .. } => *upto >= grade,
        Suppression::Inhibited { upto, .. } | Suppression::ByDesign { upto, .. } => *upto >= grade,
        Suppression::Muted { upto, .. } => to == Audience::Internal && *upto >= grade,
        Suppression::Deferred { .. } => matches!(grade, Grade::Blue | Grade::Yellow),
        Suppression::OutOfService { .. } => to == Audience::Public || matches!(grade, Grade::Blue | Grade::Yellow),
    });
    (!covered).then_some(grade)
}

fn before_grade(story: &Story<Live>, warning: &WarningId, from: usize) -> Option<Grade> {
    let earlier = story.record[..from].iter().flat_map(|(_, _, events)| events);
    earlier
        .filter_map(|event| match event {
            Event::Opened(opened) if opened.id == *warning => Some(opened.grade),
            Event::Turned { warning: turned, grade, .. } if turned == warning => Some(*grade),
            _ => None,
        })
        .next_back()
        .flatten()
}

fn hazard_side(alarm: &Alarm) -> (&Attention, Option<Grade>) {
    (&alarm.attention, alarm.latch)
}

fn fault_side(alarm: &Alarm) -> (&Attention, Option<Timestamp>) {
    (&alarm.fault_attention, alarm.fault_latch)
}

/// What one input may have done to one alarm.
fn judge(old: &Alarm, new: &Alarm, input: &Input) {
    let (was, is) = (old.standing(), new.standing());
    if is > was {
        assert!(matches!(new.attention, Attention::Unacked { .. }), "a rise must be noted: {new:?}");
    }
    match input {
        Input::Finding(finding) => {
            let may_lower = matches!(finding.change, Change::Raised | Change::Lifted) && !finding.evidence.is_lost();
            assert!(is >= was || may_lower, "{finding:?} lowered {was:?} to {is:?}");
            if finding.n <= old.last_n {
                let same_key = old.key.rule == finding.rule && old.key.subject == finding.subject;
                assert!(!same_key || old == new, "a repeat changed something");
            }
            if new.evidence.is_lost() && !old.evidence.is_lost() {
                assert!(matches!(new.fault_attention, Attention::Unacked { .. }), "lost evidence is a fault");
            }
        }
        Input::Command(command) => match &command.act {
            Act::Acknowledge { .. } => {
                assert_eq!(
                    old.fault_attention, new.fault_attention,
                    "taking note of a hazard is not taking note of a fault"
                );
                assert_eq!((was, &old.evidence), (is, &new.evidence));
                if let Attention::Acked { by, .. } = &new.attention {
                    assert!(new.attention == old.attention || *by == PersonId::from(command.who.as_str()));
                }
            }
            Act::AcknowledgeAlarm { concern, .. }
            | Act::Unacknowledge { concern, .. }
            | Act::Confirm { concern, .. }
            | Act::Reset { concern, .. } => {
                assert_eq!((was, old.judged, &old.evidence), (is, new.judged, &new.evidence));
                match concern {
                    Concern::Hazard => assert_eq!(fault_side(old), fault_side(new)),
                    Concern::Fault => assert_eq!(hazard_side(old), hazard_side(new)),
                }
            }
            Act::Assign { .. } | Act::Comment { .. } => {
                assert_eq!(old, &Alarm { assigned: old.assigned.clone(), ..new.clone() });
            }
            Act::Shelve { .. } | Act::Unshelve { .. } | Act::TakeOut { .. } | Act::PutBack { .. } => {
                assert_eq!((old.judged, was, &old.evidence, old.latch), (new.judged, is, &new.evidence, new.latch));
                assert_eq!(fault_side(old), fault_side(new));
            }
            Act::Report(report) if new.key == report.alarm() => {
                assert_eq!((new.judged, &new.evidence), (report.grade, &Evidence::Good));
            }
            Act::Report(_) => assert_eq!((old.judged, was, &old.evidence), (new.judged, is, &new.evidence)),
            Act::Release { .. } | Act::AcknowledgeIncident { .. } => {
                assert_eq!(old, new, "a signature, or taking note of an incident, changes no alarm");
            }
            Act::Calibrate { .. }
            | Act::GiveBack { .. }
            | Act::AcceptCalibration { .. }
            | Act::Commission { .. }
            | Act::Invalidate { .. } => {
                assert_eq!(old, new, "what is granted about a sensor changes no alarm before it is judged by");
            }
            Act::Cancel { .. } | Act::Correct { .. } | Act::SetGrade { .. } | Act::AcceptFall { .. } => {
                assert_eq!(old.evidence, new.evidence)
            }
        },
        // The end of a calibration ends what was over the limit in it, and nothing that was judged.
        Input::Tended(_) => assert_eq!(&old.evidence, &new.evidence),
        Input::Outage(_) | Input::Receipt(_) | Input::Deed(_) | Input::Tick | Input::Start | Input::Reload { .. } => {
            assert_eq!((old.judged, &old.evidence), (new.judged, &new.evidence))
        }
    }
}
