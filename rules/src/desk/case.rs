//! A warning with what the Desk alone needs to know of it: its two chains of bulletins (one to those on duty, one to the
//! public), the order on each channel, and the version at which it last got worse.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use watchfire_model::{
    bulletin::{Bulletin, MessageClass, Reference},
    grade::Grade,
    id::ChannelName,
    receipt::{Attempt, Receipt},
    site::Audience,
    time::{Span, Steady, Timestamp},
    warning::{Ending, Entry, NoticeStatus, Publication, Warning, What},
};

use super::register::Place;

/// Lines of a story kept here; beyond it lines that no person wrote are counted by kind and dropped, oldest first.
pub(super) const TIMELINE_KEPT: usize = 500;
/// Bulletins kept with their warning; older ones are in the ledger.
pub(super) const BULLETINS_KEPT: usize = 200;
/// Notices whose standing is kept with their warning; older ones are in the ledger.
pub(super) const NOTICES_KEPT: usize = 1_000;
/// References in one bulletin.
const REFERENCES_MOST: usize = 200;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Case {
    /// Shared with whoever looks; a change copies it only while somebody still does.
    pub(super) warning: Arc<Warning>,
    /// The version at which it last got worse.
    pub(super) worse_at: u64,
    internal: Chain,
    public: Chain,
    /// Notices so far, per channel.
    pub(super) orders: BTreeMap<ChannelName, u64>,
    /// Lines dropped from the story, by kind.
    pub(super) folded: Vec<(What, u64)>,
}

/// The bulletins to one audience.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Chain {
    /// What was last said.
    pub(super) told: Option<Told>,
    /// Bulletins so far.
    pub(super) count: u64,
    /// Bulletins in a row, to the last, that said the same grade again; they come less and less often.
    again: u32,
    /// Earlier bulletins that may still be in force, with their expiry.
    earlier: Vec<(Reference, Timestamp)>,
    /// Every channel that was handed one.
    pub(super) channels: BTreeSet<ChannelName>,
}

/// What an audience was last told.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    pub(super) grade: Grade,
    pub(super) lost: bool,
    pub(super) cleared: bool,
    pub(super) sent: Timestamp,
    pub(super) at: Steady,
}

impl Case {
    pub(super) fn new(warning: Warning) -> Self {
        Self {
            worse_at: warning.version,
            warning: Arc::new(warning),
            internal: Chain::default(),
            public: Chain::default(),
            orders: BTreeMap::new(),
            folded: Vec::new(),
        }
    }

    /// The warning, to be changed.
    pub(super) fn warning_mut(&mut self) -> &mut Warning {
        Arc::make_mut(&mut self.warning)
    }

    pub(super) fn place(&self) -> Place {
        Place { hazard: self.warning.hazard.clone(), area: self.warning.area.clone() }
    }

    pub(super) const fn chain(&self, audience: Audience) -> &Chain {
        match audience {
            Audience::Internal => &self.internal,
            Audience::Public => &self.public,
        }
    }

    pub(super) const fn chain_mut(&mut self, audience: Audience) -> &mut Chain {
        match audience {
            Audience::Internal => &mut self.internal,
            Audience::Public => &mut self.public,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.warning.publication, Publication::Ended { .. })
    }

    /// The grade the public was told, while it is told one.
    pub(super) fn published(&self) -> Option<Grade> {
        match &self.warning.publication {
            Publication::Released { grade, .. } => Some(*grade),
            Publication::None | Publication::Ended { .. } => None,
        }
    }

    /// Takes a bulletin into its chain.
    pub(super) fn speak(&mut self, bulletin: &Bulletin, cleared: bool, at: Steady, until: Steady) {
        self.chain_mut(bulletin.audience).speak(bulletin, cleared, at);
        if bulletin.audience == Audience::Public && !bulletin.class.ends() {
            self.warning_mut().publication = Publication::Released {
                bulletin: bulletin.id.clone(),
                grade: bulletin.grade,
                expires: bulletin.expires,
                expires_steady: until,
            };
        }
        let bulletins = &mut self.warning_mut().bulletins;
        bulletins.push(bulletin.clone());
        if bulletins.len() > BULLETINS_KEPT {
            bulletins.remove(0);
        }
    }

    /// Takes a notice's place in the order and its channel into the chain.
    pub(super) fn send(&mut self, status: NoticeStatus, order: u64) {
        self.chain_mut(status.audience).channels.insert(status.channel.clone());
        self.orders.insert(status.channel.clone(), order);
        let notices = &mut self.warning_mut().notices;
        notices.push(status);
        if notices.len() > NOTICES_KEPT {
            let settled = |status: &NoticeStatus| status.receipt.as_ref().is_some_and(|r| r.outcome.is_final());
            let oldest = notices.iter().position(settled).unwrap_or(0);
            notices.remove(oldest);
        }
    }

