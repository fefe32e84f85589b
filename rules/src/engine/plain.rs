//! Whether a script is so plain that Rhai's own operators, which are quicker than ours, answer it rightly: where every
//! operand of every operator is a number, nothing is divided but by a number that is written with its point and is not
//! zero, and only conditions are conditions. What is not seen to be plain here is run with our own operators.

use super::functions::{Of, Work, library};
use super::tokens::{Kind, Token, tokens};

/// Whether a script of one point a name is plain.
pub(super) fn is_plain(text: &str) -> bool {
    let Ok(tokens) = tokens(text) else { return false };
    let mut reader = Reader { tokens: &tokens, at: 0 };
    reader.block() == Some(Ends::WithNumber) && reader.at == tokens.len()
}

/// How a block ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ends {
    WithNumber,
    WithNothing,
}

/// Reads a script from left to right. What gives nothing is not plain.
struct Reader<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
}

/// Words that make more of a script than sums and conditions.
const NOT_PLAIN: [&str; 19] = [
    "while", "loop", "for", "in", "do", "until", "return", "throw", "true", "false", "fn", "private", "break",
    "continue", "try", "catch", "else", "let", "const",
];

impl<'a> Reader<'a> {
    fn kind(&self, ahead: usize) -> Option<Kind<'a>> {
        self.tokens.get(self.at + ahead).map(|token| token.kind)
    }

    fn is_next(&self, sign: char) -> bool {
        self.kind(0) == Some(Kind::Sign(sign))
    }

    /// Takes these signs if they are next.
    fn takes(&mut self, signs: &str) -> bool {
        let are_next = signs.chars().zip(0..).all(|(sign, ahead)| self.kind(ahead) == Some(Kind::Sign(sign)));
        if are_next {
            self.at += signs.len();
        }
        are_next
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is_next = self.kind(0) == Some(Kind::Word(word));
        self.at += usize::from(is_next);
        is_next
    }

    fn must(&mut self, signs: &str) -> Option<()> {
        self.takes(signs).then_some(())
    }

    /// Statements, and perhaps a number at the end, up to a brace or the end of the script.
    fn block(&mut self) -> Option<Ends> {
        let mut ends = Ends::WithNothing;
        while !self.is_next('}') && self.kind(0).is_some() {
            ends = match (self.kind(0), self.kind(1), self.kind(2)) {
                (Some(Kind::Word("let" | "const")), Some(Kind::Word(_)), Some(Kind::Sign('='))) => {
                    self.at += 3;
                    self.number()?;
                    self.must(";")?;
                    Ends::WithNothing
                }
                (Some(Kind::Word("if")), _, _) => {
                    let ends = self.branches()?;
                    if self.takes(";") { Ends::WithNothing } else { ends }
                }
                (Some(Kind::Word(_)), Some(Kind::Sign('=')), Some(kind)) if kind != Kind::Sign('=') => {
                    self.at += 2;
                    self.number()?;
                    self.must(";")?;
                    Ends::WithNothing
                }
                (Some(Kind::Word(_)), Some(Kind::Sign('+' | '-' | '*')), Some(Kind::Sign('='))) => {
                    self.at += 3;
                    self.number()?;
                    self.must(";")?;
                    Ends::WithNothing
                }
                _ => {
                    self.number()?;
                    if self.takes(";") {
                        Ends::WithNothing
                    } else if self.is_next('}') || self.kind(0).is_none() {
                        Ends::WithNumber
                    } else {
                        return None;
                    }
                }
            };
        }
        Some(ends)
    }

    /// `if … { … } else { … }`: a number where each branch ends with one.
    fn branches(&mut self) -> Option<Ends> {
        if !self.takes_word("if") {
            return None;
        }
        self.conditions()?;
        self.must("{")?;
        let first = self.block()?;
        self.must("}")?;
        if !self.takes_word("else") {
            return Some(Ends::WithNothing);
        }
        let other = if self.kind(0) == Some(Kind::Word("if")) {
            self.branches()?
        } else {
            self.must("{")?;
            let other = self.block()?;
            self.must("}")?;
            other
        };
        Some(if first == other { first } else { Ends::WithNothing })
    }

    fn conditions(&mut self) -> Option<()> {
        self.condition()?;
        while self.takes("&&") || self.takes("||") {
            self.condition()?;
        }
        Some(())
    }

    fn condition(&mut self) -> Option<()> {
        let negated = self.takes("!");
        let begin = self.at;
        if self.takes("(") {
            let within = self.conditions().and_then(|()| self.must(")"));
            let alone = matches!(self.kind(0), None | Some(Kind::Sign('&' | '|' | '{' | ')')));
            if within.is_some() && alone {
                return Some(());
            }
            self.at = begin;
        }
        if let (Some(Kind::Word(word)), Some(sign)) = (self.kind(0), self.kind(1)) {
            let (of, name, ahead) = match (word, sign, self.kind(2)) {
                ("now", Kind::Sign('.'), Some(Kind::Word(name))) => (Of::Now, name, 3),
                (name, _, _) => (Of::Nothing, name, 1),
            };
            let is_condition = |work| matches!(work, Work::When(_) | Work::Whether(_));
            if library().any(|f| f.of == of && f.name == name && is_condition(f.work)) {
                self.at += ahead;
                return self.arguments();
            }
        }
        if negated {
            return None;
        }
        self.number()?;
        if !["<=", ">=", "==", "!=", "<", ">"].into_iter().any(|sign| self.takes(sign)) {
            return None;
        }
        self.number()
    }

    /// Sums and products.
    fn number(&mut self) -> Option<()> {
        self.product()?;
        while self.takes("+") || self.takes("-") {
            self.product()?;
        }
        Some(())
    }

    fn product(&mut self) -> Option<()> {
        self.factor()?;
        loop {
            if self.is_next('*') && self.kind(1) != Some(Kind::Sign('*')) {
                self.at += 1;
                self.factor()?;
            } else if self.takes("/") {
                let Some(Kind::Number(divisor)) = self.kind(0) else { return None };
                let sound = divisor.contains('.') && divisor.parse().is_ok_and(|divisor: f64| divisor != 0.0);
                if !sound || self.kind(1) == Some(Kind::Sign('.')) {
                    return None;
                }
                self.at += 1;
            } else {
                // A power or a remainder is not plain: what comes next is refused where it stands.
                return Some(());
            }
        }
    }

    fn factor(&mut self) -> Option<()> {
        while self.takes("-") {}
        match self.kind(0)? {
            Kind::Number(number) => {
                self.at += 1;
                (number.parse::<f64>().is_ok() && !self.is_next('.')).then_some(())
            }
            Kind::Sign('(') => {
                self.at += 1;
                self.number()?;
                self.must(")")
            }
            Kind::Word("if") => (self.branches()? == Ends::WithNumber).then_some(()),
            Kind::Word(word) if NOT_PLAIN.contains(&word) => None,
            Kind::Word(word) => self.named(word),
            Kind::Text(_) | Kind::Sign(_) => None,
        }
    }

    /// A variable, a point, a function, or what is asked of a point or the moment.
    fn named(&mut self, word: &str) -> Option<()> {
        self.at += 1;
        if self.is_next('(') {
            let gives_number = |work| !matches!(work, Work::Whether(_));
            let known = library().any(|f| f.of == Of::Nothing && f.name == word && gives_number(f.work));
            return if known { self.arguments() } else { None };
        }
        let mut of = if word == "now" { Of::Now } else { Of::Point };
        if word == "upstream" {
            self.must(".")?;
            let Kind::Word(_) = self.kind(0)? else { return None };
            (self.at, of) = (self.at + 1, Of::Point);
        }
        if !self.takes(".") {
            return (of == Of::Point).then_some(());
        }
        let Kind::Word(asked) = self.kind(0)? else { return None };
        self.at += 1;
        let function = library().find(|f| f.of == of && f.name == asked)?;
        match function.work {
            Work::Last | Work::Grade | Work::Field(_) => {}
            Work::Window(_) | Work::Together { .. } => self.arguments()?,
            _ => return None,
        }
        (!self.is_next('.')).then_some(())
    }

    /// Numbers and texts in parentheses.
    fn arguments(&mut self) -> Option<()> {
        self.must("(")?;
        while !self.takes(")") {
            match self.kind(0)? {
                Kind::Text(_) => self.at += 1,
                Kind::Word(_) | Kind::Number(_) | Kind::Sign(_) => self.number()?,
            }
            if !self.is_next(')') {
                self.must(",")?;
            }
        }
        (!self.is_next('.')).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_conditions_are_plain() {
        for plain in [
            "stage",
            "stage * 2 + 1 - rain.sum(\"3h\") / 7.0",
            "let x = stage; x += 1; x = -x; x",
            "if stage > 3 { 1 } else { 0 }",
            "let a = if !(stage < 2 || rain.sum(\"1h\", \"1h\") == 3) && stage > 1 { 1 } else { 0 }; a * 2",
            "if (stage + 1) * 2 > 3 && (stage > 2 || now.season(\"05-01\", \"09-30\")) { red } else { clear }",
            "let s = 0.0; if stage > 2 { s += 1.0; } if bit(stage, 1) { s += 1; } else if s >= 2 { s = 1; } max(s, 4.0)",
            "upstream.stage.last - stage.rise(\"1h\") + now.hour",
            "if stage.grade >= orange { unknown } else { tangent_angle(stage.rate(\"1d\"), 2) }",
        ] {
            assert!(is_plain(plain), "{plain}");
        }
    }

    /// What Rhai by itself answers with false, with a whole number, with infinity or with nothing.
    #[test]
    fn what_rhai_would_answer_wrongly_is_not_plain() {
        for risky in [
            "stage > 3",
            "let wet = rain > 0; if wet > 3.0 { 1 } else { 0 }",
            "if (stage > 3) > 2 { 1 } else { 0 }",
            "if stage > 3 > 2 { 1 } else { 0 }",
            "if (stage > 3) == (rain > 2) { 1 } else { 0 }",
            "if bit(stage, 1) > 0 { 1 } else { 0 }",
            "if now.season(\"05-01\", \"09-30\") > 0 { 1 } else { 0 }",
            "bit(stage, 1)",
            "if true > false { 1 } else { 0 }",
            "if stage { 1 } else { 0 }",
            "if !stage > 3 { 1 } else { 0 }",
            "let x = if stage > 100 { 1.0 }; if x > 2 { 1 } else { 0 }",
            "let x = if stage > 100 { 1.0; } else { 2.0 }; x",
            "let x = if stage > 100 { let y = 1.0; } else { 2.0 }; x",
            "let x; x",
            "7 / 2",
            "7 / stage",
            "1.0 / 0.0",
            "stage / (stage - 3.0)",
            "stage / 2",
            "let n = 7; n /= 2; n",
            "stage % 2.0",
            "2 ** 3",
            "stage << 2",
            "stage & 1",
            "fn f(x) { x } f(stage)",
            "let n = 0; while n < 10 { n += 1; } n",
            "try { stage } catch { 9.0 }",
            "return 3",
            "stage.last.max()",
            "now",
            "\"abc\" > 3.0",
            "let s = 0; if stage > 2 { s += 1 } s",
            "stage; ",
            "",
        ] {
            assert!(!is_plain(risky), "{risky}");
        }
    }
}
