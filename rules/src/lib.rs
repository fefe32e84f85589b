//! Decides. Pure: no clock, files, sockets, threads or randomness; `now` is an argument, and the same inputs give the
//! same outputs for ever, live, in replay, in backtest, in tests and in drills.
//!
//! Two machines: the [`Evaluator`](evaluator::Evaluator) turns readings into findings (quality, windows, measures,
//! ladders), the [`Desk`](desk::Desk) turns findings, commands and receipts into warnings and bulletins.

pub mod desk;
pub mod engine;
pub mod evaluator;
pub mod figures;
pub mod ladder;
pub mod quality;
pub mod replay;
pub mod ruleset;
pub mod scores;
pub mod series;
pub mod trial;
pub mod window;

#[cfg(test)]
mod cases;
