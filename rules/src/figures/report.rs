//! The figures of one shift, day or month.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use watchfire_model::alarm::AlarmKey;
use watchfire_model::grade::{Grade, PerGrade};
use watchfire_model::id::WarningId;
use watchfire_model::site::Audience;
use watchfire_model::time::{Span, Timestamp};

use super::advice::{Advice, Turns};
use super::durations::{Durations, Spread};
use super::load::{Load, LoadTold, ratio};
use super::{Aside, Calibrated, Fact, Settled, Watcher};

/// An alarm that has stood for longer is stale.
pub const STALE: Span = Span::days(1);
/// How many are named where the worst are named.
const NAMED: usize = 10;
/// How many acts of putting aside are listed; beyond it they are counted.
const ASIDES_LISTED: usize = 1_000;

/// Adds up the facts of a stretch of time.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    load: Load,
    by_grade: PerGrade<u64>,
    faults: u64,
    realarms: u64,
    alarms: BTreeMap<AlarmKey, Calls>,
    stood: Durations,
    acknowledged: Durations,
    released: Durations,
    receipted: PerAudience<Durations>,
    notices: PerAudience<Notices>,
    peaks: BTreeMap<WarningId, Peak>,
    asides: Vec<Aside>,
    asides_in_all: u64,
    refused_asides: u64,
    calibrated: Vec<Calibrated>,
    calibrated_in_all: u64,
}

#[derive(Clone, Debug, Default)]
struct Calls {
    calls: u64,
    turns: Turns,
}

#[derive(Clone, Copy, Debug)]
struct Peak {
    grade: Grade,
    internal_lead: Option<Span>,
    public_lead: Option<Span>,
}

/// One of each audience.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PerAudience<T> {
    /// Those on duty.
    pub internal: T,
    /// Everybody.
    pub public: T,
}

impl<T> PerAudience<T> {
    const fn get_mut(&mut self, audience: Audience) -> &mut T {
        match audience {
            Audience::Internal => &mut self.internal,
            Audience::Public => &mut self.public,
        }
    }
}

/// What became of notices. Coverage is never one number (SEMANTICS §9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Notices {
    /// Handed to channels.
    pub sent: u64,
    /// Confirmed by a receipt with the receiver's own reference.
    pub confirmed: u64,
    /// Taken over; a receipt is not to be had.
    pub taken_over: u64,
    /// Refused for good.
    pub refused: u64,
}

/// The figures, to be written as they are or laid out for people. Spans are in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// From when.
    pub from: Timestamp,
    /// To when.
    pub to: Timestamp,
    /// Calls over time, and floods (FEATURES N1, N2).
    pub load: LoadTold,
    /// Calls by grade, and for faults (N3).
    pub calls_by_grade: PerGrade<u64>,
    /// Calls for faults and incidents.
    pub calls_for_faults: u64,
    /// Calls because an acknowledgement ran out (N7).
    pub realarms: u64,
    /// The ten alarms that called most (N4).
    pub contributors: Vec<Contributor>,
    /// Share of all calls that these made, percent.
    pub contributed_percent: f64,
    /// Alarms that chattered, with what would quiet them (N5); the worst first, at most ten.
    pub chattering: Vec<Contributor>,
    /// Alarms that at the end had stood for more than a day (N6), the longest first, at most ten …
    pub stale: Vec<Standing>,
    /// … and how many there were.
    pub stale_in_all: u64,
    /// How long alarms stood that ended (N7).
    pub time_active: Spread,
    /// The longest that an alarm still standing had waited at the end for somebody to take note (N7).
    pub longest_unacknowledged: Option<Standing>,
    /// What people had put aside at any time in this time, with those that still are at the end (N8); the first thousand …
    pub put_aside: Vec<Aside>,
    /// … and how many there were.
    pub put_aside_in_all: u64,
    /// How many attempts at it were refused.
    pub put_aside_refused: u64,
    /// Sensors that were being calibrated, with those that still are at the end; the first thousand …
    pub calibrated: Vec<Calibrated>,
    /// … and how many there were.
    pub calibrated_in_all: u64,
    /// From the call to the acknowledgement (N9).
    pub time_to_acknowledge: Spread,
    /// From a public bulletin waiting for a signature to its release (N9).
    pub time_to_release: Spread,
    /// From a bulletin to its first receipt (N9).
    pub time_to_first_receipt: PerAudience<Spread>,
    /// What became of notices (N9).
    pub notices: PerAudience<Notices>,
    /// Share of the public's notices that a receipt confirms, percent; none where none was sent.
    pub public_confirmed_percent: Option<f64>,
    /// Warnings by the highest grade they reached in this time.
    pub warnings_by_peak: PerGrade<u64>,
    /// From the first word to those on duty to the warning's highest grade, where the first word was of a lower one (N9).
    pub lead_internal: Spread,
    /// The same from the first word to the public.
    pub lead_public: Spread,
}

