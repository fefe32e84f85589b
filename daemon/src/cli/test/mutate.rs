//! `watchfire test --mutate`: every number of the rules under test is moved, and what no case notices is shown where it
//! stands. Each rule is compiled once; its numbers are moved in what was compiled.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::anyhow;
use watchfire_model::grade::Grade;
use watchfire_model::id::{RuleId, SubjectId};
use watchfire_model::ladder::{Delay, Direction};
use watchfire_rules::desk::text::number;
use watchfire_rules::trial::Case;
use watchfire_rules::trial::mutant::{Moved, Mutant, Sample};

use crate::cli::{Format, emit};
use crate::clock::Stopwatch;
use crate::config::problem::{Place, Problem, Problems};
use crate::lang::Lang;

use super::TestArgs;
use super::file::{Site, Sites, TestFile};
use super::report::fits;

/// Moves the numbers of every rule that the cases are about; how many of them no case noticed.
pub(super) fn run(files: &[TestFile], sites: &Sites, args: &TestArgs) -> anyhow::Result<usize> {
    let lang = args.style.lang();
    let watch = Stopwatch::start();
    let mut sum = Sum::default();
    for (place, site) in sites.list().iter().enumerate() {
        let mine: Vec<&TestFile> = files.iter().filter(|file| file.site == place).collect();
        let mut shown = site.problems.texts();
        for (rule, (cases, subjects)) in under_test(&mine, site, args.filter.as_deref()) {
            let sample =
                Sample::of(site.settings.site(), &rule).map_err(|_| anyhow!("rule {rule} cannot stand alone"))?;
            let Some(mut sample) = sample else { continue };
            anyhow::ensure!(sample.passes(&cases), "the cases of rule {rule} lean on other rules");
            sum.rules += 1;
            for mutant in sample.mutants(&subjects) {
                sum.mutants += 1;
                if sample.survives(&mutant, &cases) {
                    sum.survivors += 1;
                    shown.push(told(site, &rule, &mutant, lang));
                }
            }
        }
        shown.sort();
        show(&shown, args);
    }
    sum.say(watch.seconds(), args);
    Ok(sum.survivors)
}

#[derive(Default)]
struct Sum {
    rules: usize,
    mutants: usize,
    survivors: usize,
}

impl Sum {
    fn say(&self, seconds: f64, args: &TestArgs) {
        if args.style.output != Format::Table {
            return;
        }
        let Self { rules, mutants, survivors } = self;
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = *mutants as f64 / seconds.max(1e-9);
        emit(&match args.style.lang() {
            Lang::En => format!(
                "{mutants} numbers of {rules} rules moved, {survivors} unnoticed ({seconds:.2} s, {rate:.0}/s)\n"
            ),
            Lang::Zh => {
                format!("改动 {rules} 条规则的 {mutants} 处数值,{survivors} 处未被发现({seconds:.2} 秒,{rate:.0}/秒)\n")
            }
        });
    }
}

/// The rules that cases are about, each with its cases and the subjects they name.
type UnderTest = BTreeMap<RuleId, (Vec<Case>, BTreeSet<SubjectId>)>;

fn under_test(files: &[&TestFile], site: &Site, filter: Option<&str>) -> UnderTest {
    let mut rules = UnderTest::new();
    for file in files {
        for case in file.cases.iter().filter(|case| fits(case, file, filter)) {
            let named: BTreeSet<&RuleId> = case.case.expected.iter().map(|expected| &expected.rule).collect();
            for rule in named {
                let Some(about) = case.case.about(rule, &site.settings.rules) else { continue };
                let (cases, subjects) = rules.entry(rule.clone()).or_default();
                subjects.extend(about.expected.iter().map(|expected| expected.subject.clone()));
                cases.push(about);
            }
        }
    }
    rules
}

fn show(problems: &Problems, args: &TestArgs) {
    if args.style.output == Format::Table && !problems.is_empty() {
        eprintln!("{}", problems.display(args.style.lang(), args.style.colour()));
        return;
    }
    for (problem, position) in problems.iter() {
        let (file, line, column) = position.map_or((String::new(), 0, 0), |at| (at.file, at.line, at.column));
        let object = serde_json::json!({ "survives": problem.message, "file": file, "line": line, "column": column });
        emit(&format!("{object}\n"));
    }
}

