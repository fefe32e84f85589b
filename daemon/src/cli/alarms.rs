//! `watchfire alarms`: the alarms of a running daemon, and acts on one of them by a named person with a reason.

mod heading;
mod table;

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::client::{Client, Failed, Reach, wished};
use crate::cli::{Format, Style};

/// Options of `alarms`.
#[derive(Clone, Debug, clap::Args)]
pub struct AlarmsArgs {
    /// What to do.
    #[command(subcommand)]
    pub act: AlarmsAct,
    /// Which daemon, and as whom.
    #[command(flatten)]
    pub reach: Reach,
    /// How to answer.
    #[command(flatten)]
    pub style: Style,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum AlarmsAct {
    /// Lists alarms that are not quiet, the highest grade first.
    List {
        /// Only those that a person has shelved, with what is left of their time.
        #[arg(long, conflicts_with = "suppressed")]
        shelved: bool,
        /// Only those that are kept quiet by anything.
        #[arg(long)]
        suppressed: bool,
    },
    /// Shows one alarm: its grade, its evidence, what keeps it quiet, and who did and said what.
    Show {
        /// Rule and subject, such as river-stage/qingshi.
        id: String,
    },
    /// Takes note of an alarm.
    Ack(SeenArgs),
    /// Takes back that one took note.
    Unack(SideArgs),
    /// Says that what was to be done is done; after it was acknowledged.
    Confirm(SeenArgs),
    /// Lets go of a latch, once it is normal and acknowledged.
    Reset(SideArgs),
    /// Puts an alarm aside for a time: it is judged and recorded, and not announced.
    Shelve {
        /// Who, why and on which alarm.
        #[command(flatten)]
        wish: ActArgs,
        /// For how long, such as 8h.
        #[arg(long = "for", value_name = "SPAN")]
        lasting: String,
        /// The highest grade to keep quiet; the one that stands where it is not given.
        #[arg(long, value_name = "GRADE")]
        upto: Option<String>,
        /// Only until the next return to normal.
        #[arg(long)]
        once: bool,
    },
    /// Takes an alarm off its shelf.
    Unshelve(ActArgs),
    /// Takes an alarm out of service for a time; from yellow on a second person must ask for the same.
    OutOfService {
        /// Who, why and on which alarm.
        #[command(flatten)]
        wish: ActArgs,
        /// For how long, such as 2h.
        #[arg(long = "for", value_name = "SPAN")]
        lasting: String,
    },
    /// Puts an alarm back into service.
    InService(ActArgs),
    /// Takes an alarm over, hands it to somebody, or puts it back.
    Assign {
        /// Who, why and on which alarm.
        #[command(flatten)]
        wish: ActArgs,
        /// To whom; whoever acts where it is not given.
        #[arg(long, value_name = "NAME", conflicts_with = "nobody")]
        to: Option<String>,
        /// To nobody: puts it back.
        #[arg(long)]
        nobody: bool,
    },
    /// Agrees that an alarm falls to what its changed rule judges.
    Accept(SeenArgs),
    /// Adds the words of --why to an alarm's story.
    Comment(ActArgs),
    /// Sets a grade against the judged one, for a time: until it runs out, rises higher, or clears.
    SetGrade {
        /// Who, why and on which alarm.
        #[command(flatten)]
        wish: ActArgs,
        /// blue, yellow, orange, red or clear.
        #[arg(long)]
        grade: String,
        /// For how long, such as 2h.
        #[arg(long = "for", value_name = "SPAN")]
        lasting: String,
    },
    /// Takes down what somebody saw, by telephone or on patrol: it becomes an alarm like any other.
    Report(ReportedArgs),
}

/// What somebody saw.
#[derive(Clone, Debug, clap::Args)]
pub struct ReportedArgs {
    /// What it is about, such as "upstream bridge"; with the hazard it names the alarm.
    pub place: String,
    /// Of which hazard, such as river_flood.
    #[arg(long)]
    pub hazard: String,
    /// In which area.
    #[arg(long)]
    pub area: String,
    /// blue, yellow, orange or red; clear says that it is over.
    #[arg(long)]
    pub grade: String,
    /// When it was seen, such as 2026-08-01T14:20:00+08:00; now where it is not given.
    #[arg(long, value_name = "INSTANT")]
    pub seen: Option<String>,
    /// Who saw it, and how they are reached.
    #[arg(long)]
    pub by: String,
    /// For whom a machine acts; a person acts as whoever they signed in as.
    #[arg(long, env = "WATCHFIRE_WHO")]
    pub who: Option<String>,
    /// What was seen.
    #[arg(long)]
    pub why: String,
}

/// An act on one alarm.
#[derive(Clone, Debug, clap::Args)]
pub struct ActArgs {
    /// Rule and subject, such as river-stage/qingshi.
    pub id: String,
    /// For whom a machine acts; a person acts as whoever they signed in as.
    #[arg(long, env = "WATCHFIRE_WHO")]
    pub who: Option<String>,
    /// Why.
    #[arg(long)]
    pub why: String,
}

/// An act on one side of an alarm.
#[derive(Clone, Debug, clap::Args)]
pub struct SideArgs {
    /// Who, why and on which alarm.
    #[command(flatten)]
    pub wish: ActArgs,
    /// Its fault, not its hazard.
    #[arg(long)]
    pub fault: bool,
}

/// An act on one side of an alarm as it was seen.
#[derive(Clone, Debug, clap::Args)]
pub struct SeenArgs {
    /// Which side of which alarm.
    #[command(flatten)]
    pub side: SideArgs,
    /// The version seen; the present one where it is not given.
    #[arg(long, value_name = "VERSION")]
    pub seen: Option<u64>,
}

/// Asks the daemon and prints the answer.
pub async fn run(args: AlarmsArgs) -> anyhow::Result<ExitCode> {
    let done = match args.reach.client() {
        Ok(client) => ask(&client, &args.act, args.style).await,
        Err(failed) => Err(failed),
    };
    Ok(match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => failed.said(),
    })
}

