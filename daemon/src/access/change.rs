//! How accounts are made, changed and removed: looked at first, recorded in the ledger by whoever asked, then done.

use std::net::IpAddr;

use tokio::sync::SemaphorePermit;
use watchfire_model::access::{Account, Kind, Role, Scope};
use watchfire_model::deed::Done;
use watchfire_model::id::PersonId;

use super::password::PasswordHash;
use super::secret::{self, Digest};
use super::{Access, Book, NotLetIn, locked, password};
use crate::storage::accounts::{AccountsError, Known, Token};

/// Accounts at most.
const ACCOUNTS_MAX: usize = 1_000;
/// Longest name and longest display name, in characters.
const NAME_MAX: usize = 64;

/// A change of one account.
#[derive(Clone, Debug)]
pub enum Change {
    /// A new account; a person's has a password.
    Add {
        /// Who.
        account: Account,
        /// A person's.
        password: Option<PasswordHash>,
    },
    /// No account any more.
    Remove(PersonId),
    /// Another role.
    Role(PersonId, Role),
    /// Another scope.
    Scope(PersonId, Scope),
    /// Another password.
    Password(PersonId, PasswordHash),
    /// A new token, in place of the one before.
    Token(PersonId, Token),
}

/// Why an account was not changed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Nobody has that name.
    #[error("there is no account \"{0}\"")]
    NoSuch(PersonId),
    /// It would not be right; the words say what would be.
    #[error("{0}")]
    Not(String),
    /// The new password is poor.
    #[error("{0}")]
    Poor(String),
    /// The demo keeps no accounts.
    #[error("no accounts are kept here")]
    NoAccountsHere,
    /// The accounts' file takes nothing now.
    #[error("the accounts could not be kept")]
    Unkept(#[source] AccountsError),
    /// The daemon is stopping.
    #[error("the daemon is stopping")]
    Stopped,
}

impl Change {
    /// As the ledger has it.
    pub fn done(&self) -> Done {
        match self {
            Self::Add { account, .. } => Done::Added {
                account: account.name.clone(),
                kind: account.kind,
                role: account.role,
                scope: account.scope.clone(),
            },
            Self::Remove(account) => Done::Removed { account: account.clone() },
            Self::Role(account, role) => Done::RoleSet { account: account.clone(), role: *role },
            Self::Scope(account, scope) => Done::ScopeSet { account: account.clone(), scope: scope.clone() },
            Self::Password(account, _) => Done::PasswordSet { account: account.clone() },
            Self::Token(account, _) => Done::TokenMade { account: account.clone() },
        }
    }

    fn whose(&self) -> &PersonId {
        match self {
            Self::Add { account, .. } => &account.name,
            Self::Remove(name)
            | Self::Role(name, _)
            | Self::Scope(name, _)
            | Self::Password(name, _)
            | Self::Token(name, _) => name,
        }
    }

    /// The account after the change, or none; or why it can't be.
    fn after(&self, book: &Book) -> Result<Option<Known>, Refused> {
        let after = if let Self::Add { account, password } = self {
            new(book, account)?;
            Some(Known { account: account.clone(), password: password.clone(), token: None })
        } else {
            let known = book.known.get(self.whose()).ok_or_else(|| Refused::NoSuch(self.whose().clone()))?;
            self.changed(known.clone())?
        };
        let is_admin = |known: &Known| known.account.role == Role::Admin && known.account.kind == Kind::Person;
        let others = book.known.values().any(|known| is_admin(known) && known.account.name != *self.whose());
        if !others && !after.as_ref().is_some_and(is_admin) {
            return Err(Refused::Not("the last admin stays: make another person admin first".to_owned()));
        }
        if let Some(Known { account, .. }) = &after {
            let whole = matches!(account.role, Role::Admin | Role::Auditor | Role::Engineer);
            if whole && !account.scope.is_all() {
                return Err(Refused::Not(format!(
                    "the role {} is for the whole site: its scope is \"*\"",
                    account.role
                )));
            }
        }
        Ok(after)
    }

    fn changed(&self, mut known: Known) -> Result<Option<Known>, Refused> {
        match self {
            Self::Add { .. } => {}
            Self::Remove(_) => return Ok(None),
            Self::Role(_, role) => known.account.role = *role,
            Self::Scope(_, scope) => known.account.scope = scope.clone(),
            Self::Password(_, hash) => match known.account.kind {
                Kind::Person => known.password = Some(hash.clone()),
                Kind::Machine { .. } => {
                    return Err(Refused::Not("a machine has a token and no password".to_owned()));
                }
            },
            Self::Token(_, token) => match known.account.kind {
                Kind::Machine { .. } => known.token = Some(token.clone()),
                Kind::Person => {
                    return Err(Refused::Not("a person has a password and no token; sign in instead".to_owned()));
                }
            },
        }
        Ok(Some(known))
    }
}

