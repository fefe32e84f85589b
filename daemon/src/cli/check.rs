//! `watchfire check`: whether a configuration is sound, and what a rule of it means.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::{Style, load, resolve};

/// Options of `check`.
#[derive(Clone, Debug, clap::Args)]
pub struct CheckArgs {
    /// The configuration, or the folder it is in.
    #[arg(value_name = "PATH", env = "WATCHFIRE_CONFIG")]
    pub path: Option<PathBuf>,
    /// Says in sentences what a rule does, with every value that is in effect.
    #[arg(long, value_name = "RULE")]
    pub explain: Option<String>,
    /// Ends with 1 if there are warnings.
    #[arg(long)]
    pub strict: bool,
    /// How to answer.
    #[command(flatten)]
    pub style: Style,
}

/// Checks.
pub fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let settings = match load(&resolve(args.path.as_deref()), args.style) {
        Ok(settings) => settings,
        Err(code) => return Ok(code),
    };
    println!("{} points, {} rules", settings.site.points.len(), settings.site.rules.len());
    Ok(ExitCode::SUCCESS)
}
