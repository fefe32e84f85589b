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
use watchfire_rules::desk::Input;
use watchfire_rules::evaluator::bundle::{Bundle, FORMAT};

use crate::cli::replayed::Replayed;
use crate::cli::warnings::table::aligned;
use crate::cli::{ConfigPath, Format, Style, emit, exit, load};
use crate::lang::Lang;
use crate::storage::journal::{Commit, Step};
use crate::storage::ledger::{LedgerId, LedgerReader};

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
    /// Makes the finding again from such a file, with nothing else, and says whether it is the same.
    #[arg(long, value_name = "FILE")]
    pub replay: Option<PathBuf>,
    /// How to answer.
    #[command(flatten)]
    pub style: Style,
}

/// Says why.
pub fn run(args: &WhyArgs) -> anyhow::Result<ExitCode> {
    let bundle = if let Some(file) = &args.replay {
        read(file)?
    } else {
        let dir = match &args.data_dir {
            Some(dir) => dir.clone(),
            None => match load(&args.config.path(), args.style) {
                Ok(settings) => settings.data_dir,
                Err(code) => return Ok(code),
            },
        };
        gather(&dir, args.what.as_deref().unwrap_or_default())?
    };
    let same = bundle.reproduces();
    if let Some(file) = &args.bundle {
        write(file, &bundle)?;
    }
    let lang = args.style.lang();
    match args.style.output {
        Format::Table => emit(&told(&bundle, same, lang)),
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

/// The evidence of what is meant, from the ledger and the journal of a data directory.
fn gather(dir: &Path, what: &str) -> anyhow::Result<Bundle> {
    let finding = recorded(&dir.join("ledger.db"), what)?;
    let wanted = finding.seq;
    let reach = "`journal_keep` in [storage] says how much of the journal is kept for this";
    let mut replayed = Replayed::begin(dir, Some(wanted)).context(reach)?;
    if replayed.before() >= wanted {
        bail!("row {} is not in the journal any more; {reach}", wanted.0);
    }
    let mut commit = Commit::default();
    let mut said = Vec::new();
    loop {
        match replayed.read(&mut commit)? {
            Step::Commit => {}
            Step::Gap(gap) if gap.seqs.end <= wanted => continue,
            Step::Gap(_) | Step::Idle => bail!("row {} cannot be read from the journal", wanted.0),
        }
        for (seq, row) in commit.numbered() {
            if seq == wanted {
                return bundle(&replayed, &commit, row, finding);
            }
            let one = Commit { now: commit.now, first: seq, rows: vec![row.clone()] };
            replayed.judge(&one, &mut said)?;
            said.clear();
        }
    }
}

fn bundle(replayed: &Replayed, commit: &Commit, row: &Row, finding: Finding) -> anyhow::Result<Bundle> {
    let site = |rules: &watchfire_rules::ruleset::RuleSet| rules.site().as_ref().clone();
    let next = match row {
        Row::Revision(reload) => Some(site(&*replayed.rules(&reload.revision)?)),
        Row::Reading(_) | Row::Link(_) | Row::Tick | Row::Upkeep(_) => None,
    };
    let state = replayed.shard().snapshot().state;
    let (now, row, site) = (commit.now, row.clone(), site(replayed.shard().rules()));
    let stopped = replayed.shard().stops_by(finding.seq);
    Ok(Bundle { format: FORMAT, finding, now, row, site, next, stopped, state }.narrowed())
}

/// The finding that is meant, as the ledger has it.
fn recorded(path: &Path, what: &str) -> anyhow::Result<Finding> {
    let (alarm, number) = match what.rsplit_once('@') {
        Some((alarm, number)) => {
            let number: u64 = number.parse().with_context(|| format!("\"{what}\": a finding's number is whole"))?;
            (alarm, Some(number))
        }
        None => (what, None),
    };
    let ledger = LedgerReader::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut found = None;
    for record in ledger.read(LedgerId(1)) {
        let entry = record.context("the ledger is not what was written")?.entry;
        let is_meant = |finding: &Finding| match alarm.split_once('/') {
            Some((rule, subject)) => finding.rule.as_str() == rule && finding.subject.as_str() == subject,
            None => entry.events.contains(&format!("\"{alarm}\"")),
        };
        if let Ok(Input::Finding(finding)) = serde_json::from_str(&entry.input)
            && is_meant(&finding)
            && number.map_or(finding.from != finding.judged, |number| finding.n == number)
        {
            found = Some(finding);
        }
    }
    found.with_context(|| {
        let form =
            "write an alarm such as river-stage/qingshi, its finding such as river-stage/qingshi@12, or a warning's id";
        format!("the ledger has no change of grade of \"{what}\"; {form}")
    })
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
fn told(bundle: &Bundle, same: bool, lang: Lang) -> String {
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