/// An alarm and how often it called.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contributor {
    /// Which.
    pub alarm: AlarmKey,
    /// How often.
    pub calls: u64,
    /// Share of all calls, percent.
    pub percent: f64,
    /// Episodes of chatter.
    pub chatter: u64,
    /// What would quiet it, where it chattered.
    pub advice: Option<Advice>,
}

/// An alarm and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Which.
    pub alarm: AlarmKey,
    /// Since when.
    pub since: Timestamp,
}

impl Tally {
    /// Adds one fact.
    pub fn add(&mut self, at: Timestamp, fact: &Fact) {
        match fact {
            Fact::Annunciated { alarm, grade, again } => {
                self.load.call(at);
                match grade {
                    Some(grade) => *self.by_grade.get_mut(*grade) += 1,
                    None => self.faults += 1,
                }
                self.realarms += u64::from(*again);
                let calls = self.of(alarm);
                calls.calls += 1;
                calls.turns.call(at);
            }
            Fact::Troubled { .. } => {
                self.load.call(at);
                self.faults += 1;
            }
            Fact::Acknowledged { after, .. } => self.acknowledged.add(*after),
            Fact::Ended { stood, .. } => self.stood.add(*stood),
            Fact::Swung { alarm, rose, after, distance } => self.of(alarm).turns.turn(at, *rose, *after, *distance),
            Fact::PutAside(aside) => self.put_aside(aside),
            Fact::TakenBack(aside) => self.taken_back(aside),
            Fact::Acted { .. } => {}
            Fact::Calibrated(calibrated) => {
                self.calibrated_in_all += 1;
                if self.calibrated.len() < ASIDES_LISTED {
                    self.calibrated.push(calibrated.clone());
                }
            }
            Fact::RefusedAside { .. } => self.refused_asides += 1,
            Fact::Released { after, .. } => self.released.add(*after),
            Fact::Receipted { audience, after, .. } => self.receipted.get_mut(*audience).add(*after),
            Fact::Sent { audience } => self.notices.get_mut(*audience).sent += 1,
            Fact::Settled { audience, outcome, .. } => {
                let notices = self.notices.get_mut(*audience);
                match outcome {
                    Settled::Confirmed => notices.confirmed += 1,
                    Settled::TakenOver => notices.taken_over += 1,
                    Settled::Refused => notices.refused += 1,
                }
            }
            Fact::Peaked { warning, grade, internal_lead, public_lead } => {
                let peak = Peak { grade: *grade, internal_lead: *internal_lead, public_lead: *public_lead };
                self.peaks.insert(warning.clone(), peak);
            }
        }
    }

    fn put_aside(&mut self, aside: &Aside) {
        self.asides_in_all += 1;
        if self.asides.len() < ASIDES_LISTED {
            self.asides.push(aside.clone());
        }
    }

