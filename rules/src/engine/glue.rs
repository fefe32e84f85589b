//! The library made known to Rhai: numbers out of whatever a script hands over, the call found again by what is written
//! in it, and what a function says turned into what the engine understands.

use rhai::{Dynamic, Engine, EvalAltResult, FuncRegistration, ImmutableString, Position};

use super::Unknown;
use super::frame::{Call, Failure, Frame, Handle, Moment, Upstream, Values};
use super::functions::{Argument, Form, Function, MOST_NUMBERS, Made, Of, Seen, Trouble, Work, Written, library};

pub(super) type Answer<T> = Result<T, Box<EvalAltResult>>;

/// Ends the script; nothing in it can catch this.
pub(super) fn end(why: Unknown) -> Box<EvalAltResult> {
    Box::new(EvalAltResult::ErrorTerminated(Dynamic::from(why), Position::NONE))
}

/// What cannot be computed with these numbers, and may be with others.
pub(super) fn wrong(why: &str) -> Box<EvalAltResult> {
    Box::new(EvalAltResult::ErrorArithmetic(why.to_owned(), Position::NONE))
}

fn said(failure: Failure) -> Box<EvalAltResult> {
    match failure {
        Failure::Unknown(unknown) => end(unknown),
        Failure::Wrong(why) => wrong(why),
    }
}

fn troubled(trouble: Trouble) -> Box<EvalAltResult> {
    match trouble {
        Trouble::Unknown => end(Unknown::Thin),
        Trouble::Wrong(why) => wrong(why),
    }
}

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
        return last(&handle);
    }
    if let Some(unknown) = value.read_lock::<Unknown>() {
        return Err(end(*unknown));
    }
    Err(format!("a number is wanted here, and this is {}", kind(value)).into())
}

/// The newest value of a point.
pub(super) fn last(point: &Handle) -> Answer<f64> {
    point.frame.last(point.name).map_err(said)
}

/// What a value is, in words.
pub(super) fn kind(value: &Dynamic) -> &'static str {
    match value.type_name() {
        "bool" => "true or false",
        "()" => "nothing at all (a branch without a value?)",
        "string" => "text",
        _ if value.is::<Values>() => "the values of many points",
        _ if value.is::<Upstream>() => "a station",
        _ if value.is::<Moment>() => "a moment",
        _ => "something else",
    }
}

pub(super) fn finite(value: f64) -> Answer<f64> {
    if value.is_finite() { Ok(value) } else { Err(wrong("the result is not a finite number")) }
}

fn outcome(outcome: Result<f64, Trouble>) -> Answer<f64> {
    finite(outcome.map_err(troubled)?)
}

pub(super) fn volatile(name: &str) -> FuncRegistration {
    // Volatile: never folded at compile time. Pure: callable on the constants that points are.
    FuncRegistration::new(name).with_volatility(true).with_purity(true)
}

fn getter(name: &str) -> FuncRegistration {
    FuncRegistration::new_getter(name).with_volatility(true).with_purity(true)
}

/// Registers all of it.
pub(super) fn register(engine: &mut Engine) {
    for (place, function) in library().enumerate() {
        match function.of {
            Of::Point => of_point(engine, place, function),
            Of::Values => of_values(engine, function),
            Of::Now => of_now(engine, place, function),
            Of::Nothing => of_nothing(engine, function),
        }
    }
    FuncRegistration::new_index_getter().with_volatility(true).with_purity(true).register_into_engine(
        engine,
        |station: &mut Upstream, point: ImmutableString| -> Answer<Handle> {
            let found = station.0.iter().find(|(name, _)| *name == point.as_str()).map(|(_, handle)| handle.clone());
            found.ok_or_else(|| format!("the station upstream has no point \"{point}\"").into())
        },
    );
}

/// Whether the written-out arguments of a call are these; the others are numbers.
fn is_written(written: &[Written], arguments: &[Argument], given: &[&Dynamic]) -> bool {
    let words = arguments.iter().zip(given).filter(|(argument, _)| argument.form != Form::Number);
    words.clone().count() == written.len()
        && words.zip(written).all(|((_, given), written)| match written {
            Written::Text(text) => given.read_lock::<ImmutableString>().is_some_and(|it| it.as_str() == text),
            Written::Count(count) => number(given).is_ok_and(|it| it == *count),
        })
}

/// Calls a function of a point with whatever it was given.
fn on_point(
    point: &Handle,
    (place, function, arguments): (usize, &Function, &[Argument]),
    given: &[&Dynamic],
) -> Answer<Dynamic> {
    let call = point.frame.call(place, Some(point.name), |written| is_written(written, arguments, given));
    let mut numbers = [0.0; MOST_NUMBERS];
    let mut count = 0;
    let computed = arguments.iter().zip(given).filter(|(argument, _)| argument.form == Form::Number);
    for ((_, value), slot) in computed.zip(&mut numbers) {
        *slot = number(value)?;
        count += 1;
    }
    made_of(point, function, call, numbers.get(..count).unwrap_or(&[]))
}

/// Calls a function of a point that is given texts alone: the usual window.
fn on_point_by_texts(point: &Handle, (place, function): (usize, &Function), texts: &[&str]) -> Answer<Dynamic> {
    let is_text = |(written, text): (&Written, &&str)| matches!(written, Written::Text(it) if it == text);
    let call = point.frame.call(place, Some(point.name), |written| {
        written.len() == texts.len() && written.iter().zip(texts).all(is_text)
    });
    made_of(point, function, call, &[])
}

