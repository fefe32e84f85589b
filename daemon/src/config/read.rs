//! Reads TOML so that every value keeps its place and every mistake is told at once: a [`Table`] notes which keys were
//! asked for, and what is left over at the end is an unknown key.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use watchfire_model::time::{Span, Timestamp};
use watchfire_rules::engine::Overseer;

use crate::config::nearest::did_you_mean;
use crate::config::problem::{Place, Problem, Problems, SourceFile};

#[cfg(test)]
pub(crate) mod asked;
mod within;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) at: Place,
}

impl<T> At<T> {
    pub(crate) fn map<U>(self, f: impl FnOnce(T) -> U) -> At<U> {
        At { value: f(self.value), at: self.at }
    }
}

/// What reading needs and gathers: the folder, the environment, the files, the problems.
pub(crate) struct Context<'e> {
    folder: PathBuf,
    environment: &'e dyn Fn(&str) -> Option<String>,
    problems: RefCell<Problems>,
    errors: Cell<usize>,
    /// Who hears of the scripts that are tried.
    pub(crate) overseer: Option<&'e dyn Overseer>,
}

/// A TOML file, read.
pub(crate) struct Document<'t> {
    file: usize,
    root: Spanned<DeTable<'t>>,
    broken: bool,
}

/// Largest file that is read; a spreadsheet of a province is a tenth of it.
const LARGEST_FILE: u64 = 256 << 20;

impl<'e> Context<'e> {
    pub(crate) fn new(folder: PathBuf, environment: &'e dyn Fn(&str) -> Option<String>) -> Self {
        Self { folder, environment, problems: RefCell::default(), errors: Cell::new(0), overseer: None }
    }
    pub(crate) fn overseen(self, overseer: Option<&'e dyn Overseer>) -> Self {
        Self { overseer, ..self }
    }
    pub(crate) fn report(&self, problem: Problem) {
        self.errors.set(self.errors.get() + usize::from(problem.severity == super::problem::Severity::Error));
        self.problems.borrow_mut().push(problem);
    }
    /// Errors so far; tells whether a piece of reading went well.
    pub(crate) fn errors(&self) -> usize {
        self.errors.get()
    }
    pub(crate) fn into_problems(self) -> Problems {
        let mut problems = self.problems.into_inner();
        problems.sort();
        problems
    }
    pub(crate) fn origin(&self, place: Place) -> String {
        self.problems.borrow().origin(place)
    }
    pub(crate) fn environment(&self, name: &str) -> Option<String> {
        (self.environment)(name)
    }
    /// All that was read, in order, for the revision.
    pub(crate) fn texts(&self) -> Vec<(String, Arc<str>)> {
        self.problems.borrow().sources.iter().map(|source| (source.name.clone(), source.text.clone())).collect()
    }

    /// A path as the configuration writes it: relative to the configuration's own folder.
    pub(crate) fn path(&self, written: &str) -> PathBuf {
        self.folder.join(written)
    }

