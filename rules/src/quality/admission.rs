//! How a reading that has a number is looked at, and how it is taken in or refused.

use watchfire_model::finding::FaultCause;
use watchfire_model::quality::{Checks, Flag};
use watchfire_model::quantity::Finite;
use watchfire_model::reading::{Observation, Reading};
use watchfire_model::site::Point;
use watchfire_model::time::{Now, Span, Timestamp};

use super::refusal::{Cause, Refusal};
use super::{CHECKS, Judged, Outcome, PointGate, Sight, closer, late_window};
use crate::series::{Keep, Placed, Sample};

/// What was found of a reading with a number, before it is taken in.
#[derive(Clone, Copy, Debug)]
pub(super) struct First {
    /// Event time.
    pub(super) at: Timestamp,
    pub(super) flag: Flag,
    pub(super) checks: Checks,
    ahead: bool,
    fresh: bool,
    rewound: bool,
    /// What the value before it was shown to be.
    before: Option<closer::Spike>,
}

impl First {
    pub(super) fn is_newest(&self) -> bool {
        self.fresh && !self.ahead && self.flag < Flag::Fail
    }

    pub(super) fn found(&mut self, found: closer::Found) {
        self.flag = self.flag.max(found.flag);
        self.checks = self.checks.with(found.checks);
        self.before = found.before;
    }
}

/// Looks at a reading that has a number.
pub(super) fn look(
    gate: &mut PointGate,
    point: &Point,
    reading: &Reading,
    value: Finite,
    clock_is_ours: bool,
) -> First {
    let ahead = !clock_is_ours && gate.leads();
    let rewound = !clock_is_ours && !ahead && gate.rewind(reading);
    let at = if ahead { reading.received_at } else { reading.observed_at };
    let newest = gate.series().newest();
    let fresh = newest.is_none_or(|newest| at > newest.at);
    let before = if fresh { newest } else { gate.series().last(at - Span(1)) };
    let sight = Sight { point, value: value.get(), at, state: reading.state, before, good: gate.last_good() };
    let (mut flag, mut checks) = if ahead { (Flag::Suspect, Checks::CLOCK) } else { (Flag::Good, Checks::NONE) };
    for check in CHECKS {
        if let Some(said) = (check.judge)(&sight) {
            flag = flag.max(said);
            checks = checks.with(check.bit);
        }
    }
    First { at, flag, checks, ahead, fresh, rewound, before: None }
}

/// Takes a reading that has a number in, or refuses it.
pub(super) fn take(
    gate: &mut PointGate,
    point: &Point,
    keep: Keep,
    now: Now,
    reading: &Reading,
    value: Finite,
    first: First,
) -> Judged {
    let First { at, flag, checks, ahead, fresh, rewound, before } = first;
    let convicted = before.and_then(|spike| gate.convict(spike));
    if flag >= Flag::Fail {
        let stuck = checks.has(Checks::FLAT);
        let cause = match (stuck, checks.has(Checks::SENTINEL)) {
            (true, _) => Cause::Now(FaultCause::Stuck),
            (false, true) => Cause::Counted(FaultCause::BadValue),
            (false, false) => Cause::Counted(FaultCause::Range),
        };
        let health = gate.health();
        if stuck {
            // What it says is of no use, but it is heard.
            gate.hear(now);
        }
        let refused = gate.refuse(reading, Refusal { flag, checks, cause });
        return Judged { convicted, health_changed: gate.health() != health, ..refused };
    }
    let newest = gate.series().newest();
    let lasting = late_window(point);
    let age = newest.map_or(Span::ZERO, |newest| newest.at - at);
    // What is too old to act on says nothing about how the point is now: a sensor whose clock fell back must not pass
    // for one that is heard.
    let too_old = !ahead && (age >= lasting || gate.series().has_forgotten(at));
    let health_changed = !too_old && gate.accept(now, flag, checks, ahead.then_some((reading.observed_at, value)));
    let flag = gate.unproven(flag);
    let sample = Sample { at, value: value.get(), flag, checks };
    let seen = |checks| Observation { point: reading.point, at, value, flag, checks };
    let outcome = if ahead {
        gate.set_ahead(sample);
        Outcome::Ahead(seen(checks))
    } else if fresh {
        let stamped = reading.observed_at == reading.received_at;
        gate.push(sample, stamped, point.resolution.unwrap_or(0.0), keep);
        Outcome::Fresh(seen(checks))
    } else {
        if let Some(scrutiny) = &point.scrutiny {
            gate.recall(sample, closer::stillness(point, scrutiny));
        }
        match gate.place(sample, keep) {
            Placed::Repeat => Outcome::Repeat,
            Placed::Forgotten => Outcome::Backfill(seen(checks.with(Checks::BACKFILL))),
            Placed::Inserted if age >= lasting => Outcome::Backfill(seen(checks.with(Checks::BACKFILL))),
            Placed::Replaced(_) if age >= lasting => {
                Outcome::Backfill(seen(checks.with(Checks::BACKFILL).with(Checks::CORRECTION)))
            }
            Placed::Inserted => Outcome::Late(seen(checks), None),
            Placed::Replaced(old) => Outcome::Late(seen(checks.with(Checks::CORRECTION)), Some(old)),
        }
    };
    let checks = match &outcome {
        Outcome::Late(seen, _) | Outcome::Backfill(seen) => seen.checks,
        _ => checks,
    };
    Judged { flag, checks, outcome, health_changed, rewound, backlog: false, convicted }
}
