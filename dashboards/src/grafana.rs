//! The Grafana files, each with the place it has under `grafana/`.

/// One file of `grafana/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrafanaFile {
    /// Its path under `grafana/`.
    pub path: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// All of them.
pub const GRAFANA: &[GrafanaFile] = &[];
