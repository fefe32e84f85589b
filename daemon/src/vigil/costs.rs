//! What does each rule cost? Times are taken of some evaluations of each rule, the more seldom the cheaper it is, so that
//! taking them costs the shard half of one in a hundred at most. What was between two times is taken to have cost what the
//! cheaper of both did.
//!
//! A time is by the clock on the wall: the longest may hold a moment in which the machine ran something else. Such a moment
//! counts once, and makes nobody slow.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use watchfire_model::rule::Rule;
use watchfire_rules::ruleset::RuleSet;

/// What one evaluation may take.
pub const BUDGET: Duration = Duration::from_millis(50);
/// What taking one time takes, in nanoseconds, a little more than was measured …
const TAKING: u64 = 80;
/// … and the part of all time that may be spent on that.
const ONE_IN: u64 = 200;
/// Of a rule that costs next to nothing a time is taken once in so many evaluations all the same.
const SELDOM: u64 = 1_024;

/// What every rule in force has cost since it was put in force. Written by the thread that judges, read by whoever asks.
#[derive(Debug)]
pub struct Costs {
    table: Mutex<Arc<Table>>,
    /// Nanoseconds that the thread has judged, with all that belongs to it.
    busy: AtomicU64,
    /// Evaluations that took more than [`BUDGET`], of all rules that there were.
    over: AtomicU64,
}

#[derive(Debug)]
struct Table {
    rules: Arc<RuleSet>,
    /// In the order of the rules.
    slots: Vec<Slot>,
}

/// One rule's sums; times in nanoseconds.
#[derive(Debug, Default)]
struct Slot {
    evaluations: AtomicU64,
    timed: AtomicU64,
    /// Of what was timed, and what stands for it in between.
    spent: AtomicU64,
    last: AtomicU64,
    worst: AtomicU64,
    over: AtomicU64,
    /// What the thread had judged when the rule was put in force.
    busy_before: u64,
}

/// What one rule has cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Its place among the rules in force.
    pub rule: usize,
    /// Evaluations, of one subject each; those since the last time was taken are not among them.
    pub evaluations: u64,
    /// Of how many the time was taken.
    pub timed: u64,
    /// What all of them took together, as far as the times that were taken tell.
    pub spent: Duration,
    /// The longest that was taken.
    pub worst: Duration,
    /// How many took more than [`BUDGET`].
    pub over_budget: u64,
    /// Its part of the time that the shard has judged since the rule was put in force, from 0 to 1.
    pub share: f64,
}

impl Cost {
    /// What one evaluation took.
    pub fn mean(&self) -> Duration {
        let nanoseconds = nanoseconds(self.spent).checked_div(self.evaluations).unwrap_or(0);
        Duration::from_nanos(nanoseconds)
    }

    /// How much of the budget the longest has taken; 1 is all of it.
    pub fn of_budget(&self) -> f64 {
        self.worst.as_secs_f64() / BUDGET.as_secs_f64()
    }
}

impl Costs {
    pub(super) fn of(rules: Arc<RuleSet>) -> Self {
        let slots = rules.site().rules.iter().map(|_| Slot::default()).collect();
        let table = Mutex::new(Arc::new(Table { rules, slots }));
        Self { table, busy: AtomicU64::new(0), over: AtomicU64::new(0) }
    }

    /// Other rules are in force. One that measures what it did before goes on with what it has cost.
    pub fn judge_by(&self, rules: Arc<RuleSet>) {
        let before = self.table();
        let busy = self.busy.load(Relaxed);
        let mut known: Vec<(&Rule, &Slot)> = before.rules.site().rules.iter().zip(&before.slots).collect();
        known.sort_unstable_by_key(|(rule, _)| &rule.id);
        let slot = |rule: &Rule| {
            let at = known.binary_search_by_key(&&rule.id, |(known, _)| &known.id).ok()?;
            known.get(at).filter(|(known, _)| known.measure == rule.measure).map(|(_, slot)| slot.again())
        };
        let fresh = || Slot { busy_before: busy, ..Slot::default() };
        let slots = rules.site().rules.iter().map(|rule| slot(rule).unwrap_or_else(fresh)).collect();
        *self.table.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(Table { rules, slots });
    }

    /// One evaluation of the rule at this place took so many nanoseconds, and there were so many since the one that was
    /// timed before it. In how many the next time is wanted.
    pub(super) fn took(&self, rule: usize, evaluations: u32, nanoseconds: u64) -> u32 {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = table.slots.get(rule) {
            let evaluations = u64::from(evaluations);
            add(&slot.evaluations, evaluations);
            add(&slot.timed, 1);
            let between = nanoseconds.min(slot.last.load(Relaxed)).saturating_mul(evaluations.saturating_sub(1));
            add(&slot.spent, nanoseconds.saturating_add(between));
            slot.last.store(nanoseconds, Relaxed);
            slot.worst.store(slot.worst.load(Relaxed).max(nanoseconds), Relaxed);
            if Duration::from_nanos(nanoseconds) > BUDGET {
                add(&slot.over, 1);
                add(&self.over, 1);
            }
        }
        let stride = (TAKING * ONE_IN).div_ceil(nanoseconds.max(1)).min(SELDOM);
        u32::try_from(stride).unwrap_or(u32::MAX)
    }

    /// The thread has judged for so long.
    pub fn judged(&self, took: Duration) {
        add(&self.busy, nanoseconds(took));
    }

    /// How long the thread has judged since its start.
    pub fn busy(&self) -> Duration {
        Duration::from_nanos(self.busy.load(Relaxed))
    }

    /// Evaluations that took more than [`BUDGET`] since the start, of all rules that there were.
    pub fn over_budget(&self) -> u64 {
        self.over.load(Relaxed)
    }

    /// The rules in force, and what each has cost, in their order.
    pub fn all(&self) -> (Arc<RuleSet>, Vec<Cost>) {
        let (table, busy) = (self.table(), self.busy.load(Relaxed));
        let costs = table.slots.iter().enumerate().map(|(rule, slot)| slot.cost(rule, busy)).collect();
        (Arc::clone(&table.rules), costs)
    }

    fn table(&self) -> Arc<Table> {
        Arc::clone(&self.table.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Slot {
    fn again(&self) -> Self {
        let same = |of: &AtomicU64| AtomicU64::new(of.load(Relaxed));
        Self {
            evaluations: same(&self.evaluations),
            timed: same(&self.timed),
            spent: same(&self.spent),
            last: same(&self.last),
            worst: same(&self.worst),
            over: same(&self.over),
            busy_before: self.busy_before,
        }
    }

    fn cost(&self, rule: usize, busy: u64) -> Cost {
        let (spent, since) = (self.spent.load(Relaxed), busy.saturating_sub(self.busy_before));
        // What is being judged now is in the one and not yet in the other.
        let whole = Duration::from_nanos(since.max(spent).max(1));
        let spent = Duration::from_nanos(spent);
        Cost {
            rule,
            evaluations: self.evaluations.load(Relaxed),
            timed: self.timed.load(Relaxed),
            spent,
            worst: Duration::from_nanos(self.worst.load(Relaxed)),
            over_budget: self.over.load(Relaxed),
            share: spent.as_secs_f64() / whole.as_secs_f64(),
        }
    }
}

/// Adds, where one thread writes.
fn add(to: &AtomicU64, more: u64) {
    to.store(to.load(Relaxed).saturating_add(more), Relaxed);
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
