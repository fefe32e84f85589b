//! What a person has declared to be no measurement: stored samples are kept and flagged, so that a chart shows what was
//! said and that nobody should believe it.

use rusqlite::Connection;
use watchfire_model::quality::Flag;
use watchfire_model::time::Timestamp;
use watchfire_model::upkeep::{Upkeep, Work};

use super::heads::{Heads, Place};
use super::samples::{Sample, Samples};
use super::{Open, Tail, chunk};

impl Open {
    /// Flags what is stored of a sensor, where a person's word declares it invalid.
    pub(super) fn upkeep(&mut self, upkeep: &Upkeep, tail: &mut Tail) -> rusqlite::Result<()> {
        let Work::Invalidate { from, to } = upkeep.work else { return Ok(()) };
        let (station, point) = (upkeep.sensor.station.as_str(), upkeep.sensor.point.as_str());
        let Some(place) = self.names.find(station, point).and_then(|ix| self.place(ix)) else { return Ok(()) };
        let stored = stored(&self.db, &mut self.heads, place, from, to)?;
        for sample in stored.iter().filter(|sample| from <= sample.at && sample.at <= to) {
            let sample = Sample { flag: Flag::Fail, ..sample };
            if self.heads.take_in(place, sample) {
                tail.push(self.heads.series(place), sample);
            }
        }
        Ok(())
    }
}

/// What the chunks of a time and the head hold.
fn stored(
    db: &Connection,
    heads: &mut Heads,
    place: Place,
    from: Timestamp,
    to: Timestamp,
) -> rusqlite::Result<Samples> {
    let mut samples = Samples::default();
    let sql = "SELECT samples FROM chunk WHERE series = ? AND t0 <= ? AND t1 >= ? ORDER BY t0";
    let mut select = db.prepare(sql)?;
    let mut rows = select.query((heads.series(place), to.0, from.0))?;
    while let Some(row) = rows.next()? {
        // A chunk that can't be read is a hole in the chart, flagged or not.
        samples.merge(&chunk::decode(row.get_ref(0)?.as_blob()?).unwrap_or_default());
    }
    if let Some(head) = heads.head(place) {
        samples.merge(&head.samples);
    }
    Ok(samples)
}
