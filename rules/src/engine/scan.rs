//! Finds, in the text of a measure, the points it reads and the windows it takes, and refuses what has no place in a
//! measure: text, characters, arrays, maps and the empty value, none of which can be compared with a number.

use std::collections::BTreeSet;
use std::ops::Range;

use watchfire_model::time::Span;

use super::frame::{Ask, Call, Want};
use super::functions::{Argument, Form, Function, MOST_WANTS, Of, Word, Work, Written, library};
use super::nearest::nearest;
use super::tokens::{Kind, Token, tokens};
use super::{Name, ScriptFault};
use crate::window::{Take, WindowSpec};

/// All that a script reads.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Found {
    pub(super) names: Vec<Name>,
    pub(super) asks: Vec<Ask>,
    pub(super) calls: Vec<Call>,
    /// Names whose height is read as it is, on its own datum.
    pub(super) heights: BTreeSet<usize>,
}

/// Reads a script. `known` are the identifiers of the site's points; `many` when a name stands for several points.
pub(super) fn scan(text: &str, known: &[String], many: bool) -> Result<Found, Vec<ScriptFault>> {
    let tokens = tokens(text)?;
    let mut scanner = Scanner {
        tokens: &tokens,
        known,
        many,
        locals: Vec::new(),
        spoken: BTreeSet::new(),
        found: Found::default(),
        faults: Vec::new(),
    };
    scanner.declarations();
    scanner.walk();
    if scanner.faults.is_empty() { Ok(scanner.found) } else { Err(scanner.faults) }
}

const KEYWORDS: [&str; 20] = [
    "let", "const", "if", "else", "while", "loop", "for", "in", "do", "until", "return", "throw", "true", "false",
    "fn", "private", "break", "continue", "try", "catch",
];

struct Scanner<'a> {
    tokens: &'a [Token<'a>],
    known: &'a [String],
    many: bool,
    locals: Vec<&'a str>,
    /// Texts that are arguments of a function which takes them.
    spoken: BTreeSet<usize>,
    found: Found,
    faults: Vec<ScriptFault>,
}

