//! One commit of the journal as bytes: a header of 48 and its rows, 28 a reading. All numbers are little-endian.
//!
//! ```text
//!  0 magic "WFC1"      8 payload bytes u32   16 rows u32       32 wall ms i64
//!  4 crc32 u32        12 kind u16, 0 u16     20 0 u32, 24 first seq u64   40 steady ms i64
//! ```
//! The checksum covers the segment's ordinal, the header from byte 8 and the payload: a commit that turns up in a
//! segment it was not written to is not believed.

use watchfire_model::id::{PointIx, Seq};
use watchfire_model::quantity::{Bad, Finite};
use watchfire_model::reading::{PointState, Reading};
use watchfire_model::row::Row;
use watchfire_model::time::{Now, Steady, Timestamp};

/// Bytes of a commit's header.
pub(super) const HEADER: usize = 48;
/// Largest payload of one commit: a message is at most a few hundred KiB, a commit may carry several.
pub(super) const MAX_PAYLOAD: usize = 16 << 20;
pub(super) const MAGIC: [u8; 4] = *b"WFC1";

const READING: u8 = 1;
const LINK: u8 = 2;
const TICK: u8 = 3;
const REVISION: u8 = 4;
const UPKEEP: u8 = 5;
const TAG: u8 = 0b0000_0111;
const RETAINED: u8 = 0b0000_1000;
/// The receipt's stamp stands in full, being too far from the commit's wall time for 32 bits.
const WIDE: u8 = 0b0001_0000;

/// Rows that share one moment, all or none of them durable.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Commit {
    /// When it was made.
    pub now: Now,
    /// The first row's number; the others follow without a hole.
    pub first: Seq,
    /// What was heard.
    pub rows: Vec<Row>,
}

impl Commit {
    /// The number of the last row; the one before `first` where there are none.
    pub fn last(&self) -> Seq {
        Seq((self.first.0 + count(self.rows.len())).saturating_sub(1))
    }
    /// Each row with its number.
    pub fn numbered(&self) -> impl Iterator<Item = (Seq, &Row)> {
        (self.first.0..).map(Seq).zip(&self.rows)
    }
}

/// A length as a count of rows or bytes; no address space is larger than 64 bits.
pub(super) fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// What a commit's payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Rows,
    /// The names of the points, as JSON; holds for the rows after it.
    Names,
    /// Numbers that will never be used: from the payload's u64 up to and without `first`.
    Skip,
}

impl Kind {
    const fn code(self) -> u16 {
        match self {
            Self::Rows => 0,
            Self::Names => 1,
            Self::Skip => 2,
        }
    }
    fn from_code(code: u16) -> Option<Self> {
        [Self::Rows, Self::Names, Self::Skip].into_iter().find(|kind| kind.code() == code)
    }
}

/// A commit's header, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    crc: u32,
    pub(super) payload: usize,
    pub(super) kind: Kind,
    pub(super) rows: u32,
    pub(super) first: Seq,
    pub(super) now: Now,
}

impl Header {
    /// Reads a header that could be one; only the checksum says that it is.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut from = Bytes(bytes);
        let magic = from.take::<4>()?;
        let crc = u32::from_le_bytes(from.take()?);
        let payload = usize::try_from(u32::from_le_bytes(from.take()?)).ok()?;
        let kind = Kind::from_code(u16::from_le_bytes(from.take()?))?;
        from.take::<2>()?;
        let rows = u32::from_le_bytes(from.take()?);
        from.take::<4>()?;
        let first = Seq(u64::from_le_bytes(from.take()?));
        let wall = Timestamp(i64::from_le_bytes(from.take()?));
        let steady = Steady(i64::from_le_bytes(from.take()?));
        let sound = magic == MAGIC && payload <= MAX_PAYLOAD && first.0.checked_add(u64::from(rows)).is_some();
        sound.then_some(Self { crc, payload, kind, rows, first, now: Now { wall, steady } })
    }

    /// The number after its last row.
    pub(super) fn end(&self) -> Seq {
        Seq(self.first.0 + u64::from(self.rows))
    }

    /// Whether the whole commit (header and payload) is what was written to that segment.
    pub(super) fn verifies(&self, ordinal: u64, commit: &[u8]) -> bool {
        commit.get(8..HEADER + self.payload).is_some_and(|body| checksum(ordinal, body) == self.crc)
    }
}

fn checksum(ordinal: u64, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&ordinal.to_le_bytes());
    hasher.update(body);
    hasher.finalize()
}

