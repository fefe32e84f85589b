//! `watchfire demo`: a true story on recordings, with real sources, on loopback.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use watchfire_model::time::Span;

use crate::lang::Lang;

pub mod cap;
pub mod platform;

/// Options of `demo`.
#[derive(Clone, Debug, clap::Args)]
pub struct DemoArgs {
    /// Silences a sensor while its warning is red: the grade is held, the evidence lost.
    #[arg(long)]
    pub lose_sensor: bool,
    /// Ends after this long, with a summary; else at Ctrl-C.
    #[arg(long = "for", value_name = "TIME")]
    pub lasting: Option<Span>,
    /// Where the console listens.
    #[arg(long, default_value = "127.0.0.1:8420", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Where everything is kept; a folder that is removed at the end where none is given.
    #[arg(long, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// How many recorded seconds pass in one.
    #[arg(long, value_name = "TIMES")]
    pub speed: Option<f64>,
    /// Language of the terminal; from LANG where it is not given.
    #[arg(long, value_enum, env = "WATCHFIRE_LANG")]
    pub lang: Option<Lang>,
}

/// Runs the demo.
#[expect(clippy::unused_async, reason = "nothing is wired to it yet")]
pub async fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    anyhow::bail!("cannot listen on {}: this build has no demo", args.listen)
}
