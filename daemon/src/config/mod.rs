//! From text to [`Settings`]. Nothing opens before all of it is sound.

pub mod problem;
pub mod settings;

use std::path::Path;

use self::problem::Problems;
use self::settings::Settings;

/// Loads a configuration and everything it names.
pub fn load(path: &Path) -> Result<Settings, Problems> {
    Err(Problems::unreadable(path))
}
