//! `watchfire reload`: a running daemon reads its configuration again, or says what that would change.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::cli::client::{Failed, Reach};
use crate::cli::warnings::table::quoted;
use crate::cli::{Format, Style, emit, exit};
use crate::lang::Lang;

/// Options of `reload`.
#[derive(Clone, Debug, clap::Args)]
pub struct ReloadArgs {
    /// Which daemon, and as whom.
    #[command(flatten)]
    pub reach: Reach,
    /// For whom a machine acts; a person acts as whoever they signed in as.
    #[arg(long, env = "WATCHFIRE_WHO")]
    pub who: Option<String>,
    /// Why.
    #[arg(long)]
    pub why: String,
    /// Changes nothing, and says what would change: rules, stations, channels, and the grades that stand.
    #[arg(long)]
    pub preview: bool,
    /// Ends alarms that stand and have no rule or subject any more: the danger is over, or they were issued in error.
    #[arg(long, value_enum, value_name = "HOW", conflicts_with = "orphan")]
    pub close: Option<Close>,
    /// Holds alarms that stand and have no rule or subject any more, and shows them as orphaned.
    #[arg(long)]
    pub orphan: bool,
    /// Puts it in force, or proposes it, although cases of the site's own (the folder `cases` beside the configuration) fail.
    #[arg(long, conflicts_with_all = ["preview", "publish"])]
    pub in_spite: bool,
    /// Lays it before a second person, where a change takes two.
    #[arg(long, conflicts_with_all = ["preview", "publish"])]
    pub propose: bool,
    /// Attaches to a proposal what `watchfire backtest -o json` printed of this configuration: a rule that only judged so
    /// far (`shadow`) speaks to nobody without it.
    #[arg(long, value_name = "FILE", requires = "propose")]
    pub backtest: Option<PathBuf>,
    /// Puts in force what another person proposed.
    #[arg(long, value_name = "REVISION", conflicts_with = "preview")]
    pub publish: Option<String>,
    /// How to answer.
    #[command(flatten)]
    pub style: Style,
}

/// How an alarm ends that has lost its rule or subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Close {
    /// The danger is over; what the public was told ends by the gate.
    AllClear,
    /// It was issued in error.
    Cancel,
}

/// Asks the daemon and prints the answer.
pub async fn run(args: ReloadArgs) -> anyhow::Result<ExitCode> {
    let orphans = match (args.close, args.orphan) {
        (Some(Close::AllClear), _) => Some("all_clear"),
        (Some(Close::Cancel), _) => Some("cancel"),
        (None, true) => Some("hold"),
        (None, false) => None,
    };
    let mut body = json!({"why": args.why, "preview": args.preview, "orphans": orphans});
    if let Some(who) = &args.who {
        body["who"] = json!(who);
    }
    if let Some(path) = &args.backtest {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read the backtest {}", path.display()))?;
        body["backtest"] = json!(text);
    }
    body["in_spite"] = json!(args.in_spite);
    (body["propose"], body["publish"]) = (json!(args.propose), json!(args.publish));
    let answer = match args.reach.client() {
        Ok(client) => client.post_plain(&["-", "reload"], &body).await,
        Err(failed) => Err(failed),
    };
    Ok(match answer {
        Ok(outcome) => {
            match args.style.output {
                Format::Table => emit(&told(&outcome, args.style.lang())),
                Format::Json => println!("{outcome}"),
                Format::Csv => emit(&csv(&outcome)),
            }
            ExitCode::SUCCESS
        }
        Err(failed @ Failed::Refused { .. }) => {
            eprintln!("{failed}");
            ExitCode::from(exit::CONFIG)
        }
        Err(failed) => {
            eprintln!("error: {failed}");
            ExitCode::from(exit::UNREACHABLE)
        }
    })
}

