//! `watchfire tap`: what the configured sources send, as it arrives.

use std::process::ExitCode;

use crate::cli::{ConfigPath, Style};
use crate::config::settings::Settings;

/// Options of `tap`.
#[derive(Clone, Debug, clap::Args)]
pub struct TapArgs {
    /// Only points (`station/point`), topics or sources that match; `*` and `?` are wildcards.
    #[arg(value_name = "GLOB")]
    pub glob: Option<String>,
    /// Ends once every matching source has been heard once.
    #[arg(long)]
    pub once: bool,
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigPath,
    /// How to answer.
    #[command(flatten)]
    pub style: Style,
}

/// Opens the sources beside a running daemon, without taking anything from it, and prints what comes.
#[expect(clippy::unused_async, reason = "the sources are not wired to it yet")]
pub async fn run(settings: &Settings, args: TapArgs) -> anyhow::Result<ExitCode> {
    let sources = settings.mqtt.len() + settings.modbus.len();
    anyhow::bail!("cannot tap {} of {sources} sources: this build has no tap", args.glob.as_deref().unwrap_or("*"))
}
