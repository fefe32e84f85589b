//! Keeps watch over the rules' scripts. What a script calls inside this program can't be ended from outside; one that does
//! not come back ends the process, which then comes back with that rule stopped.
//!
//! What each rule costs is counted beside ([`costs`]).
//!
//! Time is counted in looks, and a script must have kept its thread busy meanwhile: a machine that is suspended, stopped or
//! out of breath stops nothing.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use watchfire_model::id::Seq;
use watchfire_model::rule::Measure;
use watchfire_model::site::Site;
use watchfire_rules::engine::Overseer;
use watchfire_rules::evaluator::Stopped;
use watchfire_rules::ruleset::RuleSet;

use crate::clock::Stopwatch;

pub mod costs;

use costs::Costs;

/// Between two looks.
pub const EVERY: Duration = Duration::from_millis(250);
/// Looks, two seconds, after which a script that has kept its thread busy does not come back.
const LOOKS_BUSY: u32 = 8;
/// Of processor time, in hundredths of a second, that it has used meanwhile: ten times what one may take.
const BUSY: u64 = 50;
/// Looks, half a minute, after which it does not come back whatever its thread has used.
const LOOKS_ANY: u32 = 120;

/// What a thread that runs scripts is at, the shard's or one on which a configuration is tried, for whoever looks.
#[derive(Debug)]
pub struct Vigil {
    /// The place of the rule whose script runs, counted from one; none is zero.
    rule: AtomicUsize,
    /// Scripts begun so far.
    begun: AtomicU64,
    /// The row that is judged.
    seq: AtomicU64,
    /// Whose rules it is judged by.
    site: Mutex<Arc<Site>>,
    /// Where the system says what the thread has used.
    thread: OnceLock<PathBuf>,
    /// What rules cost.
    costs: Arc<Costs>,
    /// Running since it was made …
    watch: Stopwatch,
    /// … and what it showed, in nanoseconds, when the evaluation began whose time is taken.
    clocked_at: AtomicU64,
}

/// A script that does not come back.
#[derive(Clone, Debug, PartialEq)]
pub struct Hang {
    /// The row before which its rule must be stopped.
    pub seq: Seq,
    /// The rule, as it is to be stopped.
    pub stopped: Stopped,
    /// `file:line` where the rule stands, or its script's file.
    pub origin: String,
}

impl Overseer for Vigil {
    fn judges_by(&self, site: &Arc<Site>) {
        *self.site.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(site);
    }

    fn begins(&self, rule: usize) {
        // One thread writes.
        self.begun.store(self.begun.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        self.rule.store(rule.saturating_add(1), Ordering::Release);
    }

    fn ends(&self) {
        self.rule.store(0, Ordering::Release);
    }

    fn clocks(&self) {
        self.clocked_at.store(self.watch.nanoseconds(), Ordering::Relaxed);
    }

    fn clocked(&self, rule: usize, evaluations: u32) -> u32 {
        let took = self.watch.nanoseconds().saturating_sub(self.clocked_at.load(Ordering::Relaxed));
        self.costs.took(rule, evaluations, took)
    }
}

impl Vigil {
    /// Over a thread that judges by `rules`, until it says otherwise.
    pub fn over(rules: Arc<RuleSet>) -> Self {
        Self {
            rule: AtomicUsize::new(0),
            begun: AtomicU64::new(0),
            seq: AtomicU64::new(0),
            site: Mutex::new(Arc::clone(rules.site())),
            costs: Arc::new(Costs::of(rules)),
            thread: OnceLock::new(),
            watch: Stopwatch::start(),
            clocked_at: AtomicU64::new(0),
        }
    }

    /// Called on that thread, once.
    pub fn here(&self) {
        if let Ok(own) = fs::read_link("/proc/thread-self") {
            // Set once: it watches one thread.
            let _ = self.thread.set(PathBuf::from("/proc").join(own).join("stat"));
        }
    }

    /// The shard begins with a row.
    pub fn row(&self, seq: Seq) {
        self.seq.store(seq.0, Ordering::Relaxed);
    }

    /// What the rules cost that it judges by.
    pub const fn costs(&self) -> &Arc<Costs> {
        &self.costs
    }

