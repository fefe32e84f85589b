//! What the suites stand on: real [`recordings`] to judge, and what must be said of them.
//! The suites themselves are in `tests/tests`; ARCHITECTURE.md says what each proves.

pub mod recordings;
