//! Incidents: what many sensors share is told once, with its time range, and the alarms that it explains ask for nobody
//! by themselves; when it is over, those that did not come back do. No grade is changed here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use watchfire_model::{
    alarm::{Alarm, AlarmKey},
    attention::Attention,
    command::{Command, Refusal},
    finding::{Evidence, FaultCause},
    grade::Grade,
    id::{IncidentId, PersonId, StationId},
    incident::{About, Incident, Outage, Sensor},
    mode::Mode,
    time::{Span, Timestamp},
};

use super::{
    Desk, Step,
    command_suppression::station_of,
    event::{Deadline, Event},
    register::Place,
};

/// Closed incidents kept here; all of them are in the ledger.
pub(super) const CLOSED_KEPT: usize = 200;
/// So many sensors that are left of an incident are told together.
const TOGETHER: usize = 2;
/// The least time that sensors have to come back after the first of them has.
const GRACE: Span = Span::minutes(1);

/// Every open incident and the last closed ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Incidents {
    by_id: BTreeMap<IncidentId, Arc<Incident>>,
    open: BTreeMap<About, IncidentId>,
    /// Oldest first.
    closed: VecDeque<IncidentId>,
    /// Open ones that hold sensors, by station.
    explained: BTreeMap<StationId, BTreeSet<IncidentId>>,
    /// So many so far.
    count: u64,
}

impl Incidents {
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Incident>> {
        self.by_id.values()
    }

    pub(super) fn get(&self, id: &IncidentId) -> Option<&Incident> {
        self.by_id.get(id).map(AsRef::as_ref)
    }

    /// The open incident about something.
    pub(super) fn about(&self, about: &About) -> Option<&Incident> {
        self.open.get(about).and_then(|id| self.get(id))
    }

    /// The open incident that explains why nothing is heard of some sensor; the first to be noticed.
    fn explains(&self, sensors: &[Sensor]) -> Option<&Incident> {
        let of_station = sensors.iter().filter_map(|sensor| Some((sensor, self.explained.get(&sensor.station)?)));
        let mut found = of_station.flat_map(|(sensor, ids)| ids.iter().map(move |id| (sensor, id)));
        found.find_map(|(sensor, id)| self.get(id).filter(|it| it.sensors.binary_search(sensor).is_ok()))
    }

    /// Files an incident as it now stands.
    pub(super) fn file(&mut self, incident: &Incident) {
        let id = &incident.id;
        let stations: BTreeSet<&StationId> = incident.sensors.iter().map(|sensor| &sensor.station).collect();
        if !self.by_id.contains_key(id) {
            self.count += 1;
        }
        if incident.is_open() {
            self.open.insert(incident.about.clone(), id.clone());
            for station in stations {
                self.explained.entry(station.clone()).or_default().insert(id.clone());
            }
        } else {
            if self.open.get(&incident.about) == Some(id) {
                self.open.remove(&incident.about);
            }
            for station in stations {
                if let Some(ids) = self.explained.get_mut(station) {
                    ids.remove(id);
                    if ids.is_empty() {
                        self.explained.remove(station);
                    }
                }
            }
            if !self.closed.contains(id) {
                self.closed.push_back(id.clone());
            }
        }
        self.by_id.insert(id.clone(), Arc::new(incident.clone()));
        while self.closed.len() > CLOSED_KEPT {
            if let Some(gone) = self.closed.pop_front() {
                self.by_id.remove(&gone);
            }
        }
    }
}

