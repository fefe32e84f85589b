//! What was kept back by an outage and comes all at once: states are computed in order, and what is said of them is their
//! net, half a minute later at most. What has been so and is over is only said to have been missed (SEMANTICS §3).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use watchfire_model::doubt::Doubt;
use watchfire_model::finding::{Change, Finding};
use watchfire_model::grade::Grade;
use watchfire_model::id::Seq;
use watchfire_model::time::{Now, Span, Steady, Timestamp};

use super::Evaluator;
use super::ground::Ground;
use super::measuring::Moment;
use super::subject::{Cause, Subject};
use crate::ladder::Moved;
use crate::window::exact::twelve_digits;

/// The net of what comes all at once is said after this long at the latest.
const CATCH_UP: Span = Span::seconds(30);
/// A red no older than this can still be acted on, and waits for nothing.
const ACTIONABLE: Span = Span::hours(1);

/// Where a subject stood when it was last spoken of, while what has come since is kept to itself for a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Held {
    /// Until then: from the first that was kept back on, whether or not it changed anything.
    until: Steady,
    /// The judged level, the pending one and the ground, as said.
    pub(super) level: u8,
    pub(super) pending: u8,
    pub(super) ground: Ground,
    /// What was in doubt, as said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) doubt: Option<Doubt>,
    /// The ground before it was lost, if it was: what changed until then changed on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sound: Option<Ground>,
    /// The highest level since, when it was entered and with which value, as bits.
    peak: u8,
    peak_at: Timestamp,
    peak_value: Option<u64>,
}

/// The subjects that are kept back, by until when.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Backlog(BTreeSet<(Steady, usize)>);

impl Backlog {
    /// Of subjects that go on, each kept back until then, if it is.
    pub(super) fn of(held: impl Iterator<Item = Option<Steady>>) -> Self {
        Self(held.enumerate().filter_map(|(ix, until)| Some((until?, ix))).collect())
    }

    /// A subject was kept back until `before`, and is now until `after`.
    pub(super) fn follow(&mut self, ix: usize, before: Option<Steady>, after: Option<Steady>) {
        if before == after {
            return;
        }
        if let Some(until) = before {
            self.0.remove(&(until, ix));
        }
        if let Some(until) = after {
            self.0.insert((until, ix));
        }
    }

    /// When the first of them is to be spoken of.
    pub(super) fn next(&self) -> Option<Steady> {
        self.0.first().map(|(until, _)| *until)
    }

    fn due(&mut self, now: Steady) -> Option<usize> {
        let first = self.0.first().filter(|(until, _)| *until <= now).copied()?;
        self.0.remove(&first);
        Some(first.1)
    }
}

impl Evaluator {
    /// Says where the subjects stand that have been kept back for long enough.
    pub(super) fn say_net(&mut self, now: Now, seq: Seq, out: &mut Vec<Finding>) {
        while let Some(ix) = self.backlog.due(now.steady) {
            let Self { rules, gate, subjects, .. } = self;
            let (Some(plan), Some(subject)) = (rules.subjects.get(ix), subjects.get_mut(ix)) else { continue };
            let Some(compiled) = rules.rules.get(plan.rule) else { continue };
            let moment = Moment::present(seq, now);
            subject.release(
                &Cause { rules, plan, compiled, gate, moment, lifts: false, cap: Grade::Red, by: None, agreed: None },
                out,
            );
        }
    }
}

impl Subject {
    /// Until when it is kept back, if it is.
    pub(super) fn held_until(&self) -> Option<Steady> {
        self.held.as_ref().map(|held| held.until)
    }

    /// Nothing is kept back any more, and nothing said of it.
    pub(super) fn let_go(&mut self) {
        self.held = None;
    }

    /// Keeps to itself what changed by a reading that tells what has long been so. A red that can still be acted on is said
    /// at once, in whichever reading it first can.
    pub(super) fn keep_back(
        &mut self,
        cause: &Cause<'_>,
        stood_on: Ground,
        moved: Moved,
        doubted: Option<Doubt>,
        out: &mut Vec<Finding>,
    ) {
        let (level, value) = (self.climb.level(), self.value_bits());
        let Moment { at, now, .. } = cause.moment;
        let held = self.held.get_or_insert_with(|| {
            Box::new(Held {
                until: now.steady + CATCH_UP,
                level: moved.from,
                pending: moved.pending_from,
                ground: stood_on,
                doubt: doubted,
                sound: None,
                peak: moved.from,
                peak_at: at,
                peak_value: None,
            })
        });
        if level > held.peak {
            (held.peak, held.peak_at, held.peak_value) = (level, at, value);
        }
        let young_red = level == Grade::Red.level() && level > held.level && now.wall - at <= ACTIONABLE;
        self.follow_ground(stood_on);
        if young_red {
            self.say_kept_back(cause, false, out);
        }
    }

    /// Remembers the ground that is lost now, while it is kept back.
    pub(super) fn follow_ground(&mut self, stood_on: Ground) {
        if let Some(held) = &mut self.held
            && self.ground.is_lost()
            && !stood_on.is_lost()
        {
            held.sound = Some(stood_on);
        }
    }

    /// Speaks of it before anything else changes, if it is kept back.
    pub(super) fn release(&mut self, cause: &Cause<'_>, out: &mut Vec<Finding>) {
        let at = self.clock.unwrap_or(cause.moment.at);
        self.say_kept_back(&Cause { moment: Moment { at, ..cause.moment }, ..*cause }, false, out);
    }

    /// Says what was missed, and where it stands since it was last spoken of.
    pub(super) fn say_kept_back(&mut self, cause: &Cause<'_>, torn: bool, out: &mut Vec<Finding>) {
        self.own_up(cause, out);
        let Some(held) = self.held.take() else { return };
        let (mut stood_on, mut moved) = (held.ground, Moved { from: held.level, pending_from: held.pending, torn });
        let mut doubted = held.doubt;
        if self.ground.is_lost()
            && self.climb.level() != held.level
            && let Some(sound) = held.sound
        {
            let lost = std::mem::replace(&mut self.ground, sound);
            self.say(cause, stood_on, moved, doubted, out);
            self.ground = lost;
            (stood_on, moved, doubted) = (sound, self.unmoved(), self.doubt());
        }
        self.say(cause, stood_on, moved, doubted, out);
    }

    /// A grade that was entered and left again while nobody could know is said to have been missed.
    fn own_up(&mut self, cause: &Cause<'_>, out: &mut Vec<Finding>) {
        let Some(held) = &self.held else { return };
        let (peak, at, value, said) = (held.peak, held.peak_at, held.peak_value, held.level);
        if peak <= self.climb.level().max(said) || self.has_said(peak) {
            return;
        }
        self.missed = self.clock.map(|clock| (peak, clock));
        let moment = Moment { at, ..cause.moment };
        let mut finding = self.finding(&Cause { moment, ..*cause }, Change::MissedCrossing, said);
        finding.onset = at;
        finding.value = value.map(f64::from_bits).map(twelve_digits);
        finding.threshold = Grade::from_level(peak).and_then(|grade| cause.plan.rungs.raise_at(grade));
        out.push(finding);
    }

    /// What was taken back had not been said, and need not be taken back before anybody.
    pub(super) fn takes_back_unsaid(&mut self) -> bool {
        let level = self.climb.level();
        let Some(held) = &mut self.held else { return false };
        held.peak = held.peak.min(level.max(held.level));
        true
    }
}

impl Held {
    /// The times of what it tells were moved.
    pub(super) fn shift(&mut self, by: Span) {
        self.peak_at = self.peak_at + by;
    }
}
