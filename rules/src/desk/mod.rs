//! The Desk: from findings, commands and receipts to alarms, warnings and bulletins (SEMANTICS §1, §5, §6, §9).
//!
//! It decides in [`Desk::step`] and changes in [`Desk::apply`], and `step` changes nothing in any other way: whoever keeps
//! the events has the Desk. Internal audiences are told at once, the public through the gate; one warning lives for each
//! hazard and area; what is lost from under a grade holds it.

mod alarm;
mod apply;
mod attention;
mod bulletin;
mod case;
mod command;
mod command_alarm;
mod command_suppression;
mod correction;
mod directory;
mod doubt;
mod event;
mod eyes;
mod incident;
mod lookout;
mod outbox;
mod quiet;
mod register;
mod release;
mod reload;
mod report;
mod suppression;
pub mod text;
mod timetable;
mod upkeep;
mod warning;
mod wording;

#[cfg(test)]
mod story;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use watchfire_model::{
    alarm::{Alarm, AlarmKey},
    bulletin::Notice,
    command::Command,
    id::{ChannelName, NoticeId, Revision, Seq, WarningId},
    incident::Sensor,
    mode::Mode,
    rule::Hazard,
    site::Site,
    time::{Now, Steady},
    upkeep::{Tending, Upkeep},
    warning::{Entry, Warning, What},
};

use case::Case;
use command::Answered;
use directory::Directory;
use incident::Incidents;
use outbox::Outbox;
use register::{Place, Register};
use timetable::Timetable;

pub use event::{Deadline, Event, Input};

/// Ended warnings kept here; all of them are in the ledger. One that still has something to send is kept longer.
pub const ENDED_KEPT: usize = 200;
/// Ended warnings kept here although something of theirs is unsent; beyond it the oldest goes.
pub const ENDED_MOST: usize = 2_000;

/// Alarms, warnings and what is on its way, of one mode.
///
/// The mode is part of the type, so that a drill's notice can't be handed to what takes live ones:
///
/// ```
/// use watchfire_model::{bulletin::Notice, mode::Live};
/// use watchfire_rules::desk::Desk;
/// fn siren(_: &Notice<Live>) {}
/// fn sound(desk: &Desk<Live>) { desk.unsettled().for_each(siren) }
/// ```
/// ```compile_fail,E0631
/// use watchfire_model::{bulletin::Notice, mode::{Exercise, Live}};
/// use watchfire_rules::desk::Desk;
/// fn siren(_: &Notice<Live>) {}
/// fn sound(desk: &Desk<Exercise>) { desk.unsettled().for_each(siren) }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Desk<M: Mode> {
    site: Arc<Site>,
    directory: Directory,
    register: Register,
    incidents: Incidents,
    cases: BTreeMap<WarningId, Case>,
    /// Oldest first.
    ended: VecDeque<WarningId>,
    /// Warnings opened so far.
    opened: u64,
    outbox: Outbox<M>,
    timetable: Timetable,
    answered: Answered,
    /// Sensors that people look after.
    sensors: BTreeMap<Sensor, Arc<Tending>>,
    /// Granted, and not done yet.
    upkeeps: VecDeque<Upkeep>,
    /// The last reload: the journal's row, and the revision since.
    reloaded: Option<(Seq, Revision)>,
}

impl<M: Mode> Desk<M> {
    /// An empty Desk for a site.
    pub fn new(site: Arc<Site>) -> Self {
        Self {
            directory: Directory::of(&site),
            site,
            register: Register::default(),
            incidents: Incidents::default(),
            cases: BTreeMap::new(),
            ended: VecDeque::new(),
            opened: 0,
            outbox: Outbox::new(),
            timetable: Timetable::default(),
            answered: Answered::default(),
            sensors: BTreeMap::new(),
            upkeeps: VecDeque::new(),
            reloaded: None,
        }
    }