    fn sight(&self) -> Sight {
        let rule = self.rule.load(Ordering::Acquire);
        let used = || fs::read_to_string(self.thread.get()?).ok().as_deref().and_then(used);
        if rule == 0 {
            return Sight::default();
        }
        Sight { run: Some(self.begun.load(Ordering::Relaxed)), used: used() }
    }

    /// The rule whose script runs.
    fn culprit(&self) -> Option<Hang> {
        let place = self.rule.load(Ordering::Acquire).checked_sub(1)?;
        let site = Arc::clone(&self.site.lock().unwrap_or_else(PoisonError::into_inner));
        let rule = site.rules.get(place)?;
        let why = format!(
            "the script did not come back within {} s, and the program was started again; it is not evaluated until \
             its measure is changed",
            EVERY.saturating_mul(LOOKS_BUSY).as_secs()
        );
        let stopped = Stopped { rule: rule.id.clone(), measure: rule.measure.clone(), why };
        let origin = match &rule.measure {
            Measure::Expression(_) => rule.origin.clone(),
            Measure::Script { file, .. } => file.clone(),
        };
        Some(Hang { seq: Seq(self.seq.load(Ordering::Relaxed)), stopped, origin })
    }
}

/// Processor time that a thread has used, in hundredths of a second: fields 14 and 15 of proc(5)'s `stat`, counted after
/// the name, which may hold anything.
fn used(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

/// What one look shows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sight {
    /// The script that runs, by its number; none between two.
    run: Option<u64>,
    /// What the thread has used so far, where the system says.
    used: Option<u64>,
}

/// Looks again and again.
#[derive(Debug, Default)]
pub struct Watchdog {
    /// The run seen before, with what the thread had used when it was first seen.
    since: Sight,
    looks: u32,
}

impl Watchdog {
    /// Looks once. A script that does not come back is said.
    pub fn look(&mut self, vigil: &Vigil) -> Option<Hang> {
        self.sees(vigil.sight()).then(|| vigil.culprit()).flatten()
    }

    fn sees(&mut self, sight: Sight) -> bool {
        if sight.run.is_none() || sight.run != self.since.run {
            (self.since, self.looks) = (sight, 0);
            return false;
        }
        self.looks = self.looks.saturating_add(1);
        let used = sight.used.zip(self.since.used).map(|(now, then)| now.saturating_sub(then));
        (self.looks >= LOOKS_BUSY && used.is_some_and(|used| used >= BUSY)) || self.looks >= LOOKS_ANY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks at one run after the other, each with what was used by then; the look that says that it does not come back.
    fn found(sights: impl IntoIterator<Item = (Option<u64>, Option<u64>)>) -> Option<usize> {
        let mut watchdog = Watchdog::default();
        sights.into_iter().position(|(run, used)| watchdog.sees(Sight { run, used }))
    }

    #[test]
    fn a_busy_script_is_found_after_two_seconds_and_an_idle_one_after_thirty() {
        assert_eq!(found((0..200).map(|look| (Some(7), Some(look * 25)))), Some(8));
        assert_eq!(found((0..200).map(|_| (Some(7), Some(40)))), Some(120), "a thread that gets no time");
        assert_eq!(found((0..200).map(|_| (Some(7), None))), Some(120), "a system that does not say");
        // A twentieth of a processor: it has had half a second of it after ten.
        assert_eq!(found((0..200).map(|look| (Some(7), Some(look * 25 / 20)))), Some(40));
    }

    #[test]
    fn scripts_that_come_back_are_never_found_however_many() {
        assert_eq!(found((0..1_000).map(|look| (Some(look / 7), Some(look * 25)))), None);
        assert_eq!(found((0..1_000).map(|look| (None, Some(look * 25)))), None);
        assert_eq!(found((0..1_000).map(|look| ((look % 8 != 7).then_some(3), Some(look * 25)))), None);
    }

    #[test]
    fn what_a_thread_has_used_is_read_whatever_its_name() {
        let stat = "12 (a) name) S 1 2 3 4 5 6 7 8 9 10 250 31 0 0 20 0 8 0 1";
        assert_eq!(used(stat), Some(281));
        assert_eq!(used("12 (cut) S 1 2"), None);
        let own = fs::read_to_string("/proc/thread-self/stat").expect("this is Linux");
        assert!(used(&own).is_some(), "{own}");
    }
}
