//! The evidence of changes of grade: gathered from the ledger and the journal, and kept beside the ledger where the public
//! was told, so that it can be shown when the journal has long gone.

pub mod gathered;
pub mod keeper;
pub mod kept;
pub(crate) mod replayed;

use std::path::PathBuf;

use watchfire_model::id::{Revision, Seq};

/// Why evidence can't be gathered.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The journal does not have it any more.
    #[error(
        "row {} is not in the journal any more; `journal_keep` in [storage] says how much of it is kept for this",
        .row.0
    )]
    Gone {
        /// The row that made the finding.
        row: Seq,
    },
    /// The journal has it, and nothing from which it could be judged.
    #[error(
        "the journal begins at row {}, and no snapshot is kept from which it could be judged again; `journal_keep` in \
         [storage] says how much is kept for this",
        .from.0
    )]
    NoSnapshot {
        /// The first row that is there.
        from: Seq,
    },
    /// A data directory in which nobody has heard anything yet.
    #[error("there is no journal in {}", .0.display())]
    NoJournal(PathBuf),
    /// By what it was judged is not known any more.
    #[error("revision {0} is not kept, and the journal was judged by it")]
    NoRevision(Revision),
    /// The ledger has nothing of the kind.
    #[error(
        "the ledger has no change of grade of \"{what}\"; write an alarm such as river-stage/qingshi, its finding such as \
         river-stage/qingshi@12, or a warning's id"
    )]
    Unknown {
        /// As asked.
        what: String,
    },
    /// A file of the data directory can't be read.
    #[error("{what} cannot be read")]
    Unreadable {
        /// Which.
        what: &'static str,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl EvidenceError {
    pub(crate) fn unreadable(what: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unreadable { what, source: source.into() }
    }
}