    /// Takes a channel's answer.
    pub(super) fn answer(&mut self, receipt: &Receipt) {
        if let Some(status) = self.warning_mut().notices.iter_mut().rev().find(|status| status.id == receipt.notice) {
            // A courier counts from its own start: one that counts less than before has begun anew.
            let told = status.receipt.as_ref().map_or(0, |last| last.attempts);
            let more = receipt.attempts.checked_sub(told).filter(|more| *more > 0).unwrap_or(receipt.attempts);
            status.attempts = status.attempts.saturating_add(more);
            let this = Attempt { at: receipt.at, outcome: receipt.outcome.clone() };
            for attempt in receipt.tried.iter().cloned().chain([this]) {
                if status.tried.len() == Attempt::KEPT {
                    status.tried.remove(Attempt::KEPT / 2);
                }
                status.tried.push(attempt);
            }
            status.receipt = Some(Receipt { tried: Vec::new(), ..receipt.clone() });
        }
    }

    /// Adds a line to the story.
    pub(super) fn tell(&mut self, entry: Entry) {
        let timeline = &mut Arc::make_mut(&mut self.warning).timeline;
        timeline.push(entry);
        if timeline.len() > TIMELINE_KEPT {
            // The first line says how it began, the last is the newest; a person's own go last of all.
            let by_nobody = timeline.iter().skip(1).position(|entry| entry.who.is_none()).map_or(1, |at| at + 1);
            let gone = timeline.remove(by_nobody.min(timeline.len() - 2)).what;
            match self.folded.iter_mut().find(|(what, _)| *what == gone) {
                Some((_, count)) => *count += 1,
                None => self.folded.push((gone, 1)),
            }
        }
    }

    /// Ends it.
    pub(super) fn close(&mut self, how: Ending, at: Timestamp) {
        let warning = self.warning_mut();
        warning.publication = Publication::Ended { how, at };
        warning.grade = None;
        warning.evidence_lost = None;
        warning.waiting = None;
        warning.correction = None;
    }
}

impl Chain {
    fn speak(&mut self, bulletin: &Bulletin, cleared: bool, at: Steady) {
        self.again = match bulletin.class {
            MessageClass::Continue => self.again.saturating_add(1),
            MessageClass::Extend => self.again,
            MessageClass::Issue
            | MessageClass::Upgrade
            | MessageClass::Downgrade
            | MessageClass::Correct
            | MessageClass::Cancel
            | MessageClass::AllClear
            | MessageClass::Expire => 0,
        };
        self.told = Some(Told {
            grade: bulletin.grade,
            lost: bulletin.evidence_lost.is_some(),
            cleared,
            sent: bulletin.sent,
            at,
        });
        self.count += 1;
        self.earlier.retain(|(_, expires)| *expires > bulletin.sent);
        if self.earlier.len() >= REFERENCES_MOST {
            self.earlier.remove(0);
        }
        let reference = Reference { sender: bulletin.sender.clone(), id: bulletin.id.clone(), sent: bulletin.sent };
        self.earlier.push((reference, bulletin.expires));
    }

    /// What a bulletin sent at `sent` refers to: all that is still in force, and the last one whether it is or not,
    /// since an Update or Cancel without a reference is no CAP (DOMAIN §2.4, 1).
    pub(super) fn references(&self, sent: Timestamp) -> Vec<Reference> {
        let last = self.earlier.len().saturating_sub(1);
        let live = self.earlier.iter().enumerate().filter(|(at, (_, expires))| *expires > sent || *at == last);
        live.map(|(_, (reference, _))| reference.clone()).collect()
    }

    /// The next bulletin's stamp: our clock to the second, and later than the last one's whatever our clock does.
    pub(super) fn stamp(&self, wall: Timestamp) -> Timestamp {
        let second = Timestamp(wall.0.div_euclid(1_000) * 1_000);
        self.told.as_ref().map_or(second, |told| second.max(told.sent + Span::seconds(1)))
    }

    /// From when the same grade may be told again. The first four go at once; then a minute apart, doubling to an hour,
    /// so that evidence that comes and goes all night does not bury the channel.
    pub(super) fn may_repeat_at(&self) -> Steady {
        let Some(told) = &self.told else { return Steady(i64::MIN) };
        match self.again {
            0..4 => Steady(i64::MIN),
            n => told.at + Span::minutes(1 << (n - 4).min(6)).min(Span::hours(1)),
        }
    }
}

/// The line that a bulletin leaves in the story.
pub(super) fn spoken(bulletin: &Bulletin, at: Timestamp) -> Entry {
    let to = match bulletin.audience {
        Audience::Internal => "internal",
        Audience::Public => "public",
    };
    let note = format!("{} {} {} ({to})", bulletin.class.event(), bulletin.grade, bulletin.id);
    Entry { at, what: What::Bulletin, who: None, note, command: None }
}
