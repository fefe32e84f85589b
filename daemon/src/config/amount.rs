//! Values with units, delays, and values per grade, as configuration writes them.

use watchfire_model::grade::{Grade, PerGrade};
use watchfire_model::ladder::Delay;
use watchfire_model::time::Span;
use watchfire_model::unit::{self, UNITS, Unit};

use crate::config::nearest::did_you_mean;
use crate::config::problem::{Place, Problem};
use crate::config::read::{At, Context, Node, Shape};

/// A number, with its unit where one is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Amount {
    pub(crate) value: f64,
    pub(crate) unit: Option<Unit>,
}

/// Why a text is no amount: what is wrong, and a hint.
#[derive(Debug)]
pub(crate) struct NoAmount {
    message: String,
    hint: Option<String>,
}

impl Amount {
    /// Reads `0.05 m` or `0.05`.
    pub(crate) fn parse(text: &str) -> Result<Self, NoAmount> {
        let Some((value, symbol)) = unit::split(text) else {
            let message = format!("\"{text}\" is not a number with a unit, such as \"0.05 m\"");
            return Err(NoAmount { message, hint: None });
        };
        if symbol.is_empty() {
            return Ok(Self { value, unit: None });
        }
        parse_unit(symbol).map(|unit| Self { value, unit: Some(unit) })
    }
}

/// The unit of a symbol, or what is wrong with it.
pub(crate) fn parse_unit(symbol: &str) -> Result<Unit, NoAmount> {
    Unit::parse(symbol).ok_or_else(|| {
        let known = UNITS.iter().map(|unit| unit.symbol).filter(|known| !known.is_empty());
        let hint = did_you_mean(symbol, known.clone())
            .unwrap_or_else(|| format!("known units: {}", known.collect::<Vec<_>>().join(" ")));
        NoAmount { message: format!("unknown unit \"{symbol}\""), hint: Some(hint) }
    })
}

impl NoAmount {
    pub(crate) fn at(self, at: Place) -> Problem {
        Problem::error(at, self.message).maybe_hint(self.hint)
    }
}

/// An amount in `unit`; of another dimension it is refused.
pub(crate) fn convert(cx: &Context<'_>, amount: &At<Amount>, unit: Unit) -> Option<f64> {
    converted(cx, amount, unit, Unit::convert)
}

/// A difference (a margin, a resolution) in `unit`.
pub(crate) fn convert_difference(cx: &Context<'_>, amount: &At<Amount>, unit: Unit) -> Option<f64> {
    converted(cx, amount, unit, Unit::convert_difference)
}

fn converted(
    cx: &Context<'_>,
    amount: &At<Amount>,
    unit: Unit,
    by: impl Fn(Unit, f64, Unit) -> Option<f64>,
) -> Option<f64> {
    let Some(from) = amount.value.unit else { return Some(amount.value.value) };
    let converted = by(from, amount.value.value, unit);
    if converted.is_none() {
        let problem = Problem::error(amount.at, format!("`{from}` cannot become `{unit}`")).label(format!(
            "{} where {} is due",
            dimension(from),
            dimension(unit)
        ));
        cx.report(problem);
    }
    converted
}

fn dimension(unit: Unit) -> String {
    let mut words = String::new();
    for c in format!("{:?}", unit.dimension).chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    if words == "none" { "a plain number".into() } else { format!("a {words}") }
}

/// Reads an amount.
pub(crate) fn amount(node: &Node<'_>) -> Option<At<Amount>> {
    match node.shape("") {
        Shape::Number(number) => Some(number.map(|value| Amount { value, unit: None })),
        Shape::Text(text) => match Amount::parse(&text.value) {
            Ok(amount) => Some(At { value: amount, at: text.at }),
            Err(error) => {
                node.cx.report(error.at(text.at));
                None
            }
        },
        Shape::Table(_) | Shape::Array(_) | Shape::Flag(_) | Shape::Other => {
            node.refuse("a number, or a number with its unit such as \"0.05 m\",")
        }
    }
}

/// Reads a length of time.
pub(crate) fn span(node: &Node<'_>) -> Option<At<Span>> {
    node.span()
}

/// Reads a delay: `"2 samples or 5 min"`, `"3 samples"`, `"2 of 3 samples"`, `"5 min"`, `"0s"`.
pub(crate) fn delay(node: &Node<'_>) -> Option<At<Delay>> {
    let text = match node.shape("") {
        Shape::Number(At { value: 0.0, at }) => return Some(At { value: Delay::NONE, at }),
        Shape::Text(text) => text,
        Shape::Number(_) | Shape::Table(_) | Shape::Array(_) | Shape::Flag(_) | Shape::Other => {
            return node.refuse("a delay such as \"2 samples or 5 min\"");
        }
    };
    match parse_delay(&text.value) {
        Some(delay) => Some(At { value: delay, at: text.at }),
        None => {
            let problem = Problem::error(text.at, format!("\"{}\" is not a delay", text.value)).hint(
                "write \"2 samples\", \"2 of 3 samples\", \"5 min\" or \"2 samples or 5 min\" (whichever comes first)",
            );
            node.cx.report(problem);
            None
        }
    }
}

fn parse_delay(text: &str) -> Option<Delay> {
    let mut delay = Delay::NONE;
    for part in text.split(" or ") {
        let part = part.trim();
        let count = part.strip_suffix("samples").or_else(|| part.strip_suffix("sample"));
        match count {
            Some(count) if delay.samples.is_none() => (delay.samples, delay.of) = parse_count(count)?,
            None if delay.span.is_none() => delay.span = Some(part.parse::<Span>().ok()?),
            Some(_) | None => return None,
        }
    }
    Some(delay)
}

