//! The daemon's own journal through the very same machines again: every finding that the ledger recorded must come out as
//! it was, in everything. Beside a running daemon or without one; nothing is written.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde::Serialize;
use sha2::{Digest, Sha256};
use watchfire_model::finding::Finding;
use watchfire_model::grade::word;
use watchfire_model::id::{RuleId, Seq, SubjectId};
use watchfire_model::time::Timestamp;
use watchfire_rules::desk::Input;

use crate::cli::{Format, Style, emit, exit};
use crate::duty::Said;
use crate::evidence::replayed::{REST, Replayed};
use crate::lang::Lang;
use crate::storage::journal::{Commit, Gap, GapWhy, Step};
use crate::storage::ledger::{LedgerId, LedgerReader};

/// Findings of the ledger that are held against the journal; some forty bytes each.
const FINDINGS_MOST: usize = 20_000_000;
/// Differences that are told.
const TOLD: usize = 20;

/// What came of it.
#[derive(Debug, Default, Serialize)]
struct Proof {
    /// Rows that were judged again: the first …
    from: u64,
    /// … and the last.
    to: u64,
    /// Findings that came out as the ledger has them.
    equal: u64,
    /// Those of them that changed a grade.
    transitions: u64,
    /// Findings that the ledger has of rows that the journal holds no more.
    out_of_reach: u64,
    /// Findings of the last rows that the ledger does not have yet.
    not_yet: u64,
    /// What is different.
    differences: Vec<Difference>,
    /// How many there are.
    differences_in_all: u64,
}

/// One thing that is different.
#[derive(Debug, Serialize)]
struct Difference {
    /// What, in words.
    what: String,
    /// As the ledger has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded: Option<Box<Finding>>,
    /// As it comes out.
    #[serde(skip_serializing_if = "Option::is_none")]
    replayed: Option<Box<Finding>>,
}

/// Replays the journal of the data directory `dir`, and says whether all is equal.
pub(super) fn run(dir: &Path, style: Style) -> anyhow::Result<ExitCode> {
    let path = dir.join("ledger.db");
    let ledger = LedgerReader::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
    // The ledger first: what is added meanwhile the journal already has.
    let mut recorded = Recorded::read(&ledger)?;
    let mut proof = Proof::default();
    run_through(Replayed::begin(dir, None)?, &mut recorded, &ledger, &mut proof)?;
    match style.output {
        Format::Table => emit(&told(&proof, style.lang())),
        Format::Json => emit(&format!("{}\n", serde_json::to_string(&proof)?)),
        Format::Csv => emit(&rows(&proof)),
    }
    Ok(if proof.differences_in_all == 0 { ExitCode::SUCCESS } else { ExitCode::from(exit::FINDINGS) })
}

/// A finding's identity: the place of its rule and subject among those met, and its count.
type Key = (u32, u64);

/// Every finding of the ledger, by identity.
#[derive(Default)]
struct Recorded {
    names: BTreeMap<(RuleId, SubjectId), u32>,
    findings: BTreeMap<Key, Entry>,
    last: Seq,
}

#[derive(Clone, Copy)]
struct Entry {
    record: LedgerId,
    seq: Seq,
    print: [u8; 16],
}

impl Recorded {
    fn read(ledger: &LedgerReader) -> anyhow::Result<Self> {
        let mut recorded = Self::default();
        for record in ledger.read(LedgerId(1)) {
            let record = record.context("the ledger is not what was written")?;
            if let Some(finding) = finding_in(&record.entry.input, record.id)? {
                let key = recorded.key(&finding);
                recorded.last = recorded.last.max(finding.seq);
                let entry = Entry { record: record.id, seq: finding.seq, print: print(&finding)? };
                recorded.findings.entry(key).or_insert(entry);
                if recorded.findings.len() > FINDINGS_MOST {
                    bail!("the ledger has more than {FINDINGS_MOST} findings");
                }
            }
        }
        Ok(recorded)
    }

    fn key(&mut self, finding: &Finding) -> Key {
        let next = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let name = (finding.rule.clone(), finding.subject.clone());
        (*self.names.entry(name).or_insert(next), finding.n)
    }

    /// Takes a finding's entry out; what is left in the end was not told.
    fn take(&mut self, finding: &Finding) -> Option<Entry> {
        let name = *self.names.get(&(finding.rule.clone(), finding.subject.clone()))?;
        self.findings.remove(&(name, finding.n))
    }
}

/// The finding that an input of the ledger is, if it is one.
fn finding_in(input: &str, record: LedgerId) -> anyhow::Result<Option<Finding>> {
    let input = serde_json::from_str(input).with_context(|| format!("cannot understand ledger record {}", record.0))?;
    Ok(if let Input::Finding(finding) = input { Some(finding) } else { None })
}

/// All of a finding in sixteen bytes.
fn print(finding: &Finding) -> anyhow::Result<[u8; 16]> {
    // When it was heard is its row's time and not judged; older ledgers do not have it.
    let judged = Finding { heard_at: None, ..finding.clone() };
    let hash: [u8; 32] = Sha256::digest(serde_json::to_vec(&judged)?).into();
    let mut print = [0; 16];
    print.copy_from_slice(&hash[..16]);
    Ok(print)
}

