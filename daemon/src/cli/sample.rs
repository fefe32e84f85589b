//! `watchfire config sample`: a full commented configuration that parses.

use std::process::ExitCode;

use clap::Subcommand;

/// Options of `config`.
#[derive(Clone, Debug, clap::Args)]
pub struct ConfigArgs {
    /// What to print.
    #[command(subcommand)]
    pub what: ConfigWhat,
}

/// What to print.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum ConfigWhat {
    /// A full configuration with every option explained.
    Sample,
}

/// Prints it.
pub fn run(args: &ConfigArgs) -> anyhow::Result<ExitCode> {
    match args.what {
        ConfigWhat::Sample => print!("{SAMPLE}"),
    }
    Ok(ExitCode::SUCCESS)
}

/// The sample.
pub const SAMPLE: &str = "";
