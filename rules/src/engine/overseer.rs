//! Who hears that a script runs: one that does not come back can be ended by nothing in here.

use std::fmt;
use std::sync::Arc;

use watchfire_model::site::Site;

/// Hears when a script begins and when it is over. Called on the thread that runs it, for every evaluation, and for every
/// script that is compiled and run dry.
pub trait Overseer: fmt::Debug + Send + Sync {
    /// The scripts that run from now on are those of the rules of this site.
    fn judges_by(&self, site: &Arc<Site>);
    /// The script of the rule at this place among those rules is about to run.
    fn begins(&self, rule: usize);
    /// It is over.
    fn ends(&self);
}
