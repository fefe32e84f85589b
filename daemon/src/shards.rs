//! A shard: one Evaluator on one thread. It takes journal commits in order and says what changed; it writes the screen's
//! table and decides when its state is worth keeping. One shard by default; stations that a rule reads together would
//! have to stay on one.

use std::collections::VecDeque;
use std::sync::Arc;

use watchfire_model::finding::Finding;
use watchfire_model::id::{PointIx, Seq};
use watchfire_model::outlook::Outlook;
use watchfire_model::reload::Orphans;
use watchfire_model::row::Row;
use watchfire_model::time::{Now, Span, Steady};
use watchfire_rules::engine::Overseer;
use watchfire_rules::evaluator::{Evaluator, EvaluatorState, Standing, Stopped};
use watchfire_rules::quality::Gate;
use watchfire_rules::ruleset::RuleSet;

use crate::duty::Said;
use crate::storage::journal::Commit;
use crate::storage::stops::Stop;
use crate::views::{Latest, LatestTable};
use crate::vigil::Vigil;

/// Snapshots are taken this often …
const SNAPSHOT_EVERY: Span = Span::seconds(10);
/// … or after this many rows.
const SNAPSHOT_ROWS: u64 = 2_000_000;

/// One Evaluator and what surrounds it.
pub struct Shard {
    evaluator: Evaluator,
    latest: Arc<LatestTable>,
    /// Taken up to and with this row.
    seq: Seq,
    /// Findings and outages said since the start of this process.
    said: u64,
    rows_since_snapshot: u64,
    snapshot_due: Steady,
    screen: Vec<(PointIx, Latest)>,
    found: Vec<Finding>,
    /// Rules to be stopped before rows that are still to come, in their order.
    stops: VecDeque<Stop>,
    vigil: Option<Arc<Vigil>>,
}

/// A state of the Evaluator that may be kept once the journal and the ledger have caught up with it.
#[derive(Debug)]
pub struct Snapshot {
    /// Up to and with this row.
    pub seq: Seq,
    /// Findings and outages said before it, all of which the ledger must hold first.
    pub said: u64,
    /// The state.
    pub state: EvaluatorState,
}

impl Shard {
    /// A shard that has seen nothing.
    pub fn new(rules: Arc<RuleSet>, latest: Arc<LatestTable>) -> Self {
        Self::with(Evaluator::new(rules), Seq(0), latest)
    }

    /// A shard as it was at `seq`.
    pub fn restore(rules: Arc<RuleSet>, state: EvaluatorState, seq: Seq, latest: Arc<LatestTable>) -> Self {
        Self::with(Evaluator::restore(rules, state), seq, latest)
    }

    fn with(evaluator: Evaluator, seq: Seq, latest: Arc<LatestTable>) -> Self {
        Self {
            evaluator,
            latest,
            seq,
            said: 0,
            rows_since_snapshot: 0,
            snapshot_due: Steady(0),
            screen: Vec::new(),
            found: Vec::new(),
            stops: VecDeque::new(),
            vigil: None,
        }
    }

    /// Stops each of these rules before its row. Those before rows already taken are in the state.
    #[must_use]
    pub fn stopping(mut self, mut stops: Vec<Stop>) -> Self {
        stops.retain(|stop| stop.seq > self.seq);
        stops.sort_by_key(|stop| stop.seq);
        self.stops = stops.into();
        self
    }

    /// Tells `overseer` of each script, and `vigil` of each row.
    pub fn oversee(&mut self, vigil: Arc<Vigil>, overseer: Arc<dyn Overseer>) {
        self.evaluator.oversee(overseer);
        vigil.costs().judge_by(Arc::clone(self.evaluator.rules()));
        self.vigil = Some(vigil);
    }

    /// The rules that are to be stopped before the row `seq` or one before it.
    pub fn stops_by(&self, seq: Seq) -> Vec<Stopped> {
        self.stops.iter().take_while(|stop| stop.seq <= seq).map(|stop| stop.stopped.clone()).collect()
    }

