//! A line cut into its fields, as its map says.

use std::borrow::Cow;

use super::declared::{Declared, Place};
use crate::cli::backtest::line::Fault;

/// More fields are no line of a recording.
const FIELDS_MOST: usize = 4_096;

/// How lines are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// At each of these letters, but not within quotes.
    At(u8),
    /// At runs of blanks.
    Blanks,
    /// Nowhere: columns are told by their characters.
    Fixed,
    /// Nowhere: a line is a document.
    Json,
}

/// The fields of one line.
pub(super) struct Fields<'a> {
    /// None: a document has no such member.
    found: Vec<Option<Cow<'a, [u8]>>>,
}

impl Cut {
    /// As declared.
    pub(super) fn of(declared: &Declared) -> Result<Self, String> {
        let cut = match declared.file.delimiter.as_str() {
            "tab" | "\t" => Self::At(b'\t'),
            "blanks" => Self::Blanks,
            "fixed" => Self::Fixed,
            "json" => Self::Json,
            other => match other.as_bytes() {
                [letter] if letter.is_ascii() && !letter.is_ascii_alphanumeric() => Self::At(*letter),
                _ => {
                    return Err(format!(
                        "file.delimiter: \"{other}\": allowed are one sign such as \",\" or \";\", \"tab\", \"blanks\", \"fixed\" and \"json\""
                    ));
                }
            },
        };
        let by_bytes = |place: &Place| matches!(place, Place::Bytes(..));
        if cut == Self::Fixed && (declared.file.header || !declared.columns.values().all(by_bytes)) {
            return Err(
                "file.delimiter = \"fixed\": write header = false, and characters such as \"3-6\" in [columns]"
                    .to_owned(),
            );
        }
        if cut != Self::Fixed && declared.columns.values().any(by_bytes) {
            return Err("[columns]: characters such as \"3-6\" need file.delimiter = \"fixed\"".to_owned());
        }
        Ok(cut)
    }

    /// Cuts a line.
    pub(super) fn cut<'a>(self, line: &'a [u8]) -> Result<Fields<'a>, Fault> {
        let found: Vec<Cow<'a, [u8]>> = match self {
            Self::Fixed | Self::Json => Vec::new(),
            Self::Blanks => line
                .split(u8::is_ascii_whitespace)
                .filter(|field| !field.is_empty())
                .take(FIELDS_MOST)
                .map(Cow::Borrowed)
                .collect(),
            Self::At(letter) => quoted(line, letter)?,
        };
        Ok(Fields::of(found.into_iter().map(Some).collect()))
    }

    /// The names in a header.
    pub(super) fn names(self, line: &[u8]) -> Result<Vec<String>, Fault> {
        let fields = self.cut(line)?;
        let named = fields.found.iter().flatten();
        Ok(named.map(|field| String::from_utf8_lossy(field.trim_ascii()).into_owned()).collect())
    }
}

impl<'a> Fields<'a> {
    /// In the order of the columns.
    pub(super) const fn of(found: Vec<Option<Cow<'a, [u8]>>>) -> Self {
        Self { found }
    }

    /// Whether a document says nothing of this at all.
    pub(super) fn lacks(&self, place: Place) -> bool {
        matches!(place, Place::Field(at) if self.found.get(at).is_some_and(Option::is_none))
    }

    /// What stands at a place of `line`, of which these are the fields.
    pub(super) fn get<'b>(&'b self, place: Place, line: &'b [u8]) -> Result<&'b [u8], Fault> {
        match place {
            Place::Field(at) => {
                let field = self.found.get(at).and_then(Option::as_deref);
                field.ok_or(Fault::Columns(self.found.len(), at + 1))
            }
            Place::Bytes(from, to) => line.get(from..to).ok_or(Fault::Short(line.len(), to)),
        }
    }
}

/// Fields between signs; one in quotes may hold the sign, and a doubled quote is one (RFC 4180).
pub(in crate::cli::backtest) fn quoted(line: &[u8], sign: u8) -> Result<Vec<Cow<'_, [u8]>>, Fault> {
    let mut found = Vec::new();
    let mut rest = Some(line);
    while let Some(from) = rest {
        if found.len() == FIELDS_MOST {
            break;
        }
        let blanks = from.iter().take_while(|byte| **byte == b' ').count();
        let Some(inside) = from[blanks..].strip_prefix(b"\"") else {
            let length = from.iter().position(|byte| *byte == sign);
            found.push(Cow::Borrowed(&from[..length.unwrap_or(from.len())]));
            rest = length.map(|length| &from[length + 1..]);
            continue;
        };
        let (mut text, mut at) = (Vec::new(), 0);
        loop {
            match (inside.get(at), inside.get(at + 1)) {
                (None, _) => return Err(Fault::Quote),
                (Some(b'"'), Some(b'"')) => {
                    text.push(b'"');
                    at += 2;
                }
                (Some(b'"'), _) => break,
                (Some(byte), _) => {
                    text.push(*byte);
                    at += 1;
                }
            }
        }
        found.push(Cow::Owned(text));
        let behind = inside[at + 1..].trim_ascii_start();
        // A tab is a blank too, and may be the sign itself.
        let behind = if sign == b'\t' { &inside[at + 1..] } else { behind };
        rest = match behind.split_first() {
            None => None,
            Some((next, behind)) if *next == sign => Some(behind),
            Some(_) => return Err(Fault::Quote),
        };
    }
    Ok(found)
}
