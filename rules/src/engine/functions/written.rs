//! The arguments of the library's functions: numbers, which are computed, and words, which are written out so that they
//! can be read and refused at load.

use watchfire_model::time::Span;

/// An argument of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// How it is written.
    pub form: Form,
    /// It may be left out, with those after it.
    pub optional: bool,
}

/// How an argument is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Any number that can be computed.
    Number,
    /// A whole number from 1 to 30, written out.
    Count,
    /// A length of time, such as `"1h"`.
    Span,
    /// A time of day, such as `"08:00"`.
    TimeOfDay,
    /// A day of the year, such as `"06-01"`.
    Date,
    /// Pairs of numbers with rising first ones, such as `"50.2: 0, 51.0: 12.5, 52.0: 55"`.
    Table,
}

pub(super) const fn number(name: &'static str, unit: &'static str) -> Argument {
    Argument { name, unit, form: Form::Number, optional: false }
}

pub(super) const fn word(name: &'static str, form: Form) -> Argument {
    Argument { name, unit: "", form, optional: false }
}

pub(super) const fn perhaps(name: &'static str, form: Form) -> Argument {
    Argument { name, unit: "", form, optional: true }
}

/// A written-out argument, as it stands in the script.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::engine) enum Written {
    Text(String),
    Count(f64),
}

/// A written-out argument, as it was understood.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::engine) enum Word {
    Count(u32),
    Span(Span),
    /// Since midnight.
    TimeOfDay(Span),
    /// Month and day.
    Date(i64, i64),
    Table(Box<[(f64, f64)]>),
}

impl Form {
    /// Whether it is written in quotes.
    pub(in crate::engine) const fn is_text(self) -> bool {
        matches!(self, Self::Span | Self::TimeOfDay | Self::Date | Self::Table)
    }

    /// Reads what is written; says what is wrong with it.
    pub(in crate::engine) fn read(self, text: &str) -> Result<Word, String> {
        let wrong = |what: &str| format!("\"{text}\" is no {what}");
        match self {
            Self::Number => Err(wrong("word")),
            Self::Count => match text.parse() {
                Ok(count @ 1..=30) => Ok(Word::Count(count)),
                Ok(_) | Err(_) => Err(format!("{text} is no count; a whole number from 1 to 30 is wanted")),
            },
            Self::Span => match text.parse::<Span>() {
                Ok(span) => Ok(Word::Span(span)),
                Err(error) => Err(error.to_string()),
            },
            Self::TimeOfDay => {
                let time = pair(text, ':').filter(|(hour, minute)| *hour < 24 && *minute < 60);
                let (hour, minute) = time.ok_or_else(|| wrong("time of day, such as \"08:00\""))?;
                Ok(Word::TimeOfDay(Span::minutes(hour * 60 + minute)))
            }
            Self::Date => {
                let date = pair(text, '-').filter(|(month, day)| (1..=12).contains(month) && (1..=31).contains(day));
                let (month, day) = date.ok_or_else(|| wrong("day of the year, month first, such as \"06-01\""))?;
                Ok(Word::Date(month, day))
            }
            Self::Table => table(text).map(Word::Table),
        }
    }
}

/// Two whole numbers of at most two digits.
fn pair(text: &str, between: char) -> Option<(i64, i64)> {
    let (first, second) = text.split_once(between)?;
    let whole = |text: &str| {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|_| digits)
    };
    Some((whole(first)?, whole(second)?))
}

/// Most pairs of a table.
const MOST_PAIRS: usize = 64;

fn table(text: &str) -> Result<Box<[(f64, f64)]>, String> {
    let hint = "a table is written \"50.2: 0, 51.0: 12.5, 52.0: 55\"";
    let mut pairs: Vec<(f64, f64)> = Vec::new();
    for part in text.split(',') {
        let numbers = part.split_once(':').and_then(|(at, value)| {
            let finite = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
            Some((finite(at)?, finite(value)?))
        });
        let (at, value) = numbers.ok_or_else(|| format!("\"{}\" is no pair; {hint}", part.trim()))?;
        if pairs.last().is_some_and(|(before, least)| at <= *before || value < *least) {
            return Err(format!("the table does not rise at {at}: {value}; {hint}"));
        }
        pairs.push((at, value));
    }
    if !(2..=MOST_PAIRS).contains(&pairs.len()) {
        return Err(format!("a table has 2 to {MOST_PAIRS} pairs; {hint}"));
    }
    Ok(pairs.into())
}
