//! What was done, or refused, beside the Desk, and has to be in the ledger all the same: signing in, keeping accounts,
//! asking for what is not one's to ask. Nothing on the Desk comes of it.

use serde::{Deserialize, Serialize};

use crate::access::{Denied, Kind, Right, Role, Scope};
use crate::id::{PersonId, WarningId};

/// A deed: who, why, from where, what. Never a password, a token or a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// By whom.
    pub who: PersonId,
    /// Why.
    pub why: String,
    /// From where: an address and by what means.
    pub from: String,
    /// What.
    pub what: Done,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "done")]
pub enum Done {
    /// Signed in.
    SignedIn,
    /// Signed out.
    SignedOut,
    /// Tries that were turned away since the last such deed, taken together so that a sprayer can't fill the ledger.
    TurnedAway {
        /// Failed and delayed tries to sign in.
        sign_ins: u64,
        /// Acts refused beyond those written down one by one.
        acts: u64,
        /// Accounts that were tried, as far as they exist; the first few.
        accounts: Vec<PersonId>,
        /// Where from; the first few.
        addresses: Vec<String>,
    },
    /// An act on a warning was refused at the door.
    Denied {
        /// What was asked.
        right: Right,
        /// On which warning.
        warning: WarningId,
        /// Why not.
        denied: Denied,
    },
    /// An account was made.
    Added {
        /// Which.
        account: PersonId,
        /// Person or program.
        kind: Kind,
        /// Its role.
        role: Role,
        /// Its scope.
        scope: Scope,
    },
    /// An account was removed, and its sessions and token with it.
    Removed {
        /// Which.
        account: PersonId,
    },
    /// An account has another role.
    RoleSet {
        /// Which.
        account: PersonId,
        /// The role now.
        role: Role,
    },
    /// An account has another scope.
    ScopeSet {
        /// Which.
        account: PersonId,
        /// The scope now.
        scope: Scope,
    },
    /// An account has another password; its sessions are ended.
    PasswordSet {
        /// Which.
        account: PersonId,
    },
    /// An account has a new token; the one before it is void.
    TokenMade {
        /// Which.
        account: PersonId,
    },
}
