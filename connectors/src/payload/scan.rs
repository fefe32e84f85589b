//! Walks JSON text without building anything from it: the caller asks for what it is bound to and skips the rest.
//! Strict (RFC 8259) but for the bare words `NaN`, `Infinity` and `-Infinity`, which several loggers write for "no value":
//! they are taken as numbers that are not usable, so that their point is known to have spoken.

use std::borrow::Cow;

use super::Refusal;

/// Deepest nesting walked.
const MAX_DEPTH: usize = 32;

/// The payload breaks off, or is nested too deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) why: Refusal,
    /// Bytes from the beginning.
    pub(crate) at: usize,
}

/// A value, or the beginning of one: after `Object` and `Array` the caller walks the members.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Token<'a> {
    /// Not there.
    #[default]
    Absent,
    Null,
    Bool,
    /// As written, in the grammar of JSON numbers or one of the three bare words.
    Number(&'a str),
    Text(Cow<'a, str>),
    Object,
    Array,
}

/// A place in JSON text.
#[derive(Clone, Debug)]
pub(crate) struct Scan<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Scan<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// Bytes from the beginning.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    const fn broken(&self) -> Broken {
        Broken { why: Refusal::NotJson, at: self.at }
    }

    #[inline]
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn blank(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.byte() {
            self.at += 1;
        }
    }

    /// Nothing but blanks may be left.
    pub(crate) fn end(mut self) -> Result<(), Broken> {
        self.blank();
        if self.at == self.text.len() { Ok(()) } else { Err(self.broken()) }
    }

    /// The next value.
    pub(crate) fn value(&mut self) -> Result<Token<'a>, Broken> {
        self.blank();
        match self.byte() {
            Some(b'{') => self.enter(Token::Object),
            Some(b'[') => self.enter(Token::Array),
            Some(b'"') => self.string().map(Token::Text),
            Some(b'-' | b'0'..=b'9' | b'N' | b'I') => self.number().map(Token::Number),
            Some(b't') => self.word("true", Token::Bool),
            Some(b'f') => self.word("false", Token::Bool),
            Some(b'n') => self.word("null", Token::Null),
            Some(_) | None => Err(self.broken()),
        }
    }

    fn enter(&mut self, token: Token<'a>) -> Result<Token<'a>, Broken> {
        if self.depth == MAX_DEPTH {
            return Err(Broken { why: Refusal::TooDeep, at: self.at });
        }
        self.depth += 1;
        self.at += 1;
        Ok(token)
    }

    fn word(&mut self, word: &'static str, token: Token<'a>) -> Result<Token<'a>, Broken> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.broken());
        }
        self.at += word.len();
        Ok(token)
    }

    /// The next key of the object walked; `None` at its end. `first` starts true and is kept by the caller.
    pub(crate) fn key(&mut self, first: &mut bool) -> Result<Option<Cow<'a, str>>, Broken> {
        if !self.another(first, b'}')? {
            return Ok(None);
        }
        if self.byte() != Some(b'"') {
            return Err(self.broken());
        }
        let key = self.string()?;
        self.blank();
        if self.byte() != Some(b':') {
            return Err(self.broken());
        }
        self.at += 1;
        Ok(Some(key))
    }

    /// Whether the array walked has another element; `first` starts true and is kept by the caller.
    pub(crate) fn element(&mut self, first: &mut bool) -> Result<bool, Broken> {
        self.another(first, b']')
    }

    #[inline]
    fn another(&mut self, first: &mut bool, close: u8) -> Result<bool, Broken> {
        self.blank();
        let here = self.byte();
        if here == Some(close) {
            self.at += 1;
            self.depth -= 1;
            return Ok(false);
        }
        if !std::mem::take(first) {
            if here != Some(b',') {
                return Err(self.broken());
            }
            self.at += 1;
            self.blank();
            if self.byte() == Some(close) {
                return Err(self.broken());
            }
        }
        Ok(true)
    }

    /// Walks to the end of what `token` began.
    pub(crate) fn skip(&mut self, token: &Token<'a>) -> Result<(), Broken> {
        let mut first = true;
        match token {
            Token::Object => {
                while self.key(&mut first)?.is_some() {
                    let member = self.value()?;
                    self.skip(&member)?;
                }
            }
            Token::Array => {
                while self.element(&mut first)? {
                    let member = self.value()?;
                    self.skip(&member)?;
                }
            }
            Token::Absent | Token::Null | Token::Bool | Token::Number(_) | Token::Text(_) => {}
        }
        Ok(())
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Broken> {
        let begin = self.at + 1;
        let bytes = self.text.as_bytes();
        let mut at = begin;
        loop {
            match bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(Cow::Borrowed(&self.text[begin..at]));
                }
                Some(b'\\') => break,
                Some(0..=0x1f) | None => return Err(Broken { why: Refusal::NotJson, at }),
                Some(_) => at += 1,
            }
        }
        let mut owned = self.text[begin..at].to_owned();
        self.at = at;
        loop {
            let Some(byte) = self.byte() else { return Err(self.broken()) };
            match byte {
                b'"' => {
                    self.at += 1;
                    return Ok(Cow::Owned(owned));
                }
                b'\\' => {
                    self.at += 1;
                    owned.push(self.escape()?);
                }
                0..=0x1f => return Err(self.broken()),
                _ => {
                    let plain = &self.text[self.at..];
                    let end = plain.find(['"', '\\']).ok_or_else(|| self.broken())?;
                    let plain = &plain[..end];
                    if plain.bytes().any(|byte| byte <= 0x1f) {
                        return Err(self.broken());
                    }
                    owned.push_str(plain);
                    self.at += end;
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, Broken> {
        let byte = self.byte().ok_or_else(|| self.broken())?;
        self.at += 1;
        Ok(match byte {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = self.hex4()?;
                let code = if (0xd800..0xdc00).contains(&high) {
                    if !self.text.as_bytes()[self.at..].starts_with(b"\\u") {
                        return Err(self.broken());
                    }
                    self.at += 2;
                    let low = self.hex4()?;
                    if !(0xdc00..0xe000).contains(&low) {
                        return Err(self.broken());
                    }
                    0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)
                } else {
                    high
                };
                char::from_u32(code).ok_or_else(|| self.broken())?
            }
            _ => return Err(self.broken()),
        })
    }

    fn hex4(&mut self) -> Result<u32, Broken> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.byte().and_then(|byte| char::from(byte).to_digit(16)).ok_or_else(|| self.broken())?;
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }

    fn digits(&mut self) -> Result<(), Broken> {
        let begin = self.at;
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
        if self.at == begin { Err(self.broken()) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<&'a str, Broken> {
        let begin = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        if let Some(b'N' | b'I') = self.byte() {
            let rest = &self.text.as_bytes()[begin..];
            let bare = ["NaN", "Infinity", "-Infinity"].into_iter().find(|bare| rest.starts_with(bare.as_bytes()));
            let bare = bare.ok_or_else(|| self.broken())?;
            self.at = begin + bare.len();
            return Ok(bare);
        }
        if self.byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(&self.text[begin..self.at])
    }
}
