//! `watchfire warnings`: what a running daemon warns of, and acts on it by a named person with a reason.

pub(super) mod table;

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::client::{Client, Failed, Reach};
use crate::cli::{Format, Style};

/// Options of `warnings`.
#[derive(Clone, Debug, clap::Args)]
pub struct WarningsArgs {
    /// What to do.
    #[command(subcommand)]
    pub act: WarningsAct,
    /// Which daemon, and as whom.
    #[command(flatten)]
    pub reach: Reach,
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
    /// Signs the correction that is prepared where what the public was told rests on readings that are no measurement.
    Correct(ActArgs),
}

/// An act on one warning.
#[derive(Clone, Debug, clap::Args)]
pub struct ActArgs {
    /// Its id, such as W-20260801-0001.
    pub id: String,
    /// For whom a machine acts: a named person. A person acts as whoever they signed in as.
    #[arg(long, env = "WATCHFIRE_WHO")]
    pub who: Option<String>,
    /// Why.
    #[arg(long)]
    pub why: String,
    /// The version seen; the present one where it is not given.
    #[arg(long, value_name = "VERSION")]
    pub seen: Option<u64>,
}

/// Asks the daemon and prints the answer.
pub async fn run(args: WarningsArgs) -> anyhow::Result<ExitCode> {
    let client = match args.reach.client() {
        Ok(client) => client,
        Err(failed) => return Ok(failed.said()),
    };
    let done = match &args.act {
        WarningsAct::List { all } => client
            .pages("warnings", Some(("state", if *all { "all" } else { "live" })))
            .await
            .map(|items| list(&items, args.style)),
        WarningsAct::Show { id } => client.one(&["warnings", id]).await.map(|warning| show(&warning, args.style)),
        WarningsAct::Ack(wish) => act(&client, "ack", wish, args.style).await,
        WarningsAct::Release(wish) => act(&client, "release", wish, args.style).await,
        WarningsAct::Cancel(wish) => act(&client, "cancel", wish, args.style).await,
        WarningsAct::Correct(wish) => act(&client, "correct", wish, args.style).await,
    };
    Ok(match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => failed.said(),
    })
}

async fn act(client: &Client, act: &str, wish: &ActArgs, style: Style) -> Result<(), Failed> {
    let seen = match wish.seen {
        Some(version) => version,
        None => present_version(&client.one(&["warnings", &wish.id]).await?, act),
    };
    let mut body = json!({"why": wish.why, "version": seen});
    if let Some(who) = &wish.who {
        body["who"] = who.as_str().into();
    }
    let after = client.act(&["warnings", &wish.id], act, &body).await?;
    match style.output {
        Format::Table if after.is_null() => println!("{}: {act}", wish.id),
        Format::Table => println!("{}", table::line(&after, style.lang())),
        Format::Json => println!("{after}"),
        Format::Csv => println!("{}\n{}", table::CSV_HEADER, table::csv(&after)),
    }
    Ok(())
}

/// A signature is for the version that the waiting act was prepared for; all else for the warning's own.
fn present_version(warning: &Value, act: &str) -> u64 {
    let waiting = if act == "release" { warning["waiting"]["version"].as_u64() } else { None };
    waiting.or_else(|| warning["version"].as_u64()).unwrap_or(0)
}

fn list(items: &[Value], style: Style) {
    match style.output {
        Format::Table => print!("{}", table::list(items, style.lang())),
        Format::Json => items.iter().for_each(|item| println!("{item}")),
        Format::Csv => {
            println!("{}", table::CSV_HEADER);
            items.iter().for_each(|item| println!("{}", table::csv(item)));
        }
    }
}

fn show(warning: &Value, style: Style) {
    match style.output {
        Format::Table => print!("{}", table::whole(warning, style.lang())),
        Format::Json => println!("{warning}"),
        Format::Csv => println!("{}\n{}", table::CSV_HEADER, table::csv(warning)),
    }
}