impl<'a> Scanner<'a> {
    fn kind(&self, at: usize) -> Option<Kind<'a>> {
        self.tokens.get(at).map(|token| token.kind)
    }

    fn refuse(&mut self, at: usize, message: impl Into<String>, hint: &str) {
        if let Some(token) = self.tokens.get(at) {
            self.faults.push(ScriptFault::at(token.line, token.column, message, Some(hint)));
        }
    }

    /// Names that the script itself declares.
    fn declarations(&mut self) {
        for at in 0..self.tokens.len() {
            match (self.kind(at), self.kind(at + 1)) {
                (Some(Kind::Word("let" | "const" | "for")), Some(Kind::Word(name))) => self.locals.push(name),
                (Some(Kind::Word("fn")), Some(Kind::Word(name))) => {
                    self.locals.push(name);
                    let mut parameter = at + 3;
                    while let Some(kind) = self.kind(parameter)
                        && kind != Kind::Sign(')')
                    {
                        if let Kind::Word(name) = kind {
                            self.locals.push(name);
                        }
                        parameter += 1;
                    }
                }
                _ => {}
            }
        }
    }

    fn walk(&mut self) {
        let mut at = 0;
        while let Some(kind) = self.kind(at) {
            let after_dot = at > 0 && self.kind(at - 1) == Some(Kind::Sign('.'));
            at = match kind {
                Kind::Word(word) if !after_dot => self.word(at, word),
                Kind::Text(_) if self.spoken.contains(&at) => at + 1,
                Kind::Text(_) | Kind::Sign('`' | '\'') => {
                    self.refuse(at, "text has no place in a measure", "only a window's length is written in quotes");
                    at + 1
                }
                Kind::Sign('[') => {
                    self.refuse(at, "an array has no place in a measure", "a measure computes with numbers");
                    at + 1
                }
                Kind::Sign('#') => {
                    self.refuse(at, "a map has no place in a measure", "a measure computes with numbers");
                    at + 1
                }
                Kind::Sign('(') if self.is_empty_value(at) => {
                    self.refuse(
                        at,
                        "the empty value () has no place in a measure",
                        "write unknown where there is no value",
                    );
                    at + 1
                }
                Kind::Word(_) | Kind::Number(_) | Kind::Sign(_) => at + 1,
            };
        }
    }

    fn is_empty_value(&self, at: usize) -> bool {
        let called = at > 0 && matches!(self.kind(at - 1), Some(Kind::Word(_)));
        self.kind(at + 1) == Some(Kind::Sign(')')) && !called
    }

    /// A word that is not a member of another; returns where to go on.
    fn word(&mut self, at: usize, word: &'a str) -> usize {
        if word == "upstream" {
            return match (self.kind(at + 1), self.kind(at + 2)) {
                (Some(Kind::Sign('.')), Some(Kind::Word(point))) => self.point(at, at + 3, true, point),
                _ => {
                    self.refuse(
                        at,
                        "upstream is a station, not a value",
                        "name a point of it, such as upstream.stage.last",
                    );
                    at + 1
                }
            };
        }
        let called = self.kind(at + 1) == Some(Kind::Sign('('));
        let own = word == "unknown" || KEYWORDS.contains(&word) || self.locals.contains(&word);
        let is_point = word == "point" || self.known.iter().any(|known| known == word);
        if word == "now" && !own && !is_point {
            return self.now(at);
        }
        if called || own || !is_point {
            // What nobody knows is refused by the engine, which knows variables better.
            return at + 1;
        }
        self.point(at, at + 1, false, word)
    }

    /// The moment that is judged, and what is asked of it.
    fn now(&mut self, at: usize) -> usize {
        match (self.kind(at + 1), self.kind(at + 2)) {
            (Some(Kind::Sign('.')), Some(Kind::Word(method))) => match of(Of::Now, method) {
                Some(found) => self.method(at, at + 1, None, "now", found),
                None => self.no_method(at + 2, Of::Now, "the moment", method),
            },
            _ => {
                let hint = "ask it something, such as now.season(\"06-01\", \"09-30\") or now.hour";
                self.refuse(at, "now is a moment, not a value", hint);
                at + 1
            }
        }
    }

    /// A point's name, and what is asked of it from `next` on.
    fn point(&mut self, at: usize, next: usize, upstream: bool, point: &'a str) -> usize {
        let name = Name { upstream, point: point.to_owned() };
        let name = self.found.names.iter().position(|other| *other == name).unwrap_or_else(|| {
            self.found.names.push(name);
            self.found.names.len() - 1
        });
        let moved =
            at >= 2 && (self.kind(at - 2), self.kind(at - 1)) == (Some(Kind::Word("datum")), Some(Kind::Sign('(')));
        let (Some(Kind::Sign('.')), Some(Kind::Word(method))) = (self.kind(next), self.kind(next + 1)) else {
            if !moved {
                self.found.heights.insert(name);
            }
            return self.bare(at, next, name, point);
        };
        let Some(found) = of(Of::Point, method) else { return self.no_method(next + 1, Of::Point, "a point", method) };
        let height = match found.1.work {
            Work::Last | Work::Window(Take::Mean | Take::Min | Take::Max) => true,
            _ => found.1.name.starts_with("hours"),
        };
        if height && !moved {
            self.found.heights.insert(name);
        }
        self.method(at, next, Some(name), point, found)
    }

    /// A point's name alone: its newest value.
    fn bare(&mut self, at: usize, next: usize, name: usize, point: &str) -> usize {
        if self.many {
            let hint = format!("such as {point}.last.max() or {point}.sum(\"1h\").mean()");
            self.refuse(at, format!("{point} stands for many points here"), &hint);
        } else {
            self.ask(name, Want::Last);
        }
        next
    }

    fn no_method(&mut self, at: usize, of: Of, whose: &str, method: &str) -> usize {
        let known: Vec<String> = library().filter(|it| it.of == of).map(|it| it.name.to_owned()).collect();
        let hint = nearest(method, &known)
            .map_or_else(|| format!("it has: {}", known.join(", ")), |near| format!("did you mean \"{near}\"?"));
        self.refuse(at, format!("{whose} has no \"{method}\""), &hint);
        // What it would have been told is no mistake of its own.
        self.arguments(at + 1).unwrap_or_default().into_iter().for_each(|given| self.spoken.extend(given));
        at + 1
    }

    /// A function called on what is named at `at`, with its dot at `dot`; returns where to go on, which is within its
    /// arguments.
    fn method(
        &mut self,
        at: usize,
        dot: usize,
        name: Option<usize>,
        whose: &str,
        (place, function): (usize, &'static Function),
    ) -> usize {
        let method = function.name;
        let alone = match function.work {
            Work::Last => Some(Want::Last),
            Work::Grade => Some(Want::Grade),
            _ => None,
        };
        if let Some(want) = alone {
            let asks = name.map(|name| self.ask(name, want)).into_iter().collect();
            self.call(Call { function: place, name, written: Vec::new(), words: Vec::new(), asks });
            return dot + 2;
        }
        if matches!(function.work, Work::Field(_)) {
            return dot + 2;
        }
        let hint = format!("it is called as {}, such as {}", function.call(), function.example.measure);
        let arguments = self.arguments(dot + 2);
        let fits = |given: &Vec<Range<usize>>| (function.least()..=function.arguments.len()).contains(&given.len());
        let Some(arguments) = arguments.filter(fits) else {
            self.refuse(at, format!("the window of {whose}.{method} must be written out"), &hint);
            return dot + 2;
        };
        let (mut written, mut words) = (Vec::new(), Vec::new());
        for (given, argument) in arguments.into_iter().zip(function.arguments) {
            if argument.form == Form::Number {
                continue;
            }
            let Some((text, as_written)) = self.written(&given, argument) else {
                self.refuse(at, format!("the window of {whose}.{method} must be written out"), &hint);
                return dot + 2;
            };
            self.spoken.insert(given.start);
            match argument.form.read(text) {
                Ok(Word::Span(Span::ZERO)) if !argument.optional => {
                    self.refuse(given.start, "a window has a length", &hint);
                    return dot + 3;
                }
                Ok(word) => words.push(word),
                Err(message) => {
                    self.refuse(given.start, message, &hint);
                    return dot + 3;
                }
            }
            written.push(as_written);
        }
        match wants(function, &words) {
            Ok(wants) if wants.len() <= MOST_WANTS => {
                let asks = wants.into_iter().filter_map(|want| Some(self.ask(name?, want))).collect();
                self.call(Call { function: place, name, written, words, asks });
            }
            Ok(_) => self.refuse(at, format!("{whose}.{method} would take more than {MOST_WANTS} windows"), &hint),
            Err(message) => self.refuse(at, message, &hint),
        }
        dot + 3
    }

    /// A word of the call, if it is written out as its form asks.
    fn written(&self, given: &Range<usize>, argument: &Argument) -> Option<(&'a str, Written)> {
        let alone = self.kind(given.start).filter(|_| given.len() == 1)?;
        match (alone, argument.form.is_text()) {
            (Kind::Text(text), true) => Some((text, Written::Text(text.to_owned()))),
            (Kind::Number(text), false) => Some((text, Written::Count(text.parse().ok()?))),
            _ => None,
        }
    }

    /// The arguments of a call whose parenthesis opens at `open`.
    fn arguments(&self, open: usize) -> Option<Vec<Range<usize>>> {
        if self.kind(open) != Some(Kind::Sign('(')) {
            return None;
        }
        let (mut depth, mut begin, mut arguments) = (0_usize, open + 1, Vec::new());
        for at in open + 1.. {
            match self.kind(at)? {
                Kind::Sign('(' | '{') => depth += 1,
                Kind::Sign(')') if depth == 0 => {
                    if at > begin {
                        arguments.push(begin..at);
                    }
                    return Some(arguments);
                }
                Kind::Sign(')' | '}') => depth = depth.checked_sub(1)?,
                Kind::Sign(',') if depth == 0 => {
                    arguments.push(begin..at);
                    begin = at + 1;
                }
                Kind::Word(_) | Kind::Number(_) | Kind::Text(_) | Kind::Sign(_) => {}
            }
        }
        None
    }

    /// Notes an ask, once; its place.
    fn ask(&mut self, name: usize, want: Want) -> usize {
        let ask = Ask { name, want };
        self.found.asks.iter().position(|other| *other == ask).unwrap_or_else(|| {
            self.found.asks.push(ask);
            self.found.asks.len() - 1
        })
    }

    fn call(&mut self, call: Call) {
        if !self.found.calls.contains(&call) {
            self.found.calls.push(call);
        }
    }
}

/// A function by what it is called on and its name, with its place in the library.
fn of(of: Of, name: &str) -> Option<(usize, &'static Function)> {
    library().enumerate().find(|(_, function)| function.of == of && function.name == name)
}

/// What a function of a point wants.
fn wants(function: &Function, words: &[Word]) -> Result<Vec<Want>, String> {
    match (function.work, words) {
        (Work::Window(take), [Word::Span(span)]) => {
            Ok(vec![Want::Window(WindowSpec::rolling(take, *span, Span::ZERO))])
        }
        (Work::Window(take), [Word::Span(span), Word::Span(age)]) => {
            Ok(vec![Want::Window(WindowSpec::rolling(take, *span, *age))])
        }
        (Work::Together { wants, .. }, words) => wants(words),
        (_, _) => Ok(Vec::new()),
    }
}
