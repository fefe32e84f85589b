//! Reads facts off the Desk as its events are applied.

use std::collections::BTreeMap;

use watchfire_model::alarm::{Alarm, AlarmKey};
use watchfire_model::attention::Attention;
use watchfire_model::bulletin::{Bulletin, MessageClass};
use watchfire_model::command::{Act, Refusal};
use watchfire_model::grade::Grade;
use watchfire_model::id::{BulletinId, IncidentId, NoticeId, PersonId, WarningId};
use watchfire_model::incident::Sensor;
use watchfire_model::mode::Mode;
use watchfire_model::receipt::{Outcome, Receipt};
use watchfire_model::site::Audience;
use watchfire_model::suppression::{Kind, Suppression};
use watchfire_model::time::{Now, Timestamp};
use watchfire_model::upkeep::{Calibration, Tending};

use super::{Aside, Calibrated, Fact, Settled, Work};
use crate::desk::{Desk, Event};

/// Notices and bulletins whose answer is still waited for; beyond it the oldest are no longer timed.
const TIMED_MOST: usize = 100_000;

/// What has been seen of every alarm and of every live warning. Feed it each record's events once the Desk has applied
/// them, in order.
#[derive(Clone, Debug, Default)]
pub struct Watcher {
    alarms: BTreeMap<AlarmKey, Seen>,
    warnings: BTreeMap<WarningId, Course>,
    /// Open incidents that nobody has taken note of, and since when.
    incidents: BTreeMap<IncidentId, Timestamp>,
    /// Bulletins that no receipt has come for.
    unheard: BTreeMap<BulletinId, (WarningId, Audience, Timestamp)>,
    /// Sensors that are being calibrated.
    calibrated: BTreeMap<Sensor, Calibration>,
    flying: BTreeMap<NoticeId, (BulletinId, Audience)>,
}

/// An alarm as it was last seen.
#[derive(Clone, Debug, Default)]
struct Seen {
    standing: Option<Grade>,
    quieted: bool,
    fault_unacked_since: Option<Timestamp>,
    unacked_since: Option<Timestamp>,
    stood_since: Option<Timestamp>,
    realarms: u32,
    /// The threshold of the grade that stands.
    threshold: Option<f64>,
    /// Event time of the last turn.
    turned_at: Option<Timestamp>,
    shelved: Option<Aside>,
    out_of_service: Option<Aside>,
}

/// A live warning so far.
#[derive(Clone, Debug, Default)]
struct Course {
    peak: Option<Grade>,
    /// A rise waits for a signature.
    waiting_since: Option<Timestamp>,
    /// Anything does.
    to_sign_since: Option<Timestamp>,
    internal_since: Option<Timestamp>,
    public_since: Option<Timestamp>,
}