async fn ask(client: &Client, act: &AlarmsAct, style: Style) -> Result<(), Failed> {
    let (wish, name, more) = match act {
        AlarmsAct::List { shelved, suppressed } => {
            let chosen =
                if *shelved { Some(("suppressed", "shelved")) } else { suppressed.then_some(("suppressed", "any")) };
            list(&client.pages("alarms", chosen).await?, style);
            return Ok(());
        }
        AlarmsAct::Show { id } => {
            show(&client.one(&path(id)?).await?, style);
            return Ok(());
        }
        AlarmsAct::Ack(wish) => (&wish.side.wish, "ack", seen(client, wish).await?),
        AlarmsAct::Unack(side) => (&side.wish, "unack", concern(side)),
        AlarmsAct::Confirm(wish) => (&wish.side.wish, "confirm", seen(client, wish).await?),
        AlarmsAct::Reset(side) => (&side.wish, "reset", concern(side)),
        AlarmsAct::Shelve { wish, lasting, upto, once } => {
            (wish, "shelve", json!({"lasting": lasting, "upto": upto, "once": once}))
        }
        AlarmsAct::Unshelve(wish) => (wish, "unshelve", json!({})),
        AlarmsAct::OutOfService { wish, lasting } => (wish, "out-of-service", json!({"lasting": lasting})),
        AlarmsAct::InService(wish) => (wish, "in-service", json!({})),
        AlarmsAct::Assign { wish, to, nobody } => (wish, "assign", json!({"to": to, "mine": to.is_none() && !nobody})),
        AlarmsAct::Accept(wish) => (&wish.side.wish, "accept", seen(client, wish).await?),
        AlarmsAct::Comment(wish) => (wish, "comment", json!({})),
        AlarmsAct::SetGrade { wish, grade, lasting } => {
            (wish, "set-grade", json!({"grade": grade, "lasting": lasting}))
        }
        AlarmsAct::Report(report) => {
            let ReportedArgs { place, hazard, area, grade, seen, by, who, why } = report;
            let body = json!({"place": place, "hazard": hazard, "area": area, "grade": grade, "seen_at": seen,
                "by": by, "who": who, "why": why});
            after(place, "report", &client.act(&[], "reports", &body).await?, style);
            return Ok(());
        }
    };
    let body = wished(more, wish.who.as_deref(), &wish.why);
    after(&wish.id, name, &client.act(&path(&wish.id)?, name, &body).await?, style);
    Ok(())
}

/// How it stands after an act; nothing, where it is quiet now.
fn after(id: &str, act: &str, alarm: &Value, style: Style) {
    match style.output {
        Format::Table if alarm.is_null() => println!("{id}: {act}"),
        Format::Table => println!("{}", table::line(alarm, style.lang())),
        Format::Json => println!("{alarm}"),
        Format::Csv => println!("{}\n{}", table::CSV_HEADER, table::csv(alarm)),
    }
}

fn concern(side: &SideArgs) -> Value {
    json!({"concern": if side.fault { "fault" } else { "hazard" }})
}

/// What was seen: the version named, or the present one.
async fn seen(client: &Client, wish: &SeenArgs) -> Result<Value, Failed> {
    let version = match wish.seen {
        Some(version) => version,
        None => client.one(&path(&wish.side.wish.id)?).await?["version"].as_u64().unwrap_or(0),
    };
    let mut body = concern(&wish.side);
    body["version"] = json!(version);
    Ok(body)
}

/// Where an alarm is asked for. A rule's name has no slash; a subject's may.
fn path(id: &str) -> Result<[&str; 3], Failed> {
    let (rule, subject) = id.split_once('/').ok_or_else(|| Failed::Refused {
        detail: format!("\"{id}\" names no alarm; write rule/subject, such as river-stage/qingshi"),
    })?;
    Ok(["alarms", rule, subject])
}

fn list(items: &[Value], style: Style) {
    match style.output {
        Format::Table => print!("{}", table::list(items, style.lang())),
        Format::Json => items.iter().for_each(|item| println!("{item}")),
        Format::Csv => {
            println!("{}", table::CSV_HEADER);
            items.iter().for_each(|item| println!("{}", table::csv(item)));
        }
    }
}

fn show(alarm: &Value, style: Style) {
    match style.output {
        Format::Table => print!("{}", table::whole(alarm, style.lang())),
        Format::Json => println!("{alarm}"),
        Format::Csv => println!("{}\n{}", table::CSV_HEADER, table::csv(alarm)),
    }
}
