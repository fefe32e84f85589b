//! `watchfire verify`: proves that the ledger is what was written, beside a running daemon or without one; writes it out
//! for others to prove, and proves what others have written out.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;
use watchfire_model::time::{Now, Timestamp};

use crate::cli::{ConfigPath, Format, Style, exit, load};
use crate::lang::Lang;
use crate::storage::ledger::export::{ExportError, export, prove};
use crate::storage::ledger::{Head, LedgerError, LedgerReader, Record};

/// Options of `verify`.
#[derive(Clone, Debug, clap::Args)]
pub struct VerifyArgs {
    /// The daemon's configuration, which names the data directory.
    #[command(flatten)]
    pub config: ConfigPath,
    /// The data directory itself, where no configuration is at hand.
    #[arg(long, value_name = "DIR", conflicts_with = "exported")]
    pub data_dir: Option<PathBuf>,
    /// Proves a file that --export has written, wherever it comes from.
    #[arg(long, value_name = "FILE")]
    pub exported: Option<PathBuf>,
    /// Writes the proven ledger out, one JSON object a line.
    #[arg(long, value_name = "FILE", conflicts_with = "exported")]
    pub export: Option<PathBuf>,
    /// A head noted earlier, such as 17:9f86d0…: it must stand on the chain as it did then.
    #[arg(long, value_name = "NUMBER:HASH")]
    pub noted: Option<Head>,
    /// How to answer.
    #[command(flatten)]
    pub style: Style,
}

/// What was proven.
struct Proven {
    head: Head,
    span: Option<(Timestamp, Timestamp)>,
    /// Whether the noted head stands, where one was named.
    noted: Option<bool>,
}

/// What is seen on the way along the chain.
struct Walk {
    wanted: Option<Head>,
    found: bool,
    span: Option<(Timestamp, Timestamp)>,
}

impl Walk {
    fn new(wanted: Option<Head>) -> Self {
        Self { found: wanted.is_some_and(|head| head == Head::EMPTY), wanted, span: None }
    }

    fn pass(&mut self, head: Head, now: Now) {
        self.found |= self.wanted == Some(head);
        let first = self.span.map_or(now.wall, |(first, _)| first);
        self.span = Some((first, now.wall));
    }

    fn end(self, head: Head) -> Proven {
        Proven { head, span: self.span, noted: self.wanted.map(|_| self.found) }
    }
}

/// Proves, and says what was proven or what is wrong first.
pub fn run(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let proven = if let Some(file) = &args.exported {
        from_file(file, args.noted)
    } else {
        let data_dir = match &args.data_dir {
            Some(dir) => dir.clone(),
            None => match load(&args.config.path(), args.style) {
                Ok(settings) => settings.data_dir,
                Err(code) => return Ok(code),
            },
        };
        from_ledger(&data_dir.join("ledger.db"), args)
    };
    match proven {
        Ok(proven) => Ok(answer(&proven, args.style)),
        Err(error) => match error.downcast_ref::<ExportError>() {
            Some(ExportError::Line { .. } | ExportError::Ledger(LedgerError::Broken(_))) => {
                eprintln!("{}: {error}", args.style.lang().pick("NOT PROVEN", "未通过"));
                Ok(ExitCode::from(exit::FINDINGS))
            }
            Some(ExportError::Ledger(_) | ExportError::File(_)) | None => Err(error),
        },
    }
}

fn from_ledger(path: &std::path::Path, args: &VerifyArgs) -> anyhow::Result<Proven> {
    let ledger = LedgerReader::open(path).map_err(ExportError::from)?;
    let mut walk = Walk::new(args.noted);
    let mut pass = |record: &Record| walk.pass(Head { id: record.id, hash: record.hash }, record.entry.now);
    let head = match &args.export {
        None => ledger.prove(pass).map_err(ExportError::from)?,
        Some(file) => {
            let out = File::create(file).with_context(|| format!("cannot write {}", file.display()))?;
            export(&ledger, &mut BufWriter::new(out), &mut pass)?
        }
    };
    Ok(walk.end(head))
}

fn from_file(file: &std::path::Path, noted: Option<Head>) -> anyhow::Result<Proven> {
    let mut text = BufReader::new(File::open(file).with_context(|| format!("cannot read {}", file.display()))?);
    let mut walk = Walk::new(noted);
    let head = prove(&mut text, |head, now| walk.pass(head, now))?;
    Ok(walk.end(head))
}

fn answer(proven: &Proven, style: Style) -> ExitCode {
    let Proven { head, span, noted } = proven;
    let stands = noted.unwrap_or(true);
    let (first, last) = (span.map(|(first, _)| first.to_string()), span.map(|(_, last)| last.to_string()));
    match style.output {
        Format::Json => println!(
            "{}",
            json!({ "proven": stands, "records": head.id.0, "head": head.to_string(), "first": first, "last": last, "noted": noted })
        ),
        Format::Csv => println!(
            "proven,records,head,first,last\n{stands},{},{head},{},{}",
            head.id.0,
            first.unwrap_or_default(),
            last.unwrap_or_default()
        ),
        Format::Table => {
            let lang = style.lang();
            let records = head.id.0;
            match lang {
                Lang::En => println!("{records} records proven, each by the one before it"),
                Lang::Zh => println!("{records} 条记录逐条相证,未见改动"),
            }
            if let (Some(first), Some(last)) = (first, last) {
                println!("{first} – {last}");
            }
            println!("{} {head}", lang.pick("head", "链首"));
        }
    }
    if !stands {
        let said = style.lang().pick(
            "NOT PROVEN: the noted head is not on this chain; records up to it were changed, or it is another ledger",
            "未通过:所记链首不在此链上;此前的记录被改动过,或不是同一本台账",
        );
        eprintln!("{said}");
        return ExitCode::from(exit::FINDINGS);
    }
    ExitCode::SUCCESS
}