/// A number that no case proves, where it stands.
fn told(site: &Site, rule: &RuleId, mutant: &Mutant, lang: Lang) -> Problem {
    let whose = mutant.subject.as_ref().map_or_else(|| rule.to_string(), |subject| format!("{rule} of {subject}"));
    let what = sentence(site, rule, mutant, lang);
    let message = match lang {
        Lang::En => format!("no case notices: {whose}, {what}"),
        Lang::Zh => format!("没有用例发现:{whose},{what}"),
    };
    match place(site, rule, mutant) {
        Some(at) => Problem::warning(at, message),
        None => Problem::nowhere(message),
    }
}

/// Where the number stands; the rule's id where a default of ours is in effect.
fn place(site: &Site, rule: &RuleId, mutant: &Mutant) -> Option<Place> {
    let rules = &site.settings.site().rules;
    let written = site.places.rules.get(rules.iter().position(|other| other.id == *rule)?)?;
    let grade = *mutant.grades.first()?;
    let numbers = &written.numbers;
    let at = match mutant.moved {
        Moved::RaiseAt { .. } | Moved::RaiseBeyond { .. } => {
            numbers.raise_at.get(grade).or_else(|| of_the_point(site, rule, mutant, grade))
        }
        Moved::LiftBelow { .. } | Moved::LiftOn { .. } => {
            let own = || numbers.raise_at.get(grade).or_else(|| of_the_point(site, rule, mutant, grade));
            numbers.lift.get(grade).or_else(own)
        }
        Moved::RaiseAfter { .. } => *numbers.raise_after.get(grade),
        Moved::LiftAfter { .. } => *numbers.lift_after.get(grade),
        Moved::Hold { .. } => *numbers.hold.get(grade),
    };
    Some(at.unwrap_or(written.id))
}

/// Where the threshold of the subject's own point stands.
fn of_the_point(site: &Site, rule: &RuleId, mutant: &Mutant, grade: Grade) -> Option<Place> {
    let subject = mutant.subject.as_ref()?;
    let explained = site.settings.rules.explain(rule)?;
    let found = explained.subjects.into_iter().find(|it| it.subject == *subject)?;
    found.reads.iter().find_map(|(station, point)| {
        let ix = site.settings.site().find_point(station.as_str(), point.as_str())?;
        *site.places.thresholds.get(ix.index())?.get(grade)
    })
}

fn sentence(site: &Site, rule: &RuleId, mutant: &Mutant, lang: Lang) -> String {
    let grades: Vec<&str> = mutant.grades.iter().map(|grade| super::verdict::word(Some(*grade), lang)).collect();
    let grades = grades.join(lang.pick(", ", "、"));
    let direction = site.settings.site().rules.iter().find(|other| other.id == *rule).map(|rule| rule.direction);
    let falling = site.settings.rules.explain(rule).map_or(direction == Some(Direction::Falling), |explained| {
        explained.subjects.first().is_some_and(|subject| subject.ladder.direction == Direction::Falling)
    });
    let (beyond, on) = if falling { ("< … ≤", "≥ … >") } else { ("> … ≥", "≤ … <") };
    let instead = |new: &str, old: &str| match lang {
        Lang::En => format!("{new} instead of {old}"),
        Lang::Zh => format!("{new}(原为 {old})"),
    };
    let signs = |signs: &str, at: f64| {
        let (new, old) = signs.split_once(" … ").unwrap_or((signs, signs));
        instead(&format!("{new} {}", number(at)), &format!("{old} {}", number(at)))
    };
    let (verb, change) = match mutant.moved {
        Moved::RaiseAt { from, to } => (lang.pick("raised at", "进入阈值"), instead(&number(to), &number(from))),
        Moved::RaiseBeyond { at } => (lang.pick("raised", "进入"), signs(beyond, at)),
        Moved::LiftBelow { from, to } => (lang.pick("left at", "退出阈值"), instead(&number(to), &number(from))),
        Moved::LiftOn { at } => (lang.pick("left", "退出"), signs(on, at)),
        Moved::RaiseAfter { from, to } => (lang.pick("raised after", "持续"), instead(&delay(to), &delay(from))),
        Moved::LiftAfter { from, to } => {
            (lang.pick("left after", "退出持续"), instead(&to.to_string(), &from.to_string()))
        }
        Moved::Hold { from, to } => (lang.pick("held for", "保持"), instead(&to.to_string(), &from.to_string())),
    };
    format!("{grades} {verb} {change}")
}

/// A delay as a rule writes it.
fn delay(delay: Delay) -> String {
    let samples = delay.samples.map(|samples| match delay.of {
        Some(of) => format!("{samples} of {of} samples"),
        None => format!("{samples} samples"),
    });
    let span = delay.span.map(|span| span.to_string());
    match (samples, span) {
        (Some(samples), Some(span)) => format!("{samples} or {span}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "0s".to_owned(),
    }
}
