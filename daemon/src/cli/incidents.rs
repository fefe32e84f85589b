//! `watchfire incidents`: what many sensors share and is in trouble, which places nobody watches, and taking note of one.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::Style;
use crate::cli::client::{Client, Failed, Reach, wished};
use crate::cli::warnings::table::{aligned, each, printed, time, words};
use crate::lang::Lang;

const CSV_HEADER: &str = "id,kind,name,since,until,open,urgent,attention,sensors,reason";
const WATCH_CSV_HEADER: &str = "area,area_name,hazard,stands,live,of,needs";

/// Options of `incidents`.
#[derive(Clone, Debug, clap::Args)]
pub struct IncidentsArgs {
    /// What to do.
    #[command(subcommand)]
    pub act: IncidentsAct,
    /// Which daemon, and as whom.
    #[command(flatten)]
    pub reach: Reach,
    /// How to answer.
    #[command(flatten)]
    pub style: Style,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum IncidentsAct {
    /// Lists open incidents, the urgent first.
    List {
        /// Closed ones too.
        #[arg(long)]
        all: bool,
    },
    /// Lists, for each area and hazard, whether enough sensors look out.
    Watches {
        /// Only places that nobody watches.
        #[arg(long)]
        unwatched: bool,
    },
    /// Takes note of an incident.
    Ack {
        /// Its id, such as I-20260801-0001.
        id: String,
        /// For whom a machine acts; a person acts as whoever they signed in as.
        #[arg(long, env = "WATCHFIRE_WHO")]
        who: Option<String>,
        /// Why.
        #[arg(long)]
        why: String,
    },
}

/// Asks the daemon and prints the answer.
pub async fn run(args: IncidentsArgs) -> anyhow::Result<ExitCode> {
    let done = match args.reach.client() {
        Ok(client) => ask(&client, &args.act, args.style).await,
        Err(failed) => Err(failed),
    };
    Ok(match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => failed.said(),
    })
}

async fn ask(client: &Client, act: &IncidentsAct, style: Style) -> Result<(), Failed> {
    match act {
        IncidentsAct::List { all } => {
            let items = client.pages("incidents", all.then_some(("state", "all"))).await?;
            printed(&items, style, CSV_HEADER, incidents, incident_csv);
        }
        IncidentsAct::Watches { unwatched } => {
            let items = client.pages("watches", unwatched.then_some(("stands", "unwatched"))).await?;
            printed(&items, style, WATCH_CSV_HEADER, watches, watch_csv);
        }
        IncidentsAct::Ack { id, who, why } => {
            let after = client.act(&["incidents", id], "ack", &wished(json!({}), who.as_deref(), why)).await?;
            printed(&[after], style, CSV_HEADER, incidents, incident_csv);
        }
    }
    Ok(())
}

fn incidents(items: &[Value], lang: Lang) -> String {
    if items.is_empty() {
        return lang.pick("No such incidents.\n", "没有这样的事件。\n").to_owned();
    }
    let head = lang.pick("INCIDENT|ABOUT|SINCE|UNTIL|SENSORS|STATE|WHY", "事件|对象|起于|止于|测点|状态|原因");
    let mut rows: Vec<Vec<String>> = vec![head.split('|').map(str::to_owned).collect()];
    rows.extend(items.iter().map(|item| {
        let until = time(&item["until"]);
        let lasts = lang.pick("still", "至今").to_owned();
        let count = item["count"].as_u64().filter(|count| *count > 0).map(|count| count.to_string());
        vec![
            words(&item["id"]),
            format!("{} {}", kind(&item["kind"], lang), words(&item["name"])).trim_end().to_owned(),
            time(&item["since"]),
            if until.is_empty() { lasts } else { until },
            count.unwrap_or_default(),
            state(item, lang),
            words(&item["reason"]),
        ]
    }));
    aligned(&rows)
}

fn state(item: &Value, lang: Lang) -> String {
    let urgent = item["urgent"].as_bool().unwrap_or(false).then(|| lang.pick("urgent", "紧急").to_owned());
    let attention = match item["attention"]["is"].as_str() {
        Some("unacked") => Some(lang.pick("not acknowledged", "未确认").to_owned()),
        Some("acked") => {
            Some(format!("{} {}", lang.pick("acknowledged by", "已确认"), words(&item["attention"]["by"])))
        }
        _ => None,
    };
    let within = item["within"].as_str().map(|id| format!("{} {id}", lang.pick("part of", "属于")));
    [urgent, attention, within].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn kind(value: &Value, lang: Lang) -> String {
    let word = match value.as_str() {
        Some("link") => lang.pick("link", "链路"),
        Some("gateway") => lang.pick("gateway", "网关"),
        Some("power") => lang.pick("power", "供电"),
        Some("logger") => lang.pick("logger", "采集器"),
        Some("station") => lang.pick("station", "测站"),
        Some("host_clock") => lang.pick("our own clock", "本机时钟"),
        Some("judging") => lang.pick("judging is late", "判别滞后"),
        Some("unwatched") => lang.pick("unwatched", "监测盲区"),
        other => other.unwrap_or_default(),
    };
    word.to_owned()
}

fn incident_csv(item: &Value) -> Vec<String> {
    let sensors = each(&item["sensors"]).map(|it| format!("{}/{}", words(&it["station"]), words(&it["point"])));
    vec![
        words(&item["id"]),
        words(&item["kind"]),
        words(&item["name"]),
        time(&item["since"]),
        time(&item["until"]),
        words(&item["open"]),
        words(&item["urgent"]),
        words(&item["attention"]["is"]),
        sensors.collect::<Vec<_>>().join(" "),
        words(&item["reason"]),
    ]
}

fn watches(items: &[Value], lang: Lang) -> String {
    if items.is_empty() {
        return lang.pick("No such places.\n", "没有这样的区域。\n").to_owned();
    }
    let head = lang.pick("AREA|NAME|HAZARD|WATCHED|STATIONS|NEEDED", "区域|名称|灾种|值守|可用测站|至少");
    let mut rows: Vec<Vec<String>> = vec![head.split('|').map(str::to_owned).collect()];
    rows.extend(items.iter().map(|item| {
        let stands = match item["stands"].as_str() {
            Some("watched") => lang.pick("watched", "有监测"),
            Some("starting") => lang.pick("not heard yet", "尚未来数"),
            Some("judging") => lang.pick("judging is late", "判别滞后"),
            Some("unwatched") => lang.pick("UNWATCHED", "监测盲区"),
            other => other.unwrap_or_default(),
        };
        let none = lang.pick("no rule", "无规则").to_owned();
        let hazard = if item["hazard"].is_string() { words(&item["hazard"]) } else { none };
        let stations = format!("{}/{}", item["live"], item["of"]);
        vec![
            words(&item["area"]),
            words(&item["area_name"]),
            hazard,
            stands.to_owned(),
            stations,
            words(&item["needs"]),
        ]
    }));
    aligned(&rows)
}

fn watch_csv(item: &Value) -> Vec<String> {
    ["area", "area_name", "hazard", "stands", "live", "of", "needs"].map(|key| words(&item[key])).to_vec()
}
