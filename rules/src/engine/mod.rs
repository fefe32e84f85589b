//! Measures in Rhai. The only folder that names rhai: an engine built up from nothing ([`sandbox`]), the windows of a
//! script found before it ever runs ([`scan`]), the numbers it reads handed to it ([`frame`]), and the library of what it
//! may call ([`functions`]).

use std::fmt;

use crate::window::Blank;

mod frame;
mod functions;
mod glue;
mod nearest;
mod overseer;
mod plain;
mod program;
mod sandbox;
mod scan;
mod tokens;

pub(crate) use frame::Want;
pub use functions::{Argument, Example, FUNCTIONS, Form, Function, Gives, Of, library};
pub use overseer::Overseer;
pub(crate) use program::{Bench, Program};
pub(crate) use sandbox::Sandbox;

/// A point's name in a measure, here or at the station upstream.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) upstream: bool,
    pub(crate) point: String,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.upstream { "upstream." } else { "" }, self.point)
    }
}

/// What is wrong with a script, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScriptFault {
    pub(crate) line: Option<usize>,
    pub(crate) column: Option<usize>,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl ScriptFault {
    fn at(line: usize, column: usize, message: impl Into<String>, hint: Option<&str>) -> Self {
        Self { line: Some(line), column: Some(column), message: message.into(), hint: hint.map(str::to_owned) }
    }
}

/// Why a script ended without a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unknown {
    /// It said so.
    Said,
    /// A window has too little in it, or a value is too old.
    Thin,
    /// A window is not yet full since the start.
    Warming,
}

impl Unknown {
    fn blank(self) -> Blank {
        match self {
            Self::Said => Blank::Unknown,
            Self::Thin => Blank::Thin,
            Self::Warming => Blank::Warming,
        }
    }
}

#[cfg(test)]
mod tests;