fn made_of(point: &Handle, function: &Function, call: Option<&Call>, numbers: &[f64]) -> Answer<Dynamic> {
    let call = call.ok_or("this window was not found when the measure was read")?;
    let make: fn(&Seen<'_>) -> Result<Made, Trouble> = match function.work {
        Work::Together { make, .. } => make,
        _ => |seen| seen.values.first().map(|value| Made::from(*value)).ok_or(Trouble::Unknown),
    };
    if point.many {
        return point.frame.each(call, numbers, make).map(Dynamic::from).map_err(said);
    }
    finite(point.frame.one(call, numbers, make).map_err(said)?).map(Dynamic::from_float)
}

fn of_point(engine: &mut Engine, place: usize, function: &'static Function) {
    if matches!(function.work, Work::Last | Work::Grade) {
        getter(function.name)
            .register_into_engine(engine, move |point: &mut Handle| on_point_by_texts(point, (place, function), &[]));
        return;
    }
    for given in function.least()..=function.arguments.len() {
        let register = volatile(function.name);
        let arguments = function.arguments.get(..given).unwrap_or(function.arguments);
        let it = move |point: &mut Handle, given: &[&Dynamic]| on_point(point, (place, function, arguments), given);
        let by_texts = move |point: &mut Handle, texts: &[&str]| on_point_by_texts(point, (place, function), texts);
        match (given, arguments.iter().all(|argument| argument.form.is_text())) {
            // With texts alone the engine finds the function at its first guess.
            (1, true) => register
                .register_into_engine(engine, move |point: &mut Handle, a: ImmutableString| by_texts(point, &[&a])),
            (2, true) => register
                .register_into_engine(engine, move |point: &mut Handle, a: ImmutableString, b: ImmutableString| {
                    by_texts(point, &[&a, &b])
                }),
            (1, _) => register.register_into_engine(engine, move |point: &mut Handle, a: Dynamic| it(point, &[&a])),
            (2, _) => register
                .register_into_engine(engine, move |point: &mut Handle, a: Dynamic, b: Dynamic| it(point, &[&a, &b])),
            (3, _) => register
                .register_into_engine(engine, move |point: &mut Handle, a: Dynamic, b: Dynamic, c: Dynamic| {
                    it(point, &[&a, &b, &c])
                }),
            (_, _) => register.register_into_engine(
                engine,
                move |point: &mut Handle, a: Dynamic, b: Dynamic, c: Dynamic, d: Dynamic, e: Dynamic| {
                    it(point, &[&a, &b, &c, &d, &e])
                },
            ),
        };
    }
}

fn of_values(engine: &mut Engine, function: &'static Function) {
    match function.work {
        Work::Values(f) => {
            volatile(function.name).register_into_engine(engine, move |values: &mut Values| outcome(f(&values.0)));
        }
        Work::ValuesWith(f) => {
            volatile(function.name).register_into_engine(engine, move |values: &mut Values, x: Dynamic| {
                outcome(f(&values.0, number(&x)?))
            });
        }
        _ => {}
    }
}

fn of_now(engine: &mut Engine, place: usize, function: &'static Function) {
    match function.work {
        Work::Field(f) => {
            getter(function.name).register_into_engine(engine, move |now: &mut Moment| f(&now.0.civil()));
        }
        Work::When(f) => {
            volatile(function.name).register_into_engine(
                engine,
                move |now: &mut Moment, from: ImmutableString, to: ImmutableString| -> Answer<bool> {
                    let frame: &Frame = &now.0;
                    let (from, to) = (from.into(), to.into());
                    let call =
                        frame.call(place, None, |written| is_written(written, function.arguments, &[&from, &to]));
                    let call = call.ok_or("this was not found when the measure was read")?;
                    Ok(f(&frame.civil(), &call.words))
                },
            );
        }
        _ => {}
    }
}

fn of_nothing(engine: &mut Engine, function: &'static Function) {
    let register = || volatile(function.name);
    match function.work {
        Work::One(f) => {
            register().register_into_engine(engine, move |a: Dynamic| outcome(f(number(&a)?)));
        }
        Work::Two(f) => {
            register().register_into_engine(engine, move |a: Dynamic, b: Dynamic| outcome(f(number(&a)?, number(&b)?)));
        }
        Work::Three(f) => {
            register().register_into_engine(engine, move |a: Dynamic, b: Dynamic, c: Dynamic| {
                outcome(f(number(&a)?, number(&b)?, number(&c)?))
            });
        }
        Work::Whether(f) => {
            register().register_into_engine(engine, move |a: Dynamic, b: Dynamic| {
                f(number(&a)?, number(&b)?).map_err(troubled)
            });
        }
        Work::Numbers(f) => of_numbers(engine, function.name, f),
        _ => {}
    }
}

/// A function of as many numbers as are given, from two to [`MOST_NUMBERS`].
fn of_numbers(engine: &mut Engine, name: &str, f: fn(&[f64]) -> Result<f64, Trouble>) {
    macro_rules! takes {
        ($($a:ident)+) => {
            volatile(name).register_into_engine(engine, move |$($a: Dynamic),+| -> Answer<f64> {
                outcome(f(&[$(number(&$a)?),+]))
            });
        };
    }
    takes!(a b);
    takes!(a b c);
    takes!(a b c d);
    takes!(a b c d e);
    takes!(a b c d e g);
    takes!(a b c d e g h);
    takes!(a b c d e g h i);
}
