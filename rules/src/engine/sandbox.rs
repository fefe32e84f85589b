//! The engine: built up from nothing, never cut down. It has no clock, no files, no text, no evaluation of text; it ends
//! a script that runs away; and what Rhai would quietly call `false` (a comparison with something that is no number) or
//! quietly round down (a division of whole numbers) is an error or the right number here.

use rhai::{Dynamic, Engine, OptimizationLevel};

use super::Unknown;
use super::frame::{Handle, Moment, Upstream, Values};
use super::glue::{self, Answer, end, finite, last, number, volatile, wrong};

/// Steps a script may take before it is ended: a runaway loop is over in well under a millisecond.
const OPERATIONS: u64 = 20_000;

/// A Rhai engine with our functions and nothing else. Immutable; shared by all shards.
pub(crate) struct Sandbox {
    /// It asks our own operators first.
    pub(super) strict: Engine,
    /// Where both sides are numbers it asks none: for scripts that are plain.
    swift: Engine,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sandbox")
    }
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self { strict: Self::engine(false), swift: Self::engine(true) }
    }

    /// The engine that a script runs on.
    pub(super) fn of(&self, plain: bool) -> &Engine {
        if plain { &self.swift } else { &self.strict }
    }

    fn engine(swift: bool) -> Engine {
        let mut engine = Engine::new_raw();
        engine
            .set_optimization_level(OptimizationLevel::None)
            .set_strict_variables(true)
            .set_fail_on_invalid_map_property(true)
            .set_fast_operators(swift)
            .set_max_operations(OPERATIONS)
            .set_max_call_levels(16)
            .set_max_expr_depths(64, 32)
            .set_max_string_size(4_096)
            .set_max_array_size(16)
            .set_max_map_size(16)
            .set_max_variables(128)
            .set_max_functions(64);
        for word in
            ["eval", "print", "debug", "type_of", "is_def_var", "is_def_fn", "switch", "Fn", "call", "curry", "this"]
        {
            engine.disable_symbol(word);
        }
        engine.register_type_with_name::<Handle>("point");
        engine.register_type_with_name::<Values>("values");
        engine.register_type_with_name::<Upstream>("station");
        engine.register_type_with_name::<Moment>("moment");
        engine.register_type_with_name::<Unknown>("unknown");
        glue::register(&mut engine);
        operators(&mut engine);
        engine
    }
}

/// Arithmetic and comparisons of two values of which at least one is a point.
macro_rules! with_points {
    ($engine:ident, $($a:ty, $b:ty);*) => {$(
        volatile("+").register_into_engine($engine, |a: $a, b: $b| -> Answer<f64> { Ok(num(a)? + num(b)?) });
        volatile("-").register_into_engine($engine, |a: $a, b: $b| -> Answer<f64> { Ok(num(a)? - num(b)?) });
        volatile("*").register_into_engine($engine, |a: $a, b: $b| -> Answer<f64> { Ok(num(a)? * num(b)?) });
        volatile("**").register_into_engine($engine, |a: $a, b: $b| -> Answer<f64> { finite(num(a)?.powf(num(b)?)) });
        volatile("<").register_into_engine($engine, |a: $a, b: $b| -> Answer<bool> { Ok(num(a)? < num(b)?) });
        volatile("<=").register_into_engine($engine, |a: $a, b: $b| -> Answer<bool> { Ok(num(a)? <= num(b)?) });
        volatile(">").register_into_engine($engine, |a: $a, b: $b| -> Answer<bool> { Ok(num(a)? > num(b)?) });
        volatile(">=").register_into_engine($engine, |a: $a, b: $b| -> Answer<bool> { Ok(num(a)? >= num(b)?) });
        volatile("==").register_into_engine($engine, |a: $a, b: $b| -> Answer<bool> { Ok(num(a)? == num(b)?) });
        volatile("!=").register_into_engine($engine, |a: $a, b: $b| -> Answer<bool> { Ok(num(a)? != num(b)?) });
    )*};
}

/// Division, which is of real numbers and never by zero.
macro_rules! division {
    ($engine:ident, $($a:ty, $b:ty);*) => {$(
        volatile("/").register_into_engine($engine, |a: $a, b: $b| -> Answer<f64> { divide(num(a)?, num(b)?) });
        volatile("%").register_into_engine($engine, |a: $a, b: $b| -> Answer<f64> { remainder(num(a)?, num(b)?) });
    )*};
}

/// Comparisons that Rhai would answer with `false`.
macro_rules! refused {
    ($engine:ident, $a:ty, $($b:ty),*) => {$(
        for name in ["<", "<=", ">", ">=", "==", "!="] {
            volatile(name).register_into_engine($engine, |a: $a, b: $b| -> Answer<bool> { refuse(&Dynamic::from(a), &Dynamic::from(b)) });
            volatile(name).register_into_engine($engine, |b: $b, a: $a| -> Answer<bool> { refuse(&Dynamic::from(b), &Dynamic::from(a)) });
        }
    )*};
}

