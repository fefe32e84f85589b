//! What the journal holds: readings, and everything else that a replay needs in order.

use serde::{Deserialize, Serialize};

use crate::id::{PointIx, SourceName};
use crate::reading::Reading;
use crate::reload::Reload;
use crate::time::Timestamp;
use crate::upkeep::Upkeep;

/// One row of the journal. Rows of one commit share the commit's `now`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Row {
    /// A reading was accepted.
    Reading(Reading),
    /// A link went down or came up.
    Link(LinkChange),
    /// A deadline of the Evaluators fell due.
    Tick,
    /// From here on a sensor is judged by a person's word.
    Upkeep(Box<Upkeep>),
    /// From here on this revision of configuration and rules judges.
    Revision(Box<Reload>),
}

/// A link went down or came up; its points were or are unreachable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkChange {
    /// Which source.
    pub source: SourceName,
    /// Up or down.
    pub up: bool,
    /// The last moment anything was heard before the change; the gap's beginning.
    pub since: Timestamp,
    /// The points behind it.
    pub points: Vec<PointIx>,
    /// Why, in words for the log; empty on coming up.
    pub reason: String,
    /// Messages may have been lost between `since` and the commit's wall time: the broker had forgotten our session.
    pub gap: bool,
}
