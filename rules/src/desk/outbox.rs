//! Notices on their way: who gets a bulletin, in which order, and which have no final receipt yet.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use watchfire_model::{
    bulletin::{Bulletin, Notice},
    grade::Grade,
    id::{ChannelName, NoticeId, WarningId},
    mode::{Mode, ModeTag},
    receipt::{Outcome, Receipt},
    site::Channel,
    warning::What,
};

use super::{Step, case::Chain, event::Event};

/// With so many notices unsettled, repeats of the same grade wait (their facts go out with the next bulletin); raises,
/// lowerings, extensions and endings never do.
pub(super) const CROWDED: usize = 10_000;

/// Notices without a final receipt.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outbox<M: Mode> {
    /// The highest unsettled grade of each warning, highest first.
    ranks: BTreeSet<(Reverse<Grade>, WarningId)>,
    boxes: BTreeMap<WarningId, Lane<M>>,
    places: BTreeMap<NoticeId, (WarningId, ChannelName, u64)>,
    /// How many wait or are under way, by channel.
    counts: BTreeMap<ChannelName, usize>,
}

#[derive(Clone, Debug, PartialEq)]
struct Lane<M: Mode> {
    rank: Grade,
    notices: BTreeMap<(ChannelName, u64), Notice<M>>,
}

impl<M: Mode> Outbox<M> {
    pub(super) const fn new() -> Self {
        Self { ranks: BTreeSet::new(), boxes: BTreeMap::new(), places: BTreeMap::new(), counts: BTreeMap::new() }
    }

    pub(super) fn put(&mut self, notice: &Notice<M>) {
        let warning = &notice.bulletin.warning;
        let grade = notice.bulletin.grade;
        let lane = self.boxes.entry(warning.clone()).or_insert_with(|| Lane { rank: grade, notices: BTreeMap::new() });
        self.ranks.remove(&(Reverse(lane.rank), warning.clone()));
        lane.rank = lane.rank.max(grade);
        self.ranks.insert((Reverse(lane.rank), warning.clone()));
        if lane.notices.insert((notice.channel.clone(), notice.order), notice.clone()).is_none() {
            *self.counts.entry(notice.channel.clone()).or_default() += 1;
        }
        self.places.insert(notice.id.clone(), (warning.clone(), notice.channel.clone(), notice.order));
    }

    /// Takes out a notice that has its final receipt; says whose it was.
    pub(super) fn settle(&mut self, id: &NoticeId) -> Option<Notice<M>> {
        let (warning, channel, order) = self.places.remove(id)?;
        let lane = self.boxes.get_mut(&warning)?;
        let notice = lane.notices.remove(&(channel, order));
        if let Some(notice) = &notice {
            count_out(&mut self.counts, &notice.channel);
        }
        if lane.notices.is_empty() {
            self.ranks.remove(&(Reverse(lane.rank), warning.clone()));
            self.boxes.remove(&warning);
        }
        notice
    }

    pub(super) fn get(&self, id: &NoticeId) -> Option<&Notice<M>> {
        let (warning, channel, order) = self.places.get(id)?;
        self.boxes.get(warning)?.notices.get(&(channel.clone(), *order))
    }

    pub(super) fn holds(&self, warning: &WarningId) -> bool {
        self.boxes.contains_key(warning)
    }

    /// How many notices of one channel are unsettled.
    pub(super) fn count(&self, channel: &ChannelName) -> usize {
        self.counts.get(channel).copied().unwrap_or(0)
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Red first; of one warning by channel, in order.
    pub(super) fn unsettled(&self) -> impl Iterator<Item = &Notice<M>> {
        self.ranks.iter().filter_map(|(_, id)| self.boxes.get(id)).flat_map(|lane| lane.notices.values())
    }

    /// Forgets what a warning still had to send.
    pub(super) fn forget(&mut self, warning: &WarningId) {
        if let Some(lane) = self.boxes.remove(warning) {
            self.ranks.remove(&(Reverse(lane.rank), warning.clone()));
            for notice in lane.notices.values() {
                self.places.remove(&notice.id);
                count_out(&mut self.counts, &notice.channel);
            }
        }
    }
}

fn count_out(counts: &mut BTreeMap<ChannelName, usize>, channel: &ChannelName) {
    if let Some(count) = counts.get_mut(channel) {
        *count = count.saturating_sub(1);
    }
}

/// Whether a channel gets a bulletin: it is for this audience and carries the grade, or has had an earlier one of the
/// chain, so that whoever was told is told the rest, down to the ending.
fn takes(channel: &Channel, bulletin: &Bulletin, chain: &Chain) -> bool {
    let may = match bulletin.mode {
        ModeTag::Live => true,
        ModeTag::Exercise => channel.takes_drills,
        ModeTag::Shadow => false,
    };
    let fits = channel.audience == bulletin.audience && channel.from_grade <= bulletin.grade && !bulletin.class.ends();
    may && (fits || chain.channels.contains(&channel.name))
}

impl<M: Mode> Step<'_, M> {
    /// Puts a bulletin on its way through every channel that gets it.
    pub(super) fn dispatch(&mut self, bulletin: &Bulletin) {
        let Some(case) = self.desk.cases.get(&bulletin.warning) else { return };
        let chain = case.chain(bulletin.audience);
        let mut notices = Vec::new();
        for channel in self.desk.site.channels.iter().filter(|channel| takes(channel, bulletin, chain)) {
            let order = case.orders.get(&channel.name).copied().unwrap_or(0) + 1;
            let id = NoticeId::from(format!("{}@{}", bulletin.id, channel.name));
            notices.extend(Notice::new(id, channel.name.clone(), bulletin.clone(), order));
        }
        let here = |name: &ChannelName| self.desk.site.channels.iter().any(|channel| channel.name == *name);
        let gone: Vec<_> = chain.channels.iter().filter(|name| !here(name)).cloned().collect();
        for notice in notices {
            self.emit(Event::Notice(Box::new(notice)));
        }
        if bulletin.class.ends() {
            for channel in gone {
                let note = format!("{}: channel {channel} had been told and is no longer configured", bulletin.id);
                self.note(&bulletin.warning, What::Undelivered, note);
            }
        }
    }

    /// Files what a channel answered. A word about a notice that is settled, or not ours, changes nothing.
    pub(super) fn file(&mut self, receipt: &Receipt) {
        let Some(notice) = self.desk.outbox.get(&receipt.notice) else { return };
        if notice.channel != receipt.channel {
            return;
        }
        let (warning, channel) = (notice.bulletin.warning.clone(), notice.channel.clone());
        self.emit(Event::Receipt(receipt.clone()));
        match &receipt.outcome {
            Outcome::Delivered { reference, .. } => {
                let reference = reference.as_deref().unwrap_or_default();
                self.note(&warning, What::Delivered, format!("{channel} {reference}").trim_end().to_owned());
            }
            Outcome::Refused { reason } => {
                self.note(&warning, What::Undelivered, format!("{channel}: {reason}"));
                self.emit(Event::Faulted { warning, since: self.now.wall });
            }
            Outcome::Failing { .. } => {}
        }
    }
}
