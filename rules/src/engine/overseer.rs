//! Who hears that a script runs, since one that does not come back can be ended by nothing in here; and who takes the time
//! that rules cost, since nothing in here knows what time it is.

use std::fmt;
use std::sync::Arc;

use watchfire_model::site::Site;

/// Hears when a script begins and when it is over, and is asked now and then to take the time of an evaluation. Called on
/// the thread that runs it, for every evaluation, and for every script that is compiled and run dry.
pub trait Overseer: fmt::Debug + Send + Sync {
    /// The scripts that run from now on are those of the rules of this site.
    fn judges_by(&self, site: &Arc<Site>);
    /// The script of the rule at this place among those rules is about to run.
    fn begins(&self, rule: usize);
    /// It is over.
    fn ends(&self);
    /// A rule is about to be evaluated for one subject, whichever way, and its time is wanted: of the measure and of all
    /// that is judged by it.
    fn clocks(&self) {}
    /// That is over, for the rule at this place; it was evaluated so often since the time of it was last taken, this one
    /// included. Says in how many evaluations its time is next wanted: 1 is the very next.
    fn clocked(&self, _rule: usize, _evaluations: u32) -> u32 {
        u32::MAX
    }
}
