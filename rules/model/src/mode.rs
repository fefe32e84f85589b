//! Live, exercise, shadow: a type from the rule to the wire, so that a drill can't enter a channel that takes none.

use serde::{Deserialize, Serialize};

mod sealed {
    pub trait Sealed {}
}

/// A mode. Closed: the three below.
pub trait Mode: sealed::Sealed + Copy + Default + std::fmt::Debug + Send + Sync + 'static {
    /// The mode as a value, for records.
    const TAG: ModeTag;
}

/// The mode as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModeTag {
    /// For real.
    Live,
    /// A drill.
    Exercise,
    /// Judged and recorded, never sent.
    Shadow,
}

macro_rules! modes {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name;
        impl sealed::Sealed for $name {}
        impl Mode for $name {
            const TAG: ModeTag = ModeTag::$name;
        }
    )*};
}

modes! {
    /// For real.
    Live
    /// A drill.
    Exercise
    /// Judged and recorded, never sent.
    Shadow
}