impl<M: Mode> Step<'_, M> {
    /// Takes an Evaluator's word about something that many sensors share. The same word again changes nothing.
    pub(super) fn take_outage(&mut self, outage: &Outage) {
        let open = self.desk.incidents.about(&outage.about).cloned();
        match (open, outage.until) {
            (None, None) => {
                let incident = self.begin(outage);
                self.emit(Event::Incident(Box::new(incident.clone())));
                self.swallow(&incident);
                self.explain(&incident);
            }
            // It is over before we heard of it: a gap, or a step of our clock.
            (None, Some(until)) if !outage.reason.is_empty() => {
                let closed_at = Some(self.now.wall);
                let incident = Incident { until: Some(until), closed_at, ..self.begin(outage) };
                self.emit(Event::Incident(Box::new(incident)));
            }
            (None, Some(_)) => {}
            (Some(open), None) => {
                let mut sensors = open.sensors.clone();
                sensors.extend(outage.sensors.iter().cloned());
                sensors.sort();
                sensors.dedup();
                let reason = if outage.reason.is_empty() { open.reason.clone() } else { outage.reason.clone() };
                let incident = Incident { sensors, reason, until: None, settles_at: None, ..open.clone() };
                if incident != open {
                    self.emit(Event::Incident(Box::new(incident.clone())));
                    self.explain(&incident);
                }
            }
            (Some(open), Some(until)) => self.ease(open, until, &outage.reason),
        }
    }

    /// An incident that begins now.
    fn begin(&self, outage: &Outage) -> Incident {
        let mut sensors = outage.sensors.clone();
        sensors.sort();
        sensors.dedup();
        Incident {
            id: self.desk.next_incident_id(self.now.wall),
            about: outage.about.clone(),
            since: outage.since,
            noticed_at: self.now.wall,
            until: None,
            settles_at: None,
            closed_at: None,
            sensors,
            reason: outage.reason.clone(),
            urgent: false,
            attention: Attention::Unacked { since: self.now.wall },
            within: None,
        }
    }

    /// Something is heard again: the rest has as long to come back as a sensor may be silent.
    fn ease(&mut self, open: Incident, until: Timestamp, reason: &str) {
        if open.until.is_some() {
            return;
        }
        let reason = if reason.is_empty() { open.reason.clone() } else { reason.to_owned() };
        let patience = self.desk.directory.patience(&self.desk.site, &open.sensors).max(GRACE);
        let mut incident = Incident { until: Some(until), reason, ..open };
        if incident.sensors.is_empty() {
            incident.closed_at = Some(self.now.wall);
        } else {
            incident.settles_at = Some(self.now.steady + patience);
        }
        self.emit(Event::Incident(Box::new(incident)));
    }

    /// An alarm under an incident stands on evidence again, so something is heard; the Evaluator says so too, unless the row
    /// by which it knew of the incident was lost.
    pub(super) fn ease_by_hearing(&mut self, id: &IncidentId, at: Timestamp) {
        if let Some(open) = self.desk.incidents.get(id).filter(|it| it.is_open() && it.until.is_none()).cloned() {
            self.ease(open, at, "");
        }
    }

    /// The time to come back is over: what is still silent asks for a person by itself.
    pub(super) fn close_incident(&mut self, id: &IncidentId) {
        let Some(incident) = self.desk.incidents.get(id).filter(|it| it.is_open()).cloned() else { return };
        let left = self.desk.register.alarms().filter(|alarm| alarm.incident.as_ref() == Some(id));
        let left: Vec<AlarmKey> = left.map(|alarm| alarm.key.clone()).collect();
        let closed_at = Some(self.now.wall);
        self.emit(Event::Incident(Box::new(Incident { closed_at, settles_at: None, ..incident.clone() })));
        self.split(&incident, &left);
        self.orphan(id);
        let since = self.now.wall;
        for key in left {
            let taken = self.desk.register.get(&key).is_none_or(|filed| filed.alarm.incident.as_ref() != Some(id));
            if taken {
                continue;
            }
            self.change_alarm(&key, |alarm| {
                alarm.incident = None;
                if alarm.evidence.is_lost() && alarm.fault_attention == Attention::Quiet {
                    alarm.fault_attention = Attention::Unacked { since };
                }
            });
        }
    }

    /// What is left of an incident and shares something narrower goes on as one incident by itself.
    fn split(&mut self, whole: &Incident, left: &[AlarmKey]) {
        let mut parts: BTreeMap<About, BTreeSet<Sensor>> = BTreeMap::new();
        for filed in left.iter().filter_map(|key| self.desk.register.get(key)).filter(|filed| is_cut_off(&filed.alarm))
        {
            let sensors = self.desk.sensors_of(&filed.alarm).into_iter();
            for sensor in sensors.filter(|sensor| whole.sensors.binary_search(sensor).is_ok()) {
                let shared = self.desk.directory.shared(&self.desk.site, &sensor.station);
                for about in shared.into_iter().filter(|about| *about > whole.about) {
                    parts.entry(about).or_default().insert(sensor.clone());
                }
            }
        }
        let mut told = BTreeSet::new();
        // The widest comes first.
        for (about, mut sensors) in parts {
            sensors.retain(|sensor| !told.contains(sensor));
            if sensors.len() < TOGETHER || self.desk.incidents.about(&about).is_some() {
                continue;
            }
            told.extend(sensors.iter().cloned());
            let incident = Incident {
                id: self.desk.next_incident_id(self.now.wall),
                about,
                noticed_at: self.now.wall,
                until: None,
                settles_at: None,
                closed_at: None,
                sensors: sensors.into_iter().collect(),
                reason: format!("still silent after {} ({})", whole.id, whole.about),
                attention: Attention::Unacked { since: self.now.wall },
                within: None,
                ..whole.clone()
            };
            self.emit(Event::Incident(Box::new(incident.clone())));
            self.explain(&incident);
        }
    }

    /// Closes what turns out to be a part of an incident that has just been noticed.
    fn swallow(&mut self, wider: &Incident) {
        let within = |it: &&Arc<Incident>| {
            it.is_open()
                && it.id != wider.id
                && !it.sensors.is_empty()
                && it.about > wider.about
                && it.sensors.iter().all(|sensor| wider.sensors.binary_search(sensor).is_ok())
        };
        let parts: Vec<Incident> = self.desk.incidents.all().filter(within).map(|it| Incident::clone(it)).collect();
        for part in parts {
            let (closed_at, within) = (Some(self.now.wall), Some(wider.id.clone()));
            let attention = Attention::Quiet;
            self.emit(Event::Incident(Box::new(Incident { closed_at, within, settles_at: None, attention, ..part })));
        }
    }

    /// Takes the alarms that an incident explains under it: people take note of it, and not of each of them.
    fn explain(&mut self, incident: &Incident) {
        let explained = |alarm: &&Arc<Alarm>| is_cut_off(alarm) && alarm.incident.as_ref() != Some(&incident.id);
        let keys: Vec<AlarmKey> = self
            .desk
            .register
            .alarms()
            .filter(explained)
            .filter(|alarm| {
                let sensors = self.desk.sensors_of(alarm);
                sensors.iter().any(|sensor| incident.sensors.binary_search(sensor).is_ok())
            })
            .map(|alarm| alarm.key.clone())
            .collect();
        let mut places = BTreeSet::new();
        for key in keys {
            let Some(filed) = self.desk.register.get(&key) else { continue };
            let stands = filed.alarm.standing();
            places.insert(Place::of(&filed.alarm));
            self.change_alarm(&key, |alarm| come_under(alarm, &incident.id));
            self.press(&incident.id, stands);
        }
        self.adopt(&places, &incident.id);
    }

    /// Brings an alarm whose evidence has just been lost, or is back, under what explains that, if anything does.
    pub(super) fn explain_one(&self, alarm: &mut Alarm) {
        if !is_cut_off(alarm) {
            alarm.incident = None;
            return;
        }
        if alarm.incident.is_none()
            && let Some(incident) = self.desk.incidents.explains(&self.desk.sensors_of(alarm))
        {
            come_under(alarm, &incident.id);
        }
    }

    /// A high grade is held on what an incident has cut off: it comes before others.
    pub(super) fn press(&mut self, id: &IncidentId, stands: Option<Grade>) {
        if stands >= Some(Grade::Orange) {
            self.hasten(id);
        }
    }

    /// Takes note of an incident.
    pub(super) fn acknowledge_incident(&mut self, command: &Command, id: &IncidentId) -> Result<(), Refusal> {
        let unknown = || Refusal::Unknown { what: "incident".to_owned(), id: id.to_string() };
        let incident = self.desk.incidents.get(id).ok_or_else(unknown)?;
        if !incident.attention.is_unacked() {
            return Ok(());
        }
        let by: PersonId = command.who.clone();
        let attention = Attention::Acked { by, at: self.now.wall, grade: None, version: 0 };
        let incident = Incident { attention, ..incident.clone() };
        self.emit(Event::Incident(Box::new(incident)));
        Ok(())
    }
}

