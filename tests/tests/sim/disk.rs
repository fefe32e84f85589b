//! A disk that can be made to fail: it refuses to write, refuses to sync, and forgets at a power cut what it had not
//! synced, in part or in whole, with torn ends. Under it are real files.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use watchfire::storage::disk::{Disk, RealDisk, Sink};

use crate::chance::Chance;

/// How the disk is.
#[derive(Debug, Default)]
struct State {
    refuses_writes: bool,
    refuses_syncs: bool,
    files: BTreeMap<PathBuf, Extent>,
    failures: u64,
}

/// How much of a file there is, and how much of it a power cut leaves.
#[derive(Clone, Copy, Debug)]
struct Extent {
    written: u64,
    synced: u64,
    /// A sync failed: what was not synced then is lost, whatever a later sync says.
    lost_from: Option<u64>,
}

/// The disk. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaultyDisk(Arc<Mutex<State>>);

impl FaultyDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether writes are refused, as on a full disk.
    pub(crate) fn refuse_writes(&self, refuses: bool) {
        self.state().refuses_writes = refuses;
    }

    /// Whether syncs are refused, as on a dying disk.
    pub(crate) fn refuse_syncs(&self, refuses: bool) {
        self.state().refuses_syncs = refuses;
    }

    /// Writes and syncs that were refused so far.
    pub(crate) fn failures(&self) -> u64 {
        self.state().failures
    }

    /// The power is cut: of what was not synced, any part stays.
    pub(crate) fn cut_power(&self, chance: &Chance) {
        for (path, extent) in std::mem::take(&mut self.state().files) {
            let kept = extent.lost_from.map_or(extent.synced, |lost| lost.min(extent.synced));
            let loose = usize::try_from(extent.written.saturating_sub(kept)).unwrap_or(0);
            if loose == 0 {
                continue;
            }
            let stays = match chance.below(4) {
                0 => 0,
                1 => loose,
                _ => chance.below(loose),
            };
            if let Ok(file) = OpenOptions::new().write(true).open(&path) {
                let _ = file.set_len(kept + u64::try_from(stays).unwrap_or(0));
                if stays > 0 && chance.one_in(3) {
                    // Blocks that were given to the file and never written.
                    let _ = file.set_len(kept + u64::try_from(chance.below(stays)).unwrap_or(0));
                    let _ = file.set_len(kept + u64::try_from(stays).unwrap_or(0));
                }
            }
        }
    }
}

impl Disk for FaultyDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Sink>> {
        if self.state().refuses_writes {
            return Err(self.refused());
        }
        let sink = RealDisk.create(path)?;
        Ok(self.watched(sink, path, 0))
    }

    fn resume(&self, path: &Path, at: u64) -> io::Result<Box<dyn Sink>> {
        let sink = RealDisk.resume(path, at)?;
        Ok(self.watched(sink, path, at))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.state().files.remove(path);
        fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        RealDisk.sync_dir(dir)
    }
}

impl FaultyDisk {
    fn watched(&self, sink: Box<dyn Sink>, path: &Path, at: u64) -> Box<dyn Sink> {
        self.state().files.insert(path.to_owned(), Extent { written: at, synced: at, lost_from: None });
        Box::new(Watched { disk: self.clone(), path: path.to_owned(), sink })
    }

    fn refused(&self) -> io::Error {
        self.state().failures += 1;
        io::Error::new(io::ErrorKind::StorageFull, "the simulated disk refuses")
    }
}

/// A file on the faulty disk.
#[derive(Debug)]
struct Watched {
    disk: FaultyDisk,
    path: PathBuf,
    sink: Box<dyn Sink>,
}

impl Watched {
    fn extent(&self, change: impl FnOnce(&mut Extent)) {
        if let Some(extent) = self.disk.state().files.get_mut(&self.path) {
            change(extent);
        }
    }
}

impl Sink for Watched {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.disk.state().refuses_writes {
            return Err(self.disk.refused());
        }
        self.sink.append(bytes)?;
        self.extent(|extent| extent.written += u64::try_from(bytes.len()).unwrap_or(0));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.disk.state().refuses_syncs {
            self.extent(|extent| extent.lost_from = Some(extent.lost_from.unwrap_or(extent.synced)));
            return Err(self.disk.refused());
        }
        self.extent(|extent| extent.synced = extent.written);
        Ok(())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.sink.truncate(len)?;
        self.extent(|extent| {
            extent.written = len;
            extent.synced = extent.synced.min(len);
            extent.lost_from = extent.lost_from.filter(|lost| *lost < len);
        });
        Ok(())
    }
}
