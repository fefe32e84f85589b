//! Which finding is meant, by the ledger, and what it rests on, by the journal judged again up to its row.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use watchfire_model::finding::Finding;
use watchfire_model::id::WarningId;
use watchfire_model::row::Row;
use watchfire_rules::desk::Input;
use watchfire_rules::evaluator::bundle::{Bundle, FORMAT};

use super::EvidenceError;
use super::replayed::Replayed;
use crate::storage::journal::{Commit, Step};
use crate::storage::ledger::{LedgerId, LedgerReader};

/// Changes of grade of one alarm or warning that are looked at.
const MEANT: usize = 1_000;

/// The evidence of findings, in the order of their rows, given to `take` one after the other for as long as it says true.
/// The journal is judged again once for all of them, so those that are wanted together should lie near each other.
pub fn gather(
    dir: &Path,
    mut findings: Vec<Finding>,
    mut take: impl FnMut(Bundle) -> bool,
) -> Result<(), EvidenceError> {
    findings.sort_by_key(|finding| finding.seq);
    let mut wanted = findings.into_iter().peekable();
    let Some(first) = wanted.peek().map(|finding| finding.seq) else { return Ok(()) };
    let mut replayed = Replayed::begin(dir, Some(first))?;
    if replayed.before() >= first {
        return Err(EvidenceError::Gone { row: first });
    }
    let mut commit = Commit::default();
    let mut said = Vec::new();
    while let Some(next) = wanted.peek().map(|finding| finding.seq) {
        match replayed.read(&mut commit)? {
            Step::Commit => {}
            Step::Gap(gap) if gap.seqs.end <= next => continue,
            Step::Gap(_) | Step::Idle => return Err(EvidenceError::Gone { row: next }),
        }
        for (seq, row) in commit.numbered() {
            while let Some(finding) = wanted.next_if(|finding| finding.seq == seq) {
                if !take(bundle(&replayed, &commit, row, finding)?) {
                    return Ok(());
                }
            }
            if wanted.peek().is_none() {
                return Ok(());
            }
            let one = Commit { now: commit.now, first: seq, rows: vec![row.clone()] };
            replayed.judge(&one, &mut said)?;
            said.clear();
        }
    }
    Ok(())
}

fn bundle(replayed: &Replayed, commit: &Commit, row: &Row, finding: Finding) -> Result<Bundle, EvidenceError> {
    let next = match row {
        Row::Revision(reload) => Some(replayed.rules(&reload.revision)?),
        Row::Reading(_) | Row::Link(_) | Row::Tick | Row::Upkeep(_) => None,
    };
    let rules = replayed.shard().rules();
    let bundle = Bundle {
        format: FORMAT,
        now: commit.now,
        row: row.clone(),
        site: rules.site().as_ref().clone(),
        next: next.as_ref().map(|rules| rules.site().as_ref().clone()),
        stopped: replayed.shard().stops_by(finding.seq),
        state: replayed.shard().snapshot().state,
        finding,
    };
    Ok(bundle.narrowed_by(rules, next.as_ref()))
}

/// The findings that are meant, as the ledger has them, the newest last: of an alarm (`rule/subject`) or a warning every
/// change of grade, or the one of a number (`rule/subject@n`). Never none, and the newest [`MEANT`] at most.
pub fn recorded(ledger: &Path, what: &str) -> Result<Vec<Finding>, EvidenceError> {
    let unknown = || EvidenceError::Unknown { what: what.to_owned() };
    let (alarm, number) = match what.rsplit_once('@') {
        Some((alarm, number)) => (alarm, Some(number.parse::<u64>().map_err(|_| unknown())?)),
        None => (what, None),
    };
    let mut found = VecDeque::new();
    each(ledger, LedgerId(1), |finding, events| {
        let is_meant = match alarm.split_once('/') {
            Some((rule, subject)) => finding.rule.as_str() == rule && finding.subject.as_str() == subject,
            None => events.contains(&quoted(alarm)),
        };
        if is_meant && number.map_or(finding.from != finding.judged, |number| finding.n == number) {
            if found.len() >= MEANT {
                found.pop_front();
            }
            found.push_back(finding);
        }
    })?;
    if found.is_empty() { Err(unknown()) } else { Ok(found.into()) }
}

/// The last rise that each warning rests on, among the newest `most` records of the ledger.
pub fn rises(
    ledger: &Path,
    warnings: &BTreeSet<WarningId>,
    most: u64,
) -> Result<BTreeMap<WarningId, Finding>, EvidenceError> {
    let unread = |error| EvidenceError::unreadable("the ledger", error);
    let last = LedgerReader::open(ledger).and_then(|reader| reader.last()).map_err(unread)?;
    let quoted: Vec<(&WarningId, String)> = warnings.iter().map(|id| (id, quoted(id.as_str()))).collect();
    let mut found = BTreeMap::new();
    each(ledger, LedgerId(last.0.saturating_sub(most)), |finding, events| {
        if finding.judged > finding.from {
            for (warning, _) in quoted.iter().filter(|(_, id)| events.contains(id)) {
                found.insert((*warning).clone(), finding.clone());
            }
        }
    })?;
    Ok(found)
}

/// Every finding from a record on, with the events that were decided from it, as they are written.
fn each(ledger: &Path, from: LedgerId, mut seen: impl FnMut(Finding, &str)) -> Result<(), EvidenceError> {
    let unread = |error| EvidenceError::unreadable("the ledger", error);
    let reader = LedgerReader::open(ledger).map_err(unread)?;
    for record in reader.read(from) {
        let entry = record.map_err(unread)?.entry;
        if let Ok(Input::Finding(finding)) = serde_json::from_str(&entry.input) {
            seen(finding, &entry.events);
        }
    }
    Ok(())
}

fn quoted(id: &str) -> String {
    format!("\"{id}\"")
}
