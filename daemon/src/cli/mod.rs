//! The command line: which command, with what, and what code it ends with. Data goes to stdout, talk to stderr.

pub mod alarms;
pub mod backtest;
pub mod check;
pub mod client;
mod explain;
pub mod functions;
pub mod incidents;
mod kept;
pub mod logging;
pub mod login;
pub mod new;
mod password;
pub mod people;
pub mod reload;
pub mod report;
pub mod rules;
pub mod run;
pub mod sample;
pub mod sensors;
pub mod tap;
pub mod test;
pub mod verify;
pub mod version;
pub mod warnings;
pub mod why;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::config;
use crate::config::settings::Settings;
use crate::evidence::EvidenceError;
use crate::lang::Lang;

/// What the process says by ending. 0 is well, 2 is clap's own "usage".
pub mod exit {
    /// Something was found: a failed test, a refused act, a configuration with warnings under `--strict`.
    pub const FINDINGS: u8 = 1;
    /// The command line asks for what is not there.
    pub const USAGE: u8 = 2;
    /// The daemon or a device did not answer (`EX_UNAVAILABLE`).
    pub const UNREACHABLE: u8 = 69;
    /// Our own fault (`EX_SOFTWARE`).
    pub const INTERNAL: u8 = 70;
    /// The configuration is not sound (`EX_CONFIG`); systemd must not try again.
    pub const CONFIG: u8 = 78;
}

/// Watches rivers, rain, mines and slopes, and raises graded warnings (蓝 黄 橙 红).
#[derive(Debug, Parser)]
#[command(name = "watchfire", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the daemon.
    Run(run::RunArgs),
    /// Checks a configuration without opening anything, or explains a rule of it.
    Check(check::CheckArgs),
    /// Runs a true story on recordings: no server, no configuration, no network.
    #[cfg(feature = "demo")]
    Demo(crate::demo::DemoArgs),
    /// Tells rules their cases in virtual time and compares what they judge with what is expected.
    Test(test::TestArgs),
    /// Judges recorded readings with the very same machines, in virtual time.
    Backtest(backtest::BacktestArgs),
    /// Lists what a measure may call, or tells one of it in full: units, source, an example.
    Functions(functions::FunctionsArgs),
    /// Shows what the configured sources send: raw, decoded, judged, and why something is refused.
    Tap(tap::TapArgs),
    /// Lists warnings of a running daemon and acts on them, as whoever signed in and with a reason.
    Warnings(warnings::WarningsArgs),
    /// Proves that the ledger is what was written, and writes it out for others to prove.
    Verify(verify::VerifyArgs),
    /// What a shift, a day or a month was like for those on duty, from the ledger.
    Report(report::ReportArgs),
    /// Lists alarms of a running daemon and acts on one of them: takes note, shelves, takes out of service, assigns.
    Alarms(alarms::AlarmsArgs),
    /// Who has an account, with which role and scope; makes, changes and removes them.
    People(people::PeopleArgs),
    /// Signs in, and keeps the key for the commands that follow.
    Login(login::LoginArgs),
    /// Signs out.
    Logout(login::LogoutArgs),
    /// Lists what many sensors share and is in trouble, and which places nobody watches; takes note of one.
    Incidents(incidents::IncidentsArgs),
    /// Lists the rules in force of a running daemon and what each of them costs; which of them take the time.
    Rules(rules::RulesArgs),
    /// Lists sensors that people look after and acts on one: calibrates it, gives it back, takes a new one over.
    Sensors(sensors::SensorsArgs),
    /// Has a running daemon read its configuration again, or say what that would change.
    Reload(reload::ReloadArgs),
    /// Why a grade changed: the reading, what was known before it, the rule; as a file that proves it anywhere.
    Why(why::WhyArgs),
    /// Prints what a configuration may say, its schema, or writes a first one.
    Config(sample::ConfigArgs),
    /// Prints the version.
    Version(version::VersionArgs),
}

/// How an answer is written; the same for every command.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct Style {
    /// How data is written on stdout.
    #[arg(short, long, value_enum, default_value_t, global = true)]
    pub output: Format,
    /// Language of the terminal; from LANG where it is not given.
    #[arg(long, value_enum, env = "WATCHFIRE_LANG", global = true)]
    pub lang: Option<Lang>,
}

/// How data is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// One JSON object a line.
    Json,
    /// Comma-separated, with a header.
    Csv,
}

impl Style {
    /// The language to speak.
    pub fn lang(self) -> Lang {
        self.lang.unwrap_or_else(Lang::from_env)
    }

