//! `watchfire people`: who has an account with a running daemon, and how accounts are made, changed and removed.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};
use watchfire_model::access::Role;

use super::client::{Client, Failed, Reach};
use super::password::PasswordFrom;
use super::{Format, Style};

/// Options of `people`.
#[derive(Clone, Debug, clap::Args)]
pub struct PeopleArgs {
    /// What to do.
    #[command(subcommand)]
    pub act: PeopleAct,
    /// Which daemon, and as whom.
    #[command(flatten)]
    pub reach: Reach,
    /// How to answer.
    #[command(flatten)]
    pub style: Style,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum PeopleAct {
    /// Lists every account.
    List,
    /// Makes an account: a person's with a password, or a machine's, which then gets a token.
    Add(AddArgs),
    /// Removes an account; its sessions and its token end.
    Remove {
        /// Whose.
        name: String,
        /// Why.
        #[arg(long)]
        why: String,
    },
    /// Gives an account another role.
    Role {
        /// Whose.
        name: String,
        /// viewer, officer, approver, engineer, admin or auditor.
        role: Role,
        /// Why.
        #[arg(long)]
        why: String,
    },
    /// Gives an account another scope.
    Scope {
        /// Whose.
        name: String,
        /// Where.
        #[command(flatten)]
        scope: ScopeArgs,
        /// Why.
        #[arg(long)]
        why: String,
    },
    /// Sets another password: one's own, or (as an admin) that of NAME. Ends that account's sessions.
    Password {
        /// Whose; one's own where it is not given.
        name: Option<String>,
        /// A file with one's present password on its first line; asked for where it is not given.
        #[arg(long, value_name = "FILE", conflicts_with = "name")]
        current_file: Option<std::path::PathBuf>,
        /// Where the new one comes from.
        #[command(flatten)]
        password: PasswordFrom,
        /// Why.
        #[arg(long)]
        why: String,
    },
    /// Makes a new token for a machine and prints it, once; the one before it is void.
    Token {
        /// Whose.
        name: String,
        /// Void after this many days; never where it is not given.
        #[arg(long)]
        days: Option<u16>,
        /// Why.
        #[arg(long)]
        why: String,
    },
}

/// A new account.
#[derive(Clone, Debug, clap::Args)]
pub struct AddArgs {
    /// By which it signs in and stands in the ledger: letters, digits, `.`, `-`, `_`, `@`.
    pub name: String,
    /// The one-time code of the first start: makes the first account, an admin's.
    #[arg(long, value_name = "CODE", conflicts_with_all = ["role", "machine", "acts_for", "hazards", "areas", "why"])]
    pub first: Option<String>,
    /// For people to read.
    #[arg(long, default_value = "")]
    pub display: String,
    /// viewer, officer, approver, engineer, admin or auditor.
    #[arg(long, required_unless_present = "first")]
    pub role: Option<Role>,
    /// A program's account.
    #[arg(long)]
    pub machine: bool,
    /// The program says for which person it acts.
    #[arg(long, requires = "machine")]
    pub acts_for: bool,
    /// Where.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Where a person's password comes from.
    #[command(flatten)]
    pub password: PasswordFrom,
    /// Why.
    #[arg(long, required_unless_present = "first")]
    pub why: Option<String>,
}

/// Hazards and areas.
#[derive(Clone, Debug, clap::Args)]
pub struct ScopeArgs {
    /// Hazards by id, apart by commas; all of them where it is not given.
    #[arg(long, value_delimiter = ',', default_value = "*")]
    pub hazards: Vec<String>,
    /// Areas by id, apart by commas; a division code covers all under it. All of them where it is not given.
    #[arg(long, value_delimiter = ',', default_value = "*")]
    pub areas: Vec<String>,
}

impl ScopeArgs {
    fn value(&self) -> Value {
        json!({"hazards": self.hazards, "areas": self.areas})
    }
}

/// Asks the daemon and prints the answer.
pub async fn run(args: PeopleArgs) -> anyhow::Result<ExitCode> {
    let done = match args.reach.client() {
        Ok(client) => carry_out(&client, &args).await,
        Err(failed) => Err(failed),
    };
    Ok(match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => failed.said(),
    })
}