/// Whatever meets `unknown` is unknown.
macro_rules! unknowns {
    ($engine:ident, $($b:ty),*) => {$(
        for name in ["+", "-", "*", "/", "%", "**", "<", "<=", ">", ">=", "==", "!="] {
            volatile(name).register_into_engine($engine, |a: Unknown, _: $b| -> Answer<f64> { Err(end(a)) });
            volatile(name).register_into_engine($engine, |_: $b, a: Unknown| -> Answer<f64> { Err(end(a)) });
        }
    )*};
}

fn operators(engine: &mut Engine) {
    with_points!(engine, Handle, Handle; Handle, f64; f64, Handle; Handle, i64; i64, Handle);
    division!(engine, Handle, Handle; Handle, f64; f64, Handle; Handle, i64; i64, Handle; f64, f64; f64, i64; i64, f64; i64, i64);
    // In place Rhai would divide by itself, whole numbers as whole numbers and by zero.
    volatile("/=").register_into_engine(engine, |a: &mut Dynamic, b: Dynamic| -> Answer<()> {
        *a = Dynamic::from_float(divide(number(a)?, number(&b)?)?);
        Ok(())
    });
    volatile("%=").register_into_engine(engine, |a: &mut Dynamic, b: Dynamic| -> Answer<()> {
        *a = Dynamic::from_float(remainder(number(a)?, number(&b)?)?);
        Ok(())
    });
    volatile("-").register_into_engine(engine, |a: Handle| -> Answer<f64> { Ok(-num(a)?) });
    volatile("+").register_into_engine(engine, |a: Handle| -> Answer<f64> { num(a) });
    volatile("-").register_into_engine(engine, |a: Unknown| -> Answer<f64> { Err(end(a)) });
    volatile("-").register_into_engine(engine, |a: f64| -a);
    volatile("-").register_into_engine(engine, |a: i64| -> Answer<f64> { Ok(-num(a)?) });
    volatile("+").register_into_engine(engine, |a: f64| a);
    volatile("+").register_into_engine(engine, |a: i64| a);
    volatile("!").register_into_engine(engine, |a: bool| !a);
    for name in ["<", "<=", ">", ">="] {
        volatile(name)
            .register_into_engine(engine, |a: bool, b: bool| -> Answer<bool> { refuse(&a.into(), &b.into()) });
    }
    refused!(engine, bool, f64, i64, (), Handle, Values, Upstream, Moment);
    refused!(engine, (), f64, i64, Handle, Values, Upstream, Moment);
    refused!(engine, Values, f64, i64, Handle, Upstream, Moment);
    refused!(engine, Upstream, f64, i64, Handle, Moment);
    for name in ["<", "<=", ">", ">=", "==", "!="] {
        volatile(name)
            .register_into_engine(engine, |(): (), (): ()| -> Answer<bool> { refuse(&Dynamic::UNIT, &Dynamic::UNIT) });
    }
    unknowns!(engine, f64, i64, bool, (), Handle, Values, Upstream, Moment);
    for name in ["+", "-", "*", "/", "%", "**", "<", "<=", ">", ">=", "==", "!="] {
        volatile(name).register_into_engine(engine, |a: Unknown, _: Unknown| -> Answer<f64> { Err(end(a)) });
    }
}

/// A number, whichever of the three ways it is written.
trait Number {
    fn num(self) -> Answer<f64>;
}

impl Number for f64 {
    fn num(self) -> Answer<f64> {
        Ok(self)
    }
}

impl Number for i64 {
    #[expect(clippy::cast_precision_loss, reason = "whole numbers in a measure stay far below 2^53")]
    fn num(self) -> Answer<f64> {
        Ok(self as f64)
    }
}

impl Number for Handle {
    fn num(self) -> Answer<f64> {
        last(&self)
    }
}

fn num(value: impl Number) -> Answer<f64> {
    value.num()
}

fn divide(a: f64, b: f64) -> Answer<f64> {
    if b == 0.0 { Err(wrong("division by zero")) } else { finite(a / b) }
}

fn remainder(a: f64, b: f64) -> Answer<f64> {
    if b == 0.0 { Err(wrong("division by zero")) } else { finite(a % b) }
}

fn refuse(a: &Dynamic, b: &Dynamic) -> Answer<bool> {
    let culprit = if a.is_float() || a.is_int() || a.is::<Handle>() { b } else { a };
    Err(format!("only numbers can be compared, and this is {}", glue::kind(culprit)).into())
}
