//! `watchfire functions`: what a measure may call, each with its units, its source, and an example.

use std::fmt::Write as _;
use std::process::ExitCode;

use watchfire_rules::engine::{Argument, Example, FUNCTIONS, Form, Function, Gives, library};

use crate::cli::{Format, Style, emit, exit};
use crate::config::nearest::did_you_mean;
use crate::lang::Lang;

/// Options of `functions`.
#[derive(Clone, Debug, clap::Args)]
pub struct FunctionsArgs {
    /// One function, or one family (level, rain, curve …), in full; all in a table where none is given.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// How to answer.
    #[command(flatten)]
    pub style: Style,
}

/// Prints the library, or a part of it.
pub fn run(args: &FunctionsArgs) -> ExitCode {
    let lang = args.style.lang();
    let chosen: Vec<(&str, &Function)> = all()
        .filter(|(family, function)| args.name.as_deref().is_none_or(|name| name == *family || name == function.name))
        .collect();
    if let (Some(name), []) = (&args.name, chosen.as_slice()) {
        let names = library().map(|function| function.name).chain(FUNCTIONS.iter().map(|(family, _)| *family));
        let hint = did_you_mean(name, names).unwrap_or_default();
        eprintln!("{}: {name}. {hint}", lang.pick("error: there is no such function", "错误: 没有这个函数"));
        return ExitCode::from(exit::USAGE);
    }
    emit(&match (args.style.output, &args.name) {
        (Format::Json, _) => chosen.iter().map(|(family, function)| format!("{}\n", json(family, function))).collect(),
        (Format::Csv, _) => csv(&chosen),
        (Format::Table, None) => table(&chosen, lang),
        (Format::Table, Some(_)) => {
            let pages: Vec<String> = chosen.iter().map(|(family, function)| page(family, function, lang)).collect();
            pages.join("\n")
        }
    });
    ExitCode::SUCCESS
}

/// Every function with its family, in the order of a manual.
fn all() -> impl Iterator<Item = (&'static str, &'static Function)> {
    FUNCTIONS.iter().flat_map(|(family, functions)| functions.iter().map(move |function| (*family, function)))
}

fn table(functions: &[(&str, &Function)], lang: Lang) -> String {
    let widest = functions.iter().map(|(_, function)| function.call().chars().count()).max().unwrap_or(0).min(48);
    let mut out = String::new();
    let mut last = "";
    for (family, function) in functions {
        if *family != last {
            let _ = writeln!(out, "{}{family}", if last.is_empty() { "" } else { "\n" });
            last = family;
        }
        let _ = writeln!(out, "  {:<widest$}  {}", function.call(), function.gives);
    }
    let _ = writeln!(
        out,
        "\n{}",
        lang.pick("watchfire functions NAME tells one in full", "watchfire functions 名称:查看详情")
    );
    out
}

fn page(family: &str, function: &Function, lang: Lang) -> String {
    let mut out = format!("{}  ({family})\n", function.call());
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(out, "  {key}  {value}");
    };
    line(lang.pick("does    ", "作用"), function.does);
    line(lang.pick("gives   ", "单位"), function.gives);
    for argument in function.arguments {
        line(lang.pick("takes   ", "参数"), &taken(argument, lang));
    }
    line(lang.pick("source  ", "来源"), function.source);
    let Example { hears, measure, gives } = &function.example;
    line(lang.pick("example ", "示例"), measure);
    for (point, interval, values) in *hears {
        line(lang.pick("   hears", "  数据"), &format!("{point} {} {interval}: {values}", lang.pick("each", "每隔")));
    }
    line(lang.pick("   gives", "  结果"), &given(gives, lang));
    out
}

fn taken(argument: &Argument, lang: Lang) -> String {
    let optional = if argument.optional { lang.pick(", may be left out", ",可省略") } else { "" };
    format!("{}: {}{optional}", argument.name, form(argument, lang))
}

fn form(argument: &Argument, lang: Lang) -> String {
    let (en, zh) = match argument.form {
        Form::Number if !argument.unit.is_empty() => return argument.unit.to_owned(),
        Form::Number => ("a number", "数值"),
        Form::Count => ("a whole number from 1 to 30, written out", "1 至 30 的整数,须直接写出"),
        Form::Span => ("a length of time, such as \"1h\"", "时长,如 \"1h\""),
        Form::TimeOfDay => ("a time of day, such as \"08:00\"", "时刻,如 \"08:00\""),
        Form::Date => ("a day of the year, such as \"06-01\"", "日期,如 \"06-01\""),
        Form::Table => {
            ("pairs of rising numbers, such as \"50.2: 0, 51.0: 12.5\"", "递增数对,如 \"50.2: 0, 51.0: 12.5\"")
        }
    };
    lang.pick(en, zh).to_owned()
}

fn given(gives: &Gives, lang: Lang) -> String {
    match gives {
        Gives::Number(number) => number.to_string(),
        Gives::Unknown => lang.pick("unknown: there is too little to say", "未知:数据不足").to_owned(),
    }
}

fn json(family: &str, function: &Function) -> serde_json::Value {
    let arguments: Vec<serde_json::Value> = function
        .arguments
        .iter()
        .map(|argument| {
            let form = form(argument, Lang::En);
            serde_json::json!({ "name": argument.name, "takes": form, "optional": argument.optional })
        })
        .collect();
    let Example { hears, measure, gives } = &function.example;
    let hears: Vec<serde_json::Value> = hears
        .iter()
        .map(|(point, interval, values)| serde_json::json!({ "point": point, "interval": interval, "values": values }))
        .collect();
    let gives = match gives {
        Gives::Number(number) => Some(*number),
        Gives::Unknown => None,
    };
    serde_json::json!({
        "name": function.name, "family": family, "call": function.call(), "arguments": arguments,
        "gives": function.gives, "does": function.does, "source": function.source,
        "example": { "hears": hears, "measure": measure, "gives": gives },
    })
}

fn csv(functions: &[(&str, &Function)]) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut out = String::from("name,family,call,gives,does,source,example\n");
    for (family, function) in functions {
        let cells = [&function.call(), function.gives, function.does, function.source, function.example.measure];
        let cells: Vec<String> = cells.into_iter().map(quoted).collect();
        let _ = writeln!(out, "{},{family},{}", function.name, cells.join(","));
    }
    out
}