fn new(book: &Book, account: &Account) -> Result<(), Refused> {
    let name = account.name.as_str();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@');
    if name.is_empty() || name.chars().count() > NAME_MAX || !name.chars().all(plain) {
        let why = format!("a name is 1 to {NAME_MAX} letters and digits, and `.`, `-`, `_`, `@` among them");
        return Err(Refused::Not(why));
    }
    if account.display.chars().count() > NAME_MAX || account.display.chars().any(char::is_control) {
        return Err(Refused::Not(format!("a display name is at most {NAME_MAX} characters on one line")));
    }
    let lower = name.to_lowercase();
    // These stand in the ledger for nobody, for the demo and for ourselves.
    let ours = ["anonymous", "demo", "watchfire"].contains(&lower.as_str());
    if ours || book.known.keys().any(|known| known.as_str().to_lowercase() == lower) {
        return Err(Refused::Not(format!("the name \"{name}\" is taken")));
    }
    if book.known.len() >= ACCOUNTS_MAX {
        return Err(Refused::Not(format!("there are {ACCOUNTS_MAX} accounts, which is the most")));
    }
    Ok(())
}

/// A change that was looked at and can be done; nobody else changes anything meanwhile.
pub struct Ready<'a> {
    access: &'a Access,
    change: Change,
    after: Option<Known>,
    _turn: SemaphorePermit<'a>,
}

impl Ready<'_> {
    /// As the ledger has it.
    pub fn done(&self) -> Done {
        self.change.done()
    }

    /// Does it. Whoever has lost their account, password or token is signed out.
    pub async fn carry_out(self) -> Result<(), Refused> {
        let Self { access, change, after, .. } = self;
        let (name, keep) = (change.whose().clone(), after.clone());
        let whose = name.clone();
        let put = move |disk: &crate::storage::accounts::Accounts| match &keep {
            Some(known) => disk.put(known),
            None => disk.remove(&whose),
        };
        access.on_disk(put).await?;
        let gone = {
            let mut book = locked(&access.book);
            match after {
                Some(known) => drop(book.known.insert(name.clone(), known)),
                None => drop(book.known.remove(&name)),
            }
            match change {
                Change::Remove(_) | Change::Password(..) => book.sessions.end(|session| session.account == name),
                Change::Add { .. } | Change::Role(..) | Change::Scope(..) | Change::Token(..) => Vec::new(),
            }
        };
        if !gone.is_empty() {
            access.on_disk(move |disk| disk.close_sessions(&gone)).await?;
        }
        if matches!(change, Change::Remove(_)) {
            locked(&access.throttle).forget(&name);
        }
        if let Change::Add { .. } = change {
            *locked(&access.first) = None;
        }
        Ok(())
    }
}

impl Access {
    /// Every account, without what it proves itself by; and whether a machine has a token.
    pub fn accounts(&self) -> Vec<(Account, bool)> {
        let book = locked(&self.book);
        book.known.values().map(|known| (known.account.clone(), known.token.is_some())).collect()
    }

    /// Looks at a change, so that it can be recorded before it is done.
    pub async fn prepare(&self, change: Change) -> Result<Ready<'_>, Refused> {
        let turn = self.changing.acquire().await.map_err(|_| Refused::Stopped)?;
        let after = change.after(&locked(&self.book))?;
        Ok(Ready { access: self, change, after, _turn: turn })
    }

    /// What to keep of a new password, if it is a good one.
    pub async fn hash(&self, name: &str, password: String) -> Result<PasswordHash, NotLetIn> {
        match password::fault(&password, name) {
            Some(fault) => Err(Refused::Poor(fault).into()),
            None => Ok(self.passwords.hash(password).await?),
        }
    }

    /// Whether a password is the one of that account; a wrong one is counted as a failed try to sign in.
    pub async fn confirms(&self, name: &PersonId, password: String, address: IpAddr) -> Result<(), NotLetIn> {
        self.admit(name.as_str(), Some(name.clone()), address)?;
        let kept = locked(&self.book).known.get(name).and_then(|known| known.password.clone());
        if password.len() > password::LONGEST || !self.passwords.fits(password, kept).await? {
            locked(&self.tally).sign_in(Some(name.clone()), address);
            return Err(NotLetIn::Wrong);
        }
        locked(&self.throttle).succeeded(name, address);
        Ok(())
    }

    /// Looks at the first account, an admin's, by the one-time code.
    pub async fn first(
        &self,
        code: &str,
        name: PersonId,
        display: String,
        password: String,
        address: IpAddr,
    ) -> Result<Ready<'_>, NotLetIn> {
        // A name that no account can have: tries of the code wait for one another.
        self.admit("the one-time code", None, address)?;
        let offered = Digest::of(&secret::typed(code));
        let fits = || locked(&self.first).is_some_and(|first| first.proves(&offered));
        if !fits() {
            locked(&self.tally).sign_in(None, address);
            return Err(NotLetIn::WrongCode);
        }
        locked(&self.throttle).take_back("the one-time code", address);
        let hash = self.hash(name.as_str(), password).await?;
        let account = Account { name, display, kind: Kind::Person, role: Role::Admin, scope: Scope::ALL };
        let ready = self.prepare(Change::Add { account, password: Some(hash) }).await?;
        // It may have been used while we waited for our turn.
        if fits() { Ok(ready) } else { Err(NotLetIn::WrongCode) }
    }
}
