//! Who is asking? Proves who somebody is (password, session, token, the one-time code of the first start) and keeps the
//! accounts. What each may do is [`watchfire_model::access::may`]; which need each path of the interface has is told
//! where its routes are.

pub mod change;
pub mod password;
pub mod secret;
pub mod session;
mod tally;
mod throttle;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;
use watchfire_model::access::{Account, Denied, Kind, On, Right, Role, Scope, may};
use watchfire_model::deed::Deed;
use watchfire_model::id::PersonId;
use watchfire_model::time::{Now, Span};

use crate::config::settings::{AccessConfig, Anonymous, Probes};
use crate::entropy::NoEntropy;
use crate::storage::accounts::{Accounts, AccountsError, Known};
use change::Refused;
use password::Passwords;
use secret::Digest;
use session::{Means, Session, Sessions};
use tally::Tally;
use throttle::Throttle;

/// What time it is, on both clocks.
pub type Clock = Arc<dyn Fn() -> Now + Send + Sync>;

/// Everybody who is known here, and whoever is signed in.
pub struct Access {
    config: AccessConfig,
    now: Clock,
    book: Mutex<Book>,
    disk: Option<Arc<Mutex<Accounts>>>,
    /// The one-time code, until the first account is made by it.
    first: Mutex<Option<Digest>>,
    throttle: Mutex<Throttle>,
    tally: Mutex<Tally>,
    passwords: Passwords,
    /// Accounts are changed one after another.
    changing: Semaphore,
}

/// What is on disk, to be asked without waiting for one.
#[derive(Debug, Default)]
struct Book {
    known: BTreeMap<PersonId, Known>,
    sessions: Sessions,
}

/// How a secret came to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// In a cookie, which a browser sends by itself.
    Cookie,
    /// In an `Authorization` header, which a program sends on purpose.
    Bearer,
}

/// By what somebody is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A session.
    Session {
        /// Its key's digest.
        key: Digest,
        /// By what means it was opened.
        means: Means,
        /// Nobody has touched it for so long that it only looks.
        idle: bool,
    },
    /// A machine's token.
    Token,
    /// Nothing; the configuration lets them look.
    Nothing,
    /// Nothing; this is the demo.
    Demo,
}

/// Somebody who asks.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub account: Arc<Account>,
    /// By what.
    pub by: By,
    /// From where.
    pub address: IpAddr,
}

impl Caller {
    /// As the ledger has it: the address and by what means.
    pub fn from(&self) -> String {
        match self.by {
            By::Session { means, .. } => format!("{} {}", self.address, means.word()),
            By::Token => format!("{} token {}", self.address, self.account.name),
            By::Nothing => format!("{} anonymous", self.address),
            By::Demo => format!("{} demo", self.address),
        }
    }

    /// Whether a person or a machine has proven who it is.
    pub const fn is_proven(&self) -> bool {
        matches!(self.by, By::Session { .. } | By::Token)
    }

    /// Whether it may.
    pub fn may(&self, right: Right, on: On<'_>) -> Result<(), Denied> {
        may(&self.account, right, on)
    }
}

