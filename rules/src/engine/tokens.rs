//! A script as words, numbers, texts and signs.

use super::ScriptFault;

/// A word, number, text or sign, and where it stands, from 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) line: usize,
    pub(super) column: usize,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind<'a> {
    Word(&'a str),
    Number(&'a str),
    Text(&'a str),
    Sign(char),
}

/// Splits a script into words, numbers, texts and signs; comments fall out.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, Vec<ScriptFault>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let (mut line, mut column) = (1, 1);
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => {
                text_length(rest).ok_or_else(|| vec![ScriptFault::at(line, column, "a text is not closed", None)])?
            }
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
            c if c.is_ascii_digit() => Some(Kind::Number(piece)),
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
