//! How warnings and alarms are shown: the model's own, with names for people and what a screen would else have to work
//! out (which alarm leads, how many receipts are in, who has taken note).

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use watchfire_model::alarm::{Alarm, AlarmKey, Assigned, HeldOver, Override};
use watchfire_model::attention::Attention;
use watchfire_model::bulletin::Bulletin;
use watchfire_model::doubt::Doubt;
use watchfire_model::finding::Evidence;
use watchfire_model::grade::{Grade, PerGrade};
use watchfire_model::id::{HazardId, IncidentId, PersonId, PointIx, RuleId, SubjectId, WarningId};
use watchfire_model::mode::ModeTag;
use watchfire_model::outlook::{Recovering, Rising};
use watchfire_model::quality::Flag;
use watchfire_model::receipt::Outcome;
use watchfire_model::suppression::{AskedOut, Suppression};
use watchfire_model::time::{Span, Timestamp};
use watchfire_model::warning::{Entry, NoticeStatus, PreparedCorrection, Publication, Waiting, Warning};

use super::directory::{Directory, PointName};
use super::told::{Told, told};
use crate::outlooks::Known;
use crate::views::DeskView;

/// The alarms of one published view, by key.
pub(super) struct Alarms<'a> {
    by_key: HashMap<&'a AlarmKey, &'a Alarm>,
    outlooks: Option<&'a Known>,
}

impl<'a> Alarms<'a> {
    pub(super) fn of(view: &'a DeskView) -> Self {
        Self { by_key: view.alarms.iter().map(|alarm| (&alarm.key, &**alarm)).collect(), outlooks: None }
    }
    /// With what is under way on them.
    pub(super) fn heading(view: &'a DeskView, outlooks: &'a Known) -> Self {
        Self { outlooks: Some(outlooks), ..Self::of(view) }
    }
    pub(super) fn under<'w>(&'w self, warning: &'w Warning) -> impl Iterator<Item = &'a Alarm> + 'w {
        warning.alarms.iter().filter_map(|key| self.by_key.get(key).copied())
    }
}

/// Whether nothing more of a warning is to come.
pub(super) fn is_live(warning: &Warning) -> bool {
    !matches!(warning.publication, Publication::Ended { .. })
}

/// A warning in a list.
#[derive(Serialize)]
pub(super) struct Summary<'a> {
    id: &'a WarningId,
    hazard: &'a HazardId,
    hazard_names: BTreeMap<&'a str, &'a str>,
    area: &'a str,
    area_name: &'a str,
    mode: ModeTag,
    live: bool,
    grade: Option<Grade>,
    peak: Grade,
    onset: Timestamp,
    opened_at: Timestamp,
    version: u64,
    /// The alarm it opened with.
    first_out: Option<&'a AlarmKey>,
    evidence_lost: Option<Timestamp>,
    publication: &'a Publication,
    waiting: Option<&'a Waiting>,
    /// What is prepared to set right what the public was told, for a person to sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    correction: Option<&'a PreparedCorrection>,
    /// The alarm it stands highest on.
    lead: Option<Lead<'a>>,
    /// Alarms that have a grade.
    standing: usize,
    /// It stands, and every alarm that it stands on is kept from those on duty.
    suppressed: bool,
    /// Some alarm under it waits for a person to take note.
    unacked: bool,
    /// Who took note last.
    acked_by: Option<&'a PersonId>,
    receipts: Receipts,
    /// How long it took until somebody was told.
    told: Option<Told<'a>>,
}

/// How the notices of a warning stand.
#[derive(Clone, Copy, Default, Serialize)]
pub(super) struct Receipts {
    total: usize,
    delivered: usize,
    refused: usize,
    /// Tried, and tried again.
    failing: usize,
}

/// The alarm that says best why a warning stands.
#[derive(Serialize)]
struct Lead<'a> {
    rule: &'a RuleId,
    subject: &'a SubjectId,
    name: &'a str,
    grade: Option<Grade>,
    pending: Option<Grade>,
    rising: Option<&'a Rising>,
    recovering: Option<&'a Recovering>,
    value: Option<f64>,
    threshold: Option<f64>,
    unit: &'a str,
    at: Timestamp,
    evidence: Option<&'a Evidence>,
    point: Option<PointName<'a>>,
    /// The value is the point's own, so that the point's last word is its present value …
    plain: bool,
    /// … unless it is older than this.
    stale_after_ms: Option<Span>,
}