    /// Takes one input and says what came of it, in order. The same inputs at the same times give the same events.
    #[must_use = "what was decided must be recorded before anything leaves"]
    pub fn step(&mut self, now: Now, input: &Input) -> Vec<Event<M>> {
        let mut step = Step { desk: self, now, events: Vec::new(), touched: BTreeSet::new() };
        step.watch_windows();
        match input {
            Input::Finding(finding) => step.weigh(finding),
            Input::Command(command) => step.obey(command),
            Input::Deed(_) => step.emit(Event::Witnessed),
            Input::Receipt(receipt) => step.file(receipt),
            Input::Outage(outage) => step.take_outage(outage),
            Input::Tended(tended) => step.take_tended(tended),
            // The site may have been written anew meanwhile.
            Input::Start => {
                step.look_at_all();
                step.look_out_everywhere();
                step.catch_up();
            }
            Input::Tick => step.catch_up(),
            Input::Reload { reload, seq } => step.reload(reload, *seq),
        }
        step.look_out();
        step.events
    }

    /// When [`step`](Self::step) next wants an [`Input::Tick`].
    pub fn next_deadline(&self) -> Option<Steady> {
        self.timetable.first()
    }

    /// Goes on with another site: new texts, channels and rules hold from the next input on. Nothing changes by itself;
    /// [`Input::Reload`] brings alarms in line with it.
    pub fn reload(&mut self, site: Arc<Site>) {
        self.directory = Directory::of(&site);
        self.site = site;
    }

    /// The site.
    pub const fn site(&self) -> &Arc<Site> {
        &self.site
    }

    /// The last reload: the journal's row from which it judges, and the revision.
    pub fn reloaded(&self) -> Option<&(Seq, Revision)> {
        self.reloaded.as_ref()
    }

    /// Every alarm that has ever spoken.
    pub fn alarms(&self) -> impl Iterator<Item = &Arc<Alarm>> {
        self.register.alarms()
    }

    /// Live warnings and the last [`ENDED_KEPT`] ended ones, in the order they opened on any one day.
    pub fn warnings(&self) -> impl Iterator<Item = &Arc<Warning>> {
        self.cases.values().map(|case| &case.warning)
    }

    /// One warning, live or among the last ended.
    pub fn warning(&self, id: &WarningId) -> Option<&Warning> {
        self.cases.get(id).map(|case| &*case.warning)
    }

    /// Those alarms that have anything for an officer to see.
    pub fn noteworthy(&self) -> impl Iterator<Item = &Arc<Alarm>> {
        self.register.noteworthy()
    }

    /// One alarm that has ever spoken.
    pub fn alarm(&self, key: &AlarmKey) -> Option<&Alarm> {
        self.register.get(key).map(|filed| &*filed.alarm)
    }

    /// The highest `n` that an alarm has heard, by which a repeated finding is known.
    pub fn last_n(&self, alarm: &AlarmKey) -> Option<u64> {
        self.register.get(alarm).map(|filed| filed.alarm.last_n)
    }

    /// What people did and said about an alarm, oldest first; the last hundred lines.
    pub fn story_of(&self, alarm: &AlarmKey) -> &[Entry] {
        self.register.get(alarm).map_or(&[], |filed| &filed.story)
    }

    /// What people did and said about each noteworthy alarm that has a story, to keep and look at.
    pub fn stories(&self) -> impl Iterator<Item = (&AlarmKey, &Arc<Vec<Entry>>)> {
        let told = self.register.noteworthy().filter_map(|alarm| self.register.get(&alarm.key));
        told.filter(|filed| !filed.story.is_empty()).map(|filed| (&filed.alarm.key, &filed.story))
    }

    /// Lines that a warning's story no longer lists, counted by kind.
    pub fn folded(&self, id: &WarningId) -> &[(What, u64)] {
        self.cases.get(id).map_or(&[], |case| &case.folded)
    }