    fn taken_back(&mut self, aside: &Aside) {
        let is =
            |known: &&mut Aside| (&known.alarm, known.kind, known.since) == (&aside.alarm, aside.kind, aside.since);
        if let Some(known) = self.asides.iter_mut().find(is) {
            known.ended = aside.ended;
        } else if self.asides.len() < ASIDES_LISTED {
            // It was put aside before this time.
            self.put_aside(aside);
        }
    }

    /// The calls so far.
    pub const fn load(&self) -> &Load {
        &self.load
    }

    fn of(&mut self, alarm: &AlarmKey) -> &mut Calls {
        self.alarms.entry(alarm.clone()).or_default()
    }

    /// What it came to between `from` and `to`, with `watcher` as it was at the end.
    pub fn report(mut self, from: Timestamp, to: Timestamp, watcher: &Watcher) -> Report {
        watcher.put_aside().filter(|aside| aside.since < from).for_each(|aside| self.put_aside(aside));
        let load = self.load.told(from, to);
        let mut contributors: Vec<Contributor> = (self.alarms.into_iter())
            .map(|(alarm, Calls { calls, turns })| Contributor {
                percent: 100.0 * ratio(calls, load.calls),
                chatter: turns.episodes,
                advice: turns.advice(),
                alarm,
                calls,
            })
            .collect();
        contributors.sort_by(|a, b| b.chatter.cmp(&a.chatter).then_with(|| b.calls.cmp(&a.calls)));
        let chattering = contributors.iter().filter(|one| one.chatter > 0).take(NAMED).cloned().collect();
        contributors.sort_by_key(|one| std::cmp::Reverse(one.calls));
        contributors.retain(|one| one.calls > 0);
        contributors.truncate(NAMED);
        let stale: BTreeSet<(Timestamp, &AlarmKey)> = (watcher.standing())
            .filter(|(_, since)| to - *since > STALE)
            .map(|(alarm, since)| (since, alarm))
            .collect();
        let named = |(since, alarm): &(Timestamp, &AlarmKey)| Standing { alarm: (*alarm).clone(), since: *since };
        let mut warnings_by_peak = PerGrade::default();
        let (mut lead_internal, mut lead_public) = (Durations::default(), Durations::default());
        for peak in self.peaks.values() {
            *warnings_by_peak.get_mut(peak.grade) += 1;
            peak.internal_lead.into_iter().for_each(|lead| lead_internal.add(lead));
            peak.public_lead.into_iter().for_each(|lead| lead_public.add(lead));
        }
        let public = self.notices.public;
        let lasting: Vec<Calibrated> = watcher.calibrating().collect();
        Report {
            from,
            to,
            contributed_percent: contributors.iter().map(|one| one.percent).sum(),
            load,
            calls_by_grade: self.by_grade,
            calls_for_faults: self.faults,
            realarms: self.realarms,
            contributors,
            chattering,
            stale_in_all: stale.len().try_into().unwrap_or(u64::MAX),
            stale: stale.iter().take(NAMED).map(named).collect(),
            time_active: self.stood.spread(),
            longest_unacknowledged: watcher
                .unacknowledged()
                .map(|(alarm, since)| (since, alarm))
                .min()
                .as_ref()
                .map(named),
            put_aside: self.asides,
            put_aside_in_all: self.asides_in_all,
            put_aside_refused: self.refused_asides,
            calibrated_in_all: self.calibrated_in_all + u64::try_from(lasting.len()).unwrap_or(u64::MAX),
            calibrated: self.calibrated.into_iter().chain(lasting).take(ASIDES_LISTED).collect(),
            time_to_acknowledge: self.acknowledged.spread(),
            time_to_release: self.released.spread(),
            time_to_first_receipt: PerAudience {
                internal: self.receipted.internal.spread(),
                public: self.receipted.public.spread(),
            },
            notices: self.notices,
            public_confirmed_percent: (public.sent > 0).then(|| 100.0 * ratio(public.confirmed, public.sent)),
            warnings_by_peak,
            lead_internal: lead_internal.spread(),
            lead_public: lead_public.spread(),
        }
    }
}
