//! `watchfire backtest`: recorded readings through the very same machines, in virtual time. Without more it says each
//! transition; with what really happened, another rule set or a threshold to try it scores the warnings (`scoring.rs`).

mod abreast;
mod bounds;
mod csv;
pub(in crate::cli) mod events;
mod field;
mod html;
mod line;
mod line_protocol;
mod local;
mod map;
mod points;
mod proof;
mod recording;
mod rehearse;
mod report;
pub(in crate::cli) mod scoring;
mod source;
mod store;
mod sweep;
pub(in crate::cli) mod told;
mod traces;

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use watchfire_model::id::PointIx;
use watchfire_model::quantity::{Bad, Finite};
use watchfire_model::site::Site;
use watchfire_model::time::Timestamp;
use watchfire_rules::evaluator::Evaluator;
use watchfire_rules::replay::Replay;
use watchfire_rules::ruleset::RuleSet;

use crate::cli::{ConfigPath, Style, exit, load};

use self::line_protocol::Precision;
use self::report::{Summary, Transitions};
use self::scoring::ScoreArgs;
use self::source::{BadLine, Feed, Given, Source};

/// Readings between two looks at the terminal, and between two writes to it.
const PAUSE: u64 = 1 << 16;
/// Text that waits for stdout; more is written at once.
const WAITING_TEXT: usize = 1 << 16;
/// Most readings that `--bench` holds in memory: half a gigabyte.
const BENCH_READINGS: usize = 10_000_000;

/// Options of `backtest`.
#[derive(Clone, Debug, clap::Args)]
pub struct BacktestArgs {
    /// The configuration whose rules judge.
    #[command(flatten)]
    pub config: ConfigPath,
    /// The recording: CSV with `time,station,point,value`, or line protocol; `-` is stdin. Several are told in the order
    /// of time.
    #[arg(short, long, value_name = "FILE", num_args = 1.., required_unless_present_any = ["data_dir", "journal"])]
    pub input: Vec<PathBuf>,
    /// Judges what the daemon itself has stored in this data directory, beside it or without it.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["input", "format", "map"])]
    pub data_dir: Option<PathBuf>,
    /// From this instant of what is stored, such as 2026-08-01T00:00:00Z …
    #[arg(long, value_name = "INSTANT", requires = "data_dir")]
    pub from: Option<jiff::Timestamp>,
    /// … to this one, which is not in it.
    #[arg(long, value_name = "INSTANT", requires = "data_dir")]
    pub to: Option<jiff::Timestamp>,
    /// Judges the journal of this data directory again and proves that the ledger has what comes out; needs no
    /// configuration.
    #[arg(long, value_name = "DIR", requires = "check", conflicts_with_all = ["input", "data_dir", "map", "events", "against", "html"])]
    pub journal: Option<PathBuf>,
    /// Ends with code 1 if anything of the journal comes out otherwise than it was recorded.
    #[arg(long, requires = "journal")]
    pub check: bool,
    /// What the recording is; by its ending (.lp = line protocol, else CSV) where it is not given.
    #[arg(long, value_enum)]
    pub format: Option<InputFormat>,
    /// How recordings in another format are read: a TOML file that names the columns (see deploy/example/hindcast).
    #[arg(long, value_name = "FILE", conflicts_with_all = ["format", "precision"])]
    pub map: Option<PathBuf>,
    /// Unit of the times of line protocol.
    #[arg(long, value_enum, default_value_t)]
    pub precision: Precision,
    /// Ends at the first line that cannot be read; else such lines are counted.
    #[arg(long)]
    pub strict: bool,
    /// Reads the recording into memory first and measures the judging alone.
    #[arg(long, hide = true)]
    pub bench: bool,
    /// What the warnings are held against.
    #[command(flatten)]
    pub score: ScoreArgs,
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

/// Judges the recording and prints each grade transition, or how well the warnings did.
pub fn run(args: BacktestArgs) -> anyhow::Result<ExitCode> {
    if let Some(dir) = &args.journal {
        return proof::run(dir, args.style);
    }
    let source = Source::of(&args)?;
    let rules = match rules_of(&args.config.path(), &source, args.style) {
        Ok(rules) => rules,
        Err(code) => return Ok(code),
    };
    if args.score.is_wanted() {
        return scoring::run(&args, &source, rules);
    }
    let site = Arc::clone(rules.site());
    let feed = source.open(&site)?;
    let replay = Replay::new(Evaluator::new(rules));
    let bar = bar(feed.length());
    let mut backtest = Backtest::new(&args, &site, feed, replay, bar);
    let ended = if args.bench { backtest.bench() } else { backtest.play() };
    backtest.finish(ended, &source.name())
}

/// The rules of a configuration, as they judge `source`; where they are not sound, says why and gives the code to end with.
fn rules_of(path: &Path, source: &Source, style: Style) -> Result<Arc<RuleSet>, ExitCode> {
    let settings = load(path, style)?;
    let site = source.as_recorded(Arc::clone(settings.site()));
    if Arc::ptr_eq(&site, settings.site()) {
        return Ok(settings.rules);
    }
    RuleSet::compile(site).map(Arc::new).map_err(|problems| {
        for problem in problems {
            eprintln!("error: {}: {}", problem.origin, problem.message);
        }
        ExitCode::from(exit::CONFIG)
    })
}

/// A bar on stderr where that is a terminal; nothing otherwise.
fn bar(length: Option<u64>) -> ProgressBar {
    let template = "{elapsed_precise} {wide_bar} {bytes}/{total_bytes} {eta}";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    match length {
        Some(length) => ProgressBar::new(length).with_style(style),
        None => ProgressBar::new_spinner(),
    }
}

/// How a backtest ended.
enum Ended {
    /// With the recording.
    Whole,
    /// At a bad line (`--strict`).
    AtLine(BadLine),
    /// Nobody reads stdout any more.
    Unread,
}

/// A backtest under way.
struct Backtest<'a> {
    args: &'a BacktestArgs,
    feed: Feed,
    replay: Replay,
    transitions: Transitions,
    summary: Summary,
    /// Keeps the time too.
    bar: ProgressBar,
}

