//! Who is known here: accounts, and the sessions they have open. A file of its own beside the ledger; the ledger says how
//! it came to be as it is. No password, token or session key is in it, only what proves one.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Row};
use watchfire_model::access::Account;
use watchfire_model::id::PersonId;
use watchfire_model::time::{Steady, Timestamp};

use super::create_for_owner;
use super::database::{self, DatabaseError, Kind};
use crate::access::password::PasswordHash;
use crate::access::secret::Digest;
use crate::access::session::{Means, Session};

const KIND: Kind = Kind {
    what: "list of accounts",
    application_id: 0x5746_4143, // "WFAC"
    format: 1,
    schema: "
        CREATE TABLE account(name TEXT PRIMARY KEY, about TEXT NOT NULL, password TEXT, token BLOB,
            token_until INTEGER) STRICT;
        CREATE TABLE session(key BLOB PRIMARY KEY, account TEXT NOT NULL REFERENCES account(name) ON DELETE CASCADE,
            means TEXT NOT NULL, opened INTEGER NOT NULL) STRICT;",
};

/// An account with what it proves itself by.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// Who it is.
    pub account: Account,
    /// A person's.
    pub password: Option<PasswordHash>,
    /// A machine's.
    pub token: Option<Token>,
}

/// What a token is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its digest.
    pub digest: Digest,
    /// After this it is void.
    pub until: Option<Timestamp>,
}

