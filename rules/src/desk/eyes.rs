//! How many sensors look out for each hazard in each area, counted as alarms are filed.

use std::collections::{BTreeMap, BTreeSet};

use watchfire_model::{alarm::Alarm, alarm::AlarmKey, finding::Evidence};

use super::{command_suppression::station_of, register::Place, upkeep::OVER};

/// The sensors of every place from which an alarm has been heard.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Eyes(BTreeMap<Place, Eye>);

/// The stations of one place, each with how many alarms say so of it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Eye {
    live: BTreeMap<String, usize>,
    gone: BTreeMap<String, usize>,
    /// Of alarms over many stations that stand on fewer than they should: on how many.
    left: BTreeMap<AlarmKey, usize>,
}

/// What one alarm says of its stations.
enum Word {
    Live(BTreeSet<String>),
    Left(usize),
    Gone(BTreeSet<String>),
    Nothing,
}

impl Eyes {
    /// Counts in what an alarm says.
    pub(super) fn enter(&mut self, alarm: &Alarm) {
        let word = word_of(alarm);
        if matches!(word, Word::Nothing) {
            return;
        }
        let eye = self.0.entry(Place::of(alarm)).or_default();
        match word {
            Word::Live(stations) => stations.into_iter().for_each(|it| *eye.live.entry(it).or_default() += 1),
            Word::Gone(stations) => stations.into_iter().for_each(|it| *eye.gone.entry(it).or_default() += 1),
            Word::Left(left) => {
                eye.left.insert(alarm.key.clone(), left);
            }
            Word::Nothing => {}
        }
    }

    /// Counts out what an alarm said when it was counted in as it is.
    pub(super) fn leave(&mut self, alarm: &Alarm) {
        let place = Place::of(alarm);
        let Some(eye) = self.0.get_mut(&place) else { return };
        match word_of(alarm) {
            Word::Live(stations) => stations.iter().for_each(|it| take_one(&mut eye.live, it)),
            Word::Gone(stations) => stations.iter().for_each(|it| take_one(&mut eye.gone, it)),
            Word::Left(_) => {
                eye.left.remove(&alarm.key);
            }
            Word::Nothing => {}
        }
        if *eye == Eye::default() {
            self.0.remove(&place);
        }
    }

    /// How many stations of a place can be relied on.
    pub(super) fn live(&self, place: &Place) -> usize {
        self.0.get(place).map_or(0, |eye| eye.live.len().max(eye.left.values().copied().max().unwrap_or(0)))
    }

    /// How many of the stations expected at a place nothing was ever heard of.
    pub(super) fn unheard(&self, place: &Place, expected: &BTreeSet<String>) -> usize {
        let Some(eye) = self.0.get(place) else { return expected.len() };
        let heard = |station: &&String| eye.live.contains_key(*station) || eye.gone.contains_key(*station);
        // Whoever speaks for many has spoken for those that were never heard.
        let spoken_for = !eye.left.is_empty() || eye.gone.keys().any(|key| is_gathered(key));
        if !spoken_for { expected.iter().filter(|station| !heard(station)).count() } else { 0 }
    }
}

fn take_one(counts: &mut BTreeMap<String, usize>, station: &str) {
    if let Some(count) = counts.get_mut(station) {
        *count -= 1;
        if *count == 0 {
            counts.remove(station);
        }
    }
}

fn word_of(alarm: &Alarm) -> Word {
    // What was said in a calibration looks out for nobody.
    if alarm.key.rule.as_str().starts_with(OVER) {
        return Word::Nothing;
    }
    if alarm.is_out_of_service() {
        return gone(alarm);
    }
    match &alarm.evidence {
        Evidence::Good => Word::Live(stations(alarm)),
        Evidence::Degraded { left, .. } => Word::Left(usize::try_from(*left).unwrap_or(usize::MAX)),
        Evidence::Starting => Word::Nothing,
        Evidence::Fault { .. }
        | Evidence::NoData { .. }
        | Evidence::RuleError { .. }
        | Evidence::OutOfService
        | Evidence::Calibrating => gone(alarm),
    }
}

/// The stations of an alarm that sees nothing; of a group or an area also itself, since it may have read none.
fn gone(alarm: &Alarm) -> Word {
    let mut gone = stations(alarm);
    gone.insert(station_of(&alarm.key).to_owned());
    Word::Gone(gone)
}

fn is_gathered(subject: &str) -> bool {
    subject.starts_with("group:") || subject.starts_with("area:")
}

/// The stations that an alarm stands on: of a group or an area, those that its measure read.
fn stations(alarm: &Alarm) -> BTreeSet<String> {
    let subject = alarm.key.subject.as_str();
    if is_gathered(subject) {
        return alarm.causes.iter().map(|cause| cause.station.as_str().to_owned()).collect();
    }
    BTreeSet::from([station_of(&alarm.key).to_owned()])
}
