//! `watchfire version`: which build this is.

use std::process::ExitCode;

use crate::cli::{Format, Style, emit};

/// Options of `version`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct VersionArgs {
    /// How to answer.
    #[command(flatten)]
    pub style: Style,
}

/// Prints the version.
pub fn run(args: VersionArgs) -> anyhow::Result<ExitCode> {
    let version = env!("CARGO_PKG_VERSION");
    let demo = cfg!(feature = "demo");
    emit(&match args.style.output {
        Format::Table => format!("watchfire {version}\n"),
        Format::Json => format!("{}\n", serde_json::json!({"name": "watchfire", "version": version, "demo": demo})),
        Format::Csv => format!("name,version,demo\nwatchfire,{version},{demo}\n"),
    });
    Ok(ExitCode::SUCCESS)
}
