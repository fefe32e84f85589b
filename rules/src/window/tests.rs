//! What a window says, against a model that looks at every sample each time.

use proptest::prelude::*;
use watchfire_model::quality::{Checks, Flag};
use watchfire_model::site::Kind;
use watchfire_model::time::{Civil, Span, Timestamp, Zone};

use super::*;
use crate::cases::cases;
use crate::series::Keep;

const FOREVER: Keep = Keep { span: Span::days(365), samples: 100_000 };
const OPEN: Lens =
    Lens { kind: Kind::Gauge, interval: Span::minutes(5), max_gap: Span(750_000), coverage: 0.0, modulus: None };

const UTC: Zone = Zone { name: String::new(), offsets: Vec::new() };

fn series(samples: &[(i64, f64)]) -> Series {
    let mut series = Series::default();
    for (minute, value) in samples {
        let sample = Sample { at: Timestamp(minute * 60_000), value: *value, flag: Flag::Good, checks: Checks::NONE };
        series.push(sample, FOREVER);
    }
    series
}

fn spec(take: Take, minutes: i64, age: i64) -> WindowSpec {
    WindowSpec::rolling(take, Span::minutes(minutes), Span::minutes(age))
}

fn read(samples: &[(i64, f64)], lens: Lens, spec: WindowSpec, minute: i64) -> Result<f64, Blank> {
    Window::new(spec).read(&series(samples), &lens, &UTC, Timestamp(minute * 60_000)).map(|known| known.value)
}

#[test]
fn the_older_edge_is_outside_and_the_newer_inside() {
    let samples = [(0, 1.0), (5, 2.0), (10, 4.0), (15, 8.0)];
    assert_eq!(read(&samples, OPEN, spec(Take::Sum, 10, 0), 15), Ok(12.0));
    assert_eq!(read(&samples, OPEN, spec(Take::Sum, 10, 5), 15), Ok(6.0));
    assert_eq!(read(&samples, OPEN, spec(Take::Mean, 10, 0), 15), Ok(6.0));
    assert_eq!(read(&samples, OPEN, spec(Take::Min, 10, 0), 15), Ok(4.0));
    assert_eq!(read(&samples, OPEN, spec(Take::Diff, 10, 0), 15), Ok(6.0));
    assert_eq!(read(&samples, OPEN, spec(Take::Count, 10, 0), 15), Ok(2.0));
    assert_eq!(read(&samples, OPEN, spec(Take::SpanHours, 15, 0), 15), Ok(1.0 / 6.0));
}

#[test]
fn a_counter_wraps_and_is_reset() {
    let lens = Lens { kind: Kind::Counter, modulus: Some(100.0), ..OPEN };
    let counted = |samples: &[(i64, f64)]| read(samples, lens, spec(Take::Sum, 60, 0), 60);
    assert_eq!(counted(&[(0, 90.0), (10, 95.0), (20, 3.0), (30, 4.0)]), Ok(14.0));
    assert_eq!(counted(&[(0, 40.0), (10, 45.0), (20, 3.0), (30, 4.0)]), Ok(9.0));
    let without = Lens { modulus: None, ..lens };
    assert_eq!(read(&[(0, 90.0), (10, 95.0), (20, 3.0)], without, spec(Take::Diff, 60, 0), 60), Ok(8.0));
}

#[test]
fn too_little_is_unknown_and_not_zero() {
    let lens = Lens { coverage: 0.85, ..OPEN };
    let every_five = |from: i64, to: i64| (from / 5..=to / 5).map(|n| (n * 5, 0.2)).collect::<Vec<_>>();
    assert_eq!(read(&every_five(5, 60), lens, spec(Take::Sum, 60, 0), 60), Ok(2.4));
    assert_eq!(read(&every_five(30, 60), lens, spec(Take::Sum, 60, 0), 60), Err(Blank::Warming));
    let mut holed = every_five(0, 20);
    holed.extend(every_five(50, 60));
    assert_eq!(read(&holed, lens, spec(Take::Sum, 60, 0), 60), Err(Blank::Thin));
    assert_eq!(read(&[], OPEN, spec(Take::Sum, 60, 0), 60), Ok(0.0));
    assert_eq!(read(&[], OPEN, spec(Take::Mean, 60, 0), 60), Err(Blank::Thin));
    assert_eq!(read(&[(55, 1.0), (60, 2.0)], OPEN, spec(Take::Rise, 60, 0), 60), Err(Blank::Thin));
    assert_eq!(read(&[(50, 0.0), (55, 1.0), (60, 2.0)], OPEN, spec(Take::Rise, 60, 0), 60), Ok(12.0));
}

