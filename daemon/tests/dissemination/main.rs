//! Notices on their way out, over real HTTP on loopback, through faults, and through a day's outage in virtual time.

mod delivery;
mod outage;
mod schema;
mod secrets;
mod stage;
mod webhook;