impl Watcher {
    /// What `events`, just applied to `desk`, come to.
    pub fn see<M: Mode>(&mut self, desk: &Desk<M>, now: Now, events: &[Event<M>]) -> Vec<Fact> {
        let mut facts = self.acted(now, events);
        let mut touched: Vec<&AlarmKey> = Vec::new();
        for event in events {
            match event {
                Event::Alarm { alarm, shadow: false } => touched.push(&alarm.key),
                Event::Acknowledged { warning, .. }
                | Event::SetAside { warning, .. }
                | Event::Faulted { warning, .. } => {
                    touched.extend(desk.warning(warning).into_iter().flat_map(|warning| &warning.alarms));
                }
                Event::Rekeyed { from, to } => {
                    if let Some(seen) = self.alarms.remove(from) {
                        self.alarms.insert(to.clone(), seen);
                    }
                }
                Event::Incident(incident) => {
                    let waits = incident.is_open() && incident.attention.is_unacked();
                    if !waits {
                        self.incidents.remove(&incident.id);
                    } else if self.incidents.insert(incident.id.clone(), now.wall).is_none() {
                        facts.push(Fact::Troubled { incident: incident.id.clone() });
                    }
                }
                Event::Opened(warning) => {
                    self.warnings.insert(warning.id.clone(), Course::default());
                    self.reached(&warning.id, warning.grade, now, &mut facts);
                }
                Event::Turned { warning, grade, .. } => self.reached(warning, *grade, now, &mut facts),
                Event::Waiting { warning, waiting } => {
                    if let Some(course) = self.warnings.get_mut(warning) {
                        course.to_sign_since = waiting.as_ref().map(|waiting| waiting.since);
                        let rise = waiting.as_ref().filter(|waiting| raises(waiting.class));
                        course.waiting_since = rise.map(|waiting| waiting.since).or(course.waiting_since);
                    }
                }
                Event::Spoken { bulletin, .. } => self.spoke(bulletin, now, &mut facts),
                Event::Notice(notice) => {
                    let audience = notice.bulletin.audience;
                    facts.push(Fact::Sent { audience });
                    let bulletin = &notice.bulletin;
                    // What goes to nobody is heard by nobody: only what is sent waits to be.
                    let said = || (bulletin.warning.clone(), audience, now.wall);
                    self.unheard.entry(bulletin.id.clone()).or_insert_with(said);
                    self.flying.insert(notice.id.clone(), (bulletin.id.clone(), audience));
                    while self.unheard.len() > TIMED_MOST {
                        self.unheard.pop_first();
                    }
                    while self.flying.len() > TIMED_MOST {
                        self.flying.pop_first();
                    }
                }
                Event::Receipt(receipt) => self.answered(receipt, now, &mut facts),
                Event::Closed { warning, .. } => {
                    self.warnings.remove(warning);
                }
                Event::Answered { who, act, refusal: Some(refusal), .. } => {
                    facts.extend(refused_aside(act, who, refusal));
                }
                Event::Tending(tending) => facts.extend(self.tended(tending, now)),
                Event::Alarm { shadow: true, .. }
                | Event::Unplaced { .. }
                | Event::AlarmNoted { .. }
                | Event::Noted { .. }
                | Event::Deadline { .. }
                | Event::Witnessed
                | Event::Upkeep(_)
                | Event::UpkeepDone { .. }
                | Event::Reloaded { .. }
                | Event::Correction { .. }
                | Event::Answered { .. } => {}
            }
        }
        touched.sort_unstable();
        touched.dedup();
        for key in touched {
            if let Some(alarm) = desk.alarm(key) {
                self.alarms.entry(key.clone()).or_default().look(alarm, now, &mut facts);
            }
        }
        facts
    }

    /// What people did, by the answers they got. An act that changed nothing, such as the same one twice, is none.
    fn acted<M: Mode>(&self, now: Now, events: &[Event<M>]) -> Vec<Fact> {
        let changed = events.len() > 1;
        let work = |act: &Act, refusal: Option<&Refusal>| match act {
            _ if refusal.is_some() => Some(Work::Refused),
            _ if !changed => None,
            Act::Release { warning, .. } => {
                let since = self.warnings.get(warning)?.to_sign_since?;
                Some(Work::Signed { after: now.wall - since })
            }
            Act::AcknowledgeIncident { incident } => {
                Some(Work::Acknowledged { after: now.wall - *self.incidents.get(incident)? })
            }
            Act::Report(_) => Some(Work::Reported),
            // Told by what becomes of the alarms.
            Act::Acknowledge { .. } | Act::AcknowledgeAlarm { .. } | Act::Shelve { .. } | Act::TakeOut { .. } => None,
            Act::Cancel { .. }
            | Act::Correct { .. }
            | Act::SetGrade { .. }
            | Act::Unacknowledge { .. }
            | Act::Confirm { .. }
            | Act::Reset { .. }
            | Act::Unshelve { .. }
            | Act::PutBack { .. }
            | Act::Assign { .. }
            | Act::AcceptFall { .. }
            | Act::Comment { .. }
            | Act::Calibrate { .. }
            | Act::GiveBack { .. }
            | Act::AcceptCalibration { .. }
            | Act::Commission { .. }
            | Act::Invalidate { .. } => Some(Work::Other),
        };
        let answers = events.iter().filter_map(|event| match event {
            Event::Answered { who, act, refusal, .. } => {
                Some(Fact::Acted { who: who.clone(), work: work(act, refusal.as_ref())? })
            }
            _ => None,
        });
        answers.collect()
    }

