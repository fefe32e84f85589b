//! Hears: a link carries bytes, a source binds them to points, a codec turns them into readings, intake hands them on.
//!
//! This crate knows nothing of rules. What it hears it stamps once (`received_at`) and offers to the journal; a message
//! is acknowledged when its [`Ticket`](intake::Ticket) is durable and never for any other reason but a counted refusal.

pub mod codec;
pub mod config;
pub mod health;
pub mod intake;
pub mod link;
pub mod payload;
pub mod source;
