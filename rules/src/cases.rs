//! How hard every property is tried.

use proptest::prelude::ProptestConfig;

/// A thousand cases, or as many as `WATCHFIRE_CASES` says; the gate says ten thousand.
pub(crate) fn cases() -> ProptestConfig {
    #[expect(clippy::disallowed_methods, reason = "only the number of tests depends on it")]
    let wanted = std::env::var("WATCHFIRE_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::with_cases(wanted.unwrap_or(1_000))
    }
}