/// The summary of a warning.
pub(super) fn summary<'a>(directory: &'a Directory, alarms: &Alarms<'a>, warning: &'a Warning) -> Summary<'a> {
    let mut receipts = Receipts { total: warning.notices.len(), ..Receipts::default() };
    for notice in &warning.notices {
        match notice.receipt.as_ref().map(|receipt| &receipt.outcome) {
            Some(Outcome::Delivered { .. }) => receipts.delivered += 1,
            Some(Outcome::Refused { .. }) => receipts.refused += 1,
            Some(Outcome::Failing { .. }) => receipts.failing += 1,
            None => {}
        }
    }
    let mut acked: Option<(Timestamp, &PersonId)> = None;
    let (mut unacked, mut standing, mut quieted) = (false, 0, 0);
    for alarm in alarms.under(warning) {
        standing += usize::from(alarm.standing().is_some());
        quieted += usize::from(alarm.is_quieted());
        for attention in [&alarm.attention, &alarm.fault_attention] {
            unacked |= attention.is_unacked();
            acked = acked.max(attention.noted().map(|(by, at)| (at, by)));
        }
    }
    Summary {
        id: &warning.id,
        hazard: &warning.hazard,
        hazard_names: directory.hazard_names(&warning.hazard),
        area: warning.area.as_str(),
        area_name: directory.area_name(&warning.area),
        mode: warning.mode,
        live: is_live(warning),
        grade: warning.grade,
        peak: warning.peak,
        onset: warning.onset,
        opened_at: warning.opened_at,
        version: warning.version,
        first_out: warning.first_out.as_ref(),
        evidence_lost: warning.evidence_lost,
        publication: &warning.publication,
        waiting: warning.waiting.as_ref(),
        correction: warning.correction.as_deref(),
        lead: lead(directory, alarms, warning),
        standing,
        suppressed: standing > 0 && quieted == standing,
        unacked,
        acked_by: acked.map(|(_, by)| by),
        receipts,
        told: told(warning),
    }
}

fn lead<'a>(directory: &'a Directory, alarms: &Alarms<'a>, warning: &'a Warning) -> Option<Lead<'a>> {
    if let Some(alarm) = alarms.under(warning).max_by_key(|alarm| (alarm.standing(), alarm.pending, alarm.at)) {
        let ix = directory.point_of(alarm);
        let point = ix.and_then(|ix| directory.site().point(ix));
        return Some(Lead {
            rule: &alarm.key.rule,
            subject: &alarm.key.subject,
            name: &alarm.name,
            grade: alarm.standing(),
            pending: alarm.pending,
            rising: alarms.outlooks.and_then(|it| it.rising(&alarm.key)),
            recovering: alarms.outlooks.and_then(|it| it.recovering(&alarm.key)),
            value: alarm.value,
            threshold: alarm.threshold,
            unit: &alarm.unit,
            at: alarm.at,
            evidence: Some(&alarm.evidence),
            plain: point.is_some_and(|point| directory.bands_of(alarm, point).is_some()),
            stale_after_ms: point.map(watchfire_model::site::Point::stale_after),
            point: ix.and_then(|ix| directory.point_name(ix)),
        });
    }
    // Its alarms are quiet and gone from the view: the last bulletin says what was measured.
    let measured = warning.bulletins.last()?.measured.iter().max_by_key(|measured| (measured.grade, measured.at))?;
    Some(Lead {
        rule: &measured.rule,
        subject: &measured.subject,
        name: &measured.name,
        grade: measured.grade,
        pending: None,
        rising: None,
        recovering: None,
        value: measured.value,
        threshold: measured.threshold,
        unit: &measured.unit,
        at: measured.at,
        evidence: None,
        point: None,
        plain: false,
        stale_after_ms: None,
    })
}

/// Points whose last word belongs beside a live warning.
pub(super) fn warned_points(directory: &Directory, view: &DeskView) -> Vec<PointIx> {
    let alarms = Alarms::of(view);
    let live = view.warnings.iter().filter(|warning| is_live(warning));
    let mut points: Vec<PointIx> = live
        .flat_map(|warning| alarms.under(warning))
        .flat_map(|alarm| {
            let read = alarm.causes.iter().filter_map(|c| directory.point_ix(c.station.as_str(), c.point.as_str()));
            read.chain(directory.point_of(alarm)).collect::<Vec<_>>()
        })
        .collect();
    points.sort_unstable();
    points.dedup();
    points
}

/// A warning with everything that is known of it.
#[derive(Serialize)]
pub(super) struct Detail<'a> {
    #[serde(flatten)]
    summary: Summary<'a>,
    alarms: Vec<AlarmShown<'a>>,
    bulletins: &'a [Bulletin],
    notices: &'a [NoticeStatus],
    timeline: &'a [Entry],
}

/// All of one warning.
pub(super) fn detail<'a>(directory: &'a Directory, alarms: &Alarms<'a>, warning: &'a Warning) -> Detail<'a> {
    Detail {
        summary: summary(directory, alarms, warning),
        alarms: alarms.under(warning).map(|alarm| AlarmShown::of(directory, alarms.outlooks, alarm)).collect(),
        bulletins: &warning.bulletins,
        notices: &warning.notices,
        timeline: &warning.timeline,
    }
}

