//! What must hold in every life (SEMANTICS §10), each against a model that a child could check.

use proptest::prelude::ProptestConfig;

mod clocks;
mod country;
mod grades;
mod lateness;
mod life;
mod reloads;
mod repeats;
mod restarts;
mod twins;

/// How many lives each property looks at: a thousand, or as many as `WATCHFIRE_CASES` says.
fn cases() -> ProptestConfig {
    #[expect(clippy::disallowed_methods, reason = "only the number of tests depends on it")]
    let wanted = std::env::var("WATCHFIRE_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::with_cases(wanted.unwrap_or(1_000))
    }
}