/// Writes one commit at the end of `out`, unsealed. `None`, and nothing written, if it is larger than a commit may be.
pub(super) fn write(out: &mut Vec<u8>, kind: Kind, first: Seq, now: Now, body: Body<'_>) -> Option<()> {
    let start = out.len();
    out.resize(start + HEADER, 0);
    let rows = match body {
        Body::Rows(rows) => {
            for row in rows {
                write_row(out, now, row);
                if out.len() - start > HEADER + MAX_PAYLOAD {
                    break;
                }
            }
            rows.len()
        }
        Body::Bytes(bytes) => {
            out.extend_from_slice(bytes);
            0
        }
    };
    let payload = out.len() - start - HEADER;
    let (Ok(payload_bytes), Ok(rows), true) = (u32::try_from(payload), u32::try_from(rows), payload <= MAX_PAYLOAD)
    else {
        out.truncate(start);
        return None;
    };
    let mut header = [0; HEADER];
    header[..4].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&payload_bytes.to_le_bytes());
    header[12..14].copy_from_slice(&kind.code().to_le_bytes());
    header[16..20].copy_from_slice(&rows.to_le_bytes());
    header[24..32].copy_from_slice(&first.0.to_le_bytes());
    header[32..40].copy_from_slice(&now.wall.0.to_le_bytes());
    header[40..48].copy_from_slice(&now.steady.0.to_le_bytes());
    out[start..start + HEADER].copy_from_slice(&header);
    Some(())
}

/// What goes into a commit.
pub(super) enum Body<'a> {
    Rows(&'a [Row]),
    Bytes(&'a [u8]),
}

/// Sets the checksum of each of the commits in `commits` for the segment they are about to be written to.
pub(super) fn seal(mut commits: &mut [u8], ordinal: u64) {
    while let Some(header) = Header::parse(commits) {
        let (commit, rest) = commits.split_at_mut(HEADER + header.payload);
        let crc = checksum(ordinal, &commit[8..]);
        commit[4..8].copy_from_slice(&crc.to_le_bytes());
        commits = rest;
    }
}

fn write_row(out: &mut Vec<u8>, now: Now, row: &Row) {
    match row {
        Row::Reading(reading) => write_reading(out, now, reading),
        Row::Link(change) => write_json(out, LINK, serde_json::to_vec(change)),
        Row::Tick => out.push(TICK),
        Row::Upkeep(upkeep) => write_json(out, UPKEEP, serde_json::to_vec(upkeep)),
        Row::Revision(revision) => write_json(out, REVISION, serde_json::to_vec(revision)),
    }
}

fn write_json(out: &mut Vec<u8>, tag: u8, json: serde_json::Result<Vec<u8>>) {
    let json = json.expect("strings, numbers and lists become JSON");
    // A length that does not fit is far above MAX_PAYLOAD, where the whole commit is refused.
    let len = u32::try_from(json.len()).unwrap_or(u32::MAX);
    out.push(tag);
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&json);
}

fn write_reading(out: &mut Vec<u8>, now: Now, reading: &Reading) {
    let since = i32::try_from(reading.received_at.0.wrapping_sub(now.wall.0));
    let mut tag = READING;
    if reading.retained {
        tag |= RETAINED;
    }
    if since.is_err() {
        tag |= WIDE;
    }
    let (bad, value) = match reading.value {
        Ok(value) => (0, value.get()),
        Err(bad) => (bad.code(), 0.0),
    };
    out.extend_from_slice(&[tag, reading.state.code(), bad, 0]);
    out.extend_from_slice(&reading.point.0.to_le_bytes());
    out.extend_from_slice(&reading.observed_at.0.to_le_bytes());
    out.extend_from_slice(&value.to_bits().to_le_bytes());
    match since {
        Ok(since) => out.extend_from_slice(&since.to_le_bytes()),
        Err(_) => out.extend_from_slice(&reading.received_at.0.to_le_bytes()),
    }
}

/// Reads the rows of a commit whose checksum is right. `None` if they are not what its header says all the same.
pub(super) fn read_rows(header: &Header, payload: &[u8], into: &mut Vec<Row>) -> Option<()> {
    let mut from = Bytes(payload);
    for _ in 0..header.rows {
        let row = read_row(&mut from, header.now)?;
        into.push(row);
    }
    from.0.is_empty().then_some(())
}

fn read_row(from: &mut Bytes<'_>, now: Now) -> Option<Row> {
    let [tag] = from.take()?;
    match tag & TAG {
        READING => {
            let [state, bad, _] = from.take()?;
            let point = PointIx(u32::from_le_bytes(from.take()?));
            let observed_at = Timestamp(i64::from_le_bytes(from.take()?));
            let value = f64::from_bits(u64::from_le_bytes(from.take()?));
            let received_at = if tag & WIDE == 0 {
                now.wall.0.wrapping_add(i64::from(i32::from_le_bytes(from.take()?)))
            } else {
                i64::from_le_bytes(from.take()?)
            };
            let value = if bad == 0 { Ok(Finite::new(value).ok()?) } else { Err(Bad::from_code(bad)?) };
            Some(Row::Reading(Reading {
                point,
                observed_at,
                received_at: Timestamp(received_at),
                value,
                state: PointState::from_code(state)?,
                retained: tag & RETAINED != 0,
            }))
        }
        LINK => serde_json::from_slice(from.slice()?).ok().map(Row::Link),
        TICK => Some(Row::Tick),
        REVISION => serde_json::from_slice(from.slice()?).ok().map(Row::Revision),
        UPKEEP => serde_json::from_slice(from.slice()?).ok().map(Row::Upkeep),
        _ => None,
    }
}

/// Bytes that are taken from the front, never past the end.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }
    /// A u32 length and as many bytes.
    fn slice(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(u32::from_le_bytes(self.take()?)).ok()?;
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }
}
