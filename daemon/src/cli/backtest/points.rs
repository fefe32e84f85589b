//! From the names in a recording to the points of the configuration. Names that are no point of it are counted, and the
//! first few remembered: a recording may hold more than the rules look at.

use std::collections::HashMap;

use watchfire_model::id::PointIx;
use watchfire_model::site::Site;

use super::line::shown;

/// Unknown names that are kept for the summary.
const REMEMBERED: usize = 5;

/// The points by name.
#[derive(Debug)]
pub(super) struct Points {
    by_name: HashMap<Vec<u8>, PointIx>,
    unknown: Vec<String>,
    readings_of_unknown: u64,
}

impl Points {
    /// All points of a site, as `station/point`.
    pub(super) fn of(site: &Site) -> Self {
        let stations = site.stations.iter();
        let by_name = stations
            .flat_map(|station| station.points.iter().map(move |ix| (station, *ix)))
            .filter_map(|(station, ix)| {
                let point = site.point(ix)?;
                Some((format!("{}/{}", station.id, point.id).into_bytes(), ix))
            })
            .collect();
        Self { by_name, unknown: Vec::new(), readings_of_unknown: 0 }
    }

    /// The point of a name.
    pub(super) fn find(&mut self, name: &[u8]) -> Option<PointIx> {
        let found = self.by_name.get(name).copied();
        if found.is_none() {
            self.readings_of_unknown += 1;
            if self.unknown.len() < REMEMBERED {
                let name = shown(name);
                if !self.unknown.contains(&name) {
                    self.unknown.push(name);
                }
            }
        }
        found
    }

    /// The point of a name that has been found before.
    pub(super) fn known(&self, name: &[u8]) -> Option<PointIx> {
        self.by_name.get(name).copied()
    }

    /// Readings whose name is no point.
    pub(super) const fn readings_of_unknown(&self) -> u64 {
        self.readings_of_unknown
    }

    /// The first few such names.
    pub(super) fn unknown(&self) -> &[String] {
        &self.unknown
    }
}
