//! `watchfire check --explain RULE`: every value in effect, as sentences that a duty officer can check.

use std::fmt::Write as _;

use watchfire_model::grade::Grade;
use watchfire_model::ladder::{Delay, Direction, Ladder, Step};
use watchfire_model::rule::{Class, Hazard, Measure, Per, Reach, Release, Rule};
use watchfire_model::site::Site;
use watchfire_rules::desk::text::number;
use watchfire_rules::ruleset::{Explanation, RuleSet, SubjectLadder, Way};

use crate::cli::{Format, Style, emit};
use crate::config::hazard;
use crate::config::settings::Settings;
use crate::lang::Lang;

mod closer;

/// Subjects whose ladder is told in sentences; of more, the number is told.
const TOLD: usize = 12;

/// Explains a rule on stdout. False, with a hint on stderr, if there is no such rule.
pub(crate) fn print(settings: &Settings, rules: &RuleSet, wanted: &str, style: Style) -> bool {
    let site = settings.site();
    let lang = style.lang();
    let found = site.rules.iter().find(|rule| rule.id.as_str() == wanted);
    let explained = found.and_then(|rule| Some((rule, site.hazard(rule.hazard.as_str())?, rules.explain(&rule.id)?)));
    let Some((rule, hazard, explanation)) = explained else {
        let known: Vec<&str> = site.rules.iter().map(|rule| rule.id.as_str()).collect();
        let message = lang.pick("there is no such rule; there are", "没有这条规则;现有");
        eprintln!("{wanted}: {message} {}", known.join(", "));
        return false;
    };
    let mut out = String::new();
    // Writing to a String cannot fail.
    match style.output {
        Format::Table => out = sentences(site, rule, hazard, &explanation, lang),
        Format::Json => each(&explanation, |subject, step| {
            let object = serde_json::json!({
                "rule": rule.id, "subject": subject.subject, "grade": step.grade, "unit": subject.unit.map(|unit| unit.symbol),
                "raise_at": step.raise_at, "lift_below": step.lift_below,
                "raise_after_samples": step.raise_after.samples, "raise_after_of": step.raise_after.of, "raise_after_ms": step.raise_after.span,
                "lift_after_ms": step.lift_after, "hold_ms": step.hold,
            });
            let _ = writeln!(out, "{object}");
        }),
        Format::Csv => {
            out.push_str("rule,subject,grade,raise_at,lift_below,unit,raise_after,lift_after,hold\n");
            each(&explanation, |subject, step| {
                let unit = subject.unit.map_or("", |unit| unit.symbol);
                let _ = writeln!(
                    out,
                    "{},{},{},{},{},{unit},{},{},{}",
                    rule.id,
                    subject.subject,
                    step.grade,
                    step.raise_at.get(),
                    step.lift_below.get(),
                    delay(step.raise_after, Lang::En),
                    step.lift_after,
                    step.hold
                );
            });
        }
    }
    emit(&out);
    true
}

fn each(explanation: &Explanation, mut tell: impl FnMut(&SubjectLadder, &Step)) {
    for subject in &explanation.subjects {
        for step in &subject.ladder.steps {
            tell(subject, step);
        }
    }
}

/// All of it, as text.
fn sentences(site: &Site, rule: &Rule, hazard: &Hazard, explanation: &Explanation, lang: Lang) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = head(&mut out, rule, hazard, explanation, lang);
    for subject in explanation.subjects.iter().take(TOLD) {
        let _ = writeln!(out, "\n{}{}", subject.subject, named(site, subject));
        for step in &subject.ladder.steps {
            let _ = writeln!(out, "  {}", rung(rule, hazard, subject, step, lang));
        }
        for line in closer::lines(site, rule, subject, lang) {
            let _ = writeln!(out, "  {line}");
        }
    }
    let more = explanation.subjects.len().saturating_sub(TOLD);
    if more > 0 {
        let _ = match lang {
            Lang::En => writeln!(out, "\n… and {more} more subjects; -o csv lists them all"),
            Lang::Zh => writeln!(out, "\n……另有 {more} 个对象;-o csv 可全部列出"),
        };
    }
    for (subject, why) in explanation.unjudged.iter().take(TOLD) {
        let _ = match lang {
            Lang::En => writeln!(out, "\n{subject} is not judged: {why}"),
            Lang::Zh => writeln!(out, "\n{subject} 不参与判断:{why}"),
        };
    }
    out
}

