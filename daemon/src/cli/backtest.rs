//! `watchfire backtest`: recorded readings through the very same machines, in virtual time.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::Style;

/// Options of `backtest`.
#[derive(Clone, Debug, clap::Args)]
pub struct BacktestArgs {
    /// The configuration whose rules judge.
    #[arg(short, long, value_name = "FILE")]
    pub config: PathBuf,
    /// The recording: CSV with `time,station,point,value`, or line protocol.
    #[arg(short, long, value_name = "FILE")]
    pub input: PathBuf,
    /// What the recording is; by its ending (.lp = line protocol, else CSV) where it is not given.
    #[arg(long, value_enum)]
    pub format: Option<InputFormat>,
    /// Ends at the first line that cannot be read; else such lines are counted.
    #[arg(long)]
    pub strict: bool,
    /// How to answer.
    #[command(flatten)]
    pub style: Style,
}

/// What a recording is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum InputFormat {
    /// `time,station,point,value` with a header; RFC 3339 times.
    Csv,
    /// `quantity,station=…,point=… value=… time`.
    Lp,
}

/// Judges the recording and prints each grade transition.
pub fn run(args: BacktestArgs) -> anyhow::Result<ExitCode> {
    anyhow::bail!("cannot judge {}: this build has no backtest", args.input.display())
}
