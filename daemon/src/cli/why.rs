//! `watchfire why`: why a grade changed. What was recorded, the reading that made it, what was known before it and by which
//! rule; and with `--bundle` all of that as one file, which makes the same finding again wherever it is taken.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use watchfire_model::finding::Finding;
use watchfire_model::grade::word;
use watchfire_model::row::Row;
use watchfire_model::rule::Measure;
use watchfire_rules::evaluator::bundle::{Bundle, FORMAT};

use crate::cli::warnings::table::aligned;
use crate::cli::{ConfigPath, Format, Style, emit, exit, load};
use crate::evidence::gathered::{gather, recorded};
use crate::evidence::kept::Kept;
use crate::lang::Lang;
use crate::storage::ledger_of;

/// Samples of a point that are shown; the bundle has all.
const SHOWN: usize = 12;
/// The largest bundle that is read.
const LARGEST: u64 = 1 << 30;

/// Options of `why`.
#[derive(Clone, Debug, clap::Args)]
pub struct WhyArgs {
    /// An alarm, such as river-stage/qingshi, whose last change of grade is meant; its finding by number, such as
    /// river-stage/qingshi@12; or a warning's id.
    #[arg(required_unless_present = "replay", conflicts_with = "replay")]
    pub what: Option<String>,
    /// The daemon's configuration, which names the data directory.
    #[command(flatten)]
    pub config: ConfigPath,
    /// The data directory itself, where no configuration is at hand.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Writes the evidence to a file.
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    pub bundle: Option<PathBuf>,
    /// Keeps the evidence beside the ledger, where it is found when the journal has long gone. Of what the public is told
    /// the daemon keeps it by itself.
    #[arg(long, conflicts_with = "replay")]
    pub keep: bool,
    /// Makes the finding again from such a file, with nothing else, and says whether it is the same.
    #[arg(long, value_name = "FILE")]
    pub replay: Option<PathBuf>,
    /// How to answer.
    #[command(flatten)]
    pub style: Style,
}

/// Says why.
pub fn run(args: &WhyArgs) -> anyhow::Result<ExitCode> {
    let shown = if let Some(file) = &args.replay {
        Shown { bundle: read(file)?, from: Origin::File }
    } else {
        let dir = match &args.data_dir {
            Some(dir) => dir.clone(),
            None => match load(&args.config.path(), args.style) {
                Ok(settings) => settings.data_dir,
                Err(code) => return Ok(code),
            },
        };
        let shown = found(&dir, args.what.as_deref().unwrap_or_default())?;
        if args.keep {
            Kept::of(&dir).keep(&shown.bundle).context("the evidence cannot be kept")?;
            eprintln!("{}", args.style.lang().pick("kept beside the ledger", "已留存于台账旁"));
        }
        shown
    };
    let bundle = &shown.bundle;
    let same = bundle.reproduces();
    if let Some(file) = &args.bundle {
        write(file, bundle)?;
    }
    let lang = args.style.lang();
    match args.style.output {
        Format::Table => emit(&told(&shown, same, lang)),
        Format::Json => emit(&format!("{}\n", serde_json::json!({"reproduced": same, "finding": bundle.finding}))),
        Format::Csv => {
            let Finding { rule, subject, n, at, value, .. } = &bundle.finding;
            let (from, to) = (word(bundle.finding.from), word(bundle.finding.judged));
            let value = value.map(|value| value.to_string()).unwrap_or_default();
            emit(&format!(
                "rule,subject,n,time,from,to,value,reproduced\n{rule},{subject},{n},{at},{from},{to},{value},{same}\n"
            ));
        }
    }
    Ok(if same { ExitCode::SUCCESS } else { ExitCode::from(exit::FINDINGS) })
}

/// The evidence of what is meant: from the journal of a data directory, or as it was kept where the journal has it no more.
fn found(dir: &Path, what: &str) -> anyhow::Result<Shown> {
    let meant = recorded(&ledger_of(dir), what)?;
    let mut bundle = None;
    let gathered = gather(dir, meant.last().cloned().into_iter().collect(), |one| {
        bundle = Some(one);
        false
    });
    if let Some(bundle) = bundle {
        return Ok(Shown { bundle, from: Origin::Journal });
    }
    let kept = Kept::of(dir);
    for finding in meant.iter().rev() {
        if let Some(bundle) = kept.find(finding).context("what is kept of it cannot be read")? {
            return Ok(Shown { bundle, from: Origin::Kept });
        }
    }
    gathered?;
    bail!("there is no evidence of \"{what}\"")
}

/// The evidence, and where it is from.
struct Shown {
    bundle: Bundle,
    from: Origin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    File,
    Journal,
    Kept,
}

