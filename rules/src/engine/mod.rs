//! To come in this very step.
