//! `watchfire run`: the daemon.

use std::process::ExitCode;

use crate::cli::{ConfigPath, Style};
use crate::config::settings::Settings;

/// Options of `run`.
#[derive(Clone, Debug, clap::Args)]
pub struct RunArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigPath,
    /// How to speak.
    #[command(flatten)]
    pub style: Style,
}

/// Runs until told to stop.
#[expect(clippy::unused_async, reason = "the topology is not wired to it yet")]
pub async fn run(settings: Settings) -> anyhow::Result<ExitCode> {
    anyhow::bail!("the daemon of site \"{}\" cannot run: this build has no topology", settings.site.name)
}
