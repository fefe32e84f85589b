//! A rule's number for one subject at one moment: the native way for a point or a window of it, Rhai for the rest.

use watchfire_model::grade::Grade;
use watchfire_model::id::Seq;
use watchfire_model::ladder::Direction;
use watchfire_model::quality::{Checks, Flag};
use watchfire_model::reading::Observation;
use watchfire_model::time::{Now, Timestamp};

use super::oversight::{Panicked, overseen};
use crate::engine::{Bench, Program, Sandbox, Want};
use crate::quality::{Gate, PointGate};
use crate::ruleset::{Compiled, Look as Read, Measure, SubjectPlan, Witness};
use crate::window::exact::twelve_digits;
use crate::window::{Blank, Known, Window};

/// When something is judged, and by which row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) seq: Seq,
    /// Event time of what caused it.
    pub(super) at: Timestamp,
    /// When we knew.
    pub(super) now: Now,
    /// It tells what has long been so, and more of it may come.
    pub(super) backlog: bool,
}

impl Moment {
    /// What is so now, by our own clock.
    pub(super) const fn present(seq: Seq, now: Now) -> Self {
        Self { seq, at: now.wall, now, backlog: false }
    }

    /// A moment that is looked at again, when it no longer matters when we knew.
    pub(super) fn again(seq: Seq, at: Timestamp) -> Self {
        Self { seq, at, now: Now::default(), backlog: false }
    }
}

/// What a measure may look at. Where a witness is named, at no other.
#[derive(Clone, Copy, Debug)]
pub(super) enum Look<'a> {
    /// The present: a value whose clock is ahead of ours counts too.
    Now(Option<Witness>),
    /// The past, from the series.
    Then(Option<Witness>),
    /// One reading alone, which is older than anything kept.
    Lone(&'a Observation),
}

impl Look<'_> {
    /// Whether what a point says does not count: it is not the witness named, or of a measure that counts inputs nothing
    /// reaches us from it now, whatever it said last.
    fn hides(self, read: &Read, gate: &Gate, counts_inputs: bool) -> bool {
        match self {
            Self::Now(Some(only)) | Self::Then(Some(only)) if only != read.witness => true,
            Self::Now(_) => counts_inputs && gate.point(read.point).is_some_and(PointGate::is_cut_off),
            Self::Then(_) | Self::Lone(_) => false,
        }
    }
}

/// Takes the measure as of `t`.
#[expect(clippy::too_many_arguments, reason = "borrowed one by one from an Evaluator that is being changed")]
pub(super) fn measure(
    sandbox: &Sandbox,
    compiled: &Compiled,
    plan: &SubjectPlan,
    gate: &Gate,
    windows: &mut [Window],
    bench: Option<&mut Bench>,
    t: Timestamp,
    look: Look<'_>,
) -> Result<Known, Blank> {
    let hidden = |read: &Read| look.hides(read, gate, compiled.enough.is_some());
    match (&compiled.measure, bench) {
        (Measure::Last | Measure::Window(_), _) if plan.reads.first().is_some_and(hidden) => Err(Blank::Thin),
        (Measure::Last, _) => last(plan.reads.first().ok_or(Blank::Thin)?, gate, t, look),
        (Measure::Window(_), _) => {
            let (read, window) = (plan.reads.first().ok_or(Blank::Thin)?, windows.first_mut().ok_or(Blank::Thin)?);
            windowed(read, gate, window, t, look)
        }
        (Measure::Program(program), Some(bench)) => {
            let run = |bench: &mut Bench| run(sandbox, program, plan, gate, &mut *windows, bench, t, look, hidden);
            overseen(bench, run).unwrap_or_else(|Panicked(why)| {
                windows.iter_mut().zip(program_windows(program, plan)).for_each(|(window, anew)| *window = anew);
                Err(Blank::Broken(why))
            })
        }
        (Measure::Program(_), None) => Err(Blank::Thin),
    }
}

/// The newest value of a point, unless it is too old to speak for `t`.
fn last(read: &Read, gate: &Gate, t: Timestamp, look: Look<'_>) -> Result<Known, Blank> {
    let point = gate.point(read.point).ok_or(Blank::Warming)?;
    let sample = match look {
        Look::Now(_) => match point.ahead() {
            // It stands where our clock stood, and there is none to hold it against: it is the last that was heard.
            Some(ahead) => return Ok(converted(read, Known::of(&ahead))),
            None => point.series().newest().ok_or(Blank::Warming)?,
        },
        Look::Then(_) => point.series().last(t).ok_or(Blank::Warming)?,
        Look::Lone(seen) if seen.point == read.point => {
            let (flag, saturated) = (seen.flag, seen.checks.has(Checks::SATURATED));
            let doubts = seen.checks.doubts();
            return Ok(converted(read, Known { value: seen.value.get(), flag, doubts, saturated }));
        }
        Look::Lone(_) => return Err(Blank::Thin),
    };
    if t - sample.at > read.stale_after {
        return Err(Blank::Thin);
    }
    Ok(converted(read, Known::of(&sample)))
}

fn windowed(read: &Read, gate: &Gate, window: &mut Window, t: Timestamp, look: Look<'_>) -> Result<Known, Blank> {
    if matches!(look, Look::Lone(_)) {
        return Err(Blank::Thin);
    }
    let point = gate.point(read.point).ok_or(Blank::Warming)?;
    window.read(point.series(), &read.lens, &gate.site().zone, t).map(|known| converted(read, known))
}