/// What speaks for a value in doubt.
fn doubts(out: &mut String, rule: &Rule, lang: Lang) -> std::fmt::Result {
    if rule.class == Class::Instant {
        return Ok(());
    }
    if rule.fast_rise {
        let said = lang.pick(
            "a value that rose too fast raises all the same, and a person is asked to look",
            "上升过快的值照常升级,同时提请人工核实",
        );
        writeln!(out, "{said}")?;
    }
    let samples = rule.corroborate.samples.map(|samples| match lang {
        Lang::En => format!("{samples} in a row that met the grade"),
        Lang::Zh => format!("连续 {samples} 个达到该等级"),
    });
    let witness = rule.corroborate.witness.as_ref().map(|witness| {
        let (at_least, unit) = (number(witness.at_least), witness.unit.map_or("", |unit| unit.symbol));
        let amount = format!("{at_least}{}", spaced(unit, " "));
        match lang {
            Lang::En => format!("{} of at least {amount} within {}", witness.point, witness.within),
            Lang::Zh => format!("{} 在 {} 内不少于 {amount}", witness.point, witness.within),
        }
    });
    let spoken: Vec<String> = samples.into_iter().chain(witness).collect();
    match (spoken.as_slice(), lang) {
        ([], _) => Ok(()),
        (spoken, Lang::En) => writeln!(out, "suspect values raise more than that with {}", spoken.join(", or with ")),
        (spoken, Lang::Zh) => writeln!(out, "存疑值有佐证时可升得更高:{}", spoken.join(",或 ")),
    }
}

/// The station's name behind a subject that is one of its own.
fn named(site: &Site, subject: &SubjectLadder) -> String {
    let id = subject.subject.as_str();
    let station = id.split('/').next().unwrap_or(id);
    let name = site.stations.iter().find(|known| known.id.as_str() == station).map(|known| known.name.as_str());
    name.filter(|name| *name != station).map_or_else(String::new, |name| format!(" · {name}"))
}

/// What is true of all subjects of a rule.
fn head(out: &mut String, rule: &Rule, hazard: &Hazard, explanation: &Explanation, lang: Lang) -> std::fmt::Result {
    let event = hazard.texts.first().map_or("", |(_, texts)| texts.event.as_str());
    let categories = hazard.categories.join(" ");
    match lang {
        Lang::En => writeln!(out, "rule {} ({})", rule.id, rule.origin)?,
        Lang::Zh => writeln!(out, "规则 {}({})", rule.id, rule.origin)?,
    }
    judges(out, rule, explanation, lang)?;
    match lang {
        Lang::En => writeln!(out, "warns of {} ({event}, {}, {categories})", hazard.id, hazard.event_code)?,
        Lang::Zh => writeln!(out, "对应 {}({event},{},{categories})", hazard.id, hazard.event_code)?,
    }
    class(out, rule, lang)?;
    doubts(out, rule, lang)?;
    looks_back(out, rule, explanation, lang)?;
    let silence = lang.pick(
        "silence, faults and errors hold the grade and raise a fault; they never lower it",
        "中断、故障、出错时保持等级并报故障,绝不降级",
    );
    writeln!(out, "{silence}")?;
    witnesses(out, rule, lang)?;
    match (rule.time_to_respond, lang) {
        (Some(time), Lang::En) => writeln!(out, "there are {time} to respond: {}", rule.response)?,
        (Some(time), Lang::Zh) => writeln!(out, "处置时限 {time}:{}", rule.response)?,
        (None, _) => {}
    }
    let remarks = hazard::remarks(&rule.origin);
    if !remarks.is_empty() {
        let title = lang.pick(
            "what the pack says of its numbers (✔ read in the source, ○ an editable default):",
            "规则包对各数值的说明(✔ 见于所引来源,○ 可改的默认值):",
        );
        writeln!(out, "\n{title}")?;
        remarks.iter().try_for_each(|line| writeln!(out, "  {line}"))?;
    }
    Ok(())
}

/// What is measured, of what, and how.
fn judges(out: &mut String, rule: &Rule, explanation: &Explanation, lang: Lang) -> std::fmt::Result {
    let measure = match &rule.measure {
        Measure::Expression(text) => text.as_str(),
        Measure::Script { file, .. } => file.as_str(),
    };
    let unit = rule.unit.map_or("", |unit| unit.symbol);
    let count = explanation.subjects.len();
    let per = match rule.per {
        Per::Station => lang.pick("each station", "逐站"),
        Per::Point => lang.pick("each point", "逐测点"),
        Per::Group => lang.pick("each group", "逐组"),
        Per::Area => lang.pick("each area", "逐区域"),
    };
    let way = match explanation.way {
        Way::Native => lang.pick("natively", "原生计算"),
        Way::Rhai => lang.pick("in Rhai", "Rhai 计算"),
    };
    match lang {
        Lang::En => {
            let subjects = if count == 1 { "subject" } else { "subjects" };
            writeln!(out, "judges `{measure}`{} for {per}, {way}: {count} {subjects}", spaced(unit, " in "))
        }
        Lang::Zh => writeln!(out, "{per}判断 `{measure}`{},{way},共 {count} 个对象", spaced(unit, ",单位 ")),
    }
}