/// Why somebody was not let in.
#[derive(Debug, thiserror::Error)]
pub enum NotLetIn {
    /// The name and the password do not belong together; which of them is wrong is not said.
    #[error("that name and password do not belong together")]
    Wrong,
    /// The code is not the one.
    #[error("that is not the one-time code, or it has been used")]
    WrongCode,
    /// Too many failures.
    #[error("too many failed tries; wait {} s", .0.0.div_euclid(1_000) + 1)]
    Later(Span),
    /// A password could not be looked at.
    #[error(transparent)]
    Unlooked(#[from] password::Failed),
    /// A new account is not as it must be.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// No key could be made.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}

/// Somebody was let in.
#[derive(Debug)]
pub struct LetIn {
    /// The session's key; told once.
    pub key: String,
    /// Who.
    pub caller: Caller,
}

impl Access {
    /// Opens the accounts; where there is none, also gives the one-time code by which the first is made.
    pub fn open(accounts: Accounts, config: AccessConfig, now: Clock) -> Result<(Self, Option<String>), AccountsError> {
        let known = accounts.all()?.into_iter().map(|known| (known.account.name.clone(), known)).collect();
        let sessions = Sessions::kept(accounts.sessions()?, now().steady);
        let mut access = Self::with(config, now);
        access.book = Mutex::new(Book { known, sessions });
        access.disk = Some(Arc::new(Mutex::new(accounts)));
        let mut code = None;
        if locked(&access.book).known.is_empty() {
            // Without chance there is no code, and no secret could be made by its owner either.
            code = secret::code().inspect_err(|error| tracing::error!(%error, "no one-time code can be made")).ok();
            *locked(&access.first) = code.as_deref().map(|code| Digest::of(&secret::typed(code)));
        }
        Ok((access, code))
    }

    /// A house where whoever comes acts as an officer, for persons they name: the demo's, and that of tests.
    pub fn demo(now: Clock) -> Self {
        Self::with(
            AccessConfig { anonymous: Anonymous::Officer, probes: Probes::Anywhere, ..AccessConfig::default() },
            now,
        )
    }

    /// A house that knows nobody and makes nobody known.
    pub fn closed(config: AccessConfig, now: Clock) -> Self {
        Self::with(config, now)
    }

    fn with(config: AccessConfig, now: Clock) -> Self {
        Self {
            config,
            now,
            book: Mutex::default(),
            disk: None,
            first: Mutex::default(),
            throttle: Mutex::default(),
            tally: Mutex::default(),
            passwords: Passwords::default(),
            changing: Semaphore::new(1),
        }
    }

    /// How the site wants it.
    pub const fn config(&self) -> &AccessConfig {
        &self.config
    }

    /// Whether the first account is still to be made.
    pub fn awaits_first(&self) -> bool {
        locked(&self.first).is_some()
    }

    /// Whoever holds a secret.
    pub fn holder(&self, secret: &str, via: Via, address: IpAddr) -> Option<Caller> {
        let (digest, now) = (Digest::of(secret), (self.now)());
        let book = locked(&self.book);
        if let Some(session) = book.sessions.find(&digest, now.steady, self.config.sessions) {
            let fits = match session.means {
                Means::Console => via == Via::Cookie,
                Means::Cli => via == Via::Bearer,
            };
            let known = book.known.get(&session.account).filter(|_| fits)?;
            let idle = session.is_idle(now.steady, self.config.sessions);
            let by = By::Session { key: digest, means: session.means, idle };
            return Some(Caller { account: Arc::new(known.account.clone()), by, address });
        }
        if via == Via::Cookie {
            return None;
        }
        let holds = |known: &&Known| {
            known
                .token
                .as_ref()
                .is_some_and(|token| token.digest.proves(&digest) && token.until.is_none_or(|until| now.wall < until))
        };
        let found = book.known.values().fold(None, |found, known| if holds(&known) { Some(known) } else { found })?;
        Some(Caller { account: Arc::new(found.account.clone()), by: By::Token, address })
    }

    /// Whoever says no name, as far as the configuration lets them in.
    pub fn nobody(&self, address: IpAddr) -> Option<Caller> {
        let (name, display, role, acts_for, by) = match self.config.anonymous {
            Anonymous::Nobody => return None,
            Anonymous::Viewer { anywhere } if anywhere || address.to_canonical().is_loopback() => {
                ("anonymous", "", Role::Viewer, false, By::Nothing)
            }
            Anonymous::Viewer { .. } => return None,
            Anonymous::Officer => ("demo", "演示值班员 · demo", Role::Officer, true, By::Demo),
        };
        let (display, kind) = (display.to_owned(), Kind::Machine { acts_for });
        let account = Account { name: name.into(), display, kind, role, scope: Scope::ALL };
        Some(Caller { account: Arc::new(account), by, address })
    }

    /// Whether metrics and readiness are told to this address without a name.
    pub fn tells_probes(&self, address: IpAddr) -> bool {
        match self.config.probes {
            Probes::Loopback => address.to_canonical().is_loopback(),
            Probes::Anywhere => true,
            Probes::Nobody => false,
        }
    }

    /// Signs somebody in under a new key; `before` is the key they came with, which is void from now on.
    pub async fn sign_in(
        &self,
        name: &str,
        password: String,
        address: IpAddr,
        means: Means,
        before: Option<Digest>,
    ) -> Result<LetIn, NotLetIn> {
        let kept = locked(&self.book).known.get(name).cloned();
        let exists = kept.as_ref().map(|known| known.account.name.clone());
        self.admit(name, exists.clone(), address)?;
        let hash = kept.as_ref().and_then(|known| known.password.clone());
        let fits =
            if password.len() > password::LONGEST { Ok(false) } else { self.passwords.fits(password, hash).await };
        let right = fits.inspect_err(|_| locked(&self.throttle).take_back(name, address))?;
        let Some(known) = kept.filter(|_| right) else {
            locked(&self.tally).sign_in(exists, address);
            return Err(NotLetIn::Wrong);
        };
        locked(&self.throttle).succeeded(&known.account.name, address);
        self.begin(known.account, address, means, before).await
    }

    fn admit(&self, name: &str, exists: Option<PersonId>, address: IpAddr) -> Result<(), NotLetIn> {
        let admitted = locked(&self.throttle).admit(name, address, (self.now)().steady);
        admitted.map_err(|wait| {
            locked(&self.tally).sign_in(exists, address);
            NotLetIn::Later(wait)
        })
    }

    async fn begin(
        &self,
        account: Account,
        address: IpAddr,
        means: Means,
        before: Option<Digest>,
    ) -> Result<LetIn, NotLetIn> {
        let key = secret::token()?;
        let now = (self.now)().steady;
        let session = Session { key: Digest::of(&key), account: account.name.clone(), means, opened: now, here: now };
        let gone = {
            let mut book = locked(&self.book);
            let mut gone = book.sessions.end(|known| before.is_some_and(|before| known.key.proves(&before)));
            gone.extend(book.sessions.open(session.clone(), self.config.sessions));
            gone
        };
        let by = By::Session { key: session.key, means, idle: false };
        // A disk that takes nothing must not keep the officer out: the session then lasts until the daemon's next start.
        let kept =
            self.on_disk(move |disk| disk.close_sessions(&gone).and_then(|()| disk.open_session(&session))).await;
        if let Err(error) = kept {
            tracing::error!(%error, "a session could not be kept; it ends with this process");
        }
        Ok(LetIn { key, caller: Caller { account: Arc::new(account), by, address } })
    }

    /// Somebody is at a session.
    pub fn touch(&self, caller: &Caller) {
        if let By::Session { key, .. } = caller.by {
            locked(&self.book).sessions.touch(&key, (self.now)().steady);
        }
    }

    /// Ends a caller's session.
    pub async fn sign_out(&self, caller: &Caller) {
        let By::Session { key, .. } = caller.by else { return };
        let gone = locked(&self.book).sessions.end(|known| known.key.proves(&key));
        if let Err(error) = self.on_disk(move |disk| disk.close_sessions(&gone)).await {
            tracing::error!(%error, "a session that was ended could not be taken off the disk");
        }
    }

    /// Whether what a caller was let in by still holds.
    pub fn still_holds(&self, caller: &Caller) -> bool {
        match caller.by {
            By::Session { key, .. } => {
                let book = locked(&self.book);
                let session = book.sessions.find(&key, (self.now)().steady, self.config.sessions);
                session.is_some_and(|session| book.known.contains_key(&session.account))
            }
            By::Token => locked(&self.book).known.contains_key(&caller.account.name),
            By::Nothing | By::Demo => true,
        }
    }

    /// An act was refused at the door. Whether it is to be written down by itself.
    pub fn refused(&self, caller: &Caller) -> bool {
        locked(&self.tally).act(&caller.account.name, &caller.from(), (self.now)().steady)
    }

    /// What was turned away and is to be written down now.
    pub fn turned_away(&self) -> Option<Deed> {
        locked(&self.tally).due((self.now)().steady)
    }

    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Accounts) -> Result<T, AccountsError> + Send + 'static,
    ) -> Result<T, Refused> {
        let disk = Arc::clone(self.disk.as_ref().ok_or(Refused::NoAccountsHere)?);
        let done = tokio::task::spawn_blocking(move || work(&locked(&disk))).await;
        // An error of the first kind: the work has panicked, or the runtime is going down.
        done.map_err(|_| Refused::Stopped)?.map_err(Refused::Unkept)
    }
}

fn locked<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
