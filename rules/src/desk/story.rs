//! A few words to tell stories about a Desk with; for tests. Where they happen is in [`place`].
//!
//! A story is a line of words split by `;`. `a red`, `a clear`, `a lost`, `a back` are findings about station `a` (`b`, `c`
//! likewise; `x` lies in another area); `+30m` lets time pass, with ticks; `zhang signs`, `zhang acks`, `zhang cancels`
//! act on the last warning as it stands; `zhang sets a red 2h` is a word against the judged grade; `delivered`, `failing`,
//! `refused` answer the oldest unsettled notice, `all delivered` every one. On one alarm, as it stands: `zhang acks a`,
//! `unacks`, `confirms`, `resets` (each also with `fault` at the end), `zhang takes a`, `zhang drops a`,
//! `zhang hands a li`, `zhang comments a`, `zhang shelves a yellow 8h` (`shelves_once`), `zhang unshelves a`, `zhang stops a
//! 2h` (out of service), `zhang starts a`. `zhang reports bridge red` is what somebody saw there, and `over` ends it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use watchfire_model::{
    alarm::{Alarm, AlarmKey},
    attention::Concern,
    bulletin::Bulletin,
    command::{Act, Command, Refusal, Report},
    finding::{Change, Evidence, Finding},
    grade::Grade,
    id::{ChannelName, CommandId, HazardId, NoticeId, PersonId, Revision, RuleId, Seq, SubjectId},
    mode::{Live, Mode},
    receipt::{Outcome, Receipt},
    site::{Audience, Site},
    time::{Now, Span, Steady, Timestamp},
    warning::Warning,
};

use super::{Desk, Event, Input};

mod place;

use place::level;
pub(super) use place::{automatic, demo, flood, rule, site};

/// 2026-08-01T06:00:00Z: 14:00 at the site.
pub(super) const START: Timestamp = Timestamp(1_785_564_000_000);

/// What a person may do to one alarm in three words.
pub(super) const ALARM_ACTS: [&str; 9] =
    ["acks", "unacks", "confirms", "resets", "takes", "drops", "comments", "unshelves", "starts"];

/// A Desk whose story is being told, with all that was said and decided.
#[derive(Clone)]
pub(super) struct Story<M: Mode = Live> {
    pub(super) desk: Desk<M>,
    pub(super) site: Arc<Site>,
    pub(super) now: Now,
    pub(super) record: Vec<(Now, Input, Vec<Event<M>>)>,
    counts: BTreeMap<AlarmKey, u64>,
    commands: u64,
}

impl<M: Mode> Story<M> {
    pub(super) fn begin(site: Site) -> Self {
        let site = Arc::new(site);
        Self {
            desk: Desk::new(Arc::clone(&site)),
            site,
            now: Now { wall: START, steady: Steady(0) },
            record: Vec::new(),
            counts: BTreeMap::new(),
            commands: 0,
        }
    }

    pub(super) fn told(site: Site, story: &str) -> Self {
        let mut told = Self::begin(site);
        told.tell(story);
        told
    }

    /// Goes on; every command is expected to be accepted.
    pub(super) fn tell(&mut self, story: &str) {
        for words in story.split(';').map(str::trim).filter(|words| !words.is_empty()) {
            if let Err(refusal) = self.try_one(words) {
                panic!("\"{words}\" was refused: {refusal}");
            }
        }
    }

    /// One sentence that is refused, with these words.
    pub(super) fn refuse(&mut self, words: &str, why: &str) {
        let refused = self.try_one(words).map_or_else(|refusal| refusal.to_string(), |()| "accepted".to_owned());
        assert_eq!(refused, why, "{words}");
    }

