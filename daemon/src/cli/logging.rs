//! Where log lines go: stderr, filtered by `WATCHFIRE_LOG`, as JSON where `WATCHFIRE_LOG_FORMAT=json`.

use tracing_subscriber::EnvFilter;

/// Starts logging at `default` unless `WATCHFIRE_LOG` says otherwise. A second call changes nothing.
pub fn init(default: &str) {
    let asked = std::env::var("WATCHFIRE_LOG").ok().filter(|asked| !asked.trim().is_empty());
    let filter = EnvFilter::builder().parse_lossy(asked.as_deref().unwrap_or(default));
    let style = super::Style::default();
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(style.colour());
    let json = std::env::var_os("WATCHFIRE_LOG_FORMAT").is_some_and(|format| format == "json");
    // An error means a subscriber is there already, as in tests.
    let _ = if json { lines.json().try_init() } else { lines.try_init() };
}
