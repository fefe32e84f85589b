//! `watchfire login` and `watchfire logout`: who one is for the commands that follow.

use std::process::ExitCode;

use serde_json::json;

use super::client::{Client, Failed, Reach};
use super::kept;
use super::password::PasswordFrom;

/// Options of `login`.
#[derive(Clone, Debug, clap::Args)]
pub struct LoginArgs {
    /// The account's name.
    pub name: String,
    /// Where the password comes from.
    #[command(flatten)]
    pub password: PasswordFrom,
    /// Which daemon.
    #[command(flatten)]
    pub reach: Reach,
}

/// Options of `logout`.
#[derive(Clone, Debug, clap::Args)]
pub struct LogoutArgs {
    /// Which daemon.
    #[command(flatten)]
    pub reach: Reach,
}

/// Signs in and keeps the key.
pub async fn login(args: LoginArgs) -> anyhow::Result<ExitCode> {
    Ok(match sign_in(&args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => failed.said(),
    })
}

async fn sign_in(args: &LoginArgs) -> Result<(), Failed> {
    let client = Client::new(&args.reach.url, None)?;
    let password = args.password.read("password: ")?;
    let wish = json!({"name": args.name, "password": password, "bearer": true});
    let answer = client.post(&["session"], &wish).await.map_err(|failed| match failed {
        // Here the hint to sign in is no help.
        Failed::Unknown { detail } => Failed::Refused { detail },
        other => other,
    })?;
    let key = answer["key"].as_str().unwrap_or_default();
    let path = kept::keep(&args.reach.url, key)?;
    let role = answer["account"]["role"].as_str().unwrap_or_default();
    eprintln!("signed in as {} ({role}); the key is in {}", args.name, path.display());
    Ok(())
}

/// Signs out and forgets the key.
pub async fn logout(args: LogoutArgs) -> anyhow::Result<ExitCode> {
    let ended = match args.reach.client() {
        Ok(client) => client.post(&["session", "end"], &json!({})).await,
        Err(failed) => Err(failed),
    };
    // Whatever the daemon says, the key is not kept any longer.
    kept::forget()?;
    Ok(match ended {
        Ok(_) => ExitCode::SUCCESS,
        Err(failed) => failed.said(),
    })
}
