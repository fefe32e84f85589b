//! How many sensors look out for each hazard in each area, counted as alarms are filed.

use std::collections::{BTreeMap, BTreeSet};

use watchfire_model::{alarm::Alarm, alarm::AlarmKey, finding::Evidence, id::StationId};

use super::{command_suppression::station_of, register::Place, upkeep::OVER};

/// The sensors of every place from which an alarm has been heard.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Eyes(BTreeMap<Place, Eye>);

/// The stations of one place, each with how many alarms say so of it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Eye {
    live: Counts,
    gone: Counts,
    /// Of alarms over many stations that stand on fewer than they should: on how many.
    left: BTreeMap<AlarmKey, usize>,
}

/// How many of something there are under each name, if any.
#[derive(Clone, Debug, PartialEq)]
enum Counts {
    /// Most places have a station or two; up to [`FEW`] of them, in order.
    Few(Vec<(String, usize)>),
    Many(BTreeMap<String, usize>),
}

/// So many names are looked through one by one.
const FEW: usize = 8;

impl Default for Counts {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Counts {
    fn add(&mut self, name: String) {
        match self {
            Self::Few(counts) => match place_of(counts, &name) {
                Ok(place) => counts[place].1 += 1,
                Err(place) if counts.len() < FEW => {
                    counts.reserve_exact(1);
                    counts.insert(place, (name, 1));
                }
                Err(_) => *self = Self::Many(counts.drain(..).chain([(name, 1)]).collect()),
            },
            Self::Many(counts) => *counts.entry(name).or_default() += 1,
        }
    }

    fn take(&mut self, name: &str) {
        match self {
            Self::Few(counts) => {
                let Ok(place) = place_of(counts, name) else { return };
                counts[place].1 -= 1;
                if counts[place].1 == 0 {
                    counts.remove(place);
                }
            }
            Self::Many(counts) => {
                let Some(count) = counts.get_mut(name) else { return };
                *count -= 1;
                if *count == 0 {
                    counts.remove(name);
                }
                if counts.len() <= FEW {
                    *self = Self::Few(std::mem::take(counts).into_iter().collect());
                }
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Few(counts) => counts.len(),
            Self::Many(counts) => counts.len(),
        }
    }

    fn has_any(&self, of: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Few(counts) => counts.iter().any(|(name, _)| of(name)),
            Self::Many(counts) => counts.keys().any(|name| of(name)),
        }
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Self::Few(counts) => place_of(counts, name).is_ok(),
            Self::Many(counts) => counts.contains_key(name),
        }
    }
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
            Word::Live(stations) => stations.into_iter().for_each(|it| eye.live.add(it)),
            Word::Gone(stations) => stations.into_iter().for_each(|it| eye.gone.add(it)),
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
            Word::Live(stations) => stations.iter().for_each(|it| eye.live.take(it)),
            Word::Gone(stations) => stations.iter().for_each(|it| eye.gone.take(it)),
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
    pub(super) fn unheard(&self, place: &Place, expected: &[StationId]) -> usize {
        let Some(eye) = self.0.get(place) else { return expected.len() };
        let heard = |station: &&StationId| eye.live.has(station.as_str()) || eye.gone.has(station.as_str());
        // Whoever speaks for many has spoken for those that were never heard.
        let spoken_for = !eye.left.is_empty() || eye.gone.has_any(is_gathered);
        if !spoken_for { expected.iter().filter(|station| !heard(station)).count() } else { 0 }
    }
}

fn place_of(counts: &[(String, usize)], name: &str) -> Result<usize, usize> {
    counts.binary_search_by(|(other, _)| other.as_str().cmp(name))
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
