//! The binary itself among real programs, and everything that can go wrong between them: does a warning that should go
//! out still go out, is every accepted reading still there, and does nothing false leave the house?
//!
//! Names in the tests' comments (F01, C21, S25, …) are those of the fault matrix. `WATCHFIRE_SEED` repeats a run.

mod attempts;
mod brokers;
mod clocks;
mod course;
mod disk;
mod heading;
mod kills;
mod load;
mod many_rules;
mod oracle;
mod payloads;
mod platform;
mod process;
mod proof;
mod relay;
mod reload;
mod report;
mod scripts;
mod sensors;
mod silence;
mod site;
mod slow_rules;
mod stage;
mod why;
