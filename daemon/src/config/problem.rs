//! What is wrong with a configuration, as the operator reads it: file, line and column, the line itself, what is
//! allowed, and a hint.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use crate::lang::Lang;

/// Most problems kept; more are counted. Nobody reads the ten-thousandth bad row of a spreadsheet.
const KEPT: usize = 100;
/// Widest piece of a line that is shown, in columns.
const SHOWN_COLUMNS: usize = 110;

/// Where something stands: a range of bytes of one of the files read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Which file, in the order of reading.
    pub(crate) file: usize,
    /// First byte.
    pub(crate) start: usize,
    /// Byte after the last.
    pub(crate) end: usize,
}

/// Whether the configuration can be used in spite of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but somebody should look.
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in a sentence without a stop.
    pub message: String,
    /// Said under the carets: what stands there, or what it collides with.
    pub label: String,
    /// Lines under it that are set as they are, such as a table of what was expected and what there was.
    pub detail: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
    place: Option<Place>,
}

impl Problem {
    pub(crate) fn error(place: Place, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            label: String::new(),
            detail: Vec::new(),
            hint: None,
            place: Some(place),
        }
    }
    pub(crate) fn warning(place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(place, message) }
    }
    pub(crate) fn nowhere(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            label: String::new(),
            detail: Vec::new(),
            hint: None,
            place: None,
        }
    }
    #[must_use]
    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }
    #[must_use]
    pub(crate) fn detail(mut self, lines: Vec<String>) -> Self {
        self.detail = lines;
        self
    }
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
    #[must_use]
    pub(crate) fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }
}

/// A file that was read.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    /// As the operator would name it.
    pub(crate) name: String,
    /// All of it.
    pub(crate) text: Arc<str>,
    /// Where its line breaks are: every rule of thousands asks for its line.
    breaks: Arc<[usize]>,
}

impl SourceFile {
    pub(crate) fn of(name: String, text: Arc<str>) -> Self {
        let breaks = text.match_indices('\n').map(|(at, _)| at).collect();
        Self { name, text, breaks }
    }
}

/// Everything that is wrong, files in the order of reading, each from top to bottom.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    pub(crate) sources: Vec<SourceFile>,
    list: Vec<Problem>,
    dropped: usize,
    dropped_errors: usize,
}

/// Where a problem stands, for people: counted from 1, the column in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The file.
    pub file: String,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Problems {
    pub(crate) fn push(&mut self, problem: Problem) {
        // One wrong value that is used for every grade is one mistake.
        let told = |other: &Problem| other.place == problem.place && other.message == problem.message;
        if problem.place.is_some() && self.list.iter().any(told) {
            return;
        }
        if self.list.len() < KEPT {
            self.list.push(problem);
        } else {
            self.dropped += 1;
            self.dropped_errors += usize::from(problem.severity == Severity::Error);
        }
    }
    /// The same texts, with nothing wrong.
    pub(crate) fn texts(&self) -> Self {
        Self { sources: self.sources.clone(), ..Self::default() }
    }
    pub(crate) fn sort(&mut self) {
        self.list.sort_by_key(|problem| problem.place.map_or((0, 0), |place| (place.file, place.start)));
    }
    /// Whether the configuration can't be used.
    pub fn has_errors(&self) -> bool {
        self.dropped_errors > 0 || self.list.iter().any(|problem| problem.severity == Severity::Error)
    }
    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
    /// How many errors and how many warnings there are.
    pub fn counts(&self) -> (usize, usize) {
        let errors = self.list.iter().filter(|problem| problem.severity == Severity::Error).count();
        let dropped_warnings = self.dropped - self.dropped_errors;
        (errors + self.dropped_errors, self.list.len() - errors + dropped_warnings)
    }
    /// The problems, each with its position, if it has one.
    pub fn iter(&self) -> impl Iterator<Item = (&Problem, Option<Position>)> {
        self.list.iter().map(|problem| (problem, problem.place.and_then(|place| self.position(place))))
    }
    /// `file:line` of a place.
    pub(crate) fn origin(&self, place: Place) -> String {
        self.position(place).map_or_else(String::new, |at| format!("{}:{}", at.file, at.line))
    }
    fn position(&self, place: Place) -> Option<Position> {
        let source = self.sources.get(place.file)?;
        let line = Line::at(source, place.start);
        Some(Position { file: source.name.clone(), line: line.number, column: line.column })
    }
    /// For the terminal.
    pub const fn display(&self, lang: Lang, colour: bool) -> Shown<'_> {
        Shown { problems: self, lang, colour }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.display(Lang::En, false).fmt(f)
    }
}

