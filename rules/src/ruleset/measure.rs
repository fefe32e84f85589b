//! How a rule's number is made: the native way where the measure is plainly a point or one window of it, Rhai otherwise.

use std::collections::BTreeSet;

use watchfire_model::id::PointIx;
use watchfire_model::rule::{Measure as Written, Per, Rule};
use watchfire_model::site::{Point, Site};
use watchfire_model::time::Span;
use watchfire_model::unit::Unit;

use super::{Convert, Measure, Problem};
use crate::engine::{Name, Program, Sandbox};
use crate::window::{Take, WindowSpec};

/// What scripts may call the points of a site.
pub(super) fn known(site: &Site) -> Vec<String> {
    let names = site.points.iter().flat_map(|point| [point.id.as_str(), &point.quantity]);
    // Of thousands of points most are called alike.
    names.collect::<BTreeSet<_>>().into_iter().map(identifier).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Compiles a rule's measure, which may speak of points by these names.
pub(super) fn compile(rule: &Rule, sandbox: &Sandbox, known: &[String]) -> Result<Measure, Vec<Problem>> {
    if let Some((_, native)) = native(rule) {
        return Ok(native);
    }
    let (text, origin) = match &rule.measure {
        Written::Expression(text) => (text, rule.origin.clone()),
        Written::Script { file, text } => (text, file.clone()),
    };
    let many = matches!(rule.per, Per::Group | Per::Area);
    let program = Program::compile(sandbox, text, known, many).map_err(|faults| {
        let problem = |fault: crate::engine::ScriptFault| Problem {
            rule: rule.id.clone(),
            origin: origin.clone(),
            line: fault.line,
            column: fault.column,
            message: fault.message,
            hint: fault.hint,
        };
        faults.into_iter().map(problem).collect::<Vec<_>>()
    })?;
    Ok(Measure::Program(Box::new(program)))
}

/// The name that a native measure reads.
pub(super) fn native_name(rule: &Rule) -> Name {
    native(rule).map_or_else(Name::default, |(name, _)| name)
}

/// A measure that is plainly `point`, `point.last` or `point.take("1h")`, perhaps of the station upstream.
fn native(rule: &Rule) -> Option<(Name, Measure)> {
    if matches!(rule.per, Per::Group | Per::Area) {
        return None;
    }
    let Written::Expression(text) = &rule.measure else { return None };
    let (upstream, text) = match text.trim().strip_prefix("upstream.") {
        Some(rest) => (true, rest),
        None => (false, text.trim()),
    };
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (point, rest) = text.split_at(end);
    if point.is_empty() || point.starts_with(|c: char| c.is_ascii_digit()) || point == "unknown" {
        return None;
    }
    let name = Name { upstream, point: point.to_owned() };
    if rest.is_empty() || rest == ".last" {
        return Some((name, Measure::Last));
    }
    let (method, arguments) = rest.strip_prefix('.')?.split_once('(')?;
    let take = Take::ALL.into_iter().find(|take| take.word() == method)?;
    let mut spans = arguments.strip_suffix(')')?.split(',').map(|argument| {
        let text = argument.trim().strip_prefix('"')?.strip_suffix('"')?;
        text.parse::<Span>().ok()
    });
    let span = spans.next()??;
    let age = match spans.next() {
        Some(age) => age?,
        None => Span::ZERO,
    };
    let sound = span > Span::ZERO && age >= Span::ZERO && spans.next().is_none();
    sound.then_some((name, Measure::Window(WindowSpec::rolling(take, span, age))))
}

/// An id as it is written in a measure: what no identifier can hold becomes `_`.
pub(super) fn identifier(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect()
}

/// The unit in which a measure of `point` comes by itself, where that is known.
pub(super) fn natural_unit(measure: &Measure, point: &Point) -> Option<Unit> {
    match measure {
        Measure::Last => Some(point.unit),
        Measure::Window(spec) => match spec.take {
            Take::Sum | Take::Mean | Take::Min | Take::Max | Take::Diff => Some(point.unit),
            Take::Rise => Unit::parse(&format!("{}/h", point.unit)),
            Take::Count => Unit::parse("1"),
            Take::SpanHours => Unit::parse("h"),
        },
        Measure::Program(_) => None,
    }
}

/// How a native measure of `point` comes to the rule's unit; a script's author converts by hand.
pub(super) fn unit_of(site: &Site, rule: &Rule, measure: &Measure, ix: PointIx) -> Result<Option<Convert>, Problem> {
    let (Some(wanted), Some(point)) = (rule.unit, site.point(ix)) else { return Ok(None) };
    let Some(natural) = natural_unit(measure, point) else { return Ok(None) };
    if natural == wanted || natural.symbol == wanted.symbol {
        return Ok(None);
    }
    if natural.dimension != wanted.dimension {
        let message = format!("rule \"{}\" is in {wanted}, but its measure comes in {natural}", rule.id);
        return Err(Problem::with(rule, message).hint(format!("write a unit that {natural} converts into, or none")));
    }
    let difference =
        matches!(measure, Measure::Window(spec) if matches!(spec.take, Take::Diff | Take::Sum | Take::Rise));
    let offset = if difference { 0.0 } else { (natural.offset - wanted.offset) / wanted.factor };
    Ok(Some(Convert { factor: natural.factor / wanted.factor, offset }))
}
