//! The series of a case in promtool's notation: slot after slot, one interval apart, the first at the start of the case.
//!
//! `1.5` a value · `1x4` it and four more of it · `1+0.5x4` it and four more, each higher by 0.5 · `1-0.5x4` lower · `_`
//! nothing in this slot · `_x4` nothing in four · `NaN`, `Inf`, `-Inf`, `null`, `text` a report without a usable number,
//! `NaNx4` it and four more · `stale`, last, the sensor falls silent: nothing more is heard, and the case lasts until that
//! has been found out. A series that ends without it is silent too; the case need not last that long.

use std::fmt;

use watchfire_model::quantity::{Bad, Finite};

/// Longest series, in slots: a year of five minutes.
pub const LONGEST: usize = 105_408;

/// What a point does in one slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Slot {
    /// It reports, a number or something that is none.
    Said(Result<Finite, Bad>),
    /// Nothing is heard.
    Missing,
    /// Nothing is heard from here on.
    Stale,
}

/// Why a series can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct NoSeries {
    /// First byte of the word that is wrong.
    pub at: usize,
    /// Length of it, in bytes.
    pub length: usize,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Word(String),
    AfterStale,
    TooLong,
    Empty,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => write!(f, "\"{word}\" is nothing that a series says"),
            Self::AfterStale => f.write_str("nothing follows `stale`: for a gap write `_x30`"),
            Self::TooLong => write!(f, "a series has at most {LONGEST} slots"),
            Self::Empty => f.write_str("a series says at least one word"),
        }
    }
}

/// Reads a series.
pub fn read(text: &str) -> Result<Vec<Slot>, NoSeries> {
    let mut slots = Vec::new();
    for word in text.split_whitespace() {
        // The word is a part of the text, so this is where it begins in it.
        let at = word.as_ptr().addr() - text.as_ptr().addr();
        let wrong = |what| NoSeries { at, length: word.len(), what };
        if slots.last() == Some(&Slot::Stale) {
            return Err(wrong(What::AfterStale));
        }
        let Some((slot, step, more)) = parse(word) else { return Err(wrong(What::Word(word.to_owned()))) };
        if more >= LONGEST - slots.len().min(LONGEST) {
            return Err(wrong(What::TooLong));
        }
        for n in 0..=more {
            slots.push(stepped(slot, step, n));
        }
    }
    if slots.is_empty() {
        return Err(NoSeries { at: 0, length: text.len(), what: What::Empty });
    }
    Ok(slots)
}

/// A word's first slot, by how much each further one is higher, and how many there are.
fn parse(word: &str) -> Option<(Slot, f64, usize)> {
    let (first, more) = match word.rsplit_once('x') {
        Some((first, count)) if count.chars().all(|c| c.is_ascii_digit()) => (first, Some(count.parse().ok()?)),
        Some(_) | None => (word, None),
    };
    match (first, more) {
        ("_", None) => return Some((Slot::Missing, 0.0, 0)),
        // As in promtool: so many, not one and so many more.
        ("_", Some(count)) => return usize::checked_sub(count, 1).map(|more| (Slot::Missing, 0.0, more)),
        ("stale", None) => return Some((Slot::Stale, 0.0, 0)),
        (_, _) => {}
    }
    if let Some(bad) = bad(first) {
        return Some((Slot::Said(Err(bad)), 0.0, more.unwrap_or(0)));
    }
    if let Some(value) = number(first) {
        return Some((Slot::Said(Ok(value)), 0.0, more.unwrap_or(0)));
    }
    // A sign that is not the first character and stands behind no exponent parts the step from the value.
    let (part, _) = first.char_indices().skip(1).find(|(at, c)| {
        matches!(c, '+' | '-') && !first.get(..*at).is_some_and(|before| before.ends_with(['e', 'E']))
    })?;
    let (value, step) = first.split_at_checked(part)?;
    Some((Slot::Said(Ok(number(value)?)), number(step)?.get(), more?))
}

fn bad(word: &str) -> Option<Bad> {
    match word {
        "NaN" | "nan" => Some(Bad::NotANumber),
        "Inf" | "inf" | "+Inf" | "-Inf" | "-inf" => Some(Bad::Infinite),
        "null" => Some(Bad::Absent),
        "text" => Some(Bad::WrongType),
        _ => None,
    }
}

/// A finite number in digits.
fn number(word: &str) -> Option<Finite> {
    let digits = word.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
    word.parse().ok().filter(|_| digits).and_then(|value| Finite::new(value).ok())
}

/// The n-th further slot. What decimal steps make of a value is decimal: 36 and three steps of 0.1 are 36.3.
fn stepped(slot: Slot, step: f64, n: usize) -> Slot {
    match slot {
        Slot::Said(Ok(value)) if step != 0.0 => {
            #[expect(clippy::cast_precision_loss, reason = "at most LONGEST")]
            let sum = crate::window::exact::twelve_digits(value.get() + step * n as f64);
            Slot::Said(Finite::new(sum))
        }
        Slot::Said(_) | Slot::Missing | Slot::Stale => slot,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let shown = |slot: &Slot| match slot {
            Slot::Said(Ok(value)) => value.get().to_string(),
            Slot::Said(Err(bad)) => bad.word().to_owned(),
            Slot::Missing => "_".to_owned(),
            Slot::Stale => "stale".to_owned(),
        };
        let said = match read(text) {
            Ok(slots) => slots.iter().map(shown).collect::<Vec<_>>().join(" "),
            Err(error) => format!("{}: {error}", text.get(error.at..error.at + error.length).unwrap_or("?")),
        };
        assert_eq!(said, expected, "\"{text}\"");
    }

    #[test]
    fn series_are_written_as_promtool_writes_them() {
        check("1 2 3", "1 2 3");
        check("9x5 _x3 stale", "9 9 9 9 9 9 _ _ _ stale");
        check("1+0.5x4", "1 1.5 2 2.5 3");
        check("-2+4x3", "-2 2 6 10");
        check("3-1.5x3", "3 1.5 0 -1.5");
        check("1e-3+1e-3x2 2e+3", "0.001 0.002 0.003 2000");
        check("36+0.1x3", "36 36.1 36.2 36.3");
        check("_ 1x0 _x1\n\t.5", "_ 1 _ 0.5");
    }

    #[test]
    fn what_is_no_number_is_said_as_such() {
        let (nan, inf) = (Bad::NotANumber.word(), Bad::Infinite.word());
        check("1 NaN -Inf", &format!("1 {nan} {inf}"));
        check("NaNx2 null text", &format!("{nan} {nan} {nan} {} {}", Bad::Absent.word(), Bad::WrongType.word()));
    }

    #[test]
    fn what_a_series_does_not_say_is_refused_with_its_place() {
        for word in ["high", "1x", "1xx3", "_x0", "stalex3", "1+2", "1+x3", "1e999", "1,5", "infinity", "1x-3"] {
            check(&format!("1 {word} 2"), &format!("{word}: \"{word}\" is nothing that a series says"));
        }
        check("1 stale 2", "2: nothing follows `stale`: for a gap write `_x30`");
        check("1x200000", "1x200000: a series has at most 105408 slots");
        check(
            "1x99999999999999999999",
            "1x99999999999999999999: \"1x99999999999999999999\" is nothing that a series says",
        );
        check("1x60000 1x60000", "1x60000: a series has at most 105408 slots");
        check(" ", " : a series says at least one word");
    }
}
