//! Places within a text that stands in a file: a measure in quotes, a whole script, a word of a series.

use super::Context;
use crate::config::problem::Place;

impl Context<'_> {
    /// The place of a line and column (from 1) in the text that stands at `outer`: a measure in quotes, or a whole script.
    pub(crate) fn within(&self, outer: Place, line: usize, column: Option<usize>) -> Place {
        let problems = self.problems.borrow();
        let text = problems.sources.get(outer.file).and_then(|source| source.text.get(outer.start..outer.end));
        let text = text.unwrap_or_default();
        let (lead, quotes) = quotes(text);
        let inner = text.get(lead..text.len().saturating_sub(quotes)).unwrap_or_default();
        let before: usize = inner.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let Some(line) = inner.get(before..).and_then(|rest| rest.lines().next()) else { return outer };
        let (from, to) = match column {
            Some(column) => {
                let from = line.char_indices().nth(column.saturating_sub(1)).map_or(line.len(), |(at, _)| at);
                let word = line.get(from..).unwrap_or_default();
                let length = word.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(word.len());
                (from, from + length.max(1))
            }
            None => (0, line.len()),
        };
        let start = outer.start + lead + before;
        Place { file: outer.file, start: start + from, end: start + to }
    }

    /// The place of a few bytes of the text in quotes that stands at `outer`; all of it where there are escapes in it.
    pub(crate) fn part_of(&self, outer: Place, from: usize, length: usize) -> Place {
        let problems = self.problems.borrow();
        let text = problems.sources.get(outer.file).and_then(|source| source.text.get(outer.start..outer.end));
        let text = text.unwrap_or_default();
        if text.contains('\\') {
            return outer;
        }
        let start = (outer.start + quotes(text).0 + from).min(outer.end);
        Place { start, end: (start + length).min(outer.end), ..outer }
    }
}

/// Bytes before what a text in quotes says, and bytes of its quotes; none for a script. TOML leaves out a line end right
/// after three quotes.
fn quotes(text: &str) -> (usize, usize) {
    let quotes = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| text.starts_with(quote)).map_or(0, str::len);
    let newline = quotes == 3 && text.get(quotes..).is_some_and(|inner| inner.starts_with('\n'));
    (quotes + usize::from(newline), quotes)
}
