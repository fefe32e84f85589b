//! One measure: compiled once, run dry at load, evaluated with a scope that is used over and over.

use std::sync::Arc;

use rhai::{AST, Dynamic, Engine, EvalAltResult, ParseErrorType, Position, Scope};

use watchfire_model::time::{Timestamp, Zone};

use super::frame::{Ask, Frame, Handle, Moment, Upstream, Want};
use super::glue::{kind, number};
use super::nearest::nearest;
use super::overseer::Overseer;
use super::plain::is_plain;
use super::sandbox::Sandbox;
use super::scan::{Found, scan};
use super::{Name, ScriptFault, Unknown};
use crate::ruleset::Witness;
use crate::window::{Blank, WindowSpec};

/// A compiled measure.
#[derive(Debug)]
pub(crate) struct Program {
    ast: AST,
    found: Found,
    many: bool,
    /// Rhai's own operators answer it rightly.
    plain: bool,
}

/// Where a program runs: its variables and the numbers behind them. One per rule and shard.
#[derive(Debug)]
pub(crate) struct Bench {
    scope: Scope<'static>,
    base: usize,
    frame: Arc<Frame>,
    /// Who hears of each run, with the rule's place.
    oversight: Option<(usize, Arc<dyn Overseer>)>,
    /// Why nothing runs here any more.
    stopped: Option<Box<str>>,
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
        let bench = bench(&found, many, &Zone::default(), |_| 1);
        let ast = sandbox
            .strict
            .compile_with_scope(&bench.scope, text)
            .map_err(|error| vec![parse_fault(error.err_type(), error.position(), known)])?;
        let program = Self { ast, found, many, plain: !many && is_plain(text) };
        program.run_dry(sandbox, bench)?;
        Ok(program)
    }

    /// The points it reads.
    pub(crate) fn names(&self) -> &[Name] {
        &self.found.names
    }

    /// Whether a name's height is read as it is, on its own datum.
    pub(crate) fn reads_height(&self, name: usize) -> bool {
        self.found.heights.contains(&name)
    }

    /// The windows it takes.
    pub(crate) fn windows(&self) -> impl Iterator<Item = &WindowSpec> {
        self.found.asks.iter().filter_map(|ask| match &ask.want {
            Want::Last | Want::Grade => None,
            Want::Window(spec) => Some(spec),
        })
    }

    /// What it asks, in order: of which name, and what.
    pub(crate) fn asks(&self) -> impl Iterator<Item = (usize, Want)> {
        self.found.asks.iter().map(|ask| (ask.name, ask.want))
    }

    /// Its windows in words.
    pub(crate) fn describe_windows(&self) -> Vec<String> {
        let describe = |ask: &Ask| match &ask.want {
            Want::Last | Want::Grade => None,
            Want::Window(spec) => Some(format!("{}.{spec}", self.found.names.get(ask.name)?)),
        };
        self.found.asks.iter().filter_map(describe).collect()
    }

    /// A place to run it, with so many points at most for each name, where the time of day is `zone`'s.
    pub(crate) fn bench(&self, zone: &Zone, width: impl Fn(usize) -> usize) -> Bench {
        bench(&self.found, self.many, zone, width)
    }

    /// The measure of what is on the bench.
    pub(crate) fn run(&self, sandbox: &Sandbox, bench: &mut Bench) -> Result<f64, Blank> {
        self.run_on(sandbox.of(self.plain), bench)
    }

    /// The same with our own operators, whatever it is.
    #[cfg(test)]
    pub(super) fn run_strictly(&self, sandbox: &Sandbox, bench: &mut Bench) -> Result<f64, Blank> {
        self.run_on(&sandbox.strict, bench)
    }

    fn run_on(&self, engine: &Engine, bench: &mut Bench) -> Result<f64, Blank> {
        let result = engine.eval_ast_with_scope::<Dynamic>(&mut bench.scope, &self.ast);
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
        let (mut broken, mut sound) = (Vec::new(), 0);
        for base in [0.0, 1.0, -1.0, 0.001, 1_000.0] {
            for ask in 0..self.found.asks.len() {
                #[expect(clippy::cast_precision_loss, reason = "a handful of asks")]
                let value = base + (ask as f64) * 0.5;
                bench.clear(ask);
                bench.fill(ask, value, Witness::default());
            }
            let result = sandbox.strict.eval_ast_with_scope::<Dynamic>(&mut bench.scope, &self.ast);
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
                    // These are only a few of the numbers a sensor may send: what some of them break breaks visibly.
                    inner @ EvalAltResult::ErrorArithmetic(..) => {
                        broken.push(run_fault(inner, error.position()));
                        continue;
                    }
                    inner => Some(run_fault(inner, error.position())),
                },
            };
            if let Some(fault) = fault {
                return Err(vec![fault]);
            }
            sound += 1;
        }
        if sound > 0 { Ok(()) } else { Err(broken.into_iter().take(1).collect()) }
    }
}

impl Bench {
    /// Has `overseer` told of each run, under the rule's place.
    pub(crate) fn oversee(&mut self, rule: usize, overseer: Arc<dyn Overseer>) {
        self.oversight = Some((rule, overseer));
    }

    /// Who is told of a run, for the time that it takes.
    pub(crate) fn take_oversight(&mut self) -> Option<(usize, Arc<dyn Overseer>)> {
        self.oversight.take()
    }

    /// Lets nothing run here any more.
    pub(crate) fn stop(&mut self, why: &str) {
        self.stopped = Some(why.into());
    }

    /// Why nothing runs here, if so.
    pub(crate) fn stopped(&self) -> Option<&str> {
        self.stopped.as_deref()
    }

    /// Leaves nothing of a run that was cut off.
    pub(crate) fn clean(&mut self) {
        self.scope.rewind(self.base);
    }

    /// Begins the evaluation of one moment.
    pub(crate) fn begin(&self, moment: Timestamp) {
        self.frame.begin(moment);
    }

    /// Whether the last evaluation read something that lies beyond what was ever measured.
    pub(crate) fn was_beyond(&self) -> bool {
        self.frame.was_beyond()
    }

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

fn bench(found: &Found, many: bool, zone: &Zone, width: impl Fn(usize) -> usize) -> Bench {
    let frame = Arc::new(Frame::new(&found.asks, &found.calls, zone, width));
    let mut scope = Scope::new();
    scope.push_constant("unknown", Unknown::Said);
    scope.push_constant("now", Moment(Arc::clone(&frame)));
    for (level, grade) in ["clear", "blue", "yellow", "orange", "red"].into_iter().zip(0_u8..) {
        scope.push_constant(level, f64::from(grade));
    }
    // What a site calls its points goes before what we call ours.
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
    Bench { base: scope.len(), scope, frame, oversight: None, stopped: None }
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
        EvalAltResult::ErrorArithmetic(message, _) => message.clone(),
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
