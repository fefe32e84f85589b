//! `watchfire check`: whether a configuration is sound, and what a rule of it means.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::cli::{Format, Style, emit, exit, explain, resolve};
use crate::config::problem::{Problems, Severity};
use crate::config::settings::Settings;
use crate::config::{self, Examined};
use crate::lang::Lang;

/// Options of `check`.
#[derive(Clone, Debug, clap::Args)]
pub struct CheckArgs {
    /// The configuration, or the folder it is in.
    #[arg(value_name = "PATH", env = "WATCHFIRE_CONFIG")]
    pub path: Option<PathBuf>,
    /// Says in sentences what a rule does, with every value that is in effect.
    #[arg(long, value_name = "RULE")]
    pub explain: Option<String>,
    /// Ends with 1 if there are warnings.
    #[arg(long)]
    pub strict: bool,
    /// How to answer.
    #[command(flatten)]
    pub style: Style,
}

/// Checks, and explains if asked to.
pub fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let path = resolve(args.path.as_deref());
    let Examined { settings, problems, .. } = config::examine(&path);
    let style = args.style;
    let lang = style.lang();
    match style.output {
        Format::Table if problems.is_empty() => {}
        Format::Json | Format::Csv if args.explain.is_none() => list(&problems, style.output),
        Format::Table | Format::Json | Format::Csv => eprint!("{}", problems.display(lang, style.colour())),
    }
    let (errors, warnings) = problems.counts();
    let Some(settings) = settings else {
        if style.output == Format::Table {
            let path = path.display();
            match lang {
                Lang::En => eprintln!("\n✗ {path}: {errors} errors, {warnings} warnings"),
                Lang::Zh => eprintln!("\n✗ {path}:{errors} 个错误,{warnings} 个警告"),
            }
        }
        return Ok(ExitCode::from(exit::CONFIG));
    };
    let code = if args.strict && warnings > 0 { ExitCode::from(exit::FINDINGS) } else { ExitCode::SUCCESS };
    if let Some(rule) = &args.explain {
        let found = explain::print(&settings, &settings.rules, rule, style);
        return Ok(if found { code } else { ExitCode::from(exit::USAGE) });
    }
    if style.output == Format::Table {
        emit(&summary(&path, &settings, settings.rules.len(), warnings, lang));
    }
    Ok(code)
}

/// What is there, in one line.
fn summary(path: &Path, settings: &Settings, subjects: usize, warnings: usize, lang: Lang) -> String {
    let site = settings.site();
    let sources = settings.mqtt.len() + settings.modbus.len();
    let (points, stations, rules) = (site.points.len(), site.stations.len(), site.rules.len());
    let (channels, revision, path) = (settings.channels.len(), &site.revision, path.display());
    match lang {
        Lang::En => format!(
            "✓ {path}: {points} points on {stations} stations, {rules} rules on {subjects} subjects, {sources} sources, \
             {channels} channels; {warnings} warnings; revision {revision}\n"
        ),
        Lang::Zh => format!(
            "✓ {path}:{stations} 个测站 {points} 个测点,{rules} 条规则作用于 {subjects} 个对象,{sources} 个数据源,\
             {channels} 个发布渠道;{warnings} 个警告;版本 {revision}\n"
        ),
    }
}

/// One line for each problem, for programs.
fn list(problems: &Problems, format: Format) {
    let mut out = String::new();
    if format == Format::Csv {
        out.push_str("severity,file,line,column,message,hint\n");
    }
    for (problem, position) in problems.iter() {
        let severity = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let (file, line, column) = position.map_or((String::new(), 0, 0), |at| (at.file, at.line, at.column));
        let hint = problem.hint.as_deref().unwrap_or_default();
        if format == Format::Csv {
            let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
            let _ = writeln!(
                out,
                "{severity},{},{line},{column},{},{}",
                quoted(&file),
                quoted(&problem.message),
                quoted(hint)
            );
        } else {
            let object = serde_json::json!({
                "severity": severity, "file": file, "line": line, "column": column,
                "message": problem.message, "label": problem.label, "hint": problem.hint,
            });
            let _ = writeln!(out, "{object}");
        }
    }
    emit(&out);
}
