//! Plain numbers.

use super::written::{Argument, number};
use super::{Example, Function, Gives, Of, Outcome, Trouble, Work};

const STAGE: &[(&str, &str, &str)] = &[("stage", "5m", "2.5")];
const X: &[Argument] = &[number("x", "any")];
const A_B: &[Argument] = &[number("a", "any"), number("b", "as a")];

const fn one(
    name: &'static str,
    does: &'static str,
    measure: &'static str,
    gives: f64,
    f: fn(f64) -> Outcome,
) -> Function {
    Function {
        name,
        of: Of::Nothing,
        arguments: X,
        gives: "number",
        does,
        source: "arithmetic",
        example: Example { hears: STAGE, measure, gives: Gives::Number(gives) },
        work: Work::One(f),
    }
}

const fn two(
    name: &'static str,
    does: &'static str,
    measure: &'static str,
    gives: f64,
    f: fn(f64, f64) -> Outcome,
) -> Function {
    Function {
        name,
        of: Of::Nothing,
        arguments: A_B,
        gives: "as a",
        does,
        source: "arithmetic",
        example: Example { hears: STAGE, measure, gives: Gives::Number(gives) },
        work: Work::Two(f),
    }
}

pub(super) const FUNCTIONS: &[Function] = &[
    one("abs", "x without its sign", "abs(stage - 3.0)", 0.5, |x| Ok(x.abs())),
    two("min", "the smaller", "min(stage, 3.0)", 2.5, |a, b| Ok(a.min(b))),
    two("max", "the larger", "max(stage, 3)", 3.0, |a, b| Ok(a.max(b))),
    Function {
        name: "clamp",
        of: Of::Nothing,
        arguments: &[number("x", "any"), number("low", "as x"), number("high", "as x")],
        gives: "as x",
        does: "x, not below low and not above high",
        source: "arithmetic",
        example: Example { hears: STAGE, measure: "clamp(stage, 0.0, 2.0)", gives: Gives::Number(2.0) },
        work: Work::Three(|x, low, high| Ok(x.max(low).min(high))),
    },
    one("sqrt", "the square root", "sqrt(stage * 10.0)", 5.0, |x| {
        if x < 0.0 { Err(Trouble::Wrong("there is no root of a number below zero")) } else { Ok(x.sqrt()) }
    }),
    one("exp", "e to the power of x", "exp(stage - 2.5)", 1.0, |x| Ok(x.exp())),
    one("ln", "the natural logarithm", "ln(stage - 1.5)", 0.0, |x| logarithm(x, f64::ln)),
    one("log10", "the decimal logarithm", "log10(stage * 40.0)", 2.0, |x| logarithm(x, f64::log10)),
    one("floor", "down to a whole number", "floor(stage)", 2.0, |x| Ok(x.floor())),
    one("ceil", "up to a whole number", "ceil(stage)", 3.0, |x| Ok(x.ceil())),
    one("round", "to the nearest whole number", "round(stage + 0.1)", 3.0, |x| Ok(x.round())),
];

fn logarithm(x: f64, f: fn(f64) -> f64) -> Outcome {
    if x > 0.0 { Ok(f(x)) } else { Err(Trouble::Wrong("only a number above zero has a logarithm")) }
}
