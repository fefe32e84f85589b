//! A rule's number for one subject at one moment: the native way for a point or a window of it, Rhai for the rest.

use watchfire_model::id::Seq;
use watchfire_model::quality::Flag;
use watchfire_model::time::Timestamp;

use crate::engine::{Bench, Program, Sandbox, Wanted};
use crate::quality::Gate;
use crate::ruleset::{Compiled, Look, Measure, SubjectPlan};
use crate::window::exact::twelve_digits;
use crate::window::{Blank, Known, Window};

/// When something is judged, and by which row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) seq: Seq,
    /// Event time of what caused it.
    pub(super) at: Timestamp,
}

/// Takes the measure as of `t`. `live` when `t` is the present: then a value whose clock is ahead of ours counts too.
#[expect(clippy::too_many_arguments, reason = "borrowed one by one from an Evaluator that is being changed")]
pub(super) fn measure(
    sandbox: &Sandbox,
    compiled: &Compiled,
    plan: &SubjectPlan,
    gate: &Gate,
    windows: &mut [Window],
    bench: Option<&mut Bench>,
    t: Timestamp,
    live: bool,
) -> Result<Known, Blank> {
    match (&compiled.measure, bench) {
        (Measure::Last, _) => last(plan.reads.first().ok_or(Blank::Thin)?, gate, t, live),
        (Measure::Window(_), _) => {
            let (look, window) = (plan.reads.first().ok_or(Blank::Thin)?, windows.first_mut().ok_or(Blank::Thin)?);
            windowed(look, gate, window, t)
        }
        (Measure::Program(program), Some(bench)) => run(sandbox, program, plan, gate, windows, bench, t, live),
        (Measure::Program(_), None) => Err(Blank::Thin),
    }
}

/// The newest value of a point, unless it is too old to speak for `t`.
fn last(look: &Look, gate: &Gate, t: Timestamp, live: bool) -> Result<Known, Blank> {
    let point = gate.point(look.point).ok_or(Blank::Warming)?;
    let sample = if live { point.newest() } else { point.series().last(t).copied() };
    let sample = sample.ok_or(Blank::Warming)?;
    if t - sample.at > look.stale_after {
        return Err(Blank::Thin);
    }
    Ok(converted(look, Known::of(&sample)))
}

fn windowed(look: &Look, gate: &Gate, window: &mut Window, t: Timestamp) -> Result<Known, Blank> {
    let point = gate.point(look.point).ok_or(Blank::Warming)?;
    window.read(point.series(), &look.lens, t).map(|known| converted(look, known))
}

fn converted(look: &Look, known: Known) -> Known {
    match look.unit {
        None => known,
        Some(unit) => Known { value: twelve_digits(known.value * unit.factor + unit.offset), ..known },
    }
}

/// A program's windows, ask by ask and point by point.
pub(super) fn program_windows(program: &Program, plan: &SubjectPlan) -> Box<[Window]> {
    let of_ask = |(name, wanted): (usize, Wanted)| {
        let (width, spec) = match wanted {
            Wanted::Last => (0, None),
            Wanted::Window(spec) => (plan.widths.get(name).copied().unwrap_or(0), Some(spec)),
        };
        spec.into_iter().flat_map(move |spec| (0..width).map(move |_| Window::new(spec)))
    };
    program.asks().flat_map(of_ask).collect()
}

/// The points of one name among a plan's reads.
fn points_of(plan: &SubjectPlan, name: usize) -> &[Look] {
    let begin: usize = plan.widths.iter().take(name).sum();
    let end = begin + plan.widths.get(name).copied().unwrap_or(0);
    plan.reads.get(begin..end).unwrap_or(&[])
}

#[expect(clippy::too_many_arguments, reason = "as above")]
fn run(
    sandbox: &Sandbox,
    program: &Program,
    plan: &SubjectPlan,
    gate: &Gate,
    windows: &mut [Window],
    bench: &mut Bench,
    t: Timestamp,
    live: bool,
) -> Result<Known, Blank> {
    let (mut flag, mut saturated) = (Flag::Good, false);
    let mut windows = windows.iter_mut();
    for (ask, (name, wanted)) in program.asks().enumerate() {
        bench.clear(ask);
        for look in points_of(plan, name) {
            let known = match wanted {
                Wanted::Last => last(look, gate, t, live),
                Wanted::Window(_) => match windows.next() {
                    Some(window) => windowed(look, gate, window, t),
                    None => Err(Blank::Thin),
                },
            };
            match known {
                Ok(known) => {
                    bench.fill(ask, known.value);
                    flag = flag.max(known.flag);
                    saturated |= known.saturated;
                }
                Err(blank) => bench.lack(ask, &blank),
            }
        }
    }
    // To twelve digits, as every window is: a sum of exact parts must meet a threshold that it equals.
    program.run(sandbox, bench).map(|value| Known { value: twelve_digits(value), flag, saturated })
}