/// Why the accounts can't be used.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// The file can't be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A row is not what this program writes.
    #[error("account \"{account}\" cannot be understood: {reason}")]
    Unreadable {
        /// Whose.
        account: String,
        /// Why not.
        reason: String,
    },
    /// A damaged file could not be put aside.
    #[error("cannot put the damaged accounts {} aside", .path.display())]
    Stuck {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// The accounts, for their one writer.
#[derive(Debug)]
pub struct Accounts {
    db: Connection,
    path: PathBuf,
}

impl Accounts {
    /// Opens the accounts, or begins with none. A damaged file is put aside, and where it is kept is said: nobody can
    /// sign in until the first account is made again, but warnings go on.
    pub fn open(path: &Path) -> Result<(Self, Option<PathBuf>), AccountsError> {
        // What SQLite puts beside it takes its mode. An error: it is there already, or opening it will say why not.
        let _ = create_for_owner(path);
        match database::open(path, &KIND) {
            Err(DatabaseError::Damaged { .. }) => {
                let stuck = |source| AccountsError::Stuck { path: path.to_owned(), source };
                let kept = database::set_aside(path).map_err(stuck)?;
                let _ = create_for_owner(path);
                Ok((Self { db: database::open(path, &KIND)?, path: path.to_owned() }, Some(kept)))
            }
            opened => Ok((Self { db: opened?, path: path.to_owned() }, None)),
        }
    }

    /// Every account.
    pub fn all(&self) -> Result<Vec<Known>, AccountsError> {
        let sql = "SELECT name, about, password, token, token_until FROM account ORDER BY name";
        let lines = self.read(sql, |row| {
            let (name, about, password) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Line { name, about, password, token: row.get(3)?, until: row.get(4)? })
        })?;
        lines.into_iter().map(Line::known).collect()
    }

    /// Every open session.
    pub fn sessions(&self) -> Result<Vec<Session>, AccountsError> {
        self.read("SELECT key, account, means, opened FROM session ORDER BY opened", |row| {
            let (key, account): ([u8; 32], String) = (row.get(0)?, row.get(1)?);
            let (means, opened): (String, i64) = (row.get(2)?, row.get(3)?);
            let means = if means == Means::Cli.word() { Means::Cli } else { Means::Console };
            let opened = Steady(opened);
            Ok(Session { key: Digest(key), account: PersonId::from(account), means, opened, here: opened })
        })
    }

    fn read<T>(&self, sql: &str, of: impl FnMut(&Row<'_>) -> rusqlite::Result<T>) -> Result<Vec<T>, AccountsError> {
        let rows = self.db.prepare(sql).and_then(|mut asked| asked.query_map([], of)?.collect());
        rows.map_err(|source| self.failed(source))
    }

    /// Writes an account, new or changed.
    pub fn put(&self, known: &Known) -> Result<(), AccountsError> {
        let name = known.account.name.as_str();
        let unwritable = |error: serde_json::Error| AccountsError::Unreadable {
            account: name.to_owned(),
            reason: error.to_string(),
        };
        let about = serde_json::to_string(&known.account).map_err(unwritable)?;
        let password = known.password.as_ref().map(ToString::to_string);
        let (token, until) = match &known.token {
            Some(token) => (Some(token.digest.0), token.until.map(|until| until.0)),
            None => (None, None),
        };
        let sql = "INSERT INTO account(name, about, password, token, token_until) VALUES(?, ?, ?, ?, ?)
                   ON CONFLICT(name) DO UPDATE SET about = excluded.about, password = excluded.password,
                   token = excluded.token, token_until = excluded.token_until";
        self.db.execute(sql, (name, about, password, token, until)).map(drop).map_err(|source| self.failed(source))
    }

    /// Removes an account and its sessions.
    pub fn remove(&self, name: &PersonId) -> Result<(), AccountsError> {
        self.change("DELETE FROM account WHERE name = ?", [name.as_str()])
    }

    /// Keeps a session over restarts.
    pub fn open_session(&self, session: &Session) -> Result<(), AccountsError> {
        let sql = "INSERT INTO session(key, account, means, opened) VALUES(?, ?, ?, ?)";
        self.change(sql, (session.key.0, session.account.as_str(), session.means.word(), session.opened.0))
    }

    /// Forgets sessions.
    pub fn close_sessions(&self, keys: &[Digest]) -> Result<(), AccountsError> {
        keys.iter().try_for_each(|key| self.change("DELETE FROM session WHERE key = ?", [key.0]))
    }

    fn change(&self, sql: &str, values: impl rusqlite::Params) -> Result<(), AccountsError> {
        self.db.execute(sql, values).map(drop).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: rusqlite::Error) -> AccountsError {
        DatabaseError::of(&KIND, &self.path, source).into()
    }
}

/// An account as it is written.
struct Line {
    name: String,
    about: String,
    password: Option<String>,
    token: Option<[u8; 32]>,
    until: Option<i64>,
}

impl Line {
    fn known(self) -> Result<Known, AccountsError> {
        let unreadable = |reason: String| AccountsError::Unreadable { account: self.name.clone(), reason };
        let account = serde_json::from_str(&self.about).map_err(|error| unreadable(error.to_string()))?;
        let password = self.password.as_deref().map(str::parse).transpose().map_err(unreadable)?;
        let token = self.token.map(|bytes| Token { digest: Digest(bytes), until: self.until.map(Timestamp) });
        Ok(Known { account, password, token })
    }
}

#[cfg(test)]
mod tests {
    use watchfire_model::access::{Kind as Of, Role, Scope};

    use super::*;

    fn known(name: &str) -> Known {
        let account = Account {
            name: name.into(),
            display: "张三".to_owned(),
            kind: Of::Machine { acts_for: true },
            role: Role::Officer,
            scope: Scope::ALL,
        };
        let token = Token { digest: Digest([7; 32]), until: Some(Timestamp(9)) };
        Known { account, password: None, token: Some(token) }
    }

    #[test]
    fn what_was_written_is_read_again_and_goes_with_its_account() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let path = home.path().join("accounts.db");
        let (accounts, aside) = Accounts::open(&path).expect("a new file");
        assert_eq!((accounts.all().expect("none"), aside), (Vec::new(), None));
        let gateway = known("gateway-1");
        accounts.put(&gateway).expect("written");
        let session = Session {
            key: Digest([1; 32]),
            account: "gateway-1".into(),
            means: Means::Cli,
            opened: Steady(5),
            here: Steady(5),
        };
        accounts.open_session(&session).expect("written");
        for file in ["accounts.db", "accounts.db-wal"] {
            let about = std::fs::metadata(home.path().join(file)).expect("it is there");
            let mode = std::os::unix::fs::PermissionsExt::mode(&about.permissions());
            assert_eq!(mode & 0o077, 0, "{file} is for its owner alone");
        }
        drop(accounts);
        let (accounts, _) = Accounts::open(&path).expect("the same file");
        assert_eq!(accounts.all().expect("read"), [gateway]);
        assert_eq!(accounts.sessions().expect("read"), [session]);
        accounts.remove(&"gateway-1".into()).expect("removed");
        assert!(accounts.all().expect("read").is_empty() && accounts.sessions().expect("read").is_empty());
    }

    #[test]
    fn a_damaged_file_is_kept_and_begun_anew() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let path = home.path().join("accounts.db");
        std::fs::write(&path, vec![b'x'; 8_192]).expect("written");
        let (accounts, aside) = Accounts::open(&path).expect("it goes on");
        assert!(accounts.all().expect("none").is_empty());
        assert!(aside.is_some_and(|kept| kept.exists()));
    }
}