/// How far a single sample is believed.
fn class(out: &mut String, rule: &Rule, lang: Lang) -> std::fmt::Result {
    let cap = rule.suspect_cap;
    match (rule.class, lang) {
        (Class::Instant, Lang::En) => writeln!(out, "class instant: a single sample counts, suspect ones too"),
        (Class::Instant, Lang::Zh) => writeln!(out, "类别:即时。单个样本即可升级,存疑样本同样有效"),
        (Class::Ordinary, Lang::En) => writeln!(out, "class ordinary: a suspect value alone raises no more than {cap}"),
        (Class::Ordinary, Lang::Zh) => {
            writeln!(out, "类别:一般。存疑值单独最高只升到{}色,启动后的最初样本最高只升到橙色", cap.han())
        }
    }
}

/// The windows, where there are any.
fn looks_back(out: &mut String, rule: &Rule, explanation: &Explanation, lang: Lang) -> std::fmt::Result {
    if explanation.windows.is_empty() {
        return Ok(());
    }
    let (span, coverage) = (explanation.looks_back, number(rule.coverage * 100.0));
    match lang {
        Lang::En => {
            let windows = explanation.windows.join(", ");
            writeln!(
                out,
                "looks back {span} on {windows}; less than {coverage} % covered is unknown, which changes nothing"
            )
        }
        Lang::Zh => {
            let windows = explanation.windows.join("、");
            writeln!(out, "回看 {span}:{windows};覆盖不足 {coverage}% 视为未知,不升不降")
        }
    }
}

/// Grades that more than one point must meet.
fn witnesses(out: &mut String, rule: &Rule, lang: Lang) -> std::fmt::Result {
    for grade in Grade::ALL.into_iter().filter(|grade| *rule.witnesses.get(*grade) > 1) {
        let many = rule.witnesses.get(grade);
        match lang {
            Lang::En => writeln!(
                out,
                "{grade} takes {many} independent points, each by itself; what shares a gateway, logger, power or device is one"
            )?,
            Lang::Zh => writeln!(
                out,
                "{}色须有 {many} 个相互独立的测点各自达到;共用网关、采集器、供电或设备的只算一个",
                grade.han()
            )?,
        }
    }
    Ok(())
}

fn spaced(unit: &str, before: &str) -> String {
    if unit.is_empty() || unit == "1" { String::new() } else { format!("{before}{unit}") }
}

