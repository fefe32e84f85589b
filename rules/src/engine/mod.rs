//! Measures in Rhai. The only folder that names rhai: an engine built up from nothing ([`sandbox`]), the windows of a
//! script found before it ever runs ([`scan`]), and the numbers it reads handed to it ([`frame`]).

use std::fmt;

mod frame;
mod functions;
mod program;
mod sandbox;
mod scan;

pub use functions::FUNCTIONS;
pub(crate) use program::{Bench, Program, Wanted};
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

#[cfg(test)]
mod tests;
