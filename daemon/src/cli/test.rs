//! `watchfire test`: cases told to the rules in virtual time, and whether what came of them is what was expected.

mod beside;
mod case;
mod expect;
mod file;
mod junit;
mod mutate;
mod report;
mod verdict;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use crate::cli::{Format, Style, exit, resolve};
use crate::clock::Stopwatch;

pub(crate) use self::beside::beside;
use self::file::{Sites, TestFile};
use self::report::Report;

/// How a case file's name ends.
const ENDING: &str = ".test.toml";
/// Deepest folder that is looked into.
const DEEPEST: usize = 8;
/// Most case files of one run.
const MOST_FILES: usize = 10_000;

/// A case file with everything that may stand in one.
pub const EXAMPLE: &str = include_str!("test/example.toml");

/// Options of `test`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_long_help = EXAMPLE)]
pub struct TestArgs {
    /// Case files, or folders with files named *.test.toml; the folder `cases` beside the configuration where none is given.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The configuration whose rules are tested; a file that names its own (`config = "…"`) keeps to that.
    #[arg(short, long, env = "WATCHFIRE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Only cases whose name, rule or file holds this text.
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Moves every threshold, delay and comparison of the rules under test, and reports what no case notices.
    #[arg(long)]
    pub mutate: bool,
    /// Writes the result as JUnit XML too.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// How to answer.
    #[command(flatten)]
    pub style: Style,
}

/// Runs the cases.
pub fn run(args: &TestArgs) -> anyhow::Result<ExitCode> {
    let lang = args.style.lang();
    let watch = Stopwatch::start();
    let paths = match found(args) {
        Ok(paths) => paths,
        Err(message) => {
            eprintln!("{}: {message}", lang.pick("error", "错误"));
            return Ok(ExitCode::from(exit::USAGE));
        }
    };
    let mut sites = Sites::new(args.config.as_deref(), args.style);
    let mut files = Vec::new();
    for path in &paths {
        match TestFile::read(path, &mut sites) {
            Ok(file) => files.push(file),
            Err(problems) => {
                eprint!("{}", problems.display(lang, args.style.colour()));
                return Ok(ExitCode::from(exit::CONFIG));
            }
        }
    }
    let mut report = Report::new(args.style);
    for file in &files {
        report.file(file, &sites, args.filter.as_deref());
    }
    if let Some(path) = &args.junit {
        let xml = junit::document(report.files()).context("cannot write the cases as XML")?;
        std::fs::write(path, xml).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if report.cases() == 0 {
        eprintln!("{}", lang.pick("error: no case fits the filter", "错误: 没有用例符合筛选条件"));
        return Ok(ExitCode::from(exit::USAGE));
    }
    report.summary(watch.seconds());
    let failed = report.failed() > 0;
    let survived = args.mutate && !failed && mutate::run(&files, &sites, args)? > 0;
    Ok(if failed || survived { ExitCode::from(exit::FINDINGS) } else { ExitCode::SUCCESS })
}

/// The case files meant, in order of name.
fn found(args: &TestArgs) -> Result<Vec<PathBuf>, String> {
    let lang = args.style.lang();
    let beside = || resolve(args.config.as_deref()).parent().unwrap_or_else(|| Path::new("")).join("cases");
    let wanted = if args.paths.is_empty() { vec![beside()] } else { args.paths.clone() };
    let mut files = Vec::new();
    for path in &wanted {
        if path.is_file() {
            files.push(path.clone());
            continue;
        }
        let before = files.len();
        look_into(path, DEEPEST, &mut files).map_err(|error| format!("{}: {error}", path.display()))?;
        if files.len() == before {
            let none = lang.pick("there is no case file (*.test.toml) in", "没有用例文件(*.test.toml):");
            return Err(format!("{none} {}", path.display()));
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}

fn look_into(folder: &Path, deeper: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let named = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with(ENDING));
        if path.is_dir() && deeper > 0 {
            look_into(&path, deeper - 1, files)?;
        } else if named && files.len() < MOST_FILES {
            files.push(path);
        }
    }
    Ok(())
}

/// Whether people read the answer.
const fn is_for_people(style: Style) -> bool {
    matches!(style.output, Format::Table)
}
