//! Readings that come in another order than they were taken (SEMANTICS §3, invariant 4): nothing is lost by it.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_assert, prop_oneof, proptest};
use watchfire_model::grade::Grade;
use watchfire_model::id::PointIx;
use watchfire_model::quantity::Finite;
use watchfire_model::reading::{PointState, Reading};
use watchfire_model::row::Row;
use watchfire_model::time::Timestamp;

use super::country::{BEACH, POINTS};
use super::life::{Life, values};
use crate::cases::cases;

/// The rules with delays and holds, of ten minutes at most.
const PATIENT: [&str; 9] =
    ["ordinary", "beach", "step", "native 1", "native 3", "native 5", "script 1", "script 3", "script 5"];

/// One minute of the world: what each point measured, and how many minutes later that is heard.
type Minute = Vec<(f64, i64)>;

fn minutes() -> impl Strategy<Value = Vec<Minute>> {
    // Ten minutes is the late window; nothing here is more than nine late.
    let delays = prop_oneof![3 => Just(0_i64), 1 => 0_i64..9];
    let sound = values().prop_map(|value| value.clamp(0.0, 6.0));
    vec(vec((sound, delays), POINTS as usize), 1..25)
}

/// Lives through the minutes, each reading heard when its delay is over, the older first; then everything is calm.
fn told(minutes: &[Minute], late: bool) -> (Vec<u8>, Vec<u8>) {
    let mut life = Life::new();
    let calm = |point| if point == BEACH { 9.0 } else { 0.0 };
    life.minutes(8, calm);
    let begin = life.now.wall;
    let minute = |n: usize| i64::try_from(n).expect("few");
    for now in 0..minutes.len() + 9 {
        life.pass(60_000);
        for (then, said) in minutes.iter().enumerate().take(now + 1) {
            for (point, (value, delay)) in (0_u32..).zip(said) {
                let due = if late { minute(then) + delay } else { minute(then) };
                if due == minute(now) {
                    let at = Timestamp(begin.0 + (minute(then) + 1) * 60_000 - 1_000 * i64::from(POINTS - point));
                    life.take(Row::Reading(Reading {
                        point: PointIx(point),
                        observed_at: at,
                        received_at: life.now.wall,
                        value: Finite::new(*value),
                        state: PointState::Normal,
                        retained: false,
                    }));
                }
            }
        }
    }
    let levels =
        |life: &Life| life.evaluator.subjects().map(|view| view.judged.map_or(0, Grade::level)).collect::<Vec<_>>();
    let judged = levels(&life);
    life.minutes(45, calm);
    (judged, levels(&life))
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_late_reading_loses_nothing(minutes in minutes()) {
        let (in_order, in_order_calm) = told(&minutes, false);
        let (late, late_calm) = told(&minutes, true);
        let life = Life::new();
        let names: Vec<String> = life.evaluator.subjects().map(|v| format!("{} {}", v.rule, v.subject)).collect();
        for ((name, in_order), late) in names.iter().zip(&in_order).zip(&late) {
            // Where there are delays, no further back is looked at than the longest of them.
            if minutes.len() > 9 && PATIENT.iter().any(|patient| name.starts_with(patient)) {
                continue;
            }
            prop_assert!(late >= in_order, "{}: {} in order, {} late", name, in_order, late);
        }
        for ((name, in_order), late) in names.iter().zip(&in_order_calm).zip(&late_calm) {
            // What is unknown in calm is held for ever, from whatever it was.
            prop_assert!(late == in_order || name.starts_with("wet"), "{}: {} in order, {} late", name, in_order, late);
        }
    }
}
