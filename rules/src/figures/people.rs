//! Who did what, one by one: how soon each took note and signed, what each put aside, reported, and was refused. People
//! who signed in by themselves, and apart from them those for whom a program acted, under the program's name: who they
//! are, that program alone knows.

use std::collections::BTreeMap;

use serde::Serialize;
use watchfire_model::access::Role;
use watchfire_model::command::Command;
use watchfire_model::deed::{Deed, Done};
use watchfire_model::id::PersonId;

use super::durations::{Durations, Spread};
use super::{Fact, Work};
use crate::desk::Input;

/// How many are told apart; what others did is counted together.
const TOLD_APART: usize = 1_000;

/// Adds up who did what.
#[derive(Clone, Debug, Default)]
pub struct People {
    /// Accounts and their roles, as far as the ledger has been heard.
    roles: BTreeMap<PersonId, Role>,
    doers: BTreeMap<Doer, Deeds>,
    /// Acts of those beyond [`TOLD_APART`].
    beyond: u64,
}

/// People first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Doer {
    through: Option<PersonId>,
    who: PersonId,
}

#[derive(Clone, Debug, Default)]
struct Deeds {
    role: Option<Role>,
    acknowledged: Durations,
    signed: Durations,
    put_aside: u64,
    reported: u64,
    other: u64,
    refused: u64,
}

/// What one person did, or one for whom a program acted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Person {
    /// By the name in the ledger.
    pub who: PersonId,
    /// The program that acted for them; none: they signed in.
    pub through: Option<PersonId>,
    /// The role of the account that was used, when it was last used; none where the ledger knows of no such account.
    pub role: Option<Role>,
    /// Alarms (hazard and fault) and incidents taken note of, and how soon after the call.
    pub acknowledged: Spread,
    /// Signatures, and how soon after there was something to sign.
    pub signed: Spread,
    /// Alarms shelved or taken out of service.
    pub put_aside: u64,
    /// Observations taken down.
    pub reported: u64,
    /// Other acts: a grade set, a warning cancelled, an alarm confirmed, a sensor calibrated.
    pub other: u64,
    /// Acts that were refused, by the Desk or at the door.
    pub refused: u64,
}

impl People {
    /// Hears who has which role; before the stretch of time that is told as well.
    pub fn know(&mut self, input: &Input) {
        let Input::Deed(Deed { what, .. }) = input else { return };
        match what {
            Done::Added { account, role, .. } | Done::RoleSet { account, role } => {
                self.roles.insert(account.clone(), *role);
            }
            Done::Removed { account } => _ = self.roles.remove(account),
            Done::SignedIn
            | Done::SignedOut
            | Done::TurnedAway { .. }
            | Done::Denied { .. }
            | Done::ScopeSet { .. }
            | Done::PasswordSet { .. }
            | Done::TokenMade { .. } => {}
        }
    }

    /// Adds what came of an input. What nobody asked for is nobody's.
    pub fn add(&mut self, input: &Input, facts: &[Fact]) {
        match input {
            Input::Command(Command { who, from, .. }) => {
                for fact in facts {
                    self.count(who, from, fact);
                }
            }
            Input::Deed(Deed { who, from, what: Done::Denied { .. }, .. }) => {
                self.count(who, from, &Fact::Acted { who: who.clone(), work: Work::Refused });
            }
            Input::Start
            | Input::Finding(_)
            | Input::Outage(_)
            | Input::Tended(_)
            | Input::Deed(_)
            | Input::Receipt(_)
            | Input::Tick
            | Input::Reload { .. } => {}
        }
    }

    fn count(&mut self, who: &PersonId, from: &str, fact: &Fact) {
        let done = match fact {
            Fact::Acknowledged { after, .. } => Some(Work::Acknowledged { after: *after }),
            Fact::Acted { work, .. } => Some(*work),
            Fact::PutAside(_) => None,
            _ => return,
        };
        let doer = Doer { through: program(from), who: who.clone() };
        if self.doers.len() >= TOLD_APART && !self.doers.contains_key(&doer) {
            self.beyond += 1;
            return;
        }
        let role = self.roles.get(doer.through.as_ref().unwrap_or(who)).copied();
        let deeds = self.doers.entry(doer).or_default();
        deeds.role = role.or(deeds.role);
        match done {
            Some(Work::Acknowledged { after }) => deeds.acknowledged.add(after),
            Some(Work::Signed { after }) => deeds.signed.add(after),
            Some(Work::Reported) => deeds.reported += 1,
            Some(Work::Other) => deeds.other += 1,
            Some(Work::Refused) => deeds.refused += 1,
            None => deeds.put_aside += 1,
        }
    }

    /// Everybody who did anything, people before programs, each in the order of names; and the acts of those who are too
    /// many to be told apart.
    pub fn told(self) -> (Vec<Person>, u64) {
        let person = |(Doer { who, through }, deeds): (Doer, Deeds)| Person {
            who,
            through,
            role: deeds.role,
            acknowledged: deeds.acknowledged.spread(),
            signed: deeds.signed.spread(),
            put_aside: deeds.put_aside,
            reported: deeds.reported,
            other: deeds.other,
            refused: deeds.refused,
        };
        (self.doers.into_iter().map(person).collect(), self.beyond)
    }
}

/// The program behind an act, from where it came: `203.0.113.5 token gateway`.
fn program(from: &str) -> Option<PersonId> {
    from.split_once(" token ").map(|(_, name)| PersonId::from(name))
}
