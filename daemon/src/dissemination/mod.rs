//! How a notice leaves the house: one courier per channel, the wire formats, and the channels themselves.
//!
//! Nothing here decides what is said or to whom; that is the Desk's. What comes in is on disk already: the way out
//! starts at a [`Durable`](watchfire_model::durable::Durable) notice and ends in a receipt.

pub mod channel;
pub mod courier;
pub mod format;
mod http;
mod lanes;
pub mod pace;