async fn carry_out(client: &Client, args: &PeopleArgs) -> Result<(), Failed> {
    match &args.act {
        PeopleAct::List => {
            let answer = client.get(&["people"]).await?;
            list(answer["items"].as_array().map_or(&[], Vec::as_slice), args.style);
            return Ok(());
        }
        PeopleAct::Add(new) => return add(client, new).await,
        PeopleAct::Remove { name, why } => client.post(&["people", name, "remove"], &json!({"why": why})).await?,
        PeopleAct::Role { name, role, why } => {
            client.post(&["people", name, "role"], &json!({"role": role, "why": why})).await?
        }
        PeopleAct::Scope { name, scope, why } => {
            client.post(&["people", name, "scope"], &json!({"scope": scope.value(), "why": why})).await?
        }
        PeopleAct::Password { name: Some(name), password, why, .. } => {
            let wish = json!({"password": password.read_new()?, "why": why});
            client.post(&["people", name, "password"], &wish).await?
        }
        PeopleAct::Password { name: None, current_file, password, why } => {
            let current = PasswordFrom { password_file: current_file.clone() }.read("present password: ")?;
            let wish = json!({"current": current, "password": password.read_new()?, "why": why});
            client.post(&["session", "password"], &wish).await?
        }
        PeopleAct::Token { name, days, why } => {
            let answer = client.post(&["people", name, "token"], &json!({"days": days, "why": why})).await?;
            eprintln!("the token of {name}; it is told this once:");
            println!("{}", answer["token"].as_str().unwrap_or_default());
            return Ok(());
        }
    };
    Ok(())
}

async fn add(client: &Client, new: &AddArgs) -> Result<(), Failed> {
    let AddArgs { name, first, display, role, machine, acts_for, scope, password, why } = new;
    if let Some(code) = first {
        let wish = json!({"code": code, "name": name, "display": display, "password": password.read_new()?});
        client.post(&["people", "first"], &wish).await?;
        eprintln!("{name} is the first admin; sign in with: watchfire login {name}");
        return Ok(());
    }
    let mut wish = json!({"name": name, "display": display, "role": role, "scope": scope.value(), "why": why});
    if *machine {
        wish["machine"] = true.into();
        wish["acts_for"] = (*acts_for).into();
    } else {
        wish["password"] = password.read_new()?.into();
    }
    client.post(&["people"], &wish).await?;
    if *machine {
        eprintln!("{name} has no token yet: watchfire people token {name} --why …");
    }
    Ok(())
}

fn list(items: &[Value], style: Style) {
    const HEAD: [&str; 6] = ["name", "display", "kind", "role", "hazards", "areas"];
    let rows: Vec<[String; 6]> = items.iter().map(row).collect();
    match style.output {
        Format::Json => items.iter().for_each(|item| println!("{item}")),
        Format::Csv => {
            println!("{}", HEAD.join(","));
            let quoted = |cell: &String| {
                if cell.contains([',', '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.clone() }
            };
            rows.iter().for_each(|row| println!("{}", row.each_ref().map(quoted).join(",")));
        }
        Format::Table => {
            let head = HEAD.map(str::to_owned);
            let width = |at: usize| rows.iter().chain([&head]).map(|row| row[at].chars().count()).max().unwrap_or(0);
            let widths: [usize; 6] = std::array::from_fn(width);
            for row in [&head].into_iter().chain(&rows) {
                let line: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
                println!("{}", line.join("  ").trim_end());
            }
        }
    }
}

fn row(item: &Value) -> [String; 6] {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let names = |value: &Value| {
        let names = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        names.collect::<Vec<_>>().join(" ")
    };
    let kind = match (item["is"].as_str(), item["acts_for"].as_bool(), item["has_token"].as_bool()) {
        (Some("machine"), Some(true), Some(true)) => "machine, acts for people".to_owned(),
        (Some("machine"), _, Some(true)) => "machine".to_owned(),
        (Some("machine"), _, _) => "machine, no token".to_owned(),
        (other, _, _) => other.unwrap_or_default().to_owned(),
    };
    let scope = &item["scope"];
    [
        text(&item["name"]),
        text(&item["display"]),
        kind,
        text(&item["role"]),
        names(&scope["hazards"]),
        names(&scope["areas"]),
    ]
}
