//! What would quiet an alarm that chatters: a margin it does not tremble across, or a delay it does not outlive.

use std::collections::VecDeque;

use serde::Serialize;
use watchfire_model::time::{Span, Timestamp};

use super::load::ratio;

/// Turns remembered of one alarm.
const TURNS_KEPT: usize = 256;
/// A rise that comes longer than this after the fall before it is a new event, not chatter.
const ONE_EVENT: Span = Span::hours(1);
/// Turns within [`TREMBLE`] that are chatter (SEMANTICS §5).
const TURNS: usize = 4;
/// See [`TURNS`].
const TREMBLE: Span = Span::minutes(10);
/// Calls within [`RATTLE`] that are chatter (ISA-18.2).
const CALLS: usize = 3;
/// See [`CALLS`].
const RATTLE: Span = Span::minutes(1);

/// What is proposed for an alarm that chatters. A proposal to prove with `watchfire backtest`, never a change by itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Advice {
    /// Rises soon after a fall, of which this much is known.
    pub rises: u64,
    /// The lift delay that would have outlasted nineteen in twenty of the lulls between them …
    pub lift_after: Option<Span>,
    /// … and how many of those rises would then not have been.
    pub spared_by_delay: u64,
    /// The margin, in the measure's unit, that nineteen in twenty of its falls did not reach, and a tenth more.
    pub lift_margin: Option<f64>,
}

/// The turns of one alarm, as far as advice needs them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Turns {
    /// Lengths of the lulls before rises.
    lulls: VecDeque<Span>,
    /// How far the measure stood from the threshold when it fell.
    falls: VecDeque<f64>,
    turned: VecDeque<Timestamp>,
    called: VecDeque<Timestamp>,
    /// Episodes of chatter: counted once until it is still again.
    pub(super) episodes: u64,
    in_episode: bool,
}

impl Turns {
    pub(super) fn turn(&mut self, at: Timestamp, rose: bool, after: Option<Span>, distance: Option<f64>) {
        if let Some(lull) = after.filter(|after| rose && *after <= ONE_EVENT) {
            keep(&mut self.lulls, lull, TURNS_KEPT);
        }
        if let Some(distance) = distance.filter(|_| !rose) {
            keep(&mut self.falls, distance, TURNS_KEPT);
        }
        keep(&mut self.turned, at, TURNS);
        self.judge(at);
    }

    pub(super) fn call(&mut self, at: Timestamp) {
        keep(&mut self.called, at, CALLS);
        self.judge(at);
    }

    fn judge(&mut self, at: Timestamp) {
        let within = |times: &VecDeque<Timestamp>, most: usize, span: Span| {
            times.len() >= most && times.front().is_some_and(|first| at - *first <= span)
        };
        let chatters = within(&self.turned, TURNS, TREMBLE) || within(&self.called, CALLS, RATTLE);
        self.episodes += u64::from(chatters && !self.in_episode);
        self.in_episode = chatters;
    }

    /// What would quiet it, where it has chattered.
    pub(super) fn advice(&self) -> Option<Advice> {
        if self.episodes == 0 {
            return None;
        }
        let mut lulls: Vec<Span> = self.lulls.iter().copied().collect();
        lulls.sort_unstable();
        let lift_after = share(&lulls).map(|lull| round_up(*lull));
        let spared = lift_after.map_or(0, |delay| lulls.iter().filter(|lull| **lull < delay).count());
        let mut falls: Vec<f64> = self.falls.iter().copied().collect();
        falls.sort_unstable_by(f64::total_cmp);
        Some(Advice {
            rises: lulls.len().try_into().unwrap_or(u64::MAX),
            lift_after,
            spared_by_delay: spared.try_into().unwrap_or(u64::MAX),
            lift_margin: share(&falls).map(|fall| two_digits_up(fall * 1.1)).filter(|margin| *margin > 0.0),
        })
    }
}

fn keep<T>(kept: &mut VecDeque<T>, new: T, most: usize) {
    if kept.len() >= most {
        kept.pop_front();
    }
    kept.push_back(new);
}

/// The least that nineteen in twenty do not exceed.
fn share<T>(sorted: &[T]) -> Option<&T> {
    sorted.get((sorted.len() * 19).div_ceil(20).checked_sub(1)?)
}

/// The next longer span that people write.
fn round_up(span: Span) -> Span {
    const WRITTEN: [Span; 12] = [
        Span::seconds(5),
        Span::seconds(10),
        Span::seconds(30),
        Span::minutes(1),
        Span::minutes(2),
        Span::minutes(5),
        Span::minutes(10),
        Span::minutes(15),
        Span::minutes(20),
        Span::minutes(30),
        Span::minutes(45),
        Span::minutes(90),
    ];
    WRITTEN.into_iter().find(|written| *written > span).unwrap_or(Span::hours(2))
}

/// Two significant digits, not below `value`.
fn two_digits_up(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return 0.0;
    }
    let scale = 10_f64.powf(value.log10().floor() - 1.0);
    let steps = (value / scale - 1e-9).ceil();
    // Written and read back, so that 0.12 is 0.12.
    format!("{:.12e}", steps * scale).parse().unwrap_or(value)
}

impl Advice {
    /// What part of those rises the delay would have spared, percent.
    pub fn spared_percent(&self) -> f64 {
        100.0 * ratio(self.spared_by_delay, self.rises)
    }
}