    /// A calibration that is over.
    fn tended(&mut self, tending: &Tending, now: Now) -> Option<Fact> {
        let sensor = &tending.sensor;
        let before = match &tending.calibration {
            Some(calibration) => self.calibrated.insert(sensor.clone(), calibration.clone()),
            None => self.calibrated.remove(sensor),
        };
        let goes_on = |it: &Calibration| tending.calibration.as_ref().is_some_and(|now| now.since == it.since);
        let over = before.filter(|before| !goes_on(before))?;
        Some(Fact::Calibrated(Calibrated { sensor: sensor.clone(), calibration: over, until: Some(now.wall) }))
    }

    /// Calibrations that last.
    pub fn calibrating(&self) -> impl Iterator<Item = Calibrated> {
        let lasts = |(sensor, calibration): (&Sensor, &Calibration)| Calibrated {
            sensor: sensor.clone(),
            calibration: calibration.clone(),
            until: None,
        };
        self.calibrated.iter().map(lasts)
    }

    /// Alarms that people have put aside, and that are so still.
    pub fn put_aside(&self) -> impl Iterator<Item = &Aside> {
        self.alarms.values().flat_map(|seen| seen.shelved.iter().chain(&seen.out_of_service))
    }

    /// How many notices and bulletins wait for an answer.
    pub fn waiting(&self) -> usize {
        self.flying.len() + self.unheard.len()
    }

    /// Alarms that stand, and since when.
    pub fn standing(&self) -> impl Iterator<Item = (&AlarmKey, Timestamp)> {
        self.alarms.iter().filter_map(|(key, seen)| Some((key, seen.stood_since?)))
    }

    /// Alarms that nobody has taken note of, and since when.
    pub fn unacknowledged(&self) -> impl Iterator<Item = (&AlarmKey, Timestamp)> {
        self.alarms.iter().filter_map(|(key, seen)| Some((key, seen.unacked_since?)))
    }

    fn reached(&mut self, id: &WarningId, grade: Option<Grade>, now: Now, facts: &mut Vec<Fact>) {
        let Some(course) = self.warnings.get_mut(id) else { return };
        if let Some(grade) = grade.filter(|grade| course.peak < Some(*grade)) {
            course.peak = Some(grade);
            let lead = |since: Option<Timestamp>| since.map(|since| now.wall - since);
            facts.push(Fact::Peaked {
                warning: id.clone(),
                grade,
                internal_lead: lead(course.internal_since),
                public_lead: lead(course.public_since),
            });
        }
    }

    fn spoke(&mut self, bulletin: &Bulletin, now: Now, facts: &mut Vec<Fact>) {
        let Some(course) = self.warnings.get_mut(&bulletin.warning) else { return };
        match bulletin.audience {
            Audience::Internal => _ = course.internal_since.get_or_insert(now.wall),
            Audience::Public => {
                course.public_since.get_or_insert(now.wall);
                if let Some(since) = course.waiting_since.take() {
                    facts.push(Fact::Released { warning: bulletin.warning.clone(), after: now.wall - since });
                }
            }
        }
    }

    fn answered(&mut self, receipt: &Receipt, now: Now, facts: &mut Vec<Fact>) {
        let outcome = match &receipt.outcome {
            Outcome::Delivered { reference: Some(_), .. } => Settled::Confirmed,
            Outcome::Delivered { reference: None, .. } => Settled::TakenOver,
            Outcome::Refused { .. } => Settled::Refused,
            Outcome::Failing { .. } => return,
        };
        let Some((bulletin, audience)) = self.flying.remove(&receipt.notice) else { return };
        facts.push(Fact::Settled { channel: receipt.channel.clone(), audience, outcome });
        if outcome != Settled::Refused
            && let Some((warning, audience, since)) = self.unheard.remove(&bulletin)
        {
            facts.push(Fact::Receipted { warning, audience, after: now.wall - since });
        }
    }
}

