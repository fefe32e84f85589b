//! What is seen: the console's built assets and the Grafana dashboards, as bytes in the binary.
//!
//! The console's source is in `console/src`; what is served is `console/dist`, committed, so that a build needs no node.

mod console;
mod grafana;

pub use console::console;
pub use grafana::{GRAFANA, GrafanaFile};

/// One file, ready to be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// What is in it.
    pub bytes: &'static [u8],
    /// Its media type.
    pub kind: &'static str,
    /// A number that changes with its bytes, for HTTP's `ETag`.
    pub tag: u64,
}
