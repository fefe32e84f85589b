//! One measure: compiled once, run dry at load, evaluated with a scope that is used over and over.

use std::sync::Arc;

use rhai::{AST, Dynamic, EvalAltResult, ParseErrorType, Position, Scope};

use super::frame::{Frame, Handle, Unknown, Upstream};
use super::functions::{kind, number};
use super::sandbox::Sandbox;
use super::scan::{Ask, Found, Want, nearest, scan};
use super::{Name, ScriptFault};
use crate::ruleset::Witness;
use crate::window::{Blank, WindowSpec};

/// A compiled measure.
#[derive(Debug)]
pub(crate) struct Program {
    ast: AST,
    found: Found,
    many: bool,
}

/// Where a program runs: its variables and the numbers behind them. One per rule and shard.
#[derive(Debug)]
pub(crate) struct Bench {
    scope: Scope<'static>,
    base: usize,
    frame: Arc<Frame>,
}

/// What one ask is for, as the Evaluator sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    Last,
    Window(WindowSpec),
}

impl Program {
    /// Compiles a measure and runs it dry.
    pub(crate) fn compile(
        sandbox: &Sandbox,
        text: &str,
        known: &[String],
        many: bool,
    ) -> Result<Self, Vec<ScriptFault>> {
        let found = scan(text, known, many)?;
        let bench = bench(&found, many, |_| 1);
        let ast = sandbox
            .engine
            .compile_with_scope(&bench.scope, text)
            .map_err(|error| vec![parse_fault(error.err_type(), error.position(), known)])?;
        let program = Self { ast, found, many };
        program.run_dry(sandbox, bench)?;
        Ok(program)
    }

    /// The points it reads.
    pub(crate) fn names(&self) -> &[Name] {
        &self.found.names
    }

    /// The windows it takes.
    pub(crate) fn windows(&self) -> impl Iterator<Item = &WindowSpec> {
        self.found.asks.iter().filter_map(|ask| match &ask.want {
            Want::Last => None,
            Want::Window { spec, .. } => Some(spec),
        })
    }

    /// What it asks, in order: of which name, and what.
    pub(crate) fn asks(&self) -> impl Iterator<Item = (usize, Wanted)> {
        self.found.asks.iter().map(|ask| match &ask.want {
            Want::Last => (ask.name, Wanted::Last),
            Want::Window { spec, .. } => (ask.name, Wanted::Window(*spec)),
        })
    }

    /// Its windows in words.
    pub(crate) fn describe_windows(&self) -> Vec<String> {
        let describe = |ask: &Ask| match &ask.want {
            Want::Last => None,
            Want::Window { spec, .. } => Some(format!("{}.{spec}", self.found.names.get(ask.name)?)),
        };
        self.found.asks.iter().filter_map(describe).collect()
    }

    /// A place to run it, with so many points at most for each name.
    pub(crate) fn bench(&self, width: impl Fn(usize) -> usize) -> Bench {
        bench(&self.found, self.many, width)
    }

    /// The measure of what is on the bench.
    pub(crate) fn run(&self, sandbox: &Sandbox, bench: &mut Bench) -> Result<f64, Blank> {
        let result = sandbox.engine.eval_ast_with_scope::<Dynamic>(&mut bench.scope, &self.ast);
        bench.scope.rewind(bench.base);
        let answer = result.and_then(|value| {
            if value.is_float() || value.is_int() || value.is::<Handle>() || value.is::<Unknown>() {
                number(&value)
            } else {
                let message = format!("the measure is {}; return a number, or unknown", kind(&value));
                Err(Box::new(EvalAltResult::ErrorRuntime(message.into(), Position::NONE)))
            }
        });
        answer.map_err(|error| match error.unwrap_inner() {
            EvalAltResult::ErrorTerminated(token, _) => {
                token.read_lock::<Unknown>().map_or(Blank::Thin, |unknown| unknown.blank())
            }
            inner => {
                let fault = run_fault(inner, error.position());
                let place = match (fault.line, fault.column) {
                    (Some(line), Some(column)) => format!(" (line {line}, column {column})"),
                    _ => String::new(),
                };
                Blank::Broken(format!("{}{place}", fault.message).into())
            }
        })
    }