impl std::error::Error for Problems {}

/// The line on which a byte stands.
struct Line<'a> {
    /// From 1.
    number: usize,
    /// Without its end.
    text: &'a str,
    /// Byte of the text at which the place begins.
    offset: usize,
    /// The same in characters, from 1.
    column: usize,
}

impl<'a> Line<'a> {
    fn at(source: &'a SourceFile, byte: usize) -> Self {
        let text = &*source.text;
        let mut byte = byte.min(text.len());
        while !text.is_char_boundary(byte) {
            byte -= 1;
        }
        let breaks_before = source.breaks.partition_point(|newline| *newline < byte);
        let start = breaks_before.checked_sub(1).and_then(|last| source.breaks.get(last)).map_or(0, |at| at + 1);
        let end = source.breaks.get(breaks_before).copied().unwrap_or(text.len());
        let line = text.get(start..end).unwrap_or_default().trim_end_matches('\r');
        Self {
            number: breaks_before + 1,
            text: line,
            offset: (byte - start).min(line.len()),
            column: text.get(start..byte).unwrap_or_default().chars().count() + 1,
        }
    }
}

/// Columns that a text takes on a terminal: Chinese characters take two.
fn columns(text: &str) -> usize {
    text.chars().map(|c| if matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{ffef}') { 2 } else { 1 }).sum()
}

/// Problems as shown.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    problems: &'a Problems,
    lang: Lang,
    colour: bool,
}

impl Shown<'_> {
    fn paint<'t>(&self, code: &'static str, text: &'t str) -> Painted<'t> {
        Painted { code: if self.colour { code } else { "" }, text }
    }

    fn one(&self, f: &mut String, problem: &Problem) -> fmt::Result {
        let (code, word) = match problem.severity {
            Severity::Error => ("1;31", self.lang.pick("error", "错误")),
            Severity::Warning => ("1;33", self.lang.pick("warning", "警告")),
        };
        writeln!(f, "{}: {}", self.paint(code, word), problem.message)?;
        if let Some((place, source)) =
            problem.place.and_then(|place| self.problems.sources.get(place.file).map(|source| (place, source)))
        {
            let line = Line::at(source, place.start);
            let gutter = line.number.to_string();
            let pad = " ".repeat(gutter.len());
            writeln!(f, "{pad}--> {}:{}:{}", source.name, line.number, line.column)?;
            let (shown, offset) = cut(&line);
            let shown = &masked(shown);
            let length = place.end.saturating_sub(place.start);
            let marked = shown.get(offset..).unwrap_or_default();
            let marked = marked.char_indices().find(|(at, _)| *at >= length).map_or(marked, |(at, _)| &marked[..at]);
            let indent = " ".repeat(columns(shown.get(..offset).unwrap_or_default()));
            let carets = "^".repeat(columns(marked).max(1));
            writeln!(f, "{} {shown}", self.paint("2", &format!("{gutter} |")))?;
            let carets = self.paint(code, &carets);
            writeln!(f, "{} {indent}{carets} {}", self.paint("2", &format!("{pad} |")), problem.label)?;
        }
        for line in &problem.detail {
            writeln!(f, "{line}")?;
        }
        if let Some(hint) = &problem.hint {
            writeln!(f, "{}: {hint}", self.paint("1;36", self.lang.pick("hint", "提示")))?;
        }
        Ok(())
    }
}

/// The line with every quoted secret made illegible, column for column: terminals are filmed and logs are sent round.
fn masked(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let (mut word, mut key) = (String::new(), String::new());
    let mut quote = None;
    for c in line.chars() {
        match quote {
            Some(open) if c == open => {
                quote = None;
                out.push(c);
            }
            // A path to a secret is none; neither is the name of a variable.
            Some(_) if is_secret(&key) => out.push('*'),
            Some(_) => out.push(c),
            None => {
                match c {
                    '"' | '\'' => quote = Some(c),
                    '=' => key = std::mem::take(&mut word),
                    '#' => key.clear(),
                    _ if c.is_alphanumeric() || c == '_' || c == '-' => word.push(c),
                    _ if c.is_whitespace() => {}
                    _ => word.clear(),
                }
                out.push(c);
            }
        }
    }
    out
}

fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    !key.ends_with("file") && ["pas", "pwd", "secr", "tok"].iter().any(|word| key.contains(word))
}

/// The piece of a long line round the place, and where the place begins in it.
fn cut<'a>(line: &Line<'a>) -> (&'a str, usize) {
    if columns(line.text) <= SHOWN_COLUMNS {
        return (line.text, line.offset);
    }
    let mut start = line.offset.saturating_sub(SHOWN_COLUMNS / 3);
    while !line.text.is_char_boundary(start) {
        start -= 1;
    }
    let rest = line.text.get(start..).unwrap_or_default();
    let mut wide = 0;
    let end = rest
        .char_indices()
        .find(|(at, c)| {
            wide += columns(rest.get(*at..at + c.len_utf8()).unwrap_or_default());
            wide > SHOWN_COLUMNS
        })
        .map_or(rest.len(), |(at, _)| at);
    (rest.get(..end).unwrap_or_default(), line.offset - start)
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Spaces after a line's last word would make golden files and terminals untidy.
        for (at, problem) in self.problems.list.iter().enumerate() {
            let mut text = String::new();
            self.one(&mut text, problem)?;
            if at > 0 {
                writeln!(f)?;
            }
            for line in text.lines() {
                writeln!(f, "{}", line.trim_end())?;
            }
        }
        let dropped = self.problems.dropped;
        if dropped > 0 {
            writeln!(f, "\n{} {dropped}", self.lang.pick("… more, not shown:", "……另有未显示:"))?;
        }
        Ok(())
    }
}

struct Painted<'a> {
    code: &'static str,
    text: &'a str,
}

impl fmt::Display for Painted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.code.is_empty() { f.write_str(self.text) } else { write!(f, "\x1b[{}m{}\x1b[0m", self.code, self.text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, what: &str, problem: impl Fn(Place) -> Problem) -> String {
        let start = text.find(what).expect("the test's own text");
        let place = Place { file: 0, start, end: start + what.len() };
        let mut problems =
            Problems { sources: vec![SourceFile::of("a.toml".into(), text.into())], ..Problems::default() };
        problems.push(problem(place));
        problems.to_string()
    }

    #[test]
    fn a_problem_shows_its_line() {
        let text = "x = 1\norange = { raise_at = 31.2, lift_below = 31.0 }\n";
        assert_eq!(
            shown(text, "31.2", |at| Problem::error(at, "threshold `orange` is lower than `yellow`")
                .label("yellow is raised at 31.5")
                .hint("were the two exchanged?")),
            "error: threshold `orange` is lower than `yellow`
 --> a.toml:2:23
2 | orange = { raise_at = 31.2, lift_below = 31.0 }
  |                       ^^^^ yellow is raised at 31.5
hint: were the two exchanged?
"
        );
    }

    #[test]
    fn carets_stand_under_chinese_and_far_out() {
        let said = shown("name = \"青石站\" ; x = 7", "7", |at| Problem::warning(at, "seven"));
        assert!(
            said.contains("\n  |                         ^\n") || said.contains("                       ^\n"),
            "{said}"
        );
        let long = format!("a = \"{}\" # here", "水".repeat(500));
        let said = shown(&long, "here", |at| Problem::warning(at, "far"));
        assert!(said.lines().all(|line| columns(line) < 130) && said.contains("here"), "{said}");
    }

    #[test]
    fn secrets_are_never_shown() {
        let text = "{ url = \"http://x\", pasword = \"hunter2\", token_file = \"t.txt\", secret = [\"whsec_a\", 'b'] }";
        let said = shown(text, "pasword", |at| Problem::error(at, "unknown key"));
        assert!(!said.contains("hunter2") && !said.contains("whsec_a") && !said.contains("'b'"), "{said}");
        assert!(said.contains("\"http://x\"") && said.contains("\"t.txt\"") && said.contains("\"*******\""), "{said}");
    }

    #[test]
    fn the_hundredth_problem_is_shown_and_the_rest_counted() {
        let mut problems = Problems::default();
        for _ in 0..KEPT + 5 {
            problems.push(Problem::nowhere("again"));
        }
        assert_eq!(problems.counts(), (KEPT + 5, 0));
        assert!(problems.to_string().ends_with("not shown: 5\n"));
    }
}
