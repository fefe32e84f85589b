//! One ladder, climbed by values alone.

use proptest::prelude::*;

use super::*;
use crate::cases::cases;

const STEPS: [(Grade, f64, f64); 4] =
    [(Grade::Blue, 1.0, 0.9), (Grade::Yellow, 2.0, 1.9), (Grade::Orange, 3.0, 2.9), (Grade::Red, 4.0, 3.9)];

fn rungs(direction: Direction) -> Rungs {
    let turn = |value: f64| if direction == Direction::Falling { -value } else { value };
    let finite = |value: f64| Finite::new(turn(value)).expect("finite");
    Rungs::new(direction, &STEPS.map(|(grade, raise, lift)| (grade, finite(raise), finite(lift))))
}

fn climb(direction: Direction, pace: &Pace, values: &[f64]) -> Vec<u8> {
    let (rungs, mut climb) = (rungs(direction), Climb::default());
    let seen = |(minute, value): (i64, f64)| {
        climb.step(&rungs, pace, Span::minutes(2), Seen { at: Timestamp(minute * 60_000), value, trust: Trust::FULL });
        climb.level()
    };
    (0..).zip(values.iter().copied()).map(seen).collect()
}

fn at_once() -> Pace {
    Pace::new(&PerGrade::default(), &PerGrade::default(), &PerGrade::default())
}

/// The reduced machine as SEMANTICS §1 words it.
fn model(values: &[f64]) -> Vec<u8> {
    let mut level = 0_usize;
    let step = |value: &f64| {
        let met = STEPS.iter().filter(|(_, raise, _)| value >= raise).count();
        level = level.max(met);
        while level > 0 && *value < STEPS[level - 1].2 {
            level -= 1;
        }
        u8::try_from(level).expect("at most four")
    };
    values.iter().map(step).collect()
}

#[test]
fn a_delay_that_needs_nothing_is_the_same_as_none() {
    let slow = Pace::new(
        &PerGrade::all(Delay { samples: Some(1), ..Delay::NONE }),
        &PerGrade::all(Span::ZERO),
        &PerGrade { red: Span(1), ..PerGrade::default() },
    );
    let values = [0.0, 4.0, 0.0, 2.0, 0.95, 0.5];
    assert_eq!(climb(Direction::Rising, &slow, &values), climb(Direction::Rising, &at_once(), &values));
}

#[test]
fn a_ladder_says_what_it_was_given() {
    let rungs = rungs(Direction::Falling);
    assert_eq!(rungs.raise_at(Grade::Red), Some(-4.0));
    assert_eq!(rungs.lift_below(Grade::Red), Some(-3.9));
    assert_eq!(rungs.grade_of(-3.5, Grade::Red), Some(Grade::Orange));
    assert_eq!(rungs.grade_of(-9.0, Grade::Yellow), Some(Grade::Yellow));
    assert_eq!(rungs.ladder(&at_once()).steps.len(), 4);
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn the_reduced_machine_is_the_one_of_the_book(values in prop::collection::vec(0.0_f64..5.0, 1..60)) {
        prop_assert_eq!(climb(Direction::Rising, &at_once(), &values), model(&values));
        let fallen: Vec<f64> = values.iter().map(|value| -value).collect();
        prop_assert_eq!(climb(Direction::Falling, &at_once(), &fallen), model(&values));
    }

    #[test]
    fn a_tremble_inside_the_margin_raises_once_and_lifts_never(values in prop::collection::vec(0.901_f64..1.099, 1..100)) {
        let levels = climb(Direction::Rising, &at_once(), &values);
        prop_assert!(levels.windows(2).filter(|pair| pair[0] != pair[1]).count() <= 1);
        prop_assert!(levels.is_sorted());
    }

    #[test]
    fn slow_or_not_a_grade_is_reached_within_its_delay(
        minutes in 1_i64..20, samples in 1_u32..20, below in prop::collection::vec(0.0_f64..0.9, 0..5),
    ) {
        let delay = Delay { samples: Some(samples), span: Some(Span::minutes(minutes)), ..Delay::NONE };
        let pace = Pace::new(&PerGrade::all(delay), &PerGrade::default(), &PerGrade::default());
        let needed = usize::try_from(minutes).expect("few").min(usize::try_from(samples).expect("few") - 1);
        let mut values = below.clone();
        values.extend(std::iter::repeat_n(4.5, needed + 1));
        let levels = climb(Direction::Rising, &pace, &values);
        prop_assert_eq!(levels.last(), Some(&4));
        prop_assert!(levels[..levels.len() - 1].iter().all(|level| *level == 0));
    }

    #[test]
    fn so_many_of_the_last_few_are_enough(
        least in 1_u32..5, more in 0_u32..4, met in prop::collection::vec(any::<bool>(), 1..60),
    ) {
        let delay = Delay { samples: Some(least), of: Some(least + more), ..Delay::NONE };
        let pace = Pace::new(&PerGrade::all(delay), &PerGrade::default(), &PerGrade::default());
        let values: Vec<f64> = met.iter().map(|met| if *met { 4.5 } else { 0.0 }).collect();
        let mut expected = Vec::new();
        for (i, met_now) in met.iter().enumerate() {
            let from = (i + 1).saturating_sub(usize::try_from(least + more).expect("few"));
            let count = met[from..=i].iter().filter(|met| **met).count();
            let before = expected.last().copied().unwrap_or(0);
            expected.push(match met_now {
                true if count >= usize::try_from(least).expect("few") => 4,
                true => before,
                false => 0,
            });
        }
        prop_assert_eq!(climb(Direction::Rising, &pace, &values), expected);
    }
}
