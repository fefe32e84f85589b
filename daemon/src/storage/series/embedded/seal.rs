//! Heads into chunks. New samples become a chunk, or join the newest one while that is small; a late sample is merged
//! into the chunk of its time, which is packed again.

use rusqlite::{OptionalExtension, Statement, Transaction};

use super::heads::{Head, Heads, Newest};
use super::samples::Samples;
use super::{Pace, chunk};

/// A newest chunk with fewer samples is opened again for the next ones: points that report once an hour would
/// otherwise have chunks of one.
const SMALL: usize = 120;

/// What sealing asks of the file; each prepared once a step, for a step seals hundreds of heads.
struct Chunks<'a> {
    newest: Statement<'a>,
    at_or_before: Statement<'a>,
    after: Statement<'a>,
    read: Statement<'a>,
    remove: Statement<'a>,
    write: Statement<'a>,
    sealed: Statement<'a>,
}

impl<'a> Chunks<'a> {
    fn of(step: &'a Transaction<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            newest: step.prepare("SELECT t0, t1, n FROM chunk WHERE series = ? ORDER BY t0 DESC LIMIT 1")?,
            at_or_before: step.prepare("SELECT max(t0) FROM chunk WHERE series = ? AND t0 <= ?")?,
            after: step.prepare("SELECT min(t0) FROM chunk WHERE series = ? AND t0 > ?")?,
            read: step.prepare("SELECT samples FROM chunk WHERE series = ? AND t0 = ?")?,
            remove: step.prepare("DELETE FROM chunk WHERE series = ? AND t0 = ?")?,
            write: step.prepare("INSERT INTO chunk(series, t0, t1, n, samples) VALUES(?, ?, ?, ?, ?)")?,
            sealed: step.prepare("UPDATE series SET sealed_through = ? WHERE id = ?")?,
        })
    }
}

/// Seals what is due, so much that heads never grow faster than they are sealed, and never all of them at once.
pub(super) fn seal_some(step: &Transaction<'_>, heads: &mut Heads, pace: Pace, taken: usize) -> rusqlite::Result<()> {
    let budget = (taken * 2).max(pace.chunk_samples * 4);
    let (mut sealed, mut any) = (0, false);
    let through = heads.last_tail();
    let mut chunks = Chunks::of(step)?;
    while sealed < budget
        && let Some(place) = heads.due(pace)
    {
        if let Some(head) = heads.head(place) {
            sealed += head.samples.len();
            seal(&mut chunks, head, pace)?;
            chunks.sealed.execute((through, head.series))?;
        }
        heads.sealed(place);
        any = true;
    }
    if any {
        let needed = heads.cut_tail();
        step.execute("DELETE FROM tail WHERE id < ?", [needed])?;
    }
    Ok(())
}

fn seal(chunks: &mut Chunks<'_>, head: &mut Head, pace: Pace) -> rusqlite::Result<()> {
    if head.newest == Newest::Unknown {
        head.newest = newest(chunks, head.series)?;
    }
    let new_from = match head.newest {
        Newest::Chunk { t1, .. } => head.samples.times.partition_point(|time| *time <= t1),
        Newest::None | Newest::Unknown => 0,
    };
    let mut late = 0;
    while late < new_from {
        late += merge_late(chunks, head, late..new_from, pace)?;
    }
    let mut new = head.samples.part(new_from..head.samples.len());
    if new.is_empty() {
        return Ok(());
    }
    if let Newest::Chunk { t0, samples, .. } = head.newest
        && samples < SMALL
    {
        let mut whole = read(chunks, head.series, t0)?;
        whole.merge(&new);
        new = whole;
        chunks.remove.execute((head.series, t0))?;
    }
    head.newest = write(chunks, head.series, &new, pace)?;
    Ok(())
}

fn newest(chunks: &mut Chunks<'_>, series: i64) -> rusqlite::Result<Newest> {
    let found = chunks
        .newest
        .query_row([series], |row| {
            let samples = usize::try_from(row.get::<_, i64>(2)?).unwrap_or(usize::MAX);
            Ok(Newest::Chunk { t0: row.get(0)?, t1: row.get(1)?, samples })
        })
        .optional()?;
    Ok(found.unwrap_or(Newest::None))
}

/// Merges the first of the late samples, and those that belong into the same chunk; says how many.
fn merge_late(
    chunks: &mut Chunks<'_>,
    head: &mut Head,
    late: std::ops::Range<usize>,
    pace: Pace,
) -> rusqlite::Result<usize> {
    let first = head.samples.times[late.start];
    let first_after = |chunks: &mut Chunks<'_>, time: i64| {
        chunks.after.query_row((head.series, time), |row| row.get::<_, Option<i64>>(0))
    };
    let chunk = match chunks.at_or_before.query_row((head.series, first), |row| row.get(0))? {
        Some(t0) => t0,
        // Older than everything: into the first there is.
        None => first_after(chunks, first)?.unwrap_or(first),
    };
    let next = first_after(chunks, chunk)?;
    let end = late.start
        + head.samples.times[late.clone()].partition_point(|time| next.is_none_or(|next| *time < next)).max(1);
    let mut whole = read(chunks, head.series, chunk)?;
    whole.merge(&head.samples.part(late.start..end));
    chunks.remove.execute((head.series, chunk))?;
    let last = write(chunks, head.series, &whole, pace)?;
    if next.is_none() {
        head.newest = last;
    }
    Ok(end - late.start)
}

fn read(chunks: &mut Chunks<'_>, series: i64, t0: i64) -> rusqlite::Result<Samples> {
    let bytes: Option<Vec<u8>> = chunks.read.query_row((series, t0), |row| row.get(0)).optional()?;
    // A chunk that can't be read is lost whatever is done; the samples that come now are not.
    Ok(bytes.and_then(|bytes| chunk::decode(&bytes)).unwrap_or_default())
}

/// Writes samples as chunks of the usual size, never parting two of the same time; says which is the last.
fn write(chunks: &mut Chunks<'_>, series: i64, samples: &Samples, pace: Pace) -> rusqlite::Result<Newest> {
    let mut last = Newest::None;
    let mut begin = 0;
    // A chunk a little over the size is better than one of the usual size and a crumb.
    while begin < samples.len() {
        let left = samples.len() - begin;
        let mut end = if left < pace.chunk_samples * 2 { samples.len() } else { begin + pace.chunk_samples };
        let time = samples.times[end - 1];
        end += samples.times[end..].iter().take_while(|other| **other == time).count();
        let (t0, t1) = (samples.times[begin], samples.times[end - 1]);
        let bytes = chunk::encode(&samples.part(begin..end));
        let n = i64::try_from(end - begin).unwrap_or(i64::MAX);
        chunks.write.execute((series, t0, t1, n, bytes))?;
        last = Newest::Chunk { t0, t1, samples: end - begin };
        begin = end;
    }
    Ok(last)
}
