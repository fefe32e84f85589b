//! Whether somebody looks out for each hazard in each area. Where too few sensors are left a fault comes before others: the
//! place is not safe, it is unknown (SEMANTICS §4, §5). No grade is changed here.

use std::collections::BTreeSet;

use watchfire_model::{
    attention::Attention,
    id::{AreaId, IncidentId},
    incident::{About, Incident},
    mode::Mode,
    time::Timestamp,
    watch::{Watch, Watching},
};

use super::{
    Desk, Step,
    event::Event,
    register::{Place, lost_since},
};

impl<M: Mode> Step<'_, M> {
    /// Looks at the places of all alarms that this step has changed.
    pub(super) fn look_out(&mut self) {
        for place in std::mem::take(&mut self.touched) {
            self.look_out_at(&place);
        }
    }

    /// Looks at every place: the site may have been written anew.
    pub(super) fn look_out_everywhere(&mut self) {
        let mut places: BTreeSet<Place> = self.desk.directory.watched().map(|(place, _)| place.clone()).collect();
        let open = self.desk.incidents.all().filter(|it| it.is_open());
        places.extend(open.filter_map(|it| place_of(&it.about)));
        places.iter().for_each(|place| self.look_out_at(place));
    }

    fn look_out_at(&mut self, place: &Place) {
        let about = About::Unwatched { hazard: place.hazard.clone(), area: place.area.clone() };
        let open = self.desk.incidents.about(&about).cloned();
        let watch = self.desk.watch_at(place);
        match (watch, open) {
            (Some(watch), None) if watch.stands == Watching::Unwatched => self.go_blind(place, about, &watch),
            (Some(watch), Some(open)) if watch.stands != Watching::Watched => {
                let reason = counted(&watch);
                if reason != open.reason {
                    self.emit(Event::Incident(Box::new(Incident { reason, ..open })));
                }
            }
            // Watched again, or no longer a place where anything is looked out for.
            (Some(_) | None, Some(open)) => {
                let at = Some(self.now.wall);
                self.emit(Event::Incident(Box::new(Incident { until: at, closed_at: at, ..open })));
            }
            (Some(_) | None, None) => {}
        }
    }

    fn go_blind(&mut self, place: &Place, about: About, watch: &Watch) {
        let lost = self.desk.register.alarms().filter(|alarm| Place::of(alarm) == *place);
        let mut since: Option<Timestamp> = None;
        let mut within: Option<IncidentId> = None;
        for alarm in lost {
            since = since.max(lost_since(alarm));
            within = within.or_else(|| alarm.incident.clone());
        }
        let unacked = Attention::Unacked { since: self.now.wall };
        let incident = Incident {
            id: self.desk.next_incident_id(self.now.wall),
            about,
            since: since.unwrap_or(self.now.wall),
            noticed_at: self.now.wall,
            until: None,
            settles_at: None,
            closed_at: None,
            sensors: Vec::new(),
            reason: counted(watch),
            urgent: true,
            attention: if within.is_some() { Attention::Quiet } else { unacked },
            within: within.clone(),
        };
        self.emit(Event::Incident(Box::new(incident)));
        if let Some(wider) = within {
            self.hasten(&wider);
        }
    }

    /// A place is unwatched because of an incident: people take note of that, and it comes before others.
    pub(super) fn adopt(&mut self, places: &BTreeSet<Place>, incident: &IncidentId) {
        let mut any = false;
        for place in places {
            let about = About::Unwatched { hazard: place.hazard.clone(), area: place.area.clone() };
            let Some(open) = self.desk.incidents.about(&about).filter(|it| it.within.is_none()).cloned() else {
                continue;
            };
            any = true;
            let attention = if open.attention.is_unacked() { Attention::Quiet } else { open.attention.clone() };
            let within = Some(incident.clone());
            self.emit(Event::Incident(Box::new(Incident { within, attention, ..open })));
        }
        if any {
            self.hasten(incident);
        }
    }

    /// An incident is over; a place that is still unwatched asks for a person by itself.
    pub(super) fn orphan(&mut self, incident: &IncidentId) {
        let left = self.desk.incidents.all().filter(|it| it.is_open() && it.within.as_ref() == Some(incident));
        let left: Vec<Incident> = left.map(|it| Incident::clone(it)).collect();
        for it in left {
            let attention = Attention::Unacked { since: self.now.wall };
            self.emit(Event::Incident(Box::new(Incident { within: None, attention, ..it })));
        }
    }

    /// Lets an incident come before others.
    pub(super) fn hasten(&mut self, id: &IncidentId) {
        if let Some(incident) = self.desk.incidents.get(id).filter(|it| it.is_open() && !it.urgent).cloned() {
            self.emit(Event::Incident(Box::new(Incident { urgent: true, ..incident })));
        }
    }
}

impl<M: Mode> Desk<M> {
    /// How every hazard is looked out for, in every area where some rule does; then the areas where none does.
    pub fn watches(&self) -> impl Iterator<Item = Watch> {
        let ruled: BTreeSet<&AreaId> = self.directory.watched().map(|(place, _)| &place.area).collect();
        let bare = self.site.areas.iter().filter(move |area| !ruled.contains(&area.id)).map(|area| Watch {
            hazard: None,
            area: area.id.clone(),
            live: 0,
            of: 0,
            needs: 1,
            stands: Watching::Unwatched,
        });
        self.directory.watched().filter_map(|(place, _)| self.watch_at(place)).chain(bare)
    }

    /// How a place is looked out for; none where no rule does.
    fn watch_at(&self, place: &Place) -> Option<Watch> {
        let expected = self.directory.stations_for(place)?;
        let hazard = self.directory.hazard(&self.site, &place.hazard);
        let needs = hazard.map_or(1, |hazard| usize::try_from(hazard.watched_by).unwrap_or(1).max(1));
        let (live, unheard) = (self.register.live_at(place), self.register.unheard_at(place, expected));
        Some(Watch {
            hazard: Some(place.hazard.clone()),
            area: place.area.clone(),
            live,
            of: expected.len(),
            needs,
            stands: Watching::of(live, unheard, needs),
        })
    }
}

fn place_of(about: &About) -> Option<Place> {
    match about {
        About::Unwatched { hazard, area } => Some(Place { hazard: hazard.clone(), area: area.clone() }),
        About::Link { .. }
        | About::Gateway { .. }
        | About::Power { .. }
        | About::Logger { .. }
        | About::Station { .. }
        | About::HostClock
        | About::Judging => None,
    }
}

fn counted(watch: &Watch) -> String {
    format!("{} of {} stations left, {} needed", watch.live, watch.of, watch.needs)
}