/// One grade of one subject, from its first value to its ending.
fn rung(rule: &Rule, hazard: &Hazard, subject: &SubjectLadder, step: &Step, lang: Lang) -> String {
    let grade = step.grade;
    let unit = subject.unit.map_or_else(String::new, |unit| spaced(unit.symbol, " "));
    let (raise, lift) = (number(step.raise_at.get()), number(step.lift_below.get()));
    let policy = &hazard.release;
    let ends_lower = lower_step(&subject.ladder, step);
    let act = if ends_lower.is_some() { *policy.lower.get(grade) } else { *policy.end.get(grade) };
    let public = hazard.reach == Reach::Public && !rule.shadow;
    match lang {
        Lang::En => {
            let (at, below) = match subject.ladder.direction {
                Direction::Rising => ("at or above", "below"),
                Direction::Falling => ("at or below", "above"),
            };
            let told = match (rule.shadow, public) {
                (true, _) => "is recorded and never told (shadow)".to_owned(),
                (false, false) => "goes to the duty desk at once, never to the public".to_owned(),
                (false, true) => {
                    let proof = proof(rule, grade, lang);
                    format!(
                        "goes to the duty desk at once, to the public {}{proof}",
                        signed(*policy.raise.get(grade), lang)
                    )
                }
            };
            let after = if step.raise_after.is_none() {
                "at once".to_owned()
            } else {
                format!("after {}", delay(step.raise_after, lang))
            };
            let agreed = if public { agreed(act, lang) } else { String::new() };
            let held = if step.hold.0 > 0 { format!(", at least {} long", step.hold) } else { String::new() };
            let to = ends_lower.map_or_else(|| "ends".to_owned(), |lower| format!("steps down to {}", lower.word()));
            let long = if step.lift_after.0 > 0 {
                format!("{} after the value is", step.lift_after)
            } else {
                "as soon as the value is".to_owned()
            };
            format!(
                "{} {} is raised {at} {raise}{unit}, {after}; it {told}; it {to} {long} {below} {lift}{unit}{agreed}{held}; \
                 to be acknowledged within {}, valid {} and extended while it holds",
                grade.word(),
                grade.numeral(),
                hazard.acknowledge_within.get(grade),
                hazard.expires_after.get(grade)
            )
        }
        Lang::Zh => {
            let (at, below) = match subject.ladder.direction {
                Direction::Rising => ("达到或超过", "低于"),
                Direction::Falling => ("达到或低于", "高于"),
            };
            let told = match (rule.shadow, public) {
                (true, _) => "只记录,不发布(影子规则)".to_owned(),
                (false, false) => "立即告知值班台,不对外发布".to_owned(),
                (false, true) => {
                    let proof = proof(rule, grade, lang);
                    format!("立即告知值班台,{proof}{}对外发布", signed(*policy.raise.get(grade), lang))
                }
            };
            let after = if step.raise_after.is_none() {
                "立即".to_owned()
            } else {
                format!("持续 {} 后", delay(step.raise_after, lang))
            };
            let agreed = if public { agreed(act, lang) } else { String::new() };
            let held = if step.hold.0 > 0 { format!(",至少保持 {}", step.hold) } else { String::new() };
            let to = ends_lower.map_or_else(|| "解除".to_owned(), |lower| format!("降为{}色", lower.han()));
            let long = if step.lift_after.0 > 0 { format!(" {} 后", step.lift_after) } else { "即".to_owned() };
            format!(
                "{}色 {} 级:{at} {raise}{unit} {after}升级;{told};{below} {lift}{unit}{long}{to}{agreed}{held};{} 内须确认,有效 {},持续则续发",
                grade.han(),
                grade.numeral(),
                hazard.acknowledge_within.get(grade),
                hazard.expires_after.get(grade)
            )
        }
    }
}

/// The grade to which a step leads down when its own reset value is passed, if one still holds there.
fn lower_step(ladder: &Ladder, step: &Step) -> Option<Grade> {
    let below = ladder.steps.iter().rev().filter(|other| other.grade < step.grade);
    below
        .filter(|other| match ladder.direction {
            Direction::Rising => other.lift_below < step.lift_below,
            Direction::Falling => other.lift_below > step.lift_below,
        })
        .map(|other| other.grade)
        .next()
}

fn signed(release: Release, lang: Lang) -> String {
    match release {
        Release::Auto => lang.pick("at once", "立即"),
        Release::One => lang.pick("after one signature", "一人签发后"),
        Release::Two => lang.pick("after two signatures", "两人签发后"),
    }
    .to_owned()
}

/// What a grade takes before the public is told.
fn proof(rule: &Rule, grade: Grade, lang: Lang) -> String {
    let needs = *rule.public_after.get(grade);
    if rule.class == Class::Instant || needs.is_none() {
        return String::new();
    }
    let needs = delay(needs, lang);
    match lang {
        Lang::En => format!(", and not before {needs}, or two independent sensors"),
        Lang::Zh => format!("须有{needs},或两个相互独立的测点,"),
    }
}

fn agreed(release: Release, lang: Lang) -> String {
    match release {
        Release::Auto => "",
        Release::One => lang.pick(" and an officer has agreed", "(须一人同意)"),
        Release::Two => lang.pick(" and two officers have agreed", "(须两人同意)"),
    }
    .to_owned()
}

fn delay(delay: Delay, lang: Lang) -> String {
    let samples = delay.samples.map(|n| match (lang, delay.of) {
        (Lang::En, Some(of)) => format!("{n} of the last {of} samples"),
        (Lang::Zh, Some(of)) => format!("最近 {of} 个样本中的 {n} 个"),
        (Lang::En, None) if n == 1 => "1 sample".to_owned(),
        (Lang::En, None) => format!("{n} samples"),
        (Lang::Zh, None) => format!("{n} 个样本"),
    });
    let span = delay.span.map(|span| span.to_string());
    match (samples, span) {
        (Some(samples), Some(span)) => match lang {
            Lang::En => format!("{samples} or {span}, whichever is first"),
            Lang::Zh => format!("{samples}或 {span}(先到为准)"),
        },
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => String::new(),
    }
}
