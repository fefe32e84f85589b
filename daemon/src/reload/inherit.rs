//! A warning ends with a bulletin, and a bulletin needs its hazard's texts and its area. What a new site no longer has of
//! these, and something that lives still needs, it takes over from the site before it.

use std::sync::Arc;

use watchfire_model::alarm::Alarm;
use watchfire_model::id::{AreaId, HazardId};
use watchfire_model::site::Site;
use watchfire_model::warning::{Publication, Warning};

/// `site`, with the hazards and areas of `former` that it lacks and that something alive needs.
pub fn inherit<'a>(
    site: &Arc<Site>,
    former: &Site,
    alarms: impl Iterator<Item = &'a Alarm>,
    warnings: impl Iterator<Item = &'a Warning>,
) -> Arc<Site> {
    let standing = alarms.filter(|alarm| alarm.standing().is_some()).map(|alarm| (&alarm.hazard, &alarm.area));
    let live = warnings.filter(|warning| !matches!(warning.publication, Publication::Ended { .. }));
    let needed: Vec<(&HazardId, &AreaId)> =
        standing.chain(live.map(|warning| (&warning.hazard, &warning.area))).collect();
    let lacks_hazard = |id: &HazardId| site.hazards.iter().all(|hazard| hazard.id != *id);
    let lacks_area = |id: &AreaId| site.areas.iter().all(|area| area.id != *id);
    let hazards: Vec<_> = former
        .hazards
        .iter()
        .filter(|hazard| lacks_hazard(&hazard.id) && needed.iter().any(|(id, _)| **id == hazard.id))
        .cloned()
        .collect();
    let areas: Vec<_> = former
        .areas
        .iter()
        .filter(|area| lacks_area(&area.id) && needed.iter().any(|(_, id)| **id == area.id))
        .cloned()
        .collect();
    if hazards.is_empty() && areas.is_empty() {
        return Arc::clone(site);
    }
    let mut site = Site::clone(site);
    site.hazards.extend(hazards);
    site.areas.extend(areas);
    Arc::new(site)
}
