//! How each source is doing: counters and the last word about it, for metrics, the console and `tap`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use serde::Serialize;
use watchfire_model::id::{PointIx, SourceName};
use watchfire_model::time::Timestamp;

/// Most complaints kept for reading; older ones are counted only.
const KEPT: usize = 64;

/// Counters of one source. Written by its tasks, read by everybody.
#[derive(Debug)]
pub struct SourceHealth {
    /// Whose.
    pub name: SourceName,
    /// `mqtt` or `modbus`.
    pub kind: &'static str,
    /// Whether the link is up.
    pub connected: AtomicBool,
    /// Messages (MQTT) or answers (Modbus) heard.
    pub messages: AtomicU64,
    /// Readings offered to the journal, bad values included.
    pub readings: AtomicU64,
    /// Readings that carried no usable number.
    pub bad_values: AtomicU64,
    /// Complaints: what could not be read, or named no known point.
    pub complaints: AtomicU64,
    /// Messages with nothing acceptable in them.
    pub refused: AtomicU64,
    /// Messages over the packet limit.
    pub oversize: AtomicU64,
    /// Readings shed at QoS 0 because intake was full.
    pub shed: AtomicU64,
    /// Redelivered messages dropped as already journaled.
    pub duplicates: AtomicU64,
    /// Connections lost.
    pub disconnects: AtomicU64,
    /// Wall time of the last message, 0 if none.
    pub last_heard: AtomicI64,
    recent: Mutex<VecDeque<Complaint>>,
    /// At most one entry for each known point.
    lost: Mutex<BTreeMap<PointIx, Shed>>,
}

/// Readings of one point that were shed, not journaled: how many, and of which time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Shed {
    /// Whose.
    pub point: PointIx,
    /// How many since the start.
    pub readings: u64,
    /// The earliest `observed_at` among them.
    pub from: Timestamp,
    /// The latest.
    pub to: Timestamp,
}

/// Something that could not be taken as a reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Complaint {
    /// When we heard it.
    pub at: Timestamp,
    /// Topic, or device and register.
    pub whence: String,
    /// Why not, in words.
    pub reason: String,
    /// The first bytes of it, made printable; at most 256.
    pub sample: String,
}

impl SourceHealth {
    /// A source that has heard nothing yet.
    pub fn new(name: SourceName, kind: &'static str) -> Self {
        Self {
            name,
            kind,
            connected: AtomicBool::new(false),
            messages: AtomicU64::new(0),
            readings: AtomicU64::new(0),
            bad_values: AtomicU64::new(0),
            complaints: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            oversize: AtomicU64::new(0),
            shed: AtomicU64::new(0),
            duplicates: AtomicU64::new(0),
            disconnects: AtomicU64::new(0),
            last_heard: AtomicI64::new(0),
            recent: Mutex::new(VecDeque::new()),
            lost: Mutex::new(BTreeMap::new()),
        }
    }

    /// Counts a complaint and keeps it among the last few.
    pub fn complain(&self, complaint: Complaint) {
        self.complaints.fetch_add(1, Ordering::Relaxed);
        self.keep(complaint);
    }

    /// Keeps a complaint that is counted already: a flood is counted whole and sampled.
    pub fn keep(&self, complaint: Complaint) {
        let mut recent = self.recent.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if recent.len() == KEPT {
            recent.pop_front();
        }
        recent.push_back(complaint);
    }

    /// The last complaints, oldest first; a bounded quarantine.
    pub fn recent(&self) -> Vec<Complaint> {
        self.recent.lock().unwrap_or_else(std::sync::PoisonError::into_inner).iter().cloned().collect()
    }

    /// Counts readings that were shed, by point and time.
    pub fn shed(&self, readings: impl IntoIterator<Item = (PointIx, Timestamp)>) {
        let mut lost = self.lost.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (point, at) in readings {
            self.shed.fetch_add(1, Ordering::Relaxed);
            let entry = lost.entry(point).or_insert(Shed { point, readings: 0, from: at, to: at });
            entry.readings += 1;
            entry.from = entry.from.min(at);
            entry.to = entry.to.max(at);
        }
    }

    /// What was shed since the start, by point.
    pub fn lost(&self) -> Vec<Shed> {
        self.lost.lock().unwrap_or_else(std::sync::PoisonError::into_inner).values().copied().collect()
    }
}