/// An alarm.
#[derive(Serialize)]
pub(super) struct AlarmShown<'a> {
    rule: &'a RuleId,
    subject: &'a SubjectId,
    name: &'a str,
    hazard: &'a HazardId,
    area: &'a str,
    area_name: &'a str,
    judged: Option<Grade>,
    standing: Option<Grade>,
    /// A higher grade whose delay runs.
    pending: Option<Grade>,
    /// How far that delay has come.
    rising: Option<&'a Rising>,
    /// It is short of what holds its grade, and how far the delay has come after which that is left.
    recovering: Option<&'a Recovering>,
    /// Why the public is not told of the judged grade yet.
    doubt: Option<&'a Doubt>,
    /// Its grade turns too often: falls are not said until it has been still.
    chatters: bool,
    override_by: Option<&'a Override>,
    evidence: Cow<'a, Evidence>,
    evidence_lost: bool,
    evidence_since: Timestamp,
    /// The grade towards which it was rising when its evidence was lost.
    lost_rising: Option<Grade>,
    /// The incident that explains why its evidence is lost.
    incident: Option<&'a IncidentId>,
    attention: &'a Attention,
    fault_attention: &'a Attention,
    latch: Option<Grade>,
    fault_latch: Option<Timestamp>,
    assigned: Option<&'a Assigned>,
    /// What keeps it from being announced.
    suppressed: &'a [Suppression],
    asked_out: Option<&'a AskedOut>,
    /// Since when it has had no rule or subject.
    orphaned: Option<Timestamp>,
    /// It stood when its rule was changed, and falls only once a person agrees.
    held_over: Option<&'a HeldOver>,
    /// Its grade is kept from those on duty.
    quieted: bool,
    onset: Timestamp,
    at: Timestamp,
    changed_at: Timestamp,
    value: Option<f64>,
    threshold: Option<f64>,
    unit: &'a str,
    version: u64,
    revision: &'a str,
    causes: Vec<CauseShown<'a>>,
    /// The point to draw, and its thresholds where the measure is the point's own value.
    point: Option<PointName<'a>>,
    bands: Option<&'a PerGrade<Option<f64>>>,
    response: &'a str,
    consequence: &'a str,
    time_to_respond_ms: Option<Span>,
}

#[derive(Serialize)]
struct CauseShown<'a> {
    station: &'a str,
    station_name: &'a str,
    point: &'a str,
    unit: &'static str,
    at: Timestamp,
    value: f64,
    flag: Flag,
    checks: Vec<&'static str>,
}

impl<'a> AlarmShown<'a> {
    pub(super) fn of(directory: &'a Directory, outlooks: Option<&'a Known>, alarm: &'a Alarm) -> Self {
        let rule = directory.rule(&alarm.key.rule);
        let ix = directory.point_of(alarm);
        let ground = alarm.ground();
        Self {
            rule: &alarm.key.rule,
            subject: &alarm.key.subject,
            name: &alarm.name,
            hazard: &alarm.hazard,
            area: alarm.area.as_str(),
            area_name: directory.area_name(&alarm.area),
            judged: alarm.judged,
            standing: alarm.standing(),
            pending: alarm.pending,
            rising: outlooks.and_then(|it| it.rising(&alarm.key)),
            recovering: outlooks.and_then(|it| it.recovering(&alarm.key)),
            doubt: alarm.doubt.as_ref(),
            chatters: alarm.chatters_until.is_some(),
            override_by: alarm.override_by.as_ref(),
            evidence_lost: ground.is_lost(),
            evidence: ground,
            evidence_since: alarm.evidence_since,
            lost_rising: alarm.lost_rising,
            incident: alarm.incident.as_ref(),
            attention: &alarm.attention,
            fault_attention: &alarm.fault_attention,
            latch: alarm.latch,
            fault_latch: alarm.fault_latch,
            assigned: alarm.assigned.as_ref(),
            suppressed: &alarm.suppressed,
            asked_out: alarm.asked_out.as_ref(),
            orphaned: alarm.orphaned,
            held_over: alarm.held_over.as_ref(),
            quieted: alarm.is_quieted(),
            onset: alarm.onset,
            at: alarm.at,
            changed_at: alarm.changed_at,
            value: alarm.value,
            threshold: alarm.threshold,
            unit: &alarm.unit,
            version: alarm.version,
            revision: &alarm.revision.0,
            causes: alarm.causes.iter().map(|cause| CauseShown::of(directory, cause)).collect(),
            point: ix.and_then(|ix| directory.point_name(ix)),
            bands: ix.and_then(|ix| directory.bands_of(alarm, directory.site().point(ix)?)),
            response: rule.map_or("", |rule| &rule.response),
            consequence: rule.map_or("", |rule| &rule.consequence),
            time_to_respond_ms: rule.and_then(|rule| rule.time_to_respond),
        }
    }
}

impl<'a> CauseShown<'a> {
    fn of(directory: &'a Directory, cause: &'a watchfire_model::finding::Cause) -> Self {
        let ix = directory.point_ix(cause.station.as_str(), cause.point.as_str());
        Self {
            station: cause.station.as_str(),
            station_name: directory.station(cause.station.as_str()).map_or(cause.station.as_str(), |s| &s.name),
            point: cause.point.as_str(),
            unit: ix.and_then(|ix| directory.site().point(ix)).map_or("", |point| point.unit.symbol),
            at: cause.at,
            value: cause.value,
            flag: cause.flag,
            checks: cause.checks.names().collect(),
        }
    }
}
