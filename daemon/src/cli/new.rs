//! `watchfire config new`: a first configuration with its spreadsheets, its cases, and a recorded river to try it on.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use watchfire_model::time::{Span, Timestamp};

use crate::cli::{emit, exit};
use crate::lang::Lang;

/// Options of `config new`.
#[derive(Clone, Debug, clap::Args)]
pub struct NewArgs {
    /// What it watches.
    #[arg(value_enum)]
    pub what: What,
    /// The folder that the files are written into; this one where none is given.
    #[arg(value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
}

/// What a first configuration watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum What {
    /// Two gauges on a river.
    River,
}

/// Stage of the River Calder, 20 days of 15 minutes; its head says whose it is.
const RECORDING: &str = include_str!("../../recordings/stage-hebden-bridge.txt");

/// Writes the files; none where one of them is there already.
pub fn run(args: &NewArgs, lang: Lang) -> anyhow::Result<ExitCode> {
    let files: Vec<(&str, String)> = match args.what {
        What::River => vec![
            ("watchfire.toml", include_str!("new/watchfire.toml").to_owned()),
            ("stations.csv", include_str!("new/stations.csv").to_owned()),
            ("points.csv", include_str!("new/points.csv").to_owned()),
            ("cases/river.test.toml", include_str!("new/river.test.toml").to_owned()),
            ("hebden.csv", recording("hebden", "stage")?),
        ],
    };
    let there: Vec<&str> = files.iter().map(|(name, _)| *name).filter(|name| args.dir.join(name).exists()).collect();
    if !there.is_empty() {
        let what = lang.pick("error: already there, and nothing was written", "错误: 文件已存在,未写入任何内容");
        eprintln!("{what}: {}", there.join(", "));
        return Ok(ExitCode::from(exit::USAGE));
    }
    for (name, text) in &files {
        write(&args.dir.join(name), text)?;
        emit(&format!("{name}\n"));
    }
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let failed = || format!("cannot write {}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(failed)?;
    }
    std::fs::write(path, text).with_context(failed)
}

/// The recording as a spreadsheet: `time,station,point,value`, in GMT.
fn recording(station: &str, point: &str) -> anyhow::Result<String> {
    let step = Span::minutes(15);
    let mut out = String::from("time,station,point,value\n");
    for line in RECORDING.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split(' ');
        let first = words.next().and_then(|first| format!("{first}:00Z").parse::<jiff::Timestamp>().ok());
        let mut at = Timestamp(first.context("the recording has a line without a time")?.as_millisecond());
        for value in words {
            let _ = writeln!(out, "{at},{station},{point},{value}");
            at = at + step;
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recording_is_all_there_and_in_order() {
        let text = recording("hebden", "stage").expect("it ships");
        let rows: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(rows.first(), Some(&"2025-08-25T00:00:00Z,hebden,stage,-0.064"));
        let samples = RECORDING.lines().filter(|line| !line.starts_with('#')).map(|line| line.matches(' ').count());
        assert_eq!(rows.len(), samples.sum::<usize>());
        assert!(rows.is_sorted());
    }
}