#[test]
fn an_event_ends_with_its_dry_spell_and_never_with_a_gap() {
    let rain = Lens { kind: Kind::Increment, interval: Span::minutes(60), max_gap: Span::minutes(150), ..OPEN };
    let event = |samples: &[(i64, f64)], minute| {
        read(samples, rain, WindowSpec::event(Span::hours(3), Span::hours(24)), minute)
    };
    let hourly = |values: &[f64]| (0..).zip(values).map(|(hour, value)| (hour * 60, *value)).collect::<Vec<_>>();
    assert_eq!(event(&hourly(&[5.0, 0.0, 0.0, 1.0, 2.0]), 240), Ok(8.0), "two dry hours part nothing");
    assert_eq!(event(&hourly(&[5.0, 0.0, 0.0, 0.0, 1.0, 2.0]), 300), Ok(3.0));
    assert_eq!(event(&hourly(&[5.0, 1.0, 0.0, 0.0, 0.0]), 240), Ok(0.0), "it is over");
    assert_eq!(event(&[(0, 5.0), (300, 1.0)], 300), Ok(6.0), "what was not heard was not dry");
}

#[test]
fn a_counter_gives_the_day_and_the_event_too() {
    let counter = Lens {
        kind: Kind::Counter,
        modulus: Some(1_000.0),
        interval: Span::minutes(60),
        max_gap: Span::minutes(150),
        ..OPEN
    };
    // Midnight, hour 24 of the day before, belongs to it.
    let at_24 =
        Timestamp::from_civil(Civil { year: 2026, month: 7, day: 1, hour: 24, minute: 0, second: 0, millisecond: 0 });
    let minute = at_24.0 / 60_000;
    let counted = [(minute - 120, 990.0), (minute - 60, 998.0), (minute, 4.0), (minute + 60, 5.0)];
    let day = |ago, minute| read(&counted, counter, WindowSpec::day(Span::ZERO, ago), minute);
    assert_eq!((day(0, minute), day(0, minute + 60), day(1, minute + 60)), (Ok(14.0), Ok(1.0), Ok(14.0)));
    let event = WindowSpec::event(Span::hours(6), Span::hours(24));
    assert_eq!(read(&counted, counter, event, minute + 60), Ok(15.0));
}

/// F43: where clocks change a day from 08:00 to 08:00 has 23 or 25 hours of rain in it, and one beyond 2038 or 2262, where
/// seconds and nanoseconds overflow in smaller types, is a day like any other.
#[test]
fn a_day_is_as_long_as_its_clocks_say() {
    let berlin = Zone {
        name: "Europe/Berlin".to_owned(),
        offsets: vec![
            (Timestamp(0), 3_600),
            (Timestamp(1_774_746_000_000), 7_200),
            (Timestamp(1_792_890_000_000), 3_600),
        ],
    };
    let lens = Lens { kind: Kind::Increment, interval: Span::hours(1), max_gap: Span::minutes(150), ..OPEN };
    let at_eight = |year, month, day| {
        let as_utc = Timestamp::from_civil(Civil { year, month, day, hour: 8, minute: 0, second: 0, millisecond: 0 });
        as_utc - Span(i64::from(berlin.offset_at(as_utc)) * 1_000)
    };
    for ((year, month, day), hours) in [
        ((2026, 3, 28), 24.0),
        ((2026, 3, 29), 23.0),
        ((2026, 3, 30), 24.0),
        ((2026, 10, 25), 25.0),
        ((2026, 10, 26), 24.0),
        ((2038, 1, 20), 24.0),
        ((2262, 4, 12), 24.0),
    ] {
        let turn = at_eight(year, month, day);
        // A millimetre an hour, for three days.
        let minutes = (-72..=0).map(|hour| (turn.0 / 60_000 + hour * 60, 1.0)).collect::<Vec<_>>();
        let sum = |spec, at| Window::new(spec).read(&series(&minutes), &lens, &berlin, at).map(|known| known.value);
        let whole = sum(WindowSpec::day(Span::hours(8), 0), turn);
        assert_eq!(whole, Ok(hours), "the day that ends at 08:00 on {year}-{month}-{day}");
    }
}

#[test]
fn one_doubtful_tip_does_not_spoil_a_long_sum() {
    let mut series = series(&[(0, 20.0), (5, 20.0)]);
    let doubtful = |minute: i64, value| Sample {
        at: Timestamp(minute * 60_000),
        value,
        flag: Flag::Suspect,
        checks: Checks::RANGE,
    };
    series.push(doubtful(10, 1.0), FOREVER);
    let mut window = Window::new(spec(Take::Sum, 60, 0));
    let at = |minute: i64| Timestamp(minute * 60_000);
    assert_eq!(window.read(&series, &OPEN, &UTC, at(10)).map(|known| known.flag), Ok(Flag::Good));
    series.push(doubtful(15, 90.0), FOREVER);
    assert_eq!(window.read(&series, &OPEN, &UTC, at(15)).map(|known| known.flag), Ok(Flag::Suspect));
}

