//! What the suites stand on: real programs to test against ([`harness`]) and real recordings to judge ([`recordings`]).
//! The suites themselves are in `tests/tests`; ARCHITECTURE.md says what each proves.

pub mod harness;
pub mod recordings;
