//! What is foretold comes true, where things stay as they are.

use proptest::prelude::*;
use watchfire_model::grade::PerGrade;
use watchfire_model::ladder::Direction;
use watchfire_model::quantity::Finite;

use super::*;
use crate::cases::cases;
use crate::ladder::{Seen, Trust};

const MINUTE: Span = Span::minutes(1);
/// A value a minute, the newest one just heard.
const PUNCTUAL: Rhythm = Rhythm { interval: MINUTE, since_newest: Span::ZERO };

fn rungs() -> Rungs {
    let finite = |value: f64| Finite::new(value).expect("finite");
    let step = |grade: Grade| (grade, finite(f64::from(grade.level())), finite(f64::from(grade.level()) - 0.5));
    Rungs::new(Direction::Rising, &Grade::ALL.map(step))
}

/// One climb, a value a minute.
struct Walk {
    pace: Pace,
    climb: Climb,
    minute: i64,
}

impl Walk {
    fn new(raise_after: PerGrade<Delay>, lift_after: PerGrade<Span>, hold: PerGrade<Span>) -> Self {
        Self { pace: Pace::new(&raise_after, &lift_after, &hold), climb: Climb::default(), minute: 0 }
    }

    fn sees(&mut self, value: f64) -> Timestamp {
        self.minute += 1;
        let at = Timestamp(self.minute * MINUTE.0);
        self.climb.step(&rungs(), &self.pace, Span::minutes(2), Seen { at, value, trust: Trust::FULL });
        at
    }

    fn rising(&self) -> Option<Rising> {
        self.climb.rising(&self.pace, PUNCTUAL, |_| true)
    }

    fn recovering(&self) -> Option<Recovering> {
        self.climb.recovering(&rungs(), &self.pace, PUNCTUAL, true)
    }

    /// When the value, staying as it is, makes `it` so.
    fn until(&mut self, value: f64, it: impl Fn(&Climb) -> bool) -> Option<Timestamp> {
        (0..200).find_map(|_| {
            let at = self.sees(value);
            it(&self.climb).then_some(at)
        })
    }
}

fn samples(n: u32) -> Delay {
    Delay { samples: Some(n), ..Delay::NONE }
}

#[test]
fn a_delay_says_how_far_it_has_come_and_when_it_is_over() {
    let delay = Delay { samples: Some(9), span: Some(Span::minutes(3)), ..Delay::NONE };
    let mut walk = Walk::new(PerGrade::all(delay), PerGrade::all(Span::minutes(10)), PerGrade::default());
    walk.sees(0.0);
    assert_eq!((walk.rising(), walk.recovering()), (None, None));
    walk.sees(3.2);
    walk.sees(3.2);
    let rising = walk.rising().expect("a delay runs");
    assert_eq!((rising.grade, rising.samples, rising.covered), (Grade::Orange, 2, MINUTE));
    assert_eq!((rising.of_samples, rising.of_covered), (Some(9), Some(Span::minutes(3))));
    assert_eq!((rising.since, rising.over_at), (Timestamp(2 * MINUTE.0), Some(Timestamp(5 * MINUTE.0))));
    assert_eq!(walk.climb.rising(&walk.pace, PUNCTUAL, |_| false).and_then(|it| it.over_at), None, "it does not count");
    walk.sees(3.2);
    walk.sees(3.2);
    assert_eq!((walk.climb.judged(), walk.rising()), (Some(Grade::Orange), None));

    for _ in 0..4 {
        walk.sees(1.2);
    }
    let recovering = walk.recovering().expect("it is short of orange");
    assert_eq!(recovering.towards, Some(Grade::Blue), "yellow is left with it");
    assert_eq!((recovering.since, recovering.covered), (Timestamp(6 * MINUTE.0), Span::minutes(3)));
    assert_eq!(recovering.lower_at, Some(Timestamp(16 * MINUTE.0)));
    walk.sees(2.7);
    assert_eq!(walk.recovering(), None, "back over what holds it");
}

fn delays() -> impl Strategy<Value = Delay> {
    prop_oneof![
        Just(Delay::NONE),
        (1_u32..6).prop_map(samples),
        (1_i64..9).prop_map(|minutes| Delay { span: Some(Span::minutes(minutes)), ..Delay::NONE }),
        (1_u32..5, 0_u32..5).prop_map(|(n, more)| Delay { of: Some(n + more), ..samples(n) }),
        (1_u32..6, 1_i64..9).prop_map(|(n, minutes)| Delay { span: Some(Span::minutes(minutes)), ..samples(n) }),
    ]
}

fn spans() -> impl Strategy<Value = PerGrade<Span>> {
    prop::array::uniform4(0_i64..9).prop_map(|m| {
        let [blue, yellow, orange, red] = m.map(Span::minutes);
        PerGrade { blue, yellow, orange, red }
    })
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn what_is_foretold_comes_true(
        raise in prop::array::uniform4(delays()),
        (lift, hold) in (spans(), spans()),
        past in prop::collection::vec(0_u8..10, 1..30),
    ) {
        let [blue, yellow, orange, red] = raise;
        let mut walk = Walk::new(PerGrade { blue, yellow, orange, red }, lift, hold);
        let mut value = 0.0;
        for half in past {
            value = f64::from(half) / 2.0;
            walk.sees(value);
        }
        let before = walk.climb.judged();
        if let Some(Rising { grade, over_at: Some(foretold), .. }) = walk.rising() {
            prop_assert_eq!(walk.until(value, |climb| climb.judged() >= Some(grade)), Some(foretold));
        } else if let Some(Recovering { towards, lower_at: Some(foretold), .. }) = walk.recovering()
            && walk.rising().is_none()
        {
            prop_assert_eq!(walk.until(value, |climb| climb.judged() != before), Some(foretold));
            prop_assert_eq!(walk.climb.judged(), towards);
        }
    }
}
