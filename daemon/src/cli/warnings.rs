//! `watchfire warnings`: what a running daemon warns of, and acts on it by a named person with a reason.

use std::process::ExitCode;

use clap::Subcommand;

use crate::cli::Style;

/// Options of `warnings`.
#[derive(Clone, Debug, clap::Args)]
pub struct WarningsArgs {
    /// What to do.
    #[command(subcommand)]
    pub act: WarningsAct,
    /// The daemon's address.
    #[arg(long, env = "WATCHFIRE_URL", default_value = "http://127.0.0.1:8420", global = true)]
    pub url: String,
    /// How to answer.
    #[command(flatten)]
    pub style: Style,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum WarningsAct {
    /// Lists live warnings, the highest grade first.
    List {
        /// Ended ones too.
        #[arg(long)]
        all: bool,
    },
    /// Shows one warning: alarms, evidence, bulletins, receipts, and who did what.
    Show {
        /// Its id, such as W-20260801-0001.
        id: String,
    },
    /// Takes note of every alarm under a warning.
    Ack(ActArgs),
    /// Signs the act that waits, so that the public hears.
    Release(ActArgs),
    /// Withdraws a warning that was issued in error. (A danger that is over ends by itself.)
    Cancel(ActArgs),
}

/// An act on one warning.
#[derive(Clone, Debug, clap::Args)]
pub struct ActArgs {
    /// Its id, such as W-20260801-0001.
    pub id: String,
    /// Who acts: a named person.
    #[arg(long, env = "WATCHFIRE_WHO")]
    pub who: String,
    /// Why.
    #[arg(long)]
    pub why: String,
    /// The version seen; the present one where it is not given.
    #[arg(long, value_name = "VERSION")]
    pub seen: Option<u64>,
}

/// Asks the daemon and prints the answer.
#[expect(clippy::unused_async, reason = "the daemon's API is not wired to it yet")]
pub async fn run(args: WarningsArgs) -> anyhow::Result<ExitCode> {
    anyhow::bail!("cannot ask {}: this build has no client", args.url)
}
