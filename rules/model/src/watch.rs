//! Who looks out for a hazard in an area (值守): how many sensors there are, how many of them can be relied on, and how many
//! it takes. A place that nobody watches is not safe; it is unknown.

use serde::{Deserialize, Serialize};

use crate::id::{AreaId, HazardId};

/// How a hazard is looked out for in an area.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// The hazard; none of an area that no rule looks out for.
    pub hazard: Option<HazardId>,
    /// The area.
    pub area: AreaId,
    /// Stations whose evidence is good enough to see it come.
    pub live: usize,
    /// Stations that the rules read for it.
    pub of: usize,
    /// How many it takes.
    pub needs: usize,
    /// What that comes to.
    pub stands: Watching,
}

/// Whether a place is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Watching {
    /// Enough sensors look out.
    Watched,
    /// Too few have been heard since the start to say so.
    Starting,
    /// Too few look out: nobody would see it come.
    Unwatched,
}

impl Watching {
    /// Of so many live ones, so many that were never heard, and so many that it takes.
    pub const fn of(live: usize, unheard: usize, needs: usize) -> Self {
        if live >= needs {
            Self::Watched
        } else if live + unheard >= needs {
            Self::Starting
        } else {
            Self::Unwatched
        }
    }
}
