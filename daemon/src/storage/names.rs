//! Which point a number in the journal means. The numbers are places in one configuration's list of points, and the next
//! configuration may have another order; so the journal keeps the names beside the numbers, and whoever reads gets
//! every row in the numbers of the configuration that runs now.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use watchfire_model::id::{PointId, PointIx, StationId};
use watchfire_model::row::Row;
use watchfire_model::site::Site;

/// One point's name, for good: what the stores file it under.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PointName {
    /// The station's id.
    pub station: StationId,
    /// The point's own id.
    pub point: PointId,
    /// What it measures.
    pub quantity: Arc<str>,
}

/// The names of all points, by their number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PointNames(Vec<PointName>);

impl PointNames {
    /// The names of a site's points.
    pub fn of(site: &Site) -> Self {
        let station = |ix| site.station_of(ix).map_or_else(|| StationId::from(""), |station| station.id.clone());
        let name = |(place, point): (usize, &watchfire_model::site::Point)| PointName {
            station: station(PointIx(u32::try_from(place).unwrap_or(u32::MAX))),
            point: point.id.clone(),
            quantity: Arc::clone(&point.quantity),
        };
        Self(site.points.iter().enumerate().map(name).collect())
    }
    /// The name of a number.
    pub fn get(&self, ix: PointIx) -> Option<&PointName> {
        self.0.get(ix.index())
    }
    /// The number of a name.
    pub fn find(&self, station: &str, point: &str) -> Option<PointIx> {
        let place = self.0.iter().position(|name| name.station.as_str() == station && name.point.as_str() == point)?;
        u32::try_from(place).ok().map(PointIx)
    }
    /// The number of each name.
    fn places(&self) -> HashMap<(StationId, PointId), PointIx> {
        let place = |(place, name): (usize, &PointName)| {
            Some(((name.station.clone(), name.point.clone()), PointIx(u32::try_from(place).ok()?)))
        };
        self.0.iter().enumerate().filter_map(place).collect()
    }
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<PointName> for PointNames {
    fn from_iter<I: IntoIterator<Item = PointName>>(names: I) -> Self {
        Self(names.into_iter().collect())
    }
}

/// Turns the numbers of older configurations into those of the one that runs now. A point that is no longer configured
/// gets a number after the last configured one: its readings are still worth storing, and no rule asks for it.
#[derive(Debug)]
pub struct Translation {
    names: Arc<PointNames>,
    configured: usize,
    // None until rows come that are in other numbers: most never do.
    places: Option<HashMap<(StationId, PointId), PointIx>>,
    // None while the rows read are already in today's numbers.
    map: Option<Vec<PointIx>>,
}

impl Translation {
    /// Into the numbers of `today`.
    pub fn into(today: Arc<PointNames>) -> Self {
        Self { configured: today.len(), names: today, places: None, map: None }
    }
    /// All names there are: the configured ones, then those met that are configured no more.
    pub fn names(&self) -> &Arc<PointNames> {
        &self.names
    }
    /// How many of [`names`](Self::names) are configured now; the first so many.
    pub const fn configured(&self) -> usize {
        self.configured
    }
    /// From here on rows come in the numbers of the names that the journal has written down. Where those are the ones of
    /// today they are not made again: ten thousand of them are a megabyte for each who follows the journal.
    pub fn rows_are_as_written(&mut self, json: &[u8]) {
        let mut written = Expected(json);
        let today = self.names.0.get(..self.configured);
        if serde_json::to_writer(&mut written, &today).is_ok() && written.0.is_empty() {
            self.map = None;
        } else if let Ok(theirs) = serde_json::from_slice(json) {
            self.rows_are_in(&theirs);
        }
    }
    /// From here on rows come in the numbers of `theirs`.
    pub fn rows_are_in(&mut self, theirs: &PointNames) {
        if self.names.0.starts_with(&theirs.0) {
            self.map = None;
            return;
        }
        let places = self.places.get_or_insert_with(|| self.names.places());
        let mut grown: Option<PointNames> = None;
        let mut map = Vec::with_capacity(theirs.len());
        for name in &theirs.0 {
            let next = grown.as_ref().unwrap_or(&self.names).len();
            let place = *places.entry((name.station.clone(), name.point.clone())).or_insert_with(|| {
                grown.get_or_insert_with(|| (*self.names).clone()).0.push(name.clone());
                PointIx(u32::try_from(next).unwrap_or(u32::MAX))
            });
            map.push(place);
        }
        if let Some(grown) = grown {
            self.names = Arc::new(grown);
        }
        self.map = Some(map);
    }
    /// Puts a row's numbers into today's.
    pub fn apply(&self, row: &mut Row) {
        let Some(map) = &self.map else { return };
        let today = |ix: PointIx| map.get(ix.index()).copied().unwrap_or(PointIx(u32::MAX));
        match row {
            Row::Reading(reading) => reading.point = today(reading.point),
            Row::Link(change) => change.points.iter_mut().for_each(|ix| *ix = today(*ix)),
            Row::Tick | Row::Upkeep(_) | Row::Revision(_) => {}
        }
    }
}

/// What is still to be written; anything else is refused.
struct Expected<'a>(&'a [u8]);

