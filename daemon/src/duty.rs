//! The duty loop's heart, without its thread: findings, commands, receipts and deadlines go through the Desk, what it
//! decides goes to the ledger, and only what the ledger holds goes out. Deliberately not here: sockets, and any decision
//! about warnings.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use watchfire_model::bulletin::Notice;
use watchfire_model::command::{Command, Refusal};
use watchfire_model::deed::Deed;
use watchfire_model::durable::Durable;
use watchfire_model::finding::Finding;
use watchfire_model::id::{ChannelName, NoticeId, Revision, Seq};
use watchfire_model::incident::Outage;
use watchfire_model::mode::Mode;
use watchfire_model::receipt::Receipt;
use watchfire_model::reload::{Orphans, Reload};
use watchfire_model::site::Site;
use watchfire_model::time::{Now, Span, Steady};
use watchfire_model::upkeep::{Tended, Upkeep};
use watchfire_model::watch::Watch;
use watchfire_rules::desk::{Desk, Event, Input};
use watchfire_rules::figures::{Fact, Watcher};

use crate::storage::ledger::{Entry, Ledger, LedgerError, LedgerId};
use crate::views::DeskView;

mod queue;

use queue::{Queue, Waiting};

/// A finding whose journal row is not on disk after this long is recorded all the same, marked unjournaled: a sick disk
/// must not silence a warning.
pub const JOURNAL_LAG_MAX: Span = Span::seconds(2);

/// Where there are many places, who looks out for them is shown as it was so long ago at most.
const WATCHES_EVERY: Span = Span::seconds(1);
/// So few are always shown as they are.
const FEW_WATCHES: usize = 500;

/// Things said by shards that one round hears at most, so that what is urgent among the rest waits for one round at most.
const HEARD_A_ROUND: usize = 1_024;
/// Of these no more are kept here than this: the shard waits.
const WAITING_MAX: usize = 131_072;

/// Notices that one courier holds at a time; the rest stay in the Desk's outbox until receipts make room.
pub const IN_FLIGHT: usize = 64;

/// Something for the Desk.
#[derive(Debug)]
pub enum Said {
    /// A shard's, of one subject.
    Finding(Finding),
    /// A shard's, of what many sensors share.
    Outage(Outage),
    /// A shard's, of a sensor that people are at.
    Tended(Tended),
    /// A person's.
    Command(Command),
    /// What was done or refused beside the Desk.
    Deed(Deed),
    /// A courier's.
    Receipt(Receipt),
    /// A shard's: from here on another revision judges.
    Reload(Reloading),
}

/// A shard has gone over to another revision, and the Desk is to follow it.
#[derive(Debug)]
pub struct Reloading {
    /// Which, and by whom.
    pub reload: Box<Reload>,
    /// The journal's row from which it judges.
    pub seq: Seq,
    /// What it says.
    pub site: Arc<Site>,
}

/// What one round came to. Everything in it is in the ledger.
#[derive(Debug)]
pub struct Round<M: Mode> {
    /// For the couriers, red first, in order per warning.
    pub send: Vec<Durable<Notice<M>>>,
    /// Answers to commands and deeds, in the order they were asked.
    pub answers: Vec<Result<(), Refusal>>,
    /// Findings now in the ledger or known to be repeats, with all that were said before them.
    pub findings: u64,
    /// How many of them before their journal row was durable.
    pub unjournaled: u64,
    /// Works on sensors that were granted and not done yet, in order: rows for the journal.
    pub upkeeps: Vec<Upkeep>,
    /// What of it counts for those on duty.
    pub facts: Vec<Fact>,
    /// Whether anything on the Desk changed.
    pub changed: bool,
}

/// Why the duty loop cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum DutyError {
    /// The ledger cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A record is whole, and this program does not understand it.
    #[error("cannot understand ledger record {record}")]
    Unreadable {
        /// Its number.
        record: u64,
        /// Why not.
        source: serde_json::Error,
    },
    /// Something decided has no form in JSON.
    #[error("cannot write down what was decided")]
    Unwritable(#[source] serde_json::Error),
}

