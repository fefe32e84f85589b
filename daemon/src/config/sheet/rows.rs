//! A spreadsheet's text as rows of cells, each with its place (RFC 4180): quotes, doubled quotes, line ends in quotes, CRLF.

use std::borrow::Cow;

use crate::config::problem::Place;

/// One field of a row.
pub(super) struct Cell<'t> {
    pub(super) text: Cow<'t, str>,
    pub(super) at: Place,
}

/// Splits a text into rows of cells. Empty rows and rows that begin with `#` are left out.
pub(super) struct Rows<'t> {
    file: usize,
    text: &'t str,
    at: usize,
}

impl<'t> Iterator for Rows<'t> {
    type Item = Result<Vec<Cell<'t>>, Place>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
            let line_end = rest.find('\n').map_or(rest.len(), |end| end + 1);
            let line = &rest[..line_end];
            if line.trim().is_empty() || line.starts_with('#') {
                self.at += line_end;
                continue;
            }
            let row = self.row();
            if row.is_err() {
                self.at = self.text.len();
            }
            return Some(row);
        }
    }
}

impl<'t> Rows<'t> {
    /// Of a file's text.
    pub(super) const fn of(file: usize, text: &'t str) -> Self {
        Self { file, text, at: 0 }
    }

    /// How many lines are left.
    pub(super) fn lines(&self) -> usize {
        self.text.get(self.at..).map_or(0, |rest| rest.lines().count())
    }

    fn row(&mut self) -> Result<Vec<Cell<'t>>, Place> {
        let mut cells = Vec::with_capacity(16);
        loop {
            let (cell, end) = self.cell()?;
            cells.push(cell);
            self.at = end;
            match self.text.as_bytes().get(end) {
                Some(b',') => self.at += 1,
                Some(b'\r') => {
                    self.at = (end + 2).min(self.text.len());
                    return Ok(cells);
                }
                Some(_) => {
                    self.at += 1;
                    return Ok(cells);
                }
                None => return Ok(cells),
            }
        }
    }

    /// One cell and the byte after it: a comma, a line's end, or the end of the text.
    fn cell(&self) -> Result<(Cell<'t>, usize), Place> {
        let start = self.at;
        let rest = &self.text[start..];
        if !rest.starts_with('"') {
            let length = rest.find([',', '\n']).unwrap_or(rest.len());
            let raw = rest[..length].strip_suffix('\r').unwrap_or(&rest[..length]);
            let trimmed = raw.trim();
            let lead = raw.len() - raw.trim_start().len();
            let at = Place { file: self.file, start: start + lead, end: start + lead + trimmed.len() };
            return Ok((Cell { text: Cow::Borrowed(trimmed), at }, start + raw.len()));
        }
        let mut from = 1;
        let mut doubled = false;
        loop {
            let Some(quote) = rest[from..].find('"') else {
                let line = rest.find('\n').unwrap_or(rest.len());
                let end = start + line;
                // What follows cannot be told apart any more; the reader ends here.
                return Err(Place { file: self.file, start, end });
            };
            let quote = from + quote;
            if rest[quote + 1..].starts_with('"') {
                doubled = true;
                from = quote + 2;
                continue;
            }
            let inner = &rest[1..quote];
            let text = if doubled { Cow::Owned(inner.replace("\"\"", "\"")) } else { Cow::Borrowed(inner) };
            let after = &rest[quote + 1..];
            let skipped = after.find([',', '\n', '\r']).unwrap_or(after.len());
            let at = Place { file: self.file, start: start + 1, end: start + quote };
            return Ok((Cell { text, at }, start + quote + 1 + skipped));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Vec<String>> {
        Rows::of(0, text)
            .map(|row| match row {
                Ok(cells) => cells.into_iter().map(|cell| cell.text.into_owned()).collect(),
                Err(_) => vec!["(never ends)".to_owned()],
            })
            .take(10)
            .collect()
    }

    #[test]
    fn rows_are_split_as_spreadsheets_write_them() {
        assert_eq!(rows("a,b\r\n1,2\r\n"), [["a", "b"], ["1", "2"]]);
        assert_eq!(rows("# talk\n\n\"x, y\",\"a \"\"b\"\"\"\n,\n"), [["x, y", "a \"b\""], ["", ""]]);
        assert_eq!(rows("\"two\nlines\", z "), [["two\nlines", "z"]]);
        assert_eq!(rows("\"open,1\n2"), [["(never ends)"]]);
    }
}
