//! What a bulletin looks like on the wire: one file per format, each a pure function of the bulletin, so that every
//! attempt sends the same bytes.

pub mod cap;
pub mod json;
mod plain;
