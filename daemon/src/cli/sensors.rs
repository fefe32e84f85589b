//! `watchfire sensors`: which sensors people look after, and what they do to one: calibrate it, give it back, answer for
//! a calibration that the device began, take a new device over, declare what it said of a time to be no measurement.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::client::{Client, Failed, Reach, wished};
use crate::cli::warnings::table::{aligned, printed, time, words};
use crate::cli::{Format, Style, emit};
use crate::lang::Lang;

const CSV_HEADER: &str =
    "station,point,since,ends,by,accepted,unattended,why,asked_by,commissioned,jump,expected,invalid_from,invalid_to";

/// Options of `sensors`.
#[derive(Clone, Debug, clap::Args)]
pub struct SensorsArgs {
    /// What to do.
    #[command(subcommand)]
    pub act: SensorsAct,
    /// Which daemon, and as whom.
    #[command(flatten)]
    pub reach: Reach,
    /// How to answer.
    #[command(flatten)]
    pub style: Style,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum SensorsAct {
    /// Lists sensors that are being calibrated, wait for a second person, or were taken over.
    List,
    /// Calibrates a sensor for a time: what it says is kept, and raises and ends nothing. It ends by itself.
    Calibrate {
        /// Who, why and which sensor.
        #[command(flatten)]
        wish: SensorArgs,
        /// For how long, such as 30m.
        #[arg(long, value_name = "SPAN")]
        lasting: String,
    },
    /// Gives a sensor back before its calibration ends.
    Return(SensorArgs),
    /// Answers for a calibration that the device itself began; nobody within ten minutes makes it a fault.
    Accept(SensorArgs),
    /// Takes a new device over: its first values are believed from here on. Says how it joins on to the one before it.
    Commission(SensorArgs),
    /// Declares what a sensor said of a time to be no measurement, such as two hours in a wrong scale. It is kept and
    /// flagged; grades that rest on it are listed for people to correct, and stand until then.
    Invalidate {
        /// Who, why and which sensor.
        #[command(flatten)]
        wish: SensorArgs,
        /// From when, such as 2026-08-01T14:30:00+08:00 …
        #[arg(long, value_name = "INSTANT")]
        from: jiff::Timestamp,
        /// … to when, the end included; it is over, and lasted a week at most.
        #[arg(long, value_name = "INSTANT")]
        to: jiff::Timestamp,
    },
}

/// An act on one sensor.
#[derive(Clone, Debug, clap::Args)]
pub struct SensorArgs {
    /// Station and point, such as qingshi/stage.
    pub sensor: String,
    /// For whom a machine acts; a person acts as whoever they signed in as.
    #[arg(long, env = "WATCHFIRE_WHO")]
    pub who: Option<String>,
    /// Why.
    #[arg(long)]
    pub why: String,
}

/// Asks the daemon and prints the answer.
pub async fn run(args: SensorsArgs) -> anyhow::Result<ExitCode> {
    let done = match args.reach.client() {
        Ok(client) => ask(&client, &args.act, args.style).await,
        Err(failed) => Err(failed),
    };
    Ok(match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => failed.said(),
    })
}

async fn ask(client: &Client, act: &SensorsAct, style: Style) -> Result<(), Failed> {
    let (wish, name, more) = match act {
        SensorsAct::List => {
            printed(&client.pages("sensors", None).await?, style, CSV_HEADER, table, csv);
            return Ok(());
        }
        SensorsAct::Calibrate { wish, lasting } => (wish, "calibrate", json!({"lasting": lasting})),
        SensorsAct::Return(wish) => (wish, "return", json!({})),
        SensorsAct::Accept(wish) => (wish, "accept", json!({})),
        SensorsAct::Commission(wish) => (wish, "commission", json!({})),
        SensorsAct::Invalidate { wish, from, to } => {
            (wish, "invalidate", json!({"from": from.to_string(), "to": to.to_string()}))
        }
    };
    let body = wished(more, wish.who.as_deref(), &wish.why);
    let (station, point) = wish.sensor.split_once('/').ok_or_else(|| Failed::Refused {
        detail: format!("\"{}\" names no sensor; write station/point, such as qingshi/stage", wish.sensor),
    })?;
    let after = client.act(&["sensors", station, point], name, &body).await?;
    printed(std::slice::from_ref(&after), style, CSV_HEADER, table, csv);
    if let (SensorsAct::Invalidate { .. }, Format::Table) = (act, style.output) {
        emit(&rests(&after["invalidated"], style.lang()));
    }
    Ok(())
}

