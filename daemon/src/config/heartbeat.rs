//! The point whose reports say that another one of its station, which reports only on change, is alive too.

use watchfire_model::id::PointIx;
use watchfire_model::site::Reports;

use crate::config::problem::Problem;
use crate::config::read::{At, Context};
use crate::config::station::Field;

impl Field {
    /// Finds the point whose word says that another one of its station is alive.
    pub(super) fn settle_heartbeat(&mut self, cx: &Context<'_>, ix: usize, heartbeat: &At<String>) {
        let Some(point) = self.points.get(ix) else { return };
        let refuse = |why: &str| {
            cx.report(
                Problem::error(heartbeat.at, why)
                    .hint("name a point of the same station that reports at every interval, such as \"battery\""),
            );
        };
        if point.reports != Reports::OnChange {
            return refuse("only a point with reports = \"on_change\" has a heartbeat");
        }
        let Some(station) = self.stations.get(point.station.index()) else { return };
        let named =
            |other: &&PointIx| self.points.get(other.index()).is_some_and(|other| other.id.as_str() == heartbeat.value);
        match station.points.iter().find(named).copied() {
            None => refuse(&format!("station \"{}\" has no point \"{}\"", station.id, heartbeat.value)),
            Some(other) if self.points.get(other.index()).is_some_and(|it| it.reports == Reports::OnChange) => {
                refuse("a heartbeat beats whether or not anything changes; that point reports on change itself");
            }
            Some(other) => {
                if let Some(point) = self.points.get_mut(ix) {
                    point.heartbeat = Some(other);
                }
            }
        }
    }
}