    /// Reads a file that the configuration names at `at`.
    pub(crate) fn open(&self, path: &Path, at: Option<Place>) -> Option<(usize, Arc<str>)> {
        let complain = |reason: String| {
            let message = format!("cannot read {}: {reason}", self.name(path));
            self.report(match at {
                Some(at) => Problem::error(at, message).label("named here"),
                None => Problem::nowhere(message),
            });
        };
        match std::fs::metadata(path) {
            Ok(about) if about.len() > LARGEST_FILE => {
                complain(format!("it is larger than {} MB", LARGEST_FILE >> 20));
                return None;
            }
            Ok(_) | Err(_) => {}
        }
        let bytes = std::fs::read(path).map_err(|error| complain(error.to_string())).ok()?;
        let text = String::from_utf8(bytes)
            .map_err(|error| {
                let line =
                    error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|b| **b == b'\n').count();
                complain(format!("line {} is not UTF-8 text (save the file as UTF-8)", line + 1));
            })
            .ok()?;
        Some(self.hold(self.name(path), text.strip_prefix('\u{feff}').unwrap_or(&text).into()))
    }

    /// The path as an operator would write it.
    fn name(&self, path: &Path) -> String {
        path.display().to_string()
    }

    /// Keeps a text for messages.
    pub(crate) fn hold(&self, name: String, text: Arc<str>) -> (usize, Arc<str>) {
        let mut problems = self.problems.borrow_mut();
        problems.sources.push(SourceFile::of(name, text.clone()));
        (problems.sources.len() - 1, text)
    }

    /// Parses TOML and tells every place where it is none.
    pub(crate) fn parse<'t>(&self, file: usize, text: &'t str) -> Document<'t> {
        let (root, errors) = DeTable::parse_recoverable(text);
        let broken = !errors.is_empty();
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            let mut lines = error.message().splitn(2, '\n');
            let message = lines.next().unwrap_or_default().to_owned();
            let problem = Problem::error(Place { file, start: span.start, end: span.end }, message);
            self.report(problem.label(lines.next().unwrap_or_default().replace('\n', "; ")));
        }
        Document { file, root, broken }
    }

    /// `${NAME}` and `${NAME:-default}` filled in from the environment; `$${` is a plain `${`.
    fn expand(&self, text: &str, at: Place) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let (before, after) = rest.split_at(start);
            if let Some(escaped) = before.strip_suffix('$') {
                out.push_str(escaped);
                out.push_str("${");
                rest = &after[2..];
                continue;
            }
            out.push_str(before);
            let Some(end) = after.find('}') else {
                self.report(Problem::error(at, "`${` is never closed").hint("write `$${` for a plain `${`"));
                return out;
            };
            let inner = &after[2..end];
            let (name, default) = inner.split_once(":-").map_or((inner, None), |(name, default)| (name, Some(default)));
            match (self.environment(name).filter(|value| !value.is_empty()), default) {
                (Some(value), _) => out.push_str(&value),
                (None, Some(default)) => out.push_str(default),
                (None, None) => {
                    let problem = Problem::error(at, format!("the environment has no `{name}`"));
                    self.report(problem.hint(format!("set it, or write a default: ${{{name}:-value}}")));
                }
            }
            rest = &after[end + 1..];
        }
        out.push_str(rest);
        out
    }
}

impl<'t> Document<'t> {
    /// Whether it is not TOML.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }
    /// The document's own table.
    pub(crate) fn root<'a>(&'a self, cx: &'a Context<'a>) -> Table<'a> {
        self.root_of(cx, "the configuration")
    }
    /// The same of a document that is something else.
    pub(crate) fn root_of<'a>(&'a self, cx: &'a Context<'a>, what: &'static str) -> Table<'a> {
        let at = Place { file: self.file, start: 0, end: 0 };
        Table { cx, file: self.file, entries: self.root.get_ref(), at, what, known: RefCell::default() }
    }
}

/// A value of a table or an array, of any type.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    pub(crate) cx: &'a Context<'a>,
    file: usize,
    value: &'a Spanned<DeValue<'a>>,
}