/// The Desk with its ledger.
pub struct Duty<M: Mode> {
    desk: Desk<M>,
    ledger: Ledger,
    /// What waits for the journal and for its turn.
    waiting: Queue,
    /// Whether more of it could have been heard in the last round.
    more: bool,
    /// How much of what was said first is known to be in the ledger.
    heard: u64,
    in_flight: BTreeMap<ChannelName, BTreeSet<NoticeId>>,
    /// What the ledger holds, as proof for what leaves.
    proof: Durable<LedgerId>,
    /// What the reloads among the inputs bring, in order.
    sites: VecDeque<(Seq, Arc<Site>)>,
    /// Decided and not yet in the ledger: only while the ledger's disk refuses. Nothing leaves meanwhile.
    unrecorded: Vec<Entry>,
    /// Answers to the commands among them.
    unanswered: Vec<Result<(), Refusal>>,
    /// Findings among them, and those of them that were not on disk.
    uncounted: u64,
    /// The highest journal row that the ledger knew at the start.
    highest: Seq,
    unjournaled: u64,
    version: u64,
    /// Who looks out for what, and as of when: of ten thousand places it is not worked out anew each time.
    watches: Arc<[Watch]>,
    watched_at: Option<Steady>,
    watcher: Watcher,
    /// What those on duty would count of what is not in the ledger yet.
    uncounted_facts: Vec<Fact>,
}

impl<M: Mode> Duty<M> {
    /// Opens the Desk as the ledger left it: events are applied, nothing is decided again. It goes on under the site that
    /// it was under, as far as `former` knows that; else under `site`.
    pub fn open(
        site: Arc<Site>,
        former: impl FnOnce(&Revision) -> Option<Arc<Site>>,
        mut ledger: Ledger,
        now: Now,
    ) -> Result<Self, DutyError> {
        let mut desk = Desk::new(Arc::clone(&site));
        let mut highest = Seq(0);
        let mut watcher = Watcher::default();
        for record in ledger.read(LedgerId(1)) {
            let record = record?;
            let unreadable = |source| DutyError::Unreadable { record: record.id.0, source };
            let events: Vec<Event<M>> = serde_json::from_str(&record.entry.events).map_err(unreadable)?;
            match serde_json::from_str(&record.entry.input).map_err(unreadable)? {
                Input::Finding(finding) => highest = highest.max(finding.seq),
                Input::Outage(outage) => highest = highest.max(outage.seq),
                Input::Tended(tended) => highest = highest.max(tended.seq),
                Input::Reload { seq, .. } => highest = highest.max(seq),
                Input::Start | Input::Command(_) | Input::Deed(_) | Input::Receipt(_) | Input::Tick => {}
            }
            for event in &events {
                desk.apply(record.entry.now, event);
            }
            watcher.see(&desk, record.entry.now, &events);
        }
        if let Some(former) = desk.reloaded().and_then(|(_, revision)| former(revision)) {
            desk.reload(former);
        }
        let site = Arc::clone(desk.site());
        let input = Input::Start;
        let events = desk.step(now, &input);
        let uncounted_facts = watcher.see(&desk, now, &events);
        let proof = ledger.append(&[encode(now, &input, &events)?])?;
        let in_flight = site.channels.iter().map(|channel| (channel.name.clone(), BTreeSet::new())).collect();
        Ok(Self {
            desk,
            ledger,
            waiting: Queue::default(),
            more: false,
            heard: 0,
            sites: VecDeque::new(),
            in_flight,
            proof,
            unrecorded: Vec::new(),
            unanswered: Vec::new(),
            uncounted: 0,
            highest,
            unjournaled: 0,
            version: 0,
            watches: Arc::default(),
            watched_at: None,
            watcher,
            uncounted_facts,
        })
    }

