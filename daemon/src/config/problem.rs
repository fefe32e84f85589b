//! What is wrong with a configuration, as the operator reads it.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::lang::Lang;

/// Everything that is wrong, in the order of the text.
#[derive(Debug)]
pub struct Problems(PathBuf);

impl Problems {
    pub(crate) fn unreadable(path: &Path) -> Self {
        Self(path.to_owned())
    }
    /// For the terminal.
    pub const fn display(&self, lang: Lang, colour: bool) -> Shown<'_> {
        Shown { problems: self, lang, colour }
    }
}

/// Problems as shown.
#[derive(Debug)]
pub struct Shown<'a> {
    problems: &'a Problems,
    lang: Lang,
    #[expect(dead_code, reason = "the renderer is not here yet")]
    colour: bool,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.lang.pick("cannot read", "无法读取"), self.problems.0.display())
    }
}