impl io::Write for Expected<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.strip_prefix(bytes).ok_or(io::ErrorKind::InvalidData)?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Names for tests: `"a/stage b/rain"`, the quantity being the point's own id.
    pub(crate) fn names(list: &str) -> Arc<PointNames> {
        let name = |text: &str| {
            let (station, point) = text.split_once('/').expect("station/point");
            PointName { station: station.into(), point: point.into(), quantity: point.into() }
        };
        Arc::new(list.split_whitespace().map(name).collect())
    }

    /// The name that a row's number becomes.
    fn through(translation: &Translation, ix: u32) -> Option<String> {
        let mut row = Row::Link(watchfire_model::row::LinkChange {
            source: "s".into(),
            up: true,
            since: watchfire_model::time::Timestamp(0),
            points: vec![PointIx(ix)],
            reason: String::new(),
            gap: false,
        });
        translation.apply(&mut row);
        let Row::Link(change) = row else { unreachable!("made above") };
        translation.names().get(change.points[0]).map(|name| format!("{}/{}", name.station, name.point))
    }

    #[test]
    fn a_new_order_of_points_changes_no_one_s_readings() {
        let mut translation = Translation::into(names("b/rain a/stage"));
        translation.rows_are_in(&names("a/stage gone/gas b/rain"));
        let through = |ix| through(&translation, ix);
        assert_eq!(through(0).as_deref(), Some("a/stage"));
        assert_eq!(through(1).as_deref(), Some("gone/gas"));
        assert_eq!(through(2).as_deref(), Some("b/rain"));
        assert_eq!(through(3), None, "a number nobody gave means no point");
        assert_eq!(translation.configured(), 2);
    }

    #[test]
    fn points_added_at_the_end_need_no_translation() {
        let mut translation = Translation::into(names("a/stage b/rain"));
        translation.rows_are_in(&names("a/stage"));
        assert!(translation.map.is_none());
    }

    #[test]
    fn names_that_are_written_down_are_ours_or_are_put_into_ours() {
        let json = |names: &PointNames| serde_json::to_vec(names).expect("JSON");
        let mut translation = Translation::into(names("a/stage b/rain"));
        for (written, number) in [("a/stage b/rain", 0), ("b/rain a/stage", 1), ("a/stage", 0), ("gone/gas a/stage", 1)]
        {
            translation.rows_are_as_written(&json(&names(written)));
            assert_eq!(through(&translation, number).as_deref(), Some("a/stage"), "{written}");
        }
        // A name of then is known after those of today; what is no list of names changes nothing.
        assert_eq!(translation.names().len(), 3);
        for broken in [&b"[{\"station\":1}]"[..], b"", b"null"] {
            translation.rows_are_as_written(broken);
            assert!(translation.map.is_some(), "{broken:?}");
        }
        translation.rows_are_as_written(&json(&names("a/stage b/rain")));
        assert!(translation.map.is_none());
    }
}