    /// Takes what was said, and what has waited long enough, through the Desk and into the ledger. `durable` is the
    /// journal's last synced row. On an error nothing has left and everything said is remembered: call again, with
    /// nothing new said until it succeeds.
    pub fn round(&mut self, now: Now, durable: Seq, said: Vec<Said>) -> Result<Round<M>, DutyError> {
        let mut inputs = Vec::with_capacity(said.len());
        let mut asked = Vec::new();
        for said in said {
            match said {
                Said::Finding(finding) => self.waiting.push(now.steady, Waiting::Finding(finding)),
                Said::Outage(outage) => self.waiting.push(now.steady, Waiting::Outage(outage)),
                Said::Tended(tended) => self.waiting.push(now.steady, Waiting::Tended(tended)),
                Said::Reload(reloading) => self.waiting.push(now.steady, Waiting::Reload(reloading)),
                Said::Command(command) => {
                    asked.push(inputs.len());
                    inputs.push(Input::Command(command));
                }
                Said::Deed(deed) => {
                    asked.push(inputs.len());
                    inputs.push(Input::Deed(deed));
                }
                Said::Receipt(receipt) => {
                    if receipt.outcome.is_final()
                        && let Some(flying) = self.in_flight.get_mut(&receipt.channel)
                    {
                        flying.remove(&receipt.notice);
                    }
                    inputs.push(Input::Receipt(receipt));
                }
            }
        }
        self.ripe(now, durable, &mut inputs);
        if self.desk.next_deadline().is_some_and(|due| due <= now.steady) {
            inputs.push(Input::Tick);
        }
        let mut round = self.decide(now, &inputs, &asked)?;
        round.facts = std::mem::take(&mut self.uncounted_facts);
        let heard = self.waiting.heard();
        round.findings = heard - std::mem::replace(&mut self.heard, heard);
        round.unjournaled = std::mem::take(&mut self.uncounted);
        self.unjournaled += round.unjournaled;
        round.send = self.hand_out();
        round.upkeeps = self.desk.upkeeps().cloned().collect();
        Ok(round)
    }

    /// Moves what is durable, or has waited too long, to the inputs.
    fn ripe(&mut self, now: Now, durable: Seq, inputs: &mut Vec<Input>) {
        let is_ripe = |since, seq| seq <= durable || now.steady - since >= JOURNAL_LAG_MAX;
        let (taken, left) = self.waiting.take(HEARD_A_ROUND, is_ripe);
        self.more = left > 0;
        for waiting in taken {
            self.uncounted += u64::from(waiting.seq() > durable);
            match waiting {
                Waiting::Finding(finding) => inputs.push(Input::Finding(finding)),
                Waiting::Outage(outage) => inputs.push(Input::Outage(outage)),
                Waiting::Tended(tended) => inputs.push(Input::Tended(tended)),
                Waiting::Reload(Reloading { reload, seq, site }) => {
                    self.sites.push_back((seq, site));
                    inputs.push(Input::Reload { reload, seq });
                }
            }
        }
    }

    fn decide(&mut self, now: Now, inputs: &[Input], asked: &[usize]) -> Result<Round<M>, DutyError> {
        for (place, input) in inputs.iter().enumerate() {
            if let Input::Reload { reload, seq } = input
                && !self.go_over(reload, *seq)
            {
                continue;
            }
            let events = self.desk.step(now, input);
            if asked.contains(&place) {
                let refusal = events.iter().find_map(Event::refusal);
                self.unanswered.push(refusal.map_or(Ok(()), |refusal| Err(refusal.clone())));
            }
            if !events.is_empty() {
                self.uncounted_facts.extend(self.watcher.see(&self.desk, now, &events));
                self.unrecorded.push(encode(now, input, &events)?);
            }
        }
        let changed = !self.unrecorded.is_empty();
        if changed {
            self.proof = self.ledger.append(&self.unrecorded)?;
            self.unrecorded.clear();
        }
        let answers = std::mem::take(&mut self.unanswered);
        let (findings, unjournaled) = (0, 0);
        Ok(Round { send: Vec::new(), answers, findings, unjournaled, upkeeps: Vec::new(), facts: Vec::new(), changed })
    }

