//! The evidence that is kept beside the ledger: a folder for each revision with its site as it was, and in it a file for
//! each change of grade. Written whole under another name, then renamed. Bounded: [`LARGEST`] each, [`MOST`] in all, the
//! oldest first. Age alone drops nothing: a clock that is years ahead for a day would drop everything.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use watchfire_model::finding::Finding;
use watchfire_model::id::{RuleId, SubjectId};
use watchfire_model::row::Row;
use watchfire_model::site::Site;
use watchfire_model::time::Now;
use watchfire_rules::evaluator::bundle::Bundle;
use watchfire_rules::evaluator::{EvaluatorState, Stopped};

use crate::storage::{evidence_of, file_word};

/// Bytes of one change of grade, without its site: a month of minutes at one point takes a quarter of it.
pub const LARGEST: usize = 4 << 20;
/// Bytes of all of it, sites included; beyond it the oldest goes.
pub const MOST: u64 = 256 << 20;

const SITE: &str = "site.json";
const SUFFIX: &str = "json";

/// What is kept in one data directory.
#[derive(Clone, Debug)]
pub struct Kept {
    folder: PathBuf,
}

/// A bundle without its site, which stands beside it.
#[derive(Serialize, Deserialize)]
struct Written<'a> {
    format: u32,
    finding: Finding,
    now: Now,
    row: Row,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<Site>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    stopped: Vec<Stopped>,
    state: std::borrow::Cow<'a, EvaluatorState>,
}

impl Kept {
    /// That of the data directory `root`.
    pub fn of(root: &Path) -> Self {
        Self { folder: evidence_of(root) }
    }

    /// Keeps the evidence of one finding; it is on disk when this returns. An error of kind `FileTooLarge` says that it is
    /// larger than [`LARGEST`].
    pub fn keep(&self, bundle: &Bundle) -> io::Result<()> {
        let folder = self.folder.join(file_word(&bundle.site.revision.0));
        fs::create_dir_all(&folder)?;
        let site = folder.join(SITE);
        if !site.exists() {
            write(&site, usize::MAX, &bundle.site)?;
        }
        let Finding { rule, subject, n, .. } = &bundle.finding;
        let Bundle { format, finding, now, row, next, stopped, state, .. } = bundle;
        let (finding, row) = (finding.clone(), row.clone());
        let (next, stopped, state) = (next.clone(), stopped.clone(), std::borrow::Cow::Borrowed(state));
        let written = Written { format: *format, finding, now: *now, row, next, stopped, state };
        write(&folder.join(name(rule, subject, *n)), LARGEST, &written)
    }

    /// Whether the evidence of a finding is kept.
    pub fn has(&self, finding: &Finding) -> bool {
        self.folders().is_ok_and(|folders| folders.iter().any(|folder| path_of(folder, finding).exists()))
    }

    /// The evidence of a finding; none where it is not kept.
    pub fn find(&self, finding: &Finding) -> io::Result<Option<Bundle>> {
        for folder in self.folders()? {
            let path = path_of(&folder, finding);
            if !path.exists() {
                continue;
            }
            let site: Site = read(&folder.join(SITE))?;
            let Written { format, finding: kept, now, row, next, stopped, state } = read(&path)?;
            if kept == *finding {
                let state = state.into_owned();
                return Ok(Some(Bundle { format, finding: kept, now, row, site, next, stopped, state }));
            }
        }
        Ok(None)
    }

    /// Drops the oldest of what is too much; says how many changes of grade went.
    pub fn prune(&self) -> io::Result<usize> {
        self.prune_to(MOST)
    }

    fn prune_to(&self, most: u64) -> io::Result<usize> {
        let mut all = Vec::new();
        let mut in_all = 0;
        // How many changes of grade are left in each folder.
        let mut left: BTreeMap<PathBuf, usize> = BTreeMap::new();
        for folder in self.folders()? {
            left.entry(folder.clone()).or_default();
            for entry in fs::read_dir(&folder)? {
                let (path, about) = entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))?;
                in_all += about.len();
                if path.file_name().is_some_and(|name| name != SITE) {
                    all.push((about.modified()?, about.len(), path));
                    *left.entry(folder.clone()).or_default() += 1;
                }
            }
        }
        all.sort();
        let mut gone = 0;
        for (_, bytes, path) in all {
            if in_all <= most {
                break;
            }
            fs::remove_file(&path)?;
            (in_all, gone) = (in_all - bytes, gone + 1);
            let Some((folder, left)) = path.parent().and_then(|folder| Some((folder, left.get_mut(folder)?))) else {
                continue;
            };
            *left -= 1;
            if *left == 0 {
                let site = folder.join(SITE);
                in_all -= fs::metadata(&site).map_or(0, |about| about.len());
                fs::remove_dir_all(folder)?;
            }
        }
        Ok(gone)
    }

    /// Those of the revisions; none before anything was kept.
    fn folders(&self) -> io::Result<Vec<PathBuf>> {
        match fs::read_dir(&self.folder) {
            Ok(entries) => {
                let paths: Result<Vec<PathBuf>, io::Error> = entries.map(|entry| Ok(entry?.path())).collect();
                Ok(paths?.into_iter().filter(|path| path.is_dir()).collect())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

fn path_of(folder: &Path, finding: &Finding) -> PathBuf {
    folder.join(name(&finding.rule, &finding.subject, finding.n))
}

/// Ids may be of any length and in any script: the file's name is not.
fn name(rule: &RuleId, subject: &SubjectId, n: u64) -> String {
    let mut hash = Sha256::new();
    for part in [rule.as_str(), "\n", subject.as_str()] {
        hash.update(part.as_bytes());
    }
    let of_alarm: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{of_alarm}-{n}.{SUFFIX}")
}

fn read<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    serde_json::from_reader(BufReader::new(File::open(path)?)).map_err(io::Error::other)
}

/// Writes a file whole, or none at all.
fn write(path: &Path, largest: usize, what: &impl Serialize) -> io::Result<()> {
    let mut text = Bounded { text: Vec::new(), largest };
    serde_json::to_writer(&mut text, what)?;
    let being_written = path.with_extension("writing");
    let mut file = File::create(&being_written)?;
    file.write_all(&text.text)?;
    file.sync_all()?;
    fs::rename(&being_written, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// A text that refuses to grow beyond a length.
struct Bounded {
    text: Vec<u8>,
    largest: usize,
}

impl Write for Bounded {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if self.text.len().saturating_add(more.len()) > self.largest {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.text.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
