//! What the shards said and the Desk has not heard yet. It is heard in order while there is little of it. In a flood what
//! is orange or red is heard first, and before it what was said of the same subjects earlier: of one subject nothing
//! overtakes anything, and nothing overtakes a reload.

use std::collections::{BTreeSet, VecDeque};

use watchfire_model::alarm::AlarmKey;
use watchfire_model::finding::Finding;
use watchfire_model::grade::Grade;
use watchfire_model::id::Seq;
use watchfire_model::incident::Outage;
use watchfire_model::time::Steady;
use watchfire_model::upkeep::Tended;

use super::Reloading;

/// Something said that waits for the journal and for its turn.
#[derive(Debug)]
pub(super) enum Waiting {
    Finding(Finding),
    Outage(Outage),
    Tended(Tended),
    Reload(Reloading),
}

impl Waiting {
    /// The journal's row from which it comes.
    pub(super) const fn seq(&self) -> Seq {
        match self {
            Self::Finding(finding) => finding.seq,
            Self::Outage(outage) => outage.seq,
            Self::Tended(tended) => tended.seq,
            Self::Reload(reloading) => reloading.seq,
        }
    }

    /// The subject, of what must not wait behind lower grades.
    fn urgent(&self) -> Option<AlarmKey> {
        match self {
            Self::Finding(finding) if finding.judged >= Some(Grade::Orange) => Some(subject(finding)),
            Self::Finding(_) | Self::Outage(_) | Self::Tended(_) | Self::Reload(_) => None,
        }
    }
}

fn subject(finding: &Finding) -> AlarmKey {
    AlarmKey { rule: finding.rule.clone(), subject: finding.subject.clone() }
}

/// One thing said, with its number and when it came.
#[derive(Debug)]
struct Place {
    number: u64,
    since: Steady,
    what: Waiting,
}

/// The queue, in the order in which things were said.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Place>,
    /// How many things were ever said.
    said: u64,
}