    /// One sentence, which may be refused.
    pub(super) fn try_one(&mut self, words: &str) -> Result<(), Refusal> {
        let words: Vec<&str> = words.split_whitespace().collect();
        match words[..] {
            [span] if span.starts_with('+') => self.pass(span[1..].parse().expect("a span")),
            ["delivered"] => self.answer(1, &Outcome::Delivered { reference: Some("R-1".to_owned()), coverage: None }),
            ["failing"] => self.answer(1, &Outcome::Failing { reason: "timed out".to_owned() }),
            ["refused"] => self.answer(1, &Outcome::Refused { reason: "400".to_owned() }),
            ["all", "delivered"] => {
                self.answer(usize::MAX, &Outcome::Delivered { reference: None, coverage: Some(0.97) });
            }
            [who, "signs"] => {
                let (warning, version) = self.last(|w| w.waiting.as_ref().map_or(w.version, |waiting| waiting.version));
                return self.command(who, Act::Release { warning, version });
            }
            [who, "acks"] => {
                let (warning, version) = self.last(|w| w.version);
                return self.command(who, Act::Acknowledge { warning, version });
            }
            [who, "cancels"] => {
                let (warning, version) = self.last(|w| w.version);
                return self.command(who, Act::Cancel { warning, version });
            }
            [who, "stops", subject, span] => {
                let lasting = span.parse().expect("a span");
                return self.command(who, Act::TakeOut { alarm: key("stage", subject), lasting });
            }
            [who, act @ ("shelves" | "shelves_once"), subject, grade, span] => {
                let (upto, lasting) = (Some(grade.parse().expect("a grade")), span.parse().expect("a span"));
                let alarm = key("stage", subject);
                return self.command(who, Act::Shelve { alarm, upto, lasting, one_shot: act == "shelves_once" });
            }
            [who, "reports", place, grade] => {
                let report = Report {
                    hazard: HazardId::from("river_flood"),
                    area: self.site.stations[0].area.clone(),
                    place: place.to_owned(),
                    grade: grade.parse().ok(),
                    seen_at: self.now.wall - Span::minutes(5),
                    by: "village head Li".to_owned(),
                };
                return self.command(who, Act::Report(report));
            }
            [who, "sets", subject, grade, span] => {
                let lasting = span.parse().expect("a span");
                return self
                    .command(who, Act::SetGrade { alarm: key("stage", subject), grade: grade.parse().ok(), lasting });
            }
            [who, act, subject] if ALARM_ACTS.contains(&act) => {
                return self.act_on_alarm(who, act, subject, Concern::Hazard);
            }
            [who, act, subject, "fault"] => return self.act_on_alarm(who, act, subject, Concern::Fault),
            [who, "hands", subject, to] => {
                return self.command(who, Act::Assign { alarm: key("stage", subject), to: Some(to.into()) });
            }
            [subject, what] => self.find("stage", subject, what),
            [rule, subject, what] => self.find(rule, subject, what),
            _ => panic!("what does {words:?} mean?"),
        }
        Ok(())
    }

    fn act_on_alarm(&mut self, who: &str, act: &str, subject: &str, concern: Concern) -> Result<(), Refusal> {
        let alarm = key("stage", subject);
        let version = self.alarm("stage", subject).map_or(0, |alarm| alarm.version);
        let act = match act {
            "acks" => Act::AcknowledgeAlarm { alarm, version, concern },
            "unacks" => Act::Unacknowledge { alarm, concern },
            "confirms" => Act::Confirm { alarm, version, concern },
            "resets" => Act::Reset { alarm, concern },
            "takes" => Act::Assign { alarm, to: Some(who.into()) },
            "drops" => Act::Assign { alarm, to: None },
            "comments" => Act::Comment { alarm },
            "unshelves" => Act::Unshelve { alarm },
            "starts" => Act::PutBack { alarm },
            other => panic!("what does \"{other}\" mean?"),
        };
        self.command(who, act)
    }

    pub(super) fn step(&mut self, input: Input) -> Vec<Event<M>> {
        let events = self.desk.step(self.now, &input);
        self.record.push((self.now, input, events.clone()));
        self.check_indexes();
        events
    }

    /// What is kept to be found quickly is what a search would find.
    fn check_indexes(&self) {
        let noteworthy = self.desk.alarms().filter(|alarm| alarm.is_noteworthy());
        assert!(self.desk.noteworthy().eq(noteworthy), "noteworthy alarms");
        for channel in &self.site.channels {
            let unsettled = self.desk.unsettled().filter(|notice| notice.channel == channel.name).count();
            assert_eq!(self.desk.unsettled_on(&channel.name, &BTreeSet::new()), unsettled, "{}", channel.name);
        }
    }

    /// Lets time pass; whenever the Desk wants to be called, it is.
    pub(super) fn pass(&mut self, span: Span) {
        let end = self.now.steady + span;
        while let Some(due) = self.desk.next_deadline().filter(|due| *due <= end) {
            let waited = (due - self.now.steady).max(Span::ZERO);
            self.now = Now { wall: self.now.wall + waited, steady: self.now.steady + waited };
            let _ = self.step(Input::Tick);
        }
        let rest = end - self.now.steady;
        self.now = Now { wall: self.now.wall + rest, steady: end };
    }

    fn find(&mut self, rule: &str, subject: &str, what: &str) {
        let finding = self.finding(rule, subject, what);
        let _ = self.step(Input::Finding(finding));
    }