fn run_through(
    mut replayed: Replayed,
    recorded: &mut Recorded,
    ledger: &LedgerReader,
    proof: &mut Proof,
) -> anyhow::Result<()> {
    proof.from = replayed.before().next().0;
    let (mut commit, mut said) = (Commit::default(), Vec::new());
    loop {
        match replayed.read(&mut commit)? {
            Step::Idle => break,
            // Its end: nothing sound is behind it.
            Step::Gap(gap) if gap.seqs.end >= REST => break,
            Step::Gap(gap) => proof.damage(&gap),
            Step::Commit => replayed.judge(&commit, &mut said)?,
        }
        for word in said.drain(..) {
            if let Said::Finding(finding) = word {
                proof.hold_against(recorded, ledger, finding)?;
            }
        }
    }
    proof.to = replayed.shard().seq().0;
    for entry in recorded.findings.values() {
        if entry.seq <= replayed.before() {
            proof.out_of_reach += 1;
        } else if entry.seq > replayed.shard().seq() {
            proof.differ("the journal ends before its row", find(ledger, entry.record)?, None);
        } else {
            proof.differ("the journal does not tell it", find(ledger, entry.record)?, None);
        }
    }
    Ok(())
}

fn find(ledger: &LedgerReader, record: LedgerId) -> anyhow::Result<Option<Finding>> {
    match ledger.read(record).next() {
        Some(found) => finding_in(&found?.entry.input, record),
        None => Ok(None),
    }
}

impl Proof {
    /// Holds a finding that came out against what was recorded.
    fn hold_against(&mut self, recorded: &mut Recorded, ledger: &LedgerReader, finding: Finding) -> anyhow::Result<()> {
        match recorded.take(&finding) {
            Some(entry) if entry.print == print(&finding)? => {
                self.equal += 1;
                self.transitions += u64::from(finding.from != finding.judged);
            }
            Some(entry) => self.differ("it is not what was recorded", find(ledger, entry.record)?, Some(finding)),
            None if finding.seq > recorded.last => self.not_yet += 1,
            None => self.differ("the ledger does not have it", None, Some(finding)),
        }
        Ok(())
    }

    fn damage(&mut self, gap: &Gap) {
        if let GapWhy::Damaged(path) = &gap.why {
            let (from, to) = (gap.seqs.start.0, gap.seqs.end.0.saturating_sub(1));
            self.differ(&format!("rows {from} to {to} are damaged in {}", path.display()), None, None);
        }
    }

    fn differ(&mut self, what: &str, recorded: Option<Finding>, replayed: Option<Finding>) {
        self.differences_in_all += 1;
        if self.differences.len() < TOLD {
            let (recorded, replayed) = (recorded.map(Box::new), replayed.map(Box::new));
            self.differences.push(Difference { what: what.to_owned(), recorded, replayed });
        }
    }
}

fn told(proof: &Proof, lang: Lang) -> String {
    let Proof { from, to, equal, transitions, differences_in_all, .. } = proof;
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = match lang {
        Lang::En => writeln!(text, "rows {from} to {to}: {equal} findings equal, {transitions} transitions among them"),
        Lang::Zh => writeln!(text, "第 {from} 至 {to} 行:一致的判定 {equal} 条,其中等级变化 {transitions} 条"),
    };
    let counts = [
        (proof.out_of_reach, "recorded of rows that the journal holds no more", "条判定的原始行已不在日志中"),
        (proof.not_yet, "of the last rows, not recorded yet", "条属于末尾各行,尚未入台账"),
    ];
    for (count, en, zh) in counts.into_iter().filter(|(count, ..)| *count > 0) {
        let _ = writeln!(text, "{count} {}", lang.pick(en, zh));
    }
    if *differences_in_all == 0 {
        let _ = writeln!(text, "{}", lang.pick("all equal", "全部一致"));
    }
    for Difference { what, recorded, replayed } in &proof.differences {
        let _ = writeln!(text, "{}: {what}", lang.pick("different", "不一致"));
        for (side, finding) in [(lang.pick("ledger", "台账"), recorded), (lang.pick("journal", "日志"), replayed)] {
            if let Some(finding) = finding {
                let _ = writeln!(text, "  {side}  {}", line(finding));
            }
        }
    }
    let more = differences_in_all.saturating_sub(TOLD as u64);
    if more > 0 {
        let _ = writeln!(text, "… {more} {}", lang.pick("more", "条未列出"));
    }
    text
}

/// A finding in one line.
fn line(finding: &Finding) -> String {
    let Finding { rule, subject, n, seq, at, change, value, revision, .. } = finding;
    let value = value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let (from, to) = (word(finding.from), word(finding.judged));
    let at: &Timestamp = at;
    format!("{rule}/{subject} {n}: {at} {from} → {to} {change:?} {value} (row {}, revision {revision})", seq.0)
}

fn rows(proof: &Proof) -> String {
    let counts = [
        ("from", proof.from),
        ("to", proof.to),
        ("equal", proof.equal),
        ("transitions", proof.transitions),
        ("out_of_reach", proof.out_of_reach),
        ("not_yet", proof.not_yet),
        ("differences", proof.differences_in_all),
    ];
    let lines = counts.into_iter().map(|(figure, count)| format!("{figure},,{count},\n"));
    std::iter::once("figure,of,value,unit\n".to_owned()).chain(lines).collect()
}
