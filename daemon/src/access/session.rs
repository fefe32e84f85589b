//! Who is signed in. A session ends at its latest moment and with its account. One that nobody has touched for a while
//! goes on looking, so that a screen in the duty room keeps showing warnings, and acts again after the password.

use watchfire_model::id::PersonId;
use watchfire_model::time::{Span, Steady};

use super::secret::Digest;

/// Sessions at a time, and of one account; beyond it the oldest goes.
pub const SESSIONS_MAX: usize = 1_024;
/// Sessions of one account; beyond it its oldest goes.
pub const PER_ACCOUNT: usize = 16;

/// By what means somebody is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// A browser, by a cookie.
    Console,
    /// The command line, by a kept key.
    Cli,
}

impl Means {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Cli => "cli",
        }
    }
}

/// One who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// What its key proves itself by.
    pub key: Digest,
    /// Whose.
    pub account: PersonId,
    /// By what means.
    pub means: Means,
    /// Since when.
    pub opened: Steady,
    /// When a person last did something in it.
    pub here: Steady,
}

/// How long sessions last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A console that nobody touches for this long does not act.
    pub idle: Span,
    /// No session lasts longer.
    pub longest: Span,
}

impl Default for Limits {
    fn default() -> Self {
        Self { idle: Span::minutes(15), longest: Span::hours(12) }
    }
}

/// Everybody who is signed in.
#[derive(Debug, Default)]
pub struct Sessions(Vec<Session>);

impl Sessions {
    /// As they were kept; whoever was there is taken to be there still.
    pub fn kept(sessions: Vec<Session>, now: Steady) -> Self {
        Self(sessions.into_iter().map(|session| Session { here: now, ..session }).collect())
    }

    /// Begins one; says which had to go for it.
    pub fn open(&mut self, session: Session, limits: Limits) -> Vec<Digest> {
        let now = session.opened;
        let mut gone = self.end(|known| now - known.opened >= limits.longest);
        let theirs = self.0.iter().filter(|known| known.account == session.account).count();
        let oldest = if theirs >= PER_ACCOUNT {
            self.0.iter().position(|known| known.account == session.account)
        } else {
            (self.0.len() >= SESSIONS_MAX).then_some(0)
        };
        // In the order they were opened: the first is the oldest.
        gone.extend(oldest.map(|at| self.0.remove(at).key));
        self.0.push(session);
        gone
    }

    /// The session of a key, if it has not ended.
    pub fn find(&self, key: &Digest, now: Steady, limits: Limits) -> Option<&Session> {
        let found = self.0.iter().fold(None, |found, known| if known.key.proves(key) { Some(known) } else { found });
        found.filter(|session| now - session.opened < limits.longest)
    }

    /// Somebody is there.
    pub fn touch(&mut self, key: &Digest, now: Steady) {
        if let Some(session) = self.0.iter_mut().find(|known| known.key.proves(key)) {
            session.here = now;
        }
    }

    /// Ends those that fit; says which.
    pub fn end(&mut self, fits: impl Fn(&Session) -> bool) -> Vec<Digest> {
        let gone = self.0.iter().filter(|known| fits(known)).map(|known| known.key).collect();
        self.0.retain(|known| !fits(known));
        gone
    }
}

impl Session {
    /// Whether nobody has touched it for so long that the password is due again. A command line has no screen that
    /// somebody else could sit down at.
    pub fn is_idle(&self, now: Steady, limits: Limits) -> bool {
        self.means == Means::Console && now - self.here >= limits.idle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(n: u8, account: &str, opened: i64) -> Session {
        let (opened, account) = (Steady(opened), PersonId::from(account));
        Session { key: Digest([n; 32]), account, means: Means::Console, opened, here: opened }
    }

    #[test]
    fn a_session_ends_at_its_latest_moment_and_idles_before() {
        let limits = Limits::default();
        let mut sessions = Sessions::default();
        let mine = session(1, "a", 0);
        sessions.open(mine.clone(), limits);
        let at = |span: Span| Steady(0) + span;
        let found = |sessions: &Sessions, now| sessions.find(&mine.key, now, limits).cloned();
        assert!(found(&sessions, at(Span::minutes(14))).is_some_and(|s| !s.is_idle(at(Span::minutes(14)), limits)));
        assert!(found(&sessions, at(Span::minutes(15))).is_some_and(|s| s.is_idle(at(Span::minutes(15)), limits)));
        sessions.touch(&mine.key, at(Span::minutes(20)));
        assert!(found(&sessions, at(Span::minutes(34))).is_some_and(|s| !s.is_idle(at(Span::minutes(34)), limits)));
        assert_eq!(found(&sessions, at(Span::hours(12))), None);
        assert!(sessions.find(&Digest([2; 32]), Steady(1), limits).is_none());
    }

    #[test]
    fn there_are_only_so_many_and_the_oldest_goes() {
        let limits = Limits::default();
        let mut sessions = Sessions::default();
        for n in 0..PER_ACCOUNT {
            let n = u8::try_from(n).expect("few");
            assert!(sessions.open(session(n, "a", i64::from(n)), limits).is_empty());
        }
        assert!(sessions.open(session(200, "b", 20), limits).is_empty());
        assert_eq!(sessions.open(session(201, "a", 21), limits), [Digest([0; 32])], "their own oldest");
        assert_eq!(sessions.end(|known| known.account.as_str() == "b"), [Digest([200; 32])]);
    }
}
