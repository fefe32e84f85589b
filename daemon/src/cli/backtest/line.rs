//! What one line of a recording says, whatever its format, or what is wrong with it.

use watchfire_model::quantity::{Bad, Finite};
use watchfire_model::time::Timestamp;

/// One reading as recorded. Kept by the reader and written over by each line, so that no line allocates.
#[derive(Debug)]
pub(super) struct Record {
    /// The sensor's word for when.
    pub(super) at: Timestamp,
    /// `station/point`.
    pub(super) name: Vec<u8>,
    /// In the point's unit.
    pub(super) value: Result<Finite, Bad>,
}

impl Record {
    /// Empty.
    pub(super) const fn new() -> Self {
        Self { at: Timestamp(0), name: Vec::new(), value: Err(Bad::Absent) }
    }

    /// Puts the name together.
    pub(super) fn set_name(&mut self, station: &[u8], point: &[u8]) {
        self.name.clear();
        self.name.extend_from_slice(station);
        self.name.push(b'/');
        self.name.extend_from_slice(point);
    }
}

/// Why a line is no reading.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// Fewer columns than the header.
    #[error("the line has {0} columns, and the header needs {1}")]
    Columns(usize, usize),
    /// A quote that is never closed, or text behind one that was.
    #[error("a quoted field does not end where it should")]
    Quote,
    /// No RFC 3339 time.
    #[error("\"{0}\" is not a time; RFC 3339 is, such as 2026-08-01T14:32:07+08:00")]
    Time(String),
    /// Line protocol without a station or a point.
    #[error("there is no tag \"{0}\"")]
    Tag(&'static str),
    /// Line protocol without the field that readings have.
    #[error("there is no field \"value\"")]
    Field,
    /// Line protocol whose time is no integer, or is missing: a recording without times can't be judged.
    #[error("there is no time at the end of the line")]
    NoTime,
    /// Neither measurement, tags and fields.
    #[error("this is not line protocol")]
    Shape,
    /// No time in the format that the map names.
    #[error("\"{0}\" is not a time as {1} (column {2})")]
    TimeAs(String, String, String),
    /// A zone that the map does not name.
    #[error("[zones] says nothing of \"{0}\"")]
    Zone(String),
    /// A header without a column that the map names.
    #[error("there is no column \"{0}\" in this header")]
    NoColumn(String),
    /// Too short for a column that is told by its characters.
    #[error("the line has {0} characters, and the map needs {1}")]
    Short(usize, usize),
    /// No JSON document.
    #[error("this is not a JSON document: {0}")]
    Document(String),
    /// A document without a member that every row needs.
    #[error("there is no \"{0}\" in this document")]
    NoMember(String),
    /// Longer than any reading.
    #[error("the line is longer than {0} bytes")]
    Length(usize),
}

/// A field's text for a message: bounded, whatever was in it.
pub(super) fn shown(field: &[u8]) -> String {
    let text = String::from_utf8_lossy(&field[..field.len().min(40)]).into_owned();
    if field.len() > 40 { format!("{text}…") } else { text }
}
