//! The Grafana files, each with the place it has under `grafana/`.

/// One file of `grafana/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrafanaFile {
    /// Its path under `grafana/`.
    pub path: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! file {
    ($path:literal) => {
        GrafanaFile { path: $path, text: include_str!(concat!("../grafana/", $path)) }
    };
}

/// All of them.
pub const GRAFANA: &[GrafanaFile] = &[
    file!("provisioning/datasources/watchfire.yaml"),
    file!("provisioning/dashboards/watchfire.yaml"),
    file!("promql/overview.json"),
];

#[cfg(test)]
mod tests;