impl Seen {
    fn look(&mut self, alarm: &Alarm, now: Now, facts: &mut Vec<Fact>) {
        let key = || alarm.key.clone();
        let (before, standing) = (self.standing, alarm.standing());
        if standing != before {
            let after = self.turned_at.map(|turned| alarm.at - turned);
            // What it fell from is what it may tremble about.
            let rose = standing > before;
            let threshold = if rose { alarm.threshold } else { self.threshold };
            let distance = alarm.value.zip(threshold).map(|(value, threshold)| (value - threshold).abs());
            facts.push(Fact::Swung { alarm: key(), rose, after, distance });
            (self.turned_at, self.threshold) = (Some(alarm.at), alarm.threshold);
        }
        let quieted = alarm.is_quieted();
        if standing.is_some() && !quieted {
            let again = alarm.realarms > self.realarms;
            if standing > before || self.quieted || again {
                facts.push(Fact::Annunciated { alarm: key(), grade: standing, again: again && standing == before });
            }
        }
        let fault_unacked_since = unacked_since(&alarm.fault_attention);
        let in_service = alarm.suppression(Kind::OutOfService).is_none();
        if fault_unacked_since.is_some() && self.fault_unacked_since.is_none() && in_service {
            facts.push(Fact::Annunciated { alarm: key(), grade: None, again: false });
        }
        if let (Some(since), Some((by, at))) = (self.unacked_since, alarm.attention.noted()) {
            facts.push(Fact::Acknowledged { alarm: key(), after: at - since, by: by.clone() });
        }
        if let (Some(since), Some((by, at))) = (self.fault_unacked_since, alarm.fault_attention.noted()) {
            facts.push(Fact::Acted { who: by.clone(), work: Work::Acknowledged { after: at - since } });
        }
        match (self.stood_since, standing) {
            (None, Some(_)) => self.stood_since = Some(now.wall),
            (Some(since), None) => {
                facts.push(Fact::Ended { alarm: key(), stood: now.wall - since });
                self.stood_since = None;
            }
            (None, None) | (Some(_), Some(_)) => {}
        }
        self.unacked_since = unacked_since(&alarm.attention);
        self.look_aside(alarm, now, facts);
        (self.standing, self.quieted) = (standing, quieted);
        (self.fault_unacked_since, self.realarms) = (fault_unacked_since, alarm.realarms);
    }

    fn look_aside(&mut self, alarm: &Alarm, now: Now, facts: &mut Vec<Fact>) {
        for (kind, seen) in [(Kind::Shelved, &mut self.shelved), (Kind::OutOfService, &mut self.out_of_service)] {
            let is = alarm.suppression(kind).and_then(|suppression| aside(&alarm.key, kind, suppression, now));
            let goes_on = |was: &Aside| is.as_ref().is_some_and(|is| (is.until, is.upto) == (was.until, was.upto));
            if seen.as_ref().is_some_and(goes_on) {
                continue;
            }
            facts.extend(seen.take().map(|was| Fact::TakenBack(Aside { ended: Some(now.wall), ..was })));
            facts.extend(is.clone().map(Fact::PutAside));
            *seen = is;
        }
    }
}

const fn unacked_since(attention: &Attention) -> Option<Timestamp> {
    match attention {
        Attention::Unacked { since } => Some(*since),
        Attention::Quiet | Attention::Acked { .. } | Attention::Confirmed { .. } => None,
    }
}

fn aside(alarm: &AlarmKey, kind: Kind, suppression: &Suppression, now: Now) -> Option<Aside> {
    let (until, upto, by, why) = match suppression {
        Suppression::Shelved { ends, upto, by, why, .. } => (*ends, Some(*upto), by, why),
        Suppression::OutOfService { ends, by, why, .. } => (*ends, None, by, why),
        Suppression::Inhibited { .. }
        | Suppression::Deferred { .. }
        | Suppression::ByDesign { .. }
        | Suppression::Muted { .. } => return None,
    };
    Some(Aside {
        alarm: alarm.clone(),
        kind,
        since: now.wall,
        until,
        ended: None,
        upto,
        by: by.clone(),
        why: why.clone(),
    })
}

fn refused_aside(act: &Act, who: &PersonId, refusal: &Refusal) -> Option<Fact> {
    let (Act::Shelve { alarm, .. } | Act::TakeOut { alarm, .. }) = act else { return None };
    let unknown = matches!(refusal, Refusal::Unknown { .. });
    (!unknown).then(|| Fact::RefusedAside { alarm: alarm.clone(), who: who.clone() })
}

/// Whether a message of this class warns, and does not lower or end.
const fn raises(class: MessageClass) -> bool {
    match class {
        MessageClass::Issue | MessageClass::Upgrade => true,
        MessageClass::Downgrade
        | MessageClass::Continue
        | MessageClass::Extend
        | MessageClass::Correct
        | MessageClass::Cancel
        | MessageClass::AllClear
        | MessageClass::Expire => false,
    }
}