    /// What is under way between two findings.
    pub fn outlooks(&self, now: Now) -> impl Iterator<Item = Outlook> + '_ {
        self.evaluator.outlooks(now)
    }

    /// Judges a commit; what there is to say is added to `out`. Rows already taken are passed over.
    pub fn judge(&mut self, commit: &Commit, out: &mut Vec<Said>) {
        let before = out.len();
        self.screen.clear();
        for (seq, row) in commit.numbered() {
            if seq > self.seq {
                self.seq = seq;
                self.rows_since_snapshot += 1;
                self.begin(commit.now, seq);
                self.judge_row(commit.now, seq, row);
                // What explains the findings comes before them.
                out.extend(self.evaluator.tended().iter().cloned().map(Said::Tended));
                out.extend(self.evaluator.outages().iter().cloned().map(Said::Outage));
                out.extend(self.found.drain(..).map(Said::Finding));
            }
        }
        self.latest.write(self.screen.drain(..));
        self.said += u64::try_from(out.len() - before).unwrap_or(0);
    }

    /// Before a row: the rules that must not see it are stopped.
    fn begin(&mut self, now: Now, seq: Seq) {
        if let Some(vigil) = &self.vigil {
            vigil.row(seq);
        }
        while let Some(stop) = self.stops.pop_front_if(|stop| stop.seq <= seq) {
            self.evaluator.stop(now, seq, stop.stopped, &mut self.found);
        }
    }

    fn judge_row(&mut self, now: Now, seq: Seq, row: &Row) {
        let out = &mut self.found;
        match row {
            Row::Reading(reading) => {
                let observed = self.evaluator.observe(now, seq, reading, out);
                let reading = &self.evaluator.rules().site().corrected(reading);
                self.screen.push((
                    reading.point,
                    Latest {
                        observed_at: reading.observed_at,
                        received_at: reading.received_at,
                        value: reading.value.map(watchfire_model::quantity::Finite::get),
                        flag: observed.flag,
                        checks: observed.checks,
                        state: reading.state,
                    },
                ));
            }
            Row::Link(change) => self.evaluator.link(now, seq, change, out),
            Row::Tick => self.evaluator.tick(now, seq, out),
            Row::Upkeep(upkeep) => self.evaluator.upkeep(now, seq, upkeep, out),
            // Stands alone in its commit, and goes through `reload`.
            Row::Revision(_) => {}
        }
    }

    /// Judges by other rules from the row `seq` on, unless they are the same; what changed by that is added to `out`. The
    /// reload itself counts as one thing said.
    pub fn reload(&mut self, rules: Arc<RuleSet>, (now, seq): (Now, Seq), orphans: Orphans, out: &mut Vec<Said>) {
        let before = out.len();
        self.begin(now, seq);
        out.extend(self.found.drain(..).map(Said::Finding));
        let same = rules.site().revision == self.rules().site().revision && orphans == Orphans::Hold;
        if let Some(vigil) = &self.vigil {
            vigil.costs().judge_by(Arc::clone(&rules));
        }
        if !same {
            self.evaluator.reload(rules, seq, orphans, &mut self.found);
            out.extend(self.found.drain(..).map(Said::Finding));
        }
        self.seq = seq;
        self.rows_since_snapshot += 1;
        self.said += 1 + u64::try_from(out.len() - before).unwrap_or(0);
    }

    /// The rules it judges by.
    pub fn rules(&self) -> &Arc<RuleSet> {
        self.evaluator.rules()
    }

    /// Takes over what the ledger recorded and the rows no longer tell; what stands then is added to `out`.
    pub fn take_over(&mut self, recorded: &[Standing], out: &mut Vec<Said>) {
        let before = out.len();
        self.evaluator.take_over(self.seq, recorded, &mut self.found);
        out.extend(self.found.drain(..).map(Said::Finding));
        self.said += u64::try_from(out.len() - before).unwrap_or(0);
    }

    /// When silence next becomes a finding; the journal writes a tick then.
    pub fn next_deadline(&self) -> Option<Steady> {
        self.evaluator.next_deadline()
    }

    /// What it knows of the points.
    pub fn gate(&self) -> &Gate {
        self.evaluator.gate()
    }

    /// Taken up to and with this row.
    pub const fn seq(&self) -> Seq {
        self.seq
    }

    /// Findings and outages said since the start of this process.
    pub const fn said(&self) -> u64 {
        self.said
    }

    /// One thing more is said beside what it found, and belongs into the ledger as that does.
    pub const fn says_one_more(&mut self) {
        self.said += 1;
    }

    /// The state, if it is time to keep it.
    pub fn snapshot_if_due(&mut self, now: Now) -> Option<Snapshot> {
        let due = self.rows_since_snapshot >= SNAPSHOT_ROWS
            || (self.rows_since_snapshot > 0 && now.steady >= self.snapshot_due);
        due.then(|| {
            self.rows_since_snapshot = 0;
            self.snapshot_due = now.steady + SNAPSHOT_EVERY;
            self.snapshot()
        })
    }

    /// The state as it is.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { seq: self.seq, said: self.said, state: self.evaluator.snapshot() }
    }
}
