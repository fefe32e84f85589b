//! What is counted at the door: who was not let through, and how tries to sign in ended.

/// Why somebody was not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shut {
    /// Nobody knows who it is.
    Unknown,
    /// Nobody was at the console for too long.
    Idle,
    /// A cookie without its own page.
    Origin,
    /// The role has no such right.
    Role,
    /// Another's hazard or area.
    Scope,
    /// A machine that does not act for people.
    Nobody,
}

impl Shut {
    pub(super) const ALL: [Self; 6] = [Self::Unknown, Self::Idle, Self::Origin, Self::Role, Self::Scope, Self::Nobody];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Idle => "idle",
            Self::Origin => "origin",
            Self::Role => "role",
            Self::Scope => "scope",
            Self::Nobody => "nobody",
        }
    }
}

/// How a try to sign in ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// Signed in.
    LetIn,
    /// Not the right name and password.
    Failed,
    /// Not looked at: too many failures before it.
    Delayed,
}

impl SignIn {
    pub(super) const ALL: [Self; 3] = [Self::LetIn, Self::Failed, Self::Delayed];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::LetIn => "let_in",
            Self::Failed => "failed",
            Self::Delayed => "delayed",
        }
    }
}