    /// Notices without a final receipt: red first, and per warning and channel in order. After a restart they are sent
    /// again, each under its own id.
    pub fn unsettled(&self) -> impl Iterator<Item = &Notice<M>> {
        self.outbox.unsettled()
    }

    /// How many notices of one channel have no final receipt, besides those of `known` that have none.
    pub fn unsettled_on(&self, channel: &ChannelName, known: &BTreeSet<NoticeId>) -> usize {
        let known = known.iter().filter(|id| self.outbox.get(id).is_some()).count();
        self.outbox.count(channel).saturating_sub(known)
    }

    /// Whether nobody has taken note of some alarm under a warning, announced or not.
    fn is_unacknowledged(&self, id: &WarningId) -> bool {
        self.under(id).any(|alarm| alarm.attention.is_unacked())
    }

    /// Whether some alarm under a warning that is not kept quiet waits for a person to take note.
    fn waits_for_a_person(&self, id: &WarningId) -> bool {
        self.under(id).any(|alarm| alarm.attention.is_unacked() && !alarm.is_quieted())
    }

    fn under(&self, id: &WarningId) -> impl Iterator<Item = &Alarm> {
        let alarms = self.cases.get(id).map_or(&[][..], |case| &case.warning.alarms);
        alarms.iter().filter_map(|key| self.register.get(key)).map(|filed| &*filed.alarm)
    }
}

/// One decision: the Desk it is made on, when, and what has been decided so far.
struct Step<'d, M: Mode> {
    desk: &'d mut Desk<M>,
    now: Now,
    events: Vec<Event<M>>,
    /// Where alarms were changed.
    touched: BTreeSet<Place>,
}

impl<M: Mode> Step<'_, M> {
    /// Decides something: it holds at once for what is decided next.
    fn emit(&mut self, event: Event<M>) {
        if let Event::Alarm { alarm, shadow: false } = &event {
            self.touched.insert(Place::of(alarm));
        }
        self.desk.apply(self.now, &event);
        self.events.push(event);
    }

    /// Does what has fallen due, earliest first. Whatever is set anew here lies in the future, so this ends.
    fn catch_up(&mut self) {
        while let Some(deadline) = self.desk.timetable.due(self.now.steady).cloned() {
            self.emit(Event::Deadline { deadline: deadline.clone(), at: None });
            match &deadline {
                Deadline::Acknowledge(id) => self.ask_again(id),
                Deadline::Decide(id) => self.ask_to_decide(id),
                Deadline::Renew(id, to) => self.renew(id, *to),
                Deadline::Expire(id) => self.expire(id),
                Deadline::Retell(id) => self.settle(id),
                Deadline::Override(key) => self.lapse(key),
                Deadline::Alarm(key) => self.attend(key),
                Deadline::Incident(id) => self.close_incident(id),
                Deadline::Sensor(sensor) => self.attend_sensor(sensor),
                Deadline::Windows => {
                    self.look_at_all();
                    self.watch_windows();
                }
            }
        }
    }

    /// The profile of a warning's hazard.
    fn hazard_of(&self, id: &WarningId) -> Option<&Hazard> {
        let hazard = &self.desk.cases.get(id)?.warning.hazard;
        self.desk.directory.hazard(&self.desk.site, hazard)
    }

    /// A line that nobody wrote.
    fn entry(&self, what: What, note: String) -> Entry {
        Entry { at: self.now.wall, what, who: None, note, command: None }
    }

    /// A line that a person wrote: what they did, and why.
    fn entry_by(&self, command: &Command, what: What, did: String) -> Entry {
        let note = if did.is_empty() { command.why.clone() } else { format!("{did}: {}", command.why) };
        Entry { at: self.now.wall, what, who: Some(command.who.clone()), note, command: Some(command.id.clone()) }
    }

    /// Adds a line to a warning's story.
    fn note(&mut self, id: &WarningId, what: What, note: String) {
        let entry = self.entry(what, note);
        self.emit(Event::Noted { warning: id.clone(), entry });
    }
}
