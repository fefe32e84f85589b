//! Opening a journal as a crash, a sick disk or a careless hand has left it. A torn end is cut off and counted; a damaged
//! segment is kept aside whole and its sound commits go on; what a newer program wrote is not touched.
//!
//! Only the last segment is read through here, so that a large journal opens at once; damage further back is met, and
//! gone round, by the reader.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use watchfire_model::id::Seq;
use watchfire_model::time::Now;

use super::commit::{Kind, count, seal};
use super::segment::{self, FORMAT, Found, HEAD, Head, Listed, SUFFIX, Scanner, Start};
use super::{JournalError, Segment};
use crate::storage::disk::{Disk, Sink};
use crate::storage::names::PointNames;

/// Damaged segments kept aside; of more, the oldest go.
const QUARANTINE_KEPT: usize = 8;

/// What opening found and did.
#[derive(Debug, Default)]
pub struct Recovery {
    /// The clocks at the last commit; the steady clock goes on from there.
    pub last: Option<Now>,
    /// The number that the next row gets.
    pub next: Seq,
    /// The oldest number still there.
    pub oldest: Seq,
    /// Bytes cut off the end: a commit that a crash had cut short.
    pub torn_bytes: u64,
    /// Bytes in the midst of a segment that are no commit.
    pub damaged_bytes: u64,
    /// Where the damaged segments were put.
    pub quarantined: Vec<PathBuf>,
    /// Files in the folder that are not the journal's; left alone.
    pub foreign: Vec<PathBuf>,
    /// The names of the points, as the last segment has them.
    pub names: Option<Arc<PointNames>>,
}

/// The journal as it stands after opening.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) segments: Vec<Segment>,
    pub(super) sink: Option<Box<dyn Sink>>,
    pub(super) next_ordinal: u64,
}

/// What reading a segment through has shown.
#[derive(Debug)]
struct Survey {
    /// The number after the last row; the segment's first where there is none.
    next: Option<Seq>,
    first: Option<Seq>,
    last: Option<Now>,
    names: Option<Arc<PointNames>>,
    damaged_bytes: u64,
    /// Where the last sound commit ends.
    end: u64,
}

pub(super) fn recover(disk: &dyn Disk, dir: &Path) -> Result<(Recovery, Standing), JournalError> {
    let (listed, others) = segment::list(dir)?;
    // Before anything is touched.
    for segment in &listed {
        if let Start::Newer(found) = segment.start {
            return Err(JournalError::Newer { path: segment.path.clone(), found, known: FORMAT });
        }
    }
    let mut recovery = Recovery::default();
    for path in others {
        match path.extension().and_then(|suffix| suffix.to_str()) {
            Some("mending") => drop(fs::remove_file(&path)),
            Some("quarantine") => {}
            Some(_) | None => recovery.foreign.push(path),
        }
    }
    let next_ordinal = listed.iter().map(highest_ordinal).max().map_or(1, |highest| highest + 1);
    let mut segments: Vec<Segment> = Vec::new();
    for (place, listed_one) in listed.iter().enumerate() {
        let last = place + 1 == listed.len();
        segments.extend(settle(disk, dir, listed_one, last, &mut recovery)?);
    }
    // A last file that held nothing leaves the one before it as the last, which then has to be read through as well.
    if let Some(last) = segments.last()
        && listed.last().is_some_and(|listed| listed.path != last.path)
        && let Some(listed) = listed.iter().find(|listed| listed.path == last.path)
    {
        segments.pop();
        segments.extend(settle(disk, dir, listed, true, &mut recovery)?);
    }
    let mut sink = None;
    if let Some(last) = segments.last() {
        let unusable = |source| JournalError::Unusable { doing: "go on with", path: last.path.clone(), source };
        let mut resumed = disk.resume(&last.path, last.bytes).map_err(unusable)?;
        // What a killed process had only written is about to be counted as durable.
        resumed.sync().map_err(unusable)?;
        sink = Some(resumed);
    }
    recovery.next = recovery.next.max(Seq(1));
    recovery.oldest = segments.first().map_or(recovery.next, |segment| segment.first);
    bound_quarantine(dir)?;
    Ok((recovery, Standing { segments, sink, next_ordinal }))
}

fn highest_ordinal(listed: &Listed) -> u64 {
    match &listed.start {
        Start::Sound(head) => head.ordinal.max(listed.ordinal),
        Start::Newer(_) | Start::Short | Start::Damaged => listed.ordinal,
    }
}

