//! The real Desk in virtual time, with people who answer at once: whatever calls is taken note of, whatever waits for a
//! signature is signed. So what is scored is what would have gone out, and not how fast somebody was.

use std::collections::BTreeSet;
use std::sync::Arc;

use watchfire_model::alarm::AlarmKey;
use watchfire_model::attention::Concern;
use watchfire_model::command::{Act, Command};
use watchfire_model::id::{CommandId, WarningId};
use watchfire_model::mode::Shadow;
use watchfire_model::site::{Audience, Site};
use watchfire_model::time::{Now, Timestamp};

use super::calls::{Calls, CallsTold};
use super::course::Course;
use super::courses::Courses;
use crate::desk::{Desk, Event, Input};
use crate::figures::{Contributor, Fact, Tally, Watcher};
use crate::replay::Word;

/// Rounds of answers to one thing said; a Desk that asks more often asks for something that nobody can give.
const ANSWERS_MOST: usize = 6;
/// Those who sign.
const SIGNERS: [&str; 2] = ["backtest-1", "backtest-2"];

/// A Desk under rehearsal.
#[derive(Debug)]
pub struct Rehearsal {
    desk: Desk<Shadow>,
    watcher: Watcher,
    tally: Tally,
    calls: Calls,
    courses: Courses,
    /// Commands given so far; each has an id of its own.
    given: u64,
    /// The latest moment that it has lived through.
    last: Now,
}

/// What was told, and how often people were called.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Every warning that its audience heard of, in the order in which they began.
    pub courses: Vec<Course>,
    /// Calls in ten minutes.
    pub calls: CallsTold,
    /// Alarms that chattered, with what would quiet them.
    pub chattering: Vec<Contributor>,
    /// There were more changes of grade than are remembered.
    pub cut_off: bool,
}

/// What asks for an answer.
#[derive(Debug, Default)]
struct Asked {
    alarms: BTreeSet<AlarmKey>,
    warnings: BTreeSet<WarningId>,
}

impl Rehearsal {
    /// Of a site; what is told is told to `to`.
    pub fn new(site: &Site, to: Audience) -> Self {
        // Nobody is at the other end of a channel.
        let site = Arc::new(Site { channels: Vec::new(), ..site.clone() });
        Self {
            desk: Desk::new(site),
            watcher: Watcher::default(),
            tally: Tally::default(),
            calls: Calls::default(),
            courses: Courses::of(to),
            given: 0,
            last: Now::at(i64::MIN),
        }
    }

    /// Takes an Evaluator's word. What is heard earlier than the last is heard now.
    pub fn hear(&mut self, at: Timestamp, word: Word<'_>) {
        let input = match word {
            Word::Finding(finding) => Input::Finding(finding.clone()),
            Word::Outage(outage) => Input::Outage(outage.clone()),
        };
        self.pass(at);
        self.step(self.last, &input);
    }

    /// Lets the time go on to `at`, and keeps each deadline on the way.
    pub fn pass(&mut self, at: Timestamp) {
        let until = Now::at(at.0.max(self.last.steady.0));
        while let Some(due) = self.desk.next_deadline().filter(|due| *due <= until.steady) {
            let now = Now::at(due.0.max(self.last.steady.0));
            self.step(now, &Input::Tick);
            // One that does not move on would be kept for ever.
            if self.desk.next_deadline().is_some_and(|next| next <= due) {
                break;
            }
        }
        self.last = until;
    }

    fn step(&mut self, now: Now, input: &Input) {
        self.last = now;
        let mut asked = self.decide(now, input);
        for _ in 0..ANSWERS_MOST {
            let commands = self.answers(&asked);
            asked = Asked::default();
            for act in commands {
                let more = self.decide(now, &Input::Command(act));
                asked.alarms.extend(more.alarms);
                asked.warnings.extend(more.warnings);
            }
            if asked.alarms.is_empty() && asked.warnings.is_empty() {
                return;
            }
        }
    }

    fn decide(&mut self, now: Now, input: &Input) -> Asked {
        let events = self.desk.step(now, input);
        let mut asked = Asked::default();
        for event in &events {
            match event {
                Event::Alarm { alarm, shadow: false } => _ = asked.alarms.insert(alarm.key.clone()),
                Event::Waiting { warning, waiting: Some(_) } => _ = asked.warnings.insert(warning.clone()),
                _ => {}
            }
        }
        self.courses.see(&self.desk, now.wall, &events);
        for fact in self.watcher.see(&self.desk, now, &events) {
            if matches!(fact, Fact::Annunciated { .. } | Fact::Troubled { .. }) {
                self.calls.call(now.wall);
            }
            self.tally.add(now.wall, &fact);
        }
        asked
    }

    /// What people say to what was asked of them.
    fn answers(&mut self, asked: &Asked) -> Vec<Command> {
        let mut acts = Vec::new();
        for key in &asked.alarms {
            let Some(alarm) = self.desk.alarm(key) else { continue };
            for concern in [Concern::Hazard, Concern::Fault] {
                if alarm.attention_to(concern).is_unacked() {
                    let (alarm, version) = (key.clone(), alarm.version);
                    acts.push((SIGNERS[0], Act::AcknowledgeAlarm { alarm, version, concern }));
                }
            }
        }
        for id in &asked.warnings {
            let Some(waiting) = self.desk.warning(id).and_then(|warning| warning.waiting.as_ref()) else { continue };
            let free = SIGNERS.into_iter().find(|signer| !waiting.signed.iter().any(|by| by.as_str() == *signer));
            if let Some(signer) = free {
                acts.push((signer, Act::Release { warning: id.clone(), version: waiting.version }));
            }
        }
        acts.into_iter().map(|(who, act)| self.command(who, act)).collect()
    }

    fn command(&mut self, who: &str, act: Act) -> Command {
        self.given += 1;
        let (id, why) = (CommandId::from(format!("backtest-{}", self.given)), "answered at once".to_owned());
        Command { id, who: who.into(), why, from: "backtest".to_owned(), act }
    }

    /// What it came to by the end of a recording that lasted from `from` to `to`.
    pub fn end(mut self, from: Timestamp, to: Timestamp) -> Told {
        self.pass(to);
        let report = self.tally.report(from, to, &self.watcher);
        let calls = self.calls.told(from, to);
        let cut_off = self.courses.is_full();
        Told { courses: self.courses.told(), calls, chattering: report.chattering, cut_off }
    }
}
