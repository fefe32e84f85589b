//! The ledger as a file that leaves the house: one JSON object a line, each with its hash and the one before it, so that
//! whoever has the file can prove it without the database.

use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};
use watchfire_model::time::{Now, Steady, Timestamp};

use super::chain::{Broken, Hash, Head, Link};
use super::{Entry, LedgerError, LedgerId, LedgerReader, Record};

/// Longest line that is read: no record of ours comes near it.
const LINE_MAX: u64 = 64 << 20;

/// One record on one line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: u64,
    /// Milliseconds since 1970.
    wall: i64,
    /// Milliseconds that the data directory had been alive.
    steady: i64,
    /// What was decided on, as the text that was hashed.
    input: String,
    /// What was decided, likewise.
    events: String,
    prev: String,
    hash: String,
}

/// Why a ledger could not be written out or proven from a file.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The ledger itself cannot be read or proven.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The file cannot be written or read.
    #[error("cannot use the exported file")]
    File(#[from] io::Error),
    /// A line is not a record that follows the one before it.
    #[error("line {line}: {broken}")]
    Line {
        /// Which line, from 1.
        line: u64,
        /// What is wrong with it.
        broken: Broken,
    },
}

/// Writes every record while the whole ledger is proven; each is shown to `seen`. Says where the chain ends.
pub fn export(ledger: &LedgerReader, to: &mut impl Write, mut seen: impl FnMut(&Record)) -> Result<Head, ExportError> {
    let mut prev = Head::EMPTY.hash;
    let mut written = Ok(());
    let head = ledger.prove(|record| {
        seen(record);
        if written.is_ok() {
            written = line(record, prev, to);
        }
        prev = record.hash;
    })?;
    written?;
    to.flush()?;
    Ok(head)
}

fn line(record: &Record, prev: Hash, to: &mut impl Write) -> io::Result<()> {
    let Entry { now, input, events } = record.entry.clone();
    let (prev, hash) = (prev.to_string(), record.hash.to_string());
    let line = Line { id: record.id.0, wall: now.wall.0, steady: now.steady.0, input, events, prev, hash };
    serde_json::to_writer(&mut *to, &line)?;
    to.write_all(b"\n")
}

/// Proves an exported ledger; each head on the way is shown to `seen`. Says where the chain ends.
pub fn prove(from: &mut impl BufRead, mut seen: impl FnMut(Head, Now)) -> Result<Head, ExportError> {
    let mut head = Head::EMPTY;
    let mut text = String::new();
    for number in 1_u64.. {
        text.clear();
        if io::Read::take(&mut *from, LINE_MAX).read_line(&mut text)? == 0 {
            break;
        }
        let expected = LedgerId(head.id.0 + 1);
        let broken = |why: String| ExportError::Line { line: number, broken: Broken { first_bad: expected, why } };
        let line: Line = serde_json::from_str(&text).map_err(|error| broken(format!("it is no record: {error}")))?;
        let now = Now { wall: Timestamp(line.wall), steady: Steady(line.steady) };
        let link = Link::after(&head, &Entry { now, input: line.input, events: line.events });
        if line.id != link.id.0 {
            return Err(broken(format!("it is not there; the next there is is {}", line.id)));
        }
        if line.prev != head.hash.to_string() {
            return Err(broken("it does not follow the one before it".to_owned()));
        }
        if line.hash != link.hash.to_string() {
            return Err(broken("its content is not what was written".to_owned()));
        }
        head = Head { id: link.id, hash: link.hash };
        seen(head, now);
    }
    Ok(head)
}

impl std::str::FromStr for Head {
    type Err = String;

    /// `17:9f86d0…`, as [`Display`](std::fmt::Display) writes it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = || format!("\"{text}\" is no head: a record's number, a colon, and 64 hexadecimal digits");
        let (id, digits) = text.split_once(':').ok_or_else(wanted)?;
        let id = LedgerId(id.parse().map_err(|_| wanted())?);
        if digits.len() != 64 || !digits.is_ascii() {
            return Err(wanted());
        }
        let mut hash = [0; 32];
        for (place, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[2 * place..2 * place + 2], 16).map_err(|_| wanted())?;
        }
        Ok(Self { id, hash: Hash(hash) })
    }
}

impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.id.0, self.hash)
    }
}
