//! Where a password comes from: a file, a pipe, or a terminal that does not show it. Never the command line, which
//! others see.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use super::client::Failed;

/// Where the password comes from.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct PasswordFrom {
    /// A file with the password on its first line; asked for on the terminal, or read from stdin, where it is not given.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

impl PasswordFrom {
    /// A password that there is already.
    pub(super) fn read(&self, ask: &str) -> Result<String, Failed> {
        self.take(&[ask])
    }

    /// A new password; on a terminal it is asked for twice.
    pub(super) fn read_new(&self) -> Result<String, Failed> {
        self.take(&["new password: ", "once more: "])
    }

    fn take(&self, asks: &[&str]) -> Result<String, Failed> {
        let failed =
            |path: &Path, source| Failed::File { doing: "read a password from", path: path.to_owned(), source };
        if let Some(path) = &self.password_file {
            let text = std::fs::read_to_string(path).map_err(|source| failed(path, source))?;
            return Ok(first_line(&text));
        }
        let terminal = io::stdin().is_terminal();
        let read = || -> io::Result<String> {
            if !terminal {
                return io::read_to_string(io::stdin()).map(|text| first_line(&text));
            }
            let typed = asks.iter().map(rpassword::prompt_password).collect::<io::Result<Vec<String>>>()?;
            if typed.windows(2).any(|pair| pair[0] != pair[1]) {
                return Err(io::Error::other("the two are not the same"));
            }
            Ok(typed.into_iter().next().unwrap_or_default())
        };
        read().map_err(|source| failed(Path::new(if terminal { "the terminal" } else { "stdin" }), source))
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
