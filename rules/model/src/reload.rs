//! A reload: from one row of the journal on, another revision of configuration and rules judges.

use serde::{Deserialize, Serialize};

use crate::id::{PersonId, Revision};

/// Who put which revision in force, and what becomes of alarms whose rule or subject it no longer has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reload {
    /// The revision that judges from here on.
    pub revision: Revision,
    /// By whom.
    pub who: PersonId,
    /// Why.
    pub why: String,
    /// From where: `cli`, an address, `SIGHUP`.
    pub from: String,
    /// What becomes of alarms that stand and have no rule or subject any more.
    #[serde(default)]
    pub orphans: Orphans,
    /// Who proposed it, where it took two people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed_by: Option<PersonId>,
    /// SHA-256 of the backtest that was attached, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backtest: Option<String>,
}

impl Reload {
    /// Of one person, at once, with nothing attached: what stands and has no rule any more is held.
    pub const fn plain(revision: Revision, who: PersonId, why: String, from: String) -> Self {
        Self { revision, who, why, from, orphans: Orphans::Hold, proposed_by: None, backtest: None }
    }
}

/// What becomes of alarms that stand and have no rule or subject any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Orphans {
    /// They are held as they stand and shown as orphaned, until a person ends them or the rule comes back.
    #[default]
    Hold,
    /// They end: the danger is over. What the public was told ends by the gate, like any other all-clear.
    AllClear,
    /// They end: they were issued in error. A warning that stands on nothing else is cancelled.
    Cancel,
}
