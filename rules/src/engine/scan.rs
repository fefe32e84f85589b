//! Finds, in the text of a measure, the points it reads and the windows it takes, and refuses what has no place in a
//! measure: text, characters, arrays, maps and the empty value, none of which can be compared with a number.

use watchfire_model::time::Span;

use super::{Name, ScriptFault};
use crate::window::{Take, WindowSpec};

/// One thing a script asks of a point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    /// Place in [`Found::names`].
    pub(super) name: usize,
    pub(super) want: Want,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// The newest value.
    Last,
    /// A window, with its spans as they are written.
    Window { spec: WindowSpec, span: String, age: Option<String> },
}

/// All that a script reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) names: Vec<Name>,
    pub(super) asks: Vec<Ask>,
}

/// Reads a script. `known` are the identifiers of the site's points; `many` when a name stands for several points.
pub(super) fn scan(text: &str, known: &[String], many: bool) -> Result<Found, Vec<ScriptFault>> {
    let tokens = tokens(text)?;
    let mut scanner =
        Scanner { tokens: &tokens, known, many, locals: Vec::new(), found: Found::default(), faults: Vec::new() };
    scanner.declarations();
    scanner.walk();
    if scanner.faults.is_empty() { Ok(scanner.found) } else { Err(scanner.faults) }
}

/// The identifier nearest to `word`, if one is near.
pub(super) fn nearest<'a>(word: &str, known: &'a [String]) -> Option<&'a str> {
    let scored = known.iter().map(|other| (distance(word, other), other.as_str()));
    scored.filter(|(distance, other)| *distance <= other.len().max(word.len()) / 3 + 1).min().map(|(_, other)| other)
}

/// Edits from one word to another.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = cost.min(corner + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[derive(Clone, Debug, PartialEq)]
struct Token<'a> {
    kind: Kind<'a>,
    line: usize,
    column: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind<'a> {
    Word(&'a str),
    Number,
    Text(&'a str),
    Sign(char),
}

const KEYWORDS: [&str; 20] = [
    "let", "const", "if", "else", "while", "loop", "for", "in", "do", "until", "return", "throw", "true", "false",
    "fn", "private", "break", "continue", "try", "catch",
];

/// Splits a script into words, numbers, texts and signs; comments fall out.
fn tokens(text: &str) -> Result<Vec<Token<'_>>, Vec<ScriptFault>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let (mut line, mut column) = (1, 1);
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => text_length(rest).ok_or_else(|| vec![fault(line, column, "a text is not closed", None)])?,
            c if c.is_ascii_digit() => number_length(rest),
            c if c.is_alphanumeric() || c == '_' => {
                rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len())
            }
            c => c.len_utf8(),
        };
        let (piece, after) = rest.split_at(length);
        let kind = match first {
            '/' if length > 1 => None,
            '"' => Some(Kind::Text(piece.trim_matches('"'))),
            c if c.is_ascii_digit() => Some(Kind::Number),
            c if c.is_alphanumeric() || c == '_' => Some(Kind::Word(piece)),
            c if c.is_whitespace() => None,
            c => Some(Kind::Sign(c)),
        };
        tokens.extend(kind.map(|kind| Token { kind, line, column }));
        for c in piece.chars() {
            (line, column) = if c == '\n' { (line + 1, 1) } else { (line, column + 1) };
        }
        rest = after;
    }
    Ok(tokens)
}

/// The length of a text with its quotes.
fn text_length(rest: &str) -> Option<usize> {
    let mut escaped = false;
    rest.char_indices().skip(1).find_map(|(at, c)| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes.then_some(at + 1)
    })
}

/// The length of a number; `1..5` is a number and a range, not `1.`.
fn number_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let next = bytes.get(at + 1).copied().unwrap_or(b' ');
        let part_of = byte.is_ascii_alphanumeric()
            || *byte == b'_'
            || (*byte == b'.' && next.is_ascii_digit())
            || (matches!(byte, b'-' | b'+') && matches!(bytes[at - 1], b'e' | b'E') && next.is_ascii_digit());
        if !part_of {
            break;
        }
        at += 1;
    }
    at
}

fn fault(line: usize, column: usize, message: impl Into<String>, hint: Option<&str>) -> ScriptFault {
    ScriptFault { line: Some(line), column: Some(column), message: message.into(), hint: hint.map(str::to_owned) }
}

struct Scanner<'a> {
    tokens: &'a [Token<'a>],
    known: &'a [String],
    many: bool,
    locals: Vec<&'a str>,
    found: Found,
    faults: Vec<ScriptFault>,
}

impl<'a> Scanner<'a> {
    fn kind(&self, at: usize) -> Option<Kind<'a>> {
        self.tokens.get(at).map(|token| token.kind)
    }

    fn refuse(&mut self, at: usize, message: impl Into<String>, hint: &str) {
        if let Some(token) = self.tokens.get(at) {
            self.faults.push(fault(token.line, token.column, message, Some(hint)));
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
                Kind::Word(_) | Kind::Number | Kind::Sign(_) => at + 1,
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
        if called || own || !is_point {
            // What nobody knows is refused by the engine, which knows variables better.
            return at + 1;
        }
        self.point(at, at + 1, false, word)
    }

    /// A point's name, and what is asked of it from `next` on.
    fn point(&mut self, at: usize, next: usize, upstream: bool, point: &str) -> usize {
        let name = Name { upstream, point: point.to_owned() };
        let name = self.found.names.iter().position(|other| *other == name).unwrap_or_else(|| {
            self.found.names.push(name);
            self.found.names.len() - 1
        });
        let (Some(Kind::Sign('.')), Some(Kind::Word(method))) = (self.kind(next), self.kind(next + 1)) else {
            return self.bare(at, next, name, point);
        };
        if method == "last" {
            self.ask(name, Want::Last);
            return next + 2;
        }
        let Some(take) = Take::ALL.into_iter().find(|take| take.word() == method) else {
            return self.bare(at, next, name, point);
        };
        let arguments = match (self.kind(next + 2), self.kind(next + 3), self.kind(next + 4), self.kind(next + 5)) {
            (Some(Kind::Sign('(')), Some(Kind::Text(span)), Some(Kind::Sign(')')), _) => Some((span, None, next + 5)),
            (Some(Kind::Sign('(')), Some(Kind::Text(span)), Some(Kind::Sign(',')), Some(Kind::Text(age))) => {
                (self.kind(next + 6) == Some(Kind::Sign(')'))).then_some((span, Some(age), next + 7))
            }
            _ => None,
        };
        let hint = "such as rain.sum(\"72h\"), or rain.sum(\"360h\", \"72h\") for the 360 h before the last 72 h";
        let Some((span_text, age_text, after)) = arguments else {
            self.refuse(at, format!("the window of {point}.{method} must be written out"), hint);
            return next + 2;
        };
        match (span_text.parse::<Span>(), age_text.unwrap_or("0").parse::<Span>()) {
            (Ok(span), Ok(age)) if span > Span::ZERO && age >= Span::ZERO => {
                let spec = WindowSpec { take, span, age };
                self.ask(name, Want::Window { spec, span: span_text.to_owned(), age: age_text.map(str::to_owned) });
            }
            (Err(error), _) | (_, Err(error)) => self.refuse(next + 3, error.to_string(), hint),
            (Ok(_), Ok(_)) => self.refuse(next + 3, "a window has a length", hint),
        }
        after
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

    fn ask(&mut self, name: usize, want: Want) {
        let ask = Ask { name, want };
        if !self.found.asks.contains(&ask) {
            self.found.asks.push(ask);
        }
    }
}
