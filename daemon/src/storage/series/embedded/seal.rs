//! Heads into chunks. New samples become a chunk, or join the newest one while that is small; a late sample is merged
//! into the chunk of its time, which is packed again.

use rusqlite::{OptionalExtension, Transaction};

use super::heads::{Head, Heads, Newest};
use super::samples::Samples;
use super::{Pace, chunk};

/// A newest chunk with fewer samples is opened again for the next ones: points that report once an hour would
/// otherwise have chunks of one.
const SMALL: usize = 120;

/// Seals what is due, so much that heads never grow faster than they are sealed, and never all of them at once.
pub(super) fn seal_some(step: &Transaction<'_>, heads: &mut Heads, pace: Pace, taken: usize) -> rusqlite::Result<()> {
    let budget = (taken * 2).max(pace.chunk_samples * 4);
    let (mut sealed, mut any) = (0, false);
    let through = heads.last_tail();
    while sealed < budget
        && let Some(place) = heads.due(pace)
    {
        if let Some(head) = heads.head(place) {
            sealed += head.samples.len();
            seal(step, head, pace)?;
            let sql = "UPDATE series SET sealed_through = ? WHERE id = ?";
            step.prepare(sql)?.execute((through, head.series))?;
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

fn seal(step: &Transaction<'_>, head: &mut Head, pace: Pace) -> rusqlite::Result<()> {
    if head.newest == Newest::Unknown {
        head.newest = newest(step, head.series)?;
    }
    let new_from = match head.newest {
        Newest::Chunk { t1, .. } => head.samples.times.partition_point(|time| *time <= t1),
        Newest::None | Newest::Unknown => 0,
    };
    let mut late = 0;
    while late < new_from {
        late += merge_late(step, head, late..new_from, pace)?;
    }
    let mut new = head.samples.part(new_from..head.samples.len());
    if new.is_empty() {
        return Ok(());
    }
    if let Newest::Chunk { t0, samples, .. } = head.newest
        && samples < SMALL
    {
        let mut whole = read(step, head.series, t0)?;
        whole.merge(&new);
        new = whole;
        remove(step, head.series, t0)?;
    }
    head.newest = write(step, head.series, &new, pace)?;
    Ok(())
}

fn newest(step: &Transaction<'_>, series: i64) -> rusqlite::Result<Newest> {
    let sql = "SELECT t0, t1, n FROM chunk WHERE series = ? ORDER BY t0 DESC LIMIT 1";
    let found = step
        .query_row(sql, [series], |row| {
            let samples = usize::try_from(row.get::<_, i64>(2)?).unwrap_or(usize::MAX);
            Ok(Newest::Chunk { t0: row.get(0)?, t1: row.get(1)?, samples })
        })
        .optional()?;
    Ok(found.unwrap_or(Newest::None))
}

/// Merges the first of the late samples, and those that belong into the same chunk; says how many.
fn merge_late(
    step: &Transaction<'_>,
    head: &mut Head,
    late: std::ops::Range<usize>,
    pace: Pace,
) -> rusqlite::Result<usize> {
    let first = head.samples.times[late.start];
    let at_or_before = "SELECT max(t0) FROM chunk WHERE series = ? AND t0 <= ?";
    let after = "SELECT min(t0) FROM chunk WHERE series = ? AND t0 > ?";
    let ask = |sql, time: i64| step.query_row(sql, (head.series, time), |row| row.get::<_, Option<i64>>(0));
    let chunk = match ask(at_or_before, first)? {
        Some(t0) => t0,
        // Older than everything: into the first there is.
        None => ask(after, first)?.unwrap_or(first),
    };
    let next = ask(after, chunk)?;
    let end = late.start
        + head.samples.times[late.clone()].partition_point(|time| next.is_none_or(|next| *time < next)).max(1);
    let mut whole = read(step, head.series, chunk)?;
    whole.merge(&head.samples.part(late.start..end));
    remove(step, head.series, chunk)?;
    let last = write(step, head.series, &whole, pace)?;
    if next.is_none() {
        head.newest = last;
    }
    Ok(end - late.start)
}

fn read(step: &Transaction<'_>, series: i64, t0: i64) -> rusqlite::Result<Samples> {
    let sql = "SELECT samples FROM chunk WHERE series = ? AND t0 = ?";
    let bytes: Option<Vec<u8>> = step.query_row(sql, (series, t0), |row| row.get(0)).optional()?;
    // A chunk that can't be read is lost whatever is done; the samples that come now are not.
    Ok(bytes.and_then(|bytes| chunk::decode(&bytes)).unwrap_or_default())
}

fn remove(step: &Transaction<'_>, series: i64, t0: i64) -> rusqlite::Result<()> {
    step.execute("DELETE FROM chunk WHERE series = ? AND t0 = ?", (series, t0)).map(drop)
}

/// Writes samples as chunks of the usual size, never parting two of the same time; says which is the last.
fn write(step: &Transaction<'_>, series: i64, samples: &Samples, pace: Pace) -> rusqlite::Result<Newest> {
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
        let sql = "INSERT INTO chunk(series, t0, t1, n, samples) VALUES(?, ?, ?, ?, ?)";
        step.prepare(sql)?.execute((series, t0, t1, n, bytes))?;
        last = Newest::Chunk { t0, t1, samples: end - begin };
        begin = end;
    }
    Ok(last)
}
