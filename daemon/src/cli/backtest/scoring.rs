//! How well the warnings did: against what really happened, against another rule set, over a range of thresholds. Each
//! question is a pass of the same recording through both machines.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use indicatif::ProgressBar;
use serde::Serialize;
use watchfire_model::grade::Grade;
use watchfire_model::id::Revision;
use watchfire_model::rule::Thresholds;
use watchfire_model::site::{Audience, Site};
use watchfire_model::time::Timestamp;
use watchfire_rules::figures::Contributor;
use watchfire_rules::ruleset::RuleSet;
use watchfire_rules::scores::{
    CallsTold, Course, Difference, Matching, Occurrence, Score, Verification, compare, verify,
};

use super::abreast::abreast;
use super::bounds::{Bound, Ratio};
use super::events::EventsArgs;
use super::rehearse::{NotScored, Rehearsed, rehearse};
use super::source::Source;
use super::sweep::{Sweep, swept};
use super::traces::Traces;
use super::{BacktestArgs, bar, html, rules_of, told};
use crate::cli::{Format, Style, emit, exit};

/// What the warnings of a backtest are held against.
#[derive(Clone, Debug, clap::Args)]
pub struct ScoreArgs {
    /// What really happened.
    #[command(flatten)]
    pub happened: EventsArgs,
    /// Whose warnings are scored; whatever needs a signature is signed at once.
    #[arg(long, value_enum, default_value_t)]
    pub audience: Whom,
    /// Ends with code 1 if fewer were detected, such as 0.8, or orange=0.6; without a grade the lowest that any rule has.
    #[arg(long, value_name = "[GRADE=]POD", requires = "events")]
    pub min_pod: Vec<Bound>,
    /// Ends with code 1 if more of the warnings were false, such as 0.5, or red=0.2.
    #[arg(long, value_name = "[GRADE=]FAR", requires = "events")]
    pub max_far: Vec<Bound>,
    /// Another configuration: both judge the recording, and their warnings are compared one by one.
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// Ends with code 1 if the two say anything different.
    #[arg(long, requires = "against")]
    pub must_agree: bool,
    /// Tries a threshold: RULE.GRADE=FROM..TO/STEP in the measure's unit, or RULE.GRADE=x0.5..x1.5/0.1 times what it is.
    #[arg(long, value_name = "TRIAL", requires = "events")]
    pub sweep: Option<Sweep>,
    /// Writes a report with charts as one HTML file that needs nothing else.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// Whose warnings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Whom {
    /// Those on duty, who hear at once.
    #[default]
    Internal,
    /// Everybody, once enough speaks for it.
    Public,
}

impl From<Whom> for Audience {
    fn from(whom: Whom) -> Self {
        match whom {
            Whom::Internal => Self::Internal,
            Whom::Public => Self::Public,
        }
    }
}

impl ScoreArgs {
    /// Whether anything is to be scored, compared or tried.
    pub(super) const fn is_wanted(&self) -> bool {
        self.happened.events.is_some() || self.against.is_some() || self.html.is_some()
    }
}

/// All that a scored backtest says. Spans are in milliseconds.
#[derive(Debug, Serialize)]
pub(super) struct Assessment {
    /// By which revision of the configuration.
    pub(super) revision: Revision,
    /// What was judged.
    pub(super) recording: String,
    /// Its first reading.
    pub(super) from: Timestamp,
    /// Its last.
    pub(super) to: Timestamp,
    /// How many there were.
    pub(super) readings: u64,
    /// Whose warnings.
    pub(super) audience: Audience,
    /// The warnings.
    pub(super) warnings: Vec<Course>,
    /// There were more changes of grade than are told.
    pub(super) cut_off: bool,
    /// Calls in ten minutes.
    pub(super) calls: CallsTold,
    /// Alarms that chattered, the worst first, at most ten.
    pub(super) chattering: Vec<Contributor>,
    /// Against what happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) verification: Option<Verification>,
    /// Against another rule set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) difference: Option<Difference>,
    /// Over a range of thresholds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sweep: Option<Swept>,
}

