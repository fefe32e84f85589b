//! Keeps by itself the evidence of what the public was told: some seconds after the bulletin has left, in one pass over the
//! journal for all that came together. What it can't keep is counted and said; nobody waits for it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tracing::{info, warn};
use watchfire_model::finding::Finding;
use watchfire_model::id::WarningId;

use super::EvidenceError;
use super::gathered::{gather, rises};
use super::kept::Kept;
use crate::metrics::Metrics;
use crate::storage::{ledger_of, snapshots_of};

/// Records of the ledger, the newest, among which a rise is looked for.
const SEARCHED: u64 = 200_000;
/// The largest snapshot, in bytes, that is judged again inside the daemon: beyond it that would cost too much memory.
const LARGEST_STATE: u64 = 64 << 20;

/// Why the evidence of a warning was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// Too many came at once.
    Busy,
    /// Ledger or journal have it no more, or not yet.
    Gone,
    /// It, or the state that it is judged from, is too large.
    Large,
    /// A disk or a file failed.
    Failed,
}

impl Lost {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Busy, Self::Gone, Self::Large, Self::Failed];

    /// Its word in metrics and logs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Gone => "gone",
            Self::Large => "large",
            Self::Failed => "failed",
        }
    }
}

impl From<&EvidenceError> for Lost {
    fn from(error: &EvidenceError) -> Self {
        match error {
            EvidenceError::Gone { .. }
            | EvidenceError::NoSnapshot { .. }
            | EvidenceError::NoJournal(_)
            | EvidenceError::NoRevision(_)
            | EvidenceError::Unknown { .. } => Self::Gone,
            EvidenceError::Unreadable { .. } => Self::Failed,
        }
    }
}

/// Who keeps it.
#[derive(Debug)]
pub struct Keeper {
    /// The data directory.
    dir: PathBuf,
    kept: Kept,
    metrics: Arc<Metrics>,
}

impl Keeper {
    /// In the data directory `dir`.
    pub fn of(dir: PathBuf, metrics: Arc<Metrics>) -> Self {
        Self { kept: Kept::of(&dir), dir, metrics }
    }

    /// Keeps the last rise that each of these warnings rests on, for as long as `goes_on` says so.
    pub fn keep(&self, warnings: &BTreeSet<WarningId>, goes_on: &dyn Fn() -> bool) {
        let findings = match rises(&ledger_of(&self.dir), warnings, SEARCHED) {
            Ok(found) => found,
            Err(error) => return self.lose(Lost::from(&error), warnings.len(), &error),
        };
        if findings.len() < warnings.len() {
            self.lose(Lost::Gone, warnings.len() - findings.len(), &"no rise of theirs is in the newest of the ledger");
        }
        let mut wanted: Vec<Finding> = Vec::new();
        for finding in findings.into_values().filter(|finding| !self.kept.has(finding)) {
            if !wanted.contains(&finding) {
                wanted.push(finding);
            }
        }
        let mut left = wanted.len();
        if left == 0 {
            return;
        }
        if self.largest_state() > LARGEST_STATE {
            return self.lose(Lost::Large, left, &"the site's snapshots are too large to be judged again beside it");
        }
        let done = gather(&self.dir, wanted, |bundle| {
            left -= 1;
            match self.kept.keep(&bundle) {
                Ok(()) => {
                    self.metrics.evidence_kept();
                    info!(rule = %bundle.finding.rule, subject = %bundle.finding.subject, n = bundle.finding.n, "evidence kept");
                }
                Err(error) if error.kind() == io::ErrorKind::FileTooLarge => self.lose(Lost::Large, 1, &error),
                Err(error) => self.lose(Lost::Failed, 1, &error),
            }
            goes_on()
        });
        if let Err(error) = done {
            self.lose(Lost::from(&error), left, &error);
        }
        match self.kept.prune() {
            Ok(0) => {}
            Ok(gone) => info!(gone, "the oldest evidence was dropped"),
            Err(error) => warn!(%error, "the oldest evidence cannot be dropped"),
        }
    }

    /// Says that it failed inside.
    pub fn failed(&self, warnings: usize) {
        self.lose(Lost::Failed, warnings, &"it failed inside, as the log tells");
    }

    /// Bytes of the largest snapshot there is.
    fn largest_state(&self) -> u64 {
        let entries = fs::read_dir(snapshots_of(&self.dir)).into_iter().flatten();
        let sizes = entries.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len()));
        sizes.max().unwrap_or_default()
    }

    fn lose(&self, lost: Lost, warnings: usize, why: &dyn std::fmt::Display) {
        self.metrics.evidence_lost_of(lost, warnings);
        warn!(
            warnings,
            reason = lost.word(),
            %why,
            "evidence was not kept; `watchfire why WARNING --keep` does it for as long as the journal has it"
        );
    }
}