/// Reads a delay that counts samples whether or not others lie between them.
pub(crate) fn plain_delay(node: &Node<'_>) -> Option<At<Delay>> {
    let delay = delay(node)?;
    if delay.value.of.is_some() {
        let problem = Problem::error(delay.at, "what counts here is how many samples, not of how many");
        node.cx
            .report(problem.hint("write \"2 samples\", \"5 min\" or \"2 samples or 5 min\" (whichever comes first)"));
        return None;
    }
    Some(delay)
}

/// `3`, or `2 of 3`: the least of the last few.
fn parse_count(text: &str) -> Option<(Option<u32>, Option<u32>)> {
    let number = |text: &str| text.trim().parse::<u32>().ok();
    match text.split_once(" of ") {
        None => Some((Some(number(text)?), None)),
        Some((least, of)) => {
            let (least, of) = (number(least)?, number(of)?);
            (1 <= least && least <= of && of <= Delay::OF_MOST).then_some((Some(least), Some(of)))
        }
    }
}

/// A value for all grades, and others for single ones.
#[derive(Clone, Debug)]
pub(crate) struct Graded<T> {
    default: Option<T>,
    own: PerGrade<Option<T>>,
}

impl<T> Default for Graded<T> {
    fn default() -> Self {
        Self { default: None, own: PerGrade::from_fn(|_| None) }
    }
}

impl<T> Graded<T> {
    /// What is written for a grade, or for all.
    pub(crate) fn get(&self, grade: Grade) -> Option<&T> {
        self.own.get(grade).as_ref().or(self.default.as_ref())
    }
    /// What is written for a grade itself.
    pub(crate) fn own(&self, grade: Grade) -> Option<&T> {
        self.own.get(grade).as_ref()
    }
    /// Puts what `over` says in the place of what was said before.
    pub(crate) fn overlay(&mut self, over: Self) {
        if over.default.is_some() {
            *self = over;
            return;
        }
        let PerGrade { blue, yellow, orange, red } = over.own;
        for (slot, value) in [
            (&mut self.own.blue, blue),
            (&mut self.own.yellow, yellow),
            (&mut self.own.orange, orange),
            (&mut self.own.red, red),
        ] {
            if value.is_some() {
                *slot = value;
            }
        }
    }
    pub(crate) fn set(&mut self, grade: Grade, value: T) {
        *self.own.get_mut(grade) = Some(value);
    }
}

/// Reads one value for all grades, or a table with `default` and the grades' own.
pub(crate) fn graded<T>(node: &Node<'_>, what: &'static str, read: impl Fn(&Node<'_>) -> Option<T>) -> Graded<T> {
    let Shape::Table(table) = node.shape(what) else {
        return Graded { default: read(node), ..Graded::default() };
    };
    let mut graded = Graded { default: table.get("default").and_then(|node| read(&node)), ..Graded::default() };
    for grade in Grade::ALL {
        *graded.own.get_mut(grade) = table.get(grade.word()).and_then(|node| read(&node));
    }
    table.finish();
    graded
}

/// As [`graded`], nothing where there is no such key.
pub(crate) fn graded_or_none<T>(
    node: Option<Node<'_>>,
    what: &'static str,
    read: impl Fn(&Node<'_>) -> Option<T>,
) -> Graded<T> {
    node.map_or_else(Graded::default, |node| graded(&node, what, read))
}

/// `[low, high]`.
pub(crate) fn pair(node: &Node<'_>) -> Option<(At<Amount>, At<Amount>)> {
    match node.shape("") {
        Shape::Array(nodes) => match nodes.as_slice() {
            [low, high] => Some((amount(low)?, amount(high)?)),
            _ => node.refuse("[low, high]"),
        },
        Shape::Text(_) | Shape::Number(_) | Shape::Table(_) | Shape::Flag(_) | Shape::Other => {
            node.refuse("[low, high]")
        }
    }
}

/// `"0.5 m/h"`, or `[fall, rise]`.
pub(crate) fn rate(node: &Node<'_>) -> Option<(At<Amount>, At<Amount>)> {
    match node.shape("") {
        Shape::Array(_) => pair(node),
        Shape::Text(_) | Shape::Number(_) | Shape::Table(_) | Shape::Flag(_) | Shape::Other => {
            amount(node).map(|both| (both.clone(), both))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_samples_or_time_whichever_is_first() {
        let read = |text| parse_delay(text);
        assert_eq!(
            read("2 samples or 5 min"),
            Some(Delay { samples: Some(2), span: Some(Span::minutes(5)), ..Delay::NONE })
        );
        assert_eq!(
            read("5m or 2 samples"),
            Some(Delay { samples: Some(2), span: Some(Span::minutes(5)), ..Delay::NONE })
        );
        assert_eq!(read("1 sample"), Some(Delay { samples: Some(1), ..Delay::NONE }));
        assert_eq!(read("0s"), Some(Delay { span: Some(Span::ZERO), ..Delay::NONE }));
        let of = |least, of| Some(Delay { samples: Some(least), of: Some(of), ..Delay::NONE });
        assert_eq!(read("2 of 3 samples"), of(2, 3));
        assert_eq!(read("32 of 32 samples"), of(32, 32));
        for text in [
            "",
            "2 samples or 3 samples",
            "3 of 5",
            "4 of 3 samples",
            "0 of 3 samples",
            "2 of 33 samples",
            "soon",
            "-1 samples",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
