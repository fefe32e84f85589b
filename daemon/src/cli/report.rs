//! `watchfire report`: what a shift, a day or a month was like for the people on duty, told from the ledger; beside a
//! running daemon or without one.

use std::process::ExitCode;

use anyhow::Context as _;
use watchfire_model::mode::Live;
use watchfire_model::site::Site;
use watchfire_model::time::Timestamp;
use watchfire_rules::desk::{Desk, Event};
use watchfire_rules::figures::{Report, Tally, Watcher};

use crate::cli::{ConfigPath, Format, Style, emit, load};
use crate::clock::Clock;
use crate::storage::ledger::{LedgerId, LedgerReader};

mod markdown;
mod period;
mod rows;

use period::{Period, PeriodArgs};

/// Options of `report`.
#[derive(Clone, Debug, clap::Args)]
pub struct ReportArgs {
    /// Of which time.
    #[command(flatten)]
    pub period: PeriodArgs,
    /// The daemon's configuration, which names the data directory and the zone.
    #[command(flatten)]
    pub config: ConfigPath,
    /// Another data directory than the configuration's.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<std::path::PathBuf>,
    /// How to answer: a table is Markdown.
    #[command(flatten)]
    pub style: Style,
}

/// Reads the ledger and tells.
pub fn run(args: &ReportArgs) -> anyhow::Result<ExitCode> {
    let settings = match load(&args.config.path(), args.style) {
        Ok(settings) => settings,
        Err(code) => return Ok(code),
    };
    let zone = &settings.site.zone.name;
    let period = args.period.resolve(Clock::system(None).now().wall, zone)?;
    let path = args.data_dir.as_ref().unwrap_or(&settings.data_dir).join("ledger.db");
    let ledger = LedgerReader::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let report = tell(&ledger, settings.site.clone(), period)?;
    match args.style.output {
        Format::Table => emit(&markdown::write(&report, &settings.site, args.style.lang())),
        Format::Json => emit(&format!("{}\n", serde_json::to_string(&report)?)),
        Format::Csv => emit(&rows::write(&report)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Goes through the ledger from its beginning: what stood at the period's beginning began before it.
fn tell(ledger: &LedgerReader, site: std::sync::Arc<Site>, period: Period) -> anyhow::Result<Report> {
    let mut desk = Desk::<Live>::new(site);
    let (mut watcher, mut tally) = (Watcher::default(), Tally::default());
    let mut last = period.from;
    for record in ledger.read(LedgerId(1)) {
        let record = record?;
        let now = record.entry.now;
        if now.wall >= period.to {
            break;
        }
        let events: Vec<Event<Live>> = serde_json::from_str(&record.entry.events)
            .with_context(|| format!("cannot understand ledger record {}", record.id.0))?;
        events.iter().for_each(|event| desk.apply(now, event));
        let facts = watcher.see(&desk, now, &events);
        if now.wall >= period.from {
            facts.iter().for_each(|fact| tally.add(now.wall, fact));
        }
        last = last.max(now.wall);
    }
    // A period that is not over ends with what the ledger knows.
    let to = if period.running { last.max(period.from) } else { period.to };
    Ok(tally.report(period.from, to.max(Timestamp(period.from.0 + 1)), &watcher))
}
