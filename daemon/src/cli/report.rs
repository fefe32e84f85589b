//! `watchfire report`: what a shift, a day or a month was like for the people on duty, told from the ledger; beside a
//! running daemon or without one.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use serde::Serialize;
use watchfire_model::grade::Grade;
use watchfire_model::mode::Live;
use watchfire_model::site::{Audience, Site};
use watchfire_model::time::{Span, Timestamp};
use watchfire_rules::desk::{Desk, Event, Input};
use watchfire_rules::figures::{People, Person, Report, Tally, Watcher};
use watchfire_rules::scores::{Course, Courses, Occurrence, Released, Window};

use crate::cli::backtest::events::EventsArgs;
use crate::cli::backtest::scoring::grades;
use crate::cli::{ConfigPath, Format, Style, emit, load};
use crate::clock::Clock;
use crate::storage::ledger::{LedgerId, LedgerReader};

mod markdown;
mod outcome;
mod people;
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
    /// What really happened: what was released to the public is scored against it, as the ledger has it and not judged
    /// again. Drills, and what says Test, never count.
    #[command(flatten)]
    pub happened: EventsArgs,
    /// How long before an event the public should have been warned; it is told of what share it was.
    #[arg(long, value_name = "SPAN", default_value = "30m", requires = "events")]
    pub lead_goal: Span,
    /// How to answer: a table is Markdown.
    #[command(flatten)]
    pub style: Style,
}

/// All that is told. Spans are in milliseconds.
#[derive(Debug, Serialize)]
struct Told {
    #[serde(flatten)]
    figures: Report,
    /// Who did what, one by one.
    people: Vec<Person>,
    /// Acts of those who are too many to be told apart.
    acts_beyond: u64,
    /// How what was released to the public did, where it is known what happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    released: Option<Released>,
}

/// Reads the ledger and tells.
pub fn run(args: &ReportArgs) -> anyhow::Result<ExitCode> {
    let settings = match load(&args.config.path(), args.style) {
        Ok(settings) => settings,
        Err(code) => return Ok(code),
    };
    let site = settings.site();
    let happened = match args.happened.happened(site)? {
        Ok(happened) => happened,
        Err(code) => return Ok(code),
    };
    let now = Clock::system(None).now().wall;
    let period = args.period.resolve(now, &site.zone.name)?;
    let path = args.data_dir.as_ref().unwrap_or(&settings.data_dir).join("ledger.db");
    let ledger = LedgerReader::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let heard = hear(&ledger, Arc::clone(site), period)?;
    ensure!(happened.is_none() || !heard.cut_off, "the ledger has more changes of public grades than can be scored");
    let released = happened.map(|happened| score(args, site, &heard, &happened, now));
    let (people, acts_beyond) = heard.people.told();
    let told = Told { figures: heard.figures, people, acts_beyond, released };
    match args.style.output {
        Format::Table => emit(&markdown::write(&told, site, args.style.lang())),
        Format::Json => emit(&format!("{}\n", serde_json::to_string(&told)?)),
        Format::Csv => emit(&rows::write(&told)),
    }
    Ok(ExitCode::SUCCESS)
}

/// What the ledger says.
struct Heard {
    figures: Report,
    people: People,
    /// There are more changes of public grades than can be scored.
    cut_off: bool,
    /// Every warning that the public was told of, up to the period's end.
    courses: Vec<Course>,
}

/// Goes through the ledger from its beginning: what stood at the period's beginning began before it.
fn hear(ledger: &LedgerReader, site: Arc<Site>, period: Period) -> anyhow::Result<Heard> {
    let mut desk = Desk::<Live>::new(site);
    let (mut watcher, mut tally) = (Watcher::default(), Tally::default());
    let (mut courses, mut people) = (Courses::in_earnest(Audience::Public), People::default());
    let mut last = period.from;
    for record in ledger.read(LedgerId(1)) {
        let record = record?;
        let now = record.entry.now;
        if now.wall >= period.to {
            break;
        }
        let strange = || format!("cannot understand ledger record {}", record.id.0);
        let events: Vec<Event<Live>> = serde_json::from_str(&record.entry.events).with_context(strange)?;
        let input = by_people(&record.entry.input).with_context(strange)?;
        events.iter().for_each(|event| desk.apply(now, event));
        courses.see(&desk, now.wall, &events);
        input.iter().for_each(|input| people.know(input));
        let facts = watcher.see(&desk, now, &events);
        if now.wall >= period.from {
            input.iter().for_each(|input| people.add(input, &facts));
            facts.iter().for_each(|fact| tally.add(now.wall, fact));
        }
        last = last.max(now.wall);
    }
    // A period that is not over ends with what the ledger knows, the last of it included.
    let to = if period.running { last.max(period.from) + Span(1) } else { period.to };
    let figures = tally.report(period.from, to.max(Timestamp(period.from.0 + 1)), &watcher);
    Ok(Heard { figures, people, cut_off: courses.is_full(), courses: courses.told() })
}

/// What a person or a machine asked for; all else says nothing of them and is not read.
fn by_people(input: &str) -> serde_json::Result<Option<Input>> {
    let is_theirs = ["{\"command\":", "{\"deed\":"].iter().any(|begin| input.starts_with(begin));
    is_theirs.then(|| serde_json::from_str(input)).transpose()
}

/// Holds what was released against what happened.
fn score(args: &ReportArgs, site: &Site, heard: &Heard, happened: &[Occurrence], now: Timestamp) -> Released {
    let window = Window { from: heard.figures.from, to: heard.figures.to, known_until: now };
    // What rules have now, and what others may have raised before a reload.
    let known = grades(site);
    let raised = |grade: &Grade| known.contains(grade) || heard.courses.iter().any(|it| it.peak() == Some(*grade));
    let grades: Vec<Grade> = Grade::ALL.into_iter().filter(raised).collect();
    Released::score(&heard.courses, happened, args.happened.matching(), args.lead_goal, window, &grades)
}