fn table(items: &[Value], lang: Lang) -> String {
    if items.is_empty() {
        return lang.pick("No sensor is being looked after.\n", "没有检修中的测点。\n").to_owned();
    }
    let head = lang.pick("SENSOR|STATE|SINCE|ENDS|WHO|WHY", "测点|状态|起于|止于|何人|缘由");
    let mut rows: Vec<Vec<String>> = vec![head.split('|').map(str::to_owned).collect()];
    rows.extend(items.iter().map(|item| {
        let calibration = &item["calibration"];
        let who = [&calibration["by"], &calibration["accepted"], &item["asked"]["by"]];
        let who = who.into_iter().find(|who| who.is_string()).map(words).unwrap_or_default();
        vec![
            format!("{}/{}", words(&item["station"]), words(&item["point"])),
            state(item, lang),
            time(&calibration["since"]),
            time(&calibration["ends"]),
            who,
            words(&calibration["why"]),
        ]
    }));
    aligned(&rows)
}

fn state(item: &Value, lang: Lang) -> String {
    let (calibration, asked, commissioned) = (&item["calibration"], &item["asked"], &item["commissioned"]);
    if calibration["unattended"] == json!(true) {
        return lang
            .pick("FAULT: the device calibrates, nobody answers for it", "故障:设备自报标校,无人认领")
            .to_owned();
    }
    if calibration.is_object() && calibration["by"].is_null() {
        return lang.pick("calibrating, as the device says", "标校中(设备自报)").to_owned();
    }
    if calibration.is_object() {
        return lang.pick("calibrating", "标校中").to_owned();
    }
    if asked.is_object() {
        return lang.pick("waits for a second person", "待第二人同意").to_owned();
    }
    if item["invalidated"].is_object() && !commissioned.is_object() {
        return lang.pick("in service; a part of its past is invalid", "在用;部分历史读数已作废").to_owned();
    }
    if !commissioned.is_object() {
        return lang.pick("in service", "在用").to_owned();
    }
    let number = |key: &str| commissioned[key].as_f64().map(|value| format!("{value:+}"));
    let jump = number("jump").map(|jump| format!("{} {jump}", lang.pick("jump", "基准跳变")));
    let expected = commissioned["expected"].as_f64();
    let expected = expected.map(|value| format!("{} {value}", lang.pick("neighbours expect", "邻点推算")));
    let taken = lang.pick("taken over", "已投用").to_owned();
    [Some(taken), jump, expected].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// The grades that rest on what was declared invalid, and what a person may do about each.
fn rests(invalidated: &Value, lang: Lang) -> String {
    let corrections = invalidated["corrections"].as_array().map(Vec::as_slice).unwrap_or_default();
    if corrections.is_empty() {
        return lang.pick("No grade rests on it.\n", "没有等级依据这些读数。\n").to_owned();
    }
    let mut text = lang
        .pick(
            "These grades rest on it and stand until good readings or a person end them:\n",
            "下列等级依据这些读数,在读数恢复可靠或有人更正之前保持不变:\n",
        )
        .to_owned();
    for it in corrections {
        let without = it["without"].as_str().unwrap_or("clear");
        let (rule, subject, stands) = (words(&it["rule"]), words(&it["subject"]), words(&it["stands"]));
        let act = format!("watchfire alarms set-grade {rule}/{subject} --grade {without} --for 2h --why …");
        text.push_str(&format!("  {rule} {subject}: {stands} → {without}   {act}\n"));
    }
    text.push_str(lang.pick(
        "Where the public was told of one, a correction is prepared, and goes out once a person signs it: watchfire warnings correct ID --why …\n",
        "已向公众发布的,更正稿已拟好,须由人签发:watchfire warnings correct ID --why …\n",
    ));
    text
}

fn csv(item: &Value) -> Vec<String> {
    let (calibration, commissioned) = (&item["calibration"], &item["commissioned"]);
    vec![
        words(&item["station"]),
        words(&item["point"]),
        time(&calibration["since"]),
        time(&calibration["ends"]),
        words(&calibration["by"]),
        words(&calibration["accepted"]),
        words(&calibration["unattended"]),
        words(&calibration["why"]),
        words(&item["asked"]["by"]),
        time(&commissioned["at"]),
        words(&commissioned["jump"]),
        words(&commissioned["expected"]),
        time(&item["invalidated"]["from"]),
        time(&item["invalidated"]["to"]),
    ]
}
