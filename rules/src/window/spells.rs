//! Rain by events: what fell between two dry spells. Time of which nothing is known is not dry, so a gap in the record
//! never makes an event smaller.

use std::collections::VecDeque;

/// The events that a window holds, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Spells {
    /// The dry spell that parts two of them, in milliseconds.
    parted_by: i64,
    events: VecDeque<Event>,
    /// Milliseconds that are known to have been dry since it last rained.
    dry_for: i64,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Event {
    all: i128,
    suspect: i128,
    wet: u32,
}

impl Spells {
    pub(crate) fn parted_by(dry: i64) -> Self {
        Self { parted_by: dry, ..Self::default() }
    }

    /// A sample comes that stands for `cover` milliseconds.
    pub(crate) fn come(&mut self, share: i128, suspect: bool, cover: i64) {
        if share <= 0 {
            self.dry_for = self.dry_for.saturating_add(cover);
            return;
        }
        if self.dry_for >= self.parted_by || self.events.is_empty() {
            self.events.push_back(Event::default());
        }
        self.dry_for = 0;
        if let Some(event) = self.events.back_mut() {
            event.all += share;
            event.suspect += if suspect { share } else { 0 };
            event.wet = event.wet.saturating_add(1);
        }
    }

    /// The oldest sample goes.
    pub(crate) fn go(&mut self, share: i128, suspect: bool) {
        let Some(event) = self.events.front_mut().filter(|_| share > 0) else { return };
        event.all -= share;
        event.suspect -= if suspect { share } else { 0 };
        event.wet = event.wet.saturating_sub(1);
        if event.wet == 0 {
            self.events.pop_front();
        }
    }

    /// What has fallen in the event that runs, and how much of it is suspect; `tail` milliseconds were dry since the
    /// newest sample.
    pub(crate) fn now(&self, tail: i64) -> (i128, i128) {
        let over = self.dry_for.saturating_add(tail) >= self.parted_by;
        let event = self.events.back().filter(|_| !over);
        event.map_or((0, 0), |event| (event.all, event.suspect))
    }
}
