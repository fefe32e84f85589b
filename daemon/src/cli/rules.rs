//! `watchfire rules`: the rules in force, and which of them take the time.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::Value;

use crate::cli::Style;
use crate::cli::client::{Client, Failed, Reach};
use crate::cli::warnings::table::{aligned, printed, words};
use crate::lang::Lang;

const CSV_HEADER: &str =
    "id,hazard,way,subjects,shadow,evaluations,timed,mean_us,worst_us,budget_us,of_budget,over_budget,share";

/// Options of `rules`.
#[derive(Clone, Debug, clap::Args)]
pub struct RulesArgs {
    /// What to do.
    #[command(subcommand)]
    pub act: RulesAct,
    /// Which daemon, and as whom.
    #[command(flatten)]
    pub reach: Reach,
    /// How to answer.
    #[command(flatten)]
    pub style: Style,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum RulesAct {
    /// Lists the rules in force with what an evaluation takes, of one subject with all that is judged by it. Times are
    /// taken of some evaluations, the more often the dearer a rule is; the longest may hold a moment in which the machine
    /// ran something else.
    List {
        /// Those that have taken most time first, ten of them or as many as are asked for.
        #[arg(long, value_name = "COUNT", num_args = 0..=1, default_missing_value = "10")]
        slow: Option<usize>,
    },
}

/// Asks the daemon and prints the answer.
pub async fn run(args: RulesArgs) -> anyhow::Result<ExitCode> {
    let done = match args.reach.client() {
        Ok(client) => ask(&client, &args.act, args.style).await,
        Err(failed) => Err(failed),
    };
    Ok(match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => failed.said(),
    })
}

async fn ask(client: &Client, act: &RulesAct, style: Style) -> Result<(), Failed> {
    let RulesAct::List { slow } = act;
    let mut items = client.pages("rules", slow.map(|_| ("order", "cost"))).await?;
    items.truncate(slow.unwrap_or(usize::MAX));
    printed(&items, style, CSV_HEADER, table, csv);
    Ok(())
}

fn table(items: &[Value], lang: Lang) -> String {
    if items.is_empty() {
        return lang.pick("No rules.\n", "没有规则。\n").to_owned();
    }
    let head = lang.pick(
        "RULE|WAY|SUBJECTS|EVALUATIONS|MEAN|LONGEST|OF 50 MS|OVER|SHARE",
        "规则|方式|对象|计算次数|平均|最长|占50毫秒|超限|占判别时间",
    );
    let mut rows: Vec<Vec<String>> = vec![head.split('|').map(str::to_owned).collect()];
    rows.extend(items.iter().map(|item| {
        let cost = &item["cost"];
        let way = match item["way"].as_str() {
            Some("native") => lang.pick("native", "内置").to_owned(),
            Some("rhai") => lang.pick("script", "脚本").to_owned(),
            _ => words(&item["way"]),
        };
        vec![
            words(&item["id"]),
            way,
            words(&item["subjects"]),
            words(&cost["evaluations"]),
            micros(&cost["mean_us"]),
            micros(&cost["worst_us"]),
            percent(&cost["of_budget"]),
            words(&cost["over_budget"]),
            percent(&cost["share"]),
        ]
    }));
    aligned(&rows)
}

/// Microseconds as people say them.
fn micros(value: &Value) -> String {
    match value.as_f64().unwrap_or_default() {
        us if us < 1_000.0 => format!("{us:.1} µs"),
        us => format!("{:.2} ms", us / 1_000.0),
    }
}

fn percent(value: &Value) -> String {
    format!("{:.1} %", value.as_f64().unwrap_or_default() * 100.0)
}

fn csv(item: &Value) -> Vec<String> {
    let own = ["id", "hazard", "way", "subjects", "shadow"].map(|key| words(&item[key]));
    let keys = ["evaluations", "timed", "mean_us", "worst_us", "budget_us", "of_budget", "over_budget", "share"];
    own.into_iter().chain(keys.map(|key| words(&item["cost"][key]))).collect()
}