/// What a value may be, for the readers of more than one form.
pub(crate) enum Shape<'a> {
    Text(At<String>),
    Number(At<f64>),
    Table(Table<'a>),
    Array(Vec<Node<'a>>),
    Flag(At<bool>),
    Other,
}

impl<'a> Node<'a> {
    pub(crate) fn at(&self) -> Place {
        let span = self.value.span();
        Place { file: self.file, start: span.start, end: span.end }
    }
    /// Reports that something else was due.
    pub(crate) fn refuse<T>(&self, due: &str) -> Option<T> {
        let is = match self.value.get_ref() {
            DeValue::String(_) => "text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.cx.report(Problem::error(self.at(), format!("{due} is due here")).label(format!("this is {is}")));
        None
    }
    /// Text as written; Rhai has its own `${…}`.
    pub(crate) fn raw_text(&self) -> Option<At<String>> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(At { value: text.as_ref().to_owned(), at: self.at() }),
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => self.refuse("text"),
        }
    }
    pub(crate) fn text(&self) -> Option<At<String>> {
        self.raw_text().map(|text| text.map(|raw| self.cx.expand(&raw, self.at())))
    }
    fn whole(&self) -> Option<i64> {
        match self.value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            DeValue::String(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => None,
        }
    }
    pub(crate) fn shape(&self, what: &'static str) -> Shape<'a> {
        match self.value.get_ref() {
            DeValue::String(text) => Shape::Text(At { value: self.cx.expand(text, self.at()), at: self.at() }),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                #[expect(clippy::cast_precision_loss, reason = "what is beyond 2^53 is no measurement")]
                Ok(number) => Shape::Number(At { value: number as f64, at: self.at() }),
                Err(_) => Shape::Other,
            },
            DeValue::Float(number) => match number.as_str().parse::<f64>() {
                Ok(number) if number.is_finite() => Shape::Number(At { value: number, at: self.at() }),
                Ok(_) | Err(_) => Shape::Other,
            },
            DeValue::Boolean(flag) => Shape::Flag(At { value: *flag, at: self.at() }),
            DeValue::Datetime(_) => Shape::Other,
            DeValue::Array(array) => Shape::Array(array.iter().map(|value| Node { value, ..*self }).collect()),
            DeValue::Table(entries) => Shape::Table(Table {
                cx: self.cx,
                file: self.file,
                entries,
                at: self.at(),
                what,
                known: RefCell::default(),
            }),
        }
    }
    pub(crate) fn table(&self, what: &'static str) -> Option<Table<'a>> {
        match self.shape(what) {
            Shape::Table(table) => Some(table),
            Shape::Text(_) | Shape::Number(_) | Shape::Array(_) | Shape::Flag(_) | Shape::Other => {
                self.refuse("a table { … }")
            }
        }
    }
    /// A length of time: `"5m"`, or a plain 0.
    pub(crate) fn span(&self) -> Option<At<Span>> {
        match self.shape("") {
            Shape::Number(At { value: 0.0, at }) => Some(At { value: Span::ZERO, at }),
            Shape::Text(text) => match Span::from_str(&text.value) {
                Ok(span) => Some(At { value: span, at: text.at }),
                Err(error) => {
                    self.cx.report(Problem::error(text.at, error.to_string()));
                    None
                }
            },
            Shape::Number(_) | Shape::Table(_) | Shape::Array(_) | Shape::Flag(_) | Shape::Other => {
                self.refuse("a length of time such as \"5m\" or \"1h30m\"")
            }
        }
    }
    /// An instant: `2026-07-01T08:00:00+08:00`, in quotes or as TOML's own.
    pub(crate) fn instant(&self) -> Option<At<Timestamp>> {
        let text = match self.value.get_ref() {
            DeValue::Datetime(written) => written.to_string(),
            DeValue::String(text) => self.cx.expand(text, self.at()),
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Array(_) | DeValue::Table(_) => {
                String::new()
            }
        };
        match text.parse::<jiff::Timestamp>() {
            Ok(instant) => Some(At { value: Timestamp(instant.as_millisecond()), at: self.at() }),
            Err(_) => self.refuse("a date and a time with its distance from UTC, such as 2026-07-01T08:00:00+08:00,"),
        }
    }
    /// One of a few words.
    pub(crate) fn word<T: Clone>(&self, words: &[(&str, T)]) -> Option<At<T>> {
        let text = self.text()?;
        let found = words.iter().find(|(word, _)| *word == text.value);
        if found.is_none() {
            let problem = Problem::error(text.at, format!("\"{}\" is not known here", text.value))
                .label(format!("allowed: {}", words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ")))
                .maybe_hint(did_you_mean(&text.value, words.iter().map(|(word, _)| *word)));
            self.cx.report(problem);
        }
        found.map(|(_, value)| At { value: value.clone(), at: text.at })
    }
}

/// A table being read. What nobody asked for by [`Table::finish`] is an unknown key.
pub(crate) struct Table<'a> {
    pub(crate) cx: &'a Context<'a>,
    file: usize,
    entries: &'a DeTable<'a>,
    /// Its header, or all of an inline table.
    pub(crate) at: Place,
    what: &'static str,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Table<'a> {
    pub(crate) fn get(&self, key: &'static str) -> Option<Node<'a>> {
        self.known.borrow_mut().push(key);
        let value = self.entries.get(key)?;
        Some(Node { cx: self.cx, file: self.file, value })
    }
    /// Whether a key is there.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }
    /// Where a key stands that is there; the table itself where it is not.
    pub(crate) fn key_at(&self, key: &str) -> Place {
        self.entries.get_key_value(key).map_or(self.at, |(key, _)| {
            let span = key.span();
            Place { file: self.file, start: span.start, end: span.end }
        })
    }
    pub(crate) fn missing(&self, key: &str, why: &str) {
        let problem = Problem::error(self.at, format!("{} has no `{key}`", self.what));
        self.cx.report(if why.is_empty() { problem } else { problem.hint(why) });
    }
    pub(crate) fn text(&self, key: &'static str) -> Option<At<String>> {
        self.get(key)?.text()
    }
    pub(crate) fn required(&self, key: &'static str, why: &str) -> Option<At<String>> {
        let Some(node) = self.get(key) else {
            self.missing(key, why);
            return None;
        };
        let text = node.text()?;
        if text.value.trim().is_empty() {
            self.cx.report(
                Problem::error(text.at, format!("`{key}` is empty"))
                    .maybe_hint((!why.is_empty()).then(|| why.to_owned())),
            );
            return None;
        }
        Some(text)
    }
    pub(crate) fn flag(&self, key: &'static str) -> Option<At<bool>> {
        let node = self.get(key)?;
        match node.shape("") {
            Shape::Flag(flag) => Some(flag),
            Shape::Text(_) | Shape::Number(_) | Shape::Table(_) | Shape::Array(_) | Shape::Other => {
                node.refuse("true or false")
            }
        }
    }
    pub(crate) fn span(&self, key: &'static str) -> Option<At<Span>> {
        self.get(key)?.span()
    }
    /// A whole number from `low` to `high`.
    pub(crate) fn whole<T>(&self, key: &'static str, low: T, high: T) -> Option<At<T>>
    where
        T: TryFrom<i64> + PartialOrd + std::fmt::Display,
    {
        let node = self.get(key)?;
        match node.whole().map(T::try_from) {
            Some(Ok(number)) if number >= low && number <= high => Some(At { value: number, at: node.at() }),
            Some(_) | None => node.refuse(&format!("a whole number from {low} to {high}")),
        }
    }
    pub(crate) fn number(&self, key: &'static str) -> Option<At<f64>> {
        let node = self.get(key)?;
        match node.shape("") {
            Shape::Number(number) => Some(number),
            Shape::Text(_) | Shape::Table(_) | Shape::Array(_) | Shape::Flag(_) | Shape::Other => {
                node.refuse("a number")
            }
        }
    }
    pub(crate) fn numbers(&self, key: &'static str) -> Vec<f64> {
        self.list(key)
            .into_iter()
            .filter_map(|node| match node.shape("") {
                Shape::Number(number) => Some(number.value),
                Shape::Text(_) | Shape::Table(_) | Shape::Array(_) | Shape::Flag(_) | Shape::Other => {
                    node.refuse("a number")
                }
            })
            .collect()
    }
    pub(crate) fn word<T: Clone>(&self, key: &'static str, words: &[(&str, T)]) -> Option<At<T>> {
        self.get(key)?.word(words)
    }
    /// A list; one value alone is a list of one.
    pub(crate) fn list(&self, key: &'static str) -> Vec<Node<'a>> {
        let Some(node) = self.get(key) else { return Vec::new() };
        match node.shape("") {
            Shape::Array(nodes) => nodes,
            Shape::Text(_) | Shape::Number(_) | Shape::Table(_) | Shape::Flag(_) | Shape::Other => vec![node],
        }
    }
    pub(crate) fn texts(&self, key: &'static str) -> Vec<At<String>> {
        self.list(key).iter().filter_map(Node::text).collect()
    }
    pub(crate) fn table(&self, key: &'static str, what: &'static str) -> Option<Table<'a>> {
        self.get(key)?.table(what)
    }
    /// `[[key]]`, any number of times.
    pub(crate) fn tables(&self, key: &'static str, what: &'static str) -> Vec<Table<'a>> {
        let Some(node) = self.get(key) else { return Vec::new() };
        match node.shape(what) {
            Shape::Array(nodes) => nodes.iter().filter_map(|node| node.table(what)).collect(),
            Shape::Table(_) => {
                let problem = Problem::error(node.at(), format!("`{key}` is written as a single table"));
                self.cx.report(problem.hint(format!("write {what} with two brackets: there may be several")));
                Vec::new()
            }
            Shape::Text(_) | Shape::Number(_) | Shape::Flag(_) | Shape::Other => {
                node.refuse::<()>(&format!("one or more {what}"));
                Vec::new()
            }
        }
    }
    /// All entries, for tables whose keys are the site's own names.
    pub(crate) fn entries(&self) -> Vec<(At<String>, Node<'a>)> {
        self.entries
            .iter()
            .map(|(key, value)| {
                let span = key.span();
                let at = Place { file: self.file, start: span.start, end: span.end };
                let name = At { value: key.get_ref().as_ref().to_owned(), at };
                (name, Node { cx: self.cx, file: self.file, value })
            })
            .collect()
    }
    /// Reports every key that nobody asked for.
    pub(crate) fn finish(self) {
        let known = self.known.borrow();
        #[cfg(test)]
        asked::note(self.what, &known);
        for (key, _) in self.entries() {
            if !known.contains(&key.value.as_str()) {
                let mut allowed = known.clone();
                allowed.sort_unstable();
                allowed.dedup();
                let problem = Problem::error(key.at, format!("{} has no key `{}`", self.what, key.value));
                let hint = did_you_mean(&key.value, allowed.iter().copied())
                    .unwrap_or_else(|| format!("allowed: {}", allowed.join(", ")));
                self.cx.report(problem.hint(hint));
            }
        }
    }
}
