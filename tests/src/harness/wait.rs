//! Waiting for a condition, with an end. Tests never sleep: what they wait for either comes to be or fails them with
//! its name.

use std::time::{Duration, Instant};

/// How long a test waits for what should take far less.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// Looks until `probe` finds something, at most [`PATIENCE`].
///
/// # Panics
/// If it finds nothing: says what was waited for.
pub fn until<T>(what: &str, probe: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, what, probe)
}

/// Looks until `probe` finds something, at most `patience`.
///
/// # Panics
/// If it finds nothing: says what was waited for.
pub fn within<T>(patience: Duration, what: &str, probe: impl FnMut() -> Option<T>) -> T {
    attempt(patience, probe).unwrap_or_else(|| panic!("waited {patience:?} in vain for {what}"))
}

/// Looks until `probe` finds something, at most `patience`; nothing if it never does.
pub fn attempt<T>(patience: Duration, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + patience;
    loop {
        if let Some(found) = probe() {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        std::thread::sleep(PAUSE);
    }
}

/// Looks for the whole of `span` that `probe` finds nothing: for what must not happen, where a shorter wait would prove
/// less.
///
/// # Panics
/// As soon as it finds something.
pub fn never<T: std::fmt::Debug>(span: Duration, what: &str, probe: impl FnMut() -> Option<T>) {
    if let Some(found) = attempt(span, probe) {
        panic!("{what}: {found:?}");
    }
}