/// The outcome, for people.
fn told(outcome: &Value, lang: Lang) -> String {
    let mut out = String::new();
    for changed in list(outcome, "changes") {
        let (sign, more) = match (changed["how"].as_str(), changed["how"]["renamed"].as_str()) {
            (_, Some(former)) => ("→", format!(" ({former})")),
            (Some("added"), None) => ("+", String::new()),
            (Some("removed"), None) => ("-", String::new()),
            (Some(_) | None, None) => ("~", String::new()),
        };
        let _ = writeln!(out, "{sign} {} {}{more}", word(changed, "what"), word(changed, "name"));
    }
    for turned in list(outcome, "grades") {
        let grade = |key: &str| turned[key].as_str().unwrap_or("-").to_owned();
        let (rule, subject) = (word(turned, "rule"), word(turned, "subject"));
        let _ = writeln!(out, "! {rule}/{subject}: {} → {}", grade("from"), grade("to"));
    }
    for orphan in list(outcome, "orphans") {
        let (rule, subject) = (word(orphan, "rule"), word(orphan, "subject"));
        let _ = match lang {
            Lang::En => writeln!(out, "! {rule}/{subject}: stands, and would have no rule or subject"),
            Lang::Zh => writeln!(out, "! {rule}/{subject}:仍在报警,但已无对应规则或对象"),
        };
    }
    for rule in outcome["promoted"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let _ = match lang {
            Lang::En => writeln!(out, "! {rule} only judged so far, and is to speak"),
            Lang::Zh => writeln!(out, "! {rule} 由影子规则转为正式发布"),
        };
    }
    out.push_str(&of_cases(&outcome["cases"], lang));
    let (revision, former) = (word(outcome, "revision"), word(outcome, "former"));
    let _ = match (lang, outcome["in_force"].as_bool()) {
        (Lang::En, Some(true)) if revision == former => writeln!(out, "✓ {revision} is in force, unchanged"),
        (Lang::En, Some(true)) => writeln!(out, "✓ {revision} is in force; it was {former}"),
        (Lang::En, _) => writeln!(out, "nothing was changed: {former} is in force"),
        (Lang::Zh, Some(true)) if revision == former => writeln!(out, "✓ 版本 {revision} 生效中,无变化"),
        (Lang::Zh, Some(true)) => writeln!(out, "✓ 版本 {revision} 已生效,原为 {former}"),
        (Lang::Zh, _) => writeln!(out, "未作任何更改:版本 {former} 生效中"),
    };
    out
}

/// What the site's own cases say of it.
fn of_cases(cases: &Value, lang: Lang) -> String {
    let mut out = String::new();
    for failed in list(cases, "failed") {
        let (file, case, why) = (word(failed, "file"), word(failed, "case"), word(failed, "why"));
        let _ = writeln!(out, "✗ {file}  {case}: {why}");
    }
    let count = |key: &str| cases[key].as_u64().unwrap_or(0);
    let (told, untold, failed) = (count("told"), count("untold"), list(cases, "failed").count());
    if told + untold > 0 || failed > 0 {
        let _ = match lang {
            Lang::En => writeln!(out, "{told} cases told, {failed} failed, {untold} not told for want of time"),
            Lang::Zh => writeln!(out, "已运行 {told} 个用例,{failed} 个失败,{untold} 个因超时未运行"),
        };
    }
    out
}

/// What is not as it was, for spreadsheets.
fn csv(outcome: &Value) -> String {
    let mut out = "what,name,how\n".to_owned();
    for changed in list(outcome, "changes") {
        let how = changed["how"].as_str().unwrap_or("renamed");
        let _ = writeln!(out, "{},{},{how}", word(changed, "what"), word(changed, "name"));
    }
    for turned in list(outcome, "grades") {
        let grade = |key: &str| turned[key].as_str().unwrap_or("-").to_owned();
        let (rule, subject) = (word(turned, "rule"), word(turned, "subject"));
        let _ = writeln!(out, "grade,{rule}/{subject},{} to {}", grade("from"), grade("to"));
    }
    for failed in list(&outcome["cases"], "failed") {
        let _ = writeln!(out, "case,{},{}", quoted(word(failed, "file")), quoted(word(failed, "case")));
    }
    for orphan in list(outcome, "orphans") {
        let _ = writeln!(out, "orphan,{}/{},stands", word(orphan, "rule"), word(orphan, "subject"));
    }
    out
}

fn list<'a>(outcome: &'a Value, of: &str) -> impl Iterator<Item = &'a Value> {
    outcome[of].as_array().into_iter().flatten()
}

fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}