fn converted(read: &Read, known: Known) -> Known {
    match read.unit {
        None => known,
        Some(unit) => Known { value: known.value * unit.factor + unit.offset, ..known },
    }
}

/// The highest grade that enough witnesses stand for, each by itself, where a `value` would raise one that takes several.
#[expect(clippy::too_many_arguments, reason = "as above")]
pub(super) fn corroborated(
    sandbox: &Sandbox,
    compiled: &Compiled,
    plan: &SubjectPlan,
    gate: &Gate,
    windows: &mut [Window],
    bench: Option<&mut Bench>,
    t: Timestamp,
    look: Look<'_>,
    (value, standing): (f64, u8),
) -> Grade {
    let Some(needed) = compiled.witnesses else { return Grade::Red };
    let takes = |grade: Grade| needed[usize::from(grade.level()) - 1];
    let met = plan.rungs.grade_of(value, Grade::Red).filter(|met| met.level() > standing);
    let Some(met) = met.filter(|met| Grade::ALL.into_iter().any(|grade| grade <= *met && takes(grade) > 1)) else {
        return Grade::Red;
    };
    if matches!(look, Look::Lone(_)) {
        return Grade::Orange;
    }
    let alone = alone(sandbox, compiled, plan, gate, windows, bench, t, look, met);
    let stand_for = |grade: Grade| alone.iter().filter(|own| **own >= grade).count();
    let enough = |grade: &Grade| u32::try_from(stand_for(*grade)).unwrap_or(u32::MAX) >= takes(*grade);
    let highest =
        Grade::ALL.into_iter().rev().filter(|grade| *grade <= met).find(|grade| takes(*grade) == 1 || enough(grade));
    highest.unwrap_or(Grade::Blue)
}

/// The grade that each witness meets by itself, up to `met`.
#[expect(clippy::too_many_arguments, reason = "as above")]
pub(super) fn alone(
    sandbox: &Sandbox,
    compiled: &Compiled,
    plan: &SubjectPlan,
    gate: &Gate,
    windows: &mut [Window],
    mut bench: Option<&mut Bench>,
    t: Timestamp,
    look: Look<'_>,
    met: Grade,
) -> Vec<Grade> {
    let mut alone = Vec::with_capacity(8);
    for witness in plan.witnesses.iter() {
        let only = match look {
            Look::Now(_) => Look::Now(Some(witness)),
            Look::Then(_) => Look::Then(Some(witness)),
            Look::Lone(_) => return alone,
        };
        let measured = measure(sandbox, compiled, plan, gate, windows, bench.as_deref_mut(), t, only);
        alone.extend(measured.ok().and_then(|known| plan.rungs.grade_of(known.value, met)));
    }
    alone
}

/// A program's windows, ask by ask and point by point.
pub(super) fn program_windows(program: &Program, plan: &SubjectPlan) -> Box<[Window]> {
    let of_ask = |(name, want): (usize, Want)| {
        let (width, spec) = match want {
            Want::Last | Want::Grade => (0, None),
            Want::Window(spec) => (plan.widths.get(name).copied().unwrap_or(0), Some(spec)),
        };
        spec.into_iter().flat_map(move |spec| (0..width).map(move |_| Window::new(spec)))
    };
    program.asks().flat_map(of_ask).collect()
}

/// The points of one name among a plan's reads.
fn points_of(plan: &SubjectPlan, name: usize) -> &[Read] {
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
    look: Look<'_>,
    hidden: impl Fn(&Read) -> bool,
) -> Result<Known, Blank> {
    let (mut flag, mut doubts, mut saturated) = (Flag::Good, Checks::NONE, false);
    let mut windows = windows.iter_mut();
    bench.begin(t);
    for (ask, (name, want)) in program.asks().enumerate() {
        bench.clear(ask);
        for read in points_of(plan, name) {
            let known = match want {
                Want::Last | Want::Grade if hidden(read) => Err(Blank::Thin),
                Want::Last => last(read, gate, t, look),
                Want::Grade => last(read, gate, t, look).and_then(|known| graded(read, gate, known)),
                Want::Window(_) => match windows.next() {
                    Some(_) if hidden(read) => Err(Blank::Thin),
                    Some(window) => windowed(read, gate, window, t, look),
                    None => Err(Blank::Thin),
                },
            };
            match known {
                Ok(known) => {
                    bench.fill(ask, known.value, read.witness);
                    flag = flag.max(known.flag);
                    doubts = doubts.with(known.doubts);
                    saturated |= known.saturated;
                }
                Err(blank) => bench.lack(ask, &blank),
            }
        }
    }
    let measured = program.run(sandbox, bench);
    saturated |= bench.was_beyond();
    measured.map(|value| Known { value, flag, doubts, saturated })
}

/// The grade that a value has by its point's own thresholds, as a number.
fn graded(read: &Read, gate: &Gate, known: Known) -> Result<Known, Blank> {
    let point = gate.site().point(read.point).ok_or(Blank::Thin)?;
    let value = twelve_digits(known.value);
    let reaches = |threshold: f64| match point.direction {
        Direction::Rising => value >= threshold,
        Direction::Falling => value <= threshold,
    };
    let thresholds = || Grade::ALL.into_iter().filter_map(|grade| Some((grade, (*point.thresholds.get(grade))?)));
    if thresholds().next().is_none() {
        return Err(Blank::Thin);
    }
    let met = thresholds().rev().find(|(_, threshold)| reaches(*threshold));
    Ok(Known { value: met.map_or(0.0, |(grade, _)| f64::from(grade.level())), ..known })
}