impl Queue {
    pub(super) fn push(&mut self, since: Steady, what: Waiting) {
        self.waiting.push_back(Place { number: self.said, since, what });
        self.said += 1;
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// When the first that waits came.
    pub(super) fn since(&self) -> Option<Steady> {
        self.waiting.front().map(|place| place.since)
    }

    /// Of so many things said first, none waits any more.
    pub(super) fn heard(&self) -> u64 {
        self.waiting.front().map_or(self.said, |place| place.number)
    }

    /// Takes at most `most` of those that need not wait any longer, and says how many of these are left. `is_ripe` must
    /// hold of whatever comes before one of which it holds.
    pub(super) fn take(&mut self, most: usize, is_ripe: impl Fn(Steady, Seq) -> bool) -> (Vec<Waiting>, usize) {
        let ripe = self.waiting.partition_point(|place| is_ripe(place.since, place.what.seq()));
        let taken = if ripe > most { self.take_urgent(most, ripe) } else { Vec::new() };
        let more = most.saturating_sub(taken.len()).min(ripe - taken.len());
        let left = ripe - taken.len() - more;
        (taken.into_iter().chain(self.waiting.drain(..more)).map(|place| place.what).collect(), left)
    }

    /// At most `most` of the first `ripe`: what was said of the subjects that are orange or red.
    fn take_urgent(&mut self, most: usize, ripe: usize) -> Vec<Place> {
        let reload = |place: &Place| matches!(place.what, Waiting::Reload(_));
        let until = self.waiting.range(..ripe).position(reload).unwrap_or(ripe);
        let urgent: BTreeSet<AlarmKey> =
            self.waiting.range(..until).filter_map(|place| place.what.urgent()).take(most).collect();
        if urgent.is_empty() {
            return Vec::new();
        }
        let rest = self.waiting.split_off(until);
        let (mut taken, mut left) =
            (Vec::with_capacity(most), VecDeque::with_capacity(self.waiting.len() + rest.len()));
        for place in self.waiting.drain(..) {
            let goes = match &place.what {
                Waiting::Finding(finding) => taken.len() < most && urgent.contains(&subject(finding)),
                Waiting::Outage(_) | Waiting::Tended(_) | Waiting::Reload(_) => false,
            };
            if goes {
                taken.push(place);
            } else {
                left.push_back(place);
            }
        }
        left.extend(rest);
        self.waiting = left;
        taken
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};
    use watchfire_model::finding::{Change, Evidence};
    use watchfire_model::id::{Revision, RuleId, SubjectId};
    use watchfire_model::time::Timestamp;

    use super::*;

    fn finding(subject: u8, n: u64, seq: u64, judged: Option<Grade>) -> Finding {
        Finding {
            rule: RuleId::from("stage"),
            subject: SubjectId::from(format!("s{subject}")),
            n,
            seq: Seq(seq),
            revision: Revision("r".to_owned()),
            change: Change::Raised,
            from: None,
            judged,
            pending: None,
            evidence: Evidence::Good,
            at: Timestamp(0),
            onset: Timestamp(0),
            value: None,
            threshold: None,
            causes: Vec::new(),
            heard_at: None,
            doubt: None,
        }
    }

    fn heard(what: &[Waiting]) -> Vec<(String, u64)> {
        let of = |it: &Waiting| match it {
            Waiting::Finding(finding) => (finding.subject.to_string(), finding.n),
            Waiting::Outage(_) | Waiting::Tended(_) | Waiting::Reload(_) => panic!("only findings are said here"),
        };
        what.iter().map(of).collect()
    }

    #[test]
    fn a_little_is_heard_in_order_and_only_once_it_is_ripe() {
        let mut queue = Queue::default();
        for (seq, grade) in [(1, Grade::Blue), (2, Grade::Red), (3, Grade::Blue)] {
            queue.push(Steady(0), Waiting::Finding(finding(0, seq, seq, Some(grade))));
        }
        let (taken, left) = queue.take(2, |_, seq| seq <= Seq(2));
        assert_eq!((heard(&taken), left), (vec![("s0".to_owned(), 1), ("s0".to_owned(), 2)], 0));
        assert_eq!((queue.heard(), queue.len()), (2, 1));
    }

    #[test]
    fn in_a_flood_red_comes_first_with_what_was_said_of_it_before() {
        let mut queue = Queue::default();
        for subject in 0..200 {
            queue.push(Steady(0), Waiting::Finding(finding(subject, 1, u64::from(subject), Some(Grade::Blue))));
        }
        queue.push(Steady(0), Waiting::Finding(finding(150, 2, 200, Some(Grade::Red))));
        let (taken, left) = queue.take(3, |_, _| true);
        let expected = [("s150", 1), ("s150", 2), ("s0", 1)].map(|(subject, n)| (subject.to_owned(), n));
        assert_eq!((heard(&taken), left), (expected.to_vec(), 198));
        assert_eq!(queue.heard(), 1, "of what was said first, only the first was heard");
    }

    proptest! {
        #[test]
        fn everything_is_heard_once_and_of_one_subject_in_order(
            said in prop::collection::vec((0_u8..6, prop::option::of(0_usize..4)), 0..120),
            most in 1_usize..12,
            durable in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let mut queue = Queue::default();
            let mut counts = [0_u64; 6];
            for (seq, (subject, grade)) in (0_u64..).zip(&said) {
                let n = &mut counts[usize::from(*subject)];
                *n += 1;
                let grade = grade.map(|grade| Grade::ALL[grade]);
                queue.push(Steady(0), Waiting::Finding(finding(*subject, *n, seq, grade)));
            }
            let mut taken = Vec::new();
            let long = |n: usize| u64::try_from(n).expect("few");
            let limits = durable.iter().map(|index| long(index.index(said.len().max(1)))).chain([u64::MAX]);
            let mut limit = 0;
            for next in limits {
                limit = next.max(limit);
                loop {
                    let (some, left) = queue.take(most, |_, seq| seq.0 < limit);
                    assert!(some.len() <= most);
                    assert!(some.iter().all(|it| it.seq().0 < limit));
                    taken.extend(heard(&some));
                    if left == 0 && some.is_empty() {
                        break;
                    }
                }
            }
            assert_eq!(taken.len(), said.len());
            assert_eq!(queue.heard(), long(said.len()));
            for subject in 0..6 {
                let of: Vec<u64> = taken.iter().filter(|(name, _)| *name == format!("s{subject}")).map(|(_, n)| *n).collect();
                assert!(of.is_sorted(), "of s{subject}: {of:?}");
            }
        }
    }
}