    /// The finding that an honest Evaluator would make.
    pub(super) fn finding(&mut self, rule: &str, subject: &str, what: &str) -> Finding {
        let key = key(rule, subject);
        let n = self.counts.entry(key.clone()).or_default();
        *n += 1;
        let n = *n;
        let old = self.alarm(rule, subject);
        let from = old.and_then(|alarm| alarm.judged);
        let evidence = old.map_or(Evidence::Good, |alarm| alarm.evidence.clone());
        let at = self.now.wall;
        let (change, judged, evidence) = match what {
            "lost" => (Change::Evidence, from, Evidence::NoData { since: at - Span::minutes(10) }),
            "faulty" => (Change::LostWhileRising, from, Evidence::NoData { since: at - Span::minutes(10) }),
            "verify" => (Change::Verify, from, evidence),
            "calibrating" => (Change::OverInCalibration, from, Evidence::Calibrating),
            "retracted" => (Change::Retracted, None, evidence),
            "missed" => (Change::MissedCrossing, from, evidence),
            "back" => (Change::Evidence, from, Evidence::Good),
            "starting" => (Change::Evidence, from, Evidence::Starting),
            "clear" => (Change::Lifted, None, Evidence::Good),
            grade => {
                let grade: Option<Grade> = Some(grade.parse().expect("a grade"));
                (if grade < from { Change::Lifted } else { Change::Raised }, grade, Evidence::Good)
            }
        };
        Finding {
            rule: key.rule,
            subject: key.subject,
            n,
            seq: Seq(u64::try_from(self.record.len()).expect("small")),
            revision: Revision::default(),
            change,
            from,
            judged,
            pending: matches!(change, Change::Verify | Change::OverInCalibration).then_some(Grade::Red),
            value: (!evidence.is_lost()).then(|| level(judged) + 0.12),
            threshold: judged.map(|_| level(judged)),
            evidence,
            at,
            onset: at,
            causes: Vec::new(),
            heard_at: (change == Change::Raised).then_some(at),
            doubt: None,
        }
    }

    pub(super) fn command(&mut self, who: &str, act: Act) -> Result<(), Refusal> {
        self.commands += 1;
        let id = CommandId::from(format!("c{}", self.commands));
        self.command_as(Command {
            id,
            who: PersonId::from(who),
            why: "as seen".to_owned(),
            from: "cli".to_owned(),
            act,
        })
    }

    pub(super) fn command_as(&mut self, command: Command) -> Result<(), Refusal> {
        let events = self.step(Input::Command(command.clone()));
        let answers = events.iter().filter(|event| matches!(event, Event::Answered { .. })).count();
        assert_eq!(answers, 1, "every command is answered once");
        match events.iter().find_map(Event::refusal) {
            Some(refusal) => Err(refusal.clone()),
            None => {
                assert_eq!(events.iter().find_map(Event::accepted), Some(&command.id));
                Ok(())
            }
        }
    }

    fn answer(&mut self, most: usize, outcome: &Outcome) {
        let open: Vec<(NoticeId, ChannelName)> =
            self.desk.unsettled().take(most).map(|notice| (notice.id.clone(), notice.channel.clone())).collect();
        for (notice, channel) in open {
            let (at, outcome, tried) = (self.now.wall, outcome.clone(), Vec::new());
            let receipt = Receipt { notice, channel, at, attempts: 1, outcome, tried };
            let _ = self.step(Input::Receipt(receipt));
        }
    }

    pub(super) fn last<T>(&self, of: impl Fn(&Warning) -> T) -> (watchfire_model::id::WarningId, T) {
        let warning = self.desk.warnings().last().expect("a warning");
        (warning.id.clone(), of(warning))
    }

    pub(super) fn alarm(&self, rule: &str, subject: &str) -> Option<&Alarm> {
        self.desk.alarms().find(|alarm| alarm.key == key(rule, subject)).map(|alarm| &**alarm)
    }

    /// The Desk that a restart would build: events applied, through the ledger's JSON and back.
    pub(super) fn restarted(&self) -> Desk<M> {
        let mut desk = Desk::new(Arc::clone(&self.site));
        for (now, _, events) in &self.record {
            let kept = serde_json::to_string(events).expect("events are plain data");
            let events: Vec<Event<M>> = serde_json::from_str(&kept).expect("what was written is read");
            events.iter().for_each(|event| desk.apply(*now, event));
        }
        desk
    }

    pub(super) fn bulletins(&self) -> impl Iterator<Item = &Bulletin> {
        let events = self.record.iter().flat_map(|(_, _, events)| events);
        events.filter_map(|event| if let Event::Spoken { bulletin, .. } = event { Some(&**bulletin) } else { None })
    }

    /// Every bulletin in order: `i` or `p`, what it does, and the grade.
    pub(super) fn said(&self) -> String {
        let one = |bulletin: &Bulletin| {
            let to = if bulletin.audience == Audience::Internal { 'i' } else { 'p' };
            let class = bulletin.class.event().trim_start_matches("warning.");
            let held = if bulletin.evidence_lost.is_some() { " held" } else { "" };
            format!("{to} {class} {}{held}", bulletin.grade)
        };
        self.bulletins().map(one).collect::<Vec<_>>().join(", ")
    }
}

pub(super) fn key(rule: &str, subject: &str) -> AlarmKey {
    AlarmKey { rule: RuleId::from(rule), subject: SubjectId::from(subject) }
}