/// Looks at every sample: slow, and a child could check it.
fn model(samples: &[(i64, f64)], spec: WindowSpec, t: i64) -> Option<f64> {
    let end = t - spec.age.0 / 60_000;
    let start = end - spec.span.0 / 60_000;
    let inside: Vec<f64> = samples.iter().filter(|(at, _)| *at > start && *at <= end).map(|(_, v)| *v).collect();
    let n = inside.len() as f64;
    match spec.take {
        Take::Sum => Some(inside.iter().sum()),
        Take::Mean => (n > 0.0).then(|| inside.iter().sum::<f64>() / n),
        Take::Min => inside.iter().copied().reduce(f64::min),
        Take::Max => inside.iter().copied().reduce(f64::max),
        Take::Count => Some(n),
        Take::Diff => {
            let before = samples.iter().rev().find(|(at, _)| *at <= start).map(|(_, v)| *v);
            let last = inside.last()?;
            Some(last - before.unwrap_or(inside[0]))
        }
        Take::SpanHours | Take::Rise => None,
    }
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()))
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_window_says_what_a_look_at_every_sample_says(
        steps in prop::collection::vec((1_i64..30, -100.0_f64..100.0), 1..80),
        which in 0_usize..8, span in 1_i64..200, age in prop_oneof![Just(0_i64), 0_i64..100],
    ) {
        let spec = spec(Take::ALL[which], span, age);
        let (mut known, mut minute, mut series) = (Vec::new(), 0, Series::default());
        let mut window = Window::new(spec);
        for (step, value) in steps {
            minute += step;
            known.push((minute, value));
            let sample = Sample { at: Timestamp(minute * 60_000), value, flag: Flag::Good, checks: Checks::NONE };
            series.push(sample, FOREVER);
            let moved = window.read(&series, &OPEN, &UTC, sample.at).map(|known| known.value);
            let anew = Window::new(spec).read(&series, &OPEN, &UTC, sample.at).map(|known| known.value);
            prop_assert_eq!(&moved, &anew, "moved and built anew differ at {}", minute);
            if let (Ok(moved), Some(model)) = (moved, model(&known, spec, minute)) {
                prop_assert!(close(moved, model), "{} is not {} at {}", moved, model, minute);
            }
        }
    }

    #[test]
    fn days_and_events_move_as_they_are_built(
        steps in prop::collection::vec((1_i64..180, prop_oneof![3 => Just(0.0), 1 => 0.1_f64..20.0]), 1..120),
        begins in 0_i64..24, ago in 0_i64..3, dry in 1_i64..12, span in 13_i64..72,
    ) {
        let china = Zone { name: "Asia/Shanghai".to_owned(), offsets: vec![(Timestamp(0), 28_800)] };
        let rain = Lens { kind: Kind::Increment, interval: Span::hours(1), max_gap: Span::minutes(150), ..OPEN };
        let day = WindowSpec::day(Span::hours(begins), ago);
        let specs = [day, WindowSpec::event(Span::hours(dry), Span::hours(span))];
        let mut windows = specs.map(Window::new);
        let (mut known, mut minute, mut series) = (Vec::new(), 10_000, Series::default());
        for (step, value) in steps {
            minute += step;
            known.push((minute, value));
            let sample = Sample { at: Timestamp(minute * 60_000), value, flag: Flag::Good, checks: Checks::NONE };
            series.push(sample, FOREVER);
            for (window, spec) in windows.iter_mut().zip(specs) {
                let moved = window.read(&series, &rain, &china, sample.at).map(|known| known.value);
                let anew = Window::new(spec).read(&series, &rain, &china, sample.at).map(|known| known.value);
                prop_assert_eq!(moved, anew, "{} at {}", spec, minute);
            }
            // By the minute: the day of a reading is that of the minute before it.
            let number = |minute: i64| (minute - 1 + 480 - begins * 60).div_euclid(1_440);
            let fell: f64 = known.iter().filter(|(at, _)| number(*at) == number(minute) - ago).map(|(_, v)| v).sum();
            let said = Window::new(day).read(&series, &rain, &china, sample.at).map(|known| known.value);
            prop_assert!(said.as_ref().is_ok_and(|said| close(*said, fell)), "{:?} is not {}", said, fell);
        }
    }

    #[test]
    fn a_late_sample_is_as_good_as_one_in_order(
        values in prop::collection::vec(-100.0_f64..100.0, 3..40), late in 1_usize..38, which in 0_usize..8, span in 5_i64..120,
    ) {
        let late = late.min(values.len() - 2);
        let samples: Vec<_> = values.iter().enumerate().map(|(n, v)| (5 * i64::try_from(n).expect("few"), *v)).collect();
        let (at, value) = samples[late];
        let held_back: Vec<_> = samples.iter().copied().filter(|(minute, _)| *minute != at).collect();
        let mut series = series(&held_back);
        let mut window = Window::new(spec(Take::ALL[which], span, 0));
        let now = series.newest().expect("at least two").at;
        let _ = window.read(&series, &OPEN, &UTC, now);
        series.place(Sample { at: Timestamp(at * 60_000), value, flag: Flag::Good, checks: Checks::NONE });
        window.distrust();
        let late = window.read(&series, &OPEN, &UTC, now).map(|known| known.value);
        let in_order = read(&samples, OPEN, window.spec, now.0 / 60_000);
        prop_assert_eq!(late, in_order);
    }
}