impl<'a> Backtest<'a> {
    fn new(args: &'a BacktestArgs, site: &Site, feed: Feed, replay: Replay, bar: ProgressBar) -> Self {
        let transitions = Transitions::new(args.style, site);
        Self { args, feed, replay, transitions, summary: Summary::default(), bar }
    }

    /// Judges line by line, in bounded memory.
    fn play(&mut self) -> anyhow::Result<Ended> {
        let (mut given_so_far, mut next_pause) = (0, PAUSE);
        while let Some(given) = self.feed.next()? {
            match given {
                Given::Nothing => {}
                Given::Bad(bad) if self.args.strict => return Ok(Ended::AtLine(bad)),
                Given::Bad(bad) => self.summary.bad_line(bad),
                Given::Reading(point, at, value) => self.judge(point, at, value),
            }
            given_so_far += 1;
            if given_so_far >= next_pause || self.transitions.text().len() >= WAITING_TEXT {
                next_pause = given_so_far + PAUSE;
                self.bar.set_position(self.feed.bytes());
                if !self.print()? {
                    return Ok(Ended::Unread);
                }
            }
        }
        Ok(if self.print()? { Ended::Whole } else { Ended::Unread })
    }

    /// Judges from memory: the figure is the machines' own.
    fn bench(&mut self) -> anyhow::Result<Ended> {
        let mut held: Vec<(PointIx, Timestamp, Result<Finite, Bad>)> = Vec::new();
        while let Some(given) = self.feed.next()? {
            if let Given::Reading(point, at, value) = given {
                held.push((point, at, value));
            }
            anyhow::ensure!(held.len() < BENCH_READINGS, "--bench holds at most {BENCH_READINGS} readings");
        }
        self.bar.reset_elapsed();
        for (point, at, value) in held {
            self.judge(point, at, value);
            if self.transitions.text().len() >= WAITING_TEXT && !self.print()? {
                return Ok(Ended::Unread);
            }
        }
        Ok(if self.print()? { Ended::Whole } else { Ended::Unread })
    }

    fn judge(&mut self, point: PointIx, at: Timestamp, value: Result<Finite, Bad>) {
        let (transitions, summary) = (&mut self.transitions, &mut self.summary);
        summary.reading(at, value.is_ok());
        self.replay.observe(point, at, value, |finding| {
            transitions.tell(finding);
            summary.finding(finding);
        });
    }

    /// Writes what waits, past the bar; false if nobody reads it any more.
    fn print(&mut self) -> anyhow::Result<bool> {
        if self.transitions.text().is_empty() {
            return Ok(true);
        }
        let text = self.transitions.text();
        let written = self.bar.suspend(|| {
            let mut out = std::io::stdout().lock();
            out.write_all(text.as_bytes()).and_then(|()| out.flush())
        });
        self.transitions.taken();
        match written {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(error).context("cannot write to stdout"),
        }
    }

    fn finish(mut self, ended: anyhow::Result<Ended>, input: &str) -> anyhow::Result<ExitCode> {
        let seconds = self.bar.elapsed().as_secs_f64();
        self.bar.finish_and_clear();
        let code = match ended? {
            Ended::Whole => ExitCode::SUCCESS,
            Ended::Unread => return Ok(ExitCode::SUCCESS),
            Ended::AtLine(BadLine { place, fault }) => {
                self.print()?;
                eprintln!("error: {place}: {fault}");
                ExitCode::from(exit::FINDINGS)
            }
        };
        for line in self.summary.lines(self.feed.points(), seconds, self.args.style.lang()) {
            eprintln!("{line}");
        }
        if self.summary.readings == 0 {
            eprintln!("error: {input} holds no reading of any point of {}", self.args.config.path().display());
            return Ok(ExitCode::from(exit::FINDINGS));
        }
        Ok(code)
    }
}
