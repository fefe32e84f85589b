//! `watchfire backtest`: recorded readings through the very same machines, in virtual time.

mod csv;
mod field;
mod line;
mod line_protocol;
mod points;
mod recording;
mod report;

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use watchfire_model::id::PointIx;
use watchfire_model::quantity::{Bad, Finite};
use watchfire_model::time::Timestamp;
use watchfire_rules::evaluator::Evaluator;
use watchfire_rules::replay::Replay;

use crate::cli::{Style, exit, load};
use crate::config::settings::Settings;

use self::line::Record;
use self::line_protocol::{LineProtocol, Precision};
use self::points::Points;
use self::recording::{Format, Line, Recording};
use self::report::{Summary, Transitions};

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
    #[arg(short, long, value_name = "FILE")]
    pub config: PathBuf,
    /// The recording: CSV with `time,station,point,value`, or line protocol; `-` is stdin.
    #[arg(short, long, value_name = "FILE")]
    pub input: PathBuf,
    /// What the recording is; by its ending (.lp = line protocol, else CSV) where it is not given.
    #[arg(long, value_enum)]
    pub format: Option<InputFormat>,
    /// Unit of the times of line protocol.
    #[arg(long, value_enum, default_value_t)]
    pub precision: Precision,
    /// Ends at the first line that cannot be read; else such lines are counted.
    #[arg(long)]
    pub strict: bool,
    /// Reads the recording into memory first and measures the judging alone.
    #[arg(long, hide = true)]
    pub bench: bool,
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
    let settings = match load(&args.config, args.style) {
        Ok(settings) => settings,
        Err(code) => return Ok(code),
    };
    let rules = match watchfire_rules::ruleset::RuleSet::compile(settings.site.clone()) {
        Ok(rules) => rules,
        Err(problems) => {
            for problem in problems {
                eprintln!("error: {}: {}", problem.origin, problem.message);
            }
            return Ok(ExitCode::from(exit::CONFIG));
        }
    };
    let (from, length) = open(&args.input)?;
    let recording = Recording::new(from, format(&args));
    let replay = Replay::new(Evaluator::new(rules.into()));
    let mut backtest = Backtest::new(&args, &settings, replay, bar(length));
    let ended = if args.bench { backtest.bench(recording) } else { backtest.play(recording) };
    backtest.finish(ended)
}

/// A recording and how long it is, where that is known.
fn open(input: &Path) -> anyhow::Result<(Box<dyn Read>, Option<u64>)> {
    if input == Path::new("-") {
        return Ok((Box::new(std::io::stdin().lock()), None));
    }
    let file = File::open(input).with_context(|| format!("cannot open the recording {}", input.display()))?;
    let length = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|data| data.len());
    Ok((Box::new(file), length))
}

fn format(args: &BacktestArgs) -> Format {
    let by_ending =
        || if args.input.extension().is_some_and(|end| end == "lp") { InputFormat::Lp } else { InputFormat::Csv };
    match args.format.unwrap_or_else(by_ending) {
        InputFormat::Csv => Format::CsvHeader,
        InputFormat::Lp => Format::LineProtocol(LineProtocol::new(args.precision)),
    }
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
    /// At a bad line, with what is wrong with it (`--strict`).
    AtLine(u64, line::Fault),
    /// Nobody reads stdout any more.
    Unread,
}

/// A backtest under way.
struct Backtest<'a> {
    args: &'a BacktestArgs,
    points: Points,
    replay: Replay,
    transitions: Transitions,
    summary: Summary,
    /// Keeps the time too.
    bar: ProgressBar,
}

impl<'a> Backtest<'a> {
    fn new(args: &'a BacktestArgs, settings: &Settings, replay: Replay, bar: ProgressBar) -> Self {
        Self {
            args,
            points: Points::of(&settings.site),
            replay,
            transitions: Transitions::new(args.style, &settings.site),
            summary: Summary::default(),
            bar,
        }
    }

    /// Judges line by line, in bounded memory.
    fn play(&mut self, mut recording: Recording<impl Read>) -> anyhow::Result<Ended> {
        let mut record = Record::new();
        let mut next_pause = PAUSE;
        while let Some(line) = recording.next(&mut record).with_context(|| self.input())? {
            match line {
                Line::Nothing => {}
                Line::Bad(fault) if self.args.strict => return Ok(Ended::AtLine(recording.line(), fault)),
                Line::Bad(fault) => self.summary.bad_line(recording.line(), fault),
                Line::Reading => {
                    if let Some(point) = self.points.find(&record.name) {
                        self.judge(point, record.at, record.value);
                    }
                }
            }
            if recording.line() >= next_pause || self.transitions.text().len() >= WAITING_TEXT {
                next_pause = recording.line() + PAUSE;
                self.bar.set_position(recording.bytes());
                if !self.print()? {
                    return Ok(Ended::Unread);
                }
            }
        }
        Ok(if self.print()? { Ended::Whole } else { Ended::Unread })
    }

    /// Judges from memory: the figure is the machines' own.
    fn bench(&mut self, mut recording: Recording<impl Read>) -> anyhow::Result<Ended> {
        let mut record = Record::new();
        let mut held: Vec<(PointIx, Timestamp, Result<Finite, Bad>)> = Vec::new();
        while let Some(line) = recording.next(&mut record).with_context(|| self.input())? {
            if let (Line::Reading, Some(point)) = (line, self.points.find(&record.name)) {
                held.push((point, record.at, record.value));
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

    fn finish(mut self, ended: anyhow::Result<Ended>) -> anyhow::Result<ExitCode> {
        let seconds = self.bar.elapsed().as_secs_f64();
        self.bar.finish_and_clear();
        let code = match ended? {
            Ended::Whole => ExitCode::SUCCESS,
            Ended::Unread => return Ok(ExitCode::SUCCESS),
            Ended::AtLine(line, fault) => {
                self.print()?;
                eprintln!("error: {}:{line}: {fault}", self.args.input.display());
                ExitCode::from(exit::FINDINGS)
            }
        };
        let input = self.args.input.display().to_string();
        for line in self.summary.lines(&input, &self.points, seconds, self.args.style.lang()) {
            eprintln!("{line}");
        }
        if self.summary.readings == 0 {
            eprintln!("error: {input} holds no reading of any point of {}", self.args.config.display());
            return Ok(ExitCode::from(exit::FINDINGS));
        }
        Ok(code)
    }

    fn input(&self) -> String {
        format!("cannot judge {}", self.args.input.display())
    }
}
