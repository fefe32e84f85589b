//! Every function a measure may call. Each is pure, total and quick; none returns the empty value, and one that has
//! nothing to say ends the script as unknown.

use rhai::{Dynamic, Engine, EvalAltResult, FuncRegistration, ImmutableString};

use super::frame::{Handle, Unknown, Upstream, Values, end};
use crate::ruleset::Witnesses;
use crate::window::Take;

type Answer<T> = Result<T, Box<EvalAltResult>>;

/// Every function: how it is called, what it does, and an example that a test runs. `stage` is a point; `values` are
/// the values of several points, as a measure of a group or an area sees them.
pub const FUNCTIONS: &[(&str, &str, &str)] = &[
    ("point.last", "the newest value; the bare name means the same", "stage.last - stage"),
    ("point.sum(span, [age])", "the sum over a window that ended `age` ago", "stage.sum(\"360h\", \"72h\")"),
    ("point.mean(span, [age])", "the mean", "stage.mean(\"1h\")"),
    ("point.min(span, [age])", "the smallest", "stage.min(\"1h\")"),
    ("point.max(span, [age])", "the largest", "stage.max(\"1h\")"),
    ("point.rise(span, [age])", "the least-squares slope per hour", "stage.rise(\"30d\") * 24.0"),
    ("point.diff(span, [age])", "the change; of a counter, what it counted", "stage.diff(\"24h\")"),
    ("point.count(span, [age])", "how many samples", "if stage.count(\"1h\") < 3 { unknown } else { 1.0 }"),
    ("point.span_hours(span, [age])", "hours from the first to the last sample", "stage.span_hours(\"30d\") / 24.0"),
    ("abs(x)", "x without its sign", "abs(stage - 3.0)"),
    ("min(a, b)", "the smaller", "min(stage, 3.0)"),
    ("max(a, b)", "the larger", "max(stage, 3)"),
    ("clamp(x, low, high)", "x, not below low and not above high", "clamp(stage, 0.0, 5.0)"),
    ("sqrt(x)", "the square root", "sqrt(abs(stage))"),
    ("exp(x)", "e to the power of x", "exp(clamp(stage, 0.0, 5.0))"),
    ("ln(x)", "the natural logarithm", "ln(abs(stage) + 1.0)"),
    ("log10(x)", "the decimal logarithm", "log10(abs(stage) + 1.0)"),
    ("floor(x)", "down to a whole number", "floor(stage)"),
    ("ceil(x)", "up to a whole number", "ceil(stage)"),
    ("round(x)", "to the nearest whole number", "round(stage)"),
    ("values.max()", "the largest of the values that are known", "stage.last.max()"),
    ("values.min()", "the smallest", "stage.last.min()"),
    ("values.mean()", "their mean", "stage.sum(\"1h\").mean()"),
    ("values.sum()", "their sum", "stage.last.sum()"),
    ("values.count()", "how many are known", "stage.last.count()"),
    ("values.at_least(x)", "how many independent ones are at or above x", "stage.last.at_least(3.0)"),
];

/// A number out of anything that is one.
pub(super) fn number(value: &Dynamic) -> Answer<f64> {
    if let Ok(float) = value.as_float() {
        return finite(float);
    }
    if let Ok(int) = value.as_int() {
        #[expect(clippy::cast_precision_loss, reason = "whole numbers in a measure stay far below 2^53")]
        return Ok(int as f64);
    }
    if let Some(handle) = value.read_lock::<Handle>() {
        return handle.last();
    }
    if let Some(unknown) = value.read_lock::<Unknown>() {
        return Err(end(*unknown));
    }
    Err(format!("a number is wanted here, and this is {}", kind(value)).into())
}

/// What a value is, in words.
pub(super) fn kind(value: &Dynamic) -> &'static str {
    match value.type_name() {
        "bool" => "true or false",
        "()" => "nothing at all (a branch without a value?)",
        "string" => "text",
        _ if value.is::<Values>() => "the values of many points",
        _ if value.is::<Upstream>() => "a station",
        _ => "something else",
    }
}