/// A trade-off curve.
#[derive(Debug, Serialize)]
pub(super) struct Swept {
    /// What was tried, such as `river-stage.orange`.
    pub(super) of: String,
    /// The values are factors of what is written.
    pub(super) by_factor: bool,
    /// What each came to, in the order tried.
    pub(super) points: Vec<Tried>,
}

/// One threshold and what it came to.
#[derive(Debug, Serialize)]
pub(super) struct Tried {
    /// The threshold, or the factor.
    pub(super) value: f64,
    /// The scores of the grade that was moved; none where no rule set can have this threshold.
    pub(super) score: Option<Score>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refused: Option<String>,
}

/// What is judged in one pass.
type Job = Result<Arc<RuleSet>, String>;

/// Passes, questions, answers.
pub(super) fn run(args: &BacktestArgs, source: &Source, rules: Arc<RuleSet>) -> anyhow::Result<ExitCode> {
    let site = Arc::clone(rules.site());
    let occurrences = match args.score.happened.happened(&site)? {
        Ok(occurrences) => occurrences,
        Err(code) => return Ok(code),
    };
    let mut jobs: Vec<Job> = vec![Ok(rules)];
    if let Some(other) = &args.score.against {
        match rules_of(other, source, args.style) {
            Ok(rules) => jobs.push(Ok(rules)),
            Err(code) => return Ok(code),
        }
    }
    let trials = match args.score.sweep.as_ref().map(|sweep| swept(&site, sweep)).transpose() {
        Ok(trials) => trials.unwrap_or_default(),
        Err(why) => {
            eprintln!("error: --sweep: {why}");
            return Ok(ExitCode::from(exit::USAGE));
        }
    };
    let first_trial = jobs.len();
    jobs.extend(trials);
    ensure!(
        jobs.len() == 1 || source.is_repeatable(),
        "stdin can be heard only once; --against and --sweep need a file"
    );
    let mut passed = match passes(args, source, &jobs)? {
        Ok(passed) => passed,
        Err(why) => {
            eprintln!("error: {why}");
            return Ok(ExitCode::from(exit::FINDINGS));
        }
    };
    let tried = passed.split_off(first_trial);
    let there = passed.split_off(1).pop().flatten();
    let Some(Some(mut here)) = passed.pop() else { anyhow::bail!("the recording was not judged") };
    for line in here.lines.iter().chain(there.iter().flat_map(|there| &there.lines)) {
        eprintln!("{line}");
    }
    let traces = here.traces.take();
    let verifier = occurrences.as_deref().map(|occurrences| (occurrences, args.score.happened.matching()));
    let assessment = assess(args, source, &site, here, there, tried, verifier, &jobs[first_trial..]);
    tell(&assessment, &site, args.style)?;
    if let (Some(path), Some(traces)) = (&args.score.html, traces) {
        let page = html::page(&assessment, &traces, &site, args.style.lang());
        std::fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(verdict(&args.score, &assessment))
}

/// One pass, and what it says on stderr.
struct Pass {
    rehearsed: Rehearsed,
    lines: Vec<String>,
    /// What was measured, where it is to be drawn.
    traces: Option<Traces>,
}

/// Every job's pass, as many side by side as there are cores; none for a job that was refused. What is wrong with the
/// recording is told once.
fn passes(args: &BacktestArgs, source: &Source, jobs: &[Job]) -> anyhow::Result<Result<Vec<Option<Pass>>, NotScored>> {
    let (name, to) = (source.name(), args.score.audience.into());
    let pass = |place: usize| -> anyhow::Result<Option<Pass>> {
        let Some(Ok(rules)) = jobs.get(place) else { return Ok(None) };
        let mut feed = source.open(rules.site())?;
        let bar = if place == 0 { bar(feed.length()) } else { ProgressBar::hidden() };
        let mut traces = (place == 0 && args.score.html.is_some()).then(|| Traces::of(rules));
        let rehearsed = rehearse(Arc::clone(rules), &mut feed, &name, to, args.strict, &bar, traces.as_mut());
        let seconds = bar.elapsed().as_secs_f64();
        bar.finish_and_clear();
        let rehearsed = rehearsed?;
        let lines = rehearsed.summary.lines(feed.points(), seconds, args.style.lang());
        Ok(Some(Pass { rehearsed, lines, traces }))
    };
    let mut passed = Vec::with_capacity(jobs.len());
    for one in abreast(jobs.len(), pass) {
        match one.map_err(|error| error.downcast::<NotScored>()) {
            Ok(pass) => passed.push(pass),
            Err(Ok(why)) => return Ok(Err(why)),
            Err(Err(error)) => return Err(error),
        }
    }
    Ok(Ok(passed))
}

#[expect(clippy::too_many_arguments, reason = "each is one part of what is told")]
fn assess(
    args: &BacktestArgs,
    source: &Source,
    site: &Site,
    here: Pass,
    there: Option<Pass>,
    tried: Vec<Option<Pass>>,
    verifier: Option<(&[Occurrence], Matching)>,
    trials: &[Job],
) -> Assessment {
    let Rehearsed { told, span, summary } = here.rehearsed;
    let check = |courses: &[Course], span, grades: &[Grade]| {
        verifier.map(|(occurrences, matching)| verify(courses, occurrences, matching, span, grades))
    };
    let sweep = args.score.sweep.as_ref().map(|sweep| Swept {
        of: sweep.of(),
        by_factor: sweep.by_factor(),
        points: (sweep.values().zip(tried).zip(trials))
            .map(|((value, pass), job)| {
                let scored = pass.and_then(|pass| {
                    let Rehearsed { told, span, .. } = pass.rehearsed;
                    check(&told.courses, span, &[sweep.grade()])?.scores.pop()
                });
                Tried { value, score: scored, refused: job.as_ref().err().cloned() }
            })
            .collect(),
    });
    Assessment {
        revision: site.revision.clone(),
        recording: source.name(),
        from: span.0,
        to: span.1,
        readings: summary.readings,
        audience: args.score.audience.into(),
        verification: check(&told.courses, span, &grades(site)),
        difference: there.map(|there| compare(&told.courses, &there.rehearsed.told.courses, args.score.happened.lead)),
        sweep,
        warnings: told.courses,
        cut_off: told.cut_off,
        calls: told.calls,
        chattering: told.chattering,
    }
}

/// The grades that some rule can raise; the others would only repeat those above them.
pub(in crate::cli) fn grades(site: &Site) -> Vec<Grade> {
    let rules = || site.rules.iter().filter(|rule| !rule.shadow);
    let has = |grade: &Grade| {
        rules().any(|rule| match &rule.thresholds {
            Thresholds::Inline(values) => values.get(*grade).is_some(),
            Thresholds::Station => site.points.iter().any(|point| point.thresholds.get(*grade).is_some()),
        })
    };
    let found: Vec<Grade> = Grade::ALL.into_iter().filter(has).collect();
    if found.is_empty() { vec![Grade::Blue] } else { found }
}

fn tell(assessment: &Assessment, site: &Site, style: Style) -> anyhow::Result<()> {
    match style.output {
        Format::Table => emit(&told::tables(assessment, site, style.lang())),
        Format::Json => emit(&format!("{}\n", serde_json::to_string(assessment)?)),
        Format::Csv => emit(&told::rows(assessment)),
    }
    Ok(())
}

/// The code to end with; what was asked for and not met is said on stderr.
fn verdict(args: &ScoreArgs, assessment: &Assessment) -> ExitCode {
    let scores = assessment.verification.as_ref().map_or(&[][..], |verification| &verification.scores);
    let pods = args.min_pod.iter().filter_map(|bound| bound.unmet(Ratio::Pod, scores));
    let mut unmet: Vec<String> =
        pods.chain(args.max_far.iter().filter_map(|bound| bound.unmet(Ratio::Far, scores))).collect();
    if args.must_agree && assessment.difference.as_ref().is_some_and(|difference| !difference.is_none()) {
        unmet.push("the two rule sets do not agree".to_owned());
    }
    for line in &unmet {
        eprintln!("error: {line}");
    }
    if unmet.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(exit::FINDINGS) }
}
