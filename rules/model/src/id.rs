//! Ids are distinct types: a station's name can't stand where a point's is asked for.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as written.
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl From<&str> for $name { fn from(text: &str) -> Self { Self(text.into()) } }
        impl From<String> for $name { fn from(text: String) -> Self { Self(text.into()) } }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
        impl std::borrow::Borrow<str> for $name { fn borrow(&self) -> &str { &self.0 } }
    )*};
}

names! {
    /// A station (测站): a place with points.
    StationId;
    /// A point's own name on its station, such as `stage`.
    PointId;
    /// A rule.
    RuleId;
    /// What a rule judges: `station`, `station/point`, `group:x` or `area:x`.
    SubjectId;
    /// A hazard, such as `river_flood`.
    HazardId;
    /// An area, by its 12-digit division code or a site's own code.
    AreaId;
    /// A warning: unique for ever, such as `W-20260801-0001`.
    WarningId;
    /// A bulletin: the CAP identifier.
    BulletinId;
    /// One bulletin through one channel; the idempotency key of every attempt.
    NoticeId;
    /// A channel, as the configuration names it.
    ChannelName;
    /// A source (a broker connection, a Modbus device), as the configuration names it.
    SourceName;
    /// A gateway, logger or link that several points share.
    GatewayId;
    /// An incident: unique for ever, such as `I-20260801-0001`.
    IncidentId;
    /// A person or a machine that acts.
    PersonId;
    /// An idempotency key of a command.
    CommandId;
}

impl From<&StationId> for SubjectId {
    /// A station as what a rule judges; the text is shared.
    fn from(station: &StationId) -> Self {
        Self(Arc::clone(&station.0))
    }
}

/// A point, interned: its place in [`Site::points`](crate::site::Site::points).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PointIx(pub u32);

/// A station, interned: its place in [`Site::stations`](crate::site::Site::stations).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StationIx(pub u32);

impl PointIx {
    /// As an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl StationIx {
    /// As an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A row's place in the journal; rises by one for each row, never used twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    /// The next one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A revision of configuration and rules: a short hash of their text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub String);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
