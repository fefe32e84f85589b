//! What people do to sensors, as rows of the journal: calibrations that begin and end, a person who answers for one that the
//! device began, a new device taken over. Windows run out, and what nobody answers for becomes a fault, with the first row
//! at or after their time, so that a replay needs no clock.

use watchfire_model::finding::Finding;
use watchfire_model::id::{PointIx, Seq};
use watchfire_model::incident::Sensor;
use watchfire_model::time::Now;
use watchfire_model::upkeep::{Swap, Tended, Turn, Upkeep, Work};

use super::Evaluator;
use super::measuring::Moment;
use crate::quality::PointGate;

impl Evaluator {
    /// Takes a person's word about a sensor.
    pub fn upkeep(&mut self, now: Now, seq: Seq, upkeep: &Upkeep, out: &mut Vec<Finding>) {
        self.begin(now, seq);
        self.attend(now, seq, out);
        let Sensor { station, point } = &upkeep.sensor;
        let mut turn = Turn::Nothing;
        if let Some(point) = self.rules.site().find_point(station.as_str(), point.as_str()) {
            turn = match upkeep.work {
                Work::Invalidate { from, to } => {
                    self.invalidate(Moment::present(seq, now), point, upkeep, (from, to), out)
                }
                Work::Calibrate { .. } | Work::Return | Work::Accept | Work::Commission => {
                    self.work_on(now, point, upkeep)
                }
            };
            self.care_for(point);
            self.reground(point, Moment::present(seq, now), out);
        }
        let (sensor, command) = (upkeep.sensor.clone(), Some(upkeep.command.clone()));
        self.tended.push(Tended { sensor, seq, at: now.wall, command, turn });
    }

    fn work_on(&mut self, now: Now, point: PointIx, upkeep: &Upkeep) -> Turn {
        let swap = self.swap(now, point);
        let Some(gate) = self.gate.point_mut(point) else { return Turn::Nothing };
        let was_calibrated = gate.is_being_calibrated();
        let turn = match upkeep.work {
            // It ran out before it was written: the journal's disk was sick for that long.
            Work::Calibrate { until, .. } if until <= now.steady => Turn::Nothing,
            Work::Calibrate { until, ends } => {
                gate.calibrate(now, until);
                Turn::Began { by: Some(upkeep.who.clone()), why: upkeep.why.clone(), ends: Some(ends) }
            }
            Work::Return if gate.give_back(now) => Turn::Ended,
            Work::Accept if gate.accept_calibration() => Turn::Accepted { by: upkeep.who.clone() },
            Work::Return | Work::Accept | Work::Invalidate { .. } => Turn::Nothing,
            Work::Commission => {
                gate.commission();
                Turn::Commissioned { swap }
            }
        };
        if !was_calibrated {
            self.look_anew(point);
        }
        turn
    }

    /// What became of sensors by the last row.
    pub fn tended(&self) -> &[Tended] {
        &self.tended
    }

    /// Ends what has run out, and calls a fault what nobody answers for.
    pub(super) fn attend(&mut self, now: Now, seq: Seq, out: &mut Vec<Finding>) {
        while let Some((_, point)) = self.cares.first().copied().filter(|(due, _)| *due <= now.steady) {
            self.cares.pop_first();
            let turn = self.gate.point_mut(point).and_then(|gate| {
                let ended = gate.give_back(now).then_some(Turn::Ended);
                ended.or_else(|| gate.give_up(now).then_some(Turn::Unattended))
            });
            if let Some(turn) = turn {
                self.say(now, seq, point, turn);
                self.reground(point, Moment::present(seq, now), out);
            }
        }
    }

    /// A device may have begun to say that it is being calibrated, or ceased to.
    pub(super) fn follow_device(&mut self, now: Now, seq: Seq, point: PointIx, was: bool) {
        let is = self.gate.point(point).is_some_and(PointGate::is_calibrating_itself);
        let turn = match (was, is) {
            (false, true) => Turn::Began { by: None, why: String::new(), ends: None },
            (true, false) => Turn::Ended,
            (true, true) | (false, false) => return,
        };
        if is {
            self.look_anew(point);
        }
        self.say(now, seq, point, turn);
        self.care_for(point);
    }

    /// A calibration begins: what is over the limit in it is said again.
    fn look_anew(&mut self, point: PointIx) {
        let Self { rules, subjects, .. } = self;
        for ix in rules.readers(point) {
            if let Some(subject) = subjects.get_mut(*ix as usize) {
                subject.over = 0;
            }
        }
    }

    fn say(&mut self, now: Now, seq: Seq, point: PointIx, turn: Turn) {
        let site = self.rules.site();
        let (Some(station), Some(named)) = (site.station_of(point), site.point(point)) else { return };
        let sensor = Sensor { station: station.id.clone(), point: named.id.clone() };
        self.tended.push(Tended { sensor, seq, at: now.wall, command: None, turn });
    }

    /// Looks at a point again when its window runs out.
    pub(super) fn care_for(&mut self, point: PointIx) {
        self.cares.retain(|(_, other)| *other != point);
        if let Some(due) = self.gate.point(point).and_then(PointGate::care_due) {
            self.cares.insert((due, point));
        }
    }

    /// How the device of a point joins on to the one before it.
    fn swap(&self, now: Now, point: PointIx) -> Option<Swap> {
        let (last, first) = self.gate.point(point)?.swapped()?;
        Some(Swap { last, first, expected: self.gate.expected(point, now.wall) })
    }
}
