//! What the daemon itself has stored, as a recording: one thread unpacks and puts in order, the other judges. The store
//! keeps no order of arrival: what came late is heard in its place.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use anyhow::Context as _;
use watchfire_model::quantity::{Bad, Finite};
use watchfire_model::site::Site;
use watchfire_model::time::Timestamp;

use super::points::Points;
use super::source::Given;
use crate::storage::database::DatabaseError;
use crate::storage::series::embedded::{Stored, Together};

/// Batches that wait to be judged; when it is full the unpacking waits.
const WAITING: usize = 4;

/// A data directory's store, and which part of it.
#[derive(Clone, Debug)]
pub(super) struct Store {
    dir: PathBuf,
    from: Timestamp,
    to: Timestamp,
}

/// The store under way.
pub(super) struct StoreFeed {
    batches: Receiver<Result<Vec<Stored>, DatabaseError>>,
    batch: std::vec::IntoIter<Stored>,
    given: u64,
    points: Points,
}

/// A site that takes values as they are stored: the zero and scale of each sensor are in them.
pub(super) fn as_stored(mut site: Arc<Site>) -> Arc<Site> {
    for scrutiny in Arc::make_mut(&mut site).points.iter_mut().filter_map(|point| point.scrutiny.as_mut()) {
        for sensor in &mut scrutiny.sensors {
            (sensor.offset, sensor.scale) = (0.0, 1.0);
        }
    }
    site
}

impl Store {
    /// Of a data directory.
    pub(super) fn of(dir: &Path, from: Option<jiff::Timestamp>, to: Option<jiff::Timestamp>) -> Self {
        let stamp = |at: jiff::Timestamp| Timestamp(at.as_millisecond());
        let (from, to) = (from.map_or(Timestamp(i64::MIN), stamp), to.map_or(Timestamp(i64::MAX), stamp));
        Self { dir: dir.to_owned(), from, to }
    }

    /// As people name it.
    pub(super) fn name(&self) -> String {
        self.path().display().to_string()
    }

    fn path(&self) -> PathBuf {
        self.dir.join("series.db")
    }

    /// From the beginning, for the points of `site`.
    pub(super) fn open(&self, site: &Site) -> anyhow::Result<StoreFeed> {
        let path = self.path();
        let points = Points::of(site);
        let mut together = Together::open(&path, self.from, self.to, |filed| {
            points.known(format!("{}/{}", filed.station, filed.point).as_bytes())
        })
        .with_context(|| format!("cannot judge {}", path.display()))?;
        let (batches, received) = sync_channel(WAITING);
        thread::Builder::new()
            .name("unpack".to_owned())
            .spawn(move || {
                loop {
                    let mut batch = Vec::new();
                    let more = together.next(&mut batch);
                    let ends = !matches!(more, Ok(true));
                    // Whoever judged may have had enough.
                    if (!batch.is_empty() || more.is_err()) && batches.send(more.map(|_| batch)).is_err() || ends {
                        return;
                    }
                }
            })
            .context("cannot start a thread")?;
        Ok(StoreFeed { batches: received, batch: Vec::new().into_iter(), given: 0, points })
    }
}

impl StoreFeed {
    /// The next reading.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Given>> {
        loop {
            if let Some(Stored { at, point, value }) = self.batch.next() {
                self.given += 1;
                return Ok(Some(Given::Reading(point, at, value.map_or(Err(Bad::Absent), Finite::new))));
            }
            match self.batches.recv() {
                Ok(batch) => self.batch = batch.context("the store cannot be read on")?.into_iter(),
                Err(_) => return Ok(None),
            }
        }
    }

    /// Readings given so far.
    pub(super) const fn given(&self) -> u64 {
        self.given
    }

    /// The points, and the names that are none.
    pub(super) const fn points(&self) -> &Points {
        &self.points
    }
}