impl<M: Mode> Desk<M> {
    /// Open incidents and the last closed ones, in the order of their ids.
    pub fn incidents(&self) -> impl Iterator<Item = &Arc<Incident>> {
        self.incidents.all()
    }

    /// Makes an incident stand as an event says.
    pub(super) fn file_incident(&mut self, incident: &Incident) {
        let settles_at = incident.settles_at.filter(|_| incident.is_open());
        self.timetable.set(&Deadline::Incident(incident.id.clone()), settles_at);
        self.incidents.file(incident);
    }

    pub(super) fn next_incident_id(&self, at: Timestamp) -> IncidentId {
        let day = at.civil(0);
        let count = self.incidents.count + 1;
        IncidentId::from(format!("I-{:04}{:02}{:02}-{count:04}", day.year, day.month, day.day))
    }

    /// What an alarm stands on: what its measure read, and of one that has read nothing, all of its station.
    fn sensors_of(&self, alarm: &Alarm) -> Vec<Sensor> {
        if alarm.causes.is_empty() {
            return self.directory.sensors(&self.site, station_of(&alarm.key));
        }
        let sensor = |cause: &watchfire_model::finding::Cause| Sensor {
            station: cause.station.clone(),
            point: cause.point.clone(),
        };
        alarm.causes.iter().map(sensor).collect()
    }
}

/// Whether an alarm's evidence is lost because nothing is heard.
fn is_cut_off(alarm: &Alarm) -> bool {
    match &alarm.evidence {
        Evidence::NoData { .. } | Evidence::Fault { cause: FaultCause::Link } => true,
        Evidence::Good
        | Evidence::Degraded { .. }
        | Evidence::Fault { .. }
        | Evidence::RuleError { .. }
        | Evidence::Starting
        | Evidence::OutOfService
        | Evidence::Calibrating => false,
    }
}

/// An alarm under an incident asks for nobody by itself, unless its evidence was lost while it was rising.
fn come_under(alarm: &mut Alarm, incident: &IncidentId) {
    alarm.incident = Some(incident.clone());
    if alarm.lost_rising.is_none() && alarm.fault_attention.is_unacked() {
        alarm.fault_attention = Attention::Quiet;
        alarm.fault_latch = None;
    }
}
