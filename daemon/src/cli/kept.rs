//! The key that `watchfire login` keeps: `~/.config/watchfire/token`, for its owner alone, with the address it is for.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use super::client::Failed;
use crate::storage::create_for_owner;

fn path() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let config = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")))?;
    Some(config.join("watchfire").join("token"))
}

/// The key kept for an address; no other address gets it.
pub(super) fn token(url: &str) -> Option<String> {
    let text = fs::read_to_string(path()?).ok()?;
    let mut lines = text.lines();
    let token = lines.next().filter(|token| !token.is_empty())?;
    (lines.next() == Some(url)).then(|| token.to_owned())
}

/// Keeps a key; says where.
pub(super) fn keep(url: &str, token: &str) -> Result<PathBuf, Failed> {
    let nowhere = io::Error::new(io::ErrorKind::NotFound, "neither HOME nor XDG_CONFIG_HOME is set");
    let path = path().ok_or(Failed::File { doing: "keep the key in", path: PathBuf::from("~"), source: nowhere })?;
    let write = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        // Made anew, so that nobody has it open and its mode is ours.
        forget()?;
        create_for_owner(&path)?.write_all(format!("{token}\n{url}\n").as_bytes())
    };
    write().map_err(|source| Failed::File { doing: "keep the key in", path: path.clone(), source })?;
    Ok(path)
}

/// Forgets the key.
pub(super) fn forget() -> io::Result<()> {
    match path().map(fs::remove_file) {
        Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Some(Ok(()) | Err(_)) | None => Ok(()),
    }
}