    /// Runs it on a few made-up numbers, so that what always fails is found at load.
    fn run_dry(&self, sandbox: &Sandbox, mut bench: Bench) -> Result<(), Vec<ScriptFault>> {
        for (round, base) in [0.0, 1.0, -1.0, 0.001, 1_000.0].into_iter().enumerate() {
            for ask in 0..self.found.asks.len() {
                #[expect(clippy::cast_precision_loss, reason = "a handful of asks")]
                let value = base + (ask as f64) * 0.5;
                bench.clear(ask);
                bench.fill(ask, value, Witness::default());
            }
            let result = sandbox.engine.eval_ast_with_scope::<Dynamic>(&mut bench.scope, &self.ast);
            bench.scope.rewind(bench.base);
            let fault = match result {
                Ok(value) if value.is_float() || value.is_int() || value.is::<Handle>() || value.is::<Unknown>() => {
                    None
                }
                Ok(value) => Some(ScriptFault {
                    line: None,
                    column: None,
                    message: format!("the measure is {}", kind(&value)),
                    hint: Some("a measure ends with a number, or with unknown".to_owned()),
                }),
                Err(error) => match error.unwrap_inner() {
                    EvalAltResult::ErrorTerminated(..) => None,
                    // Zero is only one of the numbers a sensor may send; what it breaks now and then breaks visibly.
                    EvalAltResult::ErrorRuntime(..) if round == 0 => None,
                    inner => Some(run_fault(inner, error.position())),
                },
            };
            if let Some(fault) = fault {
                return Err(vec![fault]);
            }
        }
        Ok(())
    }
}

impl Bench {
    pub(crate) fn clear(&self, ask: usize) {
        self.frame.clear(ask);
    }

    pub(crate) fn fill(&self, ask: usize, value: f64, witness: Witness) {
        self.frame.fill(ask, value, witness);
    }

    pub(crate) fn lack(&self, ask: usize, blank: &Blank) {
        self.frame.lack(ask, blank);
    }
}

fn bench(found: &Found, many: bool, width: impl Fn(usize) -> usize) -> Bench {
    let frame = Arc::new(Frame::new(&found.asks, width));
    let mut scope = Scope::new();
    let mut upstream = Vec::new();
    for (place, name) in found.names.iter().enumerate() {
        let handle = Handle { frame: Arc::clone(&frame), name: place, many };
        if name.upstream {
            upstream.push((name.point.clone(), handle));
        } else {
            scope.push_constant(name.point.clone(), handle);
        }
    }
    if !upstream.is_empty() {
        scope.push_constant("upstream", Upstream(Arc::new(upstream)));
    }
    scope.push_constant("unknown", Unknown::Said);
    Bench { base: scope.len(), scope, frame }
}

fn parse_fault(error: &ParseErrorType, position: Position, known: &[String]) -> ScriptFault {
    let (message, hint) = match error {
        ParseErrorType::VariableUndefined(name) => {
            let hint = nearest(name, known).map(|near| format!("did you mean \"{near}\"?"));
            (format!("nothing is called \"{name}\" here"), hint)
        }
        other => (lower(&other.to_string()), None),
    };
    ScriptFault { line: position.line(), column: position.position(), message, hint }
}

fn run_fault(error: &EvalAltResult, position: Position) -> ScriptFault {
    let inner = error.position();
    let position = if inner.is_none() { position } else { inner };
    let message = match error {
        EvalAltResult::ErrorRuntime(message, _) => message.to_string(),
        EvalAltResult::ErrorTooManyOperations(_) => "the script runs away: it takes too many steps".to_owned(),
        EvalAltResult::ErrorFunctionNotFound(what, _) => format!("there is no function {what}"),
        other => {
            let mut bare = other.to_string();
            if let Some(end) = bare.find(" (line ") {
                bare.truncate(end);
            }
            lower(bare.lines().next().unwrap_or_default())
        }
    };
    ScriptFault { line: position.line(), column: position.position(), message, hint: None }
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