    /// Gives the Desk the site that a reload brings. False where it has been there before: nothing is to be decided.
    fn go_over(&mut self, reload: &Reload, seq: Seq) -> bool {
        let site = self.sites.iter().position(|(of, _)| *of == seq).and_then(|at| self.sites.remove(at));
        let last = self.desk.reloaded();
        let Some((_, site)) = site.filter(|_| last.is_none_or(|(last, _)| *last < seq)) else { return false };
        let same = |(_, revision): &(Seq, Revision)| *revision == reload.revision && reload.orphans == Orphans::Hold;
        let is_news = !last.is_some_and(same);
        for channel in &site.channels {
            self.in_flight.entry(channel.name.clone()).or_default();
        }
        self.desk.reload(site);
        self.watched_at = None;
        is_news
    }

    /// Gives each courier what it has room for.
    fn hand_out(&mut self) -> Vec<Durable<Notice<M>>> {
        let mut send = Vec::new();
        // With thousands on their way they are not gone through for nothing.
        let room = |name: &ChannelName, flying: &BTreeSet<NoticeId>| {
            IN_FLIGHT.saturating_sub(flying.len()).min(self.desk.unsettled_on(name, flying))
        };
        let mut room: usize = self.in_flight.iter().map(|(name, flying)| room(name, flying)).sum();
        let mut unsettled = self.desk.unsettled();
        while room > 0
            && let Some(notice) = unsettled.next()
        {
            let Some(flying) = self.in_flight.get_mut(&notice.channel) else { continue };
            if flying.len() < IN_FLIGHT && flying.insert(notice.id.clone()) {
                send.push(self.proof.clone().map(|_| notice.clone()));
                room -= 1;
            }
        }
        send
    }

    /// When [`round`](Self::round) next wants to be called although nobody says anything.
    pub fn next_deadline(&self) -> Option<Steady> {
        let patience = if self.more { Span(0) } else { JOURNAL_LAG_MAX };
        let waiting = self.waiting.since().map(|since| since + patience);
        [waiting, self.desk.next_deadline()].into_iter().flatten().min()
    }

    /// The highest journal row that the ledger spoke of when it was opened. Where the journal has lost it, its number must
    /// not be given again.
    pub const fn highest_seq(&self) -> Seq {
        self.highest
    }

    /// Whether a finding waits for the journal.
    pub fn waits_for_journal(&self) -> bool {
        self.waiting.len() > 0
    }

    /// Whether more could be heard at once.
    pub const fn has_more(&self) -> bool {
        self.more
    }

    /// Whether more may be said: not while very much waits to be heard.
    pub fn has_room(&self) -> bool {
        self.waiting.len() < WAITING_MAX
    }

    /// The Desk for the screens.
    pub fn view(&mut self, now: Now) -> DeskView {
        self.version += 1;
        let known = self.watched_at.is_some_and(|at| now.steady - at < WATCHES_EVERY);
        if !known || self.watches.len() <= FEW_WATCHES {
            self.watches = self.desk.watches().collect();
            self.watched_at = Some(now.steady);
        }
        let view = DeskView::with(&self.desk, now, Arc::clone(&self.watches));
        DeskView { version: self.version, unjournaled: self.unjournaled, ..view }
    }

    /// When who looks out for what should be shown anew, if the view of `now` shows it as it was before.
    pub fn look_again_at(&self, now: Now) -> Option<Steady> {
        self.watched_at.filter(|at| *at != now.steady).map(|at| at + WATCHES_EVERY)
    }

    /// The Desk, to look at.
    pub const fn desk(&self) -> &Desk<M> {
        &self.desk
    }

    /// The ledger, to look at.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Closes; the ledger goes back to whoever wants to open it again.
    pub fn into_ledger(self) -> Ledger {
        self.ledger
    }
}

fn encode<M: Mode>(now: Now, input: &Input, events: &[Event<M>]) -> Result<Entry, DutyError> {
    let input = serde_json::to_string(input).map_err(DutyError::Unwritable)?;
    let events = serde_json::to_string(events).map_err(DutyError::Unwritable)?;
    Ok(Entry { now, input, events })
}
