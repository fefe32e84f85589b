//! Why the daemon could not start.

use std::net::SocketAddr;

/// Why the daemon could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory or a log in it could not be opened.
    #[error("cannot use the data directory {dir}")]
    Storage {
        /// Which directory.
        dir: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The rules do not compile; a sound configuration has none of these.
    #[error("the rules do not compile: {0}")]
    Rules(String),
    /// The HTTP address is taken or not ours.
    #[error("cannot listen on {address}")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// A channel or a store cannot be set up as configured.
    #[error("{what} cannot be set up: {reason}")]
    Outside {
        /// Which.
        what: String,
        /// Why.
        reason: String,
    },
    /// A thread could not be started.
    #[error("cannot start a thread")]
    Thread(#[from] std::io::Error),
}

impl StartError {
    pub(crate) fn rules(problems: &[watchfire_rules::ruleset::Problem]) -> Self {
        Self::Rules(problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>().join("; "))
    }

    pub(crate) fn outside(what: &str, name: &str, error: &dyn std::error::Error) -> Self {
        Self::Outside { what: format!("{what} {name}"), reason: error.to_string() }
    }
}