/// Looks at one segment; mends it if need be. `None` if nothing of it is left.
fn settle(
    disk: &dyn Disk,
    dir: &Path,
    listed: &Listed,
    last: bool,
    recovery: &mut Recovery,
) -> Result<Option<Segment>, JournalError> {
    let unusable = |doing| {
        let path = listed.path.clone();
        move |source| JournalError::Unusable { doing, path, source }
    };
    let head = match &listed.start {
        Start::Sound(head) if !last => {
            // Also in case that the last segment has no commit yet.
            recovery.next = recovery.next.max(head.first);
            recovery.last = Some(head.now);
            let Head { ordinal, first, .. } = *head;
            return Ok(Some(Segment { ordinal, path: listed.path.clone(), first, bytes: listed.bytes }));
        }
        Start::Sound(head) => Some(*head),
        Start::Short => {
            recovery.torn_bytes += listed.bytes;
            disk.remove(&listed.path).map_err(unusable("remove the empty segment"))?;
            return Ok(None);
        }
        Start::Damaged => None,
        Start::Newer(_) => return Ok(None),
    };
    let ordinal = head.map_or(listed.ordinal, |head| head.ordinal);
    let survey = survey(&listed.path, ordinal).map_err(unusable("read"))?;
    let Some(first) = head.map(|head| head.first).or(survey.first) else {
        recovery.damaged_bytes += listed.bytes;
        recovery.quarantined.push(set_aside(&listed.path, dir).map_err(unusable("set aside"))?);
        disk.remove(&listed.path).map_err(unusable("set aside"))?;
        return Ok(None);
    };
    let now = survey.last.or(head.map(|head| head.now));
    recovery.next = recovery.next.max(survey.next.unwrap_or(first));
    recovery.last = now.or(recovery.last);
    recovery.names = survey.names.clone().or(recovery.names.take());
    let mut bytes = survey.end;
    if survey.damaged_bytes > 0 || head.is_none() {
        recovery.damaged_bytes += survey.damaged_bytes;
        recovery.quarantined.push(set_aside(&listed.path, dir).map_err(unusable("set aside"))?);
        let head = Head { ordinal, first, now: now.unwrap_or_default() };
        bytes = rewrite(&listed.path, head, dir).map_err(unusable("mend"))?;
    } else {
        recovery.torn_bytes += listed.bytes.saturating_sub(survey.end);
    }
    Ok(Some(Segment { ordinal, path: listed.path.clone(), first, bytes }))
}

fn survey(path: &Path, ordinal: u64) -> io::Result<Survey> {
    let mut scanner = Scanner::open(path, ordinal)?;
    let mut survey = Survey { next: None, first: None, last: None, names: None, damaged_bytes: 0, end: count(HEAD) };
    loop {
        match scanner.next()? {
            Found::Damage(bytes) => survey.damaged_bytes += bytes,
            Found::End => return Ok(survey),
            Found::Commit(header) => {
                let (length, repeated) = (count(scanner.commit().len()), survey.next > Some(header.first));
                if repeated && header.kind == Kind::Rows {
                    // A block that stands here twice: the reader goes round it, and the numbers go on from the first.
                    survey.damaged_bytes += length;
                }
                if header.kind == Kind::Names {
                    survey.names = serde_json::from_slice(scanner.payload()).ok().map(Arc::new);
                }
                survey.first = survey.first.or(Some(header.first));
                survey.next = survey.next.max(Some(header.end()));
                survey.last = Some(header.now);
                scanner.pass();
                survey.end = scanner.offset();
            }
        }
    }
}

/// Gives the damaged file a second name, under which it is kept whole.
fn set_aside(path: &Path, dir: &Path) -> io::Result<PathBuf> {
    let stem = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let mut copy = 0_u32;
    loop {
        let aside = dir.join(format!("{stem}.{copy}.quarantine"));
        match fs::hard_link(path, &aside) {
            Ok(()) => return Ok(aside),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && copy < 1_000 => copy += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Puts a file with only the sound commits in the damaged one's place; the whole of it or, after a crash, nothing.
fn rewrite(path: &Path, head: Head, dir: &Path) -> io::Result<u64> {
    let mut scanner = Scanner::open(path, head.ordinal)?;
    let mending = path.with_extension("mending");
    let mut out = File::create(&mending)?;
    out.write_all(&head.to_bytes())?;
    let (mut bytes, mut expected) = (count(HEAD), Seq(0));
    loop {
        match scanner.next()? {
            Found::Damage(_) => {}
            Found::End => break,
            Found::Commit(header) => {
                if header.kind != Kind::Rows || header.first >= expected {
                    let mut commit = scanner.commit().to_vec();
                    seal(&mut commit, head.ordinal);
                    out.write_all(&commit)?;
                    bytes += count(commit.len());
                    expected = expected.max(header.end());
                }
                scanner.pass();
            }
        }
    }
    out.sync_all()?;
    fs::rename(&mending, path)?;
    File::open(dir)?.sync_all()?;
    Ok(bytes)
}

fn bound_quarantine(dir: &Path) -> Result<(), JournalError> {
    let unusable = |source| JournalError::Unusable { doing: "list", path: dir.to_owned(), source };
    let mut aside = Vec::new();
    for entry in fs::read_dir(dir).map_err(unusable)? {
        let path = entry.map_err(unusable)?.path();
        if path.extension().is_some_and(|suffix| suffix == "quarantine") {
            aside.push(path);
        }
    }
    debug_assert!(SUFFIX != "quarantine");
    aside.sort();
    let too_many = aside.len().saturating_sub(QUARANTINE_KEPT);
    for path in aside.into_iter().take(too_many) {
        let _ = fs::remove_file(path);
    }
    Ok(())
}