fn finite(value: f64) -> Answer<f64> {
    if value.is_finite() { Ok(value) } else { Err("the result is not a finite number".into()) }
}

pub(super) fn volatile(name: &str) -> FuncRegistration {
    // Volatile: never folded at compile time. Pure: callable on the constants that points are.
    FuncRegistration::new(name).with_volatility(true).with_purity(true)
}

/// Registers all of it.
pub(super) fn register(engine: &mut Engine) {
    points(engine);
    values(engine);
    mathematics(engine);
}

fn points(engine: &mut Engine) {
    for take in Take::ALL {
        volatile(take.word()).register_into_engine(engine, move |point: &mut Handle, span: ImmutableString| {
            point.window(take, &span, None)
        });
        volatile(take.word()).register_into_engine(
            engine,
            move |point: &mut Handle, span: ImmutableString, age: ImmutableString| {
                point.window(take, &span, Some(&age))
            },
        );
    }
    FuncRegistration::new_getter("last")
        .with_volatility(true)
        .with_purity(true)
        .register_into_engine(engine, |point: &mut Handle| point.last_or_all());
    FuncRegistration::new_index_getter().with_volatility(true).with_purity(true).register_into_engine(
        engine,
        |station: &mut Upstream, point: ImmutableString| -> Answer<Handle> {
            let found = station.0.iter().find(|(name, _)| *name == point.as_str()).map(|(_, handle)| handle.clone());
            found.ok_or_else(|| format!("the station upstream has no point \"{point}\"").into())
        },
    );
}

fn values(engine: &mut Engine) {
    let all = |values: &Values, fold: fn(f64, f64) -> f64| {
        values.0.iter().map(|(value, _)| *value).reduce(fold).ok_or_else(|| end(Unknown::Thin))
    };
    volatile("max").register_into_engine(engine, move |values: &mut Values| -> Answer<f64> { all(values, f64::max) });
    volatile("min").register_into_engine(engine, move |values: &mut Values| -> Answer<f64> { all(values, f64::min) });
    volatile("sum")
        .register_into_engine(engine, move |values: &mut Values| -> Answer<f64> { all(values, |a, b| a + b) });
    #[expect(clippy::cast_precision_loss, reason = "a site has far fewer than 2^53 points")]
    volatile("mean").register_into_engine(engine, move |values: &mut Values| -> Answer<f64> {
        all(values, |a, b| a + b).map(|sum| sum / values.0.len() as f64)
    });
    #[expect(clippy::cast_precision_loss, reason = "a site has far fewer than 2^53 points")]
    volatile("count").register_into_engine(engine, |values: &mut Values| values.0.len() as f64);
    volatile("at_least").register_into_engine(engine, |values: &mut Values, bound: Dynamic| -> Answer<f64> {
        let bound = number(&bound)?;
        // Those that share what may be wrong with them are one witness.
        let mut witnesses = Witnesses::default();
        values.0.iter().filter(|(value, _)| *value >= bound).for_each(|(_, witness)| witnesses.add(*witness));
        Ok(f64::from(witnesses.count()))
    });
}

fn mathematics(engine: &mut Engine) {
    let mut one = |name: &'static str, f: fn(f64) -> f64| {
        volatile(name).register_into_engine(engine, move |x: Dynamic| -> Answer<f64> { finite(f(number(&x)?)) });
    };
    one("abs", f64::abs);
    one("sqrt", f64::sqrt);
    one("exp", f64::exp);
    one("ln", f64::ln);
    one("log10", f64::log10);
    one("floor", f64::floor);
    one("ceil", f64::ceil);
    one("round", f64::round);
    let mut two = |name: &'static str, f: fn(f64, f64) -> f64| {
        volatile(name).register_into_engine(engine, move |a: Dynamic, b: Dynamic| -> Answer<f64> {
            finite(f(number(&a)?, number(&b)?))
        });
    };
    two("min", f64::min);
    two("max", f64::max);
    volatile("clamp").register_into_engine(engine, |x: Dynamic, low: Dynamic, high: Dynamic| -> Answer<f64> {
        Ok(number(&x)?.max(number(&low)?).min(number(&high)?))
    });
}
