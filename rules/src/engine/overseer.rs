//! Who hears that a script runs: one that does not come back can be ended by nothing in here.

use std::fmt;

/// Hears when a script begins and when it is over. Called on the Evaluator's own thread, for every evaluation.
pub trait Overseer: fmt::Debug + Send + Sync {
    /// The script of the rule at this place among the rules in force is about to run.
    fn begins(&self, rule: usize);
    /// It is over.
    fn ends(&self);
}