fn read(file: &Path) -> anyhow::Result<Bundle> {
    let open = || format!("cannot read {}", file.display());
    let opened = File::open(file).with_context(open)?;
    if opened.metadata().with_context(open)?.len() > LARGEST {
        bail!("{} is larger than any evidence", file.display());
    }
    let bundle: Bundle = serde_json::from_reader(BufReader::new(opened))
        .with_context(|| format!("{} is not what `watchfire why --bundle` writes", file.display()))?;
    if bundle.format != FORMAT {
        bail!("{} is of form {}; this program knows form {FORMAT}", file.display(), bundle.format);
    }
    Ok(bundle)
}

fn write(file: &Path, bundle: &Bundle) -> anyhow::Result<()> {
    let failed = || format!("cannot write {}", file.display());
    let mut out = BufWriter::new(File::create(file).with_context(failed)?);
    serde_json::to_writer(&mut out, bundle).with_context(failed)?;
    out.flush().with_context(failed)
}

/// All of it in words.
fn told(shown: &Shown, same: bool, lang: Lang) -> String {
    let bundle = &shown.bundle;
    let finding = &bundle.finding;
    let mut rows = Vec::new();
    let mut row = |en: &str, zh: &str, text: String| rows.push(vec![lang.pick(en, zh).to_owned(), text]);
    let value = finding.value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let threshold =
        finding.threshold.map_or_else(String::new, |at| format!(", {} {at}", lang.pick("threshold", "阈值")));
    let alarm = format!("{}/{}@{}", finding.rule, finding.subject, finding.n);
    row("what", "对象", alarm);
    row("change", "变化", format!("{} → {} ({})", word(finding.from), word(finding.judged), named(&finding.change)));
    row("value", "量值", format!("{value}{threshold}"));
    row("time", "时间", format!("{}, {} {}", finding.at, lang.pick("onset", "起点"), finding.onset));
    row("by", "由", by(bundle, lang));
    row("revision", "版本", format!("{}, {} {}", finding.revision, lang.pick("row", "日志行"), finding.seq.0));
    let site = bundle.next.as_ref().unwrap_or(&bundle.site);
    if let Some(rule) = site.rules.iter().find(|rule| rule.id == finding.rule) {
        let measure = match &rule.measure {
            Measure::Expression(text) => text.clone(),
            Measure::Script { file, .. } => file.clone(),
        };
        row("measure", "量", measure);
        row("written", "出处", rule.origin.clone());
    }
    if shown.from == Origin::Kept {
        let kept = lang.pick("beside the ledger; the journal does not have it any more", "台账旁留存;日志中已无此行");
        rows.push(vec![lang.pick("kept", "留存").to_owned(), kept.to_owned()]);
    }
    let mut text = aligned(&rows);
    for (station, point, gate) in bundle.points() {
        let all = gate.series().len();
        let what = lang.pick("samples before it", "条此前读数");
        text.push_str(&format!("\n{station}/{point}: {all} {what}\n"));
        let samples = gate.series().iter().rev().take(SHOWN);
        let shown = samples.map(|sample| vec![sample.at.to_string(), sample.value.to_string(), named(&sample.flag)]);
        text.push_str(&aligned(&shown.collect::<Vec<_>>()));
    }
    let proof = if same {
        lang.pick("made again from this evidence alone: the same", "仅凭此证据重算:一致")
    } else {
        lang.pick("NOT THE SAME when made again from this evidence", "重算结果不一致")
    };
    text.push_str(&format!("\n{proof}\n"));
    text
}

/// What the row said.
fn by(bundle: &Bundle, lang: Lang) -> String {
    match &bundle.row {
        Row::Reading(reading) => {
            let named = bundle.site.station_of(reading.point).zip(bundle.site.point(reading.point));
            let name = named.map_or_else(String::new, |(station, point)| format!("{}/{}", station.id, point.id));
            let value = reading.value.map_or_else(|bad| format!("{bad:?}"), |value| value.get().to_string());
            let heard = reading.received_at;
            format!(
                "{name} = {value}, {} {}, {} {heard}",
                lang.pick("observed", "观测"),
                reading.observed_at,
                lang.pick("heard", "收到")
            )
        }
        Row::Link(change) => format!("{} {}: {}", lang.pick("link", "链路"), change.source, change.reason),
        Row::Tick => lang.pick("silence: a deadline passed", "静默:到期未收到读数").to_owned(),
        Row::Upkeep(upkeep) => format!("{}: {} ({})", upkeep.sensor, upkeep.why, upkeep.who),
        Row::Revision(reload) => {
            format!("{} {}: {} ({})", lang.pick("reload", "重载"), reload.revision, reload.why, reload.who)
        }
    }
}

/// A word of the files, as they write it.
fn named(word: &impl serde::Serialize) -> String {
    let written = serde_json::to_value(word).unwrap_or_default();
    written.as_str().map_or_else(|| written.to_string(), str::to_owned)
}
