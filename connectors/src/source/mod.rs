//! What binds a link to points. A source owns no task and no channel: it gives the futures to run, and the daemon's
//! topology makes the channels and spawns.
//!
//! A new source is a file and its line in [`SOURCES`].

pub mod modbus;
pub mod mqtt;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use watchfire_model::time::{Timestamp, Zone};

use crate::health::SourceHealth;
use crate::intake::Intake;
use crate::link::Jitter;

/// Every way of hearing. A tidy test compares this list with the folder.
pub const SOURCES: &[SourceKind] = &[mqtt::KIND, modbus::KIND];

/// A source, as the configuration and the manual know it.
#[derive(Clone, Copy, Debug)]
pub struct SourceKind {
    /// The word for it in `[[connectors.…]]`.
    pub name: &'static str,
    /// A configuration with every option, as `watchfire config sample` prints it.
    pub example: &'static str,
}

/// What every source is given.
#[derive(Clone)]
pub struct Surroundings {
    /// The way to the journal.
    pub intake: Intake,
    /// Its own counters.
    pub health: Arc<SourceHealth>,
    /// Reads times that name no zone.
    pub zone: Zone,
    /// For pauses between attempts.
    pub jitter: Jitter,
    /// Stops it.
    pub cancel: CancellationToken,
    /// When the daemon's last life heard from this source, if the journal knows: the beginning of a gap, if there is one.
    pub heard_before: Option<Timestamp>,
}

impl std::fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings").field("health", &self.health.name).finish_non_exhaustive()
    }
}

/// Lets a line through at most once a minute, so that a flood of trouble is one line of log and a number.
#[derive(Debug, Default)]
struct Hush {
    last: Option<Timestamp>,
}

impl Hush {
    fn may_speak(&mut self, now: Timestamp) -> bool {
        let quiet = self.last.is_none_or(|last| now.0.abs_diff(last.0) >= 60_000);
        if quiet {
            self.last = Some(now);
        }
        quiet
    }
}

/// The first bytes of something, made printable; at most 256 bytes come out.
pub fn printable(bytes: &[u8]) -> String {
    let mut shown = String::new();
    for chunk in bytes[..bytes.len().min(256)].utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter.is_control() { shown.extend(letter.escape_default()) } else { shown.push(letter) }
        }
        for byte in chunk.invalid() {
            shown.push_str(&format!("\\x{byte:02x}"));
        }
    }
    let mut end = shown.len().min(256);
    while !shown.is_char_boundary(end) {
        end -= 1;
    }
    shown.truncate(end);
    shown
}
