//! Names that the site gives: unique, plain, and found again with a hint where they were mistyped.

use std::collections::HashMap;

use crate::config::nearest::did_you_mean;
use crate::config::problem::{Place, Problem};
use crate::config::read::{At, Context};

/// Names of one kind, each with its place in the list and in the text.
pub(crate) struct Names {
    what: &'static str,
    known: HashMap<String, (usize, Place)>,
}

impl Names {
    pub(crate) fn new(what: &'static str) -> Self {
        Self { what, known: HashMap::new() }
    }
    /// Makes room for so many more.
    pub(crate) fn expect(&mut self, more: usize) {
        self.known.reserve(more);
    }
    /// Adds a name; a second of the same is reported and refused.
    pub(crate) fn add(&mut self, cx: &Context<'_>, name: &At<String>, ix: usize) -> bool {
        if let Some((_, first)) = self.known.get(&name.value) {
            let message = format!("there are two {}s named \"{}\"", self.what, name.value);
            cx.report(Problem::error(name.at, message).label(format!("the first is at {}", cx.origin(*first))));
            return false;
        }
        self.known.insert(name.value.clone(), (ix, name.at));
        true
    }
    pub(crate) fn get(&self, name: &str) -> Option<usize> {
        self.known.get(name).map(|(ix, _)| *ix)
    }
    pub(crate) fn place(&self, name: &str) -> Option<Place> {
        self.known.get(name).map(|(_, place)| *place)
    }
    /// Finds a name; one that is not there is reported, with the nearest one that is.
    pub(crate) fn find(&self, cx: &Context<'_>, name: &At<String>) -> Option<usize> {
        let found = self.get(&name.value);
        if found.is_none() {
            let problem = Problem::error(name.at, format!("there is no {} \"{}\"", self.what, name.value));
            // Ten thousand points of a wrong spreadsheet would each look through ten thousand names.
            let hint = if cx.errors() < 10 || self.known.len() < 100 { self.hint(&name.value) } else { None };
            cx.report(problem.maybe_hint(hint));
        }
        found
    }
    pub(crate) fn hint(&self, name: &str) -> Option<String> {
        did_you_mean(name, self.known.keys().map(String::as_str)).or_else(|| {
            let mut all: Vec<&str> = self.known.keys().map(String::as_str).collect();
            all.sort_unstable();
            match all.len() {
                0 => Some(format!("no {} is defined", self.what)),
                1..=8 => Some(format!("known: {}", all.join(", "))),
                _ => None,
            }
        })
    }
}

/// Whether an id may stand in topics, paths, metrics and CAP: no spaces, slashes, commas, quotes, wildcards; at most 64 bytes.
pub(crate) fn plain(cx: &Context<'_>, id: &At<String>, what: &str) -> bool {
    let fine = |c: char| !c.is_whitespace() && !c.is_control() && !"/,;\"'`<>&*?#+$\\=:".contains(c);
    let ok = id.value.chars().all(fine) && !id.value.is_empty() && id.value.len() <= 64;
    if !ok {
        let problem = Problem::error(id.at, format!("\"{}\" cannot be {what}", id.value));
        cx.report(
            problem.hint("at most 64 bytes of letters, digits, `-`, `_`, `.`; no spaces, slashes, commas or quotes"),
        );
    }
    ok
}

/// Whether an id may be a variable of a rule and a measurement of a store: `stage`, `methane`.
pub(crate) fn identifier(cx: &Context<'_>, id: &At<String>, what: &str) -> bool {
    let mut chars = id.value.chars();
    let ok = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && id.value.len() <= 64;
    if !ok {
        let fixed: String = id.value.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let problem = Problem::error(id.at, format!("\"{}\" cannot be {what}", id.value))
            .label("letters, digits and `_`, beginning with a letter");
        let usable = fixed.starts_with(|c: char| c.is_ascii_alphabetic());
        cx.report(problem.maybe_hint(usable.then(|| format!("write `{fixed}`"))));
    }
    ok
}

/// Whether `text` matches a pattern with `*` (anything) and `?` (one character).
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            Some(_) | None => match star {
                Some((at, from)) => {
                    p = at + 1;
                    t = from + 1;
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_a_shell_would() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("q*", "qingshi", true),
            ("q*i", "qingshi", true),
            ("q*x", "qingshi", false),
            ("?ingshi", "qingshi", true),
            ("*-3", "a-3-3", true),
            ("青*", "青石", true),
            ("a", "ab", false),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }
}