    /// Whether stderr may be coloured: a terminal, and nobody has set `NO_COLOR`.
    pub fn colour(self) -> bool {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        !refused && std::io::stderr().is_terminal()
    }
}

/// Where the configuration is.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ConfigPath {
    /// The configuration; `watchfire.toml` here, else the one in /etc/watchfire.
    #[arg(short, long, env = "WATCHFIRE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl ConfigPath {
    /// The file meant. A folder means the `watchfire.toml` in it.
    pub fn path(&self) -> PathBuf {
        resolve(self.config.as_deref())
    }
}

/// The configuration file that `named` means, or the usual one.
pub(crate) fn resolve(named: Option<&Path>) -> PathBuf {
    match named {
        Some(path) if path.is_dir() => path.join("watchfire.toml"),
        Some(path) => path.to_owned(),
        None if Path::new("watchfire.toml").exists() => PathBuf::from("watchfire.toml"),
        None => PathBuf::from("/etc/watchfire/watchfire.toml"),
    }
}

/// Writes to stdout. A reader that has heard enough (`| head`) is no error.
pub(crate) fn emit(text: &str) {
    let mut out = std::io::stdout().lock();
    // Nothing is left to be done about a stdout that is gone.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Loads a configuration; where it is not sound, says why on stderr and gives the code to end with.
pub(crate) fn load(path: &Path, style: Style) -> Result<Settings, ExitCode> {
    let examined = config::examine(path);
    if !examined.problems.is_empty() {
        eprint!("{}", examined.problems.display(style.lang(), style.colour()));
    }
    examined.settings.ok_or(ExitCode::from(exit::CONFIG))
}

/// Runs the command on the process's own command line.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::init(match &cli.command {
        Command::Run(_) => "info",
        #[cfg(feature = "demo")]
        // The demo's own broker calls every connection that ends an error.
        Command::Demo(_) => "warn,rumqttd=off",
        Command::Check(_)
        | Command::Test(_)
        | Command::Functions(_)
        | Command::Backtest(_)
        | Command::Tap(_)
        | Command::Warnings(_)
        | Command::Verify(_)
        | Command::Report(_)
        | Command::Alarms(_)
        | Command::People(_)
        | Command::Login(_)
        | Command::Logout(_)
        | Command::Incidents(_)
        | Command::Rules(_)
        | Command::Sensors(_)
        | Command::Reload(_)
        | Command::Why(_)
        | Command::Config(_)
        | Command::Version(_) => "warn",
    });
    match dispatch(cli.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(code_of(&error))
        }
    }
}

/// What a command ends with that could not do what it was asked.
fn code_of(error: &anyhow::Error) -> u8 {
    let causes = || error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    let is_missing = causes().any(|cause| cause.kind() == std::io::ErrorKind::NotFound);
    let is_unknown = matches!(error.downcast_ref(), Some(EvidenceError::Unknown { .. }));
    if is_missing || is_unknown { exit::USAGE } else { exit::INTERNAL }
}

fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Run(args) => match load(&args.config.path(), args.style) {
            Ok(settings) => runtime()?.block_on(run::run(settings, args.style.lang())),
            Err(code) => Ok(code),
        },
        Command::Check(args) => check::run(&args),
        #[cfg(feature = "demo")]
        Command::Demo(args) => runtime()?.block_on(crate::demo::run(args)),
        Command::Test(args) => test::run(&args),
        Command::Functions(args) => Ok(functions::run(&args)),
        Command::Backtest(args) => backtest::run(args),
        Command::Tap(args) => match load(&args.config.path(), args.style) {
            Ok(settings) => runtime()?.block_on(tap::run(&settings, args)),
            Err(code) => Ok(code),
        },
        Command::Warnings(args) => runtime()?.block_on(warnings::run(args)),
        Command::Verify(args) => verify::run(&args),
        Command::Why(args) => why::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Alarms(args) => runtime()?.block_on(alarms::run(args)),
        Command::People(args) => runtime()?.block_on(people::run(args)),
        Command::Login(args) => runtime()?.block_on(login::login(args)),
        Command::Logout(args) => runtime()?.block_on(login::logout(args)),
        Command::Incidents(args) => runtime()?.block_on(incidents::run(args)),
        Command::Rules(args) => runtime()?.block_on(rules::run(args)),
        Command::Sensors(args) => runtime()?.block_on(sensors::run(args)),
        Command::Reload(args) => runtime()?.block_on(reload::run(args)),
        Command::Config(args) => sample::run(&args),
        Command::Version(args) => version::run(args),
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
